"""The sandbox base: the system whose tools all steps run, made once with a bootstrapper of the host.

OUTPUT/.sandbox/base.json       record: its digest, and whose packages it is made of
OUTPUT/.sandbox/trace.json      how it came to be
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from debate import distributions
from debate.errors import DebateError
from debate.history.records import Report, outputs_of, read_json, record_of, report_of, save_json, trace_of
from debate.model import Artifact, Step
from debate.settings import Settings

if TYPE_CHECKING:
    from debate.build.builder import Builder


def record(settings: Settings) -> Path:
    """Where the record lies."""
    return settings.output / ".sandbox" / "base.json"


def step(settings: Settings) -> Step:
    """How it is made."""
    name = distributions.base(settings.base)
    return distributions.get(name).base_step((settings.scripts / name / "base.packages").read_bytes())


def make(settings: Settings, builder: Builder) -> Report:
    """Make it with the host's own tools, unless the cache has it."""
    name = distributions.base(settings.base)

    def complete(step: Step) -> Step:
        program = distributions.BOOTSTRAPPERS[name]
        if shutil.which(program) is None:
            raise DebateError(f"sandbox: {program} is not installed, which makes the sandbox base; run ./setup")
        return distributions.get(name).base_from_mirrors(step, settings)

    directory = record(settings).parent
    result = builder.realise(step(settings), directory / "base.log", complete)
    save_json(directory / "trace.json", trace_of(result))
    save_json(record(settings), {**record_of(result.outputs), "distribution": name})
    return report_of(result)


def made(settings: Settings, distribution: str = "") -> Artifact:
    """The base that there is. Raises DebateError where it lacks the tools for ``distribution``."""
    found = read_json(record(settings))
    name = found.get("distribution", "debian")
    if distribution and name not in distributions.get(distribution).BASES:
        program = distributions.BOOTSTRAPPERS[distribution]
        raise DebateError(
            f"sandbox: its base is made of {name}'s packages and has no {program}, so it cannot build profiles of "
            f"{distribution}; install {program} and set DEBATE_BASE={distribution}"
        )
    return outputs_of(found, str(record(settings)))["base"]
