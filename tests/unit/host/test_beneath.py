"""A directory of someone else's: nothing leads out of it, waits, or is read without a bound."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.host import beneath
from debate.host.beneath import RefusedError, Tree
from tests.bounded import bounded
from tests.foreign import NOT_FILES, SECRET, secret

LIMIT = 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    secret(tmp_path)
    directory = tmp_path / "theirs"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_only_files_are_read(root: Path, make: Callable[[Path], None], follow: bool) -> None:
    make(root / "x")
    with bounded(), Tree(root, follow=follow) as tree, pytest.raises(OSError):  # noqa: PT011 - of any kind
        tree.read("x", LIMIT)


LINKED = {
    "private to root, in another user's directory": ((0, 0, 0o600), (1001, 1001, 0o755), True),
    "of a group": ((0, 42, 0o640), (1001, 1001, 0o755), True),
    "of the directory's group": ((0, 1001, 0o640), (1001, 1001, 0o755), False),
    "private to another user": ((1002, 1002, 0o600), (1001, 1001, 0o700), True),
    "private to its own user": ((1001, 1001, 0o600), (1001, 1001, 0o755), False),
    "private to root, in root's directory": ((0, 0, 0o600), (0, 0, 0o755), False),
    "private to another user, in root's directory": ((1001, 1001, 0o600), (0, 0, 0o755), False),
    "private to root, in a group's directory": ((0, 0, 0o600), (0, 1001, 0o775), True),
    "of a group, in its directory": ((1002, 1001, 0o660), (1003, 1001, 0o2770), False),
    "of a group that may write only": ((1002, 1001, 0o620), (1003, 1001, 0o2770), True),
    "private to its own user, in a group's directory": ((1001, 1001, 0o600), (1001, 1001, 0o775), True),
    "private, in everybody's directory": ((0, 0, 0o600), (0, 0, 0o1777), True),
    "to be read by all": ((0, 0, 0o644), (1001, 1001, 0o777), False),
    "to be run by all": ((0, 0, 0o711), (1001, 1001, 0o777), True),
}
"""What -> owner, group and mode of a file and of its directory, and whether the file is refused."""


@pytest.mark.parametrize(("file", "directory", "refused"), LINKED.values(), ids=LINKED)
@pytest.mark.parametrize("names", [1, 2])
@pytest.mark.parametrize("follow", [False, True])
def test_files_that_others_may_have_linked(
    root: Path, file: tuple[int, int, int], directory: tuple[int, int, int], refused: bool, names: int, follow: bool
) -> None:
    """With ``guard``. How many names a file has does not matter: the other one may be gone."""
    (root / "d").mkdir()
    (root / "d/x").write_text("x")
    if names == 2:
        os.link(root / "d/x", root / "other")
    for path, (user, group, mode) in ((root / "d/x", file), (root / "d", directory)):
        os.chown(path, user, group)
        path.chmod(mode)
    (root / "link").symlink_to("d")
    with Tree(root, follow=follow) as tree:
        assert tree.read("d/x", LIMIT) == b"x"
    with Tree(root, follow=follow, guard=True) as tree, tree.below("d") as below:
        for start, path in ((tree, "d/x"), (below, "x"), *([(tree, "link/x")] if follow else [])):
            if refused:
                with pytest.raises(RefusedError, match="may have been linked there by someone who cannot read it"):
                    start.read(path, LIMIT)
            else:
                assert start.read(path, LIMIT) == b"x"


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize(
    ("file", "directory"), [each[:2] for each in LINKED.values() if each[2]], ids=[n for n in LINKED if LINKED[n][2]]
)
def test_each_remedy_helps(root: Path, file: tuple[int, int, int], directory: tuple[int, int, int], way: int) -> None:
    (root / "d").mkdir()
    (root / "d/x").write_text("x")
    for path, (user, group, mode) in ((root / "d/x", file), (root / "d", directory)):
        os.chown(path, user, group)
        path.chmod(mode)
    with Tree(root, guard=True) as tree:
        with pytest.raises(RefusedError) as caught:
            tree.read("d/x", LIMIT)
        for words in caught.value.remedy.split(", or ")[way].split(" and "):
            if words.startswith("give it the owner"):
                os.chown(root / "d/x", directory[0], file[1])
            elif "go-w" in words:
                (root / "d").chmod(directory[2] & ~0o022)
            else:
                assert words == "let others read it (`chmod o+r`)"
                (root / "d/x").chmod(file[2] | 0o004)
        assert tree.read("d/x", LIMIT) == b"x"


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_whatever_is_there_is_replaced(root: Path, make: Callable[[Path], None]) -> None:
    make(root / "x")
    with bounded(), Tree(root) as tree:
        if (root / "x").is_dir() and not (root / "x").is_symlink():
            with pytest.raises(IsADirectoryError):
                tree.write("x", b"new")
            return
        tree.write("x", b"new", 0o600)
        assert tree.read("x", LIMIT) == b"new"
    assert stat.S_IMODE((root / "x").lstat().st_mode) == 0o600
    assert (root.parent / "secret").read_text() == f"{SECRET}\n"


@pytest.mark.parametrize("link", ["..", "/", "/proc/self/root", "inside"])
def test_nothing_is_written_through_a_link(root: Path, link: str) -> None:
    (root / "inside").mkdir()
    (root / "x").symlink_to(link)
    with Tree(root) as tree:
        for write in (
            lambda: tree.write("x/pwned", b"1"),
            lambda: tree.make_directory("x/pwned"),
            lambda: tree.make_directory("x"),
            lambda: tree.make_link("x/pwned", "y"),
            lambda: tree.below("x"),
            lambda: tree.entries("x"),
            lambda: tree.link("x/secret"),
            lambda: tree.mode("x/secret"),
        ):
            with pytest.raises(RefusedError, match="is a link, or below one"):
                write()
    assert sorted(path.name for path in root.parent.rglob("*")) == ["inside", "secret", "theirs", "x"]


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "..", "/etc/passwd", "//etc/passwd"])
@pytest.mark.parametrize("follow", [False, True])
def test_paths_that_lead_out(root: Path, path: str, follow: bool) -> None:
    (root / "a").mkdir()
    with Tree(root, follow=follow) as tree:
        for use in (tree.mode, tree.entries, tree.open, tree.created, tree.make_directory):
            with pytest.raises(RefusedError, match="leads out of the directory"):
                use(path)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 300, "d/" * 3000 + "x"])
def test_names_that_cannot_be(root: Path, path: str) -> None:
    with Tree(root) as tree:
        for use in (tree.mode, tree.entries, tree.open, tree.created):
            with pytest.raises(OSError):  # noqa: PT011 - of any kind
                use(path)


def test_links_that_stay_inside(root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_text("text")
    (root / "link").symlink_to("a/b/../b/file")
    (root / "a/up").symlink_to("../a/b")
    with Tree(root, follow=True) as tree:
        assert tree.read("link", LIMIT) == b"text"
        assert tree.read("a/up/../../link", LIMIT) == b"text"
        assert [item.path for item in tree.entries("a/up")] == ["file"]
        assert tree.link("link") == "a/b/../b/file"
        assert stat.S_ISREG(tree.mode("link"))
    with Tree(root) as tree:
        assert stat.S_ISLNK(tree.mode("link"))


def test_the_limit_is_what_may_be_there(root: Path) -> None:
    (root / "x").write_bytes(b"x" * 10)
    with Tree(root) as tree:
        assert tree.read("x", 10) == b"x" * 10
        with pytest.raises(RefusedError, match="is larger than 9 bytes"):
            tree.read("x", 9)


def test_a_file_that_grows() -> None:
    """Files below /proc have no size before they are read."""
    with bounded(), Tree(Path("/proc/self")) as tree:
        assert tree.mode("environ")
        with pytest.raises(RefusedError, match="is larger than 3 bytes"):
            tree.read("status", 3)


def test_a_link_is_never_read_while_it_replaces_a_file(root: Path) -> None:
    """Only ever the file's own content or an error, however often the two change places."""
    (root / "x").write_text("ours")
    (root / "d").mkdir()
    (root / "d/secret").write_text("ours")
    (root / "link").symlink_to("../secret")
    (root / "up").symlink_to("..")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for one, other in (("x", "link"), ("d", "up")):
                os.rename(root / one, root / "waiting")
                os.rename(root / other, root / one)
                os.rename(root / one, root / other)
                os.rename(root / "waiting", root / one)

    found = set()
    thread = threading.Thread(target=swap)
    thread.start()
    try:
        with Tree(root) as tree:
            for _ in range(2000):
                for path in ("x", "d/secret"):
                    try:
                        found.add(tree.read(path, LIMIT))
                    except OSError:
                        continue
    finally:
        over.set()
        thread.join()
    assert found <= {b"ours"}


