"""An action: which outputs the step with some key made, and on whose word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from debate.artifact import Artifact
from debate.text import strict_json

HERE = "here"
"""The source of what ran on this machine."""
_YEAR = 31_536_000
"""In seconds. No step takes that long."""
_MOST_TEXT = 1 << 10


@dataclass(frozen=True)
class Action:
    """A result in the store."""

    key: str
    """64 hex digits. They are in the name of the file, too, so a file under another name is no action."""
    step: str
    outputs: Mapping[str, Artifact]
    seconds: float
    """How long the step took."""
    source: str = HERE
    """`HERE`, or the address of the remote that stated it."""
    signer: str = ""
    """The number of the minisign key that signed the statement, 16 hex digits; empty if none was required."""
    held: bool = False
    """True if it is part of an image that was not searched for secrets yet, so that it is sent nowhere."""

    @classmethod
    def from_json(cls, key: str, data: bytes) -> Self:
        """The action in the file of ``key``. Raises ValueError for anything else that is in ``data``."""
        found = strict_json.decode(data)
        if {*found, "held"} != cls.__dataclass_fields__.keys() or found["key"] != key:
            raise ValueError("not the action of this key")
        if not all(isinstance(found[name], str) and len(found[name]) <= _MOST_TEXT for name in _TEXTS):
            raise ValueError("a text is none")
        if found.get("held", True) is not True:
            raise ValueError("it is held, or does not say so")
        if not isinstance(found["outputs"], dict) or not found["outputs"]:
            raise ValueError("no outputs")
        outputs = {name: Artifact.from_json(fields) for name, fields in found["outputs"].items()}
        return cls(**{**found, "outputs": outputs, "seconds": duration(found["seconds"])})

    def to_json(self) -> dict[str, Any]:
        """The content of its file."""
        outputs = {name: vars(artifact) for name, artifact in sorted(self.outputs.items())}
        found = {**vars(self), "outputs": outputs, "seconds": round(self.seconds, 3)}
        return {name: value for name, value in found.items() if name != "held" or value}

    def is_from(self, source: str) -> bool:
        """True if it is here on the word of ``source``: an address, or the number of a key."""
        return source in (self.source, self.signer)


_TEXTS = ("step", "source", "signer")


def duration(value: Any) -> float:
    """A number of seconds that a step can take. Raises ValueError."""
    if type(value) not in (int, float) or not 0 <= value < _YEAR:
        raise ValueError(f"{value!r} seconds")
    return float(value)
