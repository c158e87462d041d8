"""The metadata of a package is its own word: one entry, about this package, with what the format allows, or refused."""

from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import managers
from debate.model import Locked
from tests.conftest import ROOT
from tests.debs import deb, member, packed

APT, PACMAN = managers.get("debian"), managers.get("arch")
DEB = Locked("tool", "1:2.0-1", "amd64", "debian", "p", 5, "1" * 64)
PKG = Locked("tool", "1:2.0-1", "x86_64", "arch", "core/tool-1:2.0-1-x86_64.pkg.tar.zst", 5, "1" * 64, "c2ln")
CONTROL = """\
Package: tool
Version: 1:2.0-1
Architecture: amd64
Maintainer: S\u00f6meone <x@example.org>
Depends: libc6 (>= 2.36), perl:any,
 python3 | python3-minimal (<< 4~)
Multi-Arch: foreign
Description: a tool; $(touch x)
 with more text
 .
 Package: other
"""
DESC = "#\n%NAME%\ntool\n\n%VERSION%\n1:2.0-1\n\n%ARCH%\nx86_64\n\n%DEPENDS%\nglibc>=2\nlibx.so=1-64\n\n"


def test_a_control_file() -> None:
    assert APT.fault(DEB, CONTROL.encode()) == ""
    assert APT.index([(DEB, CONTROL.encode())]).decode() == (
        "Package: tool\nArchitecture: amd64\nMulti-Arch: foreign\nVersion: 1:2.0-1\n"
        "Depends: libc6 (>= 2.36), perl:any, python3 | python3-minimal (<< 4~)\n"
        f"Filename: pool/{'1' * 64}.deb\nSize: 5\nSHA256: {'1' * 64}\n\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Package: tool", "Package: bash", "its Package is not tool"),
        ("Package: tool\n", "", "its Package is not tool"),
        ("2.0-1\n", "2.0-2\n", "its Version is not 1:2.0-1"),
        ("amd64", "all", "its Architecture is not amd64"),
        ("Description", "\nPackage: bash\nVersion: 9\n\nDescription", "not one paragraph"),
        ("Description", "Package: bash\nDescription", "two fields Package"),
        ("Description", "pAcKage: bash\nDescription", "two fields Package"),
        ("Description", "#comment\nDescription", "not one paragraph"),
        ("Description", "\x1b[31mx: y\nDescription", "not one paragraph"),
        ("libc6 (>=", "libc6$(touch x) (>=", "its field Depends is malformed"),
        ("libc6 (>=", "libc6`x` (>=", "its field Depends is malformed"),
        (" python3 |", " python3; rm -rf / |", "its field Depends is malformed"),
        ("foreign", "foreign\x1b[31m", "its field Multi-Arch is malformed"),
        ("foreign", "foreign\x85", "its field Multi-Arch is malformed"),
        ("2.0-1\n", "2.0-1\n x\n", "its field Version is malformed"),
        ("Package: tool", " Package: tool", "begins with a continuation line"),
    ],
)
def test_a_control_file_that_is_refused(old: str, new: str, said: str) -> None:
    assert said in APT.fault(DEB, CONTROL.replace(old, new, 1).encode())


def test_a_package_names_no_file_of_an_index() -> None:
    """Where apt finds it, and what it must be, says the lock."""
    text = CONTROL + "Filename: pool/bash.deb\nSHA256: 0\nSize: 1\nStatus: install ok installed\n"
    assert APT.fault(DEB, text.encode()) == ""
    assert APT.index([(DEB, text.encode())]) == APT.index([(DEB, CONTROL.encode())])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("%NAME%\ntool", "%NAME%\nbash", "its name is not tool"),
        ("%NAME%\ntool", "%NAME%\ntool\nbash", "its name is not tool"),
        ("2.0-1\n", "2.0-2\n", "its version is not 1:2.0-1"),
        ("x86_64", "any", "its arch is not x86_64"),
        ("glibc>=2\n", "glibc>=2\n\n%FILENAME%\nx\n", "no sections of one name"),
        ("glibc>=2\n", "glibc>=2\n\n%NAME%\nbash\n", "no sections of one name"),
        ("glibc>=2\n", "%SHA256SUM%\n", "its depends is malformed"),
        ("glibc>=2\n", "glibc >=2\n", "its depends is malformed"),
        ("glibc>=2\n", "gl\x1b[31mibc\n", "its depends is malformed"),
        ("#\n", "", "no sections"),
        ("#\n", "#x\n", "its files could not be listed"),
    ],
)
def test_a_desc_that_is_refused(old: str, new: str, said: str) -> None:
    assert PACMAN.fault(PKG, DESC.encode()) == ""
    assert said in PACMAN.fault(PKG, DESC.replace(old, new, 1).encode())


