"""Arch Linux: what its live systems need."""

from __future__ import annotations

from typing import Any

import pytest

from debate.distributions import arch


@pytest.mark.parametrize(
    ("profile", "packages"),
    [
        ({}, ["base", "mkinitcpio", "mkinitcpio-archiso"]),
        ({"initrd": {"generator": "dracut", "compression": None}}, ["base", "dracut"]),
        ({"boot": {"network": True}}, ["base", "mkinitcpio", "mkinitcpio-archiso", "curl", "mkinitcpio-nfs-utils"]),
        (
            {"network": {"manager": "NetworkManager", "wifi": []}},
            ["base", "mkinitcpio", "mkinitcpio-archiso", "networkmanager"],
        ),
        (
            {"network": {"manager": "systemd-networkd", "wifi": [1]}},
            ["base", "mkinitcpio", "mkinitcpio-archiso", "iwd", "wireless-regdb"],
        ),
        (
            {"timezone": "Europe/Berlin", "initrd": {"generator": "dracut", "compression": None}},
            ["base", "dracut", "tzdata"],
        ),
        (
            {
                "users": [{"shell": "/bin/fish", "ssh_keys": ["k"], "sudo": "nopasswd"}],
                "initrd": {"generator": "dracut", "compression": None},
            },
            ["base", "dracut", "fish", "sudo", "openssh"],
        ),
    ],
)
def test_implied_packages(profile: dict[str, Any], packages: list[str]) -> None:
    plain = {
        "initrd": {"generator": "mkinitcpio", "compression": None}, "users": [], "timezone": "UTC",
        "boot": {"network": False}, "network": "none",
    }  # fmt: skip
    assert [name for name, _ in arch.implied({**plain, **profile})] == packages
