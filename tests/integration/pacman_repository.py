"""A signed pacman repository made of Debian packages: what Arch profiles are tested with where no Arch mirror is.

Each package is laid out as Arch lays out its own (all below /usr/bin and /usr/lib), loses its maintainer scripts and
gets the metadata that pacman wants. What those scripts would have done is in two packages made by hand:
`filesystem` (users, links, PAM, hooks) and `base`, which needs all others.

Formats: alpm-pkginfo(5), alpm-mtree(5), alpm-hooks(5), PKGBUILD(5) for versions.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.archive import _forget, _run
from tests.integration.checkout import Checkout

REPOSITORY = "core"
PROFILE = "extends: arch-minimal\ninitrd: {generator: dracut}\n"
_MOVES = (
    ("usr/sbin", "usr/bin"), ("usr/lib64", "usr/lib"), ("bin", "usr/bin"), ("sbin", "usr/bin"), ("lib64", "usr/lib"),
    ("lib", "usr/lib"),
)  # fmt: skip
_UNWANTED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/bug",
)
_RENAMED = {"pacman-package-manager": "pacman"}


@dataclass
class Package:
    """One package on its way from the one format to the other."""

    name: str
    version: str
    tree: Path
    description: str = "made by a test"
    depends: list[str] = field(default_factory=list)
    provides: list[str] = field(default_factory=list)
    backup: list[str] = field(default_factory=list)
    install: str = ""
    """The text of .INSTALL, a shell script with functions."""


@dataclass(frozen=True)
class Repository:
    """A mirror at ``directory``, with REPOSITORY/os/x86_64 below it."""

    directory: Path
    home: Path
    """GnuPG's directory."""
    key: Path
    """The public key that signs packages."""
    clock: Sequence[str] = ()
    """Options of gpg for the time at which the key is made and signs."""

    @classmethod
    def make(cls, directory: Path, *, expire: str = "never", clock: Sequence[str] = ()) -> Repository:
        home = Path(tempfile.mkdtemp(prefix="debate-gpg-"))
        atexit.register(_forget, home)
        _run(
            "gpg", "--batch", "--quiet", *clock, "--passphrase", "", "--quick-generate-key",
            "debate tests <tests@debate.invalid>", "rsa3072", "sign", expire, home=home,
        )  # fmt: skip
        (directory / REPOSITORY / "os" / "x86_64").mkdir(parents=True)
        extra = directory / "extra" / "os" / "x86_64"
        extra.mkdir(parents=True)
        _run("bsdtar", "-czf", str(extra / "extra.db"), "-T", "/dev/null")
        key = directory / "key.gpg"
        key.write_bytes(_run("gpg", "--batch", "--export", home=home))
        return cls(directory, home, key, clock)

    @property
    def pool(self) -> Path:
        return self.directory / REPOSITORY / "os" / "x86_64"

    @property
    def settings(self) -> dict[str, str]:
        """For `Checkout.doit`."""
        return {"MIRROR_ARCH": f"file://{self.directory}", "KEYRING_ARCH": str(self.key)}

    def convert(self, system: Sequence[Path], tools: Sequence[Path], work: Path) -> None:
        """Turn Debian packages into pacman's, with what makes a system of them, and write the databases.

        ``tools`` are those that no system needs: what the tools tree has, and its libraries.
        """
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            packages = [found for found in pool.map(lambda deb: _from_deb(deb, work), system) if found]
            packages.append(filesystem(work, {package.name: package for package in packages}))
            base = _base(work, packages)
            packages += [found for found in pool.map(lambda deb: _from_deb(deb, work), tools) if found]
            packages += [alias(work, name, others) for name, others in _ARCH_NAMES.items()]
            _resolve(packages)
            packages.append(base)
            self.publish(*pool.map(self.add, packages))

    def add(self, package: Package, *, sign: bool = True) -> Path:
        """Build a package into the pool."""
        path = self.pool / f"{package.name}-{package.version}-x86_64.pkg.tar.zst"
        size = sum(entry.lstat().st_size for entry in package.tree.rglob("*") if not entry.is_dir())
        info = [
            ("pkgname", package.name), ("pkgbase", package.name), ("pkgver", package.version),
            ("pkgdesc", package.description), ("builddate", "1700000000"), ("packager", "debate tests"),
            ("size", str(size)), ("arch", "x86_64"),
        ]  # fmt: skip
        for name, values in (("depend", package.depends), ("provides", package.provides), ("backup", package.backup)):
            info += [(name, value) for value in sorted(set(values))]
        (package.tree / ".PKGINFO").write_text("".join(f"{name} = {value}\n" for name, value in info))
        first = [".PKGINFO"]
        if package.install:
            (package.tree / ".INSTALL").write_text(package.install)
            first.append(".INSTALL")
        names = sorted(os.listdir(package.tree))
        rest = [name for name in names if name not in (*first, ".MTREE")]
        _run(
            "bsdtar", "-C", str(package.tree), "-czf", str(package.tree / ".MTREE"), "--format=mtree",
            "--options=!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link", *first, *rest,
        )  # fmt: skip
        _run(
            "bsdtar", "-C", str(package.tree), "--zstd", "--options=zstd:compression-level=1", "-cf", str(path),
            *first, ".MTREE", *rest,
        )  # fmt: skip
        shutil.rmtree(package.tree)
        if sign:
            _run("gpg", "--batch", "--yes", *self.clock, "--detach-sign", str(path), home=self.home)
        return path

    def publish(self, *packages: Path) -> None:
        """Put packages into the database; those of the same names are no longer in it."""
        database = self.pool / f"{REPOSITORY}.db.tar.gz"
        _run("repo-add", "--quiet", "--nocolor", str(database), *map(str, packages), home=self.home)


