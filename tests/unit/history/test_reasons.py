"""Why a step runs, in terms of what the user changed."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.cache.report import report
from debate.cache.store import Store
from debate.commands.logic.explain import last_run
from debate.errors import Place
from debate.history.reasons import Kind, Last, Reason, reasons
from debate.history.records import Records, save_json
from debate.profile import reader

PROFILE = b"""\
version: 1
boot: {timeout: 91, arguments: [quiet, splash]}
files: [{path: /etc/motd, content: x}]
overlays: [tree]
hostname: same
locale: same
"""
FILE = {"path": "/etc/motd", "type": "file", "mode": "0644", "digest": "sha256:1"}
CONTENTS = {"sha256:1": {"text": "x"}, "sha256:2": {"path": "profiles/tree/etc/mine"}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"timeout": 3}, {"timeout": 91}, ["~ timeout: 3 -> 91 (x.yaml:2:17)"]),
        ({"arguments": ["quiet"]}, {"arguments": ["quiet", "splash"]}, ["+ arguments: splash (x.yaml:2:40)"]),
        ({"arguments": ["a", "b"]}, {"arguments": ["b", "a"]}, ["~ arguments: reordered"]),
        ({"arguments": ["quiet"]}, {"arguments": []}, ["- arguments: quiet"]),
        ({"hostname": "x"}, {"hostname": "same"}, ["~ hostname: x -> same"]),
        ({"tree": []}, {"tree": [FILE]}, ["/etc/motd: added (x.yaml:3:16)"]),
        ({"tree": [FILE]}, {"tree": []}, ["/etc/motd: removed (x.yaml:3:16)"]),
        ({"tree": [{**FILE, "digest": "sha256:0"}]}, {"tree": [FILE]}, ["/etc/motd: changed (x.yaml:3:16)"]),
        ({"tree": [{**FILE, "mode": "0600"}]}, {"tree": [FILE]}, ["~ /etc/motd mode: 0600 -> 0644 (x.yaml:3:16)"]),
        (
            {"tree": [{**FILE, "path": "/etc/a.digest", "digest": "sha256:0"}]},
            {"tree": [{**FILE, "path": "/etc/a.digest", "digest": "sha256:2"}]},
            ["/etc/a.digest: changed (profiles/tree/etc/mine)"],
        ),
    ],
)
def test_a_change_of_a_slice(old: Mapping[str, Any], new: Mapping[str, Any], expected: list[str]) -> None:
    root, problems = reader.read(PROFILE, "x.yaml", Path())
    assert root is not None
    assert problems == []
    last = Last(trace=TRACE, read={"some": old})
    assert list(map(str, reasons(last, {"some": new}, {}, CONTENTS, lambda: root))) == expected


def test_a_change_of_the_lock_and_of_its_slice() -> None:
    """The record and the slice have the same name, and ``packages`` of another kind in each."""

    def read(version: str, *more: str) -> dict[str, Any]:
        packages = [{"name": "less", "architecture": "amd64", "version": version, "sha256": version}]
        return {"slices/lock": {"packages": ["less", *more]}, "lock": {"packages": packages}}

    root, _ = reader.read(PROFILE, "x.yaml", Path())
    assert root is not None
    found = reasons(Last(TRACE, read("1")), read("2", "vim"), {}, {}, lambda: root)
    assert list(map(str, found)) == ["+ packages: vim", "lock: ~ less 1 -> 2"]
    assert found[1].to_json() == {"kind": "package", "path": "less", "old": "1", "new": "2"}
    found = reasons(Last(TRACE, read("1")), {"slices/lock": {"packages": ["vim"]}}, {}, {}, lambda: root)
    assert list(map(str, found)) == ["- packages: less", "+ packages: vim"], "a step that reads only the slice"


VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a"]) | st.lists(st.text(max_size=2))


@given(
    st.builds(
        Reason, st.sampled_from(get_args(Kind)), st.text(), st.sampled_from(["", "added", "changed"]), VALUES, VALUES,
        st.none() | st.builds(Place, st.text(min_size=1), st.integers(0, 9), st.integers(0, 9)),
    )
)  # fmt: skip
def test_a_reason_is_the_same_after_json(reason: Reason) -> None:
    again = Reason.from_json(json.loads(json.dumps(reason.to_json())))
    assert (again, str(again)) == (reason, str(reason))


INGREDIENTS: dict[str, Any] = {
    "step": "x", "commands": [{"script": {"x.sh": "sha256:1"}, "rights": ["x"]}], "host": {"tar": "sha256:2"},
    "tools": "sha256:3", "inputs": {"a": "sha256:4"}, "layers": ["sha256:5"], "code": {"managers/apt.py": "sha256:7"},
    "steps": {"inspect": {"commands": [{"script": {"i.sh": "sha256:8"}}], "epoch": 0}}, "epoch": 5,
}  # fmt: skip
TRACE = {
    "step": "x", "key": "k", "ingredients": INGREDIENTS, "cached": True, "source": "built", "seconds": 1.5,
    "parts": {"order": {"key": "k", "outputs": {"plan": {"digest": "sha256:6", "size": 1}}}},
    "why": [{"kind": "tools"}], "when": 1,
}  # fmt: skip
READ = {
    "slices/x": {"tree": [FILE], "timeout": 3},
    "lock": {"packages": [{"name": "less", "architecture": "amd64", "version": "1", "sha256": "1"}]},
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"commands": [{"script": {"x.sh": "sha256:0"}}]}, ["sandbox/x.sh changed"]),
        ({"steps": {"inspect": {"commands": [{"script": {"i.sh": "sha256:0"}}]}}}, ["sandbox/i.sh changed"]),
        ({"host": {"tar": "sha256:0"}}, ["debate/sandbox/image/tar.py changed"]),
        ({"code": {"managers/apt.py": "sha256:0"}}, ["debate/managers/apt.py changed"]),
        ({"tools": "sha256:0", "epoch": 6}, ["the tools tree changed"]),
        ({"inputs": {"a": "sha256:0", "b": "sha256:1"}}, ["its input a changed", "its input b changed"]),
        ({"layers": ["sha256:5", "sha256:6"]}, ["layer 2 below it changed"]),
        ({"epoch": 6}, ["its epoch changed"]),
        ({}, ["its result is no longer in the cache"]),
    ],
)
@pytest.mark.parametrize("read", [{}, {"slices/x": {}}])
def test_a_change_of_an_ingredient(change: dict[str, Any], expected: list[str], read: dict[str, Any]) -> None:
    """Of a step that reads a slice, and of one that reads none, as the tools tree."""
    found = reasons(Last(TRACE, read), read, {**INGREDIENTS, **change}, {}, pytest.fail)
    assert list(map(str, found)) == expected


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value in a JSON value, itself included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in items:
        yield from paths(below, (*path, name))


def damaged(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A copy of ``value`` with ``other`` at ``path``."""
    whole = [copy.deepcopy(value)]
    at: Any = whole
    *above, name = (0, *path)
    for step in above:
        at = at[step]
    at[name] = other
    return whole[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just(10**400),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(["script", "packages", "x"]), below),
    max_leaves=4,
)


