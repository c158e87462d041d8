"""The schema serves editors and messages: every field is described, and every mistake explained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import jsonschema
import pytest
import yaml

from debate.errors import ProfileError
from debate.profile import profile_names, reference
from debate.profile.load import load
from debate.profile.schema import named, schema
from debate.steps import config
from tests import documents
from tests.conftest import PROFILES, ROOT
from tests.unit.profile.mistakes import expect, problems


def fields(part: dict[str, Any], name: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Name, schema and whether it must be given, of every field at every depth."""
    for key, field in part.get("properties", {}).items():
        yield f"{name}{key}", field, key in part.get("required", [])
        yield from fields(field, f"{name}{key}.")
        yield from fields(field.get("items", {}), f"{name}{key}[].")


ALL = list(fields(schema()))


def test_it_is_a_schema_of_the_dialect_it_names() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(("name", "field", "required"), ALL, ids=[name for name, _, _ in ALL])
def test_a_field_is_described(name: str, field: dict[str, Any], required: bool) -> None:
    assert field["description"].endswith("."), name
    assert field["examples"], name
    assert required or "default" in field, "an editor cannot show what it is without the field"
    for value in (*field["examples"], *([field["default"]] if "default" in field else [])):
        jsonschema.Draft202012Validator(field).validate(value)
    if "pattern" in field:
        assert field["x-form"], "the message for a value that does not fit says what does"
    if field.get("type") == "object":
        assert field["additionalProperties"] is False


def texts(part: dict[str, Any], name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and schema of every text at every depth, also of an item of a list, that is not one of a few."""
    if "string" in part.get("type", ()) and not named(part):
        yield name, part
    for key, field in part.get("properties", {}).items():
        yield from texts(field, f"{name}.{key}".lstrip("."))
    yield from texts(part.get("items", {}), f"{name}[]") if "items" in part else ()


TEXTS = dict(texts(schema()))


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_a_bound(name: str) -> None:
    """Its own, or its pattern's: what reads it later need not ask how long it may be."""
    pattern = TEXTS[name].get("pattern")
    assert "maxLength" in TEXTS[name] or (pattern and _parser.parse(pattern).getwidth()[1] < 1000)


@pytest.mark.parametrize("port", ["0", "00080", "65536", "99999999", ""])
def test_a_port_that_there_is_not(profiles: Path, port: str) -> None:
    expect(profiles, f"mirror: http://a.example:{port}/x", "profiles/x.yaml:2:9: mirror: 'http://a.example:")
    assert not problems(profiles, "mirror: http://a.example:65535/x")


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_profiles(path: Any) -> None:
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../debate/schema/profile.schema.json"
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(path.read_text()))
    loaded = load(path.parent, path.stem).data
    assert path.stem.startswith("_") or loaded["description"]


def test_shipped_names() -> None:
    names = ["arch-minimal", "arch-rescue", "desktop", "kiosk", "minimal", "rescue"]
    assert profile_names.names(ROOT / "profiles") == names


def test_the_test_profile_sets_every_field() -> None:
    written = yaml.safe_load((PROFILES / "every.yaml").read_text())
    assert written.keys() == schema()["properties"].keys()
    for name in ("boot", "image", "services", "check"):
        assert written[name].keys() == schema()["properties"][name]["properties"].keys(), name
    for name in ("users", "files", "repositories", "permissions"):
        known = schema()["properties"][name]["items"]["properties"].keys()
        assert set().union(*(item.keys() for item in written[name])) == known, name


