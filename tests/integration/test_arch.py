"""Arch Linux, from a signed repository made of Debian packages: lock, signatures, the same bytes, boots."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from debate import keys, shipped
from debate.commands.logic.verify import compared
from tests.integration import cpio, mkinitcpio, pacman_repository
from tests.integration.checkout import Checkout, packing, ran
from tests.integration.pacman_repository import PROFILE, Repository

DENIER = (
    "post_install() {\n    setsid bash -c 'while :; do rm -rf /var/lib/pacman/local/denier-*; sleep 0.002; done' "
    "< /dev/null > /dev/null 2>&1 &\n}\n"
)
"""It stays on, and removes the package from the database of the system."""
TAKER = "post_install() {\n    rm /usr/share/taker\n}\n"
BROKEN = "post_install() {\n    echo the script fails >&2\n    exit 3\n}\n"


@pytest.fixture(scope="module")
def repository(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Debian's packages of a system with dracut and pacman, as pacman's."""
    directory = tmp_path_factory.mktemp("arch")
    source = Checkout.make(directory / "source", built.cache)
    made = pacman_repository.from_debian(source, directory / "mirror")
    work = directory / "work"
    work.mkdir()
    made.publish(
        made.add(pacman_repository.plain(work, "probe", "1.0-1", {"usr/share/probe": "probe"})),
        made.add(pacman_repository.plain(work, "broken", "1.0-1", {"usr/share/broken": "broken"}, BROKEN)),
        made.add(pacman_repository.plain(work, "denier", "1.0-1", {"usr/share/denier": "x"}, DENIER)),
        made.add(pacman_repository.plain(work, "taker", "1.0-1", {"usr/share/taker": "x"}, TAKER)),
        made.add(pacman_repository.plain(work, "twin", "1.0-1", {"usr/share/probe": "x"})),
        made.add(pacman_repository.plain(work, "unsigned", "1.0-1", {"usr/share/unsigned": "x"}), sign=False),
    )
    return made


def copied(repository: Repository, directory: Path) -> Repository:
    """The same mirror, to be changed."""
    mirror = directory / "mirror"
    shutil.copytree(repository.directory, mirror, copy_function=os.link)
    (directory / "work").mkdir()
    return Repository(mirror, repository.home, repository.key)


