"""Auth files as docker and podman write them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from debate.errors import DebateError
from debate.remote.credentials import Credentials, find


def entry(user: str, password: str = "") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, content: Any) -> dict[str, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return {"HOME": str(path.parents[1]), "XDG_RUNTIME_DIR": str(path.parents[1] / "run")}


@pytest.mark.parametrize("place", [".docker/config.json", ".config/containers/auth.json", "run/containers/auth.json"])
def test_places(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"auths": {"r.example": entry("me", "a:b")}}))
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    assert find("r.example", "a/b", environment) == Credentials("me", "a:b")
    assert find("other.example", "a/b", environment) == Credentials()


def test_the_most_particular_entry_counts(tmp_path: Path) -> None:
    auths = {
        "r.example": entry("host"),
        "r.example/a": entry("a"),
        "r.example/a/b": entry("b"),
        "r.example/ab": entry("ab"),
    }
    environment = write(tmp_path / ".docker" / "config.json", {"auths": auths})
    assert find("r.example", "a/b", environment).user == "b"
    assert find("r.example", "a/c", environment).user == "a"
    assert find("r.example", "c", environment).user == "host"


def test_one_file_alone(tmp_path: Path) -> None:
    environment = write(tmp_path / ".docker" / "config.json", {"auths": {"r.example": entry("docker")}})
    write(tmp_path / "mine" / "auth.json", {"auths": {}})
    environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "mine" / "auth.json")
    assert find("r.example", "a", environment) == Credentials()


def helper(directory: Path, answer: str, status: int = 0) -> None:
    path = directory / "docker-credential-test"
    path.write_text(f"#!/bin/sh\nread name; echo '{answer}' | sed \"s/NAME/$name/g\"; exit {status}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    "content", [{"credHelpers": {"r.example": "test"}}, {"credsStore": "test", "auths": {"r.example": {}}}]
)
def test_credential_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> None:
    helper(tmp_path, '{"ServerURL": "NAME", "Username": "NAME", "Secret": "s"}')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    environment = write(tmp_path / ".docker" / "config.json", content)
    assert find("r.example", "a", environment) == Credentials("r.example", "s")


def test_a_helper_that_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, "credentials not found", 1)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    environment = write(tmp_path / ".docker" / "config.json", {"credHelpers": {"r.example": "test"}})
    with pytest.raises(DebateError, match=r"docker-credential-test: no credentials for r\.example: .*; log in again"):
        find("r.example", "a", environment)


@pytest.mark.parametrize(
    "content", ["{", "[]", "[" * 100_000, '{"auths": 3}', '{"auths": {"r.example": {"auth": "%%"}}}']
)
def test_a_damaged_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(content)
    with pytest.raises(DebateError, match=r"auth\.json: not an auth file of docker or podman; log in again"):
        find("r.example", "a", {"REGISTRY_AUTH_FILE": str(path)})


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Credentials("me", "secret"))


@pytest.mark.parametrize(
    "name", ["../evil", "/bin/sh", "a/b", "", "a b", "a\n", "..", "a\0", 5, None, ["a"], {"a": "b"}]
)
@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
def test_a_helper_that_is_not_the_name_of_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: Any, field: str
) -> None:
    """It would be a path, which is not looked up in PATH."""
    (tmp_path / "docker-credential-..").mkdir()
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    content = {"credHelpers": {"r.example": name}} if field == "credHelpers" else {"credsStore": name}
    environment = write(tmp_path / ".docker" / "config.json", {"auths": {"r.example": {}}, **content})
    if field == "credsStore" and not name:
        assert find("r.example", "a", environment) == Credentials()
    else:
        with pytest.raises(DebateError, match="not an auth file of docker or podman"):
            find("r.example", "a", environment)
    assert not (tmp_path / "ran").exists()
