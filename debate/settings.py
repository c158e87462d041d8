"""Settings: environment variables, which override ``debate.toml``. No setting changes an output, but for a certificate.

`debate.commands.logic.settings_table` describes each of them.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from debate import shipped
from debate.errors import DebateError, Place, Problem
from debate.host.beneath import kind
from debate.text import amounts
from debate.text.paths import shown
from debate.text.printable import quoted
from debate.text.suggest import closest, one_of

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Limits:
    """Limits for each step."""

    memory: int = 8 << 30
    processors: int = 4
    processes: int = 4096
    bytes: int = 16 << 30
    inodes: int = 2_000_000
    warn_after: int = 900
    stop_after: int = 1200


@dataclass(frozen=True, eq=False, repr=False)
class Written:
    """A setting as the user wrote it."""

    value: object
    locate: Callable[[], Place]
    """Returns its place. Called only if there is an error."""
    setting: str = ""
    """``setting NAME: ``, or empty if the place names the setting."""
    from_environment: bool = False

    def error(self, fact: str, remedy: str) -> DebateError:
        return DebateError(f"{self.setting}{fact}", remedy, place=self.locate())

    def unexpected(self, expected: str, remedy: str) -> DebateError:
        """The error for a value of the wrong type. It does not contain the value, which may be secret."""
        return self.error(f"expected {expected}, found {_TOML_TYPES.get(type(self.value), 'a date or time')}", remedy)


@dataclass(frozen=True)
class Settings:
    """The settings, which docs/settings.md describes."""

    root: Path
    """The workspace."""
    cache: Path
    output: Path
    cache_size: int = -1
    """Bytes, 0 for no bound, or negative for a share of the file system: see `cache_bound`."""
    remote: str = ""
    remote_mode: str = "read-write"
    remote_ca: str = ""
    remote_user: str = ""
    remote_password: str = field(default="", repr=False)
    remote_auth: str = ""
    remote_timeout: int = 30
    remote_keys: str = ""
    remote_sign: str = ""
    secure_boot_key: str = ""
    secure_boot_certificate: str = ""
    lock: str = "refuse"
    base: str = "auto"
    scratch: str = "auto"
    uid_base: int = 1_310_720_000
    jobs: int = 3
    acceleration: str = "auto"
    mirrors: Mapping[str, str] = field(default_factory=dict)
    keyrings: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    written: Mapping[str, Written] = field(default_factory=dict, repr=False, compare=False)
    """Dotted name, such as ``limits.memory`` -> the setting as the user wrote it, without those that have defaults."""
    warnings: tuple[Problem, ...] = ()
    scripts: Path = field(default_factory=partial(shipped, "sandbox"))
    """The directory ``sandbox`` that belongs to this code."""

    def error(self, name: str, fact: str, remedy: str) -> DebateError:
        """The error for a setting that only its user can validate, at the place where it was written."""
        if name in self.written:
            return self.written[name].error(fact, remedy)
        return DebateError(fact, remedy, place=f"setting {name}")

    @property
    def cache_bound(self) -> int:
        """Bytes to which the store is reduced after a build; 0 for no bound. Raises OSError."""
        if self.cache_size >= 0:
            return self.cache_size
        state = os.statvfs(self.cache)
        return state.f_blocks * state.f_frsize // _SHARE

    @property
    def profiles(self) -> Path:
        return self.root / "profiles"


_CHOICES = {
    "remote_mode": ("read-write", "read-only"),
    "lock": ("refuse", "refresh"),
    "scratch": ("auto", "tmpfs", "disk"),
    "acceleration": ("auto", "kvm", "tcg"),
}
_SHARE = 4
"""The part of its file system that the store may take without a setting, as a divisor."""
SIZES = ("cache_size", "memory", "bytes")
"""Settings in bytes, which may have a unit."""
TIMES = ("remote_timeout", "warn_after", "stop_after")
"""Settings in seconds, which may have a unit."""
_PATHS = ("remote_ca", "remote_keys", "remote_sign", "secure_boot_key", "secure_boot_certificate")
"""Settings that name an existing file or directory, or are empty."""
PLACES = {"cache": "cache", "output": "build"}
"""Settings that name directories to write to -> their defaults in the checkout."""
_GROUPS = ("mirrors", "keyrings", "limits")
"""Tables of debate.toml."""
_DERIVED = ("root", "written", "warnings", "scripts", *_GROUPS)
"""Fields of `Settings` that are no settings by themselves."""
_NAMED = r"[a-z][a-z0-9-]{0,31}"
"""Names of mirrors and keyrings: those of distributions, their archives and repositories."""
_ADDRESS = r"[a-z][a-z0-9+.-]*://\S+"
"""The general form of addresses of remotes; `debate.remote.transport` has those of each kind."""
MIRROR_ADDRESS = (
    r"(?:https?://(?:[!$&(-.0-9:;=A-Z_a-z~%]+@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
    r"(?:/[!$%&(-;=@-Z_a-z{}~]*)?|file:///[^\s'\"]+)"
)
"""The addresses of mirrors that settings and the host's own package manager may name. All else apt cannot ask for."""
_ODD = re.compile(r"[^!-~]|[\"#'<>?\\^`|]")
"""What is in no address of a mirror."""
_NO_LOGIN, _NO_PATH = re.compile(r"[^!$&(-.0-9:;=A-Z_a-z~%]"), re.compile(r"[^!$%&(-;=@-Z_a-z{}~]")
"""What is in no name and password, and in no path, of one: see `MIRROR_ADDRESS`."""
_DATED = "-snapshot"
"""The end of the names of mirrors whose addresses have placeholders."""
_PLACEHOLDERS = ("{date}", "{archive}")
_MOST = {
    "jobs": 1000, "remote_timeout": 86_400, "uid_base": (1 << 32) - 13 * 65536, "processors": 100_000,
    "processes": 1 << 22, "memory": 1 << 50, "bytes": 1 << 50, "inodes": 1 << 40,
    "warn_after": 1 << 31, "stop_after": 1 << 31,
}  # fmt: skip
"""Whole numbers -> their maximum. That of `uid_base` leaves room for the ids of a second sandbox (`verify`)."""
_LEAST = {
    "memory": 64 << 20, "bytes": 1 << 20, "inodes": 1000, "processes": 16,
}  # fmt: skip
"""Limits with which no step can do anything."""
_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
_MOST_CERTIFICATES = 8 << 20
"""Bytes of the file with a registry's authorities."""
_SERVERS = r"(?:[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[ ,]+|$))*"


