"""Where the archives of a profile are, and which of them a problem is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from debate import managers
from debate.deferred import frozen
from debate.errors import Complaint, StepError
from debate.settings import mirror_variable
from debate.text.suggest import is_slip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from debate.managers.interface import Mirrors, Request
    from debate.steps.work import Work


@frozen
class Archives:
    """The archives of a request. The rule needs the record ``mirrors``."""

    mirrors: Mirrors
    request: Request
    named: Mapping[str, str]
    """Archive -> its address in the profile."""

    @classmethod
    def of(cls, work: Work, request: Request) -> Archives:
        """Raises DebateError if an address is unknown."""
        named = work.record("mirrors")
        return cls(managers.get(request.distribution).mirrors(work.settings, request, named), request, named)

    def unused(self, addresses: Mapping[str, str]) -> Iterator[str]:
        """What to say of ``addresses`` in the settings whose names differ by one letter from those of repositories."""
        for repository in self.request.repositories:
            for name in addresses.keys() - self.mirrors.addresses.keys() if repository.name not in addresses else ():
                if is_slip(name, repository.name):
                    meant = mirror_variable(repository.name)
                    yield f"{mirror_variable(name)} names no archive of this profile; did you mean {meant}?"

    @contextmanager
    def told(self) -> Iterator[None]:
        """Complaints about an address tell whose it is, and get the place in the profile of what has it."""
        try:
            yield
        except StepError as error:
            error.complaints = tuple(map(self._told, error.complaints))
            error.locate(lambda _field, _value: None)
            raise

    def _told(self, complaint: Complaint) -> Complaint:
        fits = [] if complaint.field else list(self._fitting(complaint.value))
        if not fits:
            return complaint
        from debate.sandbox.addresses import IF_MEANT

        _, name, address = max(fits)
        remedy = complaint.remedy
        if remedy == IF_MEANT:
            remedy = f"if that is meant, set {mirror_variable(name)} to this address"
        if name in {repository.name for repository in self.request.repositories}:
            return Complaint("repositories", name, f"{name}, {address}: {complaint.fact}", remedy)
        if address.startswith(self.named.get(name, "\0").rstrip("/")):
            return Complaint("mirror", "", f"{name}, {address}: {complaint.fact}", remedy)
        return replace(complaint, value=address, fact=f"the archive {name}: {complaint.fact}", remedy=remedy)

    def _fitting(self, address: str) -> Iterator[tuple[int, str, str]]:
        """The archives that may have what is at an address: how much of it is theirs, their name, and it as written."""
        suites: dict[str, list[str]] = {}
        for name, suite in managers.get(self.request.distribution).suites(self.request):
            suites.setdefault(name, []).append(suite)
        for name, inside in self.mirrors.addresses.items():
            written = self.mirrors.written.get(name, inside)
            for start in {inside, inside.replace("copy:", "file://", 1), written}:
                if f"{address}/".startswith(f"{start}/"):
                    path = address[len(start) :]
                    yield len(start) + _of_suite(path, suites.get(name, ())), name, f"{written}{path}"


def _of_suite(path: str, suites: Iterable[str]) -> int:
    """How much of ``path`` names one of ``suites``: several archives can have one address."""
    starts = (f"/dists/{suite}/" for suite in suites)
    return max((len(start) for start in starts if path.startswith(start)), default=0)
