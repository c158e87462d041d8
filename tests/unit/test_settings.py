"""Settings: environment over debate.toml, and no word that is not known."""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import distributions, settings
from debate.commands.logic import settings_table
from debate.errors import DebateError, Place, Problem
from debate.profile import files
from tests.bounded import bounded
from tests.conftest import ROOT
from tests.foreign import NOT_FILES
from tests.integration.checkout import DOIT


def test_defaults(tmp_path: Path) -> None:
    made = settings.load(tmp_path, {})
    assert (made.cache, made.output) == (tmp_path / "cache", tmp_path / "build")
    assert made.limits == settings.Limits(8 << 30, 4, 4096, 16 << 30, 2_000_000, 900, 1200)
    assert made.uid_base % 65536 == 0
    assert made.uid_base > 65536


def test_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "debate.toml").write_text(
        'cache = "c"\njobs = 2\n[limits]\nmemory = 100000000\nprocesses = 70\n[mirrors]\ndebian = "http://a.example"\n'
    )
    environment = {"DEBATE_JOBS": "5", "DEBATE_MEMORY": "90000000", "DEBATE_MIRROR_DEBIAN_SECURITY": "http://b.example"}
    made = settings.load(tmp_path, environment)
    assert (made.cache, made.jobs) == (tmp_path / "c", 5)
    assert (made.limits.memory, made.limits.processes) == (90_000_000, 70)
    assert made.mirrors == {"debian": "http://a.example", "debian-security": "http://b.example"}


