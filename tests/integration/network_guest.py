"""A guest that starts over QEMU's user network, in which this machine has an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from debate.qemu import guest as qemu

HOST = "10.0.2.2"
"""This machine, for a guest."""


@dataclass(frozen=True)
class NetworkGuest(qemu.Guest):
    """One boot without any medium."""

    net: str = ""
    """Options of QEMU's user network."""

    @property
    def _media(self) -> list[qemu.Medium]:
        return []

    def _argv(self, picture: int, monitor: int, variables: int, media: Sequence[int], acceleration: str) -> list[str]:
        argv = super()._argv(picture, monitor, variables, media, acceleration)
        nic = argv.index("-nic")
        argv[nic : nic + 2] = ["-netdev", f"user,id=n,{self.net}", "-device", "virtio-net-pci,netdev=n,bootindex=1"]
        return argv
