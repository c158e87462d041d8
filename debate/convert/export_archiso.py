"""Exports a debate profile as one that mkarchiso accepts.

In addition to what mkarchiso reads, the directory holds the debate profile itself (debate/) and the SHA-256 of every
file: an unchanged export can be imported again and gives the same config. mkarchiso ignores both.

Source: archiso's docs/README.profile.rst.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from debate import keys
from debate.convert import foreign
from debate.convert.draft import Draft, unwritable, yaml_text
from debate.convert.foreign import Foreign
from debate.distributions import arch
from debate.entry import Contents, Entry
from debate.errors import DebateError
from debate.host.beneath import MAX_BYTES, Item, Tree, chunks, open_by_real_path
from debate.images import iso, theme
from debate.profile import reader
from debate.profile.schema import fits
from debate.steps import boot, initrd, lock, overlay, packages, rootfs
from debate.steps import epoch as dates
from debate.steps.config import Config
from debate.text import kernel_line
from debate.text.paths import shown
from debate.text.printable import printable

PROFILE, SUMS = "debate", "debate.sha256"
"""Directory of the debate profile, and file with the checksums of all other files."""
_TOP = frozenset({
    PROFILE, SUMS, "airootfs", "efiboot", "syslinux", "profiledef.sh", "packages.x86_64", "pacman.conf"
})  # fmt: skip
"""Names in an exported directory."""
_EXPIRY = "14871"
"""Days since 1970 in the third field of shadow(5), as in archiso's own profiles."""
_WANTS = {".socket": "sockets.target", ".timer": "timers.target", ".path": "paths.target"}
_PLACEHOLDERS = ("%ARCHISO_LABEL%", "%ARCHISO_UUID%", "%INSTALL_DIR%", "%ARCH%", "%KERNEL_PARAMS%")
_CONFIG = "etc/mkinitcpio.conf.d/archiso.conf"
_PRESET = f"""\
PRESETS=('archiso')
ALL_kver='/boot/vmlinuz-{{kernel}}'
archiso_config='/{_CONFIG}'
archiso_image="/boot/initramfs-{{kernel}}.img"
"""
_MICROCODE = """\
if compgen -G '/boot/*-ucode.img' > /dev/null; then
    HOOKS+=(microcode)
fi
"""
"""mkinitcpio's configuration is a script. Only there it is known if there is microcode: a package may depend on it."""
_PASSED_OVER = ("/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d/")
"""Configuration of mkinitcpio that it does not read, since the preset names another file."""


@dataclass(frozen=True)
class File:
    """One file of the directory."""

    content: bytes | Path = b""
    """A path for a file of the profile, which is copied."""
    link: str = ""
    """The target, if it is a symbolic link."""
    digest: str = ""
    """That of the content, if ``content`` is a path."""

    @property
    def sum(self) -> str:
        """The SHA-256, 64 hex digits, of its content or of the link's target."""
        if isinstance(self.content, Path):
            return keys.digits(self.digest)
        return keys.digits(keys.sha256(self.link.encode() if self.link else self.content))

    def chunks(self) -> Iterator[bytes]:
        """The content in parts. Raises DebateError if a file of the profile changed since it was read."""
        if isinstance(self.content, bytes):
            yield self.content
            return
        path, found = self.content, hashlib.sha256()
        try:
            with open_by_real_path(path) as file:
                for chunk in chunks(file, MAX_BYTES):
                    found.update(chunk)
                    yield chunk
        except OSError as error:
            raise DebateError(error.strerror or str(error), _AGAIN, place=shown(path)) from None
        if keys.digest(found.hexdigest()) != self.digest:
            raise DebateError("changed while it was read", _AGAIN, place=shown(path))


_AGAIN = "run the same command again, and leave the file alone meanwhile"


@dataclass(frozen=True)
class Export:
    """The content of the exported directory."""

    files: Mapping[str, File]
    losses: tuple[str, ...]
    """What has no counterpart in mkarchiso."""


