"""Text for whoever reads this process's output."""

from __future__ import annotations

import os
from typing import TextIO


def show(stream: TextIO, text: str) -> None:
    """Write ``text`` at once. When the reader of a pipe has gone, everything from then on goes to /dev/null.

    A build does not stop because somebody who looked at its output, such as head(1), has seen enough.
    """
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
