"""Why a step runs, in terms of what the user changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from debate.history.reasons import Last, reasons
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
    last = Last(trace={}, read={"some": old})
    assert list(map(str, reasons(last, {"some": new}, {}, CONTENTS, lambda: root))) == expected


def test_a_change_of_the_lock_and_of_its_slice() -> None:
    """The record and the slice have the same name, and ``packages`` of another kind in each."""

    def read(version: str, *more: str) -> dict[str, Any]:
        packages = [{"name": "less", "architecture": "amd64", "version": version, "sha256": version}]
        return {"slices/lock": {"packages": ["less", *more]}, "lock": {"packages": packages}}

    root, _ = reader.read(PROFILE, "x.yaml", Path())
    assert root is not None
    found = reasons(Last({}, read("1")), read("2", "vim"), {}, {}, lambda: root)
    assert list(map(str, found)) == ["+ packages: vim", "lock: ~ less 1 -> 2"]
    found = reasons(Last({}, read("1")), {"slices/lock": {"packages": ["vim"]}}, {}, {}, lambda: root)
    assert list(map(str, found)) == ["- packages: less", "+ packages: vim"], "a step that reads only the slice"