@pytest.fixture(scope="module")
def arch(built: Checkout, repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which `arch` was built. Tests leave it as it is."""
    made = Checkout.make(tmp_path_factory.mktemp("built-arch") / "checkout", built.cache)
    made.profile("arch", PROFILE)
    made.doit("build:arch", **repository.settings)
    return made


def test_lock(arch: Checkout, repository: Repository) -> None:
    lock = arch.json("arch", "lock.json")
    packages = {package["name"]: package for package in lock["packages"]}
    dates = {each["suite"]: each["date"] for each in lock["archives"]}
    assert dates.keys() == {"core", "extra"}
    assert dates["core"] > "2026", "that of its newest package"
    assert arch.json("arch", "manifest.json")["archives"] == lock["archives"]
    assert {"base", "linux", "dracut", "filesystem", "pacman"} <= packages.keys()
    for package in packages.values():
        assert package["signature"]
        assert package["path"].startswith("core/os/x86_64/")
    assert packages["linux"]["installed"] > 0
    assert str(repository.directory) not in json.dumps(packages)
    assert "up to date" in arch.doit("build:arch", **repository.settings)


def test_images_are_packed_as_the_profile_says(arch: Checkout) -> None:
    for step in ("rootfs", "overlay"):
        assert packing(arch.object(arch.artifact("arch", step, "layer").digest)) == ("zstd", "9", 1 << 20)
    names = [layer["name"] for layer in arch.json("arch", "manifest.json")["layers"]]
    assert names == ["packages", "overlay"]
    argv = ["unsquashfs", "-lls", arch.object(arch.artifact("arch", "overlay", "layer").digest)]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    times = re.findall(r"(\S+ \S+) squashfs-root/(?:usr|etc/\.updated|var/\.updated)$", listed, re.MULTILINE)
    assert len(times) == 3
    assert len(set(times)) == 1, "the first boot has nothing to update"


@pytest.mark.parametrize("firmware", ["bios", pytest.param("uefi", marks=pytest.mark.full)])
def test_it_boots(arch: Checkout, repository: Repository, firmware: str) -> None:
    arch.check(arch.only(firmware, "arch"), "arch login: ", firmware, **repository.settings)


def test_the_same_bytes(arch: Checkout, repository: Repository) -> None:
    """Under other conditions, and with a cache that has no step of it."""
    said = arch.doit("verify:arch", **repository.settings)
    assert f"identical, bit for bit: {', '.join(compared())}" in said


def test_a_package_more(arch: Checkout, repository: Repository) -> None:
    """On another profile's packages it is one small layer, and pacman finds all files as they came."""
    (arch.directory / "profiles" / "look.sh").write_text("pacman -Qkk > /looked 2>&1 || true\n")
    arch.profile("more", f"base: arch\n{PROFILE}packages: [probe, taker]\nhooks: [look.sh]\n")
    said = arch.doit("build:more", **repository.settings)
    assert ran(said, "more")["rootfs"] == "built"
    assert "taker: /usr/share/taker is not there, though it was installed: a script of a package removed" in said
    assert arch.artifact("more", "rootfs", "layer").size < 5_000_000
    names = {line.split("\t")[0] for line in arch.object(
        arch.artifact("more", "rootfs", "packages").digest).read_text().splitlines()}  # fmt: skip
    assert {"probe", "base", "linux"} <= names
    image = arch.object(arch.artifact("more", "overlay", "layer").digest)
    looked = subprocess.run(["unsquashfs", "-cat", str(image), "looked"], capture_output=True, text=True, check=True)
    said = looked.stdout
    assert re.search(r"^probe: \d+ total files", said, re.MULTILINE)
    # Times are clamped to the layer's epoch, and /proc and /sys are mounts of the sandbox here.
    altered = re.findall(r"^warning: \S+: (\S+) \((?!Modification time|No such file)", said, re.MULTILINE)
    assert set(altered) <= {"/proc", "/sys", "/etc/credstore", "/etc/credstore.encrypted"}  # by tmpfiles.d
    gone = re.findall(r"^warning: \S+: (\S+) \(No such file", said, re.MULTILINE)
    assert [path for path in gone if not path.startswith(("/usr/share/", "/usr/lib/modules/"))] == []


@pytest.mark.parametrize("base", ["", "base: arch\n"])
def test_a_package_that_denies_itself(base: str, arch: Checkout, repository: Repository) -> None:
    """What is installed must be what the lock names, in the database of the system, too."""
    arch.profile("denied", f"{PROFILE}{base}packages: [denier]\n")
    said = arch.doit("rootfs:denied", status=1, **repository.settings)
    assert "packages: denier:x86_64: the system has none, the lock 1.0-1; a script of a package changed the" in said
    assert not arch.output("denied", "rootfs.json").exists()


def test_the_same_file_name_in_two_repositories(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    """The first one's is taken, as by pacman. Its signature is not in the database, but beside the package."""
    own = Repository(tmp_path / "own", repository.home, repository.key)
    own.pool.mkdir(parents=True)
    (tmp_path / "work").mkdir()
    package = own.add(pacman_repository.plain(tmp_path / "work", "probe", "1.0-1", {"usr/share/probe": "another"}))
    signature = package.with_name(f"{package.name}.sig")
    signature.rename(tmp_path / "signature")
    own.publish(package)
    (tmp_path / "signature").rename(signature)
    (own.pool / "core.db").rename(own.pool / "own.db")
    shutil.copy(repository.key, arch.directory / "profiles" / "keys" / "own.gpg")
    where = "repositories: [{name: own, key: keys/own.gpg}]\n"
    arch.profile("two", f"{PROFILE}packages: [probe]\n{where}")
    arch.doit("packages:two", **repository.settings, MIRROR_OWN=f"file://{own.pool}")
    probe = next(one for one in arch.json("two", "lock.json")["packages"] if one["name"] == "probe")
    assert (probe["repository"], probe["path"], probe["replaces"]) == ("own", package.name, "arch")
    assert f"sha256:{probe['sha256']}" == keys.sha256_file(package)
    assert probe["signature"] == base64.b64encode(signature.read_bytes()).decode()


@pytest.mark.parametrize(
    ("packages", "step", "message"),
    [
        ("probes", "lock", r"arch has no package 'probes'; did you mean probe\?"),
        ("unsigned", "lock", "unsigned 1.0-1 is not signed, so it is refused"),
        ("broken", "build", r"profiles/bad\.yaml:4:12: packages: a script of broken failed; see the log"),
    ],
)
def test_what_is_refused(arch: Checkout, repository: Repository, packages: str, step: str, message: str) -> None:
    arch.profile("bad", f"{PROFILE}packages: [{packages}]\n")
    said = arch.doit(f"{step}:bad", status=1, **repository.settings)
    assert re.search(message, said), said


def test_two_packages_with_one_file(arch: Checkout, repository: Repository) -> None:
    arch.profile("twins", f"base: arch\n{PROFILE}packages: [probe, twin]\n")
    said = arch.doit("rootfs:twins", status=1, **repository.settings)
    assert "packages: probe and twin both have /usr/share/probe; leave one of them out" in said


def test_a_keymap_that_kbd_does_not_have(arch: Checkout, repository: Repository) -> None:
    there = "files: [{path: /usr/share/kbd/keymaps/i386/qwertz/de-latin1.map.gz, content: x}]\n"
    arch.profile("keys", f"{PROFILE}{there}keymap: de-latin1\n")
    arch.doit("overlay:keys", **repository.settings)
    arch.profile("keys", f"{PROFILE}{there}keymap: de-latin\n")
    said = arch.doit("overlay:keys", status=1, **repository.settings)
    assert "keymap: the system has no de-latin; choose one of /usr/share/kbd/keymaps, such as de-latin1" in said


def with_mkinitcpio(repository: Repository, directory: Path, **how: str) -> Repository:
    made = copied(repository, directory)
    made.publish(*(made.add(package) for package in mkinitcpio.packages(directory / "work", **how)))
    return made


def test_what_archisos_hook_finds(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    """The ISO with mkinitcpio: it is found by its UUID, and its sums are those of all layers."""
    mirror = with_mkinitcpio(repository, tmp_path)
    (arch.directory / "profiles" / "hooks" / "mine.sh").write_text('build() {\n    cp /usr/share/probe "$root"\n}\n')
    files = "files:\n  - {path: /etc/vconsole.conf, content: 'KEYMAP=us'}\n  - {path: /etc/mdadm.conf, content: x}\n"
    fields = f"packages: [intel-ucode, probe]\n{files}initrd: {{hooks: [hooks/mine.sh]}}\n"
    arch.profile("live", f"extends: arch-minimal\n{fields}image: {{label: LIVE}}\n")
    arch.doit("build:live", **mirror.settings)
    iso, tree = arch.iso("live"), arch.unpack("live", tmp_path / "tree")
    uuid = subprocess.run(
        ["blkid", "-p", "-s", "UUID", "-o", "value", iso], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert f"archisosearchuuid={uuid}" in (tree / "boot" / "grub" / "grub.cfg").read_text()
    assert (tree / "boot" / f"{uuid}.uuid").read_bytes() == b""
    images = tree / "arch" / "x86_64"
    subprocess.run(["sha512sum", "--check", "--strict", "airootfs.sha512"], cwd=images, check=True)
    assert len((images / "airootfs.sha512").read_text().splitlines()) == 2
    assert (images / "layers").read_text() == "0-overlay.sfs\n"
    initrd = cpio.files((tree / "arch" / "boot" / "x86_64" / "initramfs-linux.img").read_bytes())
    assert initrd["hooks/live_layers"] == (shipped("sandbox") / "layers" / "mkinitcpio-hook.sh").read_bytes()
    hooks = " ".join(initrd["config"].decode().split())
    standing = "base udev modconf kms archiso archiso_loop_mnt live_layers block filesystems keyboard"
    assert hooks == f"{standing} microcode keymap mine", "mdadm_udev needs mdmon"
    assert "probe" in initrd, "a hook sees the packages of the profile"
    assert "intel-ucode.img" in initrd
    argv = ["unsquashfs", "-l", "-d", "", images / "airootfs.sfs"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    assert [path for path in listed if path.startswith("/boot/")] == ["/boot/others"], "microcode is in the initramfs"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"mounts": "_mnt_stack"},
            "archiso's hook no longer has a function _mnt_overlayfs; choose initrd: {generator: ",
        ),
        ({"mounts": "_mnt_stack", "status": "0"}, "initrd: mkinitcpio failed; see the log"),
    ],
)
def test_mkinitcpio_fails(
    arch: Checkout, repository: Repository, tmp_path: Path, how: dict[str, str], message: str
) -> None:
    """It may print an error alone, and exit with none."""
    mirror = with_mkinitcpio(repository, tmp_path, **how)
    arch.profile("live", "extends: arch-minimal\nimage: {label: LIVE}\n")
    arch.doit("lock:live", **mirror.settings)
    assert message in arch.doit("initrd:live", status=1, **mirror.settings)


def test_an_altered_package(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    """With the database altered to fit it: only the signature tells."""
    forged = copied(repository, tmp_path)
    package = next(forged.pool.glob("probe-*.pkg.tar.zst"))
    signature = package.with_name(f"{package.name}.sig").read_bytes()
    for path in (package, package.with_name(f"{package.name}.sig")):
        path.unlink()
    evil = pacman_repository.plain(tmp_path / "work", "probe", "1.0-1", {"usr/share/probe": "evil"})
    forged.publish(forged.add(evil, sign=False))
    package.with_name(f"{package.name}.sig").write_bytes(signature)
    arch.profile("forged", f"{PROFILE}packages: [probe]\n")
    said = arch.doit("build:forged", status=1, **forged.settings)
    assert "probe 1.0-1: the package or its signature is altered, so it is refused; run doit lock:forged" in said
    assert not arch.output("forged", "rootfs.json").exists()


def test_an_unknown_key(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    other = Repository.make(tmp_path / "other")
    arch.profile("stranger", f"{PROFILE}packages: [probe]\n")
    said = arch.doit("build:stranger", status=1, **{**repository.settings, "KEYRING_ARCH": str(other.key)})
    assert "it has no good signature of a key of the archive arch, so it is refused; run doit lock:stranger" in said


def test_a_key_vouches_for_its_own_repository_only(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    """pacman has one keyring for all. A lock that a package of another repository is the distribution's is refused."""
    other = Repository.make(tmp_path / "other")
    (tmp_path / "work").mkdir()
    package = other.add(pacman_repository.plain(tmp_path / "work", "probe", "1.0-1", {"usr/share/probe": "other"}))
    other.publish(package)
    (other.pool / "core.db").rename(other.pool / "other.db")
    shutil.copy(other.key, arch.directory / "profiles" / "keys" / "other.gpg")
    where = "repositories: [{name: other, key: keys/other.gpg}]\n"
    arch.profile("keys-of-two", f"{PROFILE}packages: [probe]\n{where}")
    settings = {**repository.settings, "MIRROR_OTHER": f"file://{other.pool}"}
    arch.doit("packages:keys-of-two", **settings)
    lock = arch.json("keys-of-two", "lock.json")
    probe = next(one for one in lock["packages"] if one["name"] == "probe")
    assert probe["repository"] == "other"
    probe.update(repository="arch", path=f"core/os/x86_64/{package.name}")
    (arch.directory / "profiles" / "keys-of-two.lock.json").write_text(json.dumps(lock))
    said = arch.doit("packages:keys-of-two", status=1, **settings)
    assert "probe 1.0-1: it has no good signature of a key of the archive arch, so it is refused" in said


@pytest.mark.full
def test_a_tools_tree_of_arch(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    """Made by pacman; all steps of an Arch profile run in it, and those of a Debian profile are refused."""
    here = Checkout.make(tmp_path / "here")
    shutil.copytree(arch.cache / "objects", here.cache / "objects", copy_function=os.link)
    here.profile("arch", PROFILE)
    settings = {**repository.settings, "BASE": "arch"}
    said = here.doit("build:arch", **settings)
    assert ran(said)["sandbox"] == ran(said)["iso"] == "built"
    record = json.loads(here.output(".sandbox", "sandbox.json").read_bytes())
    assert record["distribution"] == "arch"
    names = {
        line.split("\t")[0] for line in here.object(record["outputs"]["packages"]["digest"]).read_text().splitlines()
    }
    assert {"pacman", "grub", "libisoburn", "filesystem"} <= names
    assert "dracut" not in names
    assert here.json("arch", "lock.json") == arch.json("arch", "lock.json")
    said = here.doit("lock:minimal", status=1, **settings)
    assert "so it cannot build profiles of debian; install mmdebstrap and set DEBATE_BASE=debian" in said


def test_a_mirror_with_another_version(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    """Its database is older than the lock: what is locked is built, or nothing; asked anew, it says what changes."""
    arch.profile("pinned", f"{PROFILE}packages: [aged]\n")
    for version in ("2.0-1", "1.0-1"):
        mirror = copied(repository, tmp_path / version)
        aged = pacman_repository.plain(tmp_path / version / "work", "aged", version, {"usr/share/aged": version})
        mirror.publish(mirror.add(aged))
        settings = mirror.settings
        if version == "2.0-1":
            arch.doit("lock:pinned", **settings)
    said = arch.doit("rootfs:pinned", status=1, **settings)
    assert "the mirror no longer has aged 2.0-1; run doit lock:pinned for what the mirror has now" in said
    assert "~ aged 2.0-1 -> 1.0-1" in arch.doit("lock:pinned", **settings)


def test_an_expired_key(arch: Checkout, repository: Repository, tmp_path: Path) -> None:
    mirror = copied(repository, tmp_path)
    old = Repository.make(tmp_path / "old", expire="1d", clock=("--faked-system-time", "20260201T000000"))
    signs = ("--faked-system-time", "20260201T010000")  # Later than the key is made, however long that took.
    stale = Repository(mirror.directory, old.home, tmp_path / "keys.gpg", signs)
    stale.key.write_bytes(repository.key.read_bytes() + old.key.read_bytes())
    stale.publish(stale.add(pacman_repository.plain(tmp_path / "work", "stale", "1.0-1", {"usr/share/stale": "x"})))
    arch.profile("stale", f"{PROFILE}packages: [stale]\n")
    said = arch.doit("build:stale", status=1, **stale.settings)
    assert "stale 1.0-1: the key that signed it has expired, so it is refused" in said