@pytest.mark.parametrize(
    ("file", "environment", "message"),
    [
        ("", {"DEBATE_CASHE": "x"}, "DEBATE_CASHE: no such setting; did you mean DEBATE_CACHE? see docs/settings.md"),
        ("", {"DEBATE_XYZZY": "x"}, "DEBATE_XYZZY: no such setting; see docs/settings.md for the list"),
        ("", {"DEBATE_": "x"}, "DEBATE_: no such setting; see docs/settings.md for the list"),
        ("", {"DEBATE_MIRORR_MINE": "x"}, "DEBATE_MIRORR_MINE: no such setting; did you mean DEBATE_MIRROR_MINE? see"),
        ("", {"DEBATE_MIRRORS_DEBIAN": "x"}, "DEBATE_MIRRORS_DEBIAN: no such setting; did you mean DEBATE_MIRROR_DEB"),
        ("", {"DEBATE_KEYRINGS_ARCH": "x"}, "DEBATE_KEYRINGS_ARCH: no such setting; did you mean DEBATE_KEYRING_ARCH"),
        ("", {"DEBATE_LIMITS_MEMORY": "1"}, "DEBATE_LIMITS_MEMORY: no such setting; did you mean DEBATE_MEMORY? see"),
        ("", {"DEBATE_REMOTE_PASWORD": ""}, "DEBATE_REMOTE_PASWORD: no such setting; did you mean DEBATE_REMOTE_PAS"),
        ("", {"DEBATE_TESTS": "1"}, "DEBATE_TESTS: no such setting; "),
        ("\ncashe = 1", {}, "debate.toml:2: setting cashe: no such setting; did you mean cache? see docs/settings.md"),
        ("root = 'x'", {}, "debate.toml:1: setting root: no such setting; "),
        ("memory = 1", {}, "debate.toml:1: setting memory: no such setting; did you mean limits.memory? see"),
        ("[mirror]\nx = 'y'", {}, "debate.toml:1: setting mirror: no such setting; did you mean mirrors? see"),
        ("[limits]\nram = 1", {}, "debate.toml:2: setting limits.ram: no such setting; "),
        ("jobs = 1\ncache = x\n", {}, "debate.toml:2:9: Invalid value; fix the TOML syntax"),
        ("jobs = [", {}, "debate.toml: Invalid value (at end of document); fix the TOML syntax"),
        (f"jobs = {'9' * 5000}", {}, "debate.toml: a number with too many digits; fix the TOML syntax"),
        (f"jobs = {'[' * 5000}", {}, "debate.toml: nested too deeply; see docs/settings.md"),
        ("jobs = '3'", {}, "debate.toml:1: setting jobs: expected a whole number, found a string; write a whole"),
        ("limits = 3", {}, "debate.toml:1: setting limits: expected a table, found an integer; write [limits] and"),
        ("cache = 5", {}, "debate.toml:1: setting cache: expected a string, found an integer; write it in quotes"),
        ("", {"DEBATE_JOBS": "many"}, "DEBATE_JOBS: 'many' is not a whole number; write a whole number greater than 0"),
        ("", {"DEBATE_CACHE_SIZE": "huge"}, "DEBATE_CACHE_SIZE: 'huge' is not a size; write bytes, or a number with"),
        ("", {"DEBATE_REMOTE": "r.example/x"}, "DEBATE_REMOTE: 'r.example/x' is not an address; write it as oci://HOST"),
        ('remote_mode = "read"', {}, "debate.toml:1: setting remote_mode: unknown value 'read'; choose"),
        ("", {"DEBATE_REMOTE_CA": "no-such"}, "DEBATE_REMOTE_CA: /"),
        ("remote_keys = ''", {}, "debate.toml:1: setting remote_keys: names no keys; name a file or directory with"),
        ("remote_keys = 'k'", {"DEBATE_REMOTE_KEYS": ""}, "DEBATE_REMOTE_KEYS: names no keys; name a file"),
        ("remote_keys = []", {}, "debate.toml:1: setting remote_keys: expected a string, found an array; write it in"),
        ("", {"DEBATE_REMOTE_AUTH": "https://a.example"}, "DEBATE_REMOTE_AUTH: 'https://a.example' does not name"),
        ("", {"DEBATE_REMOTE_AUTH": "a.example:x"}, "DEBATE_REMOTE_AUTH: 'a.example:x' does not name servers; "),
        ("remote_keys = 'no-such'", {}, "debate.toml:1: setting remote_keys: /"),
        ("", {"DEBATE_JOBS": "0"}, "DEBATE_JOBS: 0 is not greater than 0; write"),
        ("[limits]\nmemory = -1", {}, "debate.toml:2: setting limits.memory: -1 is not greater than 0; write"),
        ("", {"DEBATE_LOCK": "maybe"}, "DEBATE_LOCK: unknown value 'maybe'; choose one of refuse, refresh"),
        ("", {"DEBATE_UID_BASE": "5"}, "DEBATE_UID_BASE: 5 is not a user id that is a multiple of 65536; write"),
        ("", {"DEBATE_UID_BASE": str(1 << 32)}, "DEBATE_UID_BASE: 4294967296 is too large; the maximum is 4294115328"),
        ("", {"DEBATE_CACHE": "~no-such-user/x"}, "DEBATE_CACHE: '~no-such-user/x' is not a path: "),
        ("", {"DEBATE_CACHE": ""}, "DEBATE_CACHE: is empty; name a directory, or leave it out"),
        ("output = ''", {}, "debate.toml:1: setting output: is empty; name a directory, or leave it out"),
        ("keyrings.arch = ''", {}, "debate.toml:1: setting keyrings.arch: is empty; name a file with keys, or"),
        ("keyrings.arch = 'none.gpg'", {}, "debate.toml:1: setting keyrings.arch: /"),
        ("", {"DEBATE_KEYRING_ARCH": "/"}, "DEBATE_KEYRING_ARCH: / is a directory; name a file with keys"),
        *(("", {"DEBATE_MIRROR_DEBIAN": a}, f"DEBATE_MIRROR_DEBIAN: '{a}' is not the address of a mirror; write an "
           "address that begins with http://, https:// or file:///, such as http://mirror.example/debian") for a in (
            "ftp://a.example", "a.example", "/srv", "file://srv", "http://", "http://:80/", "HTTP://a.example",
        )),
        *(("", {"DEBATE_MIRROR_DEBIAN": a},
           f"DEBATE_MIRROR_DEBIAN: {(hidden or a)!r} is not the address of a mirror: {said}") for a, hidden, said in (
            *((f"http://a.example:{port}/", "", f"'{port}' is no port; write a number from 1 to 65535, or leave it out")
              for port in ("99999", "0", "x", "80:80")),
            ("http://[::1/", "", "the [ before the address of its host is not closed; write ] after it"),
            ("http://a/[x]", "", "in an address, '[' is written %5B; write %5B, or correct the address"),
            ("http://a/x?y=1", "", "it has no query; leave out ? and what follows, or write %3F where a name"),
            ("http://ü.example/", "", "'ü' is in no name of a host; write / behind the name of the host, or correct"),
            ("http://a b/", "", "' ' is in no name of a host; write"),
            ("http://a?b=1", "", "'?' is in no name of a host; write"),
            ("file:///a b", "", "in an address, ' ' is written %20; write %20"),
            *((f"http://u:p{c}w@a.example/x", "http://a.example/x", "in the name and the password of an address, "
               f"'{c}' is written {code}; write {code}, or correct the address") for c, code in {
                "@": "%40", "/": "%2F", "?": "%3F", "#": "%23", "[": "%5B", "]": "%5D", " ": "%20", "ü": "%C3%BC",
            }.items()),
            *((f"http://a.example/x{c}y", "", f"in an address, {c!r} is written {code}; write") for c, code in {
                "#": "%23", "ü": "%C3%BC", " ": "%20", "'": "%27", "\\": "%5C", "|": "%7C", "\x7f": "%7F",
            }.items()),
        )),
        ("mirrors.x = 'http://u:p@w@a.example/'", {}, "debate.toml:1: setting mirrors.x: 'http://a.example/' is not"),
        ("", {"DEBATE_MIRROR_DEBIAN-SECURITY": "http://a"}, "DEBATE_MIRROR_DEBIAN-SECURITY: no such setting; did you "
         "mean DEBATE_MIRROR_DEBIAN_SECURITY?"),
        ("", {"DEBATE_Jobs": "1"}, "DEBATE_Jobs: no such setting; did you mean DEBATE_JOBS?"),
        ("", {"DEBATE_MIRROR_debian": "http://a"}, "DEBATE_MIRROR_debian: no such setting; did you mean DEBATE_"),
        ("mirrors.x = 'http://u:pw@a.example:x/'", {}, "debate.toml:1: setting mirrors.x: 'http://a.example:x/' is"),
        ("mirrors.x = 'http://a/{date}'", {}, "debate.toml:1: setting mirrors.x: 'http://a/{date}' has braces that"),
        ("", {"DEBATE_MIRROR_DEBIAN": "file:///no/such"}, "DEBATE_MIRROR_DEBIAN: there is no directory '/no/such'; "),
        ("mirrors.arch-snapshot = 'http://a/{x}'", {}, "debate.toml:1: setting mirrors.arch-snapshot: 'http://a/{x}'"),
        ("", {"DEBATE_REMOTE_AUTH": "a.example:70000"}, "DEBATE_REMOTE_AUTH: 'a.example:70000' does not name "),
        ("", {"DEBATE_REMOTE_AUTH": "a.example:0"}, "DEBATE_REMOTE_AUTH: 'a.example:0' does not name servers; "),
        ("", {"DEBATE_REMOTE_USER": "a:b"}, "DEBATE_REMOTE_USER: 'a:b' has a colon, which ends the name of a user; "),
        ("", {"DEBATE_REMOTE_USER": "a\n"}, "DEBATE_REMOTE_USER: has a line break or another control character; leave"),
        ('remote_password = "hush\\n"', {}, "debate.toml:1: setting remote_password: has a line break or another"),
        ("", {"DEBATE_REMOTE_CA": "/"}, "DEBATE_REMOTE_CA: / is a directory; name a file with certificates in PEM"),
        ("", {"DEBATE_REMOTE_CA": "debate.toml"}, "DEBATE_REMOTE_CA: "),
        ("", {"DEBATE_REMOTE_SIGN": "/"}, "DEBATE_REMOTE_SIGN: / is a directory; name a file"),
        ("", {"DEBATE_REMOTE_TIMEOUT": "100000"}, "DEBATE_REMOTE_TIMEOUT: 100000 is too large; the maximum is 86400"),
        ("", {"DEBATE_JOBS": "9" * 30}, f"DEBATE_JOBS: {'9' * 30} is too large; the maximum is 1000"),
        ("limits.memory = 1", {}, "debate.toml:1: setting limits.memory: 1 is too little for any step; the minimum is"),
        ("limits.bytes = 4096", {}, "debate.toml:1: setting limits.bytes: 4096 is too little for any step; the min"),
        ("limits.inodes = 1", {}, "debate.toml:1: setting limits.inodes: 1 is too little for any step; the minimum is"),
        ("limits.processes = 1", {}, "debate.toml:1: setting limits.processes: 1 is too little for any step; the mini"),
        *((f"limits.{name} = {1 << 62}", {}, f"debate.toml:1: setting limits.{name}: {1 << 62} is too large; the maxi")
          for name in settings.Limits.__annotations__),
        ('output = "a\\u0000"', {}, "debate.toml:1: setting output: 'a\\x00' is not a path: it contains a null byte;"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, file: str, environment: dict[str, str], message: str) -> None:
    (tmp_path / "debate.toml").write_text(file)
    with pytest.raises(DebateError) as caught:
        settings.load(tmp_path, environment)
    assert str(caught.value).startswith(message), str(caught.value)
    assert all(problem.place and problem.fact and problem.remedy for problem in caught.value.problems)


MISTAKES = {
    "cache = 5": "cache: expected a string",
    "nonsense = 1": "nonsense: no such setting",
    "limits = 3": "limits: expected a table",
    'mirrors = "x"': "mirrors: expected a table",
    "keyrings.arch = 2": "keyrings.arch: expected a string",
    "remote_mode = 'read'": "remote_mode: unknown value",
    "base = 'suse'": "base: not here",
}


@given(st.permutations(list(MISTAKES)), st.integers(1, len(MISTAKES)))
def test_all_mistakes_are_told_at_once(tmp_path_factory: pytest.TempPathFactory, lines: list[str], number: int) -> None:
    directory = tmp_path_factory.mktemp("root")
    (directory / "debate.toml").write_text("\n".join(lines[:number]))

    def refuse(value: str) -> None:
        if value == "suse":
            raise DebateError("not here", "elsewhere", place="setting base")

    with pytest.raises(DebateError) as caught:
        settings.load(directory, {"DEBATE_JOBS": "x", "DEBATE_NONSENSE": ""}, checks={"base": refuse})
    found = {str(problem.place): problem.fact for problem in caught.value.problems}
    assert found.keys() == {
        *(f"debate.toml:{line}" for line in range(1, number + 1)), "DEBATE_JOBS", "DEBATE_NONSENSE"
    }  # fmt: skip
    for line, text in enumerate(lines[:number], 1):
        assert found[f"debate.toml:{line}"].startswith(f"setting {MISTAKES[text]}")


@pytest.mark.parametrize("name", [*settings.Limits.__annotations__, *settings._types("")])
def test_every_setting_has_wrong_values(tmp_path: Path, name: str) -> None:
    """A line break and NUL are in no value of any; what is a number is none with a letter in it."""
    key = f"limits.{name}" if name in settings.Limits.__annotations__ else name
    (tmp_path / "debate.toml").write_text(f'{key} = "\\u0000 \\n:x"\n')
    checks: dict[str, Callable[[str], object]] = {"base": distributions.for_tools}
    with pytest.raises(DebateError, match=rf"^debate\.toml:1: setting {re.escape(key)}: .*; "):
        settings.load(tmp_path, {}, checks=checks)


GOOD = (
    "http://a.example", "http://me:p%40s$s!@a.example:3142/deb.example/debian", "https://[2001:db8::1]:8443/~u/a+b/%C3%BC",
    "http://a_b.example/(x)/@y/&;=*,", "http://127.0.0.1:65535/100%", "http://a.example/$x",
)  # fmt: skip


@pytest.mark.parametrize("address", GOOD)
def test_addresses_of_mirrors(tmp_path: Path, address: str) -> None:
    assert settings.load(tmp_path, {"DEBATE_MIRROR_DEBIAN": address}).mirrors == {"debian": address}


@given(
    st.text(st.characters(max_codepoint=0x17F), max_size=12),
    st.sampled_from(["http://a.example/", "http://", "http://a@"]),
)
def test_an_address_is_one_that_apt_can_ask_for(
    tmp_path_factory: pytest.TempPathFactory, more: str, start: str
) -> None:
    """What is taken is the address of a host, without what ends a word of sources.list or a path."""
    address = start + more
    with contextlib.suppress(DebateError):
        settings.load(tmp_path_factory.getbasetemp(), {"DEBATE_MIRROR_DEBIAN": address, "DEBATE_X": ""})
    try:
        settings._mirror("debian", address, settings.Written(address, lambda: Place("here")))
    except DebateError:
        return
    parts = urlsplit(address)
    assert parts.hostname
    assert (parts.query, parts.fragment) == ("", "")
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(" \"'<>\\^`|#?")


def test_a_file_that_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "debate.toml").write_bytes(b"\xef\xbb\xbfjobs = 2\n")
    assert settings.load(tmp_path, {}).jobs == 2
    (tmp_path / "debate.toml").write_bytes(b"\xef\xbb\xbfjobs = 2\nx = '\xff'\n")
    with pytest.raises(DebateError, match=r"^debate\.toml:2: not UTF-8"):
        settings.load(tmp_path, {})


@pytest.mark.parametrize("name", ["cache", "output"])
def test_a_directory_whose_name_is_not_utf_8(tmp_path: Path, name: str) -> None:
    environment = {f"DEBATE_{name.upper()}": os.fsdecode(b"c\xfc")}
    with pytest.raises(DebateError, match=rf"^DEBATE_{name.upper()}: the path .* is not UTF-8; use another directory$"):
        settings.load(tmp_path, environment)
    directory = tmp_path / os.fsdecode(b"c\xfc")
    directory.mkdir()
    with pytest.raises(DebateError, match=rf"setting {name}: the path .* is not UTF-8"):
        settings.load(directory, {})


def test_names_that_users_choose(tmp_path: Path) -> None:
    """Those of mirrors are free, and what tests need is no setting. An empty mirror is one that is not set."""
    environment = {"DEBATE_MIRROR_MINE": "http://m.example", "DEBATE_TEST_ANY": "x", "DEBATE_MIRROR_NONE": ""}
    assert settings.load(tmp_path, environment).mirrors == {"mine": "http://m.example"}


@pytest.mark.parametrize("group", ["mirrors", "keyrings"])
@pytest.mark.parametrize("name", ["debian_snapshot", "Debian", "-a", "a.b", "", "a" * 33])
def test_a_name_that_nothing_can_have(tmp_path: Path, group: str, name: str) -> None:
    """It would be ignored."""
    (tmp_path / "debate.toml").write_text(f'[{group}]\n"{name}" = "http://x.example"\n')
    with pytest.raises(DebateError, match=rf"^debate.toml:2: setting {group}\..*is not a valid name; use"):
        settings.load(tmp_path, {})


PLAIN = [
    name
    for name in settings.Settings.__annotations__
    if name not in ("root", "written", "warnings", "scripts", "mirrors", "keyrings", "limits")
]
NAMES = [*PLAIN, "mirrors", "keyrings", "limits", "mirrors.debian", "keyrings.arch"]
NAMES += [f"limits.{name}" for name in settings.Limits.__annotations__]
VALUES = {
    "integer": "12345", "float": "12.5", "string": '"hush12345"', "array": '["12345"]', "table": '{x = "12345"}',
    "date": "2020-01-02", "time": "12:34:56", "boolean": "true", "infinity": "inf", "array of tables": "[{}]",
}  # fmt: skip


def right_kinds(name: str) -> tuple[str, ...]:
    """What the table in the module's documentation says of the setting's type."""
    if name in ("mirrors", "keyrings", "limits"):
        return ("table",)
    if name == "cache_size":
        return ("integer", "string")
    return ("integer",) if name.startswith("limits.") or name in ("jobs", "uid_base", "remote_timeout") else ("string",)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", VALUES)
def test_a_value_of_another_type(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "debate.toml").write_text(f"# {name} = 1\n{name} = {VALUES[kind]}\n")
    if kind in right_kinds(name):
        with contextlib.suppress(DebateError):
            settings.load(tmp_path, {})
        return
    with pytest.raises(DebateError) as caught:
        settings.load(tmp_path, {})
    assert re.match(rf"debate\.toml:2: setting {re.escape(name)}: expected .+, found an? .+; .+", str(caught.value))
    assert "12345" not in str(caught.value), "a value of the wrong type may be a password"


SCALARS = st.integers() | st.floats() | st.text() | st.booleans() | st.dates() | st.times() | st.datetimes()


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    return str(value)


@given(st.sampled_from(NAMES), SCALARS)
def test_no_value_in_the_file_is_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: object
) -> None:
    directory = tmp_path_factory.mktemp("root")
    (directory / "debate.toml").write_text(f"{name} = {toml(value)}\n")
    with contextlib.suppress(DebateError):
        settings.load(directory, {})


