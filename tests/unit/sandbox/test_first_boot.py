"""sandbox/debian/first-boot.sh: what packages made for one machine is removed, and made anew by each."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

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


MAKE = {
    "dropbearkey": 'echo made > "$4"',
    "make-ssl-cert": "echo made > ROOT/etc/ssl/private/ssl-cert-snakeoil.key; "
    "echo made > ROOT/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "mungekey": "echo made > ROOT/etc/munge/munge.key",
    "rndc-confgen": "echo made > ROOT/etc/bind/rndc.key",
    "iscsi-iname": "echo made",
    "su": 'shift 3; sh "$@"',
    "chown": ":",
}
"""Programs of the packages, which may not be here: each overwrites what is there."""
OWN = {
    "openssh-server": [
        f"etc/ssh/ssh_host_{kind}_key{end}" for kind in ("rsa", "ecdsa", "ed25519") for end in ("", ".pub")
    ],
    "dropbear": [f"etc/dropbear/dropbear_{kind}_host_key" for kind in ("rsa", "ecdsa", "ed25519")],
    "ssl-cert": ["etc/ssl/private/ssl-cert-snakeoil.key", "etc/ssl/certs/ssl-cert-snakeoil.pem"],
    "munge": ["etc/munge/munge.key"],
    "bind9": ["etc/bind/rndc.key"],
    "nvme-cli": ["etc/nvme/hostid", "etc/nvme/hostnqn"],
    "open-iscsi": ["etc/iscsi/initiatorname.iscsi"],
    "rabbitmq-server": ["var/lib/rabbitmq/.erlang.cookie"],
}
"""Unit -> what it makes."""
TOGETHER = {"ssl-cert", "nvme-cli"}
"""Those of which one file may not be made where the profile has another, since they belong together."""


def boots(root: Path, unit: str) -> None:
    """Do what systemd does with a unit. What is below / for it is below ``root``."""
    made = re.search(r"(?m)^ConditionPathExists=!/(.*)$", unit)
    if made and (root / made[1]).exists():
        return
    programs = root.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name, text in MAKE.items():
        (programs / name).write_text(f"#!/bin/sh\n{text.replace('ROOT', str(root))}\n")
        (programs / name).chmod(0o755)
    for command in re.findall(r"(?m)^ExecStart=(.*)$", unit):
        text = re.sub(r"/(etc|var)/", lambda match: f"{root}/{match[1]}/", command.replace("$$", "$"))
        text = re.sub(r"/usr/s?bin/|/bin/", "", text).replace("ssh-keygen -A", f"ssh-keygen -A -f {root}")
        done = subprocess.run(
            shlex.split(text),
            env={"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", OWN)
def test_what_the_profile_has_is_kept(tmp_path: Path, name: str) -> None:
    """Each file that a unit makes, alone, and none."""
    if name == "openssh-server" and not shutil.which("ssh-keygen"):
        pytest.skip("needs ssh-keygen")
    root = tmp_path / "root"
    for path in OWN[name]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("of the package\n")
    unit = cured(root)[name]
    # To make a key of RSA for ssh takes seconds.
    for kept in OWN[name][:1] if name == "openssh-server" else (None, *OWN[name]):
        for path in OWN[name]:
            (root / path).unlink(missing_ok=True)
        if kept:
            (root / kept).write_text("of the profile\n")
        boots(root, unit)
        there = [path for path in OWN[name] if (root / path).exists() or f"{kept}.pub" == path]
        assert there == OWN[name] or (kept and name in TOGETHER)
        assert [
            path for path in there if (root / path).exists() and (root / path).read_text().startswith("of the profile")
        ] == [kept] * bool(kept)


def test_each_unit_is_tried() -> None:
    script = (ROOT / "sandbox/debian/first-boot.sh").read_text()
    assert set(re.findall(r"(?m)^own ([a-z0-9-]+) ", script)) == OWN.keys()
