"""Lines of authorized_keys, as sshd reads them: a line that it cannot use is passed over there without a word.

Sources: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; auth-options.c of OpenSSH; RFC 4253 section 6.6, RFC 5656 section 3.1,
RFC 8709 section 4, and PROTOCOL.u2f of OpenSSH for the forms of keys.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

_CURVES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
"""Curve -> bytes of an uncompressed point on it."""
_SECURITY_KEY = "sk-ecdsa-sha2-nistp256@openssh.com"
_TYPES = (
    "ssh-ed25519", "ssh-rsa", *(f"ecdsa-sha2-{curve}" for curve in _CURVES), "sk-ssh-ed25519@openssh.com",
    _SECURITY_KEY,
)  # fmt: skip
_RSA_BITS = (1024, 16_384)
"""Those of the keys that sshd accepts."""
_FLAGS = {"restrict", "cert-authority"}
_SWITCHES = {
    "agent-forwarding", "port-forwarding", "pty", "touch-required", "user-rc", "verify-required", "x11-forwarding",
}  # fmt: skip
"""Options without a value, which may begin with no-."""
_ONCE = {"command", "principals", "from", "tunnel"}
_FORMS = {
    "command": r".*",
    "principals": r".*",
    "from": r".+",
    "environment": r"[A-Za-z0-9_]+=.*",
    "expiry-time": r"[0-9]{8}(?:[0-9]{4}(?:[0-9]{2})?)?(?i:Z|UTC)?",
    "permitopen": r".+:(?:[0-9]{1,5}|\*)",
    "permitlisten": r"(?:.+:)?(?:[0-9]{1,5}|\*)",
    "tunnel": r"[0-9]{1,9}|any",
}
"""Options with a value -> its form."""
_LINE = re.compile(
    r'(?:((?:[^ "]|"(?:[^"\\]|\\"|\\(?!"))*")+) )?((?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+) ([A-Za-z0-9+/=]+)(?: .*)?'
)
"""Options, type and base64."""
_AGAIN = "copy the whole line of the file that ends in .pub"


def fault(line: str) -> tuple[str, str] | None:
    """Fact and remedy for a line that the schema of profiles permits and sshd does not; None for a good one."""
    parts = _LINE.fullmatch(line)
    if not parts:
        return "the line has no key", _AGAIN
    options, kind, data = parts.groups(default="")
    if options and (wrong := _of_options(options)):
        return wrong
    if kind not in _TYPES:
        return f"{kind} is no type of key that sshd accepts", f"use one of {', '.join(_TYPES)}"
    try:
        fields = _fields(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        return "the key is damaged or cut off", _AGAIN
    if not fields or fields[0] != kind.encode():
        inner = fields[0].decode("ascii", "replace") if fields else "nothing"
        return f"the key is said to be {kind}, and is {inner[:60]!r}", _AGAIN
    return _of_key(kind, fields[1:])


def _of_options(options: str) -> tuple[str, str] | None:
    """What is wrong with the options of a key, for one of which sshd passes over the line."""
    seen = set()
    for option in _split(options):
        name, _, quoted = option.partition("=")
        low, value = name.lower(), quoted[1:-1]
        if quoted and not (len(quoted) > 1 and quoted[0] == quoted[-1] == '"'):
            return f"option {option[:80]} has a value that is not quoted as a whole", f'write {name[:40]}="…"'
        if low in _FORMS:
            if not quoted or not re.fullmatch(_FORMS[low], value.replace('\\"', '"')):
                return f"option {name}={value[:80]!r} has no form that sshd reads", 'see sshd(8), "AUTHORIZED_KEYS"'
            if low in _ONCE and low in seen:
                return f"option {name} is there twice", "keep one"
        elif low not in _FLAGS and low.removeprefix("no-") not in _SWITCHES:
            return f"{name} is no option of a key", f"known: {', '.join(sorted({*_FLAGS, *_SWITCHES, *_FORMS}))}"
        elif "=" in option:
            return f"option {name} takes no value", "leave it out"
        seen.add(low)
    return None


def _split(options: str) -> Iterator[str]:
    """The options, between commas that are not quoted."""
    start, quoted, escaped = 0, False, False
    for at, char in enumerate(options):
        if char == '"' and not escaped:
            quoted = not quoted
        elif char == "," and not quoted:
            yield options[start:at]
            start = at + 1
        escaped = char == "\\"
    yield options[start:]


def _fields(data: bytes) -> list[bytes]:
    """The strings that a key consists of, RFC 4251 section 5. Raises ValueError if the last one does not end."""
    found, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if at + 4 > len(data) or end > len(data):
            raise ValueError("cut off")
        found.append(data[at + 4 : end])
        at = end
    return found


def _of_key(kind: str, fields: list[bytes]) -> tuple[str, str] | None:
    """What is wrong with the ``fields`` behind the type."""
    sizes = list(map(len, fields))
    if kind == "ssh-rsa":
        bits = int.from_bytes(fields[1], "big").bit_length() if len(fields) == 2 else 0
        whole = bits > 0 and all(field and field[0] < 0x80 for field in fields)
        if whole and not _RSA_BITS[0] <= bits <= _RSA_BITS[1]:
            return f"the key has {bits} bits, and sshd accepts {_RSA_BITS[0]} to {_RSA_BITS[1]}", "use ssh-ed25519"
    elif kind == "ssh-ed25519":
        whole = sizes == [32]
    elif kind.startswith("sk-ssh"):
        whole = len(sizes) == 2 and sizes[0] == 32 and sizes[1] > 0
    else:
        curve = kind.partition("@")[0].rpartition("-")[2]
        more = 3 if kind == _SECURITY_KEY else 2
        whole = len(fields) == more and fields[0] == curve.encode() and sizes[1] == _CURVES[curve]
        whole = whole and fields[1][0] == 4 and sizes[-1] > 0
    return None if whole else ("the key is damaged or cut off", _AGAIN)
