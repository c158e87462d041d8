"""fsck: every object is read, bad ones go, and with them the actions that named them."""

from __future__ import annotations

from pathlib import Path

from debate.cache.check import Checked, check
from debate.cache.store import Store


def ignore(done: int, total: int) -> None:
    assert done <= total


def test_check(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    good, bad, lost = store.put(b"good"), store.put(b"bad!"), store.put(b"lost")
    for artifact in (good, bad, lost):
        store.record(artifact.digest[-64:], "step", {"it": artifact}, 1)
    store.record("f" * 64, "step", {"one": good, "two": bad}, 1)
    (store.root / "actions" / "damaged.json").write_text("{")
    (store.root / "actions" / f"{'d' * 64}.json").write_text("{")
    path = store.path(bad)
    path.chmod(0o644)
    path.write_bytes(b"BAD!")
    store.path(lost).unlink()
    damaged = store.root / "actions" / "damaged.json"
    assert check(store, ignore) == Checked(2, 8, (bad.digest,), 3, (store.action_path("d" * 64),), (damaged,))
    assert [digest for digest, _ in store.objects()] == [good.digest]
    assert [key for key, _ in store.actions()] == [good.digest[-64:]]
    assert check(store, ignore) == Checked(1, 4, (), 0)
