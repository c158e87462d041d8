"""`debate init [NAME]`: make a workspace of the directory in which one stands."""

from __future__ import annotations

from collections.abc import Sequence

from debate.commands.command import Answer, Command, Context, Option


def run(context: Context, names: Sequence[str], ci: str) -> Answer:
    """Write the files. If it raises DebateError, it has written nothing."""
    from debate.commands.logic import init

    return init.make(context, names, ci)


COMMAND = Command(
    name="init",
    doc="make a workspace: profiles of your own, anywhere",
    usage="""\
debate init [NAME] [--ci github|gitlab|none]

Makes a workspace of the directory in which you stand: profiles/ with a first profile (default:
live), debate.toml, dodo.py, .gitignore, an entry for pre-commit, and a file for the CI of the forge
that git's remotes name. It refuses a directory that is a workspace already, and leaves other files
as they are. docs/workspaces.md says more.
""",
    section="Write a profile",
    run=run,
    names="[NAME]",
    options=(Option("ci", "the forge whose CI is to build", choices=("github", "gitlab", "none")),),
)
