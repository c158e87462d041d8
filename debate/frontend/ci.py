"""What the logs of GitHub Actions and GitLab CI understand.

Sources: docs.github.com, "Workflow commands for GitHub Actions"; docs.gitlab.com, "Expand and collapse job log
sections".
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterable

_PLACE = re.compile(r"^(?:  > debate: |\S+: )?([^\s:]+\.yaml):([0-9]+):([0-9]+): (.+)$", re.MULTILINE)


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
    return f"::error {where}::{_escaped(message)}"


def errors(message: str, title: str) -> list[str]:
    """GitHub's commands for an error that may say where in a profile it is, once or more; one for all where not."""
    found = [
        annotation(text, file=file, line=line, col=column, title=title)
        for file, line, column, text in _PLACE.findall(message)
    ]
    return found or [annotation(message, title=title)]


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def folded(title: str, lines: Iterable[str]) -> str:
    """``lines`` as a section that is closed at first. Nothing in them is a command, as long as they are printable."""
    token = secrets.token_hex(16)
    if on_github():
        before, after = [f"::group::{title}", f"::stop-commands::{token}"], [f"::{token}::", "::endgroup::"]
    else:
        now, section = int(time.time()), f"debate_{token}"
        before = [f"\x1b[0Ksection_start:{now}:{section}[collapsed=true]\r\x1b[0K{title}"]
        after = [f"\x1b[0Ksection_end:{now}:{section}\r\x1b[0K"]
    return "\n".join([*before, *lines, *after])
