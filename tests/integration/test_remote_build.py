"""Builds that share a registry: what one makes the others need not, and no fault of the registry spoils an ISO."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from debate import keys
from debate.cache.store import Store
from tests.conftest import ROOT
from tests.integration.checkout import CACHED, DOIT, Checkout, finish, hook, ran
from tests.integration.registry import Registry, Wire


@dataclass(frozen=True)
class Team:
    """A registry that knows `minimal`, and the checkout it came from."""

    registry: Registry
    first: Checkout

    def checkout(self, directory: Path, cache: Path | None = None) -> Checkout:
        """Another checkout with the same lock."""
        made = Checkout.make(directory, cache)
        made.pin(self.first)
        return made

    def beside_full_cache(self, directory: Path) -> Checkout:
        """Another checkout with a cache of its own that has what `minimal` is made of."""
        made = self.checkout(directory)
        subprocess.run(["cp", "-al", str(self.first.cache), str(made.cache)], check=True)
        return made


def stored(directory: Path) -> int:
    """Bytes of all files."""
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def team(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    registry = Registry.make(tmp_path_factory.mktemp("registry") / "registry")
    first = Checkout.make(tmp_path_factory.mktemp("first") / "checkout", built.cache)
    first.pin(built)
    first.doit("build:minimal")
    said = first.doit("push:minimal", **registry.settings())
    assert f":iso-{first.json('minimal', 'hash.json')['config']}" in said
    yield Team(registry, first)
    registry.stop()


@pytest.fixture
def wire(team: Team) -> Iterator[Wire]:
    made = Wire(team.registry.port)
    yield made
    made.close()


def without_sandbox(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have every start of systemd-nspawn fail, and noted in the file that this returns."""
    directory.mkdir()
    started = directory / "started"
    program = directory / "systemd-nspawn"
    program.write_text(f"#!/bin/sh\necho started >> {started}\nexit 1\n")
    program.chmod(0o755)
    path = f"{directory}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    monkeypatch.setenv("PATH", path)
    return started


