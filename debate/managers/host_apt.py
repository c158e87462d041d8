"""The build host's own apt: the addresses of a distribution's archives that it has, and its proxies.

Sources: apt-get(8) on indextargets, sources.list(5), apt-transport-mirror(1), apt-transport-http(1).
"""

from __future__ import annotations

import os
import re
import shlex
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

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
"""Read of a list of mirrors, and of the signed index of a suite."""
_NO_LISTS = ["-oDir::State::Lists=/nonexistent", "-oDir::State::Status=/dev/null"]
_NO_CACHE = ["-oDir::Cache::pkgcache=", "-oDir::Cache::srcpkgcache="]
"""apt reads all packages that it sees, and keeps a cache of them: so it sees none, and leaves the host's as it is."""


@dataclass(frozen=True)
class Known:
    """What this host knows of the archives of a distribution."""

    addresses: Mapping[str, str]
    """Archive -> address."""
    origins: Mapping[str, str]
    """Archive -> who named the address, in words."""
    unused: Mapping[str, tuple[str, ...]]
    """Archive -> what the host's apt has for it that no sandbox can use."""
    fails: str = ""
    """What the host's apt says of its own configuration or sources, if it cannot read them."""

    def why(self, archive: str) -> str:
        """Why no address in the host's apt is used; empty if one is."""
        if self.origins.get(archive) == _APT:
            return ""
        if archive in self.unused:
            return f"a sandbox cannot use what this host's apt has ({', '.join(self.unused[archive])})"
        return f"this host's apt fails: {self.fails}" if self.fails else "this host's apt has none"


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
            break
    for program, script in _BOOTSTRAPPERS.items():
        if facts.ARCHIVES.keys() <= addresses.keys():
            break
        for archive, address in _named_in(script, facts.ARCHIVES):
            if archive not in addresses:
                addresses[archive], origins[archive] = address, f"{program} on this host"
    different = {archive: tuple(dict.fromkeys(said)) for archive, said in unused.items()}
    return Known(addresses, origins, different, fails=sources()[1])


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
    found, _ = sources()
    main, security = facts.NAME, f"{facts.NAME}-security"
    for source in found:
        if source.origin == facts.ORIGIN:
            yield (security if "security" in f"{source.label} {source.named}".lower() else main), source.address
    suites = {
        suite.format(release=release): archive
        for release in (*facts.RELEASES, *_ALIASES)
        for archive, suites in facts.ARCHIVES.items()
        for suite in suites
    }
    likely = [
        (suites[source.suite], source.address)
        for source in found
        if source.suite in suites and source.component in facts.COMPONENTS
    ]
    yield from sorted(likely, key=lambda each: not each[1].rstrip("/").endswith(f"/{each[0]}"))


class Source(NamedTuple):
    """An index of packages that the host's apt looks for, and what the signed one of its suite says of itself."""

    address: str
    suite: str
    component: str
    origin: str
    label: str
    named: str
    """Its field Suite."""


@cache
def sources() -> tuple[tuple[Source, ...], str]:
    """What the host's apt has in its sources, of which it reads all forms; and its first error.

    Both are empty on a host without apt.
    """
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(METAKEY)|$(FILENAME)"
    asked = ["apt-get", *_NO_LISTS, *_NO_CACHE, "indextargets", "--no-release-info", "--format", form]
    try:
        _, _, lists = run(["apt-config", "shell", "lists", "Dir::State::Lists/d"]).strip().partition("=")
        lines = lines_of(run([*asked, "Created-By: Packages"]))
    except DebateError as error:
        return (), _said_by(error)
    signed, found = dict[str, tuple[str, str, str]](), []
    for line in lines:
        fields = line.rsplit("|", 4)
        if len(fields) == 5:
            address, suite, component, place, file = fields
            # A file's name is its address, with `_` for `/`.
            start = "".join(shlex.split(lists)) + Path(file).name.rsplit("_", place.count("/") + 1)[0]
            if start not in signed:
                signed[start] = _signed_as(start)
            found.append(Source(address, suite, component, *signed[start]))
    return tuple(found), ""


def _signed_as(start: str) -> tuple[str, str, str]:
    """Origin, Label and Suite in the signed index of a suite, by what the names of its files start with."""
    for name in ("InRelease", "Release"):
        try:
            with open(f"{start}_{name}", encoding="utf-8", errors="replace") as file:
                lines = lines_of(file.read(_LIST_BYTES))
        except OSError:
            continue
        fields = {field: value.strip() for field, _, value in (line.partition(":") for line in reversed(lines))}
        return fields.get("Origin", ""), fields.get("Label", ""), fields.get("Suite", "")
    return "", "", ""


