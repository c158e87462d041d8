"""Steps that want too much: each ends with the step, the limit, the setting's name and the log's last lines."""

from __future__ import annotations

import time

import pytest

from tests.integration.checkout import Checkout, hook

_AGAIN = "overlay: its files do not fit into memory (DEBATE_MEMORY); running it again on disk"


def test_too_much_memory(checkout: Checkout) -> None:
    hook(checkout, "exec tail /dev/zero\n")
    checkout.doit("rootfs:mine")
    for scratch in ("tmpfs", "disk", "auto"):  # Sometimes the kernel ends it, sometimes it thrashes.
        limits = {"MEMORY": str(256 << 20), "WARN_AFTER": "200", "STOP_AFTER": "300"}
        said = checkout.doit("overlay:mine", status=1, SCRATCH=scratch, **limits)
        assert "overlay: exceeded its limit of 256 MiB of memory (DEBATE_MEMORY)" in said
        assert (_AGAIN in said) == (scratch == "auto")


def test_files_larger_than_memory(checkout: Checkout) -> None:
    """They go to disk, by themselves; where the user wants them in memory, the step fails."""
    hook(checkout, "head -c 400M /dev/zero > /srv/big\n")
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", status=1, MEMORY=str(256 << 20), SCRATCH="tmpfs")
    assert "overlay: exceeded its limit of 256 MiB of memory (DEBATE_MEMORY)" in said
    assert _AGAIN in checkout.doit("overlay:mine", MEMORY=str(256 << 20))


def test_too_many_processes(checkout: Checkout) -> None:
    hook(checkout, "#!/bin/bash\nfor n in {1..300}; do sleep 60 & done; wait -n; exit 1\n")
    said = checkout.doit("overlay:mine", status=1, PROCESSES="100")
    assert "overlay: exceeded its limit of 100 processes (DEBATE_PROCESSES)" in said


@pytest.mark.parametrize("scratch", ["tmpfs", "disk"])
def test_too_many_bytes(checkout: Checkout, scratch: str) -> None:
    hook(checkout, "head -c 200M /dev/zero > /srv/big\n")
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", status=1, BYTES=str(100 << 20), INODES="20000", SCRATCH=scratch)
    assert "overlay: exceeded its limit of 100 MiB of files (DEBATE_BYTES)" in said


def test_an_iso_too_large(checkout: Checkout) -> None:
    """Its bytes are counted as they come, and the sandbox ends with them."""
    hook(checkout, "echo small\n")
    checkout.doit("overlay:mine", "initrd:mine", "boot:mine")
    said = checkout.doit("iso:mine", status=1, BYTES=str(100 << 20))
    assert "iso: output iso: larger than 100 MiB (DEBATE_BYTES)" in said
    assert "iso:mine" in checkout.doit("iso:mine")


@pytest.mark.parametrize("scratch", ["tmpfs", "disk"])
def test_too_much_time(checkout: Checkout, scratch: str) -> None:
    hook(checkout, "echo waiting\nsleep 600\n")
    checkout.doit("rootfs:mine")
    started = time.monotonic()
    said = checkout.doit("overlay:mine", status=1, WARN_AFTER="2", STOP_AFTER="4", SCRATCH=scratch)
    assert "overlay has run for 2 s and is stopped at 4 s (DEBATE_STOP_AFTER)" in said
    assert "overlay: stopped after 4 s (DEBATE_STOP_AFTER)\n" in said
    assert "\n    hook hook.sh\n    waiting\n" in said
    assert time.monotonic() - started < 300


def test_too_many_files(checkout: Checkout) -> None:
    hook(checkout, "mkdir /srv/many; cd /srv/many; seq 100000 | xargs touch\n")
    said = checkout.doit("overlay:mine", status=1, INODES="20000")
    assert "overlay: exceeded its limit of 20,000 files (DEBATE_INODES)" in said
    assert "No space left on device" in said


def test_words_about_a_limit(checkout: Checkout) -> None:
    hook(checkout, "echo 'cp: No space left on device'; echo 'sh: Cannot fork'; echo 'the real cause'; exit 1\n")
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", status=1)
    assert "the real cause" in said
    assert "limits." not in said


def test_a_fork_bomb(checkout: Checkout) -> None:
    hook(checkout, "#!/bin/bash\necho counting\nbomb() { bomb | bomb & }\nbomb\nsleep 60\n")
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", status=1, PROCESSES="200", WARN_AFTER="5", STOP_AFTER="6")
    assert "overlay: exceeded its limit of 200 processes (DEBATE_PROCESSES)" in said or (
        "overlay: stopped after 6 s (DEBATE_STOP_AFTER)" in said
    )


def test_a_busy_loop(checkout: Checkout) -> None:
    """It may use one processor, and no longer than the limit."""
    hook(checkout, "echo round and round\n(while :; do :; done) &\n(while :; do :; done) &\nwhile :; do :; done\n")
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", status=1, PROCESSORS="1", WARN_AFTER="4", STOP_AFTER="5")
    assert "overlay: stopped after 5 s (DEBATE_STOP_AFTER)\n" in said
    assert "\n    hook hook.sh\n    round and round\n" in said


def test_an_endless_log(checkout: Checkout) -> None:
    """The log is read to the end, kept up to its bound, and shown without what could drive a terminal."""
    hook(checkout, "yes \"$(printf '\\033]0;title\\007 gibberish')\"\n")
    checkout.doit("rootfs:mine")
    said = checkout.doit("overlay:mine", status=1, WARN_AFTER="3", STOP_AFTER="4")
    assert "overlay: stopped after 4 s (DEBATE_STOP_AFTER)" in said
    assert "?]0;title? gibberish" in said or "debate: this log is full; what follows is dropped" in said
    assert "\033" not in said
    log = checkout.output("mine", "logs", "overlay.log")
    assert log.stat().st_size <= (64 << 20) + 100
