"""Settings: environment variables, which override ``debate.toml``. No setting changes an output.

variable                debate.toml             meaning
DEBATE_CACHE            cache                   directory of the store (cache/)
DEBATE_CACHE_SIZE       cache_size              size of the store after each build, in bytes or as 50G
                                                (unlimited)
DEBATE_REMOTE           remote                  oci://HOST[:PORT]/REPOSITORY: a shared store in an OCI registry
                                                (none); oci+http:// for one without TLS on this host
DEBATE_REMOTE_MODE      remote_mode             read-write or read-only
DEBATE_REMOTE_CA        remote_ca               file with the certificate authority of the remote (the host's)
DEBATE_REMOTE_USER      remote_user             user name (from the auth files of docker and podman)
DEBATE_REMOTE_PASSWORD  remote_password         password or token of that user
DEBATE_REMOTE_KEYS      remote_keys             file or directory with minisign public keys: results must be
                                                signed by one of them
DEBATE_REMOTE_SIGN      remote_sign             file with a minisign secret key without a password, for signing
DEBATE_OUTPUT           output                  directory of the outputs (build/)
DEBATE_LOCK             lock                    refuse or refresh a committed lock that no longer fits
DEBATE_BASE             base                    auto, debian or arch: distribution that the tools
                                                tree is based on (auto: by the bootstrapper of this host)
DEBATE_SCRATCH          scratch                 auto, tmpfs or disk: where a step writes
DEBATE_UID_BASE         uid_base                first user id of the sandbox, a multiple of 65536
DEBATE_JOBS             jobs                    number of steps that run at a time
DEBATE_ACCELERATION     acceleration            auto, kvm or tcg: how `check` runs QEMU
DEBATE_MIRROR_NAME      mirrors.NAME            address of the mirror NAME (debian, debian-security,
                                                debian-snapshot with {archive} and {date} in it, or
                                                a repository of a profile); file:// for a directory
DEBATE_KEYRING_NAME     keyrings.NAME           file with the OpenPGP keys that may sign the packages of the
                                                distribution NAME (arch; the distribution's own)
DEBATE_MEMORY           limits.memory           bytes a step may use (8 GiB)
DEBATE_PROCESSORS       limits.processors       processors a step may use (4)
DEBATE_PROCESSES        limits.processes        processes a step may have (4096)
DEBATE_BYTES            limits.bytes            bytes a step may write (16 GiB)
DEBATE_INODES           limits.inodes           files a step may make (2,000,000)
DEBATE_WARN_AFTER       limits.warn_after       seconds until a warning (900)
DEBATE_STOP_AFTER       limits.stop_after       seconds until a step is stopped (1200)
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from debate.errors import DebateError, Place, Problem
from debate.text import amounts


@dataclass(frozen=True)
class Limits:
    """Limits for each step."""

    memory: int = 8 << 30
    processors: int = 4
    processes: int = 4096
    bytes: int = 16 << 30
    inodes: int = 2_000_000
    warn_after: int = 900
    stop_after: int = 1200


@dataclass(frozen=True)
class Settings:
    """The settings in the module's table."""

    root: Path
    """The checkout."""
    cache: Path
    output: Path
    cache_size: int = 0
    remote: str = ""
    remote_mode: str = "read-write"
    remote_ca: str = ""
    remote_user: str = ""
    remote_password: str = field(default="", repr=False)
    remote_keys: str = ""
    remote_sign: str = ""
    lock: str = "refuse"
    base: str = "auto"
    scratch: str = "auto"
    uid_base: int = 1_310_720_000
    jobs: int = 3
    acceleration: str = "auto"
    mirrors: Mapping[str, str] = field(default_factory=dict)
    keyrings: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def profiles(self) -> Path:
        return self.root / "profiles"

    @property
    def scripts(self) -> Path:
        return self.root / "sandbox"


