"""What a profile's tree cannot be is refused where it is named, before anything is built; homes keep their owners."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from debate.entry import Entry
from debate.errors import ProfileError
from debate.keys import sha256
from debate.profile.load import load
from debate.steps import config, overlay, wanted
from tests.conftest import SSH_KEY


def normalise(directory: Path) -> config.Config:
    return config.normalise(load(directory, "x"), directory)


def refused(directory: Path, text: str) -> list[str]:
    (directory / "x.yaml").write_text(f"version: 1\n{text}")
    with pytest.raises(ProfileError) as caught:
        normalise(directory)
    return [str(problem).partition("x.yaml:")[2] for problem in caught.value.problems]


HIDDEN = [
    *(f"{above}/x/y" for above in ("/run", "/tmp", "/dev", "/dev/shm", "/proc", "/sys", "/var/run", "/var/lock")),  # noqa: S108
    *("/run", "/tmp", "/dev", "/proc/sys/kernel/x"),  # noqa: S108
]  # fmt: skip


@pytest.mark.parametrize("path", HIDDEN)
@pytest.mark.parametrize("field", ["files", "permissions"])
def test_what_another_file_system_hides(tmp_path: Path, path: str, field: str) -> None:
    [problem] = refused(tmp_path, f"{field}:\n  - path: {path}\n    mode: '0755'\n")
    assert problem.startswith("3:11: ")
    assert f"{path} is hidden by the file system that is mounted on /" in problem


@pytest.mark.parametrize("path", HIDDEN)
def test_the_same_of_overlays(tmp_path: Path, path: str) -> None:
    where = tmp_path / "tree" / path.lstrip("/")
    where.parent.mkdir(parents=True)
    where.write_text("x")
    [problem] = refused(tmp_path, "overlays: [tree]\n")
    assert problem.startswith("2:12: /")
    assert "is hidden by the file system that is mounted on" in problem


@pytest.mark.parametrize("path", [*wanted.REMOVED, *wanted.MADE])
def test_what_the_build_removes_or_makes(tmp_path: Path, path: str) -> None:
    [problem] = refused(tmp_path, f"files: [{{path: {path}}}]\nhooks: []\n")
    assert problem.startswith(f"2:16: {path} is ")
    assert problem.endswith("; leave it out")


@pytest.mark.parametrize("target", ["/run", "../run", "/tmp/x", "/dev/shm", "/var/run"])  # noqa: S108
def test_hidden_through_a_link_of_the_profile(tmp_path: Path, target: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "data").symlink_to(target)
    problems = refused(tmp_path, "overlays: [tree]\nfiles: [{path: /data/x}]\n")
    assert any("/data/x is hidden by" in problem for problem in problems), problems


@pytest.mark.parametrize("target", ["a\nb", "a\tb", "\x7f"])
def test_a_link_that_lines_cannot_carry(tmp_path: Path, target: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "data").symlink_to(target)
    [problem] = refused(tmp_path, "overlays: [tree]\n")
    assert problem == "2:12: overlay has a link to a name with control characters: '/data'; link to another name"


def test_directories_on_the_way_are_no_harm(tmp_path: Path) -> None:
    (tmp_path / "tree" / "run").mkdir(parents=True)
    (tmp_path / "tree" / "run" / "lock").symlink_to("/var/lib")
    assert "/run/lock is hidden" in refused(tmp_path, "overlays: [tree]\n")[0]
    (tmp_path / "tree" / "run" / "lock").unlink()
    (tmp_path / "tree" / "run").rmdir()
    (tmp_path / "tree" / "etc").mkdir()
    (tmp_path / "tree" / "etc" / "x").touch()
    (tmp_path / "x.yaml").write_text("version: 1\noverlays: [tree]\n")
    normalise(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("files: [{path: /a, content: x}, {path: /a/b}]", "2:40: /a/b is below /a, which is a file of this profile"),
        ("files: [{path: /tree}]\noverlays: [{source: t, target: /tree}]", "/tree/f is below /tree, which is a file"),
        ("files: [{path: /l/x}]\noverlays: [t]", "2:16: /l/x is below /l, which is a link of this profile; put it be"),
        ("files: [{path: /f}]\noverlays: [t]", "2:16: files and overlay 't' ("),
        ("permissions: [{path: /l, mode: '0600'}]\noverlays: [t]", "2:22: permissions: /l is a link, which has no mo"),
        ("files: [{path: /etc/shadow, mode: '0600'}]", "2:16: /etc/shadow is merged into the system's, which keeps"),
        ("files: [{path: /etc/group, owner: bin}]", "2:16: /etc/group is merged into the system's, which keeps its"),
        ("overlays: [{source: t, target: /etc}]", "2:21: /etc/passwd is merged into the system's, and a link cannot"),
    ],
)  # fmt: skip
def test_what_contradicts_itself(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "f").write_text("x")
    (tmp_path / "t" / "l").symlink_to("/srv")
    if "target: /etc}" in text:
        (tmp_path / "t" / "passwd").symlink_to("/srv/passwd")
    problems = refused(tmp_path, f"{text}\n")
    assert any(expected in problem for problem in problems), problems


KEY = SSH_KEY
USER = f"users: [{{name: a, autologin: true, ssh_keys: [{KEY}]}}]"
GETTY, SERIAL = (f"/etc/systemd/system/{unit}.service.d/autologin.conf" for unit in ("getty@tty1", "serial-getty@"))
ARCH = "distribution: arch\n"
MADE = [
    ("hostname: h", "hostname", "/etc/hostname"), ("locale: de_DE.UTF-8", "locale", "/etc/locale.conf"),
    ("locale: de_DE.UTF-8", "locale", "/etc/default/locale"), (f"{ARCH}locale: de_DE", "locale", "/etc/locale.conf"),
    ("timezone: Asia/Tokyo", "timezone", "/etc/localtime"), ("timezone: Asia/Tokyo", "timezone", "/etc/timezone"),
    ("keymap: de", "keymap", "/etc/default/keyboard"), (f"{ARCH}keymap: de", "keymap", "/etc/vconsole.conf"),
    (USER, "users[1].autologin", GETTY), (USER, "users[1].autologin", SERIAL),
    (USER, "users[1].ssh_keys", "/home/a/.ssh/authorized_keys"),
    (USER.replace("name: a", "name: root"), "users[1].ssh_keys", "/root/.ssh/authorized_keys"),
]  # fmt: skip
"""Each field that makes files, its name, and a file of it."""


@pytest.mark.parametrize(("text", "field", "path"), MADE)
@pytest.mark.parametrize("other", ["files", "overlay", "link"])
def test_two_fields_for_one_file(tmp_path: Path, text: str, field: str, path: str, other: str) -> None:
    """Refused where they are in one profile; of two profiles the later one's is there, whichever field it has."""
    file = tmp_path / "t" / path.lstrip("/")
    file.parent.mkdir(parents=True)
    if other == "link":
        file.symlink_to("/usr/share/other")
    else:
        file.write_text("other")
    said = f"files: [{{path: {path}, content: other}}]" if other == "files" else "overlays: [t]"
    [problem] = refused(tmp_path, f"{said}\n{text}\n")
    named = "files" if other == "files" else "overlay 't'"
    assert f": {field} and {named} ({tmp_path}/x.yaml:2:" in problem
    assert problem.endswith(f" both have {path}; keep one")

    arch, _, text = text.rpartition("\n")
    for first, second in ((said, text), (text, said)):
        (tmp_path / "_y.yaml").write_text(f"version: 1\n{first}\n")
        (tmp_path / "x.yaml").write_text(f"version: 1\nextends: _y\n{arch}\n{second}\n")
        made = normalise(tmp_path)
        [entry] = [entry for entry in made.slice(overlay.Slice).tree if entry.path == path]
        theirs = (entry.target, made.contents.get(entry.digest)) in (("/usr/share/other", None), ("", b"other"))
        theirs |= entry.type == "file" and isinstance(made.contents[entry.digest], Path)
        assert theirs == (second is said)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("hostname: h", "/etc/hosts"), ("locale: de_DE.UTF-8", "/etc/locale.gen"), ("", "/etc/hostname"),
        ("", "/etc/locale.conf"), ("", "/etc/timezone"), ("", "/etc/default/locale"),
    ],
)  # fmt: skip
def test_a_file_instead_of_what_no_field_says(tmp_path: Path, text: str, path: str) -> None:
    (tmp_path / "x.yaml").write_text(f"version: 1\nfiles: [{{path: {path}, content: x}}]\n{text}\n")
    made = normalise(tmp_path)
    assert [made.contents[e.digest] for e in made.slice(overlay.Slice).tree if e.path == path] == [b"x"]


