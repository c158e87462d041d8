"""`doit TASK …`, with the two options that people type without looking them up: -v and --help."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from doit.cmd_run import Run as DoitRun


class Run(DoitRun):  # type: ignore[misc]
    """doit's run."""

    doc_purpose = "make what the tasks say; the word run can be left out"

    def parse_execute(self, in_args: list[str]) -> Any:
        """Run what the words after `doit` name. Returns doit's exit status."""
        if any(word in ("-h", "--help") for word in in_args):
            from debate.frontend import help as help_

            words = [word for word in in_args if not word.startswith("-")]
            sys.stdout.write("\n".join(filter(None, map(help_.text, words))) or help_.OVERVIEW)
            return 0
        return super().parse_execute(verbose(in_args))


def verbose(words: Sequence[str]) -> list[str]:
    """-v or --verbose anywhere, without doit's level behind it, as doit's own -v 2 before all others."""
    found: list[str] = []
    level = ""
    left = list(words)
    while left:
        word = left.pop(0)
        if word not in ("-v", "--verbose"):
            found.append(word)
        else:
            level = left.pop(0) if left and left[0] in ("0", "1", "2") else "2"
    return ["-v", level, *found] if level else found
