"""Each refusal of what a profile says has a row in a table of the documentation.

Not looked at: modules that know languages and not profiles (debate/text), except that of keys for ssh, and forms of
fields, which docs/profile.md has.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

CALLS = {"problem": -2, "note": -2, "Complaint": 2, "Problem": 1}
"""Functions of Python that note a problem, and which of their arguments is the fact."""

FACTS = {"fact", "problem", "said", "wrong"}
"""What variables with a fact, or with a pair of fact and remedy, are called, in Python and in scripts."""

UNTIED = {
    # Each is followed or preceded by values, which are in rows of their own.
    "the character": "debate/profile/reader.py, with `may not be in YAML` or `ends a line for some readers of YAML`",
    "it is": "debate/steps/installed.py, with the state in which a package is",
    "has no": "debate/steps/choices.py, with a field and its value",
    "link to": "debate/profile/tree.py, with where the link leads",
    "bytes of names, look like secrets": "a bound on what a sandbox says, not on what a profile says",
    ".sig /run/work/signatures/": "sandbox/arch/lock.sh, what is to be downloaded",
    "did you mean": "sandbox/suggest.sh, a remedy",
    "circular dependency of rules": "a mistake in the code of debate",
}
"""What has no row -> why."""

PYTHON = [
    *(
        path
        for part in ("images", "managers", "profile", "steps")
        for path in sorted((ROOT / "debate" / part).glob("*.py"))
    ),
    ROOT / "debate/text/ssh_key.py",
]
SCRIPTS = sorted(path for ending in ("sh", "pl") for path in (ROOT / "sandbox").rglob(f"*.{ending}"))

_QUOTED = r'"((?:\$\([^()]*\)|\$\{[^{}]*\}|[^"\\]|\\.)*)"'
_ARGUMENT = rf"(?:{_QUOTED.replace('((', '(?:(')}|[\w.]+)"
_IN_SHELL = re.compile(
    rf"\bproblem {_ARGUMENT} {_ARGUMENT} {_QUOTED}|\btell {_ARGUMENT} {_QUOTED}"
    rf"|\b(?:{'|'.join(sorted(FACTS))})={_QUOTED}"
)
_IN_PERL = re.compile(rf"\bproblem\([^\"]*?{_QUOTED}|\b(?:return|:) \({_QUOTED}|push @wrong, {_QUOTED}")
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_IN_AWK = re.compile(
    rf"\b(?:{'|'.join(sorted({*FACTS, 'reason', 'changed', 'unsigned'}))}) = ((?:{_STRING}|[^\"\n;}}])*)"
    rf"|\bprint ((?:{_STRING}|[^\"\n;}}])*)"
    rf"|\b(tell|told)\(((?:{_STRING}|[^\"()]|\((?:{_STRING}|[^\"()])*\))*)\)"
)
"""What awk puts a fact together of: the value of a variable, what is printed, or arguments of a function."""
_FACT_OF = {"tell": 3, "told": 1}
"""Which argument of such a function is the fact."""
_AN_ARGUMENT = re.compile(rf"((?:{_STRING}|[^\",()]|\((?:{_STRING}|[^\"()])*\))*)(?:,|$)")
_VALUE = re.compile(r"\$\(.*?\)|\$\{[^}]*\}|\$[\w?]+(?:->)?(?:\{\w+\}|\[\w+\])*|@\w+")


def facts_of_python(text: str) -> Iterator[str]:
    """The facts of a module, with ``…`` for each value."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign):
            names = (target.elts[0] if isinstance(target, ast.Tuple) else target for target in node.targets)
            if any(isinstance(name, ast.Name) and name.id in FACTS for name in names):
                yield from _texts(node.value)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            number = CALLS.get(name)
            if number is not None and len(node.args) > 2:
                yield from _texts(node.args[number])
            elif name == "append":
                yield from _pairs(node.args[0])
        elif isinstance(node, (ast.Return, ast.Yield)) and node.value:
            yield from _pairs(node.value)


def _pairs(node: ast.expr) -> Iterator[str]:
    """The facts of pairs of fact and remedy that a function returns or collects."""
    if isinstance(node, ast.List):
        for item in node.elts:
            yield from _pairs(item)
    elif isinstance(node, ast.IfExp):
        yield from _pairs(node.body)
        yield from _pairs(node.orelse)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and _is_remedy(node.elts[1]):
        yield from _texts(node)


def _is_remedy(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name == "remedy" or name.isupper() or any(_texts(node))


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Tuple) and node.elts:
        yield from _texts(node.elts[0])


