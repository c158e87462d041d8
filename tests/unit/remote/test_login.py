"""Who gets the password and the token: real servers with TLS, one of them a registry, the others whatever it names."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import select
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.errors import DebateError
from debate.model import Artifact
from debate.remote import transport
from debate.remote.credentials import Credentials
from debate.remote.errors import DeniedError, RefusedError, RegistryError
from debate.remote.login import _challenges
from debate.remote.oci import Registry
from debate.remote.wire import Client, origin
from debate.settings import Settings
from tests.serving import serving

PASSWORD = base64.b64encode(b"me:hush").decode()
DATA = b"data"
MINE = Credentials("me", "hush")
ARTIFACT = Artifact(keys.sha256(DATA), len(DATA))


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):
            super().handle_one_request()

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers.items())))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = self.server.says(self)
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()


class Server(http.server.ThreadingHTTPServer):
    """Says what ``says`` returns, and keeps what it was asked."""

    def __init__(self, certificates: Path, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.says: Callable[[Handler], Answer] = lambda _: Answer()

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""

    @property
    def name(self) -> str:
        return f"localhost:{self.server_address[1]}"

    def sent(self, header: str) -> list[str]:
        """The values of a header in all requests."""
        return [headers[header] for _, _, headers in self.asked if header in headers]


def certificate(directory: Path, *names: str) -> None:
    """Make server.crt for ``names``, hosts or IPv4 addresses, and its key."""
    kinds = ("IP" if name.replace(".", "").isdigit() else "DNS" for name in names)
    own = ",".join(f"{kind}:{name}" for kind, name in zip(kinds, names, strict=True))
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-days", "2"]
    argv += ["-keyout", "server.key", "-out", "server.crt", "-subj", "/CN=server", "-addext", f"subjectAltName={own}"]
    subprocess.run(argv, cwd=directory, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates")
    certificate(directory, "localhost", "127.0.0.1")
    return directory


@pytest.fixture
def servers(certificates: Path) -> Iterator[tuple[Server, Server]]:
    """A registry, and a server that is another one's."""
    with serving(Server(certificates)) as first, serving(Server(certificates)) as second:
        yield first, second


Connect = Callable[..., Registry]


@pytest.fixture
def connect(servers: tuple[Server, Server], certificates: Path) -> Iterator[Connect]:
    made: list[Registry] = []

    def connected(*auth_servers: str, credentials: Credentials = MINE) -> Registry:
        made.append(
            Registry(
                servers[0].name,
                "a/b",
                credentials,
                ca=str(certificates / "server.crt"),
                auth_servers=auth_servers,
                timeout=5,
            )
        )
        return made[-1]

    yield connected
    for registry in made:
        registry.close()


def wanting(challenge: str, wanted: str) -> Callable[[Handler], Answer]:
    """A registry that answers requests with the header Authorization ``wanted``, and challenges others."""

    def says(handler: Handler) -> Answer:
        if handler.headers.get("Authorization") == wanted:
            return Answer(body=DATA)
        return Answer(401, {"WWW-Authenticate": challenge})

    return says


def test_a_password_for_the_registry(servers: tuple[Server, Server], connect: Connect) -> None:
    registry, _ = servers
    registry.says = wanting('Basic realm="r"', f"Basic {PASSWORD}")
    assert connect().manifest("tag") == DATA
    assert registry.sent("Authorization") == [f"Basic {PASSWORD}"]
    with pytest.raises(DeniedError, match="rejected the credentials, or requires some"):
        connect(credentials=Credentials()).manifest("tag")


