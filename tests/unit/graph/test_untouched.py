"""A step is up to date only while what it wrote is as it left it, so that damage heals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from doit.task import Task, dict_to_task

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


def declared(checkout: Path) -> Iterator[tuple[Task, Callable[[dict[str, Any]], bool], list[Path]]]:
    """Each step that leaves what can be read: its task, whether it is up to date by what it left, and other files."""
    graph = Graph(checkout)
    for rule in rules().values():
        name = "minimal" if rule.profile else HOST
        task = dict_to_task({"name": "x", **graph.step(rule, name)})
        others = [graph.settings.output / name / f"{remembered}.json" for remembered in rule.remembered]
        for path in (*map(Path, task.targets), *others):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('{"step": "x", "key": "x"}' if path.parent.name == "traces" else "{}")
        [given] = [words for item, words, _ in task.uptodate if item is untouched]
        yield task, lambda values, task=task, given=given: untouched(task, values, *given), others


def test_every_step_with_a_record_runs_again_when_it_is_damaged(checkout: Path) -> None:
    for task, is_untouched, _ in declared(checkout):
        assert not is_untouched({})
        kept = task.value_savers[-1]()
        assert is_untouched(kept)
        for target in task.targets:
            content = Path(target).read_text()
            for change in (lambda path: path.write_text('{"outputs": {}}'), Path.unlink, Path.mkdir):
                change(Path(target))
                assert not is_untouched(kept)
            Path(target).rmdir()
            Path(target).write_text(content)
            assert is_untouched(kept)


def test_a_step_runs_again_when_what_it_remembers_is_damaged(checkout: Path) -> None:
    """Or nobody would know what to send, what to forget and why it ran. Others may change it: it must be whole only."""
    for task, is_untouched, others in declared(checkout):
        is_untouched({})
        kept = json.loads(json.dumps(task.value_savers[-1]()))
        assert is_untouched(kept)
        assert others
        for path in others:
            content = path.read_text()
            path.write_text(content.replace("{", "{ ", 1))
            assert is_untouched(kept)
            for change in (lambda path: path.write_text('{"step": 5'), Path.unlink, Path.mkdir):
                change(path)
                assert not is_untouched(kept)
            path.rmdir()
            path.write_text(content)
            path.chmod(0o666)
            assert not is_untouched(kept), "everyone could write to it"
            path.chmod(0o644)
        for odd in (None, 5, [], ["traces/x"], {"traces/x": 5}):
            assert is_untouched({**kept, "remembered": odd}) == isinstance(odd, dict)
