"""A process under the filter: it gets the name spaces that it needs once, and nothing gets any after that."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from debate.sandbox import confine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

TRIES = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for word in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        os._exit(ctypes.get_errno() if libc.unshare(int(word, 0)) else 0)
    print(os.strerror(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
"""
GRANTED, DENIED, GONE = "Success", "Operation not permitted", "Function not implemented"
USER, NET, MOUNT, TIME = 0x10000000, 0x40000000, 0x20000, 0x80


def tried(needed: int, *flags: int) -> list[str]:
    with confine.starting(needed) as enter:
        argv = [sys.executable, "-c", TRIES, *map(hex, flags)]
        return subprocess.run(argv, preexec_fn=enter, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(
    ("needed", "flags", "said"),
    [
        (USER, (USER, USER, NET, USER | MOUNT), (GRANTED, GONE, GONE, GONE)),
        (USER | NET, (USER | MOUNT, NET, USER, NET), (GRANTED, GRANTED, GONE, GONE)),
        (USER | NET, (USER | NET, USER), (GRANTED, GONE)),
        (USER, (NET, TIME, USER | NET, USER, MOUNT), (DENIED, DENIED, DENIED, GRANTED, GRANTED)),
        (USER | NET, (NET, NET, USER), (GRANTED, DENIED, GRANTED)),
        (0, (USER, MOUNT), (GONE, GRANTED)),
    ],
)
def test_each_is_granted_once(needed: int, flags: tuple[int, ...], said: tuple[str, ...]) -> None:
    assert tried(needed, *flags) == list(said)


def test_a_process_that_never_asks() -> None:
    assert tried(USER | NET) == []


def test_a_process_that_never_starts() -> None:
    with pytest.raises(FileNotFoundError), confine.starting(USER) as enter:
        subprocess.run(["/no/such/program"], preexec_fn=enter, check=False)


def test_a_process_that_is_killed_while_it_asks() -> None:
    """Nobody waits for it, and nothing is left open."""
    before = sorted(os.listdir("/proc/self/fd"))
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    for _ in range(20):
        with confine.starting(USER | NET) as enter:
            subprocess.run([sys.executable, "-S", "-c", script], preexec_fn=enter, check=False)
    assert sorted(os.listdir("/proc/self/fd")) == before
