"""Where and how to build: environment variables over ``debate.toml``. None changes an output.

variable                debate.toml             meaning
DEBATE_CACHE            cache                   directory of the store (cache/)
DEBATE_CACHE_SIZE       cache_size              bytes, or such as 50G, to which the store is collected after
                                                each build (no bound)
DEBATE_REMOTE           remote                  oci://HOST[:PORT]/REPOSITORY: a store that others share, in an OCI
                                                registry (none); oci+http:// for one without TLS on this host
DEBATE_REMOTE_MODE      remote_mode             read-write or read-only
DEBATE_REMOTE_CA        remote_ca               file with the certificate authority of the remote (the host's)
DEBATE_REMOTE_USER      remote_user             who to log in as (docker's and podman's auth files say)
DEBATE_REMOTE_PASSWORD  remote_password         password or token of that user
DEBATE_REMOTE_KEYS      remote_keys             file or directory with minisign public keys: only what one of them
                                                has signed is believed
DEBATE_REMOTE_SIGN      remote_sign             file with a minisign secret key without a password, to sign with
DEBATE_OUTPUT           output                  directory of the outputs (build/)
DEBATE_LOCK             lock                    refuse or refresh a committed lock that no longer fits
DEBATE_BASE             base                    auto, debian or arch: what the sandbox base is made of (by the
                                                bootstrapper that this host has)
DEBATE_SCRATCH          scratch                 auto, tmpfs or disk: where a step writes
DEBATE_UID_BASE         uid_base                first user id of the sandbox, a multiple of 65536
DEBATE_JOBS             jobs                    steps at a time
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
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from debate.errors import DebateError
from debate.text import amounts


@dataclass(frozen=True)
class Limits:
    """What one step may use."""

    memory: int = 8 << 30
    processors: int = 4
    processes: int = 4096
    bytes: int = 16 << 30
    inodes: int = 2_000_000
    warn_after: int = 900
    stop_after: int = 1200


@dataclass(frozen=True)
class Settings:
    """See the module's table."""

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
_REMOTE = re.compile(
    r"oci(\+http)?://[A-Za-z0-9.-]+(:[0-9]+)?/[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
"""The repository's part is the grammar of <name> in the OCI distribution specification 1.1."""
_INTEGERS = ("uid_base", "jobs")
_GROUPS = ("mirrors", "keyrings", "limits")
"""Settings with a name or a limit below them."""


def mirror_variable(name: str) -> str:
    """The environment variable that says where the mirror ``name`` is."""
    return _variable(f"mirror_{name}")


def keyring_variable(name: str) -> str:
    """The environment variable that names the keyring of a distribution."""
    return _variable(f"keyring_{name}")


def _variable(setting: str) -> str:
    return f"DEBATE_{setting.upper().replace('-', '_')}"


def variables(settings: Settings) -> dict[str, str]:
    """The environment from which `load` makes the same settings for another checkout. Without the remote's."""
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

    Raises DebateError for a name or value that is not in the table.
    """
    environment = os.environ if environment is None else environment
    file = root / "debate.toml"
    values: dict[str, Any] = {}
    if file.exists():
        try:
            values = tomllib.loads(file.read_text())
        except tomllib.TOMLDecodeError as error:
            raise DebateError(f"{file.name}: {error}; see debate/settings.py for the settings") from None
    limits = dict(values.pop("limits", {}))
    mirrors = dict(values.pop("mirrors", {}))
    keyrings = dict(values.pop("keyrings", {}))
    for name, value in environment.items():
        if not name.startswith("DEBATE_"):
            continue
        setting = name.removeprefix("DEBATE_").lower()
        if setting.startswith("mirror_"):
            mirrors[setting.removeprefix("mirror_").replace("_", "-")] = value
        elif setting.startswith("keyring_"):
            keyrings[setting.removeprefix("keyring_").replace("_", "-")] = value
        elif setting in Limits.__annotations__:
            limits[setting] = value
        elif setting in Settings.__annotations__ and setting not in ("root", *_GROUPS):
            values[setting] = value
        elif not setting.startswith("test_"):
            raise DebateError(f"{name}: no such setting; see debate/settings.py for the list")
    for group, known in ((values, Settings.__annotations__), (limits, Limits.__annotations__)):
        for name in group.keys() - known.keys():
            raise DebateError(f"{file.name}: no setting {name!r}; see debate/settings.py for the list")
    for name, choices in _CHOICES.items():
        if name in values and values[name] not in choices:
            raise DebateError(f"setting {name}: {values[name]!r}; choose one of {', '.join(choices)}")
    for name in _INTEGERS:
        if name in values:
            values[name] = _integer(name, values[name])
    if "cache_size" in values:
        values["cache_size"] = amounts.size(str(values["cache_size"]), "setting cache_size")
    if values.get("remote") and not _REMOTE.fullmatch(str(values["remote"])):
        raise DebateError(f"setting remote: {values['remote']!r} is not of the form oci://HOST[:PORT]/REPOSITORY")
    if re.match(r"oci\+http://(?!(localhost|127\.[0-9.]+)[:/])", str(values.get("remote", ""))):
        raise DebateError(f"setting remote: {values['remote']!r} is not on this host, so it needs TLS; write oci://")
    for name in ("remote_ca", "remote_keys", "remote_sign"):
        if values.get(name):
            values[name] = str((root / Path(values[name]).expanduser()).resolve())
            if not os.path.exists(values[name]):
                raise DebateError(f"setting {name}: {values[name]} is missing")
    if values.get("uid_base", 65536) % 65536 or values.get("uid_base", 65536) < 65536:
        raise DebateError("setting uid_base: must be a multiple of 65536, and not 0")
    for name in ("cache", "output"):
        default = "cache" if name == "cache" else "build"
        values[name] = (root / Path(values.get(name, default)).expanduser()).resolve()
    keyrings = {name: str((root / Path(path).expanduser()).resolve()) for name, path in keyrings.items()}
    numbers = {name: _integer(name, value) for name, value in limits.items()}
    return Settings(root=root.resolve(), mirrors=mirrors, keyrings=keyrings, limits=Limits(**numbers), **values)


def _integer(name: str, value: object) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise DebateError(f"setting {name}: {value!r} is not a whole number") from None
    if number <= 0:
        raise DebateError(f"setting {name}: {number} must be more than 0")
    return number
