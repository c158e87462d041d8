"""`doit import-archiso`, `doit import-live-build` and `doit export-archiso:NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from debate import keys
from debate.build.builder import Builder
from debate.convert import archiso as foreign
from debate.convert import draft, export_archiso
from debate.errors import DebateError
from debate.profile import profile_names
from debate.profile.load import load
from debate.steps import config, sandbox_base
from debate.steps.pipeline import Pipeline
from debate.text.amounts import count
from debate.text.paths import shown


def archiso(builder: Builder, directory: str, name: str) -> str:
    """Turn the archiso profile in ``directory`` into the profile ``name``. Returns what to print."""
    _require(directory, name)
    base = sandbox_base.made(builder.settings)
    where = Path(directory).expanduser()
    exported = export_archiso.read_back(where)
    if exported is not None:
        return _written(builder, exported, name)
    variables = foreign.read_variables(builder, base, where)
    return _written(builder, foreign.convert(where, variables), name)


def to_archiso(pipeline: Pipeline) -> dict[str, Any]:
    """Write the profile as one that mkarchiso accepts. Returns the report for the reporter."""
    loaded = load(pipeline.settings.profiles, pipeline.name)
    made = config.normalise(loaded, pipeline.settings.profiles)
    own = export_archiso.own_profile(loaded.data, made)
    exported = export_archiso.export(pipeline.name, made, own, keys.epoch(made.hash))
    directory = pipeline.directory / "archiso"
    export_archiso.write(exported, directory)
    return {
        "note": f"{shown(directory)}: {count(len(exported.files), 'file')}; mkarchiso -v {shown(directory)} builds it",
        "lines": [f"  {loss}" for loss in exported.losses],
    }


def live_build(builder: Builder, directory: str, name: str) -> str:
    """Turn a configuration of live-build into the profile ``name``. Returns what to print."""
    from debate.convert import live_build as foreign_one

    _require(directory, name)
    return _written(builder, foreign_one.convert(Path(directory).expanduser()), name)


def _require(directory: str, name: str) -> None:
    if not directory or not name:
        raise DebateError("-d DIRECTORY names what to import, and -n NAME the profile to be made of it")
    profile_names.require(name)


def _written(builder: Builder, made: draft.Draft, name: str) -> str:
    return "\n".join(draft.write(made, builder.settings.profiles, name)) + "\n"
