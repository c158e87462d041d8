"""Kills builds at random moments and looks whether the next run is none the worse.

    python -m tests.faults [--kills 50] [--seed 1]

Needs what the integration tests need. `minimal` is built once. Then, over and over: some steps are forgotten,
a build starts, and at a random moment it is killed (SIGKILL, SIGTERM, SIGINT), or it starts in a control group
with too little memory, where the kernel kills what it likes. Nothing that ran may be left, and the next run
must give the same ISO. Prints a line a kill, and ends with status 1 at the first that fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from debate import keys
from tests.integration.checkout import STORED, Checkout, assert_nothing_left, host_state, wait_until_gone

SECONDS = {"rootfs": 18.0, "initrd": 17.0}
"""About how long a build runs in which this step is forgotten; with none of them, `SHORT`."""
SHORT = 3.0


def forget(checkout: Checkout, steps: list[str]) -> None:
    """Make the next build run ``steps`` again, and look everything else up."""
    for step in steps:
        key = checkout.json("minimal", f"traces/{step}.json")["key"]
        (checkout.cache / "actions" / f"{key}.json").unlink()
    shutil.rmtree(checkout.output("minimal"))


@contextlib.contextmanager
def little_memory(size: int) -> Iterator[Path]:
    """A control group (v1 or v2) for a builder and all that it starts."""
    root = Path("/sys/fs/cgroup")
    version_2 = (root / "cgroup.controllers").exists()
    group = (root if version_2 else root / "memory") / "debate-faults"
    group.mkdir()
    try:
        (group / ("memory.max" if version_2 else "memory.limit_in_bytes")).write_text(str(size))
        yield group / "cgroup.procs"
    finally:
        deadline = time.monotonic() + 10
        while group.exists() and time.monotonic() < deadline:
            for directory in sorted(group.rglob("*"), reverse=True):
                if directory.is_dir():
                    with contextlib.suppress(OSError):
                        directory.rmdir()
            with contextlib.suppress(OSError):
                group.rmdir()
            time.sleep(0.05)


def starve(checkout: Checkout, size: int) -> int:
    """Build with ``size`` bytes of memory. Returns the exit status."""
    with little_memory(size) as procs:
        process = subprocess.Popen(
            ["sh", "-c", 'echo $$ > "$0"; exec "$@"', procs, sys.executable, "-m", "doit", "build:minimal"],
            cwd=checkout.directory, env={**checkout.environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return process.wait()


def kill(checkout: Checkout, number: signal.Signals, after: float) -> tuple[str, int]:
    """Build, and send ``number`` after a time. Returns what was running then, and the exit status."""
    process = checkout.start("build:minimal")
    time.sleep(after)
    running = ",".join(sorted(path.name.rpartition("-")[2] for path in (checkout.cache / "tmp").glob("*-*-*-*")))
    process.send_signal(number)
    said, _ = process.communicate()
    if "Traceback" in said:
        raise SystemExit(said)
    return running or "no sandbox", process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    wanted = parser.parse_args()
    chance = random.Random(wanted.seed)  # noqa: S311 - no secret
    sys.stdout.write(f"seed {wanted.seed}\n")
    before = host_state()
    with tempfile.TemporaryDirectory(prefix="debate-faults-", dir="/var/tmp") as name:
        checkout = Checkout.make(Path(name) / "checkout")
        profile = checkout.directory / "profiles" / "minimal.yaml"
        profile.write_text(profile.read_text() + "image: {compression: {algorithm: lz4}}\n")  # Twice as fast to pack.
        checkout.doit("build:minimal")
        shutil.copy(checkout.output("minimal", "lock.json"), checkout.directory / "profiles" / "minimal.lock.json")
        checkout.doit("build:minimal")
        digest, count = checkout.digest("minimal"), Counter[str]()
        for turn in range(1, wanted.kills + 1):
            steps = chance.sample(STORED, chance.randint(1, 3))
            forget(checkout, steps)
            way = chance.choice(["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "memory"])
            if way == "memory":
                size = chance.randint(80, 700) << 20
                status, running = starve(checkout, size), f"{size >> 20} MiB"
            else:
                longest = max(SECONDS.get(step, SHORT) for step in steps)
                running, status = kill(checkout, signal.Signals[way], chance.uniform(0.2, longest))
            wait_until_gone(before)
            said = checkout.doit("build:minimal")
            assert checkout.digest("minimal") == digest, said
            assert keys.sha256_file(checkout.iso("minimal")) == digest
            assert_nothing_left(before, checkout)
            assert not list(checkout.output("minimal").rglob(".*-unfinished"))
            count[way] += 1
            line = f"{turn:3} {way:8} in {running:20} status {status:4}; forgotten: {','.join(sorted(steps))}\n"
            sys.stdout.write(line)
            sys.stdout.flush()
        for path in checkout.cache.glob("objects/sha256/*/*"):
            assert keys.sha256_file(path) == f"sha256:{path.parent.name}{path.name}", path
        for path in checkout.cache.glob("actions/*.json"):
            json.loads(path.read_bytes())
    sys.stdout.write(f"survived: {dict(count)}; every object in the store is what its name says\n")


if __name__ == "__main__":
    main()
