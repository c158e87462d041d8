"""A log of what is not trusted, in two forms.

    logs/NAME.log       for reading: no characters that drive a terminal, no commands to CI systems
    logs/raw/NAME.log   the bytes as they came, below a directory of root's own; only where they differ

So `cat logs/NAME.log` is safe, on a terminal and in a CI job.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from debate.host import ours
from debate.text.printable import readable

LIMIT = 64 << 20
"""Maximum size of a log in bytes. Output beyond that is dropped."""
_LINE = 1 << 16
"""Maximum number of bytes of a line for reading. A longer one is continued on the next line."""
_SUSPECT = re.compile(rb"[^\t\n -~]|::|##|section_")
"""Matches all that may read differently."""


class Log:
    """Writes both forms. A context manager.

    On a disk that is full or broken it drops what it gets: whoever writes must not stop reading from a sandbox.
    """

    def __init__(self, path: Path) -> None:
        self.lost = ""
        """Why what was written is not there; empty if all of it is."""
        self._path, self._raw_path = path, path.parent / "raw" / path.name
        self._file: BinaryIO | None = None
        self._raw: BinaryIO | None = None
        self._left = LIMIT
        self._rest = b""
        """The unfinished line."""

    def write(self, data: bytes) -> None:
        """Append ``data``. Whole lines are written immediately."""
        data = data[: self._left]
        if data and not self.lost:
            with self._losing():
                self._append(data)

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = error.strerror or str(error)

    def _append(self, data: bytes) -> None:
        self._left -= len(data)
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        self._write(whole + newline)
        while len(self._rest) > _LINE:
            self._write(self._rest[:_LINE], b"\n")
            self._rest = self._rest[_LINE:]
        if not self._left:
            self._finish()
            self._written(b"\ndebate: this log is full; what follows is dropped\n")

    def _write(self, lines: bytes, end: bytes = b"") -> None:
        clean = lines if _SUSPECT.search(lines) is None else readable(lines.decode(errors="replace")).encode()
        if self._raw is None and (clean + end != lines):
            directory = self._raw_path.parent
            if directory.is_symlink() or not directory.is_dir():
                ours.remove(directory)
                directory.mkdir(mode=0o700)
            self._raw = self._raw_path.open("xb", buffering=0)
            with self._path.open("rb") as same:  # So far.
                shutil.copyfileobj(same, self._raw)
        self._written(clean + end)
        if self._raw is not None:
            self._raw.write(lines)

    def _written(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)

    def _finish(self) -> None:
        self._write(self._rest)
        self._rest = b""

    def __enter__(self) -> Log:
        with self._losing():
            for old in (self._path, self._raw_path):
                ours.remove(old)
            self._file = self._path.open("xb", buffering=0)
            os.fchmod(self._file.fileno(), 0o644)  # whatever the umask is
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.lost:
            with self._losing():
                self._finish()
        for file in (self._file, self._raw):
            if file is not None:
                with self._losing():
                    file.close()
