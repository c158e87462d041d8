"""What apt is asked, and what its answers mean."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from debate import managers
from debate.errors import DebateError
from debate.managers import apt
from debate.managers.interface import Initramfs, Mirrors, Repository, Request, Target
from debate.model import Artifact, Locked
from debate.settings import Settings
from tests.conftest import ROOT

APT = managers.get("debian")
TOOLS = Artifact("sha256:b", 1)
REQUEST = Request(
    distribution="debian", release="trixie", architecture="amd64", components=("contrib", "main"), snapshot=None,
    repositories=(), recommends=False, packages=("curl", "vim"), base=None,
)  # fmt: skip
EXTRA = Repository("extra", "\x99x", ("s",), ("c",))
AT = {"extra": "https://e.example/apt/"}
MIRRORS = Mirrors({"debian": "http://m.example/debian", "debian-security": "http://m.example/debian-security"}, {})

INITRAMFS = Initramfs("debian", "sid", "amd64", "dracut", "xz", ("nbd",), ("/etc/x",), ("a/*",), ("one",), False, ())


def settings(**mirrors: str) -> Settings:
    named = {name.replace("_", "-"): address for name, address in mirrors.items()}
    return Settings(root=Path(), cache=Path(), output=Path(), mirrors=named)


def sources(request: Request, mirrors: Mirrors = MIRRORS) -> bytes:
    """sources.list."""
    return APT.lock_supplies(settings(), request, mirrors).files["sources.list"]


def test_what_apt_is_asked() -> None:
    wanted = replace(REQUEST, repositories=(EXTRA,))
    step = APT.lock_step(wanted, TOOLS)
    mirrors = Mirrors({**MIRRORS.addresses, "extra": "E"}, {})
    signed = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    assert sources(wanted, mirrors).decode().splitlines() == [
        f"deb [{signed}] http://m.example/debian trixie contrib main",
        f"deb [{signed}] http://m.example/debian trixie-updates contrib main",
        f"deb [{signed}] http://m.example/debian-security trixie-security contrib main",
        "deb [signed-by=/run/in/keys/extra.gpg] E s c",
    ]
    assert step.parameters["keys/extra.gpg"] == b"\x99x"
    assert step.parameters["packages"] == b"curl\nvim\n"
    assert step.parameters["options"] == b'APT::Architecture "amd64";\nAPT::Install-Recommends "false";\n'
    assert [command.rights for command in step.commands] == ["fetch"]


def test_only_a_dated_mirror_may_be_past_its_date() -> None:
    dated = sources(replace(REQUEST, snapshot="20260101T000000Z"))
    assert dated
    assert all(b"check-valid-until=no" in line for line in dated.splitlines())
    assert b"valid-until" not in sources(REQUEST)


def test_settings_over_profile_over_host() -> None:
    found = APT.mirrors(settings(debian="http://set.example/d/"), REQUEST, {"debian": "http://p.example/d"}).addresses
    assert found["debian"] == "http://set.example/d"
    assert (
        APT.mirrors(settings(), REQUEST, {"debian": "http://p.example/d"}).addresses["debian"] == "http://p.example/d"
    )


def test_a_directory_is_shown_inside() -> None:
    found = APT.mirrors(settings(debian="file:///srv/m"), replace(REQUEST, repositories=(EXTRA,)), AT)
    assert found.addresses["debian"] == "copy:/run/mirror/debian"
    assert found.addresses["extra"] == "https://e.example/apt"
    assert found.directories == {"debian": "/srv/m"}


def test_dated_mirrors() -> None:
    dated = replace(REQUEST, snapshot="20260101T000000Z")
    found = APT.mirrors(settings(debian_snapshot="http://s.example/{archive}/{date}/"), dated, {}).addresses
    assert found["debian-security"] == "http://s.example/debian-security/20260101T000000Z"
    assert b'Acquire::Retries "8"' in APT.fetch_supplies([], Mirrors({}, {}, dated=True), "").files["apt.conf"]
    assert b"Acquire::Retries" not in APT.fetch_supplies([], MIRRORS, "").files["apt.conf"]
    with pytest.raises(DebateError, match="no dated mirror is set; set DEBATE_MIRROR_DEBIAN_SNAPSHOT"):
        APT.mirrors(settings(), dated, {})


def test_rolling_releases_have_one_archive() -> None:
    sid = replace(REQUEST, release="sid")
    lines = sources(sid, APT.mirrors(settings(debian="http://m.example/d"), sid, {}))
    assert lines.count(b"\n") == 1


DIGEST = "ab" * 32


def test_what_apt_answers() -> None:
    text = (
        "debian installed=3 'http://m.example/debian/pool/v/vim_9.1%2b1-2_amd64.deb' vim_2%3a9.1+1-2_amd64.deb 17 "
        f"SHA256:{DIGEST}\n"
        "debian,debian-security 'http://m.example/debian-security/pool/c/curl_8_all.deb' curl_8_all.deb 5 "
        f"SHA256:{DIGEST}\n"
    )
    assert APT.read_resolved(text.splitlines(), MIRRORS) == [
        Locked("curl", "8", "all", "debian-security", "pool/c/curl_8_all.deb", 5, DIGEST),
        Locked("vim", "2:9.1+1-2", "amd64", "debian", "pool/v/vim_9.1%2b1-2_amd64.deb", 17, DIGEST),
    ]
    assert [package.installed for package in APT.read_resolved(text.splitlines(), MIRRORS)] == [0, 3072]
    # Of an index that was made in the archive's root, of a package that two archives call essential.
    text = f"{{}} 'E/././pool/must_1%253a2_all.deb' must_1%3a2_all.deb 5 SHA256:{DIGEST}"
    found = [
        APT.read_resolved([text.format(f"{archive} essential installed=1")], Mirrors({archive: "E"}, {}))
        for archive in ("extra", "debian-security")
    ]
    must = Locked("must", "1:2", "all", "extra", "pool/must_1%253a2_all.deb", 5, DIGEST, essential=True)
    assert found == [[must], [replace(must, repository="debian-security", essential=False)]]
    # Of a package of the same name in other archives: only the distribution's counts, and only for other repositories.
    for archives, replaces in {
        "extra also=debian": "debian", "extra also=other,debian-security installed=1": "debian-security",
        "extra also=other": "", "debian also=debian-security": "", "debian also=extra": "",
    }.items():  # fmt: skip
        [one] = APT.read_resolved([text.format(archives)], Mirrors({archives.split()[0]: "E"}, {}))
        assert one == replace(must, repository=archives.split()[0], essential=False, replaces=replaces)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("debian 'http://m.example/debian/a_1_all.deb' a_1_all.deb 5 MD5Sum:00", "no SHA-256"),
        (f"debian 'http://other.example/a_1_all.deb' a_1_all.deb 5 SHA256:{DIGEST}", "is not on any of the mirrors"),
        (f"extra 'http://m.example/debian/a_1_all.deb' a_1_all.deb 5 SHA256:{DIGEST}", "is not on any of the mirrors"),
        (f" 'http://m.example/debian/a_1_all.deb' a_1_all.deb 5 SHA256:{DIGEST}", "is not on any of the mirrors"),
    ],
)
def test_answers_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(DebateError, match=message):
        APT.read_resolved([text], MIRRORS)


def test_what_messages_need() -> None:
    files = APT.lock_supplies(settings(), replace(REQUEST, base="below"), MIRRORS).files
    assert (files["system"], files["base"]) == (b"debian trixie", b"below")
    assert APT.lock_supplies(settings(), REQUEST, MIRRORS).files["base"] == b""
    files = APT.fetch_supplies([package("a", "pool/a_1.deb")], MIRRORS, "refresh").files
    size = package("a", "pool/a_1.deb").size
    assert files["wanted"].decode() == f"{MIRRORS.addresses['debian']}/pool/a_1.deb {DIGEST} a 1.0 {size}\n"
    assert files["remedy"] == b"refresh"


def package(name: str, path: str = "pool/x.deb") -> Locked:
    return Locked(name, "1.0", "amd64", "debian", path, 3, DIGEST)


def test_the_local_repository() -> None:
    index = APT.index([(package("a"), b"Package: a\nVersion: 1.0\n")])
    assert index.decode() == (f"Package: a\nVersion: 1.0\nFilename: pool/{DIGEST}.deb\nSize: 3\nSHA256: {DIGEST}\n\n")


def test_what_matters_to_an_initramfs() -> None:
    pairs = [
        (package("a"), b"Package: a\n"),
        (package("m"), b"Package: m\nX-Debate-Holds: initrd\n"),
        (package("zstd"), b""),
    ]
    assert APT.initrd_wanted(pairs, {"zstd", "live-boot"}) == ["m:amd64", "zstd:amd64"]


def test_packages_of_the_same_name_are_told_apart() -> None:
    names = ("all", "amd64", "i386")
    packages = [replace(package("x"), architecture=name, sha256=name) for name in names]
    exactly = ["x:all=1.0", "x:amd64=1.0", "x:i386=1.0"]
    target = Target("debian", "sid", "amd64", (), ())
    marked = [(one, b"X-Debate-Holds: initrd\n") for one in packages]
    assert APT.initrd_wanted(marked, {"dracut"}) == ["x:all", "x:amd64", "x:i386"]
    assert (
        APT.rootfs_step(packages, TOOLS, "6.1", target, TOOLS, 0).parameters["packages"].decode().split(",") == exactly
    )
    assert APT.order_step(packages, TOOLS, TOOLS, "sid", TOOLS).parameters["wanted"].decode().split() == exactly
    assert len(APT.added_step(packages, TOOLS, TOOLS, "6.1", target, [], TOOLS, 0).inputs) == 1 + len(packages)
    assert len(APT.initrd_step(packages, "6.12", INITRAMFS, None, TOOLS, 0).inputs) == len(packages)


def test_what_scripts_read_of_a_plan(tmp_path: Path) -> None:
    """The forms that apt-get -s prints: new, upgraded, of another architecture, and followed by what it breaks."""
    plan = (
        "Reading package lists...\nInst x (1.0 debate:sid/sid [amd64]) []\n"
        "Inst x:i386 [0.9] (1.0 debate:sid/sid [i386]) [x:amd64 on x:i386]\n"
        "Conf x:i386 (1.0 debate:sid/sid [i386])\nRemv z [3]\nInst y (1:1 debate:sid/sid [all])\n"
    )
    entries = [("x", "1.0", "amd64"), ("x", "1.0", "i386"), ("y", "1:1", "all")]
    (tmp_path / "Packages").write_bytes(APT.index(
        (replace(package(name), version=version, architecture=arch, sha256=f"sum-of-{name}-{arch}"),
         f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\n".encode()) for name, version, arch in entries
    ))  # fmt: skip
    text = (ROOT / "sandbox" / "debian" / "planned.sh").read_text() + "planned Packages"
    done = subprocess.run(["sh", "-c", text], input=plan, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == (
        "Inst x amd64 sum-of-x-amd64\nInst x i386 sum-of-x-i386\nConf x i386 sum-of-x-i386\nInst y all sum-of-y-all\n"
    )


def test_a_key_tells_nothing_of_where_files_lie() -> None:
    here, there = package("a"), replace(package("a"), repository="debian-security", path="pool/y.deb")
    assert APT.fetch_step([here], TOOLS) == APT.fetch_step([there], TOOLS)
    found = [APT.fetch_supplies([one], MIRRORS, "") for one in (here, there)]
    found.append(APT.fetch_supplies([here], Mirrors({"debian": "http://other.example"}, {}), ""))
    assert len({supplies.files["wanted"] for supplies in found}) == 3


def test_what_a_proof_asks() -> None:
    """Each archive's own keys, whatever its mirror, and no date: whoever wrote the lock chose the versions."""
    wanted = replace(REQUEST, repositories=(EXTRA,), snapshot="20260101T000000Z")
    locked = replace(package("g++", "pool/g/g%2b%2b_1%3a2.deb"), repository="extra")
    step = APT.proof_step([locked], wanted, settings(), TOOLS)
    assert step.parameters["wanted"].decode() == f"extra\tg++\t1.0\tamd64\tpool/g/g++_1:2.deb\t3\t{DIGEST}\n"
    assert [command.rights for command in step.commands] == ["apart"]
    assert step.parameters["keys/extra.gpg"] == b"\x99x"
    lines = step.parameters["sources.list"].decode().splitlines()
    archives = step.parameters["archives"].decode().split()
    assert archives == ["debian", "debian", "debian-security", "extra"]
    for archive, line in zip(archives, lines, strict=True):
        keyring = "/run/in/keys/extra.gpg" if archive == "extra" else "/usr/share/keyrings/debian-archive-keyring.gpg"
        start = f"deb [signed-by={keyring} check-valid-until=no by-hash=no] copy:/run/work/mirror/{archive} "
        assert line.startswith(start)
    other = replace(wanted, repositories=(replace(EXTRA, key="\x99y"),))
    assert APT.proof_step([locked], other, settings(), TOOLS) != step
    assert APT.proof_step([locked], replace(wanted, snapshot=None), settings(), TOOLS) == step
    assert APT.indexes_step(wanted, TOOLS).outputs == ("indexes",)


@pytest.mark.parametrize(
    ("exclude", "kept"),
    [
        (["/usr/share/man/*"], True),
        (["/usr/share/*"], True),
        (["/usr/share/man/de/*"], False),
        (["/usr/share/doc/*"], False),
    ],
)
def test_directories_of_manuals_stay(exclude: list[str], kept: bool) -> None:
    """Scripts of packages make links there; dpkg believes the last line that fits a path."""
    target = Target("debian", "sid", "amd64", tuple(exclude), ())
    lines = apt._options(target)["dpkg.cfg"].decode().splitlines()
    assert lines == [*(f"path-exclude={glob}" for glob in exclude), *["path-include=/usr/share/man/man?"] * kept]


def test_indexes_of_two_directories_are_not_the_same() -> None:
    """Dated mirrors that are directories have the same address in a sandbox."""
    request = replace(REQUEST, snapshot="20260101T000000Z")

    def of(path: str) -> dict[str, str]:
        return APT.index_keys(request, replace(MIRRORS, directories={"debian": path}))

    assert of("/srv/1")["debian"] == of("/srv/1")["debian"]
    assert of("/srv/1")["debian"] != of("/srv/2")["debian"]
