"""A converted profile, and how it is written to the repository: complete and valid, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from debate.errors import DebateError
from debate.profile.load import load
from debate.steps import config
from debate.steps.overlay import is_covered
from debate.text.amounts import count
from debate.text.paths import shown

_SCHEMA = "# yaml-language-server: $schema=../debate/schema/profile.schema.json\n"


@dataclass(frozen=True)
class Draft:
    """The result of a conversion."""

    origin: str
    """Description of the source, for the comment on top."""
    fields: Mapping[str, Any]
    """The profile's fields, except overlays and hooks."""
    overlay: Mapping[str, Path]
    """Path in the system, without a leading slash -> a file, or a symbolic link that is copied as such."""
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
    targets = [Path(f"{name}.yaml"), *(Path(kind, name) for kind in ("overlays", "hooks", "keys"))]
    for target in targets:
        if os.path.lexists(profiles / target):
            raise DebateError("already exists", "choose another name with -n", place=shown(profiles / target))
    files = {path: source for path, source in draft.overlay.items() if not is_covered(f"/{path}")}
    losses = [*draft.losses]
    losses += [f"/{path}: hidden by a mount in the running system" for path in sorted(draft.overlay.keys() - files)]
    with tempfile.TemporaryDirectory(prefix=".import-", dir=profiles) as directory:
        work = Path(directory)
        fields = dict(draft.fields)
        if files:
            _copy(files, work / "overlays" / name, draft.executable)
            fields["overlays"] = [f"overlays/{name}"]
        for kind, contents in (("hooks", draft.hooks), ("keys", draft.keys)):
            for file, content in contents.items():
                path = work / kind / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        if draft.hooks:
            fields["hooks"] = [f"hooks/{name}/{hook}" for hook in draft.hooks]
        if draft.keys:
            fields["repositories"] = [
                {**repository, "key": f"keys/{name}/{repository['name']}"} for repository in fields["repositories"]
            ]
        text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110)
        (work / f"{name}.yaml").write_text(f"{_SCHEMA}# Made from {draft.origin}.\nversion: 1\n{text}")
        config.normalise(load(work, name), work)
        for target in targets:
            if os.path.lexists(work / target):
                (profiles / target).parent.mkdir(parents=True, exist_ok=True)
                os.rename(work / target, profiles / target)
    brings = f"{count(len(files), 'file')} and {count(len(draft.hooks), 'hook')}"
    lines = [f"{shown(profiles / targets[0])} written, with {brings}"]
    if losses:
        lines.append(f"without a counterpart, or to be checked ({len(losses)}):")
        lines += [f"  {loss}" for loss in losses]
    return [*lines, f"next: doit build:{name}"]


def _copy(overlay: Mapping[str, Path], target: Path, executable: Collection[str]) -> None:
    for path, source in overlay.items():
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy, follow_symlinks=False)
        if not copy.is_symlink():
            copy.chmod(0o755 if path in executable else 0o644)
