"""The client against a real registry: what it streams, resumes, refuses and reports."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.cache.action import Action
from debate.cache.store import Store
from debate.model import Artifact
from debate.remote.remote import Remote, annotate
from debate.remote.statements import ACTION, Statement, manifest
from debate.remote.transport import connect
from debate.settings import Settings
from tests.integration.registry import PASSWORD, USER, Registry, Wire

KEY = "ab" * 32
LARGE = 9 << 20


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    made = Registry.make(tmp_path_factory.mktemp("registry") / "registry")
    yield made
    made.stop()


@pytest.fixture
def wire(registry: Registry) -> Iterator[Wire]:
    made = Wire(registry.port)
    yield made
    made.close()


@dataclass
class Side:
    """One builder's store and its view of the remote."""

    store: Store
    remote: Remote
    said: list[str]


Sides = Callable[..., Side]


@pytest.fixture
def side(registry: Registry, tmp_path: Path) -> Iterator[Sides]:
    made = []

    def make(name: str, port: int = 0, **settings: Any) -> Side:
        values = {name.lower(): value for name, value in registry.settings("team/isos", port).items()}
        cache = tmp_path / name
        store, said = Store(cache), list[str]()
        remote = Remote(Settings(tmp_path, cache, tmp_path / "build", **{**values, **settings}), store, said.append)  # type: ignore[arg-type]
        made.append(remote)
        return Side(store, remote, said)

    yield make
    for remote in made:
        remote.finish()


def key(request: pytest.FixtureRequest) -> str:
    """A key that no other test has."""
    return keys.key(request.node.name)