def marks(root: Path) -> list[Path]:
    """What makes ``root`` a workspace; empty if it is none."""
    profiles, file = root / "profiles", root / "debate.toml"
    return [*([profiles] if profiles.is_dir() else ()), *([file] if os.path.lexists(file) else ())]


def mirror_variable(name: str) -> str:
    """The environment variable for the address of the mirror ``name``."""
    return variable_for(f"mirror_{name}")


def keyring_variable(name: str) -> str:
    """The environment variable for the keyring of a distribution."""
    return variable_for(f"keyring_{name}")


def _is_named(key: str) -> bool:
    return re.fullmatch(_NAMED, key) is not None


def _variable_of(group: str, key: str) -> str:
    named = {"mirrors": mirror_variable, "keyrings": keyring_variable}
    return named.get(group, variable_for)(key)


def variable_for(setting: str) -> str:
    """The environment variable of a setting that is in no table, or in that of limits."""
    return f"DEBATE_{setting.upper().replace('-', '_')}"


def variables(settings: Settings) -> dict[str, str]:
    """Environment variables for the same settings in another checkout, without those of the remote."""
    plain = {
        one.name: getattr(settings, one.name)
        for one in fields(settings)
        if one.name in _types("") and not one.name.startswith("remote")
    }
    usual = {one.name: one.default for kind in (Settings, Limits) for one in fields(kind)}
    plain |= vars(settings.limits)
    return {
        **{variable_for(name): str(value) for name, value in plain.items() if value != usual[name]},
        **{mirror_variable(name): address for name, address in settings.mirrors.items()},
        **{keyring_variable(name): path for name, path in settings.keyrings.items()},
    }


