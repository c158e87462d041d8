"""Package managers: they find, resolve, download and install the packages of a distribution.

There is one module per package manager. Each has a function ``manager(facts)``, which returns a
`debate.managers.interface.Manager` for the distribution with these facts. All its methods are pure functions, except
those that look for mirrors.
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
