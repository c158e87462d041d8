"""Exports of profiles by somebody hostile: nothing is written outside of the exported directory, or read from there."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate.convert import export_archiso
from debate.convert.draft import yaml_text
from debate.errors import DebateError
from debate.host.beneath import Tree
from debate.profile.load import load
from debate.steps import config
from tests.bounded import bounded
from tests.conftest import MEMORY, SSH_KEY, many, write_files
from tests.foreign import NOT_FILES, SECRET, secret

USER = f"users: [{{name: live, ssh_keys: [{SSH_KEY}]}}]"

OURS = "the profile's own\n"


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory with profiles/, build/mine/, and elsewhere/ and a secret, which are not to be touched."""
    with prepared() as directory:
        yield directory


@contextlib.contextmanager
def prepared() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(dir=MEMORY))
    try:
        write_files(directory, {"elsewhere/kept": OURS, "elsewhere/below/kept": OURS})
        secret(directory)
        (directory / "profiles/tree").mkdir(parents=True)
        (directory / "build/mine").mkdir(parents=True)
        # So that no link here leads to where a defect that these tests find could do harm.
        with contextlib.chdir(directory / "elsewhere"):
            yield directory
    finally:
        with Tree(directory.parent) as above:
            above.remove(directory.name)  # shutil.rmtree does not remove what is too deep.


def state(base: Path) -> list[tuple[str, int, bytes]]:
    """All that is not in build/."""
    found = [path for top in base.iterdir() if top.name != "build" for path in (top, *top.rglob("*"))]
    return sorted((str(path), path.lstat().st_mode, contents(path)) for path in found)


def contents(path: Path) -> bytes:
    if path.is_symlink():
        return os.readlink(path).encode()
    return path.read_bytes() if path.is_file() else b""


def exported(base: Path, text: str, processor: float = 10.0) -> tuple[bool, str]:
    """Export within bounds, and check that nothing else changed. True if it was possible, and what was told."""
    (base / "profiles/mine.yaml").write_text(f"version: 1\ndistribution: arch\n{text}")
    before = state(base)
    refused: DebateError | None = None
    with bounded(processor=processor):
        try:
            loaded = load(base / "profiles", "mine")
            made = config.normalise(loaded, base / "profiles")
            own = export_archiso.own_profile(loaded.data, made)
            made_export = export_archiso.export("mine", made, own, 1)
            export_archiso.write(made_export, base / "build", "mine/archiso")
        except DebateError as error:
            refused = error
    assert state(base) == before
    if refused:
        assert all(problem.place and problem.remedy for problem in refused.problems), refused
        assert "still not done" not in str(refused)
        return False, str(refused)
    target = base / "build/mine/archiso"
    assert not target.is_symlink()
    for path in target.rglob("*"):
        assert stat.S_IFMT(path.lstat().st_mode) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
        assert SECRET.encode() not in contents(path)
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_symlink() or path.is_file()} == set(
        made_export.files
    )
    return True, "\n".join(made_export.losses)


