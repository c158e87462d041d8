"""archiso profiles: what becomes of each part, and what is said of what has no counterpart."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate.convert import archiso, draft
from debate.convert.foreign import Foreign
from debate.errors import DebateError, Problem
from debate.profile.load import load
from debate.steps import config
from tests.conftest import many, write_files

VARIABLES: dict[str, list[str]] = {
    "iso_name": ["archlinux"],
    "iso_label": ["ARCH_202611"],
    "iso_publisher": ["Arch Linux <https://archlinux.org>"],
    "iso_application": ["Arch Linux Live/Rescue DVD"],
    "iso_version": ["2026.11.25"],
    "install_dir": ["arch"],
    "arch": ["x86_64"],
    "buildmodes": ["iso"],
    "bootmodes": ["bios.syslinux", "uefi.systemd-boot"],
    "pacman_conf": ["pacman.conf"],
    "airootfs_image_type": ["squashfs"],
    "airootfs_image_tool_options": ["-comp", "xz", "-Xbcj", "x86", "-b", "1M", "-Xdict-size", "1M"],
    "bootstrap_tarball_compression": ["zstd", "-c", "-T0"],
    "file_permissions": ["/etc/shadow", "0:0:400", "/root", "0:0:750", "/usr/local/bin/tool", "0:0:755",
                         "/home/live/", "1000:1000:700"],
}  # fmt: skip
HASH = f"$6$s${'h' * 86}"
FILES = {
    "packages.x86_64": "base\n# a comment\nlinux\nmkinitcpio\nmkinitcpio-archiso # needed\n\nopenssh\n",
    "pacman.conf": (
        "[options]\nArchitecture = auto\nParallelDownloads = 5\n[core]\nInclude = x\n[extra]\n[mine]\nServer = y\n"
    ),
    "airootfs/etc/passwd": "root:x:0:0:root:/root:/usr/bin/zsh\nlive:x:1000:1000:Live User:/home/live:/bin/bash\n",
    "airootfs/etc/shadow": f"root::14871::::::\nlive:{HASH}:14871::::::\n",
    "airootfs/etc/group": "root:x:0:root\nwheel:x:998:live\nmine:x:1010:\n",
    "airootfs/etc/hostname": "archiso\n",
    "airootfs/etc/motd": "hello\n",
    "airootfs/etc/pacman.d/hooks/uncomment.hook": "[Trigger]\n",
    "airootfs/etc/mkinitcpio.d/linux.preset": "PRESETS=(archiso)\n",
    "airootfs/usr/local/bin/tool": "#!/bin/sh\n",
    "airootfs/home/live/.bashrc": "# mine\n",
    "airootfs/root/customize_airootfs.sh": "#!/bin/bash\nlocale-gen\n",
    "efiboot/loader/loader.conf": "timeout 15\ndefault 01.conf\n",
    "efiboot/loader/entries/01.conf": "options archisobasedir=%INSTALL_DIR% archisosearchuuid=%UUID% copytoram=n\n",
    "syslinux/syslinux.cfg": "LABEL arch\nAPPEND archisobasedir=%INSTALL_DIR% other\n",
    "bootstrap_packages.x86_64": "arch-install-scripts\n",
    "README": "about\n",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = write_files(tmp_path / "archiso", FILES)
    wants = made / "airootfs/etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "sshd.service").symlink_to("/usr/lib/systemd/system/sshd.service")
    return made


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    return tmp_path / "profiles"


def written(profiles: Path, name: str = "mine") -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((profiles / f"{name}.yaml").read_text())
    return made


def test_what_becomes_of_it(directory: Path, profiles: Path) -> None:
    draft.write(archiso.convert(Foreign(directory), VARIABLES), profiles, "mine")
    assert written(profiles) == {
        "version": 1,
        "description": "Arch Linux Live/Rescue DVD",
        "distribution": "arch",
        "packages": ["base", "linux", "mkinitcpio", "mkinitcpio-archiso", "openssh"],
        "users": [
            {"name": "root", "shell": "/usr/bin/zsh", "password_hash": "", "groups": ["root"]},
            {"name": "live", "uid": 1000, "full_name": "Live User", "groups": ["wheel"], "shell": "/bin/bash",
             "password_hash": HASH},
        ],
        "hostname": "archiso",
        "permissions": [
            {"path": "/home/live", "mode": "0700", "owner": "live", "group": "live"},
            {"path": "/home/live/.bashrc", "mode": "0700", "owner": "live", "group": "live"},
            {"path": "/root", "mode": "0750", "owner": "root", "group": "root"},
            {"path": "/usr/local/bin/tool", "mode": "0755", "owner": "root", "group": "root"},
        ],
        "boot": {"timeout": 15, "arguments": ["copytoram=n"]},
        "image": {
            "label": "ARCH_202611",
            "publisher": "Arch Linux <https://archlinux.org>",
            "compression": {"algorithm": "xz"},
        },
        "overlays": ["overlays/mine"],
        "hooks": ["hooks/mine/customize_airootfs.sh"],
    }  # fmt: skip
    tree = profiles / "overlays" / "mine"
    assert (tree / "etc/motd").read_text() == "hello\n"
    link = tree / "etc/systemd/system/multi-user.target.wants/sshd.service"
    assert link.readlink() == Path("/usr/lib/systemd/system/sshd.service")
    assert not (tree / "etc/passwd").exists()
    assert not (tree / "root/customize_airootfs.sh").exists()


def test_nothing_is_dropped_in_silence(directory: Path, profiles: Path) -> None:
    told = draft.write(archiso.convert(Foreign(directory), VARIABLES), profiles, "mine")
    text = "\n".join(told)
    for fact in (
        "pacman.conf:3: 'ParallelDownloads = 5' in 'options'", "pacman.conf:5: 'Include = x' in 'core'",
        "pacman.conf:7: repository 'mine'",
        "airootfs/etc/group: group 'mine' (1010)", "airootfs/etc/pacman.d/hooks/uncomment.hook: a pacman hook",
        "airootfs/etc/mkinitcpio.d/linux.preset: a preset of mkinitcpio", "iso_version '2026.11.25'",
        "airootfs_image_tool_options: -Xbcj x86", "airootfs_image_tool_options: -Xdict-size 1M",
        "bootstrap_tarball_compression", "bootstrap_packages.x86_64", "syslinux/syslinux.cfg",
        "efiboot/loader/loader.conf",
        "README: mkarchiso does not read it",
    ):  # fmt: skip
        assert fact in text, text
    assert told[-1] == "next: doit build:mine"


def test_it_normalises_to_an_arch_config(directory: Path, profiles: Path) -> None:
    draft.write(archiso.convert(Foreign(directory), VARIABLES), profiles, "mine")
    made = config.normalise(load(profiles, "mine"), profiles)
    assert made.values["initrd"]["generator"] == "mkinitcpio"
    assert made.values["lock"]["components"] == ["core", "extra"]
    assert made.values["rootfs"]["release"] == "rolling"


@pytest.mark.parametrize("there", ["mine.yaml", "overlays/mine/x", "hooks/mine/x"])
def test_nothing_is_overwritten(directory: Path, profiles: Path, there: str) -> None:
    (profiles / there).parent.mkdir(parents=True, exist_ok=True)
    (profiles / there).write_text("precious")
    with pytest.raises(DebateError, match="already exists; choose another name with -n"):
        draft.write(archiso.convert(Foreign(directory), VARIABLES), profiles, "mine")
    assert (profiles / there).read_text() == "precious"
    assert sum(path.is_file() for path in profiles.rglob("*")) == 1


def test_a_variable_without_a_counterpart_is_named(directory: Path) -> None:
    made = archiso.convert(Foreign(directory), {**VARIABLES, "cert_list": ["key.pem"], "mine": []})
    assert "profiledef.sh: cert_list: has no counterpart" in made.losses
    assert "profiledef.sh: mine: has no counterpart" in made.losses
    assert not any("iso_name: has" in loss for loss in made.losses)


def test_kernel_arguments_that_all_entries_share(directory: Path) -> None:
    """archiso 91's kernel_params_ARCH, which stand where an entry says %KERNEL_PARAMS%."""
    entry = directory / "efiboot/loader/entries/01.conf"
    entry.write_text("options archisobasedir=%INSTALL_DIR% %KERNEL_PARAMS% copytoram=n\n")
    made = archiso.convert(Foreign(directory), {**VARIABLES, "kernel_params_x86_64": ["quiet loglevel=3"]})
    assert made.fields["boot"]["arguments"] == ["quiet", "loglevel=3", "copytoram=n"]
    assert not any("kernel_params" in loss for loss in made.losses)