def load(
    root: Path,
    environment: Mapping[str, str] | None = None,
    *,
    checks: Mapping[str, Callable[[str], object]] | None = None,
) -> Settings:
    """Read ``root``/debate.toml and the environment.

    ``checks``: setting outside of tables -> a function that raises DebateError for an invalid value, for settings whose
    values other modules know; or table -> one that does so for the name of a setting in it. Raises DebateError with all
    settings that are unknown or invalid.
    """
    root, checks = root.resolve(), checks or {}
    written, problems = _in_file(root / "debate.toml")
    in_file = next((value for name, value in sorted(written.items()) if _has_password(*name, value.value)), None)
    for variable, text in (os.environ if environment is None else environment).items():
        if variable.startswith("DEBATE_") and not variable.startswith("DEBATE_TEST_"):
            name = _name(variable)
            if name is None:
                problems.append(Problem(Place(variable), "no such setting", _like_variable(variable)))
            elif variable != _variable_of(*name) and _is_named(name[1].replace("_", "-")):
                problems.append(Problem(Place(variable), "no such setting", _instead(_variable_of(*name))))
            elif text or name[0] != "mirrors":  # An unset variable of a CI system is empty.
                written[name] = Written(text, partial(Place, variable), from_environment=True)
    read: dict[str, dict[str, Any]] = {group: {} for group in ("", *_GROUPS)}
    read[""] = {name: root / default for name, default in PLACES.items()}
    for (group, key), value in written.items():
        try:
            read[group][key] = found = _value(root, group, key, value)
            if not group and key in checks and found:
                _checked(checks[key], str(found), value)
            elif group in checks:
                _checked(checks[group], key, value)
        except DebateError as error:
            problems += error.problems
    for place, default in PLACES.items():
        problems += _misplaced(root / default, read[""][place], place, written.get(("", place)))
    problems += _linked(root / "profiles")
    if problems:
        raise DebateError.of(problems)
    groups: dict[str, Any] = {
        "mirrors": read["mirrors"],
        "keyrings": read["keyrings"],
        "limits": Limits(**read["limits"]),
    }
    names = {".".join(filter(None, name)): value for name, value in written.items()}
    warnings = [*_exposed(root / "debate.toml", "debate.toml", in_file)] if in_file else []
    for secret in ("remote_sign", "secure_boot_key"):
        if secret_key := read[""].get(secret):
            warnings += _exposed(Path(secret_key), secret_key, names[secret])
    trusted = [("", "remote_ca"), ("", "remote_keys"), *(("keyrings", name) for name in sorted(read["keyrings"]))]
    named = [(Path(path), written[name]) for name in trusted if (path := read[name[0]].get(name[1]))]
    for path, value in (*(() if in_file else ((root / "debate.toml", None),)), *named):
        warnings += _open_to_all(path, value)
    return Settings(root=root, **read[""], **groups, written=names, warnings=tuple(warnings))


def _has_password(group: str, name: str, value: object) -> bool:
    """True if a setting in a file is a password, or the address of a mirror with one."""
    login = group == "mirrors" and isinstance(value, str) and _has_login(value.partition("://")[2])
    return login or (group, name) == ("", "remote_password")


def _open_to_all(path: Path, written: Written | None) -> Iterator[Problem]:
    """What is wrong with a file or directory that says who is trusted, if there is one: everyone can change it."""
    with suppress(OSError):
        for each in (path, *(path.glob("*.pub") if path.is_dir() else ())):
            mode = each.stat().st_mode
            if mode & stat.S_IWOTH:
                place = path.name if written is None else shown(each)
                fact = f"every user of this machine can change {place} (mode {stat.S_IMODE(mode):o})"
                remedy = f"run chmod o-w {place}"
                yield from written.error(fact, remedy).problems if written else (Problem(Place(place), fact, remedy),)


def _exposed(path: Path, shown: str, written: Written) -> Iterator[Problem]:
    """What is wrong with a file that has the secret of the setting ``written``."""
    found = path.stat()
    if found.st_mode & 0o077:
        fact = f"other users of this machine can read or change {shown} (mode {found.st_mode & 0o777:o})"
        yield from written.error(fact, f"run chmod 600 {shown}").problems
    if found.st_uid not in (0, os.geteuid(), path.parent.stat().st_uid):
        yield from written.error(f"{shown} belongs to another user", "make it your own with chown").problems


