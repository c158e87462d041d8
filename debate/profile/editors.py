"""What an editor has of the schema: the first line of a profile says where it is.

A checkout of debate has the schema beside its profiles. Where debate is installed otherwise differs from machine to
machine, so a workspace has a copy in its profiles directory, for git. `debate schema` prints what belongs there.
"""

from __future__ import annotations

from pathlib import Path

from debate.host.files import new_file
from debate.profile import files
from debate.profile.schema import SCHEMA
from debate.text.paths import shown

FILE = ".profile.schema.json"
"""The copy, in the profiles directory."""
_CHECKOUT = "debate/schema/profile.schema.json"


def modeline(profiles: Path) -> str:
    """The first line of a profile in the directory ``profiles``."""
    schema = f"../{_CHECKOUT}" if _is_of_a_checkout(profiles) else FILE
    return f"# yaml-language-server: $schema={schema}\n"


def provide(profiles: Path) -> None:
    """Write what that line names, if it is a copy. Raises OSError."""
    if not _is_of_a_checkout(profiles):
        with new_file(profiles / FILE, 0o644) as file:
            file.write(SCHEMA.read_bytes())


def remarks(profiles: Path) -> list[str]:
    """A line if the copy is that of another version of debate. Without a copy, nobody uses one."""
    try:
        copy = files.read(profiles, FILE, files.MAX_FILE)
    except FileNotFoundError:
        return []
    except OSError:
        copy = b""
    if copy == SCHEMA.read_bytes():
        return []
    path = Path(shown(profiles), FILE)
    return [f"{path}: not the schema of this debate, so editors may err; `debate schema > {path}` makes it so"]


def _is_of_a_checkout(profiles: Path) -> bool:
    return (profiles.parent / _CHECKOUT).exists()
