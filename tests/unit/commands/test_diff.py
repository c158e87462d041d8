"""`doit diff`: two profiles, and one at two revisions."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from debate.commands.logic import revision
from debate.commands.logic.diff import derived, diff
from debate.commands.logic.revision import profiles_at
from debate.errors import DebateError
from debate.profile.load import load
from debate.settings import Settings
from debate.steps.config import normalise
from tests.bounded import bounded
from tests.conftest import ROOT
from tests.integration.checkout import DOIT


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
        text = (settings.profiles / f"{name}.yaml").read_text()
        (settings.profiles / "copy.yaml").write_text(f"{text}hostname: {name}\n")
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
    path.write_text(path.read_text() + "hostname: other\npackages: [vim]\n")
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


BLOB, LINK, TREE = "100644", "120000", "40000"


def hand_made(settings: Settings, entries: Sequence[tuple[str, str, bytes | list[Any]]]) -> str:
    """A tree of git, which checks it only when it is told to. Returns its name."""

    def git(*words: str, data: bytes) -> str:
        done = subprocess.run(["git", *words], input=data, cwd=settings.root, check=True, capture_output=True)
        return done.stdout.decode().strip()

    made = []
    for mode, name, content in entries:
        if isinstance(content, list):
            found = hand_made(settings, content)
        else:
            found = git("hash-object", "-w", "--stdin", data=content)
        made.append(f"{mode} {name}\0".encode() + bytes.fromhex(found))
    return git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", data=b"".join(made))


@pytest.fixture
def repository(settings: Settings) -> Settings:
    """A checkout with a commit, on the branch main."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *identity, *words], cwd=settings.root, check=True, capture_output=True)
    return settings


@pytest.mark.parametrize(
    "entries",
    [
        [(TREE, "..", [(BLOB, "evil", b"1")])],
        [(BLOB, "../evil", b"1")],
        [(BLOB, "/evil", b"1")],
        [(TREE, "d", [(TREE, "..", [(TREE, "..", [(BLOB, "evil", b"1")])])])],
        [(LINK, "d", b".."), (TREE, "d", [(BLOB, "evil", b"1")])],
        [(LINK, "d", b"/"), (LINK, "d", b"..")],
        [(LINK, "d", b"../secret"), (BLOB, "d", b"1")],
        [(BLOB, "d", b"1"), (TREE, "d", [(BLOB, "x", b"1")])],
        [(BLOB, "x" * 300, b"1")],
        [(LINK, "d", b"x" * 5000)],
        [(LINK, "d", b"x\0y")],
        [(LINK, "d", b"")],
        [(LINK, "d", b"\0" * 4095)],
        [(BLOB, "d", b"1"), (BLOB, "d", b"2")],
        [(BLOB, ".git", b"1")],
    ],
)
def test_a_tree_of_git_stays_where_it_is_put(
    repository: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, entries: list[Any]
) -> None:
    base = tmp_path_factory.mktemp("base")
    monkeypatch.setattr(tempfile, "tempdir", str(base / "tmp"))
    (base / "tmp").mkdir()
    (base / "secret").write_text("secret")
    tree = hand_made(repository, [(TREE, "profiles", entries)])
    with contextlib.suppress(DebateError), profiles_at(repository, tree) as directory:
        for path in directory.rglob("*"):
            assert path.is_symlink() or path.is_dir() or path.read_text() in ("1", "2")
    assert sorted(path.name for path in base.iterdir()) == ["secret", "tmp"]
    assert not list((base / "tmp").iterdir())
    assert (base / "secret").read_text() == "secret"


