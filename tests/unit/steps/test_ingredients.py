"""What the key of each step is made of, word for word, for three profiles."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from debate.steps.rules import rules
from tests.conftest import PROFILES, ROOT
from tests.unit.steps.fake import build

GOLDEN = Path(__file__).parent / "golden"


def without_code(value: Any) -> Any:
    """``value`` without the digests of scripts and modules, which change with every edit of them."""
    if isinstance(value, dict):
        found = {name: without_code(item) for name, item in value.items() if name not in ("host", "code")}
        return found | {"script": sorted(value["script"])} if isinstance(value.get("script"), dict) else found
    return [without_code(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["minimal", "every", "arch-minimal"])
def test_golden(tmp_path: Path, name: str) -> None:
    """DEBATE_TEST_GOLDEN=write writes the files anew: look at what git diff says then."""
    shutil.copytree(ROOT / "sandbox", tmp_path / "sandbox")
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copytree(PROFILES, tmp_path / "profiles", dirs_exist_ok=True, symlinks=True)
    found = {"secrets-1": b"passwords\0root/.netrc\0\0\0"} if name == "every" else {}
    _, builder = build(tmp_path, name, found)
    asked = {step: without_code(json.loads(json.dumps(values))) for step, values in builder.asked.items()}
    text = json.dumps(asked, indent=1, sort_keys=True) + "\n"
    path = GOLDEN / f"{name}.ingredients.json"
    if os.environ.get("DEBATE_TEST_GOLDEN") == "write":
        path.write_text(text)
    assert path.read_text() == text
    assert asked.keys() >= {rule.name for rule in rules().values() if rule.outputs and rule.pure}
