"""Runs the integration tests in two halves, side by side: python -m tests.halves

Most of them wait for one processor: for a guest that is emulated, or for apt. One half has all that boot guests, so
two of these never run at once. Each has processes, mounts, control groups and a temporary directory of its own, since
tests look for what a sandbox leaves behind on the machine.

That works where a sandbox's control groups are below its builder's: with version 1, and without systemd. Elsewhere, and
on one processor, all run in one process, one after the other. The exit status is pytest's, the higher one of two.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from debate.sandbox import limits
from tests.conftest import ROOT

GUESTS = (
    "arch",
    "arch_mirror",
    "boot",
    "desktop",
    "documents",
    "every_field",
    "guest",
    "menu",
    "netboot",
    "releases",
    "run",
    "secure_boot",
    "setup",
    "verify",
)
"""Names of the files whose tests boot guests, and of one that takes as long."""
_HALVES = ("guests", "others")
_ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c")
_SCRIPT = 'mkdir -p /run/systemd/nspawn && mount -t tmpfs tmpfs /run/systemd/nspawn && "$@"; exit $?'
"""The shell, as the first process, waits for those that lose their parent."""


def arguments(half: str) -> list[str]:
    """Words by which pytest collects one half: all, without the files of the other. What a machine lacks stays out."""
    every = sorted(path.relative_to(ROOT) for path in (ROOT / "tests/integration").glob("test_*.py"))
    left = [path for path in every if (path.stem.removeprefix("test_") in GUESTS) != (half == "guests")]
    return ["tests/integration", *(f"--ignore={path}" for path in left)]


def main(options: Sequence[str]) -> int:
    """Run all, with ``options`` for pytest. Returns the exit status."""
    pytest = (sys.executable, "-m", "pytest", *options)
    if os.geteuid() != 0 or os.cpu_count() == 1 or limits.kind() != "cgroup v1":
        return subprocess.run([*pytest, "tests/integration"], cwd=ROOT, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="debate-tests-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # Some tests let another user in.
        running: list[_Half] = []
        try:
            for half in _HALVES:
                running.append(_Half(half, Path(name, half), pytest))
        finally:
            statuses = [half.status() for half in running]
        return max(statuses)


class _Half:
    """One of the two, which runs as soon as it is made."""

    def __init__(self, name: str, temporary: Path, pytest: Sequence[str]) -> None:
        temporary.mkdir(mode=0o755)
        self._groups = [path / f"tests-{os.getpid()}-{name}" for path in limits.version_1_groups().values()]
        for group in self._groups:
            group.mkdir()
        self._process = subprocess.Popen(
            [*_ALONE, _SCRIPT, name, *pytest, *arguments(name)], cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", preexec_fn=self._enter,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._tell)
        self._reader.start()

    def _enter(self) -> None:
        for group in self._groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    def _tell(self) -> None:
        """Lines as they come, so those of the two do not mix within one."""
        assert self._process.stdout
        for line in self._process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()

    def status(self) -> int:
        """Wait for the end."""
        self._reader.join()
        status = self._process.wait()
        for group in self._groups:
            try:
                group.rmdir()
            except OSError as error:
                sys.stderr.write(f"{group}: {error.strerror}, so it is left\n")
        return abs(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
