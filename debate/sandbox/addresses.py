"""Which addresses a step with a network may connect to: a host's name is judged by the addresses that it has.

Source: the IANA registries of special-purpose addresses, as `ipaddress` has them.
"""

from __future__ import annotations

import ipaddress
import socket
import urllib.parse

PORTS = {"http": 80, "https": 443}
"""Scheme -> port. A step may connect to these on every public address, since mirrors redirect to others."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_MORE = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
"""Networks that some versions of Python take for public, and the address where Azure's hosts answer their guests."""


IF_MEANT = "if that is meant, name the address in the settings, as a mirror with any name"
"""What to do about an address that a step may not connect to."""


def endpoint(address: str) -> str:
    """``HOST:PORT`` of an http or https address, in lower case; empty if it is none."""
    try:
        parts = urllib.parse.urlsplit(address)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    return joined(parts.hostname or "", port) if parts.hostname and parts.scheme in PORTS else ""


def joined(host: str, port: int) -> str:
    """``HOST:PORT``, in the one form in which endpoints are compared."""
    host = host.lower().rstrip(".")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_direct(host: str, without: str) -> bool:
    """True if a host is asked without a proxy by ``without``, the value of the variable no_proxy: a list of names, of
    domains, or of addresses, which may have the brackets that they have in an address of the web. ``*`` is all."""
    host = host.lower().strip("[]").rstrip(".")
    words = (word.strip().lower().strip("[]").strip(".") for word in without.split(","))
    return any(word == "*" or f".{host}".endswith(f".{word}") for word in words if word)


def is_public(address: str) -> bool:
    """True for the numeric ``address`` of a host on the internet, whatever protocol an IPv4 address is wrapped in."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id:
            return False
        wrapped = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if wrapped:
            return is_public(str(wrapped))
        if found not in _UNICAST:
            return False
    if any(found in network for network in _MORE):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def is_own(address: str) -> bool:
    """True if the numeric ``address`` is one of this host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
