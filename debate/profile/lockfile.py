"""Lock files: the exact packages of a profile.

A committed lock next to its profile (profiles/NAME.lock.json) pins it. Without one, the first build resolves the
packages and keeps the lock in the output directory until the package list changes or ``doit lock:NAME`` refreshes it.
A lock does not name mirrors.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate import keys
from debate.errors import DebateError, Place
from debate.model import Locked
from debate.profile import files
from debate.text import strict_json
from debate.text.amounts import bytes_shown
from debate.text.paths import shown

FORMAT = 1
_REMEDY = "restore it from git, or delete it and build"
_WORD = r"[a-z0-9][a-z0-9_-]{0,63}"
_SHA256 = r"[0-9a-f]{64}"
_ARCHIVE = r"[a-z][a-z0-9-]{0,31}"
_FIELDS = {
    "request": keys.DIGEST, "distribution": _WORD, "release": _WORD, "architecture": _WORD,
}  # fmt: skip
"""Fields of a lock that are text -> their form. The others are `format`, `packages`, `indexes` and `archives`."""
_PACKAGE_FIELDS = {
    "name": r"[a-z0-9][a-z0-9@+._-]{0,254}", "version": r"[A-Za-z0-9][A-Za-z0-9.+:~_-]{0,254}", "architecture": _WORD,
    "repository": _ARCHIVE, "replaces": _ARCHIVE, "path": r"(?:[A-Za-z0-9/.+:~_@=,-]|%[0-9A-Fa-f]{2}){1,1024}",
    "sha256": _SHA256, "signature": r"(?:[A-Za-z0-9+/]{4}){0,16384}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}  # fmt: skip
_PATH = re.compile(r"[A-Za-z0-9+~_@][A-Za-z0-9.+~:_@=,%-]*(?:/[A-Za-z0-9+~_@][A-Za-z0-9.+~:_@=,%-]*)*")
"""A path below an archive's root after decoding: nothing absolute, hidden, empty or above, nothing like an option."""
_OPTIONAL = {"signature", "essential", "replaces", "installed"}
_INDEXES_FIELDS = {"digest": keys.DIGEST}
ARCHIVE = {
    "archive": _ARCHIVE, "suite": r"[A-Za-z0-9][A-Za-z0-9/_.-]{0,254}",
    "date": r"[0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}Z",
}  # fmt: skip
"""Fields of the archives that a lock was made of -> their form: the date is that of the suite's index."""
_MAX_SIZE = 1 << 36
"""Bytes of a package."""
MAX_INSTALLED = 1 << 40
"""Bytes of an installed package."""
_MOST_TOKENS = 800_000
"""See `strict_json.decode`: each package has 30, and at least 300 bytes."""


class _FaultError(Exception):
    """What is wrong with a lock, and the path of the value."""

    def __init__(self, fact: str, *path: str | int) -> None:
        super().__init__(fact)
        self.fact, self.path = fact, path


