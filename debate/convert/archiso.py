"""Converts archiso profiles, the input of mkarchiso, to debate profiles.

Source: archiso's docs/README.profile.rst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from debate.build.builder import Builder
from debate.convert.draft import Draft
from debate.convert.export_archiso import PROFILE, SUMS
from debate.distributions import arch
from debate.errors import DebateError
from debate.model import Artifact, Command, Step, Supplies
from debate.text.paths import shown

SECONDS = 60
"""Time limit of profiledef.sh."""

Variables = Mapping[str, list[str]]
"""Name -> words: one for a plain variable, alternating keys and values for an associative array."""

_CONVERTED_FILES = (
    "etc/passwd", "etc/shadow", "etc/group", "etc/gshadow", "etc/hostname", "etc/hosts", "root/customize_airootfs.sh",
)  # fmt: skip
"""Files of airootfs/ that become fields."""
_HANDLED_VARIABLES = frozenset({
    "iso_name", "iso_label", "iso_publisher", "iso_application", "iso_version", "install_dir", "arch", "buildmodes",
    "bootmodes", "pacman_conf", "airootfs_image_type", "airootfs_image_tool_options", "bootstrap_tarball_compression",
    "file_permissions",
})  # fmt: skip
"""Variables of profiledef.sh that are converted, or whose loss has a message of its own."""
_PLACEHOLDER = re.compile(r"%|^archiso|^initrd=|^(BOOT_IMAGE|img_dev|img_loop)=")
"""Kernel arguments that mkarchiso's own boot needs."""


def read_variables(builder: Builder, tools: Artifact, directory: Path) -> Variables:
    """Run profiledef.sh in the sandbox and return what it sets. Raises DebateError if it fails or does not end."""
    path = directory / "profiledef.sh"
    try:
        text = path.read_bytes()
    except OSError as error:
        remedy = "-d names the directory of an archiso profile"
        raise DebateError(error.strerror or str(error), remedy, place=shown(path)) from None
    step = Step(
        name="import",
        commands=(Command("archiso/read.sh"),),
        outputs=("variables",),
        epoch=0,
        parameters={"profiledef.sh": text},
        tools=tools,
    )
    seconds = min(SECONDS, builder.settings.limits.stop_after)
    limits = replace(builder.settings.limits, stop_after=seconds, warn_after=seconds)
    bounded = replace(builder, settings=replace(builder.settings, limits=limits))
    log = builder.settings.output / ".import.log"
    try:
        made = bounded.run(step, Supplies(), log)
    except DebateError as error:
        raise error.at(shown(path)) from None
    return parse(builder.store.read(made["variables"]))


def parse(data: bytes) -> dict[str, list[str]]:
    """Parse what read.bash wrote. Raises DebateError for anything else, since profiledef.sh can write there too."""
    words = data.decode(errors="replace").split("\0")
    found: dict[str, list[str]] = {}
    position = 0
    while position + 1 < len(words):
        name, count = words[position], words[position + 1]
        if not count.isdecimal() or position + 2 + int(count) > len(words) - 1:
            fact, remedy = "its variables could not be read", "check that it writes nothing to /run/out"
            raise DebateError(fact, remedy, place="profiledef.sh")
        found[name] = words[position + 2 : position + 2 + int(count)]
        position += 2 + int(count)
    return found


def convert(directory: Path, variables: Variables) -> Draft:
    """Convert the profile in ``directory``, whose profiledef.sh sets ``variables``. Raises DebateError."""
    return _Converter(directory, variables).run()


