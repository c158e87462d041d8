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
from debate.settings import marks


def doit_config(graph: Graph, **more: Any) -> dict[str, Any]:
    """The value of DOIT_CONFIG in dodo.py, with ``more`` added. From now on a board shows the running steps."""
    _restart_without_plugins(graph.settings.root)
    output = graph.settings.output
    board = Board(output / ".times.json")
    graph.run.display = board
    database = str(output / NAME)
    try:
        if marks(graph.settings.root):  # Else this is to become one.
            make_directory(output)
    except OSError:
        database = ":memory:"
    if not output.exists():
        database = ":memory:"
    if not all(os.access(path, os.W_OK) for path in (output, database) if os.path.exists(path)):
        database = ":memory:"  # Commands that only read must work without write access.
    Database.own = database
    reports = {
        "at_end": staticmethod(graph.run.end),
        "board": board,
        "warnings": staticmethod(lambda: (*graph.settings.warnings, *graph.left_out.values())),
    }
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
    """Run `debate` in ``root`` with the same words if doit was started without debate's plugins.

    doit reads pyproject.toml, which can name them, in the directory where it starts, and nowhere else. So it knows them
    neither with -k or -f ../dodo.py, nor in a workspace that is no checkout of debate.
    """
    program = Path(sys.argv[0])
    if "debate.frontend.loader" in sys.modules or "doit" not in (program.name, program.parent.name):
        return
    os.chdir(root)
    script = Path(sys.executable).with_name("debate")
    start = [str(script)] if script.exists() else ["-m", "debate"]
    os.execv(sys.executable, [sys.executable, "-X", "typed=doit", *start, *_in_root(sys.argv[1:])])


def _in_root(words: Sequence[str]) -> Iterator[str]:
    """doit's arguments, in the directory of the file with tasks that they name."""
    left = iter(words)
    for word in left:
        if word in ("-f", "--file"):
            yield f"-f{os.path.basename(next(left, ''))}"
        elif word.startswith("--file="):
            yield f"-f{os.path.basename(word.partition('=')[2])}"
        elif word.startswith("-f"):
            yield f"-f{os.path.basename(word[2:])}"
        elif word not in ("-k", "--seek-file"):
            yield word
