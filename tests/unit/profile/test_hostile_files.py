"""Whatever lies where a profile names a file: nothing of the host is read or shown, and nothing waits or is endless."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from debate.commands.validate import run as validate
from debate.errors import MOST_PROBLEMS, DebateError, Place, ProfileError
from debate.frontend.checker import xxh3
from debate.host.beneath import Tree
from debate.profile import files, lockfile, profile_names, sources
from debate.profile.load import load
from debate.profile.tree import Room, scan
from debate.sandbox.image import tar
from debate.settings import Settings
from debate.steps import config
from debate.steps.config import RULE as CONFIG
from debate.steps.lock import RULE as LOCK
from tests.bounded import bounded
from tests.foreign import NOT_FILES, SECRET, hard_link, secret
from tests.unit.commands.conftest import context_of
from tests.unit.profile.mistakes import problems
from tests.unit.profile.test_tree import PLACE

NAMING = {
    "the profile": ("x.yaml", ""),
    "what it extends": ("y.yaml", "extends: y\n"),
    "its base": ("y.yaml", "base: y\n"),
    "a hook": ("f", "hooks: [f]\n"),
    "a hook in a directory": ("d/f", "hooks: [d/f]\n"),
    "a hook below it": ("f", "hooks: [f/shadow]\n"),
    "a key": ("f", "repositories: [{name: a, url: 'https://b.example', key: f}]\n"),
    "an overlay": ("f", "overlays: [f]\n"),
    "an overlay below it": ("f", "overlays: [f/etc]\n"),
    "a file of an overlay": ("d/f", "overlays: [d]\n"),
    "a file deep in an overlay": ("d/e/f", "overlays: [d]\n"),
    "a lock": ("x.lock.json", ""),
    "another profile": ("y.yaml", ""),
    "another profile's lock": ("y.lock.json", ""),
}
"""What names a file -> the file, and the profile x."""


@pytest.fixture
def hostile(profiles: Path) -> Path:
    """The profiles directory, with the secret above it."""
    secret(profiles.parent).write_text(f"{SECRET}: {SECRET}\n")  # An unknown field would be named.
    for directory in ("d", "d/e"):
        (profiles / directory).mkdir()
    return profiles


class Packed(io.BytesIO):
    """tarfile closes what it could not finish."""

    def close(self) -> None:
        pass


def settings_of(directory: Path) -> Settings:
    return Settings(root=directory.parent, cache=directory.parent / "cache", output=directory.parent / "build")


def everything(directory: Path) -> str:
    """All that is read, found or said of the profile x, and of its neighbours."""
    settings = settings_of(directory)
    found: list[object] = [profile_names.names(directory), profile_names.unread(directory)]
    for name in ("x", "y"):
        found += [profile_names.chain(directory, name), profile_names.missing(directory, name)]
        found += [LOCK.watches(settings, name), [xxh3(path) for path in CONFIG.watches(settings, name)]]
        try:
            made = config.normalise(load(directory, name), directory)
        except ProfileError as error:
            found.append(str(error))
        else:
            found += [made.values, {key: value for key, value in made.contents.items() if isinstance(value, bytes)}]
            output = settings.output / name
            output.mkdir(parents=True, exist_ok=True)
            (output / "sources.json").write_bytes(config.keys.canonical(sources.state(made.sources, directory)))
            found += [sources.unchanged(output, directory), sources.files(output, directory)]
            found += [xxh3(path) for path in sources.files(output, directory)]
            with contextlib.suppress(DebateError):
                tar.pack(made.trees, made.contents, 1, packed := Packed())
                found.append(packed.getvalue())
        try:
            found.append(lockfile.read(profile_names.committed(directory, name)))
        except DebateError as error:
            found.append(str(error))
    return repr(found)


@pytest.mark.parametrize("make", [*NOT_FILES.values(), hard_link], ids=[*NOT_FILES, "a hard link"])
@pytest.mark.parametrize("naming", NAMING)
def test_nothing_of_the_host_is_read(hostile: Path, naming: str, make: Callable[[Path], None]) -> None:
    name, text = NAMING[naming]
    (hostile / "x.yaml").write_text(f"version: 1\n{text}")
    (hostile / name).unlink(missing_ok=True)
    if naming.startswith("a file"):  # No link of an overlay is followed, to wherever it leads.
        shutil.copy(hostile.parent / "secret", (hostile / name).parents[1])
        (hostile / "x.yaml").write_text(f"version: 1\n{text.replace('[d]', '[d/e]' if 'e/' in name else '[d]')}")
    make(hostile / name)
    with bounded():
        found = everything(hostile)
    assert SECRET not in found
    assert "shadow'" not in found.replace("'f/shadow'", ""), "no name of the host's is suggested"


@pytest.mark.parametrize("make", NOT_FILES.values(), ids=NOT_FILES)
def test_a_neighbour_does_not_matter(hostile: Path, make: Callable[[Path], None]) -> None:
    (hostile / "x.yaml").write_text("version: 1\nbase: z\n")
    (hostile / "z.yaml").write_text("version: 1\n")
    make(hostile / "y.yaml")
    context = context_of(settings_of(hostile))
    with bounded():
        assert validate(context, ["x"]).good
        everyone = validate(context, [])
        assert CONFIG.watches(context.settings, "y") == []
    assert [problem.place.file for problem in everyone.problems if problem.place] == ["profiles/y.yaml"]
    assert all(problem.remedy for problem in everyone.problems)


@pytest.mark.parametrize(("naming", "said"), [
    ("the profile", "x.yaml"), ("what it extends", "y.yaml"), ("a hook in a directory", "hook 'd/f'"),
    ("a key", "key 'f'"), ("a file of an overlay", "profiles/d/f:"), ("a lock", "x.lock.json"),
])  # fmt: skip
def test_a_hard_link_is_named(hostile: Path, naming: str, said: str) -> None:
    """Whoever gives the file to the owner of its directory, or lets others read it, can use it."""
    name, text = NAMING[naming]
    (hostile / "x.yaml").write_text(f"version: 1\n{text}")
    (hostile / name).unlink(missing_ok=True)
    hard_link(hostile / name)
    found = everything(hostile)
    assert said in found
    assert "may have been linked there by someone who cannot read it, since others can write to its directory" in found
    (hostile.parent / "secret").chmod(0o644)
    assert "may have been linked" not in everything(hostile)


def test_profiles_that_share_files_with_others(profiles: Path) -> None:
    """As `cp -al` and worktrees make them: owner and mode are the same."""
    (profiles / "d").mkdir()
    for name in ("_y.yaml", "hook", "d/f"):
        (profiles / name).write_text("version: 1\n")
        os.link(profiles / name, profiles.parent / name.replace("/", "-"))
    for path in (profiles, *profiles.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.chown(path, 1001, 1001)
    assert problems(profiles, "extends: _y\nhooks: [hook]\noverlays: [d]\n") == []


@contextlib.contextmanager
def mounted(path: Path) -> Iterator[None]:
    """A file system with a file ``mounted``, at ``path``."""
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    try:
        (path / "mounted").write_text("true\n")
        yield
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("name", ["etc", "a b", "a\tb", "a\nb", "a\\b", "ü", "deep/er"])
def test_what_is_mounted_in_an_overlay(profiles: Path, name: str) -> None:
    """It is in no checkout, and nothing of it is read."""
    with mounted(profiles / "d" / name):
        (problem,) = problems(profiles, "overlays: [d]\n")
        with Tree(profiles / "d") as tree:
            assert scan(tree, "/", PLACE).entries == ()
    assert problem.place == Place("profiles/x.yaml", 2, 12)
    assert problem.fact == f"profiles/d/{name}: is a mount point"
    assert problem.remedy == "mount it beside this directory, and name it as an overlay of its own"


def test_a_file_that_is_mounted_in_an_overlay(profiles: Path) -> None:
    (profiles / "d").mkdir()
    (profiles / "d/f").write_text("x")
    subprocess.run(["mount", "--bind", profiles / "d/f", profiles / "d/f"], check=True)
    try:
        (problem,) = problems(profiles, "overlays: [d]\n")
    finally:
        subprocess.run(["umount", profiles / "d/f"], check=True)
    assert problem.fact == "profiles/d/f: is a mount point"


def test_what_a_profile_names_may_be_mounted(profiles: Path) -> None:
    """Such as a volume of a container: only root can mount it, and its name is in the profile. profiles/ may be one."""
    with mounted(profiles), mounted(profiles / "tree"), mounted(profiles / "hooks"):
        assert problems(profiles, "overlays: [tree]\nhooks: [hooks/mounted]\n") == []
        made = config.normalise(load(profiles, "x"), profiles)
        assert "/mounted" in [entry.path for entry in made.trees]


def test_links_inside_are_followed(profiles: Path) -> None:
    (profiles / "real").mkdir()
    (profiles / "real/hook.sh").write_text("true\n")
    (profiles / "hook").symlink_to("real/hook.sh")
    (profiles / "tree").symlink_to("real")
    (profiles / "_real.yaml").write_text("version: 1\nhostname: own\n")
    (profiles / "_other.yaml").symlink_to("_real.yaml")
    assert problems(profiles, "extends: _other\nhooks: [hook, tree/hook.sh]\noverlays: [tree]\n") == []
    made = config.normalise(load(profiles, "x"), profiles)
    output = profiles.parent / "x"
    output.mkdir()
    (output / "sources.json").write_bytes(config.keys.canonical(sources.state(made.sources, profiles)))
    assert str(profiles / "hook") in sources.files(output, profiles)
    assert sources.unchanged(output, profiles)
    (profiles / "tree").unlink()
    assert not sources.unchanged(output, profiles)


@pytest.mark.parametrize("name", ["a b", "-rf", "a\nb", "a\x1b[2J", "::error::x", "a\u202eb", "x" * 101, "ü", "a'b"])
def test_names_that_are_no_names(profiles: Path, name: str) -> None:
    """They are no tasks, and are refused where all profiles are looked at."""
    (profiles / f"{name}.yaml").write_text("version: 1\n")
    (profiles / "good.yaml").write_text("version: 1\n")
    assert profile_names.names(profiles) == ["good"]
    context = context_of(settings_of(profiles))
    (problem,) = validate(context, []).problems
    assert problem.fact == f"{name!r} is not a valid profile name"


def test_a_file_that_is_replaced_after_it_was_read(hostile: Path) -> None:
    for what, make in NOT_FILES.items():
        file = hostile / "d" / "f"
        for path in (hostile / "d").iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        file.write_text("ours")
        with Tree(hostile / "d") as tree:
            scanned = scan(tree, "/", PLACE)
        file.unlink()
        make(file)
        packed = Packed()
        with bounded(), pytest.raises(DebateError, match=r"/f: .*; run the same command again"):
            tar.pack(scanned.entries, scanned.contents, 1, packed)
        assert SECRET not in str(packed.getvalue()), what


def test_a_directory_that_becomes_a_link_after_it_was_read(hostile: Path, tmp_path: Path) -> None:
    (hostile / "d/f").write_text("ours")
    with Tree(hostile / "d") as tree:
        scanned = scan(tree, "/", PLACE)
    (hostile / "d").rename(tmp_path / "elsewhere")
    (hostile / "d").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DebateError, match="is a link, or below one"):
        tar.pack(scanned.entries, scanned.contents, 1, io.BytesIO())


@pytest.mark.parametrize(
    ("room", "path", "fact"),
    [
        (Room(3), "", "too large: the overlays of a profile may have 50,000 files, directories and links"),
        (Room(bytes=29), "/c", "too large: all files in the overlays of a profile may have 8,589,934,592 bytes"),
        (Room(text=8), "/l", "too large: all paths in the overlays of a profile may have 16,777,216 characters"),
    ],
)
def test_all_overlays_have_a_bound(profiles: Path, room: Room, path: str, fact: str) -> None:
    (profiles / "d").mkdir()
    for name in ("a", "b", "c"):
        (profiles / "d" / name).write_text(name * 10)
    (profiles / "d" / "l").symlink_to("target")
    with Tree(profiles / "d") as tree:
        scanned = scan(tree, "/", PLACE, Room(4, 30, 10))
        assert (scanned.problems, scanned.room) == ((), Room(0, 0, 0))
        scanned = scan(tree, "/", PLACE, room)
    assert [problem.fact for problem in scanned.problems] == [f"profiles/d{path}: {fact}"]
    assert not scanned.contents, "nothing is read of what is too large"


@pytest.mark.parametrize("head", [b"", b"x" * 4096])
@pytest.mark.parametrize("tail", [b"", b"x"])
def test_holes_have_a_bound(profiles: Path, head: bytes, tail: bytes) -> None:
    """They cost nothing to make, and as much to read as bytes."""
    file = profiles / "d" / "f"
    file.parent.mkdir()
    file.write_bytes(head)
    for size, facts in ((1 << 20, []), (7 << 30, ["profiles/d/f: has holes, of which"])):
        os.truncate(file, size)
        with file.open("ab") as end:
            end.write(tail)
        with bounded(), Tree(file.parent) as tree:
            found = scan(tree, "/", PLACE).problems
        assert [problem.fact[:33] for problem in found] == facts


def test_all_hooks_have_a_bound(profiles: Path) -> None:
    (profiles / "f").write_bytes(b"x" * files.MAX_FILE)
    with bounded():
        found = problems(profiles, f"hooks: [{', '.join(['f'] * 2000)}]\n")
    assert found
    fact = "hook 'f': with those before it, more than 33,554,432 bytes"
    assert {problem.fact for problem in found[:MOST_PROBLEMS]} == {fact}


@pytest.mark.parametrize("names", [("d",), [f"d{number}" for number in range(200)]])
def test_links_to_one_large_file_in_directories(profiles: Path, names: Sequence[str]) -> None:
    """Profiles are looked for there, and git keeps a thousand links for the price of one file."""
    (profiles / "large").write_bytes(b"#" * files.MAX_PROFILE)
    for name in names:
        (profiles / name).mkdir()
        for number in range(20_000 // len(names)):
            (profiles / name / f"{number}.yaml").symlink_to("../large")
    with bounded():
        told = profile_names.unread(profiles)
    assert {fact for fact, _ in told.values()} == {"has more YAML than is looked at for profiles that are not read"}


def test_many_bases_below_each_other(profiles: Path) -> None:
    """All are read before a task is known, for each of the profiles."""
    for number in range(400):
        (profiles / f"b{number}.yaml").write_text(f"version: 1\nbase: b{number + 1}\n")
    (profiles / "b400.yaml").write_text("version: 1\n")
    with bounded():
        lengths = [len(profile_names.chain(profiles, f"b{number}")) for number in range(400)]
    assert lengths == [*[10] * 390, *range(10, 0, -1)]
    (problem,) = [each for each in problems(profiles, "base: b0\n") if "base" in each.fact]
    assert (problem.fact, problem.remedy) == ("there are more than 10 bases below each other", "choose another base")


def test_a_link_through_itself_in_a_thousand_parts(profiles: Path) -> None:
    (profiles / "o" / "srv").mkdir(parents=True)
    (profiles / "o" / "srv" / "l").symlink_to("./" * 2040 + "l")
    below = ", ".join(f"{{path: /srv/l/{number}, mode: '0755'}}" for number in range(3000))
    with bounded():
        assert problems(profiles, f"overlays: [o]\npermissions: [{below}]\n") == []


def test_many_armoured_keys(profiles: Path) -> None:
    """Each with a checksum, which is wrong in the last."""
    block = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n\n=twTO\n-----END PGP PUBLIC KEY BLOCK-----\n"
    (profiles / "k").write_text(f"{block * 40_000}{block.replace('=t', '=s')}")
    with bounded():
        (problem,) = problems(profiles, "repositories: [{name: x, url: 'http://x.example', key: k, suites: [s]}]\n")
    assert problem.fact == "key 'k' has a key that is damaged: it does not fit its checksum"


@pytest.mark.parametrize("start", ["", "\ufeff", "\ufeff# a comment\n", "# a comment\n"])
def test_a_byte_order_mark_before_the_base(profiles: Path, start: str) -> None:
    (profiles / "below.yaml").write_text("version: 1\n")
    (profiles / "x.yaml").write_text(f"{start}base: below\nversion: 1\n")
    assert profile_names.base(profiles, "x") == "below"
    assert config.normalise(load(profiles, "x"), profiles)


def test_a_lock_of_unknown_fields(profiles: Path) -> None:
    known = dict.fromkeys(("request", "distribution", "release", "architecture"), "") | {"format": 1, "packages": []}
    more = {f"unknown{number}": 1 for number in range(300_000)}
    (profiles / "x.lock.json").write_text(json.dumps(known | more))
    with bounded(), pytest.raises(DebateError) as caught:
        lockfile.read(profiles / "x.lock.json")
    assert caught.value.problems[0].fact == "the lock has an unknown field 'unknown0'"


@pytest.mark.parametrize(
    "unit", [b";A=", b'x;A="', b"then A= ", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", b"\r\n", b"\xb4\x00"]
)
def test_hooks_and_keys_of_any_content(profiles: Path, unit: bytes) -> None:
    (profiles / "f").write_bytes(unit * (files.MAX_FILE // len(unit)))
    with bounded():
        problems(profiles, "hooks: [f]\nrepositories: [{name: x, url: 'https://x.example/', key: f}]\n")


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"unknown{number}: 1\n" for number in range(90_000)),
        "".join(f"unknown{number}: 1\n" for number in range(19_000)),
        "files:\n" + "".join(f"- {{wrong: {number}}}\n" for number in range(6_000)),
        "files:\n" + "".join(f"- path: /etc/x{number}\n" for number in range(40_000)),
        "files:\n" + "".join(f"- path: /etc/x{number}\n" for number in range(6_000)),
        f"services: {{enable: [{', '.join(f'u{number}' for number in range(90_000))}]}}\n",
        f"services: {{enable: [{', '.join(f'u{number}' for number in range(19_000))}]}}\n",
        f"packages: [{', '.join(f'UP{number}' for number in range(19_000))}]\n",
        f"hooks: [{', '.join(f'none{number}' for number in range(19_000))}]\n",
        f"? {'u' * (files.MAX_PROFILE - 30)}\n: 1\n",
    ],
    ids=range(10),
)
def test_of_many_problems_the_first_and_their_number_are_told(profiles: Path, text: str) -> None:
    with bounded():
        found = problems(profiles, text)
    assert len(found) <= MOST_PROBLEMS + 1
    assert len("".join(map(str, found))) < 100_000
    if len(found) > MOST_PROBLEMS:
        assert re.fullmatch("and [0-9,]+ more problems from here on", found[-1].fact)


def test_many_profiles_that_extend_one_another(profiles: Path) -> None:
    others = {f"y{number}": f"extends: y{number + 1}\n" for number in range(40)}
    lists = {name: text + f"packages: [{', '.join(f'p{n}' for n in range(18_000))}]\n" for name, text in others.items()}
    with bounded():
        (problem,) = problems(profiles, "extends: y0\n", **lists, y40="packages: [aa]\n")
    assert str(problem).endswith(f": {LARGE}")


LARGE = "extends: more than 40,000 values in all; write fewer, or extend fewer profiles"
OFTEN = "extends: more than 1,000,000 values are merged on the way; extend fewer profiles"


@pytest.mark.parametrize(
    ("sizes", "again", "said"),
    [([18_000, 18_000], 1, ""), ([19_000, 19_000, 3_000], 1, LARGE), ([1_000] * 45, 1, LARGE),
     ([4_500], 20, ""), ([4_500], 120, OFTEN)],
)  # fmt: skip
def test_what_is_extended_has_a_bound_that_is_told(profiles: Path, sizes: list[int], again: int, said: str) -> None:
    """Of values, however many profiles they are in, and of how often they are merged: ``again`` follow the first."""
    for number, size in enumerate(sizes):
        lines = [f"- p{number}x{each}\n" if again == 1 else f"- {{path: /x{each}}}\n" for each in range(size)]
        below = f"extends: y{number + 1}\n" if number + 1 < len(sizes) else ""
        kind = "packages:\n" if again == 1 else "files:\n"  # of which merging makes no more
        (profiles / f"y{number}.yaml").write_text(f"version: 1\n{below}{kind}{''.join(lines)}")
    for number in range(again):
        (profiles / f"z{number}.yaml").write_text("version: 1\n")
    text = f"version: 1\nextends: [y0, {', '.join(f'z{number}' for number in range(again))}]\n"
    (profiles / "x.yaml").write_text(text)
    try:
        load(profiles, "x")
        found = []
    except ProfileError as error:
        found = [str(problem) for problem in error.problems]
    assert [problem.partition("yaml:")[2].partition(" ")[2] for problem in found] == ([said] if said else [])


def test_a_link_to_a_name_that_is_not_utf8(profiles: Path) -> None:
    (profiles / "d").mkdir()
    (profiles / "d/f").symlink_to(b"bad-\xff".decode(errors="surrogateescape"))
    (problem,) = problems(profiles, "overlays: [d]\n")
    assert problem.fact == "profiles/d/f: link to 'bad-\\udcff', which is not UTF-8"


def test_profiles_that_double_each_other(profiles: Path) -> None:
    others = {f"y{number}": f"extends: [y{number + 1}, y{number + 1}]\n" for number in range(40)}
    for last in (
        "packages: [aa, bb]\n",
        "services: {enable: [aa, bb]}\n",
        "initrd: {modules: [aa]}\n",
        "hostname: one\n",
    ):
        with bounded():
            assert problems(profiles, "extends: y0\n", **others, y40=last) == []


def test_profiles_that_extend_one_another_without_end(profiles: Path) -> None:
    others = {f"y{number}": f"extends: y{number + 1}\n" for number in range(2000)}
    with bounded():
        (problem,) = problems(profiles, "extends: y0\n", **others)
    assert problem.fact == "more than 50 profiles extend one another"


@pytest.mark.parametrize("text", ["1,", "{},", "[],", "a: b,", "*a,"])
def test_the_largest_profile_fits_into_memory(profiles: Path, text: str) -> None:
    (profiles / "x.yaml").write_text("x: &a 1\npackages: [" + text * ((files.MAX_PROFILE - 22) // len(text)) + "]")
    with bounded(), pytest.raises(ProfileError, match="more than 20,000 values in one file"):
        load(profiles, "x")


@pytest.mark.parametrize("kind", [kind for kind in NOT_FILES if kind not in ("a directory", "a link through /proc")])
def test_profiles_that_are_no_directory(profiles: Path, kind: str) -> None:
    profiles.rmdir()
    NOT_FILES[kind](profiles)
    with bounded():
        assert profile_names.names(profiles) == []
        with pytest.raises(DebateError, match=r"^profiles: is not a directory; make it one$"):
            validate(context_of(settings_of(profiles)), [])
        with pytest.raises(ProfileError):
            load(profiles, "x")


@pytest.mark.parametrize("unit", ["a?", "a{0,5}", "a{1000}", "\\pL", "(((a?)?)?)?", "[^\\x00]{99}", "(", "a|"])
@pytest.mark.parametrize("length", [1000, 120_000])
def test_a_marker_that_takes_long_to_compile(profiles: Path, unit: str, length: int) -> None:
    marker = unit * (length // len(unit))
    with bounded(processor=1.0):
        found = problems(profiles, f"check: {{marker: '{marker}'}}")
    assert all(len(str(problem)) < 250 for problem in found), found
    assert found or length == 1000


@pytest.mark.parametrize(
    "text",
    [
        "packages: [&a '{0}', {1}]",
        "files: [{{path: &a '/{0}'}}, {1}]",
        "hostname: &a '{0}'\npackages: [{1}]",
        "users: [&a {{? '{0}' : 1}}, {1}]",
        "release: &a '{0}'\ncomponents: [{1}]",
    ],
)
def test_a_long_text_that_is_used_often(profiles: Path, text: str) -> None:
    """Each use would be looked at, and quoted, again."""
    with bounded():
        (problem,) = problems(profiles, text.format("A" * 900_000, ", ".join(["*a"] * 15_000)))
    assert problem.fact.startswith("more than 1,048,576 characters of text in one file")


def test_a_profile_in_a_directory_of_its_own_is_told(profiles: Path) -> None:
    for path, text in {
        "sub/x.yaml": "version: 1\nextends: minimal\n", "sub/bom.yaml": "\ufeffversion: 1\r\npackages: []\r\n",
        "sub/compose.yaml": "version: 1\nservices: {}\n", "sub/deeper/y.yaml": "version: 1\nbase: x\n",
        ".git/x.yaml": "version: 1\nextends: minimal\n",
    }.items():  # fmt: skip
        (profiles / path).parent.mkdir(parents=True, exist_ok=True)
        (profiles / path).write_text(text, newline="")
    fact = "is not read, since it is in a directory of its own"
    told = {name: said for name, (said, _) in profile_names.unread(profiles).items()}
    assert told == {"sub/x.yaml": fact, "sub/bom.yaml": fact}
    fact, remedy = profile_names.unknown(profiles, "sub/x", ["minimal"])
    assert (fact, remedy) == ("'sub/x' is in a directory of its own", "move sub/x.yaml to profiles/")
