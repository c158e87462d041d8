"""What a profile says of systemd units, and what else in it would start or stop them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from debate.text import kernel_line, unit_name
from debate.text.unit_name import template

if TYPE_CHECKING:
    from debate.errors import Place
    from debate.steps.choices import Choices

    Named = Mapping[str, Mapping[str, Place]]
    """Unit -> verb -> where it is said last."""

DIRECTORIES = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_SCREEN = "getty@tty1.service"
_ALL_GETTYS = "getty.target"
"""What starts them."""
_SERIAL = "serial-getty@{}.service"
_OFF = ("0", "no", "n", "off", "false", "f")
"""parse_boolean() of systemd."""


def note_contradictions(choices: Choices, named: Named, paths: Collection[str]) -> None:
    """Note what cannot hold together. ``paths``: those that the profile puts into the system."""
    _templates(choices, named, paths)
    _arguments(choices, named)
    _generated(choices, named)
    _logged_in(choices, named)


def _templates(choices: Choices, named: Named, paths: Collection[str]) -> None:
    """A mask of a template holds for each instance that has no file of its own."""
    for unit, verbs in named.items():
        above = named.get(template(unit), {})
        if "enable" not in verbs or "mask" not in above or template(unit) == unit:
            continue
        if not any(f"{directory}/{unit}" in paths for directory in DIRECTORIES):
            fact = f"services: {template(unit)} is masked, and so is {unit}, which is in enable ({verbs['enable']})"
            choices.note(above["mask"], fact, "keep one")


def _arguments(choices: Choices, named: Named) -> None:
    """Kernel arguments that say something of a unit; see kernel-command-line(7), systemd-debug-generator(8)."""
    for number, argument in enumerate(choices.data["boot"]["arguments"]):
        name, _, value = argument.partition("=")
        against: tuple[str, ...] = ("disable", "mask")
        if name == "systemd.mask":
            against = ("enable",)
        elif name in ("systemd.debug_shell", "systemd.debug-shell") and value not in _OFF:
            value = "debug-shell"
        elif name == "systemd.unit":
            against = ("mask",)
        elif name != "systemd.wants":
            continue
        unit = unit_name.full(value)
        for verb in against:
            if verb in named.get(unit, {}):
                place = named[unit][verb]
                fact = f"boot.arguments: {argument} contradicts services, where {unit} is in {verb} ({place})"
                choices.problem(("boot", "arguments", number), fact, "keep one")


def _generated(choices: Choices, named: Named) -> None:
    """Units that systemd-getty-generator(8) starts, enabled or not."""
    arguments = [argument.partition("=") for argument in choices.data["boot"]["arguments"]]
    if "mask" in named.get(_ALL_GETTYS, {}) or any(a[0] == "systemd.getty_auto" and a[2] in _OFF for a in arguments):
        return
    for tty in _serial(choices):
        unit = _SERIAL.format(tty)
        for each in (unit, template(unit)):
            verbs = named.get(each, {})
            if "disable" in verbs and "mask" not in verbs:
                fact = f"services: systemd-getty-generator starts {unit} for the console {tty}, though it is disabled"
                choices.note(verbs["disable"], fact, "mask it, or leave the console out")


def _logged_in(choices: Choices, named: Named) -> None:
    """A user with `autologin`, where a console of the profile has no getty to do that."""
    consoles = choices.data["boot"]["console"]
    gettys = {console: _SCREEN for console in consoles if _is_screen(kernel_line.tty(console))}
    gettys |= {tty: _SERIAL.format(tty) for tty in map(kernel_line.tty, consoles) if not _is_screen(tty)}
    for number, user in enumerate(choices.data["users"]):
        for console, unit in gettys.items() if user["autologin"] else ():
            if place := _is_off(named, unit):
                fact = f"autologin: {user['name']} is not logged in on {console}: services stop {unit} ({place})"
                remedy = f"leave one out, or {console} out of boot.console"
                choices.problem(("users", number, "autologin"), fact, remedy)
                break


def _is_off(named: Named, unit: str) -> Place | None:
    """Where the profile says that a getty does not start; those of serial lines are only stopped by a mask."""
    for name in (unit, template(unit), _ALL_GETTYS):
        verbs = named.get(name, {})
        for verb in ("mask", "disable") if unit == _SCREEN and name != _ALL_GETTYS else ("mask",):
            if verb in verbs:
                return verbs[verb]
    return None


def _serial(choices: Choices) -> Iterator[str]:
    """The consoles of the kernel that are no screen, each once."""
    arguments = [argument.partition("=") for argument in choices.data["boot"]["arguments"]]
    consoles = (*choices.data["boot"]["console"], *(value for name, _, value in arguments if name == "console"))
    yield from dict.fromkeys(tty for tty in map(kernel_line.tty, consoles) if not _is_screen(tty))


def _is_screen(tty: str) -> bool:
    return re.fullmatch(r"tty[0-9]*", tty) is not None
