"""`doit write:NAME` on loop devices: what is on them afterwards, which are refused, and what a fault leaves."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from debate.artifact import Artifact
from debate.commands.logic import write
from debate.commands.logic.write import _BLOCK, _END
from debate.errors import DebateError
from debate.host.disks import Disks, number
from debate.model import Activity
from tests.conftest import ROOT
from tests.integration import terminal
from tests.integration.checkout import DOIT, Checkout

SIZE = 20 << 20
"""Bytes of a stick."""
OLD = b"\xa5" * SIZE
INCOMPLETE = "{} is incomplete, and does not start: run the same command again"


def run(*argv: str | Path) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


class Sticks:
    """Makes loop devices, and removes them."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory, self.stack = directory, stack
        self.image = directory / "stick"
        """The last one's content."""

    def stick(self, *options: str, content: bytes | None = OLD, directory: Path | None = None) -> str:
        """The name of a new one, of `SIZE` without ``content``."""
        self.image = (directory or self._directory) / f"stick{random.getrandbits(32)}"
        self.image.write_bytes(content or b"")
        if content is None:
            os.truncate(self.image, SIZE)
        device = run("losetup", "--find", "--show", *options, self.image)
        self.stack.callback(run, "losetup", "--detach", device)
        return device

    def partitioned(self) -> str:
        """One with a partition, which the kernel is told of: not every one can read tables of partitions."""
        device = self.stick("--partscan", content=bytes(SIZE))
        run("addpart", device, "1", "2048", "32768")
        return device

    def mount(self, *options: str | Path) -> Path:
        point = self._directory / "mounted"
        point.mkdir(exist_ok=True)
        run("mount", *options, point)
        self.stack.callback(run, "umount", point)
        return point


@pytest.fixture
def sticks(tmp_path: Path) -> Iterator[Sticks]:
    with ExitStack() as stack:
        yield Sticks(tmp_path, stack)


def some(size: int) -> tuple[bytes, Artifact]:
    content = random.Random(size).randbytes(size)  # noqa: S311 - it is no secret
    return content, Artifact.of(content)


def parts(content: bytes) -> Iterator[bytes]:
    """As a store gives it."""
    yield from (content[start : start + 777_777] for start in range(0, len(content), 777_777))


def written(
    device: str,
    content: bytes,
    activity: Activity | None = None,
    *,
    source: Iterable[bytes] | None = None,
    said: list[str] | None = None,
) -> bool:
    """Write ``content`` to ``device``, from ``source`` if that is given."""
    with write._opened(Disks(), device) as (target, disk):
        writing = write._Writing(target, disk, device, activity or Activity("write:x"))
        say = ([] if said is None else said).append
        return writing.all(parts(content) if source is None else source, Artifact.of(content), say)


def fails(
    sticks: Sticks,
    device: str,
    message: str,
    content: bytes,
    activity: Activity | None = None,
    source: Iterable[bytes] | None = None,
) -> None:
    """Asserts that writing fails with a message, that the stick is called incomplete, and that it does not start."""
    said: list[str] = []
    with pytest.raises(DebateError, match=f"^{device}: {message}"):
        written(device, content, activity, source=source, said=said)
    assert said == [INCOMPLETE.format(device)]
    assert not any(sticks.image.read_bytes()[:_BLOCK])


@pytest.mark.parametrize(
    "size", [2048, _BLOCK - 512, _BLOCK, _BLOCK + 2048, 3 * _BLOCK, SIZE - _END - 2048, SIZE - _END, SIZE - 2048, SIZE]
)
def test_what_is_on_it(sticks: Sticks, size: int) -> None:
    """The content, what was there before, and zeros where the old partition table had its copy."""
    content, _ = some(size)
    activity = Activity("write:x")
    assert written(sticks.stick(), content, activity)
    found = sticks.image.read_bytes()
    end = max(size, SIZE - _END)
    assert found[:size] == content
    assert found[max(size, _BLOCK) : end] == OLD[max(size, _BLOCK) : end]
    assert not any(found[end:])
    assert not any(found[size:_BLOCK]), "the rest of the first block"
    assert (activity.written(), activity.total, activity.line) == (size, size, "reading back")


def test_old_partitions_are_gone(sticks: Sticks) -> None:
    """The kernel reads the partition table again."""
    device = sticks.partitioned()
    disk = Disks().find(number(os.stat(device).st_rdev))
    assert disk
    assert disk.partitions == (f"{disk.name}p1",)
    assert written(device, some(2 * _BLOCK)[0])
    assert not Path(f"/sys/class/block/{disk.name}p1").exists()


