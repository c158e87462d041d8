"""A finished ISO with its companions, sent to the remote and fetched from there, by the hash of its config.

Neither needs root, a sandbox or a cache.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.errors import DebateError
from debate.host.files import sweep, temporary_beside
from debate.images import results
from debate.model import Artifact
from debate.profile import profile_names
from debate.remote.remote import Remote, annotate, connect
from debate.remote.statements import IMAGE, Statement, read
from debate.steps.lock import committed
from debate.text.amounts import bytes_shown
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.remote.registry import Registry
    from debate.settings import Settings
    from debate.steps.pipeline import Pipeline


def push(pipeline: Pipeline) -> dict[str, Any]:
    """Send what the last build left, and the steps that led to it. Raises DebateError."""
    from debate.remote.registry import RegistryError

    settings, directory = _require_remote(pipeline), pipeline.directory
    if settings.remote_mode != "read-write":
        raise DebateError("read-only, so nothing can be pushed", "set it to read-write", place="setting remote_mode")
    if not results.present(directory):
        remedy = f"run doit build:{pipeline.name}"
        raise DebateError("there is no build, or it was changed", remedy, place=shown(directory))
    build, facts = pipeline.load("build.json"), pipeline.load("manifest.json")
    iso = build["iso"]
    files = {
        name: Artifact(build["digest"] if name == iso else keys.sha256_file(directory / name), size)
        for name, (size, _) in build["files"].items()
    }
    statement = Statement(IMAGE, facts["config"], files, {"profile": facts["name"], "lock": facts["lock"]})
    notes = annotate({"profile": facts["name"], "config": facts["config"], "lock": facts["lock"]})
    notes |= {
        "org.opencontainers.image.title": iso,
        "org.opencontainers.image.description": facts["description"],
    }
    remote = Remote(settings, pipeline.store, pipeline.builder.say)
    paths = {artifact: directory / name for name, artifact in files.items()}
    try:
        sent = remote.publish(f"iso-{facts['config']}", statement, notes, paths)
    except RegistryError as error:
        raise DebateError(f"{iso} was not pushed: {error}", place=settings.remote) from None
    for trace in _traces(pipeline):
        action = pipeline.store.lookup(trace["key"])
        if action:
            remote.send(trace["step"], trace["key"], action["outputs"], action["seconds"], pipeline.notes())
    remote.finish()
    return {"note": f"{settings.remote}:iso-{facts['config']}  {bytes_shown(sent)} sent"}


def _traces(pipeline: Pipeline) -> Iterator[dict[str, Any]]:
    """Of all steps that the ISO came from, those of the profiles below it among them."""
    output = pipeline.settings.output
    names = (pipeline.name, *profile_names.chain(pipeline.settings.profiles, pipeline.name))
    paths = [path for name in names for path in sorted((output / name / "traces").glob("*.json"))]
    for path in (*paths, output / ".sandbox" / "trace.json"):
        trace = json.loads(path.read_bytes())
        if trace["step"] != "lock":  # A lock is chosen, not looked up.
            yield trace


def pull(pipeline: Pipeline) -> dict[str, Any]:
    """Fetch the ISO of this config into the output directory. Raises DebateError."""
    from debate.remote.registry import RegistryError

    settings, directory = _require_remote(pipeline), pipeline.directory
    config = pipeline.config_hash()
    try:
        registry = connect(settings)
        data = registry.manifest(f"iso-{config}")
        if data is None:
            raise DebateError(
                f"has no ISO of {pipeline.name} with the config {config[:16]}",
                f"doit push:{pipeline.name} sends one after a build",
                place=settings.remote,
            )
        statement = read(data, IMAGE, config, settings.remote_keys)
        _compare_lock(pipeline, statement)
        sweep(directory)
        fetched = sum(_fetch(registry, artifact, directory / name) for name, artifact in _files(statement))
    except RegistryError as error:
        raise DebateError(f"the ISO of {pipeline.name} is refused: {error}", place=settings.remote) from None
    iso = next(directory / name for name in statement.files if name.endswith(".iso"))
    return {"note": f"{shown(iso)}  {bytes_shown(fetched)} fetched  {statement.files[iso.name].digest}"}


def _files(statement: Statement) -> list[tuple[str, Artifact]]:
    """Names from elsewhere: none may lead out of the directory, or onto one of our records."""
    for name in statement.files:
        known = name == "manifest.json" or name.endswith((".iso", ".iso.sha256", ".cdx.json", ".packages"))
        if "/" in name or name.startswith(".") or not known:
            raise DebateError(f"the remote's ISO brings a file {name!r}, which no build makes", "it is refused")
    return sorted(statement.files.items())


def _compare_lock(pipeline: Pipeline, statement: Statement) -> None:
    """A committed lock says which packages are wanted: an ISO of others is not the one asked for."""
    path = committed(pipeline.settings.profiles, pipeline.name)
    if not path.exists():
        return
    packages = json.loads(path.read_bytes())["packages"]
    if statement.facts.get("lock") != keys.sha256(keys.canonical(packages)):
        raise DebateError(
            f"its ISO of this config is made of other packages than {shown(path)} names",
            f"build it: doit build:{pipeline.name}",
            place=pipeline.settings.remote,
        )


def _fetch(registry: Registry, artifact: Artifact, target: Path) -> int:
    """Have a file. Returns the bytes that had to be fetched."""
    if target.exists() and target.stat().st_size == artifact.size and keys.sha256_file(target) == artifact.digest:
        return 0
    temporary = temporary_beside(target)
    try:
        with temporary.open("w+b") as file:
            registry.pull(artifact, file)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return artifact.size


def _require_remote(pipeline: Pipeline) -> Settings:
    if not pipeline.settings.remote:
        remedy = "set DEBATE_REMOTE=oci://HOST[:PORT]/REPOSITORY, or remote in debate.toml"
        raise DebateError("no remote is set", remedy)
    return pipeline.settings