class _Converter:
    def __init__(self, directory: Path, variables: Variables) -> None:
        self.directory, self.variables = directory, variables
        self.losses: list[str] = []
        self.airootfs = directory / "airootfs"
        self.architecture = self.one("arch") or "x86_64"
        self.kernel_params = f"kernel_params_{self.architecture}"

    def one(self, name: str) -> str:
        words = self.variables.get(name, [])
        return words[0] if words else ""

    def lose(self, place: str, fact: str) -> None:
        self.losses.append(f"{place}: {fact}")

    def run(self) -> Draft:
        fields: dict[str, Any] = {"description": self.one("iso_application")[:200], "distribution": "arch"}
        fields["packages"] = self.packages()
        repositories = self.pacman_conf()
        fields.update(repositories)
        fields.update(self.users())
        hostname = self.text("etc/hostname").strip()
        if hostname:
            fields["hostname"] = hostname
        permissions = self.permissions()
        if permissions:
            fields["permissions"] = permissions
        fields["boot"] = self.boot()
        fields["image"] = self.image()
        self.profiledef()
        overlay = dict(self.overlay())
        hook = self.airootfs / "root" / "customize_airootfs.sh"
        hooks = {hook.name: hook.read_bytes()} if hook.is_file() else {}
        self.others()
        fields = {name: value for name, value in fields.items() if value not in ({}, [], "")}
        return Draft(f"the archiso profile {self.one('iso_name')!r}", fields, overlay, hooks, tuple(self.losses))

    def text(self, path: str) -> str:
        """The content of a file in airootfs/; empty if it is missing."""
        try:
            return (self.airootfs / path).read_text(errors="replace")
        except OSError:
            return ""

    def packages(self) -> list[str]:
        path = self.directory / f"packages.{self.architecture}"
        try:
            lines = path.read_text(errors="replace").splitlines()
        except OSError as error:
            remedy = f"create it, or correct arch={self.architecture!r} in profiledef.sh"
            raise DebateError(error.strerror or str(error), remedy, place=shown(path)) from None
        if self.architecture not in arch.ARCHITECTURES:
            fact, remedy = f"arch={self.architecture!r} is not supported", f"choose {' or '.join(arch.ARCHITECTURES)}"
            raise DebateError(fact, remedy, place="profiledef.sh")
        return sorted({word for line in lines if (word := line.partition("#")[0].strip())})

    def pacman_conf(self) -> dict[str, Any]:
        path = self.directory / (self.one("pacman_conf") or "pacman.conf")
        components: list[str] = []
        section = ""
        if path.is_file():
            for number, raw in enumerate(path.read_text(errors="replace").splitlines(), 1):
                line = raw.partition("#")[0].strip()
                if line.startswith("["):
                    section = line.strip("[]")
                    if section in arch.COMPONENTS:
                        components.append(section)
                    elif section != "options":
                        self.lose(
                            f"{path.name}:{number}", f"repository {section!r}: add it to repositories, with its key"
                        )
                elif (
                    section == "options"
                    and line
                    and not line.startswith(("Architecture", "SigLevel", "LocalFileSigLevel"))
                ):
                    self.lose(
                        f"{path.name}:{number}",
                        f"option {line.split('=')[0].strip()!r}: pacman runs with options of ours",
                    )
        usual = sorted(components) in ([], sorted(arch.DEFAULT_COMPONENTS))
        return {} if usual else {"components": components}

    def users(self) -> dict[str, Any]:
        """Turn passwd, shadow and group of airootfs/ into users. As files they would drop the users of packages."""
        hashes = {
            line.split(":")[0]: line.split(":")[1] for line in self.text("etc/shadow").splitlines() if ":" in line
        }
        groups: dict[str, list[str]] = {}
        own = {line.split(":")[0] for line in self.text("etc/passwd").splitlines()}
        for line in self.text("etc/group").splitlines():
            name, _, number, members = [*line.split(":"), "", "", ""][:4]
            for member in filter(None, members.split(",")):
                groups.setdefault(member, []).append(name)
            if name and not members and name not in own and name != "root":
                self.lose(
                    "airootfs/etc/group", f"group {name!r} ({number}) has no members: packages or a hook make groups"
                )
        found = []
        for line in self.text("etc/passwd").splitlines():
            name, _, uid, gid, full_name, home, shell = [*line.split(":"), *[""] * 7][:7]
            if not name:
                continue
            user: dict[str, Any] = {"name": name}
            if name != "root":
                user["uid"] = int(uid) if uid.isdecimal() else None
                if full_name:
                    user["full_name"] = full_name
                if home not in ("", f"/home/{name}"):
                    self.lose("airootfs/etc/passwd", f"home of {name!r} is {home}: homes are /home/NAME")
                if gid != uid:
                    self.lose(
                        "airootfs/etc/passwd", f"group of {name!r} is {gid}: each user has a group of the same name"
                    )
            if groups.get(name):
                user["groups"] = groups[name]
            if shell:
                user["shell"] = shell
            if name in hashes:
                user["password_hash"] = hashes[name]
            found.append(user)
        return {"users": found}

    def permissions(self) -> list[dict[str, str]]:
        words = self.variables.get("file_permissions", [])
        found = []
        for path, value in sorted(zip(words[::2], words[1::2], strict=False)):
            owner, group, mode = [*value.split(":"), "", ""][:3]
            if path.lstrip("/") in ("etc/shadow", "etc/gshadow"):
                continue  # Packages set the right permissions.
            paths = [path.rstrip("/") or "/"]
            if path.endswith("/") and path != "/":
                below = sorted((self.airootfs / path.strip("/")).rglob("*"))
                paths += [f"/{entry.relative_to(self.airootfs)}" for entry in below]
            names = {"0": "root", **{uid: name for name, uid in self.numbers()}}
            for one in paths:
                if one == "/root/customize_airootfs.sh":
                    continue
                owners = {"owner": names.get(owner, owner), "group": names.get(group, group)}
                found.append({"path": one, "mode": mode.zfill(4)[-4:], **owners})
        return found

    def numbers(self) -> Iterator[tuple[str, str]]:
        for line in self.text("etc/passwd").splitlines():
            name, _, uid = [*line.split(":"), "", ""][:3]
            yield name, uid

    def overlay(self) -> Iterator[tuple[str, Path]]:
        if not self.airootfs.is_dir():
            return
        for path in sorted(self.airootfs.rglob("*")):
            name = str(path.relative_to(self.airootfs))
            if name in _CONVERTED_FILES or (path.is_dir() and not path.is_symlink()):
                continue
            if not path.is_symlink() and not path.is_file():
                self.lose(f"airootfs/{name}", "is no file, directory or link")
                continue
            if name.startswith("etc/pacman.d/hooks/"):
                self.lose(
                    f"airootfs/{name}", "a pacman hook: packages are installed before it is there; make it a hook"
                )
            elif name.startswith(("etc/mkinitcpio.d/", "etc/mkinitcpio.conf")):
                self.lose(f"airootfs/{name}", "the initramfs is made with archiso's own hooks, whatever this says")
            yield name, path

    def boot(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        modes = self.variables.get("bootmodes", [])
        firmware = sorted({mode.partition(".")[0].partition("-")[0] for mode in modes})
        if firmware in (["bios"], ["uefi"]):
            found["firmware"] = firmware
        for mode in modes:
            if "ia32" in mode:
                self.lose("profiledef.sh", f"bootmode {mode!r}: UEFI of 32 bits is not supported")
        loader = self.directory / "efiboot" / "loader" / "loader.conf"
        timeout = (
            re.search(r"^timeout\s+([0-9]+)", loader.read_text(errors="replace"), re.MULTILINE)
            if loader.is_file()
            else None
        )
        if timeout:
            found["timeout"] = min(int(timeout[1]), 3600)
        arguments = self.kernel_arguments()
        if arguments:
            found["arguments"] = arguments
        return found

    def kernel_arguments(self) -> list[str]:
        """The kernel arguments of the first boot entry that has any, without those that find the ISO."""
        for pattern, line in (
            ("efiboot/loader/entries/*.conf", r"^options\s+(.*)$"),
            ("grub/grub.cfg", r"^\s*linux\s+\S+\s+(.*)$"),
            ("syslinux/*.cfg", r"^APPEND\s+(.*)$"),
        ):
            for path in sorted(self.directory.glob(pattern)):
                match = re.search(line, path.read_text(errors="replace"), re.MULTILINE)
                if match:
                    shared = self.one(self.kernel_params)
                    line = match[1].replace("%KERNEL_PARAMS%", shared)
                    words = [word for word in line.split() if not _PLACEHOLDER.search(word)]
                    return [word for word in words if "'" not in word and "$" not in word]
        return []

    def image(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        label = self.one("iso_label")
        if re.fullmatch(r"[A-Z0-9_.-]{1,32}", label):
            found["label"] = label
        elif label:
            self.lose(
                "profiledef.sh",
                f"iso_label {label!r}: at most 32 capitals, digits, _ . and -; the profile's name is taken",
            )
        publisher = self.one("iso_publisher")
        if publisher and not re.search(r"['\\]", publisher):
            found["publisher"] = publisher[:128]
        options = self.variables.get("airootfs_image_tool_options", [])
        kind = self.one("airootfs_image_type") or "squashfs"
        if kind != "squashfs":
            self.lose("profiledef.sh", f"airootfs_image_type {kind!r}: layers are squashfs")
            return found
        pairs = dict(zip(options[::2], options[1::2], strict=False))
        algorithm = pairs.pop("-comp", "gzip" if options else "")
        if algorithm in ("zstd", "xz", "lz4", "gzip"):
            found["compression"] = {"algorithm": algorithm}
            level = pairs.pop("-Xcompression-level", "")
            if level.isdecimal() and algorithm in ("zstd", "gzip"):
                found["compression"]["level"] = int(level)
        elif algorithm:
            self.lose("profiledef.sh", f"airootfs_image_tool_options: no compression by {algorithm}; zstd is taken")
        if pairs.pop("-b", "1M") != "1M":
            self.lose("profiledef.sh", "airootfs_image_tool_options: blocks are of 1 MiB")
        for option, value in sorted(pairs.items()):
            self.lose("profiledef.sh", f"airootfs_image_tool_options: {option} {value}")
        return found

    def profiledef(self) -> None:
        """Report the variables of profiledef.sh that have no counterpart."""
        version = self.one("iso_version")
        if version:
            self.lose(
                "profiledef.sh",
                f"iso_version {version!r}: an ISO is named by its profile, and known by its config's hash",
            )
        if self.one("install_dir") not in ("", "arch"):
            self.lose("profiledef.sh", f"install_dir {self.one('install_dir')!r}: it is arch")
        for mode in self.variables.get("buildmodes", []):
            if mode != "iso":
                self.lose("profiledef.sh", f"buildmode {mode!r}: only ISOs are built")
        if self.variables.get("bootstrap_tarball_compression"):
            self.lose("profiledef.sh", "bootstrap_tarball_compression: only ISOs are built")
        for name in sorted(set(self.variables) - _HANDLED_VARIABLES):
            if name != self.kernel_params:
                self.lose("profiledef.sh", f"{name}: has no counterpart")

    def others(self) -> None:
        """Report the files that were not read."""
        known = {"profiledef.sh", f"packages.{self.architecture}", self.one("pacman_conf") or "pacman.conf"}
        for path in sorted(self.directory.iterdir()):
            if path.name in known or path.name in ("airootfs", ".git", ".gitignore", PROFILE, SUMS):
                continue
            if path.name.startswith("bootstrap_packages"):
                self.lose(path.name, "only ISOs are built")
            elif path.is_dir() and path.name in ("syslinux", "grub", "efiboot", "isolinux"):
                for file in sorted(file for file in path.rglob("*") if file.is_file()):
                    fact = "the menu is debate's own; kernel arguments and timeout were taken over where they could be"
                    self.lose(str(file.relative_to(self.directory)), fact)
            else:
                self.lose(path.name, "mkarchiso does not read it either")
