"""Suggestions for unknown words."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence

_LONGEST = 300
"""Characters of a word that can be a misspelt one."""
_ALIKE = 3
"""First letters that are the same in a misspelt value."""
_MOST = 1000
"""Words that it is compared with."""


def suggest(word: str, known: Iterable[str]) -> str:
    """The remedy of a message about an unknown word: the similar one of ``known``, or all of them."""
    known = list(known)
    found = closest(word, known)
    if found:
        return f"did you mean {found!r}?"
    return f"known: {', '.join(known)}" if known else "there are none"


def suggest_value(word: str, known: Sequence[str]) -> str:
    """The same for a value of a few, of which another is more likely meant than misspelt: arm64 is not amd64."""
    folded = {name.lower(): name for name in known}
    short = word.lower()[:_LONGEST]
    found = next((low for low in folded if short == low or is_slip(short, low)), None)
    found = found or closest(short, [low for low in folded if low[:_ALIKE] == short[:_ALIKE]])
    return f"did you mean {folded[found]!r}?" if found else f"known: {', '.join(known)}"


def closest(word: str, known: Collection[str]) -> str | None:
    """The one of ``known`` that is similar to ``word``; None if there is none."""
    import difflib

    if len(word) > _LONGEST:
        return None
    known = list(itertools.islice(known, _MOST))
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.55)
    initials = [name for name in known if len(word) > 2 and (name.startswith(word) or word.startswith(name))]
    abbreviated = [name for name in known if len(word) > 2 and _is_abbreviation(word, name)]
    return next(iter([*(folded[name] for name in near), *initials, *abbreviated]), None)


def is_slip(word: str, name: str) -> bool:
    """True if ``word`` is ``name`` but for one letter: left out, added, another one, or swapped with the next."""
    at = next(
        (n for n, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), min(len(word), len(name))
    )
    rest, of = word[at:], name[at:]
    swapped = rest[:2] == of[1::-1] and rest[2:] == of[2:]
    return word != name and (swapped or rest[1:] == of or rest == of[1:] or rest[1:] == of[1:])


def one_of(what: str, known: Sequence[str]) -> str:
    """The remedy of a message that refuses a ``what``: all of the ``known`` ones, at least one."""
    return f"choose one of {', '.join(known)}" if len(known) > 1 else f"the only {what} is {known[0]}"


def _is_abbreviation(word: str, name: str) -> bool:
    """True if the letters of ``word`` are in ``name`` in the same order, as in pkgs and packages."""
    letters = iter(name)
    return word[0] == name[0] and all(letter in letters for letter in word)
