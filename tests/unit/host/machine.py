"""A machine with many disks, as /sys and /proc tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from debate.host.disks import Disks

MACHINE = {
    "sda": {"size": 1000 << 10, "device/vendor": "ATA", "device/model": "Samsung SSD 870 ", "device/type": "0"},
    "sda/sda1": {"partition": 1}, "sda/sda2": {"partition": 2}, "sda/sda3": {"partition": 3},
    "sdb": {"size": 32 << 10, "removable": 1, "device/vendor": "SanDisk ", "device/model": "Ultra", "device/type": "0"},
    "sdb/sdb1": {"partition": 1},
    "sdc": {"size": 128 << 10, "device/model": "Big\n Enclosure", "device/type": "0"},
    "sdd": {"size": 0, "removable": 1, "device/model": "Card Reader"},
    "sr0": {"size": 2048, "removable": 1, "device/model": "DVD", "device/type": "5"},
    "vda": {"size": 128 << 10, "device/vendor": "0x1af4"},
    "nvme0n1": {"size": 2000 << 10, "device/model": "Fast NVMe"},
    "mmcblk0": {"size": 16 << 10, "device/type": "MMC", "device/name": "DG4008"},
    "mmcblk0boot0": {"size": 8, "device/type": "MMC", "device/name": "DG4008"},
    "mmcblk1": {"size": 64 << 10, "device/type": "SD", "device/name": "SC32G"},
    "loop0": {"size": 8}, "zram0": {"size": 8}, "dm-9": {"size": 8},
}  # fmt: skip
"""Name in /sys/class/block, below its disk for a partition -> its attributes."""
NODES = {f"/dev/{name.rpartition('/')[2]}": f"259:{number}" for number, name in enumerate(MACHINE)} | {
    "/dev/sdb": "8:16", "/dev/sdb1": "8:17", "/dev/sdc1": "8:33", "/dev/disk/by-uuid/AB-1": "8:17",
    "/dev/disk/by-label/STICK": "8:17", "/dev/disk/by-uuid/CD": "8:17", "/dev/mapper/home": "253:1",
}  # fmt: skip
"""Device nodes, and links to them -> number."""
FREE = ("sda", "sdb", "sdc", "vda", "nvme0n1", "mmcblk0", "mmcblk1")


def machine(root: Path, change: Mapping[str, str] = {}) -> Disks:
    """The machine below ``root``, with other files: path -> content, or with ``->`` at its end what the link names."""
    block = root / "sys/class/block"
    for name, attributes in MACHINE.items():
        short = name.rpartition("/")[2]
        for attribute, value in {"dev": NODES[f"/dev/{short}"], "queue/logical_block_size": 512, **attributes}.items():
            _write(block / name / attribute, f"{value}\n")
        if short != name:
            (block / short).symlink_to(name)  # as all of them are in the kernel's
    usb = root / "sys/devices/pci/usb1/1-1/host9"
    (block / "sdc/device").rename(_made(usb))
    (block / "sdc/device").symlink_to(usb)
    for path, text in change.items():
        name, arrow, _ = path.partition(" -> ")
        if arrow:
            _made(root / name).symlink_to(text)
        else:
            _write(root / name, text)
    return Disks(root, lambda path: NODES.get(path, ""))


def _write(path: Path, text: str) -> None:
    _made(path).write_text(text)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
