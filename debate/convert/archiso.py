"""Converts archiso profiles, the input of mkarchiso, to debate profiles.

Source: archiso's docs/README.profile.rst.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from debate.build.builder import Builder
from debate.convert import draft, foreign
from debate.convert.draft import MAX_VALUES, Draft
from debate.convert.export_archiso import PROFILE, SUMS
from debate.convert.foreign import REMEDY, Foreign
from debate.distributions import arch
from debate.errors import DebateError, Problem
from debate.model import Artifact, Command, Step, Supplies
from debate.profile.schema import fits
from debate.settings import variable_for
from debate.steps.choices import has_level
from debate.steps.overlay import script_faults
from debate.text import kernel_line
from debate.text.lines import lines_of

SECONDS = 60
"""Time limit of profiledef.sh."""
MEMORY, BYTES = 1 << 30, 64 << 20
"""Limits of profiledef.sh, in bytes of memory and of files."""
MAX_VARIABLES = 1 << 20
"""Bytes of all that profiledef.sh sets."""

Variables = Mapping[str, list[str]]
"""Name -> words: one for a plain variable, alternating keys and values for an associative array."""

_FIRMWARE = {"bios": "bios", "uefi": "uefi", "uefi-x64": "uefi", "uefi-ia32": "uefi-ia32"}
"""Start of a boot mode of archiso -> our name of the firmware."""
_CUSTOMIZE = "root/customize_airootfs.sh"
_CONVERTED_FILES = (
    "etc/passwd", "etc/shadow", "etc/group", "etc/gshadow", "etc/hostname", _CUSTOMIZE,
)  # fmt: skip
"""Files of airootfs/ that become fields."""
_HANDLED_VARIABLES = frozenset({
    "iso_name", "iso_label", "iso_publisher", "iso_application", "iso_version", "install_dir", "arch", "buildmodes",
    "bootmodes", "pacman_conf", "airootfs_image_type", "airootfs_image_tool_options", "bootstrap_tarball_compression",
    "file_permissions",
})  # fmt: skip
"""Variables of profiledef.sh that are converted, or whose loss has a message of its own."""
_USUAL = {
    "options": (
        "Architecture = auto", "Architecture = x86_64", "SigLevel = Required DatabaseOptional", "SigLevel = Required",
        "LocalFileSigLevel = Optional",
    ),
    "core": ("Include = /etc/pacman.d/mirrorlist",),
}  # fmt: skip
"""Lines of a section of pacman.conf that change nothing; those of core are those of each component."""
_NAME, _COUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), re.compile(r"[0-9]{1,7}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_PLACEHOLDER = re.compile(r"%|^archiso|^initrd=|^(BOOT_IMAGE|img_dev|img_loop)=")
"""Kernel arguments that mkarchiso's own boot needs."""


def _words(line: str) -> str:
    """A line of pacman.conf with its spaces as pacman itself would write them."""
    name, equals, value = line.partition("=")
    return f"{name.strip()} = {' '.join(value.split())}" if equals else name.strip()


def read_definition(source: Foreign) -> bytes:
    """The file profiledef.sh, which every archiso profile has. Raises DebateError."""
    return source.read("profiledef.sh", REMEDY)


def read_variables(builder: Builder, tools: Artifact, source: Foreign) -> Variables:
    """Run profiledef.sh in the sandbox and return what it sets. Raises DebateError if it fails or does not end."""
    text = read_definition(source)
    step = Step(
        name="import",
        commands=(Command("archiso/read.sh"),),
        outputs=("variables",),
        epoch=0,
        parameters={"profiledef.sh": text},
        tools=tools,
    )
    limits = builder.settings.limits
    seconds = min(SECONDS, limits.stop_after)
    limits = replace(
        limits,
        stop_after=seconds,
        warn_after=seconds,
        memory=min(MEMORY, limits.memory),
        bytes=min(BYTES, limits.bytes),
    )
    bounded = replace(builder, settings=replace(builder.settings, limits=limits))
    log = builder.settings.output / ".import.log"
    place = f"{source.place}/profiledef.sh"
    try:
        variables = bounded.run(step, Supplies(), log)["variables"]
        if variables.size > MAX_VARIABLES:
            raise DebateError(f"its variables are larger than {MAX_VARIABLES:,} bytes", "make them smaller")
        return parse(builder.store.read(variables, MAX_VARIABLES))
    except DebateError as error:
        own = [name for name, value in vars(limits).items() if value != getattr(builder.settings.limits, name)]
        problems = [_without_setting(problem, own) for problem in error.problems]
        raise DebateError.of(problems, details=error.details, log=error.log).at(place) from None


