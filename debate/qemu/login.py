"""Looks for what a profile promises on a guest's serial console: a shell that answers, or a prompt at which to log in.

A prompt says little: agetty prints `login: ` even where there is no program to log in with, and the prompts of shells
have any shape. So a name and a command are typed, and what comes back counts. All of it may be hostile: patterns are of
RE2, and only the end of the text is looked at.

Sources: agetty(8), login(1), zsh-newuser-install in zshcontrib(1).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from debate.text.pattern import compiled

AUTOLOGIN, EMPTY, PASSWORD, NOBODY = "autologin", "empty", "password", "nobody"
"""How a user gets in: by the console itself, with an empty password, with one that is not known here, not at all."""

ANSWER = "debate-answers"
COMMAND = "echo deb''ate-answers"
"""What is typed, and what comes back of it. The echo has other characters; shells of all kinds understand it."""
_STARTS, _NAMES = 4, 3
"""So often an automatic login may start, or a name be asked for, until that counts as going on for ever. Once more than
once is normal: a getty can be started again during the boot."""
_TAIL = 4096
_AGAIN = 10
"""Seconds until a command is typed again: what is typed before a shell reads can be lost."""
_SETTLED = 2
"""Seconds after which what was typed had its effect."""
_PROMPT, _LOGIN = r"\blogin: ", r"\blogin: *\z"
_ASKED, _ASKS_MORE = r"(?im)^passw[^\n]{0,40}: ", r"(?i)\bpassw[^\n]{0,40}: *\z"
"""A prompt somewhere, since the kernel may print after it, and one where what is typed now goes to."""
_AUTOMATIC = r"\blogin: [^\n]{1,64} \(automatic login\)"
_SHELL = r"\S[^\n]{0,200}[#$%>\x{276f}\x{bb}\x{3bb}\x{279c}] *\z"


@dataclass(frozen=True)
class Login:
    """Who can log in on the console."""

    user: str = ""
    how: str = NOBODY
    """One of `AUTOLOGIN`, `EMPTY`, `PASSWORD`, `NOBODY`."""


class LoginError(Exception):
    """Nobody can log in: the text says why."""


class Dialog:
    """What is typed at a guest. ``send`` types; `looks_up` is called with what is on the console, again and again."""

    def __init__(self, login: Login, send: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self.login, self.send, self.now = login, send, now
        self._state: Callable[[str, str, int], bool] = self._starts if login.how == AUTOLOGIN else self._asks
        self._total, self._changed = 0, 0.0
        """How much the guest has said, and since when."""
        self._typed, self._at, self._names = 0.0, 0, 0
        """When something was typed last, how much the guest had said then, and how often a name was typed."""
        self._quit = False
        """True once zsh was told not to ask a new user for settings."""

    def looks_up(self, text: str, total: int) -> bool:
        """True once all that is promised was seen. ``text`` is the end of the ``total`` characters that were printed.

        Raises LoginError if that will never be.
        """
        if total != self._total:
            self._total, self._changed = total, self.now()
        new = text[max(0, len(text) - (total - self._at)) :]
        return self._state(text[-_TAIL:], new, total)

    def _starts(self, end: str, new: str, total: int) -> bool:
        """A user is logged in by the console."""
        if compiled(_AUTOMATIC).search(end) or (self._has_booted(new) and compiled(_SHELL).search(end)):
            self._state = self._answers
            self._type(COMMAND, total)
        return False

    @staticmethod
    def _has_booted(text: str) -> bool:
        """True if it is the kernel's console, and not GRUB's, where keys do things."""
        return bool(compiled(r"(?i)\blogin\b|systemd|welcome to|@|~").search(text))

    def _asks(self, end: str, _: str, total: int) -> bool:
        """The console asks for a name."""
        if self.login.how == NOBODY:
            return bool(compiled(_PROMPT).search(end))
        if not compiled(_LOGIN).search(end):
            if compiled(_PROMPT).search(end) and self.now() - max(self._typed, self._changed) > _AGAIN:
                self._type("", total)  # For a prompt after what the kernel printed.
            return False
        if self._names == _NAMES:
            fact = f"the console asks for a name again and again, and does not let {self.login.user} in"
            raise LoginError(fact)
        self._names += 1
        self._type(self.login.user, total)
        self._state = self._named
        return False

    def _named(self, end: str, new: str, total: int) -> bool:
        """A name was typed."""
        if self.login.how == PASSWORD and compiled(_ASKED).search(new):
            return True
        if self.login.how == EMPTY and compiled(_ASKS_MORE).search(new):
            raise LoginError(f"the console asks {self.login.user}, who has none, for a password")
        if self.now() - self._typed > _SETTLED and "\n" in new:
            if compiled(_LOGIN).search(end):
                self._state = self._asks
            elif self.login.how == EMPTY:
                self._state = self._answers
                self._type(COMMAND, total)
        return False

    def _answers(self, end: str, new: str, _: int) -> bool:
        """There is a shell, or will be."""
        if ANSWER in new:
            return True
        if self.login.how == AUTOLOGIN and len(compiled(_AUTOMATIC).findall(new)) >= _STARTS:
            raise LoginError(f"the automatic login of {self.login.user} on the console starts again and again")
        if self.now() - self._typed > _AGAIN:
            if self.login.how == EMPTY and compiled(_LOGIN).search(end):
                self._state = self._asks
            elif compiled(_ASKS_MORE).search(end):
                self._type("", self._at)
            elif "zsh-newuser-install" in end and not self._quit:
                self._quit = True
                self._type("q", self._at)
            else:
                self._type(COMMAND, self._at)
        return False

    def _type(self, line: str, at: int) -> None:
        self.send(f"{line}\n")
        self._typed, self._at = self.now(), at
