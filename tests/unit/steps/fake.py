"""Steps without sandboxes: what a sandbox would make is made up, all else is the code that builds."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from debate import keys
from debate.build.builder import Builder, Check
from debate.build.local import require_names
from debate.cache.store import Store
from debate.model import Artifact, Result, Step, Supplies
from debate.profile import profile_names
from debate.settings import load
from debate.steps.rule import HOST
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT, write_files

MIRRORS = {
    "DEBATE_MIRROR_DEBIAN": "https://deb.example/debian",
    "DEBATE_MIRROR_DEBIAN_SECURITY": "https://deb.example/debian-security",
    "DEBATE_MIRROR_ARCH": "https://arch.example",
}
_APT = "{archive} '{address}/pool/{name}_1_{arch}.deb' {name}_1_{arch}.deb {size} SHA256:{sha256}"
_PACMAN = "{name}\t1-1\tcore\thttps://arch.example/core/os/x86_64/{name}-1-1-{arch}.pkg.tar.zst\t{size}\t{sha256}\tc2ln"
NAMES = {"apt": ("base-files", "linux-image-amd64", "live-boot"), "pacman": ("base", "linux", "mkinitcpio")}

SIGNED_PROGRAM = (
    b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + b"PE\0\0".ljust(24, b"\0") + b"\x0b\x02".ljust(144, b"\0")
    + struct.pack("<II", 1, 1)
)  # fmt: skip
"""As far as host code reads it."""

_SHIPPED = b"\0usr/share/x\0" + b"0" * 64 + b"\0x\0"
"""What `secrets` finds in a layer: nothing but a file of a package. So that no other output is the same."""


@dataclass(frozen=True)
class FakeBuilder(Builder):
    """Keeps what it was asked for: the ingredients of each key, and the steps that would run."""

    asked: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    ran: list[Step] = field(default_factory=list, repr=False)
    supplied: dict[str, Supplies] = field(default_factory=dict, repr=False)
    found: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Step -> what it finds in its layer."""

    def obtain(
        self,
        name: str,
        ingredients: Mapping[str, Any],
        outputs: Collection[str],
        make: Callable[[], Mapping[str, Artifact]],
        notes: Any = dict,
        last: Result | None = None,
        check: Check = lambda _: None,
        *,
        hold: bool = False,
    ) -> Result:
        self.asked[name] = ingredients
        return super().obtain(name, ingredients, outputs, make, notes, last, check, hold=hold)

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:  # noqa: ARG002
        require_names(step, supplies)
        self.ran.append(step)
        self.supplied[step.name] = supplies
        archives = supplies.files.get("archives", b"").decode().split()
        suites = [suite for _, suite in sources_of(supplies)]
        pairs = list(zip(archives, suites, strict=False))
        pairs += [tuple(line.split()) for line in supplies.files.get("suites", b"").decode().splitlines()]
        if step.outputs == ("found",):
            return {"found": self.store.put(self.found.get(step.name, _SHIPPED))}
        installers = (*(self.ran[:-1] if step.layers else ()), step)
        installed = {name for each in installers if each.name == step.name for name in _inputs(each, self.store)}
        made = {output: _content(step, output, pairs, supplies, installed) for output in step.outputs}
        return {output: self.store.put(content) for output, content in made.items()}


def sources_of(supplies: Supplies) -> list[tuple[str, str]]:
    """Address and suite of each line of sources.list."""
    text = supplies.files.get("sources.list", b"").decode()
    return [(found[1], found[2]) for found in re.finditer(r"^deb \[[^]]*\] (\S+) (\S+)", text, re.MULTILINE)]


def _inputs(step: Step, store: Store) -> set[str]:
    """The packages that a step installs: the fake's files hold their names, and are called by their digests."""
    named = [
        one for path, one in step.inputs.items() if keys.digits(one.digest) in path and step.name in ("rootfs", "boot")
    ]
    return {store.read(one, 1 << 10).decode() for one in named}


