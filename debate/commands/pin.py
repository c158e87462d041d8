"""`doit pin:NAME`: keep the locks of a profile and of its bases beside the profiles, for everyone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from debate.commands.command import Answer, Command, Context
from debate.errors import spoken
from debate.host.files import write_atomically
from debate.profile import profile_names
from debate.text.amounts import count
from debate.text.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from debate.settings import Settings


def run(context: Context, profile: str) -> Answer:
    """Write the locks that are not there yet, the lowest base's first. Raises DebateError if one cannot be read."""
    chain = (profile, *profile_names.chain(context.settings.profiles, profile))
    found = list(_pinned(context.settings, chain))
    lines = [f"{one['file']}  {one['state']}, {count(one['packages'], 'package')}" for one in found]
    new = [one["file"] for one in found if one["state"] == "written"]
    next_ = f"git add {' '.join(new)} and commit" if new else f"doit lock:{profile} chooses newer versions"
    return Answer("".join(f"{line}\n" for line in [*lines, spoken(f"next: {next_}")]), data=tuple(found))


def _pinned(settings: Settings, chain: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    from debate.profile import lockfile

    # Above a base without a lock, none is written: whoever has the one needs the other.
    for name in reversed(chain):
        made = lockfile.read(settings.output / name / "lock.json")
        path = profile_names.committed(settings.profiles, name)
        is_new = not os.path.lexists(path)
        if is_new:
            write_atomically(path, lockfile.to_text(made).encode())
        state = "written" if is_new else "there already"
        yield {"profile": name, "file": shown(path), "state": state, "packages": len(made["packages"])}


COMMAND = Command(
    name="pin",
    doc="pin package versions for everyone, with those of the bases",
    usage="""\
doit pin:NAME

Writes the lock of the profile, and those of all its bases, to profiles/: commit them, and everyone
builds the same bytes. Locks that are there already stay; `doit lock:NAME` chooses newer versions.
The lock of a shipped profile becomes profiles/debate@NAME.lock.json.
""",
    section="Build",
    run=run,
    per="profile",
    root=True,
    needs=("lock",),
)
