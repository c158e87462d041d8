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

REPOSITORIES = "[own]\nServer = http://own.example\n[core]\nServer = http://m.example/$repo/os/$arch\n"
SYNC = ("repositories", "x86_64")
CORE, UNKNOWN_KEY = "http://m.example/core/os/x86_64", "database is signed by an unknown key, so it is refused"


def explain(
    directory: Path, manager: str, errors: str, function: str, *words: str, **files: str
) -> Sequence[Complaint]:
    """What ``function`` of a manager's explain.sh reports of ``errors``. ``files`` are made for ``words`` to name."""
    for name, text in {"errors": errors, **files}.items():
        (directory / name).write_text(text)
    (directory / "keys").mkdir(exist_ok=True)
    (directory / "keys" / ("own" if manager == "arch" else "own.gpg")).touch()
    channel = directory / "problems"
    channel.unlink(missing_ok=True)
    channel.touch()
    names = ("problem.sh", "suggest.sh", f"{manager}/verdicts.sh", f"{manager}/explain.sh", "arch/failed.sh")
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


def of_arch(remedy: str, variable: str = "DEBATE_MIRROR_ARCH") -> str:
    return f"{remedy}, or set {variable} to another mirror"


def unreachable(address: str, reason: str) -> Complaint:
    return Complaint("", address, reason, NETWORK)


MAIN = "http://m.example"
OF_MAIN = f"{NETWORK}, or set DEBATE_MIRROR_DEBIAN to another mirror"
OTHER = "use another mirror, and tell those who run this one"
ASK = "get the present key from those who run the archive, and check it"
SQV = "Sub-process /usr/bin/sqv returned an error code (1), error message is: "


def of_main(fact: str, remedy: str, path: str = "") -> Complaint:
    return Complaint("", MAIN + path, fact, remedy)


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


def test_every_source_that_fails_is_told(tmp_path: Path) -> None:
    """apt tells some on standard error, others only as they fail, and those of another server by its address alone."""
    (tmp_path / "keys").mkdir(exist_ok=True)
    lasting = (
        f"E: Failed to fetch {MAIN.replace('//', '//me:hush@')}/dists/trixie/InRelease  400  Bad [IP: 127.0.0.1 1]\n"
    )
    answer = (
        f"Err:1 {MAIN} trixie InRelease\n  400  Bad [IP: 127.0.0.1 1]\nGet:4 {MAIN} forky InRelease [1 kB]\n"
        "Ign:2 https://to.example/own s InRelease\nErr:2 https://to.example/own s InRelease\n  Connection failed\n"
    )
    assert update(tmp_path, lasting, answer) == [
        Complaint("", f"{MAIN}/dists/trixie/InRelease", "400  Bad", OF_MAIN),
        Complaint("", "file:///srv/own/dists/s/InRelease", "Connection failed", OF_MAIN.replace("DEBIAN", "OWN")),
    ]
    answer = "Err:1 copy:/run/mirror/own s InRelease\n  Connection timed out [IP: 127.0.0.1 1]\n"
    assert [each.value for each in update(tmp_path, lasting, answer)] == [
        f"{MAIN}/dists/trixie/InRelease", "file:///srv/own/dists/s/InRelease",
    ]  # fmt: skip


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
    words = ("packages", "installed", "entries", "below", "indexes")
    files = {"packages": "curl\n", "installed": errors, "entries": ENTRIES, "indexes": ""}
    assert explain(tmp_path, "debian", errors, "explain_packages", *words, **files) == []
    errors = f"error: failed retrieving file 'core.db' from m.example : 418 {forged}\n"
    found = explain(tmp_path, "arch", errors, "explain_sync", *SYNC, repositories=REPOSITORIES)
    if "unknown trust" not in forged:
        assert found == [Complaint("", f"{CORE}/core.db", f"418 {forged}", of_arch(NETWORK))]
    files = {"packages": "curl\n", "databases": DATABASES}
    assert explain(tmp_path, "arch", errors, "explain_packages", "packages", "databases", "below", **files) == []
    assert not (tmp_path / "forged").exists()


ENTRIES = "".join(
    f"{archive}\t{name}\t{version}\tall\tpool/x\t5\t{'0' * 64}\n"
    for archive, name, version in (
        ("debian", "curl", "8.1-1"), ("extra", "curl", "9-1"), ("debian", "g++", "4:14"), ("debian", "vim", "2:9"),
        ("debian", "exim4", "1"), ("debian", "postfix", "1"), ("debian", "c", "1"), ("extra", "c", "0.5"),
    )
)  # fmt: skip
PACKAGES = (
    "Package: exim4\nVersion: 1\nProvides: mail-transport-agent, x\n\nPackage: postfix\nVersion: 1\n"
    "Provides: default-mta (= 2), mail-transport-agent:any (= 1)\n\nPackage: curl\nVersion: 1\nProvides: curl-abi\n"
)


