"""Lines of users and groups that a profile brings are entries, or are refused with their place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import ProfileError
from debate.profile.load import load
from debate.steps import config, databases
from tests.conftest import many

GOOD = {
    "/etc/passwd": "a:x:1500:100:A B:/home/a:/bin/sh\n_b-c.d$:*:0:0::/:\n",
    "/etc/group": "a:x:1500:\nb:x:7:a,c\n",
    "/etc/shadow": "a:$6$x$y:19000:0:99999:7:::\nb:*:::::::\n",
    "/etc/gshadow": "a:!::\nb:*:a:a,b\n",
}
BAD = [
    ("/etc/passwd", "a:x:1:1::/:/bin/sh\r\n", "line 1: ends in CR LF, as on Windows; convert it"),
    ("/etc/passwd", "a:x:1:1::/:\n\nb:x:2:2::/:\n", "line 2: is empty; correct it, or leave it out"),
    ("/etc/passwd", "# users\n", "line 1: begins with #, which is no entry"),
    ("/etc/passwd", "+::::::\n", "line 1: begins with +, which is no entry"),
    ("/etc/passwd", "a:x:1:1:/:/bin/sh\n", "line 1: has 6 fields, where an entry has 7"),
    ("/etc/passwd", "a:x:1:1::/:/bin/sh:\n", "line 1: has 8 fields"),
    ("/etc/passwd", "a b:x:1:1::/:\n", "line 1: 'a b' is no name"),
    ("/etc/passwd", ":x:1:1::/:\n", "line 1: '' is no name"),
    ("/etc/passwd", "77:x:1:1::/:\n", "line 1: '77' is no name"),
    ("/etc/passwd", "a:x::1::/:\n", "line 1: '' is no number of a user or group"),
    ("/etc/passwd", "a:x:1:x::/:\n", "line 1: 'x' is no number"),
    ("/etc/passwd", "a:x:4294967295:1::/:\n", "line 1: '4294967295' is no number"),
    ("/etc/passwd", "a:x:-1:1::/:\n", "line 1: '-1' is no number"),
    ("/etc/passwd", "a:x:1:1::home:\n", "line 1: home and shell must be whole paths"),
    ("/etc/passwd", "a:x:1:1::/:sh\n", "line 1: home and shell must be whole paths"),
    ("/etc/passwd", "a:x:1:1:\t:/:\n", "line 1: has a control character"),
    ("/etc/passwd", "a:x:1:1::/:\nb:x:2:2::/:\na:x:3:3::/:\n", "line 3: a is on line 1, too"),
    ("/etc/passwd", "a:x:1:1::/:\nb:x:01:2::/:\n", "line 2: b has the uid 01 of a"),
    ("/etc/passwd", "eve:x:1234:1::/:\n", "line 1: eve has the uid 1234 of live in users"),
    ("/etc/group", "a:x:1\n", "line 1: has 3 fields, where an entry has 4"),
    ("/etc/group", "a:x:1:\nb:x:1:\n", "line 2: b has the gid 1 of a"),
    ("/etc/group", "a:x:a:\n", "line 1: 'a' is no number"),
    ("/etc/shadow", "a:*:x::::::\n", "line 1: has a date that is no number of days"),
    ("/etc/shadow", "a:*\n", "line 1: has 2 fields, where an entry has 9"),
    ("/etc/shadow", "a:*:::::::\na:!:::::::\n", "line 2: a is on line 1, too"),
    ("/etc/gshadow", "a:!\n", "line 1: has 2 fields, where an entry has 4"),
]


def told(directory: Path, text: str) -> list[str]:
    (directory / "x.yaml").write_text(text)
    try:
        config.normalise(load(directory, "x"), directory)
    except ProfileError as error:
        return [str(problem).rpartition("x.yaml:")[2] for problem in error.problems]
    return []


@pytest.mark.parametrize("overlay", [False, True])
@pytest.mark.parametrize(("path", "content", "expected"), [*BAD, *((path, GOOD[path], "") for path in GOOD)])
def test_what_is_no_entry(tmp_path: Path, path: str, content: str, expected: str, overlay: bool) -> None:
    profile: dict[str, object] = {"version": 1, "users": [{"name": "live", "uid": 1234}]}
    if overlay:
        (tmp_path / "tree" / "etc").mkdir(parents=True)
        (tmp_path / "tree" / path[1:]).write_bytes(content.encode())
        profile["overlays"] = ["tree"]
    else:
        profile["files"] = [{"path": path, "content": content}]
    found = told(tmp_path, yaml.safe_dump(profile))
    assert len(found) == bool(expected), found
    assert all(f" {path}, {expected}" in problem for problem in found), found


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "tree" / "etc").mkdir(parents=True)
    with (tmp_path / "tree/etc/group").open("wb") as file:
        file.truncate(databases.LARGEST + 1)
    assert told(tmp_path, "version: 1\noverlays: [tree]\n") == [
        "2:12: /etc/group is larger than 4,194,304 bytes; make it smaller"
    ]


def test_a_user_of_the_profile_may_have_its_line() -> None:
    line = b"live:x:1234:1234::/home/live:/bin/bash\n"
    assert list(databases.faults("/etc/passwd", line, {"live": 1234})) == []


@many(200)
@given(st.sampled_from(sorted(GOOD)), st.binary(max_size=60) | st.text("a:x1/\r\n#+ ", max_size=60).map(str.encode))
def test_what_is_taken_has_entries_alone(path: str, content: bytes) -> None:
    """As getpwent(3) and its like split them: no line is skipped, and none is another's."""
    if list(databases.faults(path, content, {})):
        return
    lines = content.decode().removesuffix("\n").split("\n") if content else []
    assert all(line.count(":") == databases.FIELDS[path] - 1 for line in lines)
    names = [line.partition(":")[0] for line in lines]
    assert all(names)
    assert len(set(names)) == len(names)
