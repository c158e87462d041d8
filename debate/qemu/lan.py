"""The other end of a guest's network cable: gives it an address, and tells which of its TCP ports take connections.

There is no network behind it, neither this machine nor others: frames of Ethernet come from QEMU through a socket, and
some are answered. A port that takes connections answers a SYN with SYN and ACK, which nothing but the guest can do. All
that the guest says may be hostile: frames have a maximum size, and nothing is kept of them but a verdict for each port.

Sources: qemu(1) (-netdev socket), net/socket.c of QEMU (the length before each frame); RFC 826 (ARP), 791 (IPv4), 768
(UDP), 9293 (TCP), 2131 and 2132 (DHCP).
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface

_MAC = bytes.fromhex("525400debae0")
_ALL = b"\xff" * 6
_NOBODY = bytes(4)
_ARP, _IPV4 = 0x0806, 0x0800
_TCP, _UDP = 6, 17
_SYN, _RST, _ACK = 0x02, 0x04, 0x10
_SMALLEST, _LARGEST = 14, 1 << 17
"""Bytes of a frame: those of its head, and more than the 68 KiB that QEMU's have at most."""
_EVERY = 1.0
"""Seconds between two tries."""
_OFFERED = IPv4Interface("10.0.2.15/24")
"""The address that a guest gets which asks for one; the same as that of `doit run`."""
_PORT = 49152
"""Ours, and one for each port of the guest's beyond it."""
_COOKIE = bytes.fromhex("63825363")
_DISCOVER, _OFFER, _REQUEST, _ACKNOWLEDGE = 1, 2, 3, 5


class Lan:
    """What is at the other end. `frame` is called with each that the guest sends; both return those to send."""

    def __init__(self, ports: Sequence[int], addresses: Sequence[IPv4Interface] = ()) -> None:
        """``addresses``: those that the guest has without asking."""
        self.peers = {each.ip.packed: _other(each).packed for each in (_OFFERED, *addresses)}
        """Address of the guest -> ours, in the same network."""
        self.ports = ports
        self.macs: dict[bytes, bytes] = {}
        """Address of the guest -> that of its card, once it has told."""
        self.verdicts = dict.fromkeys(ports, "silent")
        """Port -> ``silent``, ``refused`` or ``open``."""

    def tries(self) -> Iterator[bytes]:
        """Frames that ask again what is not known yet."""
        for guest, own in self.peers.items():
            mac = self.macs.get(guest)
            if mac is None:
                yield _ethernet(_ALL, _ARP, _arp(1, own, _ALL, guest))
                continue
            for number, port in enumerate(self.ports):
                if self.verdicts[port] != "open":
                    yield _ethernet(mac, _IPV4, _ip(own, guest, _TCP, _tcp(own, guest, _PORT + number, port, _SYN)))

    def frame(self, data: bytes) -> Iterator[bytes]:
        """Answers to a frame. One that is too short or malformed has none."""
        with suppress(struct.error, IndexError):
            kind, payload = struct.unpack_from("!H", data, 12)[0], data[14:]
            if kind == _ARP:
                yield from self._on_arp(payload)
            elif kind == _IPV4:
                yield from self._on_ip(data[6:12], payload)

    def _on_arp(self, data: bytes) -> Iterator[bytes]:
        form, operation = struct.unpack_from("!6sH", data)
        mac, sender, target = data[8:14], data[14:18], data[24:28]
        if form != b"\x00\x01\x08\x00\x06\x04" or len(target) != 4:
            return
        if sender in self.peers:
            self.macs[sender] = mac
        # Who asks for an address before it has one, or for its own, wants to hear of nobody.
        if operation == 1 and sender not in (_NOBODY, target) and target not in self.peers:
            yield _ethernet(mac, _ARP, _arp(2, target, mac, sender))

    def _on_ip(self, mac: bytes, data: bytes) -> Iterator[bytes]:
        start = (data[0] & 15) * 4
        protocol, source, target = data[9], data[12:16], data[16:20]
        body = data[start:]
        if data[0] >> 4 != 4 or start < 20:
            return
        if protocol == _UDP and struct.unpack_from("!H", body, 2)[0] == 67:
            yield from self._on_dhcp(body[8:])
        elif protocol == _TCP and self.peers.get(source) == target:
            port, own, _, sequence = struct.unpack_from("!HHII", body)
            flags = body[13]
            if port not in self.verdicts or own != _PORT + self.ports.index(port):
                return
            if flags & (_SYN | _ACK) == _SYN | _ACK:
                self.verdicts[port] = "open"
                reset = _tcp(target, source, own, port, _RST | _ACK, 1, sequence + 1)
                yield _ethernet(mac, _IPV4, _ip(target, source, _TCP, reset))
            elif flags & _RST and self.verdicts[port] != "open":
                self.verdicts[port] = "refused"

    def _on_dhcp(self, data: bytes) -> Iterator[bytes]:
        """See RFC 2131, 2: BOOTP's fields, of which the guest's are copied, and options."""
        operation, transaction, mac = data[0], data[4:8], data[28:34]
        kind = _options(data[240:]).get(53, b"\0")[:1] if data[236:240] == _COOKIE else b""
        answer = {_DISCOVER: _OFFER, _REQUEST: _ACKNOWLEDGE}.get(kind[0] if kind else 0)
        if operation != 1 or answer is None or len(mac) != 6:
            return
        own, given = self.peers[_OFFERED.ip.packed], _OFFERED.ip.packed
        head = struct.pack("!4B4sHH4s4s4s4s16s", 2, 1, 6, 0, transaction, 0, 0x8000, _NOBODY, given, own, _NOBODY, mac)
        options = bytes((53, 1, answer)) + b"\x36\x04" + own + b"\x33\x04" + struct.pack("!I", 86400)
        options += b"\x01\x04" + _OFFERED.netmask.packed + b"\x03\x04" + own + b"\xff"
        body = head + bytes(192) + _COOKIE + options
        datagram = struct.pack("!HHHH", 67, 68, 8 + len(body), 0) + body  # A checksum of 0 is none.
        yield _ethernet(_ALL, _IPV4, _ip(own, b"\xff" * 4, _UDP, datagram))