@given(
    trace=st.sampled_from(list(paths(TRACE))), read=st.sampled_from(list(paths(READ))),
    values=st.tuples(JSON, JSON), sides=st.sampled_from(["trace", "read", "both"]),
)  # fmt: skip
def test_a_damaged_trace_stops_nothing(
    trace: tuple[Any, ...], read: tuple[Any, ...], values: tuple[Any, Any], sides: str
) -> None:
    """Whatever one of its values is, the step can run again, and everything that reads traces has an answer."""
    root, _ = reader.read(PROFILE, "x.yaml", Path())
    assert root is not None
    with tempfile.TemporaryDirectory() as name:
        output = Path(name) / "build/p"
        save_json(output / "traces/x.json", TRACE if sides == "read" else damaged(TRACE, trace, values[0]))
        save_json(output / "traces/read/x.json", READ if sides == "trace" else damaged(READ, read, values[1]))
        last = Last.load(Records(output), "x")
        now = {"slices/x": {"tree": [FILE], "timeout": 4}, "lock": READ["lock"]}
        assert reasons(last, now, INGREDIENTS, CONTENTS, lambda: root)
        list(last_run(last))
        store = Store(Path(name) / "cache")
        store.announce(output.parent)
        assert "not needed by any build here: 0 B" in report(store, "", ".sandbox")[0]


def test_a_whole_trace_is_read(tmp_path: Path) -> None:
    for read in (READ, {}):
        save_json(tmp_path / "traces/x.json", TRACE)
        save_json(tmp_path / "traces/read/x.json", read)
        assert Last.load(Records(tmp_path), "x") == Last(TRACE, read)


@pytest.mark.parametrize(
    "trace",
    [
        {**TRACE, "ingredients": []},
        {**TRACE, "ingredients": {"commands": [{"script": "x"}]}},
        {**TRACE, "ingredients": {"commands": [{}]}},
        {**TRACE, "ingredients": {"host": ["x"]}},
        {**TRACE, "parts": {"order": []}},
        {**TRACE, "seconds": 10**400},
        {**TRACE, "when": 1 << 70},
        {**TRACE, "why": "x"},
        {"key": "k"},
    ],
)
def test_a_damaged_trace_counts_as_missing(tmp_path: Path, trace: Any) -> None:
    save_json(tmp_path / "traces/x.json", trace)
    save_json(tmp_path / "traces/read/x.json", READ)
    assert Last.load(Records(tmp_path), "x") == Last({}, {})


@pytest.mark.parametrize("packages", [1, [1], [{}], [{"name": "less"}], {"less": {}}])
def test_a_damaged_lock_counts_as_missing(tmp_path: Path, packages: Any) -> None:
    save_json(tmp_path / "traces/x.json", TRACE)
    save_json(tmp_path / "traces/read/x.json", {**READ, "lock": {"packages": packages}})
    assert Last.load(Records(tmp_path), "x") == Last(TRACE, {})
