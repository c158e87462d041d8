"""The build host's own apt: the addresses of a distribution's archives that it has, and its proxies.

Sources: apt-get(8) on indextargets, sources.list(5), apt-transport-mirror(1), apt-transport-http(1).
"""

from __future__ import annotations

import os
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from debate.distributions.interface import AptDistribution
from debate.errors import DebateError
from debate.host.run import run
from debate.settings import MIRROR_ADDRESS
from debate.text.lines import lines_of

_BOOTSTRAPPERS = {"mmdebstrap": "/usr/bin/mmdebstrap", "debootstrap": "/usr/share/debootstrap/scripts/sid"}
"""Programs that know the distribution's own servers -> the file in which they name them."""
_APT = "this host's apt"
_ALIASES = ("stable", "oldstable", "testing", "unstable")
_LIST_BYTES = 1 << 20


@dataclass(frozen=True)
class Known:
    """What this host knows of the archives of a distribution."""

    addresses: Mapping[str, str]
    """Archive -> address."""
    origins: Mapping[str, str]
    """Archive -> who named the address, in words."""
    unused: Mapping[str, tuple[str, ...]]
    """Archive -> what the host's apt has for it that no sandbox can use."""

    def why(self, archive: str) -> str:
        """Why no address in the host's apt is used; empty if one is."""
        if self.origins.get(archive) == _APT:
            return ""
        if archive in self.unused:
            return f"a sandbox cannot use what this host's apt has ({', '.join(self.unused[archive])})"
        return "this host's apt has none"


NOTHING = Known({}, {}, {})


def known(facts: AptDistribution) -> Known:
    """Of each archive the first usable address in the host's apt, else that of a bootstrapper on this host."""
    addresses, origins, unused = dict[str, str](), dict[str, str](), dict[str, list[str]]()
    for archive, said in _entries(facts):
        if archive in addresses:
            continue
        address = _usable(said)
        if address is None:
            unused.setdefault(archive, []).append(said)
            continue
        addresses[archive], origins[archive] = address, _APT
        if facts.ARCHIVES.keys() <= addresses.keys():
            break  # What follows is slow to ask for.
    for program, script in _BOOTSTRAPPERS.items():
        if facts.ARCHIVES.keys() <= addresses.keys():
            break
        for archive, address in _named_in(script, facts.ARCHIVES):
            if archive not in addresses:
                addresses[archive], origins[archive] = address, f"{program} on this host"
    return Known(addresses, origins, {archive: tuple(dict.fromkeys(said)) for archive, said in unused.items()})


def _named_in(script: str, archives: Iterable[str]) -> Iterator[tuple[str, str]]:
    try:
        text = Path(script).read_text(errors="replace")
    except OSError:
        return
    for archive in archives:
        match = re.search(rf"mirror\b[ ='\"]*(https?://[^\s'\"]{{1,200}}/{re.escape(archive)})(?![\w-])", text)
        if match:
            yield archive, match[1]


def _entries(facts: AptDistribution) -> Iterator[tuple[str, str]]:
    """Archive and address of each source of the distribution, as the host's apt has them; the surest ones first.

    Without lists, as in images of containers, apt does not know whose archive an address has. Then suite, component and
    path tell; what was taken for the distribution's is refused later if its keys did not sign it.
    """
    main, security = facts.NAME, f"{facts.NAME}-security"
    for address, origin, label, suite in targets(("REPO_URI", "ORIGIN", "LABEL", "SUITE")):
        if origin == facts.ORIGIN:
            yield (security if "security" in f"{label} {suite}".lower() else main), address
    suites = {
        suite.format(release=release): archive
        for release in (*facts.RELEASES, *_ALIASES)
        for archive, suites in facts.ARCHIVES.items()
        for suite in suites
    }
    likely = [
        (suites[release], address)
        for address, release, component in targets(("REPO_URI", "RELEASE", "COMPONENT"), "--no-release-info")
        if release in suites and component in facts.COMPONENTS
    ]
    yield from sorted(likely, key=lambda each: not each[1].rstrip("/").endswith(f"/{each[0]}"))


