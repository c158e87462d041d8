"""Kernel and initramfs, made in a root directory with only those locked packages that an initramfs may contain."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from debate import distributions, managers
from debate.deferred import frozen
from debate.entry import Entry
from debate.managers.interface import Initramfs, Target
from debate.steps import overlay
from debate.steps.download import supplier
from debate.steps.listed import for_people, telling
from debate.steps.rule import Rule
from debate.steps.tools import tools_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from debate.errors import Place
    from debate.history.records import Report
    from debate.model import Artifact, Step
    from debate.steps.choices import Choices
    from debate.steps.claims import Claims
    from debate.steps.work import Work

_WARNINGS = for_people("warning", "initrd", 1 << 16)
_READ = {
    "": (
        "/etc/modprobe.d/", "/usr/lib/modprobe.d/", "/etc/depmod.d/", "/usr/lib/modules/", "/usr/lib/firmware/",
        "/etc/udev/", "/usr/lib/udev/", "/etc/mdadm.conf", "/etc/lvm/", "/etc/plymouth/", "/usr/share/plymouth/",
        "/etc/fonts/", "/etc/ld.so.conf", "/etc/ld.so.conf.d/",
    ),
    "initramfs-tools": (
        "/etc/initramfs-tools/", "/usr/share/initramfs-tools/", "/etc/live/", "/usr/lib/live/", "/etc/crypttab",
        "/etc/cryptsetup-initramfs/", "/etc/dropbear/initramfs/", "/etc/default/keyboard", "/etc/default/console-setup",
        "/etc/console-setup/", "/etc/fstab", "/etc/mdadm/", "/etc/multipath.conf", "/etc/multipath/", "/etc/iscsi/",
        "/etc/systemd/network/", "/usr/lib/systemd/network/", "/etc/hostid", "/etc/zfs/",
    ),
    "dracut": (
        "/etc/dracut.conf", "/etc/dracut.conf.d/", "/usr/lib/dracut/", "/etc/modules-load.d/",
        "/usr/lib/modules-load.d/", "/etc/sysctl.conf", "/etc/sysctl.d/", "/etc/vconsole.conf", "/etc/locale.conf",
        "/etc/crypttab", "/etc/mdadm/", "/etc/multipath.conf", "/etc/multipath/", "/etc/iscsi/",
        "/etc/systemd/network/", "/usr/lib/systemd/network/", "/etc/hostid", "/etc/zfs/", "/etc/default/keyboard",
        "/etc/default/console-setup", "/etc/console-setup/",
    ),
    "mkinitcpio": (
        "/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d/", "/etc/initcpio/", "/usr/lib/initcpio/", "/etc/vconsole.conf",
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
_HOOKS = {
    "initramfs-tools": r"/(etc|usr/share)/initramfs-tools/hooks/.",
    "dracut": r"/usr/lib/dracut/modules\.d/.",
    "mkinitcpio": r"/(etc|usr/lib)/initcpio/install/.",
}
"""Generator -> pattern of what runs when it makes an initramfs."""
_LAYOUT = frozenset(("/etc/default/keyboard", "/etc/vconsole.conf"))
_OWN_HOOK = {
    "initramfs-tools": r"/etc/initramfs-tools/hooks/zz-debate(/.*)?|/usr/lib/live/boot/9999-debate(/.*)?",
    "dracut": r"/usr/lib/dracut/modules\.d/[0-9][0-9]live-layers(/.*)?",
    "mkinitcpio": r"/(etc|usr/lib)/initcpio/(install|hooks)/live_layers(/.*)?|/etc/debate-mkinitcpio\.conf",
}
"""Generator -> pattern of what would replace the hook that sandbox/initrd.sh adds, or be replaced by it."""
_MUST_BE_EXECUTABLE = ("/etc/initramfs-tools/hooks/", "/etc/initramfs-tools/scripts/")
_PLAIN = "[A-Za-z0-9._-]+"
_PASSED_OVER = {
    "": (("/etc/modprobe.d/", r"[^/]+\.conf", "modprobe", "end its name with .conf"),),
    "initramfs-tools": (
        ("/etc/initramfs-tools/hooks/", _PLAIN, "mkinitramfs", "give it a name of letters, digits, ., _ and -"),
        ("/etc/initramfs-tools/scripts/", f"({_PLAIN}/)?{_PLAIN}", "mkinitramfs",
         "name it DIRECTORY/FILE with letters, digits, ., _ and -"),
        ("/etc/initramfs-tools/conf.d/", r"(?!.*\.dpkg-)[A-Za-z0-9][A-Za-z0-9._-]*", "mkinitramfs",
         "give it a name of letters, digits, ., _ and -"),
    ),
    "dracut": (
        ("/etc/dracut.conf.d/", r"[^/]+\.conf", "dracut", "end its name with .conf"),
        ("/usr/lib/dracut/modules.d/", r"[0-9][0-9][^/]+/.+", "dracut", "start the module's name with two digits"),
    ),
    "mkinitcpio": (
        ("/etc/mkinitcpio.conf.d/", r"[^/]+\.conf", "mkinitcpio", "end its name with .conf"),
        ("/etc/crypttab.initramfs", "(?!)", "any hook that can run beside archiso's",
         "write `initrd: {generator: dracut}` and /etc/crypttab"),
    ),
}  # fmt: skip
"""Generator, or empty for all -> a start of paths, the rest of those that are read there, by what, and the remedy."""
_FOR_PEOPLE = re.compile(r"(.*/)?(README[^/]*|\.gitkeep|\.gitignore)")
"""What lies in such directories and is meant for no program."""
_LINKS_ARE_NOT_READ = "/etc/initramfs-tools/scripts/"


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
        _require_read(choices, generator)
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
            network=choices.data["boot"]["network"]
            and generator in distributions.get(choices.data["distribution"]).NETWORK,
            tree=tuple(tree[path] for path in sorted(tree)),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON without the empty fields of entries."""
        from debate.steps.work import json_values

        return {**json_values(self), "tree": [entry.to_json() for entry in self.tree]}

    @property
    def is_changed(self) -> bool:
        """True if the profile has fields of it beside the generator."""
        return bool(self.compression or self.modules or self.files or self.firmware or self.hooks or self.network)

    @property
    def of_packages(self) -> bool:
        """True if its root needs all packages: it has files that are not the profile's own, or runs hooks of it."""
        where = re.compile(_HOOKS[self.generator])
        own = {entry.path for entry in self.tree}
        return not set(map(_real, self.files)) <= own or any(map(where.match, own))

    @property
    def has_layout(self) -> bool:
        """True if the profile says how keys are laid out."""
        return bool(_LAYOUT & {entry.path for entry in self.tree})


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
        if _FOR_PEOPLE.fullmatch(path):
            continue
        if entry.type == "file" and path.startswith(_MUST_BE_EXECUTABLE) and not int(entry.mode, 8) & 0o111:
            remedy = 'set its mode to "0755"' if claim.field == "files" else "make it executable"
            choices.note(claim.place, f"{path} is not executable, so mkinitramfs passes over it", remedy)


