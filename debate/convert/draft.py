"""A converted profile, and how it is written to the repository: complete and valid, or not at all."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from debate.convert.foreign import Foreign
from debate.errors import NO_SPACE, DebateError, Place, Problem, ProfileError, spoken
from debate.host.beneath import RefusedError, Tree
from debate.profile import editors
from debate.profile.load import load
from debate.profile.schema import fits
from debate.steps import config
from debate.steps.wanted import is_covered
from debate.text.amounts import count
from debate.text.paths import shown
from debate.text.printable import printable, shortened

MAX_VALUES = 10_000
"""Values in the fields of a draft."""
MOST_LOSSES = 500
"""Lines about what was lost that are told one by one."""
_MAX_LINE = 300
"""Characters of a line about what was lost."""
_PLAIN = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)[a-z_/][a-z0-9_/.@+-]*", re.IGNORECASE)
"""Text that every YAML reader takes for this text, without quotes."""


@dataclass(frozen=True)
class Draft:
    """The result of a conversion."""

    source: Foreign = field(compare=False)
    """What was converted."""
    origin: str
    """Description of the source, for the comment on top."""
    fields: Mapping[str, Any]
    """The profile's fields, except overlays and hooks."""
    overlay: Mapping[str, str]
    """Path in the system, without a leading slash -> path in ``source`` of a file, or of a link that becomes a link."""
    hooks: Mapping[str, bytes]
    """Name -> script, in the order in which they run."""
    losses: tuple[str, ...]
    """What has no counterpart, each as ``place: fact``."""
    executable: frozenset[str] = frozenset()
    """Paths of the overlay that are executable."""
    keys: Mapping[str, bytes] = field(default_factory=dict)
    """Name of a repository -> its public key."""


def write(draft: Draft, profiles: Path, name: str) -> list[str]:
    """Write ``profiles``/NAME.yaml with its overlay, hooks and keys. Returns the message for the user.

    Raises DebateError, and writes nothing, if the name is taken or the result is not a valid profile.
    """
    targets = require_free(profiles, name)
    files = {path: source for path, source in draft.overlay.items() if not is_covered(f"/{path}")}
    losses = [*draft.losses]
    losses += [f"/{path}: hidden by a mount in the running system" for path in sorted(draft.overlay.keys() - files)]
    fields = _fields(draft, name, files)
    place = draft.source.place
    if len(list(itertools.islice(_values(fields), MAX_VALUES + 1))) > MAX_VALUES:
        raise DebateError(f"makes a profile of more than {MAX_VALUES:,} values", "make it smaller", place=place)
    try:
        with tempfile.TemporaryDirectory(prefix=".import-", dir=profiles) as directory:
            work = Path(directory)
            with Tree(work) as tree:
                _fill(tree, draft, files, name)
                head = f"{editors.modeline(profiles)}# Made from {printable(draft.origin)}.\nversion: 1\n"
                text = f"{head}{yaml_text(fields)}"
                tree.write(f"{name}.yaml", text.encode())
            try:
                config.normalise(load(work, name), work)
            except ProfileError as error:
                raise _located(error, place, work) from None
            _move(work, profiles, [target for target in targets if os.path.lexists(work / target)])
            editors.provide(profiles)
    except OSError as error:
        raise unwritable(error, shown(profiles)) from None
    brings = f"{count(len(files), 'file')} and {count(len(draft.hooks), 'hook')}"
    lines = [f"{shown(profiles)}/{name}.yaml written, with {brings}"]
    if losses:
        lines.append(f"without a counterpart, or to be checked ({len(losses)}; files are named below {place}):")
        lines += told(losses)
    return [*lines, spoken(f"next: doit build:{name}")]


def require_free(profiles: Path, name: str) -> list[str]:
    """The paths in ``profiles`` that a profile of this name takes. Raises DebateError if there is something already."""
    # The profile itself is the last one: without it the others are of no effect.
    targets = [*(f"{kind}/{name}" for kind in ("overlays", "hooks", "keys")), f"{name}.yaml"]
    for target in targets:
        if os.path.lexists(profiles / target):
            raise DebateError("already exists", "choose another name with -n", place=shown(profiles / target))
    return targets


def told(losses: Sequence[str]) -> list[str]:
    """Lines about what was lost: the first `MOST_LOSSES`, and the number of the others.

    Each is one line, whatever a name in it has.
    """
    lines = [f"  {shortened(printable(loss), _MAX_LINE)}" for loss in losses[:MOST_LOSSES]]
    if more := losses[MOST_LOSSES:]:
        lines.append(f"  and {len(more):,} more, the first of them at {shortened(printable(more[0]), _MAX_LINE)}")
    return lines


