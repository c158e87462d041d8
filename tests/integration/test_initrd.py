"""The initramfs of initramfs-tools hears the profile; test_every_field has dracut's, test_arch has mkinitcpio's."""

from __future__ import annotations

import re

import pytest

from tests.integration import cpio
from tests.integration.checkout import Checkout, ran

PROFILE = """\
extends: minimal
overlays: [mine]
keymap: de
files:
  - {path: /etc/initramfs-tools/conf.d/mine, content: "MODULES=list\\n"}
  - {path: /etc/initramfs-tools/modules, content: "# more of them\\nnbd max_part=2\\n"}
  - {path: /etc/initramfs-tools/scripts/init-premount/mine, content: "#!/bin/sh\\n", mode: "0755"}
  - path: /etc/initramfs-tools/hooks/own
    mode: "0755"
    content: "#!/bin/sh\\nmkdir -p $DESTDIR/own\\necho $MODULES > $DESTDIR/own/x\\n"
initrd:
  modules: [dm-crypt, tg3]
  files: [/usr/bin/lsblk, /srv/key]
  hooks: [hooks/mine.sh]
  firmware: [mine/*]
  compression: gzip
"""
HOOK = '[ "$1" != prereqs ] || exit 0\nmkdir -p "$DESTDIR/etc"\necho hook > "$DESTDIR/etc/from-hook"\n'
WRONG = """\
extends: minimal
initrd:
  modules: [dm-crypd]
  files: [/usr/bin/lsblc]
  firmware: [none/such]
  hooks: [hooks/of-bash.sh]
files:
  - {path: /etc/initramfs-tools/modules, content: "nbdx\\n"}
  - {path: /etc/initramfs-tools/scripts/init-premount/mine, content: "x=(1)\\n", mode: "0755"}
  - {path: /etc/initramfs-tools/hooks/own, content: "copy_exec () {\\n", mode: "0755"}
"""


def test_what_the_profile_says(checkout: Checkout) -> None:
    profiles = checkout.directory / "profiles"
    overlay = {
        "etc/modprobe.d/mine.conf": "options x",
        "usr/lib/firmware/mine/x.bin": "y",
        "srv/key": "z",
        "etc/other": "1",
    }
    for name, text in overlay.items():
        (profiles / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (profiles / "mine" / name).write_text(text)
    (profiles / "hooks" / "mine.sh").write_text(f"#!/bin/sh\n{HOOK}")
    checkout.profile("mine", PROFILE)
    said = checkout.doit("initrd:mine")
    assert re.search(
        r"^the module tg3 is named, and firmware of it is missing: tigon/tg3\S*\.bin, [0-9]+ in all$", said, re.M
    )
    assert said.count("firmware of it is missing") == 1
    found = cpio.files(checkout.object(checkout.artifact("mine", "initrd", "initrd").digest).read_bytes())
    assert found["etc/from-hook"] == b"hook\n"
    assert found["own/x"] == b"list\n", "conf.d"
    assert found["srv/key"] == b"z"
    assert found["etc/modprobe.d/mine.conf"] == b"options x"
    assert found["usr/lib/firmware/mine/x.bin"] == b"y"
    assert found["usr/bin/lsblk"].startswith(b"\x7fELF")
    assert any("/libmount.so" in name for name in found), "a program comes with its libraries"
    modules = {name.rpartition("/")[2].partition(".")[0] for name in found if ".ko" in name}
    assert modules >= {"dm-crypt", "nbd"}
    assert "scripts/init-premount/mine" in found
    [layout] = [name for name in found if re.fullmatch(r"etc/console-setup/[^/]+\.kmap", name)]
    assert b"adiaeresis" in found[layout]
    assert layout.encode() in found["usr/bin/setupcon"]
    assert "etc/other" not in found
    (profiles / "mine" / "etc" / "other").write_text("2")
    assert "initrd" not in ran(checkout.doit("initrd:mine"))
    (profiles / "mine" / "srv" / "key").write_text("zz")
    assert ran(checkout.doit("initrd:mine"))["initrd"] == "built"


def test_what_is_not_there(checkout: Checkout) -> None:
    """Nor is what mkinitramfs passes over in silence."""
    (checkout.directory / "profiles" / "hooks" / "of-bash.sh").write_text("#!/bin/bash\nx=(1 2)\n")
    checkout.profile("mine", WRONG)
    said = checkout.doit("initrd:mine", status=1)
    for place, fact in {
        "4:13": "has no module dm-crypd; check its name, or add the package that has it to packages",
        "5:11": "the system has no file /usr/bin/lsblc; check the path",
        "6:14": "no package has firmware none/such; add the package that has it to packages",
        "7:11": "sh cannot read it, so initramfs-tools passes over it",
        "9:12": "the kernel",
        "10:12": "sh cannot read it, so initramfs-tools passes over it",
        "11:12": "sh cannot read it, so initramfs-tools passes over it",
    }.items():
        assert f"profiles/mine.yaml:{place}: " in said
        assert fact in said


@pytest.mark.full
def test_what_the_generator_goes_on_after(checkout: Checkout) -> None:
    """What a file of the profile says is as good as the field, and a hook that goes on has failed all the same."""
    file = '{path: /etc/initramfs-tools/conf.d/c, content: "COMPRESS=lzop\\nMODULES=lst\\n"}'
    hook = '[ "$1" != prereqs ] || exit 0\ncp /none "$DESTDIR"\ntrue\n'
    (checkout.directory / "profiles" / "hooks" / "mine.sh").write_text(f"#!/bin/sh\n{hook}")
    checkout.profile("mine", f"extends: minimal\nfiles: [{file}]\ninitrd: {{hooks: [hooks/mine.sh]}}\n")
    said = checkout.doit("initrd:mine", status=1)
    for fact in (
        "profiles/mine.yaml:4:9: initrd: it would be compressed in another way: W: No lzop in",
        "profiles/mine.yaml:4:9: initrd: initramfs-tools leaves something out: W: mkinitramfs: unsupported MODULES",
        "profiles/mine.yaml:4:18: initrd.hooks: it fails: cp: cannot stat '/none'",
    ):
        assert fact in said, said


def test_a_hook_that_makes_one(checkout: Checkout) -> None:
    """Also where reading the script does not show it."""
    (checkout.directory / "profiles" / "hooks" / "mine.sh").write_text("$(echo update-initramfs) -u || true\n")
    checkout.profile("mine", "extends: minimal\nhooks: [hooks/mine.sh]\n")
    said = checkout.doit("overlay:mine", status=1)
    assert (
        "mine.yaml:3:9: hooks: mine.sh runs update-initramfs, and the initramfs is not made by hooks; remove that"
        in said
    )
