"""Profiles as mkarchiso reads them: the same bytes each time, and back again with the same config."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from debate.convert import archiso, draft, export_archiso
from debate.convert.export_archiso import Export
from debate.convert.foreign import Foreign
from debate.entry import Entry
from debate.errors import DebateError, Place
from debate.profile.load import load
from debate.profile.schema import schema
from debate.steps import config, overlay, wanted
from debate.steps.config import Config
from tests.conftest import PROFILES, ROOT, write_files

FILES = {
    "_below.yaml": "version: 1\ndistribution: arch\npackages: [less]\noverlays: [shared]\n",
    "shared/etc/shared": "from below\n",
    "arch.yaml": """\
version: 1
description: It's a test
extends: _below
packages: [openssh, vim]
hostname: mine
locale: de_DE.UTF-8
repositories: [{name: tools, url: 'https://e.example/arch', key: keys/tools.asc}]
users:
  - {name: root, password_hash: ""}
  - {name: live, full_name: Live User, groups: [wheel],
     ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExamplePublicKeyOnlyForTheDocumentation0000 me@x], autologin: true}
services: {enable: [sshd, fstrim.timer, 'getty@tty2.service'], mask: [systemd-resolved], disable: [nscd]}
overlays: [tree]
files: [{path: /etc/secret, content: "x\\n", mode: "0600"}]
permissions: [{path: /srv/data, mode: "0750", owner: live, group: live}]
hooks: [one/hook.sh, two/hook.sh]
boot: {timeout: 7, arguments: [quiet]}
image: {publisher: "Me <https://me.example>", exclude: ["/usr/share/doc/*"], compression: {level: 3}}
""",
    "tree/usr/local/bin/tool": "#!/bin/sh\n",
    "tree/srv/data": "data\n",
    "one/hook.sh": "echo one\n",
    "two/hook.sh": "#!/bin/sh\necho two\n",
    "keys/tools.asc": (PROFILES / "keys" / "extra.asc").read_text(),
}
TREE = [
    "airootfs/etc/group",
    "airootfs/etc/gshadow",
    "airootfs/etc/hostname",
    "airootfs/etc/hosts",
    "airootfs/etc/link",
    "airootfs/etc/locale.conf",
    "airootfs/etc/locale.gen",
    "airootfs/etc/mkinitcpio.conf.d/archiso.conf",
    "airootfs/etc/mkinitcpio.d/linux.preset",
    "airootfs/etc/passwd",
    "airootfs/etc/secret",
    "airootfs/etc/shadow",
    "airootfs/etc/shared",
    "airootfs/etc/systemd/system/dev-ttyS0.device.d/patience.conf",
    "airootfs/etc/systemd/system/getty@tty1.service.d/autologin.conf",
    "airootfs/etc/systemd/system/multi-user.target.wants/getty@tty2.service",
    "airootfs/etc/systemd/system/multi-user.target.wants/sshd.service",
    "airootfs/etc/systemd/system/serial-getty@.service.d/autologin.conf",
    "airootfs/etc/systemd/system/systemd-resolved.service",
    "airootfs/etc/systemd/system/timers.target.wants/fstrim.timer",
    "airootfs/home/live/.ssh/authorized_keys",
    "airootfs/root/customize_airootfs.sh",
    "airootfs/srv/data",
    "airootfs/usr/local/bin/tool",
]


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    made = write_files(tmp_path / "profiles", FILES)
    (made / "tree/usr/local/bin/tool").chmod(0o755)
    (made / "tree/etc").mkdir()
    (made / "tree/etc/link").symlink_to("shared")
    return made


def normalised(profiles: Path, name: str) -> Config:
    return config.normalise(load(profiles, name), profiles)


def exported(profiles: Path, name: str = "arch") -> Export:
    made = normalised(profiles, name)
    own = export_archiso.own_profile(load(profiles, name).data, made)
    return export_archiso.export(name, made, own, 1_000_000_000)


def variables(directory: Path) -> dict[str, list[str]]:
    """What bash makes of profiledef.sh. It is our own, so it may run here."""
    script = (ROOT / "sandbox/archiso/read.bash").read_text()
    script = script.replace("/run/in", str(directory)).replace("/run/out", str(directory.parent))
    subprocess.run(["bash", "-c", script], check=True)
    return archiso.parse((directory.parent / "variables").read_bytes())


def test_what_mkarchiso_finds(profiles: Path, tmp_path: Path) -> None:
    made = exported(profiles)
    assert sorted(path for path in made.files if path.startswith("airootfs/")) == TREE
    export_archiso.write(made, tmp_path, "out")
    found = variables(tmp_path / "out")
    permissions = found.pop("file_permissions")
    assert found == {
        "iso_name": ["arch"], "iso_label": ["ARCH"], "iso_publisher": ["Me <https://me.example>"],
        "iso_application": ["It's a test"], "iso_version": [normalised(profiles, "arch").hash[:16]],
        "install_dir": ["arch"], "buildmodes": ["iso"], "bootmodes": ["bios.syslinux", "uefi.systemd-boot"],
        "arch": ["x86_64"], "pacman_conf": ["pacman.conf"], "airootfs_image_type": ["squashfs"],
        "airootfs_image_tool_options": ["-comp", "zstd", "-b", "1M", "-Xcompression-level", "3"],
        "bootstrap_tarball_compression": ["zstd", "-c", "-T0", "--long", "-19"],
        "SOURCE_DATE_EPOCH": ["1000000000"],
    }  # fmt: skip
    assert dict(zip(permissions[::2], permissions[1::2], strict=True)) == {
        "/etc/shadow": "0:0:400", "/etc/gshadow": "0:0:400", "/root": "0:0:750",
        "/root/customize_airootfs.sh": "0:0:755",
        "/etc/secret": "0:0:0600", "/srv/data": "1000:1000:0750", "/usr/local/bin/tool": "0:0:0755",
        "/home/live": "1000:1000:0700", "/home/live/.ssh": "1000:1000:0700",
        "/home/live/.ssh/authorized_keys": "1000:1000:0600",
    }  # fmt: skip
    out = tmp_path / "out"
    assert (out / "packages.x86_64").read_text().split() == [
        "base", "less", "linux", "mkinitcpio", "mkinitcpio-archiso", "openssh", "syslinux", "vim",
    ]  # fmt: skip
    assert "NoExtract = usr/share/doc/*\n" in (out / "pacman.conf").read_text()
    assert "[tools]\nServer = https://e.example/arch\n[core]\n" in (out / "pacman.conf").read_text()
    assert (out / "airootfs/etc/passwd").read_text().splitlines() == [
        "live:x:1000:1000:Live User:/home/live:/bin/bash", "root:x:0:0::/root:/bin/bash",
    ]  # fmt: skip
    assert (out / "airootfs/etc/systemd/system/systemd-resolved.service").readlink() == Path("/dev/null")
    wants = out / "airootfs/etc/systemd/system/multi-user.target.wants"
    assert (wants / "getty@tty2.service").readlink() == Path("/usr/lib/systemd/system/getty@.service")
    customize = (out / "airootfs/root/customize_airootfs.sh").read_text()
    for words in ("gpasswd -a live wheel", "locale-gen", "systemctl disable nscd.service", "echo one", "echo two"):
        assert words in customize
    subprocess.run(["bash", "-n", "-c", customize], check=True)
    options = "console=tty0 console=ttyS0,115200 quiet"
    assert options in (out / "syslinux/syslinux.cfg").read_text()
    assert options in (out / "efiboot/loader/entries/01-archiso.conf").read_text()
    assert (out / "efiboot/loader/loader.conf").read_text().startswith("timeout 7\n")


@pytest.mark.parametrize("users", ["", "users: [{name: live}]\n", "users: [{name: root}]\n"])
@pytest.mark.parametrize("hook", ["", "hooks: [one/hook.sh]\n"])
def test_permissions_are_of_files_that_are_there(profiles: Path, tmp_path: Path, users: str, hook: str) -> None:
    """mkarchiso warns of others."""
    (profiles / "small.yaml").write_text(f"version: 1\ndistribution: arch\n{users}{hook}")
    export_archiso.write(exported(profiles, "small"), tmp_path, "out")
    for path in variables(tmp_path / "out")["file_permissions"][::2]:
        assert (tmp_path / "out" / "airootfs" / path.lstrip("/")).exists(), path


def test_root_is_in_every_passwd(profiles: Path) -> None:
    """What airootfs/ has comes before what packages have, and the groups of gshadow are those of group."""
    (profiles / "small.yaml").write_text("version: 1\ndistribution: arch\nusers: [{name: live, uid: 1000}]\n")
    made = exported(profiles, "small")
    assert made.files["airootfs/etc/passwd"].content.startswith(b"root:x:0:0::/root:/bin/bash\nlive:x:1000:1000:")
    assert made.files["airootfs/etc/shadow"].content.startswith(b"root:!*:")
    assert made.files["airootfs/etc/group"].content == b"live:x:1000:\nroot:x:0:\n"
    assert made.files["airootfs/etc/gshadow"].content == b"live:!*::\nroot:!*::\n"
    assert any("'root': locked here" in loss for loss in made.losses)


def test_losses_are_told(profiles: Path) -> None:
    text = "\n".join(exported(profiles).losses)
    assert "repository 'tools': its key" in text
    assert "group 'wheel' of live: added by customize_airootfs.sh" in text


@pytest.mark.parametrize(
    ("boot", "lost"),
    [
        ("firmware: [bios, uefi]", ""), ("firmware: [uefi]", ""), ("firmware: [bios]", ""),
        ("partition_table: hybrid", ""), ("partition_table: gpt", "gpt"),
        ("firmware: [uefi], partition_table: mbr", "mbr"),
    ],
)  # fmt: skip
def test_partition_tables(profiles: Path, boot: str, lost: str) -> None:
    """mkarchiso has one for each firmware."""
    (profiles / "small.yaml").write_text(f"version: 1\ndistribution: arch\nboot: {{{boot}}}\n")
    found = [loss for loss in exported(profiles, "small").losses if loss.startswith("boot.partition_table: ")]
    assert [loss.split()[1].rstrip(";") for loss in found] == ([lost] if lost else [])


def test_the_same_bytes_each_time(profiles: Path) -> None:
    assert exported(profiles) == exported(profiles)


HARD = """\
version: 1
distribution: arch
description: it's "hard" \\n $HOME `x` %s
boot:
  title: It's %ARCH% ^here
  arguments: ["dyndbg=file a.c +p; file b.c =_", "a=$HOME`x`|&;%s"]
