"""Ways in which a build can fail, or what it left can be damaged.

- SIGKILL, SIGTERM, SIGINT: some steps are forgotten, a build starts, and at a random moment it is killed;
- memory: it starts in a control group with too little memory, where the kernel kills what it likes;
- collector: it is killed, too, while garbage is collected in a loop, which is killed then;
- records, actions: files that the build left, in its directory or in the cache, are of another shape or something else;
- database: doit's own is damaged;
- user: another user owned a part of the cache, and changed an object in it.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from debate import keys
from tests.integration.checkout import (
    DOIT,
    STORED,
    Checkout,
    assert_nothing_left,
    remembered,
    wait_until_gone,
)  # fmt: skip
from tests.unit import damage

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


def kill_beside_a_collector(checkout: Checkout, number: signal.Signals, after: float) -> tuple[str, int]:
    """`kill` while another process collects garbage, as small as it goes."""
    loop = f"while :; do '{DOIT}' gc --size 1 > /dev/null 2>&1; done"
    with subprocess.Popen(
        ["sh", "-c", loop], cwd=checkout.directory, env=checkout.environment(), start_new_session=True
    ) as collector:
        try:
            return kill(checkout, number, after)
        finally:
            os.killpg(collector.pid, signal.SIGKILL)


def damage_files(files: list[Path], chance: random.Random) -> str:
    """Put something else into a few files, or in their places. Returns what."""
    did = []
    for path in chance.sample(files, 4):
        kind = chance.choice([*damage.PLACES, *damage.CONTENTS])
        if kind in damage.CONTENTS:
            path.write_bytes(damage.CONTENTS[kind])
        else:
            with contextlib.chdir(path.parent):  # The path of a socket must be short.
                damage.put(path, kind)
        did.append(f"{path.name[:16]}: {kind}")
    return ", ".join(did)


def damage_records(checkout: Checkout, chance: random.Random) -> str:
    """Damage what the build left in its own directory. Returns what."""
    return damage_files(remembered(checkout), chance)


def damage_actions(checkout: Checkout, chance: random.Random) -> str:
    """Damage what the cache knows of the steps, which then are looked up there. Returns what."""
    keys_ = (checkout.json("minimal", f"traces/{step}.json")["key"] for step in STORED)
    did = damage_files([checkout.cache / "actions" / f"{key}.json" for key in keys_], chance)
    forget(checkout, [])
    return did


def damage_database(checkout: Checkout, chance: random.Random) -> str:
    """Cut doit's database, or write nonsense into it. Returns where."""
    path = checkout.output(".doit.db")
    start = chance.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(chance.randbytes(chance.randint(1, 9000)))
        if chance.random() < 0.3:
            file.truncate(start)
    return f"from byte {start}"


def act_as_another_user(checkout: Checkout, chance: random.Random) -> str:
    """Let another user own a directory of the cache, and change an object, but neither its size nor its times."""
    made = checkout.json("minimal", chance.choice(["overlay.json", "boot.json"]))["outputs"]
    chosen = checkout.object(chance.choice(list(made.values()))["digest"])
    data = bytearray(chosen.read_bytes())
    data[chance.randrange(len(data))] ^= 1
    chosen.chmod(0o644)
    chosen.write_bytes(data)
    chosen.chmod(0o444)
    os.utime(chosen, ns=(0, 0))
    place = chance.choice([chosen, chosen.parent, chosen.parent.parent])
    os.chown(place, 1001, 1001)
    forget(checkout, [])
    return place.name[:9]


def interrupt(checkout: Checkout, chance: random.Random, way: str, longest: float) -> str:
    """Build, and end it in a way within ``longest`` seconds. Returns what was running, and the exit status."""
    if way == "memory":
        size = chance.randint(80, 700) << 20
        return f"{size >> 20} MiB, status {starve(checkout, size)}"
    end = kill_beside_a_collector if way == "collector" else kill
    number = signal.SIGKILL if way == "collector" else signal.Signals[way]
    running, status = end(checkout, number, chance.uniform(0.2, longest))
    return f"in {running}, status {status}"


DAMAGE = {
    "records": damage_records, "actions": damage_actions, "database": damage_database, "user": act_as_another_user,
}  # fmt: skip
WAYS = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "memory", "collector", *DAMAGE)
"""All of them; what is here twice is tried twice as often."""


def fault(checkout: Checkout, way: str, chance: random.Random) -> str:
    """Do one of `WAYS` to the build of `minimal`. Returns what was done."""
    if way in DAMAGE:
        return DAMAGE[way](checkout, chance)
    steps = chance.sample(STORED, chance.randint(1, 3))
    forget(checkout, steps)
    did = interrupt(checkout, chance, way, max(SECONDS.get(step, SHORT) for step in steps))
    return f"{did}; forgotten: {','.join(sorted(steps))}"


def recover(checkout: Checkout, digest: str, before: dict[str, list[str]]) -> None:
    """Build again. Asserts that nothing of the fault is left, and that the ISO is the one with ``digest``.

    ``before``: see `host_state`.
    """
    wait_until_gone(before)
    said = checkout.doit("build:minimal")
    assert checkout.digest("minimal") == digest, said
    assert keys.sha256_file(checkout.iso("minimal")) == digest
    assert "up to date" in checkout.doit("build:minimal")
    assert_nothing_left(before, checkout)
    assert not list(checkout.output("minimal").rglob(".*-unfinished"))
