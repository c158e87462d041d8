"""One rule for what `extends` merges: the later one wins."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from debate.profile.load import NOT_INHERITED, load
from debate.profile.schema import schema
from tests.unit.profile import values
from tests.unit.profile.mistakes import expect
from tests.unit.profile.values import placed, write

NOT_MERGED = {"version", *NOT_INHERITED}
"""Fields with one value only, and those that are not inherited."""


def loaded(directory: Path, *layers: dict[str, Any]) -> dict[str, Any]:
    """What x.yaml with the last of ``layers`` comes to, which extends profiles with the others, in their order."""
    below = {f"_p{number}": fields for number, fields in enumerate(layers[:-1])}
    write(directory, **below, x={"extends": list(below), **layers[-1]})
    data = load(directory, "x").data
    assert data.pop("version") == 1
    return data


FIELDS = {name: found for name, found in values.FIELDS.items() if found[0][0] not in NOT_MERGED}


def at(data: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        data = data[0] if name == "[]" else data[name]
    return data


@pytest.mark.parametrize("name", FIELDS)
def test_the_later_one_wins(profiles: Path, name: str) -> None:
    """For every field: the last profile of the list over the others, the profile's own value over all of them."""
    path, field = FIELDS[name]
    parent = FIELDS.get(".".join(path[:-2]), ((), {}))[1] if "[]" in path else {}
    is_key = path[-1] == parent.get("x-key")
    three = [field["examples"][0]] * 3 if is_key else values.three(field)
    assert is_key or three[1] in ([], {}) or three[1] not in (three[0], three[2])
    one, two, own = (placed(path, value, schema()) for value in three)
    joined = isinstance(three[0], list) and not field.get("x-replace")
    expected = list(chain(*three[:2])) if joined else three[1]
    assert at(loaded(profiles, one, two, {}), path) == expected
    expected = list(chain(*three)) if joined else three[2]
    assert at(loaded(profiles, one, two, own), path) == expected


@pytest.mark.parametrize("name", sorted(NOT_INHERITED - {"remove"}))
def test_what_a_profile_says_of_itself_is_not_inherited(profiles: Path, name: str) -> None:
    write(profiles, other={}, _parent={name: "other"}, x={"extends": "_parent"})
    assert name not in load(profiles, "x").data


@pytest.mark.parametrize("name", [name for name, (_, field) in FIELDS.items() if "x-key" in field])
def test_entries_of_the_same_name_are_merged(profiles: Path, name: str) -> None:
    field = FIELDS[name][1]
    key, items = field["x-key"], field["items"]
    required = {name: items["properties"][name]["examples"][0] for name in items["required"]}
    other = next(name for name in items["properties"] if name not in required)
    entry = {**required, other: items["properties"][other]["examples"][0]}
    extra = {**required, key: f"{required[key]}x"}

    def profile(*entries: Any) -> Any:
        return placed(tuple(name.split(".")), list(entries), schema())

    assert loaded(profiles, profile(entry), profile(required, extra), {}) == profile(entry, extra)


def test_what_extends_means(profiles: Path) -> None:
    (profiles / "base.yaml").write_text(
        "version: 1\nhostname: base\npackages: [aa, bb]\nboot: {timeout: 9, title: Base, console: [tty0]}\n"
        "users: [{name: u, uid: 1500, groups: [gx]}]\n"
    )
    (profiles / "x.yaml").write_text(
        "version: 1\nextends: base\nhostname: own\npackages: [cc]\nboot: {timeout: 1, console: [ttyS0]}\n"
        "users: [{name: u, groups: [gy]}, {name: v}]\n"
    )
    data = load(profiles, "x").data
    assert data["hostname"] == "own", "a single value wins"
    assert data["packages"] == ["aa", "bb", "cc"], "lists are joined"
    assert data["boot"] == {"timeout": 1, "title": "Base", "console": ["ttyS0"]}, "mappings are merged"
    assert data["users"] == [{"name": "u", "uid": 1500, "groups": ["gx", "gy"]}, {"name": "v"}]
    assert [path.name for path in load(profiles, "x").sources] == ["x.yaml", "base.yaml"]


