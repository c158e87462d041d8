"""What makes a lock fail is shown at its place in the profile, or at a mirror's address."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from debate import distributions, managers
from debate.build.once import Once
from debate.cache.store import Store
from debate.errors import Complaint, DebateError, StepError
from debate.managers import shared
from debate.model import Artifact, Locked, Reach, Step, Supplies
from debate.profile.lockfile import to_text
from debate.settings import load
from debate.steps.lock import Slice
from debate.steps.rule import HOST
from debate.steps.work import ProfileBuild
from tests.conftest import PROFILES, ROOT
from tests.unit.steps.fake import MIRRORS, FakeBuilder, build_on_a_base, sources_of


@dataclass(frozen=True)
class RefusingBuilder(FakeBuilder):
    """The resolver fails: its log has ``said``, its scripts complained of ``complaints``."""

    said: str = ""
    complaints: tuple[Complaint, ...] = ()

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        if step.name != "lock":
            return super().run(step, supplies, log)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(self.said)
        raise StepError("" if self.complaints else "lock: failed", complaints=self.complaints, log=str(log))


SAID = (
    "E: Unable to locate package curll\nerror: target not found: curll\nE: The repository 'x' is not signed.\n"
    "E: Failed to fetch http://m.example/x  Could not connect\n"
)


@pytest.mark.parametrize(
    ("complaint", "problem"),
    [
        (Complaint("packages", "curll", "none", "did you mean curl?"),
         "profiles/x.yaml:3:17: packages: none; did you mean curl?"),
        (Complaint("packages", "live-boot", "none"),  # added to it
         "profiles/x.yaml:1:1: initrd.generator: needs the package live-boot: none; change or leave out what needs "
         "live-boot, or name a repository that has it"),
        (Complaint("", "http://m.example/x", "Could not connect", "wait"),
         "http://m.example/x: Could not connect; wait"),
        (None, "lock: failed"),
    ],
)  # fmt: skip
def test_a_refused_lock(profiles: Path, complaint: Complaint | None, problem: str) -> None:
    """The log is only kept, whatever it says."""
    (profiles / "x.yaml").write_text("version: 1\ndistribution: debian\npackages: [vim, curll]\n")
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    complaints = (complaint,) if complaint else ()
    builder = RefusingBuilder(settings, Store(settings.cache), said=SAID, complaints=complaints)
    made = ProfileBuild(settings, "x", builder)
    made.of(HOST).make("sandbox")
    made.make("config")
    with pytest.raises(StepError) as caught:
        made.make("lock")
    assert [str(each) for each in caught.value.problems] == [problem]
    assert caught.value.log


def before_lock(profiles: Path, fields: str) -> ProfileBuild:
    """The profile `x` with these fields, as far as it is before its lock."""
    (profiles / "x.yaml").write_text(f"version: 1\n{fields}")
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    made = ProfileBuild(settings, "x", FakeBuilder(settings, Store(settings.cache)))
    made.of(HOST).make("sandbox")
    made.make("config")
    return made


def committed_lock(profiles: Path) -> tuple[ProfileBuild, Path]:
    """The profile `x` with a lock that fits, committed as `json.dumps` indents it."""
    made = before_lock(profiles, "distribution: debian\npackages: [live-boot]\n")
    made.make("lock")
    path = profiles / "x.lock.json"
    path.write_text((made.directory / "lock.json").read_text())
    made.make("lock")
    return made, path


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("distribution", "arch", "field 'distribution' is 'arch', and the profile's is 'debian'"),
        ("release", "bookworm", "field 'release' is 'bookworm', and the profile's is 'trixie'"),
        ("architecture", "arm64", "field 'architecture' is 'arm64', and the profile's is 'amd64'"),
        ("architecture", "x/../../../pwned", "the lock: field 'architecture' is 'x/../../../pwned'"),
        ("repository", "extra", "field 'repository' is 'extra': the profile has no repository 'extra'"),
        ("repository", "debian-snapshot", "the profile has no repository 'debian-snapshot'"),
        ("signature", "c2ln", "field 'signature' is 'c2ln': packages of this distribution are not signed one by one"),
        ("package architecture", "i386", "field 'architecture' is 'i386': the profile's is 'amd64'"),
    ],
)
def test_what_a_lock_says_is_what_the_profile_says(profiles: Path, field: str, value: str, message: str) -> None:
    """Although its `request` fits, which whoever writes a lock can compute."""
    made, path = committed_lock(profiles)
    lock = json.loads(path.read_text())
    (lock["packages"][1] if field in ("repository", "signature", "package architecture") else lock)[
        field.removeprefix("package ")
    ] = value
    path.write_text(to_text(lock))
    with pytest.raises(DebateError) as caught:
        made.make("lock")
    (problem,) = caught.value.problems
    assert message in problem.fact
    assert problem.place
    assert problem.place.file.endswith("profiles/x.lock.json")
    assert json.dumps(value) in path.read_text().splitlines()[problem.place.line - 1]


def test_a_lock_names_the_archives_that_it_was_made_of(profiles: Path) -> None:
    """One that was made without an archive of the release is refused; an older one that names none is told."""
    made, path = committed_lock(profiles)
    lock = json.loads(path.read_text())
    suites = [(each["archive"], each["suite"]) for each in lock["archives"]]
    assert suites == managers.get("debian").suites(made.work("lock").slice(Slice))
    assert ("debian-security", "trixie-security") in suites
    assert made.make("lock")["note"].endswith(", pinned, debian of 2026-01-01, debian-security of 2026-01-01")
    path.write_text(to_text({**lock, "archives": [one for one in lock["archives"] if one["archive"] == "debian"]}))
    with pytest.raises(DebateError) as caught:
        made.make("lock")
    assert str(caught.value).endswith(
        "x.lock.json: made without debian-security trixie-security, of which the release consists; "
        "run doit lock:x to refresh it"
    )
    del lock["archives"]
    path.write_text(to_text(lock))
    assert made.make("lock")["note"].endswith("pinned, of archives that it does not name (doit lock:x does)")


def test_a_snapshot_in_the_future(profiles: Path) -> None:
    made = before_lock(profiles, "snapshot: 29991231T000000Z\n")
    with pytest.raises(StepError) as caught:
        made.make("lock")
    [problem] = caught.value.problems
    assert str(problem).endswith(
        "x.yaml:2:11: snapshot: 29991231T000000Z is in the future; choose a moment that has passed"
    )


def test_a_lock_of_arch_names_its_repositories(profiles: Path) -> None:
    """It has no signed indexes; other dates alone are no change."""
    made = before_lock(profiles, "distribution: arch\n")
    assert made.make("lock")["note"].endswith("arch of 2026-01-01")
    path = profiles / "x.lock.json"
    lock = json.loads((made.directory / "lock.json").read_text())
    assert [(each["archive"], each["suite"]) for each in lock["archives"]] == [("arch", "core"), ("arch", "extra")]
    for each in lock["archives"]:
        each["date"] = "2025-01-01T00:00:00Z"
    path.write_text(to_text(lock))
    again = ProfileBuild(replace(made.settings, lock="refresh"), "x", made.builder)
    assert replace(again, refresh=True).make("lock")["note"].endswith("nothing changed, arch of 2025-01-01")
    assert json.loads(path.read_text()) == lock


def test_a_lock_without_a_package_that_is_asked_for(profiles: Path) -> None:
    """Committed it is refused, although its `request` fits; one of an earlier build is made anew."""
    made, path = committed_lock(profiles)
    whole, own = path.read_text(), made.directory / "lock.json"
    lock = json.loads(whole)
    lock["packages"] = [package for package in lock["packages"] if package["name"] not in ("live-boot", "busybox")]
    for text in (to_text(lock), to_text(lock).replace('"1"', '"2"')):
        path.write_text(text)
        with pytest.raises(DebateError) as caught:
            made.make("lock")
        assert [problem.fact for problem in caught.value.problems] == [
            f"{name} is asked for, and the lock has none" for name in ("busybox", "live-boot")
        ]
        line = text[: text.index('"packages"')].count("\n") + 1
        assert [str(problem.place) for problem in caught.value.problems] == [f"profiles/x.lock.json:{line}"] * 2
        assert caught.value.problems[0].remedy == "run doit lock:x to refresh it"
    path.unlink()
    own.write_text(to_text(lock))
    made.make("lock")
    assert json.loads(own.read_text())["packages"] == json.loads(whole)["packages"]


def locked(profiles: Path, text: str) -> tuple[ProfileBuild, FakeBuilder]:
    """The profile `x`, whose resolver finds version 1 of whatever it is asked for, before its lock is made."""
    (profiles / "x.yaml").write_text(f"version: 1\ndistribution: debian\n{text}")
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    made = ProfileBuild(settings, "x", builder := FakeBuilder(settings, Store(settings.cache)))
    made.of(HOST).make("sandbox")
    made.make("config")
    return made, builder


@pytest.mark.parametrize(
    ("packages", "problem"),
    [
        ("[vim, curl=2]", "profiles/x.yaml:3:17: packages: curl=2 is asked for, and the lock has curl 1; "),
        ("[vim]\nkernel: linux-rt=2", "profiles/x.yaml:4:9: kernel: 'linux-rt=2' is not a valid kernel"),
        ("[curl=1, vim, curl=2]", "profiles/x.yaml:3:25: packages: curl is named with version 1 and with version 2; "),
    ],
)
def test_a_version_is_had_or_refused(profiles: Path, packages: str, problem: str) -> None:
    with pytest.raises(DebateError) as caught:
        locked(profiles, f"packages: {packages}\n")[0].make("lock")
    assert str(caught.value).startswith(problem)


def test_a_name_with_a_version_stands_for_the_name(profiles: Path) -> None:
    """As when a profile pins what one that it extends names."""
    made, builder = locked(profiles, "packages: [curl=1, curl, busybox=1, linux-image-amd64=1]\n")
    made.make("lock")
    [step] = [step for step in builder.ran if step.name == "lock"]
    words = step.parameters["packages"].decode().split()
    assert {"curl=1", "busybox=1", "linux-image-amd64=1"} <= set(words)
    assert not {"curl", "busybox", "linux-image-amd64"} & set(words)


@dataclass(frozen=True)
class TellingBuilder(FakeBuilder):
    """The resolver takes packages from ``archive``, and leaves a remark."""

    archive: str = ""

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        made = dict(super().run(step, supplies, log))
        if step.name == "lock":
            made["remarks"] = self.store.put(b"recommended, and left out: x\n")
            text = self.store.read(made["resolved"], 1 << 20).decode()
            address = "https://own.example" if self.archive == "own" else MIRRORS["DEBATE_MIRROR_DEBIAN"]
            first, _, rest = text.partition("\n")
            first = first.replace("debian '", f"{self.archive} '", 1).replace(MIRRORS["DEBATE_MIRROR_DEBIAN"], address)
            made["resolved"] = self.store.put(f"{first}\n{rest}".encode())
        return made


@pytest.mark.parametrize("archive", ["debian", "own"])
def test_what_the_resolver_passes_over_is_told(profiles: Path, archive: str) -> None:
    """A repository that gives nothing, as backports whose packages must be asked for by version, too."""
    (profiles / "key.gpg").write_bytes((ROOT / "tests/profiles/keys/extra.asc").read_bytes())
    repository = "{name: own, url: https://own.example, suites: [s], key: key.gpg}"
    made = before_lock(profiles, f"packages: [vim]\nrepositories: [{repository}]\n")
    builder = TellingBuilder(made.settings, made.store, archive=archive)
    lines = ProfileBuild(made.settings, "x", builder).make("lock")["lines"]
    unused = [line for line in lines if line.startswith("no package is of the repository own: ")]
    assert bool(unused) == (archive == "debian")
    assert "recommended, and left out: x" in lines


def test_what_the_base_has_is_not_asked_for(tmp_path: Path) -> None:
    """In another version it is refused: what is in a layer cannot be changed by the one above it."""
    made = build_on_a_base(tmp_path)
    assert isinstance(made.builder, FakeBuilder)
    above = [step for step in made.builder.ran if step.name == "lock"][-1]
    assert above.parameters["packages"] == b""
    path = tmp_path / "profiles" / "minimal.yaml"
    path.write_text(f"{path.read_text()}packages: [busybox=1, udev=2]\n")
    made = ProfileBuild(made.settings, "minimal", made.builder)
    made.make("config")
    with pytest.raises(StepError) as caught:
        made.make("lock")
    fact = "udev=2 is asked for, and the base 'below' has udev 1"
    (problem,) = caught.value.problems
    assert str(problem).endswith(
        f"minimal.yaml:5:23: packages: {fact}; choose that version, or name udev=2 in the base"
    )


def test_a_kernel_that_is_not_there_has_its_line(profiles: Path) -> None:
    made, builder = locked(profiles, "packages: [vim]\nkernel: linux-rt\n")
    refusing = RefusingBuilder(made.settings, builder.store, complaints=(Complaint("packages", "linux-rt", "none"),))
    with pytest.raises(StepError) as caught:
        ProfileBuild(made.settings, "x", refusing).make("lock")
    assert [str(each) for each in caught.value.problems] == ["profiles/x.yaml:4:9: kernel: none"]


def test_a_lock_of_an_arch_profile_is_signed_package_by_package() -> None:
    arch = managers.get("arch")
    request = shared.tools_request(distributions.get("arch"), "rolling")
    package = Locked("zlib", "1-1", "x86_64", "arch", "core/os/x86_64/zlib-1-1-x86_64.pkg.tar.zst", 5, "a" * 64, "c2ln")
    assert arch.unfit(package, request) is None
    for field, value in (
        ("signature", ""), ("name", "bash"), ("version", "2-1"), ("architecture", "i686"), ("repository", "own"),
        ("path", "core/os/x86_64/bash-1-1-x86_64.pkg.tar.zst"), ("path", "core/os/x86_64/zlib-1-1-x86_64.deb"),
    ):  # fmt: skip
        assert arch.unfit(replace(package, **{field: value}), request)


# Many locks in one run -------------------------------------------------------------------------------


def together(profiles: Path, names: Sequence[str]) -> list[FakeBuilder]:
    """Lock profiles at the same time, as in one run. Returns their builders."""
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    once = Once()
    builders = [FakeBuilder(settings, Store(settings.cache), once=once) for _ in names]
    made = [ProfileBuild(settings, name, builder) for name, builder in zip(names, builders, strict=True)]
    made[0].of(HOST).make("sandbox")
    for each in made:
        each.make("config")
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda each: each.make("lock"), made))
    return builders


def asked(builders: Sequence[FakeBuilder]) -> list[Supplies]:
    """What the resolvers of a run were given."""
    return [builder.supplied["lock"] for builder in builders if "lock" in builder.supplied]


def test_equal_requests_are_resolved_once(profiles: Path) -> None:
    names = [f"p{number}" for number in range(10)]
    for name in names:
        (profiles / f"{name}.yaml").write_text(f"version: 1\nhostname: {name}\npackages: [vim]\n")
    builders = together(profiles, names)
    assert len(asked(builders)) == 1
    locks = {(profiles.parent / "build" / name / "lock.json").read_text() for name in names}
    assert len(locks) == 1


EXTRA = "repositories: [{name: extra, url: 'https://extra.example', suites: [s], key: k}]"


@pytest.mark.parametrize("manager", ["debian", "arch"])
def test_an_index_is_downloaded_once(profiles: Path, manager: str) -> None:
    """By ten profiles with other packages. One with a repository of its own downloads that one's, and no more."""
    names = [f"p{number}" for number in range(10)]
    (profiles / "k").write_bytes((PROFILES / "keys" / "extra.asc").read_bytes())
    for name in names:
        (profiles / f"{name}.yaml").write_text(f"version: 1\ndistribution: {manager}\npackages: [{name}]\n")
    if manager == "debian":
        (profiles / "p9.yaml").write_text(f"version: 1\n{EXTRA}\n")
        (profiles / "p8.yaml").write_text("version: 1\ncomponents: [main, contrib]\n")
    supplies = asked(together(profiles, names))
    assert len(supplies) == 10
    if manager == "arch":
        assert not [one for one in supplies if one.inputs]
        return
    remote = [address for one in supplies for address, _ in sources_of(one) if not address.startswith("copy:")]
    deb = MIRRORS["DEBATE_MIRROR_DEBIAN"]
    assert sorted(remote) == sorted([*[deb] * 4, *[f"{deb}-security"] * 2, "https://extra.example"]), (
        "two suites each, and once more with other components"
    )
    alone = [one for one in supplies if all(address.startswith("copy:") for address, _ in sources_of(one))]
    assert len(alone) >= 7
    assert all(one.reach == Reach() and len(one.inputs) == 1 for one in alone), "without a network"


