"""The field `network`: what it makes of files, links and units, and what is wrong with it.

Sources: systemd.network(5), systemd-resolved.service(8) (/etc/resolv.conf); iwd.network(5), iwd.config(5);
nm-settings-keyfile(5), nm-settings-nmcli(5), NetworkManager.conf(5); l_settings of ell, and GKeyFile, which both write
a leading space as ``\\s`` and a backslash as two.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from debate.entry import Entry, Made, text_entry
from debate.text.paths import fits_stars

if TYPE_CHECKING:
    from debate.errors import Place
    from debate.steps.choices import Choices

    Named = Mapping[str, Mapping[str, Place]]
    """Unit -> verb -> where it is said last."""

_NETWORKD = "systemd-networkd"
_UNITS = {
    _NETWORKD: ("systemd-networkd.service", "systemd-resolved.service"),
    "NetworkManager": ("NetworkManager.service",),
}
_WIFI_UNITS = {_NETWORKD: ("iwd.service",), "NetworkManager": tuple[str, ...]()}
_DIRECTORY = "/usr/local/lib/systemd/network"
"""Generators of the initramfs take files in /etc along. There, the profile can have another one of the same name."""
_ON_LAN = "[Match]\nType=ether\nKind=!*\n\n[Network]\nDHCP=yes\n"
"""`Kind` leaves out bridges, tunnels and the like, which other programs make."""
_ON_AIR = "[Match]\nType=wlan\nWLANInterfaceType=station\n\n[Network]\nDHCP=yes\nIgnoreCarrierLoss=3s\n"
_KEYFILES = "/etc/NetworkManager/system-connections"
_IWD = "/var/lib/iwd"
_SSID_BYTES = 32
_PLAIN = re.compile(r"[A-Za-z0-9_ -]+")
"""A name of a wireless network that iwd takes for the name of a file as it is."""


def add(choices: Choices) -> list[Made]:
    """Files and links for the network of a profile. Notes a problem for each part of it that cannot be."""
    network = choices.data["network"]
    if network == "none":
        return []
    before = len(choices.problems)
    _note_faults(choices, network)
    if len(choices.problems) > before:
        return []
    made = _of_networkd if network["manager"] == _NETWORKD else _of_network_manager
    return list(made(network))


def units(choices: Choices, named: Named) -> tuple[str, ...]:
    """What has to start for it. Notes a problem where the profile says otherwise."""
    network = choices.data["network"]
    if network == "none":
        return ()
    manager = network["manager"]
    found = (*_UNITS[manager], *(_WIFI_UNITS[manager] if network["wifi"] else ()))
    for unit in found:
        for verb in ("disable", "mask"):
            if place := named.get(unit, {}).get(verb):
                fact = f"network: it needs {unit}, which is in {verb} of services ({place})"
                choices.problem(("network",), fact, "leave it out there, or write `network: none`")
    other = next(name for name in _UNITS if name != manager)
    for unit in _UNITS[other][:1]:
        if place := named.get(unit, {}).get("enable"):
            fact = f"network: {manager} manages it, and services enable {unit} ({place}), which would, too"
            choices.problem(("network",), fact, f"keep one: `network: {{manager: {other}}}`, or leave the unit out")
    return found


def own_addresses(network: Any) -> list[str]:
    """The addresses of IPv4 that the system has without asking for them."""
    interfaces = [] if network == "none" else network["interfaces"]
    return [address for item in interfaces for address in item["addresses"] if ":" not in address]


def tell_of_checks(choices: Choices) -> None:
    """Tell if `network` gives the guest of a check no address: its card has a name and an address of QEMU's."""
    network = choices.data["network"]
    if not choices.data["check"]["ports"] or (network != "none" and network["dhcp"]):
        return
    interfaces = [] if network == "none" else network["interfaces"]
    fits = [item for item in interfaces if set("*?") & set(item["match"])]
    if not any(item["dhcp"] or any(":" not in address for address in item["addresses"]) for item in fits):
        fact = "check.ports: by network, the guest of a check has no address of IPv4 at which its ports could answer"
        choices.told.append(f"{fact}: its card has a name and an address of QEMU's")


