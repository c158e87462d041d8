"""What is done about the secrets that were found in the layers: refused with a place, or allowed by name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from debate.cache.store import Store
from debate.errors import DebateError, StepError
from debate.steps import secrets
from debate.steps.secrets import Found
from tests.conftest import ROOT, write_files
from tests.unit.steps import fake

NAMED, OVERLAID = (hashlib.sha256(text).hexdigest() for text in (b"key\n", b"other key\n"))
PROFILE = """\
version: 1
description: x
packages:
  - openssh-server
  - munge
hooks: [h.sh]
overlays:
  - o
files:
  - path: /etc/named.key
    content: |
      key
"""


def entry(path: str, what: str = "a private key", packages: str = "", sha256: str = "0" * 64) -> bytes:
    """A file as secrets.sh tells of it."""
    return "".join(f"{field}\0" for field in (what, path, sha256, packages)).encode()


def build(root: Path, found: dict[str, bytes], more: str = "") -> None:
    for name in ("sandbox", "dodo.py", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    write_files(root / "profiles", {"p.yaml": PROFILE + more, "h.sh": "true\n", "o/etc/overlaid.key": "other key\n"})
    fake.build(root, "p", found)


def refusal(root: Path, found: dict[str, bytes], more: str = "") -> list[str]:
    with pytest.raises(StepError) as caught:
        build(root, found, more)
    return [str(problem).removeprefix(f"{root}/") for problem in caught.value.problems]


HOOK = "a hook left it; remove it at the end of the hook"
ALLOW = "name it in secrets.allow if everybody who has the ISO may have it"
SHARED = "and all machines that boot the ISO would share it"


def test_who_left_it(tmp_path: Path) -> None:
    packages = (entry("etc/munge.key", "the key of munge", "munge"), entry("etc/a", packages="a,b"), entry("etc/b"))
    upper = (
        entry("root/.netrc", "passwords"),
        entry("etc/named.key", sha256=NAMED),
        entry("etc/overlaid.key", sha256=OVERLAID),
        entry("etc/overlaid.key", sha256=NAMED),
    )
    assert refusal(tmp_path, {"secrets-0": b"".join(packages), "secrets": b"".join(upper)}) == [
        f"profiles/p.yaml:{text}, or {ALLOW}"
        for text in (
            f"5:5: packages: /etc/munge.key is the key of munge, {SHARED}; munge left it; leave the package out",
            f"4:3: packages: /etc/a is a private key, {SHARED}; a or b left it; leave the package out",
            f"4:3: packages: /etc/b is a private key, {SHARED}; leave the package out",
            f"6:8: hooks: /root/.netrc is passwords, {SHARED}; {HOOK}",
            f"10:11: files: /etc/named.key is a private key, {SHARED}; leave it out",
            f"8:3: overlays: /etc/overlaid.key is a private key, {SHARED}; leave it out",
            f"6:8: hooks: /etc/overlaid.key is a private key, {SHARED}; {HOOK}",
        )
    ]


def test_what_only_the_initramfs_has(tmp_path: Path) -> None:
    """Its copies of files in the layers are told there, or are packages'."""
    layers = {"secrets": entry("etc/named.key", sha256=NAMED), "secrets-0": entry("usr/x", "", "x", sha256="1" * 64)}
    inside = (
        entry("etc/named.key", sha256=NAMED),
        entry("usr/bin/x", sha256="1" * 64),
        entry("etc/dropbear/dropbear_rsa_host_key", "a host key of dropbear", sha256="2" * 64),
        entry("etc/keys/disk", "the key of an encrypted disk", sha256="3" * 64),
    )
    allow = "secrets: {allow: [/etc/named.key]}\ninitrd: {files: [/etc/keys/disk]}\n"
    assert refusal(tmp_path, {**layers, "secrets-initrd": b"".join(inside)}, allow) == [
        f"profiles/p.yaml:{text}, or {ALLOW}"
        for text in (
            "14:9: initrd: /etc/dropbear/dropbear_rsa_host_key of the initramfs is a host key of dropbear, "
            f"{SHARED}; a hook of its generator left it; leave out the package or the hook that adds it",
            "14:18: initrd.files: /etc/keys/disk of the initramfs is the key of an encrypted disk, "
            f"{SHARED}; leave it out",
        )
    ]


def test_what_the_initramfs_may_have(tmp_path: Path) -> None:
    inside = {"secrets-initrd": entry("etc/dropbear/dropbear_rsa_host_key", sha256="2" * 64)}
    build(tmp_path, inside, "secrets: {allow: [/etc/dropbear/*]}\n")


