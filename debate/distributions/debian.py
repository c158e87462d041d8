"""Debian: apt resolves and fetches, mmdebstrap installs, initramfs-tools and live-boot start it.

Sources: apt-get(8), apt.conf(5), sources.list(5), deb822(5), mmdebstrap(1), live-boot(7),
initramfs-tools(7).
"""

from __future__ import annotations

import difflib
import hashlib
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate.distributions import dracut, glibc
from debate.distributions.interface import Live, LiveParts, LocaleParts, Locked, Mirrors, Slice
from debate.errors import DebateError
from debate.model import Artifact, Command, Entry, Step, as_lines, text_entry
from debate.settings import Settings, mirror_variable

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution

BASE_RELEASE = "trixie"
"""The release that the sandbox base is made of, whatever the host or the profile is."""
BASE_EPOCH = 946_684_800

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_UPDATES = {"debian": ("{release}", "{release}-updates"), "debian-security": ("{release}-security",)}
_ROLLING = ("sid", "unstable", "testing")

RELEASES: tuple[str, ...] = ("trixie", "bookworm", "forky", "sid")
ARCHITECTURES: tuple[str, ...] = ("amd64",)
COMPONENTS: tuple[str, ...] = ("main", "contrib", "non-free", "non-free-firmware")
DEFAULT_COMPONENTS: tuple[str, ...] = ("main",)
GENERATORS: tuple[str, ...] = ("initramfs-tools", "dracut")
BASES: tuple[str, ...] = ("debian",)
RESERVED: tuple[str, ...] = ("debian", "debian-security")
REPOSITORY_FIELDS: tuple[str, ...] = ("suites", "components")
PURL = "deb/debian"

_LIVE = ("busybox", "mount", "systemd-sysv", "udev", "zstd")
"""Packages without which no live system of ours starts."""
_TOOLS = {
    "initramfs-tools": ("initramfs-tools", "live-boot", "live-boot-initramfs-tools"),
    "dracut": ("dracut", "dracut-live"),
}
"""Generator -> its own packages."""
_INITRD_TOOLS = ("mount", "zstd")
_INITRD_MARK = "X-Debate-Initrd"


def default_kernel(architecture: str) -> str:
    return f"linux-image-{architecture}"


def implied_packages(profile: Mapping[str, Any]) -> list[str]:
    names = [*_LIVE, *_TOOLS[profile["initrd"]["generator"]]]
    if profile["users"]:
        names.append("passwd")
    if profile["locale"] != "C.UTF-8":
        names.append("locales")
    if profile["keymap"]:
        names.append("console-setup")
    if profile["timezone"] != "UTC":
        names.append("tzdata")
    return names


def locale_parts(overlay: Slice) -> LocaleParts:
    parts = glibc.locale_parts(overlay)
    # From trixie on, systemd-tmpfiles makes this link at boot, whatever is there.
    parts.links.append(Entry("/etc/default/locale", "link", mode="0777", target="../locale.conf"))
    if overlay["keymap"]:
        layout, _, variant = overlay["keymap"].partition("-")
        parts.checks.append(["xkb", layout, *([variant] if variant else [])])
        parts.files.append(
            text_entry(
                "/etc/default/keyboard",
                f'XKBMODEL="pc105"\nXKBLAYOUT="{layout}"\nXKBVARIANT="{variant}"\nXKBOPTIONS=""\nBACKSPACE="guess"\n',
            )
        )
    parts.files.append(text_entry("/etc/timezone", f"{overlay['timezone']}\n"))
    return parts


def base_step(packages: bytes) -> Step:
    return Step(
        name="sandbox",
        commands=(Command("debian/base.sh", rights="base"),),
        outputs=("base", "packages"),
        epoch=BASE_EPOCH,
        parameters={"release": BASE_RELEASE.encode(), "packages": packages},
    )


def base_from_mirrors(step: Step, settings: Settings) -> Step:
    slice_: Slice = {"release": BASE_RELEASE, "repositories": [], "snapshot": None}
    found = mirrors(settings, slice_, None)
    where = {
        "sources.list": _sources(slice_, found.addresses).encode(),
        "apt.conf": _host_apt_conf().encode(),
    }
    return replace(step, where=where, mirrors=found.directories)


