"""The place in a profile of what a step complains of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate.profile import reader
from debate.profile.load import load
from debate.profile.node import Node
from debate.profile.places import find
from tests.bounded import bounded

TEXT = """\
version: 1
description: x
packages: [curl, curll, vim=9.0, "no"]
users:
  - name: live
    groups: [sodu, audio]
    shell: /bin/zsh
    full_name: ""
  - name: guest
    uid: 1000
    groups: [audio]
    autologin: true
locale: de_DD.UTF-8
permissions:
  - {path: /a, mode: "0600", owner: live, group: sodu}
  - {path: /b, mode: "0600", owner: root, group: sodu}
boot:
  arguments: [a=1, b=2, a=1]
services: {enable: []}
hostname:
"""


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("packages", "curll", "3:18"),
        ("packages", "curl", "3:12"),
        ("packages", "cur", "3:11"),  # No value at all: the field.
        ("packages", "no", "3:34"),  # As it reads, whatever quotes there are.
        ("packages", "vim", "3:25"),  # A part of a value.
        ("packages", "vim=9.0", "3:25"),
        ("users", "sodu", "6:14"),
        ("users.groups", "sodu", "6:14"),
        ("users.groups", "audio", "11:14"),  # The last one.
        ("users.name", "live", "5:11"),
        ("users.shell", "/bin/zsh", "7:12"),
        ("users", "live:sodu", "6:14"),  # Where both are.
        ("users", "guest:audio", "11:14"),
        ("users", "live:wheel", "5:11"),  # As far as it goes.
        ("users", "wheel:live", "5:3"),
        ("users.uid", "1000", "10:10"),
        ("users.autologin", "true", "12:16"),
        ("users.full_name", "", "8:16"),
        ("permissions", "live:sodu", "15:50"),
        ("permissions", "root:sodu", "16:50"),
        ("locale", "de_DD.UTF-8", "13:9"),
        ("locale", "none", "13:9"),
        ("boot.arguments", "a=1", "18:25"),
        ("boot.arguments", "b", "18:20"),
        ("boot", "b=2", "18:20"),
        ("services.enable", "ssh", "19:20"),
        ("hostname", "live", "20:10"),
        ("hostname", "", "20:10"),
        ("timezone", "UTC", None),
        ("boot.title", "UTC", None),
        ("users.uid.more", "1000", None),
        ("locale.more", "x", None),
        ("services.enable.more", "x", None),
        ("", "x", None),
    ],
)
def test_find(field: str, value: str, place: str | None) -> None:
    root, problems = reader.read(TEXT.encode(), "x.yaml", Path())
    assert root is not None
    assert problems == []
    found = find(root, field, value)
    assert (found and str(found)) == (place and f"x.yaml:{place}")


def scalars(node: Node, field: str) -> Iterator[tuple[str, Node]]:
    """Every scalar of the profile with its dotted field, as one writes it down: lists are passed through."""
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            yield from scalars(child, f"{field}.{name}" if field else name)
    elif isinstance(node.value, list):
        for child in node.value:
            yield from scalars(child, field)
    else:
        yield field, node


@given(
    st.dictionaries(
        st.sampled_from("abc"),
        st.recursive(
            st.integers(0, 3) | st.booleans() | st.sampled_from(["x", "x:y", "1", ""]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        ),
        min_size=1,
    )
)
def test_what_is_found_reads_like_the_value(fields: dict[str, object]) -> None:
    """Every scalar is found where it is, or at the last equal one of the same field."""
    root, _ = reader.read(yaml.safe_dump(fields).encode(), "x", Path())
    assert root is not None
    every = list(scalars(root, ""))
    for field, scalar in every:
        equal = [
            node.position for other, node in every if f"{other}.".startswith(f"{field}.") and node.raw == scalar.raw
        ]
        if scalar.raw:
            assert find(root, field, scalar.raw) == equal[-1]
        else:
            assert find(root, field, "") is not None


def test_a_value_of_an_extended_profile(tmp_path: Path) -> None:
    (tmp_path / "_base.yaml").write_text("version: 1\npackages: [curll]\n")
    (tmp_path / "x.yaml").write_text("version: 1\nextends: _base\npackages: [vim]\n")
    root = load(tmp_path, "x").root
    assert str(find(root, "packages", "curll")) == f"{tmp_path}/_base.yaml:2:12"
    assert str(find(root, "packages", "vim")) == f"{tmp_path}/x.yaml:3:12"


@pytest.mark.parametrize("value", ["a " * 2048, "a:b:c:d", "p1 " * 4, ":" * 4096])
def test_what_a_sandbox_names(tmp_path: Path, value: str) -> None:
    """As many complaints as are read, about the longest of lists."""
    (tmp_path / "x.yaml").write_text(
        "version: 1\ndescription: x\npackages:\n" + "".join(f"  - p{number}\n" for number in range(5000))
    )
    root = load(tmp_path, "x").root
    with bounded():
        for _ in range(50):
            assert find(root, "packages", value) is not None
