"""What takes the space, as space.pl counts it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from debate import keys
from debate.artifact import Artifact
from debate.cache.store import Store
from debate.errors import DebateError
from debate.steps import space
from tests.conftest import ROOT, write_files

BLOCK = 1 << 20


@pytest.fixture
def system(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


def measured(root: Path) -> tuple[dict[str, dict[str, int]], bytes]:
    """Kind -> name -> bytes, and the sample, by the commands of space.sh."""
    script = (ROOT / "sandbox" / "space.sh").read_text()
    begin, end = script.index("find . -xdev"), script.index("perl ")
    work = root.parent
    text = f"export LC_ALL=C work='{work}'\n{script[begin:end]}"
    subprocess.run(["sh", "-euc", text], cwd=root, check=True)
    argv = ["perl", str(ROOT / "sandbox" / "space.pl"), *(str(work / name) for name in ("files", "lists", "sample"))]
    said = subprocess.run(argv, cwd=root, check=True, capture_output=True).stdout.decode()
    found: dict[str, dict[str, int]] = {}
    for line in said.splitlines():
        kind, size, name = line.split("\t")
        found.setdefault(kind, {})[name] = int(size)
    return found, (work / "sample").read_bytes()


def test_packages_of_debian(system: Path) -> None:
    """Also those from before the merge of /usr, and others with an architecture in their list's name."""
    write_files(system, {
        "usr/bin/one": "1" * 1000, "usr/lib/two": "2" * 2000, "etc/own": "3" * 300,
        "var/lib/dpkg/info/one.list": "/.\n/usr\n/usr/bin\n/bin/one\n",
        "var/lib/dpkg/info/lib2:amd64.list": "/lib/two\n",
    })  # fmt: skip
    for name in ("bin", "lib"):
        (system / name).symlink_to(f"usr/{name}")
    found, sample = measured(system)
    lists = sum(path.stat().st_size for path in (system / "var/lib/dpkg/info").iterdir())
    assert found["package"] == {"one": 1000, "lib2": 2000, space.NOBODY: 300 + lists}
    assert found["directory"]["usr"] == 3000
    assert found["directory"]["usr/bin"] == 1000
    assert found["directory"]["etc"] == 300
    assert found["total"] == {"-": 3300 + lists}
    assert found["sample"] == {"-": len(sample)} == {"-": 3300 + lists}, "a small system is its own sample"


def test_packages_of_arch(system: Path) -> None:
    write_files(system, {
        "usr/bin/one": "1" * 10, "var/lib/pacman/local/one-two-1:2.0-1/files": "%FILES%\nusr/\nusr/bin/\nusr/bin/one\n",
    })  # fmt: skip
    assert measured(system)[0]["package"]["one-two"] == 10


def test_links_and_holes_and_names(system: Path) -> None:
    """A file with several names counts once; a name is text on one line, whatever is in it."""
    write_files(system, {"a": "x" * 100, "d\n\x1b\u00e9/b": "y" * 100})
    os.link(system / "a", system / "c")
    (system / "l").symlink_to("/dev/zero")
    os.mkfifo(system / "p")
    found, sample = measured(system)
    assert found["total"] == {"-": 200}
    assert found["directory"] == {"d????": 100}
    assert sample == b"x" * 100 + b"y" * 100


def test_a_sample_is_of_blocks_from_all_over(system: Path) -> None:
    """Each from where squashfs begins one, and filled with what follows."""
    for number in range(64):
        (system / f"{number:02}").write_bytes(bytes([number]) * (2 * BLOCK))
    (system / "99").write_bytes(b"\xff" * 100)
    found, sample = measured(system)
    assert found["sample"] == {"-": len(sample)} == {"-": 32 * BLOCK}
    blocks = [sample[at : at + BLOCK] for at in range(0, len(sample), BLOCK)]
    assert all(len(set(block)) == 1 for block in blocks), "no block is of two files that are larger than one"
    assert [block[0] for block in blocks] == sorted({block[0] for block in blocks}), "of a file each"
    assert blocks[-1][0] > 60


def test_files_of_nothing(system: Path) -> None:
    (system / "empty").touch()
    found, sample = measured(system)
    assert found == {"total": {"-": 0}, "sample": {"-": 0}}
    assert sample == b""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "total\t1\t-\nx\t1\ty\n",
        "package\t-1\tx\n",
        "package\t1\t\x1b\n",
        "package\t1\n",
        "total\t9999999999999999\t-\n",
        "package\t1\tx\n",
        "total\t1\t-\npacked\t1\txz\n",
        "total\t1\t-\npacked\t0\tnow\n",
    ],
)
def test_what_is_not_believed(text: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    with pytest.raises(DebateError, match="list of what takes space"):
        space.read(store, store.put(text.encode()))


def test_what_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    text = "total\t9\t-\nsample\t4\t-\npackage\t3\ta b\npackage\t6\tb\ndirectory\t9\tusr\npacked\t2\tnow\n"
    found = space.read(store, store.put(text.encode()))
    assert (found.total, found.sample) == (9, 4)
    assert list(found.packages) == ["b", "a b"]
    assert (found.directories, found.packed) == ({"usr": 9}, {"now": 2})


def test_each_compression_is_one_that_a_profile_can_have() -> None:
    artifact = Artifact(keys.sha256(b""), 0)
    step = space.step(("-comp", "zstd", "-b", "1M", "-Xcompression-level", "9"), (artifact,), artifact)
    lines = step.parameters["compressions"].decode().splitlines()
    assert lines[0] == "now\t-comp\tzstd\t-b\t1M\t-Xcompression-level\t9"
    assert "lz4\t-comp\tlz4\t-b\t1M" in lines
    assert "zstd 22\t-comp\tzstd\t-b\t1M\t-Xcompression-level\t22" in lines
