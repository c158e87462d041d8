"""Boots a guest in QEMU, as the user nobody and without a network, and watches its serial console and its screen.

QEMU gets open files only: the ISO to read, a new file for the screenshot, one end of a socket for its monitor, and if
ports are to be tried one of another for its network card, at whose other end is `debate.qemu.lan` alone. A guest that
has taken it over can leave no name that root would follow, and what it says is read within bounds.

Sources: qemu(1), QEMU Machine Protocol reference (screendump), docs/specs isa-debug-exit.
"""

from __future__ import annotations

import codecs
import json
import os
import pwd
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Interface
from pathlib import Path
from typing import IO, Any, BinaryIO

from debate.errors import NO_SPACE, DebateError, Place, Problem
from debate.host.beneath import Tree, chunks
from debate.host.files import new_file
from debate.host.log import Log
from debate.host.run import die_with_parent
from debate.machines import AMD64, Machine
from debate.qemu.firmware import SECURE_BOOT, of_machine, options, own_variables
from debate.qemu.lan import Cable, Lan
from debate.qemu.login import Dialog, Login, LoginError
from debate.qemu.probes import ProbeError, Probes
from debate.qemu.screen import Motion, Screen
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
_COMPLAINT = 1 << 10
"""Bytes that are shown of what QEMU says when it ends."""
_REPLY = 1 << 20
"""Bytes that QEMU's monitor may say."""
_PATIENCE = 20
"""Seconds for a screenshot."""
_BETWEEN = 3
"""Seconds between two pictures of a screen that is to stay as it is."""
_MEANWHILE = 15
"""Seconds between two pictures of a screen before that: behind a splash, nothing is said on the serial console."""
CONFINED = ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
"""Options without which no guest is run: what QEMU may not ask of the kernel."""
_TRANSLATED = 200
"""MiB of translated code that QEMU keeps under TCG: see `accelerator`."""
_SECURE = r"(?i)secure boot enabled"
"""What says that Secure Boot is in effect: a kernel that is not quiet, else GRUB (`debate.images.iso`)."""
_NOT_PASSED = "look at it with doit run:NAME, and correct the profile, or what it checks"
_NO_LOGIN = "see what is printed before: a program such as login or the user's shell is missing, or ends at once"


def accelerator(acceleration: str) -> str:
    """The value of QEMU's -accel.

    Linux has each process at addresses of its own, and QEMU translates programs anew for each. All of that is in one
    list for a page of memory, through which QEMU goes for each piece when the page is used for something else: an
    initramfs whose scripts start many programs took minutes to be freed. When the space is used up, all is forgotten.
    """
    return f"tcg,tb-size={_TRANSLATED}" if acceleration == "tcg" else acceleration


@dataclass(frozen=True)
class Medium:
    """A file that a guest has as a disc, or as a USB stick."""

    path: Path
    disk: bool


