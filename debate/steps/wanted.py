"""The tree that a profile asks for: what cannot be in an image, whose homes files are in, and what must come out."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.entry import Entry

if TYPE_CHECKING:
    from debate.steps.overlay import Permission

DATABASES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
"""Files that are merged into the system's own, line by line, instead of replacing them."""
REMOVED = (
    "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
    "/var/cache/ldconfig/aux-cache",
)  # fmt: skip
"""What programs that change the system leave behind, and sandbox/leftovers.sh removes, since it would differ."""
MADE = (
    "/etc/ld.so.cache", "/etc/.updated", "/var/.updated", "/etc/udev/hwdb.bin", "/var/lib/systemd/catalog/database",
)  # fmt: skip
"""What sandbox/up-to-date.sh makes of other files, after all else."""
NOT_COVERED = "choose another directory, or create it at boot with tmpfiles.d"
_COVERED = ("/dev", "/proc", "/run", "/sys", "/tmp")  # noqa: S108
"""Directories on which the running system mounts another file system, so that their content is never seen."""
_LINKS = {"/var/run": "/run", "/var/lock": "/run/lock"}
"""Links that systems have and that lead there."""
_MOST_LINKS = 40
_MOST_PARTS = 4096
"""Parts of a path on its way through links, each of which can have two thousand."""


def is_covered(path: str, links: Mapping[str, str] = _LINKS) -> bool:
    """True for a path of the system that is hidden once it runs. ``links``: path -> target of links on the way."""
    return _covering(path, links) is not None


def covered(path: str, links: Mapping[str, str] = _LINKS) -> str:
    """What is wrong with such a path."""
    return f"{path} is hidden by the file system that is mounted on {_covering(path, links)}"


def links_of(tree: Iterable[Entry]) -> dict[str, str]:
    """The links on which paths of ``tree`` can lie, those of every system among them."""
    return {**_LINKS, **{entry.path: entry.target for entry in tree if entry.type == "link"}}


def _covering(path: str, links: Mapping[str, str]) -> str | None:
    """The directory whose file system hides ``path``, if one does."""
    real = _resolved(path, links)
    return next((directory for directory in _COVERED if f"{real}/".startswith(f"{directory}/")), None)


def _resolved(path: str, links: Mapping[str, str]) -> str:
    """``path`` without links on the way to it; the last part is not followed."""
    left, found, hops, parts = path.split("/")[::-1], "", 0, 0
    while left:
        part = left.pop()
        parts += 1
        if part in ("", "."):
            continue
        if part == "..":
            found = found.rpartition("/")[0]
            continue
        at = f"{found}/{part}"
        if left and at in links and hops < _MOST_LINKS and parts < _MOST_PARTS:
            hops += 1
            target = links[at]
            found = "" if target.startswith("/") else found
            left += target.split("/")[::-1]
        else:
            found = at
    return found


def hidden(tree: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """Each path of ``tree`` that would never be seen, and why; not directories that are only on the way."""
    links = links_of(tree.values())
    above = set[str]()
    for path in tree:
        for parent in _parents(path):
            if parent in above:
                break  # So are those above it.
            above.add(parent)
    for path, entry in tree.items():
        needed = entry.type == "directory" and (path in above or path in _COVERED)
        if not needed and is_covered(path, links):
            yield path, covered(path, links)


def clashes(tree: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """Each path below a file or a link of the same tree, and that file or link."""
    clear = set[str]()
    """Below and at which there are only directories."""
    for path in sorted(tree):
        way = list(itertools.takewhile(lambda parent: parent not in clear, _parents(path)))
        above = next((tree[parent] for parent in way if parent in tree and tree[parent].type != "directory"), None)
        if above:
            yield path, above
        else:
            clear.update(way)


def _parents(path: str) -> Iterator[str]:
    """The directories above ``path``, the nearest first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path


def home_of(path: str, users: Collection[str]) -> str:
    """The one of ``users`` whose home ``path`` is, or is in; empty for none, and for root."""
    name = path.removeprefix("/home/").partition("/")[0] if path.startswith("/home/") else ""
    return name if name in users and name != "root" else ""


def in_homes(
    tree: Mapping[str, Entry], users: Collection[str], explicit: Mapping[str, Collection[str]]
) -> dict[str, Entry]:
    """``tree`` with all that is in the homes of ``users`` owned by them, directories on the way included.

    A home has the mode 0700. ``explicit``: paths of which the profile names owner or group itself -> which of the two.
    """
    found = dict(tree)
    for path, entry in tree.items():
        name = home_of(path, users)
        if not name:
            continue
        home = f"/home/{name}"
        own: dict[str, Any] = {"owner": name, "group": name}
        if path == home:
            if entry.type == "directory":
                found[path] = Entry(path, "directory", mode="0700", **own)
            continue
        named = explicit.get(path, ())
        found[path] = Entry(**{**vars(entry), **{field: name for field in own if field not in named}})
        for parent in _parents(path):
            if parent not in tree:
                found[parent] = Entry(parent, "directory", mode="0700" if parent == home else "0755", **own)
            if parent == home:
                break
    return found


def with_permissions(tree: Mapping[str, Entry], permissions: Iterable[Permission]) -> Iterator[Entry]:
    """``tree`` as it is at last. What only permissions have is of no type, and of owners that only they know."""
    said = {each.path: each for each in permissions}
    for path in {**tree, **said}:
        entry = tree.get(path, Entry(path, "", owner="", group=""))
        if each := said.get(path):
            entry = Entry(
                **{
                    **vars(entry),
                    "mode": each.mode.zfill(4),
                    "owner": each.owner or entry.owner,
                    "group": each.group or entry.group,
                }
            )
        yield entry


def lines(tree: Iterable[Entry], permissions: Iterable[Permission]) -> Iterator[str]:
    """What must come out, as sandbox/arrived.pl reads it.

    A directory of a tree is only asked to be there: those that the system has keep mode and owner. So does what
    `permissions` do not name.
    """
    for entry in tree:
        if entry.path in DATABASES:
            continue
        mode, owner, group = entry.mode, entry.owner, entry.group
        if entry.type == "directory" and (mode, owner, group) == ("0755", "root", "root"):
            mode = owner = group = "-"
        digits = keys.digits(entry.digest) if entry.digest else "-"
        content = entry.target if entry.type == "link" else digits
        yield "\t".join((entry.path, entry.type, mode, owner, group, content))
    for each in permissions:
        yield "\t".join((each.path, "-", each.mode.zfill(4), each.owner or "-", each.group or "-", "-"))
