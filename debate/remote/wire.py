"""HTTP requests on which whoever answers can spend neither the builder's time nor its memory.

All of an exchange counts towards its deadline (`debate.remote.deadline`): resolving names, connecting, TLS, each line
of a header, each byte of a body in either direction, and redirects. Bodies are read by the caller, who bounds them, as
they are: nothing is decompressed. There are no cookies and no passwords from ~/.netrc, and a password or token is sent
only where the caller sends it: a redirect to another host, port or scheme loses it.

Registries lead to other hosts, as for blobs. But only who is inside, at a loopback, link-local or private address, may
lead to a host that is inside, unless the settings name that: to others these hosts are as closed as without this one.

Built on urllib3. Sources: RFC 9110 (redirects), RFC 6265 (which is not implemented).
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import unquote, urljoin

import urllib3
from urllib3.util import Url, parse_url

from debate.errors import DebateError
from debate.remote import deadline
from debate.remote.errors import RefusedError
from debate.sandbox.addresses import is_direct, is_public

Response = urllib3.BaseHTTPResponse
Origin = tuple[str, str, int]
"""Scheme, host and port."""

_CONNECT, _IDLE = 10.0, 30.0
"""Seconds to wait for the addresses of a host and for a connection to each of them, and for the next bytes."""
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_DRAINED = 1 << 16
"""Bytes of a body that are read so that the connection can be used again. With more left, it is closed."""


class Client:
    """Connections to the hosts of one remote. Thread-safe."""

    def __init__(self, *, tls: bool, authorities: str | None, named: Iterable[Origin] = ()) -> None:
        """``authorities``: a file with certificates; None for those of Python. ``named``: by the settings.

        Raises OSError if it is unusable, DebateError if the proxy of the environment is.
        """
        self.tls, self._named = tls, frozenset(named)
        self._led: set[Origin] = set()
        """Where somebody led who is not inside."""
        context = ssl.create_default_context(cafile=authorities)
        context.sslsocket_class = _Encrypted
        options: dict[str, Any] = {"maxsize": 8, "ssl_context": context}
        self._direct = _timed(urllib3.PoolManager(**options))
        self._outside = _timed(urllib3.PoolManager(**options), outside=True)
        self._proxied = self._direct
        proxies = urllib.request.getproxies()
        self._without = proxies.get("no", "")
        if address := proxies.get("https") or proxies.get("all"):
            self._proxied = _timed(_proxy(address, options))

    def close(self) -> None:
        """Close all connections."""
        for manager in (self._direct, self._outside, self._proxied):
            for key in list(manager.pools.keys()):
                manager.pools[key].close()
            manager.clear()

    @contextmanager
    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, follow: bool = True
    ) -> Iterator[Response]:
        """The answer to a request, whatever its status; its body has not been read.

        Redirects of a GET or HEAD are followed if ``follow``. Raises RefusedError for an address that may not be asked,
        and what urllib3 raises.
        """
        first = origin(url)
        follow = follow and method in ("GET", "HEAD")
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(method, url, headers if origin(url) == first else _public(headers), body)
            try:
                target = response.headers.get("Location") if follow and response.status in _REDIRECTS else None
                if target is None:
                    yield response
                    _drain(response)
                    return
            finally:
                response.close()
            url = self.led(response, url, target)
        raise RefusedError(f"more than {_MOST_REDIRECTS} redirects")

    def join(self, url: str, location: str) -> str:
        """The address ``location``, which may be relative to ``url``. Raises RefusedError if it may not be asked.

        Without TLS it must have the host and port of ``url``: another user of this host can listen at any other.
        """
        try:
            joined = urljoin(url, location)
            scheme, host, _ = found = origin(joined)
            same = found == origin(url)
        except ValueError:
            raise RefusedError("it names an address that is not valid") from None
        if scheme == "https" or (scheme == "http" and not self.tls and same):
            return joined
        raise RefusedError(f"it names an address without TLS, {scheme}://{host[:80]}, so the request was cancelled")

    def led(self, response: Response, url: str, location: str) -> str:
        """The same for what ``response`` to a request for ``url`` names, which is asked only if it may lead there."""
        joined = self.join(url, location)
        target = origin(joined)
        if target not in (origin(url), *self._named) and not getattr(response, _INSIDE, False):
            self._led.add(target)
        return joined

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Response:
        address = parse_url(url)
        direct = address.scheme == "http" or is_direct(address.host or "", self._without)
        pools = self._direct if direct else self._proxied
        if origin(url) in self._led:
            if pools is self._direct:
                pools = self._outside
            else:  # The proxy finds the addresses; what this host finds is all that can be looked at.
                _require_outside((address.host or "").strip("[]"), address.port or 443)
        return pools.urlopen(
            method,
            Url(address.scheme, None, address.host, address.port, address.path, address.query).url,
            body=body,
            headers=headers,
            timeout=_wait(),
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )


def _proxy(address: str, options: Mapping[str, Any]) -> urllib3.PoolManager:
    """Raises DebateError for an address that is none."""
    try:
        url = parse_url(address if "://" in address else f"http://{address}")
        headers = urllib3.make_headers(proxy_basic_auth=unquote(url.auth)) if url.auth else None
        return urllib3.ProxyManager(url.url, proxy_headers=headers, **options)
    except urllib3.exceptions.HTTPError:
        fact = "not the address of an HTTP proxy"  # It may have a password, so it is not shown.
        raise DebateError(fact, "write it as http://HOST:PORT", place="https_proxy") from None


def origin(url: str) -> Origin:
    """That of an address. Raises ValueError for an invalid one."""
    address = parse_url(url)
    scheme = address.scheme or ""
    if not address.host:
        raise ValueError("no host")
    return scheme, address.host.lower(), address.port or {"http": 80}.get(scheme, 443)


def _public(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers for a host for which the credentials are not meant."""
    return {name: value for name, value in headers.items() if name.lower() != "authorization"}


