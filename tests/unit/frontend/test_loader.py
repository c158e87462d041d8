"""Which tasks are refused without root before anything is run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from doit.exceptions import InvalidTask
from doit.loader import generate_tasks
from doit.task import Task

from debate.commands.command import Command, commands
from debate.errors import DebateError
from debate.frontend.loader import needs_root, require
from debate.frontend.words import arranged
from debate.graph.tasks import Graph
from debate.steps.rules import rules
from tests.conftest import ROOT

DECLARED: dict[str, bool] = {name: one.root for name, one in {**rules(), **commands()}.items()}
"""Rule or command -> whether it says that it needs root."""


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    """All tasks of this checkout, and some that a user's dodo.py could have."""
    graph = Graph(ROOT)
    graph.narrow(["config:minimal", *(f"{name}:minimal" for name in commands())])
    own = [
        Task("mine", None),
        Task("verify-site", None),
        Task("mine:build", None, subtask_of="mine", targets=["x.iso"]),
    ]
    return [*generate_tasks("steps", graph.steps()), *generate_tasks("commands", graph.commands()), *own]


@pytest.mark.parametrize("name", DECLARED)
def test_a_declaration_decides(tasks: list[Task], name: str) -> None:
    """For the task, its groups, a pattern and, of a step, what it writes."""
    found = [task for task in tasks if task.name.partition(":")[0] == name and not task.has_subtask]
    assert found
    for word in {name, *(word for task in found for word in (task.name, f"{task.name[:-1]}?", *task.targets))}:
        assert needs_root(tasks, word) == DECLARED[name], word


def test_a_pattern_stands_for_all_that_fit(tasks: list[Task]) -> None:
    assert needs_root(tasks, "*:minimal")
    assert not needs_root(tasks, "c[o]nfig:*")
    assert not needs_root(tasks, "nothing*")


@pytest.mark.parametrize("word", ["mine", "mine:build", "x.iso", "verify-*", "m*:build"])
def test_a_task_of_ones_own_is_not_refused(tasks: list[Task], word: str) -> None:
    assert not needs_root(tasks, word)


@pytest.mark.parametrize("name", [name for name, root in DECLARED.items() if root])
def test_nor_is_one_with_the_name_of_debates(name: str) -> None:
    own = [Task(name, None, has_subtask=True), Task(f"{name}:minimal", None, subtask_of=name)]
    assert not any(needs_root(own, word) for word in (name, f"{name}:minimal", f"{name}:*"))


@pytest.mark.parametrize("command", commands().values(), ids=list(commands()))
def test_what_needs_a_step_needs_what_the_step_needs(command: Command) -> None:
    made = [rule for rule in rules().values() if rule.name in command.needs or ("*" in command.needs and rule.compared)]
    assert command.root or not any(rule.root for rule in made)


@pytest.mark.parametrize("command", commands().values(), ids=list(commands()))
def test_what_needs_something_refuses_its_options_before(command: Command) -> None:
    assert command.require or not (command.needs and command.options)


LIVE_BUILD = ["import-live-build", "-n", "mine", "-d"]
READ_ONLY = {"DEBATE_REMOTE": "oci://registry.example/isos", "DEBATE_REMOTE_MODE": "read-only"}
REFUSED = [
    (["import-archiso"], {}, "options -d and -n are required"),
    (["import-archiso", "-d", "empty"], {}, "option -n is required"),
    (["import-archiso", "-d", "empty", "-n", "../x"], {}, "'../x' is not a valid name for a profile"),
    (["import-archiso", "-d", "empty", "-n", "minimal"], {}, "profiles/minimal.yaml: already exists"),
    (["import-archiso", "-d", "empty", "-n", "mine"], {}, "empty/profiledef.sh: No such file or directory"),
    (["import-archiso", "--name=mine", "-d", "nothing"], {}, "nothing: No such file or directory"),
    (["import-archiso", "-d", "dodo.py", "-n", "mine"], {}, "dodo.py: Not a directory"),
    (["import-archiso", "-d", "linked", "-n", "mine"], {}, "linked/profiledef.sh: is a link, or below one"),
    (["import-archiso", "-d", "waits", "-n", "mine"], {}, "waits/profiledef.sh: is a named pipe"),
    (["import-archiso", "-d", "large", "-n", "mine"], {}, "large/profiledef.sh: is larger than 262,144 bytes"),
    (["build:minimal", "import-archiso", "-d", "empty", "-n", "mine"], {}, "empty/profiledef.sh: No such file"),
    ([*LIVE_BUILD, "nothing"], {}, "nothing: No such file or directory"),
    (["build:minimal", *LIVE_BUILD, "empty"], {}, "empty/config: No such file or directory"),
    (["push:minimal"], {}, "no remote is set"),
    (["push:*"], {}, "no remote is set"),
    (["push"], {}, "no remote is set"),
    (["pull:minimal"], {}, "no remote is set"),
    (["push:minimal"], READ_ONLY, "read-only, so nothing can be pushed"),
    (["build:minimal", "gc", "--size=much"], {}, "--size: 'much' is not a size"),
    (["build:minimal", "gc", "--age=old"], {}, "--age: 'old' is not a time"),
]  # fmt: skip
"""Words, settings, and the refusal, for which nothing need be made."""