def test_words_with_quotes(directory: Path) -> None:
    """Those that the kernel removes are none of the value; what cannot be carried over is told."""
    entry = directory / "efiboot/loader/entries/01.conf"
    entry.write_text("""options quiet a="b  c" "d=e f" g='h' i=$j k=l\\x2d m=ü\n""")
    passwd = directory / "airootfs/etc/passwd"
    passwd.write_text("live:x:1000:1000:Live User,Room 5,:/home/live:/bin/bash\nnext:x:1001:1001:Next,,,:/home/next:\n")
    made = archiso.convert(Foreign(directory), {**VARIABLES, "iso_publisher": ["Me <me@x>"], "iso_label": ["-X"]})
    assert made.fields["boot"]["arguments"] == ["quiet", "a=b  c", "d=e f"]
    assert [user["full_name"] for user in made.fields["users"]] == ["Live User", "Next"]
    assert made.fields["image"].keys() <= {"compression"}
    told = "\n".join(made.losses)
    for word in ("g='h'", "i=$j", "k=l\\x2d", "m=ü"):
        assert f"efiboot/loader/entries/01.conf: kernel argument {word!r}: it has" in told
    for fact in (
        "iso_publisher 'Me <me@x>': ISO 9660",
        "iso_label '-X': at most",
        "'Room 5,' of 'live': a user has no",
    ):
        assert fact in told


