"""Whatever is in the place of a file that a build left, or in it: no traceback, and the next build heals it."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.cache import collect, report
from debate.commands.logic import diff, publish
from debate.commands.logic.explain import explain
from debate.errors import DebateError
from debate.history.check import damaged
from debate.images import results
from debate.profile import sources
from debate.steps.rule import HOST
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild
from tests.bounded import bounded
from tests.conftest import many
from tests.unit import damage
from tests.unit.steps.fake import build_on_a_base


@pytest.fixture(scope="module")
def made(in_memory: Path) -> ProfileBuild:
    """A profile on a base profile, both built."""
    root = in_memory
    found = build_on_a_base(root)
    found.make("build")
    found.store.announce(found.settings.output)
    shutil.copytree(found.settings.output, root / "whole")
    return found


def files(made: ProfileBuild) -> list[str]:
    """The JSON files of the profile and of the host, below the directory of all outputs."""
    whole = made.settings.root / "whole"
    names = [str(path.relative_to(whole)) for name in (made.name, HOST) for path in (whole / name).rglob("*.json")]
    return sorted(name for name in names if not name.endswith(".cdx.json"))


def rebuild(made: ProfileBuild) -> None:
    """What doit does when the targets of all steps have changed."""
    for rule in rules().values():
        (made if rule.profile else made.of(HOST)).make(rule.name)


def read_everything(made: ProfileBuild) -> None:
    """What reads the files without making them again first. Only a DebateError may come of it."""
    output, profiles = made.settings.output, made.settings.profiles
    readers: list[Callable[[], object]] = [
        lambda: explain(made),
        lambda: report.report(made.store, "", HOST),
        lambda: list(collect.needed(made.store)),
        lambda: list(damaged(output, print)),
        lambda: publish._finished(made, publish._architecture(made)),
        lambda: list(publish._made(made)),
        lambda: diff.diff(made.settings, ["minimal", "below"]),
        lambda: results.present(made.directory),
        lambda: sources.files(made.directory, profiles),
        lambda: sources.unchanged(made.directory, profiles),
    ]
    for read in readers:
        with suppress(DebateError):
            read()


def restore(whole: Path, output: Path) -> None:
    """Make one directory like the other. Only what differs is touched, which is little."""
    for path in sorted(output.rglob("*"), reverse=True):
        if not os.path.lexists(whole / path.relative_to(output)):
            damage.clear(path)
    for path in whole.rglob("*"):
        other = output / path.relative_to(whole)
        if path.is_file() and not (_is_regular(other) and other.read_bytes() == path.read_bytes()):
            damage.clear(other)
            other.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, other)


def _is_regular(path: Path) -> bool:
    return not path.is_symlink() and path.is_file()


def assert_heals(made: ProfileBuild, names: list[str], change: Callable[[Path], object]) -> None:
    """Change files, and read and build everything: they are what they were."""
    output, whole = made.settings.output, made.settings.root / "whole"
    for name in names:
        change(output / name)
    before = sum(1 for _ in made.store.objects())
    try:
        with bounded():
            read_everything(made)
        try:
            with bounded():
                rebuild(made)
        except DebateError:
            assert "lock.json" in {Path(name).name for name in names}, "it can be edited so that it is refused"
            return
        for name in names:
            assert stat.S_ISREG((output / name).lstat().st_mode)
            if "/traces/" not in name and Path(name).name not in ("lock.json", "sha512.json"):
                again, once = (json.loads((directory / name).read_bytes()) for directory in (output, whole))
                assert again == once or (name.endswith("build.json") and again["digest"] == once["digest"])
        assert sum(1 for _ in made.store.objects()) >= before, "nothing good was deleted"
    finally:
        restore(whole, output)


@many(60)
@given(data=st.data())
def test_other_content(made: ProfileBuild, data: st.DataObject) -> None:
    """Of one file, or of a few at once: a build costs more than what it heals."""
    output, whole = made.settings.output, made.settings.root / "whole"
    names = data.draw(st.lists(st.sampled_from(files(made)), min_size=1, max_size=5, unique=True))
    contents = {}
    for name in names:
        mutants = damage.mutants(json.loads((whole / name).read_bytes()))
        contents[output / name] = data.draw(mutants | st.sampled_from(list(damage.CONTENTS.values())))
    assert_heals(made, names, lambda path: path.write_bytes(contents[path]))


@pytest.mark.parametrize("kind", [*damage.PLACES, *damage.CONTENTS])
def test_all_files_at_once(made: ProfileBuild, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made.settings.root)  # The path of a socket must be short.

    def change(path: Path) -> None:
        if kind in damage.PLACES:
            damage.put(path, kind)
        else:
            path.write_bytes(damage.CONTENTS[kind])

    assert_heals(made, files(made), change)