@given(st.binary())
def test_no_file_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    directory = tmp_path_factory.mktemp("root")
    (directory / "debate.toml").write_bytes(data)
    with contextlib.suppress(DebateError):
        settings.load(directory, {})


VARIABLES = st.sampled_from([f"DEBATE_{name.rpartition('.')[2].upper()}" for name in NAMES]) | st.text().map(
    lambda name: f"DEBATE_{name}"
)


@given(st.dictionaries(VARIABLES, st.text() | st.text("0123456789.-+_ KMGT"), min_size=1))
def test_no_environment_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        settings.load(tmp_path_factory.getbasetemp(), environment)
    except DebateError as error:
        problems = error.problems
    assert {problem.place.file for problem in problems if problem.place} <= environment.keys()


@pytest.mark.parametrize("kind", ["directory", "not UTF-8", "a loop"])
def test_a_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "debate.toml"
    if kind == "directory":
        path.mkdir()
    elif kind == "a loop":
        path.symlink_to(path)
    else:
        path.write_bytes(b"# fine\ncache = '\xff'\n")
    fact = {"directory": ": Is a directory", "a loop": ": Too many levels", "not UTF-8": ":2: not UTF-8; save it as"}
    with pytest.raises(DebateError, match=rf"^debate\.toml{fact[kind]}"):
        settings.load(tmp_path, {})


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DebateError, match=r"^debate\.toml: Permission denied; "):
        settings.load(tmp_path, {})


