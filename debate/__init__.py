"""debate builds bootable live ISOs from declarative profiles, the same bytes every time."""

__version__ = "0.1.0"