BELOW = [
    ("etc/link", "files: [{path: /etc/link/evil, content: x}]"),
    ("etc", "files: [{path: /etc/evil, content: x}]"),
    ("etc", "hostname: evil"),
    ("etc", "users: [{name: live}]"),
    ("etc", "locale: de_DE.UTF-8"),
    ("etc/mkinitcpio.d", ""),
    ("etc/mkinitcpio.conf.d", ""),
    ("etc/systemd", "users: [{name: live, autologin: true}]"),
    ("etc/systemd/system", "services: {mask: [x]}"),
    ("etc/systemd/system/multi-user.target.wants", "services: {enable: [x]}"),
    ("etc/systemd/system/getty@tty1.service.d", "users: [{name: live, autologin: true}]"),
    (
        "home",
        USER,
    ),
    (
        "home/live",
        USER,
    ),
    (
        "home/live/.ssh",
        USER,
    ),
    ("root", "hooks: [hook.sh]"),
    (
        "root",
        USER.replace("live", "root"),
    ),
    ("a", "overlays: [tree, other]"),
    ("a/b", "overlays: [tree, {source: other, target: /a/b}]"),
    ("A", "files: [{path: /a/evil, content: x}, {path: /A/evil, content: x}]"),
    ("a", "files: [{path: /a/evil, content: x}]\npermissions: [{path: /a/evil, mode: '0777'}]"),
]
LINKS: dict[str, Callable[[Path, Path], None]] = {
    "absolute": lambda path, base: path.symlink_to(base / "elsewhere"),
    "relative": lambda path, base: path.symlink_to(os.path.relpath(base / "elsewhere", path.parent)),
    "deep": lambda path, base: path.symlink_to(f"{'../' * 30}{base}/elsewhere"),
    "through /proc": lambda path, base: path.symlink_to(f"/proc/self/root{base}/elsewhere"),
    "through the working directory": lambda path, _: path.symlink_to("/proc/self/cwd"),
    "to itself": lambda path, _: path.symlink_to("."),
    "to nothing": lambda path, _: path.symlink_to("nowhere"),
    "a file": lambda path, _: path.touch(),
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize(("path", "text"), BELOW)
def test_nothing_is_below_a_link_or_a_file(
    base: Path, path: str, text: str, link: Callable[[Path, Path], None]
) -> None:
    write_files(base / "profiles", {"other/a/evil": "x", "hook.sh": "#!/bin/sh\n"})
    (base / "profiles/tree" / path).parent.mkdir(parents=True, exist_ok=True)
    link(base / "profiles/tree" / path, base)
    overlays = "" if "overlays" in text else "overlays: [tree]\n"
    done, told = exported(base, f"{overlays}{text}\n")
    # In a home, a directory of debate's own takes the place of the link.
    assert not done or path.startswith("home/live"), told
    assert os.listdir(base / "build/mine") == ["archiso"] * done


TARGETS: dict[str, Callable[[Path], None]] = {
    **{name: lambda path, make=make: make(path) for name, make in NOT_FILES.items()},  # type: ignore[misc]
    "a link to a directory": lambda path: path.symlink_to(path.parents[2] / "elsewhere"),
    "a file": Path.touch,
    "a hard link": lambda path: os.link(path.parents[2] / "elsewhere/kept", path),
}


def full(path: Path, base: Path) -> None:
    """A directory with traps where an export has files, and deeper than Python can recurse."""
    path.mkdir()
    for number, make in enumerate(NOT_FILES.values()):
        (path / f"{number}/d").mkdir(parents=True)
        make(path / f"{number}/d/x")
    for name in ("airootfs", "profiledef.sh", "packages.x86_64", "debate"):
        (path / name).symlink_to(base / "elsewhere")
    os.link(base / "elsewhere/kept", path / "pacman.conf")
    with contextlib.chdir(path):
        for _ in range(1500):
            os.mkdir("deep")
            os.chdir("deep")


@pytest.mark.parametrize("where", ["mine/archiso", "mine/.archiso.new"])
@pytest.mark.parametrize("make", TARGETS.values(), ids=TARGETS)
def test_whatever_is_there_is_replaced(base: Path, where: str, make: Callable[[Path], None]) -> None:
    make(base / "build" / where)
    assert exported(base, "files: [{path: /etc/x, content: text}]\n") == (True, "")
    assert (base / "build/mine/archiso/airootfs/etc/x").read_text() == "text"


@pytest.mark.parametrize("where", ["archiso", ".archiso.new"])
def test_a_directory_full_of_traps_is_replaced(base: Path, where: str) -> None:
    full(base / "build/mine" / where, base)
    assert exported(base, "files: [{path: /etc/x, content: text}]\n")[0]
    assert os.listdir(base / "build/mine") == ["archiso"]


@pytest.mark.parametrize("target", ["elsewhere", "nowhere", ".", "..", "mine"])
def test_the_profiles_own_directory_as_a_link(base: Path, target: str) -> None:
    (base / "build/mine").rmdir()
    (base / "build/mine").symlink_to(base / target if target in ("elsewhere", "nowhere") else target)
    done, told = exported(base, "files: [{path: /etc/x, content: text}]\n")
    assert not done
    assert "mine/archiso: is a link, or below one" in told
    assert os.listdir(base / "build") == ["mine"]


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_a_file_that_is_exchanged_after_it_was_read(base: Path, make: Callable[[Path], None]) -> None:
    """Neither followed, nor waited for; and what was exported before stays."""
    assert exported(base, "")[0]
    file = write_files(base / "profiles/tree", {"d/x": "before"}) / "d/x"
    (base / "profiles/mine.yaml").write_text("version: 1\ndistribution: arch\noverlays: [tree]\n")
    loaded = load(base / "profiles", "mine")
    made = config.normalise(loaded, base / "profiles")
    made_export = export_archiso.export("mine", made, export_archiso.own_profile(loaded.data, made), 1)
    secret(base / "profiles/tree")
    file.unlink()
    make(file)
    with bounded(), pytest.raises(DebateError, match=r"x: .*; run the same command again, and leave"):
        export_archiso.write(made_export, base / "build", "mine/archiso")
    assert os.listdir(base / "build/mine") == ["archiso"]
    assert not (base / "build/mine/archiso/airootfs/d").exists()


def test_large_files_take_no_memory(base: Path) -> None:
    with (base / "profiles/tree/large").open("wb") as file:
        for _ in range(400):
            file.write(bytes(1 << 20))
    assert exported(base, "overlays: [tree]\n")[0]


@pytest.mark.parametrize("path", ["/etc/link", "/etc/link/x", "/etc/link/x/y"])
def test_permissions_of_a_link_are_not_exported(base: Path, path: str) -> None:
    """mkarchiso gives them to what the link leads to, which may be a file of the host."""
    (base / "profiles/tree/etc").mkdir()
    (base / "profiles/tree/etc/link").symlink_to("/nowhere")
    text = f"overlays: [tree]\npermissions: [{{path: {path}, mode: '0777'}}, {{path: /etc/links, mode: '0700'}}]\n"
    done, told = exported(base, text)
    if done:  # The profile itself may be refused.
        assert f"{path}: permissions of what is a link" in told
        text = (base / "build/mine/archiso/profiledef.sh").read_text()
        assert "/etc/links" in text
        assert "/etc/link]" not in text
        assert "/etc/link/" not in text


# Random profiles ----------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["etc", "a", "b", "A", "home", "live", "root", "systemd", "system", "x'y", "$(id)", "a b", "]", "ü"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
NODES = st.lists(
    st.tuples(
        PATHS,
        st.sampled_from(["file", "directory", "link"]),
        st.sampled_from(["elsewhere", "secret", "..", "../..", ".", "/proc/self/cwd", "a", "../a/b"]),
    ),
    max_size=8,
)
TEXT = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'\\\":"), min_size=1, max_size=8)
FIELDS = st.fixed_dictionaries({}, optional={
    "description": TEXT,
    "hostname": st.sampled_from(["h", "mine"]),
    "files": st.lists(st.fixed_dictionaries({"path": PATHS.map(lambda path: f"/{path}"), "content": TEXT}), max_size=3),
    "permissions": st.lists(
        st.fixed_dictionaries({"path": PATHS.map(lambda path: f"/{path}"), "mode": st.just("0750")}),
        max_size=3, unique_by=lambda item: str(item["path"]),
    ),
    "users": st.just([{"name": "live", "full_name": "L", "ssh_keys": [SSH_KEY], "autologin": True}]),
    "services": st.just({"enable": ["x", "y.timer"], "mask": ["z"]}),
    "boot": st.fixed_dictionaries({"title": TEXT}),
})  # fmt: skip


@many(150)
@given(NODES, FIELDS)
def test_random_profiles(nodes: Sequence[tuple[str, str, str]], fields: dict[str, Any]) -> None:
    with prepared() as base:
        for path, kind, target in nodes:
            place(
                base / "profiles/tree", path, kind, str(base / target) if target in ("elsewhere", "secret") else target
            )
        done, _ = exported(base, yaml_text({**fields, "overlays": ["tree"]}), processor=2)
        if done:
            check_profiledef(base / "build/mine/archiso")


def place(tree: Path, path: str, kind: str, target: str) -> None:
    with Tree(tree) as root, contextlib.suppress(OSError):
        root.make_directory(path if kind == "directory" else path.rpartition("/")[0])
        if kind == "link":
            root.make_link(path, target)
        elif kind == "file":
            root.write(path, OURS.encode())


def check_profiledef(directory: Path) -> None:
    """bash makes of profiledef.sh what was meant, whatever is in a name."""
    script = '. ./profiledef.sh; printf "%s\\0" "$iso_application" "${!file_permissions[@]}"'
    argv = ["bash", "-c", f"declare -A file_permissions; {script}"]
    said = subprocess.run(argv, cwd=directory, capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    application, *paths = said.stdout.decode().split("\0")[:-1]
    own = yaml.safe_load((directory / "debate/profile.yaml").read_text())
    assert application == own["fields"].get("description", "")
    assert said.stderr == b""
    assert all(path.startswith("/") for path in paths)
