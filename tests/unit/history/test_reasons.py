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
