"""What the scripts that fetch report, by what apt and pacman wrote: causes, and never a cause that a mirror made up."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from debate.errors import Complaint
from debate.sandbox import problems
from tests.conftest import ROOT

NETWORK = "check the network and the mirror's address"
UNKNOWN_KEY = Complaint("", "", "a mirror's database is signed by an unknown key, so it is refused")

REPOSITORIES = "[own]\nServer = http://own.example\n[core]\nServer = http://m.example/$repo/os/$arch\n"
SYNC = ("repositories", "x86_64")


def explain(
    directory: Path, manager: str, errors: str, function: str, *words: str, **files: str
) -> Sequence[Complaint]:
    """What ``function`` of a manager's explain.sh reports of ``errors``. ``files`` are made for ``words`` to name."""
    for name, text in {"errors": errors, **files}.items():
        (directory / name).write_text(text)
    (directory / "keys").mkdir(exist_ok=True)
    (directory / "keys" / "own.gpg").touch()
    channel = directory / "problems"
    channel.unlink(missing_ok=True)
    channel.touch()
    names = ("problem.sh", "suggest.sh", f"{manager}/verdicts.sh", f"{manager}/explain.sh")
    scripts = [script for name in names if (script := ROOT / "sandbox" / name).exists()]
    text = "\n".join(["set -eu", *(script.read_text() for script in scripts), f'{function} errors "$@"'])
    for path, here in ((problems.PATH, channel), ("/run/in", directory), ("/run/work", directory)):
        text = text.replace(path, str(here))
    done = subprocess.run(["sh", "-c", text, "sh", *words], cwd=directory, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    found, unread = problems.read(channel)
    assert not unread
    return found


SOURCES = (
    "debian http://m.example/ trixie main\ndebian http://m.example/ forky main\nown copy:/run/mirror/own/ s main\n"
)
WRITTEN = "debian http://m.example http://m.example\nown copy:/run/mirror/own file:///srv/own\n"


def update(directory: Path, errors: str, answer: str = "") -> Sequence[Complaint]:
    """What is reported of `apt-get update`, with an archive of the distribution and a repository of the profile."""
    words = ("answer", "sources")
    files = {"answer": answer, "sources": SOURCES, "written": WRITTEN}
    return explain(directory, "debian", errors, "explain_update", *words, **files)


def unreachable(address: str, reason: str) -> Complaint:
    return Complaint("", address, reason, NETWORK)


MAIN = "http://m.example"
OF_MAIN = f"{NETWORK}, or set DEBATE_MIRROR_DEBIAN to another mirror"
OTHER = "use another mirror, and tell those who run this one"
ASK = "get the present key from those who run the archive, and check it"
SQV = "Sub-process /usr/bin/sqv returned an error code (1), error message is: "


def of_main(fact: str, remedy: str, path: str = "") -> Complaint:
    return Complaint("", MAIN + path, f"the archive debian: {fact}", remedy)


def of_own(fact: str, remedy: str, path: str = "") -> Complaint:
    return Complaint("repositories", "own", f"own, file:///srv/own{path}: {fact}", remedy)


ALTERED = "differs from the archive's signed index, so it is refused: altered, or the mirror is being updated"
AGAIN = "try again later, or use another mirror"
NOT_SIGNED = "its index is not signed, so it is refused"


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        (f"W: GPG error: {MAIN} trixie InRelease: NO_PUBKEY 123\n",
         [of_main("its index is signed by the key 123, which is none of its keys", ASK)]),
        (f"E: The repository 'copy:/run/mirror/own s InRelease' is not signed.\n"
         f"W: OpenPGP signature verification failed: copy:/run/mirror/own s InRelease: {SQV}Verifying signature: "
         "Message has been manipulated\n", [of_own("its index was altered after it was signed", OTHER)]),
        (f"W: OpenPGP signature verification failed: {MAIN} trixie InRelease: {SQV}unheard of\n",
         [of_main("the signature of its index is refused: unheard of", OTHER)]),
        (f"E: The repository '{MAIN} trixie InRelease' is not signed.\n", [of_main(NOT_SIGNED, OTHER)]),
        (f"E: Failed to fetch {MAIN}/x  Hash Sum mismatch\n   Hashes of expected file:\n",
         [of_main(ALTERED, AGAIN, "/x")]),
        (f"E: Failed to fetch {MAIN}/x  File has unexpected size (1 != 2). Mirror sync?\n",
         [of_main(ALTERED, AGAIN, "/x")]),
        (f"E: The repository '{MAIN} forky Release' does not have a Release file.\n",
         [of_main("there is no archive with a suite 'forky'", "check the mirror's address and the release")]),
        (f"W: Failed to fetch {MAIN}/x  Could not connect to m.example:80\nE: Failed to fetch http://n/x  y\n",
         [Complaint("", f"{MAIN}/x", "Could not connect to m.example:80", OF_MAIN), unreachable("http://n/x", "y")]),
        (f"E: Failed to fetch {MAIN}/dists/trixie/InRelease  502  Unable to connect [IP: 127.0.0.1 3128]\n"
         f"E: The repository '{MAIN} trixie InRelease' is not signed.\n",
         [Complaint("", f"{MAIN}/dists/trixie/InRelease", "502  Unable to connect",
                    f"{NETWORK}, try again later, or set DEBATE_MIRROR_DEBIAN to another mirror")]),
        ("E: Conflicting values set for option Signed-By regarding source copy:/run/mirror/own/ s: a != b\n"
         "E: The list of sources could not be read.\n",
         [of_own("another repository has this address and suite, and another key", "make them one repository", "/")]),
        ("E: Some index files failed to download\n",
         [Complaint("", "", "Some index files failed to download", "see the log")]),
        ("", []),
    ],
)  # fmt: skip
def test_why_apt_could_not_update(tmp_path: Path, errors: str, found: list[Complaint]) -> None:
    assert update(tmp_path, errors) == found