def _content(
    step: Step, output: str, archives: list[tuple[str, str]], supplies: Supplies, installed: set[str]
) -> bytes:
    """What the sandbox would have left, as far as host code reads it; packages are from the first of ``archives``.

    ``installed``: what it installs, and what the layers have.
    """
    if step.name == "lock" and output == "archives":
        return "".join(f"{archive} {suite} 2026-01-01T00:00:00Z\n" for archive, suite in archives).encode()
    if step.name == "space":
        return b"total\t1\t-\n"
    if (step.name, output) in (("lock", "remarks"), ("network", "lacks"), ("packages", "taken")):
        return b""
    archive = archives[0][0] if archives else ""
    address = next((address for address, _ in sources_of(supplies)), "")
    manager = "pacman" if any(command.script.startswith("arch/") for command in step.commands) else "apt"
    if step.name == "lock" and output == "unpacked":
        return "".join(
            _APT.format(name=name, arch="amd64", size=len(name), sha256=_hex(name), archive=archive, address=address)
            + "\n"
            for name in step.parameters["unpacked"].decode().split()
        ).encode()
    if step.name == "boot" and output == "unpacked":
        return "".join(f"{name}\t1\tamd64\t{name}\t1\n" for name in sorted(installed)).encode()
    if step.name == "initrd" and output == "kernel":
        return SIGNED_PROGRAM
    if step.name == "boot" and step.parameters.get("signed", b"").find(f"{output} ".encode()) >= 0:
        return SIGNED_PROGRAM + output.encode()
    if output == "resolved":
        line = _PACMAN if manager == "pacman" else _APT
        arch = "x86_64" if manager == "pacman" else "amd64"
        there = step.parameters.get("installed", b"").decode(errors="replace")
        asked = [word.partition("=")[0] for word in step.parameters["packages"].decode().split()]
        names = dict.fromkeys([*NAMES[manager], *asked, *(["added"] if there else [])])
        wanted = [name for name in names if f"Package: {name}\n" not in there and f"%NAME%\n{name}\n" not in there]
        return "".join(
            line.format(name=name, arch=arch, size=len(name), sha256=_hex(name), archive=archive, address=address)
            + "\n"
            for name in wanted
        ).encode()
    if step.name == "packages":  # A download: the fake's files are their names.
        lines = supplies.files["wanted"].decode().splitlines()
        return next(words[2] for words in map(str.split, lines) if words[1] == output).encode()
    if step.name == "inspect":
        name = dict(line.split() for line in step.parameters["names"].decode().splitlines())[output]
        if manager == "pacman":
            holds = "kernel=6 initrd" if name == "linux" else ""
            return f"#{holds}\n%NAME%\n{name}\n\n%VERSION%\n1-1\n\n%ARCH%\nx86_64\n\n".encode()
        kernel = "kernel=6 " if name == "linux-image-amd64" else ""
        return f"X-Debate-Holds: {kernel}initrd\nPackage: {name}\nVersion: 1\nArchitecture: amd64\n".encode()
    if step.name == "select":
        return "".join(f"{_hex(name)}\n" for name in NAMES[manager]).encode()
    if step.name == "sandbox" and output == "packages":
        return b"apt\t1\n"
    if output == "packages":
        arch = "x86_64" if manager == "pacman" else "amd64"
        version = "1-1" if manager == "pacman" else "1"
        return "".join(f"{name}\t{version}\t{arch}\t{name}\t{version}\n" for name in sorted(installed)).encode()
    return f"{step.name}/{output}".encode()


def _hex(name: str) -> str:
    """The SHA-256 of a made-up package file, which holds its name."""
    return keys.sha256(name.encode()).removeprefix("sha256:")


def opened(root: Path, name: str, **settings: str) -> tuple[ProfileBuild, FakeBuilder]:
    """The profile ``name`` of the workspace ``root``, whether or not it was built.

    With a ``sandbox`` of its own, it is a checkout of debate with other scripts.
    """
    where = load(root, {**MIRRORS, "DEBATE_BASE": "debian", **settings})
    if (root / "sandbox").is_dir():
        where = replace(where, scripts=root / "sandbox")
    builder = FakeBuilder(where, Store(where.cache))
    return ProfileBuild(where, name, builder), builder


def build(
    root: Path, name: str, found: Mapping[str, bytes] = MappingProxyType({}), **settings: str
) -> tuple[ProfileBuild, FakeBuilder]:
    """Make every rule that has no effect beside its records, for the profile ``name`` of the checkout ``root``.

    For ``found`` see `FakeBuilder`.
    """
    made, builder = opened(root, name, **settings)
    builder.found.update(found)
    for below in reversed(profile_names.chain(made.settings.profiles, name)):
        _make(made.of(below))
    _make(made)
    return made, builder


def build_on_a_base(root: Path) -> ProfileBuild:
    """The profile `minimal` on a base profile, both built, in a checkout that is made in ``root``."""
    for name in ("sandbox", "dodo.py", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    write_files(root / "profiles", {
        "below.yaml": "version: 1\ndescription: x\n",
        "minimal.yaml": "version: 1\ndescription: x\nbase: below\nfiles: [{path: /etc/motd, content: x}]\n",
    })  # fmt: skip
    return build(root, "minimal")[0]


def _make(made: ProfileBuild) -> None:
    for rule in rules().values():
        if rule.pure:
            (made if rule.profile else made.of(HOST)).make(rule.name)
