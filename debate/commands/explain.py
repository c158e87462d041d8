"""`doit explain:NAME`: which steps would run, and why.

The same code that builds is run with a builder that builds nothing and a memory instead of the output directory: what
it would have to make, would run. The reasons come from what was kept of the last run: the key's ingredients
(traces/STEP.json) and the values that the step read (traces/read/STEP.json).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from debate import keys, profile, sandbox_base
from debate.build import Builder
from debate.cache.store import Store, read_object
from debate.commands.diff import changes
from debate.errors import DebateError
from debate.lock import differences
from debate.model import Artifact, Result, Step
from debate.paths import shown
from debate.pipeline import Pipeline
from debate.profile import Node
from debate.settings import Settings

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
        name: str,  # noqa: ARG002 - it makes nothing
        ingredients: Mapping[str, Any],
        outputs: Collection[str],
        make: Callable[[], Mapping[str, Artifact]],  # noqa: ARG002
        log: Path,  # noqa: ARG002
        trace: Path | None = None,  # noqa: ARG002
        notes: Callable[[], Mapping[str, str]] = dict,  # noqa: ARG002
    ) -> Result:
        found = self._lookup(keys.key(ingredients), outputs)
        if found is None:
            raise _RunsError(ingredients)
        return found

    def run(self, step: Step, log: Path) -> NoReturn:  # noqa: ARG002
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
        verdict = _verdict(real, dry, step)
        lines.append(f"{step}:{real.name}  {verdict}")
        if verdict == _RUNS:
            lines += [f"    {reason}" for reason in _reasons(real, dry, step, loaded.root)]
    return "\n".join(lines) + "\n"


_RUNS = "would run"


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
    return "up to date" if sandbox_base.record(dry.settings).exists() else "from the cache"


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
    return "up to date" if same else "from the cache"


def _reasons(real: Pipeline, dry: _DryPipeline, step: str, root: Node) -> Iterator[str]:
    """Why a step would run, in terms of what the user changed; of what it is made of where that tells nothing."""
    trace = read_object(real.directory / "traces" / f"{step}.json")
    before = read_object(real.directory / "traces/read" / f"{step}.json")
    if not before:
        yield "it has not been built here yet"
        return
    told = False
    now = dry.what_it_reads(step)
    for name in now.keys() & before.keys() - {"lock"}:
        for change in changes(before[name], now[name]):
            told = True
            yield _worded(change, root, dry.memory.get("contents.json", {}), now[name])
    if "lock" in before and "lock" in now:
        for line in differences(before["lock"], now["lock"]):
            told = True
            yield f"lock: {line}"
    ingredients = dry.ingredients[step]
    if trace and ingredients:
        for reason in _different(trace.get("ingredients", {}), ingredients, told=told):
            told = True
            yield reason
    if not told:
        yield "its result is not in the cache any more"


def _different(old: Mapping[str, Any], new: Mapping[str, Any], *, told: bool) -> Iterator[str]:
    """What of a key changed: scripts, the sandbox base, other steps' results; the rest only if nothing was told yet."""
    scripts = [{name: sha for command in side.get("commands", []) for name, sha in command["script"].items()}
               for side in (old, new)]  # fmt: skip
    for name in sorted(scripts[0].keys() | scripts[1].keys()):
        if scripts[0].get(name) != scripts[1].get(name):
            yield f"sandbox/{name} changed"
    if old.get("base") != new.get("base"):
        yield "the sandbox base changed"
    for name, text in (("inputs", "input"), ("layers", "a layer below")):
        if old.get(name) != new.get(name) and not told:
            yield f"{text} changed: another step made it anew"
    if not told:
        known = ("commands", "base", "inputs", "layers")
        for name in sorted((old.keys() | new.keys()) - set(known)):
            if old.get(name) != new.get(name):
                yield f"what it is given changed: {name}"


def _worded(change: str, root: Node, contents: Mapping[str, Any], now: Any) -> str:
    """A change of a slice with the place in the profile, or the file, that it comes from."""
    mark, _, rest = change.partition(" ")
    path, _, value = rest.partition(": ")
    if path.startswith("tree."):
        place = path.removeprefix("tree.").removesuffix(".digest")
        digest = next((entry.get("digest", "") for entry in now.get("tree", []) if entry["path"] == place), "")
        where = contents.get(digest, {}).get("path", "") or _position(root, place)
        verb = {"+": "new", "-": "gone", "~": "changed"}[mark]
        return f"{place}: {verb}" + (f" ({_relative(where)})" if where else "")
    where = _position(root, value.rpartition(" -> ")[2])
    return f"{change}" + (f" ({where})" if where and mark != "-" else "")


def _relative(path: str) -> str:
    return shown(Path(path)) if path.startswith("/") else path


def _position(root: Node, text: str) -> str:
    """Where the only value that reads like ``text`` stands, if there is just one."""
    found = list(_find(root, text))
    return str(found[0].position) if len(found) == 1 else ""


def _find(node: Node, text: str) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for below in node.value.values():
            yield from _find(below, text)
    elif isinstance(node.value, list):
        for below in node.value:
            yield from _find(below, text)
    elif str(node.value) == text or json.dumps(node.value) == text:
        yield node