def test_a_lock_that_fails_hinders_no_other(profiles: Path) -> None:
    for name in ("a", "b"):
        (profiles / f"{name}.yaml").write_text("version: 1\npackages: [vim]\n")
    settings = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian"})
    once = Once()
    bad = RefusingBuilder(settings, Store(settings.cache), once=once)
    good = FakeBuilder(settings, Store(settings.cache), once=once)
    first, second = ProfileBuild(settings, "a", bad), ProfileBuild(settings, "b", good)
    first.of(HOST).make("sandbox")
    for each in (first, second):
        each.make("config")
    with pytest.raises(StepError):
        first.make("lock")
    second.make("lock")
    assert len(asked([good])) == 1


# A part of a lock ------------------------------------------------------------------------------------


def part(profiles: Path, fields: str, *, locked: bool = True, **options: str | bool) -> FakeBuilder:
    """Refresh a part of the lock of the profile `x`. Returns its builder."""
    made = before_lock(profiles, fields)
    if locked:
        made.make("lock")
    replace(made, refresh=True, options=options).make("lock")
    assert isinstance(made.builder, FakeBuilder)
    return made.builder


def held(builder: FakeBuilder) -> tuple[set[str], bytes] | None:
    """Names of the packages that the last resolution kept, and the archives for security."""
    step = next(step for step in reversed(builder.ran) if step.name == "lock")
    if "held" not in step.parameters:
        return None
    return {line.split()[0] for line in step.parameters["held"].decode().splitlines()}, step.parameters["security"]


