"""The door: all text for people leaves this process here, and is cleaned here.

`install` puts a `Door` in the place of standard output and standard error, so what doit, a task of the user's own, or a
traceback prints goes through it, too. Whoever writes hands over text, and does not have to know whose it is. Only the
door adds what a terminal or a CI system obeys: colours, and the commands of `debate.frontend.ci`.

Three things do not pass it: JSON lines, in which JSON does the same (`debate.frontend.json_lines`), the summary for
GitHub, in which Markdown does (`debate.frontend.summary`), and the shell of `doit shell`, to which the user has handed
the terminal.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from debate.frontend import ci
from debate.text.printable import inert, printable, printable_lines, shortened

_CODES = {"red": "31", "green": "32", "dim": "2"}
_ERRORS = 2
"""The file descriptor of standard error."""
_INCOMPLETE = 2
"""The exit status if output was lost."""
_REMEMBERED = 100
"""Characters of an unfinished line that decide whether what follows is a command."""
_AT_ONCE = 1000
"""Lines of a section that are made and written together."""


class Stream(io.TextIOBase):
    """A stream that several threads write to, as it is.

    When the reader of a pipe has gone, everything from then on goes to /dev/null: a build does not stop because
    somebody who looked at its output, such as head(1), has seen enough. The same holds if the output is full or closed,
    but that is said when the process ends, and is its exit status. After `end`, too, what is written goes nowhere.
    """

    def __init__(self, inner: TextIO) -> None:
        super().__init__()
        self.inner = inner
        self._lock = threading.RLock()  # A signal's handler writes, too. No other lock is taken while it is held.
        self._over = False

    def write(self, text: str) -> int:
        self._do(lambda: self.inner.write(text))
        return len(text)

    def flush(self) -> None:
        self._do(self.inner.flush)

    def show(self, text: str) -> None:
        """Write ``text`` immediately."""
        self.write(text)
        self.flush()

    def end(self) -> None:
        """Write nothing more.

        doit leaves its threads running when a run breaks off. Python ends with a fatal error if one of them is writing
        to a standard stream while the interpreter shuts down, so this waits for a write that has begun, and later ones
        do nothing.
        """
        with self._lock:
            self.flush()
            self._over = True

    def _do(self, action: Callable[[], object]) -> None:
        if self._over:  # Without the lock: its holder may be a thread that the shutdown has stopped.
            return
        with self._lock:
            if self._over:
                return
            try:
                action()
            except OSError as error:
                if not isinstance(error, BrokenPipeError) and self.inner.fileno() != _ERRORS:
                    _lost.append(error)
                nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
                os.dup2(nothing, self.inner.fileno())
                os.close(nothing)

    def close(self) -> None:
        """Do nothing: the inner stream is not this one's."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.inner.isatty()

    def fileno(self) -> int:
        return self.inner.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.inner.encoding


