"""Package managers: how the packages of a distribution are found, resolved, downloaded and installed.

One module a package manager. Each offers ``manager(facts)``, which makes a `debate.managers.interface.Manager` for a
distribution out of its facts. All are pure functions to a `Step`, except those that look for mirrors.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from debate import distributions

if TYPE_CHECKING:
    from debate.managers.interface import Manager


def get(distribution: str) -> Manager:
    """The package manager of ``distribution``, imported on first use."""
    facts = distributions.get(distribution)
    manager: Manager = importlib.import_module(f"debate.managers.{facts.MANAGER}").manager(facts)
    return manager
