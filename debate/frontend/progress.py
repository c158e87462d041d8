"""Progress: the running steps, shown on a terminal, in a file or in a CI log.

A `Board` knows the running steps. On a terminal they are redrawn in place below the finished ones; elsewhere steps that
take long are reported from time to time.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from debate.frontend import ci
from debate.host.files import write_atomically
from debate.host.streams import show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from debate.model import Activity

_LIVE_AFTER = 0.4
"""Seconds after which a terminal's live view is worth the time to import its code."""
_EVERY = 1.0
"""Seconds between checks of the running steps if nothing is redrawn."""
_FIRST, _NEXT = 10.0, 30.0
"""Seconds until a running step is reported, and until it is reported again."""
_LINE = 160
"""Maximum number of characters of a step's output that are shown."""


class Board:
    """The running steps, and the stream to which they are written."""

    def __init__(self, times: Path) -> None:
        self.times_file = times
        self.stream: TextIO = sys.stdout
        self.running: dict[str, Activity] = {}
        self.done, self.all = 0, 0
        """Tasks of this run."""
        self.asked_for_github = False
        """True if the user requested output for GitHub."""
        self._lock = threading.RLock()
        self._live: Any = None
        self._over: threading.Event | None = None
        """Ends the thread that shows progress; None if there is none. Each of these threads has its own event."""
        self._times: dict[str, float] | None = None
        self._changed = False

    @property
    def terminal(self) -> bool:
        """True to redraw in place."""
        return self.stream.isatty() and os.environ.get("TERM") != "dumb" and "CI" not in os.environ

    @property
    def github(self) -> bool:
        """True if GitHub reads the output, and accepts commands in it."""
        return self.asked_for_github or ci.on_github()

    # What runs -------------------------------------------------------------------------------------

    def begin(self, name: str, *, verbose: bool = False) -> Activity:
        """The step ``name`` has started."""
        with self._lock:
            activity = self.running.get(name)
            if activity is None:
                from debate.model import Activity

                activity = self.running[name] = Activity(name, self.expected(name))
                self._watch()
            if verbose:
                activity.stream = lambda line: self.write(f"{name:<22} | {line}")
            return activity

    def end(self, name: str) -> float:
        """The step ``name`` has ended. Returns the seconds that it took."""
        with self._lock:
            activity = self.running.pop(name, None)
            return activity.elapsed if activity else 0.0

    def activity(self, name: str) -> Activity:
        """The activity of a running step, or a new one that is not shown."""
        from debate.model import Activity

        return self.running.get(name) or Activity(name)

    # How long it takes -----------------------------------------------------------------------------

    def expected(self, name: str) -> float:
        """Seconds that the step took last time, or else for another profile; 0 if unknown."""
        times = self.times()
        step = name.partition(":")[0]
        others = [seconds for other, seconds in times.items() if other.partition(":")[0] == step]
        return times.get(name) or (others[-1] if others else 0.0)

    def took(self, name: str, seconds: float) -> None:
        """Remember the duration of a step for the next run, unless it is very short."""
        if seconds < 1:
            return
        self.times().pop(name, None)
        self.times()[name] = round(seconds, 1)
        self._changed = True

    def times(self) -> dict[str, float]:
        """Step -> seconds; empty if the file is missing or damaged."""
        if self._times is None:
            try:
                found = json.loads(self.times_file.read_bytes())
                self._times = {str(name): float(seconds) for name, seconds in found.items()}
            except (OSError, ValueError, TypeError, AttributeError):
                self._times = {}
        return self._times

    # What is shown ---------------------------------------------------------------------------------

    def write(self, text: str, *, style: str = "", stamped: bool = True, commands: bool = False) -> None:
        """Write lines that stay. Without a terminal, each starts with the time of day.

        ``commands``: the text contains commands to the CI system, which are otherwise disarmed.
        """
        if self.github and not commands:
            text = ci.inert(text)
        with self._lock:
            if self._live is not None:
                from rich.text import Text

                self._live.console.print(Text(text, style=style), soft_wrap=True)
                return
            if stamped and not self.terminal:
                now = time.strftime("%H:%M:%S")
                text = "\n".join(f"{now} {line}" for line in text.split("\n"))
            elif style and self.terminal:
                codes = {"red": "31", "green": "32", "dim": "2"}
                text = f"\x1b[{codes[style]}m{text}\x1b[0m"
            show(self.stream, f"{text}\n")

    def close(self) -> None:
        """Restore the terminal, and save the durations."""
        with self._lock:
            if self._over is not None:
                self._over.set()
                self._over = None
            if self._live is not None:
                self._live.stop()
                self._live = None
            if self._changed:
                self._changed = False
                with contextlib.suppress(OSError):  # The output directory may be read-only for this user.
                    write_atomically(self.times_file, (json.dumps(self.times(), indent=1) + "\n").encode())

    def _watch(self) -> None:
        if self._over is None:
            self._over = threading.Event()
            threading.Thread(target=self._keep_showing, args=(self._over,), name="progress", daemon=True).start()

    def _keep_showing(self, over: threading.Event) -> None:
        while not over.wait(_LIVE_AFTER if self.terminal else _EVERY):
            with self._lock:
                if over.is_set():  # It was set while this thread waited for the lock.
                    return
                if not self.running:
                    if self._live is None:
                        self._over = None
                        return
                elif self.terminal:
                    self._draw()
                else:
                    self._remind()

    def _remind(self) -> None:
        for activity in self.running.values():
            elapsed = activity.elapsed
            if elapsed - activity.told >= (_NEXT if activity.told else _FIRST):
                activity.told = elapsed
                self.write("  " + _state(activity))

    def _draw(self) -> None:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self.stream)
            self._live = Live(get_renderable=self._view, console=console, refresh_per_second=5, transient=True)
            self._live.start()

    def _view(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(min_width=24, no_wrap=True)
        table.add_column(min_width=19, no_wrap=True)
        table.add_column(width=20)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for activity in list(self.running.values()):
            share = activity.share()
            bar = ProgressBar(total=1.0, completed=share or 0.0, width=20, pulse=share is None)
            time_ = Text(_time(activity))
            said = Text("  ".join(filter(None, (activity.amount(), activity.line[:_LINE]))), style="dim")
            table.add_row(Spinner("dots", text=f"{activity.name:<22}"), time_, bar, said)
        return Group(table, Text(f"  {self.done} of {self.all} steps", style="dim")) if self.all else table


def _time(activity: Activity) -> str:
    about = f" of about {activity.expected:.0f} s" if activity.expected else ""
    return f"{activity.elapsed:.0f} s{about}"


def _state(activity: Activity) -> str:
    """One line about a running step."""
    details = ", ".join(filter(None, (activity.amount(), activity.line[:_LINE])))
    return f"{activity.name:<22} running: {_time(activity)}" + (f": {details}" if details else "")
