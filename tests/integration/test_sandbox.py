"""What is left when hooks fail, go on, or are interrupted. What they can reach is in test_attacks."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout, hook


@pytest.mark.parametrize("first", ["# by default\n", "#!/bin/bash -e\n"])
def test_a_hook_that_fails(checkout: Checkout, first: str) -> None:
    hook(checkout, f"{first}echo something useful\ngrep x /dev/null\necho not reached\n")
    said = checkout.doit("overlay:mine", status=1)
    assert "overlay: failed" in said
    assert "something useful" in said
    assert "debate: hook hook.sh: line 3: exit status 1: grep x /dev/null" in said
    assert "debate: hook hook.sh: failed with exit status 1" in said
    assert "not reached" not in said
    assert str(checkout.output("mine", "logs", "overlay.log")) in said
    assert not checkout.output("mine", "overlay.json").exists()
    hook(checkout, "echo fine\n")
    checkout.doit("overlay:mine")


def test_what_a_hook_leaves_running_does_not_outlive_it(checkout: Checkout) -> None:
    hook(checkout, "setsid sleep 4242 > /dev/null 2>&1 &\n")
    checkout.doit("overlay:mine")
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if _reads(p, b"sleep\x004242")]


def _reads(path: Path, words: bytes) -> bool:
    try:
        return words in path.read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(checkout: Checkout, number: int) -> None:
    """Nothing is left at once, without waiting for a next run to clean up."""
    hook(checkout, "sleep 600\n")
    process = checkout.start("overlay:mine")
    deadline = time.monotonic() + 120
    while not list((checkout.cache / "tmp").glob("*-overlay/out")) and not _hook_runs():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said


def _hook_runs() -> bool:
    return any(_reads(path, b"sleep\x00600") for path in Path("/proc").glob("[0-9]*/cmdline"))
