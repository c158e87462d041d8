"""The system calls whose arguments decide if they are allowed, as a seccomp filter.

systemd-nspawn filters by name only (`debate.sandbox.rights`). This filter is set before nspawn starts, so nspawn itself
runs under it, too: what is denied here, nspawn does not need. It needs new user and network namespaces once; these
calls are passed to whoever set the filter (`debate.sandbox.confine`).

Calls that wait until files are on a disk do nothing here, and say that they did. What a sandbox leaves is copied out
and only then synced; until then nothing would survive a crash anyway. dpkg alone makes several of them for each file.

Sources: seccomp(2), clone(2), fsync(2), socket(2), personality(2), Documentation/userspace-api/seccomp_filter.rst and
arch/x86/entry/syscalls/*.tbl of Linux.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass

NEW_TIME, NEW_USER, NEW_NET = 0x80, 0x1000_0000, 0x4000_0000
ASKED = NEW_TIME | NEW_USER | NEW_NET
"""Flags of clone(2) and unshare(2), for which the one who set the filter is asked."""

_ALLOW, _ASK, _ERRNO = 0x7FFF_0000, 0x7FC0_0000, 0x0005_0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06

_NR, _ARCH, _ARGUMENTS = 0, 4, 16
"""Offsets in struct seccomp_data. Of an argument, the first four bytes are read, since all of these are ints."""
_X32 = 0x4000_0000
"""Set in the number of a call of the x32 ABI, which no distribution uses."""

_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_TYPE = 0xF
_TYPES = (1, 2, 3)
"""Stream, datagram, raw. The kernel denies raw sockets for lack of a capability; others would load modules."""
_PROTOCOLS = (0, 1, 6, 17, 58)
"""Default, ICMP, TCP, UDP, ICMPv6."""
_PERSONALITIES = (0, 0x0008, 0x2_0000, 0x2_0008, 0x4_0000, 0x4_0008, 0xFFFF_FFFF)
"""Linux and 32-bit Linux, also reported as version 2.6 or without random addresses; and the question which it is."""
_TERMINAL = (0x5412, 0x541C, 0x541D)
"""ioctls that act as a terminal's user: TIOCSTI, TIOCLINUX, TIOCCONS."""


@dataclass(frozen=True)
class _Machine:
    """An architecture, and its numbers of the calls."""

    audit: int
    clone: int
    unshare: int
    socket: int
    socketpair: int
    ioctl: int
    personality: int
    absent: tuple[int, ...]
    """Calls that fail as on a kernel without them: clone3 and socketcall, whose arguments are in memory."""
    idle: tuple[int, ...]
    """Calls that do nothing: fsync, fdatasync, sync, syncfs, sync_file_range. msync is used to ask what is mapped."""


_MACHINES = (
    _Machine(0xC000_003E, 56, 272, 41, 53, 16, 135, (435,), (74, 75, 162, 306, 277)),
    # i386, for programs of multilib packages
    _Machine(0x4000_0003, 120, 310, 359, 360, 54, 136, (435, 102), (118, 148, 36, 344, 314)),
)

_Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


def _load(offset: int) -> _Instruction:
    return _LOAD, 0, 0, offset


def _argument(number: int) -> _Instruction:
    return _load(_ARGUMENTS + 8 * number)


def _return(value: int) -> _Instruction:
    return _RETURN, 0, 0, value


def _fail(number: int) -> _Instruction:
    return _return(_ERRNO | number)


def _if(code: int, operand: int, then: Sequence[_Instruction]) -> list[_Instruction]:
    """Run ``then`` if the accumulator compares with ``operand`` as ``code`` says, else what follows."""
    return [(code, 0, len(then), operand), *then]


def _unless_in(values: Sequence[int], then: Sequence[_Instruction]) -> list[_Instruction]:
    """Run ``then`` unless the accumulator is one of ``values``."""
    count = len(values)
    return [*((_EQUAL, count - 1 - n + len(then), 0, value) for n, value in enumerate(values)), *then]


def _namespaces() -> list[_Instruction]:
    return [_argument(0), *_if(_ANY_BIT, ASKED, [_return(_ASK)]), _return(_ALLOW)]


def _sockets() -> list[_Instruction]:
    refused = [_fail(errno.EAFNOSUPPORT)]
    return [
        _argument(0),
        *_if(_EQUAL, _UNIX, [_return(_ALLOW)]),
        *_if(_EQUAL, _NETLINK, [_argument(2), *_if(_EQUAL, _NETLINK_ROUTE, [_return(_ALLOW)]), *refused]),
        *_unless_in((_INET, _INET6), refused),
        _argument(1),
        (_AND, 0, 0, _TYPE),
        *_unless_in(_TYPES, refused),
        _argument(2),
        *_unless_in(_PROTOCOLS, refused),
        _return(_ALLOW),
    ]


def _machine(machine: _Machine) -> list[_Instruction]:
    rules = {
        machine.clone: _namespaces(),
        machine.unshare: _namespaces(),
        machine.socket: _sockets(),
        machine.socketpair: _sockets(),
        machine.ioctl: [_argument(1), *_unless_in(_TERMINAL, [_return(_ALLOW)]), _fail(errno.EPERM)],
        machine.personality: [_argument(0), *_unless_in(_PERSONALITIES, [_fail(errno.EPERM)]), _return(_ALLOW)],
        **{number: [_fail(errno.ENOSYS)] for number in machine.absent},
        **{number: [_fail(0)] for number in machine.idle},
    }
    program = [_load(_NR), *_if(_AT_LEAST, _X32, [_fail(errno.ENOSYS)])]
    for number, then in rules.items():
        program += _if(_EQUAL, number, then)
    return [*program, _return(_ALLOW)]


def program() -> bytes:
    """The filter, as an array of struct sock_filter."""
    instructions = [_load(_ARCH)]
    for machine in _MACHINES:
        instructions += _if(_EQUAL, machine.audit, _machine(machine))
    instructions.append(_fail(errno.ENOSYS))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
