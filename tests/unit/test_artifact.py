"""Artifacts from files and answers of others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.artifact import MOST_BYTES, Artifact

DIGEST = f"sha256:{'1' * 64}"
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(DIGEST)


@pytest.mark.parametrize("size", [0, 5, MOST_BYTES])
def test_there_and_back(size: int) -> None:
    assert Artifact.from_json(vars(Artifact(DIGEST, size))) == Artifact(DIGEST, size)


@pytest.mark.parametrize(
    "value",
    [
        {}, [], [DIGEST, 5], None, DIGEST, {"digest": DIGEST}, {"size": 5}, {"digest": DIGEST, "size": 5, "mode": 3},
        *({"digest": DIGEST, "size": size} for size in (-1, MOST_BYTES + 1, True, 5.0, "5", None, [5])),
        *({"digest": digest, "size": 5} for digest in ("1" * 64, DIGEST[:-1], f"{DIGEST}\n", "sha256:../x", 5, None)),
    ],
    ids=repr,
)  # fmt: skip
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^not a "):
        Artifact.from_json(value)


@given(st.fixed_dictionaries({}, optional={"digest": VALUES, "size": VALUES, "mode": VALUES}) | VALUES)
def test_what_it_takes_names_one_file(value: Any) -> None:
    try:
        found = Artifact.from_json(value)
    except ValueError:
        return
    assert vars(found) == value
    assert (found.digest, type(found.size)) == (DIGEST, int)
    assert 0 <= found.size <= MOST_BYTES
