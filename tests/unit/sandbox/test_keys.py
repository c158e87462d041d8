"""Whose signatures count for a package of Arch: by gpg's status descriptor, and of keys that are still trusted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPTS = ROOT / "sandbox"
NONE = "it has no good signature of a key of the archive arch"


def verdicts(directory: Path, said: dict[str, str | None]) -> dict[str, str]:
    """The verdict of sandbox/arch/verdicts.sh on each package, of which gpg said that; empty if it is signed.

    None stands for a package that gpg was not asked about.
    """
    (directory / "said").mkdir()
    lines = "".join(f"arch\t{name}\t1-1\tany\tp\t1\t{number:064x}\n" for number, name in enumerate(said))
    (directory / "wanted").write_text(lines)
    for number, text in enumerate(said.values()):
        if text is not None:
            (directory / "said" / f"{number:064x}").write_text(text)
    text = f'set -eu\n{(SCRIPTS / "arch" / "verdicts.sh").read_text()}\nverdicts "$1/wanted" "$1/said"'
    done = subprocess.run(["sh", "-c", text, "sh", directory], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    found = {line.split("\t")[0]: line.split("\t")[2] for line in done.stdout.removesuffix("\n").split("\n") if line}
    return {name: found.get(name, "") for name in said}


GOOD = """\
[GNUPG:] NEWSIG me@here
[GNUPG:] KEY_CONSIDERED AA 0
[GNUPG:] SIG_ID x 2026-01-01 1
[GNUPG:] GOODSIG BB a name
[GNUPG:] VALIDSIG AA 2026-01-01 1 0 4 0 1 10 00 AA
[GNUPG:] TRUST_FULLY 0 pgp
"""
FORGED = "".join(line.replace("[GNUPG:] ", "gpg: [GNUPG:] ") for line in GOOD.splitlines(keepends=True))
SAID = {
    "good": (GOOD, ""),
    "of_our_own": (GOOD.replace("FULLY", "ULTIMATE"), ""),
    "nothing": ("", NONE),
    "twice": (GOOD * 2, NONE),
    "not_trusted": (GOOD.replace("FULLY", "UNDEFINED"), NONE),
    "marginal": (GOOD.replace("FULLY", "MARGINAL"), NONE),
    "trust_in_a_name": (GOOD.replace("FULLY", "UNDEFINED").replace("a name", "[GNUPG:] TRUST_FULLY 0 pgp"), NONE),
    "of_text": (GOOD.replace(" 00 AA", " 01 AA"), NONE),
    "not_valid": (GOOD.replace("VALIDSIG", "VALIDSIGS"), NONE),
    "not_new": (GOOD.replace("NEWSIG", "NEW"), NONE),
    "and_a_bad_one": (GOOD + "[GNUPG:] BADSIG BB a name\n", "the package or its signature is altered"),
    "and_an_unknown_one": (GOOD + "[GNUPG:] ERRSIG CC 1 10 00 1 9 DD\n", NONE),
    "expired": (GOOD.replace("GOODSIG", "EXPKEYSIG"), "the key that signed it has expired"),
    "revoked": (GOOD.replace("GOODSIG", "REVKEYSIG"), "the key that signed it is revoked"),
    "expired_signature": (GOOD.replace("GOODSIG", "EXPSIG"), NONE),
    "no_signature": ("[GNUPG:] NODATA 4\n", NONE),
    "failed": (GOOD + "failed\n", NONE),
    "failure": (GOOD + "[GNUPG:] FAILURE gpg-exit 33554433\n", NONE),
    "log": (FORGED, NONE),
    "bad_and_a_log": ("[GNUPG:] NEWSIG\n[GNUPG:] BADSIG BB x\n" + FORGED, "the package or its signature is altered"),
    "one_line": (GOOD.replace("\n", " "), NONE),
    "lines_for_python": (GOOD.replace("\n", "\u2028"), NONE),
}


def test_what_gpg_says(tmp_path: Path) -> None:
    said: dict[str, str | None] = {name: text for name, (text, _) in SAID.items()}
    assert verdicts(tmp_path, said) == {name: reason for name, (_, reason) in SAID.items()}


def test_what_gpg_never_said_of_a_package(tmp_path: Path) -> None:
    assert verdicts(tmp_path, {"a": GOOD, "x": None, "z": GOOD}) == {"a": "", "x": NONE, "z": ""}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """GnuPG's directory. Its sockets need a short path."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    yield home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def test_whose_keys_count(tmp_path: Path, home: Path) -> None:
    """What the distribution has revoked counts as little as what no trusted key has signed."""

    def gpg(*words: str, given: str = "") -> str:
        argv = ["gpg", "--homedir", str(home), "--batch", "--yes", "--quiet", "--passphrase", "", *words]
        return subprocess.run(argv, input=given, capture_output=True, text=True, check=True).stdout

    names = ("master", "packager", "stranger", "revoked")
    prints = {}
    for name in names:
        gpg("--quick-generate-key", f"{name} <{name}@x>", "ed25519", "sign,cert", "never")
        listed = gpg("--with-colons", "--list-keys", f"{name}@x").split("\n")
        prints[name] = next(line for line in listed if line.startswith("fpr")).split(":")[9]
    for signed in ("packager", "revoked"):
        gpg("--local-user", prints["master"], "--quick-sign-key", prints[signed])
    keys = tmp_path / "keyrings"
    keys.mkdir()
    gpg("--output", str(keys / "archlinux.gpg"), "--export")
    (keys / "archlinux-trusted").write_text(f"{prints['master']}:5:\n")
    (keys / "archlinux-revoked").write_text(f"{'0' * 40}\n{prints['revoked'].lower()}\n")
    (tmp_path / "package").write_text("package\n")
    for name in names:
        signature = str(tmp_path / f"{name}.sig")
        gpg("--local-user", prints[name], "--output", signature, "--detach-sign", str(tmp_path / "package"))

    scripts = tmp_path / "step"
    (scripts / "arch").mkdir(parents=True)
    for name in ("arch/keys.sh", "arch/keyring.sh"):
        text = (SCRIPTS / name).read_text().replace("/run/step", str(scripts))
        (scripts / name).write_text(text.replace("/run/in", str(tmp_path / "in")))
    ring = tmp_path / "ring"
    subprocess.run(["sh", scripts / "arch/keyring.sh", "arch", ring, keys], check=True, capture_output=True)
    assert os.listdir(ring)
    said: dict[str, str | None] = {}
    for name in names:
        argv = ["gpg", "--homedir", str(ring), "--batch", "--no-auto-check-trustdb", "--lock-never", "--status-fd", "1",
                "--verify", str(tmp_path / f"{name}.sig"), str(tmp_path / "package")]  # fmt: skip
        said[name] = subprocess.run(argv, capture_output=True, text=True).stdout
    found = verdicts(tmp_path, said)
    assert {name for name, reason in found.items() if not reason} == {"master", "packager"}
