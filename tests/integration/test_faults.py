"""Full disks and damaged files: a clear line, nothing half written, and the next run works."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import random
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from debate import keys
from debate.cache.store import Store
from tests.faults import ways
from tests.integration.checkout import DOIT, Checkout, hook, host_state, ran, remembered, wait_until_gone
from tests.unit import damage

Resize = Callable[[str], None]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Path, Resize]]:
    """A file system of 30 MB, and how to give it another size."""
    target = tmp_path / "small"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(target)], check=True)

    def resize(size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(target)], check=True)

    yield target, resize
    subprocess.run(["umount", str(target)], check=True)


def test_no_space_in_the_cache(tmp_path: Path, small: tuple[Path, Resize]) -> None:
    directory, resize = small
    checkout = Checkout.make(tmp_path / "checkout", directory / "cache")
    said = checkout.doit("sandbox", status=1)
    assert "No space left on device" in said
    assert "free some space, or set DEBATE_CACHE or DEBATE_OUTPUT to another disk" in said
    assert list((directory / "cache" / "tmp").iterdir()) == [], "what was half written is gone"
    resize("1g")
    assert ran(checkout.doit("sandbox")) == {"sandbox": "built"}


def test_no_space_for_the_iso(checkout: Checkout, small: tuple[Path, Resize]) -> None:
    directory, resize = small
    said = checkout.doit("build:minimal", status=1, OUTPUT=str(directory / "build"))
    assert "No space left on device; free some space, or set DEBATE_CACHE or DEBATE_OUTPUT to another disk" in said
    output = directory / "build" / "minimal"
    assert list(output.glob("*.iso*")) == []
    assert [path.name for path in output.glob(".*")] == [".lock"]
    resize("1g")
    assert ran(checkout.doit("build:minimal", OUTPUT=str(directory / "build"))) == {"build": "built"}
    assert (output / "minimal-amd64.iso").stat().st_size > 100 << 20


@pytest.mark.parametrize("step", ["overlay", "iso"])
def test_a_damaged_object_is_made_again(checkout: Checkout, step: str) -> None:
    """One byte of a cached file changes: it is not used, and the same file is made anew."""
    hook(checkout, f"echo {step} > /etc/for-this-test\n")
    checkout.doit("build:mine")
    before = checkout.digest("mine")
    digest = next(iter(checkout.json("mine", f"{step}.json")["outputs"].values()))["digest"]
    *_, path = files_of(checkout, digest)[:2]  # Of the ISO, the template, which is all that no other step has.
    digest = keys.sha256_file(path)
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    checkout.iso("mine").unlink()
    assert ran(checkout.doit("build:mine"))[step] == "built"
    assert keys.sha256_file(path) == digest
    assert keys.sha256_file(checkout.iso("mine")) == before


def test_a_lock_edited_by_hand(checkout: Checkout) -> None:
    checkout.doit("build:minimal")
    pinned = checkout.directory / "profiles" / "minimal.lock.json"
    text = checkout.output("minimal", "lock.json").read_text()
    before, packages, after = text.partition('"packages": ')
    pinned.write_text(before + packages + after.replace('"size": ', '"size": -', 1))
    said = checkout.doit("build:minimal", status=1)
    assert re.search(r"minimal\.lock\.json:[1-9][0-9]*: package ", said), said
    assert "restore it from git, or delete it and build" in said
    pinned.write_text(text)
    checkout.doit("build:minimal")


def test_a_record_cut_short(checkout: Checkout) -> None:
    checkout.doit("build:minimal")
    record = checkout.output("minimal", "rootfs.json")
    record.write_text(record.read_text()[:20])
    said = checkout.doit("build:minimal")
    assert ran(said)["rootfs"] == "cached"


def test_a_record_that_is_gone(checkout: Checkout) -> None:
    checkout.doit("build:minimal")
    for name in ("iso.json", "hash.json", "slices/boot.json", "lock.json"):
        checkout.output("minimal", name).unlink()
        checkout.doit("build:minimal")
        assert checkout.output("minimal", name).exists()
    assert "up to date" in checkout.doit("build:minimal")


@pytest.mark.parametrize(
    "fault",
    [
        "cut",
        "closed",
        *(pytest.param(name, marks=pytest.mark.full) for name in ("emptied", "given away", "opened to all")),
    ],
)
def test_an_object_that_someone_changed(checkout: Checkout, fault: str) -> None:
    """Cut or emptied it is made again; with another owner or mode it is read again, and put right."""
    hook(checkout, f"echo '{fault}' > /etc/for-this-test\n")
    checkout.doit("build:mine")
    before = checkout.digest("mine")
    path = checkout.object(checkout.json("mine", "overlay.json")["outputs"]["layer"]["digest"])
    path.chmod(0o644)
    match fault:
        case "cut":
            os.truncate(path, 1000)
        case "emptied":
            os.truncate(path, 0)
        case "given away":
            os.chown(path, 1000, 1000)
        case "opened to all":
            path.chmod(0o666)
        case "closed":
            path.chmod(0o600)
    checkout.iso("mine").unlink()
    checkout.output("mine", "iso.json").unlink()
    said = checkout.doit("build:mine")
    assert ran(said).get("overlay") == ("built" if fault in ("cut", "emptied") else None), said
    assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (0, 0o444)
    assert f"sha256:{path.parent.name}{path.name}" == keys.sha256_file(path)
    assert keys.sha256_file(checkout.iso("mine")) == before


def test_actions_that_are_damaged(checkout: Checkout) -> None:
    """Text that is no action is a miss. The trace, which has the outputs too, would know the result again."""
    checkout.doit("build:minimal")
    key = checkout.json("minimal", "traces/boot.json")["key"]
    action = checkout.cache / "actions" / f"{key}.json"
    for text in ("", "{", "[]", '{"outputs": 5}', '{"outputs": {}, "seconds": 1}'):
        action.write_text(text)
        for name in ("boot.json", "traces/boot.json"):
            checkout.output("minimal", name).unlink()
        assert ran(checkout.doit("build:minimal"))["boot"] == "built", text


@pytest.fixture
def read_only(checkout: Checkout) -> Iterator[Checkout]:
    """A checkout whose cache cannot be written, and that has built nothing yet."""
    checkout.doit("build:minimal")
    shutil.rmtree(checkout.output("minimal"))
    subprocess.run(["mount", "--bind", checkout.cache, checkout.cache], check=True)
    try:
        deadline = time.monotonic() + 30  # The build's collector, in the background, writes for a moment.
        while subprocess.run(["mount", "-o", "remount,bind,ro", checkout.cache]).returncode:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield checkout
    finally:
        subprocess.run(["umount", checkout.cache], check=True)


def test_a_cache_that_cannot_be_written(read_only: Checkout, built: Checkout) -> None:
    """What is in it can be used, and for the rest there is one clear line."""
    read_only.pin(built)
    read_only.doit("build:minimal")
    assert read_only.digest("minimal") == built.digest("minimal")
    profile = read_only.directory / "profiles" / "minimal.yaml"
    profile.write_text(profile.read_text() + "files: [{path: /etc/new, content: x}]\n")
    said = read_only.doit("build:minimal", status=1)
    assert "Read-only file system; set DEBATE_CACHE or DEBATE_OUTPUT to a place that can be written" in said


def test_a_clock_that_was_set_back(checkout: Checkout) -> None:
    """Nothing compares times for their order: a change is seen, and what is up to date stays so."""
    preload = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    hook(checkout, "echo clock > /etc/for-this-test\n")
    checkout.doit("build:mine")

    def back(*words: str) -> str:
        argv = [DOIT, *words]
        clock = {"LD_PRELOAD": str(preload), "FAKETIME": "-40d", "FAKETIME_DONT_RESET": "1"}
        done = subprocess.run(
            argv, cwd=checkout.directory, env={**checkout.environment(), **clock}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "up to date" in back("build:mine")
    (checkout.directory / "profiles" / "hook.sh").write_text("echo cl0ck > /etc/for-this-test\n")
    os.utime(checkout.directory / "profiles" / "hook.sh", (1, 1))
    assert ran(back("build:mine"))["overlay"] == "built"
    assert "up to date" in checkout.doit("build:mine")


def test_all_files_of_a_build_are_damaged(checkout: Checkout, built: Checkout) -> None:
    """Each in another way, all at once, and in each run in other ways: one run heals them."""
    checkout.pin(built)
    checkout.doit("build:minimal")
    digest, objects = checkout.digest("minimal"), set(checkout.cache.rglob("objects/*/*/*"))
    assert objects
    kinds = itertools.cycle([*damage.PLACES, *damage.CONTENTS, "not JSON"])
    for _ in range(3):
        for path, kind in zip(remembered(checkout), kinds, strict=False):
            if kind in damage.PLACES and kind != "a socket":
                damage.put(path, kind)
            else:
                path.write_bytes(damage.CONTENTS.get(kind, path.read_bytes()[:-9]))
        (checkout.output(".doit.db")).write_bytes(os.urandom(9000))
        damage.put(checkout.output(".times.json"), "a pipe")
        said = checkout.doit("build:minimal")
        assert "build/.doit.db: is damaged, so it was put aside" in said
        assert set(ran(said).values()) <= {"cached", "built"}
        assert not set(ran(said)) & {"rootfs", "overlay", "initrd", "boot", "iso"} - {
            step for step, how in ran(said).items() if how == "cached"
        }, said
        assert checkout.digest("minimal") == digest
        assert keys.sha256_file(checkout.iso("minimal")) == digest
        assert objects <= set(checkout.cache.rglob("objects/*/*/*")), "nothing good was deleted"
        assert "up to date" in checkout.doit("build:minimal")
        shutil.rmtree(checkout.output("minimal", "rootfs.json.damaged"), ignore_errors=True)


@pytest.mark.parametrize("umask", ["000", "027", "077"])
def test_the_umask_of_the_user(checkout: Checkout, built: Checkout, umask: str) -> None:
    """Nobody else can write to what a build leaves, and everybody can look at it, also at the log of what ran."""
    checkout.pin(built)
    checkout.profile("other", f"extends: minimal\nboot: {{title: umask {umask}}}\n")
    argv = ["sh", "-c", f'umask {umask}; exec "$@"', "sh", DOIT, "build:minimal", "iso:other"]
    done = subprocess.run(argv, cwd=checkout.directory, env=checkout.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert checkout.digest("minimal") == built.digest("minimal")
    output = checkout.directory / "build"
    left = [*output.rglob("*.json"), *output.glob("minimal/minimal-amd64.*"), output / "other" / "logs" / "iso.log"]
    places = {path.parent for path in left} | {checkout.cache / name for name in ("actions", "objects", "locks")}
    assert {stat.S_IMODE(path.stat().st_mode) for path in places} == {0o755}
    assert {stat.S_IMODE(path.stat().st_mode) for path in left} == {0o644}
    for place in (output, checkout.cache):
        assert not [path for path in place.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    assert "up to date" in checkout.doit("build:minimal")


def files_of(checkout: Checkout, digest: str) -> list[Path]:
    """What the store has of an output: the object, or how it is composed and of what."""
    composition = Store(checkout.cache).composition(digest)
    if composition is None:
        return [checkout.object(digest)]
    digits = digest.removeprefix("sha256:")
    parts = [checkout.object(part.digest) for part in composition.parts]
    return [checkout.cache / "compositions" / f"{digits}.json", *parts]


def copy_needed(built: Checkout, checkout: Checkout) -> None:
    """Give another store, and nothing that it shares with the first, what `minimal` is made of."""
    checkout.pin(built)
    for name in ("minimal", ".sandbox"):
        for trace in built.output(name, "traces").glob("*.json"):
            made = json.loads(trace.read_bytes())
            for result in (made, *made.get("parts", {}).values()):
                for artifact in result.get("outputs", {}).values():
                    for path in files_of(built, artifact["digest"]):
                        target = checkout.cache / path.relative_to(built.cache)
                        target.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(path, target)
                if "key" in result:
                    (checkout.cache / "actions").mkdir(exist_ok=True)
                    shutil.copy(built.cache / "actions" / f"{result['key']}.json", checkout.cache / "actions")


@pytest.fixture(scope="module")
def faulty(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, str]]:
    """`minimal`, built, in a store of its own, and the digest of the ISO."""
    checkout = Checkout.make(tmp_path_factory.mktemp("faulty") / "own")
    copy_needed(built, checkout)
    checkout.doit("build:minimal")
    yield checkout, checkout.digest("minimal")
    shutil.rmtree(checkout.directory)


def test_a_store_that_another_user_could_write_to(tmp_path: Path, built: Checkout) -> None:
    """They changed a byte of one object, gave an action the name of another, and left all times as they were."""
    checkout = Checkout.make(tmp_path / "own")
    copy_needed(built, checkout)
    checkout.doit("build:minimal")
    layer = checkout.object(checkout.json("minimal", "overlay.json")["outputs"]["layer"]["digest"])
    data = bytearray(layer.read_bytes())
    data[1000] ^= 1
    layer.write_bytes(data)
    os.utime(layer, ns=(0, 0))
    actions = checkout.cache / "actions"
    boot, iso = (actions / f"{checkout.json('minimal', f'traces/{n}.json')['key']}.json" for n in ("boot", "iso"))
    os.replace(boot, iso)
    for path in (checkout.cache, *checkout.cache.rglob("*")):
        os.chown(path, 1001, 1001)
        if path.is_dir():
            path.chmod(0o777)
    for name in ("boot.json", "traces/boot.json", "iso.json", "traces/iso.json", "minimal-amd64.iso"):
        checkout.output("minimal", name).unlink()
    said = checkout.doit("build:minimal")
    assert "others could write to it; its files are read again before they are used" in said
    assert "its content was not what its name says, so it was removed" in said
    assert {step for step, how in ran(said).items() if how == "built"} >= {"overlay", "boot", "iso"}
    assert checkout.digest("minimal") == built.digest("minimal")
    said = checkout.doit("fsck", status=1)  # Actions that no step has looked up are still the other user's.
    assert "actions removed, because each was damaged" in said
    assert "all match their digests" in checkout.doit("fsck")


@pytest.mark.parametrize("way", ["records", "database", "user", "collector"])
def test_one_run_heals(faulty: tuple[Checkout, str], way: str) -> None:
    """One of what `python -m tests.faults` tries over and over. Killed builds are in test_kill.py."""
    checkout, digest = faulty
    before = host_state()
    did = ways.fault(checkout, way, random.Random(way))  # noqa: S311 - no secret
    sys.stdout.write(did)  # pytest shows it if the test fails.
    ways.recover(checkout, digest, before)


OTHER_USER = """\
import fcntl, os, sys, time
os.setgroups([])
os.setgid(1001)
os.setuid(1001)
held = {}
def attempt(what, path, act):
    try:
        act()
    except OSError:
        return
    print(what, path, flush=True)
