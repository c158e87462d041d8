"""Keys and certificates are read as openssl writes them; what is something else is told in words."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.text import rsa

BITS = "rsa_keygen_bits:2048"


def openssl(*words: str, text: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=text, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def key() -> bytes:
    return openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", BITS)


@pytest.fixture(scope="module")
def made(key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Makes a certificate, of that key or of another one."""
    directory = tmp_path_factory.mktemp("keys")

    def make(*words: str, other: bytes = b"") -> bytes:
        (directory / "key").write_bytes(other or key)
        return openssl("req", "-new", "-x509", "-key", str(directory / "key"), "-subj", "/CN=x", *words)

    return make


def modulus(text: bytes, kind: str) -> int:
    return int(openssl(kind, "-noout", "-modulus", text=text).decode().strip().partition("=")[2], 16)


def test_what_they_say(key: bytes, made: Callable[..., bytes]) -> None:
    text = made("-days", "20000")
    found = rsa.certificate(b"who it is of\n" + text + b"more\n")
    assert found.pem == text
    assert found.der == openssl("x509", "-outform", "DER", text=text)
    assert found.modulus == modulus(text, "x509") == modulus(key, "rsa")
    assert (found.ends - found.begins).days == 20_000, "beyond the year 2050 it is written in another way"
    assert abs((datetime.now(tz=UTC) - found.begins).total_seconds()) < 600
    assert rsa.modulus_of_private(key) == found.modulus
    traditional = openssl("rsa", "-traditional", text=key)
    assert b"BEGIN RSA PRIVATE KEY" in traditional
    assert rsa.modulus_of_private(traditional) == found.modulus


def test_other_certificates(made: Callable[..., bytes]) -> None:
    small = openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    curve = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    one = made()
    middle = len(one) // 2
    damaged = base64.b64encode(base64.b64decode(b"".join(one.splitlines()[1:-1]))[:-1])
    for text, fact in (
        (b"", "has no certificate in PEM"),
        (openssl("x509", "-outform", "DER", text=one), "has no certificate in PEM"),
        (one[:middle], "has a damaged certificate"),
        (one * 3, "has 3 certificates"),
        (one.replace(b"CERTIFICATE", b"PUBLIC KEY"), "has no certificate in PEM"),
        (b"-----BEGIN CERTIFICATE-----\n" + damaged + b"\n-----END CERTIFICATE-----\n", "has a damaged certificate"),
        (one[:middle] + b"=" + one[middle:], "has a damaged certificate"),
        (made(other=curve), "is not the certificate of an RSA key, and UEFI knows no others"),
        (made(other=small), "is of an RSA key of 1,024 bits"),
    ):
        with pytest.raises(DebateError) as caught:
            rsa.certificate(text)
        assert caught.value.problems[0].fact == fact, text
        assert caught.value.problems[0].remedy


def test_other_keys(key: bytes, made: Callable[..., bytes], tmp_path: Path) -> None:
    curve = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    small = openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    secret = ("-aes256", "-passout", "pass:x")
    ssh = tmp_path / "ssh"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", ssh], check=True)
    middle = len(key) // 2
    for text, fact in (
        (b"", "has no private key in PEM"),
        (made(), "has no private key in PEM"),
        (openssl("pkey", "-pubout", text=key), "has no private key in PEM"),
        (openssl("pkey", "-outform", "DER", text=key), "has no private key in PEM"),
        (key * 2, "has 2 private keys"),
        (openssl("pkey", *secret, text=key), "has a password"),
        (openssl("rsa", "-traditional", *secret, text=key), "has a password"),
        (curve, "is not an RSA key, and UEFI knows no others"),
        (openssl("ec", text=curve), "is not an RSA key, and UEFI knows no others"),
        (ssh.read_bytes(), "has a key in the form of ssh"),
        (small, "is of an RSA key of 1,024 bits"),
        (key[:middle] + b"=" + key[middle:], "has a damaged key"),
        (b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "has a damaged key"),
    ):
        with pytest.raises(DebateError) as caught:
            rsa.modulus_of_private(text)
        assert caught.value.problems[0].fact == fact, text
        assert caught.value.problems[0].remedy


@pytest.mark.parametrize("read", [rsa.certificate, rsa.modulus_of_private])
def test_damage_is_told_or_does_not_count(
    read: Callable[[bytes], object], key: bytes, made: Callable[..., bytes]
) -> None:
    """Whatever byte is another one, or wherever the content ends."""
    kind, text = (b"CERTIFICATE", made()) if read is rsa.certificate else (b"PRIVATE KEY", key)
    content = base64.b64decode(b"".join(text.splitlines()[1:-1]))
    for place in range(0, min(len(content), 600), 1 if read is rsa.certificate else 20):
        for changed in (content[:place], content[:place] + bytes([content[place] ^ 0x80]) + content[place + 1 :]):
            words = b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (kind, base64.b64encode(changed), kind)
            try:
                read(words)
            except DebateError:
                continue
            assert len(changed) == len(content)
