"""Values that are nearly valid: each is refused, with its line, or arrives as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from debate.errors import ProfileError
from debate.profile.load import load
from debate.profile.schema import named, schema
from debate.steps import config
from tests.bounded import bounded
from tests.unit.profile.values import placed


def texts(part: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any], Any]]:
    """Path of each text field, its schema, and an example of the value at that path, in which WORD is the text."""
    for name, field in part["properties"].items():
        below = (*path, name)
        items = field.get("items", {})
        if "string" in field["type"] and not named(field):
            yield below, field, "WORD"
        if "string" in items.get("type", ()) and not named(items):
            yield (*below, "*"), items, ["WORD"]
        if "properties" in items and "x-key" in field:
            yield from texts(items, (*below, "[]"))
        elif "properties" in field:
            yield from texts(field, below)


TEXTS = {".".join(path): (path, field, value) for path, field, value in texts(schema())}
FREE = {"description", "files.[].content", "extends", "extends.*", "check.marker"}
"""Fields without a pattern."""
UNSEEN = ("\n", "\r", "\0", "\x1b[2J", "\x7f")
"""What no field with a pattern takes."""
ADDED = (
    *UNSEEN, "\t", " ", "\x85", "\x9b", "\u00a0", "\u00ad", "\u200b", "\u202e", "\u2028", "\ufeff", "\U000e0041",
    "\ud800", "\u0661", "\uff11", "\u0430", "..", "/..", "/../", "-", "--x", "'", '"', "`", "$(x)", ";x", "&", "|",
    "%s", "${x}", "\\", "#", ":", "=", "*", "[", "{", "a" * 5000,
)  # fmt: skip
"""What is put before and behind a valid value: line ends, invisible characters, digits and letters that look like
others, parents, options, quotes, what shells and formats expand, too much."""


def examples(field: dict[str, Any]) -> list[str]:
    return [example for example in field["examples"] if isinstance(example, str)] or ["overlays/site"]


def refused(directory: Path, path: tuple[str, ...], shape: Any, word: str) -> bool:
    """True if a profile with ``word`` at ``path`` is refused. Asserts that it arrives if it is not."""
    value = [word] if shape == ["WORD"] else word
    fields = placed(tuple(part for part in path if part != "*"), value, schema())
    (directory / "x.yaml").write_text(yaml(fields))
    try:
        with bounded():
            loaded = load(directory, "x")
            config.normalise(loaded, directory)
    except ProfileError as error:
        problems = error.problems
    else:
        assert word in strings(loaded.data), "it arrives as it was written"
        problems = ()
    for problem in problems:
        assert problem.place is not None
        assert problem.place.line
    return bool(problems)


def yaml(fields: dict[str, Any]) -> str:
    """A profile, in JSON with YAML's escapes: each value is on a line of its own."""
    text = json.dumps({"version": 1, **fields}, indent=1, ensure_ascii=False)
    return re.sub(r"[^\x00-\x7e]", lambda c: f"\\U{ord(c[0]):08x}", text).replace("\x7f", "\\x7f")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(item)


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - {"extends", "extends.*"}))
def test_it_is_refused_or_arrives(profiles: Path, name: str) -> None:
    path, field, shape = TEXTS[name]
    for example in examples(field):
        for added in ADDED:
            for word in (f"{example}{added}", f"{added}{example}"):
                was_refused = refused(profiles, path, shape, word)
                assert was_refused or name in FREE or added not in UNSEEN, repr(word)


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - FREE))
def test_patterns_are_for_the_whole_value(name: str) -> None:
    """Python's $ also matches before the last line end. (?!\\n) behind it means the same to all."""
    _, field, _ = TEXTS[name]
    pattern = field["pattern"]
    assert pattern.startswith("^")
    assert pattern.endswith("$(?!\\n)")
    assert not re.search(r"\\[dDwWsSbBpPZA]|\(\?[^:!=]", pattern), "they differ between Python and others"
    for example in examples(field):
        assert re.search(pattern, example) or field["type"] != "string"
        assert not re.search(pattern, f"{example}\n")
