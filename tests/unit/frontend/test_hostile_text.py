"""Text of everybody who is not trusted, with all that a terminal or a CI system obeys, wherever debate shows it.

The sources are real ones: profiles, files, settings, the command line, git, a registry, tasks. So are the sinks: a
terminal, the logs of GitHub and GitLab, JSON lines. What a sandbox and a guest print is in the tests of these.
"""

from __future__ import annotations

import http.server
import json
import os
import pty
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.integration.checkout import DOIT
from tests.unit.frontend.github import obeyed

WHO = "Mallory"
"""Who is looked for, to see that a text was shown at all."""
DRIVES = (
    "\x1b[2J", "\x1b[5;35m", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x9b2J", "\x08", "\x7f", "\x85", "\r",
    "\u00ad", "\u200b", "\u200d", "\u200e", "\u202e", "\u2028", "\u2029", "\u2060", "\u2066",
    "\ufeff", "\ue000", "\U000e0041", "\u3164", "\u115f", "\u2800", "\u034f", "\ufe0f", "\U000e0100", "\u05d0",
    "\u0634", "\u0661",
)  # fmt: skip
"""What moves the cursor, changes colours, hides or reorders text."""
COMMANDS = (
    "::add-mask::a", " \t::stop-commands::b", "::set-output name=c::d", "e ##[error]f", "##vso[task.setvariable]",
    "##teamcity[message]", "section_start:1:g\r\x1b[0K",
)  # fmt: skip
ONE_LINE = WHO + "".join(DRIVES) + " ".join(COMMANDS) + "." * 5000
LINES = f"{ONE_LINE}\n" + "\n".join((*COMMANDS, *(f"\r{command}" for command in COMMANDS), "forged: line"))
WORD = LINES.replace("=", " ")
"""A word on the command line; doit takes those with = for variables."""
IN_NAMES = WHO + "".join(DRIVES).replace("/", "") + "::add-mask::a ##[error]f"
"""The name of a file."""
OWN = re.compile(r"\r?\x1b\[(\?25[lh]|[0-9]*[AK]|(0|2|[39][0-9])m)")
"""What debate and rich themselves write to a terminal."""


def quoted(text: str) -> str:
    """``text`` in YAML."""
    return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in text) + '"'


class Registry(http.server.BaseHTTPRequestHandler):
    """Refuses everything, with a reason."""

    def do_GET(self) -> None:
        self.send_response(400, f"{WHO}\x1b[2J\x9b\x85::add-mask::a ##[error]f")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"oci+http://127.0.0.1:{server.server_port}/x"
        server.shutdown()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkout")
    for name in ("profiles", "sandbox"):
        shutil.copytree(ROOT / name, path / name, symlinks=True)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / name, path / name)
    profiles = path / "profiles"
    for name, text in {
        "wrong": f"hostname: {quoted(LINES)}\n{quoted(IN_NAMES[:60])}: 1\nrelease: {quoted(LINES)}\n",
        "right": f"description: {quoted(ONE_LINE[:190])}\nfiles: [{{path: /etc/motd, content: {quoted(LINES)}}}]\n",
        "tag": f"hostname: !{WHO}%1b%E2%80%AE x\n",
        "missing": f"hooks: [{quoted('hooks/' + WHO + chr(0x202E) + '::add-mask::a ##[error]f')}]\n",
        "named": "overlays: [overlays/named]\n",
        "locked": "packages: [vim]\n",
        "other": "",
    }.items():
        (profiles / f"{name}.yaml").write_text(f"version: 1\n{text}")
    (profiles / "overlays" / "named").mkdir(parents=True)
    os.mkfifo(profiles / "overlays" / "named" / IN_NAMES)
    (profiles / f"{IN_NAMES}\nforged: line.yaml").touch()
    (profiles / "locked.lock.json").write_text(f"{{{json.dumps(LINES)}: 1, {json.dumps(LINES)}: 2}}")
    (path / "hostile.txt").write_text(LINES, encoding="utf-8")
    with (path / "dodo.py").open("a", encoding="utf-8") as file:
        file.write(f"""
TEXT = open('hostile.txt', encoding='utf-8', newline='').read()

def task_says():
    return {{'actions': [lambda: print(TEXT), 'cat hostile.txt', 'cat hostile.txt >&2'], 'verbosity': 2}}

def task_raises():
    def fail():
        raise ValueError(TEXT)
    return {{'actions': [fail]}}

def task_fails():
    from doit.exceptions import TaskFailed
    return {{'actions': [lambda: TaskFailed(TEXT)]}}

def task_titled():
    return {{'actions': ['false'], 'doc': '{WHO}\\x1b[2J\\u202e ##[error]'}}

def task_defect():
    return {{'actions': ['true'], 'uptodate': [lambda task, values: int(TEXT)]}}
""")
    for argv in (
        ["init", "-q"],
        ["add", "-A", "dodo.py"],
        ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *argv], cwd=path, check=True)
    return path