files:
  - {path: '/srv/it''s "odd" $x `y` ]\\ü', mode: "0600", content: x}
hooks: [hard.sh]
"""


def test_words_that_need_quotes(profiles: Path, tmp_path: Path) -> None:
    """In profiledef.sh for bash, in the menus for the kernel, and in customize_airootfs.sh byte for byte."""
    (profiles / "hard.yaml").write_text(HARD)
    (profiles / "hard.sh").write_bytes(b"echo '\xff\\'\n")
    made = exported(profiles, "hard")
    export_archiso.write(made, tmp_path, "out")
    found = variables(tmp_path / "out")
    assert found["iso_application"] == ["""it's "hard" \\n $HOME `x` %s"""]
    permissions = dict(zip(found["file_permissions"][::2], found["file_permissions"][1::2], strict=True))
    assert permissions["""/srv/it's "odd" $x `y` ]\\ü"""] == "0:0:0600"
    for path, start in (("efiboot/loader/entries/01-archiso.conf", "options "), ("syslinux/syslinux.cfg", "APPEND ")):
        (line,) = (line for line in (tmp_path / "out" / path).read_text().split("\n") if line.startswith(start))
        assert line.endswith(' "dyndbg=file a.c +p; file b.c =_" a=$HOME`x`|&;%s')
    assert b"echo '\xff\\'\n" in (tmp_path / "out/airootfs/root/customize_airootfs.sh").read_bytes()
    assert "%ARCH% in title or arguments: mkarchiso replaces it" in made.losses
    assert "^ in the title: syslinux takes the character behind it for a key" in made.losses


