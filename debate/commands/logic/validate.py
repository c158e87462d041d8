"""Checks profiles and their lock files: in several processes if there are many, and not again what did not change.

That a profile is all right is kept in the output directory, with what that depends on: its looks (see
`debate.profile.visit.Visit`), the code and a setting. It is kept as a key of all that, so a record that is damaged has
another key, and the profile is checked again. What is wrong is never kept: it is looked for each time. Where ``CI`` is
set, nothing is kept, and nothing that was is used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from debate import PACKAGE, keys, shipped
from debate.errors import DebateError, Place, Problem
from debate.host.files import read_object, write_atomically
from debate.host.stamp import stamp
from debate.profile import profile_names
from debate.profile.load import load
from debate.profile.visit import CHANGED, Visit, visit
from debate.settings import Settings
from debate.steps import config, epoch, lock
from debate.text import strict_json
from debate.text.paths import shown

KEPT = ".validated.json"
"""In the output directory: what `Kept` has."""
_SHARE = 200
"""Profiles for which a process of its own is worth while."""

Found = tuple[str, list[Problem], list[str]]
"""A profile, what is wrong with it, and the record that it is all right; empty if that is not to be kept."""


class Kept(TypedDict):
    """The profiles that are all right."""

    valid: dict[str, list[str]]
    """Name -> key, and looks."""


def problems(settings: Settings, names: Sequence[str]) -> dict[str, list[Problem]]:
    """What is wrong with each of the profiles ``names``."""
    if not names:
        return {}
    with visit(settings.profiles) as profiles:
        return {name: found for name, found, _ in _checked(settings, profiles, names, ())}


def all_problems(settings: Settings, names: Sequence[str]) -> dict[str, list[Problem]]:
    """The same for ``names``, which are all profiles, by what is kept of earlier runs."""
    if not names:
        return {}
    path = settings.output / KEPT
    # There a commit that is checked may bring that file itself.
    keeps = "CI" not in os.environ
    before: Mapping[str, list[str]] = read_object(path, Kept).get("valid", {}) if keeps else {}
    basis = [stamp(PACKAGE, settings.scripts, shipped("profiles")), settings.lock, str(settings.profiles.resolve())]
    found: dict[str, list[Problem]] = {name: [] for name in names}
    with visit(settings.profiles) as profiles:
        valid = {name: before[name] for name in names if _is_as_it_was(basis, profiles, name, before.get(name, ()))}
        left = [name for name in names if name not in valid]
        for name, wrong, record in _in_parallel(settings, profiles, left, basis):
            found[name] = wrong
            if record:
                valid[name] = record
    if keeps and valid != before:
        with suppress(OSError):  # Who may only read checks everything each time.
            write_atomically(path, json.dumps({"valid": valid}).encode())
    return found


def _key(basis: Sequence[str], name: str, seen: Mapping[str, str]) -> str:
    return keys.key([*basis, name, seen])


def _is_as_it_was(basis: Sequence[str], profiles: Visit, name: str, record: Sequence[str]) -> bool:
    """True if all looks of a record see what they saw then."""
    if not record:
        return False
    seen = {look: profiles.look(look) for look in record[1:]}
    return CHANGED not in seen.values() and _key(basis, name, seen) == record[0]


def _in_parallel(settings: Settings, profiles: Visit, names: Sequence[str], basis: Sequence[str]) -> Iterator[Found]:
    """Check profiles, in as many processes as there are processors if that is worth while. This is one of them."""
    number = max(1, min(len(os.sched_getaffinity(0)), len(names) // _SHARE))
    own, *shares = (names[start::number] for start in range(number))
    processes = [_started(settings, share, basis) for share in shares]
    yield from _checked(settings, profiles, own, basis)
    for share, process in zip(shares, processes, strict=True):
        said, _ = process.communicate()
        try:
            yield from map(_from_json, strict_json.decode(said, strict_json.MOST_OF_RECORD)["found"])
        except ValueError:  # It was killed, or ended with a defect, which then shows here.
            yield from _checked(settings, profiles, share, basis)


def _started(settings: Settings, names: Sequence[str], basis: Sequence[str]) -> subprocess.Popen[bytes]:
    """A process that checks profiles: see `main`."""
    with tempfile.TemporaryFile() as given:
        given.write(json.dumps({"names": names, "basis": basis}).encode())
        given.seek(0)
        return subprocess.Popen(
            [sys.executable, "-m", "debate.commands.logic.validate", str(settings.root), settings.lock],
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def main(root: str, of_lock: str) -> None:
    """Entry point of `_started`: check the profiles whose names are on standard input, beside the basis of keys."""
    settings = Settings(Path(root), Path(), Path(), lock=of_lock)
    given = strict_json.decode(sys.stdin.read(), strict_json.MOST_OF_RECORD)
    with visit(settings.profiles) as profiles:
        found = list(_checked(settings, profiles, given["names"], given["basis"]))
    said = {"found": [[name, list(map(_to_json, wrong)), record] for name, wrong, record in found]}
    sys.stdout.write(json.dumps(said))


def _to_json(problem: Problem) -> list[str | int]:
    place = problem.place or Place("")
    return [place.file, place.line, place.column, problem.fact, problem.remedy]


def _from_json(found: tuple[str, list[tuple[str, int, int, str, str]], list[str]]) -> Found:
    name, said, record = found
    wrong = [Problem(Place(file, line, column), fact, remedy) for file, line, column, fact, remedy in said]
    return name, wrong, record


def _checked(settings: Settings, profiles: Visit, names: Iterable[str], basis: Sequence[str]) -> Iterator[Found]:
    for name in names:
        profiles.seen.clear()
        wrong, seen = _problems(settings, name), profiles.seen
        keeps = basis and not wrong and CHANGED not in seen.values()
        yield name, wrong, [_key(basis, name, seen), *seen] if keeps else []


def _problems(settings: Settings, name: str) -> list[Problem]:
    """The problems of one profile, and of its committed lock file, each with a place."""
    directory = settings.profiles

    def wanted(name: str) -> lock.Slice:
        return config.normalise(load(directory, name), directory).slice(lock.Slice)

    try:
        loaded = load(directory, name)
        made = config.normalise(loaded, directory)
        unfit = [*lock.problems(settings, name, made.slice(lock.Slice), wanted)]
        return unfit or [*epoch.problems(settings, loaded, made.slice(epoch.Slice))]
    except DebateError as error:
        return [problem.at(start(directory, f"{name}{profile_names.SUFFIX}")) for problem in error.problems]


def start(directory: Path, file: str) -> Place:
    """The first line of a file in the profiles directory."""
    return Place(str(Path(shown(directory), file)), 1, 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
