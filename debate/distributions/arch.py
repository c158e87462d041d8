"""Arch Linux: pacman resolves and installs, mkinitcpio with archiso's hooks or dracut start it.

Sources: pacman(8), pacman.conf(5), pacman-key(8), alpm-db-desc and alpm-pkginfo (https://alpm.archlinux.page),
mkinitcpio(8), https://gitlab.archlinux.org/mkinitcpio/mkinitcpio-archiso (docs).
"""

from __future__ import annotations

import base64
import difflib
import io
import re
import tarfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate.distributions import debian, dracut, glibc
from debate.distributions.interface import Live, LiveParts, LocaleParts, Locked, Mirrors, Slice
from debate.errors import DebateError
from debate.model import Artifact, Command, Step, as_lines, text_entry
from debate.settings import Settings, keyring_variable

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution

RELEASES: tuple[str, ...] = ("rolling",)
ARCHITECTURES: tuple[str, ...] = ("x86_64",)
COMPONENTS: tuple[str, ...] = ("core", "extra", "multilib")
DEFAULT_COMPONENTS: tuple[str, ...] = ("core", "extra")
GENERATORS: tuple[str, ...] = ("mkinitcpio", "dracut")
BASES: tuple[str, ...] = ("debian", "arch")
RESERVED: tuple[str, ...] = (*COMPONENTS, "arch", "options")
REPOSITORY_FIELDS: tuple[str, ...] = ()
PURL = "alpm/arch"

_TOOLS = {"mkinitcpio": ("mkinitcpio", "mkinitcpio-archiso"), "dracut": ("dracut",)}
HOOKS = """\
HOOKS=(base udev modconf kms archiso archiso_loop_mnt block filesystems keyboard)
COMPRESSION="zstd"
COMPRESSION_OPTIONS=(-9)
"""
"""The part of mkinitcpio.conf that makes the initramfs archiso's: the hooks of its own releng profile, without those
for network boot."""
_MKINITCPIO = "MODULES=()\nBINARIES=()\nFILES=()\n" + HOOKS.replace(
    " archiso_loop_mnt", " archiso_loop_mnt live_layers"
)
_HOST_MIRRORS = Path("/etc/pacman.d/mirrorlist")

fetch_step = debian.fetch_step
explain_fetch = debian.explain_fetch


def default_kernel(_: str) -> str:
    return "linux"


def implied_packages(profile: Mapping[str, Any]) -> list[str]:
    return ["base", *_TOOLS[profile["initrd"]["generator"]]]


def locale_parts(overlay: Slice) -> LocaleParts:
    parts = glibc.locale_parts(overlay)
    if overlay["keymap"]:
        parts.files.append(text_entry("/etc/vconsole.conf", f"KEYMAP={overlay['keymap']}\n"))
        parts.checks.append(["console_keymap", overlay["keymap"]])
    return parts


def base_step(packages: bytes) -> Step:
    return Step(
        name="sandbox",
        commands=(Command("arch/base.sh", rights="base"),),
        outputs=("base", "packages"),
        epoch=debian.BASE_EPOCH,
        parameters={"architecture": ARCHITECTURES[0].encode(), "packages": packages},
    )


def base_from_mirrors(step: Step, settings: Settings) -> Step:
    packages: Slice = {"components": DEFAULT_COMPONENTS, "repositories": [], "snapshot": None}
    found = mirrors(settings, packages, None)
    where = {"repositories": _repositories(packages, found.addresses), **trust(settings, packages)}
    return replace(step, where=where, mirrors=found.directories)


def mirrors(settings: Settings, packages: Slice, mirror: str | None) -> Mirrors:
    """Setting, then the profile, then the host's own pacman.

    Raises DebateError where none names one.
    """
    found: dict[str, str] = {}
    if packages["snapshot"]:
        template = settings.mirrors.get("arch-snapshot")
        if template is None:
            raise DebateError(
                f"snapshot {packages['snapshot']}: no dated mirror is set; set "
                "DEBATE_MIRROR_ARCH_SNAPSHOT to its address, with {date} in it, which becomes YYYY/MM/DD"
            )
        date = packages["snapshot"]
        found["arch"] = template.format(date=f"{date[:4]}/{date[4:6]}/{date[6:8]}")
    else:
        address = settings.mirrors.get("arch") or mirror or _host_mirror()
        if not address:
            raise DebateError(
                "no Arch mirror is known; set DEBATE_MIRROR_ARCH to its address, below which core/os/ lies"
            )
        found["arch"] = address
    return Mirrors.of(found, packages, settings)


def reach_mirror(settings: Settings) -> str:
    """The mirror's address; it is asked when a profile is locked."""
    return mirrors(settings, {"repositories": [], "snapshot": None}, None).addresses["arch"]


