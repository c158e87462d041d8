"""What is a composition, and what is refused as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.artifact import Artifact
from debate.composition import MOST_BYTES, MOST_EXTENTS, Composition, Extent

A, B = keys.sha256(b"a"), keys.sha256(b"b")


def good() -> dict[str, Any]:
    return {
        "whole": {"digest": keys.sha256(b"whole"), "size": 1000},
        "template": {"digest": keys.sha256(b"template"), "size": 50},
        "extents": [{"offset": 100, "digest": A, "size": 200}, {"offset": 300, "digest": B, "size": 600}],
    }


def read(value: Any) -> Composition:
    return Composition.from_json(json.dumps(value).encode())


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def changed(composition: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = composition
        for name in way:
            place = place[int(name) if isinstance(place, list) else name]
        place[int(last) if isinstance(place, list) else last] = value

    return changed


BAD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "they overlap": change("extents.1.offset", 299),
    "unordered": lambda value: value["extents"].reverse(),
    "one is the other's": change("extents.1.offset", 100),
    "beyond the end": change("extents.1.size", 701),
    "far beyond the end": change("extents.1.offset", 1 << 60),
    "before the start": change("extents.0.offset", -1),
    "empty": change("extents.0.size", 0),
    "of less than nothing": change("extents.0.size", -5),
    "endless": change("extents.1.size", 10**15),
    "no digest": change("extents.0.digest", "../../etc/shadow"),
    "a digest with a line break": change("extents.0.digest", A + "\n"),
    "the file itself": change("extents.0.digest", keys.sha256(b"whole")),
    "an offset that is text": change("extents.0.offset", "100"),
    "an offset that is a fraction": change("extents.0.offset", 100.0),
    "an offset that is true": change("extents.0.offset", True),
    "no offset": lambda value: value["extents"][0].pop("offset"),
    "one field more": change("extents.0.path", "/etc"),
    "no objects": change("extents", [1]),
    "no list": change("extents", {}),
    "too many": change("extents", [{"offset": n, "digest": A, "size": 1} for n in range(MOST_EXTENTS + 1)]),
    "no template": lambda value: value.pop("template"),
    "a template that is a link": change("template.digest", "/etc/shadow"),
    "a template of more than it makes": change("template.size", 200 + 1 + (1 << 10)),
    "no size": change("whole.size", None),
    "a whole of too few bytes": change("whole.size", 899),
    "more fields": change("more", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_file_is_refused(name: str) -> None:
    value = good()
    read(value)
    BAD[name](value)
    with pytest.raises(ValueError, match=r"\w"):
        read(value)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"[" * 100_000, b"\xff", b"{}" + b" " * MOST_BYTES])
def test_what_is_no_composition_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Composition.from_json(text)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 1 << 40)), max_size=20), st.integers(0, 5000))
def test_writer_and_reader_agree(parts: list[tuple[int, int]], rest: int) -> None:
    extents, end = [], 0
    for number, (gap, size) in enumerate(parts):
        extents.append(Extent(end + gap, Artifact(keys.sha256(str(number).encode()), size)))
        end += gap + size
    template = Artifact(keys.sha256(b"template"), 20)
    made = Composition(Artifact(keys.sha256(b"whole"), end + rest), template, tuple(extents))
    assert Composition.from_json(made.to_json()) == made
    assert sum(size for size, _ in made.gaps()) == made.between == sum(gap for gap, _ in parts) + rest
    assert [extent for _, extent in made.gaps()] == [*extents, None]