def test_each_value_keeps_its_own_place(profiles: Path) -> None:
    write(profiles, _pa={"packages": ["aa"], "boot": {"timeout": 1}}, x={"extends": "_pa", "packages": ["bb"]})
    root = load(profiles, "x").root
    assert [str(node.position) for node in root.at(["packages"]).value] == [
        "profiles/_pa.yaml:3:3", "profiles/x.yaml:4:3"
    ]  # fmt: skip
    assert str(root.at(["boot", "timeout"]).position) == "profiles/_pa.yaml:5:12"


def test_a_base_is_not_inherited(profiles: Path) -> None:
    write(profiles, _pa={"base": "below"}, x={"extends": "_pa"})
    assert load(profiles, "x").data == {"version": 1}


@pytest.mark.parametrize("name", [name for name, (_, field) in FIELDS.items() if "x-key" in field])
def test_an_entry_that_one_file_has_twice(profiles: Path, name: str) -> None:
    field = FIELDS[name][1]
    key, required = field["x-key"], field["items"]["required"]
    entry = {each: field["items"]["properties"][each]["examples"][0] for each in required}
    flow = yaml.safe_dump([entry, entry], default_flow_style=True, width=1000).strip()
    text = f"{': {'.join(name.split('.'))}: "
    column = len(text) + flow.rindex(entry[key]) + 1
    expect(
        profiles,
        f"{text}{flow}{'}' * name.count('.')}",
        f"profiles/x.yaml:2:{column}: {name}: duplicate {key} {entry[key]!r}, first on line 2; keep one",
    )


def test_an_entry_without_a_proper_name_is_only_reported(profiles: Path) -> None:
    (profiles / "_pa.yaml").write_text("version: 1\nusers: [{name: [a]}, 3]\n")
    expect(profiles, "extends: _pa\nusers: [{name: [a]}, {uid: 3}]", "profiles/_pa.yaml:2:16: users[1].name: a list")


def test_a_profile_that_is_extended_twice_counts_once(profiles: Path) -> None:
    """Where it is extended last: so it wins over what extends it, if it is named after that."""
    write(
        profiles,
        _one={"boot": {"arguments": ["quiet"]}, "hooks": [], "services": {"enable": ["ssh"]}, "hostname": "one"},
        _left={"extends": "_one", "boot": {"arguments": ["a=1"]}, "services": {"disable": ["ssh.service"]}},
        _right={"extends": ["_one"], "boot": {"arguments": ["b"]}, "hostname": "right"},
        x={"extends": ["_left", "_right"], "boot": {"arguments": ["quiet"]}},
        y={"extends": ["_left", "_right", "_one"]},
    )
    found = load(profiles, "x")
    assert found.data["boot"] == {"arguments": ["a=1", "quiet", "b", "quiet"]}
    assert (found.data["hostname"], load(profiles, "y").data["hostname"]) == ("right", "one")
    assert found.data["services"] == {"enable": ["ssh"], "disable": []}
    assert [Path(file).stem for file in found.order] == ["_left", "_one", "_right", "x"]


@pytest.mark.parametrize("first", ["enable", "disable", "mask"])
@pytest.mark.parametrize("second", ["enable", "disable", "mask"])
def test_the_later_profile_wins_about_a_unit(profiles: Path, first: str, second: str) -> None:
    """Also where neither is the profile's own, and whether or not a name is written in full."""
    write(
        profiles,
        _a={"services": {first: ["a", "b.timer"]}},
        _b={"extends": "_a", "services": {second: ["a.service"]}},
        x={"extends": "_b", "services": {"mask": ["c"]}},
    )
    said = {(verb, unit) for verb, units in load(profiles, "x").data["services"].items() for unit in units}
    assert said == {(first, "b.timer"), (second, "a.service"), ("mask", "c")}
