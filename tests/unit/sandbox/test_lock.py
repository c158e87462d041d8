"""A real apt resolves from signed archives: what is otherwise than asked for is refused or told."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from debate.errors import Complaint
from debate.sandbox import problems
from tests.conftest import ROOT, write_files

pytestmark = pytest.mark.skipif(not (shutil.which("apt-get") and shutil.which("gpg")), reason="needs apt and gpg")
OTHER = "use another mirror, and tell those who run this one"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """GnuPG's directory, with one key. Its sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="debate-gpg-") as directory:
        home = Path(directory)
        gpg(home, "--passphrase", "", "--quick-generate-key", "a <a@x>", "rsa2048", "sign", "never")
        yield home
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def gpg(home: Path, *words: str, data: str = "") -> bytes:
    argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", *words]
    return subprocess.run(argv, input=data.encode(), capture_output=True, check=True).stdout


def release(home: Path, packages: str, *named: str) -> Mapping[str, bytes]:
    """The signed index of a suite, with these lines on what it is, and its list of packages."""
    sha256 = hashlib.sha256(packages.encode()).hexdigest()
    text = "".join(f"{line}\n" for line in named) + (
        "Components: main\nArchitectures: amd64\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
        f"SHA256:\n {sha256} {len(packages.encode())} main/binary-amd64/Packages\n"
    )
    return {"InRelease": gpg(home, "--clearsign", data=text), "main/binary-amd64/Packages": packages.encode()}


def package(name: str, version: str = "1", *more: str) -> str:
    fields = [f"Package: {name}", f"Version: {version}", "Architecture: amd64", f"Filename: pool/{name}_{version}.deb"]
    digest = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    return "\n".join([*fields, "Size: 5", f"SHA256: {digest}", *more, "", ""])


ESSENTIAL = package("base-files", "1", "Essential: yes")


@dataclass
class World:
    """Archives, and the scripts that read them, below one directory."""

    directory: Path
    home: Path
    suites: dict[tuple[str, str], Mapping[str, bytes]] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    """The archives that are repositories of the profile."""

    def __post_init__(self) -> None:
        for part in ("in/keys", "work", "out", "step/debian", "mirror"):
            (self.directory / part).mkdir(parents=True)
        for script in [*(ROOT / "sandbox").glob("*.sh"), *(ROOT / "sandbox/debian").glob("*.sh")]:
            text = script.read_text().replace(problems.PATH, str(self.directory / "problems"))
            for part in ("in", "work", "out", "step"):
                text = text.replace(f"/run/{part}", str(self.directory / part))
            (self.directory / "step" / script.relative_to(ROOT / "sandbox")).write_text(text)

    def run(self, script: str, mirror: Path, *words: str, **given: str) -> str:
        """What ``script`` prints. ``mirror`` has a directory for each archive."""
        keyring = self.directory / "key.gpg"
        keyring.write_bytes(gpg(self.home, "--export"))
        for name in self.own:
            (self.directory / "in/keys" / f"{name}.gpg").write_bytes(keyring.read_bytes())
        lines = [
            f"deb [signed-by={keyring} by-hash=no] copy:{mirror}/{archive} {suite} main\n"
            for archive, suite in self.suites
        ]
        files = {
            "sources.list": "".join(lines), "archives": "".join(f"{archive}\n" for archive, _ in self.suites),
            "options": 'APT::Architecture "amd64";\nAPT::Install-Recommends "true";\n', "apt.conf": "", "packages": "",
            "installed": "", "system": "debian trixie", "base": "", "written": "", "unpacked": "",
            **given,
        }  # fmt: skip
        write_files(self.directory / "in", files)
        (self.directory / "problems").write_text("")
        done = subprocess.run(
            ["sh", str(self.directory / "step" / script), *words],
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(self.directory / "work"), "LC_ALL": "C.UTF-8",
                "SOURCE_DATE_EPOCH": "1",
            },
            capture_output=True, text=True, cwd=self.directory, check=False,
        )  # fmt: skip
        self.status, self.errors = done.returncode, done.stderr
        return done.stdout

    def lock(self, **given: str) -> list[Complaint]:
        """What is wrong with a lock; empty if there is one."""
        for (archive, suite), files in self.suites.items():
            for name, content in files.items():
                path = self.directory / "mirror" / archive / "dists" / suite / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        self.run("debian/lock.sh", self.directory / "mirror", **{"packages": "y\n", **given})
        found, _ = problems.read(self.directory / "problems")
        assert bool(found) == bool(self.status), self.errors
        return list(found)

    def vouched(self, archive: str) -> str:
        """What `vouch.sh` says that an archive has, by the indexes that the mirror has; empty if it refuses them."""
        packed = self.directory / "in/indexes"
        tree = ["tar", "-C", str(self.directory / "mirror"), "--format=ustar", "-c", "."]
        data = subprocess.run(tree, capture_output=True, check=True).stdout
        packed.write_bytes(subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout)
        (self.directory / "work/mirror" / archive).mkdir(parents=True)
        step = self.directory / "step/debian/vouch.sh"
        step.write_text(step.read_text().replace(">&3", ">&2"))
        said = self.run("debian/vouch.sh", self.directory / "work/mirror", archive)
        assert bool(said) == (self.status == 0), self.errors
        return said

    @property
    def remarks(self) -> list[str]:
        return (self.directory / "out/remarks").read_text().splitlines()