def test_all_but_the_named_packages_stay(profiles: Path) -> None:
    found = held(part(profiles, "packages: [vim, less]\n", package="vim,less"))
    assert found is not None
    names, security = found
    assert {"base-files", "linux-image-amd64", "shim-signed"} <= names
    assert not {"vim", "less"} & names
    assert security == b""


def test_corrections_for_security_are_told_apart(profiles: Path) -> None:
    found = held(part(profiles, "packages: [vim]\n", security=True))
    assert found is not None
    assert "vim" in found[0]
    assert found[1] == b"debian-security\n"


def test_without_options_nothing_stays(profiles: Path) -> None:
    assert held(part(profiles, "packages: [vim]\n")) is None


def test_the_packages_of_a_base_are_its_own(profiles: Path) -> None:
    made = build_on_a_base(profiles.parent)
    added = replace(made, refresh=True, options={"package": "added"})
    added.make("lock")
    assert isinstance(made.builder, FakeBuilder)
    found = held(made.builder)
    assert found is not None
    assert not found[0] & {package["name"] for package in made.of("below").load("lock")["packages"]}
    with pytest.raises(DebateError, match="is a package of the base 'below'; run doit lock:below --package base-files"):
        replace(made, refresh=True, options={"package": "base-files"}).make("lock")


@pytest.mark.parametrize(
    ("fields", "options", "locked", "message"),
    [
        ("packages: [vim]\n", {"package": "vmi"}, True, "lock:x: the lock has no package 'vmi'; did you mean 'vim'?"),
        ("packages: [vim]\n", {"package": "vim"}, False, "lock:x: there is no lock of which a part could be refreshed"),
        ("release: sid\n", {"security": True}, True, "lock:x: Debian sid has no archive for security; name packages"),
        ("distribution: arch\n", {"security": True}, True, "lock:x: Arch knows no upgrades of some packages without"),
        ("distribution: arch\n", {"package": "linux"}, True, "lock:x: Arch knows no upgrades of some packages without"),
    ],
)
def test_what_cannot_be_refreshed_alone(
    profiles: Path, fields: str, options: dict[str, str | bool], locked: bool, message: str
) -> None:
    with pytest.raises(DebateError) as caught:
        part(profiles, fields, locked=locked, **options)
    assert str(caught.value).startswith(message)
