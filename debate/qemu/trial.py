"""Runs a guest for a person: in a window, or on the terminal.

QEMU runs as nobody, as in `debate.qemu.guest`, and gets open files only: the ISO, the disk, and what shows it, which is
the terminal, or a connection to the display. It has a network, so that the guest is of use.

Sources: qemu(1); Xau(3), XAUTHORITY; wl_display_connect in libwayland (WAYLAND_SOCKET); termios(3); the manual of
the VT510, DECSTR.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import pwd
import signal
import socket
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from debate.errors import DebateError
from debate.host.beneath import chunks
from debate.host.run import die_with_parent
from debate.machines import AMD64, Machine
from debate.qemu.firmware import of_machine, options, own_variables
from debate.qemu.guest import CONFINED, accelerator, kvm_groups, opened
from debate.text.lines import lines_of

WINDOWS = ("gtk", "sdl")
"""QEMU's kinds of windows, the preferred first."""
_PATIENCE = 10
"""Seconds in which QEMU says which of them it has."""
_COOKIES = 1 << 20
"""Bytes of a file with X's cookies."""
_COMPLAINT = 1 << 12
"""Bytes that are kept of what QEMU says."""
_SOFT_RESET = b"\x1b[?1047l\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[!p\x1b[?7h\r\n"
"""What a guest may have left on a terminal: another screen, modes, colours, a hidden cursor."""


@dataclass(frozen=True)
class Drive:
    """A file that the guest has as a disk of its own, and may write to."""

    file: int
    """Its descriptor, to read and write."""
    reading: int
    """Another one, to read: QEMU reads what is an image of its own first, and takes no descriptor that can do more."""
    format: str
    """``raw`` or ``qcow2``; QEMU never guesses."""


@dataclass(frozen=True)
class Trial:
    """One run of one ISO."""

    name: str
    """The title of its window."""
    iso: Path
    firmware: str
    """``bios``, one of `Machine.firmware`, or `debate.qemu.firmware.SECURE_BOOT`."""
    memory: int
    """MiB."""
    acceleration: str
    """``kvm`` or ``tcg``."""
    processors: int = 1
    window: str = ""
    """One of `WINDOWS`; empty for the terminal, which shows the serial console."""
    drive: Drive | None = None
    network: bool = True
    port: int = 0
    """Port of the loopback that leads to the guest's port 22; 0 for none."""
    machine: Machine = AMD64
    script: str = ""
    """Address of a script for iPXE with which it starts over its network, by BIOS; empty for the ISO."""
    certificate: bytes = b""
    """The one that the firmware knows for Secure Boot (DER); empty for Microsoft's."""

    def run(self, environment: Mapping[str, str]) -> None:
        """Run until the user or the guest ends it. ``environment`` says where the display is. Raises DebateError."""
        nobody = pwd.getpwnam("nobody")
        with ExitStack() as stack:
            iso = -1 if self.script else stack.enter_context(opened(self.iso)).fileno()
            variables = stack.enter_context(own_variables(self.machine, self.firmware, self.certificate))
            given, more = [variables, *([] if self.script else [iso])], dict[str, str]()
            if self.drive:
                given += (self.drive.file, self.drive.reading)
            if self.window:
                more, display = _shown_at(environment, nobody.pw_uid, stack)
                given.append(display)
            else:
                stack.enter_context(_restored())
            process = subprocess.Popen(
                self.argv(iso, variables),
                stdin=subprocess.DEVNULL if self.window else None,
                stdout=subprocess.DEVNULL if self.window else None,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), **more},
                pass_fds=given,
                start_new_session=True,
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=kvm_groups() if self.acceleration == "kvm" else [],
                preexec_fn=die_with_parent,
            )
            stack.enter_context(_ending(process))
            complaint = _Complaint(process)
            status = process.wait()
            if status:
                said = complaint.text()
                remedy = "without DISPLAY and WAYLAND_DISPLAY it runs on the terminal" if self.window else ""
                raise DebateError(f"QEMU ended with status {status}: {said}", remedy, place=f"run:{self.name}")

    def argv(self, iso: int, variables: int) -> list[str]:
        """The command line of QEMU, which gets the ISO and the variables of its firmware as these descriptors."""
        machine = of_machine(self.machine, self.firmware)
        argv = [self.machine.qemu, "-nodefaults", "-name", f"debate {self.name}", "-machine", machine]
        argv += ["-m", str(self.memory), "-smp", str(self.processors), "-accel", accelerator(self.acceleration)]
        argv += ["-cpu", self.machine.qemu_cpu if self.acceleration == "tcg" else "host"]
        argv += CONFINED
        argv += ["-vga", "std", "-display", self.window or "none"]
        argv += ["-serial", "vc"] if self.window else ["-serial", "mon:stdio"]
        argv += ["-device", "qemu-xhci", "-device", "usb-tablet"] if self.window else []
        argv += ["-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"]
        if not self.script:
            argv += ["-add-fd", f"fd={iso},set=1"]
            argv += ["-drive", "if=none,id=iso,media=cdrom,format=raw,readonly=on,file=/dev/fdset/1"]
            argv += ["-device", "ide-cd,drive=iso,bootindex=0"]
        if self.drive:
            argv += ["-add-fd", f"fd={self.drive.file},set=2", "-add-fd", f"fd={self.drive.reading},set=2"]
            argv += ["-drive", f"if=none,id=disk,format={self.drive.format},file=/dev/fdset/2"]
            argv += ["-device", "virtio-blk-pci,drive=disk,bootindex=1"]
        if self.network:
            forward = f",hostfwd=tcp:127.0.0.1:{self.port}-:22" if self.port else ""
            start = f",bootfile={self.script}" if self.script else ""
            device = "virtio-net-pci,netdev=net," + ("bootindex=0" if self.script else "romfile=")
            argv += ["-netdev", f"user,id=net{forward}{start}", "-device", device]
        else:
            argv += ["-nic", "none"]
        return argv + options(self.machine, self.firmware, variables, 3)


