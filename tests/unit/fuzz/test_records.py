"""Whatever is in a file that a build left, it is refused or means what it may: no other file is named or touched.

`tests/unit/history/test_damage.py` builds with such files, too, and sees them healed.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.cache import collect, sources
from debate.commands.logic import publish
from debate.commands.logic.explain import last_run
from debate.commands.logic.verify import read
from debate.errors import DebateError
from debate.frontend.progress import Board
from debate.history.check import is_whole
from debate.history.reasons import Last, reasons
from debate.history.records import Records, key_of, outputs_of, read_json
from debate.history.shapes import SHAPES
from debate.host.files import read_object
from debate.images import results
from debate.profile import sources as profile_sources
from debate.steps.rule import HOST
from debate.steps.rules import rules
from debate.steps.work import ProfileBuild, layers_of, typed
from debate.trace import Trace
from tests.bounded import bounded
from tests.conftest import MEMORY, many
from tests.unit import damage
from tests.unit.steps.fake import build_on_a_base

CHANGES = damage.CHANGES | st.sampled_from(list(damage.CONTENTS))
"""What to do to a file, or the name of what else is in it."""


def changed(whole: bytes, change: damage.Changes | str) -> bytes:
    return damage.CONTENTS[change] if isinstance(change, str) else damage.changed(json.loads(whole), change)


@pytest.fixture(scope="module")
def made(in_memory: Path) -> ProfileBuild:
    """A profile on a base profile, both built."""
    found = build_on_a_base(in_memory)
    found.make("build")
    return found


@pytest.fixture(scope="module")
def whole(made: ProfileBuild) -> Path:
    """A copy of the output directory. Its content itself would be too much for what a failed test prints."""
    return Path(shutil.copytree(made.settings.output, made.settings.root / "whole"))


def files(made: ProfileBuild, whole: Path) -> list[str]:
    """The JSON files of the profile and of the host, below the output directory."""
    paths = [path for name in (made.name, HOST) for path in (whole / name).rglob("*.json")]
    return sorted(str(path.relative_to(whole)) for path in paths if not path.name.endswith(".cdx.json"))


def read_by_all(made: ProfileBuild, path: Path) -> None:
    """Read a file in each way in which something in debate does. Only a DebateError may come of it."""
    owner = made.of(HOST) if HOST in path.parts else made
    name = str(path.relative_to(owner.directory).with_suffix(""))
    value = read_json(path)
    is_whole(name, path)
    assert set(map(type, collect.digests_of(value))) <= {str}
    for artifact in outputs_of(value).values() if "outputs" in value else ():
        assert made.store.path(artifact).parents[2] == made.store.root / "objects"
    if name in SHAPES:
        with suppress(DebateError):
            owner.records.load(name)
        with suppress(DebateError):
            read(made.settings, owner.name, name)
    if name == "rootfs":
        layers_of(value)
    if name.startswith("slices/"):
        kind = rules()[path.stem].slice
        assert kind is not None
        typed(value, kind, path)
    if name.startswith("traces/"):
        last = Last.load(owner.records, path.stem)
        assert all(isinstance(line, str) for line in last_run(last))
        list(map(str, reasons(last, dict(last.read), {"inputs": {}}, {}, made.profile)))
        assert all(isinstance(result, dict) for result in sources._results(read_object(path, Trace)))
        assert all(keys.is_key(key) for _, key in publish._made(made)), "they become paths"
        assert keys.is_key(key_of(value, str(path)))


def others(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of all that is not a file of the output directory."""
    found = (path for path in root.rglob("*") if "build" not in path.relative_to(root).parts[:1])
    return {str(path): ((state := path.lstat()).st_size, state.st_mtime_ns) for path in found}