STABLE, UPDATES = ("Suite: stable", "Codename: trixie"), ("Suite: stable-updates", "Codename: trixie-updates")


FITTING = [
    ("trixie", STABLE),
    ("trixie", ("Suite: trixie",)),
    ("sid", ("Suite: unstable", "Codename: sid")),
    ("unstable", ("Suite: unstable", "Codename: sid")),
    ("forky", ("Suite: testing", "Codename: forky")),
    ("trixie-updates", UPDATES),
    ("trixie-security", ("Suite: stable-security", "Codename: trixie-security\r")),
    ("bookworm-security", ("Suite: oldstable-security", "Codename: bookworm-security")),
    ("trixie-backports", ("Suite: stable-backports", "Codename: trixie-backports")),
    ("buster/updates", ("Suite: oldoldoldstable", "Codename: buster")),
]
OTHERS = [
    ("trixie-security", STABLE, "that of stable, trixie"),
    ("trixie-security", ("Suite: oldstable-security", "Codename: bookworm-security"),
     "that of oldstable-security, bookworm-security"),
    ("trixie-updates", STABLE, "that of stable, trixie"),
    ("trixie", ("Suite: oldstable", "Codename: bookworm"), "that of oldstable, bookworm"),
    ("trixie", UPDATES, "that of stable-updates, trixie-updates"),
    ("sid", STABLE, "that of stable, trixie"),
    ("trixie", ("Origin: Debian",), "that of none"),
]  # fmt: skip
"""The suite that is asked for, what the one says that the mirror sends, and what is told of that."""


def test_the_suite_that_is_asked_for(tmp_path: Path, home: Path) -> None:
    packages = ESSENTIAL + package("y")
    suites = {(f"a{number}", suite): release(home, packages, *named) for number, (suite, named) in enumerate(FITTING)}
    world = World(tmp_path, home, suites)
    assert world.lock() == []
    assert world.remarks == []
    assert world.vouched("a0")


def test_an_index_of_another_suite(tmp_path: Path, home: Path) -> None:
    """A mirror can choose what it sends of all that an archive signed, and apt only warns. The proof asks again."""
    packages = ESSENTIAL + package("y")
    suites = {(f"a{number}", suite): release(home, packages, *named) for number, (suite, named, _) in enumerate(OTHERS)}
    world = World(tmp_path, home, suites)
    assert world.lock() == [
        Complaint("", f"copy:{tmp_path}/mirror/a{number}/",
                  f"what it has as suite {suite} is signed as {said}, so it is refused", OTHER)
        for number, (suite, _, said) in enumerate(OTHERS)
    ]  # fmt: skip
    assert not world.vouched("a0")
    assert "trixie-security Release (it is of stable, trixie)\n" in world.errors


