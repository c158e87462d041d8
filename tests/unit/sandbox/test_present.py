"""What overlay.sh finds in a system, by names that a profile has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.distributions import glibc
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


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("tr_TR", "write tr_TR.ISO-8859-9"),
        ("hi_IN", "write hi_IN.UTF-8"),
        ("sr_RS@latin", "write sr_RS.UTF-8@latin"),
        ("de_DE", ""),
        ("de_DE@euro", ""),
        ("tr_TR.UTF-8", ""),
    ],
)
def test_locales_without_a_character_set(tmp_path: Path, name: str, remedy: str) -> None:
    """Of which locale.gen has the most common one: SUPPORTED has each locale's own."""
    (tmp_path / "SUPPORTED").write_text(
        "tr_TR.UTF-8 UTF-8\ntr_TR ISO-8859-9\nhi_IN UTF-8\nsr_RS UTF-8\nsr_RS@latin UTF-8\nde_DE ISO-8859-1\n"
        "de_DE@euro ISO-8859-15\n"
    )
    parts = glibc.locale_parts({"locale": name, "timezone": "UTC"})
    (made,) = (made for made in parts.made if made.entry.path == "/etc/locale.gen")
    (tmp_path / "locale.gen").write_bytes(made.content)
    script = (ROOT / "sandbox" / "present.sh").read_text()
    for path in ("/usr/share/i18n/SUPPORTED", "/etc/locale.gen"):
        script = script.replace(path, str(tmp_path / path.rpartition("/")[2]))
    (tmp_path / "present.sh").write_text(script)
    told = f'. {tmp_path}/present.sh; problem() {{ printf "%s\\n" "$4"; }}; has_locale "{name}"'
    said = subprocess.run(["sh", "-euc", told], capture_output=True, text=True).stdout.split("\n")
    assert said[0].startswith("write ") == bool(remedy)
    assert not remedy or said[0] == remedy
