"""The date of a lock, and who has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.commands.logic.explain import explain
from debate.errors import StepError
from debate.steps import epoch
from tests.conftest import ROOT, write_files
from tests.unit.steps import fake

DATE = 1_767_225_600
"""2026-01-01T00:00:00Z, which the fake's archives have."""
STEPS = ("rootfs", "initrd", "overlay", "iso", "network")


def lock(*dates: str) -> dict[str, Any]:
    return {
        "archives": [{"archive": "debian", "suite": f"s{number}", "date": date} for number, date in enumerate(dates)]
    }


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("sandbox", "dodo.py", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def epochs(root: Path, name: str, text: str) -> dict[str, int]:
    """Step -> its epoch, and that of the manifest, for a profile with ``text``."""
    write_files(root / "profiles", {f"{name}.yaml": f"version: 1\ndescription: x\n{text}"})
    made, builder = fake.build(root, name)
    made.make("build")
    found = {step: values["epoch"] for step, values in builder.asked.items() if step in STEPS}
    return found | {"manifest": made.load("manifest")["epoch"]}


def test_by_default_each_step_has_a_date_of_its_own(root: Path) -> None:
    found = epochs(root, "x", "")
    assert len(set(found.values())) == len(STEPS) - 1, "the ISO and what is beside it have one"
    assert found["iso"] == found["network"] == found["manifest"]
    assert all(keys.EPOCH_START <= value < keys.EPOCH_START + keys.EPOCH_RANGE for value in found.values())
    assert found == epochs(root, "x", "image: {epoch: hash}\n")


def test_all_steps_have_that_of_the_lock(root: Path) -> None:
    assert set(epochs(root, "x", "image: {epoch: lock}\n").values()) == {DATE}


def test_a_base_keeps_its_own(root: Path) -> None:
    write_files(root / "profiles", {"below.yaml": "version: 1\ndescription: x\n"})
    assert set(epochs(root, "x", "base: below\nimage: {epoch: lock}\n").values()) == {DATE}
    made, _ = fake.opened(root, "x")
    assert made.of("below").load("traces/rootfs")["ingredients"]["epoch"] < keys.EPOCH_START + keys.EPOCH_RANGE
    said = "\n".join(made.make("config")["lines"])
    assert "image.epoch: lock is for this profile's own layers; those of the base 'below' have dates of hash" in said


def test_a_change_of_it_is_explained_with_its_line(root: Path) -> None:
    epochs(root, "x", "image: {epoch: hash}\n")
    (root / "profiles" / "x.yaml").write_text("version: 1\ndescription: x\nimage: {epoch: lock}\n")
    text = explain(fake.opened(root, "x")[0]).text
    for step in ("rootfs", "initrd"):
        assert f"{step}:x  would run\n    ~ epoch: hash -> lock (profiles/x.yaml:3:16)\n" in text


def test_the_newest_date_counts() -> None:
    assert epoch.of(lock("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2024-01-01T00:00:00Z"), "x") == DATE


FUTURE = "2999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("of", "fact", "remedy"),
    [
        ({}, "its lock names no archive, and so no date", "run doit lock:x to refresh it"),
        (lock(), "its lock names no archive, and so no date", "run doit lock:x to refresh it"),
        (lock("2026-13-01T00:00:00Z"), "its lock has 2026-13-01T00:00:00Z, which is no date", "run doit lock:x"),
        (lock("9999-99-99T99:99:99Z", "2026-01-01T00:00:00Z"), "which is no date", "run doit lock:x"),
        (lock("1999-12-31T23:59:59Z"), "its lock is of 1999-12-31T23:59:59Z", "choose a lock of 2000 or later"),
        (lock("0001-01-01T00:00:00Z"), "its lock is of 0001-01-01T00:00:00Z", "choose a lock of 2000 or later"),
        (lock(FUTURE), f"its lock is of {FUTURE}, which is in the future", "set the clock, or wait until then"),
    ],
)
def test_dates_that_files_cannot_have(of: dict[str, Any], fact: str, remedy: str) -> None:
    with pytest.raises(StepError) as raised:
        epoch.of(of, "x")
    [complaint] = raised.value.complaints
    assert fact in complaint.fact
    assert remedy in complaint.remedy
    assert (complaint.field, complaint.value) == ("image.epoch", "lock")


def test_a_lock_without_dates_is_refused_at_its_line(root: Path) -> None:
    epochs(root, "x", "image: {epoch: lock}\n")
    made, _ = fake.opened(root, "x")
    record = made.load("lock")
    made.records.save("lock", {name: value for name, value in record.items() if name != "archives"})
    with pytest.raises(StepError) as raised:
        made.make("epoch")
    [problem] = raised.value.problems
    assert str(problem).startswith(
        "profiles/x.yaml:3:16: image.epoch: its lock names no archive, and so no date; run doit lock"
    )
