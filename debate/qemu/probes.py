"""What is tried in a guest that is up: ports that must take connections, and commands whose exit status must be 0.

Commands are typed in base64 on the serial console, so any shell takes them as they are, and what comes back differs
from the echo. What a guest says may be hostile: patterns are of RE2, and only the end of the text is looked at.
"""

from __future__ import annotations

import base64
import secrets
import shlex
import time
from collections.abc import Callable, Sequence

from debate.qemu.lan import Cable
from debate.qemu.login import Dialog
from debate.text.pattern import compiled
from debate.text.printable import shortened

_TAIL = 1 << 14
_ECHO = 16
"""Characters of a typed command by which its echo is known: terminals break longer lines."""
_AGAIN = 10
"""Seconds without an echo until a command is typed again: what is typed before a shell reads can be lost."""


class ProbeError(Exception):
    """A command failed: the text says which."""


class Probes:
    """`are_passed` is called with what is on the console, again and again. ``send`` types."""

    def __init__(
        self,
        cable: Cable | None,
        dialog: Dialog | None,
        commands: Sequence[str],
        send: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``dialog``: how to log in first, if nobody is logged in yet."""
        self._cable, self._dialog, self._send, self._now = cable, dialog, send, now
        self._commands = list(commands)
        self._token, self._done = secrets.token_hex(8), 0
        self._typed, self._echo = 0.0, ""
        """When the present command was typed, and the start of its echo; empty before it is typed."""
        self._echoed = False

    def are_passed(self, text: str, total: int) -> bool:
        """True once all are. ``text`` is the end of the ``total`` characters that were printed.

        Raises ProbeError for a command that failed, and what `Dialog` raises.
        """
        if self._cable and self._cable.missing():
            return False
        if self._done == len(self._commands):
            return True
        if self._dialog:
            if self._dialog.looks_up(text, total):
                self._dialog = None
            return False
        self._echoed = self._echoed or bool(self._echo and self._echo in text)
        if not self._echo or (not self._echoed and self._now() - self._typed > _AGAIN):
            self._type()
            return False
        found = compiled(rf"{self._token}-{self._done}-([0-9]{{1,3}})\s").search(text[-_TAIL:])
        if found and found[1] != "0":
            raise ProbeError(f"`{self._command}` (check.commands) ended with status {found[1]}")
        if found:
            self._done, self._echo, self._echoed = self._done + 1, "", False
        return False

    @property
    def _command(self) -> str:
        return shortened(self._commands[self._done])

    def _type(self) -> None:
        command = shlex.quote(self._commands[self._done])
        script = f": {self._done} {self._token}\nsh -c {command} < /dev/null\necho {self._token}-{self._done}-$?\n"
        encoded = base64.b64encode(script.encode()).decode()
        self._send(f"echo {encoded} | base64 -d | sh\n")
        self._typed, self._echo = self._now(), encoded[:_ECHO]

    def lacking(self) -> str:
        """What the guest did not do, after `the guest`."""
        missing = self._cable.missing() if self._cable else []
        if missing:
            return f"takes no connections (check.ports: {', '.join(missing)})"
        return "lets nobody log in" if self._dialog else f"did not end `{self._command}` (check.commands)"
