"""What is written to a scratch file system on a disk arrives there, or the step fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from debate import PACKAGE

FULL = """
import sys
from pathlib import Path
from debate.sandbox import mounts
small, scratch = Path(sys.argv[1], "small"), Path(sys.argv[1], "scratch")
small.mkdir(); scratch.mkdir()
mounts.tmpfs(small, size=int(sys.argv[2]), inodes=100)
mounts.disk(scratch, size=64 << 20, inodes=1000, directory=small)
written = mounts.watched(scratch)
with open(scratch / "file", "wb") as file:
    for _ in range(24):
        file.write(bytes(range(256)) * 4096)
try:
    mounts.require_written(written)
except OSError as error:
    print("refused", error.errno)
else:
    print("written")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
@pytest.mark.parametrize(("room", "said"), [(12 << 20, "refused 5"), (48 << 20, "written")])
def test_a_disk_that_is_full_below_the_scratch_file_system(tmp_path: Path, room: int, said: str) -> None:
    """The writes themselves succeed, since the kernel writes later."""
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", FULL, str(tmp_path), str(room)],
        cwd=PACKAGE.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == said