class Door(Stream):
    """A stream of text for people.

    ``write`` is for those who know a file only, and takes parts of lines. The other methods take lines, and write them
    immediately.
    """

    def __init__(self, inner: TextIO) -> None:
        super().__init__(inner)
        self.own = Stream(inner)
        """For code that draws by itself; what it draws must be cleaned before."""
        self.own._lock = self._lock
        self.above: Callable[[str, str], None] | None = None
        """While something is redrawn below: shows cleaned lines in a style above it."""
        self.asked_for_github = False
        """True if the user requested output for GitHub."""
        self._state = threading.RLock()
        """Held while a piece is cleaned and written. Taken before the lock of the stream and those of `above`."""
        self._line = ""
        """The end of the unfinished line, as it was shown, without spaces before it. ``x`` stands for a part that is
        left out."""
        self._kept = ""
        """The unfinished line, while whole lines are shown `above`."""
        self._token = ""
        """What makes GitHub accept commands again; empty while it does."""

    @property
    def github(self) -> bool:
        """True if GitHub reads the output, and accepts commands in it."""
        return self.asked_for_github or ci.on_github()

    @property
    def terminal(self) -> bool:
        """True if there are colours, and lines can be redrawn."""
        return self.isatty() and os.environ.get("TERM") != "dumb" and "CI" not in os.environ

    def write(self, text: str) -> int:
        if text and not self._over:
            with self._state:
                self._pass(self._cleaned(text))
        return len(text)

    def lines(self, *lines: str, style: str = "") -> None:
        """Write lines that cannot become more: a line break in one is replaced. GitHub accepts no commands meanwhile.

        ``style``: red, green, dim or none, for a terminal.
        """
        if not lines:
            return
        text = "\n".join(map(self._line_of, lines))
        with self._alone():
            if self.above is not None:
                self.above(text, style)
                return
            if self.github and not self._token:
                self._token = os.urandom(16).hex()
                super().write(f"{ci.stop(self._token)}\n")
            super().write(f"\x1b[{_CODES[style]}m{text}\x1b[0m\n" if style and self.terminal else f"{text}\n")
            self.flush()

    def commands(self, commands: Iterable[str]) -> None:
        """Write commands to the CI system, which `debate.frontend.ci` makes."""
        with self._alone():
            self._accept_commands()
            super().write("".join(f"{command}\n" for command in commands))
            self.flush()

    def folded(self, title: str, lines: Iterable[str]) -> None:
        """Write lines as a collapsed section of the log on GitHub or GitLab, a few at a time."""
        begin, end = ci.section(self._line_of(title), github=self.github)
        left = iter(lines)
        with self._alone():
            self.commands([begin])
            while some := tuple(itertools.islice(left, _AT_ONCE)):
                self.lines(*some)
            self.commands([end])

    def end(self) -> None:
        with self._state:
            self._accept_commands()
        super().end()
        self.own.end()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """At the start of a line, and without another thread's text in between."""
        with self._state:
            if self._line:
                self.write("\n")
            yield

    def _accept_commands(self) -> None:
        if self._token:
            super().write(f"{ci.resume(self._token)}\n")
            self._token = ""

    def _line_of(self, text: str) -> str:
        return inert(printable(shortened(text)), github=self.github)

    def _cleaned(self, text: str) -> str:
        """The next piece of text, cleaned with regard to the unfinished line that it continues."""
        shown = inert(self._line + printable_lines(text), github=self.github)
        fresh, line = shown[len(self._line) :], shown.rpartition("\n")[2].lstrip(" \t")
        self._line = line if len(line) <= _REMEMBERED else f"x{line[-_REMEMBERED:]}"
        return fresh

    def _pass(self, text: str) -> None:
        """Write cleaned text, or show its whole lines above what is redrawn."""
        text, self._kept = self._kept + text, ""
        if self.above is None:
            super().write(text)
            return
        whole, newline, self._kept = text.rpartition("\n")
        if newline:
            self.above(whole, "")


_lost: list[OSError] = []
"""Why output was not written. Standard error is not counted, since nothing could be said of it."""
_doors: list[Door] = []
"""The installed ones."""


def install() -> None:
    """Put doors in the place of standard output and standard error, until this process ends."""
    if _doors:
        return
    sys.stdout, sys.stderr = _installed(sys.stdout, 1), _installed(sys.stderr, _ERRORS)
    atexit.register(_end)


def _end() -> None:
    """Write nothing more. If output was lost, say so, and make that the exit status."""
    output, errors = _doors
    output.end()
    if not _lost:
        errors.end()
        return
    errors.lines(f"ERROR: the output is incomplete: {_lost[0].strerror}; send it to a file or pipe that takes it all")
    errors.end()
    os._exit(_INCOMPLETE)  # Nothing else changes the status now. What was registered later, sandboxes too, has ended.


def _installed(stream: TextIO | None, number: int) -> Door:
    if stream is None:  # It was closed when this process started. Here, no file that is opened later gets its number.
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)  # Writing to it fails, too.
        if nothing != number:
            os.dup2(nothing, number)
            os.close(nothing)
        stream = os.fdopen(number, "w", closefd=False)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # Its encoding may lack a character.
    door = Door(stream)
    _doors.append(door)
    return door


def standard_output() -> Stream:
    """A private stream for standard output. From now on all other output goes to standard error.

    This includes the output of child processes and what is written to file descriptor 1.
    """
    sys.stdout.flush()
    own = Stream(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    return own


def door(stream: TextIO) -> Door:
    """The door to ``stream``: itself, the installed one that writes there, or a new one."""
    return next(
        (each for each in (stream, *_doors) if isinstance(each, Door) and stream in (each, each.inner)), None
    ) or Door(stream)


def redrawn(door: Door, above: Callable[[str, str], None] | None) -> None:
    """From now on show what goes to the terminal of ``door`` with ``above``; None if nothing is redrawn there."""
    for each in {door, *_doors}:
        if each.isatty():
            each.above = above
