"""A profile's normalised config: one slice for each step, the same for every way of writing it.

Lists in which order means nothing are sorted and have no duplicates; files count by destination,
mode, owner, type and content; defaults are written out. Nothing here depends on where the profile
lies or when it was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate import distributions, keys
from debate.distributions.interface import LocaleParts
from debate.errors import Place as Position
from debate.errors import Problem, ProfileError
from debate.model import Entry, text_entry
from debate.profile import profile_names
from debate.profile.load import load
from debate.profile.node import Node, Profile
from debate.profile.schema import schema
from debate.profile.tree import scan
from debate.text.suggest import suggest

SLICES = ("packages", "rootfs", "initrd", "overlay", "boot", "iso")


@dataclass(frozen=True)
class Config:
    """What `normalise` makes of a profile."""

    slices: Mapping[str, Mapping[str, Any]]
    """Step -> what it reads. Together they are the normalised config."""
    about: Mapping[str, Any]
    """Fields that never change the ISO: description, mirror, check."""
    contents: Mapping[str, bytes | Path]
    """Digest -> content of each file and hook."""
    sources: tuple[Path, ...]
    """Files and directories that were read."""
    trees: tuple[Entry, ...]
    """What overlays bring, sorted by path; all of it stands in the overlay's slice, too."""

    @property
    def hash(self) -> str:
        """64 hex digits: SHA-256 of the canonical JSON of the slices."""
        return keys.sha256(keys.canonical(self.slices)).removeprefix("sha256:")


def normalise(profile: Profile, directory: Path) -> Config:
    """Normalise ``profile``, whose files must lie below ``directory``.

    Raises ProfileError with everything that is wrong beyond the schema.
    """
    normaliser = _Normaliser(profile, directory)
    config = normaliser.run()
    if normaliser.problems:
        raise ProfileError(Problem(where, text) for where, text in normaliser.problems)
    return config


def chosen(profile: Profile) -> dict[str, Any]:
    """All fields of a profile but `extends`, with the schema's defaults and what the distribution chooses.

    They stand in the schema's order.
    """
    data = with_defaults(schema(), profile.data)
    distribution = distributions.get(data["distribution"])
    data |= {
        "release": data["release"] or distribution.RELEASES[0],
        "architecture": data["architecture"] or distribution.ARCHITECTURES[0],
        "components": data["components"] or list(distribution.DEFAULT_COMPONENTS),
        "initrd": {"generator": data["initrd"]["generator"] or distribution.GENERATORS[0]},
    }
    return {field: data[field] for field in schema()["properties"] if field != "extends"}


def with_defaults(part: Mapping[str, Any], data: Any) -> Any:
    """``data`` with the defaults of the JSON Schema ``part`` written out, at every depth."""
    if isinstance(data, dict):
        filled = dict(data)
        for name, field in part.get("properties", {}).items():
            if name not in filled and "default" in field:
                filled[name] = field["default"]
            if name in filled:
                filled[name] = with_defaults(field, filled[name])
        return filled
    if isinstance(data, list):
        return [with_defaults(part.get("items", {}), item) for item in data]
    return data