def test_places_are_in_git(repository: Settings) -> None:
    """Not in the directory where the files were for a moment."""
    bad = [
        (BLOB, "x.yaml", b"version: 1\npkgs: []\noverlays: [o]\n"), (BLOB, "y.yaml", b"version: 1\noverlays: [o]\n"),
        (BLOB, "minimal.yaml", b"version: 1\nhostname: a\n"), (BLOB, "minimal.lock.json", b"{\n"),
        (TREE, "o", [(LINK, "l", b"../../x")]),
    ]  # fmt: skip
    tree = hand_made(repository, [(TREE, "profiles", bad)])
    for name, places in {
        "x": f"{tree}:profiles/x.yaml:2:1: unknown field 'pkgs'",
        "y": f"{tree}:profiles/y.yaml:2:12: {tree}:profiles/o/l: link to '../../x', which is above the root",
        "minimal": f"{tree}:profiles/minimal.lock.json:2: not the JSON of a lock",
        "z": f"diff z@{tree}: there is no profile 'z'",
    }.items():
        with pytest.raises(DebateError) as caught:
            diff(repository, [f"{name}@{tree}", "minimal"])
        assert str(caught.value).startswith(places)
        assert tempfile.gettempdir() not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("main", None, ""),
        ("main~0", None, ""),
        ("nowhere", None, "diff: the repository has no revision 'nowhere'; name a commit, branch or tag"),
        (
            "main:profiles",
            None,
            "diff: the repository has no revision 'main:profiles'; ",
        ),
        ("main:dodo.py", None, "diff: the repository has no revision 'main:dodo.py'; "),
        ("-x", None, "diff: '-x' is not a revision; "),
        ("main", lambda root: shutil.rmtree(root / ".git"), ".*: is in no git repository; name two profiles"),
        ("main", lambda root: shutil.rmtree(root / ".git/objects"), ".*: is in no git repository; name two profiles"),
        ("main", lambda root: (root / ".git/HEAD").write_text("?"), ".*: is in no git repository; name two profiles"),
        (
            "main",
            lambda root: (root / ".git/config").write_text("["),
            ".*: git cannot read the repository; ",
        ),
        ("main", lambda root: os.chown(root / ".git", 65534, 65534), ".*: belongs to another user, so git does not"),
        ("main", lambda root: os.chown(root, 65534, 65534), ".*: belongs to another user, so git does not"),
    ],
)
def test_git_does_not_speak_for_itself(
    repository: Settings, name: str, spoil: Callable[[Path], object] | None, message: str
) -> None:
    if spoil:
        spoil(repository.root)
    if not message:
        assert diff(repository, [f"minimal@{name}", "minimal"]).text.startswith("config: the same")
        return
    with pytest.raises(DebateError, match=rf"^{message}"):
        diff(repository, [f"minimal@{name}", "minimal"])


@pytest.mark.parametrize(
    ("tree", "depth", "seconds", "message"),
    [
        ([(BLOB, "x", b"")], 8, 60, "have more than 50,000 files or 8,589,934,592 bytes"),
        ([], 12, 1, "git does not list the files in 1 s; name another revision"),
    ],
)
def test_a_revision_has_bounds(
    repository: Settings, monkeypatch: pytest.MonkeyPatch, tree: list[Any], depth: int, seconds: int,
    message: str,
) -> None:  # fmt: skip
    """They are known before anything is read: a few trees can have a hundred million files, or only directories."""
    monkeypatch.setattr(revision, "_MOST_TIME", seconds)
    name = hand_made(repository, tree)
    for _ in range(depth):
        data = b"".join(f"40000 {number}\0".encode() + bytes.fromhex(name) for number in range(10))
        done = subprocess.run(
            ["git", "hash-object", "-w", "-t", "tree", "--stdin"],
            input=data, cwd=repository.root, check=True, capture_output=True,
        )  # fmt: skip
        name = done.stdout.decode().strip()
    data = b"40000 profiles\0" + bytes.fromhex(name)
    done = subprocess.run(
        ["git", "hash-object", "-w", "-t", "tree", "--stdin"],
        input=data, cwd=repository.root, check=True, capture_output=True,
    )  # fmt: skip
    with bounded(), pytest.raises(DebateError, match=message):
        diff(repository, [f"minimal@{done.stdout.decode().strip()}", "minimal"])


