"""Runs a step on this machine, in a sandbox."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from debate.cache import sources
from debate.cache.action import HERE
from debate.cache.store import Store
from debate.errors import DebateError, StepError
from debate.host import ours
from debate.host.files import workspace_name
from debate.host.memory import available_memory
from debate.model import MIRROR, PROXY_PORT, SECRETS, Activity, Artifact, Reach, Step, Supplies
from debate.sandbox import rights, runner
from debate.sandbox.image import command as commands
from debate.sandbox.image.inputs import lay_out, lay_out_scripts
from debate.sandbox.known_parts import Known
from debate.sandbox.scripts import closure
from debate.sandbox.session import Session
from debate.settings import Settings, mirror_variable

_TMPFS_RESERVE = 2 << 30
"""Bytes of memory that must be free in addition to a step's limit for its files to be kept in memory."""
_PROCESSES_SHARE = 4
"""The part of a step's limit of memory, as a divisor, that its processes need beside its files."""
_WRITTEN = 5
"""Bytes that a step writes for each byte of its inputs, where nothing better is known."""


@dataclass(frozen=True)
class LocalExecutor:
    """An `Executor` with the limits and the store of ``settings``."""

    settings: Settings
    store: Store
    say: Callable[[str], None] = lambda _: None
    """Shows one line to the user while a step runs."""
    activity: Activity = field(default_factory=lambda: Activity(""))
    """Receives the progress of the step."""

    def run(self, step: Step, supplies: Supplies, log: Path, shell: tuple[int, ...] = ()) -> dict[str, Artifact]:
        require_names(step, supplies)
        self._require(step, supplies)
        ours.require_writable(self._directories(log))
        inputs = sum(artifact.size for artifact in step.inputs.values())
        place = scratch(self.settings, inputs * _WRITTEN if supplies.writes is None else supplies.writes)
        try:
            return self._run(step, supplies, log, shell, place)
        except StepError as error:
            if self.settings.scratch != "auto" or place == "disk" or error.exceeded != "memory":
                raise
        self.say(f"{step.name}: its files do not fit into memory (DEBATE_MEMORY); running it again on disk")
        return self._run(step, supplies, log, shell, "disk")

    def _directories(self, log: Path) -> list[Path]:
        """Where a log is written, each directory after those above it."""
        below = [path for path in log.parents if path.is_relative_to(self.settings.output)]
        return [*reversed(below), log.parent / "raw"]

    def _run(
        self, step: Step, supplies: Supplies, log: Path, shell: tuple[int, ...], place: str
    ) -> dict[str, Artifact]:
        limits = self.settings.limits
        network = any(rights.TABLE[command.rights].network for command in step.commands)
        reach = supplies.reach if network else Reach()
        name = workspace_name(step.name)
        with self.store.workspace(name) as directory:
            lay_out(directory / "in", step, supplies, self.store)
            # Only those in the step's key: no script can read a file whose edits would go unnoticed.
            scripts = {name for c in step.commands for name in closure(self.settings.scripts, c.script)}
            lay_out_scripts(directory / "step", self.settings.scripts, scripts)
            session = Session(
                directory=str(directory),
                tools=str(self.store.path(step.tools)) if step.tools else "",
                layers=tuple(str(self.store.path(layer)) for layer in step.layers),
                commands=tuple(map(commands.of, step.commands)),
                outputs=step.outputs,
                scripts=str(directory / "step"),
                environment={**commands.variables(step.epoch), **_proxies(reach)},
                uid_base=self.settings.uid_base,
                shown=_network_files() if network else (),
                reach=reach,
                mirrors=_mirrors(supplies.mirrors),
                secrets=_secrets(step, supplies),
                scratch=place,
                composed=step.composed,
                known=_known(directory / "in", step) if step.composed else (),
                bytes=limits.bytes,
                inodes=limits.inodes,
                cgroup_procs=(),
                shell=shell,
            )
            outputs, compositions = runner.run(
                name, session, limits, log, step=step.name, warn=self.say, activity=self.activity
            )
            composed = {composition.whole: composition for composition in compositions}
            for output, artifact in outputs.items():
                path = directory / "out" / output
                if artifact in composed:
                    composition = composed[artifact]
                    self.store.adopt(path.with_name(f"{output}.template"), composition.template)
                    self.store.compose(composition, path)
                else:
                    self.store.adopt(path, artifact)
        return outputs

    def _require(self, step: Step, supplies: Supplies) -> None:
        """Refuse to start with inputs that are not in the store."""
        wanted = [*step.inputs.values(), *supplies.inputs.values(), *step.layers, *([step.tools] if step.tools else [])]
        for artifact in wanted:
            if not self.store.has(artifact):
                found = sources.of(self.store, artifact.digest)
                made = f"; {found.step} made it, on the word of {found.source}" if found else ""
                mend = f"doit gc --source {found.source}" if found and found.source != HERE else "doit fsck"
                raise DebateError(
                    f"missing or damaged, and {step.name} needs it{made}",
                    f"run the same command again: it makes the file again first; if that does not help, run {mend}",
                    place=str(self.store.path(artifact)),
                )


