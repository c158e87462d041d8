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

    def known(self) -> host_apt.Known:
        host_apt.targets.cache_clear()
        return host_apt.known(debian)


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
    yield made
    host_apt.targets.cache_clear()


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


@pytest.mark.parametrize(
    ("files", "found"),
    [
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
    ],
)  # fmt: skip
def test_sources_of_hosts(host: Host, files: dict[str, str], found: dict[str, str]) -> None:
    for path, text in files.items():
        host.write(path, text)
    known = host.known()
    assert {archive: address.rstrip("/") for archive, address in known.addresses.items()} == found
    for archive, address in found.items():
        assert known.origins[archive] == ("mmdebstrap on this host" if "default" in address else "this host's apt")


@pytest.mark.parametrize("kind", ["tor+http://o.example", "cdrom://Debian", "mirror://m.example/l", "tor://o.example"])
def test_sources_that_only_a_host_can_use(host: Host, kind: str) -> None:
    """They are passed over for the default, with a word, or the lock is refused."""
    host.write("etc/sources.list", f"deb {kind}/debian trixie main\ndeb {SECURITY} trixie-security main\n")
    request = shared.tools_request(debian, "trixie")
    settings = Settings(root=Path(), cache=Path(), output=Path())
    host_apt.targets.cache_clear()
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
    host_apt.targets.cache_clear()
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