def export(name: str, made: Config, own: Mapping[str, File], epoch: int) -> Export:
    """Export a normalised config. ``own``: the profile itself, from `own_profile`.

    Raises DebateError for a config that mkarchiso cannot build at all.
    """
    place = f"export-archiso:{name}"
    if made.slice(initrd.Slice).distribution != "arch":
        raise DebateError("mkarchiso builds Arch Linux only", "choose a profile with distribution: arch", place=place)
    if made.slice(initrd.Slice).generator != "mkinitcpio":
        raise DebateError("mkarchiso supports mkinitcpio only", "set initrd: {generator: mkinitcpio}", place=place)
    if made.slice(initrd.Slice).is_changed:
        raise DebateError("fields of initrd have no counterpart in mkarchiso", "leave them out", place=place)
    exporter = _Exporter(name, made)
    files = {**exporter.files(epoch), **{f"{PROFILE}/{path}": file for path, file in own.items()}}
    for path in files:
        above = next((above for above in _above(path) if above in files), "")
        if above:
            what = "a link" if files[above].link else "a file"
            fact = f"/{path.partition('/')[2]} is below /{above.partition('/')[2]}, which is {what}"
            raise DebateError(fact, "mkarchiso follows no links: name another path", place=place)
    return Export({**files, SUMS: File(sums({path: file.sum for path, file in files.items()}))}, tuple(exporter.losses))


def _above(path: str) -> Iterator[str]:
    """The directories above ``path``."""
    while path := path.rpartition("/")[0]:
        yield path


def sums(found: Mapping[str, str]) -> bytes:
    """One line per file: the SHA-256 of its content or link target, and its path."""
    return "".join(f"{digits}  {path}\n" for path, digits in sorted(found.items()) if path != SUMS).encode()


def own_profile(fields: Mapping[str, Any], made: Config) -> dict[str, File]:
    """The profile itself, merged with what it extends, and the files that it names.

    Raises DebateError if a file changed since it was read.
    """
    menu = made.slice(iso.Slice)
    tree = {entry.path: entry for entry in made.slice(overlay.Slice).tree}
    beside, written, said = _named_files(fields, tree)
    executable = [entry.path for entry in made.trees if entry.type == "file" and entry.mode == "0755"]
    executable += [entry.path for entry in beside if entry.mode == "0755"]
    text = {
        "fields": {
            **_host_name(made, tree),
            **{name: value for name, value in fields.items() if name not in _NOT_COPIED},
            **written,
            **said,
            "image": {**fields.get("image", {}), "label": menu.label},
            "boot": {**_without_files(fields.get("boot", {})), "title": menu.title},
        },
        "executable": [path.lstrip("/") for path in executable],
    }
    found = {"profile.yaml": File(yaml_text(text, sort_keys=True).encode())}
    for entry in made.trees:
        if entry.type == "link":
            found[f"overlay{entry.path}"] = File(link=entry.target)
        elif entry.type == "file":
            found[f"overlay{entry.path}"] = file_of(made.contents, entry.digest)
    for entry in beside:
        found[f"overlay{entry.path}"] = file_of(made.contents, entry.digest)
    for number, hook in enumerate(made.slice(overlay.Slice).hooks, 1):
        found[f"hooks/{number}/{hook.name}"] = file_of(made.contents, hook.digest)
    for repository in made.slice(lock.Slice).repositories:
        found[f"keys/{repository.name}"] = File(repository.key.encode("latin-1"))
    return found


def _host_name(made: Config, tree: Mapping[str, Entry]) -> dict[str, str]:
    """The field that says the name which follows from the profile's, unless a file of its own says another."""
    entry = tree["/etc/hostname"]
    content = made.contents.get(entry.digest)
    name = content.decode(errors="replace").strip() if isinstance(content, bytes) else ""
    return {"hostname": name} if content == f"{name}\n".encode() and fits(name, "hostname") else {}


def _named_files(
    fields: Mapping[str, Any], tree: Mapping[str, Entry]
) -> tuple[list[Entry], dict[str, Any], dict[str, Any]]:
    """The files that `source` names, which become an overlay's, and the fields `files` and `permissions` with that."""
    beside, written = list[Entry](), list[dict[str, Any]]()
    said = {item["path"]: item for item in fields.get("permissions", [])}
    for item in fields.get("files", []):
        path, content = item["path"], item.get("content")
        if item.get("source") is None or (content is not None and keys.sha256(content.encode()) == tree[path].digest):
            written.append({name: value for name, value in item.items() if name != "source"})
            continue
        beside.append(tree[path])
        own = {name: item[name] for name in ("mode", "owner", "group") if item.get(name)}
        if own:
            said[path] = {"path": path, "mode": tree[path].mode, **own, **said.get(path, {})}
    if not beside:
        return [], {}, {}
    return beside, {"files": written}, {"permissions": list(said.values())} if said else {}


