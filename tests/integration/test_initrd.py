"""The initramfs of initramfs-tools hears the profile; test_every_field has dracut's, test_arch has mkinitcpio's."""

from __future__ import annotations

from tests.integration import cpio
from tests.integration.checkout import Checkout, ran

PROFILE = """\
extends: minimal
overlays: [mine]
files:
  - {path: /etc/initramfs-tools/conf.d/mine, content: "MODULES=list\\n"}
  - path: /etc/initramfs-tools/hooks/own
    mode: "0755"
    content: "#!/bin/sh\\nmkdir -p $DESTDIR/own\\necho $MODULES > $DESTDIR/own/x\\n"
initrd:
  modules: [dm-crypt]
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
    checkout.doit("initrd:mine")
    found = cpio.files(checkout.object(checkout.artifact("mine", "initrd", "initrd").digest).read_bytes())
    assert found["etc/from-hook"] == b"hook\n"
    assert found["own/x"] == b"list\n", "conf.d"
    assert found["srv/key"] == b"z"
    assert found["etc/modprobe.d/mine.conf"] == b"options x"
    assert found["usr/lib/firmware/mine/x.bin"] == b"y"
    assert found["usr/bin/lsblk"].startswith(b"\x7fELF")
    assert any("/libmount.so" in name for name in found), "a program comes with its libraries"
    modules = {name.rpartition("/")[2].partition(".")[0] for name in found if ".ko" in name}
    assert "dm-crypt" in modules
    assert "etc/other" not in found
    (profiles / "mine" / "etc" / "other").write_text("2")
    assert "initrd" not in ran(checkout.doit("initrd:mine"))
    (profiles / "mine" / "srv" / "key").write_text("zz")
    assert ran(checkout.doit("initrd:mine"))["initrd"] == "built"


def test_what_is_not_there(checkout: Checkout) -> None:
    checkout.profile("mine", WRONG)
    said = checkout.doit("initrd:mine", status=1)
    for place, fact in {
        "4:13": "has no module dm-crypd; check its name, or add the package that has it to packages",
        "5:11": "the system has no file /usr/bin/lsblc; check the path",
        "6:14": "no package has firmware none/such; add the package that has it to packages",
    }.items():
        assert f"profiles/mine.yaml:{place}: " in said
        assert fact in said


def test_a_compression_that_the_system_lacks(checkout: Checkout) -> None:
    """What a file of the profile says is as good as the field."""
    file = '{path: /etc/initramfs-tools/conf.d/c, content: "COMPRESS=lzop\\n"}'
    checkout.profile("mine", f"extends: minimal\nfiles: [{file}]\n")
    said = checkout.doit("initrd:mine", status=1)
    assert "profiles/mine.yaml: initrd: it would be compressed in another way: W: No lzop in" in said, said


def test_a_hook_that_makes_one(checkout: Checkout) -> None:
    """Also where reading the script does not show it."""
    (checkout.directory / "profiles" / "hooks" / "mine.sh").write_text("$(echo update-initramfs) -u || true\n")
    checkout.profile("mine", "extends: minimal\nhooks: [hooks/mine.sh]\n")
    said = checkout.doit("overlay:mine", status=1)
    assert (
        "mine.yaml:3:9: hooks: mine.sh runs update-initramfs, and the initramfs is not made by hooks; remove that"
        in said
    )
