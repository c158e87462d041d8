"""A Debian package archive in a directory, signed with a key of its own.

Formats: deb-control(5), the Debian repository format (Release, Packages, InRelease).
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests import debs

SUITE = "stable"
USER = "debate tests <tests@debate.invalid>"


def _run(*argv: str, home: Path | None = None, data: bytes = b"") -> bytes:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **({"GNUPGHOME": str(home)} if home else {})}
    done = subprocess.run(argv, input=data, capture_output=True, env=environment)
    assert done.returncode == 0, f"{argv}: {done.stderr.decode(errors='replace')}"
    return done.stdout


def gpg(home: Path, *words: str, data: bytes = b"") -> bytes:
    """What GnuPG prints, with the keys in ``home``."""
    return _run("gpg", "--batch", "--quiet", *words, home=home, data=data)


def _forget(home: Path) -> None:
    """End the agent that GnuPG left running, and remove its directory."""
    _run("gpgconf", "--kill", "all", home=home)
    shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class Archive:
    directory: Path
    home: Path
    """GnuPG's directory."""
    key: bytes
    """The public key, armored."""

    @classmethod
    def make(cls, directory: Path, key_of: Archive | None = None) -> Archive:
        """An empty archive with a new key, or with that of another archive."""
        # Not below `directory`: GnuPG's agent listens on a socket in it, and a socket's name has 108 bytes at most.
        home = key_of.home if key_of else Path(tempfile.mkdtemp(prefix="debate-gpg-"))
        if not key_of:
            atexit.register(_forget, home)
            gpg(home, "--passphrase", "", "--quick-generate-key", USER, "rsa3072", "sign", "never")
        (directory / "pool").mkdir(parents=True)
        return cls(directory, home, gpg(home, "--armor", "--export"))

    @property
    def url(self) -> str:
        return f"file://{self.directory}"

    def add(
        self,
        name: str,
        version: str,
        files: dict[str, str],
        scripts: dict[str, str] | None = None,
        links: dict[str, str] | None = None,
        fields: str = "",
    ) -> Path:
        """Build a package into the pool. ``links`` are in its control archive; files that start with #! can be run.

        ``fields``: further lines of its control file.
        """
        tree = self.directory / f".{name}"
        (tree / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@debate.invalid>\n"
        (tree / "DEBIAN" / "control").write_text(f"{control}{fields}Description: made by a test\n")
        for script, text in (scripts or {}).items():
            (tree / "DEBIAN" / script).write_text(text)
            (tree / "DEBIAN" / script).chmod(0o755)
        for link, target in (links or {}).items():
            (tree / "DEBIAN" / link).symlink_to(target)
        for path, text in files.items():
            file = tree / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755 if text.startswith("#!") else 0o644)
        package = self.directory / "pool" / f"{name}_{version}_all.deb"
        _run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(package))
        shutil.rmtree(tree)
        return package

    def put(self, name: str, control: str, *more: tuple[tarfile.TarInfo, bytes]) -> None:
        """Put a package into the pool whose own control file is ``control``, not what the index will say of it."""
        member = debs.member("./control", control.encode())
        package = debs.deb(self.directory / "pool" / f"{name}_1.0_all.deb", [member, *more])
        said = f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: T <t@debate.invalid>\nDescription: x"
        package.with_suffix(".said").write_text(said)

    def publish(self, *, sign: bool = True, valid_until: str = "", root: str = "") -> None:
        """Write the indexes for what lies in the pool, and sign them. ``root`` is how they call the archive's own."""
        dists = self.directory / "dists" / SUITE
        index = dists / "main" / "binary-amd64" / "Packages"
        index.parent.mkdir(parents=True, exist_ok=True)
        stanzas = []
        for package in sorted((self.directory / "pool").glob("*.deb")):
            data = package.read_bytes()
            said = package.with_suffix(".said")
            control = said.read_text() if said.exists() else _run("dpkg-deb", "-f", str(package)).decode().rstrip()
            digest = hashlib.sha256(data).hexdigest()
            stanzas.append(f"{control}\nFilename: {root}pool/{package.name}\nSize: {len(data)}\nSHA256: {digest}\n\n")
        index.write_text("".join(stanzas))
        data = index.read_bytes()
        release = (
            f"Origin: tests\nSuite: {SUITE}\nCodename: {SUITE}\nArchitectures: amd64 all\nComponents: main\n"
            f"Date: Thu, 01 Jan 2026 00:00:00 UTC\n{f'Valid-Until: {valid_until}{chr(10)}' if valid_until else ''}"
            f"SHA256:\n {hashlib.sha256(data).hexdigest()} {len(data)} main/binary-amd64/Packages\n"
        )
        (dists / "Release").write_text(release)
        (dists / "InRelease").unlink(missing_ok=True)
        if sign:
            signed = gpg(self.home, "--clearsign", data=release.encode())
            (dists / "InRelease").write_bytes(signed)
