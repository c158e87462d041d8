"""No regular expression of debate takes time out of proportion, whatever text it meets.

The texts are made of what each pattern itself matches, since only those lead it astray: its start without its end,
again and again. What RE2 runs (`debate.text.pattern`) takes linear time by itself.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from debate import PACKAGE
from debate.managers import apt
from debate.profile import lockfile
from debate.profile.schema import schema
from debate.remote import transport
from debate.steps import initrd, unread
from debate.text import ssh_key
from tests.bounded import bounded

LENGTH, LONGER, LONG = 5_000, 30_000, 300_000
"""Characters of a text at first; of one for which that took suspiciously long; and of one for which that grew faster
than the text."""
SUSPICIOUS, SECONDS = 0.001, 1.0
"""Of the processor. A long text takes a linear pattern much less, and another one minutes."""
GROWTH = 1.5 * LONGER / LENGTH
"""How much longer the second text may take than the first; a square grows by 36."""
UNITS = (
    "a",
    "0",
    "_",
    "a_",
    " ",
    "-a",
    "/a",
    ".",
    "a=",
    "0:",
    "\n",
    "\\",
    '"',
    "(",
    "\x1b]",
    "::",
    "é",
    "a b",
    "error",
)
ENDS = ("", "!", "\n")
FUNCTIONS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
WHOLE, FIRST = {"match", "fullmatch"}, {"search"}
"""Functions that start at the first character only, and those that end at the first match. Others go on after it."""
LISTS = {"profile/reader.py": "fullmatch", "steps/installed.py": "fullmatch", "steps/packages.py": "fullmatch"}
"""Modules with patterns without a name -> how they are used."""
VARIABLE = {
    "cache/store.py": "constants beside the call",
    "profile/schema.py": "the schema",
    "profile/lockfile.py": "_FIELDS and the like",
    "remote/transport.py": "the forms of addresses",
    "declarations.py": "debate's own source code",
    "managers/apt.py": "_KEPT",
    "profile/valid.py": "the schema",
    "steps/initrd.py": "_OWN_HOOK",
    "steps/unread.py": "_NAMES, _PRIVATE, _SHARED",
    "text/ssh_key.py": "_FORMS",
    "convert/archiso.py": "constants beside the call",
}
"""Modules that search for patterns in variables -> what these are, which `elsewhere` has."""


@dataclass(frozen=True, order=True)
class Pattern:
    text: str
    flags: int = 0
    is_bytes: bool = False
    use: str = "search"

    def run(self, text: str) -> None:
        compiled: re.Pattern[Any] = re.compile(self.text.encode() if self.is_bytes else self.text, self.flags)
        tried = text.encode() if self.is_bytes else text
        if self.use == "finditer":
            for _ in compiled.finditer(tried):
                pass
        else:
            getattr(compiled, self.use)(tried)


class Anything(str):
    """The value of a name that only the running code knows."""

    def __getattr__(self, _name: str) -> Anything:
        return self

    def __call__(self, *_arguments: object) -> Anything:
        return self


class Names(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return Anything("x")


def in_code() -> Iterator[tuple[str, Pattern | None]]:
    """The module and the pattern of each use of a regular expression; None if the pattern is in a variable."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        tree = ast.parse(path.read_text())
        module = importlib.import_module(
            ".".join(("debate", *Path(name).with_suffix("").parts)).removesuffix(".__init__")
        )
        named = {id(value): target for node in ast.walk(tree) for target, value in assigned(node)}
        for node in ast.walk(tree):
            function = node.func if isinstance(node, ast.Call) else None
            if not (isinstance(function, ast.Attribute) and function.attr in FUNCTIONS):
                continue
            if not (isinstance(function.value, ast.Name) and function.value.id == "re"):
                continue
            assert isinstance(node, ast.Call)
            names = Names(vars(module))
            pattern, *others = [
                evaluated(argument, names) for argument in (*node.args, *(word.value for word in node.keywords))
            ]
            if isinstance(pattern, Anything):
                yield name, None
                continue
            uses = {function.attr}
            if function.attr == "compile":
                target = named.get(id(node), "")
                uses = set(methods(tree, target)) or {LISTS.get(name, "search")}
            flags = next((int(value) for value in others if isinstance(value, re.RegexFlag)), 0)
            is_bytes = isinstance(pattern, bytes)
            text = pattern.decode() if is_bytes else pattern
            for use in {"fullmatch" if use in WHOLE else "search" if use in FIRST else "finditer" for use in uses}:
                yield name, Pattern(text, flags, is_bytes, use)


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names that an assignment gives, each with its value."""
    if isinstance(node, ast.Assign):
        [target] = node.targets if len(node.targets) == 1 else [None]
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            for name, value in zip(target.elts, node.value.elts, strict=True):
                if isinstance(name, ast.Name):
                    yield name.id, value


def methods(tree: ast.Module, name: str) -> Iterator[str]:
    """How a compiled pattern is used in its module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            yield node.attr