def _require_read(choices: Choices, generator: str) -> None:
    """Note a problem for each file that is where the generator looks, but that it passes over."""
    passed_over = (*_PASSED_OVER[""], *_PASSED_OVER[generator])
    for claim in overlay.files_of(choices).found.values():
        path = _real(claim.entry.path)
        if claim.entry.type == "directory":
            continue
        if claim.entry.type == "link" and path.startswith(_LINKS_ARE_NOT_READ):
            choices.note(claim.place, f"{path} is a link, and mkinitramfs passes over it", "put the file there")
        for start, rest, reader, remedy in passed_over:
            below = path.removeprefix(start)
            if below != path and not re.fullmatch(rest, below) and not _FOR_PEOPLE.fullmatch(below):
                choices.note(claim.place, f"{path} is not read by {reader}", remedy)


def make(work: Work) -> Report:
    """Record: outputs kernel, initrd and warnings.

    Modules that DKMS builds when the system is installed are built once more: so neither waits for the other.
    """
    from debate.steps.work import epoch_of

    values, read = work.slice(Slice), work.record("packages")
    needed, builders = set(read["initrd"]), set(read["modules"])
    packages = [package for package in work.locked() if package.sha256 in needed]
    manager, tools = managers.get(values.distribution), tools_for(work, values.distribution)
    epoch = work.epoch(epoch_of(values))
    modules = None
    if builders:
        with_sources = [package for package in work.locked() if package.sha256 in builders]
        index = work.outputs("packages")["index"]
        target = Target(values.distribution, values.release, values.architecture, exclude=(), mksquashfs=())
        system = manager.rootfs_step(with_sources, index, read["kernel"], target, tools, epoch)
        modules = work.realise(modules_step(system), supplier(work, with_sources)).outputs["modules"]
    step = manager.initrd_step(packages, read["kernel"], values, modules, tools, epoch)
    told: list[str] = []

    def check(made: Mapping[str, Artifact]) -> None:
        told[:] = [match[0] for match in _WARNINGS.read(work.store, made["warnings"])]

    report = work.finish(step, supplier(work, packages, "initramfs"), check)
    return telling(report, "warning", told)


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
    slices=("lock", "epoch"),
    needs=("lock", "packages", "mirrors", "initramfs", "epoch"),
    tools=True,
    rights=("bootstrap", "data", "fetch"),
    outputs=("kernel", "initrd", "warnings"),
    has_shell=True,
)