@many(1000)
@given(number=st.integers(0, 999), change=CHANGES)
def test_a_record(made: ProfileBuild, whole: Path, number: int, change: damage.Changes | str) -> None:
    names = files(made, whole)
    name = names[number % len(names)]
    path, kept = made.settings.output / name, (whole / name).read_bytes()
    content = changed(kept, change)
    path.write_bytes(content)
    try:
        with suppress(DebateError), bounded():
            read_by_all(made, path)
        assert path.read_bytes() == content, "who reads it leaves it alone"
    finally:
        path.write_bytes(kept)


def test_unchanged_they_are_read(made: ProfileBuild, whole: Path) -> None:
    """Or the test above would show nothing."""
    before = others(made.settings.root)
    for path in (made.settings.output / name for name in files(made, whole)):
        if path.parent.name == "traces" and "key" not in json.loads(path.read_bytes()):
            continue
        if "read" in path.parts:
            with pytest.raises(DebateError):  # It has no key.
                read_by_all(made, path)
            continue
        read_by_all(made, path)
    assert others(made.settings.root) == before


@pytest.fixture(scope="module")
def directory(made: ProfileBuild) -> Iterator[Path]:
    """An output directory in memory, where there is one, with a file beside it."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        target = Path(name) / made.name
        target.mkdir()
        (Path(name) / f"{made.name}-beside").write_text("x")
        yield target


NAMES = st.sampled_from([
    "manifest.json", "minimal-amd64.iso", "minimal-amd64.cdx.json", "minimal-x.y", "minimal-", "minimal", "", ".",
    "../minimal-beside", "minimal-../x.y", "minimal-/../../minimal-beside.", "/etc/x", "minimal-a\n.x", "hash.json",
])  # fmt: skip
STATES = st.lists(st.integers(-1, 1 << 70), max_size=3) | st.sampled_from(damage.VALUES)


@many(1000)
@given(
    more=st.dictionaries(NAMES | st.text(max_size=9), STATES, max_size=3),
    changes=st.tuples(CHANGES, CHANGES),
)
def test_build_json(
    made: ProfileBuild, whole: Path, directory: Path, more: dict[str, object],
    changes: tuple[damage.Changes | str, damage.Changes | str],
) -> None:  # fmt: skip
    """It names the files that are removed as root, and, with manifest.json, those that are sent."""
    for name, change in zip(("manifest", "build"), changes, strict=True):
        value = json.loads((whole / made.name / f"{name}.json").read_bytes())
        if name == "build":
            value["files"] = {file: written(directory / file) for file in value["files"]} | more
        (directory / f"{name}.json").write_bytes(changed(json.dumps(value).encode(), change))
    (directory / "hash.json").write_text("{}")
    other = SimpleNamespace(name=made.name, directory=directory, load=Records(directory).load)
    with bounded():
        found = results.files(directory)
        if results.present(directory):
            with suppress(DebateError):
                statement, _ = publish._finished(other, "amd64")  # type: ignore[arg-type]
                assert statement.files.keys() == results.names(made.name, "amd64")
        with suppress(DebateError):
            list(profile_sources.files(directory, made.settings.profiles))
        with redirect_stdout(io.StringIO()):
            results.remove(directory)
    assert all((directory / name).parent == directory and name.isprintable() for name in found)
    assert {path.name for path in directory.parent.iterdir()} == {made.name, f"{made.name}-beside"}
    assert (directory / "hash.json").exists(), "only results are removed"
    assert (directory / "minimal-amd64.iso").exists() == ("minimal-amd64.iso" not in found)


def written(path: Path) -> list[int]:
    """Make a result, unless it is there already. Returns its size and time."""
    if path.name != "manifest.json":
        path.write_text("x")
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


@many(1000)
@given(
    content=damage.mutants({"rootfs:minimal": 9.5, "iso:minimal": 3})
    | st.sampled_from(sorted(damage.CONTENTS.values()))
)
def test_times(directory: Path, content: bytes) -> None:
    """How long steps took, for what is shown."""
    (directory / "times.json").write_bytes(content)
    with bounded():
        board = Board(directory / "times.json", io.StringIO())
        assert all(isinstance(seconds, int | float) for seconds in board.times().values())
