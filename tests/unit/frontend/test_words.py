"""Words in whatever order people write them, and words that nobody knows."""

from __future__ import annotations

import shlex
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.commands.command import Answer, Command, Option, commands
from debate.errors import DebateError
from debate.frontend.words import (
    arranged,
    format_of,
    options_given,
    run_options_first,
    tasks_among,
    verbose,
    without_options_of_rules,
)

STEPS = ("build", "lock")


PROFILES = ("web", "lan", "gc", "build")


def command(name: str, names: str, *options: Option, per: Literal["", "profile", "step"] = "") -> Command:
    return Command(name, "", "", "Build", lambda: Answer(), names=names, options=options, per=per)


KNOWN = {
    "new": command("new", "NAME", Option("from", "a profile"), Option("kind", "", choices=("iso", "disk"))),
    "gc": command("gc", "", Option("size", "how much is left", example="20G"), Option("age", "")),
    "take": command("take", "", Option("directory", "", short="d"), Option("name", "", short="n")),
    "cache": command("cache", ""),
    "check": command("check", "", Option("firmware", "", choices=("bios", "uefi")), per="profile"),
    "shell": command("shell", "", Option("user", ""), per="step"),
    "try": command("try", "", Option("all", "with all", short="a", flag=True), Option("size", "")),
}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("build:a", "build:a"),
        ("-v build:a", "-v 2 build:a"),
        ("build:a -v", "-v 2 build:a"),
        ("build:a --verbose build:b", "-v 2 build:a build:b"),
        ("-v 0 build:a", "-v 0 build:a"),
        ("-c -v 1 build:a", "-v 1 -c build:a"),
        ("-v2 build:a", "-v2 build:a"),
        ("-v 2", "-v 2"),
    ],
)
def test_verbose(words: str, wanted: str) -> None:
    assert verbose(words.split()) == wanted.split()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("new x --from y", "new --from=y x"),
        ("new --from y x", "new --from=y x"),
        ("new --from=y x", "new --from=y x"),
        ("new x --from=--y", "new --from=--y x"),
        ("new a --kind disk b --from c", "new --kind=disk --from=c a b"),
        ("gc --size 1G build:x", "gc --size=1G build:x"),
        ("cache gc --age 3d --size=2", "cache gc --age=3d --size=2"),
        ("take -d build -n lock", "take --directory=build --name=lock"),
        ("take -dbuild -n=x", "take --directory=build --name=x"),
        ("try:x --all build:x", "try:x --all build:x"),
        ("try:x -a --size 1 build:x", "try:x --all --size=1 build:x"),
        ("-c build:x build:y", "-c build:x build:y"),
        ("mine --any thing -x build:x", "mine --any thing -x build:x"),
        ("build/x.iso", "build/x.iso"),
    ],
)
def test_options_come_before_names(words: str, wanted: str) -> None:
    assert arranged(words.split(), KNOWN, STEPS) == wanted.split()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("build web", "build:web"),
        ("build web lan", "build:web build:lan"),
        ("build web lock lan", "build:web lock:lan"),
        ("build web mine lan", "build:web mine lan"),
        ("build mine", "build mine"),
        ("build", "build"),
        ("build:web lan", "build:web lan"),
        ("-c build web", "-c build:web"),
        ("check web --firmware bios", "check:web --firmware=bios"),
        ("check --firmware bios web", "check:web --firmware=bios"),
        ("check web --firmware=bios lan", "check:web --firmware=bios check:lan --firmware=bios"),
        ("check web build lan", "check:web build:lan"),
        ("check --firmware bios mine", "check --firmware=bios mine"),
        ("shell build web", "shell:build:web"),
        ("shell:build web --user x", "shell:build:web --user=x"),
        ("shell build:web", "shell build:web"),
        ("new:web", "new web"),
        ("new:web --from lan", "new --from=lan web"),
        ("new:web lan", "new web lan"),
        ("cache:web", "cache:web"),
        # A profile with the name of a task needs the colon.
        ("build gc", "build gc"),
        ("check build web", "check build:web"),
        ("build:gc check:build", "build:gc check:build"),
    ],
)
def test_a_profile_may_be_a_word_of_its_own(words: str, wanted: str) -> None:
    found = arranged(words.split(), KNOWN, STEPS, ("build",), PROFILES.__contains__)
    assert found == wanted.split()
    assert arranged(found, KNOWN, STEPS, ("build",), PROFILES.__contains__) == found, "and is then left as it is"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("check web --frimware bios", "check: unknown option --frimware; did you mean '--firmware'?"),
        ("build web -c", "build: unknown option -c; doit's own options come before the first task"),
        ("new x --form y", "new: unknown option --form; did you mean '--from'?"),
        ("gc --x=1", "gc: unknown option --x=1; known: --size, --age"),
        ("gc -s 1", "gc: unknown option -s; known: --size, --age"),
        ("cache --size 1", "cache: unknown option --size; it takes only --format, --verbose and --help"),
        ("new x --from", "new: --from needs a value; a profile"),
        ("new x --from --kind iso", "new: --from needs a value; a profile"),
        ("gc --size=", "gc: --size needs a value; for example --size 20G"),
        ("take -d", "take: --directory needs a value; "),
        ("try:x --all=yes", "try: --all takes no value; with all"),
        ("try:x -ab", "try: --all takes no value; with all"),
        ("new x --kind car", "new: --kind: unknown value 'car'; one of iso, disk"),
        ("build:x -c", "build: unknown option -c; doit's own options come before the first task"),
    ],
)
def test_what_is_refused(words: str, message: str) -> None:
    with pytest.raises(DebateError) as caught:
        arranged(words.split(), KNOWN, STEPS, (), PROFILES.__contains__)
    assert str(caught.value) == message.removesuffix("; ")


