"""What overlay.sh finds in a system, by names that a profile has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, many

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
"""Those that are /bin/sh in Debian and Arch."""
FEW = many(15)


def run(shell: str, script: str, data: str = "") -> str:
    words = [shell, "-euc", f". {ROOT}/sandbox/present.sh\n{script}"]
    done = subprocess.run(words, input=data, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


INSTANCES = st.text("ab.@:\\-_1", min_size=1, max_size=8)


@pytest.mark.parametrize("shell", SHELLS)
@FEW
@given(instances=st.lists(INSTANCES, min_size=1, max_size=9))
def test_instances_of_units(shell: str, instances: list[str]) -> None:
    """systemd.unit(5): the name is up to the first @, and the type behind the last dot."""
    script = """
        directory=$(mktemp -d)
        unit_directories=$directory
        touch "$directory/real@.service"
        ln -s real@.service "$directory/alias@.service"
        while IFS= read -r instance; do
            unit_file "real@$instance.service" | sed 's,.*/,,'
            real_unit "alias@$instance.service"
        done
        rm -r "$directory"
    """
    found = run(shell, script, "".join(f"{instance}\n" for instance in instances)).split("\n")[:-1]
    assert found == [name for each in instances for name in ("real@.service", f"real@{each}.service")]


@pytest.mark.skipif(not Path("/usr/share/zoneinfo/leapseconds").exists(), reason="needs tzdata")
@pytest.mark.parametrize(
    ("name", "problems"), [("Europe/Berlin", 0), ("Etc/GMT+5", 0), ("leapseconds", 1), ("Europe", 1)]
)
def test_time_zones(name: str, problems: int) -> None:
    """Beside them, there are files and directories that are none."""
    assert run("sh", f"problem() {{ echo problem; }}; has_timezone {name}").count("problem") == problems
