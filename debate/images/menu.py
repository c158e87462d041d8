"""GRUB's menu: what a profile says of it, and the text of boot/grub/grub.cfg.

Sources: GRUB's manual (menuentry, submenu, default, serial, linux, chainloader, fwsetup).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from debate import live
from debate.deferred import frozen
from debate.images import theme
from debate.live.ready import READY, named
from debate.machines import machine
from debate.text import kernel_line
from debate.text.grub import quote
from debate.text.suggest import suggest

if TYPE_CHECKING:
    from debate.images.iso import Slice
    from debate.live.interface import Live, LiveSystem
    from debate.steps.choices import Choices

MEMTEST = "boot/memtest"
"""Path of memtest86+ on the ISO, up to GRUB's name of the platform."""
LONGEST = 1900
"""Characters of consoles and arguments. x86 kernels read 2047 of the whole line, and what finds the ISO needs some."""
_PARITY = {"o": "odd", "e": "even"}
_SERIAL = "ttyS0,115200"
"""The console of the entry `serial` where the profile names no serial one."""
_BEEP = "play 480 440 1"
"""Says to who cannot see the menu that it is there. See GRUB's manual (play): beats a minute, hertz, beats."""
_Place = tuple[str | int, ...]


@frozen
class Entry:
    """An entry of the menu."""

    id: str
    """A name of `READY`, or ``own-NUMBER``."""
    title: str
    submenu: str
    """Title of the submenu that it is in; empty for the menu itself."""
    hotkey: str
    """The key that starts it; empty for none."""
    arguments: tuple[str, ...]
    """Kernel arguments, after those for the live system; empty for what starts none."""


def entries(choices: Choices) -> tuple[Entry, ...]:
    """The entries of a profile's menu. Problems are added to ``choices``."""
    boot, found = choices.data["boot"], list[Entry]()
    items = list(boot["entries"])
    if choices.data["persistence"] and "persistence" not in named(choices.data):
        items.append("persistence")
    for number, item in enumerate(items):
        place = ("boot", "entries", number)
        said: Mapping[str, Any] = {"name": item} if isinstance(item, str) else item
        if entry := _entry(choices, said, place, number):
            _require_room(choices, entry, place if said.get("arguments") else ("boot", "arguments"))
            found.append(entry)
    _require_different(choices, found)
    return tuple(found)


def _entry(choices: Choices, said: Mapping[str, Any], place: _Place, number: int) -> Entry | None:
    """The entry of an item, or None and a problem."""
    boot, name, own = choices.data["boot"], said.get("name"), tuple(said.get("arguments") or ())
    title, consoles = said.get("title"), tuple(boot["console"])
    _refuse_arguments(choices, own, (*place, "arguments"))
    if not name and not title:
        fact = "boot.entries: an entry has neither a title nor the name of a ready one"
        choices.problem(place, fact, "add a title, or a name")
        return None
    words = list[str]()
    if name:
        if refused := _refused(choices, name, has_arguments=bool(own)):
            choices.problem(place, f"boot.entries: {name}: {refused[0]}", refused[1])
            return None
        ready, whole = READY[name], boot["title"] or choices.label
        if ready.system:
            title = title or (f"{whole} ({ready.title})" if ready.title else whole)
            words += (*_system(choices).ENTRIES.get(name, ()), *ready.arguments)
        if name == "persistence":
            words += _system(choices).persistence(**choices.data["persistence"])
        if name == "serial":
            consoles = _serial_last(choices, consoles)
        title = title or ready.title
    arguments = (*(f"console={console}" for console in consoles), *boot["arguments"], *words, *own)
    starts = not name or READY[name].system
    key = said.get("hotkey") or ""
    return Entry(name or f"own-{number + 1}", title or "", said.get("submenu") or "", key, arguments if starts else ())


def _system(choices: Choices) -> LiveSystem:
    return live.get(choices.data["distribution"], choices.data["initrd"]["generator"])