@pytest.mark.parametrize("end", ["", " ", "\r"])
def test_an_index_with_lines_that_nobody_signed(tmp_path: Path, home: Path, end: str) -> None:
    """A mirror can write what it likes between the first line and the text, and apt reads on."""
    index = dict(release(home, ESSENTIAL + package("y"), *STABLE))
    lines = index["InRelease"].decode().split("\n")
    assert lines[2] == ""
    lines[1:3] = [lines[1], "Suite: trixie-security", "Date: Thu, 01 Jan 2026 00:00:01 UTC", end]
    index["InRelease"] = "\n".join(lines).encode()
    world = World(tmp_path, home, {("debian-security", "trixie-security"): index})
    [complaint] = world.lock()
    assert (
        complaint.fact == "what it has as suite trixie-security is signed as that of stable, trixie, so it is refused"
    )
    assert not world.vouched("debian-security")


NAMED = [
    (("Suite: s", "Codename: x"), False), (("Suite: x", "Codename: s"), False), (("Origin: Me",), False),
    (("Suite: x", "Codename: y"), True), (("Codename: y",), True),
]  # fmt: skip
"""What a repository says of its suite `s`, and whether that is told."""


def test_a_repository_with_odd_names(tmp_path: Path, home: Path) -> None:
    """Some have one name for all their suites, and whoever uses one cannot mend that."""
    suites = {("debian", "trixie"): release(home, ESSENTIAL + package("y"), *STABLE)}
    own = {(f"own{number}", "s"): release(home, package("y"), *named) for number, (named, _) in enumerate(NAMED)}
    world = World(tmp_path, home, {**suites, **own}, own=tuple(name for name, _ in own))
    assert world.lock() == []
    names = [", ".join(line.partition(": ")[2] for line in named) for named, _ in NAMED]
    line = "the repository own{}: what it has as suite s is signed as that of {}"
    assert world.remarks == [line.format(n, names[n]) for n, (_, told) in enumerate(NAMED) if told]
    assert world.vouched("own3")


RECOMMENDS = {
    "nothere": "nothere",
    "neither | elsewhere (>= 1) | gone": "neither | elsewhere | gone",
    "unknown | there": "",
    "there": "",
    "old (>= 2)": "old",
    "new (<< 2)": "",
    "virtual": "",
    "virtual-2 (>= 2)": "",
    "below (>= 2:1.5)": "",
    "of-below": "",
    "against": "against",
}
"""What a package recommends -> what of it is said to be left out."""


def test_recommendations_that_are_left_out(tmp_path: Path, home: Path) -> None:
    packages = ESSENTIAL + package("there", "1", "Provides: virtual, virtual-2 (= 2)") + package("z")
    packages += package("against", "1", "Conflicts: y") + package("old") + package("new")
    below = "Package: below\nArchitecture: amd64\nVersion: 2:1.6\nRecommends: over\nProvides: of-below\n\n"
    for name, asked, said in [
        ("first", list(RECOMMENDS), ", ".join(filter(None, RECOMMENDS.values()))),
        ("second", [f"n{number:02}" for number in range(12)], ", ".join(f"n{n:02}" for n in range(10)) + " and 2 more"),
    ]:
        y = package("y", "1", f"Recommends: {', '.join(asked)}", "Depends: z")
        (tmp_path / name).mkdir()
        world = World(tmp_path / name, home, {("debian", "trixie"): release(home, packages + y, *STABLE)})
        assert world.lock(installed=below) == []
        assert world.remarks == [f"recommended, and left out, since in no archive or in conflict: {said}"]


def test_recommendations_that_are_not_wanted(tmp_path: Path, home: Path) -> None:
    packages = ESSENTIAL + package("y", "1", "Recommends: nothere")
    world = World(tmp_path, home, {("debian", "trixie"): release(home, packages, *STABLE)})
    assert world.lock(options='APT::Architecture "amd64";\nAPT::Install-Recommends "false";\n') == []
    assert world.remarks == []


