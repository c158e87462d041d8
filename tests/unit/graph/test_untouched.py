"""A step is up to date only while what it wrote is as it left it, so that damage heals."""

from __future__ import annotations

from pathlib import Path

from doit.task import dict_to_task

from debate.graph.tasks import Graph
from debate.graph.untouched import untouched
from debate.steps.rule import HOST
from debate.steps.rules import rules
from tests.unit.graph.test_tasks import checkout, doit

__all__ = ["checkout"]


DAMAGE = {
    "empty": lambda _: b"", "truncated": lambda data: data[: len(data) // 2], "another type": lambda _: b"[5]",
    "wrong types inside": lambda _: b'{"config": 5, "paths": 7, "outputs": []}',
    "a byte": lambda data: data.replace(b"a", b"b", 1),
}  # fmt: skip


def test_damaged_records_heal_when_their_steps_run_again(checkout: Path) -> None:
    """Every file that config and hash leave; a command that builds nothing leaves the damage alone."""
    doit(checkout, "hash:minimal")
    directory = checkout / "build" / "minimal"
    whole = {path: path.read_bytes() for path in directory.rglob("*.json")}
    assert {"hash.json", "config.json", "about.json", "contents.json", "sources.json", "iso.json"} <= {
        p.name for p in whole
    }
    for kind, damage in DAMAGE.items():
        damaged = {path: damage(data) for path, data in whole.items()}
        for path, data in damaged.items():
            path.write_bytes(data)
        said = doit(checkout, "explain:minimal")
        assert "Traceback" not in said, kind
        assert {path: path.read_bytes() for path in whole} == damaged, kind
        said = doit(checkout, "hash:minimal")
        assert {path: path.read_bytes() for path in whole} == whole, f"{kind}: {said}"
    assert "up to date (2 steps)" in doit(checkout, "hash:minimal")


def test_every_step_with_a_record_runs_again_when_it_is_damaged(checkout: Path) -> None:
    graph = Graph(checkout)
    made = [graph.step(rule, "minimal" if rule.profile else HOST) for rule in rules().values()]
    for declared in made:
        task = dict_to_task({"name": "x", **declared})
        for target in task.targets:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(target).write_text('{"outputs": {}}')
        assert untouched in [item for item, _, _ in task.uptodate]
        assert not untouched(task, {})
        kept = task.value_savers[-1]()
        assert untouched(task, kept)
        for target in task.targets:
            for change in (lambda path: path.write_text('{"outputs": {} }'), Path.unlink, Path.mkdir):
                change(Path(target))
                assert not untouched(task, kept)
            Path(target).rmdir()
            Path(target).write_text('{"outputs": {}}')
            assert untouched(task, kept)
