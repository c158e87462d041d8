"""live-build's config/: what becomes of each part, and what is said of what has no counterpart."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from debate.convert import draft, live_build
from debate.errors import DebateError
from debate.profile.load import load
from debate.steps import config
from tests.conftest import write_files

FILES = {
    "bootstrap": 'LB_DISTRIBUTION_CHROOT="bookworm"\nLB_ARCHITECTURE="amd64"\nLB_ARCHIVE_AREAS="main contrib"\n'
    'LB_MIRROR_CHROOT="http://m.example/debian"\n',
    "chroot": 'LB_CHROOT_FILESYSTEM="squashfs"\nLB_LINUX_FLAVOURS_WITH_ARCH="amd64"\n'
    'LB_CHROOT_SQUASHFS_COMPRESSION_TYPE="xz"\n',
    "binary": 'LB_BOOTAPPEND_LIVE="boot=live components quiet splash"\nLB_ISO_VOLUME="MY_LIVE"\n'
    'LB_DEBIAN_INSTALLER="live"\nLB_ISO_PUBLISHER="Me"\n',
    "common": 'LB_APT_RECOMMENDS="false"\nLB_INITSYSTEM="systemd"\n# a comment\nLB_RUN="$(touch /tmp/never)"\n',
    "package-lists/my.list.chroot": "vim\nless curl\n# not this\n#if ARCHITECTURES amd64\ngrub-pc\n#endif\n",
    "package-lists/installer.list.binary": "x\n",
    "includes.chroot/etc/motd": "hello\n",
    "includes.binary/README": "hello\n",
    "hooks/normal/0500-mine.hook.chroot": "#!/bin/sh\necho hi\n",
    "hooks/normal/0600-image.hook.binary": "#!/bin/sh\n",
    "archives/mine.list.chroot": "deb http://x.example x main\n",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_files(tmp_path / "live" / "config", FILES)
    (tmp_path / "live/config/hooks/normal/0100-theirs.hook.chroot").symlink_to("/usr/share/live/build/hooks/x")
    (tmp_path / "profiles").mkdir()
    return tmp_path / "live"


def test_what_becomes_of_it(directory: Path) -> None:
    profiles = directory.parent / "profiles"
    told = draft.write(live_build.convert(live_build.opened(directory)), profiles, "mine")
    assert yaml.safe_load((profiles / "mine.yaml").read_text()) == {
        "version": 1,
        "distribution": "debian",
        "release": "bookworm",
        "components": ["main", "contrib"],
        "boot": {"arguments": ["components", "quiet", "splash"]},
        "image": {"label": "MY_LIVE", "publisher": "Me", "compression": {"algorithm": "xz"}},
        "recommends": False,
        "packages": ["curl", "grub-pc", "less", "vim"],
        "overlays": ["overlays/mine"],
        "hooks": ["hooks/mine/0500-mine.hook.chroot"],
    }
    assert (profiles / "overlays/mine/etc/motd").read_text() == "hello\n"
    config.normalise(load(profiles, "mine"), profiles)
    text = "\n".join(told)
    for fact in (
        "binary:3: LB_DEBIAN_INSTALLER='live' has no counterpart", "common:4: LB_RUN='$(touch /tmp/never)'",
        "package-lists/my.list.chroot:4: '#if ARCHITECTURES amd64'", "package-lists/installer.list.binary: has no",
        "includes.binary/README: has no", "hooks/normal/0600-image.hook.binary: a hook of the image",
        "archives/mine.list.chroot: has no",
    ):  # fmt: skip
        assert fact in text, text
    assert "0100-theirs" not in text
    assert text.count("mirrors are settings") == 1


def test_kernel_arguments_with_quotes(directory: Path) -> None:
    (directory / "config/binary").write_text(
        """LB_BOOTAPPEND_LIVE="boot=live a=\\"b  c\\" \\"d=e f\\" g='h' quiet"\n"""
    )
    made = live_build.convert(live_build.opened(directory))
    assert made.fields["boot"] == {"arguments": ["a=b  c", "d=e f", "quiet"]}
    assert """binary:1: kernel argument "g='h'": it has quotes or other characters that GRUB changes""" in made.losses


@pytest.mark.parametrize("algorithm", ["xz", "lz4", "gzip"])
def test_a_level_that_the_compression_does_not_have(directory: Path, algorithm: str) -> None:
    (directory / "config/chroot").write_text(
        f'LB_CHROOT_SQUASHFS_COMPRESSION_LEVEL="8"\nLB_CHROOT_SQUASHFS_COMPRESSION_TYPE="{algorithm}"\n'
    )
    made = live_build.convert(live_build.opened(directory))
    lost = algorithm != "gzip"
    assert made.fields["image"]["compression"] == {"algorithm": algorithm, **({} if lost else {"level": 8})}
    assert any(loss == f"level 8: {algorithm} has no such level here" for loss in made.losses) == lost


def test_what_is_executable_stays_so(directory: Path) -> None:
    profiles = directory.parent / "profiles"
    tool = write_files(directory / "config/includes.chroot", {"usr/bin/tool": "#!/bin/sh\n"}) / "usr/bin/tool"
    tool.chmod(0o4750)
    draft.write(live_build.convert(live_build.opened(directory)), profiles, "mine")
    assert stat.S_IMODE((profiles / "overlays/mine/usr/bin/tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((profiles / "overlays/mine/etc/motd").stat().st_mode) == 0o644


def test_the_directory_itself_will_do(directory: Path) -> None:
    drafts = [live_build.convert(live_build.opened(path)) for path in (directory, directory / "config")]
    assert drafts[0] == drafts[1]


def test_no_such_directory(tmp_path: Path) -> None:
    with pytest.raises(DebateError, match="-d names the directory in which `lb config` was run"):
        live_build.opened(tmp_path / "nowhere")


def test_files_that_the_running_system_hides_are_lost(directory: Path) -> None:
    profiles = directory.parent / "profiles"
    write_files(directory / "config/includes.chroot", {"run/x": "x", "etc/run/y": "y"})
    told = draft.write(live_build.convert(live_build.opened(directory)), profiles, "mine")
    config.normalise(load(profiles, "mine"), profiles)
    assert not (profiles / "overlays/mine/run").exists()
    assert (profiles / "overlays/mine/etc/run/y").exists()
    assert "  /run/x: hidden by a mount in the running system" in told


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ('LB_ISO_APPLICATION="me@example.org"', {"description": "me@example.org"}),
        ('LB_BOOTAPPEND_LIVE="boot=live user=x@y"', {"boot": {"arguments": ["user=x@y"]}}),
        ('LB_ISO_PUBLISHER="Debian Live project; https://wiki.debian.org/DebianLive; a@lists.debian.org"', {}),
        ('LB_ISO_PREPARER="live-build @LB_VERSION@; https://salsa.debian.org/live-team/live-build"', {}),
        ('LB_ISO_VOLUME="Debian trixie @ISOVOLUME_TS@"', {}),
        ('LB_PARENT_DISTRIBUTION="trixie"\nLB_DISTRIBUTION="trixie"', {"release": "trixie"}),
        ('LB_ARCHITECTURES="amd64"\nLB_LINUX_FLAVOURS="amd64"\nLB_LINUX_FLAVOURS_WITH_ARCH="amd64:amd64"', {}),
        ('LB_LINUX_FLAVOURS_WITH_ARCH="amd64:amd64  amd64"', {}),
    ],
)
def test_options_that_are_taken_or_defaults(tmp_path: Path, options: str, fields: dict[str, object]) -> None:
    write_files(tmp_path / "config", {"binary": options, "package-lists/x.list": ""})
    made = live_build.convert(live_build.opened(tmp_path))
    assert made.losses == ()
    assert made.fields == {"distribution": "debian"} | fields


@pytest.mark.parametrize(
    "options",
    [
        'LB_ISO_PUBLISHER="Me <me@example.org>"',
        f'LB_ISO_PUBLISHER="{"x" * 129}"', f'LB_ISO_APPLICATION="{"x" * 201}"',
        'LB_ISO_VOLUME="Mine @ISOVOLUME_TS@"', 'LB_ISO_PREPARER="me@example.org"', 'LB_APT_RECOMMENDS="perhaps"',
        'LB_PARENT_DISTRIBUTION="trixie"\nLB_DISTRIBUTION="sid"', "if true; then", 'LB_X="', 'LB_ANY="a@b"',
        'LB_ARCHIVE_AREAS="main"\nLB_PARENT_ARCHIVE_AREAS="main contrib"', 'LB_ARCHITECTURES="amd64 i386"',
        'LB_LINUX_FLAVOURS="amd64:amd64 rt-amd64"', 'LB_LINUX_FLAVOURS_WITH_ARCH="amd64:amd64 rt-amd64:amd64"',
        'LB_LINUX_FLAVOURS="rt-amd64"', 'LB_LINUX_FLAVOURS="amd64:i386"', 'LB_ARCHITECTURE="amd64:i386"',
        'LB_CHROOT_SQUASHFS_COMPRESSION_TYPE="lzo"', 'LB_CHROOT_SQUASHFS_COMPRESSION_LEVEL="high"',
    ],
)  # fmt: skip
def test_options_that_are_not_taken_are_told(tmp_path: Path, options: str) -> None:
    write_files(tmp_path / "config", {"binary": options, "package-lists/x.list": ""})
    (loss,) = live_build.convert(live_build.opened(tmp_path)).losses
    assert loss.startswith(f"binary:{len(options.splitlines())}: ")


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("binary", 'LB_DISTRIBUTION="stretch"', "binary:1: LB_DISTRIBUTION='stretch' has no"),
        ("binary", 'LB_ARCHIVE_AREAS="main restricted"', "binary:1: LB_ARCHIVE_AREAS='main restricted' has no"),
        ("binary", 'LB_CHROOT_SQUASHFS_COMPRESSION_LEVEL="99"', "level 99: zstd has no such level here"),
        ("binary", 'LB_CHROOT_SQUASHFS_COMPRESSION_LEVEL="0"', "level 0: zstd has no such level here"),
        (
            "binary",
            'LB_CHROOT_SQUASHFS_COMPRESSION_TYPE="gzip"\nLB_CHROOT_SQUASHFS_COMPRESSION_LEVEL="10"',
            "level 10: gzip has no such level here",
        ),
        ("package-lists/y.list", "vim\nvim/stable less\n", "package-lists/y.list:2: 'vim/stable' is no form"),
        ("package-lists/y.list", "task^", "package-lists/y.list:1: 'task^' is no form"),
    ],
)
def test_a_value_that_no_field_can_have_is_one_loss(tmp_path: Path, path: str, text: str, told: str) -> None:
    write_files(tmp_path / "config", {"package-lists/x.list": "nano", path: text})
    (tmp_path / "profiles").mkdir()
    made = draft.write(live_build.convert(live_build.opened(tmp_path)), tmp_path / "profiles", "mine")
    assert any(line.startswith(f"  {told}") for line in made), made


def test_of_two_includes_the_later_stage_wins(tmp_path: Path) -> None:
    names = ["includes.chroot_before_packages", "includes.chroot_after_packages"]
    write_files(tmp_path / "config", {**{f"{name}/etc/x": name for name in names}, "package-lists/x.list": ""})
    made = live_build.convert(live_build.opened(tmp_path))
    assert made.overlay == {"etc/x": f"{names[1]}/etc/x"}
    assert made.losses == (f"{names[0]}/etc/x: {names[1]}/etc/x is at the same path, and comes later",)


def test_what_git_does_not_store_is_told(tmp_path: Path) -> None:
    write_files(tmp_path / "config", {"includes.chroot/etc/sudoers.d/x": "x", "package-lists/x.list": ""})
    (tmp_path / "config/includes.chroot/etc/sudoers.d/x").chmod(0o604)
    (tmp_path / "config/includes.chroot/srv/empty").mkdir(parents=True)
    assert live_build.convert(live_build.opened(tmp_path)).losses == (
        "includes.chroot/etc/sudoers.d/x: its mode 0604 becomes 0644: set it with permissions, if it matters",
        "includes.chroot/srv/empty: an empty directory: create it with a file in /usr/lib/tmpfiles.d, or a hook",
    )


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o640])
def test_what_not_everybody_may_read_stays_so(tmp_path: Path, mode: int) -> None:
    closed = "etc/app/closed"
    names = [f"includes.chroot_{when}_packages" for when in ("before", "after")]
    files = {
        f"{names[0]}/etc/other": "x",
        f"{names[1]}/etc/other": "x",
        f"{names[1]}/run/x": "x",
        f"{names[1]}/{closed}": "x",
    }
    write_files(tmp_path / "config", {**files, "package-lists/x.list": ""})
    (tmp_path / "profiles").mkdir()
    for name in (f"{names[0]}/etc/other", f"{names[1]}/run/x", f"{names[1]}/{closed}"):
        (tmp_path / "config" / name).chmod(mode)
    draft.write(live_build.convert(live_build.opened(tmp_path)), tmp_path / "profiles", "mine")
    made = yaml.safe_load((tmp_path / "profiles/mine.yaml").read_text())
    assert made["permissions"] == [{"path": f"/{closed}", "mode": f"{mode:04o}"}]


def test_each_line_and_file_matters_or_is_told(directory: Path) -> None:
    """Whatever is changed in a configuration, the profile or what is told of it changes, too."""
    before = live_build.convert(live_build.opened(directory))
    for path, text in FILES.items():
        file = directory / "config" / path
        lines = text.splitlines(keepends=True)
        for number, line in enumerate(lines):
            if not line.startswith("# "):
                file.write_text("".join((*lines[:number], *lines[number + 1 :])) or "other\n")
                after = live_build.convert(live_build.opened(directory))
                whole = path.startswith("includes.chroot/") or any(
                    told.startswith(f"{path}: ") for told in before.losses
                )
                default = line.partition("=")[0].removeprefix("LB_") in (
                    *live_build._DEFAULTS,
                    "ARCHITECTURE",
                    "LINUX_FLAVOURS_WITH_ARCH",
                )
                assert after != before or whole or default, (path, line)
        file.write_text(text)


def test_what_is_lost_is_told_within_bounds(tmp_path: Path) -> None:
    names = "bash\n" + "".join(f"?{number}\n" for number in range(900))
    write_files(tmp_path / "theirs", {"config/package-lists/a.list.chroot": names})
    (tmp_path / "profiles").mkdir()
    with live_build.opened(tmp_path / "theirs") as opened:
        lines = draft.write(live_build.convert(opened), tmp_path / "profiles", "mine")
    assert len(lines) == 3 + draft.MOST_LOSSES + 1
    assert lines[-2].startswith("  and 400 more, the first of them at package-lists/a.list.chroot:502: '?500'")


def test_what_an_export_loses_is_told_in_the_same_way() -> None:
    assert draft.told([]) == []
    assert draft.told(["/a\nb: x", "y" * 400]) == ["  /a?b: x", f"  {'y' * 300}… (100 more characters)"]
    lines = draft.told([f"/{number}: x" for number in range(1600)])
    assert len(lines) == draft.MOST_LOSSES + 1
    assert lines[-1] == "  and 1,100 more, the first of them at /500: x"
