"""The lines of users and groups that a profile's own files bring: passwd(5), group(5), shadow(5), gshadow(5).

They are merged into the system's by name, and what reads those there skips or misreads what is no entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

FIELDS = {"/etc/passwd": 7, "/etc/group": 4, "/etc/shadow": 9, "/etc/gshadow": 4}
"""Path -> fields of a line."""
_WITH_IDS = {"/etc/passwd": "uid", "/etc/group": "gid"}
LARGEST = 4 << 20
"""Bytes of one file."""
_NAME = re.compile(r"(?=.*[^0-9])[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}[$]?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_IDS = (0xFFFF, 0xFFFFFFFF)
"""-1 of system calls, in 16 and in 32 bits."""
_CORRECT = "correct it, or leave it out"


def faults(path: str, content: bytes, uids: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Facts and remedies for the file at ``path``: one for each line that is none. ``uids``: those of `users`."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
        yield f"{path}, line {at}: not UTF-8", _CORRECT
        return
    if "\r" in text:
        at = text.count("\n", 0, text.index("\r")) + 1
        yield f"{path}, line {at}: ends in CR LF, as on Windows", "convert it, with dos2unix or `sed -i 's/\\r$//'`"
        return
    seen: dict[str, int] = {}
    own = uids if path == "/etc/passwd" else {}
    ids = {uid: f"{name} in users" for name, uid in own.items()}
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
        fields = line.split(":")
        name = fields[0]
        fact = _fault(path, fields)
        if not fact and name in seen:
            fact = f"{name} is on line {seen[name]}, too"
        seen.setdefault(name, number)
        if not fact and path in _WITH_IDS and own.get(name) != int(fields[2]):
            if int(fields[2]) in ids:
                fact = f"{name} has the {_WITH_IDS[path]} {fields[2]} of {ids[int(fields[2])]}"
            ids.setdefault(int(fields[2]), name)
        if fact:
            yield f"{path}, line {number}: {fact}", _CORRECT


def _fault(path: str, fields: list[str]) -> str:
    """What is wrong with one line by itself; empty for nothing."""
    line, name, known = ":".join(fields), fields[0], FIELDS[path]
    fact = ""
    if not line.strip():
        fact = "is empty"
    elif line[0] in "#+-":
        fact = f"begins with {line[0]}, which is no entry: the file has neither comments nor NIS"
    elif len(fields) != known:
        fact = f"has {len(fields)} fields, where an entry has {known}"
    elif _CONTROL.search(line):
        fact = "has a control character"
    elif not _NAME.fullmatch(name):
        fact = f"{name!r} is no name"
    elif path in _WITH_IDS:
        wrong = next((text for text in fields[2 : 4 if path == "/etc/passwd" else 3] if not _is_id(text)), None)
        if wrong is not None:
            fact = f"{wrong!r} is no number of a user or group"
        elif path == "/etc/passwd" and not (fields[5].startswith("/") and fields[6][:1] in ("", "/")):
            fact = "home and shell must be whole paths"
    elif path == "/etc/shadow" and not all(re.fullmatch("[0-9]{0,6}", text) for text in fields[2:8]):
        fact = "has a date that is no number of days"
    return fact


def _is_id(text: str) -> bool:
    return re.fullmatch("[0-9]{1,10}", text) is not None and int(text) < _NO_IDS[1] and int(text) != _NO_IDS[0]