@pytest.mark.parametrize(
    ("asked", "value", "fact", "remedy"),
    [
        ("crul", "crul", "has no package 'crul'", "did you mean curl?"),
        ("xyzzy", "xyzzy", "has no package 'xyzzy'", "check the name and the release"),
        ("g+", "g+", "has no package 'g+'", "did you mean g++?"),
        ("vim+", "vim+", "has no package 'vim+'", "did you mean vim?"),
        ("c.rl", "c.rl", "has no package 'c.rl'", "did you mean curl?"),
        ("mail-transport-agent", "mail-transport-agent",
         "has no package 'mail-transport-agent': the name is virtual, provided by exim4, postfix",
         "name one of them"),
        ("curl-abi", "curl-abi", "has no package 'curl-abi': the name is virtual, provided by curl",
         "name one of them"),
        ("curl=8", "curl=8", "has no version 8 of curl, but 8.1-1 (debian), 9-1 (extra)",
         "choose one that it has, or use a dated mirror (snapshot)"),
        ("crul=8", "crul", "has no package 'crul'", "did you mean curl?"),
    ],
)  # fmt: skip
def test_names_that_apt_would_take_for_something_else(
    tmp_path: Path, asked: str, value: str, fact: str, remedy: str
) -> None:
    index = tmp_path / "Packages"
    index.write_text(PACKAGES)
    words = ("entries", "indexes", "names", "debian trixie")
    names = "".join(f"{line.split()[1]}\n" for line in ENTRIES.splitlines())
    files = {"entries": ENTRIES, "indexes": f"debian trixie {index} main\n", "names": f"{names}without-sha256\n"}
    found = explain(tmp_path, "debian", f"curl=9-1\n{asked}\nwithout-sha256\n", "explain_names", *words, **files)
    assert found == [Complaint("packages", value, f"debian trixie {fact}", remedy)]


SOLVER = """\
E: Unable to correct problems, you have held broken packages.
E: The following information from --solver 3.0 may provide additional context:
   Unable to satisfy dependencies. Reached two conflicting decisions:
"""
"""What apt 3.0 says; the rest of its answer is indented."""