@pytest.mark.parametrize(("words", "variables", "refusal"), REFUSED, ids=[" ".join(words) for words, _, _ in REFUSED])
def test_what_no_step_can_mend_is_refused_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], variables: dict[str, str], refusal: str
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/minimal.yaml").write_text("version: 1\n")
    for name in ("empty", "linked", "waits", "large"):
        (tmp_path / name).mkdir()
    (tmp_path / "linked/profiledef.sh").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "waits/profiledef.sh")
    (tmp_path / "large/profiledef.sh").write_bytes(b"#" * (256 << 10) + b"\n")
    (tmp_path / "dodo.py").write_text("")
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    graph = Graph(tmp_path)
    words = arranged(words, commands(), [])
    graph.narrow([word for word in words if not word.startswith("-")])
    tasks = [*generate_tasks("steps", graph.steps()), *generate_tasks("commands", graph.commands())]
    with pytest.raises(InvalidTask, match=re.escape(refusal)) as raised:
        require(tasks, words, graph.settings)
    assert isinstance(raised.value.__cause__, DebateError)
    assert all(problem.remedy for problem in raised.value.__cause__.problems)
    assert not (tmp_path / "build").exists()


NOBODY = """\
import os, sys
from debate.frontend.loader import Loader
from doit.doit_cmd import DoitMain
os.geteuid = lambda: 65534
sys.argv = ["doit", *{0}]
sys.exit(DoitMain(Loader()).run({0}))
"""


@pytest.mark.parametrize(
    ("dodo", "words", "refused"),
    [
        ("def task_build():\n    return {'actions': [lambda: True]}\n", ["build"], False),
        ("def task_check():\n    yield {'name': 'minimal', 'actions': [lambda: True]}\n", ["check:minimal"], False),
        ("from debate.graph.tasks import Graph\nfrom pathlib import Path\nGRAPH = Graph(Path())\n"
         "def task_steps():\n    yield from GRAPH.steps()\n"
         "def task_check():\n    return {'actions': [lambda: True]}\n", ["check"], False),
        ("from debate.graph.tasks import Graph\nfrom pathlib import Path\nGRAPH = Graph(Path())\n"
         "def task_steps():\n    yield from GRAPH.steps()\n", ["sandbox"], True),
    ],
)  # fmt: skip
def test_a_dodo_of_ones_own(tmp_path: Path, dodo: str, words: list[str], refused: bool) -> None:
    (tmp_path / "dodo.py").write_text(dodo)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    done = subprocess.run(
        [sys.executable, "-c", NOBODY.format(words)], cwd=tmp_path, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/"},
    )  # fmt: skip
    assert done.returncode == (3 if refused else 0), done.stdout + done.stderr
    assert ("building needs root" in done.stderr) == refused


def test_nothing_is_made_before_a_refusal(tmp_path: Path) -> None:
    """`doit` itself, in a checkout in which nothing was built."""
    for name in ("dodo.py", "pyproject.toml", "sandbox"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "empty").mkdir()
    script = NOBODY.format(["--format=json", "import-archiso", "-d", "empty", "-n", "mine"]).replace("65534", "0")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/"},
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    assert (
        '"file": "empty/profiledef.sh", "line": null, "column": null, "fact": "No such file or directory"'
        in done.stdout
    )
    assert not (tmp_path / "build/.sandbox").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_the_settings_are_read(tmp_path: Path, name: str) -> None:
    """They are read when dodo.py is loaded, so before there is a graph."""
    (tmp_path / "dodo.py").write_text(f"import os, signal\nos.kill(os.getpid(), signal.{name})\n")
    script = NOBODY.format(["list"])
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 128 + getattr(signal, name)
    assert ended.stderr == "\ninterrupted; finished steps are kept: run the same command again to continue\n"


@pytest.mark.parametrize("mode", ["0", "1"])
def test_names_are_utf_8_in_every_locale(mode: str) -> None:
    code = "import sys; from debate.frontend.loader import Loader as L; L(); print(sys.argv[1])"
    variables = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": mode, "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, "ü"], env=variables, cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout == "ü\n"
