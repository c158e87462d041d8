"""No regular expression of debate takes time out of proportion, whatever text it meets."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import debate
from debate.profile import lockfile
from debate.profile.schema import schema
from tests.conftest import ROOT

SECONDS = 8
"""Of the processor. All texts for one pattern take much less than one, and for ever if it is not linear."""

WHOLE = (
    "debate.profile.reader", "debate.profile.lockfile", "debate.managers.apt", "debate.convert.live_build",
    "debate.steps.installed",
)  # fmt: skip
"""Modules whose patterns must match all of a text. What is looked for anywhere must also be linear for that."""

CODE = """
import json, re, sys
pattern, flags, bytes_, search, units = json.load(sys.stdin)
pattern = re.compile(pattern.encode() if bytes_ else pattern, flags)
for unit in units:
    for end in ("", "!"):
        for start in ("", "a", "0", "/", "base: "):
            text = start + unit * (60_000 // len(unit)) + end
            text = text.encode() if bytes_ else text
            (pattern.search if search else pattern.fullmatch)(text)
"""
UNITS = ["a", "0", "_", "a_", " ", "-", "-a", "/", "/a", "/.", ".", ".a", "a=", "0:", "\n", "\\", '"', "%41", "(", "0_"]
UNITS += ["\x1b]", "\x1b[", "::", "##[", "é", "{}", "a b", "+", "error"]


def nested(value: Any) -> Iterator[str]:
    """The patterns in a JSON schema."""
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        for inner in value.values():
            yield from nested(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nested(inner)


def compiled(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from compiled(inner)


def patterns() -> set[tuple[str, int, bool, bool]]:
    """Text, flags, whether it is for bytes, and whether it is looked for anywhere in the text."""
    found = {(text, 0, False, True) for text in nested(schema())}
    found |= {(text, 0, False, False) for text in (*lockfile._FIELDS.values(), *lockfile._PACKAGE_FIELDS.values())}
    for module in pkgutil.walk_packages(debate.__path__, "debate."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            for pattern in compiled(value):
                is_bytes = isinstance(pattern.pattern, bytes)
                text = pattern.pattern.decode() if is_bytes else pattern.pattern
                found.add((text, int(pattern.flags & ~re.UNICODE), is_bytes, module.name not in WHOLE))
    return found


@pytest.mark.parametrize(("text", "flags", "is_bytes", "search"), sorted(patterns()))
def test_no_text_takes_for_ever(text: str, flags: int, is_bytes: bool, search: bool) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    job = json.dumps([text, flags, is_bytes, search, UNITS])
    done = subprocess.run([sys.executable, "-c", CODE], input=job, text=True, preexec_fn=limit, cwd=ROOT)
    assert done.returncode == 0
