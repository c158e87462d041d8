"""Profiles of other builders made by somebody hostile: nothing outside is read or written, nothing hangs or grows."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate.convert import archiso, draft, export_archiso, foreign, live_build
from debate.convert.draft import Draft
from debate.convert.foreign import Foreign
from debate.errors import DebateError
from debate.host.beneath import Tree
from debate.profile import reader
from debate.profile.load import load
from debate.steps import config
from debate.text.printable import printable
from tests.bounded import bounded
from tests.conftest import MEMORY, many, write_files
from tests.foreign import NOT_FILES, SECRET, hard_link, secret
from tests.unit.convert import test_archiso, test_live_build

Convert = Callable[[Path], Draft]


def of_archiso(directory: Path) -> Draft:
    """What `doit import-archiso` does, without the program profiledef.sh."""
    source = Foreign(directory)
    exported = export_archiso.read_back(source)
    if exported is not None:
        return exported
    source.read("profiledef.sh")
    return archiso.convert(source, test_archiso.VARIABLES)


def of_live_build(directory: Path) -> Draft:
    return live_build.convert(live_build.opened(directory))


ARCHISO = {**test_archiso.FILES, "profiledef.sh": "arch=x86_64\n", "grub/grub.cfg": "linux x y\n"}
LIVE_BUILD = {f"config/{path}": text for path, text in test_live_build.FILES.items()}
FORMATS: dict[str, tuple[Convert, Mapping[str, str]]] = {
    "archiso": (of_archiso, ARCHISO),
    "live-build": (of_live_build, LIVE_BUILD),
}
"""Name of a format -> its converter, and a whole profile."""
FILES = [(name, path) for name, (_, files) in FORMATS.items() for path in files]


def up(path: Path, target: Path) -> str:
    return os.path.relpath(target, path.parent)


THINGS: dict[str, Callable[[Path, Path], None]] = {
    "an absolute link": lambda path, target: path.symlink_to(target),
    "a link that leads out": lambda path, target: path.symlink_to(up(path, target)),
    "a link through /proc": lambda path, target: path.symlink_to(f"/proc/self/root{target}"),
    "a link through a descriptor": lambda path, target: path.symlink_to(f"/proc/self/cwd/{up(path, target)}"),
    "a hard link": lambda path, _: hard_link(path),
    **{
        name: lambda path, _, make=make: make(path)  # type: ignore[misc]
        for name, make in NOT_FILES.items()
        if "out" not in name and name not in ("an absolute link", "a link below a link", "a link through /proc")
    },
}
"""What is where a file is expected, or a directory -> what makes it at a path. The other path is a secret's."""


@contextlib.contextmanager
def imported(base: Path, convert: Convert, processor: float = 10.0) -> Iterator[None]:
    """Import ``base``/theirs, within bounds, after the block has made it, and check all that must hold."""
    secret(base)
    (base / "profiles").mkdir()
    (base / "theirs").mkdir()
    yield
    outside = state(base)
    told, refused = "", None
    with bounded(processor=processor):
        try:
            told = "\n".join(draft.write(convert(base / "theirs"), base / "profiles", "mine"))
        except DebateError as error:
            refused = error
    if refused:
        told = str(refused)
        assert all(problem.place and problem.remedy for problem in refused.problems), told
        assert "still not done" not in told
    written = refused is None
    assert SECRET not in told
    assert state(base) == outside
    left = [path for path in sorted((base / "profiles").rglob("*")) if not path.is_dir() or path.is_symlink()]
    assert (base / "profiles/mine.yaml" in left) == written
    if not written:
        assert os.listdir(base / "profiles") == []
    for path in left:
        assert path.is_symlink() or (path.is_file() and SECRET.encode() not in path.read_bytes()), path
    if written:
        config.normalise(load(base / "profiles", "mine"), base / "profiles")


def state(base: Path) -> list[tuple[str, str]]:
    """All that is neither theirs nor a profile."""
    tops = [path for path in base.iterdir() if path.name not in ("theirs", "profiles")]
    found = [below for path in tops for below in (path, *path.rglob("*"))]
    return sorted((str(path), path.read_text() if path.is_file() else "") for path in found)