@pytest.mark.parametrize(
    "text",
    [
        "\n\n{0}", '# jobs = 1\n\n{0}\n', 'cache = """\njobs = 1\n"""\n{0}', "mirrors = {{jobs = 'http://x'}}\n\n\n{0}",
        "remote_user = \"\"\"x\\\n  jobs = 2\"\"\"\n{0} # jobs = 5\n[limits]\nprocesses = 30",
        "\r\n{0}\r\n[limits]\r\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["jobs", '"jobs"', "'jobs'", '"j\\u006fbs"'])
@pytest.mark.parametrize("value", ["[]", "[\n1,\n2 # jobs = 3\n]", '"""\njobs = 3\n"""'])
def test_the_line_of_a_mistake(tmp_path: Path, text: str, key: str, value: str) -> None:
    made = text.format(f"{key} = {value}")
    (tmp_path / "debate.toml").write_bytes(made.encode())
    line = made[: made.index(f"{key} = {value}")].count("\n") + 1
    with pytest.raises(DebateError, match=rf"^debate\.toml:{line}: setting jobs: expected a whole number"):
        settings.load(tmp_path, {})


def test_the_page_lists_every_setting() -> None:
    """It and `doit settings` are of one table, which has all settings with their defaults."""
    page = ROOT / "docs/settings.md"
    assert page.read_text() == settings_table.markdown(page.read_text()), (
        "run python -m debate.commands.logic.settings_table"
    )
    named = [each.name for section in settings_table.TABLE.values() for each in section]
    limits = [f"limits.{name}" for name in settings.Limits.__annotations__]
    assert sorted(named) == sorted([*PLAIN, *limits, "mirrors.NAME", "keyrings.NAME"])
    assert all(f"## {section}\n" in page.read_text() for section in settings_table.TABLE)


def test_what_is_shown_can_be_written(tmp_path: Path) -> None:
    """Each default in a table is one that a variable may have, and the same then."""
    for each in (each for section in settings_table.TABLE.values() for each in section if not each.default):
        made = settings.load(tmp_path, {each.variable: each.usual})
        assert replace(made, written={}) == replace(settings.load(tmp_path, {}), written={}), each.name


def test_each_setting_has_its_origin(tmp_path: Path) -> None:
    (tmp_path / "debate.toml").write_text("""jobs = 2
mirrors.mine = "http://u:p@m.example/x"
[limits]
memory = "512M"
stop_after = 60
""")
    environment = {"DEBATE_STOP_AFTER": "1.5h", "DEBATE_REMOTE_PASSWORD": "hush", "DEBATE_CACHE_SIZE": "2G"}
    found = {each.name: each for each in settings_table.chosen(settings.load(tmp_path, environment))}
    assert {name: (each.value, each.origin) for name, each in found.items() if each.origin != "default"} == {
        "jobs": ("2", "debate.toml:1"), "mirrors.mine": ("http://m.example/x", "debate.toml:2"),
        "limits.memory": ("512 MiB", "debate.toml:4"), "limits.stop_after": ("5400 s", "DEBATE_STOP_AFTER"),
        "remote_password": ("(not shown)", "DEBATE_REMOTE_PASSWORD"), "cache_size": ("2 GiB", "DEBATE_CACHE_SIZE"),
    }  # fmt: skip
    assert found["lock"].value == "refuse"
    assert "hush" not in str(found)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DEBATE_MEMORY", "5M", "DEBATE_MEMORY: 5 MiB is too little for any step; the minimum is 64 MiB"),
        ("DEBATE_MEMORY", "5X", "DEBATE_MEMORY: '5X' is not a size; write bytes, or a number with K, M, G or T"),
        ("DEBATE_BYTES", "9000T", "DEBATE_BYTES: 9,000 TiB is too large; the maximum is 1,024 TiB"),
        ("DEBATE_STOP_AFTER", "soon", "DEBATE_STOP_AFTER: 'soon' is not a time; write seconds, or a number with m"),
        ("DEBATE_JOBS", "5G", "DEBATE_JOBS: '5G' is not a whole number; write a whole number greater than 0"),
    ],
)
def test_units(tmp_path: Path, variable: str, value: str, message: str) -> None:
    with pytest.raises(DebateError) as caught:
        settings.load(tmp_path, {variable: value})
    assert str(caught.value).startswith(message)