@pytest.mark.parametrize("own", [True, False], ids=["the registry", "a server that the settings name"])
@pytest.mark.parametrize(
    "query",
    ["a=b", "scope=repository:victim/x:pull&a=b", "a=b&sc%6Fpe=repository:victim/x:pull&SCOPE=x&service=other&scope="],
)
def test_a_token(servers: tuple[Server, Server], connect: Connect, own: bool, query: str) -> None:
    """It is asked for this repository and this service, and only for what the request needs."""
    registry, other = servers
    issuer = registry if own else other
    challenge = (
        f'Bearer realm="https://{issuer.name}/token?{query}",service="s",scope="repository:victim/x:pull,push,delete"'
    )
    wants = wanting(challenge, "Bearer t.o-k/e+n=")
    token = Answer(body=b'{"token": "t.o-k/e+n="}')
    registry.says = lambda handler: token if handler.path.startswith("/token") else wants(handler)
    other.says = lambda _: token
    client = connect(*([] if own else [other.name]))
    assert client.manifest("tag") == DATA
    client.put_manifest("tag", b"{}")
    tokens = [(path, headers["Authorization"]) for _, path, headers in issuer.asked if path.startswith("/token")]
    assert tokens == [
        (f"/token?a=b&scope=repository%3Aa%2Fb%3A{actions}&service=s", f"Basic {PASSWORD}")
        for actions in ("pull", "pull%2Cpush")
    ]


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="https://{other}/token"',
        'bearer Realm="https://{other}/token"',
        "Bearer realm=https://{other}/token",
        'Bearer realm="https://{registry}@{other}/token"',
        'Bearer realm="https://{other}/token#{registry}"',
        'Bearer realm="https://{other}/{registry}"',
        'Bearer realm="//{other}/token"',
        'Bearer realm="{other}/token"',
        'Bearer realm="https://localhost/token"',
        'Bearer realm="https://{registry}.example/token"',
        'Bearer realm="https://{registry}\\\\@{other}/token"',
        'Bearer realm="http://{registry}/token"',
        'Bearer realm="ftp://{registry}/"',
        'Bearer realm="https://LOCALHOST:1/token"',
        'Bearer realm=""',
        "Bearer",
        'Bearer realm="https://[::1/"',
        'Bearer realm="/token"',
        'Basic realm="a", Bearer realm="https://{other}/token"',
        'Negotiate abc==, Bearer realm="https://{other}/token"',
        'Bearer realm="https://{other}%2f@{registry}:1/"',
    ],
)
def test_a_server_that_nobody_named_gets_nothing(
    servers: tuple[Server, Server], connect: Connect, challenge: str
) -> None:
    registry, other = servers
    registry.says = lambda _: Answer(
        401, {"WWW-Authenticate": challenge.format(other=other.name, registry=registry.name)}
    )
    with pytest.raises((DeniedError, RefusedError)) as caught:
        connect().manifest("tag")
    assert other.asked == []
    assert "hush" not in str(caught.value)


def test_the_refusal_names_the_server_and_the_setting(servers: tuple[Server, Server], connect: Connect) -> None:
    registry, other = servers
    registry.says = lambda _: Answer(401, {"WWW-Authenticate": f'Bearer realm="https://{other.name}/token"'})
    with pytest.raises(DeniedError) as caught:
        connect("auth.example").manifest("tag")
    assert str(caught.value) == (
        f"the registry names {other.name} to log in, and the password is sent only to {registry.name} and to "
        "servers that the setting remote_auth names; "
        "add it there, or to DEBATE_REMOTE_AUTH, if it belongs to the registry"
    )


