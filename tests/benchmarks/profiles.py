"""How much longer ten thousand profiles take than one.

    python -m tests.benchmarks.profiles

Every figure is the median of several runs in seconds; the ratios count. Needs no root and no network. Prints one line a
target: with ten thousand profiles, with one, the ratio, and what the ratio or the seconds should be at most.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from debate.graph.tasks import Graph
from tests.benchmarks.measure import head, row, run, timed
from tests.integration.checkout import DOIT, Checkout

MANY = 10_000


def checkout(directory: Path, number: int) -> Checkout:
    """One with ``number`` profiles: each extends another, and every third one has a base."""
    made = Checkout.make(directory)
    for path in (directory / "profiles").glob("*.yaml"):
        if path.name not in ("minimal.yaml", "_common.yaml"):
            path.unlink()
    for each in range(number - 1):
        below = "extends: _common" if each % 3 else "extends: minimal\nbase: minimal"
        made.profile(f"p{each:05}", f"description: Number {each}\n{below}\nhostname: p{each}\npackages: [x{each}]\n")
    return made


def doit(made: Checkout, *words: str) -> None:
    run(DOIT, *words, directory=made.directory)


def validated_anew(made: Checkout) -> None:
    (made.directory / "build" / ".validated.json").unlink(missing_ok=True)
    doit(made, "validate")


def declared(made: Checkout) -> float:
    """Milliseconds of processor time for each profile, to declare the tasks of `doit build`."""
    graph = Graph(made.directory)
    graph.narrow(["build"])
    started = time.process_time()
    for _ in graph.steps():
        pass
    return (time.process_time() - started) * 1000 / len(graph.profiles())


def main() -> None:
    os.environ.pop("CI", None)  # There `doit validate` keeps nothing.
    with tempfile.TemporaryDirectory(prefix="debate-bench-", dir="/var/tmp") as name:
        many, one = checkout(Path(name) / "many", MANY), checkout(Path(name) / "one", 1)
        head(str(MANY))
        for words in ((), ("list",), ("list", "--all", "--quiet", "build")):
            label = " ".join(("doit", *words))
            row(label, timed(lambda: doit(many, *words), 5), "one profile", timed(lambda: doit(one, *words), 5), 2.0)  # noqa: B023
        row("validate", timed(lambda: validated_anew(many)), "one profile", timed(lambda: validated_anew(one), 5))
        sys.stdout.write(f"{'':<42} at most 3 s with two processors\n")
        row(
            "validate, nothing changed",
            timed(lambda: doit(many, "validate"), 3),
            "one profile",
            timed(lambda: doit(one, "validate"), 5),
        )
        sys.stdout.write(f"{'declared for `doit build`':<42} {declared(many):7.2f}  ms a profile (at most 1)\n")


if __name__ == "__main__":
    main()
