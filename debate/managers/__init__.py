"""Package managers: they find, resolve, download and install the packages of a distribution.

There is one module per package manager. Each has a function ``manager(facts)``, which returns a
`debate.managers.interface.Manager` for the distribution with these facts. All its methods are pure functions, except
those that look for mirrors.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from debate import PACKAGE, distributions, keys

if TYPE_CHECKING:
    from debate.managers.interface import Manager


@cache
def get(distribution: str) -> Manager:
    """The package manager of ``distribution``, imported on first use."""
    facts = distributions.get(distribution)
    manager: Manager = importlib.import_module(f"debate.managers.{facts.MANAGER}").manager(facts)
    return manager


@cache
def code() -> Mapping[str, str]:
    """Path below the package -> ``sha256:HEX`` of its source, for each module of package managers and distributions.

    These make the index of a repository and select packages from it. Read once per process.
    """
    paths = (path for wing in ("distributions", "managers") for path in sorted((PACKAGE / wing).rglob("*.py")))
    return {path.relative_to(PACKAGE).as_posix(): keys.sha256_file(path) for path in paths}
