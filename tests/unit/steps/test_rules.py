"""Rules: their order, what they declare, and that a Work hands out nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import PACKAGE
from debate.errors import DebateError, Place
from debate.history.records import Records, outputs_of
from debate.model import Artifact, Command, Step
from debate.sandbox import rights
from debate.steps.rule import CONFIG, HOST, TOOLS, Rule, in_order, needed
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild, UndeclaredError, Work
from tests.conftest import ROOT, write_files
from tests.unit.steps.fake import build

PURE = [rule for rule in rules().values() if rule.pure]
"""Those whose functions need nothing that only a sandbox leaves."""
EACH = pytest.mark.parametrize("rule", rules().values(), ids=list(rules()))


def rule(name: str, *needs: str, **fields: Any) -> Rule:
    return Rule(name, "do it", lambda work: {}, needs=needs, **fields)  # noqa: ARG005


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Rule]:
    """Rules that need each other without a circle, in some order."""
    names = draw(st.lists(st.from_regex(r"[a-z]{1,4}", fullmatch=True), min_size=1, max_size=8, unique=True))
    found = {}
    for number, name in enumerate(names):
        needs = draw(st.lists(st.sampled_from(names[:number]), unique=True, max_size=3)) if number else []
        found[name] = rule(name, *needs)
    return {name: found[name] for name in draw(st.permutations(names))}


@given(graphs(), st.randoms(use_true_random=False))
def test_a_rule_comes_after_what_it_needs_whatever_the_files_are_called(found: dict[str, Rule], random: Any) -> None:
    ordered = list(in_order(found))
    assert sorted(ordered) == sorted(found)
    assert all(ordered.index(need) < ordered.index(name) for name, rule in found.items() for need in rule.needs)
    names = list(found)
    random.shuffle(names)
    assert list(in_order({name: found[name] for name in names})) == ordered


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([rule("a", "b"), rule("b", "a")], "circular dependency of rules: "),
        ([rule("a", "a")], "circular dependency of rules: a -> a"),
        ([rule("a", "nothing")], "rule a: no rule makes 'nothing'"),
        ([rule("a", below=("nothing",))], "rule a: no rule makes 'nothing'"),
        ([rule("a", tools=True)], "rule a: no rule makes 'sandbox'"),
        ([rule("a", slices=("b",))], "rule a: no rule makes 'config'"),
    ],
)
def test_rules_that_cannot_be(found: list[Rule], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        in_order({rule.name: rule for rule in found})


def test_each_rule_comes_after_what_it_reads() -> None:
    """Including the rules that write the slices and the tools tree, which no rule names."""
    before: set[str] = set()
    for rule in rules().values():
        assert before >= set(rule.reads), rule.name
        assert not rule.slices_read or CONFIG in rule.reads
        assert not rule.tools or TOOLS in rule.reads
        before |= set(rule.made)


@given(graphs(), st.data())
def test_what_a_rule_needs(found: dict[str, Rule], data: st.DataObject) -> None:
    """Is complete, in order, and has nothing that could be left out."""
    ordered = in_order(found)
    name = data.draw(st.sampled_from(sorted(found)))
    needs = [rule.name for rule in needed(ordered, [name])]
    assert needs[-1] == name
    assert needs == [other for other in ordered if other in needs]
    assert all(need in needs for other in needs for need in found[other].needs)
    assert all(any(other in found[one].needs for one in needs) for other in needs[:-1])


@EACH
def test_a_declaration(rule: Rule) -> None:
    assert rule.doc[0].islower()
    assert not rule.doc.endswith(".")
    assert set(rule.rights) <= rights.TABLE.keys()
    assert set(rule.slices) <= {other.name for other in rules().values() if other.slice}
    assert rule.tools or rule.name == TOOLS or not rule.rights, "a sandbox without a tools tree"
    assert rule.root or not rule.rights
    assert not rule.has_shell or rule.rights
    assert not rule.usage or rule.usage.startswith(f"doit {rule.name}:NAME")


@contextmanager
def watched(made: ProfileBuild, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """What is read, as profile and file."""
    seen: list[tuple[str, str]] = []
    load = Records.load

    def watching(self: Records, name: str) -> Any:
        seen.append((self.directory.name, name))
        return load(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Records, "load", watching)
        yield seen
    assert made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ProfileBuild:
    """The profile `top` on the base `minimal`, all steps made without sandboxes."""
    root = tmp_path_factory.mktemp("made")
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, root / name)
    write_files(root / "profiles", {"top.yaml": "version: 1\nextends: minimal\nbase: minimal\npackages: [added]\n"})
    return build(root, "top")[0]


@pytest.mark.parametrize("rule", PURE, ids=lambda rule: rule.name)
def test_what_is_read_is_what_is_declared(rule: Rule, made: ProfileBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is declared is read by some profile."""
    profiles = (HOST,) if not rule.profile else ("minimal", "top")
    read: set[tuple[str, str]] = set()
    for name in profiles:
        own = made.of(name)
        with watched(own, monkeypatch) as seen:
            replace(own, refresh=rule.on_request).make(rule.name)
        read |= {("below" if profile not in (name, HOST) else "host" if profile != name else "own", file)
                 for profile, file in seen}  # fmt: skip
    told = {("own", "config"), ("own", "contents"), ("own", "lock"), ("own", rule.name)}
    """Read for people, or its own last result: neither decides what comes out."""
    declared = {("own", f"slices/{name}") for name in rule.slices_read} | {("own", name) for name in rule.needs}
    declared |= {("below", name) for name in rule.below} | ({("host", TOOLS)} if rule.tools else set())
    assert read <= declared | told
    fetched = {("own", "mirrors"), ("own", "slices/lock"), ("own", "initramfs")}
    """Read only where something must be downloaded, or where the profile's files are shown to a sandbox."""
    assert declared <= read | fetched


