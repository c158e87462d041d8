"""What `doit netboot` leaves, and when it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

import pytest

from debate.commands import netboot
from debate.commands.logic.netboot import invitation, offer, place_of, write
from debate.errors import DebateError
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT
from tests.unit.commands.test_publish import files
from tests.unit.steps.fake import build, opened


def made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str = "extends: minimal\n") -> ProfileBuild:
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    (tmp_path / "profiles" / "net.yaml").write_text(f"version: 1\n{text}")
    monkeypatch.chdir(tmp_path)
    return build(tmp_path, "net")[0]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfileBuild:
    return made_of(tmp_path, monkeypatch)


def test_the_directory(made: ProfileBuild) -> None:
    report = write(made)
    directory = made.directory / "netboot"
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=directory, check=True)
    summed = {line.split("  ")[1] for line in (directory / "SHA256SUMS").read_text().splitlines()}
    found = files(directory)
    assert found.keys() == {*summed, "SHA256SUMS"}
    assert {"boot.ipxe", "grub.cfg", "grub.efi", "grub.pxe", "layers.img", "README", "live/vmlinuz"} < found.keys()
    assert {(directory / name).stat().st_mode for name in found} == {0o100644}
    assert all((directory / name).stat().st_nlink == 1 for name in found), "the store's file could be changed"
    assert report["made"][0]["size"] == sum(map(len, found.values()))
    assert "note" not in report


def test_it_stays_as_it_is(made: ProfileBuild) -> None:
    write(made)
    before = os.stat(made.directory / "netboot").st_ino
    assert write(made)["note"] == "as it was"
    assert os.stat(made.directory / "netboot").st_ino == before


@pytest.mark.parametrize("damage", ["changed", "gone", "more", "link", "file"])
def test_what_is_not_as_it_should_be_is_made_anew(made: ProfileBuild, tmp_path: Path, damage: str) -> None:
    """And nothing is written to where a link leads."""
    write(made)
    directory = made.directory / "netboot"
    wanted = files(directory)
    (tmp_path / "elsewhere").mkdir()
    if damage == "changed":
        data = bytearray((directory / "live/vmlinuz").read_bytes())
        data[0] ^= 1
        (directory / "live/vmlinuz").write_bytes(data)
    elif damage == "gone":
        (directory / "README").unlink()
    elif damage == "more":
        (directory / "live" / "more").touch()
    elif damage == "link":
        shutil.rmtree(directory / "live")
        (directory / "live").symlink_to(tmp_path / "elsewhere")
    else:
        shutil.rmtree(directory)
        directory.touch()
        with pytest.raises(DebateError, match="netboot: is no directory; remove it"):
            write(made)
        directory.unlink()
    assert "note" not in write(made)
    assert files(directory) == wanted
    assert not list((tmp_path / "elsewhere").iterdir())
    assert [path.name for path in made.directory.iterdir() if "unfinished" in path.name] == []


def test_an_initramfs_that_cannot_do_it(made: ProfileBuild) -> None:
    record = made.load("network")
    lacks = made.store.put(b"wget\ndrivers of network cards\n")
    record["outputs"]["lacks"] = vars(lacks)
    made.records.save("network", record)
    with pytest.raises(DebateError) as caught:
        write(made)
    assert str(caught.value).endswith(
        ": the initramfs cannot fetch a system over a network: it has no wget, drivers of network cards; "
        "write `boot: {network: true}`, or look at what changes the initramfs"
    )
    assert not (made.directory / "netboot").exists()


def test_an_argument_that_ipxe_would_read_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_of(tmp_path, monkeypatch, 'extends: minimal\nboot: {arguments: ["x=a  b"]}\n')
    with pytest.raises(DebateError, match=r"net\.yaml:3:7: boot: iPXE would read the argument 'x=a  b' as something"):
        write(made)


def test_the_network_is_no_part_of_the_initramfs_that_profiles_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With initramfs-tools the field changes no key; with dracut it brings packages and a key of its own."""
    for name in ("sandbox", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    monkeypatch.chdir(tmp_path)
    asked = {}
    for generator in ("initramfs-tools", "dracut"):
        for network in ("false", "true"):
            name = f"{generator}-{network}"
            (tmp_path / "profiles" / f"{name}.yaml").write_text(
                f"version: 1\nextends: minimal\ninitrd: {{generator: {generator}}}\nboot: {{network: {network}}}\n"
            )
            _, builder = build(tmp_path, name)
            asked[generator, network] = builder.asked["initrd"]
    assert asked["initramfs-tools", "false"] == asked["initramfs-tools", "true"]
    assert asked["dracut", "false"] != asked["dracut", "true"]
    made, _ = opened(tmp_path, "dracut-true")
    assert {"curl", "dracut-network"} <= set(made.load("slices/lock")["packages"])


@pytest.mark.parametrize(
    ("address", "port", "message"),
    [
        ("example.org", "", "--address example.org: is no address; such as"), ("1.2.3", "", "--address 1.2.3: is no a"),
        ("", "0", "--port 0: is no port; such as 8000"), ("", "65536", "--port 65536: is no"),
        ("", "-1", "--port -1: is no"), ("", "8x", "--port 8x: is no"), ("", "٣", "--port ٣: is no"),
    ],
)  # fmt: skip
def test_addresses_that_are_none(made: ProfileBuild, address: str, port: str, message: str) -> None:
    """Told before anything is built."""
    with pytest.raises(DebateError) as caught:
        netboot.require(made.settings, serve=True, address=address, port=port)
    assert str(caught.value).startswith(message)


def test_options_without_effect(made: ProfileBuild) -> None:
    with pytest.raises(DebateError, match=r"^--port: nothing is offered without --serve; add --serve, or leave it out"):
        netboot.require(made.settings, serve=False, address="", port="8000")


def test_where_it_is_offered() -> None:
    assert place_of("", "") == ("127.0.0.1", 8000)
    assert place_of("::1", "80") == ("::1", 80)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://10.0.2.2:8000/"), ("192.0.2.1", "http://192.0.2.1:8000/"),
        ("2001:db8::1", "http://[2001:db8::1]:8000/"), ("::", "http://ADDRESS-OF-THIS-MACHINE:8000/"),
    ],
)  # fmt: skip
def test_the_line_for_ipxe(address: str, url: str) -> None:
    first, line = invitation(address, 8000)
    assert first == f"offered at {address} port 8000 until Ctrl-C"
    assert line.endswith(f":  dhcp && set base {url} && chain ${{base}}boot.ipxe")