def read(path: Path) -> dict[str, Any]:
    """Read and check a lock, since people edit and merge them. Raises DebateError."""
    place, text = _named(path), ""
    try:
        text = files.read(path.parent, path.name, files.MAX_LOCK).decode()
        lock = strict_json.decode(text, _MOST_TOKENS)
    except FileNotFoundError:
        raise DebateError("missing", _REMEDY, place=place) from None
    except OSError as error:
        fact, remedy = files.refusal(error)
        raise DebateError(fact, remedy, place=place) from None
    except strict_json.TwiceError as error:
        raise DebateError(str(error), _REMEDY, place=Place(place, _line_of_second(text, error.name))) from None
    except strict_json.NumberError as error:
        raise DebateError(str(error), _REMEDY, place=Place(place, _line_of_number(text, error.text))) from None
    except strict_json.NotJSONError as error:
        fact = "not the JSON of a lock" + ("" if text.strip() else ": empty")
        raise DebateError(fact, _REMEDY, place=Place(place, error.line)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DebateError("not the JSON of a lock: not UTF-8", _REMEDY, place=Place(place, line)) from None
    except ValueError as error:
        raise DebateError(f"not the JSON of a lock: {error}", _REMEDY, place=Place(place, 1)) from None
    return check(lock, place, text)


def check(lock: Any, place: str, text: str = "") -> dict[str, Any]:
    """Return ``lock``, if it is one. Raises DebateError at ``place``, with the line if it is parsed from ``text``."""
    try:
        _require(lock)
    except _FaultError as error:
        line = _line_of(text, error.path) if text else 0
        raise DebateError(error.fact, _REMEDY, place=Place(place, line)) from None
    found: dict[str, Any] = lock
    return found


def accept(lock: dict[str, Any], place: str) -> None:
    """Raise DebateError unless a lock that was just made can be read again: at the repository that cannot be locked."""
    try:
        _require(lock)
        if len(to_text(lock)) > files.MAX_LOCK:
            raise _FaultError(f"a lock of more than {bytes_shown(files.MAX_LOCK)} cannot be read")
    except _FaultError as error:
        remedy = "leave some packages out, or use another mirror"
        if error.path[:1] in (("packages",), ("unpacked",)) and len(error.path) > 1:
            field, number = str(error.path[0]), error.path[1]
            place = f"repository {lock[field][number]['repository']}"
            remedy = "leave the package out, or use another mirror of the repository"
        raise DebateError(f"cannot be locked: {error.fact}", remedy, place=place) from None


def packages_of(lock: Mapping[str, Any], field: str = "packages") -> list[Locked]:
    """The packages of a lock that was checked: ``packages`` are installed, of ``unpacked`` the ISO has files alone."""
    return [Locked(**package) for package in lock.get(field, ())]


def identity(lock: Mapping[str, Any]) -> str:
    """The digest of all packages of a lock, whenever and from whatever archives it was made."""
    return keys.sha256(keys.canonical([*lock["packages"], *lock.get("unpacked", ())]))


def _require(lock: Any) -> None:
    """Raises _FaultError unless ``lock`` is one."""
    if not isinstance(lock, dict) or type(lock.get("format")) is not int or lock["format"] != FORMAT:
        raise _FaultError(f"not a lock of format {FORMAT}", "format")
    _fields(lock, _FIELDS, {*_FIELDS, "format", "packages"}, {"unpacked", "indexes", "archives"}, "the lock", ())
    if "indexes" in lock:
        if not isinstance(lock["indexes"], dict):
            raise _FaultError("field 'indexes' is no object", "indexes")
        _fields(lock["indexes"], _INDEXES_FIELDS, {*_INDEXES_FIELDS, "size"}, set(), "'indexes'", ("indexes",))
        _size(lock["indexes"], "'indexes'", ("indexes",))
    if not isinstance(lock.get("archives", []), list):
        raise _FaultError("field 'archives' is no list", "archives")
    for number, archive in enumerate(lock.get("archives", [])):
        if not isinstance(archive, dict):
            raise _FaultError(f"archive {number + 1} is no object", "archives", number)
        _fields(archive, ARCHIVE, set(ARCHIVE), set(), f"archive {number + 1}", ("archives", number))
    for field in ("packages", "unpacked"):
        if field in lock:
            _require_packages(lock[field], field)


def _require_packages(packages: Any, field: str) -> None:
    """Raises _FaultError unless ``packages``, which are the ``field`` of a lock, are some."""
    if not isinstance(packages, list) or not packages:
        raise _FaultError(f"field {field!r} lists none", field)
    fields = set(Locked.__dataclass_fields__)
    seen: set[object] = set()
    for number, package in enumerate(packages):
        path = (field, number)
        if not isinstance(package, dict):
            raise _FaultError(f"package {number + 1} is no object", *path)
        what = f"package {package.get('name', number + 1)!r}"
        _fields(package, _PACKAGE_FIELDS, fields - _OPTIONAL, _OPTIONAL, what, path)
        _size(package, what, path)
        if "installed" in package:
            _size(package, what, path, "installed", MAX_INSTALLED)
        if package.get("essential", True) is not True:
            raise _FaultError(f"{what}: field 'essential' is {_brief(package['essential'])}", *path, "essential")
        if not _PATH.fullmatch(urllib.parse.unquote(package["path"], errors="replace")):
            raise _FaultError(f"{what}: field 'path' is {package['path']!r}", *path, "path")
        for one in (_identity(package), package["sha256"]):
            if one in seen:
                what += "" if one is not package["sha256"] else ": its file"
                raise _FaultError(f"{what} is listed twice", *path)
            seen.add(one)


def _fields(
    value: Mapping[str, Any],
    forms: Mapping[str, str],
    needed: set[str],
    more: set[str],
    what: str,
    path: tuple[str | int, ...],
) -> None:
    """Raises _FaultError unless ``value`` has the ``needed`` fields, only ``more`` others, and all fit ``forms``."""
    for name in sorted(needed - value.keys()):
        raise _FaultError(f"{what} lacks the field {name!r}", *path)
    for name in (name for name in value if name not in needed and name not in more):
        raise _FaultError(f"{what} has an unknown field {name!r}", *path, name)
    for name, form in forms.items():
        text = value.get(name, "")
        if name in value and (not isinstance(text, str) or not re.fullmatch(form, text)):
            raise _FaultError(f"{what}: field {name!r} is {_brief(text)}", *path, name)


def _size(
    value: Mapping[str, Any], what: str, path: tuple[str | int, ...], field: str = "size", most: int = _MAX_SIZE
) -> None:
    size = value[field]
    if type(size) is not int or not 0 < size <= most:
        raise _FaultError(f"{what}: field {field!r} is {_brief(size)}", *path, field)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _named(path: Path) -> str:
    """A lock's path for people. It may be a link."""
    return str(Path(shown(path.parent), path.name))


def place_in(path: Path, *steps: str | int) -> Place:
    """The place of the value at ``steps`` in the lock that was read from ``path``; without steps that of all of it."""
    if not steps:
        return Place(_named(path))
    try:
        return Place(_named(path), _line_of(files.read(path.parent, path.name, files.MAX_LOCK).decode(), steps))
    except (OSError, ValueError, IndexError, RecursionError):  # Someone has edited it meanwhile.
        return Place(_named(path))


def _line_of(text: str, path: Sequence[str | int]) -> int:
    """The line of valid JSON on which the value at ``path`` begins, or the innermost one around it that is there."""
    position = _after_space(text, 0)
    for step in path:
        position = next((at for name, at in _members(text, position) if name == step), position)
    return text.count("\n", 0, position) + 1


def _line_of_second(text: str, wanted: str) -> int:
    """The line of an object's second field of the name ``wanted``; 0 if it is not where a lock has objects."""
    todo = [(_after_space(text, 0), 0)]
    while todo:
        position, level = todo.pop()
        seen = False
        with suppress(ValueError, IndexError, RecursionError):  # What follows that object need not be JSON.
            for name, at in _members(text, position):
                if name == wanted and seen:
                    return text.count("\n", 0, at) + 1
                seen |= name == wanted
                if level < _LEVELS:
                    todo.append((at, level + 1))
    return 0


def _line_of_number(text: str, wanted: str) -> int:
    """The line of a number as it is written. What follows it need not be JSON."""
    at = next((token.start() for token in _TOKEN.finditer(text) if token[0].startswith(wanted)), 0)
    return text.count("\n", 0, at) + 1


_DECODE = json.JSONDecoder().raw_decode
"""For positions only: all values come from `strict_json`."""
_LEVELS = 2
"""A lock has objects in a list in an object."""
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^\s",:\[\]{}]+', re.DOTALL)
"""A string, a number or a word of JSON. A string without an end ends with the text, so that none begins inside it."""


def _members(text: str, position: int) -> Iterator[tuple[str | int, int]]:
    """Name or number, and position, of each value in the object or array at ``position``; none of another value."""
    kind, number = text[position], 0
    if kind not in "[{":
        return
    position = _after_space(text, position + 1)
    while text[position] not in "]}":
        name: str | int = number
        if kind == "{":
            name, position = _DECODE(text, position)
            position = _after_space(text, _after_space(text, position) + 1)
        yield name, position
        _, position = _DECODE(text, position)
        position = _after_space(text, position)
        if text[position] == ",":
            position = _after_space(text, position + 1)
        number += 1


def _after_space(text: str, position: int) -> int:
    while text[position] in " \t\n\r":
        position += 1
    return position


def _identity(package: Mapping[str, Any]) -> tuple[str, str]:
    """What is unique in a system: name and architecture."""
    return package["name"], package["architecture"]


def to_text(lock: Mapping[str, Any]) -> str:
    return json.dumps(lock, indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True)
class PackageChange:
    """One change of a lock. As text it is a line for people: + added, - removed, ~ old -> new."""

    name: str
    """With its architecture, as in ``libc6:i386``, if a package of this name occurs for several."""
    old: str | None
    """The version; None if it was added."""
    new: str | None
    """The version; None if it was removed. The same as ``old`` if only the file differs."""
    essential: str = ""
    """The repository that calls the new one essential, which puts it into the system unasked."""
    replaces: str = ""
    """The repository whose new one is in the place of a package of the distribution."""

    def to_json(self) -> dict[str, Any]:
        told = {name: value for name in ("essential", "replaces") if (value := getattr(self, name))}
        return {"name": self.name, "old": self.old, "new": self.new, **told}

    def __str__(self) -> str:
        told = self._said()
        if self.essential:
            told += f" (essential in the repository {self.essential})"
        if self.replaces:
            told += f" (of the repository {self.replaces}, in place of the distribution's)"
        return told

    def _said(self) -> str:
        if self.old is None:
            return f"+ {self.name} {self.new}"
        if self.new is None:
            return f"- {self.name} {self.old}"
        if self.old == self.new:
            return f"~ {self.name} {self.new} (same version, other file)"
        return f"~ {self.name} {self.old} -> {self.new}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[PackageChange]:
    """The changes of a refresh, sorted by name and architecture, then those of packages that are only unpacked."""
    found = _differences(old["packages"], new["packages"])
    apart = _differences(old.get("unpacked", ()), new.get("unpacked", ()))
    return [*found, *(change for change in apart if change not in found)]


def _differences(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[PackageChange]:
    before = {_identity(package): package for package in old}
    after = {_identity(package): package for package in new}
    architectures = Counter(name for name, _ in before.keys() | after.keys())
    found = []
    for identity in sorted(before.keys() | after.keys()):
        name = identity[0] if architectures[identity[0]] == 1 else ":".join(identity)
        was, now = before.get(identity), after.get(identity)
        versions = was["version"] if was else None, now["version"] if now else None
        if was is None or now is None or (was["version"], was["sha256"]) != (now["version"], now["sha256"]):
            marks = {mark: now["repository"] for mark in ("essential", "replaces") if now and mark in now}
            found.append(PackageChange(name, *versions, **marks))
    return found
