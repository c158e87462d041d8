"""The reference of all profile fields, as Markdown, made from the schema.

python -m debate.profile.reference > docs/profile.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from debate.profile.schema import named, schema

_INTRODUCTION = """\
# Profiles

Generated from `debate/schema/profile.schema.json` by `python -m debate.profile.reference`; edit the schema instead.

A profile is one YAML file in `profiles/`, and its name is that of the file, without `.yaml`. Profiles whose names start
with `_` cannot be built, only extended. Paths are relative to the profile's file. In the tables, fields marked with *
are required.

What a profile names must be in `profiles/`, and be a file or a directory. Links are followed as long as they stay
there; in an overlay none is followed. A profile may have 1 MiB, a lock file 8 MiB, a hook, a key or a `source` 4 MiB
and all of them 32 MiB; all overlays 8 GiB, of which 64 MiB may be holes, in 50,000 files, directories and links with
16 MiB of paths. A profile may have 20,000 values, and 40,000 with what it extends. Of more than 100 problems the first
are told, and the number of the others.

"""


def markdown() -> str:
    """The text of docs/profile.md."""
    top = schema()
    lines = [_INTRODUCTION, "| field | what it is |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {part['description']} |" for name, part in top["properties"].items()]
    for name, part in top["properties"].items():
        lines += ["", *_field(name, part, name in top["required"])]
    return "\n".join(lines) + "\n"


def _field(name: str, part: dict[str, Any], required: bool) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield f"{part['description']} {'Required. ' if required else ''}{_facts(part)}"
    yield ""
    yield "```yaml"
    yield yaml.safe_dump({name: part["examples"][0]}, sort_keys=False, allow_unicode=True).rstrip()
    yield "```"
    rows = list(_rows("", part))
    if rows:
        yield ""
        yield "| field | what it is |"
        yield "|---|---|"
        yield from rows


def _rows(prefix: str, part: dict[str, Any]) -> Iterator[str]:
    inner = part if "properties" in part else part.get("items", {})
    for name, field in inner.get("properties", {}).items():
        mark = " *" if name in inner.get("required", []) else ""
        yield f"| `{prefix}{name}`{mark} | {field['description']} {_facts(field)} |"
        yield from _rows(f"{prefix}{name}.", field)


def _facts(part: dict[str, Any]) -> str:
    facts = []
    values = named(part)
    if values:
        facts.append("One of " + ", ".join(f"`{value}`" for value in values) + ".")
    if "x-form" in part:
        facts.append(f"Form: {part['x-form']}.")
    if part.get("maxLength"):
        facts.append(f"At most {part['maxLength']:,} characters.")
    if part.get("maxItems"):
        facts.append(f"At most {part['maxItems']:,} items.")
    if part.get("items") and not part.get("x-set"):
        facts.append("Order matters.")
    if part.get("default") is not None:
        facts.append(f"Default: `{json.dumps(part['default'], ensure_ascii=False)}`.")
    return " ".join(facts)


if __name__ == "__main__":
    sys.stdout.write(markdown())