_OF_DRACUT = (
    "bash", "coreutils", "dash", "dmsetup", "dracut-live", "findutils", "grep", "gzip", "kmod", "libc-bin",
    "mawk", "mount", "procps", "sed", "systemd", "systemd-sysv", "tar", "udev", "util-linux", "zstd",
)  # fmt: skip
"""What it needs on Arch, and on Debian need not say, where most of these are essential."""


def from_debian(source: Checkout, directory: Path) -> Repository:
    """Debian's packages of a system with dracut and pacman, as pacman's. ``source`` is where to lock and fetch them."""
    source.profile(
        "debs",
        "extends: minimal\ninitrd: {generator: dracut}\npackages: [pacman-package-manager, gpg, gpg-agent, less]\n",
    )
    source.profile("tools", f"extends: debs\npackages: [{', '.join(TOOLS)}]\n")
    source.doit("packages:debs", "packages:tools")
    debs, tools = (
        {package["sha256"]: source.object(package["sha256"]) for package in source.json(name, "lock.json")["packages"]}
        for name in ("debs", "tools")
    )
    made = Repository.make(directory)
    with tempfile.TemporaryDirectory(dir=directory) as work:
        made.convert(list(debs.values()), [tools[sha256] for sha256 in tools.keys() - debs.keys()], Path(work))
    return made


_ESSENTIAL = ("bash", "coreutils", "dash", "findutils", "libc-bin", "mawk", "mount", "sed")
"""What scripts count on without saying so, on Debian as on Arch."""
_ARCH_NAMES = {
    "gawk": ("mawk",), "gnupg": ("gpg", "gpg-agent"), "grub": ("grub-common", "grub-efi-amd64-bin", "grub-pc-bin"),
    "libisoburn": ("xorriso",), "xz": ("xz-utils",),
}  # fmt: skip
"""Arch's name -> the packages that Debian has it in."""
TOOLS = (
    "apt", "archlinux-keyring", "bzip2", "cpio", "debian-archive-keyring", "dosfstools", "grub-common",
    "grub-efi-amd64-bin", "grub-pc-bin", "lz4", "lzop", "mtools", "perl", "squashfs-tools", "xorriso", "xz-utils",
)  # fmt: skip
"""Debian packages with what the tools tree of an Arch host is made of."""


def _version(text: str) -> str:
    return f"{text.replace('-', '_').replace('~', '.~')}-1"


