"""`doit show:NAME`: a profile with everything it extends and all defaults, and where each value comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from debate.commands.command import Answer, Command, Context
from debate.steps import config

if TYPE_CHECKING:
    from debate.profile.node import Node


def run(context: Context, profile: str) -> Answer:
    """The profile as YAML, with the origin of each value as a comment. Raises ProfileError."""
    from debate.profile.chosen import chosen
    from debate.profile.load import load

    directory = context.settings.profiles
    loaded = load(directory, profile)
    made = config.normalise(loaded, directory)
    values = chosen(loaded)
    rows = list(_rows(values, loaded.root, 0))
    width = min(60, max(len(text) for text, _ in rows))
    lines = [f"{text:<{width}}  # {origin}" if origin else text for text, origin in rows]
    text = "\n".join([f"# config {made.hash}", *lines]) + "\n"
    return Answer(text, data=({"profile": profile, "config": made.hash, "values": values},))


def _rows(value: Any, node: Node | None, depth: int) -> Iterator[tuple[str, str]]:
    """Lines of YAML, each with its origin."""
    indent = "  " * depth
    for name, item in value.items():
        below = node.value.get(name) if node is not None and isinstance(node.value, dict) else None
        if isinstance(item, dict) and item:
            word = below is not None and not isinstance(below.value, dict)  # Such as `network: dhcp`.
            yield f"{indent}{name}:", str(below.position) if below is not None and word else ""
            yield from _rows(item, below, depth + 1)
        elif isinstance(item, list) and item:
            yield f"{indent}{name}:", "" if below is not None else "default"
            for number, element in enumerate(item):
                inner = below.value[number] if below is not None and isinstance(below.value, list) else None
                origin = str(inner.position) if inner is not None else ""
                yield f"{indent}  - {_scalar(element)}", origin
        else:
            yield f"{indent}{name}: {_scalar(item)}", str(below.position) if below is not None else "default"


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


COMMAND = Command(
    name="show",
    doc="show all values of a profile, and where each comes from",
    usage="""\
doit show:NAME

Prints all values of a profile, including defaults and everything it extends, each with the file and
line that it comes from.
""",
    section="Write a profile",
    run=run,
    per="profile",
)