SERVE = """
import sys
from pathlib import Path
from debate.commands.logic.netboot import offer
from tests.unit.steps.fake import opened
offer(opened(Path(sys.argv[1]), "net")[0], "127.0.0.1", 0, lambda line: print(line, flush=True))
print("stopped", flush=True)
"""


def test_it_is_offered_until_ctrl_c(made: ProfileBuild, tmp_path: Path) -> None:
    """Files that this server does not know are not offered, and it stops without a traceback."""
    write(made)
    (made.directory / "netboot" / "own").touch()
    argv = [sys.executable, "-c", SERVE, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.default_int_handler),  # a shell may ignore it
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        assert process.stdout
        words = process.stdout.readline().split()
        port = words[words.index("port") + 1]
        process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/boot.ipxe", timeout=10) as answer:
            assert answer.read() == (made.directory / "netboot/boot.ipxe").read_bytes()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/own", timeout=10)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    finally:
        watchdog.cancel()
        process.kill()
    assert said.splitlines()[-1] == "stopped"
    assert "Traceback" not in said
    assert process.returncode == 0


def test_a_port_that_is_taken(made: ProfileBuild) -> None:
    import socket

    write(made)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DebateError, match=f"^127.0.0.1 port {port}: Address already in use; choose another --port"):
            offer(made, "127.0.0.1", port, print)