@pytest.mark.parametrize(
    ("said", "base", "found"),
    [
        (["1. b:amd64 is selected for install because:", "   1. deep:amd64=1 is selected for install",
          "   2. deep:amd64 Depends b", "2. b:amd64 Depends c (>= 2) | missing",
          "   but none of the choices are installable:", "   [no choices]"], "",
         [("deep", "deep cannot be installed: deep depends on b, b depends on c (>= 2) | missing, and there is no "
           "package missing, and there is c 1 and 0.5",
           "leave it out, or name a repository that has what it needs")]),
        (["1. c:amd64=1 is selected for install", "2. c:amd64=1 is not selected for install because:",
          "   1. d:amd64=1 is selected for install", "   2. d:amd64 Conflicts c", "      [selected d:amd64]"], "",
         [(name, f"{name} cannot be installed: d conflicts with c", "leave one of them out") for name in ("c", "d")]),
        (["1. c:amd64=0.7 is selected for install", "2. c:amd64=0.7 is not selected for install because:",
          "   1. d:amd64=1 is selected for install", "   2. d:amd64 Conflicts c"], "Package: c\nVersion: 0.7\n\n",
         [("d", "d cannot be installed: d conflicts with c, and the base below has c 0.7",
           "leave it out, or choose another base")]),
        (["1. need:amd64 Depends c (= 1)", "   but none of the choices are installable:",
          "   - c:amd64=1 is not selected for install because:", "     1. c:amd64=0.7 is selected for install",
          "     2. c:amd64=0.7 conflicts with other versions of itself"], "Package: c\nVersion: 0.7\n\n",
         [("need", "need cannot be installed: need depends on c (= 1), and the base below has c 0.7",
           "leave it out, or choose another base")]),
        (["1. d:amd64=1 is selected for install", "2. d:amd64 Conflicts mail-transport-agent"], "",
         [(name, f"{name} cannot be installed: d conflicts with mail-transport-agent, which exim4 is",
           "leave one of them out") for name in ("d", "exim4")]),
        (["1. d:amd64=1 is selected for install", "2. d:amd64 Conflicts mail-transport-agent"],
         "Package: postfix\nVersion: 1\n\n",
         [(name, f"{name} cannot be installed: d conflicts with mail-transport-agent, which postfix of the base below "
           "is, which exim4 is", "leave it out, or choose another base") for name in ("d", "exim4")]),
        (["what a later version of apt might say"], "",
         [("", "apt found no way to install all of them", "see the log for why")]),
    ],
)  # fmt: skip
def test_why_apt_could_not_resolve(
    tmp_path: Path, said: list[str], base: str, found: list[tuple[str, str, str]]
) -> None:
    errors = SOLVER + "".join(f"   {line}\n" for line in said)
    index = tmp_path / "Packages"
    index.write_text(PACKAGES)
    asked = "deep\nd\nneed=1\nexim4\n" + ("" if base else "c\n")
    files = {"packages": asked, "installed": base, "entries": ENTRIES, "indexes": f"debian trixie {index} main\n"}
    expected = [Complaint("packages", *each) for each in found]
    words = ("packages", "installed", "entries", "below", "indexes")
    assert explain(tmp_path, "debian", errors, "explain_packages", *words, **files) == expected


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
        (failed("401  Unauthorized", 4), [("4", "401  Unauthorized", "the mirror wants a user and a password: put them "
                                           "into its address in the settings")]),
        (failed("503  Busy", 4), [("4", "503  Busy", f"{NETWORK}, try again later")]),
        (failed("SSL connection failed: x", 4), [("4", "SSL connection failed: x", f"{NETWORK}; its certificate must "
                                                  "be valid, by an authority that this host trusts")]),
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
        ('error: core: signature from "T <t@x>" is unknown trust\nerror: own: signature from "x" is marginal trust\n'
         "error: failed to synchronize all databases (invalid or corrupted database (PGP signature))\n",
         [Complaint("", address, f"its {UNKNOWN_KEY}", ASK) for address in (CORE, "http://own.example")]),
        ("error: failed to synchronize all databases (invalid or corrupted database (PGP signature))\n",
         [Complaint("", "", f"a mirror's {UNKNOWN_KEY}", ASK)]),
        ('error: core: signature from "T <t@x>" is expired\n',
         [Complaint("", CORE, "the key of T <t@x> has expired", "refresh the keyring")]),
        ('error: core: key "12AB" is expired\n',
         [Complaint("", CORE, "the key of 12AB has expired", "refresh the keyring")]),
        ("error: failed retrieving file 'core.db.sig' from m.example : The requested URL returned error: 404\n"
         "error: failed retrieving file 'own.db' from own.example : Could not resolve host: own.example\n"
         "error: failed retrieving file 'own.db.sig' from own.example : Could not resolve host: own.example\n",
         [Complaint("", f"{CORE}/core.db.sig", "The requested URL returned error: 404", of_arch(
              "check the address and the repository's name: the directory must have core.db")),
          Complaint("", "http://own.example/own.db", "Could not resolve host: own.example", of_arch(
              "check the spelling of its host, and how this host looks up names", "DEBATE_MIRROR_OWN"))]),
        ('error: core: signature from "T <t@x>" is invalid\nerror: own: missing required signature\n'
         "error: failed to synchronize all databases (invalid or corrupted database (PGP signature))\n",
         [Complaint("", CORE, "its database was altered after it was signed", OTHER),
          Complaint("", "http://own.example", "its database is not signed, so it is refused", "use another mirror")]),
        ("error: failed retrieving file 'core.db' from m.example : Operation too slow. Less than 1 bytes/sec\n",
         [Complaint("", f"{CORE}/core.db", "Operation too slow. Less than 1 bytes/sec", of_arch(
             "check the network, try again later"))]),
        ("error: failed retrieving file 'other.db' from m.example : no\n",
         [Complaint("", "", "other.db from m.example: no", of_arch(NETWORK))]),
        ("error: failed to synchronize all databases (unexpected error)\n",
         [Complaint("", "", "pacman could not fetch the databases: failed to synchronize all databases (unexpected "
                    "error)", "see the log")]),
        ("warning: x\n", []),
    ],
)  # fmt: skip
def test_why_pacman_could_not_update(tmp_path: Path, errors: str, found: list[Complaint]) -> None:
    assert explain(tmp_path, "arch", errors, "explain_sync", *SYNC, repositories=REPOSITORIES) == found


def desc(name: str, version: str, more: str = "") -> str:
    return f"%FILENAME%\n{name}-{version}-any.pkg.tar.zst\n\n%NAME%\n{name}\n\n%VERSION%\n{version}\n\n{more}"


