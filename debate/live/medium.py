"""What tells an ISO from all others, so that boot loader, initramfs and system are of the same one."""

from __future__ import annotations

import time
import uuid


def medium(config: str) -> str:
    """The name of the ISO with this config hash: the start of it, in the form of a UUID."""
    return str(uuid.UUID(config[:32]))


def file(medium: str) -> str:
    """Path on the ISO of the file that names it and has its name. live-boot reads those in ``.disk/live-uuid*``."""
    return f".disk/live-uuid-{medium}"


def volume_uuid(epoch: int) -> str:
    """The UUID of the volume, which xorriso makes of a time, as blkid and udev show it."""
    return time.strftime("%Y-%m-%d-%H-%M-%S-00", time.gmtime(epoch))
