"""A declaration is all that a command needs to be a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from doit.exceptions import TaskFailed
from doit.loader import generate_tasks
from doit.task import Stream, Task

from debate.commands.command import Answer, Command, Context, Option
from debate.errors import DebateError
from debate.graph.command_tasks import command_tasks
from debate.graph.failed import Failed, guarded
from debate.graph.tasks import Graph
from debate.settings import Settings
from debate.steps.rule import HOST
from tests.unit.commands.conftest import context_of


def made(command: Command, **more: Any) -> dict[str, Task]:
    def context(_: str) -> Context:
        return context_of(Settings(Path(), Path(), Path()))

    given: dict[str, Any] = {
        "context": context,
        "record": lambda rule, profile: [f"{profile}/{rule}.json"],
        "profiles": lambda _: ["a", "b"],
        "named": ["b"],
        "shells": {"boot": lambda profile: [f"{profile}/reads"]},
        **more,
    }
    tasks = generate_tasks("commands", command_tasks([command], **given), "")
    return {task.name: task for task in tasks}


def execute(task: Task, *words: str) -> Any:
    """As doit does with words of the command line. Returns the failure, if there is one."""
    task.pos_arg_val = task.init_options(list(words))
    return task.execute(Stream(0))


def test_options_and_names_reach_the_function() -> None:
    got: list[dict[str, Any]] = []

    def run(_: Context, **words: Any) -> Answer:
        got.append(words)
        return Answer("yes\n")

    options = (
        Option("from", "where\n50%"), Option("level", "", short="l", choices=("1", "2")), Option("all", "", flag=True),
        Option("some", "", flag=True),
    )  # fmt: skip
    (task,) = made(Command("try", "try it", "", "Build", run, names="NAME", options=options)).values()
    assert (task.name, task.doc, task.verbosity, task.file_dep) == ("try", "try it", 2, set())
    assert execute(task, "--from=x", "-l", "2", "--all", "one", "two") is None
    assert got == [{"from_": "x", "level": "2", "all": True, "some": False, "names": ["one", "two"]}]
    assert task.meta["answered"]["answer"] == Answer("yes\n")
    assert task.values == {}, "nothing for doit's database"


def test_names_are_never_none() -> None:
    got: list[object] = []
    (task,) = made(Command("try", "", "", "Build", lambda _, names: got.append(names) or Answer(), names="N")).values()
    assert task.execute(Stream(0)) is None
    assert got == [[]]


def test_one_for_each_profile() -> None:
    def run(_: Context, profile: str) -> Answer:
        return Answer(report={"note": profile})

    command = Command("try", "try it", "", "Build", run, per="profile", needs=("iso", "sandbox"), answers=False)
    tasks = made(command)
    assert list(tasks) == ["try", "try:a", "try:b"]
    assert tasks["try"].doc == "try it"
    assert tasks["try:a"].file_dep == {"a/iso.json", "a/sandbox.json"}
    assert execute(tasks["try:b"]) is None
    assert tasks["try:b"].values == {"note": "b"}
    assert "answers" not in tasks["try:b"].meta


def test_what_a_command_needs(tmp_path: Path) -> None:
    """What belongs to no profile is the host's; ``*`` is what `verify` compares."""
    graph = Graph(tmp_path)

    def needed(need: str) -> set[str]:
        return {str(Path(path).relative_to(graph.settings.output)) for path in graph.records(need, "a")}

    assert needed("iso") == {"a/iso.json"}
    assert needed("sandbox") == {f"{HOST}/sandbox.json"}
    assert needed("*") >= {"a/config.json", "a/rootfs.json", "a/iso.json", f"{HOST}/sandbox.json"}
    assert not needed("*") & {"a/build.json", "a/lock.json"}


def test_one_for_each_step_of_the_profiles_that_are_named() -> None:
    got: list[dict[str, str]] = []
    command = Command("try", "", "", "Build", lambda _, **words: got.append(words) or Answer(), per="step")
    tasks = made(command)
    assert list(tasks) == ["try", "try:boot:b"]
    assert tasks["try:boot:b"].file_dep == {"b/reads"}
    assert execute(tasks["try:boot:b"]) is None
    assert got == [{"profile": "b", "step": "boot"}]


@pytest.mark.parametrize("error", [DebateError("wrong", "do it right", place="there"), PermissionError(13, "no", "f")])
def test_what_users_cause_is_a_failure_with_values(error: Exception) -> None:
    def run(_: Context) -> Answer:
        raise error

    (task,) = made(Command("try", "", "", "Build", run)).values()
    failure = execute(task)
    assert isinstance(failure, Failed)
    expected = "there: wrong; do it right" if isinstance(error, DebateError) else "f: no; run as root"
    assert [str(problem) for problem in failure.error.problems] == [failure.message] == [expected]


def test_a_hint_stands_where_there_is_a_log() -> None:
    def fail(log: str) -> None:
        raise DebateError("wrong", log=log)

    assert guarded(lambda: fail(""), "\nhint").message == "wrong"
    assert guarded(lambda: fail("x.log"), "\nhint").message == "wrong\nhint"


def test_bad_news_is_a_failure_that_says_nothing_itself() -> None:
    (task,) = made(Command("try", "", "", "Build", lambda _: Answer("bad\n", good=False))).values()
    failure = execute(task)
    assert isinstance(failure, TaskFailed)
    assert not failure.report
    assert task.meta["answered"]["answer"].text == "bad\n"
