"""`doit explain` agrees with what a build would do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import debate
from debate.commands.logic.explain import explain
from debate.history.records import outputs_of
from debate.images import menu
from debate.steps.rule import HOST, TOOLS
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT
from tests.unit.steps.fake import build, opened

PURE = [rule.name for rule in rules().values() if rule.pure and rule.root]
"""Rules that the fake makes and `explain` shows."""
CACHED = [rule.name for rule in rules().values() if rule.pure and rule.outputs]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the profile `minimal` was built, all steps without sandboxes."""
    root = tmp_path_factory.mktemp("explain") / "checkout"
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, root / name)
    build(root, "minimal")
    return root


@pytest.fixture
def made(whole: Path, tmp_path: Path) -> ProfileBuild:
    """`minimal` in a copy of it."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True, symlinks=True)
    return opened(tmp_path, "minimal")[0]


def verdicts(made: ProfileBuild) -> dict[str, str]:
    """Rule -> what `explain` says of it. Asserts that it writes nothing."""
    places = (made.settings.output, made.store.root)
    before = {path: path.stat().st_mtime_ns for place in places for path in place.rglob("*")}
    said = explain(made).text
    assert {path: path.stat().st_mtime_ns for place in places for path in place.rglob("*")} == before
    return dict(re.findall(r"^([a-z]+)(?::minimal)?  (.*)$", said, re.MULTILINE))


def lose_outputs(made: ProfileBuild, rule: str) -> None:
    """Remove the outputs of a rule from the store."""
    owner = made if rules()[rule].profile else made.of(HOST)
    for artifact in outputs_of(owner.load(rule)).values():
        if not artifact.size:
            continue  # Another rule has the same.
        made.store.path(artifact).unlink()


def test_after_a_build_all_is_up_to_date(made: ProfileBuild) -> None:
    found = verdicts(made)
    assert {found[name] for name in PURE} == {"up to date"}


def test_what_no_build_needs_is_told_once_it_was_made(made: ProfileBuild) -> None:
    """As the step of netboot: who has not asked for it is not told that it would run."""
    assert verdicts(made)["network"] == "up to date"
    for path in made.directory.rglob("network.json"):
        path.unlink()
    assert set(PURE) - verdicts(made).keys() == {"network"}


def test_without_actions_all_is_up_to_date_while_the_outputs_are_there(made: ProfileBuild) -> None:
    shutil.rmtree(made.store.root / "actions")
    found = verdicts(made)
    assert {name: found[name] for name in PURE} == dict.fromkeys(PURE, "up to date")


@pytest.mark.parametrize("rule", CACHED)
@pytest.mark.parametrize("actions", [True, False])
def test_a_step_whose_outputs_are_gone_would_run(made: ProfileBuild, rule: str, actions: bool) -> None:
    """And then a build makes them again."""
    if not actions:
        shutil.rmtree(made.store.root / "actions")
    lose_outputs(made, rule)
    assert verdicts(made)[rule] == "would run"
    owner = made if rules()[rule].profile else made.of(HOST)
    assert owner.make(rule)["source"] == "built"
    assert all(made.store.has(artifact) for artifact in owner.outputs(rule).values())
    assert verdicts(made)[rule] == "up to date"


@pytest.mark.parametrize("content", ["{", "[]", None])
@pytest.mark.parametrize("rule", CACHED)
def test_a_damaged_record_is_the_reason(made: ProfileBuild, rule: str, content: str | None) -> None:
    """And whether the results are made again depends on what it was."""
    path = (made if rules()[rule].profile else made.of(HOST)).directory / f"{rule}.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    assert verdicts(made)[rule] == "from the cache"
    assert re.search(
        rf"^{rule}\S*  from the cache\n    its record is missing or damaged$", explain(made).text, re.MULTILINE
    )
    if rule in rules()["build"].reads:
        assert verdicts(made)["build"].startswith("undecided: depends on the result of")


@pytest.mark.parametrize("content", ["{", "[]", '{"sha256:0": 5}', "{}", None])
def test_damaged_memory_is_the_reason(tmp_path: Path, content: str | None) -> None:
    """Of the step that keeps it: a build makes it again. As for doit, a whole file may lack what the step looks for.

    A file that the step never kept does not matter.
    """
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for profile, keeps in (("arch-minimal", True), ("minimal", False)):
        made, _ = build(tmp_path, profile)
        path = made.directory / "sha512.json"
        assert path.exists() == keeps
        assert f"\niso:{profile}  up to date\n" in explain(made).text
        before = path.read_text() if keeps else ""
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
        damaged = keeps and content != "{}"
        verdict = "from the cache\n    its record is missing or damaged" if damaged else "up to date"
        assert f"\niso:{profile}  {verdict}\n" in explain(made).text
        made.make("iso")
        assert not keeps or path.read_text() == before
        assert f"\niso:{profile}  up to date\n" in explain(made).text


@pytest.mark.parametrize("path", ["debian/tools.sh", "debian/tools.packages", "debian/select.sh"])
def test_an_edit_of_a_script_is_the_reason(made: ProfileBuild, path: str) -> None:
    """For the tools tree, too, which reads nothing of a profile, and for steps on the way to another."""
    with (made.settings.scripts / path).open("a") as file:
        file.write("# edited\n")
    said = explain(made).text
    expected = "its parameters changed" if path.endswith("packages") else f"sandbox/{path} changed"
    assert f"would run\n    {expected}\n" in said


def test_another_debate_is_told(made: ProfileBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of steps whose scripts are the same it runs none."""
    (made.directory / "manifest.json").write_text(json.dumps({"debate": debate.__version__}))
    before = explain(made).text
    assert "built last" not in before
    monkeypatch.setattr("debate.commands.logic.explain.__version__", "9")
    first, _, steps = explain(made).text.partition("\n")
    assert first.endswith(f"; built last by debate {debate.__version__}, and this is 9")
    assert steps == before.partition("\n")[2]


