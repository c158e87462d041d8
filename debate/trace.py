"""The trace of a step: how its last run came to its result, and why it ran."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec

_Seconds = Annotated[float, msgspec.Meta(ge=0, lt=31_536_000)]


class _TracedCommand(TypedDict):
    script: dict[str, str]
    """Path below sandbox/ -> digest, for the script and all that it sources."""


class _StepIngredients(TypedDict, total=False):
    commands: list[_TracedCommand]


class _Ingredients(_StepIngredients, total=False):
    """The ingredients of a key that have a shape of their own; others are compared as a whole."""

    steps: dict[str, _StepIngredients]
    """Steps on the way to it, by name."""
    host: dict[str, str]
    """Module of debate/sandbox/image/ -> digest."""
    code: dict[str, str]
    """Path of another module, below debate/ -> digest."""
    inputs: dict[str, str]
    layers: list[str]


class _Part(TypedDict, total=False):
    key: str
    outputs: dict[str, Any]
    seconds: _Seconds
    origin: str
    signer: str


class _TracedStep(TypedDict):
    step: str


class Trace(_TracedStep, total=False):
    """How and why a step last ran: the content of traces/STEP.json. A step without a key has no result in it."""

    key: str
    ingredients: _Ingredients
    outputs: dict[str, Any]
    cached: bool
    source: str
    seconds: _Seconds
    origin: str
    """On whose word the outputs are those of the key: see `debate.cache.action.Action.source`."""
    signer: str
    parts: dict[str, _Part]
    """Results of other steps on the way to it, by name."""
    why: list[Any]
    """`debate.history.reasons.Reason` as JSON."""
    when: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
    """Seconds since 1970."""
