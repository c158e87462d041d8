"""What people type without looking it up."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doit.doit_cmd import DoitMain

from debate.frontend import help as help_
from debate.steps.rule import Rule
from debate.steps.rules import rules
from tests.conftest import ROOT
from tests.integration.checkout import DOIT


def doit(*words: str, status: int = 0, error: str = "") -> str:
    done = subprocess.run([DOIT, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, error)
    return done.stdout


@pytest.mark.parametrize("program", [[DOIT], [sys.executable, "-m", "doit"]])
@pytest.mark.parametrize("place", ["-k", "--seek-file", "-f ../dodo.py", "--file=../dodo.py"])
@pytest.mark.parametrize("line", ["{} validate minimal", "run {} validate minimal"])
def test_in_a_directory_below(program: list[str], place: str, line: str) -> None:
    words = line.format(place).split()
    done = subprocess.run([*program, *words], cwd=ROOT / "docs", capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1 profile: all valid\n", "")


@pytest.mark.parametrize("words", ["-h", "help", "run --help"])
def test_help(words: str) -> None:
    assert doit(*words.split()) == help_.overview()


@pytest.mark.parametrize("words", ["build --help", "build:minimal -h", "--verbose build:minimal --help", "help build"])
def test_help_of_a_task(words: str) -> None:
    assert doit(*words.split()) == rules()["build"].usage


@pytest.mark.parametrize("words", ["gc --help", "help gc", "gc --size 1G -h"])
def test_help_of_a_command(words: str) -> None:
    assert doit(*words.split()).startswith("doit gc [--size 20G] [--age 30d] [--source SOURCE]\n\n")


def test_doits_own_help_points_there() -> None:
    assert "doit help              show help; start here" in doit("--help")
    assert "--format" in doit("help", "run")


OWN = (
    "help", "list", "info", "clean", "forget", "ignore", "reset-dep", "strace", "tabcompletion", "dumpdb",
)  # fmt: skip


@pytest.mark.parametrize("command", OWN)
def test_doits_own_commands_refuse_options_in_one_line(command: str) -> None:
    message = f"{command}: --format is for tasks only; {command} is a command of doit and prints text"
    assert doit(command, "--format", "json", status=3, error=f"ERROR: {message}\n") == ""
    done = subprocess.run([DOIT, command, "--nonsense"], cwd=ROOT, capture_output=True, text=True)
    remedy = r"(known: (--.*)?;|did you mean --.*\?)"
    form = rf"ERROR: option --nonsense not recognized; {remedy} doit help {command} .*\n"
    assert re.fullmatch(form, done.stderr), done.stderr
    assert (done.returncode, done.stdout) == (3, "")
    if command != "help":
        assert "\nUSAGE\n" in doit(command, "--help")


def test_help_names_the_checker_that_is_used() -> None:
    text = " ".join(doit("help", "run").split())
    assert "--check_file_uptodate=ARG md5, timestamp [default: xxh3-128]" in text


def test_a_reader_that_has_seen_enough() -> None:
    """As `doit list --all | head -1`, always at the same moment: the pipe has no reader from the start."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run([DOIT, "list", "--all"], cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["help", "mine"], ["mine", "--help"], ["-h", "mine"]])
def test_help_of_a_task_of_ones_own(tmp_path: Path, words: list[str]) -> None:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    own = '\n\ndef task_mine():\n    """greet"""\n    return {"actions": ["echo hello"]}\n'
    (tmp_path / "dodo.py").write_text((ROOT / "dodo.py").read_text() + own)
    done = subprocess.run([DOIT, *words], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "mine  greet\n")


@pytest.mark.parametrize("rule", [rule for rule in rules().values() if not rule.usage], ids=lambda rule: rule.name)
def test_help_of_a_step(rule: Rule) -> None:
    assert rule.doc[1:] in help_.text(rule.name)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cache x", "cache: 'x' is not a task, and cache takes no names; doit cache"),
        (
            "gc --size 1G x",
            "gc: 'x' is not a task, and gc takes no names; doit gc [--size 20G] [--age 30d] [--source SOURCE]",
        ),
        ("gc --nonsense", "gc: unknown option --nonsense; known: --size, --age, --source"),
        ("validate --format xml", "doit: --format: unknown value 'xml'; one of text, github, json"),
        ("cache --nonsense", "cache: unknown option --nonsense; it takes only --format, --verbose and --help"),
        ("minimal", "there is no task 'minimal'; did you mean 'build:minimal'?"),
        ("minimall", "there is no task 'minimall'; did you mean 'build:minimal'?"),
        ("biuld", "there is no task 'biuld'; did you mean 'build'?"),
        ("build:", "build: names no profile; write build:NAME; `doit` lists the profiles"),
        ("frobnicate", "there is no task 'frobnicate'; `doit help` shows the commands, `doit list` the tasks"),
        ("help frobnicate", "there is no task 'frobnicate'; `doit help` shows the commands, `doit list` the tasks"),
        ("frobnicate --help", "there is no task 'frobnicate'; `doit help` shows the commands, `doit list` the tasks"),
        ("info minimal", "there is no task 'minimal'; did you mean 'build:minimal'?"),
        ("shell", f"shell: names no step; write shell:STEP:NAME, with STEP one of {', '.join(help_.shell_steps())}"),
        ("--verbose list", "list: is a command of doit, not a task; write doit list …"),
        ("--contniue doctor", "option --contniue not recognized; did you mean --continue? doit help run explains them"),
    ],
)
def test_nothing_is_silently_ignored(words: str, message: str) -> None:
    assert doit(*words.split(), status=3, error=f"ERROR: {message}\n") == ""


