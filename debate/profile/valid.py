"""Tells quickly that a value is valid by a JSON schema, as nearly all profiles are.

Only where it does not say so is `jsonschema` asked, which can say what is wrong: loading it alone takes longer than all
else that reads a profile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

Check = Callable[[Any], bool]
"""True for a value that is surely valid."""
_Rules = Mapping[str, Any]
"""The keywords of a schema that can make a value wrong, besides its type."""

_SAY_NOTHING = {"$schema", "$id", "title", "description", "default", "examples"}
"""Keywords by which no value is wrong, besides those that start with x-."""
_NAMES = {"enum", "const"}
_KNOWN = _NAMES | {
    "pattern", "minLength", "maxLength", "minimum", "maximum", "items", "minItems", "maxItems", "properties",
    "required", "additionalProperties",
}  # fmt: skip


def checker(part: Mapping[str, Any]) -> Check:
    """The check for values with the schema ``part``. If it has a keyword that is not known here, it says nothing."""
    rules = {name: value for name, value in part.items() if name not in _SAY_NOTHING and not name.startswith("x-")}
    types = rules.pop("type", list(_KINDS))
    either = [checker(one) for one in rules.pop("anyOf", ())]
    if not rules.keys() <= _KNOWN or rules.keys() >= _NAMES:
        return _never
    # By the very type, since for Python True is a number.
    kinds = [_KINDS[name] for name in ([types] if isinstance(types, str) else types)]
    checks = {kind: make(rules) for kind, make in kinds}
    if either:
        return lambda value: checks.get(type(value), _never)(value) and any(check(value) for check in either)
    return lambda value: checks.get(type(value), _never)(value)


def _never(_: Any) -> bool:
    return False


def _always(_: Any) -> bool:
    return True


def _among(rules: _Rules) -> Collection[Any] | None:
    """The values that are permitted; None for all. Of a const or an enum some may be of other types."""
    if "enum" in rules:
        return list(rules["enum"])
    return [rules["const"]] if "const" in rules else None


def _plain(rules: _Rules) -> Check:
    """For null and booleans."""
    among = _among(rules)
    return lambda value: among is None or any(value is each for each in among)


def _number(rules: _Rules) -> Check:
    among, least, most = _among(rules), rules.get("minimum", float("-inf")), rules.get("maximum", float("inf"))
    named = None if among is None else {each for each in among if type(each) is int}
    return lambda value: least <= value <= most and (named is None or value in named)


def _text(rules: _Rules) -> Check:
    among, least, most = _among(rules), rules.get("minLength", 0), rules.get("maxLength", float("inf"))
    named = None if among is None else {each for each in among if isinstance(each, str)}
    pattern = rules.get("pattern", "")

    def check(value: str) -> bool:
        # re keeps what it has compiled; most patterns are never needed.
        return (
            least <= len(value) <= most
            and (named is None or value in named)
            and (not pattern or re.search(pattern, value) is not None)
        )

    return check


def _list(rules: _Rules) -> Check:
    if _NAMES & rules.keys():
        return _never
    item = checker(rules["items"]) if "items" in rules else _always
    least, most = rules.get("minItems", 0), rules.get("maxItems", float("inf"))
    return lambda value: least <= len(value) <= most and all(map(item, value))


def _mapping(rules: _Rules) -> Check:
    if _NAMES & rules.keys() or rules.get("additionalProperties", True) not in (True, False):
        return _never
    fields = {name: checker(part) for name, part in rules.get("properties", {}).items()}
    required, others = set(rules.get("required", ())), rules.get("additionalProperties", True)

    def check(value: dict[str, Any]) -> bool:
        for name, item in value.items():
            field = fields.get(name)
            if not (others if field is None else field(item)):
                return False
        return required <= value.keys()

    return check


_KINDS: Mapping[str, tuple[type, Callable[[_Rules], Check]]] = {
    "null": (type(None), _plain),
    "boolean": (bool, _plain),
    "integer": (int, _number),
    "string": (str, _text),
    "array": (list, _list),
    "object": (dict, _mapping),
}
