"""The README's first commands on a bare Debian with only git, python3 and root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from debate import distributions, managers, settings
from debate.managers import host_apt, shared
from tests.conftest import ROOT
from tests.integration.checkout import STORED, Checkout, hook, host_state, ran
from tests.integration.test_sandbox import runs

COMMANDS = re.findall(r"^\./setup .*$", (ROOT / "README.md").read_text(), re.MULTILINE)

ONE = "tests/integration/test_boot.py::test_a_guest_that_does_nothing_fails"
"""What of the integration tests runs in there, in the QEMU of that Debian: the others run beside this one already."""
CONDITIONS = f"DEBATE_UID_BASE={1_310_720_000 + 65536 * 3} DEBATE_PROCESSORS=1 DEBATE_SCRATCH=disk"
LEAVES = "setsid sleep 4242 > /dev/null 2>&1 &\n"
CACHE = ("objects", "actions", "locks", "tmp")

ENTER = """\
set -eu
mount --bind "$1" "$1"
cd "$1"
for name in proc sys dev; do mount --rbind /$name $name; done
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p old
pivot_root . old # Not chroot: in one, the kernel gives out no user namespaces.
cd /
umount -l old
exec sh -c "$2"
"""


def _left_out(directory: str, names: list[str]) -> set[str]:
    """What a clone does not have. debate/build is a package, whereas build/ has results."""
    made = {ROOT: {"build"}, ROOT / "cache": set(CACHE)}.get(Path(directory), set())
    everywhere = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "*.egg-info")
    return everywhere(directory, names) | (made & set(names))


class Bare:
    """A minbase system in a directory."""

    def __init__(self, root: Path, release: str) -> None:
        self.root = root
        request = shared.tools_request(distributions.get("debian"), release)
        found = managers.get("debian").mirrors(settings.load(ROOT), request, {})
        sources = "".join(
            f"deb {found.addresses[archive]} {suite.format(release=release)} main\n"
            for archive, suite in (("debian", "{release}"), ("debian-security", "{release}-security"))
            if archive in found.addresses
        )
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", "--include=git,python3", release, str(root), "-"],
            input=sources, text=True, check=True, capture_output=True,
        )  # fmt: skip
        (root / "etc/apt/apt.conf.d/99proxy").write_text(host_apt.configured()[0])
        (root / "etc/dpkg/dpkg.cfg.d/fast").write_text("force-unsafe-io\n")
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(f"/etc/{name}", root / "etc" / name)
        certificates = Path("/etc/ssl/certs/ca-certificates.crt")
        if certificates.exists():
            shutil.copyfile(certificates, root / "etc/ca.crt")
        shutil.copytree(ROOT, root / "checkout", symlinks=True, ignore=_left_out)

    def run(self, command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "PIP_CERT": "/etc/ca.crt"}
        environment["NODE_EXTRA_CA_CERTS"] = "/etc/ca.crt"
        for name in ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "CI"):
            if name in os.environ:
                environment[name] = os.environ[name]
        inside = f"cd /checkout && {command}"
        if user != "root":
            inside = f"cd /checkout && exec setpriv --reuid={user} --clear-groups --regid=nogroup sh -c '{command}'"
        argv = ["unshare", "--mount", "--propagation=private", "sh", "-c", ENTER, "sh", str(self.root), inside]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


OTHER = "bookworm" if "trixie" in Path("/etc/os-release").read_text() else "trixie"
"""The Debian that this host is not: all other tests run on this one."""


@pytest.fixture(params=[OTHER])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bare]:
    tmp_path.parent.chmod(0o755)
    tmp_path.chmod(0o755)
    before = host_state()
    made = Bare(tmp_path / "root", request.param)
    yield made
    left = {kind: set(now) - set(before[kind]) for kind, now in host_state().items()}
    assert not any(left.values()), left
    shutil.rmtree(made.root)


def test_the_quick_start(bare: Bare, built: Checkout) -> None:
    """And the same config gives the same ISO, bit for bit, with nothing of the first build but the lock.

    Another are the Debian with its mmdebstrap, systemd and Python, the range of users, the tools tree and the cache.
    """
    checkout = Checkout(bare.root / "checkout", bare.root / "checkout" / "cache")
    checkout.pin(built)
    assert COMMANDS == ["./setup build:minimal", "./setup test"], "the README's quick start"
    first = bare.run(f"DEBATE_MIRROR_DEBIAN=http://127.0.0.1:9 ./setup config:minimal && {CONDITIONS} {COMMANDS[0]}")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "This host cannot build yet; missing: mirror\n" in first.stderr, (
        "for the first command, where the mirror is missing"
    )
    assert first.stderr.count("This host") == 1, "and not for the second, where nothing is"
    said = first.stdout
    packages = next(line for line in said.splitlines() if line.startswith("debate: installing Debian packages:"))
    assert {"systemd-container", "mmdebstrap", "python3-venv"} <= set(packages.split())
    assert "qemu" not in packages, "only where asked"
    assert (
        said.index(packages)
        < said.index("debate: installing into .venv, from PyPI, what .ci/requirements.txt pins: attrs==")
        < said.index("  sandbox ")
    )
    checked = bare.run("cd build/minimal && sha256sum -c minimal-amd64.iso.sha256")
    assert checked.stdout == "minimal-amd64.iso: OK\n"
    steps = {step: how for step, how in ran(said).items() if step in STORED}
    assert steps == dict.fromkeys(STORED, "built")
    for step in STORED:
        assert checkout.json("minimal", f"{step}.json") == built.json("minimal", f"{step}.json"), step
    for name in ("cdx.json", "packages", "iso.sha256", "iso"):
        same = (each.output("minimal", f"minimal-amd64.{name}").read_bytes() for each in (checkout, built))
        assert next(same) == next(same), name
    assert checkout.json("minimal", "manifest.json") == built.json("minimal", "manifest.json")
    looked_at = bare.run("./setup doctor")
    assert "This host can build." in looked_at.stdout, looked_at.stdout + looked_at.stderr
    assert "  note    QEMU          not installed; check:NAME needs it" in looked_at.stdout
    hook(checkout, LEAVES)
    checkout.pin_as("mine", built)
    left = bare.run(".venv/bin/doit overlay:mine")
    assert left.returncode == 0, left.stdout + left.stderr
    assert not runs("sleep", "4242"), "what a hook leaves running does not outlive it"
    again = bare.run("rm profiles/hook.sh profiles/mine.* profiles/minimal.lock.json && .venv/bin/doit lock:minimal")
    assert re.search(r"lock:minimal .* [0-9]+ packages", again.stdout), again.stdout + again.stderr

    refused = bare.run(".venv/bin/doit build:minimal", user="nobody")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert re.fullmatch(r"ERROR: building needs root, .*; run: sudo \S+doit build:minimal\n", refused.stderr)
    looked = bare.run(".venv/bin/doit", user="nobody")
    assert re.search("minimal +Smallest Debian", looked.stdout), looked.stderr
    refused = bare.run("./setup build:minimal", user="nobody")
    assert refused.stderr.strip().endswith("so it needs root; run: sudo ./setup build:minimal")

    # Style and hostile input are the same everywhere, and another Python or library shows in a row of each table.
    some = " ".join(f"tests/unit/{name}" for name in ("managers", "profile", "steps"))
    units = f"{COMMANDS[1]} -rs -n auto --dist worksteal {some}"
    second = bare.run(f"DEBATE_TEST_EXAMPLES=3 DEBATE_TEST_ROWS=1 {units} && {COMMANDS[1]} {ONE}")
    assert second.returncode == 0, second.stdout + second.stderr
    assert not [line for line in second.stdout.splitlines() if line.startswith("SKIPPED")]
    assert "qemu-system-x86" in second.stdout.partition("debate: installing Debian packages:")[2].splitlines()[0]
