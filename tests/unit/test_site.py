"""The documentation is a site, too: .ci/site makes it."""

from __future__ import annotations

import html
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import documents
from tests.conftest import ROOT

PAGES = [name for name in (*documents.NAMES, "CHANGELOG.md") if name != "docs/index.md"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site. Making it fails for a link or an anchor that leads nowhere."""
    if importlib.util.find_spec("mkdocs") is None:
        lacking = "needs mkdocs; ./setup test installs it"
        pytest.fail(lacking) if os.environ.get("CI") else pytest.skip(lacking)
    directory = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / ".ci" / "site", directory], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{directory}/index.html\n"
    return directory


def page(site: Path, name: str) -> str:
    found = "index.html" if name == "README.md" else f"{name.removesuffix('.md')}.html"
    return (site / found).read_text()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_in_the_menu_and_in_the_index(site: Path, name: str) -> None:
    """And each of its blocks is one, with the name of its file."""
    text = page(site, name)
    link = "../index" if name == "README.md" else os.path.relpath(name.removesuffix(".md"), "docs")
    assert f'<a href="{link}.html"' in page(site, "docs/index.md"), "the menu of each page"
    assert f"](../{name})" in index() or f"]({name.removeprefix('docs/')})" in index()
    blocks = documents.blocks(name)
    assert text.count("<pre>") >= len(blocks)
    assert "<p>```" not in text
    assert "\\|" not in text
    for block in blocks:
        assert not block.file or f"<code>{html.escape(block.file)}</code>:" in text, block.file


def index() -> str:
    return (ROOT / "docs" / "index.md").read_text()


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, site: Path) -> None:
    assert site.exists()
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / ".ci", copy / ".ci")
    for name in ("docs", "completion", "debate", "tests", *(path.name for path in ROOT.glob("*.md")), "LICENSE"):
        (copy / name).symlink_to(ROOT / name)
    (copy / "SECURITY.md").unlink()
    (copy / "SECURITY.md").write_text("# Security\n\n[nothing](docs/threats.md#nothing)\n")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [copy / ".ci" / "site", tmp_path / "out"], env=environment, capture_output=True, text=True, cwd=copy
    )
    assert done.returncode != 0
    assert "does not contain an anchor '#nothing'" in done.stderr