EXCHANGES: dict[str, Callable[[Registry, Path], object]] = {
    "manifest": lambda client, _: client.manifest("tag"),
    "has": lambda client, _: client.has(ARTIFACT.digest),
    "pull": lambda client, _: client.pull(ARTIFACT, io.BytesIO()),
    "push": lambda client, path: client.push(ARTIFACT, path),
    "put_manifest": lambda client, _: client.put_manifest("tag", b"{}"),
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_redirect_takes_no_password_along(
    servers: tuple[Server, Server], connect: Connect, tmp_path: Path, status: int, exchange: str
) -> None:
    registry, other = servers
    (tmp_path / "blob").write_bytes(DATA)

    def says(handler: Handler) -> Answer:
        if "Authorization" not in handler.headers:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="r"'})
        return Answer(
            status, {"Location": f"https://{other.name}{handler.path}", "Set-Cookie": "a=b; Domain=localhost"}
        )

    registry.says = says
    other.says = lambda _: Answer(401, {"WWW-Authenticate": f'Bearer realm="https://{other.name}/token"'})
    with contextlib.suppress(RegistryError, io.UnsupportedOperation):
        EXCHANGES[exchange](connect(), tmp_path / "blob")
    assert other.sent("Authorization") == []
    assert [*other.sent("Cookie"), *registry.sent("Cookie")] == []
    assert all(method in ("GET", "HEAD") for method, _, _ in other.asked)


def test_an_upload_that_continues_elsewhere(servers: tuple[Server, Server], connect: Connect, tmp_path: Path) -> None:
    registry, other = servers
    (tmp_path / "blob").write_bytes(DATA)

    def says(handler: Handler) -> Answer:
        if "Authorization" not in handler.headers:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="r"'})
        if handler.command == "HEAD":
            return Answer(404)
        return Answer(202, {"Location": f"https://{other.name}/elsewhere"})

    registry.says = says
    other.says = lambda _: Answer(201)
    assert connect().push(ARTIFACT, tmp_path / "blob") is True
    assert [method for method, _, _ in other.asked] == ["PATCH", "PUT"]
    assert other.sent("Authorization") == []


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost/",
        "http://{other}/",
        "//{other}:1/",
        "ftp://{other}/",
        "file:///etc/passwd",
        "gopher:a",
        "http:/x",
    ],
)
def test_no_way_leads_out_of_tls(servers: tuple[Server, Server], connect: Connect, location: str) -> None:
    registry, other = servers
    registry.says = lambda _: Answer(302, {"Location": location.format(other=other.name)})
    with pytest.raises(RegistryError):
        connect().manifest("tag")
    assert other.asked == []


