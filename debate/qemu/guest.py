"""Boots a guest in QEMU, as the user nobody and without a network, and watches its serial console and its screen.

QEMU gets open files only: the ISO to read, a new file for the screenshot, and one end of a socket for its monitor. A
guest that has taken it over can leave no name that root would follow, and what it says is read within bounds.

Sources: qemu(1), QEMU Machine Protocol reference (screendump), docs/specs isa-debug-exit.
"""

from __future__ import annotations

import codecs
import json
import os
import pwd
import re
import resource
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO

from debate.errors import NO_SPACE, DebateError, Place, Problem
from debate.host.beneath import Tree, chunks
from debate.host.files import new_file
from debate.host.log import Log
from debate.host.run import die_with_parent
from debate.machines import AMD64, Machine
from debate.qemu.login import Dialog, Login, LoginError
from debate.qemu.screen import Screen
from debate.text import strict_json
from debate.text.lines import lines_of
from debate.text.paths import shown
from debate.text.pattern import compiled
from debate.text.printable import shortened

_FAILURES = (
    "Kernel panic", "(initramfs)", "Unable to find a medium containing a live file system",
    "You are in emergency mode", "grub rescue>", "Entering rescue mode", "error: no such device",
)  # fmt: skip
_SILENCE = {"kvm": 60, "tcg": 180}
"""Acceleration -> seconds in which a kernel can unpack itself and its initramfs, during which it prints nothing."""
_CONTROL = re.compile(
    r"\x1b(\[[0-9;?!]{0,64}[A-Za-z]|[()][A-Z0-9]|[=>]|\][^\x07\x1b]{0,1024}(\x07|\x1b\\))|[\x00-\x08\x0b-\x1f\x7f]"
)
_UNFINISHED = re.compile(r"\x1b(\[[0-9;?!]{0,64}|[()]|\][^\x07\x1b]{0,1024}\x1b?)?\Z")
"""The start of an escape sequence that has not completely arrived yet. Longer ones are text, which need not be kept."""
_MOST_TEXT = 1 << 20
"""Characters of the console in which the marker is looked for."""
_PICTURE = 32 << 20
"""Bytes of a screenshot, and of any file that QEMU writes."""
_REPLY = 1 << 20
"""Bytes that QEMU's monitor may say."""
_PATIENCE = 20
"""Seconds for a screenshot."""
_BETWEEN = 3
"""Seconds between two pictures of a screen that is to stay as it is."""
_NO_LOGIN = "see what is printed before: a program such as login or the user's shell is missing, or ends at once"


