"""`doit new NAME`: write a commented profile to start from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from debate.commands.command import Answer, Command, Context, Option
from debate.errors import DebateError, Place, ProfileError, spoken
from debate.host.files import new_file
from debate.profile import editors, files, profile_names
from debate.steps import config
from debate.text.paths import shown
from debate.text.suggest import suggest

if TYPE_CHECKING:
    from pathlib import Path

_TEXT = """\
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
#     sudo: nopasswd
#     ssh_keys: [ssh-ed25519 AAAA… me@example]
# files:
#   - path: /etc/motd
#     content: |                # or source: files/motd
#       Hello.
# services:
#   enable: [ssh]
# overlays: [overlays/{name}]   # a directory that is copied into the system
# hooks: [hooks/{name}.sh]      # a script that runs in the system at the end
# boot:
#   arguments: [quiet]
"""
DEFAULT = "debate/minimal"
"""The profile that a new one extends if there is none of its own called minimal."""


def run(context: Context, names: Sequence[str], from_: str) -> Answer:
    """Write profiles/NAME.yaml. If it raises DebateError, it has written nothing."""
    from debate.profile.load import load

    directory = context.settings.profiles
    if len(names) != 1:
        raise DebateError("name one profile", "doit new NAME [--from PROFILE]", place="new")
    name, known = names[0], profile_names.names(directory)
    profile_names.require(name)
    path = directory / f"{name}.yaml"
    parent = from_ or ("minimal" if "minimal" in known else DEFAULT)
    if os.path.lexists(path):
        raise _exists(path)
    of, its = files.where(directory, parent)
    if not files.exists(of, f"{its}.yaml"):
        raise DebateError(f"there is no profile {parent!r} to extend", suggest(parent, known), place="new")
    load(directory, parent)
    hostname = write(path, parent)
    return Answer(
        f"{shown(path)} written; it extends {parent} and has the hostname {hostname}\n"
        + spoken(f"next: edit it, then doit validate {name}, then doit build:{name}\n"),
        data=({"profile": name, "file": shown(path), "extends": parent},),
    )


def write(path: Path, parent: str) -> str:
    """Write the profile ``path``, which must not exist, and extends ``parent``; and what its first line names.

    Returns its hostname. Raises DebateError.
    """
    from debate.convert.draft import scalar

    name = path.stem
    hostname = profile_names.host_name(name)
    text = _TEXT.format(
        name=name,
        parent=scalar(parent),
        base=scalar(parent if not profile_names.file_name(parent).startswith("_") else DEFAULT),
        description=scalar(f"Made from {parent}"),
        hostname=scalar(hostname),
    )
    _write(path, f"{editors.modeline(path.parent)}{text}")
    editors.provide(path.parent)
    return hostname


def _write(path: Path, text: str) -> None:
    """Write the profile ``path``, which must not exist, if ``text`` is a valid profile.

    It is validated under a temporary name, which starts with _ so that it is not taken for a profile to build, and
    only then gets its own name. Raises DebateError.
    """
    import secrets

    from debate.profile.load import load

    draft = path.with_name(f"_new-{os.getpid()}-{secrets.token_hex(4)}.yaml")
    try:
        with new_file(draft, 0o644) as file:
            file.write(text.encode())
        try:
            config.normalise(replace(load(path.parent, draft.stem), name=path.stem), path.parent)
        except ProfileError as error:
            found = [replace(each, place=_place(each.place, draft, path)) for each in error.problems]
            raise DebateError.of(found) from None  # A ProfileError would count them anew.
        try:
            os.link(draft, path)  # Unlike a rename, this never replaces a file that someone else wrote.
        except FileExistsError:
            raise _exists(path) from None
    finally:
        draft.unlink(missing_ok=True)


def _place(place: Place | None, draft: Path, path: Path) -> Place | None:
    """A place in ``draft``, which is gone when it is read, as one in ``path``, which is not there: without a line."""
    return Place(shown(path)) if place and place.file == shown(draft) else place


def _exists(path: Path) -> DebateError:
    return DebateError("already exists", "choose another name, or edit it", place=shown(path))


COMMAND = Command(
    name="new",
    doc="write a new profile with comments",
    usage="""\
doit new NAME [--from PROFILE]

Writes profiles/NAME.yaml with comments, which extends PROFILE (default: minimal).
""",
    section="Write a profile",
    run=run,
    names="NAME",
    options=(Option("from", "profile to extend (default: minimal)"),),
)
