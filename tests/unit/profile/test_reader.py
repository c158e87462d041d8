"""What is wrong with a profile as YAML has its own message: place, fact, remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import Place, Problem, ProfileError
from debate.profile.load import load
from debate.profile.reader import MAX_DEPTH, read
from tests.unit.profile.mistakes import expect, problems

ITSELF = "an alias of what it is in, which has no end; write out what is meant, without the alias"
DEEP = "more than 40 lists and mappings within each other; make it flatter"
MANY = (
    "more than 20,000 values in one file; an alias counts each time it is used; "
    "write fewer, such as an overlay instead of many files"
)
LONG = (
    "more than 1,048,576 characters of text in one file; an alias counts each time it is used; "
    "write less, such as files of an overlay"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("packages: [no]", "profiles/x.yaml:2:12: no is the boolean false to some YAML readers and text to others; "),
        ("hostname: on", "profiles/x.yaml:2:11: on is the boolean true to some YAML readers"),
        ("recommends: True", "profiles/x.yaml:2:13: True is a boolean in an unusual spelling; write true"),
        (
            "description: 1.10",
            'profiles/x.yaml:2:14: 1.10 is a floating-point number to YAML, so that 1.10 becomes 1.1; write "1.10"',
        ),
        ("hostname: 1e3", "profiles/x.yaml:2:11: 1e3 is a floating-point number to YAML"),
        (
            "files:\n  - path: /a\n    mode: 0644",
            "profiles/x.yaml:4:11: 0644 is an octal, binary or hexadecimal number to some YAML readers; write",
        ),
        ("description: 1:30", "profiles/x.yaml:2:14: 1:30 is a number in base 60 to some YAML readers"),
        ("description: 2026-01-01", "profiles/x.yaml:2:14: 2026-01-01 is a date to YAML"),
        (
            "description: 1_000",
            'profiles/x.yaml:2:14: 1_000 is a number in an unusual spelling; write "1_000" in quotes',
        ),
        (
            "hostname: a\nhostname: b",
            "profiles/x.yaml:3:1: field 'hostname' is a duplicate key, first on line 2; keep one",
        ),
        ("boot: {<<: {timeout: 3}}", "profiles/x.yaml:2:8: merge keys (<<) are not supported; use `extends`"),
        (
            "hostname: !!python/name:os.system x",
            "profiles/x.yaml:2:11: tag 'tag:yaml.org,2002:python/name:os.system' is not supported; remove it",
        ),
        ("? [a, b]\n: c", "profiles/x.yaml:2:3: a field name must be a single word; write `name: value`"),
        (
            "packages: [curl",
            "profiles/x.yaml:3:1: not valid YAML: while parsing a flow sequence: did not find expected",
        ),
        ("a: &a [*a]", f"profiles/x.yaml:2:8: {ITSELF}"),
        ("packages:\n  - &a [b]\nfiles: &a2\n- b: 1\n  c:\n   - *a\n   - *a2", f"profiles/x.yaml:8:6: {ITSELF}"),
        ("a:" + "\n-" + " -" * MAX_DEPTH + " b", f"profiles/x.yaml:3:{2 * MAX_DEPTH - 1}: {DEEP}"),
        ("a: &a [b]\nc: &c [*a]\nd: " + "[" * 39 + "\n *c" + "]" * 39, f"profiles/x.yaml:4:42: {DEEP}"),
        ("a: [\n" + "1,\n" * 20_000 + "]", f"profiles/x.yaml:20000:1: {MANY}"),
        ("a: [\n" + "1,\n" * 40_001 + "]", f"profiles/x.yaml:2:4: {MANY}"),
        ("a: &a [" + "1," * 9_999 + "]\nb: *a\nc: *a", f"profiles/x.yaml:3:1: {MANY}"),
        ("a: &a " + "x" * 600_000 + "\nb:\n - 1\n - c: *a", f"profiles/x.yaml:5:4: {LONG}"),
    ],
)
def test_a_mistake_has_its_own_message(profiles: Path, text: str, expected: str) -> None:
    expect(profiles, text, expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "x.yaml:1:1: a profile is a mapping of fields; start with `version: 1`"),
        (b"- a\n", "x.yaml:1:1: a profile is a mapping of fields"),
        (b"version: 1\nhostname: \xff\n", "x.yaml:2:1: not UTF-8; save the file as UTF-8"),
        (b"version: 2\n", "x.yaml:1:10: version: 2 is not supported; write 1"),
        (b"version: 1\n\tpackages: [a]\n", "x.yaml:2:1: not valid YAML"),
        (b"[" * 20000, "x.yaml:1:"),
    ],
)
def test_a_file_that_is_no_profile(profiles: Path, content: bytes, expected: str) -> None:
    (profiles / "x.yaml").write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        load(profiles, "x")
    assert str(caught.value.problems[0]).startswith(f"profiles/{expected}")


def test_a_duplicate_key_names_the_first_of_them(profiles: Path) -> None:
    found = problems(profiles, "hostname: a\nhostname: b\nhostname: c")
    assert [str(problem).partition(": ")[2] for problem in found] == [
        "field 'hostname' is a duplicate key, first on line 2; keep one"
    ] * 2


def test_an_alias_bomb_is_refused_quickly(profiles: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert [str(problem) for problem in problems(profiles, "\n".join(lines))] == [f"profiles/x.yaml:6:5: {MANY}"]


UNFIT = [*range(9), 11, 12, *range(14, 32), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFFE, 0xFFFF]


@pytest.mark.parametrize("code", UNFIT)
def test_a_character_that_yaml_may_not_have_is_told_where_it_is(profiles: Path, code: int) -> None:
    (profiles / "x.yaml").write_text(f"version: 1\n# a\nhostname: 'ab{chr(code)}'\n{chr(code)}", newline="")
    with pytest.raises(ProfileError) as caught:
        load(profiles, "x")
    assert [problem.place for problem in caught.value.problems] == [
        Place("profiles/x.yaml", 3, 14),
        Place("profiles/x.yaml", 4, 1),
    ]
    assert all(problem.fact.startswith(f"the character U+{code:04X} ") for problem in caught.value.problems)


@pytest.mark.parametrize(("ends", "fits"), [("\r\n", True), ("\n", True), ("\r", False), ("\n\r", False)])
def test_ends_of_lines(ends: str, fits: bool) -> None:
    root, found = read(f"version: 1{ends}hostname: b{ends}".encode(), "x", Path())
    assert (root is not None, found == []) == (fits, fits)


@given(st.text(max_size=30))
def test_no_text_of_a_comment_moves_what_follows(text: str) -> None:
    """Lines are counted as editors count them."""
    comment = text.replace("\n", "").replace("\r", "")
    root, found = read(f"version: 1\n# {comment}\nhostname: no".encode("utf-8", "ignore"), "x", Path())
    assert [problem.place and problem.place.line for problem in found][-1:] == [3 if root else 2]


@pytest.mark.parametrize(("depth", "fits"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_depth(depth: int, fits: bool) -> None:
    root, found = read(b"a: " + b"[" * depth + b"]" * depth, "x", Path())
    assert (root is not None, found == []) == (fits, fits)


def test_quoted_text_is_text(profiles: Path) -> None:
    (profiles / "x.yaml").write_text('version: 1\nhostname: "no"\ndescription: "1.10"\n')
    assert load(profiles, "x").data == {"version": 1, "hostname": "no", "description": "1.10"}


def test_problems_are_values() -> None:
    root, found = read(b"a: no\n", "f.yaml", Path("d"))
    assert root is not None
    assert (root.at(["a"]).value, root.at(["a"]).position, root.at(["a"]).key) == (
        "no", Place("f.yaml", 1, 4), Place("f.yaml", 1, 1)
    )  # fmt: skip
    assert root.at(["a"]).directory == Path("d")
    fact = "no is the boolean false to some YAML readers and text to others"
    assert found == [Problem(Place("f.yaml", 1, 4), fact, 'write false, or "no" for the text')]
