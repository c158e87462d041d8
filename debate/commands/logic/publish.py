"""Send a finished ISO and its companion files to the remote, and fetch them from there, by the hash of the config.

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
from debate.host.files import read_object, sweep, temporary_beside
from debate.images import results
from debate.images.kinds import ISO, KINDS
from debate.model import Artifact, Trace
from debate.profile import profile_names
from debate.profile.profile_names import committed
from debate.remote.errors import RegistryError
from debate.remote.remote import Remote, annotate
from debate.remote.statements import IMAGE, Statement, read
from debate.remote.transport import connect
from debate.steps.rule import HOST
from debate.text.amounts import bytes_shown
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.remote.transport import Transport
    from debate.settings import Settings
    from debate.steps.work import ProfileBuild


def push(made: ProfileBuild) -> dict[str, Any]:
    """Send the results of the last build, and those of its steps. Raises DebateError."""
    settings, directory = _require_remote(made), made.directory
    if settings.remote_mode != "read-write":
        raise DebateError("read-only, so nothing can be pushed", "set it to read-write", place="setting remote_mode")
    if not results.present(directory):
        remedy = f"run doit build:{made.name}"
        raise DebateError("the build is missing or was modified", remedy, place=shown(directory))
    build, facts = made.load("build"), made.load("manifest")
    iso = build[ISO.rule]
    digests = {build[kind.rule]: facts[kind.rule]["digest"] for kind in KINDS}
    files = {
        name: Artifact(digests.get(name) or keys.sha256_file(directory / name), size)
        for name, (size, _) in build["files"].items()
    }
    statement = Statement(IMAGE, facts["config"], files, {"profile": facts["name"], "lock": facts["lock"]})
    notes = annotate({"profile": facts["name"], "config": facts["config"], "lock": facts["lock"]})
    notes |= {
        "org.opencontainers.image.title": iso,
        "org.opencontainers.image.description": facts["description"],
    }
    remote = Remote(settings, made.store, made.builder.say)
    paths = {artifact: directory / name for name, artifact in files.items()}
    try:
        sent = remote.publish(f"iso-{facts['config']}", statement, notes, paths)
    except RegistryError as error:
        raise DebateError(f"{iso} was not pushed: {error.fact}", error.remedy, place=settings.remote) from None
    people = {"profile": made.name, "config": made.config_hash()}
    for trace in _traces(made):
        action = made.store.lookup(trace["key"])
        if action:
            remote.send(trace["step"], trace["key"], action["outputs"], action["seconds"], people)
    remote.finish()
    return {"note": f"{settings.remote}:iso-{facts['config']}  {bytes_shown(sent)} sent"}


def _traces(made: ProfileBuild) -> Iterator[dict[str, Any]]:
    """The traces of all steps that led to the ISO, including those of its base profiles."""
    output = made.settings.output
    for name in (made.name, *profile_names.chain(made.settings.profiles, made.name), HOST):
        for path in sorted((output / name / "traces").glob("*.json")):
            trace = read_object(path, Trace)
            if trace.get("key"):  # A lock has no key.
                yield trace


def pull(made: ProfileBuild) -> dict[str, Any]:
    """Fetch the ISO of this config into the output directory. Raises DebateError."""
    settings, directory = _require_remote(made), made.directory
    config = made.config_hash()
    try:
        transport = connect(settings)
        data = transport.manifest(f"iso-{config}")
        if data is None:
            raise DebateError(
                f"has no ISO of {made.name} with the config {config[:16]}",
                f"doit push:{made.name} sends one after a build",
                place=settings.remote,
            )
        statement = read(data, IMAGE, config, settings.remote_keys)
        _compare_lock(made, statement)
        sweep(directory)
        fetched = sum(_fetch(transport, artifact, directory / name) for name, artifact in _files(statement))
    except RegistryError as error:
        fact = f"the ISO of {made.name} was not pulled: {error.fact}"
        raise DebateError(fact, error.remedy, place=settings.remote) from None
    iso = next(directory / name for name in statement.files if name.endswith(ISO.suffix))
    return {"note": f"{shown(iso)}  {bytes_shown(fetched)} fetched  {statement.files[iso.name].digest}"}


def _files(statement: Statement) -> list[tuple[str, Artifact]]:
    """The files to fetch. Their names are untrusted: none may lead out of the directory or replace a record."""
    images = [kind.suffix for kind in KINDS]
    known_ends = (*images, *(f"{suffix}.sha256" for suffix in images), ".cdx.json", ".packages")
    for name in statement.files:
        known = name == "manifest.json" or name.endswith(known_ends)
        if "/" in name or name.startswith(".") or not known:
            raise DebateError(f"the remote's ISO comes with an unexpected file {name!r}, so it is refused")
    return sorted(statement.files.items())


def _compare_lock(made: ProfileBuild, statement: Statement) -> None:
    """Refuse an ISO that was not made from the packages in the committed lock. Raises DebateError."""
    path = committed(made.settings.profiles, made.name)
    if not path.exists():
        return
    packages = json.loads(path.read_bytes())["packages"]
    if statement.facts.get("lock") != keys.sha256(keys.canonical(packages)):
        raise DebateError(
            f"its ISO of this config is made of other packages than those in {shown(path)}",
            f"run doit build:{made.name}",
            place=made.settings.remote,
        )


def _fetch(transport: Transport, artifact: Artifact, target: Path) -> int:
    """Fetch a file, unless it is there already. Returns the bytes fetched."""
    if target.exists() and target.stat().st_size == artifact.size and keys.sha256_file(target) == artifact.digest:
        return 0
    temporary = temporary_beside(target)
    try:
        with temporary.open("w+b") as file:
            transport.pull(artifact, file)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return artifact.size


def _require_remote(made: ProfileBuild) -> Settings:
    if not made.settings.remote:
        remedy = "set DEBATE_REMOTE=oci://HOST[:PORT]/REPOSITORY, or remote in debate.toml"
        raise DebateError("no remote is set", remedy)
    return made.settings
