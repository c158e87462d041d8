"""`doit shell:STEP:NAME`: open a shell in the sandbox of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context

if TYPE_CHECKING:
    from debate.settings import Settings


def require(_: Settings) -> None:
    """A shell on a terminal reads and writes there. Raises DebateError."""
    from debate.commands.logic.shell import require_terminal

    require_terminal()


def run(context: Context, profile: str, step: str) -> Answer:
    """Run ``step`` up to its shell. Raises DebateError if the sandbox cannot be made."""
    from debate.commands.logic.shell import shell

    steps = context.build(profile)
    context.pause()
    shell(steps, step)
    return Answer()


COMMAND = Command(
    name="shell",
    doc="open a shell in a step's sandbox, where it failed or ended",
    usage="""\
doit shell:STEP:NAME

STEP is {steps}. Runs that step again and opens a shell in its sandbox: after the failure, or else
before its outputs are packed. Nothing is kept. Without a terminal it reads commands from standard
input.

  doit shell:overlay:minimal
  echo 'cat /etc/os-release' | doit shell:overlay:minimal
""",
    section="Know why",
    run=run,
    per="step",
    root=True,
    require=require,
)
