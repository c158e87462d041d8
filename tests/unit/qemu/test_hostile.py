"""A guest that has taken over QEMU, which runs as nobody, gets nothing of the host and holds nobody up."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.machines import AMD64
from debate.qemu import guest as qemu
from tests.bounded import bounded
from tests.foreign import SECRET, secret

PYTHON = "/usr/bin/python3"
"""One that nobody may run."""
START = f"""\
#!{PYTHON}
import json, os, re, socket, sys, time
words = " ".join(sys.argv)
picture = int(re.search(r"fd=(\\d+),set=2", words)[1])
monitor = socket.socket(fileno=int(re.search(r"id=qmp,fd=(\\d+)", words)[1]))
def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()
def reply(value):
    monitor.sendall(json.dumps(value).encode() + b"\\n")
"""
PROMPT = """\
say("login: ")
"""
ANSWER = """\
monitor.recv(65536); reply({"QMP": {}}); reply({"return": {}})
monitor.recv(65536); reply({"event": "X"}); reply({"return": {}})
time.sleep(60)
"""
FILL = """\
try:
    while True:
        os.write(picture, bytes(1 << 20))
except OSError:
    pass
"""
LINK = """\
for name in ("screen.png", "qmp"):
    try:
        os.symlink(SECRET_PATH, name)
    except OSError:
        pass
"""
TRICKS = {
    "links to the secret": LINK + PROMPT + ANSWER,
    "the secret's name as a picture": "os.write(picture, SECRET_PATH.encode())\n" + PROMPT + ANSWER,
    "a picture without end": PROMPT
    + "try:\n while True: os.write(picture, bytes(1 << 20))\nexcept OSError: pass\n"
    + ANSWER,
    "a sparse picture": PROMPT + "try: os.truncate(picture, 1 << 40)\nexcept OSError: pass\n" + ANSWER,
    "a monitor that has ended": PROMPT + "monitor.close(); time.sleep(60)\n",
    "a monitor that says nothing": PROMPT + "time.sleep(60)\n",
    "a monitor that says what is no JSON": PROMPT + 'monitor.sendall(b"x\\n" * 9); time.sleep(60)\n',
    "a monitor that says other JSON": PROMPT + 'monitor.sendall(b"5\\n[]\\nnull\\n"); time.sleep(60)\n',
    "a monitor that nests": PROMPT + 'monitor.sendall(b"[" * 200000 + b"\\n"); time.sleep(60)\n',
    "a monitor without end": PROMPT + 'while True: monitor.sendall(b"x" * 65536)\n',
    "events without end": PROMPT + "while True: monitor.sendall(b'{\"event\": 1}\\n' * 999)\n",
}
"""What QEMU does, whose screenshot then is empty, or what it drew itself."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose programs nobody may run, with a secret that nobody may read."""
    if os.geteuid() != 0 or not Path(PYTHON).exists():
        pytest.skip(f"needs root, to become nobody, and {PYTHON}")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        secret(directory)
        yield directory


def boot(place: Path, program: str, *, timeout: int = 30) -> Path:
    """Boot a guest in what pretends to be QEMU. Returns where its screenshot would be."""
    path = place / "qemu"
    path.write_text(f"{START}SECRET_PATH = {str(place / 'secret')!r}\n{program}")
    path.chmod(0o755)
    (place / "x.iso").touch()
    (place / "check").mkdir()
    guest = qemu.Guest(
        iso=place / "x.iso",
        firmware="bios",
        log=place / "check/bios.log",
        screenshot=place / "check/bios.png",
        machine=replace(AMD64, qemu=str(path)),
    )
    guest.boot(marker="login: ", timeout=timeout, acceleration="tcg")
    return guest.screenshot


@pytest.mark.parametrize("trick", TRICKS)
def test_a_screenshot_is_what_qemu_drew(place: Path, monkeypatch: pytest.MonkeyPatch, trick: str) -> None:
    monkeypatch.setattr(qemu, "_PATIENCE", 2)
    with bounded(seconds=60):
        screenshot = boot(place, TRICKS[trick])
    assert not screenshot.is_symlink()
    assert not screenshot.exists() or SECRET not in screenshot.read_bytes().decode(errors="replace")
    assert not screenshot.exists() or screenshot.stat().st_size <= qemu._PICTURE
    assert (place / "secret").read_text() == f"{SECRET}\n"
    assert sorted(path.name for path in place.iterdir()) == ["check", "qemu", "secret", "x.iso"]


FLOOD = """\
    try:
        while True: os.write({0}, {1} * 1000)
    except OSError: os._exit(0)
"""
LEFT = {
    f"{name} of {whose}": (f"if not os.fork():\n{FLOOD.format(number, said)}{own}", ended)
    for name, number in (("standard output", 1), ("standard error", 2))
    for whose, said, own, ended in (
        ("one that ended", b"x " * 5, "time.sleep(1); sys.exit(7)\n", True),
        ("one that runs", b"login: ", PROMPT + "time.sleep(60)\n", False),  # One prompt would be lost in the flood.
    )
}
"""What says something without end that QEMU has left behind, and whether QEMU itself has ended by then."""


@pytest.mark.parametrize(("program", "ended"), LEFT.values(), ids=LEFT)
def test_what_is_said_without_end_is_not_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch, program: str, ended: bool
) -> None:
    monkeypatch.setattr(qemu, "_PATIENCE", 1)
    with bounded(seconds=30, processor=30):  # The console is read as fast as it comes.
        if not ended:
            boot(place, program)
            return
        with pytest.raises(DebateError) as caught:
            boot(place, program)
    assert caught.value.problems[0].fact.startswith("QEMU ended with status 7")
    assert len(caught.value.problems[0].fact) < 2000
    assert len(str(caught.value)) < 64 << 10


def test_it_has_no_password_of_the_builder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's processes can read each other's environments."""
    monkeypatch.setattr(qemu, "_PATIENCE", 2)
    monkeypatch.setenv("DEBATE_REMOTE_PASSWORD", "hush")
    boot(place, 'say("variables: " + " ".join(sorted(os.environ)) + "\\n")\n' + PROMPT + "time.sleep(60)\n")
    said = (place / "check/bios.log").read_text()
    assert "variables: " in said
    assert "DEBATE" not in said


def test_an_iso_that_is_a_link(place: Path) -> None:
    guest = qemu.Guest(place / "x.iso", "bios", place / "log", place / "png")
    (place / "x.iso").symlink_to("secret")
    with pytest.raises(DebateError, match=r"x\.iso: is a link, or below one"):
        guest.boot(marker="x", timeout=1, acceleration="tcg")


@pytest.mark.skipif(shutil.which(AMD64.qemu) is None, reason="QEMU is not installed")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become nobody")
def test_a_real_screenshot(tmp_path: Path) -> None:
    """A boot sector that writes to the first serial port and waits."""
    program = b"\xba\xf8\x03" + b"".join(b"\xb0" + bytes([letter]) + b"\xee" for letter in b"\nx login: ")
    sector = (program + b"\xf4\xeb\xfd").ljust(510, b"\0") + b"\x55\xaa"
    (tmp_path / "x.iso").write_bytes(sector.ljust(1 << 20, b"\0"))
    guest = qemu.Guest(tmp_path / "x.iso", "bios", tmp_path / "log", tmp_path / "png", memory=64, disk=True)
    guest.boot(marker="login: ", timeout=120, acceleration="tcg")
    assert (tmp_path / "png").read_bytes().startswith(b"\x89PNG\r\n")