def test_the_same_twice_is_no_harm(tmp_path: Path) -> None:
    """Nor are directories of overlays that a field has, too: they have its mode."""
    (tmp_path / "t" / "home" / "a" / ".ssh").mkdir(parents=True)
    (tmp_path / "t" / "home" / "a" / ".ssh" / "config").touch()
    (tmp_path / "x.yaml").write_text(
        f'version: 1\nhostname: h\nfiles: [{{path: /etc/hostname, content: "h\\n"}}]\noverlays: [t]\n{USER}\n'
    )
    found = {entry.path: entry.mode for entry in normalise(tmp_path).slice(overlay.Slice).tree}
    assert (found["/home/a"], found["/home/a/.ssh"]) == ("0700", "0700")


def test_a_hook_of_the_initramfs_and_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "h.sh").write_text("#!/bin/sh\ntrue\n")
    path = "/etc/initramfs-tools/hooks/h"
    [problem] = refused(tmp_path, f"files: [{{path: {path}, mode: '0755'}}]\ninitrd: {{hooks: [h.sh]}}\n")
    assert problem.startswith("3:18: initrd.hooks and files (")
    assert problem.endswith(f" both have {path}; keep one")


@pytest.mark.parametrize(
    ("extends", "winner"),
    [("[_a, _b]", "b"), ("[_b, _a]", "a"), ("[_ca, _b]", "b"), ("[_b, _ca]", "a"), ("[_ca, _cb, _c]", "c"),
     ("[_a, _c, _cb]", "b"), ("[_ca, _c]", "c")],
)  # fmt: skip
def test_the_later_of_several_wins(tmp_path: Path, extends: str, winner: str) -> None:
    """As for scalars and lists, also where two extend the same one."""
    for name in "abc":
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc" / "hostname").write_text(name)
    (tmp_path / "_a.yaml").write_text("version: 1\noverlays: [a]\n")
    (tmp_path / "_b.yaml").write_text("version: 1\nfiles: [{path: /etc/hostname, content: b}]\n")
    (tmp_path / "_c.yaml").write_text("version: 1\nhostname: c\n")
    for name, text in {"_ca": "overlays: [a]", "_cb": "files: [{path: /etc/hostname, content: b}]"}.items():
        (tmp_path / f"{name}.yaml").write_text(f"version: 1\nextends: _c\n{text}\n")
    (tmp_path / "x.yaml").write_text(f"version: 1\nextends: {extends}\n")
    made = normalise(tmp_path)
    [entry] = [entry for entry in made.slice(overlay.Slice).tree if entry.path == "/etc/hostname"]
    content = made.contents[entry.digest]
    assert (content.read_bytes() if isinstance(content, Path) else content).strip() == winner.encode()


