"""Files to lock: no other user can hold a lock that a build waits for."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from debate.cache.store import Store
from debate.host.locks import lock_file

NOBODY = 65534
KEY = "a" * 64
HOLD = ("sh", "-c", "echo held; read _")


def announced(store: Store) -> None:
    store.announce(store.root / "build")


def locked(store: Store) -> None:
    with store.locked(KEY):
        pass


def removing(store: Store) -> None:
    with store.removing(shared=True):
        pass
    with store.removing():
        pass


def collecting(store: Store) -> None:
    with store.alone("collecting") as alone:
        assert alone


def downloading(store: Store) -> None:
    from debate.artifact import Artifact

    with store.incoming(Artifact(f"sha256:{KEY}", 5)) as file:
        assert file is not None


def working(store: Store) -> None:
    with store.workspace("1-1-1-x") as directory:
        assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700


USES: dict[str, Callable[[Store], None]] = {
    "a key": locked, "objects": removing, "a collector": collecting, "a builder": announced, "a download": downloading,
    "a workspace": working,
}  # fmt: skip


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Yields True if another user could lock the file or directory."""
    with subprocess.Popen(
        ["flock", str(path), *HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        user=NOBODY, group=NOBODY, extra_groups=[], text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        yield process.stdout.readline() == "held\n"
        process.communicate()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_mode & 0o001 == 0:
            path.chmod(path.stat().st_mode | 0o011)
    old = os.umask(0)
    yield Store(tmp_path / "cache")
    os.umask(old)


@pytest.mark.parametrize("name", USES)
def test_other_users_can_lock_nothing_that_is_waited_for(store: Store, name: str) -> None:
    """Whatever the umask is."""
    USES[name](store)
    for path in list(store.root.rglob("*")):
        if path.is_file() and path.parent.name in ("locks", "running", "incoming"):
            with held(path) as could:
                assert not could, path
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
    USES[name](store)


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640, 0o660])
def test_one_that_another_user_has_locked_is_replaced(store: Store, mode: int) -> None:
    """It may be of an older version, which made such files, or the user's own."""
    store.root.mkdir()
    path = store.root / "lock"
    path.touch()
    os.chown(path, 0, NOBODY)
    path.chmod(mode)
    with held(path) as could:
        assert could
        with lock_file(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
            with lock_file(path) as again, pytest.raises(BlockingIOError):
                fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


LEASE = f"open F, '+<', shift; fcntl(F, {fcntl.F_SETLEASE}, {fcntl.F_WRLCK}) or die; $| = 1; print qq(held\\n); <STDIN>"
OTHERS: dict[str, tuple[Callable[[Path], list[str]], int]] = {
    "a lock": (lambda path: ["flock", str(path), *HOLD], 0o600),
    "a lease": (lambda path: ["perl", "-e", LEASE, str(path)], 0o600),
    "a lease that shows": (lambda path: ["perl", "-e", LEASE, str(path)], 0o644),
}
"""What another user holds -> how, and the mode of their file."""


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_user_is_replaced(store: Store, name: str) -> None:
    """They may have put it there while they could write to the directory, as to one that is sticky."""
    hold, mode = OTHERS[name]
    store.root.mkdir()
    path = store.root / "lock"
    path.touch()
    os.chown(path, NOBODY, NOBODY)
    path.chmod(mode)
    with subprocess.Popen(
        hold(path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=NOBODY, group=NOBODY, extra_groups=[], text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with lock_file(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert (os.fstat(file.fileno()).st_uid, path.stat().st_uid) == (0, 0)
        process.communicate()


def test_a_file_with_another_name_is_replaced(store: Store, tmp_path: Path) -> None:
    """Where the kernel lets everyone link it, it may be the lock of another program of root's, such as cron's."""
    store.root.mkdir()
    path, other = store.root / "lock", tmp_path / "crond.pid"
    other.touch(0o600)
    with open(other, "rb") as held_elsewhere:
        fcntl.flock(held_elsewhere, fcntl.LOCK_EX)
        os.link(other, path)
        with lock_file(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert other.exists()


@pytest.mark.parametrize("owner", [0, NOBODY])
def test_only_our_own_builders_keep_what_is_old(store: Store, owner: int) -> None:
    store.announce(store.root / "build")
    [path] = (store.root / "running").iterdir()
    os.chown(path, owner, owner)
    assert (store.oldest_builder() == float("inf")) == (owner == NOBODY)


@pytest.mark.parametrize("kind", ["directory", "link", "pipe", "dangling"])
def test_what_is_no_file_is_replaced(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "lock", tmp_path / "other"
    other.touch()
    make: dict[str, Callable[[], None]] = {
        "directory": path.mkdir, "link": lambda: path.symlink_to(other), "pipe": lambda: os.mkfifo(path),
        "dangling": lambda: path.symlink_to("gone"),
    }  # fmt: skip
    make[kind]()
    with lock_file(path) as file:
        assert os.path.samestat(os.fstat(file.fileno()), os.lstat(path))
    assert not (tmp_path / "gone").exists()
