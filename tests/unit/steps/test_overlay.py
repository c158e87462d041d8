"""What the overlay step's script is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.errors import ProfileError
from debate.model import Artifact
from debate.profile import sources
from debate.profile.load import load
from debate.profile.visit import visit
from debate.steps import config, overlay, wanted
from debate.steps.work import typed

SLICE: dict[str, Any] = {
    "users": [
        {"name": "live", "uid": 1000, "full_name": "A", "groups": ["adm", "sudo"], "shell": "/bin/sh", "password": "!"},
        {"name": "next", "uid": None, "full_name": "", "groups": [], "shell": "/bin/bash", "password": ""},
    ],
    "tree": [
        {"path": "/a", "type": "file", "digest": keys.sha256(b"a"), "mode": "0644", "owner": "live", "group": "12"},
    ],
    "permissions": [{"mode": "0600", "owner": "live", "group": "adm", "path": "/a b"}],
    "services": {"enable": ["ssh.service"], "disable": [], "mask": ["x.timer"]},
    "commands": [["locale-gen"]],
    "checks": [["locale", "de_DE.UTF-8"]],
    "interpreters": [["perl", "/a"]],
    "cron": [["/etc/cron.d/a.b", "is odd", "rename it"]],
    "hooks": [{"name": "h.sh", "digest": keys.sha256(b"echo\n")}],
    "mksquashfs": ["-comp", "zstd"],
}  # fmt: skip


def test_golden() -> None:
    contents = {keys.sha256(b"echo\n"): b"echo\n", keys.sha256(b"a"): b"a"}
    step = overlay.step(
        typed(SLICE, overlay.Slice, Path()), contents, (Artifact("sha256:l", 1),), 5, Artifact("sha256:b", 1)
    )
    assert step.parameters == {
        "users": b"live:1000:/bin/sh:adm,sudo:A:!\nnext::/bin/bash:::\n",
        "groups": b"passwd live\n",
        "permissions": b"0600\tlive\tadm\t/a b\n",
        "services": b"enable ssh.service\nmask x.timer\n",
        "commands": b"locale-gen\n",
        "checks": b"locale de_DE.UTF-8\n",
        "wanted": b"/a\tfile\t0644\tlive\t12\t%b\n/a b\t-\t0600\tlive\tadm\t-\n" % keys.sha256(b"a")[7:].encode(),
        "interpreters": b"perl\t/a\n",
        "triggers": b"",
        "unit-links": b"",
        "units": b"",
        "readers": b"",
        "cron": b"/etc/cron.d/a.b\tis odd\trename it\n",
        "leftovers": "".join(f"{path}\n" for path in wanted.REMOVED).encode(),
        "hooks": b"h.sh\n",
        "hook/1": b"echo\n",
        "mksquashfs": b"-comp\nzstd\n",
    }
    assert [(c.script, c.root, c.rights) for c in step.commands] == [
        ("overlay.sh", "system", "system"),
        ("arrived.sh", "tools", "data"),
        ("hooks.sh", "system", "system"),
        ("squash.sh", "tools", "data"),
    ]
    assert step.outputs == ("layer",)
    assert step.epoch == 5


def made(directory: Path, text: str, name: str = "x") -> config.Config:
    (directory / f"{name}.yaml").write_text(f"version: 1\n{text}\n")
    return config.normalise(load(directory, name), directory)


def file(found: config.Config, path: str) -> tuple[str, bytes]:
    """Mode and content of a file of the upper layer."""
    entry = next(entry for entry in found.slice(overlay.Slice).tree if entry.path == path)
    content = found.contents[entry.digest]
    assert isinstance(content, bytes)
    return entry.mode, content


@pytest.mark.parametrize(
    ("said", "rule"),
    [("nopasswd", b"u ALL=(ALL:ALL) NOPASSWD: ALL\n"), ("password, password_hash: ''", b"u ALL=(ALL:ALL) ALL\n")],
)
def test_sudo(tmp_path: Path, said: str, rule: bytes) -> None:
    found = made(tmp_path, f"users: [{{name: u, sudo: {said}}}]")
    assert file(found, "/etc/sudoers.d/u") == ("0440", rule)
    assert not found.told


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("{name: root, sudo: nopasswd}", "x.yaml:2:28: sudo: root may do everything without it; leave it out"),
        ("{name: u, sudo: password}", "x.yaml:2:25: sudo: it would ask u for a password, who has none; write nopasswd"),
        ("{name: u, sudo: password, password_hash: '*'}", "sudo: it would ask u for a password, who has none"),
    ],
)
def test_sudo_in_vain(tmp_path: Path, user: str, expected: str) -> None:
    with pytest.raises(ProfileError) as raised:
        made(tmp_path, f"users: [{user}]")
    assert expected in str(raised.value)


def test_the_group_sudo_in_vain(tmp_path: Path) -> None:
    told = made(tmp_path, "users: [{name: u, groups: [sudo]}]").told
    assert told == ("users: sudo asks u for a password, who has none; `sudo: nopasswd` lets u do without",)
    assert not made(tmp_path, "users: [{name: u, groups: [sudo], password_hash: ''}]").told


def test_a_file_beside_the_profile(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    source = tmp_path / "files" / "tool"
    source.write_bytes(b"#!/bin/sh\n\xff\n")
    text = "files: [{path: /a, source: files/tool}]"
    found = made(tmp_path, text)
    assert file(found, "/a") == ("0644", source.read_bytes())
    assert source in found.sources
    assert found.slice(overlay.Slice).interpreters == ()
    source.chmod(0o755)
    assert made(tmp_path, text).hash != found.hash
    assert file(made(tmp_path, text), "/a")[0] == "0755"
    assert made(tmp_path, text).slice(overlay.Slice).interpreters == (("/bin/sh", "/a"),)
    assert file(made(tmp_path, "files: [{path: /a, source: files/tool, mode: '0600'}]"), "/a")[0] == "0600"


def test_a_change_of_its_mode_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "tool"
    source.write_text("x\n")
    found = made(tmp_path, "files: [{path: /a, source: tool}]")

    def seen() -> tuple[object, dict[str, str]]:
        with visit(tmp_path) as each:
            config.normalise(load(tmp_path, "x"), tmp_path)
            return sources.state(found.sources, tmp_path), each.seen

    before = seen()
    source.chmod(0o755)
    assert all(one != other for one, other in zip(before, seen(), strict=True))


def test_the_later_of_content_and_source(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1\n")
    made(tmp_path, "files: [{path: /a, source: one}]", "_named")
    made(tmp_path, "files: [{path: /a, content: '2'}]", "_written")
    assert file(made(tmp_path, "extends: _named\nfiles: [{path: /a, content: '3'}]"), "/a") == ("0644", b"3")
    assert file(made(tmp_path, "extends: _written\nfiles: [{path: /a, source: one}]"), "/a") == ("0644", b"1\n")
    assert file(made(tmp_path, "extends: [_named, _written]"), "/a") == ("0644", b"2")
    assert file(made(tmp_path, "extends: _named\nfiles: [{path: /a, source: null}]"), "/a") == ("0644", b"")
    with pytest.raises(ProfileError, match=r"x\.yaml:2:\d+: files: /a has both content and source; keep one"):
        made(tmp_path, "files: [{path: /a, source: one, content: x}]")


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda _: None, "x.yaml:2:28: file 'it' is missing; create it, or correct the path"),
        (lambda path: path.mkdir(), "file 'it' is not a file; name a file"),
        (lambda path: path.symlink_to("/etc/shadow"), "file 'it' is outside the profiles directory; move it inside"),
        (lambda path: path.symlink_to("it"), "file 'it' is a loop of symbolic links; choose another"),
        (lambda path: path.write_bytes(bytes((4 << 20) + 1)), "file 'it' is larger than 4,194,304 bytes"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, prepare: Any, expected: str) -> None:
    prepare(tmp_path / "it")
    with pytest.raises(ProfileError) as raised:
        made(tmp_path, "files: [{path: /a, source: it}]")
    assert expected in str(raised.value)


@pytest.mark.parametrize(
    ("name", "host"),
    [("web", "web"), ("My_web.v2", "My-web-v2"), ("a" * 62 + ".b", "a" * 62), ("7", "7"), ("x-", "x"), ("_", "live")],
)
def test_the_name_of_the_system_is_the_profiles(tmp_path: Path, name: str, host: str) -> None:
    assert file(made(tmp_path, "", name), "/etc/hostname")[1] == f"{host}\n".encode()
    assert file(made(tmp_path, "hostname: given", name), "/etc/hostname")[1] == b"given\n"
    made(tmp_path, "hostname: below", "below")
    assert file(made(tmp_path, "extends: below", name), "/etc/hostname")[1] == b"below\n"
    made(tmp_path, "", "below")
    assert file(made(tmp_path, "extends: below", name), "/etc/hostname")[1] == f"{host}\n".encode()


def test_a_name_of_the_systems_own(tmp_path: Path) -> None:
    """What no profile says, its file may."""
    assert file(made(tmp_path, "files: [{path: /etc/hostname, content: own}]"), "/etc/hostname")[1] == b"own"
