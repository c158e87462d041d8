"""Keys as ssh-keygen writes them are taken, and what sshd passes over is refused."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.text.ssh_key import fault

ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIExamplePublicKeyOnlyForTheDocumentation0000"
POINT = b"\x04" + b"p" * 64


def key(*fields: bytes) -> str:
    """The type of a key, and its base64."""
    data = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return f"{fields[0].decode()} {base64.b64encode(data).decode()}"


GOOD = (
    f"ssh-ed25519 {ED25519}",
    f"ssh-ed25519 {ED25519} me@example and more",
    key(b"ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 256),
    key(b"ecdsa-sha2-nistp256", b"nistp256", POINT),
    key(b"ecdsa-sha2-nistp384", b"nistp384", b"\x04" + b"p" * 96),
    key(b"ecdsa-sha2-nistp521", b"nistp521", b"\x04" + b"p" * 132),
    key(b"sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:"),
    key(b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINT, b"ssh:"),
    f'from="192.0.2.0/24,!a",no-pty,Restrict,command="a \\" b, c" ssh-ed25519 {ED25519}',
    f'environment="A=b",environment="C=",expiry-time="20301231",permitopen="h:22",tunnel="0" ssh-ed25519 {ED25519} x',
    f"no-touch-required,cert-authority ssh-ed25519 {ED25519}",
    f'no-verify-required,command="",expiry-time="20301231UTC" ssh-ed25519 {ED25519}',
)
DAMAGED = "the key is damaged or cut off"
BAD = {
    f"ssh-ed25519 {ED25519[:-4]}": DAMAGED,
    f"ssh-ed25519 {ED25519[:-1]}": DAMAGED,
    f"ssh-ed25519 {ED25519}AAAA": DAMAGED,
    f"ssh-ed25519 {ED25519[:10]}={ED25519[10:]}": DAMAGED,
    "ssh-ed25519 AAAA": DAMAGED,
    "ssh-ed25519 =": DAMAGED,
    f"ssh-rsa {ED25519}": "the key is said to be ssh-rsa, and is 'ssh-ed25519'",
    key(b"ssh-dss", b"a", b"b", b"c", b"d"): "ssh-dss is no type of key that sshd accepts",
    key(b"ssh-ed25519-cert-v01@openssh.com", b"a"): "ssh-ed25519-cert-v01@openssh.com is no type of key",
    key(b"ssh-ed25519", b"k" * 31): DAMAGED,
    key(b"ssh-ed25519", b"k" * 32, b""): DAMAGED,
    key(b"ssh-rsa", b"\x01\x00\x01"): DAMAGED,
    key(b"ssh-rsa", b"", b"\x00" + b"\xff" * 256): DAMAGED,
    key(b"ssh-rsa", b"\x01\x00\x01", b"\xff" * 256): DAMAGED,
    key(b"ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 64): "the key has 512 bits, and sshd accepts 1024 to 16384",
    key(b"ecdsa-sha2-nistp256", b"nistp384", POINT): DAMAGED,
    key(b"ecdsa-sha2-nistp256", b"nistp256", b"\x02" + POINT[1:]): DAMAGED,
    key(b"ecdsa-sha2-nistp256", b"nistp256", POINT[:-1]): DAMAGED,
    key(b"sk-ssh-ed25519@openssh.com", b"k" * 32): DAMAGED,
    key(b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINT): DAMAGED,
    f"no-ptty ssh-ed25519 {ED25519}": "no-ptty is no option of a key",
    f"no-restrict ssh-ed25519 {ED25519}": "no-restrict is no option of a key",
    f"command ssh-ed25519 {ED25519}": "option command='' has no form that sshd reads",
    f'restrict="" ssh-ed25519 {ED25519}': "option restrict takes no value",
    f"command=a ssh-ed25519 {ED25519}": "option command=a has a value that is not quoted as a whole",
    f'no-pty="x" ssh-ed25519 {ED25519}': "option no-pty takes no value",
    f'command="a",command="b" ssh-ed25519 {ED25519}': "option command is there twice",
    f'expiry-time="tomorrow" ssh-ed25519 {ED25519}': "option expiry-time='tomorrow' has no form",
    f'permitopen="host" ssh-ed25519 {ED25519}': "option permitopen='host' has no form",
    f'environment="A B" ssh-ed25519 {ED25519}': "option environment='A B' has no form",
}


@pytest.mark.parametrize("line", GOOD)
def test_a_good_key(line: str) -> None:
    assert fault(line) is None


@pytest.mark.parametrize("line", BAD)
def test_a_bad_key(line: str) -> None:
    found = fault(line)
    assert found is not None
    assert found[0].startswith(BAD[line])
    assert found[1]


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_keys_of_ssh_keygen_cut_off_anywhere(tmp_path: Path, kind: str) -> None:
    made = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", tmp_path / "k"]
    subprocess.run(made, check=True, capture_output=True)
    name, data = (tmp_path / "k.pub").read_text().split()
    assert fault(f"{name} {data}") is None
    assert [n for n in range(1, len(data)) if fault(f"{name} {data[:n]}") is None and data[n:].strip("=")] == []


@given(st.sampled_from(GOOD), st.integers(0, 400), st.text('Aa=/ ,"\\-0', max_size=5))
def test_no_line_is_a_traceback(line: str, at: int, more: str) -> None:
    fault(line[:at] + more + line[at + 1 :])
