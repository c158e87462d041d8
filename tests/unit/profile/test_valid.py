"""What is told quickly to be valid is so for jsonschema, and what is not is wrong for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate.profile import schema as schema_
from debate.profile.load import load
from debate.profile.schema import schema, validator
from debate.profile.valid import checker
from tests.conftest import PROFILES, ROOT, many
from tests.unit.test_fuzz import fields

SHIPPED = [path for directory in (ROOT / "profiles", PROFILES) for path in sorted(directory.glob("*.yaml"))]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "ab\n", "abc"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=5,
)
TYPES = ["null", "boolean", "integer", "string", "array", "object"]
WORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.one_of(st.sampled_from(TYPES), st.lists(st.sampled_from(TYPES), min_size=1, unique=True)),
    "enum": st.lists(JSON, min_size=1, max_size=4),
    "const": JSON,
    "pattern": st.sampled_from(["^a", "b$", "^[ab]*$(?!\\n)", "a|b", ""]),
    **{name: st.integers(0, 3) for name in ("minLength", "maxLength", "minItems", "maxItems")},
    **{name: st.integers(-2, 2) for name in ("minimum", "maximum")},
    "required": st.lists(st.sampled_from(["a", "b"]), unique=True),
    "x-key": st.just("a"),
    "default": JSON,
}
SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional=WORDS),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            **WORDS,
            "items": inner,
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=4,
)


@many(100)
@given(data=fields(schema()))
def test_profiles_made_from_the_schema(data: dict[str, Any]) -> None:
    """With values that nobody can write in a profile, such as dates, too."""
    assert checker(schema())(data) == validator().is_valid(data)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_profiles(path: Path) -> None:
    assert checker(schema())(yaml.safe_load(path.read_text()))


@many(200)
@given(part=SCHEMAS, values=st.lists(JSON, min_size=1, max_size=20))
def test_any_schema(part: dict[str, Any], values: list[Any]) -> None:
    """Whoever adds a keyword to the schema of profiles finds it here, or has jsonschema asked."""
    check, slow = checker(part), jsonschema.Draft202012Validator(part)
    for value in values:
        assert not check(value) or slow.is_valid(value), (part, value)


@pytest.mark.parametrize("word", ["multipleOf", "oneOf", "$ref", "uniqueItems", "dependentRequired", "format"])
@pytest.mark.parametrize("place", ["", "items", "properties"])
def test_an_unknown_keyword(word: str, place: str) -> None:
    odd = {word: {}}
    part = {
        "": odd,
        "items": {"type": "array", "items": odd},
        "properties": {"type": "object", "properties": {"a": odd}},
    }[place]
    assert not any(map(checker(part), (None, True, 1, "a", [1], {"a": 1})))


def test_a_valid_profile_is_told_without_jsonschema(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_, "validator", None)
    (profiles / "x.yaml").write_text("version: 1\nhostname: a\n")
    assert load(profiles, "x").data["hostname"] == "a"
    (profiles / "x.yaml").write_text("version: 1\nhostname: a b\n")
    with pytest.raises(TypeError):
        load(profiles, "x")
