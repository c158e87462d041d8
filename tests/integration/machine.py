"""A machine in QEMU with a console that a test reads and types on, as a person would on a serial line."""

from __future__ import annotations

import io
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from debate.machines import AMD64
from debate.qemu import guest as qemu
from debate.qemu.firmware import uefi
from debate.qemu.guest import plain

_DOWN, _ENTER = "\x1b[B", "\r"


class Machine:
    """One that runs."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path) -> None:
        self.process, self.text, self._at, self._directory = process, "", 0, directory
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout
        waiting = ""
        while data := self.process.stdout.read1(65536):
            clean, waiting = plain(waiting + data.decode(errors="replace"))
            self.text += clean

    def wait(self, pattern: str, seconds: int = 400) -> re.Match[str]:
        """Wait for ``pattern`` in what was printed after the last match."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.compile(pattern).search(self.text, self._at)
            if match:
                self._at = match.end()
                return match
            in_time = time.monotonic() < deadline and self.process.poll() is None
            assert in_time, f"{pattern!r} not within {seconds} s:\n{self.text[-4000:]}"
            time.sleep(0.1)

    def screen(self) -> Image.Image:
        """What is on its screen."""
        picture = self._directory / "screen.ppm"
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(f"{self._directory}/monitor")
            monitor.settimeout(20)
            said = b""
            for command in (b"", f"screendump {picture}\n".encode()):
                monitor.sendall(command)
                while not said.endswith(b"(qemu) "):
                    said += monitor.recv(65536)
                said = b""
        return Image.open(io.BytesIO(picture.read_bytes())).convert("RGB")

    def type(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def choose(self, number: int) -> None:
        """Start an entry of GRUB's menu, counted from 0, from the first one."""
        for _ in range(number):
            self.type(_DOWN)
            time.sleep(0.3)
        self.type(_ENTER)


@contextmanager
def machine(
    iso: Path, firmware: str = "bios", disks: Sequence[Path] = (), *, memory: int = 2048, sound: Path | None = None
) -> Iterator[Machine]:
    """Start one with ``iso`` as a disc and ``disks`` behind it. It is killed at the end.

    ``sound``: a wave file for what its sound card plays.
    """
    argv = [AMD64.qemu, "-nodefaults", "-no-reboot", "-machine", AMD64.qemu_machine, "-m", str(memory), "-nic", "none"]
    chosen, processor = ("kvm", "host") if qemu.kvm_works() else ("tcg", AMD64.qemu_cpu)
    argv += ["-accel", qemu.accelerator(chosen), "-cpu", processor]
    argv += ["-display", "none", "-vga", "std", "-serial", "stdio"]
    argv += [
        "-drive",
        f"if=none,id=iso,media=cdrom,format=raw,readonly=on,file.driver=file,file.filename={_plain(iso)}",
    ]
    argv += ["-device", "ide-cd,drive=iso,id=cd,bootindex=1"]
    for number, disk in enumerate(disks):
        argv += ["-drive", f"if=none,id=disk{number},format=raw,file={_plain(disk)}"]
        argv += ["-device", f"virtio-blk-pci,drive=disk{number},bootindex={number + 2}"]
    if sound:
        argv += ["-audiodev", f"wav,id=sound,path={_plain(sound)}"]
        argv += ["-device", "intel-hda", "-device", "hda-output,audiodev=sound"]
    if firmware == "uefi":
        argv += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={uefi(AMD64, firmware)[0]}"]
    with tempfile.TemporaryDirectory(prefix="machine-") as directory:
        argv += ["-monitor", f"unix:{directory}/monitor,server=on,wait=off"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            yield Machine(process, Path(directory))
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                assert stream
                stream.close()


def _plain(path: Path) -> str:
    """``path`` as a value among QEMU's options."""
    return str(path).replace(",", ",,")