def mirrors(settings: Settings, packages: Slice, mirror: str | None) -> Mirrors:
    """Setting, then the profile, then the host's own apt, then the bootstrapper's default.

    Raises DebateError where a dated mirror is asked for and no setting names one.
    """
    found: dict[str, str] = {}
    if packages["snapshot"]:
        template = settings.mirrors.get("debian-snapshot")
        if template is None:
            raise DebateError(
                f"snapshot {packages['snapshot']}: no dated mirror is set; set "
                "DEBATE_MIRROR_DEBIAN_SNAPSHOT to its address, with {archive} and {date} in it"
            )
        for archive in _archives(packages["release"]):
            found[archive] = template.format(archive=archive, date=packages["snapshot"])
    else:
        host = _host_mirrors()
        if mirror:
            host["debian"] = mirror
        for archive in _archives(packages["release"]):
            address = settings.mirrors.get(archive, host.get(archive))
            if address:
                found[archive] = address
        if "debian" not in found:
            raise DebateError(
                "no Debian mirror is known: this host's apt has none; set DEBATE_MIRROR_DEBIAN to its address"
            )
    return Mirrors.of(found, packages, settings)


def reach_mirror(settings: Settings) -> str:
    """Ask the mirror for its index, with the host's own apt. Returns its address."""
    import tempfile

    from debate.host.run import run

    found = mirrors(settings, {"release": BASE_RELEASE, "repositories": [], "snapshot": None}, None)
    address = settings.mirrors.get("debian") if found.directories.get("debian") else found.addresses["debian"]
    path = f"{address}/dists/{BASE_RELEASE}/InRelease"
    if found.directories.get("debian"):
        if not Path(path.removeprefix("file://")).is_file():
            raise DebateError(f"{path}: missing; set {mirror_variable('debian')} to an archive of Debian")
        return str(address)
    options = ["-oAcquire::Retries=0", "-oAcquire::http::Timeout=15", "-oAcquire::https::Timeout=15"]
    with tempfile.TemporaryDirectory(prefix="debate-mirror-") as directory:
        try:
            run(["/usr/lib/apt/apt-helper", *options, "download-file", path, f"{directory}/InRelease"])
        except DebateError:
            remedy = f"check the network, or set {mirror_variable('debian')} to another mirror"
            raise DebateError(f"{path} cannot be had; {remedy}") from None
    return str(address)


def _archives(release: str) -> tuple[str, ...]:
    return ("debian",) if release in _ROLLING else tuple(_UPDATES)


def _host_mirrors() -> dict[str, str]:
    """The addresses of Debian's archives in the host's own apt configuration."""
    from debate.host.run import run

    found: dict[str, str] = {}
    fields = "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(SUITE)"
    try:
        lines = run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    except DebateError:
        lines = ""
    for line in lines.splitlines():
        address, origin, label, suite = line.split("|")
        if origin != "Debian" or address.startswith("cdrom:"):
            continue
        archive = "debian-security" if "security" in f"{label} {suite}".lower() else "debian"
        found.setdefault(archive, address)
    if "debian" not in found:
        for script in ("/usr/bin/mmdebstrap", "/usr/share/debootstrap/scripts/sid"):
            try:
                text = Path(script).read_text(errors="replace")
            except OSError:
                continue
            match = re.search(r"mirror\b[ ='\"]*(https?://[^\s'\"]+/debian)\b", text)
            if match:
                found["debian"] = match[1]
                break
    return found


def _host_apt_conf() -> str:
    """What the host's apt says of proxies, as apt.conf."""
    from debate.host.run import run

    names = ("Acquire::http::Proxy", "Acquire::https::Proxy")
    try:
        lines = run(["apt-config", "dump", "--no-empty", *names])
    except DebateError:
        return ""
    return "".join(f"{line}\n" for line in lines.splitlines() if line.startswith(names))


def _apt_conf(mirrors: Mirrors) -> str:
    """The host's proxies, and patience with dated mirrors, which answer slowly and refuse much."""
    return _host_apt_conf() + ('Acquire::Retries "8";\nAcquire::http::Timeout "120";\n' if mirrors.dated else "")


