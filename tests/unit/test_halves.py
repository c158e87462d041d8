"""The integration tests run in two halves, and each of them in one."""

from __future__ import annotations

import re

from tests import halves
from tests.conftest import ROOT


def test_each_file_is_in_one_half() -> None:
    every = {f"--ignore={path.relative_to(ROOT)}" for path in (ROOT / "tests/integration").glob("test_*.py")}
    guests, others = (set(halves.arguments(half)) - {"tests/integration"} for half in ("guests", "others"))
    assert guests | others == every
    assert not guests & others
    assert others == {f"--ignore=tests/integration/test_{name}.py" for name in halves.GUESTS}


def test_those_with_guests_are_named() -> None:
    """By the words that start one."""
    files = {
        path.stem.removeprefix("test_"): path.read_text() for path in (ROOT / "tests/integration").glob("test_*.py")
    }
    starts = re.compile(r'"check:|\.check\(|Guest\(|[ (]machine\(')
    assert {name for name, text in files.items() if starts.search(text)} <= {*halves.GUESTS}