def _host_mirror() -> str:
    """The first of the host's own mirrors, up to where the repository's name stands."""
    try:
        text = _HOST_MIRRORS.read_text()
    except OSError:
        return ""
    match = re.search(r"^\s*Server\s*=\s*(\S+?)/\$repo/os/\$arch\s*$", text, re.MULTILINE)
    return match[1] if match else ""


def _repositories(packages: Slice, addresses: Mapping[str, str]) -> bytes:
    """Sections of pacman.conf. A repository of the profile wins over the distribution's."""
    servers = {name: address.replace("copy:", "file://", 1) for name, address in addresses.items()}
    sections = []
    for repository in packages["repositories"]:
        sections += [f"[{repository['name']}]", f"Server = {servers[repository['name']]}"]
    for name in COMPONENTS:
        if name in packages["components"]:
            sections += [f"[{name}]", f"Server = {servers['arch']}/$repo/os/$arch"]
    return as_lines(sections)


def trust(settings: Settings, packages: Slice) -> dict[str, bytes]:
    """Keyrings. Whose packages are taken never changes what is in them, so they are no part of a key."""
    found = {
        f"keys/{repository['name']}": repository["key"].encode("latin-1") for repository in packages["repositories"]
    }
    path = settings.keyrings.get("arch")
    if path:
        try:
            found["keyring"] = Path(path).read_bytes()
        except OSError as error:
            raise DebateError(f"{path}: {error.strerror}; {keyring_variable('arch')} names it") from None
    return found


def lock_step(packages: Slice, mirrors: Mirrors, base: Artifact, installed: bytes = b"") -> Step:
    return Step(
        name="lock",
        commands=(Command("arch/lock.sh", rights="fetch"),),
        outputs=("resolved",),
        epoch=debian.BASE_EPOCH,
        parameters={
            "architecture": packages["architecture"].encode(),
            "packages": as_lines(packages["packages"]),
            "installed": installed,
        },
        where={"repositories": _repositories(packages, mirrors.addresses)},
        mirrors=mirrors.directories,
        base=base,
    )


def read_resolved(resolved: str, mirrors: Mirrors) -> list[Locked]:
    """Read what lock.sh wrote. Raises DebateError for a package without SHA-256 or signature."""
    addresses = {name: address.replace("copy:", "file://", 1) for name, address in mirrors.addresses.items()}
    found = []
    for line in resolved.splitlines():
        name, version, _, location, size, sha256, signature = [*line.split("\t"), *[""] * 7][:7]
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise DebateError(f"pacman: the database has no SHA-256 of {name}; it is refused")
        if not signature:
            raise DebateError(f"pacman: {name} {version} is not signed; it is refused")
        archives = [archive for archive, address in addresses.items() if location.startswith(f"{address}/")]
        if not archives:
            raise DebateError(f"pacman: {location} is below none of the mirrors")
        archive = max(archives, key=lambda archive: len(addresses[archive]))
        architecture = re.sub(r"\.pkg\.tar(\.\w+)?$", "", location).rpartition("-")[2]
        path = location.removeprefix(f"{addresses[archive]}/")
        found.append(Locked(name, version, architecture, archive, path, int(size), sha256, signature))
    return sorted(found, key=lambda package: package.name)


def explain_lock(log: str, packages: Slice) -> str:
    missing = sorted(set(re.findall(r"^error: target not found: (\S+)$", log, re.MULTILINE)))
    lines = []
    for name in missing:
        candidates = re.findall(rf"^candidate {re.escape(name)} (\S+)$", log, re.MULTILINE)
        near = difflib.get_close_matches(name, candidates, n=3, cutoff=0.75)
        hint = f"did you mean {' or '.join(near)}?" if near else "check the name and the repositories"
        lines.append(f"packages: {packages['distribution']} has no package {name!r}; {hint}")
    if lines:
        return "\n".join(lines)
    if re.search(r"invalid or corrupted database \(PGP signature\)|signature from .* is (unknown|marginal) trust", log):
        return "a mirror's database is signed by an unknown key; it is refused"
    expired = re.search(r"key \"?([^\"\n]*)\"? is expired|signature from \"([^\"]*)\" is expired", log)
    if expired:
        return f"the key of {expired[1] or expired[2]} is expired; refresh the keyring"
    failed = re.findall(r"^error: failed retrieving file '([^']*)' from (\S+) : (.*)$", log, re.MULTILINE)
    if failed:
        file, host, reason = failed[0]
        return f"{host}: {file}: {reason}; check the network and the mirror's address"
    return ""


def inspect_step(packages: Sequence[Locked], base: Artifact) -> Step:
    return Step(
        name="inspect",
        commands=(Command("arch/inspect.sh"),),
        outputs=tuple(package.sha256 for package in packages),
        epoch=debian.BASE_EPOCH,
        inputs={f"packages/{package.sha256}": package.artifact for package in packages},
        base=base,
    )