class Altering(Activity):
    """Does something when what was written is read back."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__("write:x")
        self._then = then

    def show(self, line: str) -> None:
        super().show(line)
        if line == "reading back":
            self._then()


@pytest.mark.parametrize("position", [_BLOCK, 2 * _BLOCK + 5, 3 * _BLOCK - 1])
def test_a_stick_that_forgets(sticks: Sticks, position: int) -> None:
    device = sticks.stick()
    content, _ = some(3 * _BLOCK)

    def alter() -> None:
        with sticks.image.open("r+b") as file:
            file.seek(position)
            file.write(bytes([content[position] ^ 1]))

    where = f"{position // _BLOCK * _BLOCK / 1e6:.1f}".removesuffix(".0")
    fails(
        sticks, device, f"does not keep what is written: it reads differently after {where}", content, Altering(alter)
    )


def test_another_iso(sticks: Sticks) -> None:
    """What the cache has is not what the build says."""
    content, _ = some(2 * _BLOCK)
    message = "the ISO is not what the build says of it; run doit fsck"
    fails(sticks, sticks.stick(), message, content, source=[content[:-1], b"x"])


def test_a_cache_that_breaks(sticks: Sticks) -> None:
    """While it is read, which is told as what it is."""
    content, _ = some(2 * _BLOCK)

    def source() -> Iterator[bytes]:
        yield content[:_BLOCK]
        raise DebateError("has a damaged template", "run doit fsck", place=device)

    device = sticks.stick()
    fails(sticks, device, "has a damaged template; run doit fsck", content, source=source())


def test_a_stick_with_less_room_than_it_says(sticks: Sticks) -> None:
    """Its file system is full before it is."""
    full = sticks.mount("-t", "tmpfs", "-o", f"size={2 * _BLOCK}", "tmpfs")
    device = sticks.stick(directory=full, content=None)
    message = r"cannot be written \(.*\) after [0-9.]+ [kM]?B of 17 MB; try another port"
    fails(sticks, device, message, some(4 * _BLOCK)[0])


@pytest.mark.parametrize("when", ["written", "read back"])
def test_a_stick_that_shrinks(sticks: Sticks, when: str) -> None:
    """As one that is unplugged, most of it is no longer there."""
    device = sticks.stick()
    content, _ = some(4 * _BLOCK)

    def shrink() -> None:
        os.truncate(sticks.image, _BLOCK)
        run("losetup", "--set-capacity", device)

    def then_shrink() -> Iterator[bytes]:
        yield content[: 2 * _BLOCK]
        shrink()
        yield content[2 * _BLOCK :]

    activity = Altering(shrink) if when == "read back" else Activity("x")
    message = rf"cannot be {when} \(.*\) after [0-9.]+ MB of 17 MB; try another port"
    fails(sticks, device, message, content, activity, None if when == "read back" else then_shrink())


INTERRUPTED = """\
import os, signal, sys
from debate.artifact import Artifact
from debate.commands.logic import write
from debate.host.disks import Disks
from debate.model import Activity
def end(number, _frame):
    raise SystemExit(128 + number)