def _sources(packages: Slice, addresses: Mapping[str, str]) -> str:
    options = f"signed-by={_KEYRING}"
    if packages["snapshot"]:
        options += " check-valid-until=no"
    lines = []
    for archive, suites in _UPDATES.items():
        if archive not in addresses:
            continue
        if packages["release"] in _ROLLING:
            suites = suites[:1]
        components = " ".join(packages.get("components", ("main",)))
        for suite in suites:
            name = suite.format(release=packages["release"])
            lines.append(f"deb [{options}] {addresses[archive]} {name} {components}")
    for repository in packages["repositories"]:
        signed = f"signed-by=/run/in/keys/{repository['name']}.{_key_kind(repository['key'])}"
        for suite in repository["suites"]:
            components = " ".join(repository["components"])
            lines.append(f"deb [{signed}] {addresses[repository['name']]} {suite} {components}")
    return "\n".join(lines) + "\n"


def _key_kind(key: str) -> str:
    """apt tells the two kinds apart by the file's name."""
    return "asc" if key.startswith("-----BEGIN") else "gpg"


def _keys(packages: Slice) -> dict[str, bytes]:
    return {
        f"keys/{repository['name']}.{_key_kind(repository['key'])}": repository["key"].encode("latin-1")
        for repository in packages["repositories"]
    }


def trust(settings: Settings, packages: Slice) -> dict[str, bytes]:
    return {}  # apt has checked the index when the lock was made; from there on SHA-256 does.


def lock_step(packages: Slice, mirrors: Mirrors, base: Artifact, installed: bytes = b"") -> Step:
    return Step(
        name="lock",
        commands=(Command("debian/lock.sh", rights="fetch"),),
        outputs=("resolved",),
        epoch=BASE_EPOCH,
        parameters={
            "options": (
                f'APT::Architecture "{packages["architecture"]}";\n'
                f'APT::Install-Recommends "{str(packages["recommends"]).lower()}";\n'
            ).encode(),
            "packages": as_lines(packages["packages"]),
            "installed": installed,
            **_keys(packages),
        },
        where={
            "sources.list": _sources(packages, mirrors.addresses).encode(),
            "apt.conf": _apt_conf(mirrors).encode(),
        },
        mirrors=mirrors.directories,
        base=base,
    )


_RESOLVED = re.compile(r"'([^']+)' ([^ ]+)_([^_ ]+)_([^_ ]+)\.deb (\d+) SHA256:([0-9a-f]{64})")


def read_resolved(resolved: str, mirrors: Mirrors) -> list[Locked]:
    """Read what ``apt-get --print-uris`` printed: 'URI' NAME_VERSION_ARCH.deb SIZE SHA256:HEX.

    Raises DebateError for a line of another form, such as one without a SHA-256.
    """
    addresses = mirrors.addresses
    found = []
    for line in resolved.splitlines():
        match = _RESOLVED.fullmatch(line.strip())
        if match is None:
            raise DebateError(f"apt: no SHA-256 in {line!r}; the archive's index does not give one")
        uri, name, version, architecture, size, digest = match.groups()
        archives = [a for a, address in addresses.items() if uri.startswith(f"{address}/")]
        if not archives:
            raise DebateError(f"apt: {uri} is below none of the mirrors")
        archive = max(archives, key=lambda name: len(addresses[name]))
        found.append(
            Locked(
                name=name,
                version=urllib.parse.unquote(version),
                architecture=architecture,
                repository=archive,
                path=uri.removeprefix(f"{addresses[archive]}/"),
                size=int(size),
                sha256=digest,
            )
        )
    return sorted(found, key=lambda package: (package.name, package.architecture))


_ALTERED = r"(?:Hash Sum mismatch|File has unexpected size|Undetermined Error)"
"""What apt says of a file with other bytes than wanted; the last is what its method copy: says."""
_GONE = r"(?:404|Failed to stat)"


