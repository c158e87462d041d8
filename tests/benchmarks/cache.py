"""How fast the cache is: local lookups and collection, and a registry against skopeo.

    python -m tests.benchmarks.cache

Needs what the integration tests need, and 12 GB below /var/tmp. Prints one line a target: ours, the other's, the
ratio or difference, and what it should be at most.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from debate import keys
from debate.cache import collect
from debate.cache.store import Store
from debate.model import Artifact
from debate.remote.transport import connect
from debate.settings import Settings
from tests.benchmarks.measure import head, row, say, timed
from tests.integration.checkout import Checkout
from tests.integration.registry import Registry

ACTIONS = 100_000
LARGE = 2 << 30


def full_store(directory: Path) -> Store:
    """A store with as many actions as objects, made without syncing each."""
    store = Store(directory)
    (directory / "actions").mkdir(parents=True)
    for number in range(ACTIONS):
        data = str(number).encode()
        artifact = Artifact(keys.sha256(data), len(data))
        path = store.path(artifact)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o444)
        os.utime(path, ns=(0, 0))
        action = json.dumps({"step": "s", "outputs": {"it": vars(artifact)}, "seconds": 1})
        (directory / "actions" / f"{keys.key(number)}.json").write_text(action)
    return store


def local(directory: Path) -> None:
    store = full_store(directory / "store")
    hit = timed(lambda: store.lookup(keys.key(4711), ("it",)), 200)
    miss = timed(lambda: store.lookup(keys.key("nothing"), ("it",)), 200)
    assert store.lookup(keys.key(4711), ("it",))
    say(f"lookup, {ACTIONS} actions: hit over miss", (hit.wall - miss.wall) * 1000, "ms", "5 ms")
    collect.RECENT = 0
    time.sleep(1)
    cost = timed(lambda: collect.collect(store, size=0))
    assert not list(store.objects())
    assert not list(store.actions())
    say(f"collection of {ACTIONS} objects", cost.wall, "s", "seconds")


def memory(directory: Path, registry: Registry) -> None:
    """Peak memory of a process that sends an object and one that fetches it."""
    store = Store(directory / "large")
    path = directory / "large.bin"
    with path.open("wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    artifact = Artifact(keys.sha256_file(path), LARGE)
    store.adopt(path, artifact)
    for what in ("push", "pull"):
        words = [sys.executable, "-m", "tests.benchmarks.cache", what, str(directory), artifact.digest]
        environment = {**os.environ, **{f"BENCH_{name}": value for name, value in registry.settings().items()}}
        done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        say(f"peak memory, {what} of {LARGE >> 30} GiB", int(done.stdout) / 1024, "MiB", "100 MiB")
    shutil.rmtree(store.root)


def one_stream(what: str, directory: Path, digest: str) -> None:
    """In a process of its own: send or fetch the large object, and print the peak memory in KiB."""
    values: dict[str, Any] = {
        name.removeprefix("BENCH_").lower(): value for name, value in os.environ.items() if name.startswith("BENCH_")
    }
    client = connect(Settings(directory, directory, directory, **values))
    artifact = Artifact(digest, LARGE)
    if what == "push":
        client.push(artifact, Store(directory / "large").path(artifact))
    else:
        with (directory / "pulled").open("w+b") as file:
            client.pull(artifact, file)
        (directory / "pulled").unlink()
    peak = re.search(r"VmHWM:\s+([0-9]+)", Path("/proc/self/status").read_text())  # ru_maxrss holds the parent's, too.
    assert peak
    sys.stdout.write(f"{peak[1]}\n")


def tags(checkout: Checkout) -> list[str]:
    """What a build from a warm remote fetches."""
    traces = [json.loads(path.read_bytes()) for path in checkout.output("minimal", "traces").glob("*.json")]
    traces.append(checkout.json(".sandbox", "traces/sandbox.json"))
    return [f"{trace['step']}-{trace['key']}" for trace in traces if trace["step"] != "lock"]


def remote(directory: Path, registry: Registry) -> None:
    first = Checkout.make(directory / "first")
    first.doit("build:minimal")
    settings = registry.settings()
    first.doit("push:minimal", **settings)
    wanted = tags(first)

    second = Checkout.make(directory / "second")
    second.pin(first)

    def clean() -> None:
        for path in (second.cache, second.directory / "build", directory / "skopeo"):
            shutil.rmtree(path, ignore_errors=True)
        os.sync()

    def by_skopeo() -> None:
        for tag in wanted:
            registry.skopeo("copy", f"@:{tag}", f"dir:{directory}/skopeo/{tag}")

    (directory / "skopeo").mkdir()
    ours = timed(lambda: second.doit("build:minimal", **settings), 5, clean)
    assert second.digest("minimal") == first.digest("minimal")
    clean()
    (directory / "skopeo").mkdir()
    theirs = timed(by_skopeo, 5, lambda: (clean(), (directory / "skopeo").mkdir()))
    row("full build from a warm remote", ours, "skopeo, the same blobs", theirs, 1.5)

    numbers = iter(range(1000))
    iso = f"iso-{first.json('minimal', 'hash.json')['config']}"
    registry.skopeo("copy", f"@:{iso}", f"dir:{directory}/skopeo/{iso}")

    def push() -> None:
        first.doit("push:minimal", **registry.settings(f"bench/{next(numbers)}"))

    def push_by_skopeo() -> None:
        repository = f"bench/{next(numbers)}"
        for tag in (iso, *wanted):
            registry.skopeo_push(f"dir:{directory}/skopeo/{tag}", repository, tag)

    row("push of an ISO and its steps", timed(push, 5, forget(registry)), "skopeo, the same blobs",
        timed(push_by_skopeo, 5, forget(registry)), 1.5)  # fmt: skip


def forget(registry: Registry) -> Any:
    """Stop the registry and empty it: a blob that another repository has would not be written again."""

    def action() -> None:
        registry.stop()
        shutil.rmtree(registry.storage, ignore_errors=True)
        os.sync()
        registry.start()

    return action


def main() -> None:
    if len(sys.argv) == 4:
        one_stream(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
        return
    with tempfile.TemporaryDirectory(prefix="debate-bench-", dir="/var/tmp") as name:
        directory = Path(name)
        local(directory)
        registry = Registry.make(directory / "registry")
        try:
            memory(directory, registry)
            head()
            remote(directory, registry)
        finally:
            registry.stop()


if __name__ == "__main__":
    main()
