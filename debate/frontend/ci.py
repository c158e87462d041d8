"""Commands in the logs of GitHub Actions and GitLab CI.

Sources: docs.github.com, "Workflow commands for GitHub Actions"; docs.gitlab.com, "Expand and collapse job log
sections".
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace

from debate.errors import Problem
from debate.text.paths import relative
from debate.text.printable import readable


def on_github() -> bool:
    """True if this runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def on_gitlab() -> bool:
    """True if this runs in GitLab CI."""
    return os.environ.get("GITLAB_CI") == "true"


def annotation(message: str, **properties: object) -> str:
    """GitHub's command for an error, with ``properties`` such as file, line and title. All text in it is cleaned."""
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


def _escaped(text: str) -> str:
    text = readable(text, github=True)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def stop(token: str) -> str:
    """GitHub's command to accept no commands until `resume`. ``token`` must be random."""
    return f"::stop-commands::{token}"


def resume(token: str) -> str:
    """GitHub's command to accept commands again."""
    return f"::{token}::"


def section(title: str, *, github: bool) -> tuple[str, str]:
    """The commands before and after a collapsed section, for GitHub or GitLab. ``title`` must be cleaned."""
    if github:
        return f"::group::{title}", "::endgroup::"
    now, name = int(time.time()), f"debate_{os.urandom(16).hex()}"
    start = f"\x1b[0Ksection_start:{now}:{name}[collapsed=true]\r\x1b[0K{title}"
    return start, f"\x1b[0Ksection_end:{now}:{name}\r\x1b[0K"
