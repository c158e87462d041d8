"""`doit schema`: print the JSON schema of profiles, for editors."""

from __future__ import annotations

from debate.commands.command import Answer, Command, Context
from debate.profile.schema import SCHEMA, schema


def run(context: Context) -> Answer:  # noqa: ARG001 - it is the same everywhere
    """The schema of this debate."""
    return Answer(SCHEMA.read_text(), data=(schema(),))


COMMAND = Command(
    name="schema",
    doc="print the JSON schema of profiles, for editors",
    usage="""\
doit schema

Prints the JSON schema of profiles, by which editors complete and check them. The first line of a
profile names it for yaml-language-server. In a workspace that is a copy, which `debate init` and
`debate new` write; after an update of debate:

  debate schema > profiles/.profile.schema.json
""",
    section="Write a profile",
    run=run,
)