def facts_of_script(path: Path) -> Iterator[str]:
    """The same of a script of the shell or of Perl."""
    text = path.read_text().replace("\\\n", " ")
    for found in (_IN_PERL if path.suffix == ".pl" else _IN_SHELL).findall(text):
        for fact in found:
            yield re.sub(r"\\(.)", r"\1", _VALUE.sub("…", fact))
    if path.suffix != ".pl":
        yield from _facts_of_awk(re.sub(r"(?m)^ *#.*", "", text))


def _facts_of_awk(text: str) -> Iterator[str]:
    """The pieces of facts that awk puts together in a script."""
    for value, printed, function, arguments in _IN_AWK.findall(text):
        if function:
            all_of_them = _AN_ARGUMENT.findall(arguments)
            value = "".join(all_of_them[_FACT_OF[function] :][:1])
        for piece in re.findall(_STRING, value or printed):
            yield re.sub(r"\\(047|.)", lambda found: "'" if found[1] == "047" else " ", piece[1:-1])


def facts_of(path: Path) -> Iterator[str]:
    return facts_of_python(path.read_text()) if path.suffix == ".py" else facts_of_script(path)


def fixed(fact: str) -> str:
    """The longest run of words without a value. Empty if that is one word: then its values say what is wrong."""
    runs = [run.strip(" ,:;()'") for run in re.split("…|`", fact)]
    longest = max((" ".join(run.split()) for run in runs), key=len)
    return longest if " " in longest else ""


def _rows() -> str:
    """The rows of all tables of the documentation except that of fields."""
    pages = (path.read_text() for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "profile.md")
    lines = (line for page in pages for line in page.splitlines() if line.startswith("|"))
    return re.sub(r"\s+", " ", "\n".join(lines).replace("`", "").replace("\\|", "|"))


@pytest.mark.parametrize("path", [*PYTHON, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_each_refusal_has_a_row(path: Path) -> None:
    rows = _rows()
    lacking = {words: fact for fact in facts_of(path) if (words := fixed(fact)) not in rows and words not in UNTIED}
    told = "\n".join(f"    {fact}" for fact in lacking.values())
    assert not lacking, f"add a row to a table of docs/refused.md that has these words, and what to do:\n{told}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_call_is_understood(path: Path) -> None:
    text = re.sub(r"(?m)^\s*#.*", "", path.read_text().replace("\\\n", " "))
    calls = re.findall(r"\bproblem\((?!.*\$fact, )" if path.suffix == ".pl" else r"\bproblem (?:\"|[a-z.]+ \")", text)
    pattern = _IN_PERL if path.suffix == ".pl" else _IN_SHELL
    assert len([found for found in pattern.finditer(text) if found[0].startswith("problem")]) >= len(calls)


def test_what_is_untied_is_there() -> None:
    found = {fixed(fact) for path in (*PYTHON, *SCRIPTS) for fact in facts_of(path)}
    assert UNTIED.keys() <= found


@pytest.mark.parametrize(
    ("file", "fact"),
    [
        ("debate/steps/overlay.py", "uid 0 is root's"),  # an argument
        ("debate/steps/overlay.py", "overlay has a file name with control characters: …"),  # a variable
        ("debate/steps/overlay.py", "is UTF-16, which no interpreter reads"),  # a pair that is returned
        ("debate/steps/overlay.py", "has a NUL on line …"),  # one that is collected
        ("debate/steps/overlay.py", "has … in its first line, which is no whole path"),  # one that is yielded
        ("debate/profile/load.py", "extends is circular: …"),  # a variable with a pair
        ("debate/steps/secrets.py", "…; a hook left it"),
        ("sandbox/overlay.sh", "…: the system has no group …"),
        ("sandbox/fits.sh", "… is a link to the directory … in the system, and a file cannot take its place"),
        ("sandbox/arch/explain.sh", "… conflicts with …"),  # a variable
        ("sandbox/arch/explain.sh", "its database is signed by an unknown key, so it is refused"),
        ("sandbox/debian/verdicts.sh", "its index is signed by the key "),  # an argument of a function of awk
        ("sandbox/debian/verdicts.sh", "its index is not signed, so it is refused"),  # a variable of awk
        ("sandbox/debian/verdicts.sh", "differs from the archive's signed index, so it is refused: altered, or "),
        ("sandbox/debian/explain.sh", " cannot be installed: "),  # printed by awk
        ("sandbox/arch/verdicts.sh", "the key that signed it is revoked"),
        ("sandbox/arch/failed.sh", " both have "),
        ("sandbox/arrived.pl", "…: the system has another content"),
        ("sandbox/arrived.pl", "… has no instance to enable"),  # a pair that is returned
    ],
)
def test_what_is_found(file: str, fact: str) -> None:
    assert fact in list(facts_of(ROOT / file))
