"""Which keys are trusted: those of a file or directory, all of which must be keys."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.graph.tasks import Graph
from debate.remote.signing import public_keys

KEY = f"untrusted comment: minisign public key\n{base64.b64encode(b'Ed' + bytes(40)).decode()}\n".encode()


def test_a_file_and_a_directory(tmp_path: Path) -> None:
    for name in ("b.pub", "a.pub"):
        (tmp_path / name).write_bytes(KEY)
    (tmp_path / "a.key").write_bytes(b"secret")
    assert public_keys(tmp_path / "a.pub") == [tmp_path / "a.pub"]
    assert public_keys(tmp_path) == [tmp_path / "a.pub", tmp_path / "b.pub"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"untrusted comment: a\n", KEY.replace(b"RW", b"RX"), KEY.splitlines()[1], b"\0" * 5000, KEY[:-9]]
    + [f"untrusted comment:\n{base64.b64encode(b'Ed' + bytes(n)).decode()}\n".encode() for n in (0, 39, 41)],
)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a good one"])
def test_what_is_no_key_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, beside: bool) -> None:
    """And not ignored, since nobody would notice. Before anything runs."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a.pub").write_bytes(data)
    if beside:
        (tmp_path / "keys" / "b.pub").write_bytes(KEY)
    monkeypatch.setenv("DEBATE_REMOTE_KEYS", "keys" if beside else "keys/a.pub")
    with pytest.raises(DebateError, match=r"^DEBATE_REMOTE_KEYS: .*a\.pub is not a public key of minisign; write one"):
        Graph(tmp_path)


def test_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").mkdir()
    monkeypatch.setenv("DEBATE_REMOTE_KEYS", "keys")
    with pytest.raises(DebateError, match=r"^DEBATE_REMOTE_KEYS: contains no public key \(\*\.pub\); put minisign's"):
        Graph(tmp_path)