def test_the_readmes_profile(profiles: Path) -> None:
    text = (ROOT / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    for block in documents.blocks("README.md"):
        if block.file:
            documents.write(profiles.parent, block)
    shutil.copy(ROOT / "profiles" / "_common.yaml", profiles)
    (profiles / "readme.yaml").write_text(text)
    config.normalise(load(profiles, "readme"), profiles)


def test_the_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "profile.md").read_text() == reference.markdown(), (
        "run python -m debate.profile.reference > docs/profile.md"
    )


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
            "profiles/x.yaml:2:10: release: unknown value 'jessie'; known: bookworm, trixie, forky, sid, rolling",
        ),
        (
            "boot: {firmware: [efi]}",
            "profiles/x.yaml:2:19: boot.firmware[1]: unknown value 'efi'; did you mean 'uefi'?",
        ),
        ("boot: {firmware: []}", "profiles/x.yaml:2:18: boot.firmware: [] has too few items; write 1 or more"),
        (
            "packages: curl",
            'profiles/x.yaml:2:11: packages: text where a list is expected; write a list, such as ["curl"',
        ),
        ("hostname: 12", 'profiles/x.yaml:2:11: hostname: the number 12 where text is expected; write "12" in quotes'),
        (
            "hostname: true",
            'profiles/x.yaml:2:11: hostname: the boolean true where text is expected; write "true" in quotes',
        ),
        ("locale:", "profiles/x.yaml:2:8: locale: no value where text is expected; write text"),
        ("recommends: 1", "profiles/x.yaml:2:13: recommends: the number 1 where true or false is expected"),
        (
            "hostname: a_b",
            "profiles/x.yaml:2:11: hostname: 'a_b' is not a valid hostname; use letters, digits and dashes",
        ),
        ("boot: {timeout: -2}", "profiles/x.yaml:2:17: boot.timeout: -2 is too small; the minimum is -1"),
        ("boot: {timeout: 9999}", "profiles/x.yaml:2:17: boot.timeout: 9999 is too large; the maximum is 3600"),
        ("check: {marker: ''}", "profiles/x.yaml:2:17: check.marker: '' is too short; write 1 or more characters"),
        (
            "users:\n  - uid: 1000",
            "profiles/x.yaml:3:5: users[1] lacks the required field 'name'; add it, for example `name: ",
        ),
        ("overlays: [/etc]", "profiles/x.yaml:2:12: overlays[1]: '/etc' is not a valid tree; use a path relative to"),
        ("files: [{path: /a/../b}]", "profiles/x.yaml:2:16: files[1].path: '/a/../b' is not a valid path; use an abso"),
        ("boot: {console: []}", "profiles/x.yaml:2:17: boot.console: [] has too few items; write 1 or more"),
        *(
            (f"boot: {{arguments: [quiet, '{wrong}']}}", "profiles/x.yaml:2:27: boot.arguments[2]: ")
            for wrong in ("a b", 'x"y', "a b=c", 'a="b c"', "=a", " ", "a\\b")
        ),
        (
            "packages: [é]",
            "profiles/x.yaml:2:12: packages[1]: 'é' is not a valid package; use a package name, which is of a-z",
        ),
        ("files: [{path: /}]", "profiles/x.yaml:2:16: files[1].path: '/' is not a valid path"),
    ],
)
def test_a_mistake_has_its_own_message(profiles: Path, text: str, expected: str) -> None:
    expect(profiles, text, expected)


@pytest.mark.parametrize(
    ("forms", "remedy"),
    [
        (["less-", "libc6.1-"], "leave it out: only what is named and what that needs is installed"),
        (["less/trixie", "less/", "core/less", "less=1/sid"], "write NAME=VERSION, which chooses among the archives"),
        (["libc6:i386", "libc6:any", "a:b=1"], "write the name alone: packages are of the profile's architecture"),
        (["less>=1", "less<=1", "less<1", "less~1", "less=", "less=1=2", "less==1", "less>1"],
         "write NAME=VERSION, with one exact version"),
        (["lib*", "lib?c", "lib[ab]", "standard^", "^a", "a$", "?essential", "~nvim", "a|b", "(a)", "a\\b", "less=1*"],
         ": patterns, tasks and groups are not expanded"),
        (["less, vim", "less vim", "less;vim", "less\tvim", "less,vim"], "write each package as an item of its own"),
        (["Less", "lessX"], "write the name in lower case"),
        (["-less", "", "+x", ".x", "_x", "@x", "less=-1", "é"], "use a package name, which is of a-z, 0-9 and"),
    ],
)  # fmt: skip
def test_forms_of_apt_and_pacman_are_refused(profiles: Path, forms: list[str], remedy: str) -> None:
    """Each with its line: the package manager would take them for something else, and say nothing."""
    for form in forms:
        (problem,) = map(str, problems(profiles, f"packages: [curl, {json.dumps(form)}]"))
        assert problem.startswith("profiles/x.yaml:2:18: packages[2]: "), problem
        assert remedy in problem, problem


@pytest.mark.parametrize(
    "word", ["g++", "r", "libstdc++-14-dev", "python3.13", "gtk4_x", "a@b", "7zip", "a=1:2.0~rc1+b-3"]
)
def test_names_of_packages(profiles: Path, word: str) -> None:
    assert problems(profiles, f"packages: ['{word}']") == []