SAYS = {"overlay": "overlays: [t]", "files": 'files: [{path: /etc/hostname, content: "h\\n"}]', "field": "hostname: h"}
"""Three ways to say the same file."""


@pytest.mark.parametrize("again", SAYS)
@pytest.mark.parametrize("first", SAYS)
def test_one_that_says_the_same_again_counts(tmp_path: Path, first: str, again: str) -> None:
    """Against profiles that come between, and against its own other fields, as if the first had not said it."""
    for name, text in {"t": "h\n", "u": "b\n"}.items():
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc" / "hostname").write_text(text)
    (tmp_path / "_a.yaml").write_text(f"version: 1\n{SAYS[first]}\n")
    others = {"overlay": "overlays: [u]", "files": "files: [{path: /etc/hostname, content: b}]", "field": "hostname: b"}
    for other, between in others.items():
        (tmp_path / "_b.yaml").write_text(f"version: 1\nextends: _a\n{between}\n")
        (tmp_path / "x.yaml").write_text(f"version: 1\nextends: _b\n{SAYS[again]}\n")
        [entry] = [entry for entry in normalise(tmp_path).slice(overlay.Slice).tree if entry.path == "/etc/hostname"]
        assert entry.digest == sha256(b"h\n"), other
        if other != again:
            [problem] = refused(tmp_path, f"extends: _a\n{SAYS[again]}\n{between}\n")
            assert problem.endswith(" both have /etc/hostname; keep one"), other