@cache
def targets(fields: tuple[str, ...], *options: str) -> tuple[tuple[str, ...], ...]:
    """These fields of each index of packages in the host's apt, which reads all forms of its sources. Slow."""
    form = "|".join(f"$({field})" for field in fields)
    try:
        lines = run(["apt-get", "indextargets", *options, "--format", form, "Created-By: Packages"])
    except DebateError:
        return ()
    found = (tuple(line.rsplit("|", len(fields) - 1)) for line in lines_of(lines))
    return tuple(each for each in found if len(each) == len(fields))


def _usable(said: str) -> str | None:
    """The address of a source for a sandbox; None for one that works only on the host, such as cdrom: and tor+http:."""
    if match := re.fullmatch(r"mirror\+file:(?://)?(/.+?)/?", said):
        return next(filter(None, map(_usable, _listed(match[1]))), None)
    if match := re.fullmatch(r"(?:file|copy):(?://)?(/[^/].*)", said):
        said = f"file://{match[1]}"
    return said if re.fullmatch(MIRROR_ADDRESS, said) else None


def _listed(path: str) -> Iterator[str]:
    """The addresses in a list of mirrors, by their priority. Another list in it counts for nothing."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = lines_of(file.read(_LIST_BYTES))
    except OSError:
        return
    found = []
    for line in lines:
        address, _, more = line.strip().partition("\t")
        priority = re.search(r"\bpriority:([0-9]{1,9})\b", more)
        if address and not address.startswith(("#", "mirror")):
            found.append((int(priority[1]) if priority else 1 << 32, address))
    yield from (address for _, address in sorted(found, key=lambda each: each[0]))


def proxies(addresses: Iterable[str]) -> dict[str, str]:
    """The host's proxies for ``addresses``, as `debate.model.Reach` has them: those of its apt, else its variables."""
    of_apt = configured()
    named = {
        f"{scheme}::{host}" if host else scheme: value
        for scheme, host, value in re.findall(r'^Acquire::(https?)::Proxy(?:::(\S+))? "(.*)";$', of_apt, re.MULTILINE)
    }
    commands = dict(re.findall(r'^Acquire::(https?)::Proxy-?Auto-?Detect "(.+)";$', of_apt, re.MULTILINE))
    for scheme, host, place in map(_server, addresses):
        # apt uses what is set for http for https, too.
        command = commands.get(scheme) or commands.get("http")
        if host and command and f"{scheme}::{host}" not in named and (said := _detected(command, place)):
            named[f"{scheme}::{host}"] = said
    of_environment = variables()
    found = {
        scheme: named.get(scheme) or named.get("http") or of_environment[f"{scheme}_proxy"]
        for scheme in ("http", "https")
    }
    return {name: value for name, value in {**named, **found, "no": of_environment["no_proxy"]}.items() if value}


def _server(address: str) -> tuple[str, str, str]:
    """Scheme, host and ``SCHEME://HOST[:PORT]/`` of an http or https address; no host for any other."""
    try:
        parts = urllib.parse.urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "", "", ""
    host = parts.hostname if parts.scheme in ("http", "https") else None
    return parts.scheme, host or "", f"{parts.scheme}://{host}{port}/"


def variables() -> dict[str, str]:
    """http_proxy, https_proxy and no_proxy, which some hosts have in capitals, and as all_proxy; empty if not set."""

    def one(*names: str) -> str:
        return next(filter(None, (os.environ.get(each) for name in names for each in (name, name.upper()))), "")

    return {
        "http_proxy": one("http_proxy", "all_proxy"),
        "https_proxy": one("https_proxy", "all_proxy"),
        "no_proxy": one("no_proxy"),
    }


def configured() -> str:
    """What the host's apt configuration says of proxies, as apt.conf; empty on a host without apt."""
    try:
        return run(["apt-config", "dump", "--no-empty", "Acquire::http", "Acquire::https"])
    except DebateError:
        return ""


def _detected(command: str, address: str) -> str:
    """The proxy that the host's own program finds for an address; ``DIRECT`` for none, empty if it knows nothing."""
    try:
        said = run(["timeout", "10", command, address]).strip()
    except DebateError:
        return ""
    return said if said == "DIRECT" or re.fullmatch(r"(?:http|socks5h)s?://\S+", said) else ""
