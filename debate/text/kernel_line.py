"""The kernel's command line.

Sources: next_arg in lib/cmdline.c of Linux; grub_create_loader_cmdline in grub-core/lib/cmdline.c of GRUB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_QUOTED = re.compile(r'^(?:"([^"]*)"|([^="]*=)"([^"]*)")$(?!\n)')


def joined(arguments: Iterable[str]) -> str:
    """The line as GRUB writes it: an argument with spaces is in double quotes, which the kernel removes.

    Quotes and backslashes have no form in it that arrives: GRUB puts a backslash before each, which the kernel keeps.
    The schema refuses them.
    """
    return " ".join(f'"{argument}"' if " " in argument else argument for argument in arguments)


def tty(console: str) -> str:
    """The device of a console, as in ``console=``, without its options."""
    return console.partition(",")[0]


def split(line: str) -> list[str]:
    """The arguments of a line, without double quotes around one or around its value."""
    return [_QUOTED.sub(r"\1\2\3", word) for word in _WORD.findall(line)]