print("started", flush=True)
while True:
    time.sleep(0.05)
    for directory, _, names in os.walk(sys.argv[1]):
        attempt("made", directory, lambda: os.mkdir(f"{directory}/theirs"))
        attempt("opened the directory", directory, lambda: os.chmod(directory, 0o777))
        for path in (f"{directory}/{name}" for name in names):
            attempt("wrote to", path, lambda: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)))
            attempt("renamed", path, lambda: os.rename(path, f"{path}.theirs"))
            attempt("removed", path, lambda: os.unlink(path))
            try:
                file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                found = os.fstat(file).st_ino
                if found in held or len(held) > 900:
                    os.close(file)
                else:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    held[found] = file
            except OSError:
                pass
"""
"""Tries to change all that is below a directory, and holds the lock of each file that can be read. Prints what it could
do. It becomes another user when Python is loaded, which may lie where only root can read."""


@contextlib.contextmanager
def another_user(directory: Path) -> Iterator[None]:
    """Let another user loose on ``directory``, and assert that nothing there could be changed."""
    argv = [sys.executable, "-c", OTHER_USER, directory]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        try:
            yield
        finally:
            process.kill()
            did = process.stdout.read()
    assert did == ""


def test_another_user_on_the_machine(built: Checkout) -> None:
    """Who can enter the checkout and its cache changes nothing there, and holds no lock that a builder waits for."""
    with tempfile.TemporaryDirectory(prefix="debate-faults-") as name:
        Path(name).chmod(0o755)
        checkout = Checkout.make(Path(name) / "checkout")
        copy_needed(built, checkout)
        checkout.pin_as("mine", built)
        hook(checkout, "echo beside > /etc/another-user\n")
        with another_user(checkout.directory):
            assert ran(checkout.doit("build:mine"))["overlay"] == "built"
            checkout.doit("gc", "--size", "1")
            assert "up to date" in checkout.doit("build:mine")
        assert "all match their digests" in checkout.doit("fsck")


_POWER_CUT = 0x8004587D, struct.pack("I", 2)
"""EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: what was not written to the disk by now is lost."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 file system of its own."""
    image, target = tmp_path / "disk.img", tmp_path / "disk"
    target.mkdir()
    with image.open("wb") as file:
        file.truncate(6 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, target], check=True)
    yield target
    unmount(target)
    image.unlink()


