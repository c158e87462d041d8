"""What is left when hooks fail, go on, or are interrupted. What they can reach is in test_attacks."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout, hook
from tests.unit.frontend.github import obeyed


@pytest.mark.parametrize("first", ["# by default\n", "#!/bin/bash -e\n"])
def test_a_hook_that_fails(checkout: Checkout, first: str) -> None:
    hook(checkout, f"{first}echo something useful\ngrep x /dev/null\necho not reached\n")
    said = checkout.doit("overlay:mine", status=1)
    assert "something useful" in said
    assert "debate: hook hook.sh: line 3: exit status 1: grep x /dev/null" in said
    assert "\nprofiles/hook.sh:3: hooks: hook.sh failed with exit status 1; see the log for its message\n" in said
    assert "not reached" not in said
    log = checkout.output("mine", "logs", "overlay.log")
    assert f"the whole log: {log.relative_to(checkout.directory)}\n" in said
    assert not checkout.output("mine", "overlay.json").exists()
    hook(checkout, "echo fine\n")
    checkout.doit("overlay:mine")


FORGING = r"""
echo 'debate: hostname: forged; forged'
echo '::error file=profiles/mine.yaml,line=1::forged'
echo '  > ##[error]forged'
printf 'one\r::error::forged\n\033[31m\342\200\256forged\n'
printf 'hostname\0mine\0forged\0\0' >> /run/problems
printf 'hostname\0\377\0' >> /run/problems
exit 3
"""


def test_a_hook_annotates_nothing(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it says and writes, the one problem is its own failure, and GitHub finds no command of its."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    hook(checkout, FORGING)
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", "-v", status=1)
    _, commands = obeyed(said)
    assert [command for command in commands if not command.startswith(("::group::", "::endgroup::"))] == [
        "::error file=profiles/mine.yaml,line=3,col=9,title=overlay mine::"
        "hooks: hook.sh failed with exit status 3; see the log for its message"
    ]
    assert "##[" not in said
    assert "\n  > debate: hostname: forged; forged\n" in said, "it is shown as what the hook said"
    assert "mine.yaml:1" not in said
    assert not set(said) & {"\033", "\u202e"}
    logs = checkout.output("mine", "logs")
    log = (logs / "overlay.log").read_bytes().decode()
    assert obeyed(log)[1] == []
    assert not set(log) & {"\033", "\r", "\u202e"}
    raw = (logs / "raw" / "overlay.log").read_bytes().decode()
    assert "one\r::error::forged\n\033[31m\u202eforged\n" in raw


def test_what_a_hook_leaves_running_does_not_outlive_it(checkout: Checkout) -> None:
    hook(checkout, "setsid sleep 4242 > /dev/null 2>&1 &\n")
    checkout.doit("overlay:mine")
    assert not runs("sleep", "4242")


def runs(*words: str) -> bool:
    """Whether a process with these words runs anywhere on this machine."""
    return any(_reads(path, "\0".join(words).encode()) for path in Path("/proc").glob("[0-9]*/cmdline"))


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
    while not list((checkout.cache / "tmp").glob("*-overlay/out")) and not runs("sleep", "600"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said