@pytest.mark.parametrize(("package", "good"), [(DEB, CONTROL), (PKG, DESC)])
@given(data=st.data())
def test_whatever_a_package_says(package: Locked, good: str, data: st.DataObject) -> None:
    """It is refused, or an index has it as one entry of printable lines, about this package."""
    manager = APT if package is DEB else PACMAN
    at = data.draw(st.integers(0, len(good)))
    text = good[:at].encode() + data.draw(st.binary(max_size=60)) + good[at + data.draw(st.integers(0, 9)) :].encode()
    if manager.fault(package, text):
        return
    index = manager.index([(package, text)])
    assert manager.is_index(index, [package])
    if package is PKG:
        with tarfile.open(fileobj=io.BytesIO(index)) as tar:
            assert tar.getnames() == ["tool-1:2.0-1", "tool-1:2.0-1/desc"]
            file = tar.extractfile("tool-1:2.0-1/desc")
            assert file
            index = file.read()
            assert len(re.findall(rb"^%NAME%$", index, re.MULTILINE)) == 1
            assert b"\n%NAME%\ntool\n\n" in index
    else:
        assert index.count(b"\n\n") == 1
        assert len(re.findall(rb"^Package: tool$", index, re.MULTILINE)) == 1
    assert all(line.isprintable() for line in index.decode("ascii").split("\n"))


