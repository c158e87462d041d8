"""The other end of a guest's network cable, with Linux's own network as the guest."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from ipaddress import IPv4Interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.qemu.lan import Cable, Lan
from tests.bounded import bounded

GUEST = bytes.fromhex("525400123456")
OWN, GIVEN = socket.inet_aton("10.0.2.1"), socket.inet_aton("10.0.2.15")
ASK_WHO = b"\x00\x01\x08\x00\x06\x04\x00\x01"


def ethernet(kind: int, payload: bytes) -> bytes:
    return b"\xff" * 6 + GUEST + struct.pack("!H", kind) + payload


def arp(sender: bytes, target: bytes, operation: int = 1) -> bytes:
    return ethernet(0x0806, ASK_WHO[:7] + bytes([operation]) + GUEST + sender + bytes(6) + target)


def ip(protocol: int, source: bytes, target: bytes, payload: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, target)
    return ethernet(0x0800, head + payload)


def dhcp(kind: int) -> bytes:
    head = struct.pack("!4B4s20s16s192s", 1, 1, 6, 0, b"abcd", bytes(20), GUEST, bytes(192))
    body = head + bytes.fromhex("63825363") + bytes((53, 1, kind, 12, 2)) + b"hn\xff"
    return ip(17, bytes(4), b"\xff" * 4, struct.pack("!HHHH", 68, 67, 8 + len(body), 0) + body)


def tcp(lan: Lan, port: int, flags: int, source: bytes = GIVEN) -> bytes:
    own = next(
        struct.unpack_from("!H", frame, 34)[0] for frame in lan.tries() if frame[36:38] == struct.pack("!H", port)
    )
    return ip(6, source, OWN, struct.pack("!HHIIBBHHH", port, own, 7, 1, 5 << 4, flags, 9, 0, 0))


def up(*ports: int) -> Lan:
    """With a guest that has told of itself."""
    lan = Lan(ports)
    list(lan.frame(arp(GIVEN, OWN, 2)))
    return lan


def test_an_address_for_who_asks() -> None:
    lan = Lan([80])
    [offer] = lan.frame(dhcp(1))
    [acknowledged] = lan.frame(dhcp(3))
    for answer, kind in ((offer, 2), (acknowledged, 5)):
        assert answer[12:14] == b"\x08\x00"
        assert answer[34:38] == struct.pack("!HH", 67, 68)
        bootp = answer[42:]
        assert (bootp[0], bootp[4:8], bootp[16:20], bootp[28:34]) == (2, b"abcd", GIVEN, GUEST)
        assert bootp[236:243] == bytes.fromhex("63825363") + bytes((53, 1, kind))
        assert b"\x01\x04\xff\xff\xff\x00" in bootp[240:]
    assert not list(lan.frame(dhcp(7)))


def test_who_is_there() -> None:
    lan = Lan([80])
    [asked] = lan.tries()
    assert (asked[:6], asked[12:14], asked[20:22], asked[38:42]) == (b"\xff" * 6, b"\x08\x06", b"\x00\x01", GIVEN)
    [answer] = lan.frame(arp(GIVEN, OWN))
    assert (answer[:6], answer[20:22], answer[28:32], answer[38:42]) == (GUEST, b"\x00\x02", OWN, GIVEN)
    for sender, target in ((bytes(4), GIVEN), (GIVEN, GIVEN), (bytes(4), OWN)):
        assert not list(lan.frame(arp(sender, target))), "nobody else has its address"


def test_verdicts() -> None:
    lan = up(80, 22)
    assert len(list(lan.tries())) == 2
    answers = [list(lan.frame(tcp(lan, port, flags))) for port, flags in ((80, 0x12), (22, 0x14))]
    assert lan.verdicts == {80: "open", 22: "refused"}
    assert [len(each) for each in answers] == [1, 0], "the connection ends at once"
    assert len(list(lan.tries())) == 1
    list(lan.frame(tcp(lan, 22, 0x12)))
    assert lan.verdicts == {80: "open", 22: "open"}
    assert not list(lan.tries())


@pytest.mark.parametrize("frame", [
    lambda lan: tcp(lan, 80, 0x12, source=OWN), lambda lan: tcp(lan, 80, 0x10), lambda lan: tcp(lan, 80, 0x02),
    lambda lan: tcp(lan, 80, 0x12)[:40],
])  # fmt: skip
def test_what_is_no_answer(frame: object) -> None:
    lan = up(80)
    list(lan.frame(frame(lan)))  # type: ignore[operator]
    assert lan.verdicts == {80: "silent"}


@given(
    st.sampled_from(["discover", "request", "who", "answer"]), st.integers(0, 700),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8), st.binary(max_size=80),
)  # fmt: skip
def test_any_frame(kind: str, size: int, changed: list[tuple[int, int]], more: bytes) -> None:
    """Whole ones, cut off, with other bytes: nothing is raised, and nothing kept but verdicts."""
    lan = up(80)
    frames = {"discover": dhcp(1), "request": dhcp(3), "who": arp(GIVEN, OWN), "answer": tcp(lan, 80, 0x12)}
    frame = bytearray(frames[kind][:size] + more)
    for at, byte in changed:
        if at < len(frame):
            frame[at] = byte
    assert len(list(lan.frame(bytes(frame)))) <= 1
    assert lan.verdicts.keys() == {80}
    assert len(lan.macs) <= 1


def test_other_addresses_of_the_guests() -> None:
    lan = Lan([80], [IPv4Interface("192.0.2.1/24"), IPv4Interface("198.51.100.10/30")])
    asked = [(socket.inet_ntoa(frame[28:32]), socket.inet_ntoa(frame[38:42])) for frame in lan.tries()]
    assert asked == [("10.0.2.1", "10.0.2.15"), ("192.0.2.2", "192.0.2.1"), ("198.51.100.9", "198.51.100.10")]


def test_what_does_not_end_as_a_frame() -> None:
    """A length that no frame has ends the cable, and ports stay silent."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        cable = Cable(Lan([80]), ours)
        theirs.sendall(b"\xff" * 4)
        cable._thread.join(10)
        assert not cable._thread.is_alive()
        assert cable.missing() == ["port 80 does not answer"]
        cable.close()