@pytest.mark.parametrize("path", [path for path in FILES if "airootfs/home" not in path])
def test_bytes_that_are_no_text(directory: Path, path: str) -> None:
    """Refused or taken over; no other error."""
    (directory / path).write_bytes(b"\xff\xfe:\xb2:\xb2\xc2\xb2:\xc2\xb2:\xc2\xb2\n")
    with contextlib.suppress(DebateError):
        archiso.convert(Foreign(directory), {**VARIABLES, "file_permissions": ["/etc", "0:0:755", "odd"]})


def test_a_profile_that_would_be_invalid_is_not_written(directory: Path, profiles: Path) -> None:
    (directory / "airootfs/etc/passwd").write_text("live:x:1000:1000::/home/live:/bin/bash\n" * 2)
    with pytest.raises(DebateError):
        draft.write(archiso.convert(Foreign(directory), VARIABLES), profiles, "mine")
    assert list(profiles.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [({"arch": ["i686"]}, r"packages\.i686: No such file"), ({"arch": ["../x"]}, "No such file")],
)
def test_what_is_refused(directory: Path, change: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DebateError, match=message):
        archiso.convert(Foreign(directory), {**VARIABLES, **change})


def test_parse() -> None:
    assert archiso.parse(b"a\x001\x00x y\x00b\x000\x00c\x002\x00k\x00v\n\x00") == {
        "a": ["x y"],
        "b": [],
        "c": ["k", "v\n"],
    }


@many(600)
@given(
    st.lists(st.sampled_from([b"a", b"b c", b"1", b"2", b"\xd9\xa1", b"-1", b"9" * 5000, b"", b"\n"])).map(b"\0".join)
)
def test_whatever_a_program_wrote_there(data: bytes) -> None:
    with contextlib.suppress(DebateError):
        made = archiso.parse(data)
        assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) for name in made)
        words = [word for name, found in made.items() for word in (name, str(len(found)), *found)]
        assert sorted(set(words) - {"1", "2"}) == sorted(set(data.decode().split("\0")[:-1]) - {"1", "2"})


