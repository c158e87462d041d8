"""Who may name what: a profile names http and https addresses, and only settings name the host's own files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import distributions, managers
from debate.errors import DebateError
from debate.managers import host_apt, shared
from debate.managers.interface import Repository, Request
from debate.profile.schema import schema
from debate.settings import Settings

DISTRIBUTIONS = ("debian", "arch")
HOSTILE = (
    "file:///", "file:///etc", "FILE:///etc", "File:/etc", "file:/etc", "file:etc", "file://localhost/etc",
    " file:///etc", "file:///etc\n", "copy:/etc", "copy:///etc", "cdrom:[disc]/", "cdrom://disc",
    "mirror+file:/etc/list", "mirror+file:///etc/list", "mirror://x/", "mirror+http://m.example/list", "tor+http://m/",
    "store:/etc", "rsh://h/", "ssh://h/", "rred:/x", "gpgv:/x", "ftp://m.example/", "data:,x", "http:file:///etc",
    "http+file:///etc", "http://", "http:///etc", "http:/m.example", "http://m.example\n", "http://m.example\nServer",
    "http://m.example/ stable main\ndeb [trusted=yes] file:///", "[trusted=yes] http://m.example/",
    "http://m.example/[trusted=yes]", "http://m.example/ [trusted=yes]", "http://m.example/#", "http://m.example/?a",
    "http://m.example/\tx", "http://m.example/\r\nSigLevel = Never", "http://m.example/\nSigLevel = Never",
    "http://m.example/\nInclude = /etc/shadow", "http://m.example/$repo", "http://m.example/$arch", "http://$arch/",
    "http://m.example/'", 'http://m.example/"', "http://m.example/\\", "http://m.example/%0a", "http://m.example/\0",
    "http://m.example/\x85x", "http://m.example/\u2028x", "http://user:password@m.example/", "http://m.example:80x/",
    "http://m.example/%0A", "http://m.example/%", "http://m.example/%2", "http://m.example/%zz", "http://m.example/%1f",
    "/etc", "//etc", "../etc", "", "-oDir::Etc=/etc", "http://m.example/{date}", "http://m.éxample/", "HTTP://m.example/",
)  # fmt: skip
"""Addresses that no profile may name: kinds of apt's and curl's, and what would end a word or a line of their files."""
GOOD = (
    "http://m.example", "http://m.example/", "https://m.example/debian", "http://127.0.0.1:3142/deb.example/debian",
    "https://[2001:db8::1]:8443/a/b", "https://m.example/~user/apt+x/1.0_2/(a)", "https://m.example/%7Euser/a%20b/%c3%a9",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _a_host_without_apt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whose mirrors change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
        yield


def settings(**mirrors: str) -> Settings:
    return Settings(root=Path(), cache=Path(), output=Path(), mirrors=mirrors)


def request(distribution: str) -> Request:
    facts = distributions.get(distribution)
    return shared.tools_request(facts, facts.RELEASES[0])


def with_extra(distribution: str) -> Request:
    return replace(request(distribution), repositories=(Repository("extra", "k", ("s",), ("c",)),))


def valid(field: dict[str, object], value: str) -> bool:
    return jsonschema.Draft202012Validator(field).is_valid(value)


def fields() -> list[dict[str, object]]:
    properties = schema()["properties"]
    return [properties["mirror"], properties["repositories"]["items"]["properties"]["url"]]


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_no_profile_may_name(address: str) -> None:
    """The schema refuses it with its line. The package managers refuse it too, whatever wrote the slice."""
    assert not any(valid(field, address) for field in fields() if address != "http://m.example\n")  # JSON Schema's $
    for distribution in DISTRIBUTIONS:
        manager = managers.get(distribution)
        with pytest.raises(DebateError, match=r"may not name the address|no address is known"):
            manager.mirrors(
                settings(**{distribution: "http://m.example"}), with_extra(distribution), {"extra": address}
            )
        if address:
            with pytest.raises(DebateError, match=f"mirror {distribution}: a profile may not name the address"):
                manager.mirrors(settings(), request(distribution), {distribution: address})


@pytest.mark.parametrize("address", GOOD)
def test_an_address_that_a_profile_may_name(address: str) -> None:
    assert all(valid(field, address) for field in fields())
    for distribution in DISTRIBUTIONS:
        named = {distribution: address, "extra": address}
        found = managers.get(distribution).mirrors(settings(), with_extra(distribution), named)
        assert found.directories == {}
        assert found.addresses[distribution] == found.addresses["extra"] == address.rstrip("/")


@given(
    st.text(alphabet="fileFILEcopyhtps:/+.[]= \n\t\r$#%'\"\\-a1@\x00\x85", max_size=24), st.sampled_from(DISTRIBUTIONS)
)
def test_no_text_of_a_profile_reaches_the_hosts_files(address: str, distribution: str) -> None:
    try:
        found = managers.get(distribution).mirrors(
            settings(), with_extra(distribution), {"extra": address, distribution: address or "http://m"}
        )
    except DebateError:
        return
    assert found.directories == {}
    assert all(re.fullmatch(r"https?://[^\s$#%'\"\\]+", each) for each in found.addresses.values())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_settings_name_the_directory_of_a_repository(distribution: str) -> None:
    """So a profile can use one by its name, with an address for everybody else or without any."""
    known = settings(**{distribution: "http://m.example", "extra": "file:///srv/packages"})
    for named in ({"extra": "https://e.example/apt"}, {}):
        found = managers.get(distribution).mirrors(known, with_extra(distribution), named)
        assert found.directories == {"extra": "/srv/packages"}
        assert found.addresses["extra"] == "copy:/run/mirror/extra"
    message = r"repositories: extra: no address is known; give the repository a url, or set DEBATE_MIRROR_EXTRA to its"
    with pytest.raises(DebateError, match=message):
        managers.get(distribution).mirrors(settings(**{distribution: "http://m"}), with_extra(distribution), {})


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_what_only_a_profile_names_must_be_public(distribution: str) -> None:
    """A step with a network may connect to other addresses only where the settings name the same host and port."""
    manager, wanted = managers.get(distribution), with_extra(distribution)
    named = {"extra": "http://10.0.0.1:8080/apt", distribution: "http://127.0.0.1/x"}
    found = manager.mirrors(settings(), wanted, named)
    assert found.public == ("10.0.0.1:8080", "127.0.0.1:80")
    assert not {*found.public} & {*found.trusted}
    found = manager.mirrors(settings(**{distribution: "http://127.0.0.1/y"}), wanted, named)
    assert found.public == ("10.0.0.1:8080",)
    assert "127.0.0.1:80" in found.trusted
    found = manager.mirrors(settings(any="http://10.0.0.1:8080/"), wanted, named)
    assert found.public == ("127.0.0.1:80",)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_dated_mirrors_are_named_by_settings(distribution: str) -> None:
    template = "http://{archive}.example/{date}" if distribution == "debian" else "http://debian.example/{date}"
    wanted = replace(request(distribution), snapshot="20260102T030405Z")
    found = managers.get(distribution).mirrors(settings(**{f"{distribution}-snapshot": template}), wanted, {})
    assert found.public == ()
    assert "debian.example:80" in found.trusted


def test_directories_need_no_network() -> None:
    found = shared.mirrors(
        {"debian": "file:///srv/d"}, request("debian"), settings(debian="file:///srv/d", x="http://x"), {}
    )
    assert shared.reach_of(found).endpoints == ()
    found = shared.mirrors({"debian": "http://d.example"}, request("debian"), settings(), {})
    assert shared.reach_of(found).public == ("d.example:80",)


def test_the_hosts_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://e.example:1")
    monkeypatch.setenv("https_proxy", "http://e.example:2")
    monkeypatch.setenv("no_proxy", ".example")
    found = shared.mirrors({"debian": "http://d.example"}, request("debian"), settings(), {})
    assert shared.reach_of(found).proxies == {
        "http": "http://e.example:1", "https": "http://e.example:2", "no": ".example",
    }  # fmt: skip
    said = (
        'Acquire::http::Proxy "http://a.example:3142/";\n'
        'Acquire::http::Proxy::d.example "DIRECT";\n'
        'Acquire::http::Proxy-Auto-Detect "/bin/x";\n'
    )
    monkeypatch.setattr(host_apt, "configured", lambda: (said, ""))
    assert shared.reach_of(found).proxies == {
        "http": "http://a.example:3142/", "https": "http://a.example:3142/", "http::d.example": "DIRECT",
        "no": ".example",
    }  # fmt: skip
