"""Commands in the logs of GitHub Actions and GitLab CI.

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
from debate.text.paths import relative


def on_github() -> bool:
    """True if this runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def on_gitlab() -> bool:
    """True if this runs in GitLab CI."""
    return os.environ.get("GITLAB_CI") == "true"


def annotation(message: str, **properties: object) -> str:
    """GitHub's command for an error, with ``properties`` such as file, line and title."""
    listed = ",".join(
        f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items()
    )
    return f"::error{f' {listed}' if listed else ''}::{_escaped(message)}"


def errors(problems: Iterable[Problem], title: str = "", details: str = "") -> list[str]:
    """GitHub's commands for errors. Those without a line have ``details`` appended."""
    return [_annotated(problem, title, details) for problem in problems]


def _annotated(problem: Problem, title: str, details: str) -> str:
    place = problem.place
    properties: dict[str, object] = {"title": title} if title else {}
    if place is not None and (place.line or os.path.isfile(place.file)):
        at = {"file": relative(place.file), "line": place.line, "col": place.column}
        properties = {name: value for name, value in at.items() if value} | properties
        problem = replace(problem, place=None)
    text = str(problem) if "line" in properties else "\n".join(filter(None, (str(problem), details)))
    return annotation(text, **properties)


def inert(text: str) -> str:
    """``text`` with disarmed commands to GitHub, which accepts them after spaces, and ``##[NAME]`` anywhere in a line.

    Source: src/Runner.Common/ActionCommand.cs of github.com/actions/runner.
    """
    return re.sub(_COMMAND, lambda found: found[0][:-1] + " " + found[0][-1], text)


_COMMAND = r"(?m)(?:^|\r)[^\S\r\n]*::|##\["


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def folded(title: str, lines: Iterable[str], *, github: bool) -> str:
    """``lines``, which must be printable, as a collapsed section of GitHub or GitLab in which commands are disabled."""
    import secrets

    token = secrets.token_hex(16)
    if github:
        before, after = [f"::group::{title}", f"::stop-commands::{token}"], [f"::{token}::", "::endgroup::"]
    else:
        now, section = int(time.time()), f"debate_{token}"
        before = [f"\x1b[0Ksection_start:{now}:{section}[collapsed=true]\r\x1b[0K{title}"]
        after = [f"\x1b[0Ksection_end:{now}:{section}\r\x1b[0K"]
    return "\n".join([*before, *lines, *after])
