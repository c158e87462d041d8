"""Every step that a manager declares, its supplies and every live tree, for fixed inputs, byte for byte.

DEBATE_TEST_GOLDEN=write writes the files anew: look at what git diff says then.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from debate import live, managers
from debate.deferred import make_all
from debate.entry import Entry
from debate.live.interface import LiveParts
from debate.managers.interface import Initramfs, Mirrors, Request, Target
from debate.model import Artifact, Locked, Step, Supplies
from debate.settings import Settings
from debate.steps import initrd

GOLDEN = Path(__file__).parent / "golden"


def artifact(word: str) -> Artifact:
    return Artifact(f"sha256:{hashlib.sha256(word.encode()).hexdigest()}", len(word))


TOOLS = artifact("base")


def settings(**more: Any) -> Settings:
    return Settings(root=Path(), cache=Path(), output=Path(), **more)


# What the managers are asked ------------------------------------------------------------------------

REPOSITORIES = [
    {
        "name": "tools", "key": "\x99PGP\xe9\n",
        "suites": ["a", "b"], "components": ["main", "more"],
    },
    {"name": "zoo", "url": None, "key": "\x99binary", "suites": ["./"], "components": ["main"]},
]  # fmt: skip
DEBIAN = {
    "distribution": "debian", "release": "trixie", "architecture": "amd64", "components": ["contrib", "main"],
    "snapshot": None, "repositories": [], "recommends": False, "packages": ["curl", "vim"], "base": None,
}  # fmt: skip
ARCH = {
    "distribution": "arch", "release": "rolling", "architecture": "x86_64", "components": ["core", "extra"],
    "snapshot": None, "repositories": [], "recommends": False, "packages": ["base", "linux"], "base": None,
}  # fmt: skip
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "repositories": {"repositories": REPOSITORIES, "recommends": True, "base": "below"},
    "snapshot": {"snapshot": "20260102T030405Z"},
}
ROOTFS = {"exclude": ["/usr/share/doc/*", "/usr/share/man/*"], "mksquashfs": ["-comp", "zstd", "-b", "1M"]}
ADDRESSES = {
    "debian": "http://m.example/debian/", "debian-security": "file:///srv/security",
    "debian-snapshot": "http://s.example/{archive}/{date}/", "arch": "file:///srv/arch",
    "arch-snapshot": "http://s.example/repos/{date}/", "tools": "https://nearer.example/tools", "zoo": "file:///srv/zoo",
}  # fmt: skip
PACKAGES = {
    "debian": [
        Locked("curl", "8.14.1-2+b1", "amd64", "debian", "pool/c/curl.deb", 5, "1" * 64),
        Locked("vim", "2:9.1~rc-1", "all", "debian-security", "pool/v/vim%3a.deb", 7, "2" * 64),
    ],
    "arch": [
        Locked("base", "3-2", "any", "arch", "core/os/x86_64/base-3-2-any.pkg.tar.zst", 5, "1" * 64, "c2ln"),
        Locked("zlib", "1:1.3-2", "x86_64", "arch", "core/os/x86_64/zlib-1:1.3-2-x86_64.pkg.tar.zst", 7, "2" * 64,
               "b3RoZXI="),
    ],
}  # fmt: skip
STANZAS = {
    "debian": [b"Package: curl\nVersion: 8\n", b"Package: vim\nX-Debate-Holds: initrd kernel=6.12\n"],
    "arch": [b"#\n%NAME%\nbase\n\n", b"#initrd\n%NAME%\nzlib\n\n"],
}


# What they answer -----------------------------------------------------------------------------------


def text(data: bytes) -> str:
    """``data`` as it is where it is short text, else its SHA-256."""
    try:
        shown = data.decode("ascii")
    except UnicodeDecodeError:
        shown = "\0"
    return shown if len(data) < 4096 and "\0" not in shown else f"sha256:{hashlib.sha256(data).hexdigest()}"


def plain(value: Any) -> Any:
    """``value`` as JSON has it; bytes become text, and artifacts `DIGEST SIZE`."""
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, Artifact):
        return f"{value.digest} {value.size}"
    if dataclasses.is_dataclass(value):
        fields = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if isinstance(value, Step | Supplies):
            return {name: field for name, field in fields.items() if field or name == "epoch"}
        return fields
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def check(name: str, value: Any) -> None:
    written = json.dumps(plain(value), indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("DEBATE_TEST_GOLDEN") == "write":
        path.write_text(written)
    assert path.read_text() == written


@pytest.fixture(autouse=True)
def _a_host_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose mirrors and proxies change nothing."""
    make_all()
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("distribution", ["debian", "arch"])
def test_resolving_and_downloading(distribution: str) -> None:
    manager, known = managers.get(distribution), settings(mirrors=ADDRESSES)
    found: dict[str, Any] = {}
    for name, more in REQUESTS.items():
        wanted = msgspec.convert({**(DEBIAN if distribution == "debian" else ARCH), **more}, Request)
        mirrors = manager.mirrors(known, wanted, "http://profile.example/")
        found[name] = {
            "mirrors": mirrors,
            "trust": manager.trust(known, wanted),
            "lock": manager.lock_step(wanted, TOOLS, b"installed\n"),
            "lock_supplies": manager.lock_supplies(known, wanted, mirrors),
            "fetch": manager.fetch_step(PACKAGES[distribution], TOOLS),
            "fetch_supplies": manager.fetch_supplies(PACKAGES[distribution], mirrors, "refresh"),
        }
    found["tools"] = manager.tools_step(b"one\ntwo\n")
    found["tools_supplies"] = manager.tools_supplies(known)
    if distribution == "debian":
        sid = msgspec.convert({**DEBIAN, "release": "sid"}, Request)
        found["rolling"] = manager.lock_step(sid, TOOLS)
        found["rolling_supplies"] = manager.lock_supplies(known, sid, manager.mirrors(known, sid, {}))
    check(f"{distribution}.resolve", found)


