"""`doit import-archiso` and `doit import-live-build`."""

from __future__ import annotations

import re
from pathlib import Path

from debate.build import Builder
from debate.convert import archiso as foreign
from debate.convert import draft
from debate.errors import DebateError
from debate.pipeline import base_record, outputs_of, read_json


def archiso(builder: Builder, directory: str, name: str) -> str:
    """Turn the archiso profile in ``directory`` into the profile ``name``. Returns what to print."""
    _require(directory, name)
    base = outputs_of(read_json(base_record(builder.settings)))["base"]
    where = Path(directory).expanduser()
    variables = foreign.read_variables(builder, base, where)
    return _written(builder, foreign.convert(where, variables), name)


def live_build(builder: Builder, directory: str, name: str) -> str:
    """Turn a configuration of live-build into the profile ``name``. Returns what to print."""
    from debate.convert import live_build as foreign_one

    _require(directory, name)
    return _written(builder, foreign_one.convert(Path(directory).expanduser()), name)


def _require(directory: str, name: str) -> None:
    if not directory or not name:
        raise DebateError("-d DIRECTORY names what to import, and -n NAME the profile to be made of it")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise DebateError(f"{name!r} is no name for a profile; use letters, digits, _ . and -")


def _written(builder: Builder, made: draft.Draft, name: str) -> str:
    return "\n".join(draft.write(made, builder.settings.profiles, name)) + "\n"
