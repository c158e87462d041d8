"""Send a finished ISO and its companion files to the remote, and fetch them from there, by the hash of the config.

Neither needs root, a sandbox or a cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from functools import partial
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.commands.logic.download import Download
from debate.errors import DebateError
from debate.host.files import sweep
from debate.images import results
from debate.images.iso import Slice
from debate.images.kinds import ISO, KINDS
from debate.model import Artifact
from debate.profile import lockfile, profile_names
from debate.profile.profile_names import committed
from debate.remote.errors import RegistryError
from debate.remote.remote import Remote, annotate
from debate.remote.statements import IMAGE, Statement, read
from debate.steps import boot, signing
from debate.steps.rule import HOST
from debate.steps.rules import rules
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.model import Activity
    from debate.settings import Settings
    from debate.steps.work import ProfileBuild


def push(made: ProfileBuild) -> dict[str, Any]:
    """Send the results of the last build, and those of its steps. Raises DebateError."""
    settings, directory = made.settings, made.directory
    require_sending(settings)
    made.require_own()
    if not results.present(directory):
        remedy = f"run doit build:{made.name}"
        raise DebateError("the build is missing or was modified", remedy, place=shown(directory))
    architecture = _architecture(made)
    statement, description = _finished(made, architecture)
    config = statement.subject
    iso = results.names_of_images(made.name, architecture)[ISO.rule]
    notes = annotate({"profile": made.name, "config": config, "lock": statement.facts["lock"]})
    notes |= {"org.opencontainers.image.title": iso, "org.opencontainers.image.description": description}
    remote = Remote(settings, made.store, made.builder.say)
    paths = {artifact: directory / name for name, artifact in statement.files.items()}
    try:
        sent = remote.publish(f"iso-{config}", statement, notes, paths, partial(_show, made.builder.activity))
        searched = set(made.of_image())
        for step, key in _made(made):
            action = made.store.lookup(key)
            if action and (not action.held or key in searched):
                remote.send(step, key, action.outputs, action.seconds, made.notes())
    except RegistryError as error:
        raise DebateError(f"{iso} was not pushed: {error.fact}", error.remedy, place=settings.remote) from None
    finally:
        remote.finish()
    return {"note": f"{settings.remote}:iso-{config}  {bytes_shown(sent)} sent"}


def _show(activity: Activity, done: int, total: int) -> None:
    activity.total, activity.written = total, lambda: done


def _finished(made: ProfileBuild, architecture: str) -> tuple[Statement, str]:
    """The statement about the last build, and the profile's description. Raises DebateError if a record is damaged."""
    directory = made.directory
    images, states = results.names_of_images(made.name, architecture), results.files(directory)
    try:
        facts = made.load("manifest")
        if states.keys() != results.names(made.name, architecture) or not keys.is_key(facts["config"]):
            raise ValueError
        digests = {images[kind.rule]: facts[kind.rule]["digest"] for kind in KINDS}
        files = {
            name: Artifact.from_json({"digest": digests.get(name) or keys.sha256_file(directory / name), "size": size})
            for name, (size, _) in states.items()
        }
        more = {"profile": made.name, "lock": str(facts["lock"]), "certificate": str(facts["certificate"])}
        return Statement(IMAGE, facts["config"], files, more), str(facts["description"])
    except (DebateError, KeyError, TypeError, ValueError):
        remedy = f"run doit clean build:{made.name}, and build it again"
        raise DebateError("the records of the last build are damaged", remedy, place=shown(directory)) from None


def _architecture(made: ProfileBuild) -> str:
    """The architecture of the profile, which is in the names of its results. Raises DebateError."""
    return made.slice("iso", Slice).architecture


def _made(made: ProfileBuild) -> Iterator[tuple[str, str]]:
    """Step and key of all results that led to the ISO, with those of its base profiles and of steps on the way."""
    for name in (made.name, *profile_names.chain(made.settings.profiles, made.name), HOST):
        yield from made.of(name).results(rules())


