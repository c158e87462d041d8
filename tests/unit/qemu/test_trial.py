"""How QEMU is started for a person. A program in its place shows what it gets, and what is left of it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import stat
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.machines import AMD64
from debate.qemu import trial
from debate.qemu.trial import Drive, Trial
from tests.conftest import ROOT

GUEST = Trial("minimal", Path("x.iso"), "bios", 2048, "tcg")
ARGV = """\
qemu-system-x86_64 -nodefaults -name debate_minimal -machine q35 -m 2048 -smp 1 -accel tcg,tb-size=200 -cpu qemu64
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny -vga std -display none
-serial mon:stdio -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng
-add-fd fd=7,set=1 -drive if=none,id=iso,media=cdrom,format=raw,readonly=on,file=/dev/fdset/1
-device ide-cd,drive=iso,bootindex=0 -netdev user,id=net -device virtio-net-pci,netdev=net,romfile="""


def test_the_command_line() -> None:
    assert " ".join(word.replace(" ", "_") for word in GUEST.argv(7, 6)) == ARGV.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "more", "less"),
    [
        ({"acceleration": "kvm", "processors": 4}, "-smp 4 -accel kvm -cpu host", "-cpu qemu64"),
        ({"window": "gtk"}, "-display gtk -serial vc -device qemu-xhci -device usb-tablet", "stdio"),
        ({"firmware": "secure-boot"}, "-machine q35,smm=on -m", "uefi"),
        ({"firmware": "secure-boot"}, "fd=6,set=3 -drive if=pflash,unit=1,format=raw,auto-read-only=off,file", "fd=3"),
        ({"script": "http://x/"}, "bootfile=http://x/ -device virtio-net-pci,netdev=net,bootindex=0", "iso"),
        ({"network": False}, "-nic none", "netdev"),
        ({"port": 2222}, "-netdev user,id=net,hostfwd=tcp:127.0.0.1:2222-:22", "-nic"),
        ({"drive": Drive(9, 8, "raw")}, "fd=9,set=2 -add-fd fd=8,set=2 -drive if=none,id=disk,format=raw", "qc"),
        ({"drive": Drive(9, 8, "qcow2")}, "-drive if=none,id=disk,format=qcow2,file=/dev/fdset/2 ", "set=3"),
    ],
)  # fmt: skip
def test_what_an_option_changes(change: dict[str, object], more: str, less: str) -> None:
    said = " ".join(replace(GUEST, **change).argv(7, 6))  # type: ignore[arg-type]
    assert more in said
    assert less not in said


def test_firmware(tmp_path: Path) -> None:
    ovmf = tmp_path / "OVMF.fd"
    guest = replace(GUEST, firmware="uefi", machine=replace(AMD64, firmware={"uefi": ((str(ovmf), ""),)}))
    with pytest.raises(DebateError, match="UEFI firmware for QEMU"):
        guest.argv(7, 6)
    ovmf.touch()
    assert f"if=pflash,unit=0,format=raw,readonly=on,file={ovmf}" in guest.argv(7, 6)


# What shows it ---------------------------------------------------------------------------------------


def program(path: Path, script: str) -> str:
    """A program that stands for QEMU, which the user nobody can run."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    for directory in (path.parent, *path.parent.parents):
        if directory.stat().st_uid == os.geteuid():
            directory.chmod(directory.stat().st_mode | 0o111)
    return str(path)


@pytest.mark.parametrize(
    ("environment", "offered", "kind"),
    [
        ({}, "gtk", ""), ({"DISPLAY": ""}, "gtk", ""), ({"DISPLAY": ":0"}, "none\nsdl\ngtk", "gtk"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "sdl", "sdl"), ({"DISPLAY": ":0"}, "none\ncurses\nspice-app", ""),
        ({"DISPLAY": ":0"}, "", ""),
    ],
)  # fmt: skip
def test_windows(tmp_path: Path, environment: dict[str, str], offered: str, kind: str) -> None:
    machine = replace(AMD64, qemu=program(tmp_path / "qemu", f"echo 'Available display backend types:\n{offered}'"))
    found, why = trial.window(environment, machine)
    assert found == kind
    assert bool(why) is not bool(kind)
    assert ("DISPLAY" in why) is (not kind and not any(environment.values()))