# Indexes that an earlier lock kept -----------------------------------------------------------------


def test_a_lock_of_kept_indexes(tmp_path: Path, home: Path) -> None:
    """It is the same as one of the mirror, which is not asked; also of a suite that has no package yet."""
    odd = package("lib++y", "1:1~rc+x")
    suites = {
        ("debian", "trixie"): release(home, ESSENTIAL + odd, *STABLE),
        ("debian", "trixie-updates"): release(home, "", *UPDATES),
        ("extra", "s"): release(home, package("z"), "Suite: s"),
    }
    first, second = (World(tmp_path / name, home, suites, own=("extra",)) for name in ("first", "second"))
    assert first.lock(packages="lib++y\nz\n") == []
    for name in ("0", "1"):
        (second.directory / "in/kept").mkdir(exist_ok=True)
        (second.directory / "in/kept" / name).write_bytes((first.directory / "out/indexes").read_bytes())
    lines = (first.directory / "in/sources.list").read_text().replace(str(first.directory), str(second.directory))
    address = f"copy:{second.directory}/mirror"
    unpacked = second.directory / "work" / "kept"
    kept = lines.replace(f"{address}/debian", f"copy:{unpacked}/0/debian")
    kept = kept.replace(f"{address}/extra", f"copy:{unpacked}/1/extra")
    assert kept.count("/kept/") == 3
    assert second.lock(packages="lib++y\nz\n", **{"sources.list": kept}) == []
    shutil.rmtree(second.directory / "mirror")
    assert second.status == 0
    for name in ("archives", "indexes", "remarks"):
        assert (second.directory / "out" / name).read_bytes() == (first.directory / "out" / name).read_bytes(), name
    said = (second.directory / "out/resolved").read_text()
    for name, number in (("debian", 0), ("extra", 1)):
        said = said.replace(f"{unpacked}/{number}/{name}", f"{first.directory}/mirror/{name}")
    assert said == (first.directory / "out/resolved").read_text()
    assert "lib%2b%2by_1:1%7erc%2bx.deb" in said