@pytest.mark.parametrize("argument", ["quiet", "root=live:CDLABEL=X", "a.b-c=", "init=/bin/sh -c x", "ip=[::1]:x"])
def test_arguments_of_the_kernel(profiles: Path, argument: str) -> None:
    """GRUB puts an argument with spaces in double quotes, which the kernel removes again."""
    assert problems(profiles, f"boot: {{arguments: ['{argument}']}}") == []


def test_text_that_is_too_long(profiles: Path) -> None:
    expect(
        profiles,
        f"description: {'a' * 201}",
        f"profiles/x.yaml:2:14: description: '{'a' * 56}... is too long; write at most 200 characters",
    )


def test_a_list_that_is_too_long(profiles: Path) -> None:
    allow = ", ".join(f"/{number}" for number in range(201))
    start = "secrets.allow: ['/0', '/1', '/2', '/3', '/4', '/5', '/6', '/7', '/8', '/..."
    said = f"profiles/x.yaml:2:18: {start} has too many items; write at most 200"
    expect(profiles, f"secrets: {{allow: [{allow}]}}", said)


def test_no_version(profiles: Path) -> None:
    (profiles / "x.yaml").write_text("hostname: a\n")
    with pytest.raises(
        ProfileError, match=r"x\.yaml:1:1: the profile lacks the required field 'version'; add it, .*`version: 1`"
    ):
        load(profiles, "x")


HASHES = [
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$3jqFjmCn6lvxu/JOlErX8yUWJcQPO4fBiat3GkMiKrD",
    "$gy$j9T$F5Jx5fExrKuPp53xLKQ..1$Jn.UP1ko/KPLcUGGEFNR9p9XprKBWhzJugGzbfx9Le9",
    "$7$CU..../....2Q9obwLhin8qvQl6sisAO$faM1Rxv/.tB1v/oFBOjggDBGeYg0RvWMHRIAZqTeBWD",
    "$2b$05$abcdefghijklmnopqrstuuaoH1ZVCCUEbGJ2BeqagpRkjZ3JngHRW",
    "$6$saltsalt$fCrh8nUGWG1kaWS0cBxg4tHqtdI/.vguU6L92utUDE2uuLboegIJMic.sfv7QYLSrG3dfTzYL584/rt2BJn400",
    "$6$rounds=5000$saltsaltsaltsalt$"
    "sUQGqne.MIU7wGHdyvL0/TuG.Oz2ptVQnMhUSw/r1153KFomaafqjkz/HTCr2obT9.9HUAB9UBtQUe24SpSTM1",
    "$5$salt$7b5p4Qahlvl.p/uXoN12XG8ffo4.cnE4Mm2MwgKIKP7",
    "$1$saltsalt$Q30LIs8F1kpk8mTT.cH1A/",
]
"""Of the word `example`, as crypt(3) makes them."""


@pytest.mark.parametrize("text", [*HASHES, "", "!", "*"])
def test_hashes_of_passwords(profiles: Path, text: str) -> None:
    assert problems(profiles, f"users: [{{name: a, password_hash: '{text}'}}]") == []


@pytest.mark.parametrize(
    "text",
    [
        *(text[:-1] for text in HASHES), *(f"{text}a" for text in HASHES), *(text.replace("$", "") for text in HASHES),
        *(text.rpartition("$")[0] for text in HASHES), *(f"!{text}" for text in HASHES),
        "secret", "$ecret", "$ecret$", "$6$abc", "$6$$", "$y$j9T$...", "$9$salt$x", "$6$rounds=9$salt$x", "!!", "x",
    ],
)  # fmt: skip
def test_passwords_that_are_no_hash(profiles: Path, text: str) -> None:
    """Plain ones, and hashes that are cut off: nobody could log in with them."""
    start = "profiles/x.yaml:2:34: users[1].password_hash: "
    expect(profiles, f"users: [{{name: a, password_hash: '{text}'}}]", start)


def test_a_plain_password(profiles: Path) -> None:
    for text in ("secret", "$ecret"):
        (problem,) = problems(profiles, f"users: [{{name: a, password_hash: '{text}'}}]")
        assert problem.remedy == "write its hash, as `mkpasswd` prints it, in single quotes"
