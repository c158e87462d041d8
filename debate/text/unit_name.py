"""Names of systemd units, systemd.unit(5)."""

from __future__ import annotations

_KINDS = ("service", "socket", "timer", "target", "mount", "path", "slice", "automount", "swap")


def full(name: str) -> str:
    """The name in full: that of a service is written without its ending, too."""
    return name if name.rpartition(".")[2] in _KINDS else f"{name}.service"


def template(unit: str) -> str:
    """The template of an instance; else the unit itself."""
    start, at, rest = unit.partition("@")
    return f"{start}@.{rest.rpartition('.')[2]}" if at else unit
