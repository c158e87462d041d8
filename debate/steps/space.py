"""What takes the space of the system, by directory and by package, and how small other compressions make a sample.

A sample is enough: it is taken block by block from all over the system, as squashfs packs it. To pack all of it with
each compression takes many times as long as the build.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from debate.errors import DebateError
from debate.steps.listed import Listed
from debate.steps.rootfs import Slice
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.cache.store import Store
    from debate.history.records import Report
    from debate.model import Artifact, Step
    from debate.steps.work import Work

OTHERS = (("lz4", 0), ("gzip", 9), ("zstd", 3), ("zstd", 9), ("zstd", 15), ("zstd", 22), ("xz", 0))
"""Compressions that are tried: algorithm, and level where it has some."""
NOBODY = "-"
"""The package of files that none has."""
NOW = "now"
"""The name of the present compression in the list."""
_LISTED = Listed(
    "the list of what takes space",
    re.compile(r"(total|sample|directory|package|packed)\t([0-9]{1,15})\t([ -~]{1,400})"),
    "run the same command again",
    place="space",
)


@dataclass(frozen=True)
class Space:
    """Bytes, by what has them."""

    total: int = 0
    """All files of the system, unpacked."""
    sample: int = 0
    """What was packed to compare compressions, unpacked."""
    directories: Mapping[str, int] = field(default_factory=dict)
    """Path without a slash at its start -> what is in it and below, the largest first; small ones are left out."""
    packages: Mapping[str, int] = field(default_factory=dict)
    """The largest first."""
    packed: Mapping[str, int] = field(default_factory=dict)
    """Compression in words, or `NOW` -> the sample packed with it."""


def words(algorithm: str, level: int) -> str:
    """A compression as people read it."""
    return f"{algorithm} {level}" if level else algorithm


def make(work: Work) -> Report:
    """Record: output space."""
    from debate.steps.work import layers_of

    layers = (*layers_of(work.record("rootfs")), work.outputs("overlay")["layer"])
    return work.finish(
        step(work.slice(Slice, "rootfs").mksquashfs, layers, work.tools),
        check=lambda made: read(work.store, made["space"]),
    )


def step(now: Sequence[str], layers: tuple[Artifact, ...], tools: Artifact) -> Step:
    """Output: space. ``now`` are the present options of mksquashfs."""
    from debate.model import Command, Step
    from debate.sandbox.image.lines import as_lines
    from debate.steps.choices import packing

    tried = {NOW: tuple(now), **{words(*each): packing(*each) for each in OTHERS}}
    return Step(
        name="space",
        commands=(Command("space.sh", show_layers=True),),
        outputs=("space",),
        epoch=0,
        parameters={"compressions": as_lines("\t".join((name, *options)) for name, options in tried.items())},
        layers=layers,
        tools=tools,
    )


def read(store: Store, artifact: Artifact) -> Space:
    """What space.sh wrote. Raises DebateError for anything else."""
    found: dict[str, dict[str, int]] = {}
    for match in _LISTED.read(store, artifact):
        found.setdefault(match[1], {})[match[3]] = int(match[2])
    packed = found.get("packed", {})
    if not found.get("total") or (packed and not packed.get(NOW)):
        raise DebateError(f"{_LISTED.what} is not whole", _LISTED.remedy, place=_LISTED.place)
    largest = {kind: dict(sorted(sizes.items(), key=lambda each: (-each[1], each[0]))) for kind, sizes in found.items()}
    return Space(
        sum(found.get("total", {}).values()),
        sum(found.get("sample", {}).values()),
        largest.get("directory", {}),
        largest.get("package", {}),
        found.get("packed", {}),
    )


RULE = Rule(
    name="space",
    doc="measure what takes the space of the system",
    make=make,
    slices=("rootfs",),
    needs=("rootfs", "overlay"),
    tools=True,
    rights=("data",),
    outputs=("space",),
    has_shell=True,
    compared=False,  # It follows from the layers.
)
