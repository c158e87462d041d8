"""What distributions have, as the schema lists it: the values of some fields, and their defaults in the description.

The schema is a file for the sake of editors. This writes the facts of all distributions into it:

    python -m debate.profile.enums
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from debate import distributions
from debate.profile.schema import SCHEMA, named


def update(schema: dict[str, Any]) -> None:
    """Write the facts of all distributions into ``schema``; everything else in it stays."""
    known = [distributions.get(name) for name in distributions.BOOTSTRAPPERS]
    fields = schema["properties"]
    _merge(named(fields["distribution"]), (facts.NAME for facts in known))
    _fill(fields["release"], {facts.TITLE: (facts.RELEASES, facts.RELEASES[:1]) for facts in known})
    _fill(fields["architecture"], {facts.TITLE: (facts.ARCHITECTURES, facts.ARCHITECTURES[:1]) for facts in known})
    _fill(fields["components"], {facts.TITLE: (facts.COMPONENTS, facts.DEFAULT_COMPONENTS) for facts in known})
    generator = fields["initrd"]["properties"]["generator"]
    _fill(generator, {facts.TITLE: (facts.GENERATORS, facts.GENERATORS[:1]) for facts in known})


def _fill(field: dict[str, Any], facts: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]) -> None:
    """``facts``: title of each distribution -> values of the field, and those of them that are its default."""
    _merge(named(field), (value for values, _ in facts.values() for value in values))
    defaults = ", ".join(f"{' and '.join(default)} for {title}" for title, (_, default) in facts.items())
    field["description"] = re.sub(r"Without it: .*", f"Without it: {defaults}.", field["description"])


def _merge(written: list[str], values: Iterable[str]) -> None:
    """Make ``written`` the ``values``, in the order in which they are there already; new ones follow."""
    known = dict.fromkeys(values)
    kept = [value for value in written if value in known]
    written[:] = [*kept, *(value for value in known if value not in kept)]


def text(written: str) -> str:
    """The schema with the text ``written``, updated."""
    schema = json.loads(written)
    update(schema)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(text(SCHEMA.read_text()))