def test_why_there_is_no_release_file(tmp_path: Path) -> None:
    errors = f"E: The repository '{MAIN} trixie Release' does not have a Release file.\n"
    answer = f"Ign:1 {MAIN} trixie InRelease\nErr:2 {MAIN} trixie Release\n  Redirection loop encountered\n"
    assert update(tmp_path, errors, answer) == [Complaint("", MAIN, "Redirection loop encountered", OF_MAIN)]


FORGERIES = (
    "E: Unable to locate package curl", "The repository 'x y Release' is not signed.", "NO_PUBKEY 1",
    "E: The repository 'profiles/x.yaml y Release' does not have a Release file.", "Hash Sum mismatch",
    "E: Failed to fetch profiles/x.yaml  z", "error: target not found: curl", "$(touch forged)", "`touch forged`",
    "E: Package 'curl' has no installation candidate", "* \\0 %s", 'signature from "x" is unknown trust',
    "error: failed retrieving file 'x' from y : z",
)  # fmt: skip
"""What a mirror may answer instead of `Not Found`."""


@pytest.mark.parametrize("forged", FORGERIES)
def test_a_mirrors_words_are_only_text(tmp_path: Path, forged: str) -> None:
    errors = f"E: Failed to fetch http://m.example/a_1.deb  418  {forged}\n"
    fetched = [unreachable("http://m.example/a_1.deb", f"418  {forged}")]
    assert update(tmp_path, errors, f"Err:1 {MAIN} trixie Release\n  418  {forged}\n") == [
        Complaint("", fetched[0].value, fetched[0].fact, OF_MAIN)
    ]
    wanted = "http://m.example/a_1.deb 00 a 1\n"
    assert explain(tmp_path, "debian", errors, "explain_fetch", "wanted", "refresh", wanted=wanted) == fetched
    words = ("answer", "debian trixie", "below", "names")
    assert explain(tmp_path, "debian", errors, "explain_packages", *words, answer=errors, names="curl\n") == []
    errors = f"error: failed retrieving file 'core.db' from m.example : 418 {forged}\n"
    found = explain(tmp_path, "arch", errors, "explain_sync", *SYNC, repositories=REPOSITORIES)
    if "unknown trust" not in forged:
        assert found == [unreachable("http://m.example/core/os/x86_64/core.db", f"418 {forged}")]
    assert explain(tmp_path, "arch", errors, "explain_packages", "arch", "names", names="curl\n") == []
    assert not (tmp_path / "forged").exists()


def unknown(name: str, remedy: str) -> Complaint:
    return Complaint("packages", name, f"debian trixie has no package {name!r}", remedy)


REMOVED = "Reading…\nThe following packages will be REMOVED:\n  a b\n  c\nThe following NEW packages:\n  d\n"


@pytest.mark.parametrize(
    ("errors", "answer", "base", "found"),
    [
        ("".join(f"E: Unable to locate package {name}\n" for name in ("xyzzy", "crul", "crul")), "", "",
         [unknown("crul", "did you mean curl?"), unknown("xyzzy", "check the name and the release")]),
        ("E: Package 'vmi' has no installation candidate\n", "", "",
         [unknown("vmi", "check the name and the release")]),
        ("E: Packages need to be removed but remove is disabled.\n", REMOVED, "below",
         [Complaint("base", "below", "installing the packages would remove a b c from the base 'below'",
                    "choose another base")]),
        ("E: Packages need to be removed but remove is disabled.\n", REMOVED, "", []),
        ("E: Unable to correct problems, you have held broken packages.\n", "", "below", []),
    ],
)  # fmt: skip
def test_why_apt_could_not_resolve(tmp_path: Path, errors: str, answer: str, base: str, found: list[Complaint]) -> None:
    words = ("answer", "debian trixie", base, "names")
    names = "curl\nvim\nvmi\ncruft\n"
    assert explain(tmp_path, "debian", errors, "explain_packages", *words, answer=answer, names=names) == found


