"""What hooks can reach, what steps may use, and what is left when they fail."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout


def hook(checkout: Checkout, script: str) -> None:
    """The profile `mine`: minimal with one hook."""
    (checkout.directory / "profiles" / "hook.sh").write_text(script)
    checkout.profile("mine", "extends: minimal\nhooks: [hook.sh]\n")


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port on this host's loopback, and what reached it."""
    reached: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                    reached.append(b"reached")
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1], reached
        stop.set()
        thread.join()


def test_a_hook_has_no_network(checkout: Checkout, listener: tuple[int, list[bytes]]) -> None:
    port, reached = listener
    with socket.create_connection(("127.0.0.1", port)):
        pass
    time.sleep(0.5)
    assert reached == [b"reached"], "the listener works"
    reached.clear()
    hook(
        checkout,
        f'#!/bin/bash\nif (echo > /dev/tcp/127.0.0.1/{port}); then exit 7; fi\n[ "$(ls /sys/class/net)" = lo ]\n',
    )
    checkout.doit("overlay:mine")
    assert reached == []


def test_a_hook_is_not_root_of_the_host(checkout: Checkout) -> None:
    """It may be root inside, but what only the host's root can do fails."""
    pattern = Path("/proc/sys/kernel/core_pattern")
    before = pattern.read_text()
    hook(
        checkout,
        "#!/bin/bash\nset -u\n"
        "[ \"$(id -u)\" = 0 ] || exit 3\n"
        "read -r _ outside _ < /proc/self/uid_map; [ \"$outside\" != 0 ] || exit 4\n"
        "value=$(cat /proc/sys/kernel/core_pattern)\n"
        "if (echo \"$value\" > /proc/sys/kernel/core_pattern) 2> /dev/null; then exit 5; fi\n"
        "mkdir -p /tmp/p && mount -t proc proc /tmp/p && "
        "if (echo \"$value\" > /tmp/p/sys/kernel/core_pattern) 2> /dev/null; then exit 6; fi\n"
        "umount /tmp/p 2> /dev/null; rmdir /tmp/p\n"
        "if mknod /tmp/disk b 254 0 2> /dev/null && head -c 1 /tmp/disk > /dev/null 2>&1; then exit 8; fi\n"
        "rm -f /tmp/disk\n"
        "if touch /run/in/x 2> /dev/null || touch /run/step/x 2> /dev/null; then exit 9; fi\n",
    )  # fmt: skip
    checkout.doit("overlay:mine")
    assert pattern.read_text() == before


@pytest.mark.parametrize("first", ["# by default\n", "#!/bin/bash -e\n"])
def test_a_hook_that_fails(checkout: Checkout, first: str) -> None:
    hook(checkout, f"{first}echo something useful\ngrep x /dev/null\necho not reached\n")
    said = checkout.doit("overlay:mine", status=1)
    assert "overlay: failed" in said
    assert "something useful" in said
    assert "debate: hook hook.sh: line 3: exit status 1: grep x /dev/null" in said
    assert "debate: hook hook.sh: failed with exit status 1" in said
    assert "not reached" not in said
    assert str(checkout.output("mine", "logs", "overlay.log")) in said
    assert not checkout.output("mine", "overlay.json").exists()
    hook(checkout, "echo fine\n")
    checkout.doit("overlay:mine")


def test_too_much_memory(checkout: Checkout) -> None:
    hook(checkout, "exec tail /dev/zero\n")
    said = checkout.doit("overlay:mine", status=1, MEMORY=str(256 << 20))
    assert "overlay: met its limit of 268,435,456 memory (setting limits.memory)" in said


def test_too_many_processes(checkout: Checkout) -> None:
    hook(checkout, "#!/bin/bash\nfor n in {1..300}; do sleep 60 & done; wait -n; exit 1\n")
    said = checkout.doit("overlay:mine", status=1, PROCESSES="100")
    assert "overlay: met its limit of 100 processes (setting limits.processes)" in said


def test_too_many_bytes(checkout: Checkout) -> None:
    hook(checkout, "head -c 200M /dev/zero > /srv/big\n")
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", status=1, BYTES=str(100 << 20))
    assert "overlay: ran out of space (settings limits.bytes, 104,857,600, and limits.inodes)" in said


@pytest.mark.parametrize("scratch", ["tmpfs", "disk"])
def test_too_much_time(checkout: Checkout, scratch: str) -> None:
    hook(checkout, "echo waiting\nsleep 600\n")
    started = time.monotonic()
    said = checkout.doit("overlay:mine", status=1, WARN_AFTER="2", STOP_AFTER="4", SCRATCH=scratch)
    assert "overlay has run for 2 s and is stopped at 4 s (setting limits.stop_after)" in said
    assert "overlay: stopped after 4 s (setting limits.stop_after)\n    hook hook.sh\n    waiting" in said
    assert time.monotonic() - started < 300


def test_what_a_hook_leaves_running_does_not_outlive_it(checkout: Checkout) -> None:
    hook(checkout, "setsid sleep 4242 > /dev/null 2>&1 &\n")
    checkout.doit("overlay:mine")
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if _reads(p, b"sleep\x004242")]


def _reads(path: Path, words: bytes) -> bool:
    try:
        return words in path.read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(checkout: Checkout, number: int) -> None:
    """Nothing is left at once, without waiting for a next run to clean up."""
    hook(checkout, "sleep 600\n")
    process = checkout.start("overlay:mine")
    deadline = time.monotonic() + 120
    while not list((checkout.cache / "tmp").glob("*-overlay/out")) and not _hook_runs():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said


def _hook_runs() -> bool:
    return any(_reads(path, b"sleep\x00600") for path in Path("/proc").glob("[0-9]*/cmdline"))