SOURCES: dict[str, tuple[list[str], dict[str, str]]] = {
    "a value of a profile": (["validate", "wrong"], {}),
    "a description": (["profiles"], {}),
    "values": (["show:right"], {}),
    "the difference of values": (["diff", "right", "other"], {}),
    "a tag": (["validate", "tag"], {}),
    "the name of a missing file": (["validate", "missing"], {}),
    "the name of a file": (["validate", "named"], {}),
    "a lock": (["diff", "locked", "other"], {}),
    "a word": ([WORD], {}),
    "a profile's name": ([f"hash:{WORD}"], {}),
    "a name for a command": (["validate", WORD], {}),
    "a format": (["validate", "--format", WORD], {}),
    "an option": (["validate", f"--{WORD}"], {}),
    "an option of doit": ([f"--{WORD}"], {}),
    "a choice of doit": (["list", "--sort", WORD], {}),
    "a task for a command of doit": (["list", WORD], {}),
    "a file name": (["profiles"], {}),
    "the name of a new profile": (["new", WORD], {}),
    "a revision": (["diff", f"other@{IN_NAMES}{WHO}", "other"], {}),
    "a setting": (["validate", "other"], {"DEBATE_JOBS": LINES}),
    "the name of a setting": (["validate", "other"], {f"DEBATE_{WHO}\x1b[2J\u202e::x": "1"}),
    "a registry": (["pull:other"], {"DEBATE_REMOTE": "REGISTRY"}),
    "what a task prints": (["says"], {}),
    "an exception": (["raises"], {}),
    "a failure": (["fails"], {}),
    "a description of a task": (["list"], {}),
    "a defect": (["defect"], {}),
}  # fmt: skip
"""Words after `doit`, and variables, that make debate show somebody's text."""
NOT_JSON = {"a description of a task", "a choice of doit", "a task for a command of doit"}
"""doit's own commands."""


def on_terminal(argv: list[str], **options: Any) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, **options) as process:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # EIO: the other side is closed.
            pass
        process.wait(60)
    os.close(ours)
    return OWN.sub("", said.decode().replace("\r\n", "\n"))


SINKS = {"terminal": {"TERM": "xterm"}, "github": {"GITHUB_ACTIONS": "true"}, "json": {"GITLAB_CI": "true"}}


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("source", SOURCES)
def test_text_is_only_text(source: str, sink: str, checkout: Path, registry: str) -> None:
    words, variables = SOURCES[source]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables, **SINKS[sink]}
    if "DEBATE_REMOTE" in variables:
        environment["DEBATE_REMOTE"] = registry
    argv = [DOIT, *words]
    if sink == "json" and source not in NOT_JSON:
        argv += ["--format", "json"] if source != "a format" else []
    options = {"cwd": checkout, "env": {name: value.replace("\0", "") for name, value in environment.items()}}
    if sink == "terminal":
        log = on_terminal(argv, **options)
    else:
        done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, **options)
        log = done.stdout.decode() + done.stderr.decode()
        if sink == "json" and source not in (*NOT_JSON, "a format"):
            assert not re.search(rb"::|##", done.stdout), "no CI system finds a command in a line of JSON"
            for line in map(json.loads, done.stdout.splitlines()):
                text = "".join(
                    str(line.get(name) or "") for name in ("fact", "remedy", "details", "text", "next", "note")
                )
                assert all(c.isprintable() or c in "\n\t" for c in text), line
    assert WHO in log, "it is shown"
    wrong = {c for c in log if not (c.isprintable() or c in "\n\t")}
    assert not wrong
    assert not re.search(r"##[a-z]*\[", log)
    assert all(not command.startswith(("::add-mask", "::set-output", "::stop")) for command in obeyed(log)[1])
    if sink == "github":
        assert "::add-mask" not in log
    if source not in {"what a task prints", "an exception", "a failure", "a defect"}:
        assert "\nforged: line" not in log, "one message stays one line"