@pytest.mark.parametrize("data", [b"a\x00x\x00", b"a\x009\x00x\x00", b"a\x00-1\x00x\x00", b"hello there\x00you\x00"])
def test_what_a_program_wrote_there_is_no_variable(data: bytes) -> None:
    with pytest.raises(DebateError, match="could not be read"):
        archiso.parse(data)


@pytest.mark.parametrize(
    ("modes", "firmware"),
    [
        (["bios.syslinux", "uefi.systemd-boot"], None),
        (["bios.syslinux.mbr", "bios.syslinux.eltorito", "uefi-x64.grub.esp"], None),
        (["uefi-x64.grub.esp", "uefi-x64.grub.eltorito"], ["uefi"]),
        (["bios.syslinux"], ["bios"]),
        (["bios.syslinux", "uefi-ia32.grub.esp", "uefi-x64.systemd-boot.esp"], ["bios", "uefi", "uefi-ia32"]),
        ([], None),
    ],
)
def test_firmware(directory: Path, modes: list[str], firmware: list[str] | None) -> None:
    made = archiso.convert(Foreign(directory), VARIABLES | {"bootmodes": modes})
    assert made.fields.get("boot", {}).get("firmware") == firmware
    assert not [loss for loss in made.losses if "bootmode" in loss]


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("iso_publisher", ["Bob@x"], "iso_publisher 'Bob@x': ISO 9660 has no form for it"),
        ("iso_publisher", ["x" * 200], "ISO 9660 has no form for it"),
        ("iso_application", ["x" * 201], "a description cannot be that"),
        ("bootmodes", ["pxe.ipxe", "bios.syslinux"], "bootmode 'pxe.ipxe' has no counterpart"),
        ("airootfs_image_tool_options", ["-comp", "zstd", "-noI", "-b", "1M"], "airootfs_image_tool_options: -noI"),
        ("airootfs_image_tool_options", ["-comp", "xz", "-Xcompression-level", "3"], "-Xcompression-level 3"),
        ("airootfs_image_tool_options", ["-comp", "xz", "-b", "256K"], "blocks are of 1 MiB"),
        ("airootfs_image_tool_options", ["stray", "-comp", "xz"], "airootfs_image_tool_options:  stray"),
        ("file_permissions", ["/etc/shadow", "0:0:644"], "file_permissions /etc/shadow 0:0:644"),
    ],
)
def test_a_variable_that_a_field_cannot_have(directory: Path, name: str, words: list[str], told: str) -> None:
    before, after = (archiso.convert(Foreign(directory), VARIABLES | more) for more in ({}, {name: words}))
    assert any(told in loss for loss in set(after.losses) - set(before.losses)), after.losses


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (
            "pacman.conf",
            "[core]\nServer = http://own.example\n",
            "pacman.conf:2: 'Server = http://own.example' in 'core'",
        ),
        ("pacman.conf", "[options]\nSigLevel = Never\n", "pacman.conf:2: 'SigLevel = Never' in 'options'"),
        ("pacman.conf", "[extra]\nSigLevel = Never\n", "pacman.conf:2: 'SigLevel = Never' in 'extra'"),
        ("pacman.conf", "Color\n", "pacman.conf:1: 'Color' in ''"),
        ("efiboot/loader/loader.conf", "timeout 9999\n", "timeout 9999: boot.timeout cannot be that"),
        ("efiboot/loader/loader.conf", "timeout soon\n", "timeout soon: boot.timeout cannot be that"),
        ("efiboot/loader/entries/01.conf", "options a='b c' d=$e f\n", "kernel argument 'd=$e'"),
        ("airootfs/etc/gshadow", "wheel:$6$x::\n", "gshadow: password, administrators or members of 'wheel'"),
        ("airootfs/etc/gshadow", "wheel:!*::other\n", "gshadow: password, administrators or members of 'wheel'"),
        ("airootfs/etc/shadow", "gone:x:1::::::\n", "shadow: 'gone' is not in passwd"),
        ("airootfs/etc/shadow", "live:x:1:0:99:7:::\n", "shadow: limits of the password of 'live'"),
        ("airootfs/etc/group", "live:x:7:\n", "group: number 7 of the group 'live': it is 1000 in passwd"),
    ],
)
def test_a_line_without_a_counterpart_is_told(directory: Path, path: str, text: str, told: str) -> None:
    before = archiso.convert(Foreign(directory), VARIABLES)
    write_files(directory, {path: text})
    after = archiso.convert(Foreign(directory), VARIABLES)
    assert any(told in loss for loss in set(after.losses) - set(before.losses)), after.losses