def test_the_remote(tmp_path: Path) -> None:
    (tmp_path / "trusted").mkdir()
    (tmp_path / "debate.toml").write_text('remote = "oci://r.example:5000/team/isos"\nremote_keys = "trusted"\n')
    made = settings.load(tmp_path, {"DEBATE_REMOTE_PASSWORD": "hush", "DEBATE_CACHE_SIZE": "2G"})
    assert (made.remote, made.remote_keys) == ("oci://r.example:5000/team/isos", str(tmp_path / "trusted"))
    assert (made.remote_mode, made.cache_size) == ("read-write", 2 << 30)
    assert "hush" not in repr(made)


def test_another_checkout_with_the_same_settings(tmp_path: Path) -> None:
    """With every setting but the remote's at another value than its default."""
    (tmp_path / "debate.toml").write_text('lock = "refresh"\nbase = "debian"\n')
    (tmp_path / "arch.gpg").touch()
    limits = {f"DEBATE_{name.upper()}": str(value + 1) for name, value in vars(settings.Limits()).items()}
    made = settings.load(tmp_path, {
        **limits, "DEBATE_CACHE": "c", "DEBATE_OUTPUT": "o", "DEBATE_CACHE_SIZE": "1G", "DEBATE_SCRATCH": "disk",
        "DEBATE_UID_BASE": str(65536 * 7), "DEBATE_JOBS": "9", "DEBATE_ACCELERATION": "tcg",
        "DEBATE_MIRROR_DEBIAN_SECURITY": f"file://{tmp_path}", "DEBATE_KEYRING_ARCH": "arch.gpg",
        "DEBATE_SECURE_BOOT_KEY": "arch.gpg", "DEBATE_SECURE_BOOT_CERTIFICATE": "arch.gpg",
    })  # fmt: skip
    assert made.keyrings == {"arch": str(tmp_path / "arch.gpg")}
    untold = [
        name for name, value in vars(settings.load(tmp_path / "other", {})).items() if value == getattr(made, name)
    ]
    assert all(name.startswith("remote") or name in ("warnings", "scripts") for name in untold), untold
    (tmp_path / "other").mkdir()
    other = settings.load(tmp_path / "other", settings.variables(made))
    assert other == replace(made, root=tmp_path / "other")