@pytest.mark.parametrize("words", ["--format json validate a", "validate --format json a", "validate a --format=json"])
def test_the_format_stands_anywhere(words: str) -> None:
    found = run_options_first(words.split())
    assert found == ["--format=json", "validate", "a"]
    assert format_of(found) == "json"


def test_the_last_format_counts() -> None:
    assert run_options_first(["--format", "json", "x", "--format", "github"]) == ["--format=github", "x"]
    assert format_of(run_options_first(["x"])) == "text"


@pytest.mark.parametrize(
    ("words", "message"),
    [("x --format xml", "doit: --format: unknown value 'xml'; one of text, github, json"),
     ("x --format", "doit: --format needs a value; one of text, github, json")],
)  # fmt: skip
def test_an_unknown_format(words: str, message: str) -> None:
    with pytest.raises(DebateError) as caught:
        run_options_first(words.split())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("words", "tasks"),
    [("new --from=build:x a b", ["new"]), ("gc --size=1G build:x", ["gc", "build:x"]), ("-c build:x", ["build:x"])],
)
def test_tasks_among_the_words(words: str, tasks: list[str]) -> None:
    assert tasks_among(words.split(), KNOWN) == tasks


def test_what_a_command_is_given() -> None:
    words = ["try:x", "--all", "build:x", "try:y", "--size=1", "cache"]
    assert list(options_given(words, KNOWN)) == [
        ("try:x", {"all": True, "size": ""}), ("try:y", {"all": False, "size": "1"}), ("cache", {})
    ]  # fmt: skip


@given(st.permutations(["--from", "--kind", "one", "two"]))
def test_no_order_changes_the_meaning(order: list[str]) -> None:
    values = {"--from": "--from a", "--kind": "--kind iso"}
    words = shlex.split(" ".join(values.get(word, word) for word in order))
    name, *rest = arranged(["new", *words], KNOWN, STEPS)
    assert name == "new"
    assert set(rest[:2]) == {"--from=a", "--kind=iso"}
    assert rest[2:] == [word for word in order if not word.startswith("-")]


@pytest.mark.parametrize("name", [name for name, command in commands().items() if not command.per])
def test_each_command_refuses_what_it_does_not_know(name: str) -> None:
    with pytest.raises(DebateError, match=f"^{name}: unknown option --nonsense; "):
        arranged([name, "--nonsense"], commands(), STEPS)
    for option in commands()[name].options:
        if option.flag:
            continue
        with pytest.raises(DebateError, match=f"^{name}: --{option.name} needs a value; "):
            arranged([name, f"--{option.name}"], commands(), STEPS)


LOCK = {"lock": (Option("package", "names", example="x"), Option("security", "flag", flag=True))}


@pytest.mark.parametrize(
    ("words", "left", "options"),
    [
        ("lock:a --package x", "lock:a", {"package": "x"}),
        ("lock a b --security", "lock a b", {"security": True}),
        ("lock --security --package=x,y", "lock", {"security": True, "package": "x,y"}),
        ("lock --package x a", "lock a", {"package": "x"}),
        ("lock:a --security build:b -n 2", "lock:a build:b -n 2", {"security": True}),
        ("build:b --security", "build:b --security", {}),
        ("try --security lock:a", "try --security lock:a", {}),
    ],
)
def test_options_of_rules(words: str, left: str, options: dict[str, object]) -> None:
    """They are doit's no longer, and count for all that the rule is run for."""
    found, values = without_options_of_rules(words.split(), LOCK, {"lock", "build", "try"})
    assert (found, values) == (left.split(), options)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("lock:a --packages x", "lock: unknown option --packages; did you mean '--package'?"),
        ("lock:a --package", "lock: --package needs a value; for example --package x"),
        ("lock --security=1", "lock: --security takes no value; flag"),
    ],
)
def test_wrong_options_of_rules(words: str, message: str) -> None:
    with pytest.raises(DebateError) as caught:
        without_options_of_rules(words.split(), LOCK, {"lock", "build"})
    assert str(caught.value) == message
