"""What each command sees, path by path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debate import model
from debate.sandbox.image import command

ALWAYS = {
    "/run/step": "ro /s",
    "/run/in": "ro /d/in",
    "/run/problems": "rw /w/own/1.problems",
    "/dev/fuse": "ro /dev/null",
    "/proc/cmdline": "ro /dev/null",
}
WORK = {"/run/work": "rw /w/own/1"}
OWN = WORK | {"/run/out": "rw /w/out"}
HOST = {"/etc/hosts": "ro /etc/hosts", "/run/mirror/a": "ro /w/mirror/0", "/run/mirror/b": "ro /w/mirror/1"}


@pytest.mark.parametrize(
    ("given", "root", "binds"),
    [
        (model.Command("x.sh"), "/w/tools", OWN),
        (model.Command("x.sh", rights="apart"), "/w/tools", OWN),
        (model.Command("x.sh", rights="bootstrap"), "/w/tools", WORK),
        (model.Command("x.sh", rights="tools"), "/w/tools", WORK),
        (model.Command("x.sh", root="system", rights="system"), "/w/root", {}),
        (model.Command("x.sh", root="system"), "/w/root", {}),
        (model.Command("x.sh", root="made"), "/w/made", OWN),
        (model.Command("x.sh", show_left=True), "/w/tools", OWN | {"/run/left": "ro /w/own/0"}),
        (model.Command("x.sh", pack_upper=True), "/w/tools", OWN | {"/run/upper": "ro /w/upper"}),
        (model.Command("x.sh", show_layers=True), "/w/tools", OWN | {"/run/layers": "ro /w/root"}),
    ],
)
def test_what_a_command_sees(given: model.Command, root: str, binds: dict[str, str]) -> None:
    argv = command.argv(
        command.of(given), 1, machine="m", directory="/d", scripts="/s", scratch=Path("/w"), uid_base=65536,
        network=False,
        shown=[("/etc/hosts", "/etc/hosts")], mirrors=["/run/mirror/a", "/run/mirror/b"],
        environment_=command.variables(7),
    )  # fmt: skip
    found = {}
    for word in argv:
        kind, _, value = word.partition("=")
        if kind in ("--bind", "--bind-ro"):
            source, target = value.split(":")
            found[target] = f"{'ro' if kind == '--bind-ro' else 'rw'} {source}"
    assert found == ALWAYS | HOST | binds
    assert f"--directory={root}" in argv
    assert ("--read-only" in argv) == (given.root != "system")
    assert "--setenv=SOURCE_DATE_EPOCH=7" in argv
    assert "--setenv=LC_ALL=C.UTF-8" in argv
    assert argv[-2:] == ["/bin/sh", "/run/step/x.sh"]


def test_what_a_command_leaves_is_not_what_the_next_writes_to(tmp_path: Path) -> None:
    """Each has an empty directory and an empty file of its own; a tree that is left is used only if it is one."""
    (tmp_path / "own").mkdir()
    given = command.of(model.Command("x.sh"))
    for number in range(3):
        command.prepare(given, number, tmp_path, 0, os.getuid())
        work, complaints = tmp_path / "own" / f"{number}", tmp_path / "own" / f"{number}.problems"
        assert list(work.iterdir()) == []
        assert complaints.read_text() == ""
        (work / "left").symlink_to("/etc")
        complaints.write_text("x")
    (tmp_path / "own" / "2" / "root").symlink_to("/etc")
    with pytest.raises(NotADirectoryError):
        command.prepare(command.of(model.Command("x.sh", root="made")), 3, tmp_path, 0, os.getuid())
