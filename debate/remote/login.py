"""Logs in to a registry: answers its challenge with a password or a token.

The registry chooses the server that issues tokens, and that server gets the password. So it must be the registry itself
or one that the settings name, and the scope of a token is this repository whatever the registry asks for.

Sources: https://distribution.github.io/distribution/spec/auth/token/, RFC 6750 (bearer tokens), RFC 9110 section 11.
"""

from __future__ import annotations

import base64
import re
import urllib.parse
import urllib.request
from collections.abc import Sequence

from debate.remote.credentials import Credentials
from debate.remote.errors import DeniedError, RefusedError
from debate.remote.wire import Client, Response, origin
from debate.text import strict_json

_MOST_BYTES = 256 << 10
"""Maximum size of the answer that has a token."""
_MOST_CHARACTERS = 4096
"""Maximum length of a challenge."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,65536}")


def rejected() -> DeniedError:
    """The error for credentials that are wrong or missing."""
    remedy = "log in, or set DEBATE_REMOTE_USER and DEBATE_REMOTE_PASSWORD"
    return DeniedError("the registry rejected the credentials, or requires some", remedy)


class Login:
    """The credentials for one repository, and the tokens got with them. Thread-safe."""

    def __init__(
        self, client: Client, host: str, repository: str, credentials: Credentials, servers: Sequence[str]
    ) -> None:
        """``servers``: each ``HOST[:PORT]``, besides ``host``, to which the password may be sent for a token."""
        self.client, self.host, self.repository, self.credentials = client, host, repository, credentials
        self.trusted = {origin(f"https://{server}") for server in (host, *servers)}
        self._known: dict[str, str] = {}

    def headers(self, actions: str) -> dict[str, str]:
        """The header for a request that needs ``actions``, such as ``pull,push``. Empty before the first challenge."""
        known = self._known.get(actions)
        return {"Authorization": known} if known else {}

    def answer(self, response: Response, actions: str) -> None:
        """Log in after the registry rejected a request. Raises DeniedError or RefusedError."""
        if not self.client.tls:
            raise DeniedError("the registry requires a password, which is never sent without TLS", "use oci://")
        asked = _challenges(response.headers.getlist("WWW-Authenticate"))
        if "bearer" in asked:
            self._known[actions] = f"Bearer {self._token(asked['bearer'], actions)}"
        elif "basic" in asked and self._basic:
            self._known[actions] = self._basic
        else:
            raise rejected()

    @property
    def _basic(self) -> str:
        found = self.credentials
        if not (found.user or found.password):
            return ""
        return f"Basic {base64.b64encode(f'{found.user}:{found.password}'.encode()).decode()}"

    def _token(self, challenge: dict[str, str], actions: str) -> str:
        address, _, given = self._server(challenge.get("realm", "")).partition("?")
        # Another scope there would be a token for what else the password opens.
        query = [pair for pair in urllib.parse.parse_qsl(given) if pair[0].lower() not in ("scope", "service")]
        query.append(("scope", f"repository:{self.repository}:{actions}"))
        if "service" in challenge:
            query.append(("service", challenge["service"]))
        url = f"{address}?{urllib.parse.urlencode(query)}"
        headers = {"Authorization": self._basic} if self._basic else {}
        with self.client.ask("GET", url, headers, follow=False) as response:
            if response.status in (401, 403):
                raise rejected()
            if response.status != 200:
                raise RefusedError(f"the server that issues tokens answered {response.status}", status=response.status)
            data = b""
            while len(data) <= _MOST_BYTES and (more := response.read1(_MOST_BYTES)):
                data += more
        try:
            answer = strict_json.decode(data) if len(data) <= _MOST_BYTES else {}
            token = answer.get("access_token") or answer["token"]
            if _TOKEN.fullmatch(token):
                return str(token)
        except (ValueError, KeyError, TypeError):
            pass
        raise RefusedError("the server that issues tokens sent none")

    def _server(self, realm: str) -> str:
        """The address of the server that issues tokens. Raises DeniedError if it is not trusted with the password."""
        try:
            asked, address = origin(realm), realm.partition("#")[0]
        except ValueError:
            raise RefusedError("the registry names no valid address that issues tokens") from None
        if asked in self.trusted:
            return address
        scheme, host, port = asked
        if scheme != "https":
            raise DeniedError(f"the registry names {scheme}://{host[:80]} to log in, which is not https")
        server = host if port == 443 else f"{host}:{port}"
        raise DeniedError(
            f"the registry names {server[:80]} to log in, and the password is sent only to {self.host} and to servers "
            "that the setting remote_auth names",
            "add it there, or to DEBATE_REMOTE_AUTH, if it belongs to the registry",
        )


def _challenges(values: Sequence[str]) -> dict[str, dict[str, str]]:
    """Scheme in lower case -> parameters, of the values of WWW-Authenticate, each of which can have several schemes."""
    found: dict[str, dict[str, str]] = {}
    for value in values:
        scheme = ""
        for item in urllib.request.parse_http_list(value[:_MOST_CHARACTERS]):
            start, _, rest = item.partition(" ")
            if "=" not in start:
                scheme, item = start.lower(), rest
                found.setdefault(scheme, {})
            name, equals, text = item.strip().partition("=")
            if scheme and equals:
                found[scheme][name.strip().lower()] = text.strip().strip('"')
    return found
