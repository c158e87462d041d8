"""The host's own apt: its sources in all forms, as real hosts have them, read by the real apt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from debate import managers
from debate.distributions import debian
from debate.errors import DebateError
from debate.host.run import run
from debate.managers import host_apt, shared
from debate.settings import Settings

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt-get")

SIGNED = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
MAIN, SECURITY = "http://deb.example/debian", "http://sec.example/debian-security"
BOOTSTRAPPER = (
    "    my $mirror    = 'http://default.example/debian';\n"
    "    my $secmirror = 'http://default.example/debian-security';\n"
)
DEFAULTS = {"debian": "http://default.example/debian", "debian-security": "http://default.example/debian-security"}


@dataclass
class Host:
    """An apt with a configuration of its own, and a bootstrapper."""

    root: Path

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("ROOT", str(self.root)))
        forget()

    def known(self) -> host_apt.Known:
        return host_apt.known(debian)


def forget() -> None:
    """What was asked of the host's apt is asked again."""
    host_apt.sources.cache_clear()
    host_apt._detected.cache_clear()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(tmp_path)
    made.write("apt.conf", 'Dir "ROOT";\nDir::Etc "ROOT/etc";\nDir::State "ROOT/state";\nDir::Cache "ROOT/cache";\n')
    for directory in ("etc/apt.conf.d", "etc/sources.list.d", "state/lists/partial", "cache", "bin"):
        (tmp_path / directory).mkdir(parents=True, exist_ok=True)
    for program in ("apt-get", "apt-config"):
        made.write(f"bin/{program}", f'#!/bin/sh\nAPT_CONFIG=ROOT/apt.conf exec {shutil.which(program)} "$@"\n')
        (tmp_path / "bin" / program).chmod(0o755)
    made.write("usr/bin/mmdebstrap", BOOTSTRAPPER)
    monkeypatch.setattr(host_apt, "_BOOTSTRAPPERS", {"mmdebstrap": f"{tmp_path}/usr/bin/mmdebstrap"})
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    forget()
    yield made
    forget()


CLOUD = (  # Debian's images for clouds
    "Types: deb deb-src\nURIs: mirror+file://ROOT/etc/mirrors/debian.list\n"
    "Suites: trixie trixie-updates trixie-backports\nComponents: main\n\n"
    "Types: deb deb-src\nURIs: mirror+file://ROOT/etc/mirrors/debian-security.list\nSuites: trixie-security\n"
    "Components: main\n"
)
CONTAINER = (  # Debian's images for containers, after `rm -rf /var/lib/apt/lists/*`
    f"Types: deb\n# http://snapshot.example/archive/debian/20250520T000000Z\nURIs: {MAIN}\n"
    f"Suites: bookworm bookworm-updates\nComponents: main\n{SIGNED}\n"
    f"Types: deb\n# http://snapshot.example/archive/debian-security/20250520T000000Z\nURIs: {SECURITY}\n"
    f"Suites: bookworm-security\nComponents: main\n{SIGNED}"
)
ONE_LINE = (  # the installer's
    "#deb cdrom:[Debian GNU/Linux 12.5.0 _Bookworm_ - Official amd64 NETINST]/ bookworm main non-free-firmware\n"
    f"deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {MAIN}/ bookworm main # ours\n"
    f"# deb-src {MAIN}/ bookworm main\n\ndeb {SECURITY} bookworm-security main non-free-firmware\n"
)
UBUNTU = "deb http://archive.example/ubuntu noble main universe\ndeb http://sec.example/ubuntu noble-security main\n"
RUNNER = (  # Ubuntu's, on runners of a forge
    "Types: deb\nURIs: mirror+file:ROOT/etc/apt-mirrors.txt\nSuites: noble noble-updates noble-security\n"
    "Components: main universe\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n"
)
OTHERS = (  # that have Debian's suites, and are not Debian's
    "deb https://other.example bookworm main\ndeb https://linux.example/debian bookworm stable\n"
    "deb https://pg.example/apt bookworm-pgdg main\n"
)
OF_APT = {"debian": MAIN, "debian-security": SECURITY}
LISTS = {
    "etc/mirrors/debian.list": f"# ours\n{MAIN}\tpriority:1\nhttp://far.example/debian\tpriority:9 type:index\n",
    "etc/mirrors/debian-security.list": f"tor+http://onion.example/debian-security\n{SECURITY}\n",
}