def _refused(choices: Choices, name: str, *, has_arguments: bool) -> tuple[str, str] | None:
    """Why the profile cannot have the ready entry ``name``, and what to do."""
    firmware = set(choices.data["boot"]["firmware"])
    if name == "memtest" and not {"bios", "uefi"} & firmware:
        return "it is for BIOS and for UEFI of 64 bits", "leave it out, or add uefi to boot.firmware"
    if name == "memtest" and not choices.distribution.MEMTEST:
        fact = f"files of a package that is not installed cannot be had of {choices.distribution.TITLE}"
        return fact, "leave it out"
    if name == "firmware" and firmware == {"bios"}:
        return "BIOS has no setup that a boot loader can start", "leave it out, or add uefi to boot.firmware"
    if name == "persistence" and not choices.data["persistence"]:
        return "the profile has no field persistence", "write `persistence: {label: persistence}`"
    if has_arguments and not READY[name].system:
        return "it starts no kernel, which could have arguments", "leave them out"
    return _system(choices).REFUSED.get(name)


def require_persistence(choices: Choices) -> None:
    """Note a problem if the live system cannot keep what is written as the profile wants it."""
    kept, initrd = choices.data["persistence"], choices.data["initrd"]
    if kept and kept["encrypted"] and not _system(choices).ENCRYPTED:
        fact = f"persistence.encrypted: an initramfs of {initrd['generator']} cannot ask for the passphrase of one"
        known = choices.distribution.GENERATORS
        able = [name for name in known if live.get(choices.data["distribution"], name).ENCRYPTED]
        remedy = f"leave it out, or write `initrd: {{generator: {able[0]}}}`" if able else "leave it out"
        choices.problem(("persistence", "encrypted"), fact, remedy)


def _serial_last(choices: Choices, consoles: Sequence[str]) -> tuple[str, ...]:
    """``consoles`` with the first serial one at the end, where messages go."""
    serial = next((console for console in consoles if console.startswith("ttyS")), _SERIAL)
    if consoles[-1] == serial:
        choices.told.append(f"boot.entries: serial starts what default does: {serial} is last in boot.console")
    return (*(console for console in consoles if console != serial), serial)


def refuse_arguments(choices: Choices) -> None:
    """Note a problem for each of boot.arguments that cannot be one."""
    _refuse_arguments(choices, choices.data["boot"]["arguments"], ("boot", "arguments"))


def _refuse_arguments(choices: Choices, arguments: Iterable[str], place: _Place) -> None:
    """Note a problem for each argument that would keep the kernel or the initramfs from what debate tells them."""
    finders = _system(choices).FINDERS
    field = _field(place)
    for number, argument in enumerate(arguments):
        name = argument.partition("=")[0]
        if name in finders:
            choices.problem((*place, number), f"{field}: {name} is set by debate", "leave it out")
        elif argument == "--":
            fact = f"{field}: what follows -- goes to init, not to the kernel"
            choices.problem((*place, number), fact, "leave it out")


def _field(place: _Place) -> str:
    """The field of a profile that messages name."""
    return f"{place[0]}.{place[1]}"


def _require_room(choices: Choices, entry: Entry, place: _Place) -> None:
    """Note a problem if the kernel would cut off the command line."""
    size, field = len(kernel_line.joined(entry.arguments)), _field(place)
    if size > LONGEST:
        fact = f"{field}: {size:,} characters with the consoles, and the kernel cuts off a long command line"
        remedy = f"make them {LONGEST:,} or fewer; modprobe.d, sysctl.d and units take settings from files"
        choices.problem(place, fact, remedy)


def _require_different(choices: Choices, found: Sequence[Entry]) -> None:
    """Note a problem for each entry that would take the place of an earlier one, or stand for two."""
    seen = dict[tuple[str, str, str], Entry]()
    for entry in found:
        keys = [("title", entry.submenu, entry.title), ("name", "", entry.id)]
        keys += [("hotkey", entry.submenu, entry.hotkey)] if entry.hotkey else []
        for key in keys:
            if key in seen:
                fact = f"boot.entries: two entries have the {key[0]} {key[2]!r}"
                choices.problem(("boot", "entries"), fact, "change one")
            seen.setdefault(key, entry)


