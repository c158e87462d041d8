"""doit's task loader. It learns from the command line which profiles are needed before it makes tasks.

`doit build:one` must not take longer because there are ten thousand other profiles. Mistakes that can be detected
before any task is made are refused here.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from doit.cmd_base import DodoTaskLoader
from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask
from doit.task import Task

from debate.commands.command import commands
from debate.declarations import defect
from debate.errors import DebateError, Place, Problem
from debate.frontend import words as words_module
from debate.frontend import workspace
from debate.frontend.door import install, standard_output
from debate.frontend.reporter import Reporter
from debate.frontend.words import format_of, odd, options_given, run_options_first, tasks_among
from debate.graph.words import per_profile, unknown, without_step
from debate.graph.words import problem as problem_of
from debate.profile import profile_names
from debate.text.printable import quoted, shortened

if TYPE_CHECKING:
    from debate.settings import Settings

_REFUSED = 3
"""doit's exit status when nothing ran."""


def _require_utf8() -> None:
    """Start again in Python's UTF-8 mode where the locale has another encoding: the names in an image are UTF-8."""
    if sys.getfilesystemencoding() != "utf-8" and "utf8" not in sys._xoptions:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


class Loader(DodoTaskLoader):  # type: ignore[misc]
    """Loads dodo.py, and narrows its ``GRAPH`` to the named profiles."""

    def __init__(self) -> None:
        """doit makes the loader before anything else, so before it looks at the words itself."""
        _require_utf8()
        super().__init__()
        install()
        # All memory ends with this process. To look for cycles in it first took a tenth of a run with nothing to do.
        atexit.register(gc.freeze)
        problem = odd(sys.argv[1:])
        if problem:
            exit_with(problem)

    format = "text"
    """The output format of the run: text, github or json."""
    goes_on = False
    """See `debate.graph.tasks.Graph`."""

    def setup(self, opt_values: Any) -> None:
        """Load dodo.py, which loads the settings."""
        self.format = opt_values.get("format", "text")
        self.goes_on = bool(opt_values.get("continue"))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        try:
            self._load(opt_values["dodoFile"], opt_values)
        except DebateError as error:
            raise InvalidDodoFile(str(error)) from error

    def _load(self, file: str, opt_values: Any) -> None:
        """Load ``file`` with the tasks. Raises DebateError, and what doit raises if it is missing."""
        name, end = os.path.splitext(os.path.basename(file))
        if end != ".py" or "." in name:
            fact = "is not the name of a Python file with tasks"
            raise DebateError(fact, "-f names one such as dodo.py", place=shortened(file, 300))
        try:
            if opt_values["dodoFile"] == "dodo.py" and not os.path.lexists("dodo.py") and not opt_values["cwdPath"]:
                self.namespace = workspace.tasks(Path.cwd())
                return
            super().setup(opt_values)
        except (DebateError, InvalidCommand, InvalidDodoFile):
            raise
        except Exception as error:
            raise DebateError.of([defect(error, Path(file), __file__)]) from error
        loaded = self.namespace.get("__file__")
        if not loaded or os.path.basename(loaded) != f"{name}{end}":
            fact = "has the name of a module of Python, which is loaded instead"
            raise DebateError(fact, "rename it", place=shortened(file, 300))

    def load_doit_config(self) -> Any:
        """The configuration in dodo.py, with a reporter for the requested format."""
        config = super().load_doit_config()
        reporter = config.get("reporter")
        if isinstance(reporter, type) and issubclass(reporter, Reporter):
            reporter.format = self.format
        return config

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> Any:
        """Make the tasks for ``pos_args``, doit's positional arguments."""
        graph = self.namespace.get("GRAPH")
        if graph is None:
            return super().load_tasks(cmd, pos_args)
        try:
            words = tasks_among(pos_args, commands())
            graph.goes_on = self.goes_on
            graph.run.options = words_module.options_of_rules
            if getattr(cmd, "only_groups", False):
                graph.narrow_to_groups(words)
            elif getattr(cmd, "only_names", False):
                graph.outline(words)
            else:
                # Without a word, `doit` runs the default tasks.
                graph.narrow(words or (cmd.sel_tasks or [] if cmd.execute_tasks else []), runs=cmd.execute_tasks)
            tasks = super().load_tasks(cmd, pos_args)
            if _reach_further(tasks):
                graph.widen()
                tasks = super().load_tasks(cmd, pos_args)
        except DebateError as error:  # A rule or command, or a setting that only the tasks can validate.
            raise InvalidDodoFile(str(error)) from error
        known = {name for task in tasks for name in (task.name, *task.targets)}
        problem = problem_of([word for word in words if word not in known], graph.settings.profiles)
        if not problem and cmd.execute_tasks:
            problem = _no_profile(words, known, graph.settings.profiles) or _surplus(words, known)
            problem = problem or without_step(words) or _matches_nothing(words, known)
        if not problem and cmd.execute_tasks and os.geteuid() != 0 and any(needs_root(tasks, word) for word in words):
            problem = _root_needed()
        if problem:
            raise _refusal(problem)
        if cmd.execute_tasks:
            if graph.left_out and not set(graph.profiles()) - graph.left_out.keys():
                raise _refusal(DebateError.of(graph.left_out.values()))
            require(tasks, pos_args, graph.settings)
        return tasks

    def unknown(self, word: str) -> InvalidTask:
        """The refusal of ``word``, which is neither a task nor a target."""
        if word in self.cmd_names:
            return _refusal(Problem(Place(word), "is a command of doit, not a task", f"write doit {word} …"))
        graph = self.namespace.get("GRAPH")
        if graph is None:
            return _refusal(Problem(None, f"there is no task {quoted(word)}", "`doit list` shows the tasks"))
        return _refusal(unknown(word, graph.settings.profiles))

    def _interrupt(self, number: int, _frame: object) -> None:
        """Exit immediately, but through `atexit`, so that sandboxes are stopped and cleaned up."""
        sys.stderr.write("\ninterrupted; finished steps are kept: run the same command again to continue\n")
        if self.namespace and (graph := self.namespace.get("GRAPH")):  # None while it is loaded
            graph.run.stop()
        raise SystemExit(128 + number)


