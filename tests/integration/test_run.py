"""`doit run:NAME` on a terminal: the guest's console is on it, and nothing stays afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import pwd
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

from debate.qemu.trial import free_port
from tests.conftest import ROOT
from tests.integration.checkout import DOIT, Checkout


class Terminal:
    """A terminal on which a program runs, without a display."""

    def __init__(self, argv: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        self.master, self.slave = pty.openpty()
        self._before = self._state()
        hidden = ("DISPLAY", "WAYLAND_DISPLAY")
        kept = {name: value for name, value in environment.items() if name not in hidden}
        self.process = subprocess.Popen(
            argv, cwd=directory, env={**kept, "TERM": "xterm"}, stdin=self.slave, stdout=self.slave, stderr=self.slave
        )
        self.said = ""

    @classmethod
    def doit(cls, checkout: Checkout, *words: str) -> Self:
        return cls([DOIT, *words], checkout.directory, checkout.environment())

    def _state(self) -> tuple[object, int]:
        return termios.tcgetattr(self.slave), fcntl.fcntl(self.slave, fcntl.F_GETFL)

    def until(self, text: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < deadline, self.said[-4000:]
            assert self.process.poll() is None, self.said[-4000:]
            self._read()

    def _read(self) -> None:
        if select.select([self.master], [], [], 0.2)[0]:
            self.said += os.read(self.master, 1 << 16).decode(errors="replace")

    def until_heard(self, seconds: float) -> None:
        """Until QEMU takes what is typed: it has each key then, and does not echo it."""
        deadline = time.monotonic() + seconds
        while termios.tcgetattr(self.slave)[3] & termios.ECHO:
            assert time.monotonic() < deadline, self.said[-4000:]
            assert self.process.poll() is None, self.said[-4000:]
            self._read()

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self) -> int:
        """The status. Asserts that the terminal is as it was, and that no QEMU is left."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.said[-4000:]
            self._read()
        assert self._state() == self._before
        assert not emulators()
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def emulators() -> list[str]:
    """The QEMUs that `run` started and that still run, by their title."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue  # It has just ended.
        if b"-name" in words and words[words.index(b"-name") + 1].startswith(b"debate "):
            found.append(path.parent.name)
    return found


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    made: list[Terminal] = []
    yield made
    for terminal in made:
        terminal.close()


STARTED = """\
import os, sys
from dataclasses import replace
from pathlib import Path
from debate.machines import AMD64
from debate.qemu.trial import Drive, Trial
directory, firmware, disk, port, network = Path(sys.argv[1]), *sys.argv[2:]
files = [os.open(directory / disk, access) for access in (os.O_RDWR, os.O_RDONLY)] if disk else []
drive = Drive(*files, disk.rpartition(".")[2]) if disk else None
machine = replace(AMD64, qemu=str(directory / "stopped"))
Trial(
    "x", directory / "iso", firmware, 64, "tcg", drive=drive, port=int(port), network=bool(network), machine=machine
).run({})
"""


@pytest.mark.parametrize(
    ("firmware", "disk", "forwarded", "network"),
    [
        ("bios", "", False, "yes"), ("uefi", "disk.raw", False, ""), ("bios", "disk.qcow2", True, "yes"),
        ("uefi", "", True, "yes"), ("secure-boot", "", False, "yes"),
    ],
)  # fmt: skip
def test_what_qemu_makes_of_it(
    tmp_path: Path, terminals: list[Terminal], firmware: str, disk: str, forwarded: bool, network: str
) -> None:
    """It takes its options and files as nobody. The guest is there, and its processor does not start."""
    (tmp_path / "iso").write_bytes(bytes(1 << 20))
    stopped = tmp_path / "stopped"
    stopped.write_text('#!/bin/sh\nexec qemu-system-x86_64 -S "$@"\n')
    stopped.chmod(0o755)
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid():
            directory.chmod(directory.stat().st_mode | 0o111)  # QEMU runs as nobody.
    if disk.endswith("raw"):
        (tmp_path / disk).write_bytes(bytes(1 << 20))
    elif disk:
        (tmp_path / disk).write_bytes(empty_qcow2(1 << 20))
    port = free_port(2222) if forwarded else 0
    words = [str(tmp_path), firmware, disk, str(port), network]
    terminal = Terminal([sys.executable, "-c", STARTED, *words], ROOT, os.environ)
    terminals.append(terminal)
    terminal.until_heard(60)
    terminal.type(b"\x01c")
    terminal.until("(qemu)", 60)
    terminal.type(b"info status\rinfo block\rinfo network\rinfo usernet\r")
    terminal.until("VM status: paused", 20)
    terminal.until("/dev/fdset/1 (raw, read-only)", 20)
    if disk:
        terminal.until(f"/dev/fdset/2 ({disk.rpartition('.')[2]})", 20)
    if firmware != "bios":
        terminal.until("pflash0 (", 20)
    if firmware == "secure-boot":
        terminal.until("/dev/fdset/3 (raw)", 20)
    if network:
        terminal.until("net=10.0.2.0", 20)
    if forwarded:
        terminal.until("HOST_FORWARD", 20)
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    (number,) = emulators()
    assert Path("/proc", number).stat().st_uid == pwd.getpwnam("nobody").pw_uid
    terminal.type(b"\x01x")
    assert terminal.end() == 0
    assert "net0" not in terminal.said or network


def empty_qcow2(size: int) -> bytes:
    """An image of version 3 with nothing in it, as in docs/interop/qcow2.txt of QEMU."""
    cluster, order = 1 << 16, 16
    # The header, a table of reference counts, one block of these, and a table of the first level.
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, order, size, 0, 1, 3 * cluster, cluster, 1, 0, 0, 0, 0, 0, 4, 104
    )
    counts = struct.pack(">Q", 2 * cluster), struct.pack(">4H", 1, 1, 1, 1)
    return b"".join(part.ljust(cluster, b"\0") for part in (header, *counts, b""))


@pytest.mark.parametrize(("way", "firmware"), [("keys", "--firmware=bios"), ("signal", "--secure-boot")])
def test_until_the_menu(
    checkout: Checkout, built: Checkout, tmp_path: Path, terminals: list[Terminal], way: str, firmware: str
) -> None:
    """The console is shown, and ends by its keys or with doit. A disk is there, and is not taken for the ISO."""
    checkout.pin(built)
    disk = tmp_path / "disk.img"
    disk.touch()
    os.truncate(disk, 1 << 30)
    terminal = Terminal.doit(checkout, "run:minimal", firmware, "--disk", str(disk))
    terminals.append(terminal)
    terminal.until("GRUB", 240)
    assert f"minimal runs here ({firmware.rpartition('=')[2].lstrip('-')}, " in terminal.said
    assert "Ctrl-A X ends it" in terminal.said
    if way == "keys":
        terminal.type(b"\x01x")
        assert terminal.end() == 0
    else:
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 128 + signal.SIGTERM
    assert "\x1b[!p" in terminal.said