@pytest.mark.parametrize("size", ["", "0", "1"])
def test_a_bound_is_handed_on(tmp_path: Path, size: str) -> None:
    """Also none, and that of the default."""
    made = settings.load(tmp_path, {"DEBATE_CACHE_SIZE": size} if size else {})
    assert settings.load(tmp_path, settings.variables(made)) == made


@pytest.mark.parametrize("address", ["oci://r.example/x", "oci+http://127.0.0.1:5000/x", "dir:///srv/debate", "s3://b"])
def test_addresses_of_any_kind_of_remote(tmp_path: Path, address: str) -> None:
    """Which kinds there are is known to `debate.remote.transport` alone."""
    assert settings.load(tmp_path, {"DEBATE_REMOTE": address}).remote == address


@pytest.mark.parametrize("servers", ["", "a.example", "a.example:5000, b.example", "a b", "127.0.0.1:1,localhost"])
def test_servers_that_issue_tokens(tmp_path: Path, servers: str) -> None:
    assert settings.load(tmp_path, {"DEBATE_REMOTE_AUTH": servers}).remote_auth == servers


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o666, 0o602, 0o600, 0o400])
@pytest.mark.parametrize(
    "text", ["remote_password = 'hush'", "mirrors.debian = 'http://me:hush@m.example/'", "remote_user = 'me'", ""]
)
def test_a_password_that_others_can_read_or_change(tmp_path: Path, mode: int, text: str) -> None:
    path = tmp_path / "debate.toml"
    path.write_text(f"\n{text}\n")
    path.chmod(mode)
    made = settings.load(tmp_path, {"DEBATE_REMOTE_PASSWORD": "other"})
    assert settings.load(tmp_path, {"DEBATE_REMOTE_PASSWORD": "other"}).warnings == made.warnings
    name = text.partition(" ")[0] if "hush" in text else ""
    wanted = []
    if mode & 0o077 and name:
        fact = f"other users of this machine can read or change debate.toml (mode {mode:o})"
        wanted = [f"debate.toml:2: setting {name}: {fact}; run chmod 600 debate.toml"]
    elif mode & 0o002 and not name:
        fact = f"every user of this machine can change debate.toml (mode {mode:o})"
        wanted = [f"debate.toml: {fact}; run chmod o-w debate.toml"]
    assert [str(warning) for warning in made.warnings] == wanted


PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.mark.parametrize("open_", ["", "a.pub", "keys", "keys/b.pub"])
@pytest.mark.parametrize("variable", [True, False])
def test_whom_to_believe_is_not_for_everyone_to_change(tmp_path: Path, open_: str, variable: bool) -> None:
    (tmp_path / "keys").mkdir()
    for name in ("a.pub", "keys/b.pub", "keys/other"):
        (tmp_path / name).write_text(PEM)
        (tmp_path / name).chmod(0o666 if name in (open_, "keys/other") else 0o664)
    (tmp_path / "keys").chmod(0o1777 if open_ == "keys" else 0o775)
    named = {"remote_keys": "keys", "remote_ca": "a.pub", "keyrings.arch": "a.pub"}
    text = "" if variable else "".join(f"{name} = '{path}'\n" for name, path in named.items())
    (tmp_path / "debate.toml").write_text(text)
    environment = {f"DEBATE_{name.replace('keyrings.', 'keyring_').upper()}": path for name, path in named.items()}
    made = settings.load(tmp_path, environment if variable else {})
    wanted = [path for path in (f"{tmp_path}/{open_}",) * (2 if open_ == "a.pub" else 1) if open_]
    facts = [warning.fact.rpartition("every user of this machine can change ")[2] for warning in made.warnings]
    mode = "1777" if open_ == "keys" else "666"
    assert facts == [f"{path} (mode {mode})" for path in wanted]
    assert [warning.remedy for warning in made.warnings] == [f"run chmod o-w {path}" for path in wanted]


@pytest.mark.parametrize("user", [0, 65534])
def test_a_password_in_the_file_of_another_user(tmp_path: Path, user: int) -> None:
    path = tmp_path / "debate.toml"
    path.write_text("remote_password = 'hush'")
    path.chmod(0o600)
    os.chown(path, user, -1)
    facts = [warning.fact for warning in settings.load(tmp_path, {}).warnings]
    assert facts == (["setting remote_password: debate.toml belongs to another user"] if user else [])


ENDLESS = (
    "a link to zeros without end",
    "a link to the terminal",
    "a named pipe",
    "a socket",
    "a device",
    "a huge file",
)


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_file_that_is_none(tmp_path: Path, kind: str) -> None:
    NOT_FILES[kind](tmp_path / "debate.toml")
    with bounded(), pytest.raises(DebateError, match=r"^debate\.toml: is (a|larger)\b"):
        settings.load(tmp_path, {})


@pytest.mark.parametrize("kind", [kind for kind in ENDLESS if kind != "a huge file"])
@pytest.mark.parametrize("setting", ["secure_boot_key", "secure_boot_certificate"])
def test_a_key_that_is_no_file(tmp_path: Path, kind: str, setting: str) -> None:
    NOT_FILES[kind](tmp_path / "a")
    with bounded(), pytest.raises(DebateError, match=rf"^DEBATE_{setting.upper()}: \S+ is a .*; name a file"):
        settings.load(tmp_path, {f"DEBATE_{setting.upper()}": "a"})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o600])
@pytest.mark.parametrize("variable", [True, False])
@pytest.mark.parametrize("setting", ["remote_sign", "secure_boot_key"])
def test_a_secret_key_that_others_can_read(tmp_path: Path, mode: int, variable: bool, setting: str) -> None:
    (tmp_path / "a.key").touch()
    (tmp_path / "a.key").chmod(mode)
    (tmp_path / "debate.toml").write_text("" if variable else f"{setting} = 'a.key'")
    name = f"DEBATE_{setting.upper()}"
    made = settings.load(tmp_path, {name: "a.key"} if variable else {})
    place = name if variable else f"debate.toml:1: setting {setting}"
    fact = f"other users of this machine can read or change {tmp_path}/a.key (mode {mode:o})"
    wanted = [f"{place}: {fact}; run chmod 600 {tmp_path}/a.key"] if mode & 0o077 else []
    assert [str(warning) for warning in made.warnings] == wanted