def test_a_second_checkout_starts_no_sandbox(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = team.checkout(tmp_path / "second")
    started = without_sandbox(tmp_path / "bin", monkeypatch)
    said = second.doit("build:minimal", **team.registry.settings(REMOTE_MODE="read-only"))
    assert not started.exists()
    assert second.digest("minimal") == team.first.digest("minimal")
    assert set(ran(said).values()) <= {"remote", "built"}
    stored = ("sandbox", *CACHED)
    assert [ran(said)[step] for step in stored] == ["remote"] * len(stored)
    packages = second.json("minimal", "lock.json")["packages"]
    assert not any(second.object(package["sha256"]).exists() for package in packages), "none was needed"
    assert "up to date" in second.doit("build:minimal", **team.registry.settings())
    assert "up to date" in second.doit("build:minimal"), "whatever the remote"


def test_a_build_sends_what_it_makes(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile more costs its own steps in one checkout, and nothing in the next."""
    one, two = team.beside_full_cache(tmp_path / "one"), team.checkout(tmp_path / "two")
    for checkout in (one, two):
        hook(checkout, "echo sent > /etc/sent\n")
        checkout.pin_as("mine", team.first)
    said = one.doit("build:mine", **team.registry.settings())
    assert ran(said)["overlay"] == ran(said)["iso"] == "built"
    started = without_sandbox(tmp_path / "bin", monkeypatch)
    said = two.doit("build:mine", **team.registry.settings())
    assert not started.exists()
    assert two.digest("mine") == one.digest("mine") != team.first.digest("minimal")


def template(one: Checkout) -> str:
    """Digest of what only the ISO of `mine` has."""
    composition = Store(one.cache).composition(one.digest("mine"))
    assert composition
    return composition.template.digest


def test_what_has_a_secret_is_sent_nowhere(team: Team, tmp_path: Path) -> None:
    """Until its profile allows it. Nothing runs again then but the search."""
    one = team.beside_full_cache(tmp_path / "one")
    body = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MbzYLdZ7ZvVy7F7V"
    hook(one, f"printf -- '-----BEGIN %s-----\\n{body}\\n' 'PRIVATE KEY' > /etc/x.key\n")
    one.pin_as("mine", team.first)
    said = one.doit("build:mine", status=1, **team.registry.settings())
    assert "hooks: /etc/x.key is a private key, and all machines that boot the ISO would share it" in said
    settings = team.registry.settings()
    assert f"not sent to {settings['REMOTE']}, since no search for secrets has passed it: " in said
    layer = one.artifact("mine", "overlay", "layer")
    assert one.object(layer.digest).exists()
    assert not team.registry.blob(layer.digest).exists()
    with (one.directory / "profiles" / "mine.yaml").open("a") as file:
        file.write("secrets: {allow: [/etc/x.key]}\n")
    said = one.doit("build:mine", **settings)
    assert "overlay" not in ran(said)
    assert "not sent" not in said
    assert team.registry.blob(layer.digest).exists()
    assert team.registry.blob(template(one)).exists()


def altered(team: Team, one: Checkout, _: Wire) -> dict[str, str]:
    blob = team.registry.blob(template(one))
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    return team.registry.settings()


def missing(team: Team, one: Checkout, _: Wire) -> dict[str, str]:
    team.registry.forget_blob(template(one))
    return team.registry.settings()


def denied(team: Team, _: Checkout, __: Wire) -> dict[str, str]:
    return team.registry.settings(**{"REMOTE_PASSWORD": "wrong"})


def gone(team: Team, _: Checkout, wire: Wire) -> dict[str, str]:
    wire.close()
    return team.registry.settings(port=wire.port)


def cut(team: Team, _: Checkout, wire: Wire) -> dict[str, str]:
    wire.cut, wire.cuts = 100 << 10, 1000
    return team.registry.settings(port=wire.port)


FAULTS: dict[str, tuple[Callable[[Team, Checkout, Wire], dict[str, str]], str]] = {
    "altered": (altered, "sent other bytes, which were rejected"),
    "missing": (missing, "answered 404"),
    "denied": (
        denied,
        "rejected the credentials, or requires some; log in, or set "
        "DEBATE_REMOTE_USER and DEBATE_REMOTE_PASSWORD; it is not used",
    ),
    "gone": (gone, "connection refused"),
    "cut": (cut, ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_registry_that_fails_spoils_nothing(team: Team, tmp_path: Path, wire: Wire, fault: str) -> None:
    one, two = team.beside_full_cache(tmp_path / "one"), team.beside_full_cache(tmp_path / "two")
    for checkout in (one, two):
        hook(checkout, f"echo {fault} > /etc/fault\n")
        checkout.pin_as("mine", team.first)
    one.doit("build:mine", **team.registry.settings())
    break_it, message = FAULTS[fault]
    said = two.doit("build:mine", **break_it(team, one, wire))
    assert message in said, said
    assert two.digest("mine") == one.digest("mine")
    expected = {"altered": ("remote", "built"), "missing": ("remote", "built"), "cut": ("remote", "remote")}
    assert (ran(said)["overlay"], ran(said)["iso"]) == expected.get(fault, ("built", "built"))


def test_a_registry_that_is_full(team: Team, tmp_path: Path) -> None:
    one, two = team.beside_full_cache(tmp_path / "one"), team.beside_full_cache(tmp_path / "two")
    for checkout in (one, two):
        hook(checkout, "echo full > /etc/full\n")
        checkout.pin_as("mine", team.first)
    storage = tmp_path / "storage"
    storage.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(storage)], check=True)
    registry = Registry.make(tmp_path / "registry", storage)
    try:
        said = one.doit("build:mine", **registry.settings())
    finally:
        registry.stop()
        subprocess.run(["umount", str(storage)], check=True)
    # Whatever is sent beside the ISO fails, too.
    assert re.search(r"remote oci.*: \w+ was not sent: the (registry answered [45]|connection was lost)", said), said
    two.doit("build:mine")
    assert one.digest("mine") == two.digest("mine")


def test_a_registry_that_is_slow_and_restarted(team: Team, tmp_path: Path, wire: Wire) -> None:
    """In the middle of a download the registry is gone for a moment: it goes on where it was."""
    second = team.checkout(tmp_path / "second")
    wire.rate = 40 << 20
    process = second.start("build:minimal", **team.registry.settings(port=wire.port))
    layer = second.cache / "incoming" / team.first.artifact("minimal", "rootfs", "layer").digest.removeprefix("sha256:")
    deadline = time.monotonic() + 120
    while not (layer.exists() and layer.stat().st_size > 1 << 20):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    team.registry.stop()
    time.sleep(0.3)
    team.registry.start()
    wire.rate = 0
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert second.digest("minimal") == team.first.digest("minimal")
    assert ran(said)["rootfs"] == "remote", said


def test_eight_builders_at_once(team: Team, tmp_path: Path) -> None:
    checkouts = [team.beside_full_cache(tmp_path / str(number)) for number in range(8)]
    for checkout in checkouts:
        hook(checkout, "echo eight > /etc/eight\n")
        checkout.pin_as("mine", team.first)
    processes = [checkout.start("build:mine", **team.registry.settings()) for checkout in checkouts]
    for said in finish(processes):
        assert "remote oci" not in said, said
    assert len({checkout.digest("mine") for checkout in checkouts}) == 1


def as_user(checkout: Checkout, *words: str, **settings: str) -> str:
    """What doit says to a user who is not root and has no right but to these files."""
    done = subprocess.run(
        ["unshare", "--user", "--map-user=1000", "--map-group=1000", DOIT, *words],
        cwd=checkout.directory, env=checkout.environment(**settings), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert "Traceback" not in done.stdout
    return done.stdout


def test_pull_an_iso_without_root(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = team.checkout(tmp_path / "user")
    started = without_sandbox(tmp_path / "bin", monkeypatch)
    said = as_user(user, "pull:minimal", **team.registry.settings())
    assert team.first.digest("minimal") in said
    for path in sorted(team.first.output("minimal").glob("minimal-amd64.*")):
        assert user.output("minimal", path.name).read_bytes() == path.read_bytes(), path.name
    assert not started.exists()
    assert not user.cache.exists()
    assert "0 B fetched" in as_user(user, "pull:minimal", **team.registry.settings()), "it is there"
    assert "building needs root" in as_user(user, "build:minimal", **team.registry.settings())


def test_put_an_iso_together_without_debate(team: Team, tmp_path: Path) -> None:
    """As the documentation says: with skopeo, and a few lines of Python."""
    config = team.first.json("minimal", "hash.json")["config"]
    team.registry.skopeo("copy", f"@:iso-{config}", f"dir:{tmp_path / 'parts'}")
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/cache.md").read_text(), re.DOTALL)
    subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, check=True)
    assert keys.sha256_file(tmp_path / "live.iso") == team.first.digest("minimal")
    largest = max((tmp_path / "parts").iterdir(), key=lambda path: path.stat().st_size)
    assert largest.stat().st_size < (tmp_path / "live.iso").stat().st_size * 0.8, "the ISO itself is no blob"


def test_a_second_iso_of_the_same_layers_costs_its_template(team: Team, tmp_path: Path) -> None:
    """To keep, to send and to fetch: at most a hundredth of the ISO."""
    mine = team.beside_full_cache(tmp_path / "mine")
    mine.profile("menu", "extends: minimal\nboot: {title: Another menu}\n")
    mine.doit("build:menu", "push:menu", **team.registry.settings())
    size = mine.output("menu", "menu-amd64.iso").stat().st_size
    shutil.copy(mine.output("menu", "lock.json"), mine.directory / "profiles" / "menu.lock.json")
    before, blobs = stored(mine.cache), stored(team.registry.storage)
    mine.profile("menu", "extends: minimal\nboot: {title: Yet another menu}\n")
    mine.doit("build:menu", **team.registry.settings(REMOTE_MODE="read-only"))
    assert 0 < stored(mine.cache) - before < size / 100
    mine.doit("push:menu", **team.registry.settings())
    assert 0 < stored(team.registry.storage) - blobs < size / 100
    digest = mine.digest("menu")

    other = team.beside_full_cache(tmp_path / "other")
    for name in ("menu.yaml", "menu.lock.json"):
        shutil.copy(mine.directory / "profiles" / name, other.directory / "profiles" / name)
    said = other.doit("pull:menu", **team.registry.settings())
    fetched = re.search(r"menu-amd64\.iso  ([0-9.]+) kB fetched  (\S+)", said)
    assert fetched, said
    assert float(fetched[1]) * 1e3 < size / 100, "SBOM and manifest are most of it"
    assert keys.sha256_file(other.output("menu", "menu-amd64.iso")) == digest == fetched[2]


def test_an_interrupted_pull_goes_on(team: Team, tmp_path: Path) -> None:
    user = team.checkout(tmp_path / "user")
    config = team.first.json("minimal", "hash.json")["config"]
    layers = json.loads(team.registry.skopeo("inspect", "--raw", f"@:iso-{config}"))["layers"]
    largest = max(layers, key=lambda layer: int(layer["size"]))["digest"]
    blob = team.registry.blob(largest)
    aside = blob.rename(blob.with_name("aside"))
    try:
        said = as_user(user, "pull:minimal", **team.registry.settings())
        assert "answered 404" in said
    finally:
        aside.rename(blob)
    assert not user.output("minimal", "minimal-amd64.iso").exists()
    asked = {layer["digest"]: team.registry.asked("GET", layer["digest"]) for layer in layers}
    said = as_user(user, "pull:minimal", **team.registry.settings())
    assert team.first.digest("minimal") in said
    again = [digest for digest, times in asked.items() if team.registry.asked("GET", digest) > times]
    assert largest in again
    others = {layer["digest"] for layer in layers if layer["mediaType"] == "application/octet-stream"} - {largest}
    assert not others.intersection(again), "what had been fetched is not fetched again"
    assert not user.output("minimal", ".parts").exists()


def test_pull_what_nobody_has_pushed(team: Team, tmp_path: Path) -> None:
    mine = team.checkout(tmp_path / "mine")
    mine.profile("mine", "extends: minimal\nhostname: never-built\n")
    said = mine.doit("pull:mine", status=1, **team.registry.settings())
    assert "has no ISO of mine with the config" in said
    assert "doit push:mine sends one after a build" in said
    assert "no remote is set; set DEBATE_REMOTE=oci://" in mine.doit("pull:mine", status=3)


def test_pull_of_other_packages_than_the_lock_names(team: Team, tmp_path: Path) -> None:
    mine = team.checkout(tmp_path / "mine")
    lock = mine.directory / "profiles" / "minimal.lock.json"
    lock.write_text(lock.read_text().replace('"version": "', '"version": "9', 1))
    said = mine.doit("pull:minimal", status=1, **team.registry.settings())
    assert "is made of other packages than those in profiles/minimal.lock.json; run doit build:" in said


def test_garbage_collection_beside_builds(team: Team, tmp_path: Path) -> None:
    """In a loop, as small as it goes, while builds run on the same cache and two others download into it."""
    one = team.beside_full_cache(tmp_path / "one")
    others = [team.checkout(tmp_path / f"other{number}", one.cache) for number in range(2)]
    collector = team.checkout(tmp_path / "collector", one.cache)
    over, said = threading.Event(), list[str]()

    def collect() -> None:
        while not over.is_set():
            said.append(collector.doit("gc", "--size", "1"))

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        for number in range(2):
            for checkout in (one, *others):
                hook(checkout, f"echo {number} > /etc/collected\n")
                checkout.pin_as("mine", team.first)
            processes = [checkout.start("build:mine", **team.registry.settings()) for checkout in (one, *others)]
            for process in processes:
                told, _ = process.communicate()
                assert process.returncode == 0, told
            assert len({checkout.digest("mine") for checkout in (one, *others)}) == 1
    finally:
        over.set()
        thread.join()
    assert len(said) > 2
    assert "all match their digests" in one.doit("fsck")
    assert "up to date" in one.doit("build:mine"), "what records need is still there"


def test_the_cache_is_kept_within_its_bound_after_a_build(team: Team, tmp_path: Path) -> None:
    """By a process of its own, which finds that what was used just now is needed."""
    one = team.beside_full_cache(tmp_path / "one")
    hook(one, "echo bound > /etc/bound\n")
    one.pin_as("mine", team.first)
    one.doit("build:mine", CACHE_SIZE="1")
    lock = one.cache / "locks" / "collecting"
    deadline = time.monotonic() + 30
    while not lock.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with Store(one.cache).alone("collecting"):
        assert "up to date" in one.doit("build:mine")