def _reach_further(tasks: Sequence[Task]) -> bool:
    """True if tasks of the user's own dodo.py depend on some that were not made, since no word names them."""
    made = {task.name for task in tasks}
    return any(task.wild_dep or not made.issuperset((*task.task_dep, *task.setup_tasks)) for task in tasks)


def needs_root(tasks: Sequence[Task], word: str) -> bool:
    """True if ``word``, a task, a group, a target or a pattern, stands for a task of debate that needs root.

    Tasks that the user's dodo.py makes are left to their own actions, whatever their names.
    """
    return any(task.meta and task.meta.get("root") for task in _meant(tasks, word))


def _meant(tasks: Sequence[Task], word: str) -> Iterator[Task]:
    """The tasks that ``word`` stands for."""
    for task in tasks:
        if word in (task.name, task.subtask_of, *task.targets) or fnmatchcase(task.name, word):
            yield task


def require(tasks: Sequence[Task], words: Sequence[str], settings: Settings) -> None:
    """Refuse options and settings with which a command could not do its work, before what it needs is made."""
    for word, options in options_given(words, commands()):
        for refuse in {task.meta.get("require") for task in _meant(tasks, word) if task.meta} - {None}:
            try:
                refuse(settings, **options)
            except DebateError as error:
                raise _refusal(error) from error


def _root_needed() -> Problem:
    remedy = f"run: sudo {sys.argv[0]} {' '.join(sys.argv[1:])}"
    return Problem(None, "building needs root, for mounts and systemd-nspawn", remedy)


def exit_with(problem: Problem) -> NoReturn:
    """End the process as doit does when it refuses to run, with ``problem`` in the requested format."""
    with contextlib.suppress(DebateError):
        if format_of(run_options_first(sys.argv[1:])) == "json":
            from debate.frontend.json_lines import JsonLines

            JsonLines(standard_output()).refused(_refusal(problem))
            raise SystemExit(_REFUSED)
    sys.stderr.write(f"ERROR: {problem}\n")
    raise SystemExit(_REFUSED)


def _refusal(why: Problem | DebateError) -> InvalidTask:
    """Ends doit's run with a problem, which JSON lines show by its values."""
    refusal = InvalidTask(str(why))
    refusal.__cause__ = DebateError.of([why]) if isinstance(why, Problem) else why
    return refusal


def _matches_nothing(words: Sequence[str], known: set[str]) -> Problem | None:
    """The problem of a pattern that no task matches, with which doit would do nothing."""
    for word in words:
        if "*" in word and not any(fnmatchcase(name, word) for name in known):
            return Problem(None, f"no task matches {quoted(word)}", "`doit list --all` shows the tasks")
    return None


def _no_profile(words: Sequence[str], known: set[str], profiles: Path) -> Problem | None:
    """The problem of a word that follows a task of profiles, and is neither a profile nor a task."""
    for task, word in pairwise(words):
        if task in per_profile() and word not in known and not set(word) & set("*?[:/"):
            return Problem(Place(task), *profile_names.missing(profiles, word))
    return None


def _surplus(words: Sequence[str], known: set[str]) -> Problem | None:
    """The problem of a word that follows a command that takes no names, and is not a task."""
    for command, word in pairwise(words):
        name = command.partition(":")[0]
        if name in commands() and not commands()[name].names and word not in known and "*" not in word:
            usage = commands()[name].usage.partition("\n")[0]
            return Problem(Place(name), f"{quoted(word)} is not a task, and {name} takes no names", usage)
    return None