@pytest.mark.parametrize("field", ["files", "overlays"])
@pytest.mark.parametrize(
    ("path", "fact"),
    [
        ("/etc/" + "a" * 255, ""), ("/etc/" + "a" * 256, "has a name of 256 bytes, where the system has at most 255"),
        ("/" + "é" * 127, ""), ("/" + "é" * 128 + "/x", "has a name of 256 bytes"), ("/" + "a/" * 1999 + "b", ""),
        ("/" + "a/" * 2000 + "b", "has a path of 4,002 bytes, where the system has at most 4,000; shorten it"),
    ],
)  # fmt: skip
def test_names_that_no_file_system_has(tmp_path: Path, field: str, path: str, fact: str) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "f").write_text("x")
    above, _, last = path.rpartition("/")
    said = {"files": [{"path": path}], "overlays": [{"source": "t", "target": path}]}[field]
    if field == "overlays" and (not fact or len(last) < 255):
        said[0]["target"] = above or "/"
        (tmp_path / "t" / "f").rename(tmp_path / "t" / last)
    text = yaml.safe_dump({field: said}, allow_unicode=True, width=9999)
    if fact:
        assert any(fact in problem for problem in refused(tmp_path, text))
    else:
        (tmp_path / "x.yaml").write_text(f"version: 1\n{text}")
        normalise(tmp_path)


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/true"])
def test_autologin_without_a_shell(tmp_path: Path, shell: str) -> None:
    [problem] = refused(tmp_path, f"users: [{{name: a, shell: {shell}, autologin: true}}]\n")
    place = f"{tmp_path}/x.yaml:2:26"
    assert problem.startswith(f"2:{39 + len(shell)}: autologin: {shell} ({place}) ends at once, so the login starts a")
    (tmp_path / "x.yaml").write_text(f"version: 1\nusers: [{{name: a, shell: {shell}, password_hash: ''}}]\n")
    assert normalise(tmp_path).about["login"] == {}