@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS)
@pytest.mark.parametrize(("name", "file"), FILES)
def test_no_file_of_a_format_is_anything_else(
    tmp_path: Path, name: str, file: str, make: Callable[[Path, Path], None]
) -> None:
    convert, files = FORMATS[name]
    with imported(tmp_path, convert):
        path = write_files(tmp_path / "theirs", files) / file
        path.unlink()
        make(path, tmp_path / "secret")


DIRECTORIES = sorted({(name, str(above)) for name, file in FILES for above in Path(file).parents if str(above) != "."})


@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS)
@pytest.mark.parametrize(("name", "directory"), DIRECTORIES)
def test_no_directory_of_a_format_is_anything_else(
    tmp_path: Path, name: str, directory: str, make: Callable[[Path, Path], None]
) -> None:
    """Links lead to the same directory elsewhere, with a secret in place of each of its files."""
    convert, files = FORMATS[name]
    with imported(tmp_path, convert):
        path = write_files(tmp_path / "theirs", files) / directory
        shutil.rmtree(path)
        elsewhere = tmp_path / "elsewhere"
        below = [Path(file).relative_to(directory) for file in files if file.startswith(f"{directory}/")]
        write_files(elsewhere, {str(file): f"{SECRET}\n" for file in below})
        make(path, tmp_path / "secret" if make is hard_link else elsewhere)


ROOTS = [("archiso", "airootfs/usr"), ("live-build", "config/includes.chroot")]


@pytest.mark.parametrize(("name", "directory"), ROOTS)
def test_more_files_than_any_profile_has(tmp_path: Path, name: str, directory: str) -> None:
    convert, files = FORMATS[name]
    with imported(tmp_path, convert):
        path = write_files(tmp_path / "theirs", files) / directory
        for number in range(foreign.MAX_ENTRIES + 1):
            os.mknod(path / f"{number}.conf")


@pytest.mark.parametrize(("name", "directory"), ROOTS)
def test_deeper_than_any_profile_is(tmp_path: Path, name: str, directory: str) -> None:
    convert, files = FORMATS[name]
    try:
        with imported(tmp_path, convert), contextlib.chdir(write_files(tmp_path / "theirs", files) / directory):
            for _ in range(1500):
                os.mkdir("deep")
                os.chdir("deep")
            Path("file").touch()
    finally:
        with Tree(tmp_path) as tree:
            tree.remove("theirs")  # shutil.rmtree, with which pytest cleans up, does not remove what is too deep.


LARGE = {
    "one line": lambda limit: b"x" * limit,
    "empty lines": lambda limit: b"\n" * limit,
    "many lines": lambda limit: b"".join(b"%x\n" % number for number in range(limit))[:limit],
    "colons": lambda limit: b":" * limit,
    "commas": lambda limit: (b"root:x:0:" + b"root," * limit)[:limit],
    "digits": lambda limit: (b"timeout " + b"9" * limit)[:limit],
    "placeholders": lambda limit: (b"options " + b"%KERNEL_PARAMS% " * limit)[:limit],
    "spaces": lambda limit: (b"linux " + b" " * limit)[:limit],
    "zeros": bytes,
}