def unmount(disk: Path) -> None:
    """What has ended may still be on its way out: the mount name space of a sandbox has a copy of the mount."""
    deadline = time.monotonic() + 60
    while (done := subprocess.run(["umount", disk], capture_output=True, text=True, check=False)).returncode:
        assert time.monotonic() < deadline, done.stderr + holders(disk)
        time.sleep(0.1)


def holders(disk: Path) -> str:
    """The processes with a directory or a file of a mount, a line each."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for link in (process / "cwd", process / "root", process / "exe", *process.glob("fd/*")):
            with contextlib.suppress(OSError):
                if Path(os.readlink(link)).is_relative_to(disk):
                    found.append(f"{link}: {os.readlink(link)} of {(process / 'cmdline').read_bytes()!r}\n")
    return "".join(found)


def cut_power(disk: Path, builder: subprocess.Popen[str], before: dict[str, list[str]]) -> None:
    """Lose whatever ran, and what it had not synced. Then the file system is as its journal has it."""
    directory = os.open(disk, os.O_RDONLY)
    fcntl.ioctl(directory, *_POWER_CUT)
    os.close(directory)
    builder.kill()
    said, _ = builder.communicate()
    assert "Traceback" not in said, said
    wait_until_gone(before)
    for path in sorted(Path("/sys/fs/cgroup").rglob(f"debate-{builder.pid}-*"), reverse=True):
        path.rmdir()  # The next builder removes those of a dead one, which it knows by files that are lost.
    unmount(disk)
    subprocess.run(["mount", "-o", "loop", disk.with_suffix(".img"), disk], check=True)


def test_a_power_cut(disk: Path, built: Checkout) -> None:
    """While one step runs, while the last one runs, and when it has just ended: the next run heals what is left."""
    checkout = Checkout.make(disk / "checkout")
    copy_needed(built, checkout)
    checkout.pin_as("mine", built)
    hook(checkout, "echo power > /etc/for-this-test\n")
    checkout.doit("build:mine")
    digest = checkout.digest("mine")
    for moment in ("-overlay", "-iso", "end"):
        for step in ("overlay", "iso"):
            key = checkout.json("mine", f"traces/{step}.json")["key"]
            (checkout.cache / "actions" / f"{key}.json").unlink()
            for artifact in checkout.json("mine", f"{step}.json")["outputs"].values():
                checkout.object(artifact["digest"]).unlink(missing_ok=True)
        shutil.rmtree(checkout.output("mine"))
        os.sync()
        before = host_state()
        builder = checkout.start("build:mine")
        while builder.poll() is None and not list((checkout.cache / "tmp").glob(f"*{moment}")):
            time.sleep(0.01)
        assert (builder.poll() is None) == (moment != "end")
        cut_power(disk, builder, before)
        checkout.doit("build:mine")
        assert checkout.digest("mine") == digest
        assert keys.sha256_file(checkout.iso("mine")) == digest
    assert "all match their digests" in checkout.doit("fsck")
    for path in checkout.cache.glob("objects/sha256/*/*"):
        assert keys.sha256_file(path) == f"sha256:{path.parent.name}{path.name}", path
