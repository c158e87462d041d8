"""While packages are installed no service starts, and a policy-rc.d of a package is there afterwards."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

HELD = "#!/bin/sh\nexit 101\n"


def look(path: Path) -> str | None:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return path.read_text() if path.exists() else None


@pytest.mark.parametrize("meanwhile", [None, "of another", "-> new", HELD])
@pytest.mark.parametrize("before", [None, "of a package", "-> /gone", HELD])
def test_a_packages_own_stays(tmp_path: Path, before: str | None, meanwhile: str | None) -> None:
    """``meanwhile``: what dpkg puts there, with a rename as it does."""
    policy = tmp_path / "usr/sbin/policy-rc.d"
    policy.parent.mkdir(parents=True)

    def put(text: str) -> str:
        return (
            f"ln -sfn {text[3:]} {policy}"
            if text.startswith("-> ")
            else f"rm -f {policy}; printf %s '{text}' > {policy}"
        )

    script = f"{(ROOT / 'sandbox/debian/services.sh').read_text()}\n{put(before) if before else ''}\n"
    script += f"hold_services {tmp_path}\n[ -x {policy} ] && sh {policy} || [ $? -eq 101 ]\n"
    script += f"{put(meanwhile) if meanwhile else ''}\nrelease_services {tmp_path}\n"
    subprocess.run(["sh", "-euc", script], check=True)
    assert look(policy) == (meanwhile or before)
    assert [path.name for path in policy.parent.iterdir()] == (["policy-rc.d"] if meanwhile or before else [])
