"""`doit diff`: two profiles, and one at two revisions."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from debate.commands.logic.diff import derived, diff, unpack
from debate.errors import DebateError
from debate.host.beneath import Tree
from debate.profile.load import load
from debate.settings import Settings
from debate.steps.config import normalise


def lock(settings: Settings, name: str, **packages: str) -> None:
    found = [
        {"name": package, "version": version, "architecture": "amd64", "repository": "debian",
         "path": f"pool/{package}", "size": 1, "sha256": hashlib.sha256(package.encode()).hexdigest()}
        for package, version in packages.items()
    ]  # fmt: skip
    system = {"distribution": "debian", "release": "trixie", "architecture": "amd64"}
    fields = {"format": 1, "request": f"sha256:{'0' * 64}", **system}
    (settings.profiles / f"{name}.lock.json").write_text(json.dumps({**fields, "packages": found}))


def test_two_profiles(settings: Settings) -> None:
    said = diff(settings, ["minimal", "kiosk"]).text.splitlines()
    assert "  ~ hostname: minimal -> kiosk" in said
    assert "  + packages: dillo" in said
    assert any(line.startswith("  - users.root: ") for line in said)
    assert any(line.startswith("  + users.kiosk: ") for line in said)
    assert said[-1] == "packages: not compared, since one profile has no lock file; build it, or commit its lock file"


def test_a_field_of_a_user(settings: Settings) -> None:
    (settings.profiles / "other.yaml").write_text(
        "version: 1\nextends: minimal\nusers: [{name: root, shell: /bin/sh}]\n"
    )
    assert "  ~ users.root.shell: /bin/bash -> /bin/sh\n" in diff(settings, ["minimal", "other"]).text


def test_packages_of_both_locks(settings: Settings) -> None:
    lock(settings, "minimal", bash="5.2", curl="1")
    lock(settings, "kiosk", bash="5.3", vim="9")
    said = diff(settings, ["minimal", "kiosk"]).text
    assert "packages:\n  ~ bash 5.2 -> 5.3\n  - curl 1\n  + vim 9\n" in said
    (data,) = diff(settings, ["minimal", "kiosk"]).data
    assert data["packages"] == [
        {"name": "bash", "old": "5.2", "new": "5.3"}, {"name": "curl", "old": "1", "new": None},
        {"name": "vim", "old": None, "new": "9"},
    ]  # fmt: skip
    assert {"change": "changed", "path": ["hostname"], "old": "minimal", "new": "kiosk"} in data["config"]
    assert (data["same"], data["values"], data["files"]) == (False, [], [])


def test_the_same(settings: Settings) -> None:
    assert diff(settings, ["minimal", "minimal"]).text.startswith("config: the same\n")


def test_a_copy_with_another_name(settings: Settings) -> None:
    """The ISO's label follows from the name; no file differs."""
    for name in ("minimal", "kiosk"):
        (settings.profiles / "copy.yaml").write_bytes((settings.profiles / f"{name}.yaml").read_bytes())
        config, *said = diff(settings, [name, "copy"]).text.splitlines()
        assert config == "config: the same fields"
        assert f"  ~ iso.label: {name.upper()} -> COPY" in said
        assert "files that the fields name:" not in said


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda path: path.write_text("other\n"), r"~ /srv/kiosk/start\.digest: sha256:\w+ -> sha256:\w+"),
        (lambda path: path.chmod(0o755), r"~ /srv/kiosk/start\.mode: 0644 -> 0755"),
        (lambda path: path.unlink(), r"- /srv/kiosk/start: .*"),
    ],
    ids=["content", "mode", "removed"],
)
def test_files_that_a_field_names(settings: Settings, edit: Callable[[Path], None], expected: str) -> None:
    """The same field names another directory in each profiles directory, as at two revisions."""
    sides = []
    start = settings.profiles / "overlays/kiosk/srv/kiosk/start"
    start.write_text("one\n")
    start.chmod(0o644)
    for change in (lambda _: None, edit):
        change(start)
        sides.append(normalise(load(settings.profiles, "kiosk"), settings.profiles).values)
    values, files = derived(*sides)
    assert values == []
    assert [bool(re.fullmatch(expected, str(change))) for change in files] == [True], files