def explain_lock(log: str, packages: Slice) -> str:
    missing = sorted(set(re.findall(r"E: (?:Unable to locate package|Package) '?([a-z0-9][a-z0-9+.-]*)", log)))
    if missing:
        lines = []
        for name in missing:
            candidates = re.findall(rf"^candidate {re.escape(name)} (\S+)$", log, re.MULTILINE)
            near = difflib.get_close_matches(name, candidates, n=3, cutoff=0.75)
            hint = f"did you mean {' or '.join(near)}?" if near else "check the name and the release"
            lines.append(f"packages: {packages['distribution']} {packages['release']} has no package {name!r}; {hint}")
        return "\n".join(lines)
    removed = re.search(r"^The following packages will be REMOVED:\n((?: .*\n)+)", log, re.MULTILINE)
    if removed and packages["base"]:
        names = " ".join(removed[1].split())
        return f"packages: with them, {names} of the base {packages['base']!r} would have to go; choose another base"
    if "is not signed" in log or "NO_PUBKEY" in log or "couldn't be verified" in log:
        return "a mirror's index is unsigned or signed by an unknown key; it is refused"
    altered = re.findall(rf"^E: Failed to fetch (\S+)\s+{_ALTERED}", log, re.MULTILINE)
    if altered:
        return (
            f"{altered[0]}: not what the archive's signed index says, so it is refused: it was altered, or "
            "the mirror is being updated; try again later, or another mirror"
        )
    lacking = re.findall(
        r"^E: The repository '(\S+) (\S+) (?:In)?Release' does not have a Release file", log, re.MULTILINE
    )
    if lacking:
        address, suite = lacking[0]
        return f"{address}: there is no archive with a suite {suite!r}; check the mirror's address and the release"
    failed = re.findall(r"^(?:E|W|Err): ?(?:Failed to fetch )?(\S+://\S+)\s+(.*)$", log, re.MULTILINE)
    if failed:
        address, reason = failed[0]
        return f"{address}: {reason.strip(': ')}; check the network and the mirror's address"
    return ""


def fetch_step(wanted: Sequence[Locked], mirrors: Mirrors, base: Artifact) -> Step:
    lines = [f"{mirrors.addresses[package.repository]}/{package.path} {package.sha256}" for package in wanted]
    return Step(
        name="packages",
        commands=(Command("debian/fetch.sh", rights="fetch"),),
        outputs=tuple(package.sha256 for package in wanted),
        epoch=BASE_EPOCH,
        where={"wanted": as_lines(lines), "apt.conf": _apt_conf(mirrors).encode()},
        mirrors=mirrors.directories,
        base=base,
    )


def explain_fetch(log: str, missing: Sequence[Locked]) -> str:
    gone = [package for package in missing if re.search(rf"{re.escape(package.path)}\s+{_GONE}", log)]
    if gone:
        names = ", ".join(f"{package.name} {package.version}" for package in gone[:5])
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        return f"the mirror no longer has {names}{more}"
    wrong = [package for package in missing if re.search(rf"{re.escape(package.path)}\s+{_ALTERED}", log)]
    if wrong:
        return f"the mirror's {wrong[0].path} has another SHA-256 than the lock; it is refused"
    return ""


def inspect_step(packages: Sequence[Locked], base: Artifact) -> Step:
    return Step(
        name="inspect",
        commands=(Command("debian/inspect.sh"),),
        outputs=tuple(package.sha256 for package in packages),
        epoch=BASE_EPOCH,
        inputs={f"packages/{package.sha256}": package.artifact for package in packages},
        base=base,
    )


def _pool(package: Locked) -> str:
    version = urllib.parse.quote(package.version, safe="+~")
    return f"pool/{package.name}_{version}_{package.architecture}.deb"


def index(packages: Iterable[tuple[Locked, bytes]]) -> bytes:
    stanzas = [
        stanza.rstrip() + f"\nFilename: {_pool(package)}\nSize: {package.size}\nSHA256: {package.sha256}\n\n".encode()
        for package, stanza in packages
    ]
    return b"".join(stanzas)


def initrd_wanted(packages: Iterable[tuple[Locked, bytes]], generator: str) -> list[str]:
    tools = (*_INITRD_TOOLS, *_TOOLS[generator])
    mark = f"\n{_INITRD_MARK}: yes".encode()
    return sorted(package.name for package, stanza in packages if package.name in tools or mark in b"\n" + stanza)


def select_step(index: bytes, wanted: Sequence[str], release: str, base: Artifact) -> Step:
    return Step(
        name="select",
        commands=(Command("debian/select.sh"),),
        outputs=("selected",),
        epoch=BASE_EPOCH,
        parameters={
            f"{_dists(release)}/main/binary-all/Packages": index,
            **_release_file(release, hashlib.sha256(index).hexdigest(), len(index)),
            "wanted": as_lines(wanted),
            "release": release.encode(),
        },
        base=base,
    )


