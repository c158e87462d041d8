"""Credentials of a registry, from the auth files of docker and podman.

Sources: containers-auth.json(5), and https://docs.docker.com/reference/cli/docker/login/ for credential helpers.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from debate.errors import DebateError
from debate.text import strict_json
from debate.text.paths import shown


@dataclass(frozen=True)
class Credentials:
    """A user and a password or token; both empty for anonymous access."""

    user: str = ""
    password: str = field(default="", repr=False)


def find(host: str, repository: str, environment: Mapping[str, str] | None = None) -> Credentials:
    """Credentials from the first auth file with an entry for the registry. Raises DebateError for a damaged file."""
    for path in _files(os.environ if environment is None else environment):
        try:
            if path.exists() and not path.is_file():
                raise ValueError("no file")  # It may never end.
            content = strict_json.decode(path.read_bytes())
            found = _in(content, host, repository)
        except OSError:
            continue
        except (ValueError, AttributeError, TypeError, KeyError, binascii.Error):
            fact = "not an auth file of docker or podman"
            raise DebateError(fact, "log in again", place=shown(path)) from None
        if found:
            return found
    return Credentials()


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """The auth files, in the order in which podman reads them."""
    if "REGISTRY_AUTH_FILE" in environment:
        yield Path(environment["REGISTRY_AUTH_FILE"])
        return
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.geteuid()}"
    yield Path(runtime, "containers/auth.json")
    home = Path(environment.get("HOME", "/root"))
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config", "containers/auth.json")
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker", "config.json")


def _in(content: Any, host: str, repository: str) -> Credentials | None:
    """The most specific entry: HOST/a/b, HOST/a, HOST."""
    parts = repository.split("/")
    names = ["/".join([host, *parts[:n]]) for n in range(len(parts), -1, -1)]
    helpers, auths = content.get("credHelpers", {}), content.get("auths", {})
    for name in (*names, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"):
        if name in helpers:
            return _ask(helpers[name], name)
        entry = auths.get(name)
        if entry and entry.get("auth"):
            user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
            return Credentials(user, password)
        if name in auths and content.get("credsStore"):
            return _ask(content["credsStore"], name)
    return None


_HELPER = r"[A-Za-z0-9_-]+"
"""Names of helpers. With a slash the program would not be looked up in PATH."""


def _ask(helper: str, name: str) -> Credentials:
    """Ask docker-credential-HELPER. Raises DebateError, and ValueError for a name that is not one of a program."""
    if not re.fullmatch(_HELPER, helper):
        raise ValueError("not the name of a credential helper")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run([program, "get"], input=name, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = "timed out" if isinstance(error, subprocess.TimeoutExpired) else error.strerror or str(error)
        fact = f"an auth file needs it for the credentials of {name}: {reason}"
        raise DebateError(fact, "install it, or log in again", place=program) from None
    if done.returncode:
        raise DebateError(f"no credentials for {name}: {done.stdout.strip()}", "log in again", place=program)
    answer = strict_json.decode(done.stdout)
    return Credentials(answer["Username"], answer["Secret"])