def edited(function: Callable[..., str]) -> Callable[..., str]:
    """``function``, after an edit of what it returns."""
    return lambda *arguments: f"{function(*arguments)}# edited\n"


def test_an_edit_of_the_menu_runs_iso_alone(made: ProfileBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: made.load(name) for name in ("boot", "iso")}
    monkeypatch.setattr(menu, "text", edited(menu.text))
    found = verdicts(made)
    assert {name for name in PURE if found[name] != "up to date"} == {"iso"}
    assert found["iso"] == "would run"
    keys = {name: made.load(f"traces/{name}")["key"] for name in before}
    steps = len(made.builder.ran)  # type: ignore[attr-defined]
    for name in before:
        made.make(name)
    assert [step.name for step in made.builder.ran[steps:]] == ["iso"]  # type: ignore[attr-defined]
    assert made.builder.ran[-1].parameters["iso/boot/grub/grub.cfg"].endswith(b"# edited\n")  # type: ignore[attr-defined]
    assert made.load("boot") == before["boot"]
    assert {name for name in keys if made.load(f"traces/{name}")["key"] != keys[name]} == {"iso"}


def test_the_tools_tree_has_a_line_of_its_own(made: ProfileBuild) -> None:
    assert explain(made).text.splitlines()[1].startswith(f"{TOOLS}  up to date")


def test_a_step_that_would_fail_is_a_failure(made: ProfileBuild) -> None:
    """As for a committed lock that a build would refuse."""
    assert explain(made).good
    lock = made.settings.profiles / "minimal.lock.json"
    lock.write_text("[]")
    answer = explain(made)
    assert "lock:minimal  would fail: " in answer.text
    assert "minimal.lock.json:1: not the JSON of a lock: not an object" in answer.text
    assert not answer.good
    assert [problem.fact for problem in answer.problems] == ["not the JSON of a lock: not an object"]