def test_a_walk(root: Path) -> None:
    for path in ("b/c", "b/d/e", "z"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("text")
    (root / "a").symlink_to("..")
    os.mkfifo(root / "p")
    with Tree(root) as tree:
        found = [(item.path, beneath.kind(item.mode), item.size) for item in tree.walk()]
    paths = [("a", "link"), ("b", "directory"), ("b/c", "file"), ("b/d", "directory"), ("b/d/e", "file")]
    assert [each[:2] for each in found] == [*paths, ("p", "named pipe"), ("z", "file")]
    assert found[-1][2] == 4


def test_a_walk_of_too_many_names(root: Path) -> None:
    for number in range(20):
        (root / f"d{number % 4}").mkdir(exist_ok=True)
        (root / f"d{number % 4}/{number}").touch()
    with Tree(root) as tree:
        assert len(list(tree.walk(most=24))) == 24
        with pytest.raises(RefusedError, match="has more than"):
            list(tree.walk(most=23))
        with pytest.raises(RefusedError, match="has more than 3 entries"):
            tree.entries(most=3)


def test_a_walk_that_is_too_deep(root: Path) -> None:
    with Tree(root) as tree:
        tree.make_directory("d/" * beneath.MAX_DEPTH)
        with pytest.raises(RefusedError, match="has more than 100 levels"):
            list(tree.walk())


def test_what_cannot_be_listed_is_told(root: Path) -> None:
    """Here because it is removed between being named and being listed."""
    (root / "a").mkdir()
    (root / "b").mkdir()
    told: list[str] = []
    with Tree(root) as tree:
        walk = tree.walk(unreadable=lambda path, _: told.append(path))
        assert next(walk).path == "a"
        (root / "a").rmdir()
        assert [item.path for item in walk] == ["b"]
    assert told == ["a"]


def test_new_directories_and_links(root: Path) -> None:
    with Tree(root) as tree:
        tree.make_directory("a/b/c")
        tree.make_directory("a/b")
        tree.make_link("a/b/link", "/anything/at/all")
        assert tree.link("a/b/link") == "/anything/at/all"
        with pytest.raises(FileExistsError):
            tree.make_link("a/b/link", "x")
        with tree.below("a/b") as below:
            assert [item.path for item in below.walk()] == ["c", "link"]


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_whatever_is_there_is_removed(root: Path, make: Callable[[Path], None]) -> None:
    make(root / "x")
    (root / "directory").mkdir()
    make(root / "directory/x")
    with bounded(), Tree(root) as tree:
        for path in ("x", "directory", "nothing"):
            tree.remove(path)
        assert not {"x", "directory"} & set(os.listdir(root))
    assert (root.parent / "secret").read_text() == f"{SECRET}\n"


def test_what_is_deep_is_removed(root: Path) -> None:
    (root / "x").mkdir()
    with contextlib.chdir(root / "x"):
        for number in range(1500):
            Path(f"file-{number}").touch()
            Path("up").symlink_to("..")
            os.mkdir("deep")
            os.chdir("deep")
    with Tree(root) as tree:
        tree.remove("x")
    assert os.listdir(root) == []


def test_new_names(root: Path) -> None:
    (root / "a").mkdir()
    (root / "a/x").write_text("x")
    (root / "out").symlink_to("..")
    (root / "dangling").symlink_to("nowhere")
    with Tree(root) as tree:
        tree.rename("a/x", "b")
        assert tree.read("b", LIMIT) == b"x"
        for target in ("a", "out", "dangling"):
            with pytest.raises(FileExistsError):
                tree.rename("b", target)
        for path, target in (("b", "out/x"), ("out/secret", "x"), ("b", "../x"), ("../secret", "x")):
            with pytest.raises(RefusedError):
                tree.rename(path, target)
    assert (root.parent / "secret").exists()


def test_a_forgotten_tree_is_closed(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        Tree(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_descriptors_are_closed(root: Path, make: Callable[[Path], None]) -> None:
    before = os.listdir("/proc/self/fd")
    make(root / "x")
    with Tree(root, follow=True, guard=True) as tree:
        for path in ("x", "x/y", "../x", "x/../x", "x/../.."):
            for use in (tree.mode, tree.entries, tree.link, tree.make_directory, lambda x: tree.rename(x, "../z")):
                with contextlib.suppress(OSError):
                    use(path)
            with contextlib.suppress(OSError):
                tree.read(path, 1)
            with contextlib.suppress(OSError):
                tree.created(path).close()
            with contextlib.suppress(OSError), tree.below(path):
                pass
    assert os.listdir("/proc/self/fd") == before


PART = st.sampled_from(["a", "b", "up", "out", "abs", "..", ".", "", "file"])


@given(st.lists(PART, max_size=8))
def test_no_path_reads_the_secret(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    base = tmp_path_factory.mktemp("tree")
    (base / "file").write_text(SECRET)
    root = base / "theirs"
    (root / "a/b").mkdir(parents=True)
    for directory in (root, root / "a", root / "a/b"):
        (directory / "file").write_text("ours")
        (directory / "up").symlink_to("..")
        (directory / "out").symlink_to("../../../theirs")
        (directory / "abs").symlink_to(base)
    for follow in (False, True):
        with Tree(root, follow=follow) as tree:
            try:
                found = tree.read("/".join(parts), LIMIT)
            except OSError:
                continue
            assert found == b"ours"
