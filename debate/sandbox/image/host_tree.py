"""A root directory with the host's own tools, in which nspawn makes the tools tree.

Root in the sandbox is not root on the host, but id-mapping lets it read what root may read. So the tree has only /usr,
id-mapped, and a few public files of /etc.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from debate.errors import DebateError
from debate.sandbox import mounts

_ETC = (
    "alternatives", "ca-certificates.conf", "debian_version", "dpkg", "group", "host.conf",
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf", "os-release", "passwd",
    "protocols", "services",
)  # fmt: skip
_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_EMPTY = ("boot", "dev", "etc/ssl/certs", "home", "mnt", "opt", "proc", "root", "run", "sys", "tmp",
          "usr", "var/cache", "var/lib/dpkg", "var/log", "var/tmp")  # fmt: skip


def make(tree: Path, uid_base: int) -> None:
    """Fill the empty directory ``tree``. Raises OSError, and DebateError on a host without a merged /usr."""
    for name in _EMPTY:
        (tree / name).mkdir(parents=True)
    for name in _LINKS:
        link = Path("/", name)
        if link.is_symlink():
            (tree / name).symlink_to(os.readlink(link).lstrip("/"))
        elif link.exists():
            raise DebateError(f"{link} is not a symbolic link", "make the tools tree on a host with a merged /usr")
    for name in _ETC:
        source, target = Path("/etc", name), tree / "etc" / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        elif source.exists():
            shutil.copyfile(source, target, follow_symlinks=True)
    for name in ("resolv.conf", "hosts", "ssl/certs/ca-certificates.crt"):
        (tree / "etc" / name).touch()
    (tree / "var/lib/dpkg/status").touch()
    (tree / "tmp").chmod(0o1777)
    for path in (tree, *tree.rglob("*")):
        os.chown(path, uid_base, uid_base, follow_symlinks=False)
    mounts.bind(Path("/usr"), tree / "usr")
    mounts.shift(uid_base, [tree / "usr"])
