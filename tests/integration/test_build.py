"""`doit build:minimal`: what it leaves, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from debate import keys
from tests.integration.checkout import SANDBOXED, Checkout, packing, ran


@pytest.fixture(scope="module")
def disc(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is on the ISO."""
    return built.unpack("minimal", tmp_path_factory.mktemp("disc"))


def test_results(built: Checkout) -> None:
    names = {path.name for path in built.output("minimal").iterdir()}
    assert {
        "minimal-amd64.iso", "minimal-amd64.iso.sha256", "minimal-amd64.cdx.json", "minimal-amd64.packages",
        "manifest.json", "logs", "traces",
    } <= names  # fmt: skip
    for step in SANDBOXED:
        assert built.output("minimal", "logs", f"{step}.log").exists(), step


def test_checksum(built: Checkout) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "minimal-amd64.iso.sha256"], cwd=built.output("minimal"), capture_output=True, text=True
    )
    assert done.stdout == "minimal-amd64.iso: OK\n"
    assert keys.sha256_file(built.iso("minimal")) == built.digest("minimal")


def test_manifest(built: Checkout) -> None:
    manifest = built.json("minimal", "manifest.json")
    locked = {package["name"]: package for package in built.json("minimal", "lock.json")["packages"]}
    assert {package["name"] for package in manifest["packages"]} == locked.keys()
    assert all(package["installed"] % 1024 == 0 for package in locked.values())
    for package in manifest["packages"]:
        assert package["version"] == locked[package["name"]]["version"]
        assert package["source"]
        assert package["source_version"]
        assert package["sha256"] == locked[package["name"]]["sha256"]
    assert manifest["config"] == built.json("minimal", "hash.json")["config"]
    assert manifest["epoch"] == keys.epoch(manifest["config"])
    for artifact in (*manifest["layers"], manifest["kernel"], manifest["initrd"]):
        assert built.object(artifact["digest"]).stat().st_size == artifact["size"]
    assert built.iso("minimal").stat().st_size == manifest["iso"]["size"]
    assert {"squashfs-tools", "xorriso", "grub-pc-bin"} <= manifest["sandbox"]["tools"].keys()


VALIDATE = """\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(str(problem) if problem else 0)
"""


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CycloneDX's own validator, beside the project's environment: its dependencies make jsonschema slow to load."""
    target = tmp_path_factory.mktemp("validator")
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "install", "--target", str(target)]
    subprocess.run([*pip, "cyclonedx-python-lib[json-validation]>=8"], check=True)
    return target


def test_sbom(built: Checkout, validator: Path) -> None:
    text = built.output("minimal", "minimal-amd64.cdx.json").read_text()

    def validate(document: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", VALIDATE]
        return subprocess.run(
            argv, input=document, env={"PYTHONPATH": str(validator)}, capture_output=True, text=True, check=False
        )

    done = validate(text)
    assert done.returncode == 0, done.stderr
    assert validate(text.replace('"library"', '"nonsense"')).returncode != 0, "the validator looks"
    sbom = json.loads(text)
    lock = built.json("minimal", "lock.json")
    assert lock["unpacked"], "Secure Boot needs some"
    assert len(sbom["components"]) == len(lock["packages"]) + len(lock["unpacked"])
    systemd = next(component for component in sbom["components"] if component["name"] == "systemd")
    assert systemd["purl"].startswith("pkg:deb/debian/systemd@")


def test_the_disc_carries_the_layers_as_they_are(built: Checkout, disc: Path) -> None:
    manifest = built.json("minimal", "manifest.json")
    names = (disc / "live" / "filesystem.module").read_text().split()
    assert [keys.sha256_file(disc / "live" / name) for name in names] == [
        layer["digest"] for layer in manifest["layers"]
    ]
    assert keys.sha256_file(disc / "live" / "vmlinuz") == manifest["kernel"]["digest"]


def test_layers_are_packed_as_the_profile_says(disc: Path) -> None:
    names = (disc / "live" / "filesystem.module").read_text().split()
    assert len(names) == 2
    assert {packing(disc / "live" / name) for name in names} == {("zstd", "9", 1 << 20)}


def test_every_time_on_the_disc_is_the_epoch(built: Checkout, disc: Path) -> None:
    epoch = built.json("minimal", "hash.json")["epoch"]
    times = {path.name: int(path.lstat().st_mtime) for path in disc.rglob("*")}
    assert len(times) > 5
    assert set(times.values()) == {epoch}, times


def test_no_layer_has_a_time_after_its_epoch_or_a_trace_of_the_builder(built: Checkout) -> None:
    manifest = built.json("minimal", "manifest.json")
    layer = str(built.object(manifest["layers"][0]["digest"]))
    listing = subprocess.run(["unsquashfs", "-llnumeric", layer], capture_output=True, text=True, check=True).stdout
    years = {line.split()[3][:4] for line in listing.splitlines() if line.count(" ") > 4 and "squashfs-root" in line}
    assert years <= {str(year) for year in range(1990, 2026)}
    for name in ("etc/machine-id", "etc/apt/sources.list", "var/lib/apt/lists/lock"):
        done = subprocess.run(["unsquashfs", "-cat", layer, name], capture_output=True, text=True)
        assert done.stdout == "", name
    assert "/run/in" not in listing


def test_nothing_to_do(built: Checkout) -> None:
    said = built.doit("build:minimal")
    assert ran(said) == {}
    assert "up to date" in said


def test_a_lost_iso_is_put_back(checkout: Checkout) -> None:
    checkout.doit("build:minimal")
    checkout.iso("minimal").write_bytes(b"damaged")
    assert ran(checkout.doit("build:minimal")) == {"build": "built"}
    assert keys.sha256_file(checkout.iso("minimal")) == checkout.digest("minimal")


def test_clean(checkout: Checkout) -> None:
    checkout.doit("build:minimal")
    iso = checkout.iso("minimal")
    checkout.doit("clean", "build:minimal")
    assert not iso.exists()
    assert not checkout.output("minimal", "manifest.json").exists()
    assert set(ran(checkout.doit("build:minimal"))) == {"build"}
