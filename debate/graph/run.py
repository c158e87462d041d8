"""One run of doit: its store and remote, its display, its start and end."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from debate.commands.command import Context
from debate.errors import DebateError, spoken
from debate.graph.failed import guarded
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.build.builder import Builder
    from debate.build.once import Once
    from debate.cache.store import Store
    from debate.commands.command import Context
    from debate.model import Activity
    from debate.remote.remote import Remote
    from debate.settings import Settings
    from debate.steps.work import ProfileBuild


class Display(Protocol):
    """Shows the running steps: see `debate.frontend.progress.Board`."""

    def activity(self, name: str) -> Activity: ...
    def begin(self, name: str) -> Activity: ...
    def end(self, name: str) -> float: ...
    def write(self, text: str) -> None: ...
    def close(self) -> None: ...
    def ask(self, question: str) -> str: ...


class Run:
    """The state that all tasks of a run share. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.display: Display | None = None
        self.refresh: set[str] = set()
        """Profiles whose lock the command line requests."""
        self.options: Mapping[str, str | bool] = {}
        """What it asks for with them."""
        self._beginning, self._begun = threading.Lock(), False
        self._remote: Remote | None = None
        self._once: Once | None = None

    # Actions ---------------------------------------------------------------------------------------

    def make(self, rule: Rule, profile: str) -> Any:
        """Run one step. Returns its report or a `Failed`."""
        hint = spoken(f"\na shell in that sandbox: doit shell:{rule.name}:{profile}") if rule.has_shell else ""

        def action() -> Any:
            require_root(rule.root, rule.name)
            builder = self.builder(f"{rule.name}:{profile}" if rule.profile else rule.name, read_only=rule.read_only)
            return self.build(profile, builder).make(rule.name)

        return guarded(action, hint)

    def context(self, task: str) -> Context:
        """The context of the command of ``task``."""
        return Context(
            settings=self.settings,
            say=self.say,
            builder=lambda: self.builder(task),
            reader=lambda: self.builder(task, read_only=True),
            build=lambda name: self.build(name, self.builder(task)),
            made=lambda name: self.build(name, self.builder(task, read_only=True)),
            pause=self.close,
            ask=self.ask,
        )

    def build(self, profile: str, builder: Builder) -> ProfileBuild:
        """The steps of a profile."""
        from debate.steps.work import ProfileBuild

        asked = profile in self.refresh
        return ProfileBuild(self.settings, profile, builder, asked, self.options if asked else {})

    def builder(self, name: str, *, read_only: bool = False) -> Builder:
        """The builder for the task ``name``. A read-only one does not write to the store and uses no remote."""
        from debate.build.builder import Builder
        from debate.build.once import Once
        from debate.cache.store import Store
        from debate.model import Activity

        store = Store(self.settings.cache, self.say)
        activity = self.display.activity(name) if self.display else Activity(name)
        with self._beginning:
            self._once = self._once or Once()
        remote = None if read_only else self.remote(store)
        builder = Builder(self.settings, store, self.say, remote, activity, once=self._once)
        if not read_only:
            self._begin_once(builder)
        return builder

    # The run ---------------------------------------------------------------------------------------

    def remote(self, store: Store) -> Remote | None:
        """The remote, one for the whole run."""
        if not self.settings.remote:
            return None
        with self._beginning:
            if self._remote is None:
                from debate.remote.remote import Remote

                self._remote = Remote(self.settings, store, self.say)
            return self._remote

    def _begin_once(self, builder: Builder) -> None:
        """Before the first sandbox of a run: register this builder, and clean up after killed ones."""
        with self._beginning:
            if not self._begun:
                builder.store.announce(self.settings.output)
                builder.clean_up()
                self._begun = True

    def say(self, line: str) -> None:
        """Show one line immediately, in addition to doit's reports."""
        if self.display:
            self.display.write(f"  {line}")

    def ask(self, question: str) -> str:
        """See `debate.frontend.progress.Board.ask`."""
        return self.display.ask(question) if self.display else ""

    def close(self) -> None:
        """Stop showing progress."""
        if self.display:
            self.display.close()

    def stop(self) -> None:
        """After an interruption: do not wait for transfers."""
        self.close()
        if self._remote is not None:
            self._remote.stop()

    def end(self) -> None:
        """After the last task: wait for transfers, and collect garbage unless the store has no bound."""
        if self._remote is not None:
            sending = "sending to the remote"
            if self.display:
                self.display.begin(sending)
            self._remote.finish()
            if self.display:
                self.display.end(sending)
        if self._begun and self.settings.cache_size:
            from debate.cache import collect
            from debate.cache.store import Store

            with suppress(FileNotFoundError):  # Nothing was stored.
                if bound := self.settings.cache_bound:  # Some file systems do not tell their size.
                    collect.in_background(Store(self.settings.cache), bound)
        self._begun = False

    def present(self, record: Path) -> bool:
        """True if the store has all outputs that a record names."""
        from debate.cache.store import Store
        from debate.history.records import present

        return present(Store(self.settings.cache, self.say), [record])


def require_root(root: bool, what: str) -> None:
    """Raises DebateError if ``what`` needs root and this is another user."""
    if root and os.geteuid() != 0:
        raise DebateError(f"{what} needs root, for mounts and systemd-nspawn", "run it with sudo")
