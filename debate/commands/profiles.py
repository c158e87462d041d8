"""`doit new`, `doit validate` and `doit show:NAME`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from debate.errors import DebateError, ProfileError
from debate.frontend import ci
from debate.profile import profile_names
from debate.profile.chosen import chosen
from debate.profile.load import load
from debate.profile.node import Node
from debate.settings import Settings
from debate.steps import config
from debate.text.amounts import count
from debate.text.paths import shown
from debate.text.suggest import suggest

_NEW = """\
# yaml-language-server: $schema=../debate/schema/profile.schema.json
# docs/profile.md has every field. Editors that know yaml-language-server complete them as you type.
version: 1
description: {description}
extends: {parent}
# base: {base}               # install on that profile's packages, as one more layer: built in seconds
hostname: {hostname}
# packages:
#   - vim
# users:
#   - name: live
#     groups: [sudo]
#     ssh_keys: [ssh-ed25519 AAAA… me@example]
# files:
#   - path: /etc/motd
#     content: |
#       Hello.
# services:
#   enable: [ssh]
# overlays: [overlays/{name}]   # a directory that is copied into the system
# hooks: [hooks/{name}.sh]      # a script that runs in the system at the end
# boot:
#   arguments: [quiet]
"""


def new(settings: Settings, names: Sequence[str], parent: str) -> str:
    """Write a profile with comments. Returns what to do next. Raises DebateError."""
    names, parent = _options(names, "--from", parent)
    if len(names) != 1:
        raise DebateError("new: name one profile: doit new NAME [--from PROFILE]")
    name, known = names[0], profile_names.names(settings.profiles)
    profile_names.require(name)
    path = settings.profiles / f"{name}.yaml"
    if path.exists():
        raise DebateError(f"{shown(path)}: is there already; choose another name, or edit it")
    parent = parent or ("minimal" if "minimal" in known else known[0] if known else "")
    if not (settings.profiles / f"{parent}.yaml").exists():
        raise DebateError(f"new: there is no profile {parent!r} to extend; {suggest(parent, known)}")
    hostname = re.sub(r"[^A-Za-z0-9-]", "-", name).strip("-")[:63] or "live"
    text = _NEW.format(
        name=name,
        parent=parent,
        base=parent if not parent.startswith("_") else "minimal",
        description=f"Made from {parent}",
        hostname=hostname,
    )
    path.write_text(text)
    config.normalise(load(settings.profiles, name), settings.profiles)
    return (
        f"{shown(path)} written; it is {parent} under another name until you change it\n"
        f"next: edit it, then doit validate {name}, then doit build:{name}\n"
    )


def _options(words: Sequence[str], option: str, value: str) -> tuple[list[str], str]:
    """Names, and the value of ``option`` where it stands behind them: doit takes what follows a name for names.

    Raises DebateError for another option, or one without a value.
    """
    names, rest = list[str](), list(words)
    while rest:
        word, _, given = rest.pop(0).partition("=")
        if word == option and (given or rest):
            value = given or rest.pop(0)
        elif word.startswith("-"):
            raise DebateError(f"{word}: not known here; {option} VALUE is")
        else:
            names.append(word)
    return names, value


def validate(settings: Settings, names: Sequence[str], form: str) -> tuple[str, bool]:
    """Check profiles without building: those of ``names``, or all. Returns the report, and whether all are valid.

    Raises DebateError for a name or a format that is not known.
    """
    names, form = _options(names, "--format", form)
    known = profile_names.names(settings.profiles)
    if form not in _RENDER:
        raise DebateError(f"--format: {form!r}; choose one of {', '.join(_RENDER)}")
    for name in names:
        if name not in known:
            raise DebateError(f"validate: there is no profile {name!r}; {suggest(name, known)}")
    found = {name: list(_problems(settings.profiles, name)) for name in names or known}
    problems = list(dict.fromkeys(problem for problems in found.values() for problem in problems))
    return _RENDER[form](found, problems), not problems


def _problems(directory: Path, name: str) -> Iterator[tuple[str, int, int, str]]:
    """File, line, column and text of each problem."""
    try:
        config.normalise(load(directory, name), directory)
    except ProfileError as error:
        for problem in error.problems:
            match = re.match(r"(.*?):([0-9]+):([0-9]+): (.*)", str(problem), re.DOTALL)
            yield (match[1], int(match[2]), int(match[3]), match[4]) if match else (f"{name}.yaml", 1, 1, str(problem))
    except DebateError as error:
        yield shown(directory / f"{name}.yaml"), 1, 1, str(error)


Problems = list[tuple[str, int, int, str]]


def _text(found: Mapping[str, Problems], problems: Problems) -> str:
    lines = [f"{file}:{line}:{column}: {text}" for file, line, column, text in problems]
    bad = sum(1 for problems in found.values() if problems)
    verdict = f"{bad} invalid, {count(len(problems), 'problem')}" if bad else "all valid"
    lines.append(f"{count(len(found), 'profile')}: {verdict}")
    return "\n".join(lines) + "\n"


def _github(_: Mapping[str, Problems], problems: Problems) -> str:
    return "".join(
        f"{ci.annotation(text, file=file, line=line, col=column)}\n" for file, line, column, text in problems
    )


def _json(found: Mapping[str, Problems], _: Problems) -> str:
    fields = ("file", "line", "column", "message")
    value = {
        name: [dict(zip(fields, problem, strict=True)) for problem in problems] for name, problems in found.items()
    }
    return json.dumps(value, indent=2) + "\n"


_RENDER = {"text": _text, "github": _github, "json": _json}


def show(settings: Settings, name: str) -> str:
    """The profile with all that it extends and every default, and where each value comes from.

    Raises ProfileError.
    """
    loaded = load(settings.profiles, name)
    made = config.normalise(loaded, settings.profiles)
    rows = list(_rows(chosen(loaded), loaded.root, 0))
    width = min(60, max(len(text) for text, _ in rows))
    lines = [f"{text:<{width}}  # {origin}" if origin else text for text, origin in rows]
    return "\n".join([f"# config {made.hash}", *lines]) + "\n"


def _rows(value: Any, node: Node | None, depth: int) -> Iterator[tuple[str, str]]:
    """Lines of YAML, each with its origin."""
    indent = "  " * depth
    for name, item in value.items():
        below = node.value.get(name) if node is not None and isinstance(node.value, dict) else None
        if isinstance(item, dict) and item:
            yield f"{indent}{name}:", ""
            yield from _rows(item, below, depth + 1)
        elif isinstance(item, list) and item:
            yield f"{indent}{name}:", "" if below is not None else "default"
            for number, element in enumerate(item):
                inner = below.value[number] if below is not None and isinstance(below.value, list) else None
                origin = str(inner.position) if inner is not None else ""
                yield f"{indent}  - {_scalar(element)}", origin
        else:
            yield f"{indent}{name}: {_scalar(item)}", str(below.position) if below is not None else "default"


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