def _note_faults(choices: Choices, network: Mapping[str, Any]) -> None:
    if not (network["dhcp"] or network["interfaces"] or network["wifi"]):
        choices.problem(("network", "dhcp"), "network: nothing is left of it", "write `network: none`")
    manager, packages = network["manager"], choices.distribution.NETWORKING["NetworkManager"].packages
    for number, word in enumerate(choices.data["packages"] if manager == _NETWORKD else ()):
        if word.partition("=")[0] in packages:
            fact = f"network: {manager} manages it, and so would {word} ({choices.place(('packages', number))})"
            choices.problem(("network", "manager"), fact, "choose NetworkManager, or leave the package out")
    for number, item in enumerate(network["interfaces"]):
        _note_interface(choices, number, item)
    for number, item in enumerate(network["wifi"]):
        _note_wifi(choices, number, item, manager)


def _note_interface(choices: Choices, number: int, item: Mapping[str, Any]) -> None:
    def note(field: str, fact: str, remedy: str) -> None:
        choices.problem(("network", "interfaces", number, field), f"network.interfaces: {fact}", remedy)

    if not (item["addresses"] or item["dhcp"]):
        note("match", f"{item['match']} has no address, and does not ask for one", "add addresses, or dhcp: true")
    networks = [each.network for text in item["addresses"] if (each := _parsed(ipaddress.ip_interface, text))]
    for field, parse in (
        ("addresses", ipaddress.ip_interface), ("gateways", ipaddress.ip_address), ("dns", ipaddress.ip_address)
    ):  # fmt: skip
        versions = set[int]()
        for text in item[field]:
            address = _parsed(parse, text)
            if address is None:
                note(field, f"{text} is no address", "correct it")
                continue
            if field == "gateways":
                if not any(address in each for each in networks) and not address.is_link_local:
                    note(field, f"{text} is in no network of addresses", "correct one of them")
                if address.version in versions:
                    note(field, f"{text} is a second router for IPv{address.version}", "keep one")
                versions.add(address.version)


