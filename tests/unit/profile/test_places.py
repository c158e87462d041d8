"""Where in a profile stands what a step complains of."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.profile import places, profile

TEXT = """\
version: 1
description: x
packages: [curl, curll]
users:
  - name: live
    groups: [sodu]
    shell: /bin/zsh
    full_name: ""
locale: de_DD.UTF-8
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("lock:x: packages: debian has no package 'curll'; did you mean curl?", "lock:x: {}:3:18: packages: "),
        ("  > debate: users: live: a group of sodu is missing; does", "  > debate: {}:6:14: users: live: a group"),
        ("  > debate: users: live: the system has no shell /bin/zsh; add", "  > debate: {}:7:12: users: live: the"),
        ("  > debate: users: live could not be made", "  > debate: {}:5:11: users: live could not"),
        ("overlay: failed\n  > debate: locale: none; its", "overlay: failed\n  > debate: {}:9:9: locale: none; its"),
        ("  > debate: hook x.sh: failed with exit status 3", "  > debate: hook x.sh: failed with exit status 3"),
        ("  > debate: timezone: the system has no X; it", "  > debate: timezone: the system has no X; it"),
        ("users and packages: not at the start", "users and packages: not at the start"),
    ],
)
def test_placed(tmp_path: Path, said: str, told: str) -> None:
    (tmp_path / "x.yaml").write_text(TEXT)
    root = profile.load(tmp_path, "x").root
    file = root.position.file
    assert places.placed(said, root).startswith(told.format(file))
