"""Frozen dataclasses that are completed when one of them is first used.

`dataclasses` generates and compiles four methods per class. Loading the graph declares the slices of all steps, but
only steps that run use them. Generating the methods at once took a sixth of the time of a `doit` with nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar, dataclass_transform

C = TypeVar("C")
_waiting: list[type[Any]] = []
_making = Lock()


@dataclass_transform(frozen_default=True)
def frozen(cls: type[C]) -> type[C]:
    """``@dataclass(frozen=True)``, later: when one of the classes declared so far is called, or `make_all` is."""
    _waiting.append(cls)
    cls.__new__ = _new  # type: ignore[method-assign]
    return cls


def make_all() -> None:
    """Make all that wait, bases before what is derived from them. Needed before anything looks at their fields."""
    with _making:
        while _waiting:
            dataclass(frozen=True)(_waiting[0])
            _waiting.pop(0)  # Only now, since other threads wait for a class as long as it is in there.


def _new(cls: type[C], *_: Any, **__: Any) -> C:
    """Before `__init__` is looked up. It stays: a class whose `__new__` was taken away again accepts no arguments."""
    if _waiting:
        make_all()
    return object.__new__(cls)