def test_all_at_once(tmp_path: Path) -> None:
    layer = b"".join(entry(f"etc/{number}") for number in range(30))
    said = refusal(tmp_path, {"secrets-0": layer, "secrets": entry("etc/x")})
    assert len(said) == 21
    assert said[-1] == "11 more files of this kind"


def test_what_is_meant(tmp_path: Path) -> None:
    """Once, twice, in a package's layer and above: each pattern fits something."""
    found = {"secrets-0": entry("etc/munge/munge.key"), "secrets": entry("root/.netrc [x]?")}
    build(tmp_path, found, "secrets: {allow: [/etc/munge/munge.key, '/etc/*', '/*.key', '/root/.net* [x]?']}\n")


def test_what_names_nothing(tmp_path: Path) -> None:
    patterns = ("/etc/munge/munge.ke", "/etc/other", "/ETC/munge/munge.key", "/etc/munge", "/etc/munge/munge.k[e]y",
                "/etc/munge/munge.ke?")  # fmt: skip
    text = "".join(f"    - {pattern}\n" for pattern in ("/etc/munge/*", *patterns))
    said = refusal(tmp_path, {"secrets-0": entry("etc/munge/munge.key")}, f"secrets:\n  allow:\n{text}")
    assert said == [
        f"profiles/p.yaml:{line}:7: secrets.allow: nothing that was found is {name}; correct the path, or leave it out"
        for line, name in enumerate(patterns, 16)
    ]


def test_what_a_package_has_is_no_secret() -> None:
    """Not in its own layer, and not as a copy in a layer above, unless that is another file."""
    shipped, copied, changed = Found("", "x", "1", "owner"), Found("a key", "x", "1", ""), Found("a key", "x", "2", "")
    assert secrets.secret([[shipped], [copied]]) == []
    assert secrets.secret([[shipped], [changed]]) == [(1, changed)]
    assert secrets.secret([[copied], [shipped]]) == [(0, copied)]


GOOD = entry("etc/x.key", packages="a,libb++2,c@d")
SHA = b"0" * 64


@pytest.mark.parametrize("data", [
    b"x", b"\0", b"a\0b\0c\0", b"a\0b\0c\0d", b"a\0b\0c\0d\0e", GOOD[:-1], GOOD + b"x", GOOD + b"\0",
    entry("/etc/x"), entry("etc/"), entry("etc//x"), entry(""), entry("x", sha256="0" * 63),
    entry("x", sha256="0" * 65),
    entry("x", sha256="A" * 64), entry("x", packages=","), entry("x", packages="a,b,c,d"), entry("x", packages="a b"),
    entry("x", packages="-a"), entry("x", packages="a\n"), entry("x", "A key"), entry("x", "a\nkey"),
    entry("x", "a" * 129),
])  # fmt: skip
def test_what_is_malformed(tmp_path: Path, data: bytes) -> None:
    store = Store(tmp_path)
    assert (
        secrets.read(store, store.put(GOOD + GOOD))
        == [Found("a private key", "etc/x.key", "0" * 64, "a,libb++2,c@d")] * 2
    )
    with pytest.raises(DebateError, match="malformed"):
        secrets.read(store, store.put(data))


def test_more_than_can_be_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert len(secrets.read(store, store.put(entry("x") * 50_000))) == 50_000
    for data in (entry("x") * 50_001, entry("x" * (8 << 20))):
        with pytest.raises(DebateError, match="more than 50,000 files, or files with 8,388,608 bytes of names"):
            secrets.read(store, store.put(data))


def test_what_secrets_are_called() -> None:
    """Each row of the table has a form that is read."""
    rows = (ROOT / "sandbox/secrets.table").read_text().splitlines()
    names = {row.partition("\t")[0] for row in rows if row and not row.startswith("#")}
    assert len(names) > 40
    for name in names:
        assert secrets._FOUND.fullmatch(entry("x", name)[:-1]), name


def test_each_layer_has_a_key_of_its_own(tmp_path: Path) -> None:
    """So that an edit of an overlay does not search the packages again, and a base is searched once."""
    made = fake.build_on_a_base(tmp_path)
    assert isinstance(made.builder, fake.FakeBuilder)
    names = [step.name for step in made.builder.ran if step.outputs == ("found",)]
    assert names == ["secrets-initrd", "secrets-0", "secrets", "secrets-1"]
