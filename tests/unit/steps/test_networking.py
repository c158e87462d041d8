"""The network of a profile: files, units, and what is refused."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import ProfileError
from debate.profile.load import load
from debate.steps import config, lock, networking, overlay

NETWORKD = "/usr/local/lib/systemd/network"
NM = "/etc/NetworkManager"
STATIC = "{match: enp1s0, addresses: [192.0.2.10/24, '2001:db8::10/64'], gateways: [192.0.2.1], dns: [192.0.2.53]}"
AIR = "{ssid: My home, password: correct horse}"


def made(directory: Path, text: str) -> config.Config:
    (directory / "x.yaml").write_text(f"version: 1\n{text}\n")
    return config.normalise(load(directory, "x"), directory)


def files(found: config.Config) -> dict[str, str]:
    """Path -> content, or target, of what is there for the network."""
    return {
        entry.path: entry.target or found.contents[entry.digest].decode()  # type: ignore[union-attr]
        for entry in found.slice(overlay.Slice).tree
        if entry.path.startswith((NETWORKD, NM, "/etc/resolv.conf", "/var/lib/iwd"))
    }


LINK = {"/etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf"}
WIRED = {f"{NETWORKD}/80-wired.network": "[Match]\nType=ether\nKind=!*\n\n[Network]\nDHCP=yes\n"}
NETWORKD_UNITS = ("systemd-networkd.service", "systemd-resolved.service")
CASES = [
    ("", {}, (), ()),
    ("network: none", {}, (), ()),
    ("network: dhcp", LINK | WIRED, NETWORKD_UNITS, ("systemd-resolved",)),
    ("network: {}", LINK | WIRED, NETWORKD_UNITS, ("systemd-resolved",)),
    ("network: dhcp\npackages: [network-manager]", {}, ("NetworkManager.service",), ("network-manager",)),
    ("network: dhcp\npackages: [network-manager=1.2-3]", {}, ("NetworkManager.service",), ("network-manager=1.2-3",)),
    ("network: dhcp\ndistribution: arch", LINK | WIRED, NETWORKD_UNITS, ()),
    (
        f"network: {{dhcp: false, interfaces: [{{match: '*', dhcp: true}}, {{match: en*, dhcp: true}}, {STATIC}]}}",
        LINK | {
            f"{NETWORKD}/50-profile-001.network": "[Match]\nName=enp1s0\n\n[Network]\nDHCP=no\nAddress=192.0.2.10/24\n"
            "Address=2001:db8::10/64\nGateway=192.0.2.1\nDNS=192.0.2.53\n",
            f"{NETWORKD}/50-profile-002.network": "[Match]\nName=en*\n\n[Network]\nDHCP=yes\n",
            f"{NETWORKD}/50-profile-003.network": "[Match]\nName=*\n\n[Network]\nDHCP=yes\n",
        },
        NETWORKD_UNITS, ("systemd-resolved",),
    ),
    (
        f"network: {{manager: NetworkManager, dhcp: false, interfaces: [{STATIC}]}}",
        {
            f"{NM}/conf.d/50-profile.conf": "[main]\nno-auto-default=*\n",
            f"{NM}/system-connections/profile-001.nmconnection": "[connection]\nid=enp1s0\ntype=ethernet\n"
            "autoconnect-priority=998\n\n[match]\ninterface-name=enp1s0;\n\n"
            "[ipv4]\nmethod=manual\naddress1=192.0.2.10/24\ngateway=192.0.2.1\ndns=192.0.2.53;\n\n"
            "[ipv6]\nmethod=manual\naddress1=2001:db8::10/64\n",
        },
        ("NetworkManager.service",), ("network-manager",),
    ),
    (
        "network: {manager: NetworkManager, interfaces: [{match: '52:54:00:12:34:56', dhcp: true}]}",
        {
            f"{NM}/system-connections/profile-001.nmconnection": "[connection]\nid=52:54:00:12:34:56\ntype=ethernet\n"
            "autoconnect-priority=998\n\n[ethernet]\nmac-address=52:54:00:12:34:56\n\n[ipv4]\nmethod=auto\n\n"
            "[ipv6]\nmethod=auto\n",
        },
        ("NetworkManager.service",), ("network-manager",),
    ),
    (
        f"network: {{dhcp: false, wifi: [{AIR}, {{ssid: Café}}]}}\nsecrets: {{allow: [/var/lib/iwd/*.psk]}}",
        LINK | {
            f"{NETWORKD}/80-wireless.network": "[Match]\nType=wlan\nWLANInterfaceType=station\n\n"
            "[Network]\nDHCP=yes\nIgnoreCarrierLoss=3s\n",
            "/var/lib/iwd/My home.psk": "[Security]\nPassphrase=correct horse\n",
            "/var/lib/iwd/=436166c3a9.open": "[Settings]\nAutoConnect=true\n",
        },
        (*NETWORKD_UNITS, "iwd.service"), ("systemd-resolved", "iwd", "wireless-regdb"),
    ),
    (
        f"network: {{manager: NetworkManager, wifi: [{AIR}]}}\n"
        f"secrets: {{allow: ['{NM}/system-connections/My home.nmconnection']}}",
        {
            f"{NM}/system-connections/My home.nmconnection": "[connection]\nid=My home\ntype=wifi\n\n"
            "[wifi]\nssid=77;121;32;104;111;109;101;\n\n[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n",
        },
        ("NetworkManager.service",), ("network-manager", "wpasupplicant", "wireless-regdb"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted", "units", "packages"), CASES)
def test_what_it_makes(
    tmp_path: Path, text: str, wanted: dict[str, str], units: tuple[str, ...], packages: tuple[str, ...]
) -> None:
    without = made(tmp_path, "distribution: arch" if "arch" in text else "").slice(lock.Slice).packages
    found = made(tmp_path, text)
    assert files(found) == wanted
    assert set(found.slice(overlay.Slice).services.enable) == set(units)
    assert set(found.slice(lock.Slice).packages) - set(without) == set(packages)


def test_secrets_are_of_root_alone(tmp_path: Path) -> None:
    for manager, directory in (("systemd-networkd", "/var/lib/iwd/"), ("NetworkManager", f"{NM}/system-connections/")):
        allow = f"secrets: {{allow: [{directory}*]}}"
        found = made(tmp_path, f"network: {{manager: {manager}, wifi: [{AIR}], interfaces: [{STATIC}]}}\n{allow}")
        modes = {entry.mode for entry in found.slice(overlay.Slice).tree if entry.path.startswith(directory)}
        assert modes == {"0600"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("network: {dhcp: false}", "x.yaml:2:17: network: nothing is left of it; write `network: none`"),
        (
            "network: {manager: systemd-networkd}\npackages: [network-manager]",
            "x.yaml:2:20: network: systemd-networkd manages it, and so would network-manager (x.yaml:3:12)",
        ),
        (
            "network: dhcp\nservices: {mask: [systemd-resolved]}",
            "x.yaml:2:10: network: it needs systemd-resolved.service, which is in mask of services (x.yaml:3:19)",
        ),
        (
            "network: {manager: NetworkManager}\nservices: {disable: [NetworkManager]}",
            "network: it needs NetworkManager.service, which is in disable of services (x.yaml:3:22)",
        ),
        (
            "network: dhcp\nservices: {enable: [NetworkManager]}",
            "network: systemd-networkd manages it, and services enable NetworkManager.service (x.yaml:3:21)",
        ),
        (
            "network: {interfaces: [{match: a, dhcp: true}, {match: a, dhcp: true}]}",
            "x.yaml:2:56: network.interfaces: duplicate match 'a', first on line 2; keep one",
        ),
        ("network: {wifi: [{ssid: a}, {ssid: a}]}", "network.wifi: duplicate ssid 'a', first on line 2; ke"),
        ("network: {interfaces: [{match: a}]}", "x.yaml:2:32: network.interfaces: a has no address, and does not ask"),
        (
            "network: {interfaces: [{match: a, addresses: [1.2.3/24]}]}",
            "network.interfaces[1].addresses[1]: '1.2.3/24' is ",
        ),
        ("network: {interfaces: [{match: a, addresses: ['::1/129']}]}", "network.interfaces: ::1/129 is no address"),
        (
            "network: {interfaces: [{match: a, dhcp: true, dns: [1.2.3.256]}]}",
            "network.interfaces[1].dns[1]: '1.2.3.256' is not a",
        ),
        (
            "network: {interfaces: [{match: a, addresses: [192.0.2.1/25], gateways: [192.0.2.129]}]}",
            "network.interfaces: 192.0.2.129 is in no network of addresses; correct one of them",
        ),
        (
            "network: {interfaces: [{match: a, addresses: [192.0.2.1/24], gateways: [192.0.2.3, 192.0.2.2]}]}",
            "network.interfaces: 192.0.2.2 is a second router for IPv4; keep one",
        ),
        (f"network: {{wifi: [{{ssid: {'é' * 20}}}]}}", "network.wifi: the name 'ééééé"),
        (
            f"network: {{wifi: [{AIR}]}}",
            "x.yaml:2:44: network.wifi: everybody who has the ISO can read this password, in /var/lib/iwd/My home.psk; "
            "add /var/lib/iwd/My home.psk to secrets.allow if they may, or leave it out",
        ),
        (
            f"network: {{wifi: [{AIR}], manager: NetworkManager}}\nsecrets: {{allow: [/var/lib/iwd/*]}}",
            f"in {NM}/system-connections/My home.nmconnection; add",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ProfileError) as raised:
        made(tmp_path, text)
    assert expected in str(raised.value).replace(f"{tmp_path}/", "")
    assert len(raised.value.problems) == 1


def test_a_file_of_the_profile_is_the_resolver(tmp_path: Path) -> None:
    own = "files: [{path: /etc/resolv.conf, content: 'nameserver 192.0.2.53'}]"
    assert files(made(tmp_path, f"network: dhcp\n{own}"))["/etc/resolv.conf"] == "nameserver 192.0.2.53"


def test_a_word_is_replaced_and_a_mapping_merged(tmp_path: Path) -> None:
    (tmp_path / "word.yaml").write_text("version: 1\nnetwork: dhcp\n")
    (tmp_path / "more.yaml").write_text(f"version: 1\nnetwork: {{dhcp: false, interfaces: [{STATIC}]}}\n")
    assert not files(made(tmp_path, "extends: word\nnetwork: none"))
    assert files(made(tmp_path, "extends: word\nnetwork: {}")) == LINK | WIRED
    both = files(made(tmp_path, "extends: more\nnetwork: {interfaces: [{match: enp1s0, dns: [192.0.2.54]}]}"))
    assert both[f"{NETWORKD}/50-profile-001.network"].count("DNS=") == 2


PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=8, max_size=63)


@given(PRINTABLE)
def test_any_password_is_one_value(password: str) -> None:
    """As ell and GKeyFile read it: spaces around a value are no part of it, then escapes are replaced."""
    item = {"ssid": "x", "password": password}
    network = {"dhcp": True, "interfaces": [], "wifi": [item]}
    for make, section, key in (
        (networking._of_networkd, "Security", "Passphrase"), (networking._of_network_manager, "wifi-security", "psk")
    ):  # fmt: skip
        content = next(each.content for each in make(network) if each.entry.mode == "0600").decode()
        parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",))
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(content)
        value = next(line for line in content.splitlines() if line.startswith(f"{key}=")).partition("=")[2]
        assert parser.has_option(section, key)
        assert unescaped(value.strip(" ")) == password


def unescaped(value: str) -> str:
    found, at = "", 0
    while at < len(value):
        step = 2 if value[at] == "\\" else 1
        found += {"\\s": " ", "\\\\": "\\"}[value[at : at + 2]] if step == 2 else value[at]
        at += step
    return found


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("none", True), ("dhcp", False),
        ("{dhcp: false, interfaces: [{match: enp1s0, addresses: [192.0.2.1/24]}]}", True),
        ("{interfaces: [{match: enp1s0, addresses: [192.0.2.1/24]}]}", False),
        ("{dhcp: false, interfaces: [{match: 'en*', addresses: [192.0.2.1/24]}]}", False),
        ("{dhcp: false, interfaces: [{match: 'en*', addresses: ['2001:db8::1/64']}]}", True),
        ("{dhcp: false, interfaces: [{match: '*', dhcp: true}]}", False),
    ],
)  # fmt: skip
def test_ports_that_no_check_could_reach(tmp_path: Path, network: str, told: bool) -> None:
    found = made(tmp_path, f"network: {network}\ncheck: {{ports: [80]}}").told
    assert (
        any(line.startswith("check.ports: by network, the guest of a check has no address") for line in found) == told
    )
    assert not [line for line in made(tmp_path, f"network: {network}").told if "check.ports" in line]