def require_names(step: Step, supplies: Supplies) -> None:
    """Refuse two files of one name in /run/in: what the host supplies is in no key, so it must replace nothing.

    Raises ValueError, since this is a defect of the rule.
    """
    names = Counter([*step.parameters, *step.trees, *step.inputs, *supplies.files, *supplies.inputs])
    twice = sorted(name for name, number in names.items() if number > 1)
    if twice:
        raise ValueError(f"{step.name}: /run/in would have two files of the name {' and of '.join(twice)}")


def scratch(settings: Settings, writes: int = 0) -> str:
    """Where a step writes that is expected to write so many bytes: tmpfs, or disk.

    Without a setting, files are kept in memory if the host has more than the step may use, and if they leave enough of
    that for its processes.
    """
    if settings.scratch != "auto":
        return settings.scratch
    memory = settings.limits.memory
    fits = writes <= memory - memory // _PROCESSES_SHARE
    return "tmpfs" if fits and available_memory() >= memory + _TMPFS_RESERVE else "disk"


def _known(directory: Path, step: Step) -> tuple[Known, ...]:
    """The inputs of a step, in its /run/in, each file once."""
    paths = {artifact: str(directory / name) for name, artifact in step.inputs.items()}
    return tuple(Known(path, artifact.digest, artifact.size) for artifact, path in paths.items())


def _network_files() -> tuple[tuple[str, str], ...]:
    """The host's certificate authorities, for steps with network access."""
    name = "/etc/ssl/certs/ca-certificates.crt"
    return ((os.path.realpath(name), name),) if os.path.exists(name) else ()


def _mirrors(directories: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Raises DebateError for an archive that does not exist."""
    for name, path in directories.items():
        if not os.path.isdir(path):
            raise DebateError(f"{path} is not a directory", f"set {mirror_variable(name)}", place=f"mirror {name}")
    return tuple((path, f"{MIRROR}/{name}") for name, path in sorted(directories.items()))


def _secrets(step: Step, supplies: Supplies) -> tuple[tuple[str, str], ...]:
    """Raises ValueError if a command that has a network or runs strangers' programs would see them: a defect."""
    kinds = [rights.TABLE[command.rights] for command in step.commands]
    if supplies.secrets and any(kind.strangers or kind.network for kind in kinds):
        raise ValueError(f"{step.name}: strangers would see {' and '.join(sorted(supplies.secrets))}")
    return tuple((path, f"{SECRETS}/{name}") for name, path in sorted(supplies.secrets.items()))


def _proxies(reach: Reach) -> dict[str, str]:
    """The variables by which apt and pacman find the proxy of their sandbox."""
    return dict.fromkeys(("http_proxy", "https_proxy"), f"http://127.0.0.1:{PROXY_PORT}") if reach.endpoints else {}