def _drain(response: Response) -> None:
    left = _DRAINED
    while left > 0 and (data := response.read1(left)):
        left -= len(data)


# Sockets that keep to the deadline -------------------------------------------------------------------


def _wait() -> float:
    return min(_IDLE, deadline.left())


class _Timed(socket.socket):
    """Each wait ends with the deadline of the thread that waits; http.client and urllib3 use these methods only."""

    inside = False
    """True if it is connected to a host that is inside."""

    def recv_into(self, *words: Any, **more: Any) -> int:
        self.settimeout(_wait())
        return super().recv_into(*words, **more)

    def send(self, *words: Any, **more: Any) -> int:
        self.settimeout(_wait())
        return super().send(*words, **more)

    def sendall(self, *words: Any, **more: Any) -> None:
        self.settimeout(_wait())
        return super().sendall(*words, **more)


class _Encrypted(_Timed, ssl.SSLSocket):
    """The same with TLS. SSLSocket's `sendall` calls `send` repeatedly."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(_wait())
        super().do_handshake(block)


def _connect(host: str, port: int, *, outside: bool = False) -> _Timed:
    """A connection to the first address of ``host`` that accepts one. Raises OSError.

    With ``outside``, raises RefusedError for a host that is inside.
    """
    failure: OSError = ConnectionError(f"{host} has no address")
    for family, kind, protocol, _, address in _addresses(host, port):
        if outside and not is_public(address[0]):
            raise _led_inside(host, address[0])
        made = _Timed(family, kind, protocol)
        try:
            made.settimeout(min(_CONNECT, deadline.left()))
            made.connect(address)
            made.inside = not is_public(address[0])
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure


def _require_outside(host: str, port: int) -> None:
    """Raises RefusedError for a host that is inside, as far as this host knows its addresses."""
    with suppress(OSError):
        for *_, address in _addresses(host, port):
            if not is_public(address[0]):
                raise _led_inside(host, address[0])


def _led_inside(host: str, address: str) -> RefusedError:
    fact = f"the registry leads to {host[:80]}, which is inside ({address}), so the request was cancelled"
    return RefusedError(fact, "add it to the setting remote_auth if it belongs to the registry")


_INSIDE = "is_from_inside"
"""Attribute of a response: True if a host that is inside answered. What a proxy connects to is never known to be."""


def _addresses(host: str, port: int) -> list[Any]:
    """What `socket.getaddrinfo` has for a host. Raises what it raises, and TimeoutError.

    It waits for name servers as long as resolv.conf(5) says, so another thread waits, and is left behind.
    """
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            answers.put(error)

    threading.Thread(target=ask, name=f"resolving {host[:80]}", daemon=True).start()
    try:
        answer = answers.get(timeout=min(_CONNECT, deadline.left()))
    except Empty:
        deadline.left()
        raise TimeoutError(f"no name server answers for {host[:80]}") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Connection(urllib3.connection.HTTPConnection):
    outside = False
    """See `_connect`."""

    def _new_conn(self) -> socket.socket:
        made = _connect(self._dns_host, self.port, outside=self.outside)
        self._inside = made.inside and not self._tunnel_host
        return made

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        # urllib3 leaves an answer whose header it refuses open, and the answer holds its socket open.
        held = self.sock
        try:
            response = super().getresponse()
            setattr(response, _INSIDE, self._inside)
            return response
        except BaseException:
            if held is not None and (descriptor := held.detach()) >= 0:
                os.close(descriptor)
            raise


class _EncryptedConnection(_Connection, urllib3.connection.HTTPSConnection):
    pass


class _OutsideConnection(_EncryptedConnection):
    outside = True


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _EncryptedPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _EncryptedConnection


class _OutsidePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _OutsideConnection


def _timed(manager: urllib3.PoolManager, *, outside: bool = False) -> urllib3.PoolManager:
    # Without TLS nobody leads to another host.
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _OutsidePool if outside else _EncryptedPool}
    return manager
