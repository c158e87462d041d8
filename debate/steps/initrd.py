"""Kernel and initramfs, made in a root directory with only those locked packages that an initramfs may contain."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from debate import managers
from debate.deferred import frozen
from debate.entry import Entry
from debate.managers.interface import Initramfs, Target
from debate.steps import overlay
from debate.steps.download import supplier
from debate.steps.rule import Rule
from debate.steps.tools import tools_for

if TYPE_CHECKING:
    from debate.errors import Place
    from debate.history.records import Report
    from debate.model import Step
    from debate.steps.choices import Choices
    from debate.steps.claims import Claims
    from debate.steps.work import Work

_READ = {
    "": (
        "/etc/modprobe.d/", "/usr/lib/modprobe.d/", "/usr/lib/modules/", "/usr/lib/firmware/", "/etc/udev/",
        "/usr/lib/udev/", "/etc/systemd/network/", "/etc/crypttab", "/etc/mdadm.conf", "/etc/mdadm/", "/etc/lvm/",
        "/etc/multipath.conf", "/etc/multipath/", "/etc/iscsi/", "/etc/plymouth/", "/usr/share/plymouth/",
    ),
    "initramfs-tools": (
        "/etc/initramfs-tools/", "/usr/share/initramfs-tools/", "/etc/live/", "/usr/lib/live/",
        "/etc/cryptsetup-initramfs/", "/etc/dropbear/initramfs/", "/etc/default/keyboard", "/etc/default/console-setup",
    ),
    "dracut": (
        "/etc/dracut.conf", "/etc/dracut.conf.d/", "/usr/lib/dracut/", "/etc/modules-load.d/",
        "/usr/lib/modules-load.d/", "/etc/sysctl.conf", "/etc/sysctl.d/", "/etc/vconsole.conf", "/etc/locale.conf",
    ),
    "mkinitcpio": (
        "/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d/", "/etc/initcpio/", "/usr/lib/initcpio/",
        "/etc/modules-load.d/", "/usr/lib/modules-load.d/", "/etc/crypttab.initramfs", "/etc/vconsole.conf",
    ),
}  # fmt: skip
"""Generator, or empty for all -> the files (`_real`) that it and its hooks read; with a slash at the end, all below."""
_MERGED = ("/bin/", "/lib/", "/lib64/", "/sbin/")
"""Links of every system to the directories of the same names in /usr."""
_HOOK = {
    "initramfs-tools": "/etc/initramfs-tools/hooks/{}",
    "dracut": "/usr/lib/dracut/modules.d/91{}/module-setup.sh",
    "mkinitcpio": "/etc/initcpio/install/{}",
}
"""Generator -> where it looks for a hook."""
_OWN_HOOK = {
    "initramfs-tools": r"/etc/initramfs-tools/hooks/zz-debate(/.*)?",
    "dracut": r"/usr/lib/dracut/modules\.d/[0-9][0-9]live-layers(/.*)?",
    "mkinitcpio": r"/(etc|usr/lib)/initcpio/(install|hooks)/live_layers(/.*)?|/etc/debate-mkinitcpio\.conf",
}
"""Generator -> pattern of what would replace the hook that sandbox/initrd.sh adds, or be replaced by it."""
_MUST_BE_EXECUTABLE = ("/etc/initramfs-tools/hooks/", "/etc/initramfs-tools/scripts/")


@frozen
class Slice(Initramfs):
    """What is in the initramfs, and its system."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        wanted = choices.data["initrd"]
        generator, files = wanted["generator"], tuple(sorted(set(wanted["files"])))
        hooks = _hooks(choices, generator)
        claims = _read_by(choices, generator, {_real(path) for path in files})
        _require_executable(choices, claims)
        for number, entry in enumerate(hooks.values()):
            claims.add(entry, "initrd.hooks", choices.place(("initrd", "hooks", number)))
        _require_no_own(choices, claims, generator)
        tree = claims.entries
        return cls(
            **choices.system,
            generator=choices.data["initrd"]["generator"],
            compression=wanted["compression"] or "",
            modules=tuple(sorted(set(wanted["modules"]))),
            files=files,
            firmware=tuple(sorted(set(wanted["firmware"]))),
            hooks=tuple(hooks),
            tree=tuple(tree[path] for path in sorted(tree)),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON without the empty fields of entries."""
        from debate.steps.work import json_values

        return {**json_values(self), "tree": [entry.to_json() for entry in self.tree]}

    @property
    def is_changed(self) -> bool:
        """True if the profile has fields of it beside the generator."""
        return bool(self.compression or self.modules or self.files or self.firmware or self.hooks)

    @property
    def of_packages(self) -> bool:
        """True if it has files that are not the profile's own, which may be of any package."""
        return not set(map(_real, self.files)) <= {entry.path for entry in self.tree}


def _hooks(choices: Choices, generator: str) -> dict[str, Entry]:
    """Name -> file of each hook, in their order."""
    found: dict[str, Entry] = {}
    for number, node in enumerate(choices.profile.root.at(("initrd", "hooks")).entries()):
        content, name = choices.read(node, "hook"), Path(node.value).stem
        if name in found:
            choices.problem(("initrd", "hooks", number), f"two hooks have the name {name!r}", "rename one")
        if content is not None:
            overlay.require_script(choices, node, content)
            path = _HOOK[generator].format(name)
            found[name] = Entry(path, "file", mode="0755", digest=choices.keep_content(content))
    return found


def _read_by(choices: Choices, generator: str, files: set[str]) -> Claims:
    """The claims that ``generator`` reads, and those of ``files``, by their real paths.

    So two spellings of one path are compared, of which only the later one in tree.tar would be there.
    """
    from debate.steps.claims import Claims

    found = Claims(choices)
    known = (*files, *_READ[""], *_READ[generator])
    directories, single = tuple(one for one in known if one.endswith("/")), frozenset(known)
    for claim in overlay.files_of(choices).found.values():
        path = _real(claim.entry.path)
        if path in single or path.startswith(directories):
            found.add(replace(claim.entry, path=path), claim.field, claim.place)
    return found


def _real(path: str) -> str:
    """``path`` where no link of a system with a merged /usr leads elsewhere."""
    return f"/usr{path}" if path.startswith(_MERGED) else path


def _require_no_own(choices: Choices, claims: Claims, generator: str) -> None:
    """Note a problem for each field that has debate's own hook: of an overlay only the first path."""
    own = re.compile(_OWN_HOOK[generator])
    told: set[Place | None] = set()
    for path, claim in claims.found.items():
        if own.fullmatch(path) and claim.place not in told:
            told.add(claim.place)
            choices.note(claim.place, f"{claim.field}: {path} is of debate's own hook", "rename it")


def _require_executable(choices: Choices, claims: Claims) -> None:
    """Note a problem for each script that mkinitramfs would pass over."""
    for path, claim in claims.found.items():
        entry = claim.entry
        if entry.type == "file" and path.startswith(_MUST_BE_EXECUTABLE) and not int(entry.mode, 8) & 0o111:
            remedy = 'set its mode to "0755"' if claim.field == "files" else "make it executable"
            choices.note(claim.place, f"{path} is not executable, so mkinitramfs passes over it", remedy)


def make(work: Work) -> Report:
    """Record: outputs kernel and initrd.

    Modules that DKMS builds when the system is installed are built once more: so neither waits for the other.
    """
    from debate.steps.work import epoch_of

    values, read = work.slice(Slice), work.record("packages")
    needed, builders = set(read["initrd"]), set(read["modules"])
    packages = [package for package in work.locked() if package.sha256 in needed]
    manager, tools, epoch = managers.get(values.distribution), tools_for(work, values.distribution), epoch_of(values)
    modules = None
    if builders:
        with_sources = [package for package in work.locked() if package.sha256 in builders]
        index = work.outputs("packages")["index"]
        target = Target(values.distribution, values.release, values.architecture, exclude=(), mksquashfs=())
        system = manager.rootfs_step(with_sources, index, read["kernel"], target, tools, epoch)
        modules = work.realise(modules_step(system), supplier(work, with_sources)).outputs["modules"]
    step = manager.initrd_step(packages, read["kernel"], values, modules, tools, epoch)
    return work.finish(step, supplier(work, packages, "initramfs"))


def modules_step(rootfs: Step) -> Step:
    """``rootfs``, of `Manager.rootfs_step`, for its modules alone. Output: modules, for `Manager.initrd_step`."""
    from debate.model import Command

    install, _ = rootfs.commands
    commands = (install, Command("pack-modules.sh", show_left=True))
    return replace(rootfs, name="modules", commands=commands, outputs=("modules",))


RULE = Rule(
    name="initrd",
    doc="make kernel and initramfs",
    make=make,
    slice=Slice,
    slices=("lock",),
    needs=("lock", "packages", "mirrors", "initramfs"),
    tools=True,
    rights=("bootstrap", "data", "fetch"),
    outputs=("kernel", "initrd"),
    has_shell=True,
)
