"""Which profiles have their locales made apart, so that an edit of a file does not make them again."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from debate.artifact import Artifact
from debate.entry import Entry
from debate.model import Step
from debate.steps import locales, overlay

LIST = Entry("/etc/locale.gen", "file", mode="0644", digest="sha256:1")
LAYERS, TOOLS = (Artifact("sha256:2", 1),), Artifact("sha256:3", 1)
NOTHING = overlay.Slice((), (), (), overlay.Services((), (), ()), (), (), (), (), (), ())


def made(*tree: Entry, command: str = "locale-gen") -> Step | None:
    return locales.step(replace(NOTHING, tree=tree, commands=((command,),)), LAYERS, TOOLS)


def file(path: str) -> Entry:
    return replace(LIST, path=path)


def test_what_it_depends_on() -> None:
    """Not on other files."""
    step = cast("Step", made(LIST))
    assert step.trees == {"tree.tar": (LIST,)}
    assert step == made(file("/etc/a"), LIST, file("/usr/share/doc/x"), file("/usr/bin/x"))
    assert step != made(replace(LIST, digest="sha256:4"))


@pytest.mark.parametrize(
    "tree",
    [
        (), (file("/etc/locale"),), (replace(LIST, type="link", mode="0777", target="x", digest=""),),
        (LIST, file("/usr/share/i18n/locales/xx_XX")), (LIST, file("/usr/local/share/i18n/SUPPORTED")),
        (LIST, file("/usr/lib/locale/C.utf8")), (LIST, file("/usr/local/bin/localedef")),
        (LIST, file("/usr/sbin/locale-gen")), (LIST, file("/etc/locale.alias")),
    ],
)  # fmt: skip
def test_what_else_decides(tree: tuple[Entry, ...]) -> None:
    """Then all of it happens where all of it is."""
    assert made(*tree) is None


def test_no_locale_to_make() -> None:
    assert made(LIST, command="true") is None


def test_the_overlay_takes_what_was_made() -> None:
    slice_ = replace(NOTHING, tree=(LIST,), commands=(("locale-gen",), ("other",)))
    alone = overlay.step(slice_, {}, LAYERS, 5, TOOLS)
    given = overlay.step(slice_, {}, LAYERS, 5, TOOLS, TOOLS)
    assert (alone.parameters["commands"], alone.inputs) == (b"locale-gen\nother\n", {})
    assert (given.parameters["commands"], given.inputs) == (b"other\n", {"locales": TOOLS})
    assert b"locale-gen" in alone.parameters["triggers"]
    assert b"locale-gen" not in given.parameters["triggers"]
