"""Digests, keys and the epoch."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from debate import PACKAGE, keys


def test_canonical_json_has_one_spelling() -> None:
    assert keys.canonical({"b": [1, True, None], "a": "é"}) == '{"a":"é","b":[1,true,null]}'.encode()


def test_digests() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert keys.sha256(b"") == f"sha256:{empty}"


def test_a_file_and_its_bytes_have_the_same_digest(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    (tmp_path / "f").write_bytes(data)
    assert keys.sha256_file(tmp_path / "f") == keys.sha256(data)


def test_the_epoch_is_what_the_design_says() -> None:
    digits = "ab1519cc79fccbbceb6e5830b87ef5b5"
    assert keys.epoch(digits) == 946684800 + 0xAB1519CC79FCCBBC % 631152000


@given(st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
def test_the_epoch_lies_in_the_past(digits: str) -> None:
    assert 946684800 <= keys.epoch(digits) < 946684800 + 631152000 < 1_600_000_000


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_keys_stand_for_values(one: dict[str, int], other: dict[str, int]) -> None:
    assert (keys.key(one) == keys.key(other)) == (one == other)


def test_digests_are_spelled_in_one_place() -> None:
    assert keys.digits(keys.digest("a" * 64)) == "a" * 64
    spelled = [path.name for path in PACKAGE.rglob("*.py") if re.search(r"""["'{]sha256:["'{\[]""", path.read_text())]
    assert spelled == ["keys.py"]