def _without_files(boot: Mapping[str, Any]) -> dict[str, Any]:
    """The field without the files of the theme."""
    look = {name: value for name, value in boot.get("theme", {}).items() if name not in ("picture", "font")}
    return {**boot, **({"theme": look} if "theme" in boot else {})}


_NOT_COPIED = ("version", "extends", "remove", "base", "overlays", "hooks")
"""Fields that the exported profile has in another form, or not at all."""


def file_of(contents: Contents, digest: str) -> File:
    """The file with this content."""
    return File(contents[digest], digest=digest)


def read_back(source: Foreign) -> Draft | None:
    """The profile that was exported to ``source``; None if anything there has changed since. Raises DebateError."""
    top = {item.path for item in source.entries()}
    if SUMS not in top or top - _TOP:
        return None
    items = [item for item in source.walk() if not foreign.is_directory(item)]
    if any(source.cannot_copy(item.path, item) for item in items):
        return None
    found = {item.path: source.digest(item.path) for item in items}
    if keys.digits(keys.sha256(sums(found))) != found.get(SUMS):
        return None
    text = _own_fields(source.read(f"{PROFILE}/profile.yaml"))
    public = {name: source.read(path) for name, path in _below(items, "keys")}
    if text is None or public.keys() != set(_repositories(text["fields"])):
        return None
    return Draft(
        source,
        origin="an archiso profile that debate had exported",
        fields=text["fields"],
        overlay=dict(_below(items, "overlay")),
        hooks={name: source.read(path) for name, path in _below(items, "hooks")},
        losses=(),
        executable=frozenset(text["executable"]),
        keys=public,
    )


def _own_fields(data: bytes) -> dict[str, Any] | None:
    """What `own_profile` wrote to profile.yaml, or None for anything else, since anyone can make checksums."""
    root, problems = reader.read(data, "profile.yaml", Path())
    text = root.data() if root and not problems else {}
    fields, executable = text.get("fields"), text.get("executable")
    if not isinstance(fields, dict) or not isinstance(executable, list):
        return None
    if fields.keys() & set(_NOT_COPIED) or not all(isinstance(path, str) for path in executable):
        return None
    return {"fields": fields, "executable": executable}