def evaluated(node: ast.expr, names: Names) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<test>", "eval"), names)  # noqa: S307
    except (KeyError, TypeError):  # such as a table of patterns
        return Anything()


def nested(value: Any) -> Iterator[str]:
    """The patterns in a JSON schema."""
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        yield from value.get("x-instead", ())
        for inner in value.values():
            yield from nested(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nested(inner)


def elsewhere() -> Iterator[Pattern]:
    """The patterns in variables."""
    for text in nested(schema()):
        yield Pattern(text)
    for forms in (lockfile._FIELDS, lockfile._PACKAGE_FIELDS, lockfile._INDEXES_FIELDS, lockfile.ARCHIVE):
        for text in forms.values():
            yield Pattern(text, use="fullmatch")
    for text in apt._KEPT.values():
        yield Pattern(text, use="fullmatch")
    for text in (*initrd._OWN_HOOK.values(), *ssh_key._FORMS.values()):
        yield Pattern(text, use="fullmatch")
    for pattern in (row[0] for rows in (unread._MUST_NOT, unread._MUST) for row in rows):
        yield Pattern(pattern.pattern, use="fullmatch")
    for pattern, _, (text, _) in unread._READ:
        yield Pattern(pattern.pattern, use="fullmatch")
        yield Pattern(text, use="fullmatch")
    for kind in transport.KINDS.values():
        yield Pattern(kind.address, use="fullmatch")


def sample(tree: Any, pick: int) -> str:
    """A text that fits part of a pattern: what is optional is there, once."""
    return "".join(one(*item, pick) for item in tree)


def one(code: Any, value: Any, pick: int) -> str:
    match code:
        case op.LITERAL:
            return chr(value)
        case op.NOT_LITERAL:
            return "a" if value != ord("a") else "b"
        case op.ANY:
            return 'a" ;'[pick % 4]
        case op.IN:
            return among(value, pick)
        case op.BRANCH:
            return sample(value[1][pick % len(value[1])], pick)
        case op.SUBPATTERN:
            return sample(value[3], pick)
        case op.ATOMIC_GROUP:
            return sample(value, pick)
        case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
            return sample(value[2], pick) * max(1, value[0])
    return ""  # places and what is looked ahead for


CATEGORIES = {
    op.CATEGORY_DIGIT: "07", op.CATEGORY_SPACE: " \n", op.CATEGORY_WORD: "a0",
    op.CATEGORY_NOT_DIGIT: 'a"', op.CATEGORY_NOT_SPACE: 'a"', op.CATEGORY_NOT_WORD: ' "',
}  # fmt: skip


def among(items: Any, pick: int) -> str:
    """A character of a set."""
    if items[0][0] is op.NEGATE:
        form = re.compile("".join(("[", *(spelt(*item) for item in items), "]")))
        return next(c for c in "\"'a0 ;=\n-~Zé\0"[pick % 3 :] + "\u4e00" if form.match(c))
    code, value = items[pick % len(items)]
    if code is op.CATEGORY:
        return CATEGORIES[value][pick % 2]
    return chr(value if code is op.LITERAL else value[pick % 2])


def spelt(code: Any, value: Any) -> str:
    names = {
        op.CATEGORY_DIGIT: r"\d", op.CATEGORY_SPACE: r"\s", op.CATEGORY_WORD: r"\w",
        op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_NOT_WORD: r"\W",
    }  # fmt: skip
    if code is op.NEGATE:
        return "^"
    if code is op.CATEGORY:
        return names[value]
    return "-".join(re.escape(chr(c)) for c in ((value,) if code is op.LITERAL else value))


def parts(tree: Any, before: str, pick: int) -> Iterator[tuple[str, str]]:
    """Texts to start with, and what to repeat after that: each run of parts of a pattern, at every depth."""
    items = list(tree)
    texts = [one(*item, pick) for item in items]
    runs = [(i, i + 1) for i, (code, _) in enumerate(items) if code is not op.LITERAL]
    runs += [(0, end) for end in range(1, len(items) + 1) if end == len(items) or items[end][0] is not op.LITERAL]
    runs += [(i, j) for (i, _), (_, j) in itertools.combinations(runs[:12], 2) if i < j]
    for first, last in dict.fromkeys(runs):
        yield before + "".join(texts[:first]), "".join(texts[first:last])
    for number, (code, value) in enumerate(items):
        start = before + "".join(texts[:number])
        match code:
            case op.BRANCH:
                for branch in value[1]:
                    yield from parts(branch, start, pick)
            case op.SUBPATTERN:
                yield from parts(value[3], start, pick)
            case op.ATOMIC_GROUP:
                yield from parts(value, start, pick)
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                yield from parts(value[2], start, pick)


def texts(pattern: Pattern) -> Iterator[tuple[str, str, str]]:
    """Start, unit and end of each text that is tried."""
    tree = _parser.parse(pattern.text, pattern.flags)
    whole = dict.fromkeys(itertools.chain.from_iterable(parts(tree, "", pick) for pick in range(4)))
    pairs = dict(whole)
    for start, unit in whole:
        pairs |= {("", unit): None, ("", start + unit): None}
    starts = dict.fromkeys(start for start, _ in whole)
    pairs |= dict.fromkeys(itertools.product(itertools.islice(starts, 8), UNITS))
    for (start, unit), end in itertools.product(pairs, ENDS):
        if unit:
            yield start, unit, end


def patterns() -> set[Pattern]:
    return {*elsewhere(), *(pattern for _, pattern in in_code() if pattern)}


def test_patterns_in_variables_are_tried_too() -> None:
    assert {name for name, pattern in in_code() if pattern is None} == set(VARIABLE)


def try_all(pattern: Pattern) -> None:
    with bounded(processor=SECONDS) as again:

        def run(start: str, unit: str, end: str, length: int) -> float:
            text = start + unit * (length // len(unit)) + end
            again()
            before = time.process_time()
            pattern.run(text)
            return time.process_time() - before

        for text in texts(pattern):
            taken = run(*text, LENGTH)
            if taken <= SUSPICIOUS:
                continue
            longer = run(*text, LONGER)
            if longer > min(GROWTH * taken, SECONDS * LONGER / LONG):
                run(*text, LONG)


@pytest.mark.parametrize("pattern", sorted(patterns()), ids=lambda pattern: pattern.text[:40])
def test_no_text_takes_for_ever(pattern: Pattern) -> None:
    try_all(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern("(a+)+b"),
        Pattern("[ab]*c"),
        Pattern("(?m)^x|[ \\t]+$"),
        Pattern("(.*?)END BLOCK", re.DOTALL),
        Pattern("b|a+c|a", use="finditer"),
        Pattern("BEGIN BLOCK[ \\t]*\\r?\\n(.*?)END BLOCK", re.DOTALL, is_bytes=True),
        Pattern("(?:^|[;&]|\\b(?:then|do)[ \\t])[ \\t]*(?:[A-Z_]+=\\S*[ \\t]+)*(run)(?![^\\s;])", re.MULTILINE),
    ],
)
def test_those_that_do_are_found(pattern: Pattern) -> None:
    with pytest.raises(AssertionError, match="took more than"):
        try_all(pattern)
