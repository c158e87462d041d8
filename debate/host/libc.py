"""The C library, for system calls that Python has no functions for."""

from __future__ import annotations

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """``result`` of a function of `libc`, unless it is negative. Raises OSError, which names ``what`` was called."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
