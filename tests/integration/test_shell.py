"""`doit shell:STEP:NAME`: the sandbox of a step as it was, on a terminal and without one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from debate.steps.rules import shell_steps
from tests.integration import terminal
from tests.integration.checkout import DOIT, Checkout, hook, ran

BROKEN = "mkdir /opt/made\ntest -e /opt/missing\n"


@pytest.fixture
def failed(checkout: Checkout, built: Checkout) -> Checkout:
    """A checkout with a profile whose hook fails."""
    checkout.pin(built)
    checkout.pin_as("mine", built)
    hook(checkout, BROKEN)
    said = checkout.doit("build:mine", status=1)
    assert "  > debate: hook hook.sh: line 2: exit status 1: test -e /opt/missing" in said
    assert "a shell in that sandbox: doit shell:overlay:mine" in said
    return checkout


def piped(checkout: Checkout, target: str, commands: str) -> str:
    done = subprocess.run(
        [DOIT, target], cwd=checkout.directory, env=checkout.environment(), input=commands, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
    )  # fmt: skip
    return done.stdout


def test_as_it_failed(failed: Checkout) -> None:
    objects = sorted(path.name for path in failed.cache.glob("objects/sha256/*/*"))
    said = piped(
        failed, "shell:overlay:mine", "ls -d /opt/*; id -un; ls /sys/class/net; cat /run/in/hooks; echo > /left\n"
    )
    assert "hooks.sh failed. This shell is in its sandbox, as it left it." in said
    assert re.search(r"^/opt/made\nroot\nlo\nhook.sh$", said, re.MULTILINE), said
    assert "/left" not in piped(failed, "shell:overlay:mine", "ls -d /left /opt/made 2> /dev/null\n")
    assert objects == sorted(path.name for path in failed.cache.glob("objects/sha256/*/*")), "nothing is kept"
    assert not failed.output("mine", "overlay.json").exists()


@pytest.mark.parametrize(("step", "script", "made"), [("boot", "signed", {"mbr", "unpacked"}), ("iso", "iso", {"iso"})])
def test_of_a_step_that_does_not_fail(failed: Checkout, step: str, script: str, made: set[str]) -> None:
    """Whatever the cache knows, it runs. An ISO that is otherwise taken as it is made lies there, too."""
    name = "mine" if step == "boot" else "minimal"
    if name == "minimal":
        failed.doit("build:minimal")
    said = piped(failed, f"shell:{step}:{name}", "ls /run/work /run/out\n")
    assert f"{script}.sh finished. This shell is in its sandbox, as it left it." in said
    assert made <= set(said.split())


def test_on_a_terminal(failed: Checkout) -> None:
    said, status = terminal.answered(
        [DOIT, "shell:overlay:mine"], failed.directory, failed.environment(),
        until="root@debate", answer=b"tty; ls /opt; exit 3\r", seconds=60,
    )  # fmt: skip
    assert status == 0, said
    assert re.search(r"/dev/(pts/\d+|console)\r\nmade\r\n", said), said


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "shell:packages:minimal",
            "shell:packages:minimal: 'packages' is not a step with a shell; "
            f"write shell:STEP:minimal, with STEP one of {', '.join(shell_steps())}\n",
        ),
        ("shell:minimal", "shell:minimal: names no step; write shell:STEP:minimal, with STEP one of "),
        ("shell:overlay:minimul", "there is no profile 'minimul'; did you mean 'minimal'"),
    ],
)
def test_what_there_is_no_shell_for(tmp_path: Path, word: str, message: str) -> None:
    said = Checkout.make(tmp_path / "fresh").doit(word, status=3)
    assert message in said


def test_the_steps_below_it_are_built_first(checkout: Checkout, built: Checkout) -> None:
    checkout.pin(built)
    said = piped(checkout, "shell:overlay:minimal", "ls /etc/hostname\n")
    assert ran(said)["rootfs"] == "cached"
    assert "/etc/hostname" in said