def wanted(count: int) -> str:
    return "".join(f"http://m.example/pool/p{n}_1.deb 00 p{n} 1\n" for n in range(count))


def failed(reason: str, *numbers: int, host: str = "http://m.example") -> str:
    return "".join(f"E: Failed to fetch {host}/pool/p{n}_1.deb  {reason}\n" for n in numbers)


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        (failed("404  Not Found [IP: ::1 80]", 1), [("1", "the mirror no longer has p1 1", "refresh")]),
        (failed("404  Not Found", 2, 1, host="http://redirected.example"),
         [("2", "the mirror no longer has p2 1, p1 1", "refresh")]),
        (failed("Failed to stat - stat (2: No such file or directory)", *range(8)),
         [("0", "the mirror no longer has p0 1, p1 1, p2 1, p3 1, p4 1 and 3 more", "refresh")]),
        (failed("Hash Sum mismatch", 3),
         [("3", "does not match the SHA-256 in the lock, so it is refused", "refresh")]),
        (failed("Unable to connect to m.example:80:", 4), [("4", "Unable to connect to m.example:80:", NETWORK)]),
        (failed("404  Not Found", 99), []),
        ("E: Download Failed\n", []),
    ],
)  # fmt: skip
def test_why_packages_could_not_be_fetched(tmp_path: Path, errors: str, found: list[tuple[str, str, str]]) -> None:
    expected = [Complaint("", f"http://m.example/pool/p{number}_1.deb", *said) for number, *said in found]
    words = ("wanted", "refresh")
    assert explain(tmp_path, "debian", errors, "explain_fetch", *words, wanted=wanted(9)) == expected


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        ('error: core: signature from "T <t@x>" is unknown trust\n', [UNKNOWN_KEY]),
        ("error: failed to synchronize all databases (invalid or corrupted database (PGP signature))\n", [UNKNOWN_KEY]),
        ('error: core: signature from "T <t@x>" is expired\n',
         [Complaint("", "", "the key of T <t@x> has expired", "refresh the keyring")]),
        ('error: core: key "12AB" is expired\n',
         [Complaint("", "", "the key of 12AB has expired", "refresh the keyring")]),
        ("error: failed retrieving file 'core.db.sig' from m.example : The requested URL returned error: 404\n",
         [unreachable("http://m.example/core/os/x86_64/core.db.sig", "The requested URL returned error: 404")]),
        ("error: failed retrieving file 'other.db' from m.example : no\n",
         [Complaint("", "", "other.db from m.example: no", NETWORK)]),
        ("error: failed to synchronize all databases (unexpected error)\n", []),
    ],
)  # fmt: skip
def test_why_pacman_could_not_update(tmp_path: Path, errors: str, found: list[Complaint]) -> None:
    assert explain(tmp_path, "arch", errors, "explain_sync", *SYNC, repositories=REPOSITORIES) == found


def test_why_pacman_could_not_resolve(tmp_path: Path) -> None:
    errors = "error: target not found: zzz\nerror: target not found: opensh\n"
    assert explain(tmp_path, "arch", errors, "explain_packages", "arch", "names", names="openssh\nopenssl\n") == [
        Complaint("packages", "opensh", "arch has no package 'opensh'", "did you mean openssh or openssl?"),
        Complaint("packages", "zzz", "arch has no package 'zzz'", "check the name and the repositories"),
    ]
    assert explain(tmp_path, "arch", "error: something else\n", "explain_packages", "arch", "names", names="") == []


@pytest.mark.parametrize("awk", [name for name in ("mawk", "gawk") if shutil.which(name)])
@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("crul", "curl cruft creal", "did you mean curl?"),
        ("vim-tiny", "vim-tiny vim-tin vim-tinyx vim-nox", "did you mean vim-tinyx or vim-tin?"),
        ("aaaa", "aaaab aaaac aaaad aaaae aaaaa", "did you mean aaaab or aaaac or aaaad?"),
        ("aaaa", "aaaabb aaaab aaa aaaac aaaa", "did you mean aaaab or aaaac or aaa?"),
        ("b\\0a.*", "a", "none"),
        ("x", "", "none"),
    ],
)
def test_suggestions(awk: str, name: str, names: str, expected: str) -> None:
    text = (ROOT / "sandbox" / "suggest.sh").read_text().replace(" awk '", f" {awk} '") + '\nsuggest "$1" none'
    done = subprocess.run(
        ["sh", "-euc", text, "sh", name], input=names.replace(" ", "\n"), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{expected}\n"
