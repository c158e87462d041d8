"""Statements about the files in a remote: made, signed, read and verified here.

A manifest is an OCI image manifest. Its layers are the files, or what these are composed of; its config is a
*statement*, JSON that lists the files and says what they are the outputs of. The statement is also embedded in the
config descriptor's ``data``, so that a single request fetches it. A signature covers the statement, and thereby the
digest of every file.

Source: OCI image specification 1.1, manifest.md and descriptor.md.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from debate import keys
from debate.composition import MOST_BYTES, Composition
from debate.model import Artifact
from debate.remote import signing
from debate.remote.errors import RegistryError
from debate.remote.transport import MANIFEST
from debate.text import amounts, strict_json

ACTION = "application/vnd.debate.action.v1+json"
"""Media type of the statement that a step with this key has these outputs."""
IMAGE = "application/vnd.debate.image.v1+json"
"""Media type of the statement that a config has this ISO and these companion files."""
_COMPOSITION = "application/vnd.debate.composition.v1+json"
"""Media type of a `debate.composition`. The annotation `_COMPOSES` has the digest of the file that it makes."""
_COMPOSES = "io.debate.composes"
_TEMPLATE = "application/vnd.debate.template.v1+gzip"
_FILE = "application/octet-stream"
_SIGNATURE = "io.debate.signature.minisign"
_TITLE = "org.opencontainers.image.title"


class UntrustedError(RegistryError):
    """The manifest or statement in the remote cannot be trusted."""

    may_pass = False


@dataclass(frozen=True)
class Statement:
    """States that these files are the outputs of a step, or an image."""

    kind: str
    """`ACTION` or `IMAGE`."""
    subject: str
    """The key of the action, or the hash of the config."""
    files: Mapping[str, Artifact]
    facts: Mapping[str, Any]
    """Further fields: step, seconds, profile, lock."""
    signer: str = ""
    """The number of the minisign key whose signature was verified, 16 hex digits; empty if none had to be."""
    composed: Mapping[str, Artifact] = field(default_factory=dict)
    """Digest of a file -> its composition, as a blob. Nobody signs that: what it makes has a digest."""

    @property
    def data(self) -> bytes:
        """The canonical JSON; this is what is signed."""
        files = {name: vars(artifact) for name, artifact in self.files.items()}
        return keys.canonical({"kind": self.kind, "subject": self.subject, "files": files, "facts": self.facts})

    @property
    def artifact(self) -> Artifact:
        """The statement as a blob."""
        return Artifact.of(self.data)


def manifest(
    statement: Statement,
    annotations: Mapping[str, str],
    secret: str,
    compositions: Mapping[Artifact, Composition] = {},
) -> bytes:
    """The manifest, signed with ``secret`` if it names a key. ``annotations`` are for people. Raises DebateError.

    Of files that have one of the ``compositions``, the layers are their parts.
    """
    notes = {name: value for name, value in annotations.items() if value}
    if secret:
        comment = f"debate {statement.subject}"
        notes[_SIGNATURE] = signing.sign(statement.data, Path(secret), comment)
    return keys.canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": statement.kind,
            "config": {
                "mediaType": statement.kind,
                **vars(statement.artifact),
                "data": base64.b64encode(statement.data).decode(),
            },
            "layers": [
                layer
                for name, artifact in sorted(statement.files.items())
                for layer in _layers(name, artifact, compositions.get(artifact))
            ],
            "annotations": notes,
        }
    )


def _layers(name: str, artifact: Artifact, composition: Composition | None) -> Iterator[dict[str, Any]]:
    if composition is None:
        yield _layer(_FILE, artifact, name)
        return
    yield _layer(
        _COMPOSITION, Artifact.of(composition.to_json()), f"{name}.composition.json", {_COMPOSES: artifact.digest}
    )
    template, *parts = composition.parts
    yield _layer(_TEMPLATE, template, f"{name}.template.gz")
    yield from (_layer(_FILE, part, keys.digits(part.digest)) for part in parts)


def _layer(kind: str, artifact: Artifact, title: str, more: Mapping[str, str] = {}) -> dict[str, Any]:
    return {"mediaType": kind, **vars(artifact), "annotations": {_TITLE: title, **more}}


def read(data: bytes, kind: str, subject: str, trusted: str, most: int) -> Statement:
    """The statement of a manifest, which must be of ``kind`` and about ``subject``.

    ``trusted`` names minisign keys, one of which must have signed it; if empty, the remote is trusted. The files
    together may have at most ``most`` bytes, those that a step may write here. Raises UntrustedError.
    """
    try:
        found = strict_json.decode(data)
        config = found["config"]
        raw = base64.b64decode(config["data"], validate=True)
        if keys.sha256(raw) != config["digest"]:
            raise UntrustedError("the statement does not match its digest")
        signature = str(found.get("annotations", {}).get(_SIGNATURE, ""))
        if trusted and not signature:
            raise UntrustedError("the statement is not signed")
        signer = signing.signer(raw, signature, Path(trusted)) if trusted else ""
        if trusted and not signer:
            raise UntrustedError("the statement was altered, or signed by an unknown key")
        composed = dict(_composed(found.get("layers")))
        statement = replace(_statement(strict_json.decode(raw), signer), composed=composed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UntrustedError(f"the manifest is malformed: {_said(error)}") from None
    if statement.kind != kind or statement.subject != subject:
        raise UntrustedError(f"the statement is about something else: {statement.subject[:16]}, not {subject[:16]}")
    total = sum(artifact.size for artifact in statement.files.values())
    if total > most:
        remedy = f"raise DEBATE_BYTES, {amounts.exact(most)}, if that is right"
        raise UntrustedError(f"the statement has files of {total:,} bytes", remedy)
    return statement


def _composed(layers: Any) -> Iterator[tuple[str, Artifact]]:
    """Digest of each file that is composed, and its composition as a blob. Raises ValueError."""
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and layer.get("mediaType") == _COMPOSITION:
            made = Artifact.from_json({name: layer.get(name) for name in ("digest", "size")})
            if made.size > MOST_BYTES:
                raise ValueError("a composition that is too large")
            yield str((layer.get("annotations") or {}).get(_COMPOSES)), made


def _said(error: Exception) -> str:
    """What is wrong with a manifest on which reading it failed, without Python's words."""
    if isinstance(error, KeyError):
        return f"it has no field {error.args[0]!r}"
    if isinstance(error, binascii.Error):
        return "its statement is no base64"
    return str(error)[:200] if isinstance(error, ValueError) else "a field of it is of another type"


def _statement(said: Mapping[str, Any], signer: str) -> Statement:
    """The statement with these fields. Raises ValueError if there are others, or one is not of its type."""
    kind, subject, files, facts = (said.get(name) for name in ("kind", "subject", "files", "facts"))
    if len(said) != 4 or not isinstance(kind, str) or not isinstance(subject, str):
        raise ValueError("not the fields of a statement")
    if not isinstance(files, dict) or not isinstance(facts, dict):
        raise ValueError("files or facts are none")
    if not all(isinstance(fact, str | int | float) for fact in facts.values()):
        raise ValueError("a fact is neither text nor a number")
    return Statement(kind, subject, {name: Artifact.from_json(each) for name, each in files.items()}, facts, signer)