@dataclass(frozen=True)
class Guest:
    """One boot of one ISO."""

    iso: Path
    firmware: str
    """``bios``, one of `Machine.firmware`, or `debate.qemu.firmware.SECURE_BOOT`."""
    log: Path
    screenshot: Path
    memory: int = 2048
    """MiB."""
    processors: int = 2
    """Number with KVM. Without KVM a guest has one: with several, QEMU may execute an int3 that another processor has
    just patched, and the kernel panics."""
    disk: bool = False
    """Attach the ISO as a USB stick rather than as a CD."""
    beside: tuple[Medium, ...] = ()
    """Other media that it has."""
    beside_first: bool = False
    """True if they are attached before the ISO, from which the firmware starts in any case."""
    login: Login | None = None
    """Who must be able to log in on the serial console; None for what has no serial console."""
    screen: bool = False
    """True if its screen must show a picture that is not black and stays."""
    ports: tuple[int, ...] = ()
    """Those that must take connections of TCP; without any, it has no network."""
    addresses: tuple[IPv4Interface, ...] = ()
    """Addresses that it has without asking."""
    commands: tuple[str, ...] = ()
    """What must end with status 0 in the shell of `login`."""
    menu: int = 0
    """Seconds for which the boot menu may stay there, before anything that is promised."""
    say: Callable[[str], None] = lambda _: None
    """Called with each line that the guest prints while it boots."""
    silence: int = 0
    """Seconds without output on the serial console after which the boot fails, but for those in which QEMU waited for a
    processor, and unless with `screen` something goes on there; 0 for the default by acceleration."""
    machine: Machine = AMD64
    certificate: bytes = b""
    """The one that the firmware knows for Secure Boot (DER); empty for Microsoft's."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """When it is set, the boot ends at once, with DebateError."""

    def boot(self, *, marker: str = "", timeout: int, acceleration: str = "auto") -> tuple[float, str]:
        """Boot until all that is promised was seen. Returns seconds and acceleration.

        That is ``marker`` (a regular expression of RE2) on the serial console, or else that `login` works, then `ports`
        and `commands`, and with `screen` a picture that stays. Raises DebateError, with the end of the console, if the
        guest fails, prints nothing for too long or takes more than ``timeout`` seconds. ``auto`` falls back from KVM to
        TCG if KVM hangs.
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
            ExitStack() as stack,
            own_variables(self.machine, self.firmware, self.certificate) as variables,
        ):
            files = [stack.enter_context(opened(medium.path)).fileno() for medium in self._media]
            argv = self._argv(canvas.fileno(), theirs.fileno(), variables, files, acceleration)
            given, cable = [canvas.fileno(), theirs.fileno(), variables, *files], None
            if self.ports:
                cable, end = _connected(Lan(self.ports, self.addresses), argv, stack)
                given.append(end.fileno())
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath)},  # The whole one can have the password of the remote.
                pass_fds=given,
                start_new_session=True,
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=kvm_groups() if acceleration == "kvm" else [],
                preexec_fn=_prepare,
            )
            theirs.close()
            console = _Console(process.stdout, self.log, self.say)
            camera = _Camera(ours, canvas, picture.file)
            try:
                seconds = self._watch(process, console, marker, timeout, acceleration, camera, cable)
                time.sleep(1)  # The screen is updated later than the serial console.
                self._take_screenshot(camera)
            except DebateError:
                if process.poll() is None and not self.stopped.is_set():
                    self._take_screenshot(camera)
                raise
            finally:
                _end(process)
                console.join()
        if console.lost:
            raise DebateError(f"{console.lost}: the guest's console is incomplete", NO_SPACE, place=shown(self.log))
        return seconds

    @property
    def _media(self) -> list[Medium]:
        """All media, in the order in which they are attached."""
        iso = Medium(self.iso, self.disk)
        return [*self.beside, iso] if self.beside_first else [iso, *self.beside]

    def _argv(self, picture: int, monitor: int, variables: int, media: Sequence[int], acceleration: str) -> list[str]:
        """The command line of QEMU, which gets open files: screenshot, the socket of its monitor, the variables of
        firmware with Secure Boot, which the guest may change, and its media.
        """
        machine = of_machine(self.machine, self.firmware)
        argv = [self.machine.qemu, "-nodefaults", "-no-reboot", "-machine", machine]
        argv += ["-m", str(self.memory)]
        argv += ["-smp", str(self.processors if acceleration == "kvm" else 1)]
        argv += ["-nic", "none", "-display", "none", "-vga", "std"]
        argv += ["-accel", accelerator(acceleration)]
        argv += ["-cpu", self.machine.qemu_cpu if acceleration == "tcg" else "host"]
        argv += CONFINED
        argv += ["-serial", "stdio", "-chardev", f"socket,id=qmp,fd={monitor}", "-mon", "chardev=qmp,mode=control"]
        argv += ["-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"]
        argv += ["-add-fd", f"fd={picture},set=2"]
        argv += ["-device", "qemu-xhci"] if any(medium.disk for medium in self._media) else []
        for number, (descriptor, medium) in enumerate(zip(media, self._media, strict=True), 3):
            drive, first = f"drive{number}", ",bootindex=0" if medium.path == self.iso else ""
            argv += ["-add-fd", f"fd={descriptor},set={number}"]
            kind = f"media={'disk' if medium.disk else 'cdrom'},format=raw,readonly=on"
            argv += ["-drive", f"if=none,id={drive},{kind},file=/dev/fdset/{number}"]
            argv += ["-device", f"{'usb-storage' if medium.disk else 'ide-cd'},drive={drive}{first}"]
        return argv + options(self.machine, self.firmware, variables, 1)

    def _watch(
        self,
        process: subprocess.Popen[bytes],
        console: _Console,
        marker: str,
        timeout: int,
        acceleration: str,
        camera: _Camera,
        cable: Cable | None = None,
    ) -> float:
        started = time.monotonic()
        wanted, screen, motion, moved, pictured = (
            compiled(marker),
            Screen.longer_than(self.menu, _BETWEEN),
            Motion(),
            0.0,
            started,
        )
        types = partial(_type, process)
        dialog = Dialog(self.login, types) if self.login and (self.commands or not marker) else None
        probes: Probes | None = None
        if self.ports or self.commands:
            probes = Probes(cable, dialog if marker else None, self.commands, types)
        speaks = bool(marker or dialog)
        """True until all was seen on the serial console."""
        heard, waited = 0.0, 0.0
        while True:
            total, text = console.total, console.text()
            if self.stopped.is_set():
                raise self._failed("the boot was interrupted", text)
            try:
                if speaks and (wanted.search(text) if marker else dialog and dialog.looks_up(text, total)):
                    speaks = False
                if not speaks and probes and probes.are_passed(text, total):
                    probes = None
            except LoginError as error:
                raise self._failed(str(error), text, _NO_LOGIN) from None
            except ProbeError as error:
                raise self._failed(str(error), text, _NOT_PASSED) from None
            is_up = not speaks and not probes
            if is_up and not self.screen:
                return self._up(started, text)
            if self.screen and time.monotonic() - pictured > (_MEANWHILE if speaks else _BETWEEN):
                picture = camera.picture("ppm")
                pictured = time.monotonic()
                if is_up and screen.stays(picture):
                    return self._up(started, text)
                if speaks and motion.goes_on(picture):
                    moved = pictured
            failure = next((words for words in _FAILURES if words in text), None)
            if failure:
                time.sleep(1)  # The rest of the line, and what follows it, may not have arrived yet.
                start, _, after = console.text().partition(failure)
                end = start + failure + "\n".join(after.split("\n")[:6])
                raise self._failed(f"the guest failed: {failure}", end)
            if process.poll() is not None:
                raise self._failed(f"QEMU ended with status {process.returncode} {_complaint(process)}".strip(), text)
            if time.monotonic() - started > timeout:
                remedy = "raise check.timeout in the profile if it was still booting"
                what = "did not come up" if speaks else "showed no picture that stays"
                if probes and not speaks:
                    what, remedy = probes.lacking(), f"{_NOT_PASSED}; or raise check.timeout"
                raise self._failed(f"the guest {what} within {timeout} s", text, remedy)
            if not speaks:
                time.sleep(0.2)
                continue
            last = max(console.last, moved)
            if last != heard:
                heard, waited = last, _waited(process.pid)
            quiet = time.monotonic() - last - (_waited(process.pid) - waited)
            if quiet > (self.silence or _SILENCE[acceleration]):
                kind = _SilentError if acceleration == "kvm" else DebateError
                raise self._failed(f"the guest produced no output for {quiet:.0f} s", text, kind=kind)
            time.sleep(0.2)

    def _up(self, started: float, text: str) -> float:
        """Seconds since ``started``. Raises DebateError if Secure Boot should be in effect, and nothing says so."""
        if self.firmware == SECURE_BOOT and not compiled(_SECURE).search(text):
            raise self._failed("the guest is up, and does not say that Secure Boot is enabled", text)
        return time.monotonic() - started

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


