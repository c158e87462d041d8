"""Changes between two values: each is told, and none that is not there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.history.changes import Change, changes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "path", "x"]), inner, max_size=3)
        | st.lists(st.fixed_dictionaries({"name": st.sampled_from("abc"), "x": inner}), max_size=3)
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_there_is_a_change_where_the_values_differ(old: Any, new: Any) -> None:
    assert bool(list(changes(old, new))) == (keys.canonical(old) != keys.canonical(new))


@given(st.lists(st.sampled_from("abcd"), max_size=5), st.lists(st.sampled_from("abcd"), max_size=5))
def test_entries_are_counted(old: list[str], new: list[str]) -> None:
    found = list(changes(old, new, ("x",)))
    left = [*old, *(change.new for change in found if change.kind == "added")]
    for change in found:
        if change.kind == "removed":
            left.remove(change.old)
    assert sorted(left) == sorted(new)


@given(st.lists(JSON, max_size=5), st.randoms(use_true_random=False))
def test_another_order_is_all_that_is_told_of_it(items: list[Any], random: Any) -> None:
    other = random.sample(items, len(items))
    found = list(changes(items, other, ("x",)))
    assert found in ([], [Change("reordered", ("x",), items, other)])


@pytest.mark.parametrize(
    ("old", "new", "change", "line"),
    [
        ({"a": 1}, {"a": 2}, Change("changed", ("a",), 1, 2), "~ a: 1 -> 2"),
        ({"a": "x"}, {"a": ""}, Change("changed", ("a",), "x", ""), '~ a: x -> ""'),
        ({"a": 1}, {"a": True}, Change("changed", ("a",), 1, True), "~ a: 1 -> true"),
        ({}, {"a": {"b": 1}}, Change("added", ("a",), new={"b": 1}), '+ a: {"b": 1}'),
        ({"a": [None]}, {}, Change("removed", ("a",), [None]), "- a: [null]"),
        ({"a": {"b": ["x"]}}, {"a": {"b": ["x", "y"]}}, Change("added", ("a", "b"), new="y"), "+ a.b: y"),
        ({"a": ["x", "x"]}, {"a": ["x"]}, Change("removed", ("a",), "x"), "- a: x"),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, Change("reordered", ("a",), ["x", "y"], ["y", "x"]),
         "~ a: reordered"),
        ({"a": ["x", "x", "y"]}, {"a": ["x", "y", "x"]},
         Change("reordered", ("a",), ["x", "x", "y"], ["x", "y", "x"]), "~ a: reordered"),
        ([{"name": "u", "uid": 1}], [{"name": "u", "uid": 2}], Change("changed", ("u", "uid"), 1, 2),
         "~ u.uid: 1 -> 2"),
        ({"t": [{"path": "/a.b"}]}, {"t": []}, Change("removed", ("t", "/a.b"), {}), "- t./a.b: {}"),
        # Two of one name: neither is lost.
        ([{"name": "h", "digest": 1}], [{"name": "h", "digest": 1}, {"name": "h", "digest": 2}],
         Change("added", (), new={"name": "h", "digest": 2}), '+ : {"name": "h", "digest": 2}'),
        ([{"name": "h"}, {"name": "g"}], [{"name": "g"}, {"name": "h"}],
         Change("reordered", (), [{"name": "h"}, {"name": "g"}], [{"name": "g"}, {"name": "h"}]), "~ : reordered"),
    ],
)  # fmt: skip
def test_a_change_and_its_line(old: Any, new: Any, change: Change, line: str) -> None:
    assert list(changes(old, new)) == [change]
    assert str(change) == line


def test_several_changes_of_one_list() -> None:
    found = list(map(str, changes(["a", "b", "c"], ["d", "c", "b"], ("x",))))
    assert found == ["- x: a", "+ x: d", "~ x: reordered"]