@pytest.mark.parametrize("distribution", ["debian", "arch"])
def test_installing(distribution: str) -> None:
    manager, packages = managers.get(distribution), PACKAGES[distribution]
    fields = DEBIAN if distribution == "debian" else ARCH
    release = fields["release"]
    rootfs = msgspec.convert({**fields, **ROOTFS}, Target)
    pairs = list(zip(packages, STANZAS[distribution], strict=True))
    index, below = manager.index(pairs), artifact("below")
    generators = ["initramfs-tools", "dracut"] if distribution == "debian" else ["mkinitcpio", "dracut"]
    layers = [artifact("lowest"), artifact("next")]
    system = fields["distribution"], release, fields["architecture"]

    def initramfs(generator: str) -> Initramfs:
        hook = Entry("/etc/initramfs-tools/hooks/one", "file", mode="0755", digest="sha256:" + "1" * 64)
        return Initramfs(*system, generator, "xz", ("dm-crypt",), ("/etc/x",), ("a/*",), ("one",), False, (hook,))

    check(f"{distribution}.install", {
        "inspect": manager.inspect_step(packages, TOOLS),
        "index": index,
        "select": manager.select_step(index, ["curl", "zlib"], "linux", release, TOOLS),
        "initrd_wanted": manager.initrd_wanted(pairs, {"curl"}),
        "initrd": {
            name: manager.initrd_step(packages, "6.12", initramfs(name), artifact("modules"), TOOLS, 12)
            for name in generators
        },
        "modules": initrd.modules_step(manager.rootfs_step(packages, artifact("index"), "6.12", rootfs, TOOLS, 10)),
        "rootfs": manager.rootfs_step(packages, artifact("index"), "6.12", rootfs, TOOLS, 10),
        "order": manager.order_step(packages, artifact("index"), below, release, TOOLS),
        "added": manager.added_step(packages, artifact("index"), artifact("plan"), "6.12", rootfs, layers, TOOLS, 11),
        "added, without a plan": manager.added_step(
            packages, artifact("index"), None, "6.12", rootfs, layers, TOOLS, 11
        ),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("distribution", "generator"),
    [("debian", "initramfs-tools"), ("debian", "dracut"), ("arch", "mkinitcpio"), ("arch", "dracut")],
)
@pytest.mark.parametrize("depth", [1, 3])
def test_live_trees(distribution: str, generator: str, depth: int) -> None:
    layers = [(f"{number}-layer", artifact(f"layer {number}")) for number in range(depth)]
    parts = LiveParts(
        artifact("kernel"),
        artifact("initrd"),
        layers,
        lambda layer: f"sha512 {layer.size}",
        "LABEL",
        1_000_000_000,
        "amd64",
    )
    check(f"{distribution}.{generator}.{depth}", live.get(distribution, generator).live(parts))


def test_no_address_is_left_out() -> None:
    """A golden file of supplies without sources would hold anything."""
    wanted = msgspec.convert({**DEBIAN, "repositories": REPOSITORIES}, Request)
    mirrors = Mirrors({"debian": "D", "debian-security": "S", "tools": "T", "zoo": "Z"}, {})
    supplies = managers.get("debian").lock_supplies(settings(), wanted, mirrors)
    assert supplies.files["sources.list"].decode().count("\n") == 6
