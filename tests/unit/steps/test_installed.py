"""The list of installed packages is believed only if it is the lock's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.cache.store import Store
from debate.errors import DebateError, StepError
from debate.model import Locked
from debate.steps import installed

LOCKED = [
    Locked("bash", "5.2-1", "amd64", "debian", "p", 1, "1" * 64),
    Locked("libc6", "2.36-9+deb12u1", "amd64", "debian", "p", 1, "2" * 64),
    Locked("libc6", "2.36-9+deb12u1", "i386", "debian", "p", 1, "3" * 64),
]
GOOD = (
    "bash\t5.2-1\tamd64\tbash\t5.2-1\n"
    "libc6\t2.36-9+deb12u1\tamd64\tglibc\t2.36-9\n"
    "libc6\t2.36-9+deb12u1\ti386\tglibc\t2.36-9\n"
)


def read(tmp_path: Path, text: bytes) -> list[installed.Installed]:
    store = Store(tmp_path / "cache")
    return installed.installed(store, store.put(text), LOCKED)


def test_the_lock_and_nothing_else(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD.encode())
    assert [(each.name, each.architecture) for each in found] == [package.identity for package in LOCKED]
    assert found[1].source == "glibc"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "bash\t5.2-1\tamd64\tbash\t5.2-1\n",
            "",
            "packages: bash:amd64: the system has none, the lock 5.2-1; a script",
        ),
        ("bash\t5.2-1\t", "bash\t5.2-2\t", "packages: bash:amd64: the system has version 5.2-2, the lock 5.2-1"),
        ("bash\t5.2-1\ta", "bash\t5.2-1\tb", "packages: bash:amd64: the system has none"),
        (
            "bash\t5.2-1\ta",
            "evil\t1\tall\tevil\t1\nbash\t5.2-1\ta",
            "packages: evil:all: the system has version 1, the",
        ),
        ("bash\t5", "bash\t5.2-1\tamd64\tbash\t5.2-1\nbash\t5", "packages: a package is installed twice"),
        ("bash\t5.2-1\n", "bash\t5.2-1\tiU\n", "packages: bash:amd64: it is not configured; see the log"),
        ("glibc\t2.36-9\n", "glibc\t2.36-9\tiFR\n", "packages: libc6:amd64: it is half-configured"),
        ("bash\t5.2-1\n", "bash\t5.2-1\thi\n", "packages: bash:amd64: it is in the state hi"),
        ("bash\t5.2-1\n", "bash\t5.2-1\tii\x1b\n", "line 1 of"),
        ("bash\t5", "\x1b[31mbash\t5", "line 1 of the list of what is installed is malformed"),
        ("5.2-1\n", "5.2-1\t\n", "line 1 of"),
        ("5.2-1\nlib", "5.2-1\n\nlib", "line 2 of"),
        ("\tglibc\t", "\t../glibc\t", "line 2 of"),
        ("2.36-9\n", "2.36\u202e-9\n", "line 2 of"),
        ("2.36-9\n", "2.36-9\r\n", "line 2 of"),
        ("2.36-9\n", "2.36-9\x85\n", "line 2 of"),
    ],
)
def test_another_list(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(DebateError, match=re.escape(said)) as caught:
        read(tmp_path, GOOD.replace(old, new, 1).encode())
    assert isinstance(caught.value, StepError) or "malformed" in said or said.startswith("line")


def test_too_much(tmp_path: Path) -> None:
    with pytest.raises(DebateError, match="too large"):
        read(tmp_path, b"x" * (16 << 20) + b"x")
    many = "".join(f"p{number}\t1\tall\tp\t1\n" for number in range(1004))
    with pytest.raises(DebateError, match=r"the list of what is installed has more than 1,?003 lines"):
        read(tmp_path, many.encode())
    many = "".join(f"p{number}\t1\tall\tp\t1\n" for number in range(1000))
    with pytest.raises(StepError) as caught:
        read(tmp_path, many.encode())
    assert len(caught.value.problems) == 20, "and not one for each"


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 8))
def test_whatever_is_listed(tmp_path_factory: pytest.TempPathFactory, more: bytes, at: int, gone: int) -> None:
    """It is the lock's, or an error; nothing else comes out."""
    text = GOOD.encode()[:at] + more + GOOD.encode()[at + gone :]
    try:
        found = read(tmp_path_factory.getbasetemp(), text)
    except DebateError:
        return
    assert [(each.name, each.version, each.architecture) for each in sorted(found, key=lambda each: each.architecture)
            ] == [(p.name, p.version, p.architecture) for p in LOCKED]  # fmt: skip
    assert all(str(each).isprintable() for each in found)


@pytest.mark.parametrize("text", [b"apt\t1\textra\n", b"apt\n", b"", b"apt\t1\n\n", b"\xff\t1\n", b"a b\t1\n"])
def test_tools(tmp_path: Path, text: bytes) -> None:
    store = Store(tmp_path / "cache")
    assert installed.tools(store, store.put(b"apt\t1~2\nlibc6\t2\n")) == {"apt": "1~2", "libc6": "2"}
    with pytest.raises(DebateError, match="malformed"):
        installed.tools(store, store.put(text))
