"""Words in whatever order people write them, and words that nobody knows."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.commands.command import Answer, Command, Option, commands
from debate.errors import DebateError
from debate.frontend.words import arranged, format_of, run_options_first, tasks_among, verbose

STEPS = ("build", "lock")


def command(name: str, names: str, *options: Option) -> Command:
    return Command(name, "", "", "Build", lambda: Answer(), names=names, options=options)


KNOWN = {
    "new": command("new", "NAME", Option("from", "a profile"), Option("kind", "", choices=("iso", "disk"))),
    "gc": command("gc", "", Option("size", "how much is left", example="20G"), Option("age", "")),
    "take": command("take", "", Option("directory", "", short="d"), Option("name", "", short="n")),
    "cache": command("cache", ""),
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
        ("-c build:x build:y", "-c build:x build:y"),
        ("mine --any thing -x build:x", "mine --any thing -x build:x"),
        ("build/x.iso", "build/x.iso"),
    ],
)
def test_options_come_before_names(words: str, wanted: str) -> None:
    assert arranged(words.split(), KNOWN, STEPS) == wanted.split()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("new x --form y", "new: unknown option --form; did you mean '--from'?"),
        ("gc --x=1", "gc: unknown option --x=1; known: --size, --age"),
        ("gc -s 1", "gc: unknown option -s; known: --size, --age"),
        ("cache --size 1", "cache: unknown option --size; it takes only --format, --verbose and --help"),
        ("new x --from", "new: --from needs a value; a profile"),
        ("new x --from --kind iso", "new: --from needs a value; a profile"),
        ("gc --size=", "gc: --size needs a value; for example --size 20G"),
        ("take -d", "take: --directory needs a value; "),
        ("new x --kind car", "new: --kind: unknown value 'car'; one of iso, disk"),
        ("build:x -c", "build: unknown option -c; doit's own options come before the first task"),
    ],
)
def test_what_is_refused(words: str, message: str) -> None:
    with pytest.raises(DebateError) as caught:
        arranged(words.split(), KNOWN, STEPS)
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
        with pytest.raises(DebateError, match=f"^{name}: --{option.name} needs a value; "):
            arranged([name, f"--{option.name}"], commands(), STEPS)
