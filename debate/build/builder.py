"""Realise a step: look into the cache, else run it in a sandbox and keep what it made."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.cache.store import Store
from debate.errors import DebateError
from debate.host.files import workspace_name
from debate.host.memory import available_memory
from debate.model import MIRROR, Activity, Artifact, Result, Step
from debate.sandbox import rights
from debate.sandbox.scripts import INSIDE, closure
from debate.settings import Settings, mirror_variable
from debate.tree import pack

if TYPE_CHECKING:
    from debate.remote.remote import Remote

_TMPFS_RESERVE = 2 << 30
"""Bytes of memory that stay free beside a step's limit before its files go to memory."""


@dataclass(frozen=True)
class Builder:
    """Builds steps under one set of settings."""

    settings: Settings
    store: Store
    say: Callable[[str], None] = lambda _: None
    """Shows one line to the user while a step runs."""
    remote: Remote | None = None
    """What others have built."""
    activity: Activity = field(default_factory=lambda: Activity(""))
    """Told how far a step is."""
    logs: dict[str, str] = field(default_factory=dict)
    """Step -> path of the log that its sandbox wrote last, if one ran for this builder."""

    def realise(
        self,
        step: Step,
        log: Path,
        complete: Callable[[Step], Step] = lambda step: step,
        notes: Callable[[], Mapping[str, str]] = dict,
    ) -> Result:
        """The outputs of ``step``, from the cache, from the remote or from a sandbox.

        Raises DebateError when it fails. ``complete`` adds what only a run needs and the key does not know, such as
        where mirrors are. ``notes`` describes the result to people who look at the remote; it is asked when something
        is sent there.
        """
        return self.obtain(
            step.name, self.ingredients(step), step.outputs, lambda: self.run(complete(step), log), notes
        )

    def obtain(
        self,
        name: str,
        ingredients: Mapping[str, Any],
        outputs: Collection[str],
        make: Callable[[], Mapping[str, Artifact]],
        notes: Callable[[], Mapping[str, str]] = dict,
    ) -> Result:
        """The ``outputs`` that ``ingredients`` give: from the cache, from the remote, or made, kept and sent."""
        known = self.known(name, ingredients, outputs)
        if known is not None:
            return known
        key, waiting = keys.key(ingredients), f"{name}: another builder is making it; waiting"
        with self.store.locked(key, lambda: self.say(waiting)):
            known = self.known(name, ingredients, outputs)
            if known is not None:
                return known
            action = self.remote.lookup(name, key, outputs) if self.remote else None
            if action is not None:
                self.store.record(key, name, action["outputs"], action["seconds"])
                return Result(name, key, ingredients, action["outputs"], "remote", action["seconds"])
            self.logs.pop(name, None)
            started = time.monotonic()
            made = make()
            seconds = time.monotonic() - started
            self.store.record(key, name, made, seconds)
            if self.remote:
                self.remote.send(name, key, made, seconds, notes())
        return Result(name, key, ingredients, made, "built", seconds, self.logs.get(name, ""))

    def known(self, name: str, ingredients: Mapping[str, Any], outputs: Collection[str]) -> Result | None:
        """What the cache on this machine has."""
        key = keys.key(ingredients)
        action = self.store.lookup(key, outputs)
        return Result(name, key, ingredients, action["outputs"], "local", action["seconds"]) if action else None

    def ingredients(self, step: Step) -> dict[str, Any]:
        """What the key of ``step`` is made of: everything that the sandbox shows it."""
        directory = self.settings.scripts
        return {
            "step": step.name,
            "commands": [
                {
                    # What is empty is left out, so that a new field leaves the keys of other steps as they are.
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
                name: keys.sha256(keys.canonical([entry.to_json() for entry in tree.entries]))
                for name, tree in step.trees.items()
            },
            "inputs": {name: artifact.digest for name, artifact in step.inputs.items()},
            "layers": [layer.digest for layer in step.layers],
            "base": step.base.digest if step.base else "host",
            "machine": platform.machine(),
        }

    def run(self, step: Step, log: Path, shell: tuple[int, ...] = ()) -> dict[str, Artifact]:
        """Run ``step`` in a sandbox, whatever the cache knows, and store its outputs.

        ``shell``: file descriptors of an input and an output, for a shell at its end instead.
        """
        from debate.sandbox import runner
        from debate.sandbox.session import Command, Session

        self._require(step)
        limits = self.settings.limits
        network = any(rights.TABLE[command.rights].network for command in step.commands)
        name = workspace_name(step.name)
        with self.store.workspace(name) as directory:
            _fill(directory / "in", step, self.store)
            session = Session(
                directory=str(directory),
                base=str(self.store.path(step.base)) if step.base else "",
                layers=tuple(str(self.store.path(layer)) for layer in step.layers),
                commands=tuple(
                    Command(
                        ("/bin/sh", f"{INSIDE}/{c.script}"), c.root, c.rights, c.pack_upper, c.show_layers, c.stdout
                    )
                    for c in step.commands
                ),
                outputs=step.outputs,
                scripts=str(self.settings.scripts),
                environment={"SOURCE_DATE_EPOCH": str(step.epoch), **_proxies(network)},
                uid_base=self.settings.uid_base,
                shown=_network_files() if network else (),
                mirrors=_mirrors(step.mirrors),
                scratch=scratch(self.settings),
                bytes=limits.bytes,
                inodes=limits.inodes,
                cgroup_procs=(),
                shell=shell,
            )
            self.logs[step.name] = str(log)
            outputs = runner.run(name, session, limits, log, step=step.name, warn=self.say, activity=self.activity)
            for output, artifact in outputs.items():
                self.store.adopt(directory / "out" / output, artifact)
        return outputs

    def _require(self, step: Step) -> None:
        """Refuse to start with inputs that are not in the store."""
        wanted = [*step.inputs.values(), *step.layers, *([step.base] if step.base else [])]
        for artifact in wanted:
            if not self.store.has(artifact):
                raise DebateError(
                    f"{self.store.path(artifact)}: missing or damaged, and {step.name} needs it; "
                    "run the same command again: what made it runs first"
                )

    def clean_up(self) -> None:
        """Remove what builders that were killed have left behind."""
        from debate.sandbox import limits

        for name in self.store.abandoned():
            limits.clean_up(name)


def _fill(directory: Path, step: Step, store: Store) -> None:
    """Lay out /run/in. Cached files are linked: the sandbox sees them read-only, as nobody's."""
    directory.mkdir(mode=0o755)
    for name, data in {**step.parameters, **step.where}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name, tree in step.trees.items():
        with (directory / name).open("wb") as file:
            pack(tree.entries, tree.contents, step.epoch, file)
    for name, artifact in step.inputs.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(store.path(artifact), path)
        except OSError:
            shutil.copyfile(store.path(artifact), path)
    for where, _, names in os.walk(directory):
        Path(where).chmod(0o755)
        for name in names:
            path = Path(where, name)
            if path.stat().st_nlink == 1:
                path.chmod(0o555)


def scratch(settings: Settings) -> str:
    """Memory if a step can use all it may and the host still has some left, else the disk."""
    if settings.scratch != "auto":
        return settings.scratch
    return "tmpfs" if available_memory() >= settings.limits.memory + _TMPFS_RESERVE else "disk"


def _network_files() -> tuple[tuple[str, str], ...]:
    """The host's name resolution and certificate authorities, for the steps with a network."""
    names = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
    return tuple((os.path.realpath(name), name) for name in names if os.path.exists(name))


def _mirrors(directories: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Raises DebateError for an archive that is not there."""
    for name, path in directories.items():
        if not os.path.isdir(path):
            raise DebateError(f"mirror {name}: {path} is not a directory; set {mirror_variable(name)}")
    return tuple((path, f"{MIRROR}/{name}") for name, path in sorted(directories.items()))


def _proxies(network: bool) -> dict[str, str]:
    names = ("http_proxy", "https_proxy", "no_proxy") if network else ()
    return {name: os.environ[name] for name in names if name in os.environ}
