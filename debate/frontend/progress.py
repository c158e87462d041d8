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
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from debate.frontend.door import Door, door, redrawn
from debate.host.files import read_object, write_atomically
from debate.text.printable import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from debate.model import Activity

_LIVE_AFTER = 0.4
"""Seconds after which a terminal's live view is worth the time to import its code."""
_EVERY = 1.0
"""Seconds between checks of the running steps if nothing is redrawn."""
_FIRST, _NEXT = 10.0, 30.0
"""Seconds until a running step is reported, and until it is reported again."""
_WIDE, _BAR, _SHORT_BAR = 100, 20, 6
"""Columns of a terminal that has room for a bar of so many; on others, what the step says is of more use."""
_LINE = 160
"""Maximum number of characters of a step's output that are shown."""
_LONGEST = 1000
"""Bytes of an answer that are read."""


class Board:
    """The running steps, and the door through which they are shown."""

    def __init__(self, times: Path, stream: TextIO | None = None) -> None:
        """``stream``: where to show them; None for standard output."""
        self.times_file = times
        self.door: Door = door(stream or sys.stdout)
        self.running: dict[str, Activity] = {}
        self.done, self.all = 0, 0
        """Tasks of this run."""
        self._lock = threading.RLock()
        self._live: Any = None
        self._over: threading.Event | None = None
        """Ends the thread that shows progress; None if there is none. Each of these threads has its own event."""
        self._times: dict[str, float] | None = None
        self._changed = False

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
            found = read_object(self.times_file)
            whole = all(isinstance(seconds, int | float) and seconds >= 0 for seconds in found.values())
            self._times = found if whole else {}
        return self._times

    # What is shown ---------------------------------------------------------------------------------

    def write(self, *lines: str, style: str = "", stamped: bool = True) -> None:
        """Write lines that stay, as `Door.lines`. Without a terminal, each starts with the time of day."""
        self.door.lines(*(map(self.stamped, lines) if stamped else lines), style=style)

    def stamped(self, line: str) -> str:
        """A line with the time of day, unless it is for a terminal."""
        return line if self.door.terminal else f"{time.strftime('%H:%M:%S')} {line}"

    def close(self) -> None:
        """Restore the terminal, and save the durations."""
        with self._lock:
            if self._over is not None:
                self._over.set()
                self._over = None
            if self._live is not None:
                redrawn(self.door, None)
                self._live.stop()
                self._live = None
            if self._changed:
                self._changed = False
                with contextlib.suppress(OSError):  # The output directory may be read-only for this user.
                    write_atomically(self.times_file, (json.dumps(self.times(), indent=1) + "\n").encode())

    def ask(self, question: str) -> str:
        """Show a question, and no progress meanwhile. Returns the line that is typed, without spaces around it."""
        self.close()
        self.door.write(question)
        self.door.flush()
        # Not through Python's stream, whose lock this thread would hold when an interruption ends the process.
        answer = os.read(0, _LONGEST).decode(errors="replace").strip()
        with self._lock:
            if self.running:
                self._watch()
        return answer

    def _watch(self) -> None:
        if self._over is None:
            self._over = threading.Event()
            threading.Thread(target=self._keep_showing, args=(self._over,), name="progress", daemon=True).start()

    def _keep_showing(self, over: threading.Event) -> None:
        while not over.wait(_LIVE_AFTER if self.door.terminal else _EVERY):
            with self._lock:
                if over.is_set():  # It was set while this thread waited for the lock.
                    return
                if not self.running:
                    if self._live is None:
                        self._over = None
                        return
                elif self.door.terminal:
                    self._draw()
                else:
                    self._remind()

    def _remind(self) -> None:
        for activity in self.running.values():
            elapsed = activity.elapsed
            if elapsed - activity.reported >= (_NEXT if activity.reported else _FIRST):
                activity.reported = elapsed
                self.write("  " + _state(activity))

    def _draw(self) -> None:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live
            from rich.text import Text

            console = Console(file=cast("IO[str]", self.door.own))
            self._live = Live(
                get_renderable=self._view,
                console=console,
                refresh_per_second=5,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            redrawn(self.door, lambda text, style: console.print(Text(text, style=style), soft_wrap=True))

    def _view(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table

        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(min_width=24, no_wrap=True)
        table.add_column(min_width=19, no_wrap=True)
        width = _BAR if self._live is None or self._live.console.width >= _WIDE else _SHORT_BAR
        table.add_column(width=width)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for activity in list(self.running.values()):
            share = activity.share()
            bar = ProgressBar(total=1.0, completed=share or 0.0, width=width, pulse=share is None)
            said = "  ".join(filter(None, (activity.amount(), activity.line[:_LINE])))
            name = Spinner("dots", text=_text(f"{activity.name:<22}"))
            table.add_row(name, _text(_time(activity)), bar, _text(said, "dim"))
        return Group(table, _text(f"  {self.done} of {self.all} steps", "dim")) if self.all else table


def _text(text: str, style: str = "") -> Text:
    """Cleaned text for the live view, which draws by itself."""
    from rich.text import Text

    return Text(printable(text), style=style)


def _time(activity: Activity) -> str:
    about = f" of about {activity.expected:.0f} s" if activity.elapsed < activity.expected else ""
    return f"{activity.elapsed:.0f} s{about}"


def _state(activity: Activity) -> str:
    """One line about a running step."""
    details = ", ".join(filter(None, (activity.amount(), activity.line[:_LINE])))
    return f"{activity.name:<22} running: {_time(activity)}" + (f": {details}" if details else "")
