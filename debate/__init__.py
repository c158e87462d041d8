"""debate builds bootable live ISOs from declarative profiles, the same bytes every time."""

from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).parent
"""The directory of this package."""