class _Normaliser:
    def __init__(self, profile: Profile, directory: Path) -> None:
        self.profile, self.directory = profile, directory.resolve()
        self.data = chosen(profile)
        self.problems: list[tuple[Position, str]] = []
        self.contents: dict[str, bytes | Path] = {}
        self.sources: list[Path] = list(profile.sources)
        self.brought: tuple[Entry, ...] = ()
        self.distribution = distributions.get(self.data["distribution"])

    def run(self) -> Config:
        data = self.data
        self.check_choices()
        kernel = data["kernel"] or self.distribution.default_kernel(data["architecture"])
        packages = {*data["packages"], kernel, *self.distribution.implied_packages(data)}
        where = {name: data[name] for name in ("release", "architecture")}
        shipped = _mksquashfs(data["image"]["compression"])
        label = data["image"]["label"] or _label(self.profile.name)
        boot = data["boot"]
        slices = {
            "packages": {
                "distribution": data["distribution"],
                **where,
                "components": sorted(set(data["components"])),
                "snapshot": data["snapshot"],
                "repositories": self.repositories(),
                "recommends": data["recommends"],
                "packages": sorted(packages),
                "base": self.base(kernel),
            },
            "rootfs": {
                "distribution": data["distribution"],
                **where,
                "exclude": sorted(set(data["image"]["exclude"])),
                "mksquashfs": shipped,
            },
            "initrd": {"distribution": data["distribution"], **where, "generator": data["initrd"]["generator"]},
            "overlay": {**self.overlay(), "mksquashfs": shipped},
            "boot": {
                "label": label,
                "firmware": sorted(set(boot["firmware"])),
                "console": boot["console"],
                "timeout": boot["timeout"],
                "arguments": boot["arguments"],
                "title": boot["title"] or label,
            },
            "iso": {
                "distribution": data["distribution"],
                "architecture": data["architecture"],
                "label": label,
                "publisher": data["image"]["publisher"],
                "application": "Live system",
            },
        }
        about = {name: data[name] for name in ("description", "mirror", "check")}
        return Config(slices, about, self.contents, tuple(self.sources), self.brought)

    def check_choices(self) -> None:
        """What the schema permits, but not this distribution."""
        name, distribution = self.data["distribution"], self.distribution
        choices: list[tuple[tuple[str | int, ...], str, str, tuple[str, ...]]] = [
            (("release",), "release", self.data["release"], distribution.RELEASES),
            (("architecture",), "architecture", self.data["architecture"], distribution.ARCHITECTURES),
            (("initrd", "generator"), "generator", self.data["initrd"]["generator"], distribution.GENERATORS),
        ]
        for number, component in enumerate(self.data["components"]):
            choices.append((("components", number), "component", component, distribution.COMPONENTS))
        for path, what, value, known in choices:
            if value not in known:
                self.problem(path, f"{name} has no {what} {value!r}; choose one of {', '.join(known)}")
        if self.data["initrd"]["generator"] not in distribution.GENERATORS:
            # So that what else is wrong can be told as well.
            self.data["initrd"] = {"generator": distribution.GENERATORS[0]}

    def base(self, kernel: str) -> str | None:
        """The profile whose packages lie below, if it fits this one."""
        name: str | None = self.data["base"]
        if name != profile_names.base(self.directory, self.profile.name):
            self.problem(("base",), "base stands on a line of its own, without quotes: `base: NAME`; move it")
            return None
        if name is None:
            return None
        chain = profile_names.chain(self.directory, self.profile.name)
        if name == self.profile.name or profile_names.base(self.directory, chain[-1]) is not None:
            self.problem(
                ("base",), f"base goes round in a circle: {' -> '.join((self.profile.name, *chain))}; break it"
            )
            return name
        if name.startswith("_") or not (self.directory / f"{name}.yaml").exists():
            known = [known for known in profile_names.names(self.directory) if known != self.profile.name]
            self.problem(("base",), f"base: there is no profile {name!r} that can be built; {suggest(name, known)}")
            return name
        below = load(self.directory, name)
        self.sources += below.sources
        other = chosen(below)
        other["kernel"] = other["kernel"] or self.distribution.default_kernel(other["architecture"])
        for field in ("distribution", "release", "architecture", "kernel", "initrd"):
            own = kernel if field == "kernel" else self.data[field]
            if other[field] != own:
                text = f"{field} is {own!r}, and that of the base {name!r} is {other[field]!r}; they must be the same"
                self.problem((field if field in self.profile.root.value else "base",), text)
        return name

    def problem(self, path: tuple[str | int, ...], text: str) -> None:
        self.problems.append((self.profile.root.at(path).position, text))

    def nodes(self, field: str) -> Iterator[tuple[int, Node]]:
        node = self.profile.root.value.get(field)
        if node is not None:
            yield from enumerate(node.value)

    def read(self, node: Node, kind: str) -> bytes | None:
        path: Path = node.directory / node.value
        self.sources.append(path)
        try:
            return path.read_bytes()
        except OSError as error:
            self.problems.append((node.position, f"{kind} {node.value!r}: {error.strerror}; make it readable"))
            return None

    def repositories(self) -> list[dict[str, Any]]:
        found = []
        for number, node in self.nodes("repositories"):
            fields = self.data["repositories"][number]
            if fields["name"] in self.distribution.RESERVED:
                self.problem(("repositories", number, "name"), "that name is the distribution's; choose another")
            for field in sorted(node.value.keys() - {"name", "url", "key", *self.distribution.REPOSITORY_FIELDS}):
                text = f"a repository of {self.data['distribution']} has no {field}; leave it out"
                self.problem(("repositories", number, field), text)
            key = self.read(node.value["key"], "key")
            suites, components = sorted(set(fields["suites"])), sorted(set(fields["components"]))
            more = {"suites": suites, "components": components, "key": (key or b"").decode("latin-1")}
            found.append({**fields, **more})
        return sorted(found, key=lambda fields: str(fields["name"]))

    def users(self) -> list[dict[str, Any]]:
        users = sorted(self.data["users"], key=lambda user: str(user["name"]))
        self.unique("users", "uid")
        waiting = [n for n, user in enumerate(self.data["users"]) if user["autologin"]]
        for number in waiting[1:]:
            self.problem(("users", number, "autologin"), "only one user can be logged in by itself; choose one")
        for number, user in enumerate(self.data["users"]):
            if user["name"] == "root" and user["uid"] not in (None, 0):
                self.problem(("users", number, "uid"), "root's uid is 0; leave it out")
            elif user["name"] != "root" and user["uid"] == 0:
                self.problem(("users", number, "uid"), "uid 0 is root's; choose another")
        return [
            {
                "name": user["name"],
                "uid": None if user["name"] == "root" else user["uid"],
                "full_name": user["full_name"],
                "groups": sorted(set(user["groups"])),
                "shell": user["shell"],
                "password": user["password_hash"],
            }
            for user in users
        ]

    def unique(self, field: str, key: str) -> None:
        seen: dict[Any, int] = {}
        for number, item in enumerate(self.data[field]):
            value = item[key]
            if value is None:
                continue
            if value in seen:
                self.problem((field, number, key), f"{field}: {key} {value!r} stands twice; keep one")
            seen[value] = number

    def overlay(self) -> dict[str, Any]:
        entries, parts = self.system_entries()
        trees = self.trees()
        self.brought = tuple(trees[path] for path in sorted(trees))
        entries = {**entries, **trees, **self.files()}
        for user in self.data["users"]:
            entries.update(self.ssh_entries(user))
        services = {
            verb: sorted({_unit(name) for name in self.data["services"][verb]})
            for verb in ("enable", "disable", "mask")
        }
        self.unique("permissions", "path")
        return {
            "users": self.users(),
            "tree": [entries[path].to_json() for path in sorted(entries)],
            "permissions": sorted(self.data["permissions"], key=lambda item: str(item["path"])),
            "services": services,
            "commands": parts.commands,
            "checks": parts.checks,
            "hooks": self.hooks(),
        }

    def keep(self, pairs: list[tuple[Entry, bytes]]) -> dict[str, Entry]:
        for entry, content in pairs:
            self.contents[entry.digest] = content
        return {entry.path: entry for entry, _ in pairs}

    def system_entries(self) -> tuple[dict[str, Entry], LocaleParts]:
        """Files that follow from hostname, locale, keymap, time zone and automatic login."""
        data = self.data
        name = data["hostname"]
        files = [
            text_entry("/etc/hostname", f"{name}\n"),
            text_entry("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost\n"),
        ]
        parts = self.distribution.locale_parts(data)
        files += parts.files
        for user in data["users"]:
            if user["autologin"]:
                files += _autologin(user["name"])
        entries = self.keep(files)
        return {**entries, **{link.path: link for link in parts.links}}, parts

    def trees(self) -> dict[str, Entry]:
        """All overlays in one. A profile's own win over those of the profiles it extends."""
        found: dict[str, tuple[int, Entry, Node]] = {}
        files = [path.name for path in self.profile.sources]
        for number, node in self.nodes("overlays"):
            item = self.data["overlays"][number]
            source = node.value["source"] if isinstance(node.value, dict) else node
            target = "/" if isinstance(item, str) else item["target"]
            path = source.directory / source.value
            self.sources.append(path)
            entries, contents, problems = scan(path, target, source.position)
            self.problems.extend((source.position, f"{problem.fact}; {problem.remedy}") for problem in problems)
            rank = files.index(Path(node.position.file).name)
            for entry in entries:
                if not _is_plain(entry.path):
                    text = f"overlay has a file name with control characters: {entry.path!r}; rename it"
                    self.problems.append((source.position, text))
                other = found.get(entry.path)
                if other and other[0] == rank and other[1] != entry:
                    text = f"overlays {other[2].value!r} and {source.value!r} both bring {entry.path}; keep one"
                    self.problems.append((source.position, text))
                if other is None or rank < other[0]:
                    found[entry.path] = (rank, entry, source)
            self.contents.update(contents)
        return {path: entry for path, (_, entry, _) in found.items()}

    def files(self) -> dict[str, Entry]:
        pairs = []
        for item in self.data["files"]:
            owner = {name: item[name] for name in ("mode", "owner", "group")}
            pairs.append(text_entry(item["path"], item["content"], **{**owner, "mode": item["mode"].zfill(4)}))
        return self.keep(pairs)

    def ssh_entries(self, user: Mapping[str, Any]) -> dict[str, Entry]:
        if not user["ssh_keys"]:
            return {}
        home = "/root" if user["name"] == "root" else f"/home/{user['name']}"
        owner = {"owner": user["name"], "group": user["name"]}
        text = "".join(f"{key}\n" for key in sorted(set(user["ssh_keys"])))
        entries = self.keep([text_entry(f"{home}/.ssh/authorized_keys", text, mode="0600", **owner)])
        if user["name"] != "root":
            entries[home] = Entry(home, "directory", mode="0700", **owner)
        entries[f"{home}/.ssh"] = Entry(f"{home}/.ssh", "directory", mode="0700", **owner)
        return entries

    def hooks(self) -> list[dict[str, str]]:
        found = []
        for _, node in self.nodes("hooks"):
            content = self.read(node, "hook")
            if content is not None:
                digest = keys.sha256(content)
                self.contents[digest] = content
                found.append({"name": Path(node.value).name, "digest": digest})
        return found