LONG = "a" * 100_000
ODD: dict[str, tuple[str, str]] = {
    "": ("a word on the command line is empty", "leave it out"),
    "list|": ("a word on the command line is empty", "leave it out"),
    "validate||minimal": ("a word on the command line is empty", "leave it out"),
    "=": ("doit takes this for a variable", "write the value of an option as --NAME=VALUE"),
    "build:minimal=": ("doit takes this for a variable", "write the value of an option as --NAME=VALUE"),
    "a\nb": ("there is no task 'a\\nb'", "`doit help` shows"),
    "-": ("there is no task '-'", "`doit help` shows"),
    ":": ("there is no task ':'", "`doit help` shows"),
    ":x": ("there is no task ':x'", "`doit help` shows"),
    "\udcff": ("there is no task '\\udcff'", "`doit help` shows"),
    "build:": ("build: names no profile", "write build:NAME"),
    "shell:iso:": ("shell: names no profile", "write shell:"),
    "shell::minimal": ("names no step", "write shell:STEP:minimal"),
    "show:../x": ("there is no task 'show:../x'", "did you mean 'show'?"),
    "show:..": ("there is no profile '..'", "known: "),
    "show:\n": ("there is no profile '\\n'", "known: "),
    "show:%s{x}": ("there is no profile '%s{x}'", "known: "),
    "show:minimal ": ("there is no profile 'minimal '", "did you mean 'minimal'?"),
    "show:nosuch*": ("no task matches 'show:nosuch*'", "`doit list --all` shows"),
    LONG: ("there is no task 'aaa", "`doit help` shows"),
    f"show:{LONG}": ("there is no profile 'aaa", "known: "),
    f"{LONG}:x": ("there is no task 'aaa", "known: "),
    f"shell:{LONG}:x": ("'aaa", "write shell:STEP:x"),
    f"show:{LONG}*": ("no task matches 'show:aaa", "`doit list --all` shows"),
}
"""Words with | between them -> what is said, and what to do. NUL cannot be in one."""


