"""Downloads and verifies packages, each of them once, when a step that reads them has to run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from debate import managers
from debate.errors import DebateError
from debate.settings import mirror_variable
from debate.steps import dated, lock
from debate.steps.archives import Archives
from debate.steps.listed import Listed
from debate.text.amounts import bytes_shown, count

if TYPE_CHECKING:
    from debate.model import Locked, Supplies
    from debate.steps.work import Work

_NAMED = 5
"""Packages that a line names."""
_TAKEN = Listed("the list of packages of a dated archive", re.compile(r"[!-~]{1,255} [!-~]{1,255}"), can_be_empty=True)
_UNPACKED = 4
"""Bytes of the files of a package for each byte of it, where a lock does not say: three to four in Debian and Arch."""


def supplier(work: Work, packages: Sequence[Locked], contents: str = "") -> Callable[[], Supplies]:
    """The supplier of a step that reads ``packages``: it downloads them and returns their keyrings.

    ``contents``: the record with the contents of the step's trees, if it has any.
    """

    def supply() -> Supplies:
        request = work.slice(lock.Slice, "lock")
        have(work, packages)
        from debate.model import Supplies

        keyrings = managers.get(request.distribution).trust(work.settings, request)
        found = work.contents(contents) if contents else {}
        return Supplies(files=keyrings, contents=found, writes=sum(map(unpacked, packages)))

    return supply


def unpacked(package: Locked) -> int:
    """Bytes that a step writes which installs a package: its files, which are then packed again.

    They take a third more than their archive says: each file has whole pages, and scripts make caches of them.
    """
    return (package.installed * 4 // 3 or _UNPACKED * package.size) + package.size


def have(work: Work, packages: Sequence[Locked]) -> None:
    """Download the packages that are not in the store. Raises DebateError."""
    store = work.store
    if all(store.has(package.artifact) for package in packages):
        return
    with store.locked("download"):
        missing = [package for package in packages if not store.has(package.artifact)]
        if missing:
            _fetch(work, missing)
            total = sum(package.size for package in missing)
            work.say(f"{work.name}: {count(len(missing), 'package')} downloaded, {bytes_shown(total)}")


def _fetch(work: Work, missing: Sequence[Locked]) -> None:
    """Download packages, each verified by its SHA-256."""
    request = work.slice(lock.Slice, "lock")
    manager = managers.get(request.distribution)
    archives = Archives.of(work, request)
    mirrors = archives.mirrors
    lost = sorted({package.repository for package in missing} - mirrors.addresses.keys())
    if lost:
        raise DebateError(f"the lock names the archive {lost[0]!r}, whose address is unknown",
                          f"set {mirror_variable(lost[0])}", place=work.name)  # fmt: skip
    step = manager.fetch_step(missing, work.tools)
    work.expect(sum(package.size for package in missing))
    older = dated.mirrors(work, request)
    try:
        with archives.told():
            remedy = dated.remedy(work, request, older)
            made = work.run(step, manager.fetch_supplies(missing, mirrors, remedy, older))
    finally:
        work.expect(0)
    taken = [match[0] for match in _TAKEN.read(work.store, made["taken"], len(missing))]
    if taken:
        named = ", ".join(taken[:_NAMED]) + (f" and {len(taken) - _NAMED:,} more" if len(taken) > _NAMED else "")
        work.say(f"{work.name}: of the dated archive, since the mirror no longer has it: {named}")
    for package in missing:
        if made.get(package.sha256) != package.artifact:
            remedy = f"run doit lock:{work.name}"
            raise DebateError("the mirror's file differs from the one in the lock", remedy, place=package.path)