def put_large(store: Store, seed: bytes, size: int = LARGE) -> Artifact:
    return store.put((keys.sha256(seed).encode() * (size // 71 + 1))[:size])


def put_half(store: Store, artifact: Artifact, data: bytes) -> Path:
    """What a builder that was killed left of a download."""
    with store.incoming(artifact) as file:
        assert file is not None
        file.write(data)
    return store.incoming_path(artifact)


def send(one: Side, name: str, outputs: dict[str, Artifact]) -> None:
    one.remote.send("rootfs", name, outputs, 12.5, {"profile": "minimal", "config": "c" * 64})
    one.remote.finish()


def test_what_one_sends_another_finds(registry: Registry, side: Sides, request: pytest.FixtureRequest) -> None:
    one, two = side("one"), side("two")
    outputs = {
        "layer": put_large(one.store, b"first"),
        "packages": one.store.put(b"a 1\n"),
        "empty": one.store.put(b""),
    }
    send(one, key(request), outputs)
    found = two.remote.lookup("rootfs", key(request), outputs)
    assert found == Action(key(request), "rootfs", outputs, 12.5, two.remote.settings.remote)
    assert all(two.store.has(artifact) for artifact in outputs.values())
    assert two.store.path(outputs["layer"]).read_bytes() == one.store.path(outputs["layer"]).read_bytes()
    assert os.listdir(two.store.root / "incoming") == []
    assert (one.said, two.said) == ([f"sending 1 step to {one.remote.settings.remote}"], [])
    assert two.remote.lookup("rootfs", keys.key("nothing"), ("layer",)) is None
    shown = json.loads(registry.skopeo("inspect", "--raw", f"@:rootfs-{key(request)}"))
    assert shown["annotations"]["io.debate.step"] == "rootfs"
    assert shown["annotations"]["io.debate.profile"] == "minimal"
    assert shown["annotations"]["io.debate.config"] == "c" * 64
    assert {layer["annotations"]["org.opencontainers.image.title"] for layer in shown["layers"]} == set(outputs)


def test_nothing_is_sent_twice(registry: Registry, side: Sides, request: pytest.FixtureRequest) -> None:
    one = side("one")
    outputs = {"layer": put_large(one.store, b"twice")}
    send(one, key(request), outputs)
    before = registry.asked("PATCH")
    send(one, keys.key("the same again"), outputs)
    assert registry.asked("PATCH") == before + 1, "the statement alone"


def test_builders_that_send_the_same_at_the_same_time(side: Sides, request: pytest.FixtureRequest) -> None:
    """docker-registry answers 500 or 400 then, for a moment. Nobody hears of it, and all of it is there."""
    builders = [side(f"builder{number}") for number in range(8)]
    wanted: dict[str, dict[str, Artifact]] = {}
    for attempt in range(10):
        name = keys.key(f"{request.node.name} {attempt}")
        for one in builders:
            wanted[name] = {file: put_large(one.store, f"{name} {file}".encode(), 1 << 16) for file in "abcd"}
            one.remote.send("rootfs", name, wanted[name], 12.5, {})
    for one in builders:
        one.remote.finish()
    for one in builders:
        assert [line for line in one.said if not line.startswith("sending ")] == []
    reader = side("reader")
    assert all(reader.remote.lookup("rootfs", name, outputs) for name, outputs in wanted.items()), reader.said


def test_a_download_goes_on_where_it_was_cut(
    registry: Registry, side: Sides, wire: Wire, request: pytest.FixtureRequest
) -> None:
    one, two = side("one"), side("two", wire.port)
    layer = put_large(one.store, b"cut")
    send(one, key(request), {"layer": layer})
    before = registry.asked("GET", layer.digest)
    wire.cut = LARGE // 3
    found = two.remote.lookup("rootfs", key(request), ("layer",))
    assert found is not None, two.said
    assert two.store.has(layer)
    assert registry.asked("GET", layer.digest) - before >= 3
    assert registry.asked("GET", layer.digest, " 206 ") >= 2, "the rest, and not all again"


def test_a_killed_download_goes_on_in_the_next_run(
    registry: Registry, side: Sides, request: pytest.FixtureRequest
) -> None:
    one, two = side("one"), side("two")
    layer = put_large(one.store, b"killed")
    send(one, key(request), {"layer": layer})
    half = put_half(two.store, layer, one.store.path(layer).read_bytes()[: LARGE // 2])
    assert two.remote.lookup("rootfs", key(request), ("layer",))
    assert registry.asked("GET", layer.digest, " 206 ") == 1
    assert not half.exists()


def test_a_damaged_half_of_a_download_is_noticed(side: Sides, request: pytest.FixtureRequest) -> None:
    one, two = side("one"), side("two")
    layer = put_large(one.store, b"damaged half")
    send(one, key(request), {"layer": layer})
    put_half(two.store, layer, b"x" * (LARGE // 2))
    assert two.remote.lookup("rootfs", key(request), ("layer",)) is None
    assert "sent other bytes, which were rejected" in two.said[0]
    assert two.remote.lookup("rootfs", key(request), ("layer",)), "it begins anew"


def test_an_upload_that_was_cut_is_tried_again(side: Sides, wire: Wire, request: pytest.FixtureRequest) -> None:
    one, two = side("one", wire.port), side("two")
    layer = put_large(one.store, b"upload")
    wire.cut = LARGE // 3
    send(one, key(request), {"layer": layer})
    assert two.remote.lookup("rootfs", key(request), ("layer",)), one.said
    assert two.store.has(layer)


@pytest.mark.parametrize("damage", ["altered", "cut", "longer", "missing"])
def test_a_damaged_blob_is_a_miss(registry: Registry, side: Sides, request: pytest.FixtureRequest, damage: str) -> None:
    one, two = side("one"), side("two")
    layer = put_large(one.store, damage.encode(), 1 << 20)
    send(one, key(request), {"layer": layer})
    blob = registry.blob(layer.digest)
    data = blob.read_bytes()
    if damage == "missing":
        registry.forget_blob(layer.digest)
    else:
        blob.write_bytes({"altered": data[:-1] + b"!", "cut": data[:1000], "longer": data + b"more"}[damage])
    assert two.remote.lookup("rootfs", key(request), ("layer",)) is None
    assert not two.store.has(layer)
    assert len(two.said) == 1
    expected = {
        "altered": "sent other bytes, which were rejected", "cut": "answered 416|connection was lost",
        "longer": "sent other bytes", "missing": "answered 404",
    }  # fmt: skip
    assert any(words in two.said[0] for words in expected[damage].split("|")), two.said


def altered(statement: Statement, registry_side: Side, tag: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Publish what someone with the right to write to the registry could write there."""
    made = json.loads(manifest(statement, annotate({}), ""))
    change(made)
    client = connect(registry_side.remote.settings)
    for artifact in statement.files.values():
        client.push(artifact, registry_side.store.path(artifact))
    for descriptor in (made["config"],):
        data = base64.b64decode(descriptor["data"])
        blob = registry_side.store.put(data)
        client.push(blob, registry_side.store.path(blob))
        descriptor |= {"digest": blob.digest, "size": blob.size}
    client.put_manifest(tag, json.dumps(made).encode())
    client.close()


def says(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(made: dict[str, Any]) -> None:
        said = json.loads(base64.b64decode(made["config"]["data"])) | changes
        made["config"]["data"] = base64.b64encode(json.dumps(said).encode()).decode()

    return change


FILE = {"digest": f"sha256:{'1' * 64}", "size": 1}
BAD_FILE = {"layer": {"digest": "sha256:../../etc/passwd", "size": 1}}
POISONED = {
    "of another key": (says(subject="cd" * 32), "about something else"),
    "of another kind": (says(kind="application/vnd.debate.image.v1+json"), "about something else"),
    "without outputs": (says(files={}), "lacks outputs"),
    "with another output": (says(files={"layer": FILE, "bios": FILE}), "adds some"),
    "with a path for a digest": (says(files=BAD_FILE), "the manifest is malformed"),
    "that took for ever": (says(facts={"seconds": 1e99}), "the step took 1e\\+99 seconds"),
    "that took words": (says(facts={"seconds": "long"}), "the step took 'long' seconds"),
    "no statement": (says(files=3), "the manifest is malformed"),
}


@pytest.mark.parametrize("kind", POISONED)
def test_a_poisoned_action_is_a_miss(side: Sides, kind: str, request: pytest.FixtureRequest) -> None:
    one, two = side("one"), side("two")
    change, message = POISONED[kind]
    statement = Statement(ACTION, key(request), {"layer": one.store.put(b"poison")}, {"step": "rootfs"})
    altered(statement, one, f"rootfs-{key(request)}", change)
    assert two.remote.lookup("rootfs", key(request), ("layer",)) is None
    assert re.search(message, two.said[0]), two.said


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three key pairs: a and b, which are trusted, and c, which is not."""
    directory = tmp_path_factory.mktemp("keys")
    (directory / "trusted").mkdir()
    for name in "abc":
        public = directory / ("trusted" if name != "c" else ".") / f"{name}.pub"
        subprocess.run(
            ["minisign", "-G", "-W", "-p", str(public), "-s", str(directory / f"{name}.key")],
            check=True, capture_output=True,
        )  # fmt: skip
    return directory


@pytest.mark.parametrize(("signer", "believed"), [("a", True), ("b", True), ("c", False), ("", False)])
def test_only_what_a_trusted_key_signed_is_believed(
    side: Sides, signers: Path, signer: str, believed: bool, request: pytest.FixtureRequest
) -> None:
    one = side("one", remote_sign=str(signers / f"{signer}.key") if signer else "")
    two = side("two", remote_keys=str(signers / "trusted"), remote_mode="read-only")
    send(one, key(request), {"layer": one.store.put(signer.encode())})
    found = two.remote.lookup("rootfs", key(request), ("layer",))
    assert (found is not None) == believed, two.said
    message = {"c": "altered, or signed by an unknown key", "": "the statement is not signed"}.get(signer)
    assert message is None or message in two.said[0]
    assert two.remote.lookup("rootfs", keys.key("absent"), ()) is None


def test_a_signature_covers_the_files_and_the_key(side: Sides, signers: Path, request: pytest.FixtureRequest) -> None:
    """Replayed under another key, or with another file in it, a signed action is refused."""
    one = side("one", remote_sign=str(signers / "a.key"))
    two = side("two", remote_keys=str(signers / "trusted" / "a.pub"))
    send(one, key(request), {"layer": one.store.put(b"signed")})
    signed = one.remote.transport.manifest(f"rootfs-{key(request)}")
    assert signed is not None
    other = keys.key("replayed")
    one.remote.transport.put_manifest(f"rootfs-{other}", signed)
    assert two.remote.lookup("rootfs", other, ("layer",)) is None
    assert "about something else" in two.said[-1]
    content = json.loads(signed)
    evil = one.store.put(b"evil")
    client = one.remote.transport
    client.push(evil, one.store.path(evil))
    said = json.loads(base64.b64decode(content["config"]["data"]))
    said["files"] = {"layer": vars(evil)}
    raw = one.store.put(json.dumps(said).encode())
    client.push(raw, one.store.path(raw))
    content["config"] |= {**vars(raw), "data": base64.b64encode(one.store.read(raw, 1 << 20)).decode()}
    client.put_manifest(f"rootfs-{key(request)}", json.dumps(content).encode())
    assert two.remote.lookup("rootfs", key(request), ("layer",)) is None
    assert "altered, or signed by an unknown key" in two.said[-1]


def test_a_read_only_remote_gets_nothing(registry: Registry, side: Sides, request: pytest.FixtureRequest) -> None:
    one = side("one", remote_mode="read-only")
    before = registry.asked("POST")
    send(one, key(request), {"layer": one.store.put(b"not sent")})
    assert registry.asked("POST") == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"remote_password": "wrong"}, "rejected the credentials, or requires some"),
        ({"remote_user": "", "remote_password": ""}, "rejected the credentials, or requires some"),
        ({"remote_ca": ""}, "signed by an unknown authority; set DEBATE_REMOTE_CA"),
        ({"remote": "oci://localhost:1/team/isos"}, "connection refused"),
        ({"remote": "oci://nowhere.invalid/team/isos"}, "the name of the host cannot be resolved"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_remote_that_does_not_answer_is_a_miss(
    side: Sides, settings: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    one = side("one", **settings)
    for number in range(5):
        assert one.remote.lookup("rootfs", keys.key(number), ()) is None
    assert message in one.said[0], one.said
    assert "not used for the rest of this run" in one.said[-1]
    assert len(one.said) <= 3


def test_a_remote_that_accepts_and_says_nothing(registry: Registry, side: Sides) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = side("one", silent.getsockname()[1], remote_ca=str(registry.directory / "ca.crt"), remote_timeout=1)
        for number in range(4):
            assert one.remote.lookup("rootfs", keys.key(number), ()) is None
    (line,) = one.said
    assert "no complete answer within 1 s (setting remote_timeout); it is not used for the rest of this run" in line


@pytest.mark.parametrize("name", ["localhost:{port}", "localhost:{port}/team", "https://localhost:{port}"])
def test_auth_files_of_docker_and_podman(
    registry: Registry, side: Sides, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "auth.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    file.write_text(json.dumps({"auths": {name.format(port=registry.port): {"auth": auth}}}))
    one = side("one", remote_user="", remote_password="")
    assert one.remote.lookup("rootfs", keys.key("absent"), ()) is None
    assert one.said == []


def test_a_registry_that_stops_and_comes_back(registry: Registry, side: Sides, request: pytest.FixtureRequest) -> None:
    one, two = side("one"), side("two")
    outputs = {"layer": put_large(one.store, b"back", 1 << 20)}
    send(one, key(request), outputs)
    registry.stop()
    assert two.remote.lookup("rootfs", key(request), ("layer",)) is None
    assert "connection refused" in two.said[0]
    registry.start()
    assert two.remote.lookup("rootfs", key(request), ("layer",)), two.said


def test_a_full_registry_is_a_warning(tmp_path: Path) -> None:
    storage = tmp_path / "small"
    storage.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(storage)], check=True)
    made = Registry.make(tmp_path / "registry", storage)
    try:
        values: dict[str, Any] = {name.lower(): value for name, value in made.settings().items()}
        store, said = Store(tmp_path / "cache"), list[str]()
        remote = Remote(Settings(tmp_path, tmp_path / "cache", tmp_path, **values), store, said.append)
        one = Side(store, remote, said)
        send(one, KEY, {"layer": put_large(store, b"full")})
        assert "rootfs was not sent: the " in said[-1], said
        assert "answered 5" in said[-1] or "connection was lost" in said[-1], said
        assert remote.lookup("rootfs", KEY, ("layer",)) is None
        remote.finish()
    finally:
        made.stop()
        subprocess.run(["umount", str(storage)], check=True)
