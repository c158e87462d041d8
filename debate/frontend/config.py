"""DOIT_CONFIG: how doit runs the graph."""

from __future__ import annotations

import os
from typing import Any

from debate.frontend.checker import XXH3Checker
from debate.frontend.progress import Board
from debate.frontend.reporter import Reporter
from debate.graph.tasks import Graph
from debate.host.ours import make_directory


def doit_config(graph: Graph, **more: Any) -> dict[str, Any]:
    """The value of DOIT_CONFIG in dodo.py, with ``more`` added. From now on a board shows the running steps."""
    output = graph.settings.output
    board = Board(output / ".times.json")
    graph.run.display = board
    database = str(output / ".doit.db")
    try:
        make_directory(output)
    except OSError:
        database = ":memory:"
    if not all(os.access(path, os.W_OK) for path in (output, database) if os.path.exists(path)):
        database = ":memory:"  # Commands that only read must work without write access.
    reports = {"at_end": staticmethod(graph.run.end), "board": board, "warnings": graph.settings.warnings}
    return {
        "backend": "debate",
        "dep_file": database,
        "check_file_uptodate": XXH3Checker,
        "reporter": type("Reporter", (Reporter,), reports),
        "num_process": graph.settings.jobs,
        "par_type": "thread",
        "verbosity": 1,
        **more,
    }
