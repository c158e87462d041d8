"""Which keys are trusted: those of a file or directory, all of which must be keys."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.graph.tasks import Graph
from debate.remote import signing, statements
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


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A directory of two trusted keys, ``mine`` and ``theirs``, beside the secret ones."""
    (tmp_path / "keys").mkdir()
    for name in ("mine", "theirs"):
        pair = ["-p", str(tmp_path / "keys" / f"{name}.pub"), "-s", str(tmp_path / f"{name}.key")]
        subprocess.run(["minisign", "-G", "-W", *pair], check=True, capture_output=True)
    return tmp_path / "keys"


def number_of(key: Path) -> str:
    """As minisign has it in the comment of a key."""
    return key.read_text().split("\n")[0].rpartition(" ")[2].zfill(16)  # It leaves zeros out.


ENDS = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r", "\0", ""]


@pytest.mark.parametrize("end", ENDS, ids=ascii)
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_signature_does_not_say_who_made_it(two: Path, end: str, place: int) -> None:
    """Its comments are free text, in which lines seem to end for some programs. `gc --source` goes by the signer."""
    signature = signing.sign(b"statement", two.parent / "mine.key", "comment")
    other = signing.sign(b"other", two.parent / "theirs.key", "comment").split("\n")[1]
    assert signing.signer(b"statement", signature, two) == number_of(two / "mine.pub")
    lines = signature.split("\n")
    lines[place] = f"{lines[place]}{end}{other}{end}"
    for forged in (
        "\n".join(lines),
        f"untrusted comment:{end}{other}{end}{signature}",
        f"{end}{other}{end}\n{signature}",
    ):
        assert signing.signer(b"statement", forged, two) in ("", number_of(two / "mine.pub"))


def test_a_signature_that_is_no_text(two: Path) -> None:
    made = statements.Statement("step", "a" * 64, {}, {})
    data = json.loads(statements.manifest(made, {}, str(two.parent / "mine.key")))
    [name] = data["annotations"]
    data["annotations"][name] = "\ud800"
    with pytest.raises(statements.UntrustedError, match="malformed"):
        statements.read(json.dumps(data).encode(), "step", "a" * 64, str(two), 1 << 30)
