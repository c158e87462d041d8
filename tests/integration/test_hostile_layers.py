"""Layers made to break what comes after them, or to bring rights with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from debate import keys
from debate.build.builder import Builder
from debate.errors import DebateError
from debate.model import Command, Step, Supplies
from tests.integration.checkout import Checkout, hook

NAMES = r"""#!/bin/bash -eu
mkdir -p /srv/names; cd /srv/names
touch $'new\nline' -- '-rf' '--help' $'\e[31mred\e]0;title\a' ' ' '*' '$(touch gone)' $'\xff\xfe' 'a:b,c=d' 'x=y'
touch "$(head -c 255 /dev/zero | tr '\0' n)"
truncate -s 4G sparse
mkdir real; ln -s /etc/shadow link; ln -s real/../../../../../etc out; mkfifo pipe
cp /bin/true setuid; chmod 6755 setuid
mkdir -p /srv/deep; cd /srv/deep
for n in $(seq 300); do mkdir deeper; cd -P deeper; done
touch bottom
"""


def test_names_and_shapes(checkout: Checkout) -> None:
    """They come through every later step as they are, and the ISO is made."""
    hook(checkout, NAMES)
    checkout.doit("build:mine")
    layer = checkout.object(checkout.json("mine", "overlay.json")["outputs"]["layer"]["digest"])
    found = subprocess.run(["unsquashfs", "-l", "-d", "", layer], capture_output=True, check=True).stdout
    for name in (b"new\nline", b"-rf", b"$(touch gone)", b"\xff\xfe", b"n" * 255, b"sparse", b"a:b,c=d"):
        assert b"/srv/names/" + name + b"\n" in found
    assert b"/srv/names/gone\n" not in found
    assert b"/srv/deep" + b"/deeper" * 300 + b"/bottom\n" in found
    assert layer.stat().st_size < 20 << 20, "sparse files stay small"


def test_a_tree_too_deep_for_a_path(checkout: Checkout) -> None:
    """Refused in one line, if the tools cannot take it."""
    hook(
        checkout,
        "#!/bin/bash -eu\ncd /srv; name=$(printf %0200d 0); for n in {1..30}; do mkdir $name; cd -P $name; done\n",
    )
    process = checkout.start("overlay:mine")
    said, _ = process.communicate()
    assert "Traceback" not in said, said
    if process.returncode:
        assert "overlay: " in said
        assert "File name too long" in said


def builder(built: Checkout, root: Path, script: str) -> Builder:
    (root / "sandbox").mkdir()
    (root / "sandbox" / "x.sh").write_text(script)
    return built.builder(root)


def test_device_nodes_in_a_layer(built: Checkout, tmp_path: Path) -> None:
    """A step can make any image it likes. Its device nodes open nothing, in the system and read through /run/in."""
    (tmp_path / "tree").mkdir()
    image = tmp_path / "image"
    nodes = ["-p", "zero c 666 0 0 1 5"]
    subprocess.run(["mksquashfs", tmp_path / "tree", image, "-quiet", "-no-progress", *nodes], check=True)
    script = (
        "[ -c /zero ] || exit 3\nif head -c 1 /zero > /dev/null; then exit 4; fi\nhead -c 1 /dev/zero > /dev/null\n"
    )
    made = builder(built, tmp_path, script)
    layers = (built.artifact("minimal", "rootfs", "layer"), made.store.put(image.read_bytes()))
    tools = built.artifact(".sandbox", "sandbox", "tools")
    command = Command("x.sh", root="system", rights="system")
    made.run(Step("attack", (command,), (), 0, layers=layers, tools=tools), Supplies(), tmp_path / "log")


def test_an_image_that_is_none(built: Checkout, tmp_path: Path) -> None:
    made = builder(built, tmp_path, ":\n")
    garbage = made.store.put(b"hsqs" + os.urandom(8192))
    tools = built.artifact(".sandbox", "sandbox", "tools")
    step = Step("attack", (Command("x.sh", root="system", rights="system"),), (), 0, layers=(garbage,), tools=tools)
    with pytest.raises(DebateError, match="attack: the sandbox could not be set up"):
        made.run(step, Supplies(), tmp_path / "log")
    made.store.path(garbage).unlink()


HOLES = {
    "one": "truncate -s 30G /run/out/a; : > /run/out/b",
    "two": "truncate -s 60M /run/out/a /run/out/b",
    "a hole and data": "truncate -s 60M /run/out/a; head -c 60M /dev/zero > /run/out/b",
}


@pytest.mark.parametrize("script", HOLES.values(), ids=HOLES)
def test_outputs_of_holes(built: Checkout, tmp_path: Path, script: str) -> None:
    """They take no space in the sandbox, so its limit does not stop them, but all of it in the store."""
    made = builder(built, tmp_path, f"{script}\n")
    small = replace(made, settings=replace(made.settings, limits=replace(made.settings.limits, bytes=100 << 20)))
    step = Step("attack", (Command("x.sh"),), ("a", "b"), 0, tools=built.artifact(".sandbox", "sandbox", "tools"))
    before = shutil.disk_usage(built.cache).used
    with pytest.raises(DebateError, match=r"attack: output [ab]: larger than [0-9.,]+ \w+ \(DEBATE_BYTES\)"):
        small.run(step, Supplies(), tmp_path / "log")
    assert shutil.disk_usage(built.cache).used - before < 1 << 30


@pytest.mark.parametrize("scratch", ["tmpfs", "disk"])
def test_setuid_files_are_out_of_reach(checkout: Checkout, scratch: str) -> None:
    """While a hook runs, no other user of the host reaches what it wrote; in the store there are only images."""
    hook(checkout, f"cp /bin/sh /srv/sh; chown 1000 /srv/sh; chmod 4755 /srv/sh; touch /srv/{scratch}; sleep 4\n")
    process = checkout.start("overlay:mine", SCRATCH=scratch)
    deadline = time.monotonic() + 60
    found: list[Path] = []
    while not found:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        roots = [path for path in Path("/proc").glob("[0-9]*/root") if _is_sandbox(path.parent)]
        places = [Path(f"{root}{path}") for root in roots for path in checkout.cache.glob("tmp/*-overlay/scratch")]
        found = [place / "upper" / "srv" for place in places if (place / "upper" / "srv" / scratch).exists()]
        time.sleep(0.05)
    state = os.stat(found[0] / "sh")
    assert state.st_mode & 0o4000, "it is there, seen by root"
    assert state.st_uid > 65536, "and belongs to nobody of the host"
    for path in (found[0] / "sh", next(checkout.cache.glob("tmp/*-overlay")) / "scratch"):
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        tried = subprocess.run([*nobody, "stat", path], capture_output=True, text=True)
        assert "Permission denied" in tried.stderr
    said, _ = process.communicate()
    assert process.returncode == 0, said
    modes = {path.stat().st_mode & 0o7777 for path in checkout.cache.glob("objects/sha256/*/*")}
    assert modes == {0o444}
    layer = checkout.json("mine", "overlay.json")["outputs"]["layer"]["digest"]
    assert keys.sha256_file(checkout.object(layer)) == layer


def _is_sandbox(process: Path) -> bool:
    try:
        return b"debate.sandbox.session" in (process / "cmdline").read_bytes()
    except OSError:
        return False