def _misplaced(default: Path, chosen: Path, name: str, written: Written | None) -> Iterable[Problem]:
    """What is wrong with the directory that debate is to write to, or if it is missing with the one to make it in.

    Git can carry a link in the place of ``default``, so only a directory that the user chose may be one.
    """
    try:
        str(chosen).encode()
    except UnicodeEncodeError:
        fact, remedy = f"the path {quoted(str(chosen))} is not UTF-8", "use another directory"
        named = written.error(fact, remedy).problems if written else [Problem(Place(f"setting {name}"), fact, remedy)]
        return named
    path = next((each for each in (chosen, *chosen.parents) if os.path.lexists(each)), chosen) if written else default
    try:
        mode = (path.stat if written else path.lstat)().st_mode
    except OSError:
        return ()  # Writing to it tells why.
    if stat.S_ISDIR(mode):
        return ()
    if written:
        return written.error(f"{path} is a {kind(mode)}", "name a directory").problems
    remedy = f"remove it, or set {variable_for(name)} to another directory"
    return [Problem(Place(default.name), f"is a {kind(mode)}", remedy)]


def _linked(profiles: Path) -> Iterable[Problem]:
    """What is wrong with the profiles directory. Git can carry a link there, and what is below it is read."""
    if not profiles.is_symlink():
        return ()
    return [Problem(Place(profiles.name), "is a link", "make it a directory; one from elsewhere can be mounted there")]


def _checked(check: Callable[[str], T], text: str, written: Written) -> T:
    """What ``check`` returns for ``text``. Its DebateError is raised at the place of the setting."""
    try:
        return check(text)
    except DebateError as error:
        raise written.error(error.problems[0].fact, error.problems[0].remedy) from None


_SEE = "see docs/settings.md for the list"
_Name = tuple[str, str]
"""Table of debate.toml (empty: none) and key."""


def _name(variable: str) -> _Name | None:
    """The setting for an environment variable; None if there is none."""
    name = variable.removeprefix("DEBATE_").lower()
    for prefix, group in (("mirror_", "mirrors"), ("keyring_", "keyrings")):
        if name.startswith(prefix):
            return group, name.removeprefix(prefix).replace("_", "-")
    return next(((group, name) for group in ("limits", "") if name in _types(group)), None)


def _like_variable(variable: str) -> str:
    """The remedy for an environment variable that stands for no setting."""
    name = variable.removeprefix("DEBATE_").upper()
    head, _, rest = name.partition("_")
    table = closest(head, ("MIRROR", "KEYRING")) if rest else None
    if table:
        return _instead(f"DEBATE_{table}_{rest}")
    found = closest(name, [key.upper() for group in ("", "limits") for key in _types(group)]) if name else None
    return _instead(found and f"DEBATE_{found}")


def _like_setting(name: str) -> str:
    """The remedy for a name in debate.toml that is no setting."""
    known = {key: ".".join(filter(None, (group, key))) for group in ("limits", "") for key in _types(group)}
    found = closest(name, [*known, *_GROUPS]) if name else None
    return _instead(found and known.get(found, found))


def _instead(found: str | None) -> str:
    return f"did you mean {found}? {_SEE}" if found else _SEE


def _types(group: str) -> Mapping[str, str]:
    """Types of the settings in a table of debate.toml, or of those outside of tables if ``group`` is empty.

    The types are the annotations as text: evaluating them takes longer than loading the settings.
    """
    if group == "limits":
        return Limits.__annotations__
    return {name: kind for name, kind in Settings.__annotations__.items() if name not in _DERIVED}


_MAX_FILE = 16 << 10
"""Bytes of debate.toml. tomllib takes quadratic time and memory for a key of many parts, wherever it is."""
_MAX_WORK = 1 << 20
"""Characters that are parsed to find the lines of settings: a file without values of many lines takes far fewer."""
_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_LONG_KEY = re.compile(rf"^[ \t]*(?:\[\[?[ \t]*)?(?:{_KEY}[ \t]*\.[ \t]*){{10}}", re.MULTILINE)
"""A key of more than 10 parts at the start of a line. For each setting below such a table, tomllib goes through all."""


def _require_file(path: Path) -> None:
    """Refuse what is endless. Raises DebateError."""
    try:
        status = path.stat()
    except OSError:
        return  # Reading it tells why.
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise DebateError(f"is a {kind(status.st_mode)}", "make it a file, or remove it", place=path.name)
    if status.st_size > _MAX_FILE:
        raise DebateError(f"is larger than {_MAX_FILE:,} bytes", "make it smaller", place=path.name)


