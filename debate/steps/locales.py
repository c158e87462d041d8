"""The locales of a profile, made once: locale-gen takes longer than all else that an edit of an overlay repeats.

Source: locale-gen(8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debate.artifact import Artifact
    from debate.model import Step
    from debate.steps.overlay import Slice

COMMAND = "locale-gen"
_LIST = "/etc/locale.gen"
_READ = (
    "/usr/share/i18n/", "/usr/local/share/i18n/", "/usr/lib/locale/", "/usr/share/locale/locale.alias",
    "/etc/locale.alias",
)  # fmt: skip
_PROGRAMS = (COMMAND, "localedef")


def step(overlay: Slice, layers: tuple[Artifact, ...], tools: Artifact) -> Step | None:
    """Output: locales. None if the profile has none made, or has other files that decide what comes of them."""
    from debate.model import Command, Step

    lists = tuple(entry for entry in overlay.tree if entry.path == _LIST and entry.type == "file")
    if (COMMAND,) not in overlay.commands or not lists or any(_decides(entry.path) for entry in overlay.tree):
        return None
    return Step(
        name="locales",
        commands=(Command("locales.sh", root="system", rights="system", stdout="locales"),),
        outputs=("locales",),
        epoch=0,
        trees={"tree.tar": lists},
        layers=layers,
        tools=tools,
    )


def _decides(path: str) -> bool:
    """True for a file, besides the list, on which the locales can depend."""
    return path.startswith(_READ) or path.rpartition("/")[2] in _PROGRAMS
