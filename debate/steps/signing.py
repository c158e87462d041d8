"""Signatures for Secure Boot, with a key and a certificate of the settings: `boot.secure: own`.

The key is in no ingredient of a key, in no file of the cache and in no log: the one sandbox that signs, in which
nothing of a package or a profile runs, has it in memory. The certificate is an ingredient. A signature follows from
file, key and time, which is fixed, so what another builder signed is the same.

Source: sbsign(1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from debate import distributions, keys
from debate.errors import DebateError, Problem
from debate.text.paths import shown

if TYPE_CHECKING:
    from types import ModuleType

    from debate.model import Artifact, Step, Supplies
    from debate.settings import Settings
    from debate.steps.work import Work
    from debate.text import rsa

T = TypeVar("T")
_KEY, _CERTIFICATE = "secure_boot_key", "secure_boot_certificate"
_TOOLS = "debian"
"""The distribution whose tools tree has what is signed: see `debate.machines.Machine.signable`."""
_MOST = 64 << 10
"""Bytes of a key or certificate."""


def certificate(settings: Settings) -> rsa.Certificate:
    """The certificate of the settings. Raises DebateError."""
    found: rsa.Certificate = _read(settings, _CERTIFICATE, "the certificate", _reader().certificate)
    return found


def known_to_firmware(settings: Settings, secure: str) -> bytes:
    """The certificate (DER) with which firmware starts what a profile's boot.secure had signed; empty for Microsoft's.

    Raises DebateError.
    """
    return certificate(settings).der if secure == "own" else b""


def require(settings: Settings) -> None:
    """What else than a key an ISO with own signatures needs. Raises DebateError."""
    certificate(settings)
    tools = distributions.for_tools(settings.base)
    if tools != _TOOLS:
        fact = f"for `boot: {{secure: own}}` shim is needed, and {tools} has no package of it"
        raise DebateError(fact, f"set DEBATE_BASE={_TOOLS}, or write `boot: {{secure: none}}`", place="setting base")


def refuse(settings: Settings) -> Iterator[Problem]:
    """What to warn of, of a key and a certificate that are set. Raises DebateError if they cannot sign."""
    if settings.secure_boot_certificate:
        found = certificate(settings)
        if said := _untimely(found, datetime.now(tz=UTC)):
            fact = f"{_shown(settings, _CERTIFICATE)} {said}"
            yield from settings.error(_CERTIFICATE, fact, "most UEFI firmware does not mind; try it on yours").problems
    if settings.secure_boot_key:
        _require_key(settings)


def _reader() -> ModuleType:
    """`debate.text.rsa`, for those who sign. Raises DebateError."""
    try:
        from debate.text import rsa
    except ImportError:
        fact = "it is read with the Python package cryptography, which is not installed"
        remedy = "install debate with its extra: pip install 'debate[secure-boot]'"
        raise DebateError(fact, remedy, place="setting secure_boot_certificate") from None
    return rsa


def _untimely(found: rsa.Certificate, now: datetime) -> str:
    """What to say of a certificate outside its time. That is no fault: what it signed long ago can be built again."""
    if now > found.ends:
        return f"expired on {found.ends:%Y-%m-%d}"
    return f"is valid from {found.begins:%Y-%m-%d} on" if now < found.begins else ""


def _require_key(settings: Settings) -> None:
    modulus = _read(settings, _KEY, "the key", _reader().modulus_of_private)
    if settings.secure_boot_certificate and modulus != certificate(settings).modulus:
        fact = f"{_shown(settings, _KEY)} is not the key of {_shown(settings, _CERTIFICATE)}"
        raise settings.error(_KEY, fact, "name the key and the certificate that belong together")


def signed(work: Work, files: Mapping[str, Artifact]) -> Mapping[str, Artifact]:
    """``files``, with signatures. Raises DebateError."""
    return work.realise(step(files, certificate(work.settings), work.tools), lambda: _supplies(work.settings)).outputs


def step(files: Mapping[str, Artifact], certificate: rsa.Certificate, tools: Artifact) -> Step:
    """Outputs: ``files``, signed."""
    from debate.model import Command, Step

    return Step(
        name="sign",
        commands=(Command("sign.sh"),),
        outputs=tuple(sorted(files)),
        epoch=keys.EPOCH_START,
        parameters={"certificate": certificate.pem},
        inputs={f"unsigned/{name}": file for name, file in files.items()},
        tools=tools,
    )


def state(settings: Settings) -> str:
    """What a step depends on that signs: the certificate."""
    try:
        return keys.sha256(certificate(settings).der)
    except DebateError:
        return ""


def _supplies(settings: Settings) -> Supplies:
    from debate.model import Supplies

    _require_key(settings)
    return Supplies(secrets={"key": getattr(settings, _KEY)})


def _read(settings: Settings, name: str, what: str, form: Callable[[bytes], T]) -> T:
    """What ``form`` finds in the file that a setting names. Raises DebateError."""
    path: str = getattr(settings, name)
    if not path:
        variable = f"DEBATE_{name.upper()}"
        raise DebateError(f"{what} for `boot: {{secure: own}}` is not set", f"set {variable}", place=f"setting {name}")
    try:
        return form(_content(path))
    except OSError as error:
        raise settings.error(
            name, f"{_shown(settings, name)} cannot be read: {error.strerror}", "name a file"
        ) from None
    except DebateError as error:
        [problem] = error.problems
        raise settings.error(name, f"{_shown(settings, name)} {problem.fact}", problem.remedy) from None


def _shown(settings: Settings, name: str) -> str:
    return shown(Path(getattr(settings, name)))


@cache
def _content(path: str) -> bytes:
    """The content of a small file, which is read once. Raises OSError or DebateError."""
    with Path(path).open("rb") as file:
        found = file.read(_MOST + 1)
    if len(found) > _MOST:
        raise DebateError(f"is larger than {_MOST:,} bytes", "name a file with nothing else")
    return found
