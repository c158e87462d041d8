"""The proof that a trusted key vouches for each package of a lock, which `packages` needs before it reads one.

For Debian, signed indexes must name it: those from which it was resolved, which the lock names by digest and the store
keeps, or else those that the archives have now. For Arch, packages are signed one by one. A proof is looked up like the
result of any step. So a lock that was proven once needs neither indexes nor a network again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from debate import managers
from debate.steps.tools import tools_for

if TYPE_CHECKING:
    from debate.managers.interface import Request
    from debate.model import Artifact, Locked, Step
    from debate.steps.work import Work


def step_for(work: Work, request: Request, packages: Sequence[Locked]) -> Step:
    """The step that proves ``packages``."""
    tools = tools_for(work, request.distribution)
    return managers.get(request.distribution).proof_step(packages, request, work.settings, tools)


def indexes_of(lock: Any) -> Artifact | None:
    """The signed indexes that a lock names."""
    from debate.model import Artifact

    return Artifact.from_json(lock["indexes"]) if "indexes" in lock else None