def test_two_revisions(settings: Settings) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example"]
        subprocess.run(["git", *identity, *words], cwd=settings.root, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    lock(settings, "minimal", bash="5.2")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    path = settings.profiles / "minimal.yaml"
    path.write_text(path.read_text().replace("hostname: minimal", "hostname: other") + "packages: [vim]\n")
    lock(settings, "minimal", bash="5.3")
    said = diff(settings, ["minimal@HEAD", "minimal"]).text
    assert said == (
        "config:\n  + packages: vim\n  ~ hostname: minimal -> other\npackages:\n  ~ bash 5.2 -> 5.3\n"
    )  # fmt: skip
    assert diff(settings, ["minimal@HEAD", "minimal@main"]).text.startswith("config: the same")
    overlay = settings.profiles / "overlays/kiosk/srv/kiosk"
    (overlay / "new").write_text("new\n")
    assert "files that the fields name:\n  + /srv/kiosk/new: " in diff(settings, ["kiosk@HEAD", "kiosk"]).text
    with pytest.raises(
        DebateError, match=r"^diff: the repository has no revision 'nowhere'; name a commit, branch or tag"
    ):
        diff(settings, ["minimal@nowhere", "minimal"])


def test_size_of_two_builds(settings: Settings) -> None:

    for name, size in (("minimal", 1_000_000), ("kiosk", 3_500_000)):
        made = normalise(load(settings.profiles, name), settings.profiles)
        output = settings.output / name
        output.mkdir(parents=True)
        (output / "hash.json").write_text(json.dumps({"config": made.hash, "epoch": 1}))
        iso = {"digest": f"sha256:{'1' * 64}", "size": size}
        facts = {"name": name, "description": "x", "config": made.hash, "lock": "x", "iso": iso}
        (output / "manifest.json").write_text(json.dumps(facts))
    assert "size: 1.0 MB -> 3.5 MB (+2,500,000 bytes)" in diff(settings, ["minimal", "kiosk"]).text


@pytest.mark.parametrize(
    ("words", "message"),
    [(["minimal"], "two names are needed"),
     (["minimal", "kiosc"], "^diff: there is no profile 'kiosc'; did you mean 'kiosk'"),
     (["minimal@--output=x", "minimal"], "is not a revision")],
)  # fmt: skip
def test_what_is_refused(settings: Settings, words: list[str], message: str) -> None:
    with pytest.raises(DebateError, match=message):
        diff(settings, words)


def member(
    name: str, kind: bytes = tarfile.REGTYPE, target: str = "", data: bytes = b""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(data)
    return info, data


@pytest.mark.parametrize(
    "members",
    [
        [member("../evil", data=b"1")],
        [member("/evil", data=b"1")],
        [member("profiles/../../evil", data=b"1")],
        [member("profiles/d", tarfile.SYMTYPE, ".."), member("profiles/d/../evil", data=b"1")],
        [member("d", tarfile.SYMTYPE, ".."), member("d/evil", data=b"1")],
        [member("d", tarfile.SYMTYPE, ".."), member("d/evil", tarfile.DIRTYPE)],
        [member("d", tarfile.SYMTYPE, "../secret"), member("d", data=b"1")],
        [member("d", tarfile.SYMTYPE, "/"), member("d", tarfile.SYMTYPE, "..")],
        [member("d", tarfile.LNKTYPE, "../secret")],
        [member("d", tarfile.FIFOTYPE)],
        [member("d", tarfile.CHRTYPE)],
        [member("x" * 300, data=b"1")],
        [member("d/" * 2000 + "x", data=b"1")],
        [member("profiles", data=b"1"), member("profiles/x", data=b"1")],
    ],
)
def test_a_tree_of_git_stays_where_it_is_put(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """Git checks such trees only when it is told to."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "tree").mkdir()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive, Tree(tmp_path / "tree") as tree, contextlib.suppress(OSError):
        unpack(archive, tree)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret", "tree"]
    assert (tmp_path / "secret").read_text() == "secret"
    for path in (tmp_path / "tree").rglob("*"):
        assert path.is_symlink() or path.is_dir() or path.is_file()
        assert path.is_symlink() or path.is_dir() or path.read_text() != "secret"