def _repositories(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of the repositories."""
    found = fields.get("repositories")
    for repository in found if isinstance(found, list) else []:
        if isinstance(repository, dict) and isinstance(repository.get("name"), str):
            yield repository["name"]


def _below(items: Sequence[Item], directory: str) -> Iterator[tuple[str, str]]:
    """Name and path of each file of the debate profile in ``directory``, the second hook before the tenth."""
    start = f"{PROFILE}/{directory}/"
    found = [item.path.removeprefix(start) for item in items if item.path.startswith(start)]
    for name in sorted(found, key=lambda name: (len(name.partition("/")[0]) if directory == "hooks" else 0, name)):
        yield name, f"{start}{name}"


class _Exporter:
    def __init__(self, name: str, made: Config) -> None:
        self.name, self.made = name, made
        self.overlay, self.iso = made.slice(overlay.Slice), made.slice(iso.Slice)
        self.request, self.firmware = made.slice(lock.Slice), made.slice(boot.Slice).firmware
        self.secure = made.slice(boot.Slice).secure
        self.kernel = made.slice(packages.Slice).kernel
        self.numbers = {"root": 0, **self.user_ids()}
        self.losses: list[str] = []

    def files(self, epoch: int) -> dict[str, File]:
        found: dict[str, File] = {}
        for name, file in self.airootfs():
            path = f"airootfs/{name}"
            if found.setdefault(path, file) != file:
                self.losses.append(f"/{name}: mkarchiso needs another file at this path")
            found[path] = file
        if self.request.base is not None:
            self.losses.append("base: name its packages in this profile, since mkarchiso makes one layer")
        for entry in self.made.slice(initrd.Slice).tree:
            if entry.path.startswith(_PASSED_OVER):
                self.losses.append(f"{entry.path}: mkinitcpio is told to read /{_CONFIG} instead")
        found["profiledef.sh"] = File(self.profiledef(epoch).encode())
        found["packages.x86_64"] = File("".join(f"{package}\n" for package in self.package_names()).encode())
        found["pacman.conf"] = File(self.pacman_conf().encode())
        return found | {path: File(text.encode()) for path, text in self.boot()}

    def user_ids(self) -> dict[str, int]:
        """User name -> uid; missing ones are chosen like useradd does, from 1000 on, in the order of names."""
        taken = {user.uid for user in self.overlay.users if user.uid is not None}
        free = (number for number in range(1000, 60000) if number not in taken)
        return {
            user.name: user.uid if user.uid is not None else next(free)
            for user in self.overlay.users
            if user.name != "root"
        }

    def package_names(self) -> list[str]:
        syslinux = {"syslinux"} if "bios" in self.firmware else set()
        return sorted({*self.request.packages, *syslinux})

    def profiledef(self, epoch: int) -> str:
        modes = {"bios": "bios.syslinux", "uefi": "uefi.systemd-boot"}
        values: list[tuple[str, str | list[str]]] = [
            ("iso_name", self.name),
            ("iso_label", self.iso.label),
            ("iso_publisher", self.iso.publisher),
            ("iso_application", self.made.about["description"]),
            ("iso_version", self.made.hash[:16]),
            ("install_dir", "arch"),
            ("buildmodes", ["iso"]),
            ("bootmodes", [modes[firmware] for firmware in self.firmware if firmware in modes]),
            ("arch", self.iso.architecture),
            ("pacman_conf", "pacman.conf"),
            ("airootfs_image_type", "squashfs"),
            ("airootfs_image_tool_options", list(self.overlay.mksquashfs)),
            ("bootstrap_tarball_compression", ["zstd", "-c", "-T0", "--long", "-19"]),
        ]
        lines = [
            "#!/usr/bin/env bash",
            f"# Made from the debate profile {self.name} by doit export-archiso:{self.name}.",
            "# shellcheck disable=SC2034",
            f"export SOURCE_DATE_EPOCH={epoch}",
        ]
        for name, value in values:
            quoted = shlex.quote(value) if isinstance(value, str) else f"({' '.join(map(shlex.quote, value))})"
            lines.append(f"{name}={quoted}")
        lines.append("file_permissions=(")
        for path, value in sorted(self.permissions().items()):
            lines.append(f"  [{shlex.quote(path)}]={shlex.quote(value)}")
        return "\n".join([*lines, ")"]) + "\n"

    def permissions(self) -> dict[str, str]:
        """Path -> uid:gid:mode of everything that is not root's with the usual mode."""
        found = dict.fromkeys(("/etc/shadow", "/etc/gshadow"), "0:0:400") if self.overlay.users else {}
        # mkarchiso warns about paths that are not in airootfs/.
        if self.customize or any(entry.path.startswith("/root/") for entry in self.overlay.tree):
            found["/root"] = "0:0:750"
        entries = [entry for entry in self.overlay.tree if entry.type != "link"]
        links = {entry.path for entry in self.overlay.tree if entry.type == "link"}
        there = {entry.path: entry for entry in entries}
        permissions = []
        for permission in self.overlay.permissions:
            if links.isdisjoint((permission.path, *_above(permission.path))):
                own = there.get(permission.path, Entry(permission.path, "file"))
                owners = {"owner": permission.owner or own.owner, "group": permission.group or own.group}
                permissions.append(replace(permission, **owners))
            else:
                self.losses.append(f"{permission.path}: permissions of what is a link, or below one")
        changed: tuple[Entry | overlay.Permission, ...] = (*entries, *permissions)
        for entry in changed:
            usual = ("0", "0", "0755" if isinstance(entry, Entry) and entry.type == "directory" else "0644")
            owner, group = self.number(entry, "owner"), self.number(entry, "group")
            if (owner, group, entry.mode) != usual or not isinstance(entry, Entry):
                found[entry.path] = f"{owner}:{group}:{entry.mode}"
        if self.customize:
            found["/root/customize_airootfs.sh"] = "0:0:755"
        return found

    def number(self, entry: Entry | overlay.Permission, field: str) -> str:
        value = str(getattr(entry, field))
        if value.isascii() and value.isdigit():
            return value
        if value not in self.numbers:
            self.losses.append(
                f"{entry.path}: its {field} {value!r} is made by a package; file_permissions want a number"
            )
            return "0"
        return str(self.numbers[value])

    def pacman_conf(self) -> str:
        lines = [
            "[options]",
            "Architecture = auto",
            "SigLevel = Required DatabaseOptional",
            "LocalFileSigLevel = Optional",
        ]
        lines += [f"NoExtract = {glob.lstrip('/')}" for glob in self.made.slice(rootfs.Slice).exclude]
        if self.request.snapshot:
            self.losses.append(f"snapshot {self.request.snapshot}: put a dated mirror into pacman.conf")
        if self.made.slice(dates.Slice).epoch == dates.LOCK:
            self.losses.append("image.epoch: the dates are those of the config's hash, since no lock goes with it")
        for repository in self.request.repositories:
            self.losses.append(f"repository {repository.name!r}: its key has to be in the builder's own keyring")
            address = self.made.mirrors.get(repository.name)
            if address is None:
                self.losses.append(f"repository {repository.name!r}: put its address into pacman.conf")
            else:
                lines += [f"[{repository.name}]", f"Server = {address}"]
        for component in self.request.components:
            lines += [f"[{component}]", "Include = /etc/pacman.d/mirrorlist"]
        return "".join(f"{line}\n" for line in lines)

    def airootfs(self) -> Iterator[tuple[str, File]]:
        filled = {entry.path.rpartition("/")[0] for entry in self.overlay.tree}
        for entry in self.overlay.tree:
            path = entry.path.lstrip("/")
            if entry.type == "link":
                yield path, File(link=entry.target)
            elif entry.type == "file":
                yield path, file_of(self.made.contents, entry.digest)
            elif entry.path not in filled:
                self.losses.append(f"{entry.path}: an empty directory; file_permissions make none")
        yield f"etc/mkinitcpio.d/{self.kernel}.preset", File(_PRESET.format(kernel=self.kernel).encode())
        yield _CONFIG, File(f"{arch.HOOKS}{_MICROCODE}".encode())
        yield from self.accounts()
        yield from self.units()
        if self.customize:
            yield "root/customize_airootfs.sh", File(self.customize.encode(errors="surrogateescape"))

    def accounts(self) -> Iterator[tuple[str, File]]:
        if not self.overlay.users:
            return
        passwd, shadow, members = [], [], dict[str, list[str]]()
        if all(user.name != "root" for user in self.overlay.users):
            self.losses.append("user 'root': locked here, since passwd and shadow come before those of packages")
            passwd.append("root:x:0:0::/root:/bin/bash")
            shadow.append(f"root:!*:{_EXPIRY}::::::")
        for user in self.overlay.users:
            name, number = user.name, self.numbers[user.name]
            home = "/root" if name == "root" else f"/home/{name}"
            passwd.append(f"{name}:x:{number}:{number}:{user.full_name}:{home}:{user.shell}")
            shadow.append(f"{name}:{user.password}:{_EXPIRY}::::::")
            for joined in user.groups:
                members.setdefault(joined, []).append(name)
        group = [f"{name}:x:{number}:" for name, number in sorted(self.numbers.items())]
        # systemd-sysusers refuses to create a group that is in gshadow and not in group.
        gshadow = [f"{name}:!*::" for name in sorted(self.numbers)]
        for joined, names in sorted(members.items()):
            self.losses.append(
                f"group {joined!r} of {', '.join(names)}: added by customize_airootfs.sh, which knows its number"
            )
        files = {"etc/passwd": passwd, "etc/shadow": shadow, "etc/group": group, "etc/gshadow": gshadow}
        for path, lines in files.items():
            yield path, File("".join(f"{line}\n" for line in lines).encode())

    def units(self) -> Iterator[tuple[str, File]]:
        for unit in self.overlay.services.enable:
            target = next((wants for suffix, wants in _WANTS.items() if unit.endswith(suffix)), "multi-user.target")
            template = f"{unit.partition('@')[0]}@.{unit.rpartition('.')[2]}" if "@" in unit else unit
            yield f"etc/systemd/system/{target}.wants/{unit}", File(link=f"/usr/lib/systemd/system/{template}")
        for unit in self.overlay.services.mask:
            yield f"etc/systemd/system/{unit}", File(link="/dev/null")

    @cached_property
    def customize(self) -> str:
        """The text of customize_airootfs.sh, which runs in the system at the end."""
        lines = []
        for user in self.overlay.users:
            lines += [f"gpasswd -a {user.name} {group}" for group in user.groups]
        lines += [shlex.join(command) for command in self.overlay.commands]
        lines += [f"systemctl disable {shlex.quote(unit)}" for unit in self.overlay.services.disable]
        for number, hook in enumerate(self.overlay.hooks, 1):
            content = b"".join(file_of(self.made.contents, hook.digest).chunks())
            text, program = _shell_text(content)
            mark = f"END-OF-HOOK-{number}"
            while mark in text:
                mark += "-"
            lines += [f"# {printable(hook.name)}", f"{program} > /tmp/hook <<'{mark}'", text, mark]
            lines += [
                "bash -eu /tmp/hook" if not content.startswith(b"#!") else "chmod 700 /tmp/hook; /tmp/hook",
                "rm /tmp/hook",
            ]
        return "\n".join(["#!/usr/bin/env bash", "set -eu", *lines]) + "\n" if lines else ""

    def boot(self) -> Iterator[tuple[str, str]]:
        words = ["archisobasedir=%INSTALL_DIR%", "archisosearchuuid=%ARCHISO_UUID%"]
        words += [f"console={console}" for console in self.iso.console] + list(self.iso.arguments)
        options, boot_files = kernel_line.joined(words), "/%INSTALL_DIR%/boot/%ARCH%"
        for placeholder in _PLACEHOLDERS:
            if any(placeholder in text for text in (self.iso.title, *self.iso.arguments)):
                self.losses.append(f"{placeholder} in title or arguments: mkarchiso replaces it")
        if [entry.id for entry in self.iso.entries] != ["default"]:
            self.losses.append("boot.entries: the menu has the entry `default` alone")
        if theme.is_changed(self.iso.theme):
            self.losses.append("boot.theme: the menu has that of archiso, and the export no picture and font")
        if self.secure != "none":
            self.losses.append("boot.secure: mkarchiso signs nothing")
        if "bios" in self.firmware and "^" in self.iso.title:
            self.losses.append("^ in the title: syslinux takes the character behind it for a key")
        if self.iso.partition_table != {"bios": "mbr", "uefi": "gpt"}.get("".join(self.firmware), "hybrid"):
            self.losses.append(
                f"boot.partition_table: {self.iso.partition_table}; mkarchiso takes the one for the firmware"
            )
        if "uefi-ia32" in self.firmware:
            self.losses.append("boot.firmware: uefi-ia32")
        if "uefi" in self.firmware:
            timeout = "menu-force" if self.iso.timeout < 0 else self.iso.timeout
            yield "efiboot/loader/loader.conf", f"timeout {timeout}\ndefault 01-archiso.conf\n"
            yield (
                "efiboot/loader/entries/01-archiso.conf",
                (
                    f"title {self.iso.title}\n"
                    f"linux {boot_files}/vmlinuz-{self.kernel}\n"
                    f"initrd {boot_files}/initramfs-{self.kernel}.img\n"
                    f"options {options}\n"
                ),
            )
        if "bios" in self.firmware:
            yield (
                "syslinux/syslinux.cfg",
                (
                    # Syslinux waits forever for a prompt with the timeout 0, and without a prompt not at all.
                    f"DEFAULT arch\nPROMPT {int(self.iso.timeout != 0)}\nTIMEOUT {max(0, self.iso.timeout) * 10}\n\n"
                    f"LABEL arch\nMENU LABEL {self.iso.title}\n"
                    f"LINUX {boot_files}/vmlinuz-{self.kernel}\n"
                    f"INITRD {boot_files}/initramfs-{self.kernel}.img\n"
                    f"APPEND {options}\n"
                ),
            )


def _shell_text(content: bytes) -> tuple[str, str]:
    """``content`` as a here-document of shell, and the program that makes the bytes of it again."""
    if b"\0" in content:  # which a shell drops
        return base64.encodebytes(content).decode().rstrip("\n"), "base64 -d"
    return content.decode(errors="surrogateescape").rstrip("\n"), "cat"


def write(made: Export, output: Path, path: str) -> None:
    """Replace the directory ``path`` below ``output`` by the export, or leave it as it was and raise DebateError.

    Whatever is there is removed, and nothing is written through it.
    """
    above, _, name = path.rpartition("/")
    new = f".{name}.new"
    try:
        with Tree(output) as root, root.below(above) as tree:
            tree.remove(new)
            tree.make_directory(new)
            try:
                with tree.below(new) as directory:
                    _fill(directory, made.files)
                tree.remove(name)
                tree.rename(new, name)
            finally:
                tree.remove(new)
    except OSError as error:
        raise unwritable(error, f"{shown(output)}/{path}") from None


def _fill(directory: Tree, files: Mapping[str, File]) -> None:
    for path, file in sorted(files.items()):
        directory.make_directory(path.rpartition("/")[0])
        if file.link:
            directory.make_link(path, file.link)
            continue
        with directory.created(path) as written:
            for chunk in file.chunks():
                written.write(chunk)