@pytest.mark.parametrize("words", ODD, ids=lambda words: ascii(words)[:40])
def test_odd_words_are_refused_in_a_line(words: str) -> None:
    """Without a traceback, and so that the line can be read."""
    fact, remedy = ODD[words]
    done = subprocess.run([DOIT, *words.split("|")], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(rf"ERROR: .*{re.escape(fact)}.*; .*{re.escape(remedy)}.*\n", done.stderr), done.stderr
    assert len(done.stderr) < 2000


def test_all_commands_of_doit_are_in_the_table() -> None:
    assert {*OWN, "run"} == {cmd.get_name() for cmd in DoitMain.DOIT_CMDS}


WITHOUT_BYTECODE = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
OPTIONS: dict[str, str] = {
    "a\nb": "'a\\nb'|a?b",
    "\x1b[31mred": "red",
    "--nonsense": "option --nonsense not recognized",
    "--nonsense=a\nb": "option --nonsense not recognized",
    "-a\nb": "option -. not recognized|there is no task|not a task|takes no names|'b'|must select",
    "-d|a\nb": "must be a directory",
    "-d|README.md": "must be a directory",
    "-f|README.md": "is not the name of a Python file with tasks; -f names one such as dodo.py",
    "-f|docs": "is not the name of a Python file with tasks",
    "-f|a.b.py": "is not the name of a Python file with tasks",
    "-f|a\nb": "is not the name of a Python file with tasks",
    "-f|nosuch\n.py": "Could not find dodo file",
    "-f|{odd}/json.py": "has the name of a module of Python, which is loaded instead; rename it",
    "-f|{odd}/broken.py": "broken.py:2:.*; correct it",
    "-f|{odd}/raising.py": "raising.py:1: ValueError: a b; correct it",
    "-f|{odd}/missing.py": "missing.py:1: ModuleNotFoundError: .*; correct it",
    "-f|{odd}/binary.py": "binary.py.*; correct it",
    "--db-file|{odd}": "is no database|is damaged",
    "--db-file|{odd}/json.py": "is no database|is damaged",
    "--db-file|{odd}/no\nsuch/x": "is no directory",
    "--backend|json|--db-file|{odd}": "is no database|is damaged",
    "--backend|json|--db-file|{odd}/json.py": "is no database|is damaged",
    "--backend|dbm|--db-file|{odd}/json.py": "is no database|is damaged",
    "--backend|sqlite3|--db-file|{odd}/json.py": "is no database|is damaged",
    "--backend|sqlite3|--db-file|{odd}/nosuch/x": "nosuch' is no directory, so .*/nosuch/x' cannot be there",
    "--backend|a\nb": "a.*b",
    "--check_file_uptodate|a\nb": "a.*b",
}
"""Words after a command of doit -> a regular expression for what is said, if it is refused."""


SOME = ("a\nb", "--nonsense=a\nb", "-d|a\nb", "-f|README.md", "-f|nosuch\n.py", "--db-file|{odd}", "--backend|a\nb")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("odd")
    (directory / "json.py").write_text("def task_x():\n    return {}\n")
    (directory / "broken.py").write_text("\ndef task_x(:\n")
    (directory / "raising.py").write_text("raise ValueError('a\\nb')\n")
    (directory / "missing.py").write_text("import no_such_module_anywhere\n")
    (directory / "binary.py").write_bytes(b"\xff\0\n")
    return directory


@pytest.mark.parametrize("command", [*OWN, "run"])
def test_odd_options_of_doits_commands(command: str, odd: Path) -> None:
    """Each is used, or refused in a line, without a traceback; what they name is left as it is."""
    before = {path: path.read_bytes() for path in odd.glob("*.py")}
    for line, fact in OPTIONS.items():
        if command not in ("list", "run") and line not in SOME:
            continue  # Each process takes a while, and they share what refuses.
        words = line.format(odd=odd).split("|")
        done = subprocess.run([DOIT, command, *words], cwd=ROOT, capture_output=True, text=True, env=WITHOUT_BYTECODE)
        if done.returncode == 0:  # tabcompletion and help load neither tasks nor a database.
            assert command in ("tabcompletion", "help"), (line, done.stdout)
            assert done.stderr == ""
            continue
        assert (done.returncode, done.stdout) == (3, ""), line
        if command in ("info", "strace") and "must select *one* task" in done.stderr:
            fact = "must select"
        assert re.fullmatch(rf"ERROR: .*(?:{fact}).*\n", done.stderr), (line, done.stderr)
    assert {path: path.read_bytes() for path in odd.glob("*.py")} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("tabcompletion x", "tabcompletion: takes no names, and 'x' is one; doit help tabcompletion"),
        ("dumpdb x", "dumpdb: takes no names, and 'x' is one; doit help dumpdb"),
        ("list --template {nope}", "list: '{nope}' is no template; use {name}, {status} and {doc} in it"),
        ("list --template {", "list: '{' is no template; use {name}, {status} and {doc} in it"),
        ("list --template {0}", "list: '{0}' is no template; use {name}, {status} and {doc} in it"),
        ("list --template {name.x}", "list: '{name.x}' is no template; use {name}, {status} and {doc} in it"),
        ("list --template {name[a]}", "list: '{name[a]}' is no template; use {name}, {status} and {doc} in it"),
        ("list --template {name:x}", "list: '{name:x}' is no template; use {name}, {status} and {doc} in it"),
        ("run -n x profiles", "option num_process: not a whole number; doit help run lists doit's options"),
        ("-n -1 profiles", "option -n: -1 is no number of tasks; write 0 or more"),
        ("strace nosuch", "there is no task 'nosuch'; `doit help` shows the commands, `doit list` the tasks"),
    ],
)
def test_values_that_doit_cannot_use(words: str, message: str) -> None:
    assert doit(*words.split(), status=3, error=f"ERROR: {message}\n") == ""


def test_the_database_as_json(tmp_path: Path) -> None:
    file = str(tmp_path / "db")
    doit("--db-file", file, "config:minimal")
    task, _, text = doit("dumpdb", "--db-file", file).partition("\n")[0].partition(" -> ")
    assert task == "config:minimal"
    assert json.loads(text)["checker:"] == "XXH3Checker"


def test_an_empty_word_for_who_reads_json() -> None:
    done = subprocess.run([DOIT, "--format", "json", ""], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "")
    problem, end = map(json.loads, done.stdout.splitlines())
    assert (problem["fact"], end["ok"]) == ("a word on the command line is empty", False)


def test_no_words_after_the_options() -> None:
    """As without them: the profiles."""
    assert doit("--") == doit("--verbose")