def test_kept_indexes_are_verified_again(tmp_path: Path, home: Path) -> None:
    """Whoever read them before may have been taken over by another archive."""
    (tmp_path / "first").mkdir()
    suites = {("debian", "trixie"): release(home, ESSENTIAL + package("y"), *STABLE)}
    first = World(tmp_path / "first", home, suites)
    assert first.lock() == []
    tree = tmp_path / "tree"
    tree.mkdir()
    packed = subprocess.run(["zstd", "-dc", first.directory / "out/indexes"], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-C", tree, "-x"], input=packed, check=True)
    index = tree / "debian/dists/trixie/main/binary-amd64/Packages"
    index.write_text(index.read_text().replace("Version: 1", "Version: 6"))
    data = subprocess.run(["tar", "-C", tree, "--format=ustar", "-c", "."], capture_output=True, check=True).stdout
    second = World(tmp_path / "second", home, suites)
    (second.directory / "in/kept").mkdir()
    (second.directory / "in/kept/0").write_bytes(
        subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout
    )
    sources = (first.directory / "in/sources.list").read_text()
    unpacked = second.directory / "work" / "kept" / "0"
    kept = sources.replace(f"{first.directory}/mirror", str(unpacked))
    [complaint] = second.lock(**{"sources.list": kept.replace(str(first.directory), str(second.directory))})
    assert "differs from the archive's signed index, so it is refused" in complaint.fact


def test_a_suite_without_packages_proves_nothing_and_hinders_nothing(tmp_path: Path, home: Path) -> None:
    suites = {
        ("debian", "trixie"): release(home, ESSENTIAL + package("y"), *STABLE),
        ("debian", "trixie-updates"): release(home, "", *UPDATES),
    }
    world = World(tmp_path, home, suites)
    assert world.lock() == []
    shutil.rmtree(world.directory / "mirror")
    packed = subprocess.run(["zstd", "-dc", world.directory / "out/indexes"], capture_output=True, check=True).stdout
    (world.directory / "mirror").mkdir()
    subprocess.run(["tar", "-C", world.directory / "mirror", "-x"], input=packed, check=True)
    assert "y\t1\tamd64" in world.vouched("debian")


# A part of a lock ------------------------------------------------------------------------------------


def chosen(world: World, archive: Mapping[tuple[str, str], str], held: str, security: str = "") -> dict[str, str]:
    """Name -> version that apt chooses of packages in suites, of which ``held`` stay."""
    world.suites = {
        of: release(world.home, text, *({"debian-security": ("Suite: x-security",)}.get(of[0], STABLE)))
        for of, text in archive.items()
    }
    shutil.rmtree(world.directory / "mirror", ignore_errors=True)
    for file in ("holding", "lost"):
        (world.directory / "work" / file).unlink(missing_ok=True)
    assert world.lock(packages="y\nz\n", held=held, security=security) == []
    lines = (world.directory / "out/resolved").read_text().splitlines()
    words = [line.split()[-3].split("_") for line in lines]
    return {name: version for name, version, _ in words if name != "base-files"}


@pytest.fixture
def world(tmp_path: Path, home: Path) -> World:
    return World(tmp_path, home)


def test_what_is_held_stays(world: World) -> None:
    both = "".join(package(name, version) for name in "yz" for version in "12")
    archive = {("debian", "trixie"): ESSENTIAL + both}
    assert chosen(world, archive, "") == {"y": "2", "z": "2"}
    assert chosen(world, archive, "y 1 amd64\nz 1 amd64\n") == {"y": "1", "z": "1"}
    assert chosen(world, archive, "z 1 amd64\n") == {"y": "2", "z": "1"}
    assert world.remarks == []


def test_what_nobody_has_any_more_is_told(world: World) -> None:
    archive = {("debian", "trixie"): ESSENTIAL + package("y", "2") + package("z", "1")}
    assert chosen(world, archive, "y 1 amd64\nz 1 amd64\n") == {"y": "2", "z": "1"}
    assert world.remarks == ["cannot stay, since no archive has it any more: y 1"]


def test_what_must_follow_follows(world: World) -> None:
    """y is chosen anew, and needs another z; so does what needs the old y."""
    new = package("y", "2", "Depends: z (>= 2)") + package("z", "1") + package("z", "2") + package("y", "1")
    assert chosen(world, {("debian", "trixie"): ESSENTIAL + new}, "z 1 amd64\n") == {"y": "2", "z": "2"}
    old = package("y", "1") + package("y", "2") + package("z", "1", "Depends: y (= 1)") + package("z", "2")
    assert chosen(world, {("debian", "trixie"): ESSENTIAL + old}, "z 1 amd64\n") == {"y": "2", "z": "2"}


def test_corrections_for_security(world: World) -> None:
    """They are taken if they are newer; what is newer elsewhere is not."""
    archive = {
        ("debian", "trixie"): ESSENTIAL + "".join(package(name, v) for name in "yz" for v in ("1", "3")),
        ("debian-security", "x-security"): package("y", "2") + package("z", "0"),
    }
    held = "y 1 amd64\nz 1 amd64\n"
    assert chosen(world, archive, held) == {"y": "1", "z": "1"}
    assert chosen(world, archive, held, "debian-security\n") == {"y": "3", "z": "1"}


def test_what_cannot_be_is_told_as_ever(world: World) -> None:
    packages = ESSENTIAL + package("y", "1", "Depends: z (>= 9)") + package("z", "1")
    world.suites = {("debian", "trixie"): release(world.home, packages, *STABLE)}
    [complaint] = world.lock(packages="y\n", held="z 1 amd64\n", security="")
    assert [complaint] == World(world.directory / "all", world.home, world.suites).lock(packages="y\n")
