"""Guests that start over a network: QEMU's own, in which this machine has an address, or one with a DHCP server.

The second one is a name space of its own, and so a process of its own:

    unshare --net --mount python -m tests.integration.network_guest JSON
"""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate.host.http_files import offered
from debate.qemu import guest as qemu

_HOST = "10.0.2.2"
"""This machine, for a guest in QEMU's user network."""
_SERVER, _GUEST = "10.0.9.1", "10.0.9.10"
_INTERFACE = "guest"
_HTTP_ALONE = tuple(
    word
    for name in ("IPv4PXESupport", "IPv6PXESupport")
    for word in ("-fw_cfg", f"name=opt/org.tianocore/{name},string=n")
)
"""OVMF tries these first, each for a minute."""
_SETUP = f"""
mount -t tmpfs tmpfs /dev/net
mknod -m 666 /dev/net/tun c 10 200 # for the user as which QEMU runs
ip link set lo up
ip tuntap add name {_INTERFACE} mode tap user nobody
ip addr add {_SERVER}/24 dev {_INTERFACE}
ip link set {_INTERFACE} up
"""


@dataclass(frozen=True)
class NetworkGuest(qemu.Guest):
    """One boot without any medium."""

    net: str = ""
    """QEMU's network, as a value of -netdev without its id."""
    rom: str = ""
    """``,romfile=`` for a network card without iPXE."""
    more: tuple[str, ...] = ()
    """Further options."""

    @property
    def _media(self) -> list[qemu.Medium]:
        return []

    def _argv(self, picture: int, monitor: int, variables: int, media: Sequence[int], acceleration: str) -> list[str]:
        argv = super()._argv(picture, monitor, variables, media, acceleration)
        nic = argv.index("-nic")
        argv[nic : nic + 2] = [
            "-netdev",
            f"{self.net},id=n",
            "-device",
            f"virtio-net-pci,netdev=n,bootindex=1{self.rom}",
        ]
        return [*argv, *self.more]


def from_ipxe(directory: Path, where: Path, marker: str) -> list[str]:
    """Boot a guest whose network card has iPXE, which reads the script in ``directory`` by HTTP, until ``marker``.

    Returns what it asked for. The console is in ``where``/log.
    """
    asked: list[str] = []
    with offered(directory, files(directory), "127.0.0.1", 0, asked.append) as server:
        net = f"user,bootfile=http://{_HOST}:{server.server_port}/boot.ipxe"
        guest = NetworkGuest(Path("/"), "bios", where / "log", where / "png", silence=400, net=net)
        guest.boot(marker=marker, timeout=600)
    assert "FAILED" not in (where / "log").read_text(), "a unit failed"
    return _paths(asked)


def _paths(asked: Iterable[str]) -> list[str]:
    """What the lines that `offered` says of requests ask for."""
    return [line.split()[2] for line in asked]


def files(directory: Path) -> list[str]:
    return [str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()]


@dataclass(frozen=True)
class Start:
    """How a guest starts over a network with a DHCP server, as administrators set one up."""

    root: str
    """The directory that HTTP and TFTP offer, which all may read."""
    file: str
    """What DHCP names, below it: what the firmware starts."""
    firmware: str
    http: bool
    """True for HTTP boot of UEFI, else PXE."""
    log: str
    marker: str

    def boot(self) -> dict[str, Any]:
        """What the guest asked HTTP and TFTP for, in a name space of its own. Asserts that it comes up."""
        argv = ["unshare", "--net", "--mount", "--kill-child", sys.executable, "-m", __spec__.name]
        argv.append(json.dumps(dataclasses.asdict(self)))
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def _dhcp(start: Start) -> Iterator[Path]:
    """Run a server of DHCP and TFTP. Yields its log."""
    log = Path(f"{start.log}.dnsmasq")
    argv = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", f"--interface={_INTERFACE}"]
    argv += ["--bind-interfaces", "--leasefile-ro", "--user=nobody", "--group=nogroup", "--pid-file="]
    argv += [f"--dhcp-range={_GUEST},{_GUEST},255.255.255.0,1h", "--log-facility=-", "--log-dhcp"]
    if start.http:
        argv += ["--dhcp-match=set:http,option:client-arch,16", "--dhcp-option-force=tag:http,60,HTTPClient"]
        argv += [f"--dhcp-boot=tag:http,http://{_SERVER}/{start.file}"]
    else:
        argv += ["--enable-tftp", f"--tftp-root={start.root}", f"--dhcp-boot={start.file}"]
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, stdout=stream, stderr=stream)
        try:
            yield log
        finally:
            process.terminate()
            process.wait()


def main(words: str) -> None:
    start = Start(**json.loads(words))
    subprocess.run(["sh", "-ec", _SETUP], check=True)
    root = Path(start.root)
    asked = Path(f"{start.log}.http")
    with (
        asked.open("w", buffering=1) as told,
        offered(root, files(root), _SERVER, 80, lambda line: print(line, file=told)),
        _dhcp(start) as log,
    ):
        guest = NetworkGuest(
            Path("/"), start.firmware, Path(start.log), Path(f"{start.log}.png"), silence=400,
            net=f"tap,ifname={_INTERFACE},script=no,downscript=no",
            rom=",romfile=" if start.firmware == "uefi" else "", more=_HTTP_ALONE if start.http else (),
        )  # fmt: skip
        guest.boot(marker=start.marker, timeout=900)
        http = _paths(asked.read_text().splitlines())
        tftp = re.findall(r" sent (\S+) to ", log.read_text())
    sys.stdout.write(json.dumps({"http": http, "tftp": tftp}))


if __name__ == "__main__":
    main(*sys.argv[1:])