def window(environment: Mapping[str, str], machine: Machine = AMD64) -> tuple[str, str]:
    """The kind of window that QEMU can open at the display of ``environment``, or else why there is none."""
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "", "no DISPLAY or WAYLAND_DISPLAY is set"
    try:
        argv = [machine.qemu, "-display", "help"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return "", f"{machine.qemu} does not say which windows it has"
    offered = {line.strip() for line in lines_of(done.stdout.decode(errors="replace"))}
    found = next((kind for kind in WINDOWS if kind in offered), "")
    return found, "" if found else "this QEMU has no windows (Debian: qemu-system-gui, Arch: qemu-ui-gtk)"


@contextmanager
def _restored() -> Iterator[None]:
    """The terminal as it is now, also after QEMU, this thread or the process was ended."""
    settings, flags = termios.tcgetattr(0), {number: fcntl.fcntl(number, fcntl.F_GETFL) for number in (0, 1, 2)}

    def restore() -> None:
        for number, value in flags.items():  # QEMU does not wait for what is typed, and the shell would not, either.
            fcntl.fcntl(number, fcntl.F_SETFL, value)
        with suppress(OSError, termios.error):  # It may be gone.
            os.write(1, _SOFT_RESET)
            termios.tcsetattr(0, termios.TCSADRAIN, settings)

    atexit.register(restore)
    try:
        yield
    finally:
        restore()  # First: where the process ends meanwhile, this thread may not come to it.
        atexit.unregister(restore)


def _shown_at(environment: Mapping[str, str], user: int, stack: ExitStack) -> tuple[dict[str, str], int]:
    """What a window's process finds its display by: variables, and the descriptor that they name.

    Another user may connect to an X server with its cookie, and to that of Wayland by a connection that is made here.
    Raises DebateError.
    """
    # Nothing is asked of a session that belongs to somebody else.
    quiet = {"NO_AT_BRIDGE": "1", "GTK_A11Y": "none", "GSETTINGS_BACKEND": "memory", "GIO_USE_VFS": "local"}
    quiet |= {"DBUS_SESSION_BUS_ADDRESS": "disabled:", "LC_ALL": "C.UTF-8"}
    if environment.get("DISPLAY"):
        names = [environment.get("XAUTHORITY", ""), f"{environment.get('HOME', '')}/.Xauthority"]
        cookies = next((found for name in names if name and (found := _cookies(Path(name)))), b"")
        file = os.memfd_create("cookies")
        stack.callback(os.close, file)
        os.write(file, cookies)
        os.fchmod(file, 0o400)
        os.fchown(file, user, -1)
        more = {"DISPLAY": environment["DISPLAY"], "XAUTHORITY": f"/proc/self/fd/{file}"}
        return {**quiet, "GDK_BACKEND": "x11", "SDL_VIDEODRIVER": "x11", **more}, file
    path = Path(environment.get("XDG_RUNTIME_DIR", "/"), environment["WAYLAND_DISPLAY"])
    connection = stack.enter_context(socket.socket(socket.AF_UNIX))
    try:
        connection.connect(str(path))
    except OSError as error:
        remedy = "set XDG_RUNTIME_DIR, as sudo -E does, or leave WAYLAND_DISPLAY out for the terminal"
        raise DebateError(f"no display answers ({error.strerror})", remedy, place=str(path)) from None
    more = {"WAYLAND_SOCKET": str(connection.fileno())}
    return {**quiet, "GDK_BACKEND": "wayland", "SDL_VIDEODRIVER": "wayland", **more}, connection.fileno()


def _cookies(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return b"".join(chunks(file, _COOKIES))
    except OSError:
        return b""


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill QEMU in the end, with what it may have left behind, also where only the process ends."""

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    atexit.register(end)
    try:
        yield
    finally:
        end()
        atexit.unregister(end)


class _Complaint:
    """The end of what QEMU writes to its standard error."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._said = b""
        self._thread = threading.Thread(target=self._collect, args=(process,), daemon=True)
        self._thread.start()

    def _collect(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr:
            with process.stderr as stream:
                while data := os.read(stream.fileno(), 65536):
                    self._said = (self._said + data)[-_COMPLAINT:]

    def text(self) -> str:
        """In one line, after QEMU has ended."""
        self._thread.join(1)
        return " ".join(self._said.decode(errors="replace").split())


# What answers in the guest --------------------------------------------------------------------------


def free_port(preferred: int) -> int:
    """A port of the loopback that nothing has: ``preferred``, or else any."""
    for port in (preferred, 0):
        with socket.socket() as listener, suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            found: int = listener.getsockname()[1]
            return found
    raise DebateError("no port of 127.0.0.1 is free", "end what listens there")


def answers(port: int, over: threading.Event, every: float = 1.0, patience: float = 5.0) -> bool:
    """Wait until sshd greets at a port of the loopback. False if it is ``over`` before.

    QEMU itself takes each connection, so that one is made says nothing.
    """
    while not over.wait(every):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
            if connection.recv(64).startswith(b"SSH-"):
                return True
    return False


def when_it_answers(port: int, over: threading.Event, say: Callable[[], None]) -> None:
    """Call ``say`` once sshd greets, from another thread."""

    def wait() -> None:
        if answers(port, over):
            say()

    threading.Thread(target=wait, daemon=True).start()


# Disks ----------------------------------------------------------------------------------------------

_QCOW2 = b"QFI\xfb"
_DATA_FILE = 1 << 2
"""The feature of a qcow2 image whose data is in another file; see docs/interop/qcow2.txt of QEMU."""
HEADER = 80
"""Bytes of a file that tell what it is."""


def format_of(name: str, header: bytes) -> tuple[str, str, str]:
    """Format of a disk image, and why it must not be used as that, and a remark; each may be empty.

    The name alone tells the format: the content of a raw disk is the guest's, which could make it a qcow2 image that
    names any file of the host.
    """
    if not name.endswith(".qcow2"):
        fact = "begins like a qcow2 image, and is taken as a raw disk, since its name does not end in .qcow2"
        return "raw", "", fact if header.startswith(_QCOW2) else ""
    if not header.startswith(_QCOW2) or len(header) < HEADER:
        return "qcow2", "is no qcow2 image, and its name ends in .qcow2", ""
    version = int.from_bytes(header[4:8], "big")
    features = int.from_bytes(header[72:80], "big") if version > 2 else 0
    if int.from_bytes(header[8:16], "big") or features & _DATA_FILE:
        return "qcow2", "is incomplete without another file, which QEMU as nobody does not get", ""
    return "qcow2", "", ""
