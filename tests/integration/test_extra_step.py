"""A step is one file and one script: with these two files added, all that knows steps knows it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import documents
from tests.integration.checkout import Checkout, ran
from tests.integration.test_explain import verdicts
from tests.integration.test_shell import piped

FILES = Path(__file__).parent / "extra_step"


@pytest.fixture
def own(checkout: Checkout, built: Checkout) -> Checkout:
    """A checkout with a debate of its own."""
    checkout.own_code()
    checkout.pin(built)
    return checkout


@pytest.fixture
def extra(own: Checkout) -> Checkout:
    """A checkout with the step `extra`, which is made for `minimal`."""
    shutil.copy(FILES / "extra.py", own.directory / "debate" / "steps")
    shutil.copy(FILES / "extra.sh", own.directory / "sandbox")
    said = ran(own.doit("extra:minimal"))
    assert said["rootfs"] == "cached", "the keys of the other steps are as they were"
    return own


def python(checkout: Checkout, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=checkout.directory, env=checkout.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def report(checkout: Checkout) -> list[str]:
    return checkout.object(checkout.artifact("minimal", "extra", "report").digest).read_text().splitlines()


def test_it_is_made_once(extra: Checkout) -> None:
    heading, *names = report(extra)
    assert heading == "minimal has:"
    assert set(names) == {package["name"] for package in extra.json("minimal", "lock.json")["packages"]}
    said = extra.doit("extra:minimal")
    assert ran(said) == {}
    assert "up to date" in said


def test_a_change_is_seen_and_explained(extra: Checkout) -> None:
    """A change of its part of the profile, and one of its script."""
    assert verdicts(extra.doit("explain:minimal"))["extra"] == "up to date"
    profile = extra.directory / "profiles" / "minimal.yaml"
    profile.write_text(f"{profile.read_text()}hostname: another\n")
    script = extra.directory / "sandbox" / "extra.sh"
    script.write_text(f"{script.read_text()}echo end >> /run/out/report\n")
    said = extra.doit("explain:minimal")
    assert verdicts(said)["extra"] == "would run"
    why = said[said.index("extra:minimal") :]
    assert "sandbox/extra.sh changed" in why
    assert re.search(r"~ hostname: minimal -> another \(profiles/minimal\.yaml:[0-9]+:11\)", why), why
    assert ran(extra.doit("extra:minimal"))["extra"] == "built"
    heading, *_, last = report(extra)
    assert (heading, last) == ("another has:", "end")
    assert verdicts(extra.doit("explain:minimal"))["extra"] == "up to date"


def test_a_shell_in_it(extra: Checkout) -> None:
    said = piped(extra, "shell:extra:minimal", "cat /run/in/heading /etc/os-release; wc -l < /run/out/report\n")
    assert "extra.sh finished. This shell is in its sandbox, as it left it." in said
    assert "\nminimal has:\n" in said
    assert "\nID=debian\n" in said
    assert f"\n{len(report(extra))}\n" in said


def test_whatever_lists_steps_names_it(extra: Checkout) -> None:
    assert re.search(r"^extra:minimal +write a report on the packages$", extra.doit("list", "--all"), re.MULTILINE)
    assert re.search(r"^STEP is .*\bextra\b", extra.doit("help", "shell"), re.MULTILINE)
    arrows = {line.strip() for line in python(extra, "-m", "debate.graph.diagram").splitlines()}
    assert {"config -->|extra| extra", "rootfs --> extra", "sandbox --> extra"} <= arrows
    compared = "from debate.commands.logic.verify import compared; print(*compared())"
    assert "extra" in python(extra, "-c", compared).split()


def test_the_example_in_contributing(own: Checkout) -> None:
    """tests/unit/test_contributing.py looks where the step and the command are listed; here they run."""
    for block in documents.blocks("CONTRIBUTING.md"):
        if Path(block.file).stem in ("sizes", "largest"):
            documents.write(own.directory, block)
    said = own.doit("largest:minimal")
    assert ran(said)["sizes"] == "built"
    found = re.findall(r"^([0-9]+) (/\S+)$", said, re.MULTILINE)
    assert len(found) == 20
    sizes = [int(size) for size, _ in found]
    assert sizes == sorted(sizes, reverse=True)
    assert any(re.fullmatch(r"/usr/lib/.*\.so[.0-9]*", path) for _, path in found), found