def test_a_guest_that_takes_nothing() -> None:
    """What it asks is read, and answers that it does not take neither hold anything up nor pile up."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        cable = Cable(Lan([80]), ours)
        flood = struct.pack("!I", len(frame := arp(GIVEN, OWN))) + frame
        theirs.settimeout(20)
        with bounded(processor=20):
            for _ in range(200):
                theirs.sendall(flood * 1000)
        cable.close()
        assert not cable._thread.is_alive()


def test_nothing_is_asked_before_the_guest_speaks() -> None:
    """Its card takes nothing before, and QEMU none of what comes: for minutes, with an emulated processor."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        cable = Cable(Lan([80]), ours)
        theirs.settimeout(2.5)
        with pytest.raises(TimeoutError):
            theirs.recv(1)
        theirs.sendall(struct.pack("!I", 60) + bytes(60))
        theirs.settimeout(10)
        [size] = struct.unpack("!I", theirs.recv(4))
        assert theirs.recv(size)[:6] == b"\xff" * 6, "who has the guest's address?"
        cable.close()


def test_a_frame_that_comes_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        cable = Cable(Lan([80]), ours)
        for byte in struct.pack("!I", len(frame := arp(GIVEN, OWN))) + frame:
            theirs.sendall(bytes([byte]))
        theirs.settimeout(10)
        [size] = struct.unpack("!I", theirs.recv(4))
        assert size >= 60
        cable.close()


LINUX = """\
import fcntl, os, socket, struct, subprocess, sys, threading
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH", b"lan0", 0x1002))
for words in ("addr add 10.0.2.15/24 dev lan0", "link set lan0 up"):
    subprocess.run(["ip", *words.split()], check=True)
server = socket.create_server(("0.0.0.0", 80))
end = socket.socket(fileno=int(sys.argv[1]))
def inward():
    stream = end.makefile("rb")
    while head := stream.read(4):
        os.write(tap, stream.read(struct.unpack("!I", head)[0]))
    os._exit(0)
threading.Thread(target=inward, daemon=True).start()
while frame := os.read(tap, 1 << 16):
    end.sendall(struct.pack("!I", len(frame)) + frame)
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("ip") or not os.path.exists("/dev/net/tun"), reason="needs root, ip and tun"
)
def test_linux_as_the_guest() -> None:
    """Its kernel takes the frames for those of a network: one port listens, and one does not."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = theirs.fileno()
        argv = ["unshare", "--net", sys.executable, "-c", LINUX, str(number)]
        guest = subprocess.Popen(argv, pass_fds=[number])
        theirs.close()
        cable = Cable(Lan([80, 81]), ours)
        try:
            deadline = time.monotonic() + 30
            while cable.missing() != ["port 81 refuses connections"] and time.monotonic() < deadline:
                assert guest.poll() is None
                time.sleep(0.1)
            assert cable.missing() == ["port 81 refuses connections"]
        finally:
            cable.close()
            guest.kill()
            guest.wait()
