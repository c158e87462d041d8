"""What a message says to write is what the field may have: each suggestion passes the field's own check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from debate import distributions
from debate.errors import Problem, ProfileError
from debate.profile.load import load
from debate.profile.schema import schema
from debate.steps import config
from tests.unit.profile.mistakes import expect
from tests.unit.profile.values import fields, placed

FIELDS = {".".join(path): (path, part) for path, part in fields(schema())}
VALUE = "@VALUE@"
OTHERS = "|".join(
    [
        "there is no profile", "is not a valid profile name", "is missing", "cannot be read: No such file", "no entry",
        "base must be on a line", "recommend none", "uid 0 is root's", "cannot ask for the passphrase",
        "not a valid regular expression", "it would ask live for a password", "no profile that this one extends has",
        "nothing is left of it", "has no address", "is in no network of addresses", "can read this password",
        "no user is there to run them",
    ]
)  # fmt: skip
"""What is wrong with a value of the right form: it does not fit other fields, or what it names is not there."""
RAW = (
    "None", "none", "null", "yes", "No", "on", "off", "y", "N", "True", "FALSE", "true", "0644", "0o755", "0x1F",
    "1:30", "1.10", "1e3", ".inf", "2026-09-01", "2026-9-1 10:00", "1_000", "0_1", "+5", "-0", "5", "13", "-7", "755",
    "99999999", "12345678901234567890", "arm64", "i386", "aarch64", "stable", "initramfs", '""', '" "', "Text", "ünï",
    "a b", "20260901", "[]", "{}", "[no]", "[[a]]", "{a: b}", "/", "x" * 300,
)  # fmt: skip
"""What people write, as it is in the file."""


def named(part: dict[str, Any]) -> list[str]:
    """The values of a field of a few."""
    part = part.get("items", part)
    found = [*part.get("enum", ()), *(value for one in part.get("anyOf", ()) for value in one.get("enum", ()))]
    return [value for value in found if isinstance(value, str)]


def slips(word: str) -> Iterator[str]:
    """``word`` with a slip of the finger each."""
    yield from (word.upper(), word.capitalize(), f"{word}x", word[:-1], word[1:], word[:3], word[0] + word[2:])
    yield word[1::-1] + word[2:]


def written(part: dict[str, Any]) -> Iterator[str]:
    yield from RAW
    for word in (*named(part), *(one for one in part.get("examples", ()) if isinstance(one, str))):
        for slip in slips(word):
            yield json.dumps(slip)
    if "array" in part.get("type", ()):
        yield from (f"[{raw}]" for raw in RAW)
        for word in named(part):
            yield from (json.dumps([slip]) for slip in slips(word))


ONE = (
    r'write (".*") in quotes', r"write (true|false|-?[0-9]+)", r"the m(?:in|ax)imum is (-?[0-9]+)",
    r"write (?:a list|a mapping|text|a whole number)[a-z ]*, such as (.*)", r'write (\w+), or (".*") for the text',
)  # fmt: skip
NAMED = (r"did you mean '(.*)'\?", r"known: (.*)", r"choose one of (.*)", r"the only \w+ is (\w+)")
"""Remedies with values as one would write them, and with names of values, with commas between them."""


def suggested(remedy: str) -> Iterator[str]:
    """The values in a remedy, as one would write them."""
    for form in ONE:
        if match := re.fullmatch(form, remedy):
            yield from match.groups()
    for form in NAMED:
        if match := re.fullmatch(form, remedy):
            yield from (json.dumps(word) for word in match[1].split(", "))


def of_item(problem: Problem) -> bool:
    """True if the problem is that of an item of a list, and not of the field, whose name ends with no number."""
    return not re.match(r"[a-z_.]+(\[[0-9]+\][a-z_.]+)*: ", problem.fact)


@pytest.fixture
def directory(profiles: Path) -> Path:
    """With what examples of the schema name."""
    text = "version: 1\ndescription: x\n"
    for name in ("_common", "minimal", "_locale-de"):
        (profiles / f"{name}.yaml").write_text(text)
    for name in ("overlays/site", "overlays/common", "hooks", "keys"):
        (profiles / name).mkdir(parents=True)
        (profiles / name / "file").write_text("x")
    for name in re.findall(r'"(hooks/[a-z.-]+)"', json.dumps(schema())):
        (profiles / name).write_text("true\n")
    return profiles


def problems(directory: Path, path: tuple[str, ...], raw: str, system: str) -> list[Problem]:
    """What is wrong with ``raw`` at ``path`` of a profile of ``system``."""
    data = {"version": 1, "description": "x", "distribution": system, **placed(path, VALUE, schema())}
    lines = json.dumps(data, indent=1).splitlines()
    [line] = [number for number, line in enumerate(lines, 1) if VALUE in line]
    (directory / "x.yaml").write_text("\n".join(lines).replace(f'"{VALUE}"', raw))
    try:
        config.normalise(load(directory, "x"), directory)
    except ProfileError as error:
        return [each for each in error.problems if each.place and each.place.line == line]
    return []


@pytest.mark.parametrize("system", distributions.BOOTSTRAPPERS)
@pytest.mark.parametrize("name", FIELDS)
def test_what_is_suggested_is_right(directory: Path, name: str, system: str) -> None:
    path, part = FIELDS[name]
    wrong = {}
    for raw in dict.fromkeys(written(part)):
        if path[-1] == "distribution" and system == "arch":
            continue
        for problem in problems(directory, path, raw, system):
            for value in suggested(problem.remedy) if not problem.fact.startswith("unknown field") else ():
                inner = f"[{value}]" if raw.startswith("[") and of_item(problem) else value
                left = [one.fact for one in problems(directory, path, inner, system)]
                left = [fact for fact in left if not re.search(OTHERS, fact)]
                if left:
                    wrong[f"{problem.fact.partition(': ')[2]}; {problem.remedy}"] = f"{raw}: {value}: {left}"
    assert not wrong, "".join(f"\n{said}\n    {why}" for said, why in wrong.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("release: None", "2:10: release: unknown value 'None'; known: "),
        ("architecture: arm64", "2:15: architecture: unknown value 'arm64'; known: "),
        ("architecture: amd46", "2:15: architecture: unknown value 'amd46'; did you mean 'amd64'?"),
        ("distribution: debian\narchitecture: x86-64", "3:15: architecture: unknown value 'x86-64'; known: amd64"),
        ("distribution: arch\nrelease: trixi", "3:10: release: unknown value 'trixi'; known: rolling"),
        ("release: 13", "2:10: release: the number 13 where text is expected; known: bookworm, "),
        ("snapshot: 2026-09-01", "2:11: snapshot: '2026-09-01' is not a valid snapshot; use a moment such as "),
        ("boot: {secure: no}", "2:16: boot.secure: unknown value 'no'; known: "),
        ("recommends: no", "2:13: no is the boolean false to some YAML readers and text to others; write false"),
        ("hostname: no", '2:11: no is the boolean false to some YAML readers and text to others; write "no" in quotes'),
        ("boot: {timeout: 1_0}", "2:17: 1_0 is a number in an unusual spelling; write 10"),
    ],
)
def test_what_helps_is_said(profiles: Path, text: str, expected: str) -> None:
    expect(profiles, text, f"profiles/x.yaml:{expected}")


def test_an_alias_is_what_all_of_its_fields_may_have(profiles: Path) -> None:
    said = "is the boolean false to some YAML readers and text to others"
    expect(profiles, "recommends: &a no\nimage: {exclude: [*a]}", "profiles/x.yaml:2:13: recommends: text where ")
    expect(profiles, "recommends: &a no\ncheck: {screen: *a}", f"profiles/x.yaml:2:13: no {said}; write false")


def test_a_file_is_suggested_by_its_whole_path(profiles: Path) -> None:
    (profiles / "overlays" / "site").mkdir(parents=True)
    expect(
        profiles,
        "overlays: [overlays/sit]",
        "profiles/x.yaml:2:12: overlay 'overlays/sit' is missing; did you mean 'overlays/site'?",
    )
