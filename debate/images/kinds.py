"""The kinds of images that a build leaves in its output directory.

A kind is a file of this package with the rule that makes it, and a row in `KINDS`. `debate.images.results` copies the
image next to the others with a checksum, and names it in build.json and manifest.json.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False, repr=False)
class Kind:
    """One kind of image."""

    rule: str
    """The rule that makes it, which is also its key in build.json and manifest.json."""
    output: str
    """Its name among the outputs of the rule."""
    suffix: str
    """What follows ``P-ARCH`` in the name of its file. No suffix ends with another one."""
    next: str = ""
    """What to do with it, shown after a build, with ``{name}`` for the profile; may be empty."""


ISO = Kind("iso", "iso", ".iso", next="doit check:{name}, which boots it in QEMU")

KINDS = (
    ISO,
)  # fmt: skip
"""All kinds; results are listed in this order."""
