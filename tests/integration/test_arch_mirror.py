"""Arch Linux from a real mirror, with mkinitcpio. Collected only where DEBATE_MIRROR_ARCH names one (see conftest)."""

from __future__ import annotations

import os
from pathlib import Path

from tests.integration.checkout import Checkout, ran


def test_arch_minimal(built: Checkout, tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "checkout", built.cache)
    settings = {"MIRROR_ARCH": os.environ["DEBATE_MIRROR_ARCH"]}
    checkout.doit("build:arch-minimal", **settings)
    checkout.check("arch-minimal", "arch-minimal login: ", **settings)  # The name is of the overlay's layer.
    again = Checkout.make(tmp_path / "again")
    lock = checkout.output("arch-minimal", "lock.json").read_bytes()
    (again.directory / "profiles" / "arch-minimal.lock.json").write_bytes(lock)
    said = again.doit("build:arch-minimal", **settings)
    assert ran(said)["initrd"] == "built"
    assert again.digest("arch-minimal") == checkout.digest("arch-minimal")
