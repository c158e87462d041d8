"""The kinds of remotes: their addresses, and what another kind would have to bring."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from debate.cache.action import Action
from debate.cache.store import Store
from debate.errors import DebateError
from debate.remote import transport
from debate.remote.errors import DeniedError, RefusedError, RegistryError, WrongBytesError
from debate.remote.remote import Remote
from debate.settings import Settings
from tests.conftest import ROOT
from tests.unit.remote.shelf import Shelf


@pytest.mark.parametrize(
    "address",
    [
        "oci://r.example/x", "oci://r.example:5000/team/isos", "oci://10.0.0.1/a/b.c/d__e", "oci+http://localhost/x",
        "oci+http://localhost:5000/x", "oci+http://127.0.0.1:5000/team/x",
    ],
)  # fmt: skip
def test_addresses(address: str) -> None:
    assert transport.kind(address) is transport.KINDS[address.partition(":")[0]]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("r.example/x", "'r.example/x' has an unknown scheme; choose one of oci://, oci+http://"),
        ("", "'' has an unknown scheme; choose one of"),
        ("s3://bucket/x", "'s3://bucket/x' has an unknown scheme; choose one of"),
        ("oci://r.example", "'oci://r.example' is not a valid address; write oci://HOST[:PORT]/REPOSITORY"),
        ("oci://r.example/", "'oci://r.example/' is not a valid address; write oci://HOST"),
        ("oci://r.example/Upper", "'oci://r.example/Upper' is not a valid address; write oci://HOST"),
        ("oci://r.example/x\n", "'oci://r.example/x\\n' is not a valid address; write oci://HOST"),
        ("oci://user@r.example/x", "'oci://user@r.example/x' is not a valid address; write oci://HOST"),
        (
            "oci+http://r.example/x",
            "'oci+http://r.example/x' is not a valid address; write oci+http://localhost[:PORT]",
        ),
        (
            "oci+http://localhost.example/x",
            "'oci+http://localhost.example/x' is not a valid address; write oci+http://l",
        ),
        ("oci+http://127.evil/x", "'oci+http://127.evil/x' is not a valid address; write oci+http://localhost"),
    ],
)
def test_addresses_that_no_kind_has(tmp_path: Path, address: str, message: str) -> None:
    settings = Settings(tmp_path, tmp_path, tmp_path, remote=address)
    for use in (lambda: transport.connect(settings), lambda: Remote(settings, Store(tmp_path), str)):
        with pytest.raises(DebateError) as caught:
            use()
        assert str(caught.value).startswith(f"setting remote: {message}")


METHODS = [name for name in vars(transport.Transport) if not name.startswith("_")]


@pytest.mark.parametrize("scheme", transport.KINDS)
def test_each_kind_connects_to_a_whole_transport(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    made = transport.connect(Settings(tmp_path, tmp_path, tmp_path, remote=f"{scheme}://localhost:1/x"))
    assert set(METHODS) == {"manifest", "put_manifest", "has", "pull", "push", "close"}
    for name in METHODS:
        wanted = inspect.signature(getattr(transport.Transport, name)).parameters
        assert list(inspect.signature(getattr(type(made), name)).parameters) == list(wanted), name
    made.close()


def test_what_all_kinds_have_in_common_loads_none_of_them() -> None:
    code = "import sys, debate.remote.remote, debate.remote.statements; print({'urllib3', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf.add(monkeypatch)


def remote(tmp_path: Path, name: str, said: list[str]) -> tuple[Store, Remote]:
    settings: dict[str, Any] = {"root": tmp_path, "cache": tmp_path / name, "output": tmp_path}
    store = Store(tmp_path / name)
    return store, Remote(Settings(**settings, remote="shelf://5"), store, said.append)


def test_another_kind_is_a_module_and_a_row(tmp_path: Path, shelf: Shelf) -> None:
    said: list[str] = []
    (store, one), (other, two) = remote(tmp_path, "one", said), remote(tmp_path, "two", said)
    outputs = {"layer": store.put(b"layer")}
    one.send("rootfs", "a" * 64, outputs, 1.0, {})
    assert shelf.closed == 0
    one.finish()
    assert shelf.closed == 1
    one.finish()
    assert shelf.closed == 1, "there is no connection any more"
    assert two.lookup("rootfs", "a" * 64, ("layer",)) == Action("a" * 64, "rootfs", outputs, 1.0, "shelf://5")
    assert other.read(outputs["layer"], 5) == b"layer"
    assert two.lookup("rootfs", "b" * 64, ()) is None
    assert shelf.manifests.keys() == {f"rootfs-{'a' * 64}"}
    assert not [line for line in said if "sending" not in line]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("names", [(), ("layer",), ("layer", "packages", "more"), ("layer", "more")])
def test_outputs_that_the_step_does_not_have_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Later steps depend on which outputs there are, so neither may any be missing nor may any be added."""
    said: list[str] = []
    (store, one), (other, two) = remote(tmp_path, "one", said), remote(tmp_path, "two", said)
    outputs = {name: store.put(name.encode()) for name in ("layer", "packages")}
    one.send("rootfs", "a" * 64, outputs, 1.0, {})
    one.finish()
    assert two.lookup("rootfs", "a" * 64, names) is None
    assert said[-1].endswith("the statement lacks outputs of the step, or adds some")
    assert not any(map(other.has, outputs.values())), "none was fetched"
    assert two.lookup("rootfs", "a" * 64, ("packages", "layer")) is not None


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (RegistryError("a", "b"), 3), (RefusedError("a", "b"), 3), (WrongBytesError("a", "b"), 3),
        (DeniedError("a", "b"), 1), (DebateError("a", "b"), 1),
    ],
)  # fmt: skip
def test_failures_in_a_row_end_it(tmp_path: Path, shelf: Shelf, failure: Exception, tries: int) -> None:
    said: list[str] = []
    _, one = remote(tmp_path, "one", said)
    shelf.failure = failure
    assert [one.lookup("rootfs", "a" * 64, ()) for _ in range(5)] == [None] * 5
    assert (shelf.asked, len(said)) == (tries, tries)
    over = [line.endswith("; it is not used for the rest of this run") for line in said]
    assert over == [False] * (tries - 1) + [True]
    assert all(line.startswith(f"remote shelf://5: rootfs ({'a' * 16}): a; b") for line in said)


def test_modules_of_the_table_exist() -> None:
    assert all(callable(importlib.import_module(kind.module).connect) for kind in transport.KINDS.values())