def test_a_file_that_git_needs_much_memory_for(repository: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept as its difference from another, so a pack of a few bytes can have two that are as large as can be."""
    content = os.urandom(1 << 20) * 24
    for name in ("a", "b"):
        (repository.profiles / name).write_bytes(name.encode() + content)
    for words in (["add", "."], ["-c", "user.name=t", "-c", "user.email=t@x.example", "commit", "-qm", "two"]):
        subprocess.run(["git", *words], cwd=repository.root, check=True)
    repack = ["git", "-c", "core.bigFileThreshold=4g", "repack", "-qadf"]
    subprocess.run(repack, cwd=repository.root, check=True)
    assert diff(repository, ["minimal@main", "minimal"]).text.startswith("config: the same")
    monkeypatch.setattr(revision, "_MOST_MEMORY", 32 << 20)
    with pytest.raises(DebateError, match="git needs more than 32 MiB; name another revision"):
        diff(repository, ["minimal@main", "minimal"])


_LIMITED = """\
import os, resource, sys
from pathlib import Path
from debate.commands.logic import revision
from debate.settings import Settings
for what, most in (resource.RLIMIT_DATA, 200 << 20), (resource.RLIMIT_CPU, 10):
    resource.setrlimit(what, (most, most))
if os.geteuid() == 0:
    os.setuid(65534)
with revision._Git(Settings(Path("/"), Path("/"), Path("/")), ["cat-file", "--batch"], 0, 20) as git:
    for what in resource.RLIMIT_DATA, resource.RLIMIT_CPU:
        print(*resource.prlimit(git._process.pid, what))
"""


def test_a_user_whose_own_limits_are_lower() -> None:
    """They stay: only root could raise them."""
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": "/tmp"},  # noqa: S108
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{200 << 20} {200 << 20}\n10 10\n", "")


def test_git_is_not_left_behind(repository: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """If its limits cannot be set, such as in a container that permits no prlimit(2)."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*words: Any, **more: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*words, **more))
        return started[-1]

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(subprocess, "Popen", noted)
    monkeypatch.setattr(resource, "prlimit", refused)
    with pytest.raises(DebateError, match=r"^git: cannot be limited \(Operation not permitted\); "):
        diff(repository, ["minimal@main", "minimal"])
    assert [process.returncode is None for process in started] == [False]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a file system")
def test_a_revision_that_there_is_no_room_for(repository: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with (repository.profiles / "large").open("wb") as large:
        large.truncate(64 << 20)
    for words in (["add", "."], ["-c", "user.name=t", "-c", "user.email=t@x.example", "commit", "-qm", "two"]):
        subprocess.run(["git", *words], cwd=repository.root, check=True)
    small = repository.root / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(small))
        with pytest.raises(DebateError, match=f"bytes, and {small} has room for [0-9,]+; set TMPDIR to"):
            diff(repository, ["minimal@main", "minimal"])
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", small], check=True)


def test_ctrl_c_leaves_nothing(repository: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    for number in range(3000):
        (repository.profiles / f"f{number}").write_text(str(number))
    subprocess.run(["git", "add", "."], cwd=repository.root, check=True)
    tree = subprocess.run(["git", "write-tree"], cwd=repository.root, check=True, capture_output=True)
    (repository.root / "dodo.py").write_bytes((ROOT / "dodo.py").read_bytes())
    (repository.root / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    temporary = tmp_path_factory.mktemp("temporary")
    argv = [DOIT, "diff", f"minimal@{tree.stdout.decode().strip()}", "minimal"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        argv, cwd=repository.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        while child.poll() is None and not list(temporary.glob("debate-diff-*/profiles/f1*")):
            pass
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate()
    assert "Traceback" not in said
    assert not list(temporary.glob("debate-diff-*"))