def _in_file(path: Path) -> tuple[dict[_Name, Written], list[Problem]]:
    """The settings in the file ``path``, which need not exist, and the problems of those that do not fit in.

    Raises DebateError if the file cannot be parsed.
    """
    try:
        _require_file(path)
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode()  # What some editors begin a file with.
        if match := _LONG_KEY.search(text):
            place = Place(path.name, text.count("\n", 0, match.start()) + 1)
            raise DebateError("a key of more than 10 parts", f"write at most two; {_SEE}", place=place)
        values = tomllib.loads(text)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        raise DebateError(f"{error.strerror or error}", "correct or remove it", place=path.name) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes().count(b"\n", 0, error.start) + 1
        raise DebateError("not UTF-8", "save it as UTF-8", place=Place(path.name, line)) from None
    except RecursionError:
        raise DebateError("nested too deeply", _SEE, place=path.name) from None
    except ValueError as error:  # TOMLDecodeError, and what int() raises for thousands of digits.
        match = re.fullmatch(r"(.*) \(at line ([0-9]+), column ([0-9]+)\)", str(error), re.DOTALL)
        place = Place(path.name, int(match[2]), int(match[3])) if match else Place(path.name)
        fact = "a number with too many digits" if str(error).startswith("Exceeds the limit") else str(error)
        fact = match[1] if match else fact
        raise DebateError(fact, "fix the TOML syntax", place=place) from None
    found: dict[_Name, Written] = {}
    problems: list[Problem] = []
    lines = cache(partial(_lines, text))

    def place_of(keys: tuple[str, ...]) -> Place:
        return Place(path.name, lines().get(keys, 0))

    def add(value: object, *keys: str) -> None:
        written = Written(value, partial(place_of, keys), f"setting {'.'.join(keys)}: ")
        group, name = keys if len(keys) > 1 else ("", keys[0])
        if group in ("", "limits") and name not in _types(group):
            problems.extend(written.error("no such setting", _like_setting(name)).problems)
        else:
            found[group, name] = written

    for key, value in values.items():
        if key not in _GROUPS:
            add(value, key)
        elif isinstance(value, dict):
            for name, inner in value.items():
                add(inner, key, name)
        else:
            written = Written(value, partial(place_of, (key,)), f"setting {key}: ")
            problems.extend(written.unexpected("a table", f"write [{key}] and the settings below it").problems)
    return found, problems


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The lines of valid TOML on which the settings and tables begin, as far as `_MAX_WORK` goes.

    tomllib does not report lines. This parses statements one after another, each below the last header: lines
    are valid TOML only if they do not end within a statement.
    """
    found: dict[tuple[str, ...], int] = {}
    lines, begins, header, left = text.replace("\r\n", "\n").split("\n"), 0, "", _MAX_WORK
    for end in range(1, len(lines) + 1):
        statement = "\n".join(lines[begins:end])
        is_header = statement.lstrip().startswith("[")
        parsed = statement if is_header else header + statement
        left -= len(parsed)
        if left < 0:
            break
        try:
            values: dict[str, Any] = tomllib.loads(parsed)
        except tomllib.TOMLDecodeError:
            continue
        for key, value in values.items():
            found.setdefault((key,), begins + 1)
            for name in value if isinstance(value, dict) else ():
                found.setdefault((key, name), begins + 1)
        header, begins = f"{statement}\n" if is_header else header, end
    return found


_TOML_TYPES = {
    bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array", dict: "a table",
}  # fmt: skip


def _value(root: Path, group: str, name: str, written: Written) -> object:
    """The value of a setting, checked against its type in `Settings` or `Limits`. Raises DebateError."""
    kind = _types(group)[name] if group in ("", "limits") else "str"
    value = written.value
    if group in ("mirrors", "keyrings") and not re.fullmatch(_NAMED, name):
        raise written.error(f"{quoted(name)} is not a valid name", "use lower-case letters, digits and dashes")
    if kind != "int" and not isinstance(value, str):
        raise written.unexpected("a string", "write it in quotes")
    if name == "cache_size":
        return _size(written)
    if kind == "int":
        return _positive(name, written)
    text = str(value)
    if group == "mirrors":
        return _mirror(name, text, written)
    if group == "keyrings":
        return str(_existing(root, written, "a file with keys"))
    if kind == "Path":
        return _path(root, written, "a directory")
    if name in _CHOICES:
        if text not in _CHOICES[name]:
            raise written.error(f"unknown value {quoted(text)}", one_of("value", _CHOICES[name]))
        return text
    if name == "remote_keys" and not text:
        # An unset variable of a CI system is empty. Without keys, whoever can write to the remote would be trusted.
        raise written.error("names no keys", "name a file or directory with minisign public keys, or leave it out")
    return _text(root, name, text, written)


def _text(root: Path, name: str, text: str, written: Written) -> str:
    """The value of a setting that is text and may be empty. Raises DebateError."""
    if name in ("remote_user", "remote_password") and not text.isprintable():
        raise written.error("has a line break or another control character", "leave it out")
    if name == "remote_user" and ":" in text:
        raise written.error(f"{quoted(text)} has a colon, which ends the name of a user", "name the user alone")
    if name == "remote" and text and not re.fullmatch(_ADDRESS, text):
        raise written.error(f"{_open(text)} is not an address", "write it as oci://HOST[:PORT]/REPOSITORY")
    if name == "remote_auth":
        ports = [server.rpartition(":")[2] for server in re.split("[ ,]+", text) if ":" in server]
        if not re.fullmatch(_SERVERS, text) or not all(1 <= int(port) <= _LAST_PORT for port in ports):
            raise written.error(f"{quoted(text)} does not name servers", "write HOST or HOST:PORT, with commas between")
    if name == "remote_ca" and text:
        path = _existing(root, written, "a file with certificates in PEM")
        try:
            with path.open("rb") as file:
                found = _CERTIFICATE.search(file.read(_MOST_CERTIFICATES))
        except OSError as error:
            raise written.error(f"{shown(path)} cannot be read: {error.strerror}", "name a file in PEM") from None
        if not found:
            raise written.error(f"{shown(path)} has no certificates", "name a file with certificates in PEM")
        return str(path)
    if name in _PATHS and text:
        return str(_existing(root, written, "a file or directory" if name == "remote_keys" else "a file"))
    return text


_LAST_PORT = 65_535


def _open(address: str) -> str:
    """An address in quotes, without a password."""
    scheme, separator, rest = address.partition("://")
    return quoted(f"{scheme}{separator}{rest.rpartition('@')[2] if _has_login(rest) else rest}")


def _odd(address: str) -> tuple[str, str] | tuple[()]:
    """What an address that begins well cannot have, and what to do about it; empty if it is nothing of this kind."""
    scheme, separator, rest = address.partition("://")
    if scheme == "file" and rest.startswith("/"):
        found = _ODD.search(rest)
        return _encoded("in an address", found[0]) if found else ()
    if scheme not in ("http", "https") or not separator:
        return ()
    login, at, rest = rest.rpartition("@") if _has_login(rest) else ("", "", rest)
    if at and (found := _NO_LOGIN.search(login)):
        return _encoded("in the name and the password of an address", found[0])
    host, _, path = rest.partition("/")
    if host.startswith("[") and "]" not in host:
        return ": the [ before the address of its host is not closed", "write ] after it, before the port"
    if found := _ODD.search(host):
        return f": {quoted(found[0])} is in no name of a host", "write / behind the name of the host, or correct it"
    port = host.rpartition("]")[2].partition(":")[2]
    if port and not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) <= _LAST_PORT):
        return f": {quoted(port)} is no port", f"write a number from 1 to {_LAST_PORT}, or leave it out"
    found = _NO_PATH.search(path)
    if found and found[0] == "?":
        return ": it has no query", "leave out ? and what follows, or write %3F where a name on the mirror has it"
    return _encoded("in an address", found[0]) if found else ()


def _has_login(rest: str) -> bool:
    """True if an @ in an address, without its scheme, ends a user name and password, which may have a / by mistake."""
    first = rest.partition("/")[0]
    return "@" in first or ("@" in rest and ":" in first and not re.fullmatch(r"[0-9]*", first.rpartition(":")[2]))


def _encoded(where: str, character: str) -> tuple[str, str]:
    written = "".join(f"%{byte:02X}" for byte in os.fsencode(character))
    return f": {where}, {quoted(character)} is written {written}", f"write {written}, or correct the address"


def _mirror(name: str, address: str, written: Written) -> str:
    """An address of a mirror. Raises DebateError."""
    remedy = "write an address that begins with http://, https:// or file:///, such as http://mirror.example/debian"
    try:
        parts = urlsplit(address)
        whole = parts.scheme == "file" or (parts.hostname and parts.port != 0)
    except ValueError:  # A port that is none, or an open bracket.
        whole = False
    if not whole or not re.fullmatch(MIRROR_ADDRESS, address):
        why, remedy = _odd(address) or ("", remedy)
        raise written.error(f"{_open(address)} is not the address of a mirror{why}", remedy)
    rest = address
    for placeholder in _PLACEHOLDERS if name.endswith(_DATED) else ():
        rest = rest.replace(placeholder, "")
    if "{" in rest or "}" in rest:
        known = f"it may contain {' and '.join(_PLACEHOLDERS)}" if name.endswith(_DATED) else "leave the braces out"
        raise written.error(f"{_open(address)} has braces that are no placeholder", known)
    if parts.scheme == "file" and rest == address:
        path = address.removeprefix("file://")
        if not os.path.isdir(path) and not os.path.isdir(unquote(path)):
            raise written.error(f"there is no directory {quoted(path)}", "name a directory that is there")
    return address


def _existing(root: Path, written: Written, what: str) -> Path:
    """The absolute path of a file that can be read, or if ``what`` says so a directory. Raises DebateError."""
    path = _path(root, written, what)
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except OSError as error:
        fact = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise written.error(f"{shown(path)} {fact}", f"name {what}") from None
    if not stat.S_ISREG(mode) and not (stat.S_ISDIR(mode) and "directory" in what):
        raise written.error(f"{shown(path)} is a {kind(mode)}", f"name {what}")
    return path


def _size(written: Written) -> int:
    if type(written.value) not in (int, str):
        raise written.unexpected("bytes", "write a whole number, or a string such as '10G'")
    return _checked(lambda text: amounts.size(text, ""), str(written.value), written)


def _seconds(written: Written) -> int:
    return int(_checked(lambda text: amounts.age(text, ""), str(written.value), written))


def _positive(name: str, written: Written) -> int:
    value, remedy = written.value, "write a whole number greater than 0"
    said = amounts.exact if name in SIZES else str
    if isinstance(value, str) and name in (*SIZES, *TIMES) and not re.fullmatch(r"\s*-?[0-9]+\s*", value):
        value = _size(written) if name in SIZES else _seconds(written)
    elif written.from_environment or (isinstance(value, str) and name in (*SIZES, *TIMES)):
        try:
            value = int(str(value))
        except ValueError:
            raise written.error(f"{quoted(str(value))} is not a whole number", remedy) from None
    if type(value) is not int:
        raise written.unexpected("a whole number", remedy)
    if value <= 0:
        raise written.error(f"{value} is not greater than 0", remedy)
    if value > _MOST[name]:
        raise written.error(f"{said(value)} is too large", f"the maximum is {said(_MOST[name])}")
    if value < _LEAST.get(name, 1):
        raise written.error(f"{said(value)} is too little for any step", f"the minimum is {said(_LEAST[name])}")
    if name == "uid_base" and value % 65536:
        raise written.error(f"{value} is not a user id that is a multiple of 65536", "write one such as 1310720000")
    return value


def _path(root: Path, written: Written, what: str) -> Path:
    """The absolute path; the value may be relative to ``root`` or start with ``~``."""
    text = str(written.value)
    if not text:  # It would be the checkout itself.
        raise written.error("is empty", f"name {what}, or leave it out")
    try:
        return (root / Path(text).expanduser()).resolve()
    except ValueError:
        reason = "it contains a null byte"
    except RuntimeError as error:
        reason = "its links lead in a circle" if "loop" in str(error) else "there is no such user"
    except OSError as error:
        reason = f"{error.strerror}"
    raise written.error(f"{quoted(text)} is not a path: {reason}", f"write the path of {what}")
