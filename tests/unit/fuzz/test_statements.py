"""Whatever a registry has in the place of a manifest, it is a statement about what was asked for, or it is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.artifact import Artifact
from debate.remote.statements import ACTION, IMAGE, Statement, UntrustedError, manifest, read
from tests.bounded import bounded
from tests.conftest import many
from tests.unit.damage import CONTENTS, mutants

MANY = many(1000)
SUBJECT = keys.key("subject")
MOST = 1 << 20
FILES = {name: Artifact(keys.sha256(name.encode()), len(name)) for name in ("layer", "packages", "x-amd64.iso")}
STATEMENTS = [
    Statement(ACTION, SUBJECT, FILES, {"step": "rootfs", "seconds": 1.5}),
    Statement(IMAGE, SUBJECT, FILES, {"profile": "x", "lock": "y"}),
]
MANIFESTS = [json.loads(manifest(statement, {"note": "x"}, "")) for statement in STATEMENTS]


def check(data: bytes) -> bool:
    """True if ``data`` is believed. Asserts that it names nothing then but what it may."""
    try:
        with bounded():
            found = read(data, ACTION, SUBJECT, "", MOST)
    except UntrustedError:
        return False
    assert (found.kind, found.subject) == (ACTION, SUBJECT)
    assert sum(artifact.size for artifact in found.files.values()) <= MOST
    assert all(keys.is_digest(artifact.digest) for artifact in found.files.values())
    again = read(manifest(found, {}, ""), ACTION, SUBJECT, "", MOST)
    assert again == found
    return True


def enclosed(statement: bytes) -> bytes:
    """The manifest of a statement that was forged together with its digest."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "config": {
                "mediaType": ACTION,
                "digest": keys.sha256(statement),
                "size": len(statement),
                "data": base64.b64encode(statement).decode(),
            },
            "layers": [],
        }
    ).encode()


@MANY
@given(data=st.sampled_from(MANIFESTS).flatmap(mutants) | st.sampled_from(list(CONTENTS.values())) | st.binary())
def test_manifests(data: bytes) -> None:
    check(data)


@MANY
@given(data=mutants(json.loads(STATEMENTS[0].data)) | st.sampled_from(list(CONTENTS.values())) | st.binary())
def test_statements(data: bytes) -> None:
    check(enclosed(data))


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@many(500)
@given(
    files=st.dictionaries(
        st.sampled_from([*FILES, "../x", "-rf", "a\nb", "", "x" * 300]) | st.text(max_size=4), VALUES
    ),
    facts=VALUES,
)
def test_forged_fields(files: dict[str, Any], facts: Any) -> None:
    check(enclosed(json.dumps({"kind": ACTION, "subject": SUBJECT, "files": files, "facts": facts}).encode()))


def test_unchanged_they_are_believed() -> None:
    """Or the tests above would show nothing."""
    assert check(manifest(STATEMENTS[0], {}, ""))
    assert check(enclosed(STATEMENTS[0].data))
    assert not check(manifest(STATEMENTS[1], {}, ""))