def _other(address: IPv4Interface) -> IPv4Address:
    """Another address of the same network, if it has one."""
    others = (each for each in address.network.hosts() if each != address.ip)
    return next(others, IPv4Address(int(address.ip) ^ 1))


def _options(data: bytes) -> dict[int, bytes]:
    found, at = dict[int, bytes](), 0
    while at + 1 < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        found[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found


def _ethernet(target: bytes, kind: int, payload: bytes) -> bytes:
    return (target + _MAC + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def _arp(operation: int, sender: bytes, mac: bytes, target: bytes) -> bytes:
    return b"\x00\x01\x08\x00\x06\x04" + struct.pack("!H", operation) + _MAC + sender + mac + target


def _ip(source: bytes, target: bytes, protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, target)
    return head[:10] + struct.pack("!H", _sum(head)) + head[12:] + payload


def _tcp(
    source: bytes, target: bytes, own: int, port: int, flags: int, sequence: int = 0, acknowledged: int = 0
) -> bytes:
    head = struct.pack("!HHIIBBHHH", own, port, sequence, acknowledged & 0xFFFFFFFF, 5 << 4, flags, 1024, 0, 0)
    checked = source + target + struct.pack("!BBH", 0, _TCP, len(head)) + head
    return head[:16] + struct.pack("!H", _sum(checked)) + head[18:]


def _sum(data: bytes) -> int:
    """The checksum of the Internet protocols, RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Cable:
    """Carries frames between QEMU and a `Lan`, until `close`."""

    def __init__(self, lan: Lan, end: socket.socket) -> None:
        """``end`` is our end of a pair, of which QEMU has the other."""
        self.lan, self._end = lan, end
        end.setblocking(False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        """QEMU reads nothing until the guest uses its card, which then speaks first: so nothing is asked before."""
        received, waiting, tried, heard = b"", b"", 0.0, False
        with suppress(OSError):
            while not self._over.is_set():
                if heard and not waiting and time.monotonic() - tried > _EVERY:
                    tried = time.monotonic()
                    waiting = _framed(self.lan.tries())
                readable, writable, _ = select.select([self._end], [self._end] if waiting else [], [], _EVERY)
                if writable:
                    waiting = waiting[self._end.send(waiting) :]
                if not readable:
                    continue
                data = self._end.recv(1 << 16)
                if not data:
                    return
                frames, received = _frames(received + data)
                if frames is None:
                    return
                heard = heard or bool(frames)
                for frame in frames:
                    if len(waiting) < _LARGEST:  # A guest that takes no answers gets none.
                        waiting += _framed(self.lan.frame(frame))

    def missing(self) -> list[str]:
        """Ports that do not take connections, each with what is known."""
        words = {"silent": "does not answer", "refused": "refuses connections"}
        return [f"port {port} {words[said]}" for port, said in self.lan.verdicts.items() if said in words]

    def close(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)


def _framed(frames: Iterable[bytes]) -> bytes:
    """As QEMU sends and takes them: each behind its length."""
    return b"".join(struct.pack("!I", len(frame)) + frame for frame in frames)


def _frames(data: bytes) -> tuple[list[bytes] | None, bytes]:
    """The whole frames at the start of ``data``, and the rest of it; None instead for what are none."""
    found, at = list[bytes](), 0
    while len(data) >= at + 4:
        [size] = struct.unpack_from("!I", data, at)
        if not _SMALLEST <= size <= _LARGEST:
            return None, b""
        if len(data) < at + 4 + size:
            break
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found, data[at:]