def default(choices: Choices, found: Sequence[Entry]) -> str:
    """The id of the entry that starts by itself: the one with the name or title of boot.default, or the first."""
    wanted = choices.data["boot"]["default"]
    if wanted is None:
        return found[0].id if found else ""
    named = {entry.title: entry.id for entry in reversed(found)} | {
        entry.id: entry.id for entry in found if entry.id in READY
    }
    if wanted in named:
        return named[wanted]
    choices.problem(("boot", "default"), f"boot.default: no entry {wanted!r}", suggest(wanted, named))
    return ""


def search(here: str) -> str:
    """GRUB's command that makes the file system with the file ``here`` the root, the present one if it has it."""
    return f"search --no-floppy --set=root --hint=$root --file /{here}"


def _find(here: str) -> list[str]:
    """Lines for a GRUB that may have another root, such as one that is not of this ISO."""
    return [f"if [ ! -e /{here} ]; then", f"    {search(here)}", "fi"]


def loopback(system: Live, here: str) -> str:
    """The text of boot/grub/loopback.cfg, which another GRUB reads that has the ISO's file as its root."""
    lines = [*_find(here), *system.loopback, "export iso_arguments", "source /boot/grub/grub.cfg"]
    return "\n".join(lines) + "\n"


def text(iso: Slice, system: Live, here: str) -> str:
    """The text of boot/grub/grub.cfg. ``here`` is the path of the file that names this ISO."""
    # A kernel that is quiet does not say so. Later, more than one console would have it.
    lines = [*_find(here), 'if [ "$lockdown" = y ]; then echo Secure boot enabled; fi', *terminals(iso.console)]
    lines += theme.lines(iso.theme, iso.timeout, "serial" if serial(iso.console) else "")
    if any(entry.id == "accessibility" for entry in iso.entries):
        lines.append(_BEEP)
    lines += listed(iso.entries, iso.default, iso.timeout, lambda entry: _menuentry(entry, iso, system))
    return "\n".join(lines) + "\n"


def listed(entries: Sequence[Entry], default: str, timeout: int, lines_of: Callable[[Entry], list[str]]) -> list[str]:
    """Lines that offer ``entries``, in their submenus, and start the one with the id ``default`` after a while."""
    submenus = list(dict.fromkeys(entry.submenu for entry in entries if entry.submenu))
    chosen = next(entry for entry in entries if entry.id == default)
    above = f"submenu-{submenus.index(chosen.submenu) + 1}>" if chosen.submenu else ""
    lines = [f"set default={quote(above + chosen.id)}", f"set timeout={timeout}"]
    told = set[str]()
    for entry in entries:
        if not entry.submenu:
            lines += lines_of(entry)
        elif entry.submenu not in told:
            told.add(entry.submenu)
            number = submenus.index(entry.submenu) + 1
            lines.append(f"submenu --id=submenu-{number} -- {quote(entry.submenu)} {{")
            for other in entries:
                if other.submenu == entry.submenu:
                    lines += [f"    {line}" for line in lines_of(other)]
            lines.append("}")
    return lines


def head(entry: Entry) -> str:
    """The line with which it begins."""
    key = f" --hotkey={entry.hotkey}" if entry.hotkey else ""
    return f"menuentry --id={entry.id}{key} -- {quote(entry.title)} {{"


def without_medium(iso: Slice) -> tuple[tuple[Entry, ...], str]:
    """The entries for a live system that is not on a medium, and the id of the one that starts by itself.

    These are the entries that start it. Its images are in memory, and were compared with their digests: no entry asks
    for that. If a menu starts no live system, or none by itself, the first one does; then what the profile says of all
    entries is enough.
    """
    ready_arguments = live.get(iso.distribution, iso.generator).ENTRIES
    found = list[Entry]()
    for entry in iso.entries:
        if entry.id in READY and not READY[entry.id].system:
            continue
        dropped = ready_arguments[entry.id] if entry.id in READY and READY[entry.id].medium else ()
        found.append(replace(entry, arguments=tuple(word for word in entry.arguments if word not in dropped)))
    if not found:
        words = (*(f"console={console}" for console in iso.console), *iso.arguments)
        found.append(Entry("default", iso.title, "", "", words))
    default = iso.default if any(entry.id == iso.default for entry in found) else found[0].id
    return tuple(found), default


