"""archiso profiles are programs: they are read in the sandbox, whatever they do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.integration.checkout import Checkout

PROFILEDEF = """\
#!/usr/bin/env bash
iso_name="mine"
iso_label="MINE_$(date --date="@1700000000" +%Y%m)"
iso_publisher="Me <https://me.example>"
iso_application="My live system"
iso_version="$(date +%Y.%m.%d)"
install_dir="arch"
arch="x86_64"
buildmodes=('iso')
bootmodes=('bios.syslinux' 'uefi.systemd-boot')
pacman_conf="pacman.conf"
airootfs_image_type="squashfs"
airootfs_image_tool_options=('-comp' 'zstd' '-Xcompression-level' '15' '-b' '1M')
file_permissions=(["/usr/local/bin/tool"]="0:0:755" ["/etc/shadow"]="0:0:400")
cert_list=(key.pem cert.pem)
"""


def archiso(directory: Path, more: str = "") -> Path:
    (directory / "airootfs" / "usr" / "local" / "bin").mkdir(parents=True)
    (directory / "airootfs" / "usr" / "local" / "bin" / "tool").write_text("#!/bin/sh\n")
    (directory / "profiledef.sh").write_text(PROFILEDEF + more)
    (directory / "packages.x86_64").write_text("base\nlinux\nvim\n")
    (directory / "pacman.conf").write_text("[core]\nInclude = /etc/pacman.d/mirrorlist\n[extra]\n")
    return directory


@pytest.mark.parametrize("more", ["", "rm -rf / --no-preserve-root 2> /dev/null; true\n"], ids=["plain", "rm -rf /"])
def test_import_archiso(checkout: Checkout, tmp_path: Path, more: str) -> None:
    where = archiso(tmp_path / "archiso", more)
    said = checkout.doit("import-archiso", "-d", str(where), "-n", "mine")
    assert "profiles/mine.yaml written, with 1 file and 0 hooks" in said
    assert "iso_version" in said
    assert "profiledef.sh: cert_list: has no counterpart" in said
    assert said.count("has no counterpart") == 1, "what bash sets itself is not the profile's"
    made = yaml.safe_load((checkout.directory / "profiles" / "mine.yaml").read_text())
    assert made["packages"] == ["base", "linux", "vim"]
    assert made["image"]["label"] == "MINE_202311"
    assert made["image"]["compression"] == {"algorithm": "zstd", "level": 15}
    assert made["permissions"] == [{"path": "/usr/local/bin/tool", "mode": "0755", "owner": "root", "group": "root"}]
    assert where.exists()
    checkout.doit("hash:mine")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("sleep 1000\n", "stopped after 4 s"),
        ("exit 3\n", "import: failed"),
        ("no-such-command\nfalse\n", "ends with status"),
        ("x=$(head -c 2M /dev/zero | tr '\\0' x)\n", "its variables are larger than 1,048,576 bytes"),
        ("head -c 100M /dev/zero > /run/out/variables\nexit\n", "import: "),
        ("printf 'a b\\0001\\0x\\0' > /run/out/variables\nkill -9 $$\n", "import: failed"),
        ("exec() { printf 'a b\\0001\\0x\\0'; exit 0; }\n", "its variables could not be read"),
        ("exec() { rm /run/out/variables; ln -s /etc/passwd /run/out/variables; exit 0; }\n", "import: "),
        ("exec() { rm /run/out/variables; mkfifo /run/out/variables; exit 0; }\n", "import: "),
    ],
    ids=["never ends", "exits", "fails", "large", "full", "killed", "other words", "link", "pipe"],
)
def test_a_program_that_does_not_get_to_its_end(checkout: Checkout, tmp_path: Path, more: str, message: str) -> None:
    where = archiso(tmp_path / "archiso", more)
    limits = {"STOP_AFTER": "4", "WARN_AFTER": "3"}
    said = checkout.doit("import-archiso", "-d", str(where), "-n", "mine", status=1, **limits)
    assert "archiso/profiledef.sh: " in said
    assert message in said, said
    assert not (checkout.directory / "profiles" / "mine.yaml").exists()
