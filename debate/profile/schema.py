"""The JSON schema of a profile, and its errors as problems for the user.

A field of a few values that may be null has `anyOf` the values and null, so that what lists the values lists no null.

In addition to JSON Schema's own keywords, fields have:

``x-form``: the form of values that match ``pattern``, for messages.
``x-instead``: what to do instead of writing values of a certain kind that do not match: pattern -> remedy.
``x-set``: true for a list whose order and duplicates have no meaning. The order of any other list matters.
``x-key``: for a list of mappings, the field that identifies an entry.
``x-units``: true for a mapping of lists of units, of which a later profile's entry replaces those of the same unit.
``x-replace``: true for a list that replaces the one of an extended profile, instead of following it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from debate import PACKAGE, distributions
from debate.errors import MOST_PROBLEMS, Problem
from debate.profile import valid
from debate.profile.node import Node
from debate.text.printable import quoted
from debate.text.suggest import suggest, suggest_value

SCHEMA = PACKAGE / "schema" / "profile.schema.json"


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of a profile."""
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text())
    return loaded


@cache
def validator(*path: str) -> Any:
    """A jsonschema validator for what is at ``path``: see `fits`. Made only once, since that takes long."""
    import jsonschema  # noqa: PLC0415 - takes longer to load than a valid profile to read

    return jsonschema.Draft202012Validator(_part(path))


@cache
def checker(*path: str) -> valid.Check:
    """True for a value that may surely be at ``path``: see `fits`."""
    return valid.checker(_part(path))


def fits(value: Any, *path: str) -> bool:
    """True if a profile may have ``value`` at ``path``, the names of fields, with ``*`` for an item of a list."""
    return checker(*path)(value) or bool(validator(*path).is_valid(value))


def _part(path: Iterable[str]) -> dict[str, Any]:
    part = schema()
    for name in path:
        part = part["items"] if name == "*" else part["properties"][name]
    return part


def named(part: Mapping[str, Any]) -> list[Any]:
    """The values of a field or of the items of a list, if it has some of a few; else none. Null is not among them."""
    part = part.get("items", part)
    values: list[Any] = part.get("anyOf", [part])[0].get("enum", [])
    return values


def scalars(root: Node) -> Iterator[tuple[tuple[str, ...] | None, Node]]:
    """The values in ``root`` that are neither lists nor mappings, with paths as for `fits`.

    The path is None within a list or mapping where there may be none. What is below unknown fields is left out.
    """

    def below(node: Node, part: Mapping[str, Any] | None, path: tuple[str, ...]) -> Iterator[Any]:
        if isinstance(node.value, dict):
            fields = part.get("properties") if part else None
            for name, child in node.value.items():
                if fields is None or name in fields:
                    yield from below(child, fields and fields[name], (*path, name))
        elif isinstance(node.value, list):
            for child in node.value:
                yield from below(child, part.get("items") if part else None, (*path, "*"))
        else:
            yield (None if part is None else path), node

    yield from below(root, schema(), ())


def problems(root: Node) -> Iterator[Problem]:
    """All errors that the schema finds in the file ``root``."""
    data = root.data()
    if checker()(data):
        return
    left = MOST_PROBLEMS

    def hint(word: str, known: Sequence[str], how: Callable[[str, Sequence[str]], str] = suggest) -> str:
        """What is meant, which takes long to find, as long as the problem is not one of those that are only counted."""
        nonlocal left
        left -= 1
        return how(word, known) if left >= 0 else ""

    for error in validator().iter_errors(data):
        yield from _explained(error, root.at(error.absolute_path), hint, _of_distribution(error, data))


def _of_distribution(error: Any, data: Any) -> list[str]:
    """The values of a field of a few, those that the distribution has, if the file names one that there is."""
    found = [str(value) for value in named(error.schema)]
    distribution = data.get("distribution")
    if isinstance(distribution, str) and distribution in distributions.BOOTSTRAPPERS:
        path = tuple(step for step in error.absolute_path if isinstance(step, str))
        own = distributions.values(distributions.get(distribution)).get(path)
        return [value for value in found if own is None or value in own]
    return found