def _from_deb(deb: Path, work: Path) -> Package | None:
    fields = ("Package", "Version", "Depends", "Pre-Depends", "Provides")
    lines = _run("dpkg-deb", "-f", str(deb), *fields).decode().splitlines()
    control = dict(line.split(": ", 1) for line in lines if ": " in line)
    name = control["Package"]
    if name == "linux-image-amd64":
        return None
    tree = work / name
    _run("dpkg-deb", "-x", str(deb), str(tree))
    for path in _UNWANTED:
        shutil.rmtree(tree / path, ignore_errors=True)
    depends = [
        re.split(r"[ (:]", alternative.strip())[0]
        for line in ("Depends", "Pre-Depends")
        for alternatives in control.get(line, "").split(",")
        for alternative in alternatives.split("|")[:1]
        if alternative.strip()
    ]
    provides = [re.split(r"[ (]", item.strip())[0] for item in control.get("Provides", "").split(",") if item.strip()]
    if name.startswith("linux-image-"):
        _lay_out_kernel(tree)
        name = "linux"
    _merge_usr(tree)
    if name in _RENAMED:
        provides.append(name)
        name = _RENAMED[name]
    return Package(name, _version(control["Version"]), tree, depends=depends, provides=provides)


def _lay_out_kernel(tree: Path) -> None:
    """As Arch has it: the kernel beside its modules."""
    kernel = next((tree / "boot").glob("vmlinuz-*"))
    modules = next(path for path in (tree / "lib/modules", tree / "usr/lib/modules") if path.exists())
    shutil.move(kernel, modules / kernel.name.removeprefix("vmlinuz-") / "vmlinuz")
    shutil.rmtree(tree / "boot")


def _moved(path: str) -> str:
    """Where a path without a leading slash lies in Arch's layout."""
    for old, new in _MOVES:
        if path == old or path.startswith(f"{old}/"):
            return new + path[len(old) :]
    return path


def _merge_usr(tree: Path) -> None:
    for path in sorted(tree.rglob("*"), key=lambda path: len(path.parts), reverse=True):
        old = str(path.relative_to(tree))
        new = _moved(old)
        if path.is_symlink():
            target = os.readlink(path)
            absolute = os.path.normpath(
                target.lstrip("/") if target.startswith("/") else f"{Path(old).parent}/{target}"
            )
            path.unlink()
            link = tree / new
            link.parent.mkdir(parents=True, exist_ok=True)
            wanted = os.path.relpath(_moved(absolute), Path(new).parent)
            if _moved(absolute) != new and not link.exists() and not link.is_symlink():
                link.symlink_to(wanted)
        elif not path.is_dir() and new != old:
            (tree / new).parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, tree / new)
        elif path.is_dir() and new != old and not os.listdir(path):
            mode = path.stat().st_mode
            path.rmdir()
            if not (tree / new).exists():
                (tree / new).mkdir(parents=True, mode=mode & 0o7777)
    for old, _ in _MOVES:
        shutil.rmtree(tree / old, ignore_errors=True)


def _resolve(packages: list[Package]) -> None:
    """Drop what cannot be had: mostly what maintainer scripts alone wanted."""
    there = {name for package in packages for name in (package.name, *package.provides)}
    for package in packages:
        names = {_RENAMED.get(name, name) for name in package.depends}
        package.depends = sorted(name for name in names & there if name != package.name)
        if package.name == "dracut":
            package.depends += [name for name in _OF_DRACUT if name in there]
        if package.name == "filesystem":
            package.depends += [name for name in _ESSENTIAL if name in there]
        else:
            package.depends.append("filesystem")


def _base(work: Path, packages: Sequence[Package]) -> Package:
    """The package that a system cannot be without, as Arch's `base`: here, all but kernel and initramfs."""
    tree = work / "base"
    tree.mkdir()
    left_out = ("linux", "less")
    depends = [package.name for package in packages if package.name not in left_out and "dracut" not in package.name]
    return Package("base", "1-1", tree, depends=depends)


def alias(work: Path, name: str, others: Sequence[str]) -> Package:
    """An empty package that needs others."""
    tree = work / name
    tree.mkdir()
    return Package(name, "1-1", tree, depends=list(others))