def test_a_qemu_that_does_not_say(tmp_path: Path) -> None:
    assert trial.window({"DISPLAY": ":0"}, replace(AMD64, qemu=str(tmp_path / "missing")))[0] == ""


@pytest.mark.parametrize("name", ["XAUTHORITY", "HOME", ""])
def test_a_display_of_x(tmp_path: Path, name: str) -> None:
    """Its cookie, for the other user alone."""
    (tmp_path / ".Xauthority").write_bytes(b"cookie")
    where = {"XAUTHORITY": str(tmp_path / ".Xauthority"), "HOME": str(tmp_path)}
    with ExitStack() as stack:
        variables, file = trial._shown_at({"DISPLAY": ":7", **({name: where[name]} if name else {})}, 65534, stack)
        assert variables["DISPLAY"] == ":7"
        assert variables["XAUTHORITY"] == f"/proc/self/fd/{file}"
        assert Path(variables["XAUTHORITY"]).read_bytes() == (b"cookie" if name else b"")
        found = os.fstat(file)
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (65534, 0o400)


@pytest.mark.parametrize("absolute", [False, True])
def test_a_display_of_wayland(tmp_path: Path, absolute: bool) -> None:
    """A connection to it."""
    where = tmp_path / "wayland-0"
    name = str(where) if absolute else where.name
    environment = {"WAYLAND_DISPLAY": name, "XDG_RUNTIME_DIR": str(tmp_path)}
    with ExitStack() as stack, pytest.raises(DebateError, match=r"wayland-0: no display answers \(No such file"):
        trial._shown_at(environment, 65534, stack)
    with socket.socket(socket.AF_UNIX) as display, ExitStack() as stack:
        display.bind(str(where))
        display.listen()
        variables, file = trial._shown_at(environment, 65534, stack)
        assert variables["WAYLAND_SOCKET"] == str(file)
        os.write(file, b"hello")
        taken, _ = display.accept()
        assert taken.recv(9) == b"hello"
        taken.close()


# On the terminal -------------------------------------------------------------------------------------

STARTER = """\
import signal, sys
from dataclasses import replace
from pathlib import Path
from debate.errors import DebateError
from debate.machines import AMD64
from debate.qemu.trial import Trial
import threading
def end(number, _frame):
    raise SystemExit(128 + number)
signal.signal(signal.SIGTERM, end)
guest = Trial("x", Path(sys.argv[1]), "bios", 64, "tcg", machine=replace(AMD64, qemu=sys.argv[2]))
def run():
    try:
        guest.run({})
    except DebateError as error:
        print(error, flush=True)
if len(sys.argv) > 3:  # as doit does it
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
else:
    run()
"""
CHANGED = "stty raw -echo; perl -MFcntl -e 'fcntl(STDIN, F_SETFL, O_RDWR | O_NONBLOCK)'"


