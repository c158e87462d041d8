"""Loading a profile: what it extends, the files that it names, and all mistakes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.errors import Place, Problem, ProfileError
from debate.profile.load import load
from tests.unit.profile.mistakes import expect, problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("extends: none", "profiles/x.yaml:2:10: there is no profile 'none'"),
        (
            "extends: ../x",
            "profiles/x.yaml:2:10: '../x' is not a valid profile name; use letters, digits, _ . and -",
        ),
        ("extends: x", "profiles/x.yaml:2:10: extends is circular: x -> x; break the cycle"),
        ("overlays: [overlays/x]", "profiles/x.yaml:2:12: overlay 'overlays/x' is missing; create it, or correct the"),
        ("overlays: [../..]", "profiles/x.yaml:2:12: overlay '../..' is outside the profiles directory; move it"),
        ("overlays: [x.yaml]", "profiles/x.yaml:2:12: overlay 'x.yaml' is not a directory; name a directory"),
        ("overlays: [loop]", "profiles/x.yaml:2:12: overlay 'loop' is a loop of symbolic links; choose another"),
        ("hooks: [go.sh]", "profiles/x.yaml:2:9: hook 'go.sh' is missing"),
        ("hooks: ['.']", "profiles/x.yaml:2:9: hook '.' is not a file; name a file"),
        ("hooks: [../../etc/passwd]", "profiles/x.yaml:2:9: hook '../../etc/passwd' is outside the profiles directory"),
        (
            "repositories:\n  - {name: a, url: 'https://b', key: k.asc}",
            "profiles/x.yaml:3:38: key 'k.asc' is missing",
        ),
    ],
)
def test_a_mistake_has_its_own_message(profiles: Path, text: str, expected: str) -> None:
    (profiles / "loop").symlink_to("loop")
    expect(profiles, text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "users:\n  - name: a\n    uid: 1000\n  - name: b\n    uid: 1000",
            "profiles/x.yaml:6:10: users: uid 1000 is used twice; keep one",
        ),
        ("users: [{name: root, uid: 5}]", "profiles/x.yaml:2:27: root's uid is 0; leave it out"),
        ("users: [{name: a, uid: 0}]", "profiles/x.yaml:2:24: uid 0 is root's; choose another"),
        (
            "users: [{name: a, autologin: true}, {name: b, autologin: true}]",
            "profiles/x.yaml:2:58: only one user can be logged in automatically; choose one",
        ),
        (
            "image: {compression: {algorithm: gzip, level: 10}}",
            "profiles/x.yaml:2:47: image.compression.level: 10 is too large for gzip; the maximum is 9",
        ),
        *(
            (
                f"image: {{compression: {{algorithm: {name}, level: {level}}}}}",
                f"profiles/x.yaml:2:{43 + len(name)}: image.compression.level: {name} has no levels; leave it out, or ",
            )
            for name in ("xz", "lz4")
            for level in (1, 9, 22)
        ),
        (
            "recommends: true\ndistribution: arch",
            "profiles/x.yaml:2:13: recommends: packages of arch recommend none; name the packages, or leave it out",
        ),
        *(
            (f"snapshot: {moment}", f"profiles/x.yaml:2:11: snapshot: {moment} is no moment; ")
            for moment in (
                "20261399T996199Z",
                "20260231T000000Z",
                "20260101T250000Z",
                "20260101T006000Z",
                "00000101T000000Z",
                "20260101T000060Z",
            )
        ),
        (
            "snapshot: 20260101T120000Z\ndistribution: arch",
            "profiles/x.yaml:2:11: snapshot: dated mirrors of Arch have one state for each day; write 20260101T000000Z",
        ),
        (
            "snapshot: 20260101T120000Z\nmirror: http://a.example",
            "profiles/x.yaml:3:9: mirror: not used with a snapshot (profiles/x.yaml:2:11); leave one out; ",
        ),
        *(
            (
                f"check: {{marker: '{wrong}'}}",
                "profiles/x.yaml:2:17: check.marker: not a valid regular expression: ",
            )
            for wrong in (
                *("(", ")", "[", "*", "a{2,1}", "(?P<>x)", "\\", "(a)\\1", "(?=a)", "(?<!a)", "(?>a)", "a++"),
                *("a{1001}", "(a{1000}){1000}", "((a{100}){100}){100}", "\\p{Nothing}"),
            )
        ),
        *(
            (
                f"{field}: [{{path: {path}, mode: '0600'}}]",
                f"profiles/x.yaml:2:{len(field) + 11}: {named}{path} is hidden",
            )
            for field, named in (("files", ""), ("permissions", "permissions: "))
            for path in ("/proc/y", "/sys/a/b", "/dev/null", "/run/x", "/tmp/x")  # noqa: S108
        ),
        ("permissions: [{path: /tmp, mode: '1777'}]", "profiles/x.yaml:2:22: permissions: /tmp is hidden by"),
        ("overlays: [{source: tree, target: /run}]", "profiles/x.yaml:2:21: /run/motd is hidden by"),
    ],
)
def test_a_mistake_that_normalising_finds(profiles: Path, text: str, expected: str) -> None:
    (profiles / "tree").mkdir()
    (profiles / "tree/motd").touch()
    expect(profiles, text, expected)


@pytest.mark.parametrize(
    "text",
    [
        "image: {compression: {algorithm: gzip, level: 9}}",
        "image: {compression: {algorithm: zstd, level: 22}}",
        "snapshot: 20240229T235959Z",
        "snapshot: 20240229T000000Z\ndistribution: arch",
        "image: {compression: {algorithm: xz}}",
        "check: {marker: '^[a-z]+ login: (ok)?$'}",
        "check: {marker: '(a+)+b'}",
        "check: {marker: '(?i)\\bübung [[:digit:]]{1,1000}'}",
        "files: [{path: /running/x}, {path: /devices}, {path: /var/tmp/x}]",
    ],
)
def test_what_normalising_accepts(profiles: Path, text: str) -> None:
    assert problems(profiles, text) == []


def test_all_mistakes_at_once(profiles: Path) -> None:
    found = problems(
        profiles,
        "pkgs: [a]\nrelease: trixy\nhostname: no\noverlays: [gone]\nboot: {timeout: soon}\nextends: [_b]\n",
        _b="locale: 1.5\n",
    )
    assert [str(problem.place) for problem in found] == [
        "profiles/_b.yaml:2:9",
        "profiles/x.yaml:2:1",
        "profiles/x.yaml:3:10",
        "profiles/x.yaml:4:11",
        "profiles/x.yaml:5:12",
        "profiles/x.yaml:6:17",
    ]
    assert all(problem.fact and problem.remedy for problem in found)


def test_problems_are_values(profiles: Path) -> None:
    (profiles / "x.yaml").write_text("version: 1\nextends: none\n")
    with pytest.raises(ProfileError) as caught:
        load(profiles, "x")
    place = Place("profiles/x.yaml", 2, 10)
    assert caught.value.problems == (Problem(place, "there is no profile 'none'", "there are none"),)


def test_a_long_circle_is_shown_whole(profiles: Path) -> None:
    found = problems(profiles, "extends: b", b="extends: c", c="extends: x")
    assert list(map(str, found)) == ["profiles/c.yaml:2:10: extends is circular: x -> b -> c -> x; break the cycle"]


def test_a_link_out_of_the_profiles_is_refused(profiles: Path) -> None:
    (profiles / "tree").symlink_to("/etc")
    assert "is outside the profiles directory" in problems(profiles, "overlays: [tree]")[0].fact


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        ("dangling", "profile 'x' is a link to a file that does not exist"),
        ("directory", "profile 'x' cannot be read: Is a directory"),
        ("loop", "profile 'x' cannot be read: Too many levels of symbolic links"),
    ],
)
def test_a_profile_that_is_no_file(profiles: Path, kind: str, fact: str) -> None:
    if kind == "directory":
        (profiles / "x.yaml").mkdir()
    else:
        (profiles / "x.yaml").symlink_to("nowhere" if kind == "dangling" else "x.yaml")
    with pytest.raises(ProfileError) as caught:
        load(profiles, "x")
    (problem,) = caught.value.problems
    assert (problem.place, problem.fact) == (Place("profiles/x.yaml", 1, 1), fact)
    assert "'x'" not in problem.remedy


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("overlays: [overlay]", "did you mean 'overlays'?"),
        ("overlays: [nosuch]", "create it, or correct the path"),
        ("overlays: [aa]", "create it, or correct the path"),
        ("hooks: [hook]", "did you mean 'hook.sh'?"),
    ],
)
def test_a_missing_file_suggests_its_own_kind(profiles: Path, text: str, hint: str) -> None:
    for name in ("overlays", "hooks"):
        (profiles / name).mkdir()
    for name in ("hook.sh", "aaa"):
        (profiles / name).touch()
    assert [problem.remedy for problem in problems(profiles, text)] == [hint]


@pytest.mark.parametrize(
    "text", ["snapshot: 2026-01-01", "snapshot: 20260101", "hostname: 1.5", "boot: {timeout: 0x10}", "locale: 1:30"]
)
def test_no_remedy_that_is_refused_in_turn(profiles: Path, text: str) -> None:
    (problem,) = problems(profiles, text)
    assert "in quotes" not in problem.remedy
    assert problem.remedy


def test_suggestions_for_missing_files(profiles: Path) -> None:
    (profiles / "hooks").mkdir()
    (profiles / "hooks" / "trim.sh").touch()
    assert list(map(str, problems(profiles, "hooks: [hooks/trimm.sh]"))) == [
        "profiles/x.yaml:2:9: hook 'hooks/trimm.sh' is missing; did you mean 'hooks/trim.sh'?"
    ]


def test_what_belongs_to_an_earlier_profile(profiles: Path) -> None:
    """A later profile's snapshot and algorithm replace them, not the other way round."""
    level, algorithm = "image: {compression: {level: 3}}", "image: {compression: {algorithm: xz}}"
    mirror, snapshot = "mirror: http://a.example", "snapshot: 20240229T000000Z"
    for lost, wins in ((level, algorithm), (mirror, snapshot)):
        assert problems(profiles, f"extends: _y\n{wins}", _y=lost) == []
        assert len(problems(profiles, f"extends: _y\n{lost}", _y=wins)) == 1