_CHOICES = {
    "remote_mode": ("read-write", "read-only"),
    "lock": ("refuse", "refresh"),
    "scratch": ("auto", "tmpfs", "disk"),
    "acceleration": ("auto", "kvm", "tcg"),
}
_SIZES = ("cache_size",)
"""Settings in bytes, which may have a unit."""
_PATHS = ("remote_ca", "remote_keys", "remote_sign")
"""Settings that name an existing file or directory, or are empty."""
_GROUPS = ("mirrors", "keyrings", "limits")
"""Tables of debate.toml."""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
"""The general form of addresses of remotes; `debate.remote.transport` has those of each kind."""


def mirror_variable(name: str) -> str:
    """The environment variable for the address of the mirror ``name``."""
    return _variable(f"mirror_{name}")


def keyring_variable(name: str) -> str:
    """The environment variable for the keyring of a distribution."""
    return _variable(f"keyring_{name}")


def _variable(setting: str) -> str:
    return f"DEBATE_{setting.upper().replace('-', '_')}"


def variables(settings: Settings) -> dict[str, str]:
    """Environment variables for the same settings in another checkout, without those of the remote."""
    plain = {
        one.name: getattr(settings, one.name)
        for one in fields(settings)
        if one.name not in ("root", *_GROUPS) and not one.name.startswith("remote")
    }
    return {
        **{_variable(name): str(value) for name, value in {**plain, **vars(settings.limits)}.items() if value},
        **{mirror_variable(name): address for name, address in settings.mirrors.items()},
        **{keyring_variable(name): path for name, path in settings.keyrings.items()},
    }


