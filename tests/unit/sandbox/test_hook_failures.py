"""What hooks.sh makes of what a failed hook said: the line, and what to do about the most frequent mistakes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

NO_NETWORK, SYNTAX, NO_SYSTEM, LOG = "hooks have no network", "correct its syntax", "no system runs here", "see the log"
SAID = [
    # What it said, the status, the line, the start of the remedy.
    ("debate: hook x.sh: line 4: exit status 6: curl x\ncurl: (6) Could not resolve host: x", 6, "4", NO_NETWORK),
    ("Err:1 http://d.example trixie InRelease\n  Temporary failure resolving 'd.example'", 100, "", NO_NETWORK),
    ("wget: unable to resolve host address 'x.example'", 4, "", NO_NETWORK),
    ("E: Unable to locate package jq", 100, "", NO_NETWORK),
    ("error: failed retrieving file 'core.db' from m.example : x", 1, "", NO_NETWORK),
    ("/run/in/hook/2: line 7: syntax error: unexpected end of file", 2, "7", SYNTAX),
    ("/run/in/hook/2: 7: Syntax error: end of file unexpected", 2, "7", SYNTAX),
    ('  File "/run/in/hook/2", line 3\n    x =\nSyntaxError: invalid syntax', 1, "3", SYNTAX),
    ("System has not been booted with systemd as init system (PID 1). Can't operate.", 1, "", NO_SYSTEM),
    ("Failed to connect to system scope bus via local transport: No such file or directory", 1, "", NO_SYSTEM),
    ("/run/in/hook/2: line 3: jq: command not found", 127, "3", "the system has no jq: add the package"),
    ("/run/in/hook/2: 3: jq: not found", 127, "3", "the system has no jq: add the package"),
    ("env: 'ruby': No such file or directory", 127, "", "the system has no ruby: add the package"),
    ("/usr/bin/env: \u2018ruby\u2019: No such file or directory", 127, "", "the system has no ruby: add the package"),
    ("debate: hook x.sh: line 4: exit status 1: false\ndebate: hook x.sh: line 9: exit status 3: f", 3, "9", LOG),
    ("debate: hook x.sh: line 4: exit status 1: false", 3, "", LOG),
    ("/run/in/hook/1: line 4: odd", 3, "", LOG),
    ("curl: (6) Could not resolve host: x\n" + "then it went on\n" * 30 + "E: broken", 3, "", LOG),
    ("", 3, "", LOG),
]  # fmt: skip


@pytest.mark.parametrize(("said", "status", "line", "remedy"), SAID)
def test_what_is_made_of_it(tmp_path: Path, said: str, status: int, line: str, remedy: str) -> None:
    script = (ROOT / "sandbox" / "hooks.sh").read_text()
    functions = re.findall(r"^(?:failed_at|why_failed)\(\) \{\n.*?^\}\n", script, re.MULTILINE | re.DOTALL)
    assert len(functions) == 2
    (tmp_path / "said").write_text(f"{said}\n")
    text = f"work={tmp_path}\n{''.join(functions)}"
    done = subprocess.run(
        ["sh", "-euc", f"{text}failed_at 2 {status}; why_failed 2"], capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert first == line
    assert second.startswith(remedy)
