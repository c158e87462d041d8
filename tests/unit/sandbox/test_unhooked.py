"""Files of a profile whose hook of initramfs-tools is of a package that is missing: refused or told, never silent."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from debate.errors import Complaint
from debate.sandbox import problems
from tests.conftest import ROOT, write_files

SCRIPT = (ROOT / "sandbox/initrd.sh").read_text()
KEY = "home UUID=1 none luks,initramfs\n"
TABLE = {
    "etc/crypttab": ("cryptroot", "cryptsetup-initramfs", "refused"),
    "etc/cryptsetup-initramfs/conf-hook": ("cryptroot", "cryptsetup-initramfs", "refused"),
    "etc/dropbear/initramfs/authorized_keys": ("dropbear", "dropbear-initramfs", "refused"),
    "etc/mdadm/mdadm.conf": ("mdadm", "mdadm", "told"),
    "etc/iscsi/iscsid.conf": ("iscsi", "open-iscsi", "told"),
    "etc/multipath.conf": ("multipath", "multipath-tools-boot", "told"),
    "etc/multipath/wwids": ("multipath", "multipath-tools-boot", "told"),
    "etc/zfs/zpool.cache": ("zfs", "zfs-initramfs", "told"),
    "etc/lvm/lvm.conf": ("lvm2", "lvm2", "told"),
    "etc/plymouth/plymouthd.conf": ("plymouth", "plymouth", "told"),
    "usr/share/plymouth/themes/x/x.plymouth": ("plymouth", "plymouth", "told"),
    "etc/fstab": ("", "", ""),
}
"""A file -> the hook that reads it, its package, and what is done without that."""


def unhooked(directory: Path, files: dict[str, str], hooks: tuple[str, ...] = ()) -> tuple[list[Complaint], list[str]]:
    """What is refused of ``files`` and what is told, in a root with these ``hooks``."""
    root, work = write_files(directory / "root", {**files, **dict.fromkeys(hooks, "")}), directory / "work"
    work.mkdir()
    (directory / "in").mkdir()
    (directory / "in/hooks").touch()
    (work / "own").touch()
    (channel := directory / "problems").touch()
    subprocess.run(["tar", "-C", root, "-cf", directory / "in/tree.tar", "--no-recursion", *files], check=True)
    text = f"set -eu\n{(ROOT / 'sandbox/problem.sh').read_text()}\n{SCRIPT}\nroot={root} generator=initramfs-tools\n"
    text = text.replace(". /run/step/problem.sh\n", "").replace(problems.PATH, str(channel))
    for part in ("in", "work"):
        text = text.replace(f"/run/{part}/", f"{directory / part}/")
    subprocess.run(["sh", "-c", f"{text}unhooked"], check=True, capture_output=True)
    found, _ = problems.read(channel)
    told = work / "told"
    return list(found), told.read_text().splitlines() if told.exists() else []


@pytest.mark.parametrize("path", TABLE)
@pytest.mark.parametrize("where", ["", "etc/initramfs-tools", "usr/share/initramfs-tools"])
def test_a_file_and_its_hook(tmp_path: Path, path: str, where: str) -> None:
    hook, package, how = TABLE[path]
    hooks = (f"{where}/hooks/{hook}",) if where and hook else ()
    refused, told = unhooked(tmp_path, {path: KEY}, hooks)
    fact = f"/{path}: the initramfs has nothing that reads it"
    wanted = how == "refused" and not hooks
    assert refused == ([Complaint("files", f"/{path}", fact, f"add {package} to packages")] if wanted else [])
    line = f"/{path}: not for the initramfs, without the package {package}"
    assert told == ([line] if how == "told" and not hooks else [])


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (KEY, True), ("a b c initramfs\n", True), ("# x\na b c discard,initramfs,luks", True),
        ("a b c luks\n", False), (f"#{KEY}", False), ("a b c x-initramfs\n", False), ("", False),
    ],
)  # fmt: skip
def test_only_some_lines_are_for_the_initramfs(tmp_path: Path, line: str, wanted: bool) -> None:
    assert bool(unhooked(tmp_path, {"etc/crypttab": line})[0]) == wanted


def test_each_row_has_a_file() -> None:
    [rows] = re.findall(r"9<< 'END'\n(.*?)END\n", SCRIPT, re.DOTALL)
    known = {tuple(row.split()[1:]) for row in rows.splitlines()}
    assert known == {row for row in TABLE.values() if row[0]}
    starts = [row.split()[0] for row in rows.splitlines()]
    assert all(any(re.match(start, path) for path in TABLE) for start in starts)
