"""The JSON files of builds in the output directories that use a store, for who reads or removes them there.

Another user may have written to one of these directories, and git can carry a link there. So a directory counts only if
`debate.host.ours` knows that nobody has put a link into it or in its place; the others are told, and left as they are.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from debate.host import ours
from debate.host.beneath import Tree
from debate.text.paths import shown

_SHIPPED = "debate"
"""The directory with the builds of shipped profiles. It may be that of a profile of the user's with this name, too."""


def builds(output: Path, say: Callable[[str], None]) -> list[Path]:
    """The directories of the builds in ``output``, sorted. ``say`` gets a line about each that is passed over."""
    if not _counts(output, say):
        return []
    found = [path for path in _directories(output, say) if _counts(path, say)]
    if (shipped := output / _SHIPPED) in found:
        found += [path for path in _directories(shipped, say) if _counts(path, say)]
    return found


def _directories(path: Path, say: Callable[[str], None]) -> list[Path]:
    return [path / name for name, mode in _listed(path, say) if stat.S_ISDIR(mode) or stat.S_ISLNK(mode)]


def of_all(directories: Iterable[Path], directory: str, say: Callable[[str], None]) -> Iterator[Path]:
    """The `files` of all builds in the output ``directories``."""
    for output in directories:
        for build in builds(output, say):
            yield from files(build, directory, say)


def files(build: Path, directory: str, say: Callable[[str], None]) -> Iterator[Path]:
    """What is named like a JSON file in a ``directory`` of a build, such as ``traces/read``, sorted; empty: itself."""
    path = build
    for part in Path(directory).parts:
        path /= part
        if not _counts(path, say):
            return
    yield from (path / name for name, _ in _listed(path, say) if name.endswith(".json"))


def _listed(path: Path, say: Callable[[str], None]) -> list[tuple[str, int]]:
    """Name and mode of all that is in a directory, sorted; none if it was removed meanwhile, or cannot be listed."""
    try:
        with Tree(path) as tree:
            return sorted((name, found.st_mode) for name, found in tree.listed())
    except FileNotFoundError:
        return []
    except OSError as error:
        _pass_over(path, *ours.unreadable(error), say)
        return []


def _counts(path: Path, say: Callable[[str], None]) -> bool:
    fact, remedy = ours.why_not_to_write(path)
    if fact:
        _pass_over(path, fact, remedy, say)
    return not fact and ours.is_directory(path)


def _pass_over(path: Path, fact: str, remedy: str, say: Callable[[str], None]) -> None:
    say(f"{Path(shown(path.parent), path.name)}: {fact}, so it is passed over; {remedy}")
