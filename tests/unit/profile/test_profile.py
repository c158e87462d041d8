"""Every mistake in a profile has its own message: place, fact, remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.errors import ProfileError
from debate.profile import profile
from debate.steps import config


def problems(directory: Path, text: str, **others: str) -> list[str]:
    """All problems of the profile with ``text``, below ``version: 1`` on its first line."""
    (directory / "x.yaml").write_text(f"version: 1\n{text}")
    for name, other in others.items():
        (directory / f"{name}.yaml").write_text(f"version: 1\n{other}")
    try:
        config.normalise(profile.load(directory, "x"), directory)
    except ProfileError as error:
        return list(map(str, error.problems))
    return []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkgs: [curl]", "profiles/x.yaml:2:1: unknown field 'pkgs'; did you mean 'packages'?"),
        ("Packages: [curl]", "profiles/x.yaml:2:1: unknown field 'Packages'; did you mean 'packages'?"),
        (
            "boot:\n  timout: 3",
            "profiles/x.yaml:3:3: unknown field 'timout' in boot; did you mean 'timeout'?",
        ),
        (
            "users:\n  - name: a\n    pasword_hash: x",
            "profiles/x.yaml:4:5: unknown field 'pasword_hash' in users[1]; did you mean 'password_hash'?",
        ),
        (
            "distribution: debain",
            "profiles/x.yaml:2:15: distribution: unknown value 'debain'; did you mean 'debian'?",
        ),
        ("release: trixy", "profiles/x.yaml:2:10: release: unknown value 'trixy'; did you mean 'trixie'?"),
        (
            "release: jessie",
            "profiles/x.yaml:2:10: release: unknown value 'jessie'; known: bookworm, trixie, forky, sid",
        ),
        (
            "boot: {firmware: [efi]}",
            "profiles/x.yaml:2:19: boot.firmware[1]: unknown value 'efi'; did you mean 'uefi'?",
        ),
        ("packages: curl", 'profiles/x.yaml:2:11: packages: text where a list belongs; write a list, such as ["curl"'),
        ("hostname: 12", 'profiles/x.yaml:2:11: hostname: the number 12 where text belongs; write "12" in quotes'),
        ("hostname: true", 'profiles/x.yaml:2:11: hostname: the boolean true where text belongs; write "true" in quot'),
        ("hostname:", "profiles/x.yaml:2:10: hostname: nothing where text belongs; write text"),
        ("recommends: 1", "profiles/x.yaml:2:13: recommends: the number 1 where true or false belongs"),
        ("hostname: a_b", "profiles/x.yaml:2:11: hostname: 'a_b' does not fit; write letters, digits and dashes"),
        ("boot: {timeout: -2}", "profiles/x.yaml:2:17: boot.timeout: -2 is too small; -1 is the least"),
        ("users:\n  - uid: 1000", "profiles/x.yaml:3:5: users[1] lacks the field 'name'; add for example `name: "),
        ("packages: [no]", "profiles/x.yaml:2:12: no is the boolean false to some YAML readers and text to others; "),
        ("hostname: on", "profiles/x.yaml:2:11: on is the boolean true to some YAML readers"),
        (
            "release: 1.10",
            'profiles/x.yaml:2:10: 1.10 is a number to YAML, so that 1.10 becomes 1.1; write "1.10"',
        ),
        ("hostname: 1e3", "profiles/x.yaml:2:11: 1e3 is a number to YAML"),
        ("files:\n  - path: /a\n    mode: 0644", "profiles/x.yaml:4:11: 0644 is a number in another base than ten"),
        ("timezone: 1:30", "profiles/x.yaml:2:11: 1:30 is a number of minutes or seconds to some YAML readers"),
        ("snapshot: 2026-01-01", "profiles/x.yaml:2:11: 2026-01-01 is a date to YAML"),
        ("hostname: a\nhostname: b", "profiles/x.yaml:3:1: field 'hostname' stands twice, first in line 2; keep one"),
        ("boot: {<<: {timeout: 3}}", "profiles/x.yaml:2:8: merge keys (<<) are not read; use `extends`"),
        ("hostname: !!python/name:os.system x", "profiles/x.yaml:2:11: tag 'tag:yaml.org,2002:python/name:os.system'"),
        ("? [a, b]\n: c", "profiles/x.yaml:2:3: a field's name must be a word; write `name: value`"),
        ("packages: [curl", "profiles/x.yaml:3:1: not YAML: while parsing a flow sequence: did not find expected"),
        ("a: &a [*a]", "profiles/x.yaml:2:4: too deep, too large or an alias of itself; spell it out"),
        ("extends: none", "profiles/x.yaml:2:10: there is no profile 'none'"),
        ("extends: ../x", "profiles/x.yaml:2:10: '../x' is not a profile's name"),
        ("extends: x", "profiles/x.yaml:2:10: extends goes round in a circle: x -> x; break it"),
        ("overlays: [overlays/x]", "profiles/x.yaml:2:12: overlay 'overlays/x' is missing"),
        ("overlays: [../..]", "profiles/x.yaml:2:12: overlay '../..' lies outside of the profiles' directory; move it"),
        ("overlays: [x.yaml]", "profiles/x.yaml:2:12: overlay 'x.yaml' is not a directory; name a directory"),
        ("overlays: [/etc]", "profiles/x.yaml:2:12: overlays[1]: '/etc' does not fit; write a path relative to the"),
        ("hooks: [go.sh]", "profiles/x.yaml:2:9: hook 'go.sh' is missing"),
        ("hooks: ['.']", "profiles/x.yaml:2:9: hook '.' is not a file; name a file"),
        ("hooks: [../../etc/passwd]", "profiles/x.yaml:2:9: hook '../../etc/passwd' lies outside of the profiles' dir"),
        (
            "repositories:\n  - {name: a, url: 'https://b', key: k.asc}",
            "profiles/x.yaml:3:38: key 'k.asc' is missing",
        ),
        (
            "users:\n  - name: a\n    uid: 1000\n  - name: b\n    uid: 1000",
            "profiles/x.yaml:6:10: users: uid 1000 stands twice; keep one",
        ),
        ("users: [{name: a}, {name: a}]", "profiles/x.yaml:2:27: users: 'a' stands twice, first in line 2; keep one"),
        ("users: [{name: root, uid: 5}]", "profiles/x.yaml:2:27: root's uid is 0; leave it out"),
        ("users: [{name: a, uid: 0}]", "profiles/x.yaml:2:24: uid 0 is root's; choose another"),
        (
            "users: [{name: a, autologin: true}, {name: b, autologin: true}]",
            "profiles/x.yaml:2:58: only one user can be logged in by itself; choose one",
        ),
        ("files: [{path: /a/../b}]", "profiles/x.yaml:2:16: files[1].path: '/a/../b' does not fit; write an absolute"),
        ("files: [{path: /}]", "profiles/x.yaml:2:16: files[1].path: '/' does not fit"),
    ],
)
def test_a_mistake_has_its_own_message(profiles: Path, text: str, expected: str) -> None:
    found = problems(profiles, text)
    assert found, "no problem was found"
    assert any(problem.startswith(expected) for problem in found), found
    assert all(";" in problem for problem in found), "a remedy is missing"


def test_all_mistakes_at_once(profiles: Path) -> None:
    found = problems(
        profiles,
        "pkgs: [a]\nrelease: trixy\nhostname: no\noverlays: [gone]\nboot: {timeout: soon}\nextends: [_b]\n",
        _b="locale: 1.5\n",
    )
    assert [problem.split(": ")[0] for problem in found] == [
        "profiles/_b.yaml:2:9",
        "profiles/x.yaml:2:1",
        "profiles/x.yaml:3:10",
        "profiles/x.yaml:4:11",
        "profiles/x.yaml:5:12",
        "profiles/x.yaml:6:17",
    ]


def test_no_version(profiles: Path) -> None:
    (profiles / "x.yaml").write_text("hostname: a\n")
    with pytest.raises(ProfileError, match=r"x\.yaml:1:1: the profile lacks the field 'version'; add .*`version: 1`"):
        profile.load(profiles, "x")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "x.yaml:1:1: a profile is a mapping of fields; start with `version: 1`"),
        (b"- a\n", "x.yaml:1:1: a profile is a mapping of fields"),
        (b"version: 1\nhostname: \xff\n", "x.yaml:2:1: not UTF-8; save the file as UTF-8"),
        (b"version: 2\n", "x.yaml:1:10: version: 2 is not known; write 1"),
        (b"version: 1\n\tpackages: [a]\n", "x.yaml:2:1: not YAML"),
        (b"[" * 20000, "x.yaml:1:"),
    ],
)
def test_a_file_that_is_no_profile(profiles: Path, content: bytes, expected: str) -> None:
    (profiles / "x.yaml").write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        profile.load(profiles, "x")
    assert str(caught.value.problems[0]).startswith(f"profiles/{expected}")


def test_a_long_circle_is_shown_whole(profiles: Path) -> None:
    found = problems(profiles, "extends: b", b="extends: c", c="extends: x")
    assert found == ["profiles/c.yaml:2:10: extends goes round in a circle: x -> b -> c -> x; break it"]


def test_an_alias_bomb_is_refused_quickly(profiles: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert any("too deep, too large" in problem for problem in problems(profiles, "\n".join(lines)))


def test_a_link_out_of_the_profiles_is_refused(profiles: Path) -> None:
    (profiles / "tree").symlink_to("/etc")
    assert "lies outside" in problems(profiles, "overlays: [tree]")[0]


def test_suggestions_for_missing_files(profiles: Path) -> None:
    (profiles / "hooks").mkdir()
    (profiles / "hooks" / "trim.sh").touch()
    assert problems(profiles, "hooks: [hooks/trimm.sh]") == [
        "profiles/x.yaml:2:9: hook 'hooks/trimm.sh' is missing; did you mean 'trim.sh'?"
    ]


def test_what_extends_means(profiles: Path) -> None:
    (profiles / "base.yaml").write_text(
        "version: 1\nhostname: base\npackages: [aa, bb]\nboot: {timeout: 9, title: Base, console: [tty0]}\n"
        "users: [{name: u, uid: 1500, groups: [gx]}]\n"
    )
    (profiles / "x.yaml").write_text(
        "version: 1\nextends: base\nhostname: own\npackages: [cc]\nboot: {timeout: 1, console: [ttyS0]}\n"
        "users: [{name: u, groups: [gy]}, {name: v}]\n"
    )
    loaded = profile.load(profiles, "x").data
    assert loaded["hostname"] == "own", "a single value wins"
    assert loaded["packages"] == ["aa", "bb", "cc"], "lists are joined"
    assert loaded["boot"] == {"timeout": 1, "title": "Base", "console": ["ttyS0"]}, "mappings are merged"
    assert loaded["users"] == [{"name": "u", "uid": 1500, "groups": ["gx", "gy"]}, {"name": "v"}]
    assert [path.name for path in profile.load(profiles, "x").sources] == ["x.yaml", "base.yaml"]


def test_quoted_text_is_text(profiles: Path) -> None:
    (profiles / "x.yaml").write_text('version: 1\nhostname: "no"\ndescription: "1.10"\n')
    assert profile.load(profiles, "x").data == {"version": 1, "hostname": "no", "description": "1.10"}
