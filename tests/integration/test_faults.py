"""Full disks and damaged files: a clear line, nothing half written, and the next run works."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from debate import keys
from tests.integration.checkout import Checkout, ran

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
    assert list(output.glob(".*")) == []
    resize("1g")
    assert ran(checkout.doit("build:minimal", OUTPUT=str(directory / "build"))) == {"build": "built"}
    assert (output / "minimal-amd64.iso").stat().st_size > 100 << 20


@pytest.mark.parametrize("step", ["overlay", "iso"])
def test_a_damaged_object_is_made_again(checkout: Checkout, step: str) -> None:
    """One byte of a cached file changes: it is not used, and the same file is made anew."""
    (checkout.directory / "profiles" / "hook.sh").write_text(f"echo {step} > /etc/for-this-test\n")
    checkout.profile("mine", "extends: minimal\nhooks: [hook.sh]\n")
    checkout.doit("build:mine")
    before = checkout.digest("mine")
    digest = next(iter(checkout.json("mine", f"{step}.json")["outputs"].values()))["digest"]
    path = checkout.object(digest)
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
    pinned.write_text(text.replace('"size": ', '"size": -', 1))
    said = checkout.doit("build:minimal", status=1)
    assert "minimal.lock.json: package " in said
    assert "restore it from git, or delete it and build" in said
    pinned.write_text(text)
    checkout.doit("build:minimal")


def test_a_record_cut_short(checkout: Checkout) -> None:
    checkout.doit("build:minimal")
    record = checkout.output("minimal", "rootfs.json")
    record.write_text(record.read_text()[:20])
    said = checkout.doit("build:minimal")
    assert ran(said)["rootfs"] == "cached"
