"""The build graph. `doit` lists the profiles, `doit build:NAME` builds one, `doit help` explains.

A step is one rule, in one file of debate/steps/ or debate/images/: what it reads (its slice of the profile, records of
other steps), the rights of its sandbox, what it makes. A command is one file of debate/commands/. The tasks are
projections of these; docs/internals.md has the diagram of the steps:

    profile → config → lock → packages → rootfs → overlay → iso → build
"""

from pathlib import Path

from debate.frontend.config import doit_config
from debate.graph.tasks import Graph

GRAPH = Graph(Path(__file__).parent)
DOIT_CONFIG = doit_config(GRAPH, default_tasks=["profiles"])


def task_steps():
    """from a profile to its ISO: for each rule and each profile one task, STEP:NAME"""
    yield from GRAPH.steps()


def task_commands():
    """what there is to ask and do beside the graph: COMMAND, or COMMAND:NAME for a profile"""
    yield from GRAPH.commands()
