"""What the tests that build and boot for real need, and what they share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.archive import Archive
from tests.integration.checkout import Checkout, assert_nothing_left, host_state

collect_ignore = [
    name
    for name, variable in {
        "test_arch_mirror.py": "DEBATE_MIRROR_ARCH",
        "test_desktop.py": "DEBATE_TEST_DESKTOP",
    }.items()
    if not os.environ.get(variable)
]
"""A machine without an Arch mirror, or without hours, has nothing to skip there."""

_PROGRAMS = ("systemd-nspawn", "mmdebstrap", "qemu-system-x86_64", "dpkg-deb", "gpg", "unsquashfs", "xorriso",
             "docker-registry", "openssl", "skopeo", "minisign", "bsdtar", "repo-add", "makepkg", "zsh",
             "fish", "grub-mkimage", "mkfs.fat", "mcopy", "mke2fs")  # fmt: skip


ODD = ("""/usr/share/it's "odd" $x;{#}%n""", """/usr/share/it's "odd" $x;{#}%y""")
"""Files of debate-probe, of which `every` excludes the first."""


def _missing() -> str:
    """Why these tests cannot run here, or an empty string."""
    if os.geteuid() != 0:
        return "needs root"
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"needs {', '.join(lacking)}; ./setup test installs them" if lacking else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session", autouse=True)
def _requirements() -> None:
    reason = _missing()
    if reason and os.environ.get("CI"):
        pytest.fail(f"integration tests may not be skipped in CI: {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does, the machine is afterwards as it was."""
    before = host_state()
    yield
    for value in request.node.funcargs.values():
        if isinstance(value, Checkout):
            assert_nothing_left(before, value)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which `minimal` was built from nothing. Tests leave it as it is.

    Its path has what separates mount options, nspawn's binds and QEMU's options, and what a shell expands.
    """
    checkout = Checkout.make(tmp_path_factory.mktemp("built") / "check out,1:2 %d$HOME\"'\\")
    checkout.doit("build:minimal")
    return checkout


_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def wheel(checkout: Path, directory: Path) -> None:
    """Build the wheel of a checkout into ``directory``."""
    argv = [*_PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory), str(checkout)]
    subprocess.run(argv, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program `debate` of a wheel of this checkout, in a virtual environment that has nothing else of it."""
    directory = tmp_path_factory.mktemp("installed")
    wheel(ROOT, directory)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory / "venv"], check=True)
    python = directory / "venv" / "bin" / "python"
    subprocess.run([*_PIP, "--python", str(python), "install", *directory.glob("*.whl")], check=True)
    return str(python.with_name("debate"))


@pytest.fixture
def elsewhere(built: Checkout, installed: str, tmp_path: Path) -> Checkout:
    """A workspace of an installed debate, beside a cache that knows `minimal`."""
    made = Checkout.elsewhere(tmp_path / "else where", built.cache, installed)
    made.pin(built)
    return made


@pytest.fixture
def checkout(built: Checkout, tmp_path: Path) -> Checkout:
    """A fresh checkout beside a cache that knows `minimal`."""
    return Checkout.make(tmp_path / "checkout", built.cache)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A small signed package archive."""
    made = Archive.make(tmp_path_factory.mktemp("archive"))
    made.add("debate-probe", "1.0", {"/usr/share/debate-probe": "probe\n", **dict.fromkeys(ODD, "odd\n")})
    made.add("debate-kernel", "1.0", {"/boot/vmlinuz-9-debate": "x", "/usr/lib/modules/9-debate/modules.order": ""})
    made.publish()
    return made