@pytest.mark.parametrize("content", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize(("name", "file"), FILES)
def test_as_large_as_it_may_be(tmp_path: Path, name: str, file: str, content: Callable[[int], bytes]) -> None:
    convert, files = FORMATS[name]
    with imported(tmp_path, convert):
        (write_files(tmp_path / "theirs", files) / file).write_bytes(content(foreign.MAX_TEXT))


def test_fields_that_multiply_each_other(tmp_path: Path) -> None:
    """The same groups for each of many users."""
    with imported(tmp_path, of_archiso):
        half = foreign.MAX_TEXT // 2
        write_files(tmp_path / "theirs", {
            **ARCHISO,
            "airootfs/etc/passwd": "a:x:1:\n" * (half // 7),
            "airootfs/etc/group": "root:x:0:" + "a," * (half // 2),
        })  # fmt: skip


def test_accounts_that_multiply_each_other(tmp_path: Path) -> None:
    accounts = {"airootfs/etc/passwd": "a\n" * 100_000, "airootfs/etc/group": "b\n" * 100_000}
    with imported(tmp_path, of_archiso):
        write_files(tmp_path / "theirs", {**ARCHISO, **accounts})


def test_permissions_that_multiply_each_other(tmp_path: Path) -> None:
    write_files(tmp_path, {**ARCHISO, **{f"airootfs/d/{number}": "" for number in range(200)}})
    words = [word for number in range(5000) for word in ("/d" + "/" * number, "0:0:755")]
    with bounded(), pytest.raises(DebateError, match="permissions set those of more than 10,000 files"):
        archiso.convert(Foreign(tmp_path), {**test_archiso.VARIABLES, "file_permissions": words})


def test_a_line_that_multiplies_a_variable(tmp_path: Path) -> None:
    entry = "options " + "%KERNEL_PARAMS% " * 10_000
    write_files(tmp_path, {**ARCHISO, "efiboot/loader/entries/01.conf": entry})
    with bounded():
        archiso.convert(Foreign(tmp_path), {**test_archiso.VARIABLES, "kernel_params_x86_64": ["x" * 1_000_000]})


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret", "airootfs/../../secret", "/proc/self/environ", "//x", "."]
)
def test_a_file_that_a_variable_names(tmp_path: Path, path: str) -> None:
    secret(tmp_path)
    write_files(tmp_path / "theirs", ARCHISO)
    variables = {**test_archiso.VARIABLES, "pacman_conf": [path]}
    with bounded(), contextlib.suppress(DebateError):
        made = archiso.convert(Foreign(tmp_path / "theirs"), variables)
        assert not any(word in loss for loss in made.losses for word in (SECRET, "root:x", "PATH"))


def test_files_together_are_bounded(tmp_path: Path) -> None:
    """Holes count like bytes, so that no few blocks of theirs become many of ours."""
    with imported(tmp_path, of_archiso):
        write_files(tmp_path / "theirs", ARCHISO)
        for number in range(3):
            path = tmp_path / f"theirs/airootfs/{number}"
            path.touch()
            os.truncate(path, foreign.MAX_COPIED // 2)


def test_a_file_below_a_link_of_another_include(tmp_path: Path) -> None:
    """live-build copies one directory after the other; written through the link, the file would be outside."""
    with imported(tmp_path, of_live_build):
        (tmp_path / "elsewhere").mkdir()
        config_ = write_files(tmp_path / "theirs", LIVE_BUILD) / "config"
        (config_ / "includes.chroot/etc/x").symlink_to(tmp_path / "elsewhere")
        write_files(config_ / "includes.chroot_after_packages/etc/x", {"evil": "1"})
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("target", ["/usr/share/zoneinfo/UTC", "../run/systemd/resolve/stub-resolv.conf", "motd", "/x"])
@pytest.mark.parametrize("name", FORMATS)
def test_links_of_the_system_stay_links(tmp_path: Path, name: str, target: str) -> None:
    convert, files = FORMATS[name]
    root = "airootfs" if name == "archiso" else "config/includes.chroot"
    with imported(tmp_path, convert):
        (write_files(tmp_path / "theirs", files) / root / "etc/link").symlink_to(target)
    assert os.readlink(tmp_path / "profiles/overlays/mine/etc/link") == target


@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_exchanged_after_it_was_listed(
    tmp_path: Path, name: str, make: Callable[[Path, Path], None]
) -> None:
    convert, files = FORMATS[name]

    def exchanged(directory: Path) -> Draft:
        found = convert(directory)
        path = directory / ("airootfs/etc/motd" if name == "archiso" else "config/includes.chroot/etc/motd")
        path.unlink()
        make(path, tmp_path / "secret")
        return found

    with imported(tmp_path, exchanged):
        write_files(tmp_path / "theirs", files)


ODD_NAMES = [
    "new\nline",
    "\x1b[2Jred",
    "\udcff",
    "\u202etxt.exe",
    "-rf",
    "a b",
    "'",
    '"',
    "$(id)",
    "::error::x",
    "#",
    "x" * 255,
]


@pytest.mark.parametrize("odd", ODD_NAMES)
@pytest.mark.parametrize("name", FORMATS)
def test_odd_names(tmp_path: Path, name: str, odd: str) -> None:
    convert, files = FORMATS[name]
    with imported(tmp_path, convert):
        write_files(tmp_path / "theirs", files)
        for directory in {str(Path(file).parent) for file in files}:
            (tmp_path / "theirs" / directory / odd).write_text("x")
            with contextlib.suppress(OSError):
                (tmp_path / "theirs" / directory / f"{odd}.chroot").write_text("x")


@pytest.mark.parametrize("kind", ["overlays", "hooks", "mine.yaml", "overlays/mine", "hooks/mine"])
@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_links_in_profiles_are_not_followed(tmp_path: Path, kind: str, target: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    write_files(tmp_path / "theirs", ARCHISO)
    link = tmp_path / "profiles" / kind
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / target)
    before = sorted((tmp_path / "profiles").rglob("*"))
    with pytest.raises(DebateError):
        draft.write(of_archiso(tmp_path / "theirs"), tmp_path / "profiles", "mine")
    assert sorted((tmp_path / "profiles").rglob("*")) == before
    assert os.listdir(tmp_path / "elsewhere") == []
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    write_files(tmp_path / "theirs", ARCHISO)
    (tmp_path / "profiles").mkdir()
    with pytest.raises(DebateError, match="File name too long"):
        draft.write(of_archiso(tmp_path / "theirs"), tmp_path / "profiles", "n" * 300)
    assert os.listdir(tmp_path / "profiles") == []


# An export that somebody else made, with right checksums ------------------------------------------------


def forged(directory: Path, profile: bytes, files: Mapping[str, str] = test_archiso.FILES) -> Path:
    """A directory whose checksums are right, and whose own profile is ``profile``."""
    write_files(directory, {path: text for path, text in files.items() if Path(path).parts[0] in export_archiso._TOP})
    (directory / "debate").mkdir(exist_ok=True)
    (directory / "debate/profile.yaml").write_bytes(profile)
    with Foreign(directory) as source:
        found = {item.path: source.digest(item.path) for item in source.walk() if not foreign.is_directory(item)}
    (directory / "debate.sha256").write_bytes(export_archiso.sums(found))
    return directory


@pytest.mark.parametrize(
    "profile",
    [b"", b"\xff", b"[]", b"{}", b"x", b"fields: {}\n", b"fields: {}\nexecutable: {}\n",
     b"fields: []\nexecutable: []\n", b"fields: {}\nexecutable: [1]\n", b"a: &a [*a]\n", b"{" * 5000,
     b"!!python/object/apply:os.system [id]",
     b"fields: {version: 2}\nexecutable: []\n", b"fields: {overlays: [.]}\nexecutable: []\n",
     b"fields: {extends: minimal}\nexecutable: []\n", b"fields: {hooks: [/etc/passwd]}\nexecutable: []\n",
     b"fields: {repositories: [{name: tools}]}\nexecutable: []\n", b"fields: {repositories: 1}\nexecutable: []\n",
     b"fields: {nonsense: 1}\nexecutable: []\n", b"fields: {packages: [" + b"aa," * 50_000 + b"]}\nexecutable: []\n",
     b"fields: {distribution: arch, packages: ['1e3', 'yes']}\nexecutable: []\n"],
)  # fmt: skip
def test_an_own_profile_that_is_not_ours(tmp_path: Path, profile: bytes) -> None:
    with imported(tmp_path, of_archiso):
        forged(tmp_path / "theirs", profile)


@pytest.mark.parametrize("repositories", ["1", "[1]", "[[name, a]]", "[x, {name: a}]", "[{q: 1}, {name: [a]}]"])
def test_repositories_that_have_keys_and_no_names(tmp_path: Path, repositories: str) -> None:
    with imported(tmp_path, of_archiso):
        profile = f"fields: {{repositories: {repositories}}}\nexecutable: []\n".encode()
        forged(tmp_path / "theirs", profile, {**test_archiso.FILES, "debate/keys/a": "x"})


@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS)
@pytest.mark.parametrize(
    "file", ["debate.sha256", "debate/profile.yaml", "debate/overlay/etc/motd", "debate/hooks/1/h", "debate/keys/k"]
)
def test_no_file_of_an_export_is_anything_else(tmp_path: Path, file: str, make: Callable[[Path, Path], None]) -> None:
    profile = b"fields: {distribution: arch}\nexecutable: []\n"
    with imported(tmp_path, of_archiso):
        directory = forged(tmp_path / "theirs", profile, {**test_archiso.FILES, file: "x"})
        path = directory / file
        path.unlink()
        make(path, tmp_path / "secret")
        with contextlib.suppress(DebateError):
            forged(directory, profile, {}) if path.name not in ("profile.yaml", "debate.sha256") else None


# Random trees -------------------------------------------------------------------------------------------

PARTS = sorted({part for _, file in FILES for part in Path(file).parts} | {"debate", "debate.sha256", "hooks", "x"})
PATHS = st.one_of(
    st.sampled_from([file for _, file in FILES]),
    st.sampled_from([directory for _, directory in DIRECTORIES]),
    st.lists(st.sampled_from([*PARTS, *ODD_NAMES[:6]]), min_size=1, max_size=4).map("/".join),
)
LINES = sorted({line for files in (ARCHISO, LIVE_BUILD) for text in files.values() for line in text.splitlines()})
CONTENT = st.lists(
    st.one_of(st.sampled_from([line.encode() for line in LINES]), st.binary(max_size=20)), max_size=6
).map(b"\n".join)  # fmt: skip
TARGETS = st.one_of(
    # None leads to where a defect that this test finds could do harm.
    st.sampled_from(
        ["elsewhere", "secret", "..", "../secret", "../../elsewhere", "/dev/stdin", "/proc/self/fd/0", "."]
    ),
    PATHS,
)
NODES = st.one_of(
    st.tuples(st.just("file"), CONTENT),
    st.tuples(st.just("link"), TARGETS),
    st.tuples(st.sampled_from(["directory", "pipe", "device", "socket", "secret"]), st.just("")),
)


def make(base: Path, path: str, kind: str, what: bytes | str) -> None:
    """Put something at ``path`` in theirs/, instead of what is there. Not every random tree can be made."""
    place = base / "theirs" / path
    with contextlib.suppress(OSError), Tree(base / "theirs") as tree:  # Else this test would follow its own links.
        tree.make_directory(path.rpartition("/")[0])
        tree.remove(path)
        if isinstance(what, bytes):
            place.write_bytes(what)
        elif kind == "link":
            place.symlink_to(base / what if what in ("secret", "elsewhere") else what)
        elif kind == "secret":
            place.symlink_to(up(place, base / "secret"))
        elif kind == "directory":
            place.mkdir()
        elif kind == "pipe":
            os.mkfifo(place)
        elif kind == "socket":
            NOT_FILES["a socket"](place)
        else:
            NOT_FILES["a device"](place)


@many(300)
@given(name=st.sampled_from(sorted(FORMATS)), whole=st.booleans(), nodes=st.lists(st.tuples(PATHS, NODES), max_size=6))
def test_random_trees(name: str, whole: bool, nodes: list[tuple[str, tuple[str, bytes | str]]]) -> None:
    convert, files = FORMATS[name]
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory, imported(Path(directory), convert, processor=2):
        (Path(directory) / "elsewhere").mkdir()
        if whole:
            write_files(Path(directory, "theirs"), files)
        for path, (kind, what) in nodes:
            make(Path(directory), path, kind, what)


# The YAML that is written -------------------------------------------------------------------------------

TEXT = st.one_of(
    st.text(),
    st.sampled_from(["1e3", "0o17", "1_000", "yes", "y", "~", "null", "1.10", "0644", "12:30", "2001-01-01", "-", "=",
                     "<<", "", " ", "a: b", "- a", "#", "!!int 1", "&a", "*a", "|", "\u2028", "\x85", "\ufeff",
                     "\u202e", ".inf"]),
)  # fmt: skip
FIELDS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(0, 10**9), st.booleans(), st.lists(TEXT, max_size=4)))


@many(300)
@given(FIELDS)
def test_yaml_that_is_written_means_one_thing(fields: dict[str, object]) -> None:
    text = draft.yaml_text(fields)
    assert yaml.safe_load(text) == fields
    root, problems = reader.read(text.encode(), "x", Path())
    assert not [problem for problem in problems if "merge keys" not in problem.fact]
    if "<<" not in fields:
        assert root is not None
        assert root.data() == fields
    assert all(printable(line) == line for line in text.split("\n"))
