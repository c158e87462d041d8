"""Requests are typed slices of the config: they have its fields, all of them and no other."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from debate.managers.interface import Request, Target

CONFIGS = sorted((Path(__file__).parents[1] / "steps" / "golden").glob("*.config.json"))


@pytest.mark.parametrize(("step", "kind"), [("lock", Request), ("rootfs", Target)])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_a_request_is_its_slice(config: Path, step: str, kind: type[Request | Target]) -> None:
    values = json.loads(config.read_text())[step]
    assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(values, kind))) == values