HOSTS = [
    ({"etc/sources.list.d/debian.sources": CLOUD, **LISTS}, OF_APT),
    ({"etc/sources.list.d/debian.sources": CONTAINER}, OF_APT),
    ({"etc/sources.list": ONE_LINE}, OF_APT),
    ({"etc/sources.list": OTHERS, "etc/sources.list.d/debian.sources": CONTAINER}, OF_APT),
    ({"etc/sources.list.d/a.list": OTHERS, "etc/sources.list.d/z.list": ONE_LINE}, OF_APT),
    ({"etc/sources.list.d/d.sources": CONTAINER.replace(MAIN, f"{MAIN} http://second.example/debian")}, OF_APT),
    ({"etc/sources.list.d/debian.sources": CONTAINER.replace("bookworm", "stable")}, OF_APT),
    ({"etc/sources.list.d/debian.sources": CONTAINER.replace("Types", "Enabled: no\nTypes")}, DEFAULTS),
    ({"etc/sources.list": f"deb {MAIN} trixie main\n"}, {**DEFAULTS, "debian": MAIN}),
    ({"etc/sources.list": UBUNTU}, DEFAULTS),
    ({"etc/sources.list.d/u.sources": RUNNER, "etc/apt-mirrors.txt": "http://a.example/ubuntu\tpriority:1\n"},
     DEFAULTS),
    ({}, DEFAULTS),
    ({"etc/sources.list": "deb file:/srv/debian sid main\ndeb copy:///srv/debian-security trixie-security main\n"},
     {"debian": "file:///srv/debian", "debian-security": "file:///srv/debian-security"}),
    ({"etc/sources.list": "not a source\n"}, DEFAULTS),
]  # fmt: skip
"""Files of a host, and the addresses that are found there."""


@pytest.mark.parametrize(("files", "found"), HOSTS)
def test_sources_of_hosts(host: Host, files: dict[str, str], found: dict[str, str]) -> None:
    for path, text in files.items():
        host.write(path, text)
    known = host.known()
    assert {archive: address.rstrip("/") for archive, address in known.addresses.items()} == found
    for archive, address in found.items():
        assert known.origins[archive] == ("mmdebstrap on this host" if "default" in address else "this host's apt")


SIGNED_INDEX = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
    "Origin: {}\nLabel:  x{}\t\nSuite: s{}\nCodename: y\nDescription: Origin: z\nComponents: main\nSHA256:\n"
    "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
)


