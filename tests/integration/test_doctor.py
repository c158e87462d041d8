"""`doctor` on this host, which can build, and with what it needs taken away."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from debate.commands.logic.doctor import _CAPABILITIES
from tests.integration.checkout import DOIT, Checkout

ALL = (
    "root",
    "Python",
    "nspawn",
    "mmdebstrap",
    "privileges",
    "kernel",
    "limits",
    "sandbox",
    "disk",
    "memory",
    "mirror",
    "mirror",
    "QEMU",
)


def test_this_host(checkout: Checkout) -> None:
    said = checkout.doit("doctor")
    assert "This host can build." in said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("  ok ")] == list(ALL)
    for archive, suite in (("debian", "trixie"), ("debian-security", "trixie-security")):
        assert re.search(rf"  ok      mirror        {archive}: \S+ answers, {suite} of .* UTC; .* names it\n", said), (
            said
        )


def test_a_path_with_separators(checkout: Checkout, tmp_path: Path) -> None:
    """Of mount options and of nspawn's."""
    directory = tmp_path / "a,b:c d"
    directory.mkdir()
    done = subprocess.run(
        [DOIT, "doctor"], cwd=checkout.directory, env={**checkout.environment(), "TMPDIR": str(directory)},
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "This host can build." in done.stdout, done.stdout + done.stderr


def test_a_mirror_that_does_not_answer(checkout: Checkout) -> None:
    said = checkout.doit("doctor", status=1, MIRROR_DEBIAN="http://127.0.0.1:9/debian")
    assert "This host cannot build yet; missing: mirror\n" in said
    assert (
        "  missing mirror        http://127.0.0.1:9/debian/dists/trixie/InRelease is unavailable; check the network, "
        "or set DEBATE_MIRROR_DEBIAN to another mirror" in said
    )


def test_without_loop_devices_and_control_groups(checkout: Checkout) -> None:
    """As in a container to which they were not given."""
    hide = (
        'mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 && mount -t tmpfs tmpfs /sys/fs/cgroup && exec "$@"'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", hide, "sh", DOIT, "doctor"],
        cwd=checkout.directory, env=checkout.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "This host cannot build yet; missing: kernel, limits, sandbox" in said
    assert "modprobe loop, or give this container /dev/loop-control and loop devices" in said
    assert "mount cgroup2 on /sys/fs/cgroup, or run on a host with systemd" in said


def run(checkout: Checkout, *prefix: str) -> str:
    """What doctor says where it runs with ``prefix``. Asserts that it finds something missing, without a traceback."""
    done = subprocess.run(
        [*prefix, DOIT, "doctor"], cwd=checkout.directory, env=checkout.environment(), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    return said


def test_in_a_user_namespace(checkout: Checkout) -> None:
    """As in a container that was started by a user. It is not taken for an old kernel."""
    said = run(checkout, "unshare", "--user", "--map-root-user", "--mount")
    assert "missing privileges    root of a user namespace alone" in said
    assert "; see privileges\n" in said
    assert "Linux 6.2" not in said


@pytest.mark.parametrize("name", [*_CAPABILITIES])
def test_without_a_capability(checkout: Checkout, name: str) -> None:
    """Each of them is needed: its lack is told, and no sandbox starts."""
    less = f"-{name.removeprefix('CAP_').lower()}"
    said = run(checkout, "setpriv", f"--bounding-set={less}", f"--inh-caps={less}")
    assert f"missing privileges    root without {name}, as in a container" in said
    assert "missing sandbox " in said
    assert "Linux 6.2" not in said
