"""Debian: what its live systems need."""

from __future__ import annotations

from typing import Any

import pytest

from debate.distributions import debian

PLAIN = {
    "initrd": {"generator": "dracut", "compression": None},
    "users": [],
    "locale": "C.UTF-8",
    "keymap": None,
    "timezone": "UTC",
    "boot": {"network": False},
    "persistence": None,
    "packages": [],
    "network": "none",
}

USER = {"name": "u", "shell": "/bin/bash", "groups": [], "ssh_keys": [], "sudo": None}


@pytest.mark.parametrize(
    ("fields", "packages"),
    [
        ({}, set()),
        ({"users": [USER]}, {"login", "passwd"}),
        ({"users": [USER, {**USER, "shell": "/usr/bin/zsh"}]}, {"login", "passwd", "zsh"}),
        ({"users": [{**USER, "shell": "/usr/local/bin/fish"}]}, {"login", "passwd"}),
        ({"users": [{**USER, "groups": ["audio", "sudo"]}]}, {"login", "passwd", "sudo"}),
        ({"users": [{**USER, "sudo": "password"}]}, {"login", "passwd", "sudo"}),
        ({"users": [{**USER, "ssh_keys": ["k"]}]}, {"login", "passwd", "openssh-server"}),
        ({"locale": "de_DE.UTF-8"}, {"locales"}),
        ({"keymap": "de"}, {"console-setup"}),
        ({"timezone": "Europe/Berlin"}, {"tzdata"}),
        ({"boot": {"network": True}}, {"curl", "dracut-network", "iproute2"}),
        ({"network": {"manager": "systemd-networkd", "wifi": []}}, {"systemd-resolved"}),
        ({"network": {"manager": "systemd-networkd", "wifi": [1]}}, {"systemd-resolved", "iwd", "wireless-regdb"}),
        ({"network": {"manager": "NetworkManager", "wifi": []}}, {"network-manager"}),
        (
            {"network": {"manager": "NetworkManager", "wifi": [1]}},
            {"network-manager", "wpasupplicant", "wireless-regdb"},
        ),
    ],
)
def test_implied_packages(fields: dict[str, Any], packages: set[str]) -> None:
    plain = {"busybox", "mount", "systemd-sysv", "udev", "zstd", "dracut", "dracut-live"}
    assert {name for name, _ in debian.implied({**PLAIN, **fields})} == plain | packages


@pytest.mark.parametrize(("keymap", "check"), [("de", ["xkb", "de"]), ("de-neo", ["xkb", "de", "neo"])])
def test_the_keymap_must_be_there(keymap: str, check: list[str]) -> None:
    parts = debian.locale_parts({"locale": "C.UTF-8", "keymap": keymap, "timezone": "UTC"})
    assert check in parts.checks


@pytest.mark.parametrize(
    ("kernel", "package"),
    [
        ("linux-image-amd64", "linux-headers-amd64"),
        ("linux-image-cloud-amd64", "linux-headers-cloud-amd64"),
        ("linux-image-6.12.9+deb13-amd64-unsigned", "linux-headers-6.12.9+deb13-amd64"),
        ("my-kernel", "linux-headers-6.12.9+deb13-amd64"),
    ],
)
def test_the_headers_of_a_kernel(kernel: str, package: str) -> None:
    assert debian.headers(kernel, "6.12.9+deb13-amd64") == package