@pytest.mark.parametrize(
    "said",
    [
        Answer(body=b""),
        Answer(body=b"{}"),
        Answer(body=b"[]"),
        Answer(body=b'{"token": 5}'),
        Answer(body=b'{"token": "a\\r\\nb"}'),
        Answer(body=b'{"token": "a b"}'),
        Answer(body=b'{"token": "\\u00e4"}'),
        Answer(body=b'{"token": ""}'),
        Answer(body=b"[" * 200_000),
        Answer(body=b'{"token": "' + b"a" * 70_000 + b'"}'),
        Answer(body=b" " * 3_000_000 + b'{"token": "a"}'),
        Answer(500),
        Answer(403),
        Answer(302, {"Location": "https://{other}/"}),
        Answer(body=b"\xff"),
        Answer(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b"),
    ],
)
def test_no_answer_with_a_token_is_a_traceback(servers: tuple[Server, Server], connect: Connect, said: Answer) -> None:
    registry, other = servers
    said = Answer(said.status, {name: text.format(other=other.name) for name, text in said.headers.items()}, said.body)
    challenge = Answer(401, {"WWW-Authenticate": f'Bearer realm="https://{registry.name}/token"'})
    registry.says = lambda handler: said if handler.path.startswith("/token") else challenge
    with pytest.raises((DeniedError, RefusedError)):
        connect().manifest("tag")
    assert other.asked == []


def test_an_unknown_authority(servers: tuple[Server, Server]) -> None:
    client = Registry(servers[0].name, "a/b", Credentials("me", "hush"), timeout=5)
    with pytest.raises(RegistryError, match="its certificate is signed by an unknown authority; set DEBATE_REMOTE_CA"):
        client.manifest("tag")
    client.close()


@given(st.lists(st.text('Bearer,=" \\;a', max_size=40), max_size=4))
def test_no_challenge_is_a_traceback(values: list[str]) -> None:
    assert all(isinstance(name, str) for name in _challenges(values))


HOSTS = st.sampled_from(["localhost", "127.0.0.1", "[::1]", "r.example", "localhost.example", "a@localhost", ""])


@given(
    st.sampled_from(["http", "https", "HTTP", "file", "ftp", ""]),
    HOSTS,
    st.text(":/\\@?#%0123456789a[]", max_size=12),
    st.booleans(),
)
def test_where_a_location_may_lead(scheme: str, host: str, rest: str, tls: bool) -> None:
    """To an address with TLS; only a registry without it may name one without, and only its own."""
    client = Client(tls=tls, authorities=None)
    try:
        joined = client.join("https://r.example/v2/" if tls else "http://localhost/v2/", f"{scheme}://{host}{rest}")
    except RefusedError:
        return
    assert origin(joined)[0] == "https" or (origin(joined) == ("http", "localhost", 80) and not tls)


@pytest.mark.parametrize(
    ("location", "is_followed"),
    [
        ("http://127.0.0.1:5000/x", True),
        ("/x", True),
        ("//127.0.0.1:5000/x", True),
        ("https://127.0.0.2/x", True),
        ("http://127.0.0.2:5000/x", False),
        ("http://127.0.0.1:5001/x", False),
        ("http://127.0.0.1/x", False),
        ("http://localhost:5000/x", False),
        ("http://[::1]:5000/x", False),
        ("http://2130706433:5000/x", False),
        ("//127.0.0.2:5000/x", False),
    ],
)
def test_without_tls_no_location_leads_elsewhere(location: str, is_followed: bool) -> None:
    client = Client(tls=False, authorities=None)
    with contextlib.nullcontext() if is_followed else pytest.raises(RefusedError, match="an address without TLS"):
        client.join("http://127.0.0.1:5000/v2/a/", location)


def test_https_leads_back_to_no_registry_without_tls() -> None:
    with pytest.raises(RefusedError, match="an address without TLS"):
        Client(tls=False, authorities=None).join("https://r.example/", "http://127.0.0.1:5000/v2/")


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes on what follows CONNECT, and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_CONNECT(self) -> None:
        self.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port))) as there, contextlib.suppress(OSError):
            self.send_response(200)
            self.end_headers()
            here = self.connection
            while ready := select.select([here, there], [], [], 10)[0]:
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    (there if one is here else here).sendall(data)
        self.close_connection = True


@pytest.mark.parametrize("scheme", ["", "http://", "http://user:p%40ss@"])
@pytest.mark.parametrize("direct", ["", "localhost"])
def test_a_proxy(
    servers: tuple[Server, Server], connect: Connect, monkeypatch: pytest.MonkeyPatch, scheme: str, direct: str
) -> None:
    registry, _ = servers
    registry.says = wanting('Basic realm="r"', f"Basic {PASSWORD}")
    Proxy.asked.clear()
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)) as proxy:
        monkeypatch.setenv("https_proxy", f"{scheme}127.0.0.1:{proxy.server_address[1]}")
        monkeypatch.setenv("no_proxy", direct)
        client = connect()
        assert client.manifest("tag") == DATA
        client.close()
    assert [path for path, _ in Proxy.asked] == ([] if direct else [registry.name])
    user = f"Basic {base64.b64encode(b'user:p@ss').decode()}" if "@" in scheme else None
    assert {said for _, said in Proxy.asked} <= {user}


@pytest.mark.parametrize("address", ["socks5://a:1", "ftp://a/", "http://[::1", "http://a:b:c/"])
def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(DebateError, match=r"^https_proxy: not the address of an HTTP proxy; write it as http://HOST"):
        Client(tls=True, authorities=None)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_authorities_that_are_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    settings = Settings(tmp_path, tmp_path, tmp_path, remote="oci://r.example/a", remote_ca=str(path))
    with pytest.raises(DebateError, match=r"^setting remote_ca: .* has no certificates that can be read; name"):
        transport.connect(settings)