def _fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("name", ["build", "cache"])
@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (lambda path: path.symlink_to(path.parent / "elsewhere"), "link"),
        (lambda path: path.symlink_to("missing"), "link"),
        (Path.touch, "file"),
        (_fifo, "pipe"),
    ],
)
def test_a_default_directory_is_one(make: Callable[[Path], None], fact: str, name: str, tmp_path: Path) -> None:
    """Git can carry links. Nothing is written, not even doit's database, before this is known."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    make(tmp_path / name)
    variable = {"build": "DEBATE_OUTPUT", "cache": "DEBATE_CACHE"}[name]
    with pytest.raises(DebateError, match=rf"^{name}: is a .*{fact}.*; remove it, or set {variable} to another"):
        settings.load(tmp_path, {})
    for file in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    before = sorted(os.listdir(tmp_path))
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}  # Python keeps dodo.py's bytecode beside it.
    for words in (["hash:minimal"], ["list"], ["gc"], ["forget"]):
        done = subprocess.run([DOIT, *words], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith(f"ERROR: {name}: is a ")
    assert (os.listdir(elsewhere), sorted(os.listdir(tmp_path))) == ([], before)


@pytest.mark.parametrize("target", [".", "elsewhere", "missing", "/etc", "profiles"])
def test_the_profiles_directory_is_one(target: str, tmp_path: Path) -> None:
    """Through a link to the checkout itself, debate.toml with its password would be below profiles/."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "profiles").symlink_to(target)
    with pytest.raises(DebateError, match=r"^profiles: is a link; make it a directory; one from elsewhere can be"):
        settings.load(tmp_path, {})
    for file in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    for words in ([], ["validate"], ["show:x"], ["new", "x"], ["diff", "x", "y"], ["list"]):
        done = subprocess.run([DOIT, *words], cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("ERROR: profiles: is a link; ")


@pytest.mark.parametrize("name", ["keys", "hooks", "overlays", "overlays/x"])
@pytest.mark.parametrize("target", ["..", "/etc", "../debate.toml"])
def test_a_directory_of_profiles_may_lead_to_others_of_them_only(name: str, target: str, tmp_path: Path) -> None:
    directory = tmp_path / "profiles"
    (directory / name).parent.mkdir(parents=True)
    (directory / name).symlink_to(target)
    (directory / "inside").mkdir()
    with files.opened(directory) as tree:
        with pytest.raises(OSError):  # noqa: PT011 - whatever says so first
            tree.read(f"{name}/debate.toml", 100)
        (directory / name).unlink()
        (directory / name).symlink_to("../inside" if "/" in name else "inside")
        (directory / "inside" / "debate.toml").write_text("x")
        assert tree.read(f"{name}/debate.toml", 100) == b"x"


EXISTING = {
    "DEBATE_REMOTE_CA": ("file",), "DEBATE_REMOTE_KEYS": ("file", "directory"), "DEBATE_REMOTE_SIGN": ("file",),
    "DEBATE_KEYRING_ARCH": ("file",),
}  # fmt: skip
"""Settings that name what exists -> what that may be."""


@pytest.mark.parametrize("variable", ["DEBATE_CACHE", "DEBATE_OUTPUT", *EXISTING])
@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("kind", ["/dev/zero", "/dev/null", "pipe", "socket", "file", "directory"])
def test_each_path_is_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, variable: str, below: bool
) -> None:
    """It is told before anything is read from it, written to it, or said of its mode."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    Path("file").touch(mode=0o600)
    Path("directory").mkdir()
    path = tmp_path / kind / ("x" if below else "")
    may_be = EXISTING.get(variable, ("directory",))
    if kind in may_be and not (below and variable in EXISTING):
        if variable == "DEBATE_REMOTE_CA":
            return  # What is in it is checked, too.
        assert settings.load(tmp_path, {variable: str(path)}).warnings == ()
        return
    with bounded(), pytest.raises(DebateError) as caught:
        settings.load(tmp_path, {variable: str(path)})
    (problem,) = caught.value.problems
    assert problem.place == Place(variable)
    assert problem.remedy.startswith(f"name a {may_be[0]}")
    if not (below and variable in EXISTING):
        assert re.search(rf"{kind} is a \w+", problem.fact)


def test_the_store_has_a_bound(tmp_path: Path) -> None:
    """Of its file system, unless the user says another, or none."""
    (tmp_path / "cache").mkdir()
    total = shutil.disk_usage(tmp_path / "cache").total
    assert settings.load(tmp_path, {}).cache_bound == total // 4
    assert settings.load(tmp_path, {"DEBATE_CACHE_SIZE": "2G"}).cache_bound == 2 << 30
    assert settings.load(tmp_path, {"DEBATE_CACHE_SIZE": "0"}).cache_bound == 0


def test_a_directory_that_the_user_chose_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "build").symlink_to("elsewhere")
    assert settings.load(tmp_path, {"DEBATE_OUTPUT": "build"}).output == tmp_path / "elsewhere"
    (tmp_path / "debate.toml").write_text('output = "build"\n')
    assert settings.load(tmp_path, {}).output == tmp_path / "elsewhere"
    (tmp_path / "file").touch()
    with pytest.raises(DebateError, match=r"^DEBATE_CACHE: .*/file is a .*file; name a directory$"):
        settings.load(tmp_path, {"DEBATE_CACHE": "file"})


LONG = {
    "a key of many parts": "a." * 8000 + "b = 1",
    "a quoted one": '"a" . ' * 2500 + "b = 1",
    "a table of many parts": "[" + "a." * 4000 + "b]\n" + "k = 1\n" * 1000,
    "a key of many parts in a value": "x = {" + "a." * 8000 + "b = 1}",
    "many keys": "".join(f"k{number:x}=1\n" for number in range(2200)),
    "many keys of a table": "[limits]\n" + "".join(f"k{number:x}=1\n" for number in range(2200)),
    "many tables": "".join(f"[k{number:x}]\n" for number in range(2200)),
    "many lines": "\n" * 16_000 + "x = 1",
    "a value of many lines": "x = [\n" + "1,\n" * 5000 + "]\ny = 1",
    "many values of many lines": "".join(f"x{number} = [\n" + "1,\n" * 100 + "]\n" for number in range(40)),
    "a long name": "x" * 16_000 + " = 1",
    "a deep value": "x = " + "[" * 8000,
    "a long number": "jobs = " + "1" * 16_000,
}


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("times", [1, 10])
def test_a_file_that_takes_long_to_read(tmp_path: Path, kind: str, times: int) -> None:
    """Also where it is longer than any that is read."""
    (tmp_path / "debate.toml").write_text((LONG[kind] + "\n") * times)
    with bounded(), pytest.raises(DebateError, match=r"^debate\.toml"):
        settings.load(tmp_path, {})


def test_parts_of_a_key_are_counted_in_keys_alone(tmp_path: Path) -> None:
    address = "http://a.b.c.d.e.f.g.h.i.j.k.l/x.y.z=1"
    (tmp_path / "debate.toml").write_text(f"# a.b.c.d.e.f.g.h.i.j.k.l\n[mirrors]\nmine = '{address}'\n")
    assert settings.load(tmp_path, {}).mirrors == {"mine": address}
    (tmp_path / "debate.toml").write_text("\n\n[a.b.'c'.d.e. \"f\".g.h.i.j.k]\n")
    with pytest.raises(DebateError, match=r"^debate\.toml:3: a key of more than 10 parts; write at most two"):
        settings.load(tmp_path, {})
