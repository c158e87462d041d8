"""What is taken out of packages for Secure Boot is one regular file of a bounded size, byte for byte."""

from __future__ import annotations

import lzma
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.debs import deb, member, packed

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become the readers")
PATH, HERE = "usr/lib/shim.signed", "./usr/lib/shim.signed"
SIGNED = b"MZ \xff\0\r\n" * 1000
CONTROL = member(
    "./control", b"Package: shim\nVersion: 1\nArchitecture: amd64\nSource: s (2)\nMaintainer: x\nDescription: x\n"
)
FILE = member(HERE, SIGNED)


def run(directory: Path, package: Path) -> tuple[bytes, str, list[str]]:
    """The file, the list and the facts that the script leaves, with smaller bounds."""
    for name in ("in/packages", "work", "out"):
        (directory / name).mkdir(parents=True)
    digits = "a" * 64
    package.rename(directory / f"in/packages/{digits}.deb")
    (directory / "in/signed").write_text(f"BOOTX64.EFI {digits} {PATH}\n")
    (directory / "in/names").write_text(f"{digits} shim 1\n")
    for above in (directory, *directory.parents):
        if not above.stat().st_mode & 1:
            above.chmod(0o711)
    text = (ROOT / "sandbox/debian/signed.sh").read_text().replace("\nclose_shared\n", "\n")
    for bound, smaller in ((256, 4), (32, 1), (64, 2)):
        assert f"$(({bound} << 20))" in text
        text = text.replace(f"$(({bound} << 20))", f"$(({smaller} << 20))")
    for name in ("in", "work", "out", "problems"):
        text = text.replace(f"/run/{name}", f"{directory}/{name}")
    for name in ("problem.sh", "apart.sh"):
        its = (ROOT / "sandbox" / name).read_text().replace("/run/work", f"{directory}/work")
        (directory / name).write_text(
            its.replace("/run/problems", f"{directory}/problems").replace("/run/step", str(directory))
        )
    text = text.replace("/run/step", str(directory))
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False, timeout=60)
    problems = directory / "problems"
    fields = problems.read_text().split("\0")[:-1] if problems.exists() else []
    assert (done.returncode == 0) != bool(fields), done.stderr
    listed = directory / "out/unpacked"
    assert {tuple(fields[place : place + 2]) for place in range(0, len(fields), 4)} <= {("boot.secure", "")}
    return (directory / "out/BOOTX64.EFI").read_bytes(), listed.read_text() if listed.exists() else "", fields[2::4]


@pytest.mark.parametrize("more", [[], [member("./etc", link="/etc")], [member("./usr/lib/shim.signed.more", b"x")]])
def test_byte_for_byte(tmp_path: Path, more: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    package = deb(tmp_path / "x.deb", [CONTROL], data=packed([*more, FILE]))
    assert run(tmp_path / "run", package) == (SIGNED, "shim\t1\tamd64\ts\t2\n", [])


def big(size: int, *, name: str = "./x") -> bytes:
    """The start of an archive with a member of zeros, which compresses well."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf() + bytes(size + -size % 512)


def packed_plain(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    return lzma.decompress(packed([*members]))


def with_type(kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(HERE)
    info.type, info.linkname = kind, link
    return info, b""


def hostile() -> Iterator[tuple[str, bytes, str]]:
    """What it is, the data archive, and the fact that is told."""
    none = f"has no file /{PATH}, or not in its first 4 MiB"
    yield "nothing", packed([]), none
    yield "link", packed([member(HERE, link="/etc/shadow")]), none
    yield "hard link", packed([member("./x", b"x"), with_type(tarfile.LNKTYPE, "./x")]), none
    yield "directory", packed([with_type(tarfile.DIRTYPE), member(f"{HERE}/x", SIGNED)]), none
    yield "device", packed([with_type(tarfile.CHRTYPE)]), none
    yield "pipe", packed([with_type(tarfile.FIFOTYPE)]), none
    yield "empty", packed([member(HERE)]), none
    yield "another name", packed([member("./usr//lib/../lib/shim.signed", SIGNED)]), none
    yield "pattern", packed([member("./usr/lib/shimxsigned", SIGNED)]), none
    yield "no archive", b"x", none
    yield "large file", lzma.compress(big(2 << 20, name=HERE), preset=0), f"has a file /{PATH} of more than 1 MiB"
    yield "far behind", lzma.compress(big(6 << 20) + packed_plain(FILE), preset=0), none


@pytest.mark.parametrize(("what", "data", "fact"), [pytest.param(*each, id=each[0]) for each in hostile()])
def test_what_is_no_such_file(tmp_path: Path, what: str, data: bytes, fact: str) -> None:
    _, _, facts = run(tmp_path / "run", deb(tmp_path / "x.deb", [CONTROL], data=data))
    assert facts == [f"shim 1 {fact}"], what


@pytest.mark.parametrize("control", [
    [], [member("./control", link="/etc/passwd")], [member("./control", b"")],
    [member("./x", bytes(3 << 20)), CONTROL],
], ids=["none", "link", "empty", "large"])  # fmt: skip
def test_control_data_that_cannot_be_read(tmp_path: Path, control: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    _, listed, facts = run(tmp_path / "run", deb(tmp_path / "x.deb", control, data=packed([FILE])))
    assert (listed, facts) == ("", ["shim 1 has control data that cannot be read, or is too large"])
