"""How a live system stacks its layers where mkinitcpio made the initramfs: our hook for it, with real images.

mkinitcpio is not to be had everywhere; test_arch_mirror boots what it made. dracut's part is booted by test_arch.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

HOOKS = ROOT / "sandbox" / "layers"
BOOT = r"""
. "$HOOK/mkinitcpio-hook.sh"
err() { echo "ERROR: $*"; }
launch_interactive_shell() { exit 1; }
archisobasedir=arch arch=x86_64 cow_directory=persistent_/x86_64 copytoram=$COPY
mount -t tmpfs run /run
mkdir -p /run/archiso/bootmnt /run/archiso/airootfs /run/archiso/copytoram /run/archiso/cowspace /run/new
mount -t tmpfs medium /run/archiso/bootmnt
cp -r "$MEDIUM/arch" /run/archiso/bootmnt
image=/run/archiso/bootmnt/arch/x86_64/airootfs.sfs
[ "$COPY" != y ] || { cp "$image" /run/archiso/copytoram; image=/run/archiso/copytoram/airootfs.sfs; }
mount -o loop,ro "$image" /run/archiso/airootfs
_mnt_overlayfs /run/archiso/airootfs /run/new /
[ "$COPY" != y ] || umount /run/archiso/bootmnt
cd /run/new
echo written > new
echo "changed $(cat changed), added $(cat added), gone $(ls gone 2> /dev/null), replaced $(ls replaced), new $(cat new)"
echo "written to $(ls /run/archiso/cowspace/persistent_/x86_64/upperdir)"
"""


def in_own_mounts(shell: str, script: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        ["unshare", "--mount", shell, "-u", "-c", script],
        env={**os.environ, "HOOK": str(HOOKS), **environment}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ISO's files: three layers, with whiteouts and an opaque directory as the steps make them."""
    directory = tmp_path_factory.mktemp("medium")
    lowest, packages, overlay = (directory / name for name in ("lowest", "packages", "overlay"))
    for root in (lowest, packages, overlay):
        root.mkdir()
    for name in ("changed", "gone"):
        (lowest / name).write_text("lowest")
    (lowest / "replaced").mkdir()
    (lowest / "replaced" / "lowest").touch()
    (packages / "changed").write_text("packages")
    (packages / "added").write_text("packages")
    os.mknod(packages / "gone", 0o020000, os.makedev(0, 0))
    (overlay / "changed").write_text("overlay")
    (overlay / "replaced").mkdir()
    (overlay / "replaced" / "overlay").touch()
    os.setxattr(overlay / "replaced", "trusted.overlay.opaque", b"y")
    images = directory / "arch" / "x86_64"
    images.mkdir(parents=True)
    for root, name in ((lowest, "airootfs.sfs"), (packages, "1-packages.sfs"), (overlay, "2-overlay.sfs")):
        subprocess.run(["mksquashfs", root, images / name, "-quiet", "-no-progress"], check=True)
    (images / "layers").write_text("1-packages.sfs\n2-overlay.sfs\n")
    return directory


@pytest.mark.parametrize("copy", ["y", "n"])
def test_layers_are_stacked(medium: Path, copy: str) -> None:
    """Also when all of it is copied to memory and the medium is taken away."""
    status, said = in_own_mounts("sh", BOOT, MEDIUM=str(medium), COPY=copy)
    assert (status, said.splitlines()) == (
        0, ["changed overlay, added packages, gone , replaced overlay, new written", "written to new"],
    )  # fmt: skip


def test_a_layer_that_is_not_there(medium: Path, tmp_path: Path) -> None:
    """No system starts on half of its layers."""
    images = tmp_path / "arch" / "x86_64"
    images.mkdir(parents=True)
    (images / "airootfs.sfs").hardlink_to(medium / "arch" / "x86_64" / "airootfs.sfs")
    (images / "layers").write_text("1-packages.sfs\n")
    status, said = in_own_mounts("sh", BOOT, MEDIUM=str(tmp_path), COPY="n")
    assert status == 1
    assert "ERROR: /run/archiso/bootmnt/arch/x86_64/1-packages.sfs: could not be mounted" in said


INSTALL = """
mount -t overlay -o "lowerdir=$LIB:/usr/lib" lib /usr/lib
error() { echo "==> ERROR: $*"; }
add_runscript() { echo added; }
. "$HOOK/mkinitcpio-install.bash"
build
"""


@pytest.mark.parametrize(
    ("function", "status", "message"),
    [
        ("_mnt_overlayfs", 0, "added\n"),
        ("_mnt_stack", 1, "==> ERROR: live_layers: archiso's hook no longer has a function _mnt_overlayfs; "),
    ],
)
def test_the_hook_that_it_replaces(tmp_path: Path, function: str, status: int, message: str) -> None:
    """An archiso in which it would have no effect is refused when the initramfs is made."""
    hooks = tmp_path / "initcpio" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "archiso").write_text(f"{function}() {{\n    :\n}}\n")
    got, said = in_own_mounts("bash", INSTALL, LIB=str(tmp_path))
    assert got == status
    assert said.startswith(message)
