"""What the logs of GitHub Actions and GitLab CI understand.

Sources: docs.github.com, "Workflow commands for GitHub Actions"; docs.gitlab.com, "Expand and collapse job log
sections".
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import replace

from debate.errors import Problem


def on_github() -> bool:
    """Whether this runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def on_gitlab() -> bool:
    """Whether this runs in GitLab CI."""
    return os.environ.get("GITLAB_CI") == "true"


def annotation(message: str, **properties: object) -> str:
    """GitHub's command for an error; ``properties`` such as file, line and title say where."""
    where = ",".join(
        f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items()
    )
    return f"::error{f' {where}' if where else ''}::{_escaped(message)}"


def errors(problems: Iterable[Problem], title: str = "", details: str = "") -> list[str]:
    """GitHub's commands for errors, each at its line of its file if it has one; others have ``details`` below them."""
    return [_annotated(problem, title, details) for problem in problems]


def _annotated(problem: Problem, title: str, details: str) -> str:
    place = problem.place
    where: dict[str, object] = {"title": title} if title else {}
    if place is not None and (place.line or os.path.isfile(place.file)):
        at = {"file": place.file, "line": place.line, "col": place.column}
        where = {name: value for name, value in at.items() if value} | where
        problem = replace(problem, place=None)
    text = str(problem) if "line" in where else "\n".join(filter(None, (str(problem), details)))
    return annotation(text, **where)


def inert(text: str) -> str:
    """``text`` without commands to GitHub, which obeys them behind spaces, and ``##[NAME]`` anywhere in a line.

    Source: src/Runner.Common/ActionCommand.cs of github.com/actions/runner.
    """
    return _COMMAND.sub(lambda found: found[0][:-1] + " " + found[0][-1], text) if on_github() else text


_COMMAND = re.compile(r"(?:^|\r)[^\S\r\n]*::|##\[", re.MULTILINE)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def folded(title: str, lines: Iterable[str]) -> str:
    """``lines`` as a section that is closed at first. Nothing in them is a command, as long as they are printable."""
    import secrets

    token = secrets.token_hex(16)
    if on_github():
        before, after = [f"::group::{title}", f"::stop-commands::{token}"], [f"::{token}::", "::endgroup::"]
    else:
        now, section = int(time.time()), f"debate_{token}"
        before = [f"\x1b[0Ksection_start:{now}:{section}[collapsed=true]\r\x1b[0K{title}"]
        after = [f"\x1b[0Ksection_end:{now}:{section}\r\x1b[0K"]
    return "\n".join([*before, *lines, *after])
