"""Pack a tree of files as a tar file.

Source: tar(5), of which GNU tar in the sandbox reads the GNU format.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from debate import keys
from debate.entry import Contents, Entry
from debate.errors import DebateError, Place
from debate.host.beneath import open_by_real_path


def pack(entries: Iterable[Entry], contents: Contents, epoch: int, out: BinaryIO) -> None:
    """Write a tar of ``entries``, in GNU format, with all times set to ``epoch``.

    Raises DebateError if a file no longer has the content that its entry names, since the step's key stands for that.
    """
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.path.lstrip("/"))
            info.mode, info.mtime = int(entry.mode, 8), epoch
            _own(info, entry)
            if entry.type == "directory":
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            elif entry.type == "link":
                info.type, info.linkname = tarfile.SYMTYPE, entry.target
                archive.addfile(info)
            else:
                _add_file(archive, info, entry, contents[entry.digest])


def _own(info: tarfile.TarInfo, entry: Entry) -> None:
    for name, number, value in (("uname", "uid", entry.owner), ("gname", "gid", entry.group)):
        if value.isdigit():
            setattr(info, number, int(value))
        else:
            setattr(info, name, value)


_AGAIN = "run the same command again, and leave the file alone meanwhile"


def _add_file(archive: tarfile.TarFile, info: tarfile.TarInfo, entry: Entry, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
        return
    try:
        with open_by_real_path(content) as file:
            info.size = os.fstat(file.fileno()).st_size
            reader = _Hashing(file)
            archive.addfile(info, reader)
    except OSError as error:
        raise DebateError(f"{error.strerror or error}", _AGAIN, place=Place(str(content))) from None
    if keys.digest(reader.digest.hexdigest()) != entry.digest:
        raise DebateError("changed during the build", _AGAIN, place=Place(str(content)))


class _Hashing:
    """A reader that hashes everything it reads."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data
