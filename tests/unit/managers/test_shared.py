"""Addresses of mirrors: what settings and hosts may say, and what is said of the rest."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import distributions, managers
from debate.distributions import debian
from debate.errors import DebateError
from debate.managers import shared
from debate.managers.interface import Repository, Request
from debate.settings import Settings
from debate.settings import load as load_settings
from tests.conftest import write_files
from tests.serving import serving

DATED = {"debian": "{archive} and {date}", "arch": "{date}"}
"""Distribution -> the placeholders that the address of its dated mirror may have."""


def settings(mirrors: dict[str, str]) -> Settings:
    return Settings(root=Path(), cache=Path(), output=Path(), mirrors=mirrors)


def request(distribution: str, snapshot: str | None = None) -> Request:
    facts = distributions.get(distribution)
    return replace(shared.tools_request(facts, facts.RELEASES[0]), snapshot=snapshot)


def dated(distribution: str, template: str) -> dict[str, str]:
    """The addresses that are made of a template."""
    known = settings({f"{distribution}-snapshot": template})
    wanted = request(distribution, "20260102T030405Z")
    return dict(managers.get(distribution).mirrors(known, wanted, {}).addresses)


@pytest.mark.parametrize("distribution", DATED)
@pytest.mark.parametrize(
    "wrong", ["{arch}", "{", "}", "{}", "{0}", "{date!x}", "{date.x}", "{date[0]}", "{date:9}", "{{date}}", "{ date}"]
)
def test_a_malformed_template(distribution: str, wrong: str) -> None:
    with pytest.raises(DebateError) as caught:
        dated(distribution, f"http://s.example/{wrong}/{{date}}")
    (problem,) = caught.value.problems
    variable = f"DEBATE_MIRROR_{distribution.upper()}_SNAPSHOT"
    assert str(problem.place) == f"setting mirrors.{distribution}-snapshot"
    assert wrong in problem.fact
    assert problem.remedy == f"{variable} may contain {DATED[distribution]}"


@pytest.mark.parametrize("name", DATED)
@pytest.mark.parametrize("address", ["http://s.example/{arch}/{date}", "ftp://s.example/{date}", "http://s.example/}"])
def test_a_malformed_template_is_located(tmp_path: Path, name: str, address: str) -> None:
    (tmp_path / "debate.toml").write_text(f'jobs = 1\n[mirrors]\n{name}-snapshot = "{address}"\n')
    variable = f"DEBATE_MIRROR_{name.upper()}_SNAPSHOT"
    for environment, place in (({}, "debate.toml:3"), ({variable: address}, variable)):
        with pytest.raises(DebateError) as caught:  # noqa: PT012 - by whichever knows it
            known = load_settings(tmp_path, environment)
            managers.get(name).mirrors(known, request(name, "20260102T030405Z"), {})
        assert [str(problem.place) for problem in caught.value.problems] == [place]


@given(st.sampled_from(sorted(DATED)), st.text(alphabet="{}!.:[]0adeht", max_size=12))
def test_any_template_is_an_address_or_refused(distribution: str, text: str) -> None:
    try:
        found = dated(distribution, f"http://s.example/{text}")
    except DebateError:
        assert set("{}[]").intersection(text)
    else:
        left = text.replace("{date}", "").replace("{archive}", "" if distribution == "debian" else "{archive}")
        assert "{" not in left
        assert "}" not in left
        assert all("{" not in address and "}" not in address for address in found.values())


@pytest.mark.parametrize("distribution", DATED)
@pytest.mark.parametrize(
    "address",
    ["mirror.example/a", "ftp://m.example", "file://relative", "http://", "http://a b", 'http://a"', "x:y", "\n"],
)
def test_an_address_that_is_none(
    distribution: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # The host's own mirrors are of no interest, and slow to ask for.
    manager, wanted = managers.get(distribution), request(distribution)
    upper = distribution.upper()
    for name, mirrors, snapshot in (
        (distribution, {distribution: address}, None),
        (f"{distribution}-snapshot", {f"{distribution}-snapshot": address}, "20260102T030405Z"),
    ):
        with pytest.raises(DebateError) as caught:
            manager.mirrors(settings(mirrors), replace(wanted, snapshot=snapshot), {})
        (problem,) = caught.value.problems
        assert str(problem.place) == f"setting mirrors.{name}"
        assert repr(address) in problem.fact
        assert problem.remedy.startswith(f"set DEBATE_MIRROR_{upper}")
    own = replace(wanted, repositories=(Repository("extra", "k", (), ()),))
    with pytest.raises(DebateError, match=r"setting mirrors\.extra: .*; set DEBATE_MIRROR_EXTRA to"):
        manager.mirrors(settings({distribution: "http://m.example", "extra": address}), own, {})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/drips"):
            with contextlib.suppress(OSError):
                self.wfile.write(b"HTTP/1.0 200 OK\r\n")
                for number in range(200):
                    self.wfile.write(b"X-%d: y\r\n" % number if number < 90 else b"y")
                    time.sleep(0.1)
            return
        if self.path.startswith("/floods"):
            with contextlib.suppress(OSError):
                self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
                while True:
                    self.wfile.write(bytes(1 << 20))
        self.send_response(200 if self.path == "/arch/core/os/x86_64/core.db" else 404)
        self.send_header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as served:
        yield f"http://127.0.0.1:{served.server_port}"


def test_a_mirror_of_arch_is_asked(server: str, tmp_path: Path) -> None:
    manager = managers.get("arch")
    [said] = manager.reach_mirrors(settings({"arch": f"{server}/arch/"}))
    date = "core of Sun, 06 Nov 1994 08:49:37 GMT; DEBATE_MIRROR_ARCH names it"
    assert said == f"arch: {server}/arch answers, {date}"
    database = tmp_path / "core/os/x86_64/core.db"
    write_files(tmp_path, {"core/os/x86_64/core.db": ""})
    os.utime(database, (784111777, 784111777))
    assert list(manager.reach_mirrors(settings({"arch": f"file://{tmp_path}"}))) == [
        f"arch: file://{tmp_path} answers, {date}"
    ]
    [error] = manager.reach_mirrors(settings({"arch": f"{server}/other"}))
    assert str(error) == (
        f"{server}/other/core/os/x86_64/core.db is unavailable; check the network, or set DEBATE_MIRROR_ARCH to "
        "another mirror"
    )


@pytest.mark.parametrize("distribution", ["arch", "debian"])
def test_a_mirror_that_sends_for_ever(server: str, monkeypatch: pytest.MonkeyPatch, distribution: str) -> None:
    """In little pieces, of which none comes late; and as fast as it can."""
    monkeypatch.setattr(shared, "PATIENCE", 2)
    monkeypatch.setattr(shared, "_INDEX_BYTES", 1 << 20)
    manager = managers.get(distribution)
    for fault in ("drips", "floods"):
        if (distribution, fault) != ("arch", "floods"):  # For Arch, the body is not read.
            known = settings({distribution: f"{server}/{fault}", "debian-security": f"{server}/{fault}"})
            for error in manager.reach_mirrors(known):
                assert "is unavailable; check the network, or set DEBATE_MIRROR_" in str(error)


@pytest.mark.parametrize(
    ("distribution", "index"), [("arch", "core/os/x86_64/core.db"), ("debian", "dists/trixie/InRelease")]
)
def test_a_directory_is_looked_into(tmp_path: Path, distribution: str, index: str) -> None:
    addresses = {distribution: f"file://{tmp_path}/", "debian-security": f"file://{tmp_path}/none"}
    known, manager = settings(addresses), managers.get(distribution)
    error, *more = manager.reach_mirrors(known)
    assert f"{index}: missing; set DEBATE_MIRROR_{distribution.upper()} to a directory" in str(error)
    (tmp_path / index).parent.mkdir(parents=True)
    (tmp_path / index).write_text("Date: Thu, 01 Jan 2026 00:00:00 UTC\n")
    said, *more = manager.reach_mirrors(known)
    assert str(said).startswith(f"{distribution}: file://{tmp_path} answers")
    if distribution == "debian":
        assert str(said).endswith("trixie of Thu, 01 Jan 2026 00:00:00 UTC; DEBATE_MIRROR_DEBIAN names it")
    assert [str(each) for each in more] == [
        f"file://{tmp_path}/none/dists/trixie-security/InRelease: missing; set DEBATE_MIRROR_DEBIAN_SECURITY to a "
        "directory that holds an archive"
    ] * (distribution == "debian")


def test_a_derivative_is_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another archive, keyring and origin, without a line of its own code in a manager."""
    facts = ModuleType("derivative")
    facts.__dict__.update({name: value for name, value in vars(debian).items() if not name.startswith("_")})
    facts.__dict__.update(
        NAME="derivative", TITLE="Derivative", KEYRING="/usr/share/keyrings/derivative.gpg", TOOLS_RELEASE="one",
        ARCHIVES={"derivative": ("{release}", "{release}-security")}, ROLLING=(), COMPONENTS=("universe",),
        DEFAULT_COMPONENTS=("universe",), ORIGIN="Derivative", TOOLS={"dracut": ("dracut-of-ours",)},
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "debate.distributions.derivative", facts)
    manager = managers.get("derivative")
    wanted = replace(request("debian"), distribution="derivative", release="one", components=("universe",))
    found = manager.mirrors(settings({"derivative": "http://d.example"}), wanted, {})
    supplies = manager.lock_supplies(settings({}), wanted, found)
    assert supplies.files["sources.list"].decode().splitlines() == [
        "deb [signed-by=/usr/share/keyrings/derivative.gpg] http://d.example one universe",
        "deb [signed-by=/usr/share/keyrings/derivative.gpg] http://d.example one-security universe",
    ]
    assert manager.tools_step(b"").parameters["release"] == b"one"
    with pytest.raises(
        DebateError,
        match=r"mirror derivative: no address of .* Derivative is known: .*; set DEBATE_MIRROR_DERIVATIVE to",
    ):
        manager.mirrors(settings({}), wanted, {})