def _dists(release: str) -> str:
    return f"repository/dists/{release}"


def _release_file(release: str, sha256: str, size: int) -> dict[str, bytes]:
    text = (
        f"Origin: debate\nSuite: {release}\nCodename: {release}\nComponents: main\n"
        f"Architectures: all\nSHA256:\n {sha256} {size} main/binary-all/Packages\n"
    )
    return {f"{_dists(release)}/Release": text.encode()}


def rootfs_step(packages: Sequence[Locked], index: Artifact, rootfs: Slice, base: Artifact, epoch: int) -> Step:
    release = rootfs["release"]
    return Step(
        name="rootfs",
        commands=(Command("debian/rootfs.sh", rights="bootstrap"),),
        outputs=("layer", "packages"),
        epoch=epoch,
        parameters={
            **_release_file(release, index.digest.removeprefix("sha256:"), index.size),
            "release": release.encode(),
            "architecture": rootfs["architecture"].encode(),
            "packages": ",".join(f"{p.name}={p.version}" for p in packages).encode(),
            "dpkg.cfg": _dpkg_options(rootfs),
            "mksquashfs": as_lines(rootfs["mksquashfs"]),
        },
        inputs={
            f"{_dists(release)}/main/binary-all/Packages": index,
            **{f"repository/{_pool(package)}": package.artifact for package in packages},
        },
        base=base,
    )


def order_step(packages: Sequence[Locked], index: Artifact, below: Artifact, release: str, base: Artifact) -> Step:
    return Step(
        name="order",
        commands=(Command("debian/order.sh"),),
        outputs=("plan",),
        epoch=BASE_EPOCH,
        parameters={
            **_release_file(release, index.digest.removeprefix("sha256:"), index.size),
            "wanted": as_lines(f"{package.name}={package.version}" for package in packages),
            "release": release.encode(),
        },
        inputs={f"{_dists(release)}/main/binary-all/Packages": index, "below": below},
        base=base,
    )


def added_step(
    packages: Sequence[Locked],
    index: Artifact,
    plan: Artifact | None,
    rootfs: Slice,
    layers: Sequence[Artifact],
    base: Artifact,
    epoch: int,
) -> Step:
    return Step(
        name="rootfs",
        commands=(
            Command("debian/add.sh", root="system", rights="system"),
            Command("debian/pack.sh", pack_upper=True),
        ),
        outputs=("layer", "packages"),
        epoch=epoch,
        parameters={
            "dpkg.cfg": _dpkg_options(rootfs),
            "mksquashfs": as_lines(rootfs["mksquashfs"]),
        },
        inputs={**({"plan": plan} if plan else {}), **{_pool(package): package.artifact for package in packages}},
        layers=tuple(layers),
        base=base,
    )


def _dpkg_options(rootfs: Slice) -> bytes:
    return as_lines(f"path-exclude={glob}" for glob in rootfs["exclude"])


def initrd_step(packages: Sequence[Locked], generator: str, base: Artifact, epoch: int) -> Step:
    return Step(
        name="initrd",
        commands=(Command("debian/initrd.sh", rights="bootstrap"),),
        outputs=("kernel", "initrd"),
        epoch=epoch,
        parameters={"generator": generator.encode()},
        inputs={_pool(package).replace("pool/", "packages/"): package.artifact for package in packages},
        base=base,
    )


def live(generator: str, parts: LiveParts) -> Live:
    """live-boot stacks the images that live/filesystem.module names, the first lowest."""
    if generator == "dracut":
        return dracut.live(parts)
    tree: dict[str, Artifact | bytes] = {
        "live/vmlinuz": parts.kernel,
        "live/initrd.img": parts.initrd,
        **{f"live/{name}.squashfs": layer for name, layer in parts.layers},
        "live/filesystem.module": as_lines(f"{name}.squashfs" for name, _ in parts.layers),
    }
    return Live(tree, "/live/vmlinuz", "/live/initrd.img", ("boot=live", "nonetworking"))


if TYPE_CHECKING:
    import debate.distributions.debian as _module

    _: Distribution = _module  # mypy compares this module with the protocol here.