@pytest.mark.parametrize("files", [files for files, _ in HOSTS[:-1]])
def test_what_apt_knows_of_its_lists(host: Host, files: dict[str, str]) -> None:
    """The same is found without apt, which reads them whole for it."""
    for path, text in files.items():
        host.write(path, text)
    ask = ["apt-get", "indextargets", "Created-By: Packages", "--format"]
    starts = dict[str, None]()
    for line in run([*ask, "$(RELEASE) $(FILENAME)", "--no-release-info"]).splitlines():
        suite, _, path = line.partition(" ")
        Path(path).write_text("Package: x\nVersion: 1\nArchitecture: all\nFilename: x\nSize: 1\n")
        starts[f"{path.partition('_dists_')[0]}_dists_{suite}"] = None
    for number, start in enumerate(starts):
        origin, text = ("Debian", "Other")[number // 2 % 2], SIGNED_INDEX
        text = text if number % 2 else text.partition("\n\n")[2].partition("-")[0]
        if number < 4:
            Path(f"{start}_{'InRelease' if number % 2 else 'Release'}").write_text(text.format(origin, number, number))
    of_release = "$(ORIGIN)|$(LABEL)|$(SUITE)"
    by_apt = run([*ask, f"$(REPO_URI)|$(RELEASE)|$(COMPONENT)|{of_release}"]).replace(of_release, "||").splitlines()
    found, fails = host_apt.sources()
    assert fails == ""
    assert bool(by_apt) == bool(starts)
    assert ["|".join(source) for source in found] == by_apt


def test_what_an_archive_says_of_itself_counts_most(host: Host) -> None:
    """Suites, which others have, too, tell it only of what has no signed index here."""
    lines = ["cdrom://disc trixie", "http://o.example/x trixie", "http://a.example/y ours", "http://b.example/z ours"]
    host.write("etc/sources.list", "".join(f"deb {line} main\n" for line in lines))
    for name, origin, label in [("disc_dists_trixie", "Debian", "x"), ("o.example_x_dists_trixie", "Other", "x"),
                                ("a.example_y_dists_ours", "Debian", "x"),
                                ("b.example_z_dists_ours", "Debian", "Debian-Security")]:  # fmt: skip
        host.write(f"state/lists/{name}_InRelease", f"Origin: {origin}\nLabel: {label}\nSuite: x\n")
    known = host.known()
    assert known.addresses == {"debian": "http://a.example/y/", "debian-security": "http://b.example/z/"}


@pytest.mark.parametrize("kind", ["tor+http://o.example", "cdrom://Debian", "mirror://m.example/l", "tor://o.example"])
def test_sources_that_only_a_host_can_use(host: Host, kind: str) -> None:
    """They are passed over for the default, with a word, or the lock is refused."""
    host.write("etc/sources.list", f"deb {kind}/debian trixie main\ndeb {SECURITY} trixie-security main\n")
    request = shared.tools_request(debian, "trixie")
    settings = Settings(root=Path(), cache=Path(), output=Path())
    host_apt.sources.cache_clear()
    found = managers.get("debian").mirrors(settings, request, {})
    assert found.addresses == {"debian": DEFAULTS["debian"], "debian-security": SECURITY}
    [note] = found.notes
    assert note.startswith(f"debian: a sandbox cannot use what this host's apt has ({kind}/debian/); using ")
    assert note.endswith(f"{DEFAULTS['debian']}, as mmdebstrap on this host does")
    (host.root / "usr/bin/mmdebstrap").unlink()
    with pytest.raises(DebateError) as caught:
        managers.get("debian").mirrors(settings, request, {})
    [problem] = caught.value.problems
    assert str(problem.place) == "mirror debian"
    assert "no address of this archive of Debian is known: a sandbox cannot use what this host's apt" in problem.fact
    assert problem.remedy == "set DEBATE_MIRROR_DEBIAN to its address"


@pytest.mark.parametrize(
    ("release", "missing"),
    [("trixie", ["debian", "debian-security"]), ("forky", ["debian", "debian-security"]), ("sid", ["debian"])],
)
def test_each_archive_of_a_release_has_an_address(host: Host, release: str, missing: list[str]) -> None:
    (host.root / "usr/bin/mmdebstrap").unlink()
    host_apt.sources.cache_clear()
    manager, request = managers.get("debian"), shared.tools_request(debian, release)
    with pytest.raises(DebateError) as caught:
        manager.mirrors(Settings(root=Path(), cache=Path(), output=Path()), request, {})
    assert [str(problem.place) for problem in caught.value.problems] == [f"mirror {archive}" for archive in missing]
    named = {"debian-security": "http://s.example"}
    set_ = Settings(root=Path(), cache=Path(), output=Path(), mirrors=named)
    found = manager.mirrors(set_, request, {"debian": "http://p.example"})
    assert found.origins["debian"] == "the profile"
    assert {archive for archive, _ in manager.suites(request)} == set(missing) == set(found.addresses)


def test_proxies(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """apt's own, then what its program finds for a host, then the variables, which some hosts have in capitals."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    both = ["http://a.example/debian", "https://b.example:8443/x", "http://user:word@direct.example/x", "copy:/run/x"]
    assert host_apt.proxies(both) == {}
    monkeypatch.setenv("HTTP_PROXY", "http://capital.example:1")
    monkeypatch.setenv("NO_PROXY", ".example.org")
    assert host_apt.proxies(both) == {"http": "http://capital.example:1", "no": ".example.org"}
    monkeypatch.setenv("all_proxy", "http://all.example:2")
    monkeypatch.setenv("http_proxy", "http://small.example:3")
    assert host_apt.proxies(both) == {
        "http": "http://small.example:3", "https": "http://all.example:2", "no": ".example.org",
    }  # fmt: skip
    host.write(
        "bin/found", '#!/bin/sh\ncase $1 in *direct*) echo DIRECT ;; http://a*) echo "http://auto.example:$#" ;; esac\n'
    )
    (host.root / "bin" / "found").chmod(0o755)
    for option in ("Proxy-Auto-Detect", "ProxyAutoDetect"):
        host.write("etc/apt.conf.d/50auto", f'Acquire::http::{option} "ROOT/bin/found";\n')
        assert host_apt.proxies(both) == {
            "http::a.example": "http://auto.example:1", "http::direct.example": "DIRECT",
            "http": "http://small.example:3", "https": "http://all.example:2", "no": ".example.org",
        }  # fmt: skip
    host.write("etc/apt.conf.d/60own", 'Acquire::http::Proxy::a.example "http://mine.example:4";\n')
    assert host_apt.proxies(both)["http::a.example"] == "http://mine.example:4"
    host.write("bin/found", "#!/bin/sh\necho rubbish; echo more\n")
    assert "http::direct.example" not in host_apt.proxies(both)
    said = [line for line in host_apt.unheard(both) if "direct" in line]
    assert said == [
        f"{host.root}/bin/found, which this host's apt asks for proxies, answers with what is no proxy (rubbish); so "
        "none is used for http://direct.example/"
    ]


BROKEN = [
    ({"etc/sources.list": "not a source\n"}, "E: Type 'not' is not known on line 1 in source list", False),
    ({"etc/sources.list.d/d.sources": "Types: deb\nURIs: http://x.example\n"}, "E: Malformed entry 1", False),
    ({"etc/apt.conf.d/50": '{ x "y"; };\n'}, "E: Syntax error", True),
]  # fmt: skip


@pytest.mark.parametrize(("files", "said", "of_proxies"), BROKEN)
def test_an_apt_that_is_broken_is_told(host: Host, files: dict[str, str], said: str, of_proxies: bool) -> None:
    """It is not as one that has no address: what it would say is lost."""
    host.write("etc/sources.list", ONE_LINE)
    for path, text in files.items():
        host.write(path, text)
    known = host.known()
    assert known.addresses == DEFAULTS
    assert known.why("debian").startswith(f"this host's apt fails: {said}")
    found = list(host_apt.unheard([MAIN]))
    start = f"the proxies of this host's apt are not known, since it fails: {said}"
    assert [line.startswith(start) for line in found] == [True] * of_proxies


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo DIRECT", ""), ("exit 0", ""), ("echo http://p.example:1", ""),
        ("echo no >&2; exit 3", "ends with exit status 3 (no); so none is used for http://deb.example/"),
        ("exit 3", "ends with exit status 3; so none is used for http://deb.example/"),
        ("echo p.example:1", "answers with what is no proxy (p.example:1); so none is used for http://deb.example/"),
    ],
)  # fmt: skip
def test_a_program_that_finds_no_proxy(host: Host, script: str, said: str) -> None:
    host.write("bin/found", f"#!/bin/sh\n{script}\n")
    (host.root / "bin" / "found").chmod(0o755)
    host.write("etc/apt.conf.d/50auto", 'Acquire::http::Proxy-Auto-Detect "ROOT/bin/found";\n')
    found = list(host_apt.unheard([MAIN, f"{MAIN}/x"]))
    start = f"{host.root}/bin/found, which this host's apt asks for proxies, "
    assert found == ([f"{start}{said}"] if said else [])


def test_a_program_is_asked_once(host: Host) -> None:
    """It may take ten seconds; a lock wants to know its answer, and what is wrong with it."""
    host.write("bin/found", "#!/bin/sh\necho $1 >> ROOT/asked\necho http://p.example:1\n")
    (host.root / "bin" / "found").chmod(0o755)
    host.write("etc/apt.conf.d/50auto", 'Acquire::http::Proxy-Auto-Detect "ROOT/bin/found";\n')
    for _ in range(2):
        assert host_apt.proxies([MAIN])["http::deb.example"] == "http://p.example:1"
        assert not list(host_apt.unheard([MAIN]))
    assert (host.root / "asked").read_text() == "http://deb.example/\n"
