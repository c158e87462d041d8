"""Arch Linux: what its live systems need."""

from __future__ import annotations

import pytest

from debate.distributions import arch


@pytest.mark.parametrize(
    ("profile", "packages"),
    [({}, ["base", "mkinitcpio", "mkinitcpio-archiso"]), ({"generator": "dracut"}, ["base", "dracut"])],
)
def test_implied_packages(profile: dict[str, str], packages: list[str]) -> None:
    assert arch.implied_packages({"initrd": {"generator": "mkinitcpio", "compression": None, **profile}}) == packages
