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
    (directory / "config/common").write_text(
        f'LB_CHROOT_SQUASHFS_COMPRESSION_LEVEL="8"\nLB_CHROOT_SQUASHFS_COMPRESSION_TYPE="{algorithm}"\n'
    )
    made = live_build.convert(live_build.opened(directory))
    lost = algorithm != "gzip"
    assert made.fields["image"]["compression"] == {"algorithm": algorithm, **({} if lost else {"level": 8})}
    assert any(loss == f"level 8: {algorithm} has none here" for loss in made.losses) == lost


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