def test_attributes_and_modes_that_overlays_do_not_keep(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("plain", "attribute", "setuid", "downloaded"):
        (tree / name).write_text("x")
    (tree / "setuid").chmod(0o4755)
    try:
        os.setxattr(tree / "attribute", "user.mine", b"1")
        os.setxattr(tree / "downloaded", "user.xdg.origin.url", b"1")
    except OSError:
        pytest.skip("this file system has no attributes of users")
    problems = refused(tmp_path, "overlays: [tree]\n")
    assert len(problems) == 2
    assert "tree/attribute: has the attribute user.mine, which overlays do not keep; remove it, with `" in problems[0]
    assert "tree/setuid: has the mode 4755, of which overlays keep only whether it is executable" in problems[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_capabilities_that_overlays_do_not_keep(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "ping").write_text("x")
    capability = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw=ep; see linux/capability.h
    try:
        os.setxattr(tmp_path / "tree" / "ping", "security.capability", capability)
    except OSError:
        pytest.skip("this file system has no capabilities")
    [problem] = refused(tmp_path, "overlays: [tree]\n")
    assert "tree/ping: has capabilities, which overlays do not keep; set them in a hook, with setcap" in problem


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"#!/bin/sh\r\necho\r\n", "hook 'h' has lines that end in CR LF, as on Windows; convert it"),
        (b"echo\r\n", "hook 'h' has lines that end in CR LF"),
        (b"\xef\xbb\xbf#!/bin/sh\necho\n", "hook 'h' starts with a byte order mark"),
        ("#!/bin/sh\necho\n".encode("utf-16"), "hook 'h' is UTF-16, which no interpreter reads; save it as UTF-8"),
        (b"", "hook 'h' is empty; write what it is to do, or leave it out"),
        (b" \n\t\n", "hook 'h' is empty; "),
        (b"#!/bin/sh\n", "hook 'h' has nothing but comments, so it does nothing; "),
        (b"# later\n  # more\n\n", "hook 'h' has nothing but comments, so it does nothing; "),
        (b"#!/bin/sh\x1b[2J\ntrue\n", "hook 'h' has the control character U+001B in its first line, at column 10; "),
        (b"tr\x07ue\n", "hook 'h' has the control character U+0007 in its first line, at column 3; remove it"),
        (b"#!/bin/sh\0\ntrue\n", "hook 'h' has the control character U+0000 in its first line"),
        (b"#!/bin/sh\rtrue\n", "hook 'h' has the control character U+000D in its first line"),
        (b"#!/bin/sh\ntrue\necho \0\n", "hook 'h' has a NUL on line 3; remove it; scripts are text"),
        (b"\x7fELF\x02", "hook 'h' is a compiled program, and hooks are scripts; put it into an overlay"),
        ("#!/bin/\u202esh\ntrue\n".encode(), "hook 'h' has characters in its first line that nobody sees; write ASCII"),
        (b"#!\ntrue\n", "hook 'h' names no program in its first line; write one, such as #!/bin/sh"),
        (b"#! \t\ntrue\n", "hook 'h' names no program in its first line; "),
        (
            b"#!python3\ntrue\n",
            "hook 'h' has python3 in its first line, which is no whole path; write #!/",
        ),
        (
            b"#!./bin/sh\ntrue\n",
            "hook 'h' has ./bin/sh in its first line, which is no whole path; write #!/",
        ),
        (b"#!/usr/bin/env\ntrue\n", "hook 'h' has env without a program in its first line; write the program behind"),
        (b"#!/usr/bin/env -S A=b\ntrue\n", "hook 'h' has env without a program in its first line; "),
        (
            b"#!/usr/bin/env bash -e\ntrue\n",
            "hook 'h' has words behind bash in its first line, which env",
        ),
        (b"#!/bin/sh -e -u\ntrue\n", "hook 'h' has more than one word behind /bin/sh in its first line, which Linux"),
        (b"#!/" + b"a" * 300 + b"\ntrue\n", "hook 'h' has a first line of more than 250 characters, of which Linux"),
    ],
)
def test_a_hook_that_cannot_run(tmp_path: Path, content: bytes, fact: str) -> None:
    (tmp_path / "h").write_bytes(content)
    [problem] = refused(tmp_path, "hooks: [h]\n")
    assert problem.startswith(f"2:9: {fact}")