def index(packages: Iterable[tuple[Locked, bytes]]) -> bytes:
    """A pacman database: a tar file of NAME-VERSION/desc."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for package, stanza in packages:
            desc = (
                f"%FILENAME%\n{_file(package)}\n\n%CSIZE%\n{package.size}\n\n%SHA256SUM%\n{package.sha256}\n\n"
            ).encode() + stanza.partition(b"\n")[2]
            directory = f"{package.name}-{package.version}"
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
            entry = tarfile.TarInfo(f"{directory}/desc")
            entry.size, entry.mode = len(desc), 0o644
            tar.addfile(entry, io.BytesIO(desc))
    return data.getvalue()


def _file(package: Locked) -> str:
    return package.path.rpartition("/")[2]


def initrd_wanted(packages: Iterable[tuple[Locked, bytes]], generator: str) -> list[str]:
    return sorted(
        package.name
        for package, stanza in packages
        if package.name in _TOOLS[generator] or stanza.startswith(b"#initrd\n")
    )


def select_step(index: bytes, wanted: Sequence[str], release: str, base: Artifact) -> Step:
    return Step(
        name="select",
        commands=(Command("arch/select.sh"),),
        outputs=("selected",),
        epoch=debian.BASE_EPOCH,
        parameters={
            "index": index,
            "wanted": as_lines(wanted),
            "architecture": ARCHITECTURES[0].encode(),
            "repositories": _LOCAL,
        },
        base=base,
    )


_LOCAL = b"[debate]\nServer = file:///run/in/packages\n"
"""The locked packages as a repository."""


def rootfs_step(packages: Sequence[Locked], index: Artifact, rootfs: Slice, base: Artifact, epoch: int) -> Step:
    return Step(
        name="rootfs",
        commands=(Command("arch/rootfs.sh", rights="bootstrap"),),
        outputs=("layer", "packages"),
        epoch=epoch,
        parameters={
            "architecture": rootfs["architecture"].encode(),
            "repositories": _LOCAL,
            "explicit": as_lines(package.name for package in packages),
            "noextract": as_lines(f"NoExtract = {glob.lstrip('/')}" for glob in rootfs["exclude"]),
            "mksquashfs": as_lines(rootfs["mksquashfs"]),
            **{f"packages/{_file(package)}.sig": base64.b64decode(package.signature) for package in packages},
        },
        inputs={"index": index, **{f"packages/{_file(package)}": package.artifact for package in packages}},
        base=base,
    )


def initrd_step(packages: Sequence[Locked], generator: str, base: Artifact, epoch: int) -> Step:
    return Step(
        name="initrd",
        commands=(Command("arch/initrd.sh", rights="bootstrap"),),
        outputs=("kernel", "initrd"),
        epoch=epoch,
        parameters={"generator": generator.encode(), "mkinitcpio.conf": _MKINITCPIO.encode()},
        inputs={f"packages/{_file(package)}": package.artifact for package in packages},
        base=base,
    )


def live(generator: str, parts: LiveParts) -> Live:
    """What archiso's hook, and ours beside it, or dracut's module look for."""
    if generator == "dracut":
        return dracut.live(parts)
    (_, lowest), *above = parts.layers
    images = {"airootfs.sfs": lowest, **{f"{name}.sfs": image for name, image in above}}
    uuid = time.strftime("%Y-%m-%d-%H-%M-%S-00", time.gmtime(parts.epoch))
    tree: dict[str, Artifact | bytes] = {
        "arch/boot/x86_64/vmlinuz-linux": parts.kernel,
        "arch/boot/x86_64/initramfs-linux.img": parts.initrd,
        **{f"arch/x86_64/{name}": image for name, image in images.items()},
        "arch/x86_64/layers": as_lines(list(images)[1:]),
        "arch/x86_64/airootfs.sha512": as_lines(f"{parts.sha512(image)}  {name}" for name, image in images.items()),
        f"boot/{uuid}.uuid": b"",
    }
    arguments = ("archisobasedir=arch", f"archisosearchuuid={uuid}")
    return Live(tree, "/arch/boot/x86_64/vmlinuz-linux", "/arch/boot/x86_64/initramfs-linux.img", arguments)


def order_step(packages: Sequence[Locked], index: Artifact, below: Artifact, release: str, base: Artifact) -> None:
    return None  # pacman, which installs them, finds the order.


def added_step(
    packages: Sequence[Locked],
    index: Artifact,
    plan: Artifact | None,
    rootfs: Slice,
    layers: Sequence[Artifact],
    base: Artifact,
    epoch: int,
) -> Step:
    alone = rootfs_step(packages, index, rootfs, base, epoch)
    commands = (
        Command("arch/add.sh", root="system", rights="bootstrap"),
        Command("arch/pack.sh", pack_upper=True, show_layers=True),
    )
    return replace(alone, commands=commands, layers=tuple(layers))


if TYPE_CHECKING:
    import debate.distributions.arch as _module

    _: Distribution = _module  # mypy compares this module with the protocol here.