def _menuentry(entry: Entry, iso: Slice, system: Live) -> list[str]:
    """The lines of an entry."""
    start = head(entry)
    if entry.id == "firmware":
        return ['if [ "$grub_platform" = efi ]; then', start, "    fwsetup", "}", "fi"]
    if entry.id == "memtest":
        # It has no signature. Of serial lines it knows the speed alone.
        lines = serial(iso.console)[:1]
        console = "".join(f" console={name},{_speed(options)}" for name, options in lines)
        where = 'if [ "$grub_platform" = pc -o "$grub_cpu" = x86_64 ]; then if [ "$lockdown" != y ]; then'
        return [where, start, f"    linux /{MEMTEST}-$grub_platform{console}", "}", "fi; fi"]
    if entry.id == "disk":
        return [start, *(f"    {line}" for line in _first_disk(machine(iso.architecture).removable)), "}"]
    # GRUB makes no word of a variable that is not set.
    words = " ".join((*map(quote, system.arguments), "$iso_arguments", *map(quote, entry.arguments)))
    return [start, f"    linux {system.kernel} {words}", f"    initrd {' '.join(system.initrds)}", "}"]


def _first_disk(removable: Mapping[str, str]) -> Iterator[str]:
    """Commands that start the first disk which is not the medium. UEFI's first that has a file to start from.

    ``removable``: UEFI firmware -> the name of that file.
    """
    yield f"set program={removable['uefi']}"
    if "uefi-ia32" in removable:
        yield f'if [ "$grub_cpu" = i386 ]; then set program={removable["uefi-ia32"]}; fi'
    yield "regexp --set=1:medium '^([a-z]+[0-9]+)' \"$root\""
    yield "for disk in hd0 hd1 hd2 hd3; do"
    yield '    if [ "$disk" != "$medium" -a "$grub_platform" = pc ]; then'
    yield '        set root="$disk"'
    yield '        if chainloader "($disk)+1"; then'
    yield '            drivemap -s hd0 "$disk"'
    yield "            boot"
    yield "        fi"
    yield '    elif [ "$disk" != "$medium" ]; then'
    yield "        for part in gpt1 gpt2 gpt3 gpt4 msdos1 msdos2 msdos3 msdos4; do"
    yield '            if [ -f "($disk,$part)/EFI/BOOT/$program" ]; then'
    yield '                chainloader "($disk,$part)/EFI/BOOT/$program"'
    yield "                boot"
    yield "            fi"
    yield "        done"
    yield "    fi"
    yield "done"
    yield 'if [ "$grub_platform" = efi ]; then exit; fi'
    yield 'echo "No other disk can be started."'
    yield "sleep --interruptible 10"


def terminals(consoles: Iterable[str]) -> list[str]:
    """The lines that put the menu on a serial console, too."""
    lines = []
    for name, options in serial(consoles)[:1]:
        lines.append(f"serial --unit={int(name[4:])} {_line(options)}")
        lines += ["terminal_input console serial", "terminal_output console serial"]
    return lines


def serial(consoles: Iterable[str]) -> list[tuple[str, str]]:
    """Name and options of each serial console. GRUB uses the first one alone."""
    parts = (console.partition(",") for console in consoles)
    return [(name, options) for name, _, options in parts if name.startswith("ttyS")]


def _line(options: str) -> str:
    """The options of GRUB's `serial` for those of the kernel: BBBBPNF, as in its serial-console.rst."""
    found = re.fullmatch(r"([0-9]*)([noe]?)([78]?)(r?)", options)
    _, parity, word, flow = found.groups() if found else ("", "", "", "")
    words = [f"--speed={_speed(options)}"]
    words += ["--word=7"] if word == "7" else []
    words += [f"--parity={_PARITY[parity]}"] if parity in _PARITY else []
    words += ["--rtscts=on"] if flow else []
    return " ".join(words)


def _speed(options: str) -> str:
    found = re.search(r"\A[0-9]+", options)
    return found[0] if found else "9600"
