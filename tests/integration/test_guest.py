"""Limits and attacks where systemd is PID 1 and control groups are v2: inside one of our own ISOs, in QEMU."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.checkout import Checkout
from tests.integration.test_attacks import ATTACKS, PROGRAMS

KINDS = ("a systemd scope", "cgroup v2")
UNIT = """\
[Unit]
Description=Sandboxes inside
After=multi-user.target

[Service]
Type=oneshot
Environment=PYTHONPATH=/opt/debate
ExecStart=/usr/bin/python3 /opt/debate/guest.py

[Install]
WantedBy=multi-user.target
"""
PROFILE = """\
extends: minimal
base: minimal
packages: [python3, systemd-container]
overlays: [guest]
services: {enable: [guest]}
boot: {firmware: [bios]}
check: {marker: "guest: all: over", timeout: 900}
"""


@pytest.fixture(scope="module")
def said(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """(kind, try) -> result, out of the guest's console."""
    checkout = Checkout.make(tmp_path_factory.mktemp("guest") / "checkout", built.cache)
    checkout.pin(built)
    tree = checkout.directory / "profiles" / "guest"
    inside = tree / "opt" / "debate"
    shutil.copytree(ROOT / "debate", inside / "debate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("guest.py"), inside)
    shutil.copytree(PROGRAMS, inside / "attacks")
    facts = {
        "PORT": 9, "ABSTRACT": "nobody", "TARGET_NAME": "systemd-journald", "HOST_NAME": "minimal", "DISK": 0xB00,
        "CANARY": "/opt/debate/guest.py", "CANARY_NAME": "guest.py", "READ_ONLY": "'/run/in /run/step /usr'",
    }  # fmt: skip
    (inside / "attacks" / "facts").write_text("".join(f"{name}={value}\n" for name, value in facts.items()))
    unit = tree / "etc" / "systemd" / "system" / "guest.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(UNIT)
    checkout.profile("guest", PROFILE)
    checkout.doit("check:guest")
    log = checkout.output("guest", "check", "bios.log").read_text()
    return {(m[1], m[2]): m[3] for m in re.finditer(r"guest: ([^:\n]+): (attack \S+|\w+): ([^\n]*)", log)}


@pytest.mark.parametrize("kind", KINDS)
def test_limits(said: dict[tuple[str, str], str], kind: str) -> None:
    assert said[kind, "works"] == "done"
    assert said[kind, "memory"] == "memory: exceeded its limit of 64 MiB of memory (DEBATE_MEMORY)"
    assert said[kind, "processes"] == "processes: exceeded its limit of 40 processes (DEBATE_PROCESSES)"
    assert said[kind, "time"] == "time: stopped after 3 s (DEBATE_STOP_AFTER)"
    assert said[kind, "left"] == "nothing"


@pytest.mark.parametrize(("kind", "attacks"), list(zip(KINDS, (ATTACKS, ["own-limits"]), strict=True)), ids=KINDS)
def test_attacks(said: dict[tuple[str, str], str], kind: str, attacks: list[str]) -> None:
    """All under one kind of limits: only that on the limits depends on it."""
    found = {
        name.split()[1]: words.partition(":")[0]
        for (of, name), words in said.items()
        if (of, name[:7]) == (kind, "attack ")
    }
    # No images lie in there, and nobody listens: these tell nothing.
    assert found == dict.fromkeys(attacks, "held"), said


def test_nothing_is_left_to_the_first_boot(said: dict[tuple[str, str], str]) -> None:
    """With live-boot; that of dracut is looked at by every's self-check."""
    assert said["boot", "updates"] == "none"