def _is_plain(path: str) -> bool:
    return all(ord(c) >= 32 and ord(c) != 127 for c in path)


def _unit(name: str) -> str:
    kinds = ("service", "socket", "timer", "target", "mount", "path", "slice", "automount", "swap")
    return name if name.rpartition(".")[2] in kinds else f"{name}.service"


def _label(name: str) -> str:
    """A volume label out of a profile's name (ISO 9660 allows 32 characters)."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in name.upper())[:32]


def _mksquashfs(compression: Mapping[str, Any]) -> list[str]:
    """Options of mksquashfs(1)."""
    algorithm, level = compression["algorithm"], compression["level"]
    options = ["-comp", algorithm, "-b", "1M"]
    if algorithm == "zstd":
        options += ["-Xcompression-level", str(level)]
    elif algorithm == "gzip":
        options += ["-Xcompression-level", str(min(level, 9))]
    return options


def _autologin(name: str) -> list[tuple[Entry, bytes]]:
    """Drop-ins for the gettys of screen and serial line; see agetty(8), systemd.unit(5)."""
    drop_in = "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin {name} {options} %I $TERM\n"
    units = {
        "getty@tty1.service": "--noclear",
        "serial-getty@.service": "--keep-baud 115200,57600,38400,9600",
    }
    return [
        text_entry(f"/etc/systemd/system/{unit}.d/autologin.conf", drop_in.format(name=name, options=options))
        for unit, options in units.items()
    ]
