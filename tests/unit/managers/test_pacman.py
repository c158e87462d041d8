"""What pacman is asked, and what its answers mean."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from debate import managers
from debate.distributions import arch
from debate.errors import DebateError
from debate.managers.interface import Initramfs, Mirrors, Repository, Request, Target
from debate.model import Artifact, Locked
from debate.settings import Settings

PACMAN = managers.get("arch")
TOOLS = Artifact("sha256:b", 1)
ONE = Artifact(f"sha256:{'1' * 64}", 5)
REQUEST = Request(
    distribution="arch", release="rolling", architecture="x86_64", components=("core", "extra"), snapshot=None,
    repositories=(), recommends=False, packages=("base", "linux"), base=None,
)  # fmt: skip
EXTRA = Repository("tools", "\x99x", (), ())
MIRRORS = Mirrors({"arch": "http://m.example/arch"}, {})
LINE = "zlib\t1:1.3.1-2\tcore\t{address}/core/os/x86_64/zlib-1:1.3.1-2-x86_64.pkg.tar.zst\t77\t{sha256}\t{signature}"
ZLIB = Locked(
    "zlib", "1:1.3.1-2", "x86_64", "arch", "core/os/x86_64/zlib-1:1.3.1-2-x86_64.pkg.tar.zst", 77, "ab" * 32, "c2ln"
)

INITRAMFS = Initramfs(
    "arch", "rolling", "x86_64", "mkinitcpio", "xz", ("nbd",), ("/etc/x",), ("a/*",), ("one",), False, ()
)


def settings(keyrings: dict[str, str] | None = None, **mirrors: str) -> Settings:
    named = {name.replace("_", "-"): address for name, address in mirrors.items()}
    return Settings(root=Path(), cache=Path(), output=Path(), mirrors=named, keyrings=keyrings or {})


def test_what_pacman_is_asked() -> None:
    wanted = replace(REQUEST, repositories=(EXTRA,))
    step = PACMAN.lock_step(wanted, TOOLS)
    mirrors = Mirrors({**MIRRORS.addresses, "tools": "copy:/run/mirror/tools"}, {})
    assert PACMAN.lock_supplies(settings(), wanted, mirrors).files["repositories"].decode().splitlines() == [
        "[tools]", "Server = file:///run/mirror/tools",
        "[core]", "Server = http://m.example/arch/$repo/os/$arch",
        "[extra]", "Server = http://m.example/arch/$repo/os/$arch",
    ]  # fmt: skip
    assert step.parameters["packages"] == b"base\nlinux\n"
    assert [command.rights for command in step.commands] == ["fetch"]


def test_mirrors() -> None:
    named = {"arch": "http://profile.example", "tools": "https://e.example/arch"}
    found = PACMAN.mirrors(settings(arch="file:///srv/arch"), replace(REQUEST, repositories=(EXTRA,)), named)
    assert found.addresses == {"arch": "copy:/run/mirror/arch", "tools": "https://e.example/arch"}
    assert found.directories == {"arch": "/srv/arch"}
    assert PACMAN.mirrors(settings(), REQUEST, {"arch": "http://p.example/a/"}).addresses == {
        "arch": "http://p.example/a"
    }
    dated = replace(REQUEST, snapshot="20260102T030405Z")
    found = PACMAN.mirrors(settings(arch_snapshot="http://s.example/repos/{date}"), dated, {})
    assert found.addresses["arch"] == "http://s.example/repos/2026/01/02"
    with pytest.raises(DebateError, match="no dated mirror is set; set DEBATE_MIRROR_ARCH_SNAPSHOT"):
        PACMAN.mirrors(settings(), dated, {})


def test_the_hosts_own_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arch, "HOST_MIRRORS", str(tmp_path / "mirrorlist"))
    with pytest.raises(DebateError, match="no Arch mirror is known; set DEBATE_MIRROR_ARCH"):
        PACMAN.mirrors(settings(), REQUEST, {})
    (tmp_path / "mirrorlist").write_text(
        "# Server = http://no\nServer = https://m.example/arch/$repo/os/$arch\nServer = x\n"
    )
    assert PACMAN.mirrors(settings(), REQUEST, {}).addresses["arch"] == "https://m.example/arch"


def resolved(sha256: str = "ab" * 32, signature: str = "c2ln", address: str = "http://m.example/arch") -> str:
    return LINE.format(sha256=sha256, signature=signature, address=address)


def test_read_resolved() -> None:
    assert PACMAN.read_resolved([resolved()], MIRRORS) == [ZLIB]
    for said, installed in (("4096", 4096), ("0", 0), ("", 0), ("-1", 0), ("x", 0), ("9" * 13, 0)):
        (found,) = PACMAN.read_resolved([f"{resolved()}\t{said}"], MIRRORS)
        assert (found, found.installed) == (ZLIB, installed)
    extra, mirrors = resolved(address="http://e.example"), Mirrors({"mine": "http://e.example"}, {})
    for also, replaces in (("core", "arch"), ("other,extra", "arch"), ("other", ""), ("", "")):
        assert PACMAN.read_resolved([f"{resolved()}\t\t{also}"], MIRRORS) == [ZLIB]
        [found] = PACMAN.read_resolved([f"{extra}\t\t{also}"], mirrors)
        assert found.replaces == replaces
    directory = Mirrors({"arch": "copy:/run/mirror/arch"}, {})
    assert PACMAN.read_resolved([resolved(address="file:///run/mirror/arch")], directory) == [ZLIB]


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_a_lock_is_not_that_of_the_database(order: int) -> None:
    other = resolved().replace("x86_64.pkg", "any.pkg")
    found = PACMAN.read_resolved([other, resolved()][::order], MIRRORS)
    assert [package.architecture for package in found] == ["any", "x86_64"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (resolved(sha256=""), "the database has no SHA-256 for zlib"),
        (resolved(signature=""), "zlib 1:1.3.1-2 is not signed"),
        (resolved(address="http://evil.example"), "is not on any of the mirrors"),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    with pytest.raises(DebateError, match=message):
        PACMAN.read_resolved([line], MIRRORS)


def test_the_index_is_a_database() -> None:
    data = PACMAN.index([(ZLIB, b"#\n%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n")])
    assert data == PACMAN.index([(ZLIB, b"#\n%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n")])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["zlib-1:1.3.1-2", "zlib-1:1.3.1-2/desc"]
        file = tar.extractfile("zlib-1:1.3.1-2/desc")
        assert file
        assert file.read().decode() == (
            f"%FILENAME%\n{'ab' * 32}\n\n%CSIZE%\n77\n\n%SHA256SUM%\n{'ab' * 32}\n\n"
            "%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n"
        )


@pytest.mark.skipif(not shutil.which("pacman"), reason="needs pacman, which reads the database")
@pytest.mark.parametrize("length", [1, 93, 94, 95, 98, 99, 154, 155, 156, 240])
def test_pacman_reads_entries_of_any_length(tmp_path: Path, length: int) -> None:
    """They are called NAME-VERSION: older forms of tar have 100 bytes for a name, or 155 and 100."""
    packages = [replace(ZLIB, name="x" * length, sha256="cd" * 32), replace(ZLIB, name="last")]
    index = PACMAN.index(
        (one, f"#\n%NAME%\n{one.name}\n\n%VERSION%\n{one.version}\n\n%ARCH%\nx86_64\n\n".encode()) for one in packages
    )
    assert PACMAN.is_index(index, packages)
    (tmp_path / "sync").mkdir()
    (tmp_path / "sync" / "debate.db").write_bytes(index)
    (tmp_path / "conf").write_text("[options]\nArchitecture = x86_64\n[debate]\nSigLevel = Never\nServer = file:///x\n")
    argv = ["pacman", "--config", tmp_path / "conf", "--dbpath", tmp_path, "--noconfirm", "-Sp"]
    done = subprocess.run([*argv, *(one.name for one in packages)], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == sorted(f"file:///x/{one.sha256}" for one in packages)


def test_what_matters_to_an_initramfs() -> None:
    pairs = [(Locked(name, "1-1", "x86_64", "arch", "p", 1, "0" * 64, "c2ln"), stanza) for name, stanza in (
        ("linux", b"#initrd\n"), ("dracut", b"#\n"), ("mkinitcpio", b"#\n"), ("vim", b"#\n"),
    )]  # fmt: skip
    assert PACMAN.initrd_wanted(pairs, {"dracut"}) == ["dracut", "linux"]
    assert PACMAN.initrd_wanted(pairs, {"mkinitcpio"}) == ["linux", "mkinitcpio"]


def test_rootfs() -> None:
    values = Target("arch", "rolling", "x86_64", ("/usr/share/doc/*",), ("-comp", "zstd"))
    step = PACMAN.rootfs_step([ZLIB], ONE, "6.1", values, TOOLS, 5)
    assert step.parameters["explicit"] == b"zlib\n"
    assert step.parameters[f"packages/{'ab' * 32}.sig"] == b"sig"
    assert step.parameters["noextract"] == b"NoExtract = usr/share/doc/*\n"
    assert step.inputs == {"index": ONE, f"packages/{'ab' * 32}": ZLIB.artifact}
    assert [(command.script, command.rights) for command in step.commands] == [
        ("arch/rootfs.sh", "bootstrap"),
        ("arch/pack-root.sh", "data"),
    ]


def test_keyrings_are_no_part_of_a_key(tmp_path: Path) -> None:
    (tmp_path / "mine.gpg").write_bytes(b"keys")
    found = PACMAN.trust(settings({"arch": str(tmp_path / "mine.gpg")}), replace(REQUEST, repositories=(EXTRA,)))
    assert found == {"keyring": b"keys", "keys/tools": b"\x99x"}
    assert PACMAN.trust(settings(), REQUEST) == {}
    with pytest.raises(DebateError, match=r"/gone: No such file or directory; set DEBATE_KEYRING_ARCH"):
        PACMAN.trust(settings({"arch": "/gone"}), REQUEST)


def test_what_mkinitcpio_is_told() -> None:
    step = PACMAN.initrd_step([ZLIB], "6.12", INITRAMFS, None, TOOLS, 5)
    assert step.parameters["generator"] == b"mkinitcpio"
    assert (
        b"HOOKS=(base udev modconf kms archiso archiso_loop_mnt live_layers block filesystems keyboard)\n"
        in (step.parameters["mkinitcpio.conf"])
    )


def test_what_a_proof_asks(tmp_path: Path) -> None:
    """Keys that are no longer trusted prove nothing, so all of them are in the step's key."""
    keyring = tmp_path / "keyring"
    keyring.write_bytes(b"keys")
    other = replace(ZLIB, name="x", repository="tools", sha256="cd" * 32, signature="b3RoZXI=")
    step = PACMAN.proof_step([ZLIB, other], replace(REQUEST, repositories=(EXTRA,)), settings(), TOOLS)
    lines = [line.split("\t") for line in step.parameters["wanted"].decode().splitlines()]
    assert [(line[0], line[1]) for line in lines] == [("arch", "zlib"), ("tools", "x")]
    assert step.parameters["keys/tools"] == b"\x99x"
    assert step.inputs == {f"packages/{one.sha256}": one.artifact for one in (ZLIB, other)}
    signatures = {name: data for name, data in step.parameters.items() if name.endswith(".sig")}
    assert signatures == {f"packages/{'ab' * 32}.sig": b"sig", f"packages/{'cd' * 32}.sig": b"other"}
    assert PACMAN.indexes_step(REQUEST, TOOLS) is None
    own = PACMAN.proof_step([ZLIB], REQUEST, settings({"arch": str(keyring)}), TOOLS)
    assert own.parameters["keyring"] == b"keys"
