"""ruff, mypy and import-linter are tests."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "ruff", "check", "--no-cache", "."],
        ["-m", "ruff", "format", "--check", "--no-cache", "."],
        ["-m", "mypy"],
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
    ],
    ids=["ruff check", "ruff format", "mypy", "import-linter"],
)
def test_lint(command: list[str]) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_documented_order_is_the_one_that_is_checked() -> None:
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    order = " → ".join(layer.replace(" | ", ", ") for layer in layers)
    assert order in " ".join((ROOT / "docs" / "internals.md").read_text().split())


def test_scripts_parse() -> None:
    scripts = [ROOT / "setup", ROOT / ".ci/run", *(ROOT / "sandbox").rglob("*.sh")]
    assert len(scripts) > 10
    for script in scripts:
        done = subprocess.run([shutil.which("dash") or "sh", "-n", str(script)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def _calls(names: str) -> list[tuple[str, ast.Call, str]]:
    """File and line, the call, and the name of what is called, of all calls in debate whose name fits ``names``."""
    found = []
    for path in [ROOT / "dodo.py", *(ROOT / "debate").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and re.fullmatch(names, name := ast.unparse(node.func)):
                found.append((f"{path.relative_to(ROOT)}:{node.lineno}", node, name))
    assert found
    return found


OUTSIDE = {
    "debate/sandbox/session.py": "a process of its own, whose output is read by the builder",
    "debate/commands/logic/validate.py": "a process of its own, whose output is read by the command",
    "debate/sandbox/proxy.py": "a process of its own, whose output is read by the session",
    "debate/frontend/database.py": "a line on standard error",
    "debate/frontend/main.py": "the version",
    "debate/frontend/help.py": "help, and the text of the README",
    "debate/frontend/own.py": "help",
    "debate/frontend/completion.py": "the text of a file",
    "debate/graph/diagram.py": "the text of a file",
    "debate/profile/reference.py": "the text of a file",
    "debate/frontend/loader.py": "the handler of signals",
    "debate/images/results.py": "as doit's own clean does",
}
"""Who writes to standard output or standard error, in which the door is. None of them can write past it."""


def test_text_is_shown_through_the_door() -> None:
    """`debate.frontend.door` has the only way to write to a stream as it is, and nobody keeps a stream of Python's."""
    writers = {place.partition(":")[0] for place, _, _ in _calls(r"print|sys\.(stdout|stderr)\.write")}
    assert writers == OUTSIDE.keys()
    past = r"os\.write|os\.writev|.*\.buffer\.write|sys\.__std(out|err)__\..*|os\.system|os\.popen"
    assert {place.partition(":")[0] for place, _, _ in _calls(past)} <= FILES


FILES = {
    "debate/sandbox/mounts.py", "debate/sandbox/session.py", "debate/sandbox/outputs.py", "debate/qemu/trial.py"
}  # fmt: skip
"""Who writes to descriptors of files, and after a guest had the terminal to that."""


def test_no_process_inherits_the_output_of_the_builder() -> None:
    for place, call, _ in _calls(r"subprocess\.(run|Popen|call|check_call|check_output)"):
        given = {keyword.arg for keyword in call.keywords}
        if not place.startswith(("debate/sandbox/session.py", "debate/sandbox/outputs.py")):  # Theirs is a pipe.
            assert given & {"capture_output"} or {"stdout", "stderr"} <= given, place


def test_patterns_are_for_the_whole_text() -> None:
    """Python's $ also matches before the last line end, and \\d and \\w match digits and letters of all scripts."""
    for place, call, name in _calls(r"re\.(match|search|compile|fullmatch|sub|findall|split|finditer)|.*\.match"):
        assert not name.endswith(".match"), f"{place}: use fullmatch, or search with what follows"
        pattern = call.args[0].value if isinstance(call.args[0], ast.Constant) else ""
        text, several = str(pattern), "re.MULTILINE" in ast.unparse(call)
        assert several or not re.search(r"(?<!\\)\$(?!\(\?!)", re.sub(r"\[[^]]*\]", "", text)), f"{place}: {text}"
        assert "re.ASCII" in ast.unparse(call) or not re.search(r"\\[dw]", text), f"{place}: {text}"


def test_lines_end_at_a_line_feed() -> None:
    """See `debate.text.lines`."""
    for path in [ROOT / "dodo.py", *(ROOT / "debate").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Attribute) or node.attr != "splitlines", f"{path}:{node.lineno}"


def test_digits_are_those_of_ascii() -> None:
    """isdigit is true for the superscript two, of which int raises ValueError."""
    for place, call, _ in _calls(r".*\.(isdigit|isnumeric|isdecimal)"):
        # An edit of debate/sandbox/image rebuilds everything, and its values have been checked.
        assert "isascii" in _line(place) or place.startswith("debate/sandbox/image/"), f"{place}: {ast.unparse(call)}"


def _line(place: str) -> str:
    file, _, line = place.partition(":")
    return (ROOT / file).read_text().splitlines()[int(line) - 1]
