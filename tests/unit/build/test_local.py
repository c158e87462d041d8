"""What this machine's executor shows a sandbox is what the step's key stands for."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from debate.build import local
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.model import Command, Step, Supplies
from debate.sandbox.session import Session
from debate.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a checkout with some scripts."""
    scripts = tmp_path / "sandbox"
    for name, text in {
        "top.sh": ". /run/step/d/one.sh\n", "second.sh": "cat /run/step/d/e/*\n", "d/one.sh": "", "d/e/two": "",
        "unused.sh": "", "d/unused.sh": "", "lib.sh": "exit 0\n",
    }.items():  # fmt: skip
        (scripts / name).parent.mkdir(parents=True, exist_ok=True)
        (scripts / name).write_text(text)
        (scripts / name).chmod(0o700)
    return Settings(root=tmp_path, cache=tmp_path / "cache", output=tmp_path / "build", scripts=scripts)


def session_of(settings: Settings, step: Step, monkeypatch: pytest.MonkeyPatch, look: Any) -> None:
    """Call ``look`` with the session that would run ``step``, while its directory exists."""

    def run(name: str, session: Session, *_: object, **__: object) -> tuple[dict[str, object], list[object]]:  # noqa: ARG001
        look(session)
        return {}, []

    monkeypatch.setattr(local.runner, "run", run)
    local.LocalExecutor(settings, Store(settings.cache)).run(step, Supplies(), settings.output / "log")


def test_a_sandbox_sees_the_scripts_of_its_key_and_no_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Step("x", (Command("top.sh"), Command("second.sh")), (), 0)
    commands = Builder(settings, Store(settings.cache)).ingredients(step)["commands"]
    keyed = {name for command in commands for name in command["script"]}
    seen: dict[str, tuple[bytes, int]] = {}

    def look(session: Session) -> None:
        for path in Path(session.scripts).rglob("*"):
            if path.is_file():
                seen[str(path.relative_to(session.scripts))] = (path.read_bytes(), path.stat().st_mode & 0o7777)

    session_of(settings, step, monkeypatch, look)
    assert keyed == {"top.sh", "second.sh", "d/one.sh", "d/e/two"}
    # A checkout's modes depend on the umask, and are in no key.
    assert seen == {name: ((settings.scripts / name).read_bytes(), 0o644) for name in keyed}


@pytest.mark.parametrize(
    "line",
    ['. "$(dirname "$0")/lib.sh"', '. "${0%/*}/lib.sh"', 'cd "${0%/*}" && . ./lib.sh', 'exec sh "${0%top.sh}lib.sh"'],
)
def test_a_script_cannot_read_one_that_is_in_no_key(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (settings.scripts / "top.sh").write_text(f"{line}\n")
    assert subprocess.run(["sh", settings.scripts / "top.sh"], check=False).returncode == 0
    status = []

    def look(session: Session) -> None:
        argv = ["sh", f"{session.scripts}/top.sh"]
        status.append(subprocess.run(argv, check=False, stderr=subprocess.DEVNULL).returncode)

    session_of(settings, Step("x", (Command("top.sh"),), (), 0), monkeypatch, look)
    assert len(status) == 1
    assert status != [0]


GIB = 1 << 30


@pytest.mark.parametrize(
    ("setting", "writes", "available", "place"),
    [
        ("auto", 0, 10 * GIB, "tmpfs"),
        ("auto", 0, 10 * GIB - 1, "disk"),
        ("auto", 6 * GIB, 24 * GIB, "tmpfs"),
        ("auto", 6 * GIB + 1, 24 * GIB, "disk"),  # A desktop, whose files would exceed the step's 8 GiB.
        ("tmpfs", 100 * GIB, 0, "tmpfs"),
        ("disk", 0, 100 * GIB, "disk"),
    ],
)
def test_where_a_step_writes(
    settings: Settings, setting: str, writes: int, available: int, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "available_memory", lambda: available)
    assert local.scratch(replace(settings, scratch=setting), writes) == place