# What the readers in the sandbox print --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("boot/vmlinuz-6.12.43+deb13-amd64", "kernel=6.12.43+deb13-amd64 initrd"),
        ("usr/src/v4l2loopback-0.15.0/dkms.conf", "dkms"),
        ("usr/src/x/y/dkms.conf", ""),
        ("lib/modules/6.1.0-1/vmlinuz", "kernel=6.1.0-1 initrd"),
        ("usr/lib/modules/7.2.12+deb14-cloud-amd64/vmlinuz", "kernel=7.2.12+deb14-cloud-amd64 initrd"),
        ("usr/lib/modules/6.17.1-arch1-1/vmlinuz", "kernel=6.17.1-arch1-1 initrd"),
        ("usr/lib/modules/7.2~rc1/kernel/fs/x.ko.xz", "initrd"),
        ("lib/firmware/x.bin", "initrd"),
        ("boot/intel-ucode.img", "initrd"),
        ("boot/memtest86+/memtest.bin", ""),
        ("usr/lib/dracut/modules.d/90x/module-setup.sh", "initrd"),
        ("usr/share/initramfs-tools/hooks/x", "initrd"),
        ("etc/initramfs-tools/conf.d/x", "initrd"),
        ("usr/lib/initcpio/install/x", "initrd"),
        ("usr/share/plymouth/themes/spinner/spinner.plymouth", "initrd"),
        ("usr/lib/x86_64-linux-gnu/plymouth/label.so", "initrd"),
        ("usr/lib/plymouth/two-step.so", "initrd"),
        ("usr/share/desktop-base/x/plymouth/x.plymouth", ""),
        ("etc/modprobe.d/x.conf", "initrd"),
        ("lib/modprobe.d/x.conf", "initrd"),
        ("usr/lib/depmod.d/x.conf", "initrd"),
        ("etc/dracut.conf.d/x.conf", "initrd"),
        ("etc/udev/rules.d/9-x.rules", "initrd"),
        ("usr/lib/udev/rules.d/9-x.rules", ""),
        ("usr/lib/systemd/network/9-x.link", "initrd"),
        ("usr/lib/systemd/network/9-x.network", ""),
        ("usr/src/linux-headers-6.12.43+deb13-amd64/Module.symvers", "headers=6.12.43+deb13-amd64"),
        ("usr/lib/modules/6.17.1-arch1-1/build/Module.symvers", "headers=6.17.1-arch1-1"),
        ("usr/lib/modules/6.17.1-arch1-1/build/Makefile", ""),
        ("usr/src/linux-headers-6.12.43+deb13-common/Makefile", ""),
        ("usr/lib/debug/boot/vmlinux-6.1", ""),
        ("usr/lib/debian-installer/images/vmlinuz-1", ""),
        ("boot/vmlinuz-1 initrd headers=2", "initrd"),
    ],
)
def test_what_a_package_has_by_the_names_of_its_files(file: str, words: str) -> None:
    """Where releases of Debian, Arch and others put kernels, modules and headers."""
    done = subprocess.run(
        ["perl", "-e", "require shift; print holds(shift, qr/^(.*)/m)", ROOT / "sandbox" / "holds.pl", f"x\n{file}\ny"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == words
    control = f"X-Debate-Holds: {words}\n{CONTROL}".encode() if words else CONTROL.encode()
    for manager, package, stanza in ((APT, DEB, control), (PACMAN, PKG, f"#{words}\n{DESC[2:]}".encode())):
        assert manager.fault(package, stanza) == ""
        holds = manager.holds(stanza)
        told = [
            *(f"kernel={v}" for v in holds.kernels),
            *["initrd"] * holds.initrd,
            *(f"headers={v}" for v in holds.headers),
            *["dkms"] * holds.dkms,
        ]
        assert " ".join(told) == words


@pytest.mark.parametrize(
    "words", ["initrd x", "kernel=", "kernel=a/b", "initrd ", "headers=$(x)", "initrd\x85kernel=1"]
)
def test_words_that_no_reader_prints(words: str) -> None:
    assert "malformed" in APT.fault(DEB, f"X-Debate-Holds: {words}\n{CONTROL}".encode()) or words.endswith(" ")
    assert PACMAN.fault(PKG, f"#{words}\n{DESC[2:]}".encode())


CONTROL_FILE = member("./control", CONTROL.encode())
FORGED = b"Package: forged\n"


@pytest.mark.parametrize(
    ("members", "files", "mark"),
    [
        ([CONTROL_FILE], ("./boot/vmlinuz-1",), "kernel=1 initrd"),
        ([CONTROL_FILE], ("./usr/bin/x",), ""),
        ([CONTROL_FILE, member("./md5sums", b"0  usr/lib/modules/1/x.ko\n")], (), "initrd"),
        ([CONTROL_FILE, member("./md5sums", b"0  usr/bin/x\n")], ("./boot/vmlinuz-1",), ""),
        ([member("control", CONTROL.encode())], (), ""),
        ([CONTROL_FILE, *(member(f"./{n}", b"x") for n in range(3000))], (), ""),
        ([member("names", link="TARGET"), member("names/x", FORGED), CONTROL_FILE], (), ""),
        ([member("../../TARGET", FORGED), CONTROL_FILE], (), ""),
    ],
)
def test_a_package_of_debian_is_only_read(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], files: tuple[str, ...], mark: str
) -> None:
    """Whatever its control archive holds: links lead nowhere, and nothing is written but what is printed."""
    target = tmp_path / "target"
    target.write_text("another's\n")
    for info, _ in members:
        info.linkname = info.linkname.replace("TARGET", str(target))
        info.name = info.name.replace("TARGET", str(target))
    (tmp_path / "tmp").mkdir()
    done = read("debian", deb(tmp_path / "x.deb", members, files), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == (f"X-Debate-Holds: {mark}\n" if mark else "") + CONTROL
    assert target.read_text() == "another's\n"
    assert sorted(os.listdir(tmp_path)) == ["target", "tmp", "x.deb"]
    assert os.listdir(tmp_path / "tmp") == []


def read(distribution: str, package: Path, tmp_path: Path) -> subprocess.CompletedProcess[bytes]:
    script = tmp_path.with_suffix(".pl")
    text = (ROOT / "sandbox" / distribution / "read.pl").read_text()
    script.write_text(text.replace("/run/step", str(ROOT / "sandbox")))
    (tmp_path / "tmp").mkdir(exist_ok=True)
    return subprocess.run(
        ["perl", "-e", "require shift; read_package(@ARGV)", str(script), str(package)],
        capture_output=True, cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip


@pytest.mark.parametrize(
    "members",
    [
        [member("./md5sums", b"0  x\n")],
        [member("./control", link="/etc/passwd")],
        [CONTROL_FILE, member("./md5sums", b"0  x\n" * (20 << 20))],
        [],
        [CONTROL_FILE, member("control", FORGED)],
        [member("control", FORGED), CONTROL_FILE],
        [CONTROL_FILE, member(f"./{'x' * 100}", b"x")],
        [CONTROL_FILE, member("md5sums", link="/etc/passwd")],
    ],
    ids=["none", "a link", "a hundred megabytes", "empty", "two", "two the other way round", "a long name", "sums"],
)
def test_a_package_of_debian_that_is_none(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    done = read("debian", deb(tmp_path / "x.deb", members), tmp_path)
    assert done.returncode != 0 or APT.fault(DEB, done.stdout)


ODD = [
    *((name, tarfile.REGTYPE) for name in (".//control", "././control", "./control/", "/control", "./x/control")),
    *((name, kind) for name in ("./control", "./x") for kind in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CONTTYPE)),
]
"""Name and kind of a member that may be taken for the control file."""


@pytest.mark.parametrize(("name", "kind"), ODD)
def test_dpkg_reads_the_same_or_it_is_refused(tmp_path: Path, name: str, kind: bytes) -> None:
    """Beside a control file: dpkg has the last one of a name, however that is written."""
    other = CONTROL.replace("1:2.0-1", "1:9").encode()
    text, odd = other, tarfile.TarInfo(name)
    if name == "./x":  # Hidden in what is no content.
        hidden, _ = member("./control")
        hidden.size = len(other)
        text = hidden.tobuf(tarfile.GNU_FORMAT) + other.ljust(-(-len(other) // 512) * 512, b"\0")
    elif kind in (tarfile.LNKTYPE, tarfile.SYMTYPE):
        text = b""
    odd.type, odd.linkname = kind, "./other" if kind == tarfile.LNKTYPE else "other"
    package = deb(tmp_path / "x.deb", [member("./other", other), CONTROL_FILE, (odd, text)])
    done = read("debian", package, tmp_path)
    dpkg = subprocess.run(["dpkg-deb", "-f", package, "Version"], capture_output=True, text=True, check=False)
    assert done.returncode or dpkg.returncode or f"Version: {dpkg.stdout}" in done.stdout.decode()


def test_a_package_of_arch_is_only_read(tmp_path: Path) -> None:
    info = "pkgname = tool\npkgver = 1:2.0-1\npkgdesc = \narch = x86_64\ndepend = glibc>=2\ndepend = libx.so=1-64\n"
    target = tmp_path / "target"
    target.write_text("another's\n")
    for mtree, mark in (("./usr/bin/x", "#"), ("./usr/lib/modules/1/vmlinuz", "#kernel=1 initrd")):
        members = [
            member(".PKGINFO", info.encode()), member(".MTREE", gzip.compress(f"#mtree\n{mtree} mode=644\n".encode())),
            member("usr", link=str(target)), member("usr/x", FORGED),
        ]  # fmt: skip
        (tmp_path / "x.pkg.tar.xz").write_bytes(packed(members))
        done = read("arch", tmp_path / "x.pkg.tar.xz", tmp_path)
        assert done.stdout.decode() == f"{mark}\n{DESC[2:]}", done.stderr
        assert PACMAN.fault(PKG, done.stdout) == ""
    assert target.read_text() == "another's\n"
    for fewer in ([members[0]], [members[1]], [member(".MTREE", link="/etc/passwd"), members[0]]):
        (tmp_path / "x.pkg.tar.xz").write_bytes(packed(fewer))
        done = read("arch", tmp_path / "x.pkg.tar.xz", tmp_path)
        assert done.returncode != 0 or PACMAN.fault(PKG, done.stdout)
