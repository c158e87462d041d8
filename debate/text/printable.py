"""Makes text of others safe to show, on a terminal and in a log.

What is shown goes through `debate.frontend.door`, which applies this; only what is written to files for people does so
by itself.
"""

from __future__ import annotations

import re

LONGEST = 4000
"""Maximum number of characters of a line that is shown."""

_LONGEST_WORD = 300
_AT_START = re.compile(r"^[ \t]*:(?=:)|##[A-Za-z]{0,20}(?=\[)|section_(?:start|end)(?=:)", re.MULTILINE)
_ANYWHERE = re.compile(r":(?=:)|##[A-Za-z]{0,20}(?=\[)|section_(?:start|end)(?=:)")


_IGNORED = r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
"""Letters and marks with the property Default_Ignorable_Code_Point: fillers, joiners and variation selectors."""
_BLANK = r"\u2800\u2d7f\ufffc\U0001107f\U00013441\U00013442\U00016fe4\U0001d159\U0001da7f\U0001da80"
"""Letters, marks and symbols that are drawn as nothing, such as the empty Braille pattern. No property has them."""
_RIGHT_TO_LEFT = r"\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
"""The ranges in which Bidi_Class is R, AL or AN, or will be: DerivedBidiClass.txt."""
_UNFIT = re.compile(f"[{_IGNORED}{_BLANK}{_RIGHT_TO_LEFT}]")


def printable(text: str) -> str:
    """``text`` with ``?`` for every character that could move the cursor, change a colour, hide or reorder text.

    These are

    - Unicode's categories Other and Separator, except space and tab: C0 and C1 controls, line and paragraph separators,
      invisible format characters such as marks and overrides of the writing direction, joiners, the soft hyphen and
      tags, private and unassigned characters, lone surrogates;
    - letters, marks and symbols that nobody sees;
    - scripts that are written from right to left: next to them, a terminal shows what is around in another order, such
      as the end of a name and the message behind it.

    All other scripts stay as they are.
    """
    if not text.isascii():
        text = _UNFIT.sub("?", text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)


def inert(text: str, *, github: bool = False) -> str:
    """Lines of text with a space in what CI systems take for commands.

    ``::`` at the start of a line (GitHub), or with ``github`` anywhere; ``##[``, ``##vso[`` and ``##teamcity[``
    anywhere (GitHub, Azure, TeamCity); ``section_start:`` (GitLab). The space is before the last of these characters.

    Sources: src/Runner.Common/ActionCommand.cs of github.com/actions/runner, which skips spaces before ``::``; "Logging
    commands" of Azure Pipelines; "Service messages" of TeamCity; "Expand and collapse job log sections" of GitLab.
    """
    if "::" not in text and "##" not in text and "section_" not in text:
        return text
    return (_ANYWHERE if github else _AT_START).sub(r"\g<0> ", text)


def printable_lines(text: str) -> str:
    """Lines of text, each `printable`. CR LF ends a line as LF does."""
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n")))


def readable(text: str, *, github: bool = False) -> str:
    """Lines of text, each `printable`, and `inert`."""
    return inert(printable_lines(text), github=github)


def quoted(word: str) -> str:
    """A word that somebody wrote, in quotes, and not much of it: what is said of it must stay in sight."""
    return repr(shortened(word, _LONGEST_WORD))


def shortened(line: str, longest: int = LONGEST) -> str:
    """``line``, or its start with the number of characters that are left out."""
    more = len(line) - longest
    return line if more <= 0 else f"{line[:longest]}… ({more} more characters)"