def _said_by(error: DebateError) -> str:
    """The first error that a program of apt tells; empty if it is not there."""
    fact = error.problems[0].fact
    lines = [line.strip() for line in lines_of(error.details) if line.strip()]
    first = next((line for line in lines if line.startswith("E: ")), lines[0] if lines else fact)
    return "" if fact == "not installed" else first


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
    of_apt, _ = configured()
    named = {
        f"{scheme}::{host}" if host else scheme: value
        for scheme, host, value in re.findall(r'^Acquire::(https?)::Proxy(?:::(\S+))? "(.*)";$', of_apt, re.MULTILINE)
    }
    for name, command, place in _detections(of_apt, addresses):
        if name not in named and (said := _detected(command, place)[0]):
            named[name] = said
    of_environment = variables()
    found = {
        scheme: named.get(scheme) or named.get("http") or of_environment[f"{scheme}_proxy"]
        for scheme in ("http", "https")
    }
    return {name: value for name, value in {**named, **found, "no": of_environment["no_proxy"]}.items() if value}


def unheard(addresses: Iterable[str]) -> Iterator[str]:
    """What of the host's configuration of proxies for ``addresses`` cannot be read: lines for people."""
    of_apt, fails = configured()
    if fails:
        yield f"the proxies of this host's apt are not known, since it fails: {fails}"
    for _, command, place in _detections(of_apt, addresses):
        if fails := _detected(command, place)[1]:
            yield f"{command}, which this host's apt asks for proxies, {fails}; so none is used for {place}"


def _detections(of_apt: str, addresses: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Each server that the host asks a program about: ``SCHEME::HOST``, the program, and the server's address."""
    commands = dict(re.findall(r'^Acquire::(https?)::Proxy-?Auto-?Detect "(.+)";$', of_apt, re.MULTILINE))
    for scheme, host, place in dict.fromkeys(map(_server, addresses)):
        # apt uses what is set for http for https, too.
        command = commands.get(scheme) or commands.get("http")
        if host and command:
            yield f"{scheme}::{host}", command, place


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


def configured() -> tuple[str, str]:
    """What the host's apt configuration says of proxies, as apt.conf; and its first error.

    Both are empty on a host without apt.
    """
    try:
        return run(["apt-config", "dump", "--no-empty", "Acquire::http", "Acquire::https"]), ""
    except DebateError as error:
        return "", _said_by(error)


@cache
def dated() -> dict[str, str]:
    """Host of an archive -> the address of its dated states, with @PATH@ and @SNAPSHOTID@, as the host's apt has them.

    Empty on a host without apt, and where that is older than 2.7. Source: apt-get(8) on --snapshot, apt.conf(5).
    """
    try:
        said = run(["apt-config", "dump", "--no-empty", "Acquire::Snapshots::URI"])
    except DebateError:
        return {}
    rows = re.findall(r'^Acquire::Snapshots::URI::(Override::)?Host::(\S+) "([^"]+)";$', said, re.MULTILINE)
    found = sorted((bool(own), host, template) for own, host, template in rows)
    return {host: template for _, host, template in found if "@SNAPSHOTID@" in template}


def dated_address(archive: str, address: str, moment: str) -> str:
    """The address of an archive's state at ``moment``, as the host's apt knows it; empty if it does not.

    Many mirrors have no dated states. Those of the distribution's own servers will do: signatures say what is right.
    """
    own = [named for script in _BOOTSTRAPPERS.values() for _, named in _named_in(script, [archive])]
    for each in (address, *own):
        parts = urllib.parse.urlsplit(each)
        if template := dated().get(parts.hostname or ""):
            made = template.replace("@PATH@", parts.path.strip("/")).replace("@SNAPSHOTID@", moment)
            return made if re.fullmatch(MIRROR_ADDRESS, made) else ""
    return ""


@cache
def _detected(command: str, address: str) -> tuple[str, str]:
    """The proxy that the host's own program finds for an address, or ``DIRECT``; and what is wrong with its answer.

    It may know nothing: then both are empty.
    """
    try:
        said = run(["timeout", "10", command, address]).strip()
    except DebateError as error:
        first = next(filter(None, lines_of(error.details or "")), "")
        return "", f"ends with {error.problems[0].fact}{first and f' ({first})'}"
    if not said or said == "DIRECT" or re.fullmatch(r"(?:http|socks5h)s?://\S+", said):
        return said, ""
    return "", f"answers with what is no proxy ({lines_of(said)[0]})"
