"""How two values of a config differ, in lines that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def changes(one: Any, two: Any, path: str = "") -> Iterator[str]:
    """A line for each difference: + added, - removed, ~ old -> new."""
    one, two = _named(one), _named(two)
    if isinstance(one, dict) and two == []:
        two = {}
    if isinstance(two, dict) and one == []:
        one = {}
    if isinstance(one, dict) and isinstance(two, dict):
        for name in [*one, *(name for name in two if name not in one)]:
            below = f"{path}.{name}" if path else name
            if name not in one:
                yield f"+ {below}: {_text(two[name])}"
            elif name not in two:
                yield f"- {below}: {_text(one[name])}"
            else:
                yield from changes(one[name], two[name], below)
    elif isinstance(one, list) and isinstance(two, list):
        gone = [item for item in one if item not in two]
        come = [item for item in two if item not in one]
        yield from (f"- {path}: {_text(item)}" for item in gone)
        yield from (f"+ {path}: {_text(item)}" for item in come)
        if not gone and not come and one != two and path in ("hooks", "boot.console"):
            yield f"~ {path}: another order"
    elif one != two:
        yield f"~ {path}: {_text(one)} -> {_text(two)}"


def _named(value: Any) -> Any:
    """A list of mappings that are known by a name or a path, such as users, as a mapping of these."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        key = next((key for key in ("name", "path", "source") if all(key in item for item in value)), None)
        if key:
            return {item[key]: {name: below for name, below in item.items() if name != key} for item in value}
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
