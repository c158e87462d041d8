"""The shape of each record that others read, as the types of its JSON values.

A record is checked when it is read: a shell, `explain` or `verify` may read one that was damaged since its step ran.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec

from debate import keys
from debate.distributions import BOOTSTRAPPERS
from debate.model import Locked

_Digest = Annotated[str, msgspec.Meta(pattern=rf"^{keys.DIGEST}\Z")]

_Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]

_Sha512 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]

_Distribution = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(BOOTSTRAPPERS)})\Z")]


class _Artifact(TypedDict):
    digest: _Digest
    size: int


class _Made(TypedDict):
    """A record with outputs. `debate.history.records.outputs_of` complains if one is missing."""

    outputs: dict[str, _Artifact]


class _Sandbox(_Made):
    distribution: _Distribution


class _Packages(_Made):
    initrd: list[str]
    modules: list[str]
    kernel: str


class _Rootfs(_Made):
    below: list[_Artifact]


class _Network(_Made):
    texts: dict[str, str]
    files: dict[str, _Artifact]


class _Iso(_Made):
    kernel: _Artifact
    certificate: str


class _Lock(TypedDict):
    request: str
    distribution: _Distribution
    release: str
    architecture: str
    packages: list[Locked]
    unpacked: NotRequired[list[Locked]]
    archives: NotRequired[list[dict[str, str]]]


class _Hash(TypedDict):
    config: _Sha256
    epoch: int


class _Epoch(TypedDict):
    epoch: int | None


class _Check(TypedDict):
    marker: str | None
    timeout: int
    screen: bool
    ports: list[int]
    commands: list[str]


class _Secrets(TypedDict):
    allow: list[str]


class _About(TypedDict):
    description: str
    secrets: _Secrets
    check: _Check
    login: dict[Literal["user", "how"], str]
    ssh: str
    addresses: list[str]


class _Build(TypedDict):
    iso: str
    files: dict[str, tuple[int, int]]


class _Manifest(TypedDict):
    name: str
    description: str
    config: str
    lock: str
    iso: _Artifact


class _Keyed(TypedDict):
    key: str


_Contents = dict[_Digest, Annotated[dict[Literal["path", "text"], str], msgspec.Meta(min_length=1, max_length=1)]]

SHAPES: Mapping[str, Any] = {
    "sandbox": _Sandbox,
    "packages": _Packages,
    "rootfs": _Rootfs,
    "overlay": _Made,
    "secrets": _Made,
    "space": _Made,
    "initrd": _Made,
    "boot": _Made,
    "iso": _Iso,
    "network": _Network,
    "lock": _Lock,
    "hash": _Hash,
    "epoch": _Epoch,
    "config": dict[str, dict[str, Any]],
    "about": _About,
    "mirrors": dict[str, str],
    "contents": _Contents,
    "initramfs": _Contents,
    "build": _Build,
    "manifest": _Manifest,
    "sha512": dict[_Digest, _Sha512],
    "traces/sandbox": _Keyed,
}
"""Record, without ``.json`` -> its type. Fields that nothing reads are not declared; a record that is not here can be
any JSON object."""