signal.signal(signal.SIGTERM, end)
content = bytes(range(256)) * (3 * write._BLOCK // 256)
def source():
    yield content[:2 * write._BLOCK]
    os.kill(os.getpid(), int(sys.argv[2]))
    yield content[2 * write._BLOCK:]
with write._opened(Disks(), sys.argv[1]) as (target, disk):
    write._Writing(target, disk, sys.argv[1], Activity("x")).all(source(), Artifact.of(content), print)
"""


@pytest.mark.parametrize("signal", [15, 9])
def test_an_interruption(sticks: Sticks, signal: int) -> None:
    device = sticks.stick()
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, device, str(signal)], capture_output=True, text=True, cwd=ROOT
    )
    told = f"{INCOMPLETE.format(device)}\n"
    assert (done.stdout, done.stderr) == (told if signal == 15 else "", "")
    assert done.returncode == (128 + signal if signal == 15 else -signal)
    found = sticks.image.read_bytes()
    assert not any(found[:_BLOCK]), "it does not start"
    assert found[_BLOCK : _BLOCK + 256] == bytes(range(256)), "it was being written"


# Which are refused -----------------------------------------------------------------------------------


def _ended(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()


def mounted(sticks: Sticks) -> str:
    device = sticks.stick()
    run("mkfs.ext4", "-q", device)
    sticks.mount(device)
    return device


def partition_mounted(sticks: Sticks) -> str:
    device = sticks.partitioned()
    run("mkfs.ext4", "-q", f"{device}p1")
    sticks.mount(f"{device}p1")
    return device


def swap(sticks: Sticks) -> str:
    device = sticks.stick()
    run("mkswap", device)
    run("swapon", device)
    sticks.stack.callback(run, "swapoff", device)
    return device


def shown_by_a_loop(sticks: Sticks) -> str:
    device = sticks.stick()
    above = run("losetup", "--find", "--show", device)
    sticks.stack.callback(run, "losetup", "--detach", above)
    return device


def opened(sticks: Sticks) -> str:
    device = sticks.stick()
    with open(device, "rb") as file:
        process = subprocess.Popen(["sleep", "600"], stdin=file)
    sticks.stack.callback(_ended, process)
    return device


def mounted_elsewhere(sticks: Sticks) -> str:
    """Where this process does not see it."""
    device = sticks.stick()
    run("mkfs.ext4", "-q", device)
    script = f"mount {device} /mnt && echo mounted && exec sleep 600"
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "mounted\n"
    process.stdout.close()
    sticks.stack.callback(_ended, process)
    return device


REFUSED: dict[str, tuple[Callable[[Sticks], str], str]] = {
    "mounted": (mounted, r"{}: is in use: {} is mounted at .*/mounted; unmount or stop that first"),
    "partition": (partition_mounted, r"{}: is in use: {}p1 is mounted at .*/mounted; "),
    "a partition": (lambda sticks: f"{partition_mounted(sticks)}p1", r"{}: is a partition; name the whole disk: "),
    "swap": (swap, r"{}: is in use: {} is swap space; "),
    "loop": (shown_by_a_loop, r"{}: is in use: {} is part of loop\d+; "),
    "open": (opened, r"{}: is in use: process \d+ \(sleep\) has {} open; "),
    "elsewhere": (mounted_elsewhere, r"{}: is in use, such as by ZFS, or where this process does not see it; "),
    "read-only": (lambda sticks: sticks.stick("--read-only"), r"{}: is read-only; "),
    "sectors": (lambda sticks: sticks.stick("--sector-size", "4096"), r"{}: has sectors of 4,096 bytes, and the "),
    "empty": (lambda sticks: sticks.stick(content=b""), r"{}: has no medium; "),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(sticks: Sticks, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(write, "_PATIENCE", 0.3)
    make, message = REFUSED[kind]
    device = make(sticks)
    before = sticks.image.read_bytes()
    with pytest.raises(DebateError) as caught, write._opened(Disks(), device):
        pass
    assert re.match(
        message.replace("{}", "{0}", 1).replace("{}", "{1}").format(device, Path(device).name), str(caught.value)
    )
    assert sticks.image.read_bytes() == before


def test_nobody_mounts_it_meanwhile(sticks: Sticks) -> None:
    device = sticks.stick()
    run("mkfs.ext4", "-q", device)
    with write._opened(Disks(), device):
        assert subprocess.run(["mount", device, "/mnt"], capture_output=True).returncode == 32
        with (
            pytest.raises(DebateError, match=r"is in use: process \d+|is in use, such as"),
            write._opened(Disks(), device),
        ):
            pass


# As people do it -------------------------------------------------------------------------------------


def answered(checkout: Checkout, device: str, answer: bytes) -> tuple[str, int]:
    """What is shown on a terminal where the question is answered, and the status."""
    said, status = terminal.answered(
        [DOIT, "write:minimal", "--device", device], checkout.directory, {**checkout.environment(), "COLUMNS": "300"},
        until=f"Type {Path(device).name} to write minimal-amd64.iso", answer=answer, seconds=300,
    )  # fmt: skip
    return " ".join(said.split()), status


def test_on_a_terminal(checkout: Checkout, built: Checkout, sticks: Sticks) -> None:
    """It asks, and a wrong answer or Ctrl-C leaves the stick as it was."""
    checkout.pin(built)
    iso = built.iso("minimal").read_bytes()
    before = bytes(len(iso) + (8 << 20))
    device = sticks.stick(content=before)
    name = Path(device).name
    said, status = answered(checkout, device, b"yes\r")
    assert f"{device} is {name}: " in said
    assert "It is not removable: is it a disk of this machine?" in said
    assert f"{device}: was not confirmed, so nothing was written; type {name}" in said
    assert status == 1
    said, status = answered(checkout, device, b"\x03")
    assert "interrupted" in said
    assert "Fatal" not in said
    assert status == 130
    assert sticks.image.read_bytes() == before
    said, status = answered(checkout, device, f"{name}\r".encode())
    note = rf"minimal-amd64.iso is on {device} \([^()]*\), written and read back in \d+ s: {built.digest('minimal')}"
    assert re.search(note, said), said
    assert status == 0
    assert sticks.image.read_bytes()[: len(iso)] == iso


def test_for_scripts(checkout: Checkout, sticks: Sticks) -> None:
    """What cannot be is told before anything is built."""
    device = sticks.stick()
    said = checkout.doit("write:minimal", "--device", device, status=3)
    assert f"{device}: there is no terminal for the question whether to erase it; --yes {device} answers it" in said
    assert "write: no disk is named" in checkout.doit("write:minimal", status=3)
    said = checkout.doit("write:minimal", "--device", device, "--yes", device, status=1)
    assert re.search(rf"{device}: has 20,971,520 bytes, and the ISO [0-9,]+; use a larger stick", said)
    assert sticks.image.read_bytes() == OLD