def opened(path: Path) -> BinaryIO:
    """An ISO to read, without following a link. Raises DebateError."""
    try:
        with Tree(path.parent) as directory:
            return directory.open(path.name)
    except OSError as error:
        raise DebateError(f"{error.strerror}", "build it again", place=shown(path)) from None


def _connected(lan: Lan, argv: list[str], stack: ExitStack) -> tuple[Cable, socket.socket]:
    """A cable, and its other end, which QEMU gets: ``argv``, its command line, connects a network card to it."""
    ours, theirs = socket.socketpair()
    stack.enter_context(theirs)
    stack.enter_context(ours)
    cable = Cable(lan, ours)
    stack.callback(cable.close)
    nic = argv.index("-nic")
    device = "virtio-net-pci,netdev=lan,romfile="
    argv[nic : nic + 2] = ["-netdev", f"socket,id=lan,fd={theirs.fileno()}", "-device", device]
    return cable, theirs


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


def _waited(process: int) -> float:
    """Seconds for which a process had to wait for a processor that others had: so long it could say nothing.

    Those of the thread that waited longest; 0 if the kernel does not tell. Source: sched-stats.rst of Linux.
    """
    found = [0]
    with suppress(OSError, ValueError, IndexError):
        for thread in os.listdir(f"/proc/{process}/task"):
            found.append(int(Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()[1]))
    return max(found) / 1e9


def _complaint(process: subprocess.Popen[bytes]) -> str:
    """The start of what QEMU wrote to its standard error, now that it has ended.

    It is not read to its end, for what QEMU may have left behind can write on.
    """
    try:
        descriptor = process.stderr.fileno() if process.stderr else -1
        os.set_blocking(descriptor, False)
        said = os.read(descriptor, _COMPLAINT)
    except OSError:
        return ""
    return " ".join(said.decode(errors="replace").split())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill QEMU, with what it may have left behind, and read nothing more of it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stderr):
        if stream:
            with suppress(OSError):  # What was typed last has no reader any more.
                stream.close()


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
        with stream, Log(log) as file:
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


def kvm_groups() -> list[int]:
    """The groups that may use KVM."""
    return [os.stat("/dev/kvm").st_gid]