@pytest.mark.parametrize(
    "content",
    [
        b"true\n", b"\n# why\ntrue", b"#!/bin/sh -eu\ntrue\n", b"#! /usr/bin/env -S python3 -u\nx\n",
        b"#!/usr/bin/perl -w -T\n1;",
        b"#!/usr/bin/env sh\ntrue\n", "#!/bin/sh\necho \u202e\x1b\n".encode(), b"#!/bin/sh\n\xff\n",
    ],
)  # fmt: skip
def test_a_hook_that_can(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yaml").write_text("version: 1\nhooks: [h]\n")
    (tmp_path / "h").write_bytes(content)
    assert len(normalise(tmp_path).slice(overlay.Slice).hooks) == 1


PROGRAMS: list[tuple[bytes, str, str]] = [
    (b"#!/bin/sh\necho\n", "", "/bin/sh"), (b"#! /usr/bin/env -S python3 -u\nx\n", "", "python3"),
    (b"#!/usr/bin/env A=b bash\n", "has words behind", ""), (b"#!/usr/bin/env bash", "", "bash"),
    (b"#!/bin/sh\r\necho\r\n", "has lines that end in CR LF, as on Windows; convert it", ""),
    (b"#!/bin/sh\necho\r\n", "has lines that end in CR LF, as on Windows; convert it", ""),
    (b"#!/usr/bin/env bash\necho\r\n", "has lines that end in CR LF", ""),
    (b"#!/usr/bin/python3\nprint()\r\n", "", "/usr/bin/python3"),
    (b"#!/usr/bin/python3\r\nprint()\r\n", "has lines that end in CR LF", ""),
    (b"#!/bin/sh\nexec tail -c 9 $0\n\r\n\0\0", "", "/bin/sh"), (b"\x7fELF\r\n\0", "", ""), (b"", "", ""),
    (b"echo\r\n", "", ""), (b"# later\n", "", ""), (b"\xef\xbb\xbf#!/bin/sh\n", "starts with a byte order mark", ""),
    (b"#!python3\n", "has python3 in its first line, which is no whole path", ""),
    (b"#!/bin/sh -e -u\n", "has more than one word behind /bin/sh in its first line", ""),
    (b"#!/run/tool/python\n", "", ""), (b"#!/bin/sh\n", "", "/bin/sh"), (b"#!\n", "names no program in its first", ""),
]  # fmt: skip
"""Content of an executable file, what is wrong, and the program that must be there."""


@pytest.mark.parametrize("field", ["overlay", "files", "permissions"])
@pytest.mark.parametrize(("content", "fact", "program"), PROGRAMS)
def test_an_executable_file(tmp_path: Path, field: str, content: bytes, fact: str, program: str) -> None:
    """It has the rules of hooks, where the kernel reads its first line."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t/tool").write_bytes(content)
    (tmp_path / "t/tool").chmod(0o755 if field == "overlay" else 0o644)
    said = {
        "overlay": "overlays: [{source: t, target: /opt}]\n",
        "permissions": "overlays: [{source: t, target: /opt}]\n",
    }
    if field == "files":
        try:
            item = {"path": "/opt/tool", "content": content.decode(), "mode": "0755"}
        except UnicodeDecodeError:
            return
        if not content.decode().replace("\n", "").replace("\r", "").replace("\ufeff", "").isprintable():
            return
        said["files"] = yaml.safe_dump({"files": [item]}, width=9999)
    (tmp_path / "x.yaml").write_text(f"version: 1\n{said[field]}")
    if field == "permissions":
        assert normalise(tmp_path).slice(overlay.Slice).interpreters == (), "nothing is executable"
        said[field] += "permissions: [{path: /opt/tool, mode: '0755'}]\n"
        (tmp_path / "x.yaml").write_text(f"version: 1\n{said[field]}")
    if fact:
        [problem] = refused(tmp_path, said[field])
        assert f": /opt/tool {fact}" in problem
    else:
        found = normalise(tmp_path).slice(overlay.Slice).interpreters
        assert found == (((program, "/opt/tool"),) if program else ())


def test_homes(tmp_path: Path) -> None:
    """A home is its user's and 0700, with all that the profile has there, but for owners that it names."""
    (tmp_path / "tree" / "home" / "a" / "d").mkdir(parents=True)
    (tmp_path / "tree" / "home" / "a" / "d" / "f").write_text("x")
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({
        "version": 1, "overlays": ["tree"], "users": [{"name": "a"}, {"name": "b"}, {"name": "root"}],
        "files": [{"path": "/home/b/c/d"}, {"path": "/home/a/r", "owner": "root"}, {"path": "/home/else/f"},
                  {"path": "/root/f"}, {"path": "/home/a/g", "group": "adm"}, {"path": "/home/a/o", "owner": "a"}],
    }))  # fmt: skip
    tree = normalise(tmp_path).slice(overlay.Slice).tree
    groups = {entry.path: entry.group for entry in tree}
    assert (groups["/home/a/g"], groups["/home/a/o"], groups["/home/a/r"]) == ("adm", "a", "a")
    found = {entry.path: (entry.mode, entry.owner) for entry in tree}
    assert {path: has for path, has in found.items() if path.startswith(("/home/", "/root"))} == {
        "/home/a": ("0700", "a"), "/home/a/d": ("0755", "a"), "/home/a/d/f": ("0644", "a"),
        "/home/a/r": ("0644", "root"), "/home/a/g": ("0644", "a"), "/home/a/o": ("0644", "a"),
        "/home/b": ("0700", "b"), "/home/b/c": ("0755", "b"), "/home/b/c/d": ("0644", "b"),
        "/home/else/f": ("0644", "root"), "/root/f": ("0644", "root"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("path: /home/live", ("live", "live")), ("path: /home/live/x", ("live", "live")),
        ("path: /home/live/.bashrc", ("live", "live")), ("path: /home/live, owner: root", ("root", "live")),
        ("path: /home/live/x, group: adm", ("live", "adm")), ("path: /home/live/mine", ("root", "live")),
        ("path: /home/live/mine, owner: live", ("live", "live")), ("path: /home/other", ("", "")),
        ("path: /home", ("", "")), ("path: /home/lively/x", ("", "")), ("path: /var/mail", ("", "")),
        ("path: /var/mail, group: null", ("", "")), ("path: /etc/motd", ("", "")), ("path: /", ("", "")),
        ("path: /var/mail, group: mail", ("", "mail")), ("path: /root/x", ("", "")),
    ],
)  # fmt: skip
def test_owners_that_permissions_do_not_name(tmp_path: Path, said: str, expected: tuple[str, str]) -> None:
    (tmp_path / "x.yaml").write_text(
        "version: 1\nusers: [{name: live}, {name: root}]\nfiles: [{path: /home/live/x}, {path: /etc/motd},"
        f" {{path: /home/live/mine, owner: root}}]\npermissions: [{{{said}, mode: '0755'}}]\n"
    )
    made = normalise(tmp_path).slice(overlay.Slice)
    [permission] = made.permissions
    assert (permission.owner, permission.group) == expected
    assert next(wanted.lines((), [permission])).split("\t")[3:5] == [each or "-" for each in expected]


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TARGETS = st.tuples(st.sampled_from(["", "/", "../", "./"]), PATHS).map("".join)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(PATHS, TARGETS, max_size=4), PATHS)
def test_links_are_followed_as_a_system_does(links: dict[str, str], path: str) -> None:
    """Compared with the kernel, where it gets to an end."""
    with tempfile.TemporaryDirectory() as name:
        root, made = Path(name), dict[str, str]()
        for link, target in sorted(links.items()):
            if not any(f"/{link}".startswith(f"{other}/") or other.startswith(f"/{link}/") for other in made):
                (root / link).parent.mkdir(parents=True, exist_ok=True)
                (root / link).symlink_to(f"{root}{target}" if target.startswith("/") else target)
                made[f"/{link}"] = target
        try:
            os.stat(root / path)
        except OSError as error:
            assume(error.errno != errno.ELOOP)
        found = wanted._resolved(f"/{path}/end", made)
        real = os.path.realpath(root / path)
        expected = "" if real == str(root) else real.removeprefix(str(root))
        if Path(real).is_relative_to(root) and not Path(real).is_symlink():
            assert found == f"{expected}/end"


