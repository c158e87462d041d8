"""What a profile says crosses languages with quotes and separators of their own, which the real programs read here."""

from __future__ import annotations

import ctypes
import fnmatch
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import distributions, managers
from debate.managers import shared
from debate.managers.apt import Apt
from debate.managers.interface import Manager, Repository, Request
from debate.managers.pacman import Pacman
from debate.profile.schema import fits
from debate.steps import overlay
from tests.conftest import ROOT, many

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
HARD = st.text(" '\"\\$`;{}|&<>#%*?[]~!ü&@-x/.", max_size=12)
SCRIPT = (ROOT / "sandbox" / "overlay.sh").read_text()
SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
"""Those that are /bin/sh in Debian and Arch."""
FEW = many(15)


def run(*argv: str | Path, data: str = "", status: int = 0) -> str:
    done = subprocess.run([*map(str, argv)], input=data, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout


def fields(shell: str, names: str, data: str) -> list[list[str]]:
    """What the loop of overlay.sh that reads these ``names`` has in each of them."""
    read = next(found for found in re.findall(r"while (IFS=.* read -r .*) <&9; do", SCRIPT) if found.endswith(names))
    words = " ".join(f'"${name}"' for name in names.split())
    printed = run(shell, "-c", f"while {read}; do printf '%s\\n' {words}; done", data=data).split("\n")[:-1]
    count = len(names.split())
    return [printed[at : at + count] for at in range(0, len(printed), count)]


@FEW
@given(
    full_names=st.lists(
        st.one_of(TEXT, HARD).filter(lambda text: fits(text, "users", "*", "full_name")), min_size=1, max_size=9
    )
)
def test_users_in_the_shell(full_names: list[str]) -> None:
    users = [overlay.User("live", None, name, ("adm", "sudo"), "/bin/sh", "$6$a/.b$c") for name in full_names]
    for shell in SHELLS:
        found = fields(shell, "name uid shell groups full_name password", overlay._users(users))
        assert found == [["live", "", "/bin/sh", "adm,sudo", name, "$6$a/.b$c"] for name in full_names]


def applied(shell: str, tmp_path: Path, lines: str, status: int) -> None:
    """Run the part of overlay.sh that sets ``lines`` of permissions."""
    (tmp_path / "permissions").write_text(lines)
    (tmp_path / "users").touch()
    start, end = "# apply_permissions PATTERN", "\napply_permissions '*' '/etc/skel/*'\n"
    part = SCRIPT[SCRIPT.index(start) : SCRIPT.index(end) + len(end)] + "stop_on_problems\n"
    functions = "".join(
        SCRIPT[SCRIPT.index(f"{name}() {{") :].partition("\n}\n")[0] + "\n}\n"
        for name in ("known", "belongs", "has_capabilities")
    )
    script = f"{(ROOT / 'sandbox/problem.sh').read_text()}{functions}set -eu\nowner_remedy=x\n{part}"
    for path in ("/run/in/users", "/run/in/permissions", "/run/problems"):
        script = script.replace(path, f"'{tmp_path / Path(path).name}'")
    run(shell, "-c", script, status=status)


@pytest.mark.parametrize("shell", SHELLS)
def test_all_permissions_that_cannot_be_are_told_at_once(tmp_path: Path, shell: str) -> None:
    """Each once, also those below /etc/skel, which come first. Nothing is changed then."""
    there = tmp_path / "a b"
    there.touch(0o600)
    lacking = ["/etc/skel/.none", "/etc/skel/none/x", "/none", f"{tmp_path}/none:"]
    lines = [f"0644\troot\troot\t{path}\n" for path in [*lacking[::-1], str(there)]]
    applied(shell, tmp_path, "".join(lines) + f"0644\tnobody-there\troot\t{there}\n", 1)
    told = (tmp_path / "problems").read_text().split("\0")[:-1]
    found = list(zip(told[::4], told[1::4], strict=True))
    assert sorted(found) == sorted(("permissions", value) for value in [*lacking, "nobody-there"])
    assert there.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("kind", ["file", "directory"])
@pytest.mark.parametrize("mode", ["0755", "2775", "4711"])
@pytest.mark.parametrize("owner", [None, 0, 7])
@pytest.mark.parametrize("group", [None, 0, 8])
def test_what_permissions_do_not_say_stays(
    tmp_path: Path, shell: str, kind: str, mode: str, owner: int | None, group: int | None
) -> None:
    there = tmp_path / "a b"
    there.mkdir() if kind == "directory" else there.touch()
    os.chown(there, 1000, 12)
    said = "\t".join("-" if each is None else str(each) for each in (owner, group))
    applied(shell, tmp_path, f"{mode}\t{said}\t{there}\n", 0)
    found = there.stat()
    assert (f"{found.st_mode & 0o7777:04o}", found.st_uid, found.st_gid) == (
        mode, 1000 if owner is None else owner, 12 if group is None else group,
    )  # fmt: skip


@FEW
@given(
    paths=st.lists(
        st.one_of(TEXT, HARD, st.text("a: ", max_size=5)).map("/{}".format).filter(
            lambda path: fits(path, "permissions", "*", "path")
        ),
        min_size=1,
        max_size=9,
    )
)  # fmt: skip
def test_permissions_in_the_shell(paths: list[str]) -> None:
    lines = "".join(f"0600\troot\t12\t{path}\n" for path in paths)
    for shell in SHELLS:
        assert fields(shell, "mode owner group path", lines) == [["0600", "root", "12", path] for path in paths]


FULL_NAMES = [
    "",
    "Live User",
    """Ünï "Bob" O'Brien; $HOME `%s` \\n & #{x}""",
    "-x",
    "--root /",
    " a ",
    "日本",
    "a\u00a0b",
]


@pytest.mark.skipif(os.geteuid() != 0, reason="useradd needs root")
def test_full_names_in_passwd(tmp_path: Path) -> None:
    """useradd(8), which --prefix lets work on other files than the system's."""
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow"):
        (tmp_path / "etc" / name).touch()
    words = ["--no-create-home", "--user-group", "--shell", "/bin/sh", "--password", "!"]
    for number, full_name in enumerate(FULL_NAMES):
        assert fits(full_name, "users", "*", "full_name")
        run("useradd", "--prefix", tmp_path, *words, "--comment", full_name, "--", f"u{number}")
    lines = (tmp_path / "etc" / "passwd").read_text().split("\n")[:-1]
    assert [line.split(":")[4] for line in lines] == FULL_NAMES


@pytest.mark.parametrize("name", ["Doe, John", "umask=0", "a:b", "a\nb"])
def test_full_names_that_passwd_cannot_carry(name: str) -> None:
    assert not fits(name, "users", "*", "full_name")


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0vtZjHgQdWQZ7Hz8cQJk7y8y0v4ZVt0xq0Wl8mXb3A"
OPTIONS = st.one_of(
    st.text("a \"\\,=$'", max_size=8).map('command="{}"'.format),
    st.text("ab-", min_size=1, max_size=4),
)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")
@FEW
@given(options=st.lists(OPTIONS, max_size=3), comment=st.one_of(st.just(""), TEXT.map(" {}".format)))
def test_keys_of_ssh(options: list[str], comment: str) -> None:
    """ssh-keygen passes over options in the way of sshd, and finds the key behind them."""
    line = " ".join(filter(None, (",".join(options), KEY))) + comment
    if fits(line, "users", "*", "ssh_keys", "*"):
        assert "ED25519" in run("ssh-keygen", "-l", "-f", "-", data=f"{line}\n")


@pytest.mark.parametrize(
    ("option", "valid"),
    [
        ('command="echo \\"a b\\" $x"', True),
        ('command="a\\b"', True),
        ('command="a\\\\b"', True),
        ('command="a\\\\"', False),  # To sshd, a backslash and a quote that goes on.
        ('command="a', False),
        ('command=a', False),
    ],
)  # fmt: skip
def test_options_of_keys(option: str, valid: bool) -> None:
    assert fits(f"{option},no-pty {KEY}", "users", "*", "ssh_keys", "*") == valid


def with_repository(distribution: str, url: str, suite: str, component: str) -> tuple[Manager, Request, dict[str, str]]:
    facts = distributions.get(distribution)
    request = shared.tools_request(facts, facts.RELEASES[0])
    request = replace(request, repositories=(Repository("own", "k", (suite,), (component,)),))
    addresses = dict.fromkeys(("debian", "debian-security", "arch"), "http://main.example")
    return managers.get(distribution), request, {**addresses, "own": url}


HOSTS = st.sampled_from(["h.example", "[2001:db8::1]:80", "127.0.0.1:3142"])
PATHS = st.lists(st.one_of(st.sampled_from("aZ0/._~+:@,=&;!()*-"), st.just("%20"), st.just("%2f")), max_size=12)
URLS = st.builds(lambda host, parts: f"http://{host}/a{''.join(parts)}".rstrip("/"), HOSTS, PATHS).filter(
    lambda url: fits(url, "repositories", "*", "url")
)
NAMES = st.text("aZ0/._-", min_size=1, max_size=8).filter(
    lambda name: fits(name, "repositories", "*", "suites", "*") and not name.endswith("/") and "//" not in name
)


@pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")
@FEW
@given(url=URLS, suite=NAMES, component=NAMES)
def test_sources_of_apt(tmp_path_factory: pytest.TempPathFactory, url: str, suite: str, component: str) -> None:
    """Whose words end at spaces, in which % decodes, and [ begins an option or an address."""
    manager, request, addresses = with_repository("debian", url, suite, component)
    assert isinstance(manager, Apt)
    directory = tmp_path_factory.mktemp("apt")
    for name in ("etc", "state/lists/partial", "cache"):
        (directory / name).mkdir(parents=True)
    lines = [line for archive, line in manager._sources(request, addresses) if archive == "own"]
    (directory / "etc/sources.list").write_text("".join(f"{line}\n" for line in lines))
    options = [f"-oDir::{name.title()}={directory}/{name}" for name in ("etc", "state", "cache")]
    said = run("apt-get", "update", "--print-uris", *options, "-oDir::Etc::SourceParts=none")
    assert said.startswith(f"'{url}/dists/{suite}/InRelease' ")
    assert f"'{url}/dists/{suite}/{component}/binary-" in said


@pytest.mark.skipif(not shutil.which("pacman-conf"), reason="needs pacman")
@FEW
@given(url=URLS)
def test_servers_of_pacman(url: str) -> None:
    manager, request, addresses = with_repository("arch", url, "s", "c")
    assert isinstance(manager, Pacman)
    sections = manager._repositories(request, addresses).decode()
    said = run(
        "pacman-conf", "-c", "/dev/stdin", "-r", "own", "Server", data=f"[options]\nArchitecture = x86_64\n{sections}"
    )
    assert said == f"{url}\n"


PATTERNS = st.text("ab/*?[]!-.x'\"$;{}#=", max_size=8).map("/{}".format)


@given(pattern=PATTERNS, path=st.text("ab/.x'\"$;{}#=!-[]", max_size=8).map("/{}".format))
def test_excluded_paths_are_the_same_to_all(pattern: str, path: str) -> None:
    """mmdebstrap has Python's fnmatch for essential packages; dpkg, for the others, and pacman have the C library's."""
    if fits(pattern, "image", "exclude", "*"):
        c = ctypes.CDLL(None).fnmatch(pattern.encode(), path.encode(), 0) == 0
        assert c == fnmatch.fnmatchcase(path, pattern)


@pytest.mark.skipif(not shutil.which("pacman-conf"), reason="needs pacman")
@FEW
@given(patterns=st.lists(PATTERNS.filter(lambda text: fits(text, "image", "exclude", "*") and text != "/"), max_size=5))
def test_excluded_paths_of_pacman(patterns: list[str]) -> None:
    lines = "".join(f"NoExtract = {pattern.lstrip('/')}\n" for pattern in patterns)
    said = run("pacman-conf", "-c", "/dev/stdin", "NoExtract", data=f"[options]\n{lines}")
    assert said.split("\n")[:-1] == [pattern.removeprefix("/") for pattern in patterns]


@pytest.mark.parametrize(
    "pattern",
    ["/a b", "/a ", "/!a", "//!a", "/a\\b", "/[^a]", "/[[:alpha:]]", "/[", "/[!]", "/[a", "/[a/b]", "a", "/a\n",
     "/" + 200 * "a"],
)  # fmt: skip
def test_patterns_that_they_read_differently(pattern: str) -> None:
    assert not fits(pattern, "image", "exclude", "*")


@pytest.mark.skipif(not shutil.which("xorriso"), reason="needs xorriso")
@FEW
@given(publisher=st.text("aZ0 !\"%&'()*+,-./:;<=>?_@$ü\\`", max_size=66))
def test_publishers(tmp_path_factory: pytest.TempPathFactory, publisher: str) -> None:
    if not fits(publisher, "image", "publisher"):
        return
    directory = tmp_path_factory.mktemp("publisher")
    (directory / "tree").mkdir()
    words = ["xorriso", "-as", "mkisofs", "-quiet", "-joliet", "-publisher", publisher]
    run(*words, "-o", directory / "iso", directory / "tree")
    with (directory / "iso").open("rb") as iso:
        iso.seek(16 * 2048)
        found = {block[0]: block[318:446] for block in (iso.read(2048) for _ in range(4)) if block[1:6] == b"CD001"}
    assert found[1].decode().rstrip(" ") == publisher.upper()
    assert found[2].decode("utf-16-be").rstrip(" \0") == publisher


@pytest.mark.parametrize("publisher", ["Müller", "a$b", "a@b", "a\\b", " a", "a ", "_a", "-a", "a" * 65, "a`b`"])
def test_publishers_that_iso_9660_cannot_carry(publisher: str) -> None:
    assert not fits(publisher, "image", "publisher")


def test_a_label_is_no_option_of_grub() -> None:
    assert not fits("-LABEL", "image", "label")
    assert fits("LABEL-1", "image", "label")