ODD = [
    ("etc/passwd", "Live:x:1000:1000::/home/Live:/bin/sh\n", "etc/passwd: user 'Live'"),
    ("etc/passwd", "live:x:99999:99999::/home/live:/bin/sh\n", "uid of 'live' cannot be '99999'"),
    ("etc/passwd", "live:x:one:one::/home/live:/bin/sh\n", "uid of 'live' cannot be 'one'"),
    ("etc/passwd", "live:x:1000:1000:a=b:/home/live:/bin/sh\n", "name of 'live' cannot be 'a=b'"),
    ("etc/passwd", f"live:x:1000:1000:{'x' * 201}:/home/live:/bin/sh\n", "name of 'live' cannot be 'xxx"),
    ("etc/passwd", "live:x:1000:1000::/home/live:bash\n", "shell of 'live' cannot be 'bash'"),
    ("etc/passwd", "live:x:1000:1000::/home/live:/bin/sh\r\n", "shell of 'live' cannot be '/bin/sh\\r'"),
    ("etc/group", "Wheel:x:998:live\n", "etc/group: 'Wheel' has members"),
    ("etc/shadow", f"live:!{HASH}:1::::::\n", "password of 'live'"),
    ("etc/shadow", f"live:{HASH[:-1]}:1::::::\n", "password of 'live'"),
    ("etc/shadow", "live:secret:1::::::\n", "password of 'live'"),
    ("etc/hostname", "my_host\n", "etc/hostname: 'my_host'"),
    ("../packages.x86_64", "linux\nNot A Package\n", "packages.x86_64:2: 'Not A Package'"),
    ("../packages.x86_64", "linux\nextra/vim\n", "packages.x86_64:2: 'extra/vim'"),
]
"""File of airootfs/, its text with a value that its field cannot have, and what is told."""


@pytest.mark.parametrize(("path", "text", "told"), ODD)
def test_a_value_that_no_field_can_have_is_one_loss(
    directory: Path, profiles: Path, path: str, text: str, told: str
) -> None:
    (directory / "airootfs" / path).write_bytes(text.encode())
    made = draft.write(archiso.convert(Foreign(directory), VARIABLES), profiles, "mine")
    assert any(told in line for line in made), made
    assert "secret" not in "\n".join(made)


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("airootfs_image_tool_options", ["-comp", "zstd", "-Xcompression-level", "99"], "-Xcompression-level 99"),
        ("airootfs_image_tool_options", ["-comp", "zstd", "-Xcompression-level", "0"], "-Xcompression-level 0"),
        ("airootfs_image_tool_options", ["-comp", "gzip", "-Xcompression-level", "10"], "-Xcompression-level 10"),
        ("file_permissions", ["/etc", "0:0:u+x"], "file_permissions /etc 0:0:u+x"),
        ("file_permissions", ["/etc", "0:0"], "file_permissions /etc 0:0:"),
        ("file_permissions", ["/etc", "Me:0:755"], "file_permissions /etc Me:0:755"),
        ("file_permissions", ["/etc//x", "0:0:755"], "file_permissions /etc//x 0:0:755"),
        ("file_permissions", ["/etc/../x/", "0:0:755"], "file_permissions /etc/../x/ 0:0:755"),
    ],
)
def test_a_variable_that_no_field_can_have_is_one_loss(
    directory: Path, profiles: Path, name: str, words: list[str], told: str
) -> None:
    made = draft.write(archiso.convert(Foreign(directory), VARIABLES | {name: words}), profiles, "mine")
    assert any(told in line for line in made), made


