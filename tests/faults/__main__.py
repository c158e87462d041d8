"""Does random harm to builds, in one of `tests.faults.ways` after the other, and looks whether the next run heals it.

    python -m tests.faults [--faults 50] [--seed 1] [--ways SIGKILL,records]

Needs what the integration tests need. `minimal` is built once. After each fault nothing that ran may be left, the next
run must give the same ISO, and the one after that must find nothing to do. Prints a line a fault, and ends with
status 1 at the first after which that is not so.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from debate import keys
from tests.faults.ways import WAYS, fault, recover
from tests.integration.checkout import Checkout, host_state


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--ways", default=",".join(WAYS))
    wanted = parser.parse_args()
    chance = random.Random(wanted.seed)  # noqa: S311 - no secret
    sys.stdout.write(f"seed {wanted.seed}\n")
    before, count = host_state(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="debate-faults-") as name:
        checkout = Checkout.make(Path(name) / "checkout")
        profile = checkout.directory / "profiles" / "minimal.yaml"
        profile.write_text(profile.read_text() + "image: {compression: {algorithm: lz4}}\n")  # Twice as fast to pack.
        checkout.doit("build:minimal")
        shutil.copy(checkout.output("minimal", "lock.json"), checkout.directory / "profiles" / "minimal.lock.json")
        checkout.doit("build:minimal")
        digest = checkout.digest("minimal")
        for turn in range(1, wanted.faults + 1):
            way = chance.choice(wanted.ways.split(","))
            did = fault(checkout, way, chance)
            sys.stdout.write(f"{turn:3} {way:9} {did}\n")
            sys.stdout.flush()
            recover(checkout, digest, before)
            count[way] += 1
        checkout.start("fsck").communicate()  # Actions that no step has looked up may still be damaged.
        assert "all match their digests" in checkout.doit("fsck")
        for path in checkout.cache.glob("objects/sha256/*/*"):
            assert keys.sha256_file(path) == f"sha256:{path.parent.name}{path.name}", path
    sys.stdout.write(f"survived: {dict(count)}; every object in the store is what its name says\n")


if __name__ == "__main__":
    main()