def _without_setting(problem: Problem, own: Sequence[str]) -> Problem:
    """``problem``, without the setting that it names if its bound is one of ``own``: no setting raises that one."""
    for name in own:
        if (named := f" ({variable_for(name)})") in problem.fact:
            remedy = "a profiledef.sh sets variables: take out what takes that long or that much"
            return Problem(problem.place, problem.fact.replace(named, ""), remedy)
    return problem


def parse(data: bytes) -> dict[str, list[str]]:
    """Parse what read.bash wrote. Raises DebateError for anything else, since profiledef.sh can write there too."""
    *words, rest = data.decode(errors="replace").split("\0")
    found: dict[str, list[str]] = {}
    position = 0
    while position < len(words) and not rest:
        name, count, *_ = [*words[position : position + 2], ""]
        if not (_NAME.fullmatch(name) and _COUNT.fullmatch(count)):
            break
        following = words[position + 2 : position + 2 + int(count)]
        if len(following) < int(count):
            break
        found[name] = following
        position += 2 + int(count)
    if rest or position < len(words):
        raise DebateError("its variables could not be read", "check that it writes nothing to /run/out")
    return found


def convert(source: Foreign, variables: Variables) -> Draft:
    """Convert the profile in ``source``, whose profiledef.sh sets ``variables``. Raises DebateError."""
    return _Converter(source, variables).run()