@dataclass(frozen=True)
class Guest:
    """One boot of one ISO."""

    iso: Path
    firmware: str
    """``bios`` or ``uefi``."""
    log: Path
    screenshot: Path
    memory: int = 2048
    """MiB."""
    processors: int = 2
    """Number with KVM. Without KVM a guest has one: with several, QEMU may execute an int3 that another processor has
    just patched, and the kernel panics."""
    disk: bool = False
    """Attach the ISO as a USB stick rather than as a CD."""
    login: Login | None = None
    """Who must be able to log in on the serial console; None for what has no serial console."""
    screen: bool = False
    """True if its screen must show a picture that is not black and stays."""
    say: Callable[[str], None] = lambda _: None
    """Called with each line that the guest prints while it boots."""
    silence: int = 0
    """Seconds without output on the serial console after which the boot fails; 0 for the default by acceleration."""
    machine: Machine = AMD64

    def boot(self, *, marker: str = "", timeout: int, acceleration: str = "auto") -> tuple[float, str]:
        """Boot until all that is promised was seen. Returns seconds and acceleration.

        That is ``marker`` (a regular expression of RE2) on the serial console, or else that `login` works, and with
        `screen` a picture that stays. Raises DebateError, with the end of the console, if the guest fails, prints
        nothing for too long or takes more than ``timeout`` seconds. ``auto`` falls back from KVM to TCG if KVM hangs.
        """
        if acceleration == "auto" and kvm_works(self.machine):
            try:
                return self._boot(marker, timeout, "kvm"), "kvm"
            except _SilentError:
                pass
        chosen = "kvm" if acceleration == "kvm" else "tcg"
        return self._boot(marker, timeout, chosen), chosen

    def _boot(self, marker: str, timeout: int, acceleration: str) -> float:
        nobody = pwd.getpwnam("nobody")
        ours, theirs = socket.socketpair()
        with (
            ours,
            theirs,
            tempfile.NamedTemporaryFile(prefix="debate-check-") as picture,
            open(picture.name, "wb") as canvas,
            self._iso() as iso,
        ):
            given = (iso.fileno(), canvas.fileno(), theirs.fileno())
            process = subprocess.Popen(
                self._argv(*given, acceleration),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath)},  # The whole one can have the password of the remote.
                pass_fds=given,
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=_kvm_groups() if acceleration == "kvm" else [],
                preexec_fn=_prepare,
            )
            theirs.close()
            console = _Console(process.stdout, self.log, self.say)
            camera = _Camera(ours, canvas, picture.file)
            try:
                seconds = self._watch(process, console, marker, timeout, acceleration, camera)
                time.sleep(1)  # The screen is updated later than the serial console.
                self._take_screenshot(camera)
            except DebateError:
                if process.poll() is None:
                    self._take_screenshot(camera)
                raise
            finally:
                process.kill()
                console.join()
                process.communicate()
        if console.lost:
            raise DebateError(f"{console.lost}: the guest's console is incomplete", NO_SPACE, place=shown(self.log))
        return seconds

    def _iso(self) -> BinaryIO:
        try:
            with Tree(self.iso.parent) as built:
                return built.open(self.iso.name)
        except OSError as error:
            raise DebateError(f"{error.strerror}", "build it again", place=shown(self.iso)) from None

    def _argv(self, iso: int, picture: int, monitor: int, acceleration: str) -> list[str]:
        """The command line of QEMU, which gets three open files: ISO, screenshot, and the socket of its monitor."""
        argv = [self.machine.qemu, "-nodefaults", "-no-reboot", "-machine", self.machine.qemu_machine]
        argv += ["-m", str(self.memory)]
        argv += ["-smp", str(self.processors if acceleration == "kvm" else 1)]
        argv += ["-nic", "none", "-display", "none", "-vga", "std"]
        argv += ["-accel", acceleration]
        argv += ["-cpu", self.machine.qemu_cpu if acceleration == "tcg" else "host"]
        argv += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
        argv += ["-serial", "stdio", "-chardev", f"socket,id=qmp,fd={monitor}", "-mon", "chardev=qmp,mode=control"]
        argv += ["-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"]
        argv += ["-add-fd", f"fd={iso},set=1", "-add-fd", f"fd={picture},set=2"]
        media = "disk" if self.disk else "cdrom"
        argv += ["-drive", f"if=none,id=iso,media={media},format=raw,readonly=on,file=/dev/fdset/1"]
        argv += ["-device", "qemu-xhci"] if self.disk else []
        argv += ["-device", "usb-storage,drive=iso" if self.disk else "ide-cd,drive=iso"]
        if self.firmware == "uefi":
            argv += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={_ovmf(self.machine)}"]
        return argv

    def _watch(
        self,
        process: subprocess.Popen[bytes],
        console: _Console,
        marker: str,
        timeout: int,
        acceleration: str,
        camera: _Camera,
    ) -> float:
        started = time.monotonic()
        wanted, screen, pictured = compiled(marker), Screen(), started
        dialog = Dialog(self.login, partial(_type, process)) if self.login and not marker else None
        speaks = bool(marker or dialog)
        """True until all was seen on the serial console."""
        while True:
            total, text = console.total, console.text()
            try:
                if speaks and (wanted.search(text) if marker else dialog and dialog.looks_up(text, total)):
                    speaks = False
            except LoginError as error:
                raise self._failed(str(error), text, _NO_LOGIN) from None
            if not speaks and not self.screen:
                return time.monotonic() - started
            if not speaks and time.monotonic() - pictured > _BETWEEN:
                pictured = time.monotonic()
                if screen.stays(camera.picture("ppm")):
                    return time.monotonic() - started
            failure = next((words for words in _FAILURES if words in text), None)
            if failure:
                time.sleep(1)  # The rest of the line, and what follows it, may not have arrived yet.
                before, _, after = console.text().partition(failure)
                end = before + failure + "\n".join(after.split("\n")[:6])
                raise self._failed(f"the guest failed: {failure}", end)
            if process.poll() is not None:
                said = process.stderr.read().decode(errors="replace") if process.stderr else ""
                raise self._failed(f"QEMU ended with status {process.returncode} {said.strip()}", text)
            if time.monotonic() - started > timeout:
                remedy = "raise check.timeout in the profile if it was still booting"
                what = "did not come up" if speaks else "showed no picture that stays"
                raise self._failed(f"the guest {what} within {timeout} s", text, remedy)
            if not speaks:
                time.sleep(0.2)
                continue
            quiet = time.monotonic() - console.last
            if quiet > (self.silence or _SILENCE[acceleration]):
                kind = _SilentError if acceleration == "kvm" else DebateError
                raise self._failed(f"the guest produced no output for {quiet:.0f} s", text, kind=kind)
            time.sleep(0.2)

    def _failed(self, fact: str, text: str, remedy: str = "", *, kind: type[DebateError] = DebateError) -> DebateError:
        tail = "\n".join(f"    {shortened(line)}" for line in lines_of(text.strip())[-12:])
        problem = Problem(Place(f"check as {self.firmware}"), fact, remedy)
        return kind.of([problem], details=f"{tail}\nthe whole console: {shown(self.log)}", log=str(self.log))

    def _take_screenshot(self, camera: _Camera) -> None:
        """Write what is on the guest's screen. A screenshot helps, but the check does not depend on it."""
        picture = camera.picture("png")
        if picture:
            with suppress(OSError), new_file(self.screenshot, 0o644) as file:
                file.write(picture)


