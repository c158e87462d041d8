"""The tasks, files and fields that the documentation names exist."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from debate.commands.command import commands
from debate.frontend.help import step_names
from debate.profile import load as load_module
from debate.profile.load import load
from debate.steps import config, initrd
from debate.text import openpgp
from tests import documents
from tests.conftest import PROFILES, ROOT

WORDS = {*commands(), *step_names(), "help", "list", "info", "clean", "forget", "tabcompletion", "run"}


@pytest.mark.parametrize("name", documents.NAMES)
def test_commands(name: str) -> None:
    code = "\n".join(block.text for block in documents.blocks(name) if block.language == "sh")
    inline = re.findall(r"`doit (?:-\S+ (?:\d )?)*([a-z][\w-]*)", (ROOT / name).read_text())
    lines = re.findall(r"(?:^|\| )doit (?:-\S+ (?:\d )?)*([a-z][\w-]*)", code, re.MULTILINE)
    examples = {Path(block.file).stem for block in documents.blocks(name) if block.language == "python"}
    assert set(inline + lines) <= WORDS | examples


@pytest.mark.parametrize("name", documents.NAMES)
def test_links(name: str) -> None:
    text = (ROOT / name).read_text()
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", text):
        target = (ROOT / name).parent / link if link else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor[1:] in documents.anchors(target.read_text()), f"{link}{anchor}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs/ci").iterdir()), ids=lambda path: path.name)
def test_sections_that_recipes_cite(path: Path) -> None:
    cited = re.findall(r'README,[\s#]+"([^"]+)"', path.read_text())
    assert cited
    assert all(f"## {title}\n" in (ROOT / "README.md").read_text() for title in cited)


def test_recipes_are_profiles(tmp_path: Path) -> None:
    """Each of them can be normalised."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles", symlinks=True)
    made = [block for block in documents.blocks("docs/recipes.md") if block.file]
    for block in made:
        documents.write(tmp_path, block)
    (tmp_path / "profiles" / "keys").mkdir()
    shutil.copy(PROFILES / "keys" / "extra.asc", tmp_path / "profiles" / "keys")
    (tmp_path / "profiles" / "overlays" / "tool" / "etc").mkdir(parents=True)
    (tmp_path / "profiles" / "overlays" / "tool" / "etc" / "tool.conf").touch()
    names = [Path(block.file).stem for block in made if block.language == "yaml"]
    assert len(names) == 11
    for name in names:
        config.normalise(load(tmp_path / "profiles", name), tmp_path / "profiles")


def files_of(value: object, field: str = "") -> Iterator[str]:
    """The files that a profile names, relative to profiles/."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from files_of(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from files_of(item, field)
    elif field in ("overlays", "hooks", "key", "source", "picture", "font"):
        yield str(value)


OWN = {"docs/recipes.md": {"keys/extra.asc"}}
"""Document -> files that whoever follows it has from elsewhere: the key of a repository."""


@pytest.mark.parametrize("name", [name for name in documents.NAMES if name != "docs/profile.md"])
def test_each_file_that_an_example_names_is_there(name: str) -> None:
    """It is shipped, shown by another block, or made by a command."""
    blocks = documents.blocks(name)
    shown = [block.file for block in blocks if block.file]
    commands = "\n".join(block.text for block in blocks if block.language == "sh")
    profiles = [yaml.safe_load(block.text) for block in blocks if block.language == "yaml"]
    for profile in profiles:
        if not isinstance(profile, dict) or "version" not in profile:
            continue
        for file in {*files_of(profile)} - OWN.get(name, set()):
            path = f"profiles/{file}"
            there = (ROOT / path).exists() or any(each == path or each.startswith(f"{path}/") for each in shown)
            assert there or path in commands, f"{name}: {path}"


@pytest.mark.parametrize("generator", initrd._READ)
def test_what_the_initramfs_hears_is_listed(generator: str) -> None:
    lines = (ROOT / "docs/initramfs.md").read_text().splitlines()
    [row] = [line.split("|")[2].strip() for line in lines if line.startswith(f"| {generator or 'all'} | /")]
    row, _, below = row.partition("; below /usr/lib: ")
    listed = [*row.split(", "), *(f"/usr/lib/{name}" for name in below.split(", ") if name)]
    assert sorted(listed) == sorted(path.rstrip("/") for path in initrd._READ[generator])


def test_bounds_are_those_of_the_code() -> None:
    assert f"more than {load_module._MAX_NODES:,} values" in (ROOT / "docs/refused.md").read_text()
    assert f"more than {load_module._MAX_CHAIN:,} profiles" in (ROOT / "docs/refused.md").read_text()
    assert f"more than {openpgp._MOST:,} packets" in (ROOT / "docs/archives.md").read_text()


TESTED = {"SECURITY.md": "## What debate promises", "docs/threats.md": "", "docs/sandbox.md": "", "docs/secrets.md": ""}
"""Document -> the title below which it promises something, and says where that is tested; empty for all of it."""


def promises(name: str) -> list[str]:
    """The rows and points of a document in which it promises something."""
    text = (ROOT / name).read_text()
    text = text[text.index(TESTED[name]) :]
    rows = [
        line for line in text.split("\n") if line.startswith("| ") and not line.startswith(("| with |", "| kind |"))
    ]
    return rows if rows else re.split(r"\n(?=- )", text.partition("\nA way around")[0])[1:]


@pytest.mark.parametrize("name", ["SECURITY.md", "docs/threats.md"])
def test_each_promise_has_a_test(name: str) -> None:
    found = promises(name)
    assert len(found) > 9
    assert [text for text in found if not re.search("`tests?[_/]", text)] == []


def test_each_part_of_the_sandbox_has_a_test() -> None:
    """Each point, and each title but that of what is needed, names one."""
    text = (ROOT / "docs/sandbox.md").read_text().partition("\n## What a host needs")[0]
    titles = re.split(r"\n(?=## )", text)[1:]
    points = [point for part in titles for point in re.split(r"\n(?=- \*\*)", part)[1:]]
    assert len(titles) > 5
    assert len(points) > 10
    assert [part for part in (*titles, *points) if not re.search("`(tests?[_/]|[a-z-]+[.]pl`)", part)] == []


@pytest.mark.parametrize("name", TESTED)
def test_the_tests_exist(name: str) -> None:
    """A path, a file or a function."""
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*") if "__pycache__" not in path.parts}
    functions = {
        name
        for file in files
        if file.endswith(".py")
        for name in re.findall(r"def (test_\w+)", (ROOT / file).read_text())
    }
    named = re.findall(r"`(tests/[\w/.-]+|test_\w+(?:\.py)?|[a-z-]+\.pl)`", (ROOT / name).read_text())
    assert named or name == "docs/secrets.md"
    last = {file.rpartition("/")[2] for file in files}
    assert [test for test in named if test.rstrip("/") not in {*files, *functions, *last}] == []
