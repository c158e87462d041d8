"""The name of an Arch package's file has one meaning: two packages of a lock never share one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import distributions, managers
from debate.managers import shared
from debate.model import Locked

_words = st.text("a1-_.+", min_size=1, max_size=6).map(lambda text: f"a{text}")
_versions = st.text("1a-_.:~+", min_size=1, max_size=6).map(lambda text: f"1{text}")


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


@given(st.lists(st.tuples(_words, _versions, st.sampled_from(["any", "x86_64"])), min_size=2))
def test_no_two_packages_share_a_file(packages: list[tuple[str, str, str]]) -> None:
    request = shared.tools_request(distributions.get("arch"), "rolling")
    fit = set()
    for name, version, architecture in packages:
        path = f"{name}-{version}-{architecture}.pkg.tar.zst"
        package = replace(ZLIB, name=name, version=version, architecture=architecture, path=path)
        if managers.get("arch").unfit(package, request) is None:
            fit.add((path, name, version, architecture))
    assert len({path for path, *_ in fit}) == len(fit)
