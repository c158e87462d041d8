"""No field of a lock says where a package's file lies: two packages never share one, whatever they are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from debate import distributions, managers
from debate.build.local import require_names
from debate.distributions.interface import Distribution
from debate.errors import DebateError
from debate.managers import shared
from debate.managers.interface import Initramfs, Manager, Target
from debate.model import Artifact, Locked, Step, Supplies
from debate.profile import lockfile
from debate.settings import Settings

TOOLS = Artifact(f"sha256:{'9' * 64}", 1)
SETTINGS = Settings(root=Path(), cache=Path(), output=Path())
INITRAMFS = Initramfs("x", "x", "x", "x", "", (), (), (), (), False, ())
LONG = "x" * 255

_words = st.text("a1-_.+", min_size=1, max_size=6).map(lambda text: f"a{text}") | st.just(LONG)
_versions = st.text("1a-_.:~+", min_size=1, max_size=6).map(lambda text: f"1{text}") | st.just(LONG)


@st.composite
def locks(draw: st.DrawFn) -> list[Locked]:
    """Packages that one lock can have, of names, versions and files that are much alike."""
    number = draw(st.integers(1, 6))
    found = []
    for n in range(number):
        name, version, architecture = draw(_words), draw(_versions), draw(st.sampled_from(["all", "any", "x86_64"]))
        file = draw(st.sampled_from([f"{name}-{version}-{architecture}.pkg.tar.zst", f"{name}_{version}.deb", "same"]))
        directory = draw(st.sampled_from(["pool/", "core/os/", ""]))
        signature = draw(st.sampled_from(["c2ln", "b3RoZXI="]))
        size, sha256 = n + 1, f"{n:064x}"
        found.append(Locked(name, version, architecture, "arch", f"{directory}{file}", size, sha256, signature))
    return list({package.identity: package for package in found}.values())


def steps(manager: Manager, facts: Distribution, packages: list[Locked]) -> list[Step]:
    """Those that have the packages' files."""
    request = shared.tools_request(facts, facts.RELEASES[0])
    target = Target(facts.NAME, facts.RELEASES[0], facts.ARCHITECTURES[0], (), ())
    return [
        manager.inspect_step(packages, TOOLS), manager.rootfs_step(packages, TOOLS, "6", target, TOOLS, 0),
        manager.added_step(packages, TOOLS, TOOLS, "6", target, (TOOLS,), TOOLS, 0),
        manager.initrd_step(packages, "6", INITRAMFS, None, TOOLS, 0),
        *([manager.proof_step(packages, request, SETTINGS, TOOLS)] if facts.NAME == "arch" else []),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["arch", "debian"])
@given(packages=locks())
@example([Locked(LONG, LONG, "all", "debian", "pool/x.deb", 1, "1" * 64, "c2ln")])
def test_every_package_has_its_own_file(name: str, packages: list[Locked]) -> None:
    facts, manager = distributions.get(name), managers.get(name)
    for step in steps(manager, facts, packages):
        require_names(step, Supplies())
        files = {path: one for path, one in step.inputs.items() if one != TOOLS}
        assert sorted(files.values(), key=str) == sorted((package.artifact for package in packages), key=str)
        for path, one in files.items():
            file = path.rpartition("/")[2]
            assert len(file) <= 72
            assert file.startswith(one.digest.removeprefix("sha256:"))
    desc = "#\n%NAME%\n{0.name}\n\n%VERSION%\n{0.version}\n\n%ARCH%\n{0.architecture}\n\n"
    stanza = desc if name == "arch" else "Package: {0.name}\n"
    index = manager.index((package, stanza.format(package).encode()) for package in packages)
    assert manager.is_index(index, packages)
    for package in packages:
        assert index.count(package.sha256.encode()) == 2, "its digest and the name of its file"


ZLIB = Locked(
    "zlib", "1:1.3-1", "x86_64", "arch", "core/os/x86_64/zlib-1:1.3-1-x86_64.pkg.tar.zst", 5, "a" * 64, "c2ln"
)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("version", {"name": "zlib-1:1.3", "version": "1"}),
        ("version", {"name": "z", "version": "lib-1:1.3-1", "path": "core/z-lib-1:1.3-1-x86_64.pkg.tar.zst"}),
        ("version", {"version": "1:1.3"}),
        ("version", {"version": "1:1.3-x"}),
        ("version", {"version": "1:1.3-1-1"}),
        ("version", {"version": "1:1:1.3-1"}),
        ("path", {"name": "zli"}),
        ("path", {"path": "zlib-1:1.3-1-x86_64.pkg.tar.zst.sig"}),
        ("path", {"path": "zlib-1:1.3-1-x86_64.pkg.tar.zst.zst"}),
        ("path", {"path": "zlib-1:1.3-1-x86_64.pkg.tarzst"}),
        ("path", {"path": "zlib-1:1.3-1-x86_64.pkg.tar."}),
        ("path", {"path": "zlib-1:1.3-1-x86_64"}),
        ("path", {"path": "zlib-1.3-1-x86_64.pkg.tar.zst"}),
        ("path", {"path": "zlib-1%3a1.3-1-x86_64.pkg.tar.zst%2fx"}),
        ("path", {"path": "zlib-1:1.3-1-x86_64.pkg.tar.zst/zlib"}),
        ("path", {"path": "zlib-1%3a1.3-1-x86_64.pkg.tar.zst"}),
        ("", {"path": "zlib-1:1.3-1-x86_64.pkg.tar"}),
        ("", {"version": "1.3.r5+g12-1.1", "path": "zlib-1.3.r5+g12-1.1-x86_64.pkg.tar.xz"}),
    ],
)
def test_an_arch_package_has_the_name_of_its_file(field: str, changes: dict[str, Any]) -> None:
    request = shared.tools_request(distributions.get("arch"), "rolling")
    wrong = managers.get("arch").unfit(replace(ZLIB, **changes), request)
    assert (wrong or [""])[0] == field


@given(packages=locks())
def test_entries_of_a_pacman_database_have_one_meaning(packages: list[Locked]) -> None:
    """They are called NAME-VERSION."""
    request = shared.tools_request(distributions.get("arch"), "rolling")
    fit = {
        (package.name, package.version)
        for package in packages
        if (managers.get("arch").unfit(package, request) or ("path",))[0] != "version"
    }
    assert len({f"{name}-{version}" for name, version in fit}) == len(fit)


def test_a_lock_has_no_package_twice() -> None:
    """So a digest can name a file."""
    package = ZLIB.to_json()
    lock = {
        "format": lockfile.FORMAT, "request": f"sha256:{'0' * 64}", "distribution": "arch", "release": "rolling",
        "architecture": "x86_64", "packages": [package, {**package, "name": "other"}],
    }  # fmt: skip
    with pytest.raises(DebateError, match="its file is listed twice"):
        lockfile.check(lock, "x")
