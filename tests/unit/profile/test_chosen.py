"""A profile's fields with every default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.profile.chosen import chosen, with_sets_sorted
from debate.profile.load import load
from debate.profile.schema import schema
from tests.unit.profile import values


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("debian", ("trixie", "amd64", ["main"], "initramfs-tools")),
        ("arch", ("rolling", "x86_64", ["core", "extra"], "mkinitcpio")),
    ],
)
def test_what_the_distribution_chooses(profiles: Path, distribution: str, expected: tuple[Any, ...]) -> None:
    values.write(profiles, x={"distribution": distribution})
    made = chosen(load(profiles, "x"))
    found = made["release"], made["architecture"], made["components"], made["initrd"]["generator"]
    assert found == expected


def test_every_field_has_a_value_in_the_order_of_the_schema(profiles: Path) -> None:
    values.write(profiles, _b={"hostname": "b"}, x={"extends": "_b", "users": [{"name": "u"}], "boot": {"timeout": 9}})
    made = chosen(load(profiles, "x"))
    assert list(made) == [name for name in schema()["properties"] if name not in ("extends", "remove")]
    assert made["hostname"] == "b"
    boot = schema()["properties"]["boot"]["properties"]
    look = {name: field["default"] for name, field in boot["theme"]["properties"].items()}
    assert made["boot"] == {name: field["default"] for name, field in boot.items()} | {"timeout": 9, "theme": look}
    user = schema()["properties"]["users"]["items"]["properties"]
    assert made["users"] == [{name: field.get("default") for name, field in user.items()} | {"name": "u"}]


SETS = {name: found for name, found in values.FIELDS.items() if "items" in found[1]}


@pytest.mark.parametrize("name", SETS)
@given(random=st.randoms(use_true_random=False))
def test_order_and_repetition_in_sets_only(name: str, random: Any) -> None:
    path, field = SETS[name]
    if "x-key" in field:
        items = [{field["x-key"]: word} for word in ("c", "a", "b")]
    else:
        items = [value[0] for value in values.three(field)] if name != "extends" else ["c", "a", "b"]
    data = values.placed(path, items, schema())
    mixed = random.sample([*items, items[0]], len(items) + 1)
    other = with_sets_sorted(schema(), values.placed(path, mixed, schema()))
    if field.get("x-set"):
        assert other == with_sets_sorted(schema(), data)
        assert other == with_sets_sorted(schema(), other)
    else:
        assert other == values.placed(path, mixed, schema()), "as it was"
