"""The filter of system calls, for every argument, on both tables of calls."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as some

from debate.sandbox.image import calls

NATIVE, I386 = 0xC000003E, 0x40000003
ALLOWED, ASKED = "allowed", "asked"
WORDS = some.integers(0, 2**64 - 1)
SYNCING = ("fsync", "fdatasync", "sync", "syncfs", "sync_file_range")
NAMES = ("clone", "unshare", "clone3", "socket", "socketpair", "ioctl", "personality", *SYNCING)
CALLS = {
    NATIVE: dict(zip(NAMES, (56, 272, 435, 41, 53, 16, 135, 74, 75, 162, 306, 277), strict=True)),
    I386: dict(zip(NAMES, (120, 310, 435, 359, 360, 54, 136, 118, 148, 36, 344, 314), strict=True)),
}
"""From asm/unistd_64.h and asm/unistd_32.h."""
BOTH = pytest.mark.parametrize("machine", [NATIVE, I386])


def verdict(machine: int, number: int, *arguments: int) -> str | int:
    """What the filter says, as Documentation/networking/filter.rst has its instructions: a word, or an error."""
    data = struct.pack("=iIQ6Q", number - 2**32 if number >= 2**31 else number, machine, 0, *[*arguments, *[0] * 6][:6])
    program = list(struct.iter_unpack("=HBBI", calls.program()))
    value, at = 0, 0
    while True:
        code, true, false, operand = program[at]
        at += 1
        if code == 0x20:
            value = struct.unpack_from("=I", data, operand)[0]
        elif code == 0x54:
            value &= operand
        elif code == 0x06:
            if operand & 0xFFFF0000 == 0x50000:
                return operand & 0xFFFF
            return {0x7FFF0000: ALLOWED, 0x7FC00000: ASKED}[operand]
        else:
            holds = {0x15: value == operand, 0x35: value >= operand, 0x45: value & operand != 0}[code]
            at += true if holds else false


@BOTH
@given(flags=WORDS)
def test_no_user_or_network_namespace_without_being_asked(machine: int, flags: int) -> None:
    wanted = ASKED if flags & 0x50000080 else ALLOWED
    for name in ("clone", "unshare"):
        assert verdict(machine, CALLS[machine][name], flags) == wanted
    assert verdict(machine, CALLS[machine]["clone3"], flags) == errno.ENOSYS


@BOTH
@given(
    family=WORDS | some.sampled_from([1, 2, 10, 16, 17, 38, 40]),
    kind=WORDS | some.integers(0, 15),
    protocol=WORDS | some.integers(0, 300),
)
def test_sockets_of_few_kinds_alone(machine: int, family: int, kind: int, protocol: int) -> None:
    # The kernel looks at the lower half only, and at flags in the type.
    low, bare, last = family & 0xFFFFFFFF, kind & 0xF, protocol & 0xFFFFFFFF
    wanted = (
        low == 1 or (low == 16 and last == 0) or (low in (2, 10) and bare in (1, 2, 3) and last in (0, 1, 6, 17, 58))
    )
    for name in ("socket", "socketpair"):
        said = verdict(machine, CALLS[machine][name], family, kind, protocol)
        assert said == (ALLOWED if wanted else errno.EAFNOSUPPORT)


@BOTH
@given(low=some.sampled_from([0x5412, 0x541C, 0x541D]) | some.integers(0, 2**32 - 1), high=some.integers(0, 2**32 - 1))
def test_nobody_types_into_a_terminal(machine: int, low: int, high: int) -> None:
    request = high << 32 | low
    wanted = errno.EPERM if request & 0xFFFFFFFF in (0x5412, 0x541C, 0x541D) else ALLOWED
    assert verdict(machine, CALLS[machine]["ioctl"], 0, request) == wanted


@BOTH
@given(persona=WORDS)
def test_a_personality_that_weakens_a_process_is_refused(machine: int, persona: int) -> None:
    if persona & 0xFFFFFFFF not in (0xFFFFFFFF, 0, 8, 0x20000, 0x20008, 0x40000, 0x40008):
        assert verdict(machine, CALLS[machine]["personality"], persona) == errno.EPERM
    assert verdict(machine, CALLS[machine]["personality"], 0xFFFFFFFF) == ALLOWED


@BOTH
@given(arguments=some.lists(WORDS, max_size=6))
def test_nothing_waits_for_a_disk(machine: int, arguments: list[int]) -> None:
    for name in SYNCING:
        assert verdict(machine, CALLS[machine][name], *arguments) == 0


@given(number=some.integers(0, 500), machine=some.integers(0, 2**32 - 1), arguments=some.lists(WORDS, max_size=6))
def test_other_tables_of_calls_do_not_exist(number: int, machine: int, arguments: list[int]) -> None:
    assert verdict(NATIVE, number | 0x40000000, *arguments) == errno.ENOSYS  # x32
    if machine not in (NATIVE, I386):
        assert verdict(machine, number, *arguments) == errno.ENOSYS
    assert verdict(I386, 102, *arguments) == errno.ENOSYS  # socketcall(2), whose arguments are in memory


@given(number=some.integers(0, 460), arguments=some.lists(WORDS, max_size=6))
def test_all_else_is_left_to_the_names(number: int, arguments: list[int]) -> None:
    if number not in CALLS[NATIVE].values():
        assert verdict(NATIVE, number, *arguments) == ALLOWED