def pull(made: ProfileBuild) -> dict[str, Any]:
    """Fetch the ISO of this config into the output directory. Raises DebateError."""
    settings = made.settings
    require_remote(settings)
    remote = Remote(settings, made.store, made.builder.say)
    try:
        return _pull(made, remote)
    except RegistryError as error:
        fact = f"the ISO of {made.name} was not pulled: {error.fact}"
        raise DebateError(fact, error.remedy, place=settings.remote) from None
    finally:
        remote.finish()


def _pull(made: ProfileBuild, remote: Remote) -> dict[str, Any]:
    made.require_own()
    settings, directory, config = made.settings, made.directory, made.config_hash()
    data = remote.transport.manifest(f"iso-{config}")
    if data is None:
        raise DebateError(
            f"has no ISO of {made.name} with the config {config[:16]}",
            f"doit push:{made.name} sends one after a build",
            place=settings.remote,
        )
    statement = read(data, IMAGE, config, settings.remote_keys, settings.limits.bytes)
    _compare_lock(made, statement)
    _compare_certificate(made, statement)
    architecture = _architecture(made)
    names = results.names(made.name, architecture)
    _require_names(made, statement, names)
    files = {name: statement.files[name] for name in sorted(names)}
    with results.writing(directory, made.builder.say):
        sweep(directory)
        fetched = Download(remote, directory, made.builder.activity).run(files, statement)
    iso = directory / results.names_of_images(made.name, architecture)[ISO.rule]
    return {"note": f"{shown(iso)}  {bytes_shown(fetched)} fetched  {statement.files[iso.name].digest}"}


def _require_names(made: ProfileBuild, statement: Statement, names: Set[str]) -> None:
    """Refuse other files than ``names``: the remote is not trusted, and they become paths. Raises DebateError."""
    missing, surplus = sorted(names - statement.files.keys()), sorted(statement.files.keys() - names)
    if missing or surplus:
        what = [f"without {name}" for name in missing] + [f"with {name[:80]!r}" for name in surplus]
        more = f" and {count(len(what) - 3, 'more difference')}" if len(what) > 3 else ""
        fact = f"its ISO of this config comes {', '.join(what[:3])}{more}, so it is refused"
        raise DebateError(fact, f"run doit build:{made.name}", place=made.settings.remote)


def _compare_lock(made: ProfileBuild, statement: Statement) -> None:
    """Refuse an ISO that was not made from the packages in the committed lock. Raises DebateError."""
    path = committed(made.settings.profiles, made.name)
    if not os.path.lexists(path):
        return
    if statement.facts.get("lock") != lockfile.identity(lockfile.read(path)):
        raise DebateError(
            f"its ISO of this config is made of other packages than those in {shown(path)}",
            f"run doit build:{made.name}",
            place=made.settings.remote,
        )


def _compare_certificate(made: ProfileBuild, statement: Statement) -> None:
    """Refuse an ISO with own signatures that another key made. Raises DebateError."""
    own = made.slice("boot", boot.Slice).secure == "own"
    if own and statement.facts.get("certificate") != signing.state(made.settings):
        fact = "its ISO of this config is signed with another key than that of setting secure_boot_certificate"
        raise DebateError(fact, f"run doit build:{made.name}", place=made.settings.remote)


def require_remote(settings: Settings) -> None:
    """Raises DebateError if there is no remote to fetch from."""
    if not settings.remote:
        remedy = "set DEBATE_REMOTE=oci://HOST[:PORT]/REPOSITORY, or remote in debate.toml"
        raise DebateError("no remote is set", remedy)


def require_sending(settings: Settings) -> None:
    """Raises DebateError if there is no remote to send to."""
    require_remote(settings)
    if settings.remote_mode != "read-write":
        raise DebateError("read-only, so nothing can be pushed", "set it to read-write", place="setting remote_mode")