def _explained(error: Any, node: Node, hint: Callable[..., str], known: Sequence[str]) -> Iterator[Problem]:
    """The problems that one schema error stands for. ``hint``: `suggest`; ``known``: values of a field of a few."""
    field, keyword, instance = field_name(error.absolute_path), error.validator, error.instance
    if keyword == "additionalProperties":
        names = sorted(error.schema["properties"])
        for name in (name for name in instance if name not in error.schema["properties"]):
            child = node.value[name]
            fact = f"unknown field {quoted(name)}" + (f" in {field}" if field else "")
            yield Problem(child.key or child.position, fact, hint(name, names))
    elif keyword == "required":
        for name in error.validator_value:
            if name not in instance:
                example = json.dumps(error.schema["properties"][name]["examples"][0])
                fact = f"{field or 'the profile'} lacks the required field {name!r}"
                yield Problem(node.position, fact, f"add it, for example `{name}: {example}`")
    elif keyword == "type":
        wanted = _type_names(error.validator_value)
        if "string" in _as_list(error.validator_value) and isinstance(instance, (int, bool)):
            if valid.checker(error.schema)(node.raw) and (not known or node.raw in known):
                remedy = f'write "{node.raw}" in quotes'
            elif known and wanted == "text":
                remedy = hint(node.raw, known, suggest_value)
            else:
                remedy = f"use {error.schema.get('x-form', wanted)}"
        else:
            remedy = f"write {wanted}{_example(error.schema, known)}"
        yield Problem(node.position, f"{field}: {_type_name(instance)} where {wanted} is expected", remedy)
    elif keyword in ("enum", "anyOf"):
        if isinstance(instance, str):  # Otherwise the wrong type is reported.
            fact = f"{field}: unknown value {_brief(instance)}"
            yield Problem(node.position, fact, hint(instance, known, suggest_value))
    elif keyword == "pattern":
        fact = f"{field}: {_brief(instance)} is not a valid {_noun(error)}"
        instead = error.schema.get("x-instead", {}).items()
        remedies = (remedy for form, remedy in instead if re.search(form, instance))
        yield Problem(node.position, fact, next(remedies, f"use {error.schema['x-form']}"))
    elif keyword == "const":
        if type(instance) is type(error.validator_value):  # Otherwise the wrong type is reported.
            remedy = f"write {error.validator_value}"
            yield Problem(node.position, f"{field}: {_brief(instance)} is not supported", remedy)
    else:
        fact, remedy = _LIMITS[keyword]
        fact = f"{field}: {_brief(instance)} {fact}"
        yield Problem(node.position, fact, remedy.format(error.validator_value))


_LIMITS = {
    "minimum": ("is too small", "the minimum is {0}"),
    "maximum": ("is too large", "the maximum is {0}"),
    "minLength": ("is too short", "write {0} or more characters"),
    "maxLength": ("is too long", "write at most {0} characters"),
    "minItems": ("has too few items", "write {0} or more"),
    "maxItems": ("has too many items", "write at most {0}"),
}
"""Schema keyword -> fact and remedy."""


def field_name(path: Iterable[str | int]) -> str:
    """``users[2].groups``: list items counted from 1."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _noun(error: Any) -> str:
    """What the value of a schema error is called: by its field's name, or for an item of a list by its description."""
    name = error.absolute_path[-1]
    if isinstance(name, str):
        return name.replace("_", " ")
    description: str = error.schema["description"]
    return re.split(r"[.,:]", re.sub(r"^(An?|The) ", "", description))[0].lower()


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_TYPES = {
    "string": "text", "array": "a list", "object": "a mapping", "boolean": "true or false",
    "integer": "a whole number",
}  # fmt: skip


def _type_names(types: Any) -> str:
    return " or ".join(_TYPES[name] for name in _as_list(types) if name != "null")


def _type_name(value: Any) -> str:
    if value is None:
        return "no value"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int):
        return f"the number {value}"
    kinds: dict[type, str] = {str: "text", list: "a list", dict: "a mapping"}
    return kinds[type(value)]


def _example(part: Mapping[str, Any], known: Sequence[str]) -> str:
    """``known``: values of a field of a few, or of its items."""
    examples = [[known[0]] if "items" in part else known[0]] if known else part.get("examples")
    return f", such as {json.dumps(examples[0])}" if examples else ""


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
