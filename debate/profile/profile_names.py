"""Names of profiles and their bases, without parsing YAML.

The graph needs them before it reads any profile. Therefore ``base: NAME`` must be on a line of its own in the profile's
own file; `debate.steps.lock` refuses every other way to write it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from debate.errors import DebateError
from debate.profile import files
from debate.text.printable import quoted
from debate.text.suggest import suggest

SUFFIX = ".yaml"
"""What the names of profiles' files end in."""
_LIKE = (".yaml", ".yml")
"""What other programs read as YAML, in small letters."""
_SIGNS = (
    re.compile(rb"(?:^|\A\xef\xbb\xbf)version:[ \t]*1[ \t\r]*$", re.MULTILINE),
    re.compile(rb"^(?:extends|base|packages|distribution):", re.MULTILINE),
)
"""What a profile has, and hardly another file of YAML."""
_LOCK = ".lock.json"
_OF_SHIPPED = "debate@"
"""What the name of a lock in `profiles/` begins with if it is that of a shipped profile. No profile is called so."""
_MOST_BASES = 10
"""Bases below each other. All of them are read before a profile's tasks are known."""
_MOST_BELOW = 4 << 20
"""Bytes of YAML in the directories of `profiles/` that are looked at for profiles which nobody reads."""
_SMALLEST = 4096
"""Bytes that a file counts at least: opening it takes time, too."""
_MAX_LENGTH = 100
"""Characters of a profile's name. Those of its results are longer, and Linux allows 255."""
_MOST_OF_LABEL = 63
"""Characters of the name of a machine."""
_BASE = re.compile(
    rb"""(?:^|\A\xef\xbb\xbf)base:[ \t]+(["']?)((?:debate/)?[A-Za-z0-9_][A-Za-z0-9_.-]*)\1[ \t]*(?:#.*)?\r?$""",
    re.MULTILINE,
)
_NULL = (b"null", b"Null", b"NULL")
"""What YAML takes for no value, unless it is in quotes."""


def names(directory: Path) -> list[str]:
    """The profiles in ``directory``, sorted, without those that start with _ and are only extended."""
    return sorted(filter(is_valid, _all(directory)))


def unread(directory: Path) -> dict[str, tuple[str, str]]:
    """Files in ``directory`` that look like profiles or locks and are not used -> fact and remedy, sorted by name."""
    return dict(sorted(_unread(directory)))


