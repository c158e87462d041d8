"""Which addresses are public, in whatever they are wrapped."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as some

from debate.sandbox.addresses import endpoint, is_direct, is_own, is_public, joined

INSIDE = (
    "0.0.0.0",  # noqa: S104
    "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "168.63.129.16", "192.0.0.192", "192.88.99.1", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
OUTSIDE = ("1.1.1.1", "8.8.8.8", "151.101.2.132", "199.232.1.1", "172.32.0.1", "128.31.0.62")
SIX_INSIDE = (
    "::", "::1", "::7f00:1", "fe80::1", "fe80::1%lo", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1",
    "100::1", "2001:db8::1", "3fff::1", "2001::1", "2001:10::1", "64:ff9b:1::1", "4000::1", "::ffff:0:7f00:1",
)  # fmt: skip
SIX_OUTSIDE = ("2a04:4e42::644", "2600:9000::1", "2001:4860:4860::8888", "2620:0:861::1")


@pytest.mark.parametrize("address", [*INSIDE, *SIX_INSIDE])
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [*OUTSIDE, *SIX_OUTSIDE])
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("form", ["::ffff:{}", "64:ff9b::{}", "2002:{hex}::1"])
@given(number=some.integers(0, 2**32 - 1) | some.sampled_from([int(ipaddress.ip_address(a)) for a in INSIDE + OUTSIDE]))
def test_wrapped_as_it_is_bare(form: str, number: int) -> None:
    bare = ipaddress.IPv4Address(number)
    pair = f"{number >> 16:x}:{number & 0xFFFF:x}"
    assert is_public(str(ipaddress.IPv6Address(form.format(bare, hex=pair)))) == is_public(str(bare))


@given(some.ip_addresses())
def test_what_is_public_can_be_routed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if is_public(str(address)):
        wrong = (address.is_loopback, address.is_link_local, address.is_multicast, address.is_unspecified)
        assert not any(wrong)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("http://m.example/debian", "m.example:80"),
        ("https://M.example./debian", "m.example:443"),
        ("http://m.example:8080", "m.example:8080"),
        ("http://[::1]:3142/x", "[::1]:3142"),
        ("https://user:word@m.example/x", "m.example:443"),
        ("copy:/run/mirror/x", ""),
        ("file:///srv/x", ""),
        ("http://m.example:99999/", ""),
        ("http://[::1/", ""),
        ("http:///x", ""),
        ("", ""),
    ],
)
def test_endpoints(address: str, wanted: str) -> None:
    assert endpoint(address) == wanted


@given(some.text())
def test_any_text_has_an_endpoint_or_none(text: str) -> None:
    endpoint(text)
    endpoint(f"http://{text}")


def test_endpoints_have_one_form() -> None:
    assert joined("M.Example.", 80) == "m.example:80"
    assert joined("::1", 80) == "[::1]:80"


def test_own_addresses() -> None:
    assert is_own("127.0.0.1")
    assert is_own("127.1.2.3")
    assert not is_own("8.8.8.8")
    if socket.has_ipv6:
        assert not is_own("2001:4860:4860::8888")


@pytest.mark.parametrize(
    ("host", "without", "direct"),
    [
        ("::1", "::1", True),
        ("::1", "[::1]", True),
        ("[::1]", "::1", True),
        ("[FD00::1]", "localhost, [fd00::1]", True),
        ("::1", "::2,[::11]", False),
        ("m.example", "m.example", True),
        ("M.example.", ".EXAMPLE.", True),
        ("m.example", "example", True),
        ("am.example", "m.example", False),
        ("m.example", "a.m.example", False),
        ("m.example", "*", True),
        ("m.example", "", False),
        ("m.example", " , .,[]", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.11", False),
    ],
)
def test_what_is_asked_without_a_proxy(host: str, without: str, direct: bool) -> None:
    assert is_direct(host, without) == direct
