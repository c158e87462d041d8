"""The hash of a config, and the epoch derived from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate import keys
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.steps.work import Work


def make(work: Work) -> Report:
    """Record: the config's SHA-256 in 64 hex digits, and its epoch in seconds since 1970."""
    digits = keys.config_hash(work.record("config"))
    work.save({"config": digits, "epoch": keys.epoch(digits)})
    return {"note": digits[:16]}


RULE = Rule(
    name="hash",
    doc="compute the hash of the config",
    make=make,
    needs=("config",),
    root=False,
    read_only=True,
)