DATABASES = (
    "%REPOSITORY%\ncore\n\n" + desc("curl", "8-1") + desc("cronie", "1-1", "%PROVIDES%\ncron=1\nx\n\n")
    + desc("fcron", "1-1", "%GROUPS%\ntimers\n\n%PROVIDES%\ncron\n\n") + desc("at", "1-1", "%GROUPS%\ntimers\n\n")
    + "\n%REPOSITORY%\nextra\n\n" + desc("curl", "9-1") + desc("openssh", "1-1") + desc("openssl", "1-1") + "\n"
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "value", "fact", "remedy"),
    [
        ("opensh", "opensh", "has no package 'opensh'", "did you mean openssh or openssl?"),
        ("zzz=1", "zzz", "has no package 'zzz'", "check the name and the repositories"),
        ("cron", "cron", "has no package 'cron': the name is virtual, provided by cronie, fcron",
         "name one of them"),
        ("cron=1", "cron", "has no package 'cron': the name is virtual, provided by cronie, fcron",
         "name one of them"),
        ("timers", "timers", "has no package 'timers': the name is a group's, of fcron, at",
         "name those that are wanted"),
        ("curl=8", "curl=8", "has no version 8 of curl, but 8-1, 9-1",
         "choose one that it has, or use a dated mirror (snapshot)"),
    ],
)  # fmt: skip
def test_names_that_pacman_would_take_for_something_else(
    tmp_path: Path, asked: str, value: str, fact: str, remedy: str
) -> None:
    found = explain(tmp_path, "arch", f"curl=9-1\n{asked}\nat\n", "explain_names", "databases", "arch",
                    databases=DATABASES)  # fmt: skip
    assert found == [Complaint("packages", value, f"arch {fact}", remedy)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (":: unable to satisfy dependency 'curl>=10' required by b\n"
         ":: unable to satisfy dependency 'b' required by deep\n",
         [("packages", "deep",
           "deep cannot be installed: b needs curl>=10, deep needs b, and there is curl 8-1 and 9-1",
           "leave it out, or name a repository that has what it needs")]),
        (":: unable to satisfy dependency 'missing' required by a\n",
         [("packages", "", "a needs missing, and there is no package missing",
           "leave it out, or name a repository that has what it needs")]),
        (":: installing curl (9-1) breaks dependency 'curl=8' required by e\n",
         [("base", "below", "e needs curl=8, which curl (9-1) is not",
           "refresh the base's lock with doit lock:below")]),
        ("error: something else\n", []),
    ],
)  # fmt: skip
def test_why_pacman_could_not_resolve(tmp_path: Path, said: str, found: list[tuple[str, str, str, str]]) -> None:
    words, files = ("packages", "databases", "below"), {"packages": "deep\ncurl=9-1\n", "databases": DATABASES}
    assert explain(tmp_path, "arch", said, "explain_packages", *words, **files) == [Complaint(*each) for each in found]


OTHERS = "".join(
    desc(name, "1-1", f"%CONFLICTS%\n{conflicts}\n\n%PROVIDES%\n{provides}\n\n")
    for name, conflicts, provides in (
        ("plain", "cronie", "x"), ("old", "cronie<2", "x"), ("older", "cronie<1", "x"), ("exact", "cron=1", "x"),
        ("self", "cron", "cron"),
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "against", "value", "fact"),
    [
        ("plain", "cronie", "plain", "plain conflicts with cronie"),
        ("old", "cronie", "old", "old conflicts with cronie<2, which cronie is"),
        ("older", "cronie", "", ""),
        ("exact", "cronie", "exact", "exact conflicts with cron=1, which cronie is"),
        ("exact", "fcron", "", ""),
        ("self", "fcron", "self", "self conflicts with cron, which fcron is"),
        ("self", "at", "", ""),
        ("old", "cronie below", "old",
         "old conflicts with cronie<2, which cronie is, and the base below has one of them"),
    ],
)  # fmt: skip
@pytest.mark.skipif(not shutil.which("pacman"), reason="needs pacman, which compares versions")
def test_conflicts_that_pacman_notices_late(tmp_path: Path, name: str, against: str, value: str, fact: str) -> None:
    other, _, base = against.partition(" ")
    resolved = f"{name} 1-1 core\n" + ("" if base else f"{other} 1-1 core\n")
    below = desc(other, "1-1") if base else ""
    files = {
        "packages": f"{name}=1-1\n",
        "databases": DATABASES + OTHERS,
        "below": below,
        "below.names": f"{base and other}\n",
    }
    found = explain(tmp_path, "arch", resolved, "explain_conflicts", "packages", "databases", "below", base, **files)
    remedy = "leave it out, or choose another base" if base else "leave one of them out"
    assert found == ([Complaint("packages", value, fact, remedy)] if fact else [])


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
