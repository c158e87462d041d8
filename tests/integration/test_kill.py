"""A build that is killed, whenever it is, goes on in the next run and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.checkout import SANDBOXED, Checkout, assert_nothing_left, host_state, wait_until_gone

SANDBOXES = ("sandbox", *SANDBOXED, "inspect", "select")
"""All that `build` starts a sandbox for; doit chooses the order. The step `packages` runs the last two, too."""


def wait_for(process: subprocess.Popen[str], directory: Path, *patterns: str) -> str:
    """Wait until a file appears that a step makes when it starts. Returns the pattern that it has."""
    deadline = time.monotonic() + 120
    while True:
        for pattern in patterns:
            if list(directory.glob(pattern)):
                return pattern
        assert process.poll() is None, f"ended before {patterns}: {process.communicate()[0]}"
        assert time.monotonic() < deadline, f"none of {patterns}"
        time.sleep(0.002)


def test_kill_in_each_step(built: Checkout, tmp_path: Path) -> None:
    """From nothing to the ISO, killed once in every sandbox and while the ISO is copied out."""
    before = host_state()
    mine = Checkout.make(tmp_path / "checkout")
    lock = built.output("minimal", "lock.json").read_bytes()
    waiting = {f"*-{step}/in": step for step in SANDBOXES}
    while waiting:
        process = mine.start("-n", "1", "build:minimal")
        step = waiting.pop(wait_for(process, mine.cache / "tmp", *waiting))
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, f"{step} was over before the signal came"
        wait_until_gone(before)
        if step == "lock":  # From here on the same packages as in `built`, so that the results can be compared.
            (mine.directory / "profiles" / "minimal.lock.json").write_bytes(lock)
    mine.doit("build:minimal")
    mine.iso("minimal").unlink()  # A new ISO is moved out, which takes no time; only one from the cache is copied.
    process = mine.start("build:minimal")
    wait_for(process, mine.output("minimal"), ".minimal-amd64.iso.*")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    mine.doit("build:minimal")
    assert mine.iso("minimal").read_bytes() == built.iso("minimal").read_bytes()
    assert_nothing_left(before, mine)
    assert [path.name for path in mine.output("minimal").glob(".*")] == [".lock"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_while_steps_run_side_by_side(built: Checkout, tmp_path: Path, number: int) -> None:
    before = host_state()
    mine = Checkout.make(tmp_path / "checkout")
    built.lend_tools(mine)
    process = mine.start("build:minimal")
    wait_for(process, mine.cache / "tmp", "*-rootfs/in")
    time.sleep(1)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said
    assert "interrupted; finished steps are kept" in said
    assert "Traceback" not in said
    assert_nothing_left(before, mine)
    assert built.iso("minimal").exists()
