"""Starts systemd-nspawn under the filter of `debate.sandbox.image.calls`.

nspawn makes one user namespace, and one network namespace if it is to. These two calls are allowed, once each, before
anything of a sandbox can run. Then nobody is left to ask, and the kernel denies all further ones (ENOSYS).

Sources: seccomp(2), seccomp_unotify(2).
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from debate.host.libc import checked, libc
from debate.host.run import die_with_parent
from debate.sandbox.image import calls

_SYS_SECCOMP = 317
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_RECEIVE, _SEND = 0xC050_2100, 0xC018_2101
_REQUEST, _FLAGS_AT, _REQUEST_SIZE = "=Q", 32, 80
"""struct seccomp_notif: its id, and the offset of the call's first argument."""
_ANSWER = "=QqiI"
_CONTINUE = 1


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


@contextlib.contextmanager
def starting(needed: int) -> Iterator[Callable[[], None]]:
    """A function for ``preexec_fn`` that confines the process and ends it with its parent.

    ``needed``: flags of new namespaces, each of which may be used once. Use one context per process.
    """
    program = calls.program()
    ours, theirs = socket.socketpair()

    def enter() -> None:
        die_with_parent()
        socket.send_fds(theirs, [b"\0"], [_set(program)])

    granting = threading.Thread(target=_grant, args=(ours, needed))
    granting.start()
    try:
        yield enter
    finally:
        theirs.close()  # Ends the thread if no process came so far.
        granting.join()
        ours.close()


def _set(program: bytes) -> int:
    """Put this process, which is root, under the filter for ever. Returns the listener. Raises OSError."""
    given = _Program(len(program) // 8, program)
    return checked(libc.syscall(_SYS_SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(given)), "seccomp")


def _grant(ours: socket.socket, needed: int) -> None:
    """Answer the calls until each of ``needed`` was made, or until nobody is left to call."""
    _, found, *_ = socket.recv_fds(ours, 1, 1)
    if not found:
        return
    listener = found[0]
    try:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while needed and poll.poll()[0][1] & select.POLLIN:
            request = array.array("B", bytes(_REQUEST_SIZE))
            with contextlib.suppress(FileNotFoundError):  # The caller was killed.
                fcntl.ioctl(listener, _RECEIVE, request)
                wanted = struct.unpack_from("=I", request, _FLAGS_AT)[0] & calls.ASKED
                granted = wanted & ~needed == 0
                verdict = (0, _CONTINUE) if granted else (-errno.EPERM, 0)
                identity = struct.unpack_from(_REQUEST, request)[0]
                fcntl.ioctl(listener, _SEND, struct.pack(_ANSWER, identity, 0, *verdict))
                if granted:
                    needed &= ~wanted
    finally:
        os.close(listener)
