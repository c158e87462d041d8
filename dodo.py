"""The build graph. `doit` lists the profiles, `doit build:NAME` builds one, `doit help` shows all commands.

A step is a rule in one file of debate/steps/ or debate/images/, which declares what the step reads (its slice of the
profile, records of other steps), the rights of its sandbox, and its outputs. A command is one file of debate/commands/.
The tasks are made from these declarations; docs/internals.md has a diagram of the steps:

    profile → config → lock → packages → rootfs → overlay → iso → build
"""

from pathlib import Path

from debate.frontend.config import doit_config
from debate.graph.tasks import Graph

GRAPH = Graph(Path(__file__).parent)
DOIT_CONFIG = doit_config(GRAPH, default_tasks=["profiles"])


def task_steps():
    """from a profile to its ISO: one task STEP:NAME for each rule and each profile"""
    yield from GRAPH.steps()


def task_commands():
    """commands that are not part of the build graph: COMMAND, or COMMAND:NAME for a profile"""
    yield from GRAPH.commands()
