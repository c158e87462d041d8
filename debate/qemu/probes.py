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
        self._typed, self._at = 0.0, -1
        """When the present command was typed, and how much the guest had said then; -1 if it was not."""

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
        if self._at < 0 or (total == self._at and self._now() - self._typed > _AGAIN):
            self._type(total)
            return False
        found = compiled(rf"{self._token}-{self._done}-([0-9]{{1,3}})\s").search(text[-_TAIL:])
        if found and found[1] != "0":
            raise ProbeError(f"`{self._command}` (check.commands) ended with status {found[1]}")
        if found:
            self._done, self._at = self._done + 1, -1
        return False

    @property
    def _command(self) -> str:
        return shortened(self._commands[self._done])

    def _type(self, total: int) -> None:
        command = shlex.quote(self._commands[self._done])
        script = f"sh -c {command} < /dev/null\necho {self._token}-{self._done}-$?\n"
        self._send(f"echo {base64.b64encode(script.encode()).decode()} | base64 -d | sh\n")
        self._typed, self._at = self._now(), total

    def lacking(self) -> str:
        """What the guest did not do, after `the guest`."""
        missing = self._cable.missing() if self._cable else []
        if missing:
            return f"takes no connections (check.ports: {', '.join(missing)})"
        return "lets nobody log in" if self._dialog else f"did not end `{self._command}` (check.commands)"
