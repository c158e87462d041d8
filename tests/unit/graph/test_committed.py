"""What a commit brings into the output directory or the cache is believed by nobody."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from debate.commands.logic import revision
from debate.errors import DebateError
from debate.graph import committed
from debate.graph.tasks import Graph
from debate.settings import Settings
from tests.bounded import bounded
from tests.conftest import write_files


def git(directory: Path, *words: str) -> None:
    own = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *own, *words], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a directory in a repository, in which something was built."""
    root = tmp_path / "repository/isos"
    write_files(root, {"profiles/a.yaml": "version: 1\n", "cache/README.md": "x\n", "cache/CACHEDIR.TAG": "x\n"})
    write_files(root, {"debate/build/x.py": "", "build/a/iso.json": "{}", "cache/actions/x.json": "{}"})
    git(root.parent, "init", "-q")
    git(root, "add", "profiles", "debate", "cache/README.md", "cache/CACHEDIR.TAG")
    return Settings(root=root, cache=root / "cache", output=root / "build")


def test_a_checkout_as_it_should_be(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git is asked once."""
    committed.refuse(settings)
    assert (settings.output / committed.NOTE).stat().st_mode & 0o777 == 0o644
    monkeypatch.setattr(revision, "in_index", None)
    committed.refuse(settings)


BROUGHT: dict[str, Callable[[Path], None]] = {
    "a record": lambda root: git(root, "add", "build/a/iso.json"),
    "an action": lambda root: git(root, "add", "cache/actions/x.json"),
    "all": lambda root: git(root, "add", "."),
    "a database": lambda root: (write_files(root, {"build/.doit.db": "x"}), git(root, "add", "build/.doit.db"))[1],
    "one with an odd name": lambda root: (write_files(root, {"build/*\n": "x"}), git(root, "add", "build/*\n"))[1],
    "a submodule": lambda root: git(root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},isos/build"),
    "one of the cache": lambda root: git(
        root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},isos/cache/tmp/x"
    ),
    "a submodule as the actions": lambda root: git(
        root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},isos/cache/actions"
    ),
    "a link as the objects": lambda root: git(
        root, "update-index", "--add", "--cacheinfo", f"120000,{'1' * 40},isos/cache/objects"
    ),
    "another file of the cache": lambda root: git(
        root, "update-index", "--add", "--cacheinfo", f"100644,{'1' * 40},isos/cache/x"
    ),
    "a compressed index": lambda root: (git(root, "add", "."), git(root, "update-index", "--index-version", "4"))[1],
    "a split index": lambda root: (git(root, "add", "."), git(root, "update-index", "--split-index"))[1],
    "the note": lambda root: (committed_note(root), git(root, "add", "build"))[1],
}
"""What a commit can bring -> what brings it."""


def committed_note(root: Path) -> None:
    committed.refuse(Settings(root=root, cache=root / "cache", output=root / "build"))


@pytest.mark.parametrize("bring", BROUGHT.values(), ids=BROUGHT)
def test_what_a_commit_brings(settings: Settings, bring: Callable[[Path], None]) -> None:
    bring(settings.root)
    for _ in range(2):
        with pytest.raises(DebateError, match=r"^.*: git has .*(build|cache)/?.*; look at who committed that"):
            committed.refuse(settings)
    git(settings.root, "rm", "-r", "-q", "-f", "--ignore-unmatch", "--cached", "build", "cache")
    committed.refuse(settings)


@pytest.mark.parametrize("mode", ["160000", "120000"])
@pytest.mark.parametrize("above", ["", "/in"])
@pytest.mark.parametrize("place", ["cache", "output"])
def test_what_is_above_a_directory_of_the_settings(settings: Settings, mode: str, above: str, place: str) -> None:
    """A repository or a link there brings all that is in it, and git's index of the checkout has nothing of that."""
    set_ = replace(settings, **{place: settings.root / "out/in/x"})
    committed.refuse(set_)
    git(settings.root, "update-index", "--add", "--cacheinfo", f"{mode},{'1' * 40},isos/out{above}")
    with pytest.raises(DebateError, match=f"^.*: git has .*out{above}: what is there is believed"):
        committed.refuse(set_)
    committed.refuse(settings)


def test_in_a_worktree(settings: Settings, tmp_path: Path) -> None:
    git(settings.root, "add", "-f", "build")
    git(settings.root, "commit", "-q", "-m", "x")
    git(settings.root, "worktree", "add", "-q", str(tmp_path / "other"))
    root = tmp_path / "other/isos"
    with pytest.raises(DebateError, match="git has"):
        committed.refuse(Settings(root=root, cache=root / "cache", output=root / "build"))


def test_directories_elsewhere(settings: Settings, tmp_path: Path) -> None:
    git(settings.root, "add", "-f", "build")
    committed.refuse(Settings(root=settings.root, cache=tmp_path / "cache", output=tmp_path / "build"))
    with pytest.raises(DebateError, match="git has"):
        committed.refuse(Settings(root=settings.root, cache=tmp_path / "cache", output=settings.root / "build"))


WITHOUT: dict[str, Callable[[Path], object]] = {
    "a repository": lambda git: git.rename(git.with_name("git")),
    "an index": lambda git: (git / "index").unlink(),
    "a whole index": lambda git: os.truncate(git / "index", 20),
    "an index that is a file": lambda git: ((git / "index").unlink(), (git / "index").mkdir()),
    "a .git that is a link to itself": lambda git: (git.rename(git.with_name("git")), git.symlink_to(".git")),
    "a .git that is a pipe": lambda git: (git.rename(git.with_name("git")), os.mkfifo(git)),
    **{
        f"a .git with {data[:20]!r}": lambda git, data=data: (git.rename(git.with_name("git")), git.write_bytes(data))  # type: ignore[misc]
        for data in (b"", b"gitdir: \0", b"gitdir: /dev/zero", b"gitdir: .", b"\xff" * 9999, b"gitdir: no")
    },
}
"""What git cannot do without -> what takes it away."""


@pytest.mark.parametrize("take", WITHOUT.values(), ids=WITHOUT)
def test_where_git_cannot_say(settings: Settings, take: Callable[[Path], object]) -> None:
    take(settings.root.parent / ".git")
    with bounded():
        warned = committed.refuse(settings)
    assert ["so nobody knows whether git has files in" in problem.fact for problem in warned] == [True] * (
        take is WITHOUT["a whole index"]
    )
    assert not (settings.output / committed.NOTE).exists()


def test_where_there_is_no_git(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each run tells it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    [warned] = committed.refuse(settings)
    assert str(warned) == (
        f"{settings.root}: git is not installed, so nobody knows whether git has files in {settings.output} or "
        f"{settings.cache}, which would be believed; make `git ls-files` work there"
    )
    assert [str(problem) for problem in Graph(settings.root).settings.warnings] == [str(warned)]
    assert not (settings.output / committed.NOTE).exists()


@pytest.mark.parametrize(
    ("limit", "value", "fact"),
    [
        ("_MOST_FILES", 1000, "more than 1,000 files: git's index has more than"),
        ("_MOST_TEXT", 1000, "more than 50,000 files: git's index has more than"),
        ("_MOST_MEMORY", 2 << 20, "git needs more than 2 MiB: git's index has more than"),
    ],
)
def test_more_than_can_be_looked_at(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, fact: str
) -> None:
    """Whoever commits can make it so much, of what is nobody's fault."""
    lines = "".join(f"100644 {'1' * 40} 0\tisos/profiles/{number}\n" for number in range(100_000))
    lines += "".join(f"100644 {'1' * 40} 0\tisos/cache/{number}\n" for number in range(2000))
    subprocess.run(["git", "update-index", "--index-info"], cwd=settings.root, input=lines, text=True, check=True)
    monkeypatch.setattr(revision, limit, value)
    with pytest.raises(DebateError, match=fact):
        committed.refuse(settings)
    assert not (settings.output / committed.NOTE).exists()


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"])
def test_in_a_hook_of_git(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    git(settings.root, "add", "-f", "build")
    monkeypatch.setenv(name, str(tmp_path / "another"))
    with pytest.raises(DebateError, match="git has"):
        committed.refuse(settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files to others")
def test_the_repository_of_another_user(settings: Settings) -> None:
    """Its programs are not run."""
    top = settings.root.parent
    hook = top / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {top}/ran\n")
    hook.chmod(0o755)
    git(settings.root, "add", "-f", "build")
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "filter.x.clean"):
        git(top, "config", name, str(hook))
    (top / ".gitattributes").write_text("* filter=x\n")
    for path in (top, *top.rglob("*")):
        os.lchown(path, 12345, 12345)
    with pytest.raises(DebateError, match="git has"):
        committed.refuse(settings)
    assert not (top / "ran").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a repository of somebody else's")
def test_no_program_of_a_repository_is_run(settings: Settings, tmp_path: Path) -> None:
    """Such as the one that fetches what a sparse index names and the repository lacks."""
    left = tmp_path / "left"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {left}\n")
    program.chmod(0o755)
    top = settings.root.parent
    git(top, "add", "-f", ".")
    git(top, "commit", "-q", "-m", "x")
    git(top, "sparse-checkout", "init", "--cone", "--sparse-index")
    git(top, "sparse-checkout", "set", "isos/profiles")
    settings.output.mkdir(exist_ok=True)
    for name, value in {
        "core.repositoryformatversion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
        "remote.origin.url": str(tmp_path), "remote.origin.uploadpack": str(program),
    }.items():  # fmt: skip
        git(top, "config", name, value)
    tree = subprocess.run(
        ["git", "rev-parse", "HEAD:isos/debate"], cwd=top, check=True, capture_output=True, text=True
    ).stdout.strip()
    (top / ".git/objects" / tree[:2] / tree[2:]).unlink()
    before = subprocess.run(["git", "ls-files"], cwd=top, capture_output=True)
    assert left.exists(), before
    left.unlink()
    for path in (top, *top.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    with suppress(DebateError):
        committed.refuse(settings)
    assert not left.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a repository of somebody else's")
def test_a_repository_around_the_checkout_is_not_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    git(settings.root, "add", "-f", "build")
    os.chown(settings.root.parent / ".git", 65534, 65534)
    monkeypatch.setattr(revision, "in_index", None)
    [warned] = committed.refuse(settings)
    assert "belongs to somebody else than the checkout, so git is not asked" in warned.fact


@pytest.mark.parametrize("name", ["index", "config"])
def test_a_pipe_in_the_repository_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(revision, "_MOST_WAIT", 1)
    directory = settings.root.parent / ".git"
    os.mkfifo(directory / "pipe")
    if name == "index":
        (directory / "pipe").replace(directory / "index")
    else:
        git(settings.root, "config", "include.path", str(directory / "pipe"))
    with bounded(seconds=30):
        warned = committed.refuse(settings)
    assert len(warned) == (name == "config"), "an index that is no file is none"


def test_what_keeps_a_directory_may_be_there(settings: Settings) -> None:
    write_files(settings.output, {".gitignore": "*\n", ".gitkeep": ""})
    git(settings.root, "add", "-f", "build/.gitignore", "build/.gitkeep")
    committed.refuse(settings)
