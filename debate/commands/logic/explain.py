"""Which steps would run, and why; for the others, why they ran last.

The same code that builds is run with a builder that builds nothing and a memory instead of the output directory: what
it would have to make, would run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from debate.build.builder import Builder
from debate.cache.store import Store
from debate.errors import DebateError
from debate.history.reasons import Last, reasons
from debate.history.records import Report
from debate.model import Artifact, Result, Step
from debate.profile import profile
from debate.settings import Settings
from debate.steps import sandbox_base
from debate.steps.pipeline import Pipeline

STEPS = ("lock", "packages", "rootfs", "initrd", "overlay", "boot", "iso")


class _RunsError(Exception):
    """A step would have to run."""

    def __init__(self, ingredients: Mapping[str, Any]) -> None:
        self.ingredients = ingredients


class _WaitsError(Exception):
    """A step reads what another one has yet to make."""

    def __init__(self, step: str) -> None:
        self.step = step


@dataclass(frozen=True)
class _DryBuilder(Builder):
    """Finds what is in the cache, and makes nothing."""

    def obtain(
        self,
        name: str,
        ingredients: Mapping[str, Any],
        outputs: Collection[str],
        *_: Any,
    ) -> Result:
        found = self.known(name, ingredients, outputs)
        if found is None:
            raise _RunsError(ingredients)
        return found

    def run(self, step: Step, log: Path, shell: tuple[int, ...] = ()) -> NoReturn:  # noqa: ARG002
        raise _RunsError({})


class _DryPipeline(Pipeline):
    """Reads the output directory, and writes into a memory over it."""

    def __init__(self, real: Pipeline) -> None:
        super().__init__(real.settings, real.name, _DryBuilder(real.settings, real.store))
        self.memory: dict[str, Any] = {}
        self.unknown: set[str] = set()
        """Records that a step has yet to make."""
        self.ingredients: dict[str, Mapping[str, Any]] = {}
        """Of the steps that would run, as far as they are known."""
        self.base_found: Artifact | None = None
        self.lower: _DryPipeline | None = None

    def load(self, path: str) -> Any:
        if path in self.unknown:
            raise _WaitsError(f"{path.removesuffix('.json')}:{self.name}")
        return self.memory[path] if path in self.memory else super().load(path)

    def save(self, path: str, value: Any) -> None:
        self.memory[path] = json.loads(json.dumps(value))

    def remember(self, step: str, last: Last, result: Result | None = None) -> Report:  # noqa: ARG002 - it only looks
        return {}

    def below(self) -> Pipeline | None:
        """The profile below, looked at in the same way."""
        real = super().below()
        if real is not None and self.lower is None:
            self.lower = _DryPipeline(real)
            self.lower.base_found = self.base_found
            self.lower.config()
            self.lower.hash()
            for step in ("lock", "packages", "rootfs"):
                _verdict(real, self.lower, step)
        return self.lower if real is not None else None

    @property
    def base(self) -> Artifact:
        if self.base_found is None:
            raise _WaitsError("sandbox")
        return self.base_found


def explain(settings: Settings, name: str) -> str:
    """The report. Raises DebateError for a profile that is not valid."""
    real = Pipeline(settings, name, Builder(settings, Store(settings.cache)))
    dry = _DryPipeline(real)
    loaded = profile.load(real.settings.profiles, real.name)
    dry.config()
    dry.hash()
    lines = [f"config {dry.config_hash()[:16]}"]
    lines.append(f"sandbox  {_sandbox(dry)}")
    for step in STEPS:
        verdict, last = _verdict(real, dry, step), Last.load(real.directory, step)
        lines.append(f"{step}:{real.name}  {verdict}")
        if verdict == _RUNS:
            contents = dry.memory.get("contents.json", {})
            why = reasons(last, dry.what_it_reads(step), dry.ingredients[step], contents, lambda: loaded.root)
            lines += [f"    {reason}" for reason in why]
        elif verdict == _SAME:
            lines += [f"    {line}" for line in _last_time(last)]
    return "\n".join(lines) + "\n"


_RUNS, _SAME = "would run", "up to date"


def _last_time(last: Last) -> Iterator[str]:
    """Why a step ran when it ran last."""
    if last.trace.get("why"):
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.trace["when"]))
        came = {"local": "taken from the cache", "remote": "fetched from the remote"}.get(last.trace["source"], "built")
        yield f"{came} {when}, because:"
        yield from (f"  {reason}" for reason in last.trace["why"])


def _sandbox(dry: _DryPipeline) -> str:
    try:
        found = dry.builder.realise(sandbox_base.step(dry.settings), Path())
    except _RunsError:
        return (
            f"{_RUNS}: its scripts or packages changed"
            if sandbox_base.record(dry.settings).exists()
            else f"{_RUNS}: it is new"
        )
    dry.base_found = found.outputs["base"]
    return _SAME if sandbox_base.record(dry.settings).exists() else "from the cache"


def _verdict(real: Pipeline, dry: _DryPipeline, step: str) -> str:
    try:
        dry.lock(refresh=False) if step == "lock" else getattr(dry, step)()
    except _RunsError as error:
        dry.unknown.add(f"{step}.json")
        dry.ingredients[step] = error.ingredients
        return _RUNS
    except _WaitsError as error:
        dry.unknown.add(f"{step}.json")
        return f"waits for {error.step}: what comes out there decides"
    except DebateError as error:
        dry.unknown.add(f"{step}.json")
        return f"would fail: {error}"
    try:
        same = real.load(f"{step}.json") == dry.memory.get(f"{step}.json", None)
    except DebateError:
        same = False
    return _SAME if same else "from the cache"
