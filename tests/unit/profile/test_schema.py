"""The schema serves editors: every field is described, has an example, and the example is right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from debate.profile import profile, profile_names, reference
from debate.steps import config
from tests.conftest import PROFILES, ROOT


def fields(part: dict[str, Any], name: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Name, schema and whether it must be given, of every field at every depth."""
    for key, field in part.get("properties", {}).items():
        yield f"{name}{key}", field, key in part.get("required", [])
        yield from fields(field, f"{name}{key}.")
        yield from fields(field.get("items", {}), f"{name}{key}[].")


ALL = list(fields(profile.schema()))


def test_it_is_a_schema_of_the_dialect_it_names() -> None:
    assert profile.schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(profile.schema())


@pytest.mark.parametrize(("name", "field", "required"), ALL, ids=[name for name, _, _ in ALL])
def test_a_field_is_described(name: str, field: dict[str, Any], required: bool) -> None:
    assert field["description"].endswith("."), name
    assert field["examples"], name
    assert required or "default" in field, "an editor cannot show what it is without the field"
    for value in (*field["examples"], *([field["default"]] if "default" in field else [])):
        jsonschema.Draft202012Validator(field).validate(value)
    if "pattern" in field:
        assert field["x-form"], "the message for a value that does not fit says what does"
    if field.get("type") == "object":
        assert field["additionalProperties"] is False


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_profiles(path: Any) -> None:
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../debate/schema/profile.schema.json"
    jsonschema.Draft202012Validator(profile.schema()).validate(yaml.safe_load(path.read_text()))
    loaded = profile.load(path.parent, path.stem).data
    assert path.stem.startswith("_") or loaded["description"]


def test_shipped_names() -> None:
    assert profile_names.names(ROOT / "profiles") == ["arch-minimal", "arch-rescue", "kiosk", "minimal", "rescue"]


def test_the_test_profile_sets_every_field() -> None:
    written = yaml.safe_load((PROFILES / "every.yaml").read_text())
    assert written.keys() == profile.schema()["properties"].keys()
    for name in ("boot", "image", "services", "check"):
        assert written[name].keys() == profile.schema()["properties"][name]["properties"].keys(), name
    for name in ("users", "files", "repositories", "permissions"):
        known = profile.schema()["properties"][name]["items"]["properties"].keys()
        assert set().union(*(item.keys() for item in written[name])) == known, name


def test_the_readmes_profile(profiles: Path) -> None:
    text = (ROOT / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    (profiles / "hooks").mkdir()
    (profiles / "hooks" / "trim.sh").touch()
    shutil.copy(ROOT / "profiles" / "_common.yaml", profiles)
    (profiles / "readme.yaml").write_text(text)
    config.normalise(profile.load(profiles, "readme"), profiles)


def test_the_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "profile.md").read_text() == reference.markdown(), (
        "run python -m debate.profile.reference > docs/profile.md"
    )
