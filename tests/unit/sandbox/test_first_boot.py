"""sandbox/debian/first-boot.sh: what packages made for one machine is removed, and made anew by each."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT


def cured(root: Path) -> dict[str, str]:
    """The units that were made, without the start and the end of their names -> text."""
    subprocess.run(["sh", "-euc", f". '{ROOT}/sandbox/debian/first-boot.sh'"], cwd=root, check=True)
    units = (root / "etc/systemd/system").glob("first-boot-*.service")
    return {unit.stem.removeprefix("first-boot-"): unit.read_text() for unit in units}


def test_a_system_without_such_packages(tmp_path: Path) -> None:
    assert cured(tmp_path) == {}
    assert not list(tmp_path.iterdir())


def test_clusters_of_postgresql(tmp_path: Path) -> None:
    """Each is made where there is no data yet, whatever the profile has in the directory of its configuration."""
    for cluster in ("17/main", "17/other"):
        for path in (f"etc/postgresql/{cluster}/postgresql.conf", f"var/lib/postgresql/{cluster}/PG_VERSION"):
            (tmp_path / path).parent.mkdir(parents=True)
            (tmp_path / path).touch()
    units = cured(tmp_path)
    unit = units["postgresql-17-main"]
    aside = [set(re.findall("/run/[a-z0-9-]+", text)) for text in units.values()]
    assert len(set.union(*aside)) == len(aside) == 2, "none takes what another has put aside"
    assert not (tmp_path / "etc/postgresql/17/main").exists()
    assert not (tmp_path / "var/lib/postgresql/17/main").exists()
    assert "ConditionPathExists=!/var/lib/postgresql/17/main/PG_VERSION\n" in unit
    assert [line.partition(" ")[0] for line in unit.splitlines() if line.startswith("ExecStart=")] == [
        "ExecStart=/bin/sh", "ExecStart=/usr/bin/pg_createcluster", "ExecStart=/bin/sh",
    ]  # fmt: skip
    wants = tmp_path / "etc/systemd/system"
    assert (wants / "postgresql@17-main.service.wants/first-boot-postgresql-17-main.service").is_symlink()
    assert (wants / "postgresql.service.wants/postgresql@17-main.service").is_symlink()