_PASSWD_FILES = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")
_PAM = {
    "auth": "auth required pam_unix.so nullok\n",
    "account": "account required pam_unix.so\n",
    "password": "password required pam_unix.so yescrypt\n",
    "session": "session required pam_unix.so\nsession optional pam_systemd.so\n",
    "session-noninteractive": "session required pam_unix.so\n",
}
_HOOKS = {
    "20-systemd-sysusers": ("usr/lib/sysusers.d/*.conf", "/usr/bin/systemd-sysusers"),
    "30-systemd-tmpfiles": ("usr/lib/tmpfiles.d/*.conf", "/usr/bin/systemd-tmpfiles --create --exclude-prefix=/run"),
    "30-systemd-hwdb": ("usr/lib/udev/hwdb.d/*.hwdb", "/usr/bin/systemd-hwdb --usr update"),
    "90-mkinitcpio-install": ("usr/lib/modules/*/vmlinuz", "/usr/bin/false"),
}  # fmt: skip
"""Name -> what it waits for, and what it runs. The last one would fail: builds must not run it."""


def filesystem(work: Path, packages: Mapping[str, Package]) -> Package:
    """Directories, links, users, PAM and hooks: what no Debian package brings without its scripts."""
    tree = work / "filesystem"
    for name in ("usr/bin", "usr/lib", "etc", "var", "root", "home", "proc", "sys", "dev", "run", "tmp", "mnt", "opt",
                 "srv", "boot", "var/log", "var/tmp", "var/cache", "var/lib", "etc/pam.d",
                 "usr/share/libalpm/hooks", "etc/systemd/system/getty.target.wants"):  # fmt: skip
        (tree / name).mkdir(parents=True)
    for name, mode in (("tmp", 0o1777), ("var/tmp", 0o1777), ("root", 0o700), ("proc", 0o555), ("sys", 0o555)):
        (tree / name).chmod(mode)
    for link, target in {
        "bin": "usr/bin", "sbin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib", "usr/sbin": "bin",
        "usr/lib64": "lib", "usr/bin/awk": "mawk",
        "etc/systemd/system/getty.target.wants/getty@tty1.service": "/usr/lib/systemd/system/getty@.service",
    }.items():  # fmt: skip
        (tree / link).symlink_to(target)
    masters = packages["base-passwd"].tree / "usr/share/base-passwd"
    passwd, group = ((masters / f"{name}.master").read_text() for name in ("passwd", "group"))
    shadow = "".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in passwd.splitlines())
    gshadow = "".join(f"{line.split(':')[0]}:*::\n" for line in group.splitlines())
    files = {
        "etc/passwd": passwd.replace(":*:", ":x:"), "etc/group": group.replace(":*:", ":x:"),
        "etc/shadow": shadow, "etc/gshadow": gshadow, "etc/machine-id": "", "etc/securetty": "tty1\nttyS0\n",
        "etc/profile": "export PATH=/usr/local/bin:/usr/bin\n",
        "etc/nsswitch.conf": "passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files dns\n",
        **{f"etc/pam.d/common-{name}": text for name, text in _PAM.items()},
        **{f"usr/share/libalpm/hooks/{name}.hook": _hook(*hook) for name, hook in _HOOKS.items()},
    }  # fmt: skip
    for name, text in files.items():
        (tree / name).write_text(text)
    for name in ("etc/shadow", "etc/gshadow"):
        (tree / name).chmod(0o640)
    return Package("filesystem", "1-1", tree, backup=[*_PASSWD_FILES, "etc/machine-id"])


def _hook(target: str, program: str) -> str:
    return (
        f"[Trigger]\nType = Path\nOperation = Install\nOperation = Upgrade\nTarget = {target}\n\n"
        f"[Action]\nDescription = {program.split()[0]}\nWhen = PostTransaction\nExec = {program}\n"
    )


def plain(work: Path, name: str, version: str, files: Mapping[str, str], install: str = "") -> Package:
    """A small package."""
    tree = work / name
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    return Package(name, version, tree, install=install)
