"""The report of `doit size:NAME`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from debate.commands.command import Answer
from debate.images.iso import layers
from debate.images.results import names_of_images
from debate.steps import space
from debate.text.amounts import bytes_shown, count
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.steps.work import ProfileBuild

_MOST = 20
"""Directories and packages that are told."""


def size(build: ProfileBuild) -> Answer:
    """What takes the space on the ISO and in the system. What was measured is sent to a remote."""
    build.release()
    found = space.read(build.store, build.outputs("space")["space"])
    iso = build.outputs("iso")["iso"].size
    parts = dict(_parts(build))
    parts["the rest: boot loaders, menu, file system"] = iso - sum(parts.values())
    packed = sum(image.size for _, image in layers(build.load("rootfs"), build.load("overlay")))
    others = {name: _of(found, name, packed, iso) for name in found.packed if name != space.NOW}
    path = build.directory / names_of_images(build.name, build.load("lock")["architecture"])["iso"]
    lines = [f"{shown(path)}: {bytes_shown(iso)}", "", "on the ISO:", *_table(parts, iso)]
    lines += ["", f"by directory, unpacked (with what is below), of {bytes_shown(found.total)}:"]
    lines += _table({f"/{name}": taken for name, taken in found.directories.items()}, found.total)
    lines += ["", f"by package, unpacked, of {bytes_shown(found.total)}:"]
    lines += _table({_named(name): taken for name, taken in found.packages.items()}, found.total)
    if others:
        lines += ["", f"with another image.compression, estimated from {bytes_shown(found.sample)} of the files:"]
        lines += [f"  {name:<8}  {bytes_shown(new):>7}  {(new - iso) / iso:+.0%}" for name, new in others.items()]
    data = {
        "profile": build.name,
        "iso": iso,
        "parts": parts,
        "unpacked": found.total,
        "directories": found.directories,
        "packages": found.packages,
        "estimated": others,
        "sample": found.sample,
    }
    return Answer("\n".join(lines) + "\n", data=(data,))


def _parts(build: ProfileBuild) -> Iterator[tuple[str, int]]:
    """What is on the ISO, exactly. Layers of packages of bases come before those of the profile."""
    stacked = layers(build.load("rootfs"), build.load("overlay"))
    for number, (name, image) in enumerate(stacked):
        below = " of the base" if name == "packages" and number < len(stacked) - 2 else ""
        yield f"layer {number}, {name}{below}", image.size
    initrd = build.outputs("initrd")
    yield "initramfs", initrd["initrd"].size
    yield "kernel", int(build.load("iso")["kernel"]["size"])


def _of(found: space.Space, name: str, packed: int, iso: int) -> int:
    """About how large the ISO is if its layers are packed as the sample ``name`` was."""
    return iso - packed + packed * found.packed[name] // found.packed[space.NOW]


def _named(package: str) -> str:
    return "no package: the profile's own files, and what scripts made" if package == space.NOBODY else package


def _table(sizes: Mapping[str, int], whole: int) -> Iterable[str]:
    """Lines of bytes, share and name, the largest first."""
    rows = sorted(sizes.items(), key=lambda each: (-each[1], each[0]))
    for name, taken in rows[:_MOST]:
        yield f"  {bytes_shown(taken):>7}  {taken / (whole or 1):4.0%}  {name}"
    if len(rows) > _MOST:
        rest = sum(taken for _, taken in rows[_MOST:])
        yield f"  and {count(len(rows) - _MOST, 'smaller one')}" + (f", {bytes_shown(rest)}" if rest <= whole else "")
