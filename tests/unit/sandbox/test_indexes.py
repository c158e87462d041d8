"""The signed indexes that a lock names: each archive's are unpacked, and damage is no absence."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, write_files

PACKED = {
    "debian/dists/trixie/InRelease": "debian's\n",
    "debian/dists/trixie/main/Packages": "".join(f"Package: a{number * 7919 % 1009}\n" for number in range(5000)),
    "debian-security/dists/x/InRelease": "another's\n",
}


def pack(directory: Path) -> bytes:
    """What `keep` in indexes.sh packs."""
    tree = write_files(directory / "tree", PACKED)
    argv = ["tar", "-C", str(tree), "--sort=name", "--format=ustar", "-c", "."]
    packed = subprocess.run(argv, capture_output=True, check=True).stdout
    return subprocess.run(["zstd", "-q", "-3"], input=packed, capture_output=True, check=True).stdout


def unpack(directory: Path, archive: str, data: bytes) -> dict[str, str] | None:
    """What `unpack` makes of an archive; None if it is damaged."""
    (directory / "in").mkdir()
    (directory / "in" / "indexes").write_bytes(data)
    (directory / "in" / "archives").write_text("debian\ndebian\ndebian-security\nde.ian\nextra\n")
    made = directory / "work" / "mirror" / archive
    made.mkdir(parents=True)
    text = f'set -eu\n{(ROOT / "sandbox/debian/indexes.sh").read_text()}\nunpack "$1"\necho unpacked'
    for path in ("in", "work"):
        text = text.replace(f"/run/{path}", str(directory / path))
    (directory / "reader").mkdir()
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(directory / "reader")}
    done = subprocess.run(["sh", "-c", text, "sh", archive], env=environment, capture_output=True, text=True)
    assert (done.stdout == "") == (directory / "reader" / "damaged").exists() == (done.returncode != 0)
    if done.returncode:
        return None
    assert done.stderr == ""
    return {str(path.relative_to(made)): path.read_text() for path in made.rglob("*") if path.is_file()}


@pytest.mark.parametrize("archive", ["debian", "debian-security", "de.ian", "extra"])
def test_each_archive_gets_its_own(tmp_path: Path, archive: str) -> None:
    """Nothing, if it has no package yet."""
    start = f"{archive}/"
    expected = {path.removeprefix(start): text for path, text in PACKED.items() if path.startswith(start)}
    assert unpack(tmp_path, archive, pack(tmp_path)) == expected


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "no zstd": lambda _: b"garbage",
    "no tar": lambda _: subprocess.run(["zstd", "-q"], input=b"garbage" * 999, capture_output=True, check=True).stdout,
    "cut": lambda data: data[: len(data) // 2],
    "its last byte is lost": lambda data: data[:-1],
    "a byte is another": lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
    "its checksum is another": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
}


@pytest.mark.parametrize("archive", ["debian", "extra"])
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_damage_is_found(tmp_path: Path, archive: str, damage: Callable[[bytes], bytes]) -> None:
    assert unpack(tmp_path, archive, damage(pack(tmp_path))) is None