@pytest.mark.parametrize("name", ["arch", "other"])
def test_import_of_an_export_gives_the_same_config(profiles: Path, tmp_path: Path, name: str) -> None:
    export_archiso.write(exported(profiles), tmp_path, "out")
    back = export_archiso.read_back(Foreign(tmp_path / "out"))
    assert back is not None
    (tmp_path / "again").mkdir()
    draft.write(back, tmp_path / "again", name)
    made = normalised(tmp_path / "again", name)
    assert made.values == normalised(profiles, "arch").values
    assert made.hash == normalised(profiles, "arch").hash


@pytest.mark.parametrize("shipped", ["arch-minimal", "arch-rescue"])
def test_shipped_profiles_there_and_back(tmp_path: Path, shipped: str) -> None:
    export_archiso.write(exported(ROOT / "profiles", shipped), tmp_path, "out")
    back = export_archiso.read_back(Foreign(tmp_path / "out"))
    assert back is not None
    (tmp_path / "again").mkdir()
    draft.write(back, tmp_path / "again", "mine")
    assert normalised(tmp_path / "again", "mine").hash == normalised(ROOT / "profiles", shipped).hash


def test_files_that_source_names_there_and_back(profiles: Path, tmp_path: Path) -> None:
    """As an overlay's: with their content, modes and owners."""
    write_files(profiles, {"beside/tool": "#!/bin/sh\n", "beside/secret": "x\n"})
    (profiles / "beside/tool").chmod(0o755)
    write_files(profiles, {
        "_named.yaml": "version: 1\nfiles: [{path: /etc/written, source: beside/secret}]\n",
        "sources.yaml": "version: 1\ndistribution: arch\nextends: _named\nusers: [{name: u}]\n"
        "permissions: [{path: /etc/other, mode: '0640'}]\nfiles:\n"
        "- {path: /usr/bin/tool, source: beside/tool}\n- {path: /etc/mine, source: beside/secret, mode: '0600'}\n"
        "- {path: /etc/other, source: beside/secret, group: u}\n- {path: /etc/written, content: here}\n",
    })  # fmt: skip
    export_archiso.write(exported(profiles, "sources"), tmp_path, "out")
    back = export_archiso.read_back(Foreign(tmp_path / "out"))
    assert back is not None
    (tmp_path / "again").mkdir()
    draft.write(back, tmp_path / "again", "mine")

    def last(made: Config) -> set[Entry]:
        found = made.slice(overlay.Slice)
        return {each for each in wanted.with_permissions({entry.path: entry for entry in found.tree}, found.permissions)
                if each.type == "file"}  # fmt: skip

    assert last(normalised(tmp_path / "again", "mine")) == last(normalised(profiles, "sources"))


