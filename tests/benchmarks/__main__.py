"""How long builds take, against the same tools by hand and against live-build.

    python -m tests.benchmarks [--arch | --live-build | --desktop] [--cache DIRECTORY]

Needs what the integration tests need, on a machine that does nothing else. --arch does it with an Arch system made of
Debian packages; --live-build also needs the package live-build, and a quarter of an hour; --desktop does both with the
packages of the shipped desktop, and needs half an hour and 25 GB below /var/tmp. Every figure is the median of several
runs in seconds, of the clock and of processors; the ratios count, not the seconds. Prints one line a target: ours, the
other's, the ratios, and what the first ratio should be at most. Packages and tools that the cache in DIRECTORY has are
not made again; all that is timed happens in a cache of its own.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from debate.text.amounts import count
from tests.benchmarks.bench import Bench
from tests.benchmarks.live_build import LiveBuild
from tests.benchmarks.measure import Cost, head, row, say
from tests.benchmarks.watch import Watch
from tests.integration import pacman_repository
from tests.integration.checkout import Checkout

LAST = "xorriso and SHA-256"


def arch(directory: Path) -> Bench:
    repository = pacman_repository.from_debian(Checkout.make(directory / "debian"), directory / "mirror")
    return Bench(directory, pacman_repository.PROFILE, repository.settings)


def small(bench: Bench, *, live_build: bool) -> None:
    """A system that boots to a login prompt."""
    cold = bench.cold()
    hand = bench.by_hand()
    row("cold build, packages there", cold, "by hand", hand, 1.0)
    second = bench.second("second", "packages: [mtools]\n")
    row("second profile, one package more", second, "by hand", hand, 0.5)
    row("nothing to do", bench.nothing_to_do(), "doit, one task", bench.one_task(), 1.5)
    row("fresh checkout, full cache", bench.fresh(), "copying the ISO", bench.copied(), 2.0)
    last = bench.last_steps_by_hand()
    row("a sandbox around nothing", bench.sandboxed(bench.trivial()), "without it", bench.nothing_by_hand())
    row("a sandbox around xorriso", bench.sandboxed(bench.iso_step()), LAST, last)
    edits(bench, last, 2.0)
    if live_build:
        other = LiveBuild(bench).cold()
        row("cold build, packages there", cold, "live-build", other, 0.2)
        row("second profile, one package more", second, "live-build", other, 0.1)


def edits(bench: Bench, last: Cost, most: float) -> dict[str, Cost]:
    """Edits of the profile against the steps by hand that have to be done again. What each takes."""
    made = {"one overlay file": bench.overlay_file(), "boot menu": bench.menu()}
    for name, edit in made.items():
        row(name, edit.cost, LAST, last, most)
    for name, edit in made.items():
        say(f"{name}: added to the store", edit.share * 100, "% of ISO", "1 %")
    return {name: edit.cost for name, edit in made.items()}


def desktop(bench: Bench) -> None:
    """The shipped desktop. What has to be done again for an edit, live-build does from the start, but for its menu."""
    packages, tools = bench.packages(), bench.stored()
    with Watch(bench.full.cache) as watch:
        ours = {"cold build, packages there": bench.cold()}
    iso = bench.full.iso(bench.name).stat().st_size
    say(f"ISO of {count(len(packages), 'package')}", iso / 1e6, "MB")
    say("packages and tools in the store", tools / 1e6, "MB")
    say("added to the store by the build", (bench.stored() - tools) / iso, "of ISO")
    for step, peak in sorted(watch.peaks.items(), key=lambda item: -item[1].memory):
        say(f"{step}: most memory", peak.memory / 1e6, "MB", f"{bench.settings.limits.memory / 1e6:.0f}")
        say(f"{step}: most scratch space", peak.scratch / 1e6, "MB")
    ours["one package more"] = bench.second("more", "packages: [sl]\n")
    ours["second profile on it"] = bench.second("second", "hostname: second\n")
    ours["nothing to do"] = bench.nothing_to_do()
    row("fresh checkout, full cache", bench.fresh(), "copying the ISO", bench.copied(), 2.0)
    ours |= edits(bench, bench.last_steps_by_hand(), 1.15)
    other = LiveBuild(bench)
    anew = other.cold()
    say("ISO of live-build", other.iso().stat().st_size / 1e6, "MB")
    for name, cost in ours.items():
        if name == "boot menu":
            row(name, cost, "live-build, medium alone", other.menu())
        else:
            row(name, cost, "live-build", anew, 0.2 if name.startswith("cold") else None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--arch", action="store_true", help="an Arch system, made of Debian packages")
    kinds.add_argument("--live-build", action="store_true", help="also time live-build, which takes minutes")
    kinds.add_argument("--desktop", action="store_true", help="the shipped desktop, also by live-build")
    parser.add_argument("--cache", type=Path, help="a cache below /var/tmp that may have packages and tools")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="debate-bench-", dir="/var/tmp") as name:
        directory = Path(name)
        if wanted.arch:
            bench = arch(directory)
        else:
            bench = Bench(directory, f"extends: {'desktop' if wanted.desktop else 'minimal'}\n", cache=wanted.cache)
        head()
        if wanted.desktop:
            desktop(bench)
        else:
            small(bench, live_build=wanted.live_build)


if __name__ == "__main__":
    main()
