"""The network of a step that downloads: one of its own, with a loopback interface and a proxy that listens there.

The proxy (`debate.sandbox.proxy`) is a process of the host; it gets the socket on which it listens from here. All else
of the host's network, its loopback interface and abstract sockets included, is in another network namespace.

Sources: network_namespaces(7), netdevice(7).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from debate.errors import Complaint
from debate.host.libc import checked, libc
from debate.host.run import die_with_parent, own
from debate.model import PROXY_PORT, Reach
from debate.sandbox.addresses import endpoint
from debate.sandbox.image.calls import NEW_NET
from debate.text import strict_json
from debate.text.printable import printable

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1
_INTERFACE = "=16sH14x"
_TEXTS = 3
"""In a report: the address, a fact and a remedy."""
NOBODY = 65534
"""The user of the proxy, in the range of the sandbox: one that owns nothing on this host."""


@dataclass(frozen=True)
class Network:
    """A network namespace, and the proxy in it."""

    namespace: int
    """A file descriptor."""
    proxy: subprocess.Popen[bytes]

    def enter(self) -> None:
        """Move this process to it. Raises OSError."""
        checked(libc.setns(self.namespace, NEW_NET), "setns")

    def explain(self, complaints: Iterable[Complaint]) -> list[Complaint]:
        """``complaints``, with what the proxy knows of their addresses, and of those that they were led to.

        With complaints of its own about what it refused beside these. Ends the proxy.
        """
        said, _ = self.proxy.communicate()
        found, complaints = _reports(said), list(complaints)
        asked = {endpoint(each.value) for each in complaints if not each.field}
        # The others were named by nobody but a mirror. Only what was refused is certain to be the cause.
        refused: dict[tuple[str, str], list[str]] = {}
        for name, (address, fact, remedy) in found.items():
            if name not in asked and remedy:
                refused.setdefault((fact, remedy), []).append(address)
        explained, led = [], set()
        for complaint in complaints:
            texts = found.get(endpoint(complaint.value)) if not complaint.field else None
            if texts:
                complaint = replace(complaint, fact=texts[1], remedy=texts[2] or complaint.remedy)
            for fact, remedy in refused if not complaint.field else ():
                if fact in complaint.fact and not texts:
                    led.add((fact, remedy))
                    way = f"leads to {' or '.join(refused[fact, remedy])}: {fact}"
                    complaint = replace(complaint, fact=way, remedy=f"{remedy}, or use another mirror")
            explained.append(complaint)
        alone = [Complaint("", each, *texts) for texts, them in refused.items() if texts not in led for each in them]
        return [*alone, *explained]


def _reports(said: bytes) -> dict[str, list[str]]:
    """What a proxy said about the addresses that it was asked for; nothing if it was killed meanwhile."""
    try:
        reports = strict_json.decode(said)
    except ValueError:
        return {}
    return {name: [printable(str(text)) for text in texts] for name, texts in reports.items() if len(texts) == _TEXTS}


def make(reach: Reach, uid: int, most: int) -> Network:
    """Make a network, with a proxy that runs as ``uid`` and lets ``most`` bytes in. Raises OSError."""
    found: list[tuple[socket.socket, int] | OSError] = []

    def inside() -> None:
        # Only this thread moves there, and it ends.
        try:
            found.append(_listen())
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if isinstance(found[0], OSError):
        raise found[0]
    listener, namespace = found[0]
    with listener:
        proxy = subprocess.Popen(
            own("debate.sandbox.proxy"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,  # the log
            pass_fds=(listener.fileno(),),
            preexec_fn=die_with_parent,
        )
        given = {**asdict(reach), "listener": listener.fileno(), "uid": uid, "most": most}
        if proxy.stdin:
            proxy.stdin.write(json.dumps(given).encode() + b"\n")
            proxy.stdin.flush()
    return Network(namespace, proxy)


def _listen() -> tuple[socket.socket, int]:
    """Move this thread to a new network namespace. A socket that listens there, and a descriptor of the namespace."""
    checked(libc.unshare(NEW_NET), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack(_INTERFACE, fcntl.ioctl(control, _GET_FLAGS, struct.pack(_INTERFACE, b"lo", 0)))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack(_INTERFACE, b"lo", flags | _UP))
    listener = socket.create_server(("127.0.0.1", PROXY_PORT), backlog=128)
    return listener, os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