@pytest.mark.parametrize("change", ["altered", "added", "gone"])
def test_a_changed_export_is_read_as_any_archiso_profile(profiles: Path, tmp_path: Path, change: str) -> None:
    export_archiso.write(exported(profiles), tmp_path, "out")
    if change == "altered":
        (tmp_path / "out/packages.x86_64").write_text("base\nlinux\nnano\n")
    elif change == "added":
        (tmp_path / "out/airootfs/etc/new").write_text("new\n")
    else:
        (tmp_path / "out/airootfs/etc/secret").unlink()
    assert export_archiso.read_back(Foreign(tmp_path / "out")) is None
    (tmp_path / "again").mkdir()
    draft.write(archiso.convert(Foreign(tmp_path / "out"), variables(tmp_path / "out")), tmp_path / "again", "mine")
    made = normalised(tmp_path / "again", "mine")
    assert made.values["iso"]["timeout"] == 7
    assert ("nano" in made.values["lock"]["packages"]) == (change == "altered")


@pytest.mark.parametrize(
    ("text", "message"),
    [("distribution: debian\n", "mkarchiso builds Arch Linux only"),
     ("distribution: arch\ninitrd: {generator: dracut}\n", "mkarchiso supports mkinitcpio only")],
)  # fmt: skip
def test_what_mkarchiso_cannot_build_is_refused(profiles: Path, text: str, message: str) -> None:
    (profiles / "other.yaml").write_text(f"version: 1\n{text}")
    with pytest.raises(DebateError, match=message):
        exported(profiles, "other")


CHANGES = {
    "description": "description: other",
    "base": "base: arch",
    "components": "components: [core, extra, multilib]",
    "snapshot": "snapshot: 20260901T000000Z",
    "repositories": "repositories: [{name: more, url: 'https://e.example/more', key: keys/tools.asc}]",
    "packages": "packages: [htop]",
    "kernel": "kernel: linux-lts",
    "initrd": "initrd: {generator: dracut}",
    "initrd.modules": "initrd: {modules: [ext4]}",
    "initrd.files": "initrd: {files: [/etc/motd]}",
    "initrd.hooks": "initrd: {hooks: [one/hook.sh]}",
    "initrd.firmware": "initrd: {firmware: ['x/*']}",
    "initrd.compression": "initrd: {compression: xz}",
    "hostname": "hostname: other",
    "locale": "locale: fr_FR.UTF-8",
    "keymap": "keymap: de",
    "timezone": "timezone: Europe/Berlin",
    "network": "network: {manager: NetworkManager}",
    "users": "users: [{name: more, uid: 1234}]",
    "services": "services: {enable: [other]}",
    "services.disable": "services: {disable: [other]}",
    "services.mask": "services: {mask: [other]}",
    "overlays": "overlays: [one]",
    "permissions": "permissions: [{path: /srv/data, mode: '0700'}]",
    "files": "files: [{path: /etc/other, content: x}]",
    "hooks": "hooks: [keys/tools.asc]",
    "boot.timeout": "boot: {timeout: 0}",
    "boot.entries": "boot: {entries: [default, toram]}",
    "boot.theme": "boot: {theme: {text: '#112233'}}",
    "persistence": "persistence: {label: mine}",
    "boot.title": "boot: {title: Other}",
    "boot.arguments": "boot: {arguments: [other]}",
    "boot.console": "boot: {console: [tty0]}",
    "boot.firmware": "boot: {firmware: [bios]}",
    "image.label": "image: {label: OTHER}",
    "image.publisher": "image: {publisher: Other}",
    "image.exclude": "image: {exclude: [/usr/share/man/*]}",
    "image.compression": "image: {compression: {algorithm: xz}}",
    "a file of mkinitcpio": "files: [{path: /etc/mkinitcpio.conf.d/mine.conf, content: x}]",
    "the file of archiso": "files: [{path: /etc/mkinitcpio.conf.d/archiso.conf, content: x}]",
}
"""Field -> a change of it that mkarchiso's profile shows, or of which is told that it does not."""
NOT_OF_THE_ISO = {
    "version",
    "extends",
    "remove",
    "distribution",
    "release",
    "architecture",
    "mirror",
    "recommends",
    "secrets",
    "check",
}
"""Fields that have no effect on an ISO of Arch, or one value only."""


