"""What came out is compared with what was asked for, in a tree that packages have written to."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
FILE = hashlib.sha256(b"x\n").hexdigest()
WANTED = [
    "/etc\tdirectory\t-\t-\t-\t-", f"/etc/f\tfile\t0640\troot\tadm\t{FILE}", "/etc/l\tlink\t0777\troot\troot\t../f",
    f"/lib/a b\\n\tfile\t0644\t7\t8\t{FILE}", "/usr/lib/p\t-\t4711\tlive\troot\t-",
    f"/up/f\tfile\t0644\troot\troot\t{FILE}",
]  # fmt: skip
USERS = "live:1000:/bin/sh:adm,own:A B:!\nroot::/bin/bash:::\n"


def compared(tmp_path: Path, wanted: list[str], users: str, services: str = "") -> list[str]:
    """Field, value and fact of each problem."""
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / "wanted").write_text("".join(f"{line}\n" for line in wanted))
    (tmp_path / "in" / "users").write_text(users)
    (tmp_path / "in" / "services").write_text(services)
    problems = tmp_path / "problems"
    problems.write_bytes(b"")
    script = tmp_path / "arrived.pl"
    text = (ROOT / "sandbox" / "arrived.pl").read_text()
    for name in ("in", "layers", "problems"):
        text = text.replace(f"/run/{name}", str(tmp_path / name))
    script.write_text(text)
    done = subprocess.run(["perl", str(script)], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    fields = problems.read_text().split("\0")
    assert done.returncode == (len(fields) > 1)
    return [" | ".join(fields[at : at + 3]) for at in range(0, len(fields) - 1, 4)]


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    """A system that is as WANTED and USERS have it."""
    root = tmp_path / "layers"
    for name in ("etc", "usr/lib", "home/live", "srv/up"):
        (root / name).mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "up").symlink_to("/srv/up")  # From the host, this would leave the tree.
    for name in ("etc/f", "usr/lib/a b\\n", "usr/lib/p", "srv/up/f"):
        (root / name).write_text("x\n")
    (root / "etc/l").symlink_to("../f")
    (root / "etc/f").chmod(0o640)
    os.chown(root / "etc/f", 0, 4)
    os.chown(root / "usr/lib/a b\\n", 7, 8)
    os.chown(root / "usr/lib/p", 1000, 0)
    (root / "usr/lib/p").chmod(0o4711)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\nlive:x:1000:1000:A B:/home/live:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nadm:x:4:live\nlive:x:1000:\nown:x:5:other,live\n")
    (root / "etc/shadow").write_text("root::1::::::\nlive:!:1::::::\n")
    return root


def test_all_is_there(tmp_path: Path, layers: Path) -> None:
    assert compared(tmp_path, WANTED, USERS) == []
    assert layers.is_dir()


def instead(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    make(path)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (lambda root: (root / "etc/f").unlink(), "files | /etc/f | /etc/f did not get into the system"),
    "content": (lambda root: edit(root / "etc/f", "x", "y"), "files | /etc/f | /etc/f: the system has another content"),
    "mode": (lambda root: (root / "etc/f").chmod(0o644), "files | /etc/f | /etc/f: the profile has mode 0640, and the"),
    "setuid": (lambda root: (root / "usr/lib/p").chmod(0o711), "files | /usr/lib/p | /usr/lib/p: the profile has mode"),
    "owner": (lambda root: os.chown(root / "etc/f", 1, 4), "files | /etc/f | /etc/f: the profile has the owner root:a"),
    "group": (lambda root: os.chown(root / "etc/f", 0, 0), "files | /etc/f | /etc/f: the profile has the owner root:a"),
    "target": (lambda root: instead(root / "etc/l", lambda path: path.symlink_to("f")), "files | /etc/l | /etc/l: the"),
    "a directory": (lambda root: instead(root / "etc/f", Path.mkdir), "files | /etc/f | /etc/f: the profile has a fil"),
    "a link": (
        lambda root: instead(root / "etc/f", lambda path: path.symlink_to("l")),
        "files | /etc/f | /etc/f: the profile has a file, and the system a link",
    ),
    "a pipe": (lambda root: instead(root / "etc/f", os.mkfifo), "files | /etc/f | /etc/f: the profile has a file, and"),
    "a link on the way out": (
        lambda root: instead(root / "lib", lambda path: path.symlink_to("../../../../usr/lib")), "",
    ),
    "links without end": (
        lambda root: instead(root / "up", lambda path: path.symlink_to("up/x")),
        "files | /up/f | /up/f did not get into the system",
    ),
    "a database that is a pipe": (
        lambda root: instead(root / "etc/passwd", os.mkfifo),
        "users | live | live is not in /etc/passwd in the system",
    ),
    "shell": (lambda root: edit(root / "etc/passwd", "/bin/sh", "/bin/false"), "users | live | live has the shell /bi"),
    "home": (lambda root: edit(root / "etc/passwd", "/home/live", "/srv"), "users | live | live has the home /srv, no"),
    "name": (lambda root: edit(root / "etc/passwd", "A B", "C"), "users | live | live has the full name 'C' in the sy"),
    "group member": (lambda root: edit(root / "etc/group", "other,live", "other"), "users | live | live is not in the"),
    "the same uid": (
        lambda root: edit(root / "etc/passwd", "root:x", "eve:x:1000:1000::/:/bin/sh\nroot:x"),
        "users | live | live has the uid 1000 of eve in the",
    ),
    "own group": (lambda root: edit(root / "etc/group", "live:x:1000", "live:x:77"), "users | live | live has the gid"),
    "no own group": (lambda root: edit(root / "etc/group", "live:x:1000:\n", ""), "users | live | live has the gid 10"),
    "password": (lambda root: edit(root / "etc/shadow", "root::", "root:*:"), "users | root | root has another passwo"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_came_out_otherwise(tmp_path: Path, layers: Path, what: str) -> None:
    change, expected = CHANGES[what]
    change(layers)
    found = compared(tmp_path, WANTED, USERS)
    if expected:
        assert any(problem.startswith(expected) for problem in found), found
    else:
        assert found == []


SKEL = [
    "/etc/skel/d\tdirectory\t-\t-\t-\t-", f"/etc/skel/d/f\tfile\t0600\troot\troot\t{FILE}",
    "/etc/skel/d\t-\t2750\troot\troot\t-", "/etc/skel/l\tlink\t0777\troot\troot\td",
]  # fmt: skip
SKEL_CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "mode": (lambda home: (home / "d").chmod(0o755), "/home/live/d: the profile has mode 2750, and the system 0755"),
    "mode of a file": (lambda home: (home / "d/f").chmod(0o644), "/home/live/d/f: the profile has mode 0600, and the"),
    "owner": (lambda home: os.chown(home / "d/f", 0, 0), "/home/live/d/f: the profile has the owner live:live, and"),
    "gone": (lambda home: (home / "l").unlink(), "/home/live/l did not get into the system"),
    "content": (lambda home: edit(home / "d/f", "x", "y"), "/home/live/d/f: the system has another content"),
    "nothing": (Path.stat, ""),
}


@pytest.mark.parametrize("what", SKEL_CHANGES)
def test_homes_are_as_skel_is(tmp_path: Path, layers: Path, what: str) -> None:
    change, expected = SKEL_CHANGES[what]
    for above, owner in ((layers / "etc/skel", 0), (layers / "home/live", 1000)):
        (above / "d").mkdir(parents=True)
        (above / "d/f").write_text("x\n")
        (above / "l").symlink_to("d")
        for name in ("d", "d/f", "l"):
            os.chown(above / name, owner, owner, follow_symlinks=False)
        (above / "d/f").chmod(0o600)
        (above / "d").chmod(0o2750)
    change(layers / "home/live")
    found = compared(tmp_path, SKEL, USERS)
    assert len(found) == bool(expected)
    assert all(expected in problem for problem in found), found


def test_an_attribute_more(tmp_path: Path, layers: Path) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    try:
        os.setxattr(layers / "etc/f", "security.capability", capability)
    except OSError:
        pytest.skip("this file system has no capabilities")
    expected = "files | /etc/f | /etc/f has attributes that the profile did not ask for: security.capability"
    assert compared(tmp_path, WANTED, USERS) == [expected]


def test_two_names_of_one_file(tmp_path: Path, layers: Path) -> None:
    more = f"/usr/lib/a b\\n\tfile\t0644\t7\t8\t{FILE}"
    [problem] = compared(tmp_path, [*WANTED[:4], more], USERS)
    assert "are the same file in the system: /usr/lib/a b\\n" in problem
    assert layers.is_dir()


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ("0600 - -", "0644 - -", True), ("0600 - -", "0600 - -", False), ("0600 live -", "0600 root -", True),
        ("0600 - adm", "0600 - own", True), ("0600 live -", "0600 1000 -", False), ("0600 live -", "0600 - adm", False),
        ("0600 - -", "0600 live adm", False),
    ],
)  # fmt: skip
def test_two_permissions_of_one_file(tmp_path: Path, layers: Path, first: str, second: str, refused: bool) -> None:
    """By two names of it, as by /bin and /usr/bin. They must not contradict each other."""
    lines = []
    for path, said in (("/lib/p", first), ("/usr/lib/p", second)):
        lines.append("\t".join((path, "-", *said.split(), "-")))
        for number, value in zip((0, 1, 2), said.split(), strict=True):
            ids = {"-": -1, "live": 1000, "1000": 1000, "root": 0, "adm": 4, "own": 5}
            if number == 0:
                mode = int(value, 8)
            elif number == 1:
                os.chown(layers / "usr/lib/p", ids[value], -1)
            else:
                os.chown(layers / "usr/lib/p", -1, ids[value])
        (layers / "usr/lib/p").chmod(mode)
    found = [problem for problem in compared(tmp_path, lines, USERS) if problem.startswith("permissions")]
    fact = "permissions | /usr/lib/p | /usr/lib/p and /lib/p are the same file in the system: /usr/lib/p"
    assert found == [fact] * refused


@pytest.mark.parametrize("kind", ["file", "directory"])
@pytest.mark.parametrize(("owner", "group"), [("-", "-"), ("live", "-"), ("-", "adm")])
def test_permissions_that_leave_an_owner(tmp_path: Path, layers: Path, kind: str, owner: str, group: str) -> None:
    """What they do not say is whatever else is asked for."""
    os.chown(layers / "usr/lib/p", 1000, 4)
    (layers / "usr/lib/p").chmod(0o640)
    if kind == "directory":
        instead(layers / "usr/lib/p", Path.mkdir)
        os.chown(layers / "usr/lib/p", 1000, 4)
        (layers / "usr/lib/p").chmod(0o640)
    content = FILE if kind == "file" else "-"
    for asked in ("live\tadm", "-\t-"):
        lines = [f"/usr/lib/p\t{kind}\t-\t{asked}\t{content}", f"/usr/lib/p\t-\t0640\t{owner}\t{group}\t-"]
        assert compared(tmp_path, lines, USERS) == []
        os.chown(layers / "usr/lib/p", 7, 7)
        said = (asked != "-\t-") or (owner, group) != ("-", "-")
        assert ["has the owner" in problem for problem in compared(tmp_path, lines, USERS)] == [True] * said
        os.chown(layers / "usr/lib/p", 1000, 4)


def test_as_many_problems_as_are_read(tmp_path: Path, layers: Path) -> None:
    assert len(compared(tmp_path, [f"/{n}\tfile\t-\t-\t-\t{FILE}" for n in range(1000)], "")) == 20
    assert layers.is_dir()


@pytest.mark.parametrize("capable", [True, False])
def test_capabilities_are_found(tmp_path: Path, capable: bool) -> None:
    """Those that a change of the owner would remove."""
    file = tmp_path / "a b"
    file.write_text(" security.capability\n")
    try:
        os.setxattr(file, "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
    except OSError:
        pytest.skip("this file system has no capabilities")
    if not capable:
        os.removexattr(file, "security.capability")
    text = (ROOT / "sandbox" / "overlay.sh").read_text()
    function = "has_capabilities() {" + text.partition("has_capabilities() {")[2].partition("\n}\n")[0] + "\n}\n"
    done = subprocess.run(["sh", "-c", f'{function}has_capabilities "$1"', "sh", str(file)], timeout=60)
    assert (done.returncode == 0) == capable


INSTALL = "[Unit]\nDescription=x\n[Install]\nWantedBy=multi-user.target\n"
FILES = {
    "lib/a.service": INSTALL, "lib/static.service": "[Service]\nExecStart=/bin/true\n# [Install]\n",
    "lib/t@.service": INSTALL, "lib/d@.service": f"{INSTALL}DefaultInstance=x\n", "lib/a.timer": INSTALL,
    "lib/also.service": "[Install]\nAlso=also.socket\n", "lib/also.socket": INSTALL,
    "lib/named.service": "[Install]\nAlias=other.service\n", "lib/added.service": "[Service]\n",
    "etc/added.service.d/i.conf": "[Install]\nWantedBy = multi-user.target\n",
    "lib/round.service": "[Install]\nAlso=round.service\n", "lib/multi-user.target": "[Unit]\n",
    "lib/x.target": "[Unit]\n", "lib/default.target": "[Unit]\nRequires=multi-user.target\n",
    "lib/sock.socket": "[Install]\nWantedBy=multi-user.target\n", "lib/sock.service": INSTALL,
    "lib/accept.socket": f"[Socket]\nAccept=yes\n{INSTALL}", "lib/accept.service": INSTALL,
    "lib/o.timer": f"[Timer]\nUnit=served.service\n{INSTALL}", "lib/o.path": f"[Path]\nUnit=served.service\n{INSTALL}",
    "lib/served.service": INSTALL, "lib/wants.service": f"[Unit]\nWants=other.service\nWants=served.service\n{INSTALL}",
    "lib/lost.service": "[Install]\nAlso=nothere.service\n",
    "../../usr/lib/systemd/system-generators/g": "x\0postgres@.service\0serial-t@.service\0",
    "lib/postgres@.service": INSTALL,
}  # fmt: skip
"""Unit files, below the directories of the system (lib) or the administrator (etc)."""
WANTS = "etc/multi-user.target.wants"
STATES: list[tuple[str, dict[str, str], str]] = [
    ("enable a.service", {f"{WANTS}/a.service": "/usr/lib/systemd/system/a.service"}, ""),
    ("enable a.service", {}, "a.service is not enabled in the system"),
    ("enable a.service", {f"{WANTS}/a.service": "/dev/null"}, "a.service is not enabled in the system"),
    ("enable a.service", {f"{WANTS}/a.service": "a", "etc/a.service": "/dev/null"}, "a.service is masked in the sys"),
    ("enable a.service", {"etc/x.target.requires/a.service": "../a.service"}, ""),
    ("enable a.timer", {f"{WANTS}/a.timer": "/usr/lib/systemd/system/a.timer"}, ""),
    ("enable a.timer", {f"{WANTS}/a.service": "/usr/lib/systemd/system/a.service"}, "a.timer is not enabled"),
    ("enable static.service", {}, "static.service has no section [Install], so it cannot be enabled"),
    ("enable static.service", {"lib/x.target.wants/static.service": "../static.service"}, "static.service has no sect"),
    ("enable added.service", {f"{WANTS}/added.service": "/usr/lib/systemd/system/added.service"}, ""),
    ("enable added.service", {}, "added.service is not enabled in the system"),
    ("enable t@x.service", {f"{WANTS}/t@x.service": "/usr/lib/systemd/system/t@.service"}, ""),
    ("enable t@x.service", {f"{WANTS}/t@y.service": "/usr/lib/systemd/system/t@.service"}, "t@x.service is not enab"),
    ("enable t@a\\x2db.1.service", {f"{WANTS}/t@a\\x2db.1.service": "/usr/lib/systemd/system/t@.service"}, ""),
    ("enable t@a\\x2db.1.service", {}, "t@a\\x2db.1.service is not enabled in the system"),
    ("enable t@.service", {}, "t@.service has no instance to enable"),
    ("enable multi-user.target", {}, "multi-user.target has no section [Install]"),
    (
        "enable a.service",
        {"etc/gone.target.wants/a.service": "../a.service"},
        "a.service is enabled for gone.target, wh",
    ),
    ("enable a.timer", {"etc/gone.service.requires/a.timer": "../a.timer"}, "a.timer is enabled for gone.service, whi"),
    ("enable a.service", {"etc/gone.target.wants/a.service": "a", f"{WANTS}/a.service": "a"}, ""),
    ("enable a.service", {"etc/dev-x.device.wants/a.service": "../a.service"}, ""),
    ("enable a.service", {"etc/gone@x.service.wants/a.service": "../a.service"}, ""),
    ("enable a.service", {"etc/script.service.wants/a.service": "../a.service"}, ""),
    ("enable d@.service", {f"{WANTS}/d@x.service": "/usr/lib/systemd/system/d@.service"}, ""),
    ("enable also.service", {f"{WANTS}/also.socket": "/usr/lib/systemd/system/also.socket"}, ""),
    ("enable also.service", {}, "also.service is not enabled in the system"),
    ("enable round.service", {}, "round.service is not enabled in the system"),
    ("enable named.service", {"etc/other.service": "/usr/lib/systemd/system/named.service"}, ""),
    ("enable script.service", {"../rc2.d/S01script": "../init.d/script"}, ""),
    ("enable script.service", {"../rc2.d/K01script": "../init.d/script"}, "script.service is not enabled in the sys"),
    ("disable script.service", {"../rc2.d/K01script": "../init.d/script"}, ""),
    ("disable script.service", {"../rc3.d/S01script": "../init.d/script"}, "script.service is still enabled in the"),
    ("disable a.service", {}, ""),
    (
        "disable a.service",
        {f"{WANTS}/a.service": "/usr/lib/systemd/system/a.service"},
        "a.service is still enabled in the system, for multi-user.target",
    ),
    (
        "disable t@x.service",
        {f"{WANTS}/t@x.service": "/usr/lib/systemd/system/t@.service"},
        "t@x.service is still enabled",
    ),
    ("disable t@x.service", {f"{WANTS}/t@y.service": "/usr/lib/systemd/system/t@.service"}, ""),
    (
        "disable also.socket\nenable also.service",
        {f"{WANTS}/also.socket": "../also.socket"},
        "also.socket is still enabled in the system, since also.service has Also=also.socket",
    ),
    (
        "disable a.service",
        {"lib/x.target.wants/a.service": "../a.service"},
        "a.service is started by x.target, whether",
    ),
    ("disable static.service", {}, "static.service has no section [Install], so it cannot be disabled"),
    ("disable a.service", {"../machine-id": "gone"}, "a.service is enabled again at the first boot, by systemd's pre"),
    (
        "enable t@x.service",
        {f"{WANTS}/t@x.service": "t", "etc/t@.service": "/dev/null"},
        "t@x.service cannot start, sin",
    ),
    ("enable d@.service", {f"{WANTS}/d@x.service": "d", "etc/d@.service": "/dev/null"}, "d@.service is masked in the"),
    (
        "enable a.service",
        {f"{WANTS}/a.service": "a", "etc/multi-user.target": "/dev/null"},
        "a.service is enabled for multi-user.target, which is masked",
    ),
    (
        "enable lost.service",
        {},
        "lost.service is not enabled in the system: it has nothing but Also=nothere.service, wh",
    ),
    (
        "enable a.service",
        {"etc/a.service.d/x.conf": "[Install]\nWantedBy=\n"},
        "a.service cannot be enabled, since /etc/systemd/system/a.service.d/x.conf takes back its WantedBy=",
    ),
    (
        "enable a.service",
        {"etc/a.service.d/x.conf": "[Install]\nWantedBy=\nWantedBy=x.target\n"},
        "a.service is not enabled in the system",
    ),
    ("disable sock.service", {}, ""),
    (
        "disable sock.service",
        {f"{WANTS}/sock.socket": "x"},
        "sock.service is started by sock.socket, whether it is ena",
    ),
    ("disable sock.service\nenable sock.socket", {f"{WANTS}/sock.socket": "x"}, ""),
    ("disable sock.service", {f"{WANTS}/sock.socket": "x", "etc/sock.socket": "/dev/null"}, ""),
    ("disable sock.service", {f"{WANTS}/sock.socket": "x", "etc/sock.service": "/dev/null"}, ""),
    ("disable sock.service", {"etc/x.target.wants/sock.socket": "x"}, ""),
    ("disable accept.service", {f"{WANTS}/accept.socket": "x"}, ""),
    (
        "disable served.service",
        {f"{WANTS}/o.timer": "x"},
        "served.service is started by o.timer, whether it is enabled",
    ),
    (
        "disable served.service",
        {f"{WANTS}/o.path": "x"},
        "served.service is started by o.path, whether it is enabled o",
    ),
    ("disable served.service", {f"{WANTS}/wants.service": "x"}, "served.service is started by wants.service, whether"),
    ("disable served.service", {f"{WANTS}/wants.service": "x", "etc/wants.service": INSTALL}, ""),
    (
        "disable served.service\nenable wants.service",
        {f"{WANTS}/wants.service": "x"},
        "served.service is started by wants.service, whether it is enabled or not",
    ),
    (
        "disable served.service\nenable o.timer",
        {f"{WANTS}/o.timer": "x", f"{WANTS}/wants.service": "x"},
        "served.service is started by wants.service, whether it is enabled or not",
    ),
    (
        "disable served.service",
        {"lib/x.target.wants/wants.service": "x", "etc/default.target": "/usr/lib/systemd/system/x.target"},
        "served.service is started by wants.service, whether it is enabled or not",
    ),
    ("disable postgres@17-main.service", {}, "postgres@17-main.service can be started by g, whether it is enabled or"),
    ("disable t@x.service", {}, ""),
    ("mask a.service", {"etc/a.service": "/dev/null"}, ""),
    ("mask a.service", {}, "a.service is not masked in the system"),
    ("mask t@x.service", {"etc/t@x.service": "/dev/null"}, ""),
    ("mask t@x.service", {"etc/t@.service": "/dev/null"}, "t@x.service is not masked in the system"),
]
"""What the profile says, the links (and texts) of the system, and what is wrong."""


@pytest.mark.parametrize(("said", "links", "expected"), STATES)
def test_units(tmp_path: Path, layers: Path, said: str, links: dict[str, str], expected: str) -> None:
    def path(name: str) -> Path:
        if name.startswith("../"):
            return layers / "etc" / name.removeprefix("../")
        above = "etc" if name.startswith("etc/") else "usr/lib"
        return layers / above / "systemd/system" / name.partition("/")[2]

    (layers / "etc/init.d").mkdir()
    (layers / "etc/init.d/script").write_text("#!/bin/sh\n")
    (layers / "etc/machine-id").write_text("")
    for name, text in FILES.items():
        path(name).parent.mkdir(parents=True, exist_ok=True)
        path(name).write_text(text)
    for name, target in links.items():
        path(name).parent.mkdir(parents=True, exist_ok=True)
        path(name).unlink(missing_ok=True)
        if "\n" in target:
            path(name).write_text(target)
        else:
            path(name).symlink_to(target)
    found = compared(tmp_path, [], "", f"{said}\n")
    unit = said.split()[1]
    assert [problem[: len(f"services | {unit} | {expected}")] for problem in found] == (
        [f"services | {unit} | {expected}"] if expected else []
    )
