"""The mounts of a sandbox, made with system calls.

All mounts are made in a private mount namespace of the calling process, so none is left when that process ends, however
it ends. Id-mapping uses mount_setattr(2) directly, since util-linux supports it only from 2.39 on, which Debian 12 does
not have.

Sources: mount(2), mount_setattr(2), open_tree(2), user_namespaces(7) and
Documentation/filesystems/{overlayfs,idmappings}.rst of Linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from debate.host.libc import checked, libc
from debate.host.run import die_with_parent

RANGE = 65536
"""Number of user ids in a sandbox."""

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT = 1, 2, 4, 32
_MNT_DETACH = 2
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_IDMAP = 0x1, 0x00100000
# Numbers given out since Linux 5.1 are the same on every architecture.
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442


class _MountAttr(ctypes.Structure):
    _fields_ = [
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


def private_mounts() -> None:
    """Move this process to a new mount namespace."""
    checked(libc.unshare(_CLONE_NEWNS), "unshare")
    mount("none", "/", "", _MS_REC | _MS_PRIVATE)


def private_namespaces() -> int:
    """Fork a child in new mount and PID namespaces; returns its id, or 0 in the child.

    The child is the first process of its PID namespace. When it dies, which it does with its parent, the kernel kills
    all other processes in there, and so their mounts and loop devices are released. nspawn alone does not ensure that.
    """
    private_mounts()
    checked(libc.unshare(_CLONE_NEWPID), "unshare")
    child = os.fork()
    if child == 0:
        die_with_parent()
        mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV)
    return child


def mount(source: str, target: str | Path, kind: str, flags: int = 0, data: str = "") -> None:
    """Call mount(2). Raises OSError, which names the target."""
    words = (os.fsencode(source), os.fsencode(target), os.fsencode(kind))
    result = libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(data))
    checked(result, f"mount {kind or source} on {target}")


def unmount(target: Path) -> None:
    """Take away the mount on ``target``. What still uses it, such as a dying process, keeps it to itself."""
    checked(libc.umount2(os.fsencode(target), _MNT_DETACH), f"unmount {target}")


def tmpfs(target: Path, *, size: int, inodes: int) -> None:
    """Mount an empty tmpfs of at most ``size`` bytes and ``inodes`` files."""
    mount("tmpfs", target, "tmpfs", _MS_NODEV, f"size={size},nr_inodes={inodes},mode=0755")


def disk(target: Path, *, size: int, inodes: int, directory: Path) -> None:
    """Mount an empty ext4 of ``size`` bytes in an unlinked sparse file in ``directory``.

    For machines with too little memory for a tmpfs. The file is unlinked once it is mounted, so the kernel frees it
    with the mount.
    """
    image = directory / "scratch.ext4"
    with image.open("wb") as file:
        file.truncate(size)
    options = ["-O", "^has_journal", "-E", "lazy_itable_init=1,root_owner=0:0", "-m", "0", "-N", str(inodes)]
    _run(["mkfs.ext4", "-q", "-F", *options, str(image)])
    _run(["mount", "-o", "loop,nodev,noatime", str(image), str(target)])
    image.unlink()


def watched(target: Path) -> int:
    """A descriptor of what is mounted at ``target``, by which `require_written` learns what has failed since."""
    return os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def require_written(descriptor: int) -> None:
    """Raises OSError if the file system has lost something that was written to it since `watched`; see syncfs(2).

    A full disk below a sparse file shows only when the kernel writes to it, and nothing in a sandbox waits for that.
    """
    checked(libc.syncfs(descriptor), "syncfs")


def squashfs(image: Path, target: Path) -> None:
    """Mount a squashfs read-only through a loop device that is released with the mount."""
    _run(["mount", "-t", "squashfs", "-o", "loop,ro,nodev", str(image), str(target)])


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise OSError(f"{' '.join(argv)}: {said or f'exit status {done.returncode}'}")


def overlay(options: str, target: Path, *, directory: Path) -> None:
    """Mount an overlay with mount ``options``, which name its layers; see `debate.sandbox.image.overlayfs`.

    All paths are relative to ``directory``. So its own path can be long and have characters that separate options, and
    /proc/self/mountinfo of a sandbox does not show it.
    """
    with contextlib.chdir(directory):
        mount("overlay", target, "overlay", _MS_NODEV, options)


def bind(source: Path, target: Path) -> None:
    """Bind-mount ``source`` at ``target``, read-only."""
    mount(str(source), target, "", _MS_BIND)
    mount("none", target, "", _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NODEV | _MS_NOSUID)


@contextmanager
def _user_namespace(first: int) -> Iterator[int]:
    """A file descriptor of a user namespace that maps the ids 0 … 65535 to ``first`` … ``first + 65535``."""
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ready)
            ok = libc.unshare(_CLONE_NEWUSER) == 0
            os.write(go, b"y" if ok else b"n")
            signal.pause()
        finally:
            os._exit(1)
    try:
        os.close(go)
        if os.read(ready, 1) != b"y":
            raise OSError("this kernel permits no user namespaces")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text(f"0 {first} {RANGE}\n")
        namespace = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield namespace
        finally:
            os.close(namespace)
    finally:
        os.close(ready)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def shift(first: int, targets: Sequence[Path], *, read_only: bool = True) -> None:
    """Id-map the mounts at ``targets`` in place, so that user 0 on disk appears as ``first``.

    Needs Linux 5.12, and 6.2 for squashfs.
    """
    with _user_namespace(first) as namespace:
        for target in targets:
            tree = checked(
                libc.syscall(
                    _SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(target),
                    _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC,
                ),
                f"open_tree {target}",
            )  # fmt: skip
            set_ = _MOUNT_ATTR_IDMAP | (_MOUNT_ATTR_RDONLY if read_only else 0)
            attributes = _MountAttr(set_, 0, 0, namespace)
            try:
                checked(
                    libc.syscall(
                        _SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH,
                        ctypes.byref(attributes), ctypes.sizeof(attributes),
                    ),
                    f"id-mapping {target} (squashfs needs Linux 6.2)",
                )  # fmt: skip
                checked(
                    libc.syscall(
                        _SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target),
                        _MOVE_MOUNT_F_EMPTY_PATH,
                    ),
                    f"move_mount {target}",
                )  # fmt: skip
            finally:
                os.close(tree)
