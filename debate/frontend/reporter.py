"""doit's reporter: counts the results of a run, and passes each event to the requested output format."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from doit.exceptions import TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter

from debate.errors import DebateError, Place, Problem
from debate.frontend import summary
from debate.frontend.door import Door, door
from debate.frontend.form import Done, Form, Tally
from debate.frontend.progress import Board
from debate.frontend.summary import Summary
from debate.graph.failed import Failed
from debate.graph.words import per_profile

if TYPE_CHECKING:
    from debate.history.reasons import Reason


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """doit's reporter for people who build images, and for programs."""

    desc = "one line per step, with its duration and the source of its result"
    board: Board
    at_end: Callable[[], None] = staticmethod(lambda: None)
    """Called after the last task. A task's teardown cannot do this, since doit's threads end at different times."""
    format = "text"
    """text, github or json."""
    warnings: Callable[[], Sequence[Problem]] = staticmethod(lambda: ())
    """What does not keep the run from starting, when its tasks are known."""

    def __init__(self, outstream: TextIO, options: dict[str, Any]) -> None:
        super().__init__(self._begin(outstream), options)
        self.tally = Tally()
        self.unchanged: list[Any] = []
        """Tasks that are up to date. doit sets the values of their last run only after it has reported them."""
        self.summary = Summary() if summary.path() else None
        self.asked: dict[str, float] = {}
        """Command of which only the answer is shown -> when it started, by `time.monotonic`."""

    def _begin(self, outstream: TextIO) -> Door:
        """Choose the output format. Returns the door for what doit's own reporter writes."""
        self.form: Form
        if self.format == "json":
            from debate.frontend.json_lines import JsonLines

            self.board.door = door(sys.stderr)
            self.form = JsonLines(outstream)
        else:
            from debate.frontend.text_lines import TextLines

            self.board.door = door(outstream)
            self.form = TextLines(self.board, github=self.format == "github")
        return self.board.door

    def initialize(self, tasks: dict[str, Any], selected_tasks: list[str]) -> None:
        """Count the tasks that may have to run."""
        wanted, pending = set(), list(selected_tasks)
        while pending:
            name = pending.pop()
            if name in tasks and name not in wanted:
                wanted.add(name)
                pending += tasks[name].task_dep
        self.board.all = sum(1 for name in wanted if tasks[name].actions)
        warnings = self.warnings()
        for name in selected_tasks:
            if len(profiles := _for_all(tasks, name)) > 1:
                self.form.begins(f"{name} of all {len(profiles)} profiles: {', '.join(profiles)}")
        self.form.warned(warnings)
        if self.summary:
            self.summary.warned(warnings)

    def execute_task(self, task: Any) -> None:
        if _answers(task):
            self.asked[task.name] = time.monotonic()
        elif task.actions:
            self.board.begin(task.name, verbose=task.verbosity == 2)

    def skip_uptodate(self, task: Any) -> None:
        if task.actions:
            self.board.done += 1
            self.tally.unchanged += 1
            self.unchanged.append(task)
            self.form.unchanged(task.name)

    def add_success(self, task: Any) -> None:
        if not task.actions:
            return
        self.tally.ran += 1
        values = task.values or {}
        took = self.board.end(task.name)
        self.board.done += 1
        if _answers(task):
            self._show_answer(task)
            return
        source = values.get("source") or ""
        if source:
            self.tally.sources[source] = self.tally.sources.get(source, 0) + 1
        if source in ("local", "remote"):
            self.tally.saved += values["seconds"]
            took = values["seconds"]
        else:
            self.board.took(task.name, took)
        more = {name: values[name] for name in ("log", "note", "lines", "made") if name in values}
        done = Done(task.name, source, took, why=_reasons(values.get("why", [])), **more)
        self.form.done(done)
        if self.summary:
            self.summary.done(done)

    def add_failure(self, task: Any, fail: Any) -> None:
        self.board.end(task.name)
        if not fail.report:
            self._show_answer(task)
            return
        self.failures.append({"task": task, "exception": fail})
        if isinstance(fail, UnmetDependency):
            self.tally.skipped += 1
            self.form.skipped(task.name)
            return
        self.tally.failed += 1
        text = fail.message
        if not isinstance(fail, TaskFailed):
            text = f"{text}\n{''.join(fail.traceback)}".rstrip("\n")
        fact, _, details = text.partition("\n")
        error = fail.error if isinstance(fail, Failed) else DebateError.of([Problem(None, fact)], details=details)
        self.form.failed(task.name, error, text)
        if self.summary:
            self.summary.failed(task.name, error)

    def complete_run(self) -> None:
        """The run has ended, or an exception ends it. In that case there is no summary, which could report success."""
        self.at_end()
        self.board.close()
        if sys.exc_info()[1] is not None:
            return
        for task in self.unchanged:
            if made := task.values.get("made"):
                self.form.made_before(task.name, made)
                if self.summary:
                    self.summary.made(made)
        self.form.end(self.tally, self.runtime_errors)
        if self.summary:
            try:
                self.summary.append(self.tally)
            except OSError as error:
                place, fact = Place(summary.path()), f"cannot be written ({error.strerror}), so there is no summary"
                self.form.warned([Problem(place, fact)])

    def _show_answer(self, task: Any) -> None:
        answer = task.meta.get("answered", {}).pop("answer", None)
        if answer is not None:
            self.tally.failed += not answer.good
            seconds = time.monotonic() - self.asked.get(task.name, time.monotonic())
            self.form.answered(task.name, answer, seconds)
            if self.summary:
                self.summary.answered(task.name, answer)


def _for_all(tasks: Mapping[str, Any], name: str) -> list[str]:
    """The profiles for which the task ``name`` stands, if it is one that needs root, as what makes or writes does."""
    below = [tasks[each] for each in tasks[name].task_dep if each in tasks] if name in per_profile() else []
    return [task.name.partition(":")[2] for task in below if task.meta and task.meta.get("root")]


def _reasons(values: Sequence[Any]) -> list[Reason]:
    """Why a step ran."""
    if not values:
        return []
    from debate.history.reasons import from_json

    return from_json(values)


def _answers(task: Any) -> bool:
    """True for a command of which only the answer is shown."""
    return bool(task.meta and task.meta.get("answers"))