def _parsed(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return None


def _note_wifi(choices: Choices, number: int, item: Mapping[str, Any], manager: str) -> None:
    path = ("network", "wifi", number)
    if len(item["ssid"].encode()) > _SSID_BYTES:
        fact = f"network.wifi: the name {item['ssid']!r} has more than {_SSID_BYTES} bytes"
        choices.problem((*path, "ssid"), fact, "correct it")
    file = (_iwd_file if manager == _NETWORKD else _keyfile)(item)
    if item["password"] and not any(fits_stars(file, each) for each in choices.data["secrets"]["allow"]):
        fact = f"network.wifi: everybody who has the ISO can read this password, in {file}"
        choices.problem((*path, "password"), fact, f"add {file} to secrets.allow if they may, or leave it out")


# systemd-networkd, with iwd --------------------------------------------------------------------------


def _of_networkd(network: Mapping[str, Any]) -> Iterator[Made]:
    # The profile's own file may replace this one, for another resolver.
    yield Made("", Entry("/etc/resolv.conf", "link", mode="0777", target="../run/systemd/resolve/stub-resolv.conf"))
    for number, item in enumerate(_ordered(network["interfaces"]), 1):
        match = item["match"]
        by = "MACAddress" if ":" in match else "Name"
        lines = ["[Match]", f"{by}={match}", "", "[Network]", f"DHCP={'yes' if item['dhcp'] else 'no'}"]
        for field, name in (("addresses", "Address"), ("gateways", "Gateway"), ("dns", "DNS")):
            lines += [f"{name}={value}" for value in item[field]]
        yield _file(f"{_DIRECTORY}/50-profile-{number:03}.network", lines)
    if network["dhcp"]:
        yield Made("network", *text_entry(f"{_DIRECTORY}/80-wired.network", _ON_LAN))
    if network["wifi"]:
        yield Made("network", *text_entry(f"{_DIRECTORY}/80-wireless.network", _ON_AIR))
    for item in network["wifi"]:
        lines = ["[Settings]", "AutoConnect=true"]
        if item["password"]:
            lines = ["[Security]", f"Passphrase={_escaped(item['password'])}"]
        yield _file(_iwd_file(item), lines, mode="0600")


def _iwd_file(item: Mapping[str, Any]) -> str:
    name = item["ssid"] if _PLAIN.fullmatch(item["ssid"]) else f"={item['ssid'].encode().hex()}"
    return f"{_IWD}/{name}.{'psk' if item['password'] else 'open'}"


# NetworkManager --------------------------------------------------------------------------------------


def _of_network_manager(network: Mapping[str, Any]) -> Iterator[Made]:
    """By itself, it lets each wired interface without a connection ask for an address."""
    if not network["dhcp"]:
        yield _file("/etc/NetworkManager/conf.d/50-profile.conf", ["[main]", "no-auto-default=*"])
    for number, item in enumerate(_ordered(network["interfaces"]), 1):
        match = item["match"]
        lines = ["[connection]", f"id={match}", "type=ethernet", f"autoconnect-priority={999 - number}"]
        if ":" in match:
            lines += ["", "[ethernet]", f"mac-address={match}"]
        else:
            lines += ["", "[match]", f"interface-name={match};"]
        for version, otherwise in ((4, "disabled"), (6, "auto")):
            lines += ["", f"[ipv{version}]", *_of_version(item, version, otherwise)]
        yield _file(f"{_KEYFILES}/profile-{number:03}.nmconnection", lines, mode="0600")
    for item in network["wifi"]:
        ssid = "".join(f"{byte};" for byte in item["ssid"].encode())
        lines = ["[connection]", f"id={_escaped(item['ssid'])}", "type=wifi", "", "[wifi]", f"ssid={ssid}"]
        if item["password"]:
            lines += ["", "[wifi-security]", "key-mgmt=wpa-psk", f"psk={_escaped(item['password'])}"]
        yield _file(_keyfile(item), lines, mode="0600")


def _of_version(item: Mapping[str, Any], version: int, otherwise: str) -> Iterator[str]:
    def own(field: str) -> list[str]:
        return [text for text in item[field] if (":" in text) == (version == 6)]

    addresses = own("addresses")
    yield f"method={'auto' if item['dhcp'] else 'manual' if addresses else otherwise}"
    yield from (f"address{number}={each}" for number, each in enumerate(addresses, 1))
    yield from (f"gateway={each}" for each in own("gateways"))
    if servers := own("dns"):
        yield f"dns={';'.join(servers)};"


def _keyfile(item: Mapping[str, Any]) -> str:
    name = item["ssid"] if _PLAIN.fullmatch(item["ssid"]) else f"={item['ssid'].encode().hex()}"
    return f"{_KEYFILES}/{name}.nmconnection"


def _ordered(interfaces: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Names before patterns, and longer patterns first: of all that match an interface the first counts."""

    def order(item: Mapping[str, Any]) -> tuple[bool, int, str]:
        match = item["match"]
        is_pattern = "*" in match or "?" in match
        return is_pattern, -len(match) if is_pattern else 0, match

    return sorted(interfaces, key=order)


def _file(path: str, lines: Sequence[str], **more: str) -> Made:
    return Made("network", *text_entry(path, "".join(f"{line}\n" for line in lines), **more))


def _escaped(text: str) -> str:
    """A text as the value of a line, of which both would take spaces away, and read backslashes as more."""
    inner = text.strip(" ")
    before, _, after = text.partition(inner) if inner else (text, "", "")
    return "\\s" * len(before) + inner.replace("\\", "\\\\") + "\\s" * len(after)
