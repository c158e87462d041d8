"""Realise a step: take its result from the cache or the remote, or else run it and store the result."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from debate import keys
from debate.build.executor import Executor
from debate.build.local import LocalExecutor
from debate.build.once import Once
from debate.cache.action import HERE, Action
from debate.cache.store import Store
from debate.errors import DebateError
from debate.model import Activity, Artifact, Result, Step, Supplies
from debate.sandbox import image, limits, rights
from debate.sandbox.scripts import closure
from debate.settings import Settings

if TYPE_CHECKING:
    from debate.remote.remote import Remote

Supplier = Callable[[], Supplies]
"""Returns what a step needs from this host. Called only if the step has to run."""
Check = Callable[[Mapping[str, Artifact]], object]
"""Looks at the outputs of a step. Raises DebateError if they are not to be believed, cached or sent."""


_making: dict[str, str] = {}
"""Keys whose results this process is making -> the task that does."""


@contextmanager
def _noted(key: str, task: str) -> Iterator[None]:
    _making[key] = task
    try:
        yield
    finally:
        del _making[key]


@dataclass(frozen=True)
class Builder:
    """Builds steps under one set of settings."""

    settings: Settings
    store: Store
    say: Callable[[str], None] = lambda _: None
    """Shows one line to the user while a step runs."""
    remote: Remote | None = None
    """The store that others share."""
    activity: Activity = field(default_factory=lambda: Activity(""))
    """Receives the progress of a step."""
    logs: dict[str, str] = field(default_factory=dict)
    """Step -> path of the log of its last sandbox, if this builder ran one."""
    once: Once = field(default_factory=Once)
    """What the builders of a run make together."""

    @property
    def executor(self) -> Executor:
        """Runs the steps that neither the cache nor the remote has."""
        return LocalExecutor(self.settings, self.store, self.say, self.activity)

    def realise(
        self,
        step: Step,
        supplier: Supplier,
        log: Path,
        notes: Callable[[], Mapping[str, str]] = dict,
        last: Result | None = None,
        check: Check = lambda _: None,
        *,
        hold: bool = False,
    ) -> Result:
        """The outputs of ``step``, from the cache, from the remote or from a sandbox.

        Raises DebateError if it fails. For the other arguments see `obtain`.
        """

        def make() -> Mapping[str, Artifact]:
            return self.run(step, supplier(), log)

        return self.obtain(step.name, self.ingredients(step), step.outputs, make, notes, last, check, hold=hold)

    def obtain(
        self,
        name: str,
        ingredients: Mapping[str, Any],
        outputs: Collection[str],
        make: Callable[[], Mapping[str, Artifact]],
        notes: Callable[[], Mapping[str, str]] = dict,
        last: Result | None = None,
        check: Check = lambda _: None,
        *,
        hold: bool = False,
    ) -> Result:
        """The ``outputs`` for ``ingredients``: from the cache, from the remote, or made, stored and sent.

        ``notes`` describes the result for people who inspect the remote; it is called only when something is sent
        there. ``last`` is the result that a record names, which counts like one in the cache. A result that ``check``
        refuses is a miss, or every later build would fail because of it. With ``hold`` it is sent by `release`, unless
        it is what ``last`` had, and that is released.
        """
        key = keys.key(ingredients)
        known = self.known(name, key, ingredients, outputs, last, hold=hold)
        if known is not None and self._is_believed(known, check):
            return known

        def waiting() -> None:
            own = _making.get(key)
            who = f"{own}, of this run," if own else "another run of debate"
            self.say(f"{name}: {who} is making it; waiting")

        with self.store.locked(key, waiting), _noted(key, self.activity.name):
            again = self.known(name, key, ingredients, outputs)
            news = again is not None and (known is None or again.outputs != known.outputs)
            if again is not None and news and self._is_believed(again, check):
                return again
            action = self.remote.lookup(name, key, outputs) if self.remote else None
            if action is not None:
                result = _result(name, action, ingredients, "remote")
                if self._is_believed(result, check):
                    self.remember(result)
                    return result
            self.logs.pop(name, None)
            started = time.monotonic()
            made = make()
            check(made)
            seconds = time.monotonic() - started
            held = hold and not (last is not None and last.outputs == made and self._is_released(last.key))
            self.store.record(key, name, made, seconds, held=held)
            if self.remote and held:
                self.remote.hold(name, key)
            elif self.remote:
                self.remote.send(name, key, made, seconds, notes())
        return Result(name, key, ingredients, made, "built", seconds, self.logs.get(name, ""))

    def _is_released(self, key: str) -> bool:
        action = self.store.action(key)
        return action is not None and not action.held

    def release(self, key: str, notes: Mapping[str, str]) -> None:
        """Send the result ``key`` if it was held."""
        action = self.store.lookup(key)
        if action is not None and action.held:
            how = (action.seconds, action.source, action.signer)
            self.store.record(key, action.step, action.outputs, *how)
            if self.remote and action.source == HERE:  # What others state is not ours to sign.
                self.remote.send(action.step, key, action.outputs, action.seconds, notes)

    def _is_believed(self, result: Result, check: Check) -> bool:
        """True if ``check`` accepts a result. What is refused is said, with where it is from and what removes it."""
        try:
            check(result.outputs)
        except DebateError as error:
            self.say(
                f"{result.step}: its result on the word of {result.origin} is refused, so the step runs here: "
                f"{error.problems[0]}; doit gc --source {result.origin} removes all that is from there"
            )
            return False
        return True

    def known(
        self,
        name: str,
        key: str,
        ingredients: Mapping[str, Any],
        outputs: Collection[str],
        last: Result | None = None,
        *,
        hold: bool = False,
    ) -> Result | None:
        """The result from this machine: in its cache, or the ``last`` one if it has the same key."""
        action = self.store.lookup(key, outputs)
        if action:
            return _result(name, action, ingredients, "local")
        if last is None or last.key != key or last.outputs.keys() != set(outputs):
            return None
        if not all(map(self.store.has, last.outputs.values())):
            return None
        known = replace(last, ingredients=ingredients)
        self.remember(known, hold=hold)
        return known

    def remember(self, result: Result, *, hold: bool = False) -> None:
        """Put a result into the cache that only a record or the remote knew."""
        how = (result.seconds, result.origin, result.signer)
        self.store.record(result.key, result.step, result.outputs, *how, held=hold)

    def ingredients(self, step: Step) -> dict[str, Any]:
        """The ingredients of the key of ``step``: all that its sandbox shows, and the code that packs its outputs."""
        directory = self.settings.scripts
        return {
            "step": step.name,
            "commands": [
                {
                    # Empty fields are left out, so that a new field does not change the keys of other steps.
                    **{name: value for name, value in vars(command).items() if value},
                    "rights": rights.TABLE[command.rights].key,
                    "script": {name: keys.sha256_file(directory / name) for name in closure(directory, command.script)},
                }
                for command in step.commands
            ],
            "outputs": list(step.outputs),
            "epoch": step.epoch,
            "parameters": {name: keys.sha256(data) for name, data in step.parameters.items()},
            "trees": {
                name: keys.sha256(keys.canonical([entry.to_json() for entry in entries]))
                for name, entries in step.trees.items()
            },
            "inputs": {name: artifact.digest for name, artifact in step.inputs.items()},
            "layers": [layer.digest for layer in step.layers],
            "tools": step.tools.digest if step.tools else "host",
            "machine": os.uname().machine,
            "host": image.code(),
        }

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        """Run ``step`` even if the cache has its result. Raises DebateError."""
        self.logs[step.name] = str(log)
        return self.executor.run(step, supplies, log)

    def clean_up(self) -> None:
        """Remove what killed builders left behind."""
        for name in self.store.abandoned():
            limits.clean_up(name)


def _result(name: str, action: Action, ingredients: Mapping[str, Any], found: Literal["local", "remote"]) -> Result:
    return Result(
        name,
        action.key,
        ingredients,
        action.outputs,
        found,
        action.seconds,
        origin=action.source,
        signer=action.signer,
    )
