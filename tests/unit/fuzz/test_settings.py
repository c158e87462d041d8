"""Whatever is in debate.toml and the environment, the answer is settings, or problems that name each place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import settings
from debate.errors import DebateError, Problem
from debate.settings import Limits, Settings
from tests.bounded import bounded
from tests.conftest import MEMORY, many

MANY = many(1200)
NAMES = [field.name for field in fields(Settings)]
LIMITS = [field.name for field in fields(Limits)]
VALUES = st.one_of(
    st.sampled_from(["", "0", "1", "-1", "007", "1e9", "10G", "9" * 30, "9" * 5000, "true", "auto", "tmpfs", "/", "."]),
    st.sampled_from(
        ["../..", "/dev/zero", "/proc/self/mem", "a\0b", "~", "oci://x/y", "oci://", "ftp://x", "x" * 9999]
    ),
    st.sampled_from(["a, b:1", "a:99999999", ",,,,,", "1310720000", "65536"]),
    st.text(max_size=12),
)
TOML = st.one_of(
    VALUES.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    st.sampled_from(
        ["3", "-0", "0x10", "1_0", "1.5", "nan", "inf", "true", "2020-01-01", "[1]", "{a = 1}", "[[", "'x"]
    ),
    st.sampled_from(["9" * 5000, "[" * 500 + "]" * 500, "[" * 5000, '"""\n\n"""', "{a = {b = {c = 1}}}"]),
)
KEYS = st.one_of(
    st.sampled_from([*NAMES, *LIMITS, "mirrors.debian", "keyrings.arch", "limits.memory", "limits", "x", "a.b.c.d"]),
    st.text(max_size=5),
)
LINES = st.one_of(
    st.builds("{} = {}".format, KEYS, TOML),
    st.builds("[{}]".format, st.sampled_from(["limits", "mirrors", "keyrings", "other", "", "[limits]", "a.b"])),
    st.text(max_size=10),
)
VARIABLES = st.dictionaries(
    st.one_of(
        st.sampled_from([*NAMES, *LIMITS]).map(lambda name: f"DEBATE_{name.upper()}"),
        st.sampled_from(["DEBATE_", "DEBATE_MIRROR_", "DEBATE_MIRROR_DEBIAN", "DEBATE_KEYRING_X", "DEBATE_LIMITS"]),
        st.text(max_size=5).map(lambda name: f"DEBATE_{name}"),
    ),
    VALUES,
    max_size=3,
)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def check(root: Path, text: bytes, variables: Mapping[str, str]) -> bool:
    """True if these are settings. Asserts that they are refused at their place if not."""
    (root / "debate.toml").write_bytes(text)
    problems: tuple[Problem, ...] | None = None
    try:
        with bounded():
            settings.load(root, variables)
    except DebateError as error:
        problems = error.problems
    if problems is None:
        return True
    assert problems
    for problem in problems:
        assert problem.place is not None
        assert problem.place.file in ("debate.toml", *variables)
        assert problem.fact
        assert problem.remedy
    return False


@MANY
@given(lines=st.lists(LINES, max_size=6), variables=VARIABLES)
def test_settings(root: Path, lines: list[str], variables: dict[str, str]) -> None:
    check(root, "\n".join(lines).encode("utf-8", "surrogatepass"), variables)


@MANY
@given(text=st.binary(max_size=40))
def test_bytes(root: Path, text: bytes) -> None:
    check(root, b'jobs = 3\n[limits]\nmemory = "8G"\n' + text, {})


def test_unchanged_they_are_settings(root: Path) -> None:
    """Or the tests above would show nothing."""
    assert check(root, b"jobs = 3\n[limits]\nmemory = 1000000000\n", {"DEBATE_CACHE": "/x", "DEBATE_LOCK": "refresh"})
