"""What a script reads of others is known, so that a change of it counts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from debate.errors import DebateError, Place
from debate.sandbox.scripts import closure
from tests.conftest import ROOT

SCRIPTS = ROOT / "sandbox"
KINDS = (".sh", ".bash", ".awk", ".pl", ".table")
ALL = sorted(str(path.relative_to(SCRIPTS)) for path in SCRIPTS.rglob("*") if path.suffix in KINDS)


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A tree in which ``top.sh`` is still to be written."""
    for name in ("x.sh", "d/one.sh", "d/two.bash", "d/e/three", "other.sh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("echo\n")
    return tmp_path


def test_closure(scripts: Path) -> None:
    (scripts / "top.sh").write_text(". /run/step/d/one.sh\n")
    (scripts / "d/one.sh").write_text("exec sh /run/step/x.sh /run/step/top.sh\n")
    assert closure(scripts, "top.sh") == ["d/one.sh", "top.sh", "x.sh"]


@pytest.mark.parametrize(
    "line",
    [
        ". /run/step/x.sh", "sh /run/step/x.sh", "exec sh -eu '/run/step/x.sh' < /dev/null", 'sh "/run/step/x.sh" "$@"',
        "cp /run/step/x.sh /usr/lib", "BASH_ENV=/run/step/x.sh bash", "a;. /run/step/x.sh;b", "$(cat /run/step/x.sh)",
        "sh /run/step/./x.sh", "sh /run/step//x.sh", "sh /run/step/d/../x.sh", "chroot . sh .//run/step/x.sh",
        'echo "read /run/step/x.sh."', 'echo "read /run/step/x.sh..."', "echo 'read /run/step/x.sh, and go on'",
        "echo (/run/step/x.sh)", "sh /run/step/x.sh # for more", 'echo "a # b" /run/step/x.sh',
        "echo '#' /run/step/x.sh", "echo a#b /run/step/x.sh", "echo $# /run/step/x.sh", "echo ${a#b} /run/step/x.sh",
        r"echo \# /run/step/x.sh",
        r'echo "a \" # b" /run/step/x.sh', "echo it's /run/step/x.sh", "sh -c '\n. /run/step/x.sh # here\n'",
        "cat << END\nwhat's in\n/run/step/x.sh\nEND",
    ],
)  # fmt: skip
def test_a_mention(scripts: Path, line: str) -> None:
    (scripts / "top.sh").write_text(f"#!/bin/sh\n{line}\n")
    assert closure(scripts, "top.sh") == ["top.sh", "x.sh"]


@pytest.mark.parametrize(
    "line",
    [
        "# see /run/step/x.sh", "# see /run/step/x.sh.", "# see /run/step/d, or /run/step/d/",
        "# see /run/step/none.sh!",
        "# it's in /run/step/x.sh", '# "/run/step/x.sh', "\t  # /run/step/x.sh", "true # /run/step/x.sh",
        "true;# /run/step/x.sh", "# shellcheck source=/run/step/x.sh", "#/run/step/x.sh", "echo 'a' # '/run/step/x.sh'",
        "ls /run/steps/x.sh /run/step-by-step /run/step2", "(true)# see /run/step/none",
    ],
)  # fmt: skip
def test_no_mention(scripts: Path, line: str) -> None:
    (scripts / "top.sh").write_text(f"#!/bin/sh\n{line}\n")
    assert closure(scripts, "top.sh") == ["top.sh"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("cp -r /run/step/d /usr", ["d/e/three", "d/one.sh", "d/two.bash"]),
        ("for name in /run/step/d/*.sh; do", ["d/e/three", "d/one.sh", "d/two.bash"]),
        (". /run/step/d/e/$name", ["d/e/three"]),
        (". /run/step/$name.sh", ["d/e/three", "d/one.sh", "d/two.bash", "other.sh", "x.sh"]),
        ("cd /run/step && . ./x.sh", ["d/e/three", "d/one.sh", "d/two.bash", "other.sh", "x.sh"]),
        ("echo 'they are in /run/step/d/e.'", ["d/e/three"]),
    ],
)
def test_a_directory_stands_for_all_that_is_in_it(scripts: Path, line: str, names: list[str]) -> None:
    (scripts / "top.sh").write_text(f"{line}\n")
    assert closure(scripts, "top.sh") == sorted({*names, "top.sh"})


@pytest.mark.parametrize("name", ["/none.sh", "/d/none", "/x.sh/y", "/d/on", "/../x.sh", "/d/../../x.sh", "/x.shx"])
def test_a_mention_of_what_does_not_exist(scripts: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scripts.parent)
    (scripts / "d/one.sh").write_text(f"# comment\n. /run/step{name} # comment\n")
    (scripts / "top.sh").write_text(". /run/step/d/one.sh\n")
    with pytest.raises(DebateError) as caught:
        closure(scripts, "top.sh")
    [problem] = caught.value.problems
    assert problem.place == Place(f"{scripts.name}/d/one.sh", 2)
    assert problem.fact == f"/run/step{name} does not exist"
    assert problem.remedy == f"write the whole name of a file in {scripts.name}"


def words_of(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # A string of several lines begins or ends here.
        return line.split()


@pytest.mark.parametrize("script", ALL)
def test_every_shipped_script(script: str) -> None:
    """All that a script sources, runs or copies is found, as another reader of shell sees it; nothing is relative."""
    text = (SCRIPTS / script).read_text()
    named = [word for line in text.splitlines() for word in words_of(line) if "/run/step/" in word]
    expected = {name for word in named for name in re.findall(r"/run/step/([\w./-]+)", word)}
    assert expected <= set(closure(SCRIPTS, script))
    assert not re.search(r"^\s*(\.|source|exec sh|sh|bash) +(\./|[a-z])\S*\.(sh|bash)\b", text, re.MULTILINE)
    assert not re.search(r"dirname[ \"]+\$0|\$\{0%|BASH_SOURCE", text)


def test_no_shipped_script_is_lost() -> None:
    tops = {name for name in ALL if name not in ("debian/apt.sh", "debian/planned.sh", "hook-errors.bash")}
    assert {name for top in tops for name in closure(SCRIPTS, top)} == set(ALL)
    assert closure(SCRIPTS, "debian/select.sh") == ["debian/apt.sh", "debian/planned.sh", "debian/select.sh"]
    assert closure(SCRIPTS, "overlay.sh") == [
        "databases.sh", "fits.sh", "leftovers.sh", "overlay.sh", "present.sh", "problem.sh", "settings.sh",
        "suggest.sh", "triggers.sh", "up-to-date.sh", "used.sh",
    ]  # fmt: skip


@pytest.mark.parametrize("script", [
    "overlay.sh", "hooks.sh", "network.sh", "debian/add.sh", "debian/rootfs.sh", "debian/initrd.sh", "debian/tools.sh",
    "arch/add.sh", "arch/rootfs.sh", "arch/initrd.sh", "arch/tools.sh",
])  # fmt: skip
def test_no_loop_lends_its_input(script: str) -> None:
    """What runs beside strangers' programs reads lists from a descriptor of its own, which none of them drains.

    Nor writes to: in an initramfs, dracut's fetch_url does.
    """
    for name in closure(SCRIPTS, script):
        text = (SCRIPTS / name).read_text()
        assert re.findall(r"^.*\bread -r (?!.*<&9; do$).*$", text, re.MULTILINE) == [], name
        assert not re.search(r"^\s*done <|^[^#]* - < ", text, re.MULTILINE), name