def _unread(directory: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    listed = set(_listed(directory))
    for file in listed:
        name, suffix = os.path.splitext(file)
        locked = file.removesuffix(_LOCK)
        if file.startswith("."):
            continue
        shipped = locked.replace(_OF_SHIPPED, files.SHIPPED, 1) if locked.startswith(_OF_SHIPPED) else ""
        is_used = is_there(directory, shipped) or (is_valid(locked) and f"{locked}{SUFFIX}" in listed)
        if locked != file and not is_used:
            yield file, ("is the lock of no profile to build", "rename it as its profile, or remove it")
        elif suffix == SUFFIX and not can_be_extended(name):
            yield file, (f"{name!r} is not a valid profile name", REMEDY)
        elif suffix != SUFFIX and suffix.lower() in _LIKE:
            yield file, (f"is not read, since a profile's file name ends in {SUFFIX}", f"rename it to {name}{SUFFIX}")
    yield from _below(directory)


def mentions(directory: Path, word: str) -> bool:
    """True if a file of a profile has ``word`` anywhere."""
    found = re.compile(rb"(?<![A-Za-z0-9_-])" + re.escape(os.fsencode(word)) + rb"(?![A-Za-z0-9_-])")
    for name in _all(directory):
        try:
            if found.search(files.read(directory, f"{name}{SUFFIX}", files.MAX_PROFILE)):
                return True
        except OSError:
            continue
    return False


def _below(directory: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """The same, of the directories in ``directory``. Not all YAML there is a profile."""
    left = _MOST_BELOW
    with contextlib.suppress(OSError), files.opened(directory) as tree:
        for place in tree.entries():
            if not stat.S_ISDIR(place.mode) or place.path.startswith((".", "_")):
                continue
            try:
                names = [item.path for item in tree.entries(place.path)]
            except OSError as error:
                yield place.path, (f"{error.strerror}, so nothing is known of profiles in it", "remove it")
                continue
            for name in names:
                path = f"{place.path}/{name}"
                if not path.endswith(SUFFIX):
                    continue
                if left <= 0:
                    fact = "has more YAML than is looked at for profiles that are not read"
                    yield place.path, (fact, "let its name begin with _")
                    break
                left -= _SMALLEST
                with contextlib.suppress(OSError):
                    text = tree.read(path, files.MAX_PROFILE)
                    left -= len(text)
                    if all(sign.search(text) for sign in _SIGNS):
                        remedy = f"move it to {directory.name}/, or let the name of its directory begin with _"
                        yield path, ("is not read, since it is in a directory of its own", remedy)


def _all(directory: Path) -> list[str]:
    return [file.removesuffix(SUFFIX) for file in _listed(directory) if file.endswith(SUFFIX)]


def _listed(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:  # `doit validate` tells why, unless it is only missing.
        return []


def is_shipped(name: str) -> bool:
    """True if ``name`` is that of a profile which debate ships, whether or not there is one, and of none of its own."""
    return name.startswith(files.SHIPPED)


def is_there(directory: Path, name: str) -> bool:
    """True if ``name`` is a profile to build, of ``directory`` or shipped."""
    of, own = files.where(directory, name)
    return is_valid(own) and files.exists(of, f"{own}{SUFFIX}")


def file_name(name: str) -> str:
    """What the files of a profile's results are named after: its name, without ``debate/``."""
    return name.rpartition("/")[2]


def host_name(name: str) -> str:
    """The name of a machine that is made of a profile's name: one label, as in RFC 1123."""
    return re.sub(r"[^A-Za-z0-9-]", "-", file_name(name))[:_MOST_OF_LABEL].strip("-") or "live"


def is_valid(name: str) -> bool:
    """True for a name that a profile to build can have."""
    return can_be_extended(name) and not name.startswith("_")


def can_be_extended(name: str) -> bool:
    """True for a name that a profile can have."""
    return len(name) <= _MAX_LENGTH and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) is not None


REMEDY = f"use at most {_MAX_LENGTH} letters, digits, _ . and -, and start with a letter or digit"


def require(name: str) -> None:
    """Refuse an invalid name for a new profile. Raises DebateError."""
    if not is_valid(name):
        why = ": a profile whose name starts with _ can only be extended" if name.startswith("_") else ""
        raise DebateError(f"{quoted(name)} is not a valid name for a profile to build{why}", REMEDY)


def missing(directory: Path, name: str) -> tuple[str, str]:
    """Fact and remedy for a ``name`` that is none of `names`."""
    if name.startswith("_") and files.exists(directory, f"{name}{SUFFIX}"):
        return f"{name} can only be extended, not built", f"name a profile that has `extends: {name}`"
    return unknown(directory, name, names(directory))


def unknown(directory: Path, name: str, known: Iterable[str]) -> tuple[str, str]:
    """Fact and remedy for a ``name`` that is none of ``known``."""
    if "/" in name and files.is_file(directory, f"{name}{SUFFIX}"):
        return f"{quoted(name)} is in a directory of its own", f"move {name}{SUFFIX} to {directory.name}/"
    like = [file for file in unread(directory) if os.path.splitext(file)[0] == name]
    known = list(known)
    file = of_file(name, known)
    remedy = (
        f"rename {like[0]} to {name}{SUFFIX}" if like else f"did you mean {file!r}?" if file else suggest(name, known)
    )
    return f"there is no profile {quoted(name)}", remedy


def of_file(name: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` whose file ``name`` is, with or without its directory; None if it is none's."""
    found, suffix = os.path.splitext(name.rpartition("/")[2])
    return found if suffix in _LIKE and found in known else None


def base(directory: Path, name: str) -> str | None:
    """The base of the profile ``name``, on whose packages it is installed."""
    of, own = files.where(directory, name)
    try:
        found = _BASE.search(files.read(of, f"{own}{SUFFIX}", files.MAX_PROFILE))
    except OSError:
        return None
    below = found[2].decode() if found and (found[1] or found[2] not in _NULL) else None
    return f"{files.SHIPPED}{below}" if below and is_shipped(name) and not is_shipped(below) else below


def chain(directory: Path, name: str) -> tuple[str, ...]:
    """The base, its base and so on, the nearest first. Ends before it would become circular, or too long."""
    found: list[str] = []
    below = base(directory, name)
    while below is not None and below not in found and below != name and len(found) < _MOST_BASES:
        found.append(below)
        below = base(directory, below)
    return tuple(found)


def endless(directory: Path, name: str) -> bool:
    """True if the chain of bases never ends, or is too long. `debate.steps.lock` refuses such a profile."""
    return base(directory, (name, *chain(directory, name))[-1]) is not None


def why_endless(directory: Path, name: str) -> tuple[str, str]:
    """Fact and remedy for a profile of which `endless` is true."""
    bases = chain(directory, name)
    if len(bases) == _MOST_BASES:
        return f"there are more than {_MOST_BASES} bases below each other", "choose another base"
    return f"base is circular: {' -> '.join((name, *bases))}", "break the cycle"


def committed(directory: Path, name: str) -> Path:
    """Where a profile's committed lock is, if it has one. `own_lock` comes before the one that a profile ships with."""
    of, own = files.where(directory, name)
    here, beside = own_lock(directory, name), f"{own}{_LOCK}"
    return of / beside if files.exists(of, beside) and not files.exists(here.parent, here.name) else here


def own_lock(directory: Path, name: str) -> Path:
    """Where the workspace of ``directory`` has a profile's lock: also that of a shipped one, which is elsewhere."""
    of, own = files.where(directory, name)
    return directory / f"{'' if of == directory else _OF_SHIPPED}{own}{_LOCK}"
