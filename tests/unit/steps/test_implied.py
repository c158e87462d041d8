"""Packages that other fields than `packages` ask for are told at these fields, all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.errors import Complaint, StepError
from debate.profile.chosen import chosen
from debate.profile.load import load
from debate.steps import lock
from debate.steps.choices import Choices
from debate.steps.implied import Blame, fields
from tests.conftest import write_files

COMMON = "version: 1\ndescription: x\nkernel: linux-image-common\npackages: [curl]\n"
DEBIAN = """\
version: 1
description: x
extends: _common
kernel: linux-image-own
locale: de_DE.UTF-8
keymap: de
timezone: Europe/Berlin
users:
  - name: one
    groups:
      - audio
      - sudo
  - name: two
    shell: /usr/bin/zsh
    ssh_keys: [ssh-ed25519 AAAA]
initrd:
  generator: dracut
  compression: lz4
boot:
  network: true
  entries:
    - default
    - accessibility
"""
CRYPT = """\
version: 1
description: x
extends: _common
initrd:
  generator: initramfs-tools
persistence:
  label: x
  encrypted: true
"""
ARCH = """\
version: 1
description: x
distribution: arch
timezone: Europe/Berlin
packages: [curl]
kernel: linux-lts
users:
  - name: one
    shell: /bin/fish
    ssh_keys: [ssh-ed25519 AAAA]
initrd:
  generator: mkinitcpio
  compression: xz
boot:
  network: true
  entries:
    - accessibility
"""
OF_ALL = {
    # Profile -> package -> the line of the profile that needs it, and the field.
    "debian": {
        "linux-image-own": (4, "kernel"), "locales": (5, "locale"), "console-setup": (6, "keymap"),
        "tzdata": (7, "timezone"), "login": (9, "users"), "passwd": (9, "users"), "sudo": (12, "users[1].groups[2]"),
        "zsh": (14, "users[2].shell"), "openssh-server": (15, "users[2].ssh_keys"), "dracut": (17, "initrd.generator"),
        "dracut-live": (17, "initrd.generator"), "mount": (17, "initrd.generator"), "zstd": (17, "initrd.generator"),
        "lz4": (18, "initrd.compression"), "dracut-network": (20, "boot.network"), "iproute2": (20, "boot.network"),
        "alsa-utils": (23, "boot.entries[2]"), "espeakup": (23, "boot.entries[2]"),
    },
    "crypt": {"cryptsetup-initramfs": (8, "persistence.encrypted"), "initramfs-tools": (5, "initrd.generator")},
    "arch": {
        "base": (3, "distribution"), "tzdata": (4, "timezone"), "linux-lts": (6, "kernel"),
        "fish": (9, "users[1].shell"), "openssh": (10, "users[1].ssh_keys"), "mkinitcpio": (12, "initrd.generator"),
        "mkinitcpio-archiso": (12, "initrd.generator"), "xz": (13, "initrd.compression"),
        "mkinitcpio-nfs-utils": (15, "boot.network"), "alsa-utils": (17, "boot.entries[1]"),
        "espeakup": (17, "boot.entries[1]"),
    },
}  # fmt: skip


@pytest.fixture
def written(profiles: Path) -> Path:
    texts = {"_common": COMMON, "debian": DEBIAN, "crypt": CRYPT, "arch": ARCH}
    write_files(profiles, {f"{name}.yaml": text for name, text in texts.items()})
    return profiles


def blamed(profiles: Path, name: str, package: str) -> str:
    """What is told if ``package`` of the profile cannot be had."""
    loaded = load(profiles, name)
    blame, error = Blame(loaded.root, chosen(loaded)), StepError("")
    error.complaints = blame.moved([Complaint("packages", package, f"there is no package {package!r}", "find one")])
    error.locate(lambda field, _: blame.place(field))
    [problem] = error.problems
    return str(problem)


@pytest.mark.parametrize("name", OF_ALL)
def test_each_is_told_at_the_line_that_needs_it(written: Path, name: str) -> None:
    for package, (line, field) in OF_ALL[name].items():
        said = blamed(written, name, package)
        assert said.startswith(f"profiles/{name}.yaml:{line}:"), said
        assert f": {field}: " in said


@pytest.mark.parametrize("name", OF_ALL)
def test_nothing_is_asked_for_without_a_field(written: Path, name: str) -> None:
    """Whatever `lock` asks for is named in `packages`, or has a field to blame, which the table above knows."""
    loaded = load(written, name)
    choices = Choices(loaded, written)
    asked, known = lock._packages(choices), fields(choices.data)
    assert asked == {*choices.data["packages"], *known}
    mere = {package for package, path in known.items() if path == ("distribution",)} - OF_ALL[name].keys()
    assert name == "arch" or mere == {"busybox", "systemd-sysv", "udev"}
    for package in known.keys() - mere - {*choices.data["packages"]}:
        if name != "crypt":
            assert package in OF_ALL[name]


def test_what_the_profile_names_has_its_own_name_told(written: Path) -> None:
    """The kernel's package is a name that the profile has; others are ones that only debate knows."""
    assert blamed(written, "debian", "linux-image-own").endswith(
        "kernel: there is no package 'linux-image-own'; find one"
    )
    assert blamed(written, "debian", "zsh").endswith(
        "users[2].shell: needs the package zsh: there is no package 'zsh'; "
        "change or leave out what needs zsh, or name a repository that has it"
    )


def test_what_packages_name_is_told_there(written: Path) -> None:
    loaded = load(written, "debian")
    complaints = [Complaint("packages", word, "fact") for word in ("curl", "curl=8", "other", "")]
    complaints.append(Complaint("files", "zsh", "fact"))
    assert list(Blame(loaded.root, chosen(loaded)).moved(complaints)) == complaints


def test_the_default_kernel_is_the_profiles(written: Path) -> None:
    """Nothing says it, so the whole profile is the place, and not a list of packages of another."""
    write_files(written, {"none.yaml": "version: 1\ndescription: x\npackages: [curl]\n"})
    assert blamed(written, "none", "linux-image-amd64").startswith("profiles/none.yaml:1:1: kernel: needs the package")