def load(root: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read ``root``/debate.toml and the environment.

    Raises DebateError with all settings that are unknown or invalid.
    """
    root = root.resolve()
    written = _in_file(root / "debate.toml")
    problems = []
    for variable, text in (os.environ if environment is None else environment).items():
        if variable.startswith("DEBATE_") and not variable.startswith("DEBATE_TEST_"):
            name = _name(variable)
            if name is None:
                problems.append(Problem(Place(variable), "no such setting", _SEE))
            else:
                written[name] = _Written(text, partial(Place, variable), from_environment=True)
    read: dict[str, dict[str, Any]] = {group: {} for group in ("", *_GROUPS)}
    read[""] = {"cache": (root / "cache").resolve(), "output": (root / "build").resolve()}
    for (group, key), value in written.items():
        try:
            read[group][key] = _value(root, group, key, value)
        except DebateError as error:
            problems += error.problems
    if problems:
        raise DebateError.of(problems)
    groups: dict[str, Any] = {
        "mirrors": read["mirrors"],
        "keyrings": read["keyrings"],
        "limits": Limits(**read["limits"]),
    }
    return Settings(root=root, **read[""], **groups)


_SEE = "see debate/settings.py for the list"
_Name = tuple[str, str]
"""Table of debate.toml (empty: none) and key."""


@dataclass(frozen=True)
class _Written:
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


def _name(variable: str) -> _Name | None:
    """The setting for an environment variable; None if there is none."""
    name = variable.removeprefix("DEBATE_").lower()
    for prefix, group in (("mirror_", "mirrors"), ("keyring_", "keyrings")):
        if name.startswith(prefix):
            return group, name.removeprefix(prefix).replace("_", "-")
    return next(((group, name) for group in ("limits", "") if name in _types(group)), None)


def _types(group: str) -> Mapping[str, str]:
    """Types of the settings in a table of debate.toml, or of those outside of tables if ``group`` is empty.

    The types are the annotations as text: evaluating them takes longer than loading the settings.
    """
    if group == "limits":
        return Limits.__annotations__
    return {name: kind for name, kind in Settings.__annotations__.items() if name not in ("root", *_GROUPS)}


def _in_file(path: Path) -> dict[_Name, _Written]:
    """The settings in the file ``path``, which need not exist. Raises DebateError if it is not valid."""
    try:
        text = path.read_bytes().decode()
        values = tomllib.loads(text)
    except FileNotFoundError:
        return {}
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
        raise DebateError(match[1] if match else str(error), "correct the syntax of TOML", place=place) from None
    found: dict[_Name, _Written] = {}
    problems: list[Problem] = []

    def add(value: object, *keys: str) -> None:
        written = _Written(value, lambda: Place(path.name, _line(text, keys)), f"setting {'.'.join(keys)}: ")
        group, name = keys if len(keys) > 1 else ("", keys[0])
        if group in ("", "limits") and name not in _types(group):
            problems.extend(written.error("no such setting", _SEE).problems)
        found[group, name] = written

    for key, value in values.items():
        if key not in _GROUPS:
            add(value, key)
        elif isinstance(value, dict):
            for name, inner in value.items():
                add(inner, key, name)
        else:
            written = _Written(value, partial(Place, path.name, _line(text, (key,))), f"setting {key}: ")
            problems.extend(written.unexpected("a table", f"write [{key}] and the settings below it").problems)
    if problems:
        raise DebateError.of(problems)
    return found


def _line(text: str, path: tuple[str, ...]) -> int:
    """The line of valid TOML on which the value at ``path`` begins.

    tomllib does not report lines. This parses growing prefixes of the text: a prefix is valid TOML only if it does not
    end within a statement.
    """
    lines, begins = text.replace("\r\n", "\n").split("\n"), 1
    for end in range(1, len(lines) + 1):
        try:
            value: Any = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return begins
        begins = end + 1
    return 0


_TOML_TYPES = {
    bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array", dict: "a table",
}  # fmt: skip


def _value(root: Path, group: str, name: str, written: _Written) -> object:
    """The value of a setting, checked against its type in `Settings` or `Limits`. Raises DebateError."""
    kind = _types(group)[name] if group in ("", "limits") else "str"
    value = written.value
    if kind != "int" and not isinstance(value, str):
        raise written.unexpected("a string", "write it in quotes")
    if name in _SIZES:
        return _size(written)
    if kind == "int":
        return _positive(name, written)
    text = str(value)
    if name in _CHOICES and text not in _CHOICES[name]:
        raise written.error(f"{text!r} is not one of its values", f"choose one of {', '.join(_CHOICES[name])}")
    if name == "remote" and text and not _ADDRESS.fullmatch(text):
        raise written.error(f"{text!r} is not an address", "write it as oci://HOST[:PORT]/REPOSITORY")
    if kind == "Path":
        return _path(root, written)
    if group == "keyrings":
        return str(_path(root, written))
    if name in _PATHS and text:
        path = _path(root, written)
        if not os.path.exists(path):
            raise written.error(f"{path} is missing", "name an existing file or directory")
        return str(path)
    return text


def _size(written: _Written) -> int:
    if type(written.value) not in (int, str):
        raise written.unexpected("bytes", "write a whole number, or a string such as '10G'")
    try:
        return amounts.size(str(written.value), "")
    except DebateError as error:
        raise written.error(error.problems[0].fact, error.problems[0].remedy) from None


def _positive(name: str, written: _Written) -> int:
    value, remedy = written.value, "write a whole number greater than 0"
    if written.from_environment:
        try:
            value = int(str(value))
        except ValueError:
            raise written.error(f"{str(value)[:40]!r} is not a whole number", remedy) from None
    if type(value) is not int:
        raise written.unexpected("a whole number", remedy)
    if value <= 0:
        raise written.error(f"{value} is not greater than 0", remedy)
    if name == "uid_base" and (value % 65536 or value >= 1 << 32):
        raise written.error(f"{value} is not a user id that is a multiple of 65536", "write one such as 1310720000")
    return value


def _path(root: Path, written: _Written) -> Path:
    """The absolute path; the value may be relative to ``root`` or start with ``~``."""
    try:
        return (root / Path(str(written.value)).expanduser()).resolve()
    except ValueError:
        reason = "it contains a null byte"
    except (RuntimeError, OSError) as error:  # No such user; a loop of symbolic links.
        reason = str(error)
    raise written.error(f"{str(written.value)!r} is not a path: {reason}", "write the path of a file")