def test_outputs_are_made_where_no_stranger_runs(made: ProfileBuild) -> None:
    """By a command after all that run programs of packages or of the profile, in a tree with tools."""
    ran = {step.name: step for step in made.builder.ran}  # type: ignore[attr-defined]
    with_strangers = set()
    for step in ran.values():
        strangers = [rights.TABLE[command.rights].strangers for command in step.commands]
        if any(strangers):
            with_strangers.add(step.name)
            assert not strangers[-1], step.name
            assert step.commands[-1].root != "system", step.name
    assert with_strangers == {"sandbox", "rootfs", "initrd", "overlay"}


READS: dict[str, Callable[[Work], object]] = {
    "the slice of boot": lambda work: work.slice(object, "boot"),
    "the record overlay": lambda work: work.record("overlay"),
    "the record hash": lambda work: work.outputs("hash"),
    "the record lock": lambda work: work.locked(),
    "the tools tree": lambda work: work.tools,
    "writing iso": lambda work: work.save({}, "iso"),
    "rights of the kind tools": lambda work: work.realise(Step("x", (Command("x.sh", rights="tools"),), (), 0)),
    "rights of the kind system": lambda work: work.run(Step("x", (Command("x.sh", rights="system"),), (), 0)),
    "the output more": lambda work: work.finish(Step("x", (), ("more",), 0)),
    "the record rootfs of the profile below": lambda work: work.below("minimal").record("rootfs"),  # type: ignore[union-attr]
}


@pytest.mark.parametrize("what", READS)
def test_what_is_not_declared_is_not_handed_out(what: str, made: ProfileBuild) -> None:
    work = Work(made, replace(rules()["config"], name="other", tools=False))
    with pytest.raises(UndeclaredError, match=f"rule other does not declare {what}"):
        READS[what](work)


@pytest.mark.parametrize("what", READS)
def test_the_author_of_a_rule_is_told_what_it_does_not_declare(
    what: str, made: ProfileBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the build and by explain, which both run the rule: as a problem with its file, not as a traceback."""
    rule = replace(rules()["config"], name="other", tools=False, make=READS[what])
    monkeypatch.setattr("debate.steps.work.rules", lambda: {**rules(), "other": rule})
    with pytest.raises(DebateError) as caught:
        made.make("other")
    (problem,) = caught.value.problems
    assert problem.place == Place(rule.file)
    assert problem.fact.startswith(f"rule other does not declare {what}")
    assert problem.remedy


def test_the_file_of_a_rule() -> None:
    assert rules()["overlay"].file == "debate/steps/overlay.py"
    assert all((PACKAGE.parent / rule.file).is_file() for rule in rules().values())


def test_a_record_that_is_as_good_as_the_cache(made: ProfileBuild) -> None:
    """Where an action is gone and its outputs are there, nothing runs, and the cache knows the result again."""
    actions = made.store.root / "actions"
    before = {path.name for path in actions.iterdir()}
    shutil.rmtree(actions)
    asked = len(made.builder.ran)  # type: ignore[attr-defined]
    for rule in rules().values():
        if rule.pure and rule.name != "sandbox":
            made.make(rule.name)
    made.of(HOST).make("sandbox")
    assert len(made.builder.ran) == asked  # type: ignore[attr-defined]
    assert {path.name for path in actions.iterdir()} <= before
    assert len(list(actions.iterdir())) >= 7


@pytest.mark.parametrize("name", [rule.name for rule in rules().values() if rule.outputs and rule.profile])
def test_a_record_of_a_run_that_was_killed_is_no_result(made: ProfileBuild, name: str) -> None:
    """It was written, and the trace with its key was not: the cache must not take its outputs for the last key."""
    record, key = made.load(name), made.load(f"traces/{name}")["key"]
    other = {output: vars(made.store.put(f"another {output}".encode())) for output in record["outputs"]}
    made.records.save(name, {**record, "outputs": other})
    shutil.rmtree(made.store.root / "actions")
    made.make(name)
    assert made.load(name) == record
    action = made.store.lookup(key, rules()[name].outputs)
    assert action is None or action.outputs == outputs_of(record)


def test_a_record_of_another_key_is_no_result(made: ProfileBuild) -> None:
    trace = made.load("traces/boot")
    made.records.save("traces/boot", {**trace, "key": "0" * 64})
    shutil.rmtree(made.store.root / "actions")
    asked = len(made.builder.ran)  # type: ignore[attr-defined]
    made.make("boot")
    assert len(made.builder.ran) == asked + 1  # type: ignore[attr-defined]
    made.records.save("traces/boot", trace)
    assert isinstance(made.outputs("boot")["BOOTX64.EFI"], Artifact)
