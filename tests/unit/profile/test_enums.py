"""The schema lists what the distributions have, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from debate import distributions
from debate.distributions.interface import Distribution
from debate.profile import enums
from debate.profile.schema import SCHEMA, named, schema

FACTS = {
    "release": "RELEASES", "architecture": "ARCHITECTURES", "components": "COMPONENTS", "generator": "GENERATORS",
}  # fmt: skip
"""Field -> the facts of a distribution that are its values."""


def field(of: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = (of["properties"]["initrd"] if name == "generator" else of)["properties"][name]
    return found


def known() -> list[Distribution]:
    return [distributions.get(name) for name in distributions.BOOTSTRAPPERS]


def test_the_schema_is_fresh() -> None:
    assert SCHEMA.read_text() == enums.text(SCHEMA.read_text()), "run python -m debate.profile.enums"


@pytest.mark.parametrize("name", FACTS)
def test_values_are_those_of_the_distributions(name: str) -> None:
    values = [value for facts in known() for value in getattr(facts, FACTS[name])]
    listed = named(field(schema(), name))
    assert set(listed) == set(values)
    assert len(listed) == len(set(listed))
    for facts in known():
        default = facts.DEFAULT_COMPONENTS if name == "components" else getattr(facts, FACTS[name])[:1]
        assert f"{' and '.join(default)} for {facts.TITLE}" in field(schema(), name)["description"]


@pytest.mark.parametrize("name", [*FACTS, "distribution"])
def test_whatever_was_written_before(name: str) -> None:
    """Values that no distribution has any more go, those that are missing come, and the others keep their order."""
    before = copy.deepcopy(schema())
    gone, *kept = reversed(named(field(before, name)))
    named(field(before, name))[:] = ["jessie", *kept]
    after = json.loads(enums.text(json.dumps(before)))
    assert named(field(after, name)) == [*kept, gone]
    named(field(after, name))[:] = named(field(schema(), name))
    assert after == schema(), "nothing else changes"
