"""Users and groups of a profile's files are merged into the system's, and compared with what it has."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

SYSTEM = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/bin/sh\n",
    "group": "root:x:0:\nwww-data:x:33:\n",
    "shadow": "root:*:1::::::\nwww-data:*:1::::::\n",
}
CASES: list[tuple[dict[str, str], list[str], str]] = [
    ({"passwd": "eve:x:1500:33::/:/bin/sh\n", "shadow": "eve:!:1::::::"}, [], "eve:x:1500:33::/:/bin/sh"),
    ({"passwd": "www-data:x:34:33::/:/bin/sh\n"}, [], "www-data:x:34:33::/:/bin/sh"),
    (
        {"passwd": "eve:x:33:33::/:/bin/sh\n"},
        ["/etc/passwd|/etc/passwd: eve has the uid 33 of www-data in the"],
        "",
    ),
    (
        {"passwd": "root:x:33:33::/:/bin/sh\n"},
        ["/etc/passwd|/etc/passwd: root has the uid 33 of www-data in the"],
        "",
    ),
    ({"group": "eve:x:33:\n"}, ["/etc/group|/etc/group: eve has the gid 33 of www-data in the system"], ""),
    ({"shadow": "eve:!:1::::::\n"}, ["/etc/shadow|/etc/shadow: eve is not in /etc/passwd of the system"], ""),
    (
        {"gshadow": "root:*::\n"},
        ["/etc/gshadow|the system has no /etc/gshadow, which the profile's /etc/gshadow n"],
        "",
    ),
    ({"group": ""}, [], ""),
    (
        {"passwd": "eve:x:1500:1500::/:/bin/sh\n", "group": "eve:x:1500:\nall:x:1501:eve,root\nroot:x:0:www-data\n"},
        [],
        "",
    ),
    (
        {"group": "all:x:1501:root,evee,www-data\n"},
        ["/etc/group|/etc/group: all has the member evee, and the system has no such user"],
        "",
    ),
    (
        {"group": "root:x:0:a,,b\n"},
        [f"/etc/group|/etc/group: root has the member {name}, and the" for name in ("b", "", "a")],
        "",
    ),
    (
        {"passwd": "eve:x:1500:1500::/:/bin/sh\n"},
        ["/etc/passwd|/etc/passwd: eve has the gid 1500, and the system has no such group"],
        "",
    ),
]


@pytest.mark.parametrize(("files", "expected", "line"), CASES)
def test_merged(tmp_path: Path, files: dict[str, str], expected: list[str], line: str) -> None:
    said = merged(tmp_path, files, SYSTEM)
    assert len(said) == len(expected)
    assert all(one.startswith(start) for one, start in zip(said, expected, strict=True)), said
    for name, text in SYSTEM.items():
        now = (tmp_path / "etc" / name).read_text()
        assert {one.partition(":")[0] for one in text.splitlines()} <= {
            one.partition(":")[0] for one in now.splitlines()
        }
        if line and name == "passwd":
            assert line in now.splitlines()


@pytest.mark.parametrize("name", ["passwd", "group", "shadow"])
@pytest.mark.parametrize("lacking", ["passwd", "group"])
def test_a_system_without_users_or_groups(tmp_path: Path, name: str, lacking: str) -> None:
    """As one that a package's script took apart: there is nothing to compare with, and that is told."""
    system = {key: text for key, text in SYSTEM.items() if key != lacking}
    [told] = merged(tmp_path, {name: SYSTEM[name]}, system)
    assert told == f"/etc/{name}|the system has no /etc/{lacking}, which the profile's /etc/{name} needs"


def merged(tmp_path: Path, files: dict[str, str], system: dict[str, str]) -> list[str]:
    """What is told of the profile's ``files`` in a system with others."""
    (tmp_path / "etc").mkdir()
    for name, text in system.items():
        (tmp_path / "etc" / name).write_text(text)
    with tarfile.open(tmp_path / "tree.tar", "w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"etc/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    script = (ROOT / "sandbox" / "databases.sh").read_text().replace("/run/in", str(tmp_path))
    script = script.replace("/run/work", f"{tmp_path}/work").replace('"/$', f'"{tmp_path}/$')
    script += """
        problem() { printf '%s|%s\\n' "$2" "$3"; told=1; }
        stop_on_problems() { [ -z "${told-}" ] || exit 0; }
        merge_databases
        compare_databases
    """
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.replace(str(tmp_path), "").splitlines()
