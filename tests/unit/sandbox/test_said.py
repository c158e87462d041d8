"""What generators of an initramfs print and go on after: refused, told, or known to mean nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

BY_MINE, BY_PACKAGE, BY_DRACUT, BY_MKINITCPIO = (
    "Calling hook mine", "Calling hook plymouth",
    "dracut[I]: *** Including module: mine ***", "  -> Running build hook: [mine]",
)  # fmt: skip


def said(tmp_path: Path, *lines: str, keymap: str = "") -> list[str]:
    (tmp_path / "own").write_text("mine etc/initramfs-tools/hooks/mine\n")
    return subprocess.run(
        ["awk", "-v", f"own={tmp_path / 'own'}", "-v", f"keymap={keymap}", "-f", ROOT / "sandbox" / "said.awk"],
        input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "W: No lzop in /usr/sbin:/usr/bin:/sbin:/bin, using gzip",
        "W: lzop compression (CONFIG_RD_LZO) not supported by kernel, using gzip",
        "W: mkinitramfs: Falling back to MODULES=most.",
        "W: mkinitramfs: unsupported MODULES setting: lst.",
        "W: /etc/initramfs-tools/conf.d/x is a directory instead of file",
        "E: busybox or busybox-static, version 1:1.22.0-17~ or later, is required but not installed",
        "==> WARNING: Unable to locate compression method: 'lzop'",
        "==> WARNING: Kernel x does not support zstd-compressed initramfs. Using gzip compression instead.",
        "==> ERROR: Hook 'x' cannot be found",
        "dracut-install: ERROR: installing '/none'",
        "dracut[E]: FAILED: /usr/lib/dracut/dracut-install -D /initramfs -a /none",
        "dracut: FAILED: /usr/lib/dracut/dracut-install -D /initramfs -a /none",
        "dracut[E]: Cannot execute compression command 'lzop', falling back to default",
    ],
)
def test_the_generator_itself(tmp_path: Path, line: str) -> None:
    """It is about its configuration, which is the profile's."""
    assert said(tmp_path, line) == [f"refused - {line}"]
    for end in ("Building cpio /boot/initrd initramfs", "dracut[I]: *** Including modules done ***"):
        assert said(tmp_path, BY_PACKAGE, end, line) == [f"refused - {line}"]


@pytest.mark.parametrize("begin", [BY_MINE, BY_DRACUT, BY_MKINITCPIO])
@pytest.mark.parametrize(
    "line",
    [
        "cp: cannot stat '/usr/bin/none': No such file or directory",
        "/etc/initramfs-tools/hooks/mine: 3: nosuch: not found",
        "/usr/lib/dracut/modules.d/91mine/module-setup.sh: line 9: nosuch: command not found",
        "dracut-install: ERROR: installing 'nosuch'",
        "==> ERROR: file not found: '/none'",
    ],
)
def test_an_error_in_a_hook_of_the_profile(tmp_path: Path, begin: str, line: str) -> None:
    assert said(tmp_path, begin, "all is well", line, line) == [f"refused mine {line}"]


@pytest.mark.parametrize(
    "line",
    [
        "dropbear: WARNING: Invalid authorized_keys file, SSH login to initramfs won't work!",
        "W: something of a package",
        "dracut-install: ERROR: installing 'poweroff'",
        "==> WARNING: Possibly missing '/bin/x' for script: /y",
    ],
)
def test_what_a_hook_of_a_package_says_is_told(tmp_path: Path, line: str) -> None:
    assert said(tmp_path, BY_PACKAGE, line) == [f"told plymouth {line}"]


@pytest.mark.parametrize(
    "line",
    [
        "W: plymouth module (/usr/lib/x86_64-linux-gnu/plymouth/script.so) missing, skipping plymouth.",
        "W: plymouth: The plugin label.so is missing, the selected theme might not work as expected.",
        "cryptsetup: WARNING: Skipping root target x: uses a key file",
        "cryptsetup: WARNING: Target x has a non-existing key file /none",
        "W: this initramfs will *NOT* have live support.",
    ],
)
def test_what_a_package_leaves_out_of_the_profiles(tmp_path: Path, line: str) -> None:
    assert said(tmp_path, BY_PACKAGE, line) == [f"refused plymouth {line}"]


def test_a_layout_that_cannot_be_loaded(tmp_path: Path) -> None:
    line = "setupcon is missing. Please install the 'console-setup' package."
    assert said(tmp_path, "Calling hook keymap", line, keymap="etc/default/keyboard") == [f"refused keymap {line}"]
    assert said(tmp_path, "Calling hook keymap", line) == []


@pytest.mark.parametrize(
    "line",
    [
        "W: Kernel configuration /boot/config-7 is missing, zstd compression support (CONFIG_RD_ZSTD) cannot be "
        "checked and is assumed to be available",
        "W: Possible missing firmware /lib/firmware/i915/x.bin for module i915",
        "==> WARNING: Possibly missing firmware for module: 'xhci_pci'",
        "/usr/bin/dracut: line 1099: /sys/module/firmware_class/parameters/path: No such file or directory",
        "cryptsetup: WARNING: Couldn't determine root device",
        "W: mkconf: MD subsystem is not loaded, thus I cannot scan for arrays.",
        "W: plymouth: not including drm modules since MODULES=list",
        "dracut[E]: Module 'dbus-broker' depends on 'x', which can't be installed",
        "dracut[I]: Could not find 'strip'. Not stripping the initramfs.",
        "Adding binary /usr/bin/cannot",
    ],
)
def test_what_means_nothing(tmp_path: Path, line: str) -> None:
    for begin in ("", BY_PACKAGE):
        assert said(tmp_path, begin, line) == []


def test_a_module_of_the_profile_that_needs_more(tmp_path: Path) -> None:
    line = "dracut[E]: Module 'mine' depends on 'x', which can't be installed"
    assert said(tmp_path, line) == [f"refused mine {line}"]


def test_what_differs_each_time_is_left_out(tmp_path: Path) -> None:
    """The list of warnings is compared bit for bit; of two builds with other temporary files, too."""
    lines = [f"W: /var/tmp/mkinitramfs_{end}/usr/x is \x1b[31mred" for end in ("Ab12Cd", "Ef34Gh")]
    assert said(tmp_path, BY_PACKAGE, lines[0]) == said(tmp_path, BY_PACKAGE, lines[1])
    assert said(tmp_path, BY_PACKAGE, *lines) == ["told plymouth W: /usr/x is ?[31mred"]
