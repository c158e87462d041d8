"""`doit new`, as someone uses it who writes a profile."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from debate.commands.command import Context
from debate.commands.new import run as new
from debate.commands.validate import run as validate
from debate.errors import MOST_PROBLEMS, DebateError
from debate.profile import profile_names
from debate.profile.load import load
from debate.steps import config
from tests.conftest import SSH_KEY


@pytest.mark.parametrize(
    ("option", "parent"), [("", "minimal"), ("rescue", "rescue"), ("arch-minimal", "arch-minimal")]
)
def test_new(context: Context, option: str, parent: str) -> None:
    directory = context.settings.profiles
    answer = new(context, ["mine"], option)
    assert f"profiles/mine.yaml written; it extends {parent} and has the hostname mine\n" in answer.text
    assert "doit validate mine, then doit build:mine" in answer.text
    text = (directory / "mine.yaml").read_text()
    assert yaml.safe_load(text)["extends"] == parent
    assert text.count("#") > 10
    made, other = (config.normalise(load(directory, name), directory) for name in ("mine", parent))
    assert made.values["lock"] == other.values["lock"]


def test_what_new_suggests_is_valid(context: Context) -> None:
    """Each comment line, taken in, makes a profile whose fields are known."""
    new(context, ["mine"], "")
    directory = context.settings.profiles
    path = directory / "mine.yaml"
    lines = path.read_text().splitlines()
    (directory / "hooks").mkdir(exist_ok=True)
    (directory / "hooks/mine.sh").write_text("true\n")
    (directory / "overlays/mine/etc").mkdir(parents=True)
    (directory / "overlays/mine/etc/mine.conf").touch()
    lines = [line.removeprefix("# ") if number > 2 else line for number, line in enumerate(lines)]
    path.write_text("\n".join(lines).replace("ssh-ed25519 AAAA…", SSH_KEY) + "\n")
    answer = validate(context, ["mine"])
    assert (answer.text, answer.good) == ("1 profile: all valid\n", True)


BROKEN = {
    "an unknown field": "version: 1\nextends: minimal\npkgs: []\n",
    "a missing hook": "version: 1\nextends: minimal\nhooks: [hooks/none.sh]\n",
    "not YAML": "[[[",
    "itself": "version: 1\nextends: broken\n",
    "too large": "#" * (1 << 21),
    "beyond the schema": "version: 1\nextends: minimal\nrelease: nonsense\n",
}
"""What is wrong with a profile that a new one is to extend."""


@pytest.mark.parametrize(
    ("names", "parent", "message"),
    [([], "", "name one profile"), (["a", "b"], "", "name one profile"), (["minimal"], "", "already exists"),
     (["../x"], "", "not a valid name"),
     (["_x"], "", "starts with _ can only be extended; .* start with a letter"),
     (["a"], "nope", "there is no profile 'nope' to extend"),
     *((["a"], "broken", r"profiles/broken\.yaml:") for _ in BROKEN)],
    ids=["none", "two", "exists", "no name", "only extended", "no parent", *BROKEN],
)  # fmt: skip
def test_a_refusal_leaves_nothing(
    context: Context, names: list[str], parent: str, message: str, request: pytest.FixtureRequest
) -> None:
    directory = context.settings.profiles
    if parent == "broken":
        (directory / "broken.yaml").write_text(BROKEN[request.node.callspec.id])
    before = {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    with pytest.raises(DebateError, match=message):
        new(context, names, parent)
    assert {path: path.read_bytes() for path in directory.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("number", "rest"), [(99, ""), (100, ""), (101, "1 more problem"), (1_200, "1,100 more problems")]
)
def test_the_problems_of_a_new_profile_are_counted_once(context: Context, number: int, rest: str) -> None:
    """They are those of what it extends, which are told by `validate`, too."""
    fields = "".join(f"- {{path: /run/x{each}}}\n" for each in range(number))
    (context.settings.profiles / "many.yaml").write_text(f"version: 1\nfiles:\n{fields}")
    with pytest.raises(DebateError) as caught:
        new(context, ["mine"], "many")
    found = caught.value.problems
    assert found == validate(context, ["many"]).problems
    assert len(found) == min(number, MOST_PROBLEMS) + bool(rest)
    assert not rest or found[-1].fact == f"and {rest} from here on"


@pytest.mark.parametrize("failure", [OSError("full"), KeyboardInterrupt(), DebateError("wrong"), RuntimeError()])
def test_whatever_fails_leaves_nothing(
    context: Context, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(config, "normalise", fail)
    before = sorted(context.settings.profiles.iterdir())
    with pytest.raises(type(failure)):
        new(context, ["mine"], "")
    assert sorted(context.settings.profiles.iterdir()) == before


def test_a_profile_that_comes_meanwhile_is_kept(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, normalise = context.settings.profiles, config.normalise

    def meanwhile(*words: Any) -> Any:
        (directory / "mine.yaml").write_text("theirs")
        return normalise(*words)

    monkeypatch.setattr(config, "normalise", meanwhile)
    with pytest.raises(DebateError, match=r"profiles/mine\.yaml: already exists"):
        new(context, ["mine"], "")
    assert (directory / "mine.yaml").read_text() == "theirs"
    assert not list(directory.glob("_new*"))


def test_of_two_at_once_one_wins(context: Context) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def make(parent: str) -> None:
        start.wait()
        try:
            new(context, ["mine"], parent)
            outcomes.append(parent)
        except DebateError as error:
            outcomes.append(error.problems[0].fact)

    threads = [threading.Thread(target=make, args=[name]) for name in ("minimal", "rescue", "kiosk", "arch-minimal")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("already exists") == 3
    (winner,) = set(outcomes) - {"already exists"}
    text = Path(context.settings.profiles, "mine.yaml").read_text()
    assert yaml.safe_load(text)["extends"] == winner


@pytest.mark.parametrize(
    "name", ["123", "yes", "no", "0777", "null", "1e5", "true", "0x10", "2026-01-01", "1_000", "on"]
)
def test_names_that_yaml_takes_for_something_else(context: Context, name: str) -> None:
    directory = context.settings.profiles
    new(context, [name], "")
    new(context, ["child"], name)
    assert validate(context, [name, "child"]).good
    assert load(directory, "child").data["description"] == f"Made from {name}"
    path = directory / "child.yaml"
    path.write_text(path.read_text().replace("# base: ", "base: "))
    assert validate(context, ["child"]).good
    assert profile_names.base(directory, "child") == name