@pytest.mark.parametrize("locked", ["!", "!!", "*", "!*"])
def test_a_locked_password_is_no_loss(directory: Path, profiles: Path, locked: str) -> None:
    (directory / "airootfs/etc/shadow").write_text(f"root:{locked}:1::::::\nlive:{HASH}:1::::::\n")
    made = draft.write(archiso.convert(Foreign(directory), VARIABLES), profiles, "mine")
    assert not any("etc/shadow" in line for line in made), made
    assert written(profiles)["users"][0].get("password_hash", "!") in ("!", "*")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("timeout 5", 5), ("timeout 5  \n", 5), ("timeout 5\t\n", 5), ("timeout\t 5\r\ndefault x\r\n", 5),
        ("  timeout 5\n", 5), ("timeout menu-force \r\n", -1), ("timeout menu-hidden\t\n", 0),
        ("timeout 3\ntimeout 5\n", 5), ("#timeout 3\n", None), ("timeout \n", None),
    ],
)  # fmt: skip
def test_timeout_as_systemd_boot_reads_it(directory: Path, text: str, seconds: int | None) -> None:
    (directory / "efiboot/loader/loader.conf").write_bytes(text.encode())
    made = archiso.convert(Foreign(directory), VARIABLES)
    assert made.fields["boot"].get("timeout") == seconds
    assert not any("boot.timeout cannot" in loss for loss in made.losses)


def test_hosts_is_a_file_like_any_other(directory: Path) -> None:
    write_files(directory, {"airootfs/etc/hosts": "10.0.0.1 mine\n"})
    assert archiso.convert(Foreign(directory), VARIABLES).overlay["etc/hosts"] == "airootfs/etc/hosts"


def test_an_empty_directory_is_told(directory: Path) -> None:
    (directory / "airootfs/srv/empty").mkdir(parents=True)
    (loss,) = (loss for loss in archiso.convert(Foreign(directory), VARIABLES).losses if "srv" in loss)
    assert loss.startswith("airootfs/srv/empty: an empty directory")


def test_each_line_matters_or_is_told(directory: Path) -> None:
    """Whatever is left out of a profile, what is made or told of it changes, too."""
    before = archiso.convert(Foreign(directory), VARIABLES)
    told = "".join(before.losses)
    whole = ("mkarchiso does not read it", "only ISOs are built", "the menu is debate's own")
    for path, text in FILES.items():
        lines = text.splitlines(keepends=True)
        for number, line in enumerate(lines):
            (directory / path).write_text("".join((*lines[:number], *lines[number + 1 :])))
            after = archiso.convert(Foreign(directory), VARIABLES)
            copied = path.removeprefix("airootfs/") in before.overlay or any(
                f"{path}: {fact}" in told for fact in whole
            )
            nothing = line.startswith(("#", "\n", "[options]", "Architecture = auto", "[core]", "Server = y"))
            assert after != before or copied or nothing, (path, line)
        (directory / path).write_text(text)
    for name in VARIABLES:
        after = archiso.convert(Foreign(directory), {**VARIABLES, name: ["other", "other"]} if name != "arch" else {})
        assert after != before or f"{name}" in told, name


def test_a_bound_of_ours_names_no_setting() -> None:
    """Raising the setting would not raise it."""
    fact = "import: stopped after 60 s (DEBATE_STOP_AFTER)"
    found = archiso._without_setting(Problem(None, fact), ["stop_after"])
    assert str(found).startswith("import: stopped after 60 s; a profiledef.sh sets variables")
    assert archiso._without_setting(Problem(None, fact), ["memory"]).fact == fact
