"""Whatever stands in a profile, the answer is a config or messages that name file and line."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import ProfileError
from debate.profile.load import load
from debate.profile.schema import named, schema
from debate.steps import config
from tests.bounded import bounded
from tests.conftest import MEMORY, PROFILES, ROOT, many

MESSAGE = re.compile(r"[^:\n]*/[^:\n]+\.yaml:[1-9][0-9]*:[1-9][0-9]*: .+; .+")


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """The shipped profiles and those of the tests, in a directory in memory where there is one."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        target = Path(name) / "profiles"
        shutil.copytree(ROOT / "profiles", target, symlinks=True)
        shutil.copytree(PROFILES, target, symlinks=True, dirs_exist_ok=True)
        yield target


def check(directory: Path, content: bytes) -> bool:
    """True if ``content`` is a profile. Asserts that it is refused properly where it is not."""
    (directory / "fuzz.yaml").write_bytes(content)
    problems: tuple[str, ...] | None = None
    try:
        with bounded(processor=2):
            config.normalise(load(directory, "fuzz"), directory)
    except ProfileError as error:
        problems = tuple(map(str, error.problems))
    if problems is None:
        return True
    assert problems
    for problem in problems:
        assert MESSAGE.fullmatch(problem), problem
    return False


LINES = [line for path in (ROOT / "profiles").glob("*.yaml") for line in path.read_bytes().splitlines(keepends=True)]
SHIPPED = [path.read_bytes() for path in (*(ROOT / "profiles").glob("*.yaml"), PROFILES / "every.yaml")]
PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b": ", b"- ", b"[", b"]", b"{", b"}", b"&a ", b"*a", b"!!int ", b"|\n", b"'", b'"', b"\t", b"#"]),
    st.sampled_from([b"\n", b"no", b"1.10", b"0644", b"null", b"~", b"true", b"9" * 20, b"-1", b"../..", b"\x00"]),
    st.sampled_from(LINES),
)  # fmt: skip


Edits = list[tuple[int, int, bytes]]


def mutated(content: bytes, edits: Edits) -> bytes:
    """``content`` with (where, how many bytes go, what comes) applied, positions taken modulo its length."""
    for where, gone, piece in edits:
        start = where % (len(content) + 1)
        content = content[:start] + piece + content[start + gone :]
    return content


EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 12), PIECES), min_size=1, max_size=6)


@many(700)
@given(content=st.sampled_from(SHIPPED), edits=EDITS)
def test_mutations_of_the_shipped_profiles(directory: Path, content: bytes, edits: Edits) -> None:
    check(directory, mutated(content, edits))


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


def values(part: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema ``part`` allows for the most part, and some that it does not."""
    choices = [st.sampled_from([*part.get("examples", [None]), part.get("default")])]
    if named(part):
        choices.append(st.sampled_from(named(part)))
    if "pattern" in part:
        choices.append(st.from_regex(part["pattern"].replace("(?!\\.{1,2}(/|$))", ""), fullmatch=True))
    if part.get("type") == "integer":
        choices.append(st.integers(part.get("minimum", -5), part.get("maximum", 5)))
    if "items" in part:
        choices.append(st.lists(values(part["items"]), max_size=4))
    if "properties" in part:
        fields = {name: values(field) for name, field in part["properties"].items()}
        choices.append(st.fixed_dictionaries({}, optional=fields))
    return st.one_of(*choices, *choices, *choices, ANYTHING)


def fields(part: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    optional = {name: values(field) for name, field in part["properties"].items() if name != "version"}
    return st.fixed_dictionaries({"version": st.just(1)}, optional=optional)


@many(500)
@given(data=fields(schema()))
def test_profiles_made_from_the_schema(directory: Path, data: dict[str, Any]) -> None:
    check(directory, yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("content", SHIPPED)
def test_unchanged_they_are_profiles(directory: Path, content: bytes) -> None:
    """Or the two tests above would show nothing."""
    assert check(directory, content)