class _Converter:
    def __init__(self, source: Foreign, variables: Variables) -> None:
        self.source, self.variables = source, variables
        self.losses: list[str] = []
        self.airootfs = source.walk("airootfs")
        self.passwd = [
            [*line.split(":"), *[""] * 7][:7] for line in lines_of(source.text("airootfs/etc/passwd")) if line
        ]
        self.architecture = self.one("arch") or "x86_64"
        self.kernel_params = f"kernel_params_{self.architecture}"

    def one(self, name: str) -> str:
        words = self.variables.get(name, [])
        return words[0] if words else ""

    def lose(self, place: str, fact: str) -> None:
        self.losses.append(f"{place}: {fact}")

    def run(self) -> Draft:
        fields: dict[str, Any] = {"distribution": "arch"}
        application = self.one("iso_application")
        if fits(application, "description"):
            fields = {"description": application, **fields}
        else:
            self.lose("profiledef.sh", f"iso_application {application!r}: a description cannot be that")
        fields["packages"] = self.packages()
        repositories = self.pacman_conf()
        fields.update(repositories)
        fields.update(self.users())
        hostname = self.source.text("airootfs/etc/hostname").strip()
        if fits(hostname, "hostname"):
            fields["hostname"] = hostname
        elif hostname:
            self.lose("airootfs/etc/hostname", f"{hostname!r}: a hostname cannot be that")
        permissions = self.permissions()
        if permissions:
            fields["permissions"] = permissions
        fields["boot"] = self.boot()
        fields["image"] = self.image()
        self.profiledef()
        overlay = dict(self.overlay())
        hooks = dict(self.hooks())
        self.others()
        fields = {name: value for name, value in fields.items() if value not in ({}, [], "")}
        origin = f"the archiso profile {self.one('iso_name')[:100]!r}"
        return Draft(self.source, origin, fields, overlay, hooks, tuple(self.losses))

    def packages(self) -> list[str]:
        named = f"arch={self.architecture[:40]!r}"
        name = f"packages.{self.architecture}"
        data = self.source.read(name, f"create it, or correct {named} in profiledef.sh")
        if self.architecture not in arch.ARCHITECTURES:
            remedy = f"choose {' or '.join(arch.ARCHITECTURES)}"
            raise DebateError(f"{named} is not supported", remedy, place="profiledef.sh")
        lines = lines_of(data.decode(errors="replace"))
        places: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if word := line.partition("#")[0].strip():
                places.setdefault(word, f"{name}:{number}")
        found, lost = draft.packages(places)
        self.losses += lost
        return found

    def pacman_conf(self) -> dict[str, Any]:
        name = self.one("pacman_conf") or "pacman.conf"
        components: list[str] = []
        section = ""
        for number, raw in enumerate(lines_of(self.source.text(name)), 1):
            line = raw.partition("#")[0].strip()
            place = f"{name.rpartition('/')[2]}:{number}"
            if line.startswith("["):
                section = line.strip("[]")
                if section in arch.COMPONENTS:
                    components.append(section)
                elif section != "options":
                    self.lose(place, f"repository {section!r}: add it to repositories, with its key")
            elif (
                line
                and _words(line) not in _USUAL.get(section, _USUAL["core"])
                and (section in arch.COMPONENTS or section in ("", "options"))
            ):
                what = "pacman runs with options of ours" if section in ("", "options") else "mirrors are settings"
                self.lose(place, f"{line!r} in {section!r}: {what}")
        usual = sorted(components) in ([], sorted(arch.DEFAULT_COMPONENTS))
        return {} if usual else {"components": components}

    def users(self) -> dict[str, Any]:
        """Turn passwd, shadow and group of airootfs/ into users. As files they would drop the users of packages."""
        shadow = lines_of(self.source.text("airootfs/etc/shadow"))
        hashes = {line.split(":")[0]: line.split(":")[1] for line in shadow if ":" in line}
        self.rest_of_accounts(shadow)
        groups: dict[str, list[str]] = {}
        own = {line[0] for line in self.passwd}
        for line in lines_of(self.source.text("airootfs/etc/group")):
            name, _, number, members = [*line.split(":"), "", "", ""][:4]
            if members and not fits(name, "users", "*", "groups", "*"):
                self.lose("airootfs/etc/group", f"{name!r} has members: no group can have this name")
                continue
            for member in filter(None, members.split(",")):
                groups.setdefault(member, []).append(name)
            if name and not members and name not in own and name != "root":
                self.lose(
                    "airootfs/etc/group", f"group {name!r} ({number}) has no members: packages or a hook make groups"
                )
        found = []
        for name, _, uid, gid, full_name, home, shell in self.passwd:
            if not name:
                continue
            if not fits(name, "users", "*", "name"):
                self.lose("airootfs/etc/passwd", f"user {name!r}: no user can have this name")
                continue
            user: dict[str, Any] = {"name": name}
            if name != "root":
                if _NUMBER.fullmatch(uid) and fits(int(uid), "users", "*", "uid"):
                    user["uid"] = int(uid)
                else:
                    self.lose("airootfs/etc/passwd", f"uid of {name!r} cannot be {uid!r}: the next free one is taken")
                full_name, _, more = full_name.partition(",")
                if not fits(full_name, "users", "*", "full_name"):
                    self.lose("airootfs/etc/passwd", f"name of {name!r} cannot be {full_name!r}")
                elif full_name:
                    user["full_name"] = full_name
                if more.strip(","):
                    self.lose("airootfs/etc/passwd", f"{more!r} of {name!r}: a user has no room or telephone")
                if home not in ("", f"/home/{name}"):
                    self.lose("airootfs/etc/passwd", f"home of {name!r} is {home}: homes are /home/NAME")
                if gid != uid:
                    self.lose(
                        "airootfs/etc/passwd", f"group of {name!r} is {gid}: each user has a group of the same name"
                    )
            if groups.get(name):
                user["groups"] = groups[name]
            if fits(shell, "users", "*", "shell"):
                user["shell"] = shell
            elif shell:
                self.lose("airootfs/etc/passwd", f"shell of {name!r} cannot be {shell!r}")
            password = hashes.get(name, "")
            if name in hashes and fits(password, "users", "*", "password_hash"):
                user["password_hash"] = password
            elif password.strip("!*"):  # Without it there is no login by password, as with it.
                self.lose("airootfs/etc/shadow", f"password of {name!r}: locked, or no whole hash; none is kept")
            found.append(user)
        return {"users": found}

    def rest_of_accounts(self, shadow: list[str]) -> None:
        """Report what shadow, group and gshadow have, and users have not."""
        users = {name: gid for name, _, _, gid, *_ in reversed(self.passwd)}
        for line in filter(None, shadow):
            name, _, _, *rest = [*line.split(":"), "", "", ""]
            if name not in users:
                self.lose("airootfs/etc/shadow", f"{name!r} is not in passwd")
            elif any(rest):
                self.lose("airootfs/etc/shadow", f"limits of the password of {name!r}: a hook can set them, with chage")
        members: dict[str, set[str]] = {}
        for line in filter(None, lines_of(self.source.text("airootfs/etc/group"))):
            name, password, number, listed = [*line.split(":"), "", "", ""][:4]
            members[name] = {*listed.split(",")}
            if password not in ("", "x", "!", "*"):
                self.lose("airootfs/etc/group", f"password of the group {name!r}: groups have none")
            gid = users.get(name, number)
            if gid != number:
                self.lose("airootfs/etc/group", f"number {number} of the group {name!r}: it is {gid} in passwd")
            if listed and name not in users and name != "root":
                self.lose(
                    "airootfs/etc/group", f"number {number} of the group {name!r}: packages or a hook make groups"
                )
        for line in filter(None, lines_of(self.source.text("airootfs/etc/gshadow"))):
            name, password, administrators, listed = [*line.split(":"), "", "", ""][:4]
            more = {*filter(None, listed.split(","))} - members.get(name, set())
            if password.strip("!*") or administrators or more:
                self.lose("airootfs/etc/gshadow", f"password, administrators or members of {name!r}: groups have none")

    def permissions(self) -> list[dict[str, str]]:
        words = self.variables.get("file_permissions", [])
        names = {"0": "root", **{uid: name for name, _, uid, *_ in self.passwd}}
        everything = sorted(item.path for item in self.airootfs if foreign.is_plain(item.path))
        found: list[dict[str, str]] = []
        total = 0
        for path, value in sorted(zip(words[::2], words[1::2], strict=False)):
            owner, group, mode = [*value.split(":"), "", ""][:3]
            if path.lstrip("/") in ("etc/shadow", "etc/gshadow"):
                if value not in ("0:0:400", "0:0:0400"):  # what packages set
                    self.lose("profiledef.sh", f"file_permissions {path} {value}: those of packages hold")
                continue
            paths = [path.rstrip("/") or "/"]
            if path.endswith("/") and path != "/":
                start = f"{path.strip('/')}/"
                first, last = (bisect.bisect_left(everything, text) for text in (start, f"{start[:-1]}0"))
                paths += [f"/{below}" for below in everything[first:last]]
            total += len(paths)
            if total > MAX_VALUES:
                fact = f"file_permissions set those of more than {MAX_VALUES:,} files"
                raise DebateError(fact, "name fewer", place=f"{self.source.place}/profiledef.sh")
            owners = {"owner": names.get(owner, owner), "group": names.get(group, group)}
            setting = {"mode": mode and mode.lstrip("0").zfill(4), **owners}
            if fits({"path": paths[0], **setting}, "permissions", "*"):
                found += [{"path": one, **setting} for one in paths if one != f"/{_CUSTOMIZE}"]
            else:
                self.lose("profiledef.sh", f"file_permissions {path} {value}: permissions cannot be that")
        return found

    def overlay(self) -> Iterator[tuple[str, str]]:
        empty = foreign.empty_directories(self.airootfs)
        for item in self.airootfs:
            name, path = item.path, f"airootfs/{item.path}"
            if name in empty:
                self.lose(path, foreign.EMPTY)
            if name in _CONVERTED_FILES or foreign.is_directory(item):
                continue
            lost = self.source.cannot_copy(path, item)
            if lost:
                self.lose(path, lost)
                continue
            if name.startswith("etc/pacman.d/hooks/"):
                self.lose(path, "a pacman hook: packages are installed before it is there; make it a hook")
            elif name.startswith("etc/mkinitcpio.d/"):
                self.lose(path, "a preset of mkinitcpio: there is one initramfs, of the kernel that boots")
            yield name, path

    def hooks(self) -> Iterator[tuple[str, bytes]]:
        for item in self.airootfs:
            if item.path == _CUSTOMIZE:
                path = f"airootfs/{item.path}"
                content = self.source.read(path)
                faults = [fact for fact, _ in script_faults(content)]
                for fact in faults:
                    self.lose(path, fact)
                if not faults:
                    yield item.path.rpartition("/")[2], content

    def boot(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        modes = self.variables.get("bootmodes", [])
        firmware = set()
        for mode in modes:
            if known := _FIRMWARE.get(mode.partition(".")[0]):
                firmware.add(known)
            else:
                self.lose("profiledef.sh", f"bootmode {mode!r} has no counterpart")
        if firmware and firmware != {"bios", "uefi"}:
            found["firmware"] = sorted(firmware)
        loader = self.source.text("efiboot/loader/loader.conf")
        # systemd-boot takes the last line, without spaces or a carriage return at its ends.
        word = (re.findall(r"^[ \t]*timeout[ \t]+(\S.*)", loader, re.MULTILINE) or [""])[-1].strip()
        seconds = {"menu-force": "-1", "menu-hidden": "0", "menu-disabled": "0"}.get(word, word)
        if re.fullmatch("-1|[0-9]{1,9}", seconds) and fits(int(seconds), "boot", "timeout"):
            found["timeout"] = int(seconds)
        elif seconds:
            self.lose("efiboot/loader/loader.conf", f"timeout {seconds}: boot.timeout cannot be that")
        arguments = self.kernel_arguments()
        if arguments:
            found["arguments"] = arguments
        return found

    def kernel_arguments(self) -> list[str]:
        """The kernel arguments of the first boot entry that has any, without those that find the ISO."""
        for directory, suffix, line in (
            ("efiboot/loader/entries", ".conf", r"^options[ \t]+(.*)$"),
            ("grub", "grub.cfg", r"^[ \t]*linux[ \t]+\S+[ \t]+(.*)$"),
            ("syslinux", ".cfg", r"^APPEND[ \t]+(.*)$"),
        ):
            for item in self.source.entries(directory):
                if not item.path.endswith(suffix):
                    continue
                place = f"{directory}/{item.path}"
                match = re.search(line, self.source.text(place), re.MULTILINE)
                if match:
                    shared = self.one(self.kernel_params)
                    line = match[1].replace("%KERNEL_PARAMS%", shared, 1)
                    words = [word for word in kernel_line.split(line) if not _PLACEHOLDER.search(word)]
                    return [word for word in words if self.can_be_argument(place, word)]
        return []

    def can_be_argument(self, place: str, word: str) -> bool:
        if "$" not in word and fits(word, "boot", "arguments", "*"):
            return True
        self.lose(place, f"kernel argument {word!r}: it has quotes, a variable or other characters that GRUB changes")
        return False

    def image(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        label = self.one("iso_label")
        if label and fits(label, "image", "label"):
            found["label"] = label
        elif label:
            self.lose(
                "profiledef.sh",
                f"iso_label {label!r}: at most 32 capitals, digits, _ . and -; the profile's name is taken",
            )
        publisher = self.one("iso_publisher")
        if publisher and fits(publisher, "image", "publisher"):
            found["publisher"] = publisher
        elif publisher:
            self.lose("profiledef.sh", f"iso_publisher {publisher!r}: ISO 9660 has no form for it")
        options = self.variables.get("airootfs_image_tool_options", [])
        kind = self.one("airootfs_image_type") or "squashfs"
        if kind != "squashfs":
            self.lose("profiledef.sh", f"airootfs_image_type {kind!r}: layers are squashfs")
            return found
        pairs, option = dict[str, str](), ""
        for word in options:
            option = word if word.startswith("-") else option
            pairs[option] = "" if word == option else f"{pairs.get(option, '')} {word}".strip()
        algorithm = pairs.pop("-comp", "gzip" if options else "")
        if fits(algorithm, "image", "compression", "algorithm"):
            found["compression"] = {"algorithm": algorithm}
            level = pairs.get("-Xcompression-level", "")
            if _NUMBER.fullmatch(level) and has_level(algorithm, int(level)):
                found["compression"]["level"] = int(pairs.pop("-Xcompression-level"))
        elif algorithm:
            self.lose("profiledef.sh", f"airootfs_image_tool_options: no compression by {algorithm}; zstd is taken")
        if pairs.pop("-b", "1M") not in ("1M", "1048576"):
            self.lose("profiledef.sh", "airootfs_image_tool_options: blocks are of 1 MiB")
        for option, value in sorted(pairs.items()):
            self.lose("profiledef.sh", f"airootfs_image_tool_options: {option} {value}".rstrip())
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
        for item in self.source.entries():
            name = item.path
            if name in known or name in ("airootfs", ".git", ".gitignore", PROFILE, SUMS):
                continue
            if name.startswith("bootstrap_packages"):
                self.lose(name, "only ISOs are built")
            elif foreign.is_directory(item) and name in ("syslinux", "grub", "efiboot", "isolinux"):
                for file in self.source.walk(name):
                    if not foreign.is_directory(file):
                        fact = "the menu is debate's own; kernel arguments and timeout were taken over if possible"
                        self.lose(f"{name}/{file.path}", fact)
            else:
                self.lose(name, "mkarchiso does not read it either")
