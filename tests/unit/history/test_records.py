"""Records: what is read of a damaged one, and that reading alters nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.cache.store import Store
from debate.errors import DebateError
from debate.history.records import key_of, outputs_of, present, read_json, record_of, save_json
from debate.model import Artifact

OUTPUTS = {"layer": Artifact(f"sha256:{'1' * 64}", 5), "packages": Artifact(f"sha256:{'2' * 64}", 0)}
WHOLE = json.dumps(record_of(OUTPUTS)).encode()
NO_OBJECT = {
    "empty": b"", "truncated": WHOLE[:-5], "not JSON": b"\0" * 40, "not UTF-8": b'{"a": "\xff"}', "a list": b"[]",
    "a number": b"5", "null": b"null", "a string": b'"outputs"', "too deep": b"[" * 100_000,
}  # fmt: skip
NO_OUTPUTS = {
    "none": {}, "a list": {"outputs": []}, "null": {"outputs": None}, "names alone": {"outputs": {"layer": "sha256:1"}},
    "a field too few": {"outputs": {"layer": {"digest": "sha256:" + "1" * 64}}},
    "a field too many": {"outputs": {"layer": {"digest": "sha256:" + "1" * 64, "size": 5, "mode": 3}}},
    "a digest that is a number": {"outputs": {"layer": {"digest": 5, "size": 5}}},
    "a digest that is a path": {"outputs": {"layer": {"digest": "sha256:../../x", "size": 5}}},
    "a size that is text": {"outputs": {"layer": {"digest": "sha256:" + "1" * 64, "size": "5"}}},
    "a size below zero": {"outputs": {"layer": {"digest": "sha256:" + "1" * 64, "size": -1}}},
    "a size of no file": {"outputs": {"layer": {"digest": "sha256:" + "1" * 64, "size": 1 << 60}}},
    "a size that is a boolean": {"outputs": {"layer": {"digest": "sha256:" + "1" * 64, "size": True}}},
}  # fmt: skip


def test_there_and_back(tmp_path: Path) -> None:
    save_json(tmp_path / "x.json", record_of(OUTPUTS))
    assert outputs_of(read_json(tmp_path / "x.json")) == OUTPUTS


@pytest.mark.parametrize("damage", NO_OBJECT)
def test_a_damaged_record_stays_and_is_a_miss(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "rootfs.json"
    path.write_bytes(NO_OBJECT[damage])
    with pytest.raises(DebateError) as caught:
        read_json(path)
    assert str(caught.value) == f"{path}: damaged; run the same command again"
    assert not present(Store(tmp_path), [path])
    assert path.read_bytes() == NO_OBJECT[damage]
    save_json(path, record_of(OUTPUTS))
    assert outputs_of(read_json(path)) == OUTPUTS


@pytest.mark.parametrize("damage", NO_OUTPUTS)
def test_wrong_types_inside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "rootfs.json"
    path.write_text(json.dumps(NO_OUTPUTS[damage]))
    with pytest.raises(DebateError, match=r"^there: damaged; run the same command again$"):
        outputs_of(read_json(path), "there")
    assert not present(Store(tmp_path), [path])
    assert json.loads(path.read_bytes()) == NO_OUTPUTS[damage]


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("digest"), inner))


@given(
    JSON
    | st.fixed_dictionaries({"outputs": JSON})
    | st.fixed_dictionaries({"outputs": st.dictionaries(st.text(), JSON)})
)
def test_whatever_a_record_holds_is_no_traceback(record: Any) -> None:
    try:
        outputs = outputs_of(record)
    except DebateError:
        outputs = {}
    assert outputs == {} or record["outputs"].keys() == outputs.keys()


def test_a_missing_record(tmp_path: Path) -> None:
    with pytest.raises(DebateError, match=r"/x\.json: missing; run the same command again$"):
        read_json(tmp_path / "x.json")
    assert not present(Store(tmp_path), [tmp_path / "x.json"])


@pytest.mark.parametrize("key", [None, 5, [], "", "../../x", "a" * 63, "a" * 64 + "\n", "A" * 64, "sha256:" + "a" * 64])
def test_a_key_that_is_none_becomes_no_path(key: Any) -> None:
    assert key_of({"key": "a" * 64}, "there") == "a" * 64
    for trace in ({"key": key}, {}):
        with pytest.raises(DebateError, match=r"^there: damaged; run the same command again$"):
            key_of(trace, "there")
