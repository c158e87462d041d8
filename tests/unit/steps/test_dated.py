"""What a lock names and the mirror no longer has is of a dated archive, by the dates in the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from debate import distributions
from debate.cache.store import Store
from debate.errors import DebateError, StepError
from debate.managers import host_apt
from debate.model import Artifact, Step, Supplies
from debate.settings import load
from debate.steps import dated, download
from debate.steps.lock import Slice
from debate.steps.rule import HOST
from debate.steps.work import ProfileBuild, Work
from tests.unit.steps.fake import MIRRORS, FakeBuilder

SNAPSHOT = {"DEBATE_MIRROR_DEBIAN_SNAPSHOT": "http://snapshot.example/{archive}/{date}/"}
BY_DAY = {"DEBATE_MIRROR_ARCH_SNAPSHOT": "http://snapshot.example/{date}"}


@dataclass(frozen=True)
class Later(FakeBuilder):
    """Indexes are what they were downloaded of. Those of today prove nothing, nor does the first dated state."""

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        if step.name == "indexes":
            self.ran.append(step)
            return {"indexes": self.store.put(supplies.files["sources.list"])}
        if step.name == "proof":
            said = self.store.read(supplies.inputs["indexes"], 1 << 16).decode()
            if "20260101T060000Z" not in said:
                raise StepError("proof: failed", log=str(log))
        return super().run(step, supplies, log)


@dataclass(frozen=True)
class Taking(FakeBuilder):
    """The mirror no longer has one package."""

    taken: list[bytes] = field(default_factory=lambda: [b"vim 1\n"])

    def run(self, step: Step, supplies: Supplies, log: Path) -> Mapping[str, Artifact]:
        made = super().run(step, supplies, log)
        return {**made, "taken": self.store.put(self.taken[0])} if "taken" in step.outputs else made


def locked(profiles: Path, fields: str = "", kind: type[FakeBuilder] = FakeBuilder, **settings: str) -> ProfileBuild:
    """The profile `x` with a lock that another machine made: no indexes are here."""
    (profiles / "x.yaml").write_text(f"version: 1\npackages: [vim]\n{fields}")
    where = load(profiles.parent, {**MIRRORS, "DEBATE_BASE": "debian", **settings})
    made = ProfileBuild(where, "x", kind(where, Store(where.cache), lines.append))
    lines.clear()
    made.of(HOST).make("sandbox")
    made.make("config")
    made.make("lock")
    lock = made.load("lock")
    lock.pop("indexes", None)
    made.records.save("lock", lock)
    return made


lines: list[str] = []


def work_of(made: ProfileBuild) -> tuple[Work, Slice]:
    work = made.work("packages")
    return work, work.slice(Slice, "lock")


def test_the_moments() -> None:
    """Of each archive by its newest index, and a little later; none of them is in the future."""
    lock = {
        "archives": [
            {"archive": "debian", "suite": "trixie", "date": "2026-01-01T00:00:00Z"},
            {"archive": "debian", "suite": "trixie-updates", "date": "2026-01-02T18:30:00Z"},
            {"archive": "debian-security", "suite": "x", "date": "2026-02-28T23:00:00Z"},
            {"archive": "debian", "suite": "odd", "date": "2026-02-31T00:00:00Z"},
        ]
    }
    assert dated.moments(lock) == [
        {"debian": "20260102T183000Z", "debian-security": "20260228T230000Z"},
        {"debian": "20260103T003000Z", "debian-security": "20260301T050000Z"},
        {"debian": "20260103T183000Z", "debian-security": "20260301T230000Z"},
    ]
    assert dated.moments({}) == []
    last = [{"archive": "a", "suite": "s", "date": "9999-12-31T23:59:59Z"}]
    assert all(one["a"] <= f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}" for one in dated.moments({"archives": last}))
    now = datetime.now(UTC)
    for before in (timedelta(), timedelta(hours=7)):
        fresh = [{"archive": "a", "suite": "s", "date": f"{now - before:%Y-%m-%dT%H:%M:%SZ}"}]
        found = [one["a"] for one in dated.moments({"archives": fresh})]
        assert found == sorted(set(found))
        assert found[-1] <= f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def test_the_addresses(profiles: Path) -> None:
    made = locked(profiles, **SNAPSHOT)
    found = dated.mirrors(*work_of(made))
    assert [dict(one.addresses) for one in found] == [
        {name: f"http://snapshot.example/{name}/{date}" for name in ("debian", "debian-security")}
        for date in ("20260101T000000Z", "20260101T060000Z", "20260102T000000Z")
    ]
    assert all("snapshot.example:80" in one.trusted and not one.public for one in found)


def test_the_addresses_of_days(profiles: Path) -> None:
    made = locked(profiles, "distribution: arch\n", **BY_DAY)
    found = [one.addresses["arch"] for one in dated.mirrors(*work_of(made))]
    assert found == ["http://snapshot.example/2026/01/01", "http://snapshot.example/2026/01/02"], "each once"


def test_directories_that_are_not_there(profiles: Path, tmp_path: Path) -> None:
    (tmp_path / "debian" / "20260101T060000Z").mkdir(parents=True)
    made = locked(profiles, DEBATE_MIRROR_DEBIAN_SNAPSHOT=f"file://{tmp_path}/{{archive}}/{{date}}")
    work, request = work_of(made)
    assert [list(one.directories) for one in dated.mirrors(work, request)] == [[], ["debian"], []]
    assert dated.mirrors(work, request, whole=True) == []


@pytest.mark.parametrize(
    ("fields", "settings", "remedy"),
    [
        ("", SNAPSHOT, "; the dated archive of 2026-01-01 does not have it either"),
        ("", {}, ", or set DEBATE_MIRROR_DEBIAN_SNAPSHOT to an archive with dates, which has it still"),
        (
            "distribution: arch\n",
            {},
            ", or set DEBATE_MIRROR_ARCH_SNAPSHOT to an archive with dates, which has it still",
        ),
        ("snapshot: 20260101T000000Z\n", SNAPSHOT, ""),
    ],
)
def test_what_is_said(
    profiles: Path, monkeypatch: pytest.MonkeyPatch, fields: str, settings: dict[str, str], remedy: str
) -> None:
    monkeypatch.setattr(host_apt, "dated", dict)
    work, request = work_of(locked(profiles, fields, **settings))
    said = dated.remedy(work, request, dated.mirrors(work, request))
    assert said == f"run doit lock:x for what the mirror has now{remedy}"


def test_what_a_download_is_given(profiles: Path) -> None:
    made = locked(profiles, kind=Taking, **SNAPSHOT)
    work, _ = work_of(made)
    download.have(work, work.locked())
    builder = made.builder
    assert isinstance(builder, Taking)
    supplies = builder.supplied["packages"]
    first, *_ = supplies.files["wanted"].decode().splitlines()
    of_first = [line for line in supplies.files["dated"].decode().splitlines() if first.split()[1] in line]
    path = first.split()[0].removeprefix(MIRRORS["DEBATE_MIRROR_DEBIAN"])
    assert [line.split()[1] for line in of_first] == [
        f"http://snapshot.example/debian/{date}{path}"
        for date in ("20260101T000000Z", "20260101T060000Z", "20260102T000000Z")
    ]
    assert {"snapshot.example:80", "deb.example:443"} <= {*supplies.reach.endpoints}
    assert "x: of the dated archive, since the mirror no longer has it: vim 1" in lines


@pytest.mark.parametrize("said", [b"vim 1\n" * 999, b"vim\n", b"\x1b[2J 1\n"])
def test_what_a_sandbox_says_of_it_is_bounded(profiles: Path, said: bytes) -> None:
    made = locked(profiles, kind=Taking, **SNAPSHOT)
    assert isinstance(made.builder, Taking)
    made.builder.taken[0] = said
    work, _ = work_of(made)
    with pytest.raises(DebateError, match="the list of packages of a dated archive"):
        download.have(work, work.locked())


def test_a_lock_that_todays_indexes_do_not_prove(profiles: Path) -> None:
    """Without its own indexes, as in a fresh clone: those of its date prove it."""
    made = locked(profiles, kind=Later, **SNAPSHOT)
    made.make("packages")
    assert isinstance(made.builder, Later)
    assert sum(step.name == "indexes" for step in made.builder.ran) == 3, "today's, those of the date, and of 6 h later"
    assert "x: proven by the dated archive; the archives' indexes of today lack some packages" in lines


def test_without_a_dated_archive_it_is_refused(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_apt, "dated", dict)
    with pytest.raises(StepError, match="proof: failed"):
        locked(profiles, kind=Later).make("packages")


APT = """\
Acquire::Snapshots::URI "";
Acquire::Snapshots::URI::Host::deb.example "https://snap.example/archive/@PATH@/@SNAPSHOTID@/";
Acquire::Snapshots::URI::Override::Host::own.example "http://mine.example/@PATH@/@SNAPSHOTID@";
Acquire::Snapshots::URI::Host::own.example "http://not.example/@PATH@/@SNAPSHOTID@";
Acquire::Snapshots::URI::Host::odd.example "https://snap.example/";
Acquire::Snapshots::URI::Host::bad.example "gopher://x/@PATH@/@SNAPSHOTID@";
"""


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://deb.example/debian", "https://snap.example/archive/debian/20260101T000000Z/"),
        ("http://own.example:8080/x/debian/", "http://mine.example/x/debian/20260101T000000Z"),
        ("https://odd.example/debian", ""),
        ("https://bad.example/debian", ""),
        ("https://other.example/debian", ""),
        ("file:///srv/debian", ""),
    ],
)
def test_what_the_hosts_apt_knows(monkeypatch: pytest.MonkeyPatch, address: str, found: str) -> None:
    monkeypatch.setattr(host_apt, "run", lambda _: APT)
    monkeypatch.setattr(host_apt, "_BOOTSTRAPPERS", {})
    host_apt.dated.cache_clear()
    try:
        assert host_apt.dated_address("debian", address, "20260101T000000Z") == found
    finally:
        host_apt.dated.cache_clear()


def test_a_host_without_such_an_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> str:
        raise DebateError("not installed")

    monkeypatch.setattr(host_apt, "run", fail)
    host_apt.dated.cache_clear()
    assert host_apt.dated() == {}
    host_apt.dated.cache_clear()


def test_the_hosts_apt_is_the_default(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a lock whose packages are gone, nobody has to set anything where it knows the archive."""
    monkeypatch.setattr(host_apt, "dated", lambda: {"deb.example": "https://snap.example/@PATH@/@SNAPSHOTID@/"})
    found = dated.mirrors(*work_of(locked(profiles)))
    assert found[0].addresses == {
        name: f"https://snap.example/{name}/20260101T000000Z"
        for name in distributions.get("debian").ARCHIVES  # type: ignore[attr-defined]
    }
