"""What a profile leaves out of the lists that it inherits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from debate.profile.load import load
from debate.profile.schema import schema
from tests.unit.profile import values
from tests.unit.profile.mistakes import expect, problems


def lists(part: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all lists to which a profile adds what it says, down to mappings."""
    for name, field in part["properties"].items():
        if "array" in field["type"] and name not in ("extends", "remove") and not field.get("x-replace"):
            yield (*path, name)
        elif "properties" in field and name != "remove":
            yield from lists(field, (*path, name))


LISTS = list(lists(schema()))


def test_it_has_each_list() -> None:
    assert list(lists(schema()["properties"]["remove"])) == LISTS


def name_of(entry: Any) -> str | int:
    for key in ("name", "match", "ssid", "path", "source"):
        if isinstance(entry, dict) and key in entry:
            return str(entry[key])
    found: str | int = entry
    return found


def entries(path: tuple[str, ...]) -> list[Any]:
    """Two entries of a list."""
    field = schema()
    for name in path:
        field = field["properties"][name]
    items = field["items"]
    key = field.get("x-key") or ("source" if path == ("overlays",) else "")
    if key:
        return [{**items["examples"][0], key: each} for each in values.three(items["properties"][key])[:2]]
    return [each[0] for each in values.three(field)[:2]]


@pytest.mark.parametrize("path", LISTS, ids=".".join)
def test_an_entry_of_each_list(profiles: Path, path: tuple[str, ...]) -> None:
    one, other = entries(path)
    values.write(
        profiles,
        _pa=values.placed(path, [one, other], schema()),
        x={"extends": "_pa", "remove": values.placed(path, [name_of(one)], schema()["properties"]["remove"])},
        y={"extends": "x", **values.placed(path, [one], schema())},
    )
    for name, expected in (("x", [other]), ("y", [other, one]), ("_pa", [one, other])):
        found: Any = load(profiles, name).data
        assert "remove" not in found
        for field in path:
            found = found[field]
        assert found == expected, name


def test_other_names_of_the_same(profiles: Path) -> None:
    (profiles / "_pa.yaml").write_text(
        "version: 1\npackages: [curl=8.0, vim]\nservices: {enable: [ssh, a.timer]}\noverlays: [one]\n"
    )
    (profiles / "one").mkdir()
    removed = "{packages: [curl], services: {enable: [ssh.service]}, overlays: [one]}"
    (profiles / "x.yaml").write_text(f"version: 1\nextends: _pa\nremove: {removed}\npackages: [curl=9.0]\n")
    data = load(profiles, "x").data
    assert data["packages"] == ["vim", "curl=9.0"], "what the profile has itself stays"
    assert (data["services"], data["overlays"]) == ({"enable": ["a.timer"]}, [])


THERE_IS_NONE = "no profile that this one extends has"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("remove: {packages: [curl]}", f"2:21: remove.packages: {THERE_IS_NONE} 'curl'; leave it out"),
        (
            "extends: _pa\nremove: {packages: [cur1]}",
            f"3:21: remove.packages: {THERE_IS_NONE} 'cur1'; did you mean 'curl'?",
        ),
        ("extends: _none\nremove: {packages: [curl]}", f"3:21: remove.packages: {THERE_IS_NONE} 'curl'; leave it"),
        ("extends: _pa\nremove: {boot: {arguments: [q]}}", f"3:29: remove.boot.arguments: {THERE_IS_NONE} 'q'; leave"),
        ("extends: _pa\nremove: {packages: [curl=9]}", f"3:21: remove.packages: {THERE_IS_NONE} 'curl=9'"),
        ("extends: _pa\npackages: [vi]\nremove: {packages: [vi]}", f"4:21: remove.packages: {THERE_IS_NONE} 'vi'"),
        ("extends: _pa\nremove: {hostname: x}", "3:10: unknown field 'hostname' in remove"),
        ("extends: _pa\nremove: [curl]", "3:9: remove: a list where a mapping is expected"),
        ("extends: _pa\nremove: {packages: curl}", "3:20: remove.packages: text where a list is expected"),
        ("extends: _pa\nremove: {packages: [{a: b}]}", "3:21: remove.packages[1]: a mapping where text is expected"),
    ],
)
def test_what_is_not_there(profiles: Path, text: str, expected: str) -> None:
    (profiles / "_pa.yaml").write_text("version: 1\npackages: [curl=8]\n")
    (profiles / "_none.yaml").write_text("version: 1\nextends: _pa\nremove: {packages: [curl]}\n")
    expect(profiles, text, f"profiles/x.yaml:{expected}")


def test_a_place_that_is_extended_twice(profiles: Path) -> None:
    """The profile that leaves something out is right by itself, whatever else extends what it extends."""
    (profiles / "_pa.yaml").write_text("version: 1\npackages: [curl, vim]\n")
    (profiles / "_less.yaml").write_text("version: 1\nextends: _pa\nremove: {packages: [curl]}\n")
    (profiles / "_more.yaml").write_text("version: 1\nextends: _pa\npackages: [less]\n")
    assert not problems(profiles, "extends: [_less, _more]")
    assert load(profiles, "x").data["packages"] == ["curl", "vim", "less"], "the later one extends what has it"
    assert not problems(profiles, "extends: [_more, _less]")
    assert load(profiles, "x").data["packages"] == ["less", "vim"]


def test_what_another_says_stays(profiles: Path) -> None:
    """Only what a profile extends is left out, whatever order its siblings have."""
    (profiles / "_pa.yaml").write_text("version: 1\npackages: [curl, vim]\n")
    (profiles / "_less.yaml").write_text("version: 1\nextends: _pa\nremove: {packages: [curl]}\n")
    (profiles / "_other.yaml").write_text("version: 1\npackages: [curl, jq]\n")
    for order in ("_less, _other", "_other, _less"):
        assert not problems(profiles, f"extends: [{order}]")
        assert set(load(profiles, "x").data["packages"]) == {"curl", "vim", "jq"}


def test_a_parent_that_cannot_be_read(profiles: Path) -> None:
    """Nothing follows from it about what it does not have."""
    found = problems(profiles, "extends: nope\nremove: {packages: [curl]}")
    assert len(found) == 1, found


def test_many(profiles: Path) -> None:
    names = [f"p{number}" for number in range(9000)]
    (profiles / "_pa.yaml").write_text(yaml.safe_dump({"version": 1, "packages": names}))
    (profiles / "x.yaml").write_text(yaml.safe_dump({"version": 1, "extends": "_pa", "remove": {"packages": names}}))
    assert load(profiles, "x").data["packages"] == []