class Run:
    """A `Trial` on a terminal."""

    def __init__(self, directory: Path, script: str, *more: str) -> None:
        (directory / "iso").touch()
        qemu = program(directory / "qemu", script)
        self.master, self.slave = pty.openpty()
        self.before = self.state()
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(directory / "iso"), qemu, *more],
            cwd=ROOT, stdin=self.slave, stdout=self.slave, stderr=self.slave,
        )  # fmt: skip
        self.said = ""

    def state(self) -> tuple[object, int]:
        return termios.tcgetattr(self.slave), fcntl.fcntl(self.slave, fcntl.F_GETFL)

    def until(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text not in self.said:
            assert time.monotonic() < deadline, self.said
            if select.select([self.master], [], [], 0.1)[0]:
                self.said += os.read(self.master, 4096).decode()

    def end(self) -> int:
        """Its status. Asserts that the terminal is as it was."""
        status = self.process.wait(30)
        assert self.state() == self.before
        self.until("\x1b[!p")
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def has_ended(number: int) -> bool:
    """True once a process runs no more, whoever is to wait for it."""
    for _ in range(200):
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    made: list[Run] = []
    yield made
    for run in made:
        run.close()


@pytest.mark.parametrize("more", [(), ("thread",)])
def test_the_terminal_is_as_it_was(tmp_path: Path, runs: list[Run], more: tuple[str, ...]) -> None:
    """What is typed goes to QEMU, which has changed the terminal, and is nobody."""
    run = Run(tmp_path, "stty raw -echo; id -un; read -r word; echo got $word", *more)
    runs.append(run)
    run.until("nobody")
    assert run.state() != run.before
    os.write(run.master, b"\x03word\n")
    run.until("got \x03word")
    assert run.end() == 0


@pytest.mark.parametrize("more", [(), ("thread",)])
def test_an_interruption(tmp_path: Path, runs: list[Run], more: tuple[str, ...]) -> None:
    """QEMU ends with it, and the terminal is as it was."""
    run = Run(tmp_path, f"{CHANGED}; echo pid $$ $$; exec sleep 600", *more)
    runs.append(run)
    run.until("pid")
    run.until("\n")
    number = int(run.said.partition("pid ")[2].split()[0])
    run.process.send_signal(signal.SIGTERM)
    assert run.end() == 128 + signal.SIGTERM
    assert has_ended(number)


def test_a_kill_ends_qemu(tmp_path: Path, runs: list[Run]) -> None:
    run = Run(tmp_path, "echo pid $$ $$; exec sleep 600")
    runs.append(run)
    run.until("\n")
    number = int(run.said.partition("pid ")[2].split()[0])
    run.process.kill()
    run.process.wait()
    assert has_ended(number)


def test_what_qemu_says_is_told(tmp_path: Path, runs: list[Run]) -> None:
    run = Run(tmp_path, "echo 'gtk initialization failed' >&2; exit 3")
    runs.append(run)
    run.until("run:x: QEMU ended with status 3: gtk initialization failed")
    assert run.end() == 0


def test_a_missing_iso(tmp_path: Path) -> None:
    with pytest.raises(DebateError, match="iso: No such file or directory; build it again"):
        replace(GUEST, iso=tmp_path / "iso").run({})


# What answers ----------------------------------------------------------------------------------------


def test_ports() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = trial.free_port(port)
        assert other != port
    assert trial.free_port(other) == other


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_10\r\n", b"220 mail\r\n", b""])
def test_sshd_is_what_greets_as_one(greeting: bytes) -> None:
    """QEMU takes connections before the guest does, and closes them again."""
    over, seen = threading.Event(), threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            for text in (b"", greeting):
                connection, _ = listener.accept()
                connection.sendall(text)
                connection.close()
            if not greeting.startswith(b"SSH-"):
                over.set()

        server = threading.Thread(target=serve)
        server.start()
        found = trial.answers(listener.getsockname()[1], over, every=0.01)
        server.join()
    assert found is greeting.startswith(b"SSH-")
    over.set()
    trial.when_it_answers(1, over, seen.set)
    assert not seen.wait(0.05)


# Disks -----------------------------------------------------------------------------------------------


def qcow2(*, version: int = 3, backing: int = 0, features: int = 0) -> bytes:
    header = b"QFI\xfb" + version.to_bytes(4, "big") + backing.to_bytes(8, "big")
    return header.ljust(72, b"\0") + features.to_bytes(8, "big")


@pytest.mark.parametrize(
    ("name", "header", "format_", "why", "remark"),
    [
        ("x.img", b"", "raw", "", ""),
        ("x.raw", b"\xeb\x63\x90" * 30, "raw", "", ""),
        ("x", qcow2(), "raw", "", "begins like a qcow2 image, and is taken as a raw disk"),
        ("qcow2", qcow2(), "raw", "", "begins like"),
        ("x.qcow2", qcow2(), "qcow2", "", ""),
        ("x.qcow2", qcow2(version=2, features=4), "qcow2", "", ""),
        ("x.qcow2", qcow2(backing=104), "qcow2", "is incomplete without another file", ""),
        ("x.qcow2", qcow2(features=4), "qcow2", "is incomplete without another file", ""),
        ("x.qcow2", qcow2(features=3), "qcow2", "", ""),
        ("x.qcow2", b"", "qcow2", "is no qcow2 image", ""),
        ("x.qcow2", bytes(80), "qcow2", "is no qcow2 image", ""),
        ("x.qcow2", b"QFI\xfb", "qcow2", "is no qcow2 image", ""),
    ],
)
def test_the_name_tells_the_format(name: str, header: bytes, format_: str, why: str, remark: str) -> None:
    found, refused, told = trial.format_of(name, header)
    assert found == format_
    assert refused.startswith(why)
    assert told.startswith(remark)
    assert (bool(refused), bool(told)) == (bool(why), bool(remark))
