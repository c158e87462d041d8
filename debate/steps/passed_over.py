"""Lines of a profile's files that the program that reads them passes over, as far as they tell by themselves.

What only the system can say, sandbox/settings.sh has its programs say.

Sources: crontab(5) and cron(8) of Debian; fstab(5), 9990-fstab.sh of live-boot; sysctl.d(5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from debate.text.printable import shortened

LARGEST = 1 << 20
"""Bytes of a file that is looked at."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_TIMES: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, dict(zip(_DAYS, range(7), strict=True))),
)
"""What a field of crontab says, its smallest and largest number, and names for some."""
_MOMENTS = ("@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_VARIABLE = re.compile(r"""\s*["']?[A-Za-z_][A-Za-z0-9_]*["']?\s*=.*""")
_RANGE = re.compile(r"(\*|(\w+)(?:[-~](\w+))?)(?:/(\d+))?", re.ASCII)
_CORRECT = "correct it, see {}(5)"

Faults = Iterator[tuple[str, str]]
"""Facts and remedies."""


def _ends(text: str, whose: str) -> Faults:
    if text and not text.endswith("\n"):
        yield f"does not end with a newline, so {whose}", "end its last line with one"


def _crontab(text: str) -> Faults:
    """Debian's cron passes over a whole file with one wrong line."""
    yield from _ends(text, "cron passes over all of it")
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#") or _VARIABLE.fullmatch(line):
            continue
        wrong = _wrong_time(words)
        if wrong:
            yield f"has {wrong} on line {number}, so cron passes over all of it", _CORRECT.format("crontab")


def _wrong_time(words: list[str]) -> str:
    """What is wrong with the time of a line; empty for nothing."""
    if words[0].startswith("@"):
        if words[0] not in _MOMENTS:
            return f"{shortened(words[0])} for a time"
        return "" if len(words) > 2 else "no time, user and command"
    if len(words) < len(_TIMES) + 2:
        return "no time, user and command"
    for word, (what, first, last, names) in zip(words, _TIMES, strict=False):
        if not all(_is_time(part, first, last, names) for part in word.split(",")):
            return f"{shortened(word)} for a {what}"
    return ""


def _is_time(part: str, first: int, last: int, names: dict[str, int]) -> bool:
    found = _RANGE.fullmatch(part)
    if not found or (found[4] and not int(found[4][:9])):
        return False
    words = [word for word in found.group(2, 3) if word]
    numbers = [names.get(word.lower(), int(word[:9]) if word.isascii() and word.isdigit() else -1) for word in words]
    in_order = numbers == sorted(numbers) or names.keys() >= {"sun"}  # Some go from Saturday to Sunday.
    return in_order and all(first <= number <= last for number in numbers)


def _fstab(text: str) -> Faults:
    yield from _ends(text, "a line that live-boot adds becomes a part of its last one")
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3:
            fact = f"has fewer than three fields on line {number}, so nothing is mounted for it"
            yield fact, "write what, where, type, and options or defaults"
        elif not words[1].startswith("/") and words[1] not in ("none", "swap"):
            fact = f"has {shortened(words[1])} on line {number}, which is no whole path, so nothing is mounted there"
            yield fact, "write the path from / on, or none for swap"


def _sysctl(text: str) -> Faults:
    for number, line in enumerate(text.split("\n"), 1):
        word = line.strip()
        if word and word[0] not in "#;-" and "=" not in word:
            yield f"has no NAME = VALUE on line {number}, so systemd passes over it", _CORRECT.format("sysctl.d")


_READ: tuple[tuple[re.Pattern[str], str, Callable[[str], Faults]], ...] = (
    (re.compile(r"/etc/(?:crontab|cron\.d/[A-Za-z0-9_-]+)"), "cron", _crontab),
    (re.compile(r"/etc/fstab"), "", _fstab),
    (re.compile(r"/(?:etc|usr/lib|usr/local/lib)/sysctl\.d/[^/]+\.conf"), "", _sysctl),
)
"""Which files, the program if others have other rules, and what is wrong with a text."""


def is_only_for(who: str, path: str) -> bool:
    """True if the program ``who`` alone has rules for the lines of a file."""
    return reader(path, ()) is not None and reader(path, (who,)) is None


def reader(path: str, others: tuple[str, ...]) -> Callable[[str], Faults] | None:
    """What says what is wrong with the text of a file, if something does. ``others`` are not looked at."""
    return next((read for paths, who, read in _READ if paths.fullmatch(path) and who not in others), None)
