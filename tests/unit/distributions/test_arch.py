"""Arch Linux: what pacman is asked, what its answers mean, and where a live system looks for its image."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from debate.distributions import arch
from debate.distributions.interface import LiveParts, Locked, Mirrors
from debate.errors import DebateError
from debate.model import Artifact
from debate.settings import Settings

BASE = Artifact("sha256:b", 1)
ONE, TWO = Artifact(f"sha256:{'1' * 64}", 5), Artifact(f"sha256:{'2' * 64}", 6)
SLICE: dict[str, Any] = {
    "distribution": "arch", "release": "rolling", "architecture": "x86_64", "components": ["core", "extra"],
    "snapshot": None, "recommends": False, "packages": ["base", "linux"], "repositories": [],
}  # fmt: skip
EXTRA = {"name": "tools", "url": "https://e.example/$arch", "key": "-----BEGIN x"}
MIRRORS = Mirrors({"arch": "http://m.example/arch"}, {})
LINE = "zlib\t1:1.3.1-2\tcore\t{address}/core/os/x86_64/zlib-1:1.3.1-2-x86_64.pkg.tar.zst\t77\t{sha256}\t{signature}"
ZLIB = Locked(
    "zlib", "1:1.3.1-2", "x86_64", "arch", "core/os/x86_64/zlib-1:1.3.1-2-x86_64.pkg.tar.zst", 77, "ab" * 32, "c2ln"
)


def settings(keyrings: dict[str, str] | None = None, **mirrors: str) -> Settings:
    named = {name.replace("_", "-"): address for name, address in mirrors.items()}
    return Settings(root=Path(), cache=Path(), output=Path(), mirrors=named, keyrings=keyrings or {})


def test_what_pacman_is_asked() -> None:
    wanted = {**SLICE, "repositories": [EXTRA]}
    step = arch.lock_step(wanted, Mirrors({**MIRRORS.addresses, "tools": "copy:/run/mirror/tools"}, {}), BASE)
    assert step.where["repositories"].decode().splitlines() == [
        "[tools]", "Server = file:///run/mirror/tools",
        "[core]", "Server = http://m.example/arch/$repo/os/$arch",
        "[extra]", "Server = http://m.example/arch/$repo/os/$arch",
    ]  # fmt: skip
    assert step.parameters["packages"] == b"base\nlinux\n"
    assert [command.rights for command in step.commands] == ["fetch"]


def test_mirrors() -> None:
    found = arch.mirrors(
        settings(arch="file:///srv/arch"), {**SLICE, "repositories": [EXTRA]}, "http://profile.example"
    )
    assert found.addresses == {"arch": "copy:/run/mirror/arch", "tools": "https://e.example/$arch"}
    assert found.directories == {"arch": "/srv/arch"}
    assert arch.mirrors(settings(), SLICE, "http://p.example/a/").addresses == {"arch": "http://p.example/a"}
    dated = {**SLICE, "snapshot": "20260102T030405Z"}
    found = arch.mirrors(settings(arch_snapshot="http://s.example/repos/{date}"), dated, None)
    assert found.addresses["arch"] == "http://s.example/repos/2026/01/02"
    with pytest.raises(DebateError, match="no dated mirror is set; set DEBATE_MIRROR_ARCH_SNAPSHOT"):
        arch.mirrors(settings(), dated, None)


def test_the_hosts_own_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arch, "_HOST_MIRRORS", tmp_path / "mirrorlist")
    with pytest.raises(DebateError, match="no Arch mirror is known; set DEBATE_MIRROR_ARCH"):
        arch.mirrors(settings(), SLICE, None)
    (tmp_path / "mirrorlist").write_text(
        "# Server = http://no\nServer = https://m.example/arch/$repo/os/$arch\nServer = x\n"
    )
    assert arch.mirrors(settings(), SLICE, None).addresses["arch"] == "https://m.example/arch"


def resolved(sha256: str = "ab" * 32, signature: str = "c2ln", address: str = "http://m.example/arch") -> str:
    return LINE.format(sha256=sha256, signature=signature, address=address)


def test_read_resolved() -> None:
    assert arch.read_resolved(resolved(), MIRRORS) == [ZLIB]
    directory = Mirrors({"arch": "copy:/run/mirror/arch"}, {})
    assert arch.read_resolved(resolved(address="file:///run/mirror/arch"), directory) == [ZLIB]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (resolved(sha256=""), "the database has no SHA-256 of zlib"),
        (resolved(signature=""), "zlib 1:1.3.1-2 is not signed"),
        (resolved(address="http://evil.example"), "is below none of the mirrors"),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    with pytest.raises(DebateError, match=message):
        arch.read_resolved(line, MIRRORS)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("error: target not found: opensh\ncandidate opensh openssh\n", "no package 'opensh'; did you mean openssh?"),
        ("error: target not found: zzz\n", "arch has no package 'zzz'; check the name and the repositories"),
        ('error: core: signature from "T <t@x>" is unknown trust\n', "signed by an unknown key; it is refused"),
        ("error: failed retrieving file 'core.db' from m.example : The requested URL returned error: 404\n",
         "m.example: core.db: The requested URL returned error: 404; check the network and the mirror's address"),
        ("something else\n", ""),
    ],
)  # fmt: skip
def test_explain_lock(log: str, reason: str) -> None:
    assert reason in arch.explain_lock(log, SLICE)
    assert bool(arch.explain_lock(log, SLICE)) == bool(reason)


def test_the_index_is_a_database() -> None:
    data = arch.index([(ZLIB, b"#\n%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n")])
    assert data == arch.index([(ZLIB, b"#\n%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n")])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["zlib-1:1.3.1-2", "zlib-1:1.3.1-2/desc"]
        file = tar.extractfile("zlib-1:1.3.1-2/desc")
        assert file
        assert file.read().decode() == (
            f"%FILENAME%\nzlib-1:1.3.1-2-x86_64.pkg.tar.zst\n\n%CSIZE%\n77\n\n%SHA256SUM%\n{'ab' * 32}\n\n"
            "%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n"
        )


def test_what_matters_to_an_initramfs() -> None:
    pairs = [(Locked(name, "1-1", "x86_64", "arch", "p", 1, "0" * 64, "c2ln"), stanza) for name, stanza in (
        ("linux", b"#initrd\n"), ("dracut", b"#\n"), ("mkinitcpio", b"#\n"), ("vim", b"#\n"),
    )]  # fmt: skip
    assert arch.initrd_wanted(pairs, "dracut") == ["dracut", "linux"]
    assert arch.initrd_wanted(pairs, "mkinitcpio") == ["linux", "mkinitcpio"]


def test_rootfs() -> None:
    values = {"architecture": "x86_64", "exclude": ["/usr/share/doc/*"], "mksquashfs": ["-comp", "zstd"]}
    step = arch.rootfs_step([ZLIB], ONE, values, BASE, 5)
    assert step.parameters["explicit"] == b"zlib\n"
    assert step.parameters["packages/zlib-1:1.3.1-2-x86_64.pkg.tar.zst.sig"] == b"sig"
    assert step.parameters["noextract"] == b"NoExtract = usr/share/doc/*\n"
    assert step.inputs == {"index": ONE, "packages/zlib-1:1.3.1-2-x86_64.pkg.tar.zst": ZLIB.artifact}
    assert [(command.script, command.rights) for command in step.commands] == [("arch/rootfs.sh", "bootstrap")]


def test_keyrings_are_no_part_of_a_key(tmp_path: Path) -> None:
    (tmp_path / "mine.gpg").write_bytes(b"keys")
    found = arch.trust(settings({"arch": str(tmp_path / "mine.gpg")}), {**SLICE, "repositories": [EXTRA]})
    assert found == {"keyring": b"keys", "keys/tools": b"-----BEGIN x"}
    assert arch.trust(settings(), SLICE) == {}
    with pytest.raises(DebateError, match=r"/gone: No such file or directory; DEBATE_KEYRING_ARCH names it"):
        arch.trust(settings({"arch": "/gone"}), SLICE)


LAYERS = [("0-packages", ONE), ("1-packages", TWO), ("2-overlay", ONE)]


def digits(image: Artifact) -> str:
    return "1" if image == ONE else "2"


def test_where_archisos_hook_looks() -> None:
    """See README.bootparams of mkinitcpio-archiso."""
    live = arch.live("mkinitcpio", LiveParts(ONE, TWO, LAYERS, digits, "ARCH", 1_000_000_000))
    assert live.tree == {
        "arch/boot/x86_64/vmlinuz-linux": ONE,
        "arch/boot/x86_64/initramfs-linux.img": TWO,
        "arch/x86_64/airootfs.sfs": ONE,
        "arch/x86_64/1-packages.sfs": TWO,
        "arch/x86_64/2-overlay.sfs": ONE,
        "arch/x86_64/layers": b"1-packages.sfs\n2-overlay.sfs\n",
        "arch/x86_64/airootfs.sha512": b"1  airootfs.sfs\n2  1-packages.sfs\n1  2-overlay.sfs\n",
        "boot/2001-09-09-01-46-40-00.uuid": b"",
    }
    assert live.arguments == ("archisobasedir=arch", "archisosearchuuid=2001-09-09-01-46-40-00")
    assert live.kernel.lstrip("/") in live.tree
    assert live.initrd.lstrip("/") in live.tree


def test_where_dracut_looks() -> None:
    live = arch.live("dracut", LiveParts(ONE, TWO, LAYERS, digits, "ARCH", 0))
    assert live.tree == {
        "boot/vmlinuz": ONE,
        "boot/initrd.img": TWO,
        "LiveOS/squashfs.img": ONE,
        "LiveOS/1-packages.squashfs": TWO,
        "LiveOS/2-overlay.squashfs": ONE,
        "LiveOS/layers": b"1-packages.squashfs\n2-overlay.squashfs\n",
    }
    assert live.arguments == ("root=live:CDLABEL=ARCH", "rd.live.image", "rd.live.overlay.overlayfs=1")


def test_what_mkinitcpio_is_told() -> None:
    step = arch.initrd_step([ZLIB], "mkinitcpio", BASE, 5)
    assert step.parameters["generator"] == b"mkinitcpio"
    assert (
        b"HOOKS=(base udev modconf kms archiso archiso_loop_mnt live_layers block filesystems keyboard)\n"
        in (step.parameters["mkinitcpio.conf"])
    )


@pytest.mark.parametrize(
    ("profile", "packages"),
    [({}, ["base", "mkinitcpio", "mkinitcpio-archiso"]), ({"generator": "dracut"}, ["base", "dracut"])],
)
def test_implied_packages(profile: dict[str, str], packages: list[str]) -> None:
    assert arch.implied_packages({"initrd": {"generator": "mkinitcpio", **profile}}) == packages
