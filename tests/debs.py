"""Packages as no tool would make them.

Formats: deb(5), tar(5).
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def deb(
    path: Path, control: list[tuple[tarfile.TarInfo, bytes]], files: tuple[str, ...] = (), data: bytes = b""
) -> Path:
    """A .deb with these members of its control archive, as no tool would make it. It has empty ``files``, or ``data``,
    a packed archive.
    """
    with path.open("wb") as out:
        out.write(b"!<arch>\n")
        for name, members in (
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", packed(control)),
            ("data.tar.xz", data or packed([(tarfile.TarInfo(name), b"") for name in files])),
        ):
            out.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(members):<10}`\n".encode())
            out.write(members + b"\n" * (len(members) % 2))
    return path


def packed(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz", preset=0) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def member(name: str, content: bytes = b"", link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    if link:
        info.type, info.linkname = tarfile.SYMTYPE, link
    return info, content
