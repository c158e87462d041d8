"""Build an ISO once more with empty caches under other conditions, and compare every step.

What the rebuild shares with the build is what the lock and the sandbox base name by SHA-256: package
files and the base. All else is made anew, in another directory, user-namespace range, host name,
time zone, locale and umask, on other scratch storage, with another number of processors and another
order of sets, and at another time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import PACKAGE
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.errors import DebateError, Place, Problem
from debate.host.files import workspace_name
from debate.host.run import die_with_parent
from debate.model import Artifact, Command, Step
from debate.profile import profile_names
from debate.settings import Settings, load, variables
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.steps.pipeline import Pipeline

COMPARED = ("config", "hash", "packages", "rootfs", "initrd", "overlay", "boot", "iso")
"""Records, in the order in which a difference is looked for: the first explains those after it."""


def verify(pipeline: Pipeline) -> dict[str, Any]:
    """Rebuild and compare. Raises DebateError that names the first step that differs."""
    started = time.monotonic()
    directory = pipeline.directory / "verify"
    shutil.rmtree(directory, ignore_errors=True)
    with pipeline.store.workspace(workspace_name("verify")) as workspace:
        other = _lay_out(pipeline, workspace / "checkout")
        pipeline.builder.say(f"verify:{pipeline.name} rebuilds everything from the locked packages")
        _rebuild(pipeline, other)
        for one, step in _compared(pipeline):
            ours, theirs = (read(pipeline.settings, one.name, step), read(other, one.name, step))
            if ours != theirs:
                raise _difference(one, other, step, directory)
    seconds = time.monotonic() - started
    return {"note": f"the same again, bit for bit: {', '.join(COMPARED)} (rebuilt in {seconds:.0f} s)"}


def _compared(pipeline: Pipeline) -> Iterator[tuple[Pipeline, str]]:
    """The steps to compare; of the profiles below, those of which this one is made."""
    from debate.steps.pipeline import Pipeline

    for base in reversed(profile_names.chain(pipeline.settings.profiles, pipeline.name)):
        yield from ((Pipeline(pipeline.settings, base, pipeline.builder), step) for step in ("packages", "rootfs"))
    yield from ((pipeline, step) for step in COMPARED)


def read(settings: Settings, name: str, step: str) -> Any:
    from debate.history.records import read_json

    return read_json(settings.output / name / f"{step}.json")


def _lay_out(pipeline: Pipeline, root: Path) -> Settings:
    """Another checkout at ``root``, whose cache holds the locked packages and the sandbox base alone."""
    settings, store = pipeline.settings, Store(root / "cache")
    for path in (settings.profiles, settings.scripts):
        shutil.copytree(path, root / path.name, symlinks=True)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copyfile(settings.root / name, root / name)
    for name in (pipeline.name, *profile_names.chain(settings.profiles, pipeline.name)):
        shutil.copyfile(settings.output / name / "lock.json", root / "profiles" / f"{name}.lock.json")
    key = read(settings, ".sandbox", "trace")["key"]
    base = pipeline.store.lookup(key, ("base", "packages"))
    if base is None:
        raise DebateError("the sandbox base is no longer in the cache", "run the same command again")
    pipeline.have(pipeline.locked())
    for artifact in (*(package.artifact for package in pipeline.locked()), *base["outputs"].values()):
        _share(pipeline.store, store, artifact)
    store.record(key, "sandbox", base["outputs"], base["seconds"])
    return load(root, _other_conditions(settings, root))


def _share(ours: Store, theirs: Store, artifact: Artifact) -> None:
    target = theirs.path(artifact)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.link(ours.path(artifact), target)


def _other_conditions(settings: Settings, root: Path) -> dict[str, str]:
    """The environment of the rebuild."""
    limits = replace(settings.limits, processors=1 if settings.limits.processors > 1 else 2)
    other = replace(
        settings,
        cache=root / "cache",
        cache_size=0,
        output=root / "elsewhere",
        uid_base=settings.uid_base + 65536 * 11,
        scratch="disk" if settings.scratch != "disk" else "auto",
        jobs=1,
        limits=limits,
    )
    kept = ("PATH", "HOME", "http_proxy", "https_proxy", "no_proxy")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **variables(other),
        "PYTHONPATH": str(PACKAGE.parent),
        "PYTHONHASHSEED": "4242",
        "TZ": "Pacific/Chatham",
        "LC_ALL": "tr_TR.UTF-8",
    }


def _rebuild(pipeline: Pipeline, other: Settings) -> None:
    from debate.sandbox.runner import tail

    log = pipeline.directory / "logs" / "verify.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    enter = 'hostname elsewhere.invalid; umask 077; exec "$@"'
    with log.open("wb") as file:
        done = subprocess.run(
            ["unshare", "--uts", "sh", "-c", enter, "sh", sys.executable, "-m", "doit", f"build:{pipeline.name}"],
            cwd=other.root,
            env=_other_conditions(pipeline.settings, other.root),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )
    if done.returncode:
        problem = Problem(Place(f"verify:{pipeline.name}"), "the rebuild failed")
        raise DebateError.of([problem], details=f"{tail(log)}\nthe whole log: {log}", log=str(log))


def _difference(pipeline: Pipeline, other: Settings, step: str, directory: Path) -> DebateError:
    """Name what differs in ``step``, and keep both sides in ``directory``."""
    fact = f"{step} came out differently, although what it is made of came out the same"
    lines = []
    for name, first, second in _different(pipeline, other, step):
        directory.mkdir(exist_ok=True)
        kept = []
        for store, artifact, which in ((pipeline.store, first, "first"), (Store(other.cache), second, "second")):
            kept.append(directory / f"{step}.{name}.{which}")
            shutil.copyfile(store.path(artifact), kept[-1])
        text = _compare(pipeline, other, first, second)
        report = directory / f"{step}.{name}.txt"
        report.write_text(text)
        shown_lines = text.splitlines()[:12]
        lines += [f"{step}: output {name} differs:", *(f"    {line}" for line in shown_lines)]
        lines.append(f"all of it: {shown(report)}; the two files: {shown(kept[0])}, {kept[1].name}")
    return DebateError.of([Problem(Place(f"verify:{pipeline.name}"), fact)], details="\n".join(lines))


def _different(pipeline: Pipeline, other: Settings, step: str) -> Iterator[tuple[str, Artifact, Artifact]]:
    from debate.history.records import outputs_of

    records = [read(settings, pipeline.name, step) for settings in (pipeline.settings, other)]
    if all("outputs" in record for record in records):
        first, second = map(outputs_of, records)
        for name in sorted(first.keys() & second.keys()):
            if first[name] != second[name]:
                yield name, first[name], second[name]


def _compare(pipeline: Pipeline, other: Settings, first: Artifact, second: Artifact) -> str:
    """What differs inside, as text; found in a sandbox, for both were made by untrusted code."""
    store = Store(other.cache)
    _share(pipeline.store, store, first)
    host = shutil.which("diffoscope") is not None
    step = Step(
        name="compare",
        commands=(Command("compare.sh"),),
        outputs=("difference",),
        epoch=0,
        inputs={"first": first, "second": second},
        base=None if host else pipeline.base,
    )
    made = Builder(other, store).run(step, pipeline.directory / "logs" / "compare.log")
    return store.read(made["difference"]).decode(errors="replace")