class _Camera:
    """Takes pictures of a guest's screen through QEMU's monitor, which writes them to a file that it was given open."""

    def __init__(self, monitor: socket.socket, canvas: IO[bytes], picture: IO[bytes]) -> None:
        """``canvas`` is QEMU's end of the file, whose position both share, and ``picture`` our own."""
        self.monitor, self.canvas, self._file = monitor, canvas, picture
        self._greeted = False

    def picture(self, form: str) -> bytes:
        """What is on the screen, as ``png`` or ``ppm``; empty if QEMU does not say in time that it is there."""
        arguments = {"filename": "/dev/fdset/2", "format": form}
        commands: list[Mapping[str, Any]] = [{"execute": "screendump", "arguments": arguments}]
        if not self._greeted:
            commands.insert(0, {"execute": "qmp_capabilities"})
            self._greeted = True
        try:
            os.ftruncate(self.canvas.fileno(), 0)
            os.lseek(self.canvas.fileno(), 0, os.SEEK_SET)
            if _asked(self.monitor, commands):
                self._file.seek(0)
                return b"".join(chunks(self._file, _PICTURE))
        except (OSError, ValueError, RecursionError):
            pass
        return b""


def _type(process: subprocess.Popen[bytes], text: str) -> None:
    """Type on the serial console. A guest that has ended is told of elsewhere."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.write(text.encode())
            process.stdin.flush()


def _asked(monitor: socket.socket, commands: Sequence[Mapping[str, Any]]) -> bool:
    """Give QEMU's monitor ``commands``. True if it has done all of them. Raises OSError, also if it takes too long."""
    deadline, said, rest = time.monotonic() + _PATIENCE, 0, b""
    for command in commands:
        monitor.settimeout(max(0.01, deadline - time.monotonic()))
        monitor.sendall(json.dumps(command).encode() + b"\n")
        answer: dict[str, Any] = {}
        while not answer.keys() & {"return", "error"}:
            line, end, after = rest.partition(b"\n")
            if end:
                answer, rest = strict_json.decode(line), after
                continue
            monitor.settimeout(max(0.01, deadline - time.monotonic()))
            data = monitor.recv(65536)
            said, rest = said + len(data), rest + data
            if not data or said > _REPLY:
                return False
        if "error" in answer:
            return False
    return True


def _prepare() -> None:
    """In the process that becomes QEMU."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_FSIZE, (_PICTURE, _PICTURE))


class _SilentError(DebateError):
    """KVM works, but the guest prints nothing."""


class _Console:
    """Collects the output of a guest on its serial console: the end of it as text, and the start in a log."""

    def __init__(self, stream: IO[bytes] | None, log: Path, say: Callable[[str], None]) -> None:
        if stream is None:
            raise ValueError("the guest's serial console is not captured")
        self.last = time.monotonic()
        self.lost = ""
        """Why the log is incomplete, once it was written."""
        self._text = ""
        self.total = 0
        """Characters that were printed."""
        self._thread = threading.Thread(target=self._collect, args=(stream, log, say), daemon=True)
        self._thread.start()

    def _collect(self, stream: IO[bytes], log: Path, say: Callable[[str], None]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        waiting = rest = ""
        with Log(log) as file:
            while data := os.read(stream.fileno(), 65536):
                clean, waiting = plain(waiting + decoder.decode(data))
                self._text = (self._text + clean)[-_MOST_TEXT:]
                self.total += len(clean)
                *lines, rest = (rest[-4096:] + clean).split("\n")
                for line in lines:
                    say(line)
                file.write(clean.encode())
                self.last = time.monotonic()
        self.lost = file.lost

    def text(self) -> str:
        return self._text

    def join(self) -> None:
        """Wait until the log is complete, after the guest has ended."""
        self._thread.join(10)


def plain(text: str) -> tuple[str, str]:
    """``text`` without control sequences, and the incomplete one at its end."""
    unfinished = _UNFINISHED.search(text)
    end = unfinished.start() if unfinished else len(text)
    return _CONTROL.sub("", text[:end]), text[end:]


def kvm_works(machine: Machine = AMD64) -> bool:
    """True if KVM runs a boot sector of seven bytes within a second; that /dev/kvm exists is not enough.

    The code is for x86: it writes 0x10 to the port of isa-debug-exit, which ends QEMU with status 0x21.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    sector = bytes([0xBA, 0xF4, 0x00, 0xB0, 0x10, 0xEE, 0xF4]).ljust(510, b"\0") + b"\x55\xaa"
    with tempfile.NamedTemporaryFile(prefix="debate-kvm-") as file:
        file.write(sector)
        file.flush()
        argv = [machine.qemu, "-nodefaults", "-accel", "kvm", "-display", "none", "-m", "32"]
        argv += ["-drive", f"file={file.name},format=raw", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=1)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0x21


def _kvm_groups() -> list[int]:
    return [os.stat("/dev/kvm").st_gid]


def _ovmf(machine: Machine) -> str:
    for path in machine.firmware:
        if Path(path).exists():
            return path
    raise DebateError("UEFI firmware for QEMU (OVMF) is not installed", "run ./setup with the same target")