def essence(made: Export) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """What mkarchiso reads, without the config's hash, and what is told."""
    files = {path: f"{file.link}".encode() + b"".join(file.chunks()) for path, file in made.files.items()}
    files["profiledef.sh"] = b"".join(
        line
        for line in files["profiledef.sh"].splitlines()
        if not line.startswith((b"iso_version=", b"iso_name=", b"# Made"))
    )
    own = (f"{export_archiso.PROFILE}/", export_archiso.SUMS)
    return {path: content for path, content in files.items() if not path.startswith(own)}, made.losses


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_is_exported_or_told(profiles: Path, field: str) -> None:
    image = "" if field.startswith("image") else "image: {label: ARCH}\n"
    write_files(profiles, {
        "a.yaml": "version: 1\nextends: arch\nimage: {label: ARCH}\n",
        "b.yaml": f"version: 1\nextends: arch\n{image}{CHANGES[field]}\n",
    })  # fmt: skip
    if field.startswith("initrd"):
        with pytest.raises(DebateError) as caught:
            exported(profiles, "b")
        assert caught.value.problems[0].place == Place("export-archiso:b")
    else:
        assert essence(exported(profiles, "a")) != essence(exported(profiles, "b"))


def test_every_field_is_tried() -> None:
    assert {field.partition(".")[0] for field in CHANGES if " " not in field} == schema()[
        "properties"
    ].keys() - NOT_OF_THE_ISO


@pytest.mark.parametrize("names", [[], ["intel-ucode.img"], ["amd-ucode.img", "intel-ucode.img"], ["vmlinuz-linux"]])
def test_microcode_that_a_package_has_is_in_the_initramfs(profiles: Path, tmp_path: Path, names: list[str]) -> None:
    """mkinitcpio sources its configuration, and fails if that fails."""
    write_files(tmp_path / "boot", dict.fromkeys(names, ""))
    text = b"".join(exported(profiles).files["airootfs/etc/mkinitcpio.conf.d/archiso.conf"].chunks()).decode()
    (tmp_path / "config").write_text(text.replace("'/boot/", f"'{tmp_path}/boot/"))
    script = 'source "$1" && printf "%s\\n" "${HOOKS[@]}"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", tmp_path / "config"], capture_output=True, text=True, check=True
    )
    assert ("microcode" in done.stdout.split()) == any("ucode" in name for name in names)
    assert {"archiso", "block", "filesystems"} <= set(done.stdout.split())


@pytest.mark.parametrize("content", [b"echo \xff\n", b"#!/bin/sh\necho \xe4\n", "echo é\n".encode()])
def test_hooks_keep_their_bytes(profiles: Path, tmp_path: Path, content: bytes) -> None:
    (profiles / "one/hook.sh").write_bytes(content)
    script = b"".join(exported(profiles).files["airootfs/root/customize_airootfs.sh"].chunks()).decode(
        errors="surrogateescape"
    )
    start = script.index("# hook.sh\n")
    copied = script[start : script.index("END-OF-HOOK-1\n", script.index("\n", start + 12))] + "END-OF-HOOK-1\n"
    subprocess.run(["bash", "-c", re.sub("> [^ ]*/hook ", f"> {tmp_path / 'copy'} ", copied)], check=True)
    assert (tmp_path / "copy").read_bytes() == content