def packages(places: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The names that ``packages`` can have, and the losses, from each name that a list has and where it has it."""
    if len(places) > MAX_VALUES:
        return sorted(places), []  # `write` refuses them all.
    found = sorted(name for name in places if fits(name, "packages", "*"))
    lost = places.keys() - set(found)
    return found, [
        f"{place}: {name!r} is no form of a package's name" for name, place in places.items() if name in lost
    ]


def yaml_text(fields: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """``fields`` as YAML: every reader takes a text for that text, and what is shown is what is there.

    So each text that is not a plain word is in quotes, there are no aliases, and if any character could change how the
    others look, all that are not ASCII are escaped.
    """

    def dumped(*, allow_unicode: bool) -> str:
        text: str = yaml.dump(fields, Dumper=_Dumper, sort_keys=sort_keys, allow_unicode=allow_unicode, width=110)
        return text

    text = dumped(allow_unicode=True)
    return text if all(printable(line) == line for line in text.split("\n")) else dumped(allow_unicode=False)


def scalar(text: str) -> str:
    """A text as it stands in YAML, on one line."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: object) -> bool:
        return True


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _PLAIN.fullmatch(text) else '"')


_Dumper.add_representer(str, _represent)


def _fields(draft: Draft, name: str, files: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the profile, with those for what comes with it."""
    fields = dict(draft.fields)
    if files:
        fields["overlays"] = [f"overlays/{name}"]
    if draft.hooks:
        fields["hooks"] = [f"hooks/{name}/{hook}" for hook in draft.hooks]
    if draft.keys and isinstance(fields.get("repositories"), list):  # What no profile can have is refused later.
        fields["repositories"] = [
            {**repository, "key": f"keys/{name}/{repository['name']}"}
            if isinstance(repository, Mapping) and "name" in repository
            else repository
            for repository in fields["repositories"]
        ]
    return fields


def _values(value: Any) -> Iterator[None]:
    """As many items as ``value`` has values, and values in them. One that is in several places counts in each."""
    yield None
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _values(item)


def _fill(tree: Tree, draft: Draft, files: Mapping[str, str], name: str) -> None:
    """Copy all files of ``draft`` to the empty directory ``tree``. Raises DebateError."""
    source = draft.source
    source.require_copyable(files.values())
    made = ""
    for path, original in files.items():
        target = f"overlays/{name}/{path}"
        directory = target.rpartition("/")[0]
        try:
            if directory != made:  # Most files are beside the one before.
                tree.make_directory(directory)
                made = directory
            if source.is_link(original):
                tree.make_link(target, source.link(original))
                continue
            with tree.created(target, 0o755 if path in draft.executable else 0o644) as file:
                for chunk in source.chunks(original):
                    file.write(chunk)
        except (RefusedError, FileExistsError, IsADirectoryError, NotADirectoryError):
            fact = "another file or link is at its path in the system, or above it"
            raise source.refused(original, fact, "remove one of them") from None
    for kind, contents in (("hooks", draft.hooks), ("keys", draft.keys)):
        for file_name, content in contents.items():
            target = f"{kind}/{name}/{file_name}"
            tree.make_directory(target.rpartition("/")[0])
            tree.write(target, content)


def _located(error: ProfileError, place: str, work: Path) -> DebateError:
    """The problems of a draft, which is gone when they are read, as problems of what was converted."""
    problems = [
        Problem(Place(place), problem.fact.replace(f"{shown(work)}/", ""), problem.remedy) for problem in error.problems
    ]
    return DebateError.of(dict.fromkeys(problems))


def _move(work: Path, profiles: Path, targets: list[str]) -> None:
    """Move ``targets`` from ``work`` to ``profiles``: all of them, or none if it raises DebateError."""
    with Tree(profiles) as tree, contextlib.ExitStack() as undo:
        for target in targets:
            directory = target.rpartition("/")[0]
            try:
                if directory and not os.path.lexists(profiles / directory):
                    tree.make_directory(directory)
                    undo.callback(os.rmdir, profiles / directory)
                tree.rename(f"{work.name}/{target}", target)
            except OSError as error:
                raise unwritable(error, f"{shown(profiles)}/{target}") from None
            undo.callback(tree.rename, target, f"{work.name}/{target}")
        undo.pop_all()


def unwritable(error: OSError, place: str) -> DebateError:
    """The error for a ``place`` at which nothing could be written."""
    full = error.errno == errno.ENOSPC
    return DebateError(error.strerror or str(error), NO_SPACE if full else "make it a place to write to", place=place)
