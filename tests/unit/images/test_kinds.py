"""The table of kinds of images."""

from __future__ import annotations

from itertools import permutations

import pytest

from debate.images.kinds import KINDS, Kind
from debate.steps.rules import rules


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.rule)
def test_a_row_names_what_its_rule_makes(kind: Kind) -> None:
    assert kind.output in rules()[kind.rule].outputs
    assert kind.suffix.startswith(".")
    assert kind.next.format(name="x") != kind.next or not kind.next


def test_the_build_needs_all_of_them() -> None:
    assert {kind.rule for kind in KINDS} <= set(rules()["build"].needs)


def test_files_of_different_kinds_have_different_names() -> None:
    assert not [(one, two) for one, two in permutations(KINDS, 2) if one.suffix.endswith(two.suffix)]
    assert len({kind.rule for kind in KINDS}) == len(KINDS)
