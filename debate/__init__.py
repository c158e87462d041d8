"""debate builds bootable live ISOs from declarative profiles, the same bytes every time."""

from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).parent
"""The directory of this package."""
INSIDE = PACKAGE / "shipped"
"""Where an installed package has what a checkout has beside it: see `[tool.hatch.build.targets.wheel.sources]`."""


def install(packages: str, words: str = "") -> str:
    """The remedy where a program is missing: what a checkout has for it, with ``words``, or Debian's ``packages``."""
    if (PACKAGE.parent / "setup").is_file():
        return f"run ./setup {words}".rstrip()
    return f"install {packages}"


def shipped(name: str) -> Path:
    """The directory ``sandbox``, ``profiles`` or ``docs`` that belongs to this code."""
    inside = INSIDE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
