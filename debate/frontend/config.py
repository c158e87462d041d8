"""DOIT_CONFIG: how doit runs the graph."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from debate.frontend.checker import XXH3Checker
from debate.frontend.database import NAME, Database
from debate.frontend.progress import Board
from debate.frontend.reporter import Reporter
from debate.graph.tasks import Graph
from debate.host.ours import make_directory


def doit_config(graph: Graph, **more: Any) -> dict[str, Any]:
    """The value of DOIT_CONFIG in dodo.py, with ``more`` added. From now on a board shows the running steps."""
    _restart_without_plugins(graph.settings.root)
    output = graph.settings.output
    board = Board(output / ".times.json")
    graph.run.display = board
    database = str(output / NAME)
    try:
        make_directory(output)
    except OSError:
        database = ":memory:"
    if not all(os.access(path, os.W_OK) for path in (output, database) if os.path.exists(path)):
        database = ":memory:"  # Commands that only read must work without write access.
    Database.own = database
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


def _restart_without_plugins(root: Path) -> None:
    """Run the same command in ``root`` if doit was started in another directory, as with -k or -f ../dodo.py.

    doit reads pyproject.toml, which names debate's loader, in the directory where it starts, and nowhere else.
    """
    program = Path(sys.argv[0])
    if "debate.frontend.loader" in sys.modules or "doit" not in (program.name, program.parent.name):
        return
    os.chdir(root)
    if Path("pyproject.toml").exists():
        script = Path(sys.executable).with_name("doit")
        start = [str(script)] if script.exists() else ["-m", "doit"]
        os.execv(sys.executable, [sys.executable, *start, *_without_dodo_file(sys.argv[1:])])


def _without_dodo_file(words: Sequence[str]) -> Iterator[str]:
    """doit's arguments without those that say where dodo.py is."""
    left = iter(words)
    for word in left:
        if word in ("-f", "--file"):
            next(left, None)
        elif word not in ("-k", "--seek-file") and not word.startswith(("-f", "--file=")):
            yield word
