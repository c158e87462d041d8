"""Manifests: one spelling, nothing of the host in them, and only what fits is believed."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.model import Artifact
from debate.remote.statements import ACTION, IMAGE, Statement, UntrustedError, manifest, read
from debate.remote.transport import MANIFEST

FILES = {"layer": Artifact(f"sha256:{'1' * 64}", 5), "packages": Artifact(f"sha256:{'2' * 64}", 0)}
MOST = 5
STATEMENT = Statement(ACTION, "k" * 64, FILES, {"step": "rootfs", "seconds": 1.5})


def test_there_and_back() -> None:
    assert read(manifest(STATEMENT, {}, ""), ACTION, "k" * 64, "", MOST) == STATEMENT


def test_it_is_an_image_manifest() -> None:
    made = json.loads(manifest(STATEMENT, {"io.debate.step": "rootfs", "empty": ""}, ""))
    assert made["schemaVersion"] == 2
    assert made["mediaType"] == MANIFEST
    assert made["artifactType"] == made["config"]["mediaType"] == ACTION
    assert made["annotations"] == {"io.debate.step": "rootfs"}
    assert [layer["digest"] for layer in made["layers"]] == [artifact.digest for artifact in FILES.values()]
    assert base64.b64decode(made["config"]["data"]) == STATEMENT.data
    assert made["config"]["size"] == len(STATEMENT.data)


@given(st.permutations(sorted(FILES.items())))
def test_the_order_of_files_does_not_matter(files: list[tuple[str, Artifact]]) -> None:
    made = Statement(ACTION, "k" * 64, dict(files), STATEMENT.facts)
    assert manifest(made, {}, "") == manifest(STATEMENT, {}, "")


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_registry_answers_is_refused_and_not_a_traceback(data: bytes) -> None:
    with pytest.raises(UntrustedError, match="the manifest is malformed"):
        read(data, ACTION, "k" * 64, "", MOST)


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"config": ' * 100_000, b"1e999", b"\xff", b""])
def test_what_is_made_to_break_a_reader(data: bytes) -> None:
    with pytest.raises(UntrustedError, match="the manifest is malformed"):
        read(data, ACTION, "k" * 64, "", MOST)


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"{}", "it has no field 'config'"),
        (b'{"config": {}}', "it has no field 'data'"),
        (b'{"config": {"data": "e30="}}', "it has no field 'digest'"),
        (b'{"config": []}', "a field of it is of another type"),
        (b'{"config": {"data": 5}}', "a field of it is of another type"),
        (b'{"config": {"data": "*"}}', "its statement is no base64"),
        (b"<html>", "not JSON from line 1, column 1 on"),
        (b'{"a":\n', "not JSON from line 2, column 1 on"),
        (b'{"a": "\xff"}', "not UTF-8 from byte 8 on"),
        (b"[]", "not an object"),
    ],
)
def test_what_is_said_of_it_is_not_in_the_words_of_python(data: bytes, fact: str) -> None:
    with pytest.raises(UntrustedError) as caught:
        read(data, ACTION, "k" * 64, "", MOST)
    assert str(caught.value) == f"the manifest is malformed: {fact}"


def test_of_something_else() -> None:
    with pytest.raises(UntrustedError, match="about something else"):
        read(manifest(STATEMENT, {}, ""), IMAGE, "k" * 64, "", MOST)
    with pytest.raises(UntrustedError, match="about something else"):
        read(manifest(STATEMENT, {}, ""), ACTION, "j" * 64, "", MOST)


@pytest.mark.parametrize(("most", "refused"), [(5, False), (4, True), (0, True)])
def test_a_file_that_is_larger_than_a_step_may_write(most: int, refused: bool) -> None:
    """It would fill the disk before its digest is known."""
    made = manifest(STATEMENT, {}, "")
    if not refused:
        assert read(made, ACTION, "k" * 64, "", most) == STATEMENT
        return
    with pytest.raises(UntrustedError, match=r"files of 5 bytes; raise DEBATE_BYTES, "):
        read(made, ACTION, "k" * 64, "", most)
