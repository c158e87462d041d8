"""How GRUB's menu looks on a screen: what a profile says of it, and the files of boot/grub/theme on the ISO.

Sources: GRUB's manual (Theme file format, gfxmode, loadfont); grub-core/gfxmenu/theme_loader.c of GRUB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from debate.deferred import frozen
from debate.profile.schema import schema
from debate.text import pf2, png

if TYPE_CHECKING:
    from debate.steps.choices import Choices

DIRECTORY = "boot/grub/theme"
TEXT = "text"
"""The resolution of a menu in text mode."""
_MARGIN = 14
"""Pixels on both sides of an entry."""
_OUTLINES = (b"\0\1\0\0", b"OTTO", b"true")
"""How fonts of TrueType and OpenType begin."""


@frozen
class Theme:
    """What a profile says of it."""

    resolution: str
    """WIDTHxHEIGHT, or `TEXT`."""
    background: str
    """Colours are in the form #rrggbb."""
    text: str
    selection: str
    selected_text: str
    picture: str
    """Digest of a PNG; empty for none."""
    font: str
    """Digest of a font; empty for the default."""


def theme(choices: Choices) -> Theme:
    """The theme of a profile. Problems are added to ``choices``."""
    boot = choices.data["boot"]
    said, given = boot["theme"], choices.profile.root.at(("boot",)).get("theme")
    if given and said["resolution"] == TEXT and set(given.value) - {"resolution"}:
        choices.told.append("boot.theme: not shown, since its resolution is text")
    elif given and boot["timeout"] == 0:
        choices.told.append("boot.theme: not shown, since boot.timeout is 0")
    elif said["font"] and choices.secure != "none":
        choices.told.append("boot.theme.font: not shown with Secure Boot, with which GRUB loads no font but its own")
    return Theme(
        resolution=said["resolution"],
        background=said["background"],
        text=said["text"],
        selection=said["selection"],
        selected_text=said["selected_text"],
        picture=_file(choices, "picture", png.fault),
        font=_file(choices, "font", _fault_of_font),
    )


def is_changed(look: Theme) -> bool:
    """True if a profile says something of it."""
    fields = schema()["properties"]["boot"]["properties"]["theme"]["properties"]
    return any(getattr(look, name) != (field["default"] or "") for name, field in fields.items())


def _file(choices: Choices, name: str, fault: Callable[[bytes], tuple[str, str] | None]) -> str:
    """The digest of a file of the theme; empty for none, and with a problem."""
    if choices.data["boot"]["theme"][name] is None:
        return ""
    node: Any = choices.profile.root.at(("boot", "theme", name))
    content = choices.read(node, name)
    if content is None:
        return ""
    if found := fault(content):
        choices.problem(("boot", "theme", name), f"{name} {node.value!r}: {found[0]}", found[1])
        return ""
    return choices.keep_content(content)


def _fault_of_font(content: bytes) -> tuple[str, str] | None:
    """Why GRUB could not use a font, and what to do."""
    if content.startswith(pf2.SIGNATURE):
        return pf2.fault(content)
    if content.startswith(_OUTLINES):
        return None  # grub-mkfont reads it, in the sandbox of the ISO.
    return "not a font of TrueType, OpenType or GRUB", "name a file that ends in .ttf, .otf or .pf2"


def files(look: Theme, title: str, timeout: int, content: Callable[[str], bytes]) -> dict[str, bytes]:
    """Parameters of the step `iso`: the files, and the font or nothing. ``content`` returns that of a digest."""
    if not is_shown(look, timeout):
        return {}
    picture = content(look.picture) if look.picture else _gradient(look.background, look.selection)
    return {
        f"iso/{DIRECTORY}/theme.txt": _text(look, title).encode(),
        f"iso/{DIRECTORY}/background.png": picture,
        **{
            f"iso/{DIRECTORY}/select_{side}.png": png.written([[_rgb(look.selection)] * width])
            for side, width in (("w", _MARGIN), ("c", 1), ("e", _MARGIN))
        },
        "font": content(look.font) if look.font else b"",
    }


def is_shown(look: Theme, timeout: int) -> bool:
    """False for a menu in text mode, and for one that does not wait: a change of the mode would take longer."""
    return look.resolution != TEXT and timeout != 0


def lines(look: Theme, timeout: int, terminals: str) -> list[str]:
    """Commands of GRUB that show it, and leave the menu as it is where that is not possible.

    With Secure Boot a signed GRUB loads no fonts but its own. ``terminals``: further ones that show the menu.
    """
    if not is_shown(look, timeout):
        return []
    more = f" {terminals}" if terminals else ""
    return [
        f"set gfxmode={look.resolution},auto",
        "set font=",
        f"if loadfont /{DIRECTORY}/font.pf2; then set font=y",
        "elif loadfont unicode; then set font=y",
        "fi",
        'if [ "$font" = y ]; then',
        f"    if terminal_output gfxterm{more}; then",
        f"        set theme=($root)/{DIRECTORY}/theme.txt",
        "        export theme",  # for submenus
        "    else",
        f"        terminal_output console{more}",
        "    fi",
        "fi",
    ]


def _text(look: Theme, title: str) -> str:
    """The text of theme.txt, whose language has no form for a quotation mark within text."""
    title = title.replace('"', "''")
    scale = "crop" if look.picture else "stretch"
    return f'''\
title-text: ""
desktop-image: "background.png"
desktop-image-scale-method: "{scale}"
desktop-color: "{look.background}"
terminal-left: "10%"
terminal-top: "10%"
terminal-width: "80%"
terminal-height: "80%"
+ label {{
    left = 12%
    top = 14%
    width = 76%
    align = "left"
    text = "{title}"
    color = "{look.selected_text}"
}}
+ boot_menu {{
    left = 12%
    top = 22%
    width = 76%
    height = 52%
    item_color = "{look.text}"
    selected_item_color = "{look.selected_text}"
    selected_item_pixmap_style = "select_*.png"
    item_height = 36
    item_padding = 0
    item_spacing = 4
    icon_width = 0
    icon_height = 0
    item_icon_space = 0
    scrollbar = true
    scrollbar_width = 8
    scrollbar_thumb = "select_*.png"
}}
+ label {{
    id = "__timeout__"
    left = 12%
    top = 80%
    width = 76%
    align = "left"
    text = "Starts by itself in %d s"
    color = "{look.text}"
}}
+ label {{
    left = 12%
    top = 84%
    width = 76%
    align = "left"
    text = "Enter: start   Esc: back   e: change this entry   c: command line"
    color = "{look.text}"
}}
'''


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _gradient(bottom: str, other: str) -> bytes:
    """A picture of one column, which is stretched: from ``bottom`` with some of ``other`` in it to ``bottom``."""
    below, mixed, rows = _rgb(bottom), _rgb(other), 256
    share = [(rows - row) / rows * 0.3 for row in range(rows)]
    columns = [
        [tuple(round(one + (two - one) * part) for one, two in zip(below, mixed, strict=True))] for part in share
    ]
    return png.written(columns)