def test_what_must_come_out() -> None:
    tree = [
        Entry("/d", "directory", mode="0755"), Entry("/home/a", "directory", mode="0700", owner="a", group="a"),
        Entry("/etc/passwd", "file", digest="sha256:00"), Entry("/f", "file", digest="sha256:11"),
        Entry("/l", "link", mode="0777", target="x y"),
    ]  # fmt: skip
    assert list(wanted.lines(tree, [overlay.Permission("/p", "750", "a", "1")])) == [
        "/d\tdirectory\t-\t-\t-\t-", "/home/a\tdirectory\t0700\ta\ta\t-", "/f\tfile\t0644\troot\troot\t11",
        "/l\tlink\t0777\troot\troot\tx y", "/p\t-\t0750\ta\t1\t-",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "above", "expected"),
    [
        ("enable: [a], mask: [a]", "", "a.service is in enable and in mask; keep one"),
        ("enable: [a.service], disable: [a]", "", "a.service is in enable and in disable; keep one"),
        ("mask: [b]", "enable: [a], mask: [a]", "a.service is in enable and in mask; keep one"),
        ("disable: [a]", "enable: [a]", [(), ("a.service",), ()]),
        ("enable: [a]", "mask: [a.service]", [("a.service",), (), ()]),
        ("disable: [a], mask: [a]", "", [(), ("a.service",), ("a.service",)]),
        ("enable: [a@b, a.timer, a.b]", "", [("a.b.service", "a.timer", "a@b.service"), (), ()]),
    ],
)
def test_units_in_two_lists(tmp_path: Path, own: str, above: str, expected: str | list[tuple[str, ...]]) -> None:
    """A profile wins over what it extends."""
    (tmp_path / "_y.yaml").write_text(f"version: 1\nservices: {{{above}}}\n")
    text = f"extends: _y\nservices: {{{own}}}\n"
    if isinstance(expected, str):
        (tmp_path / "x.yaml").write_text(f"version: 1\n{text}")
        with pytest.raises(ProfileError, match=expected):
            normalise(tmp_path)
        return
    (tmp_path / "x.yaml").write_text(f"version: 1\n{text}")
    services = normalise(tmp_path).slice(overlay.Slice).services
    assert [services.enable, services.disable, services.mask] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("ssh.service",), (), ()]),
        ("services: {enable: [ssh.socket]}", [("ssh.socket",), (), ()]),
        ("services: {disable: [ssh]}", [(), ("ssh.service",), ()]),
        ("services: {mask: [x]}", [("ssh.service",), (), ("x.service",)]),
        ("distribution: arch", [("sshd.service",), (), ()]),
    ],
)
def test_keys_want_a_server(tmp_path: Path, text: str, expected: list[tuple[str, ...]]) -> None:
    """Unless the profile says something of it."""
    keys = [
        KEY,
        f'from="10.0.0.0/8, x",command="a \\" b",no-pty {KEY} me',
    ]
    profile = yaml.safe_dump({"version": 1, "users": [{"name": "a", "ssh_keys": keys}]})
    (tmp_path / "x.yaml").write_text(f"{profile}{text}\n")
    made = normalise(tmp_path)
    services = made.slice(overlay.Slice).services
    assert [services.enable, services.disable, services.mask] == expected
    [entry] = [entry for entry in made.slice(overlay.Slice).tree if entry.path == "/home/a/.ssh/authorized_keys"]
    assert made.contents[entry.digest] == "".join(f"{key}\n" for key in sorted(keys)).encode()
