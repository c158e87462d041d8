"""The scripts in ``sandbox/`` and the files that they include, which are part of a step's key."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from debate.errors import DebateError, Place
from debate.sandbox.image.environment import STEP
from debate.text.paths import shown

_MENTION = re.compile(rf"{STEP}(?![A-Za-z0-9_-])([A-Za-z0-9_./-]*)")
_WORD = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?P<comment>(?<![^\s;&|()])\#.*)|[^'"\\#]+|.""", re.DOTALL)
"""The parts of a line of shell: quoted strings, escaped characters, a comment, anything else."""


def closure(directory: Path, script: str) -> list[str]:
    """``script`` and all files that it mentions by their path in the sandbox, directly or indirectly; sorted.

    A mention of a directory stands for all files below it, as in ``for name in /run/step/layers/*``. Comments are
    ignored. Raises DebateError if a mentioned file does not exist.
    """
    found: set[str] = set()
    pending = [script]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _mentioned(directory, name)
    return sorted(found)


def _mentioned(directory: Path, script: str) -> Iterator[str]:
    text = (directory / script).read_text(errors="replace")
    for number, line in enumerate(text.split("\n"), 1):
        if STEP not in line:
            continue
        for words in _MENTION.findall(_without_comment(line)):
            name = os.path.normpath(words.rstrip(".").lstrip("/"))
            path = directory / name
            if path.is_dir() and not name.startswith(".."):
                yield from (str(file.relative_to(directory)) for file in sorted(path.rglob("*")) if file.is_file())
            elif path.is_file() and not name.startswith(".."):
                yield name
            else:
                raise DebateError(
                    f"{STEP}{words} does not exist",
                    f"write the whole name of a file in {shown(directory)}",
                    place=Place(shown(directory / script), number),
                )


def _without_comment(line: str) -> str:
    return "".join(match[0] for match in _WORD.finditer(line) if not match["comment"])
