"""What the packages and hooks of a profile say and leave decides nothing but their own profile's system.

A package is read apart from all others; lists and images are made when no program of a package or hook runs any more.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from debate import keys
from debate.model import Command, Step, Supplies
from tests import debs
from tests.conftest import ROOT
from tests.integration.archive import Archive
from tests.integration.checkout import Checkout

CONTROL = "Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: x\nDescription: x\n"


def use(checkout: Checkout, archive: Archive, name: str, text: str) -> None:
    """The profile ``name``, which has the archive's packages beside Debian's."""
    key = checkout.directory / "profiles" / "keys" / "extra.asc"
    key.parent.mkdir(exist_ok=True)
    key.write_bytes(archive.key)
    checkout.profile(
        name, f"{text}repositories: [{{name: extra, suites: [stable], components: [main], key: keys/extra.asc}}]\n"
    )


def settings(archive: Archive) -> dict[str, str]:
    return {"MIRROR_EXTRA": archive.url}


# Reading packages -----------------------------------------------------------------------------------------------------


def index(checkout: Checkout, name: str) -> dict[str, str]:
    """Package -> its entry in the index of a profile."""
    data = checkout.object(checkout.artifact(name, "packages", "index").digest).read_text()
    return {entry.split("\n")[0].removeprefix("Package: "): entry for entry in data.split("\n\n") if entry}


def test_a_package_does_not_write_what_is_kept_of_another(checkout: Checkout, tmp_path: Path) -> None:
    """Its control archive has links to the outputs of the others."""
    archive = Archive.make(tmp_path / "archive")
    victims = {name: archive.add(name, "1.0", {f"/usr/share/{name}": name}) for name in ("aaa", "zzz")}
    outputs = [f"/run/out/{keys.sha256_file(path).removeprefix('sha256:')}" for path in victims.values()]
    forged = "00  Package: aaa\nVersion: 1.0\nArchitecture: all\nDepends: evil\n"
    for number, output in enumerate(outputs):
        archive.add(f"evil{number}", "1.0", {"/usr/share/x": "x"}, {"md5sums": forged}, {"names": output})
        archive.add(f"worse{number}", "1.0", {"/usr/share/y": "y"}, links={"names": output, "files": output})
    archive.publish()
    for name, packages in (("all", "aaa, zzz, evil0, evil1, worse0, worse1"), ("alone", "aaa, zzz")):
        use(checkout, archive, name, f"extends: minimal\npackages: [{packages}]\n")
        checkout.doit(f"packages:{name}", **settings(archive))
    found = index(checkout, "all")
    assert {name: found[name] for name in victims} == {name: index(checkout, "alone")[name] for name in victims}
    assert not any("evil" in found[name] for name in victims)
    assert found["aaa"].startswith("Package: aaa\nArchitecture: all\nVersion: 1.0\nFilename: pool/")


LIES = {
    "another": (CONTROL.format(name="bash"), "its Package is not another"),
    "newer": (CONTROL.format(name="newer").replace("1.0", "2.0"), "its Version is not 1.0"),
    "second": (f"{CONTROL.format(name='second')}\n{CONTROL.format(name='bash')}", "not one paragraph of fields"),
    "shell": (f"{CONTROL.format(name='shell')}Depends: libc6, $(touch /run/out/x)\n", "its field Depends is malformed"),
    "huge": (f"{CONTROL.format(name='huge')}Tag: {'x' * (2 << 20)}\n", "its control data is too large"),
}


def test_a_package_that_lies_costs_its_own_profile(checkout: Checkout, tmp_path: Path) -> None:
    archive = Archive.make(tmp_path / "archive")
    archive.add("honest", "1.0", {"/usr/share/honest": "x"})
    for name, (control, _) in LIES.items():
        archive.put(name, control)
    archive.put("bomb", CONTROL.format(name="bomb"), debs.member("./md5sums", b"0  x\n" * (14 << 20)))
    archive.publish()
    profiles = {"lies": ["honest", *LIES], "bombed": ["honest", "bomb"], "good": ["honest"]}
    for name, packages in profiles.items():
        use(checkout, archive, name, f"extends: minimal\npackages: [{', '.join(packages)}]\n")
    said = checkout.doit("packages:lies", status=1, **settings(archive))
    for name, (_, fault) in LIES.items():
        assert re.search(
            rf"^profiles/lies.yaml:3:\d+: packages: {name} 1.0 is refused: .*{re.escape(fault)}", said, re.MULTILINE
        ), said
    assert "honest" not in said.replace("packages: [honest", "")
    said = checkout.doit("packages:bombed", status=1, **settings(archive))
    assert "profiles/bombed.yaml:3:20: packages: the control data of bomb cannot be read, or is too large" in said
    checkout.doit("packages:good", **settings(archive))
    assert "honest" in index(checkout, "good")


READER = r"""
name=${1##*/}
echo "$name"
for other in 1 2 3; do
    [ "$other" = "$name" ] && continue
    { echo forged > "/run/out/$other"; } 2> /dev/null && echo "wrote $other"
done
for path in /run/out/more /run/work/more /run/in/more /run/st'ep'/more; do
    { true > "$path"; } 2> /dev/null && echo "wrote $path"
done
{ printf 'packages\0x\0forged\0\0' >> /run/problems; } 2> /dev/null && echo 'wrote problems'
for process in /proc/[0-9]*; do
    [ "$(stat -c %u "$process" 2> /dev/null)" = "$(id -u)" ] && continue
    kill -9 "${process#/proc/}" 2> /dev/null && echo "killed $process"
    { echo forged > "$process/fd/1"; } 2> /dev/null && echo "wrote to $process"
    cat "$process/environ" > /dev/null 2>&1 && echo "read $process"
done
setpriv --reuid=0 true 2> /dev/null && echo 'became root'
[ "$(id -u)" -gt 0 ] || echo 'is root'
grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status || echo 'has capabilities'
{ true > "$TMPDIR/own"; } 2> /dev/null || echo 'has no place of its own'
for other in /run/work/reader-*; do
    [ "$other" = "$TMPDIR" ] || ! ls "$other" > /dev/null 2>&1 || echo "saw $other"
done
# No reader looks for a message queue; and /dev/fuse, which find takes for a file, is the null device.
find / \( -path /proc -o -path /dev/mqueue -o -path /dev/fuse -o -path "$TMPDIR" \) -prune -o \
    \( -type d -o -type f \) -writable -print 2> /dev/null || true
(sleep 0.5; for other in 1 2 3; do [ "$other" = "$name" ] || echo late > "/run/out/$other"; done) > /dev/null 2>&1 &
"""


@pytest.mark.parametrize("apart", [True, False])
def test_a_reader_that_is_taken_over(built: Checkout, tmp_path: Path, apart: bool) -> None:
    """By the package that it reads: it can print what it likes, and nothing else. Where it is root, it forges all."""
    scripts = tmp_path / "sandbox"
    scripts.mkdir()
    for name in ("apart.sh", "apart.pl", "problem.sh"):
        shutil.copy(ROOT / "sandbox" / name, scripts)
    if not apart:
        text = (scripts / "apart.pl").read_text()
        without = text.replace("become($user);", "")
        assert without != text
        (scripts / "apart.pl").write_text(without)
    (scripts / "x.sh").write_text(". /run/step/apart.sh\nread_apart /run/step/reader.pl\nsleep 2\n")
    (scripts / "reader.pl").write_text("sub read_package { exec 'sh', '-eu', '/run/step/reader.sh', @_ }\n1;\n")
    (scripts / "reader.sh").write_text(READER)
    names = ("1", "2", "3")
    step = Step(
        name="attack", commands=(Command("x.sh", rights="apart"),), outputs=names, epoch=0,
        parameters={"names": b"".join(f"{name} {name}\n".encode() for name in names),
                    **{f"packages/{name}": b"x" for name in names}},
        tools=built.artifact(".sandbox", "sandbox", "tools"),
    )  # fmt: skip
    builder = built.builder(tmp_path)
    made = builder.run(step, Supplies(), tmp_path / "log")
    said = {name: builder.store.read(made[name], 1 << 20).decode() for name in names}
    if apart:
        assert said == {name: f"{name}\n" for name in names}
    else:
        assert all(text.startswith("late\n") for text in said.values())


# Installing packages --------------------------------------------------------------------------------------------------

DAEMON = r"""#!/usr/bin/perl
# Leaves the chroot, if this is in one, and goes on in the background: forges whatever it finds there.
use strict; use warnings; use POSIX ();
my $what = shift;
mkdir '/tmp/out';
if (chroot '/tmp/out') { chdir '..' for 1 .. 64; chroot '.' }
exit if fork;
POSIX::setsid();
open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
mkdir '/run/out'; mkdir '/run/work';
sub put { my ($path, $text) = @_; open my $file, '>', $path or return; print $file $text; close $file }
sub busy { open my $file, '<', shift or return; (<$file> // '') =~ /^(dpkg|apt|mmdebstrap)/ }
while (1) {
    for my $name (qw(packages layer kernel initrd)) {
        put("/run/out/$name", "bash\t6\tall\t\e[31mforged\t1\n");
        symlink '/etc/passwd', "/run/work/$_" for 'dpkg', 'installed', 'excluded', $name;
    }
    if (open my $file, '>>', '/run/problems') { print $file "packages\0escapee\0forged\0forged\0" }
    if ($what ne 'forge') {
        for my $path ('/var/lib/dpkg/status', '/run/work/root/var/lib/dpkg/status') {
            next if !-e $path || grep { busy($_) } glob '/proc/[0-9]*/comm';
            open my $file, '<', $path or next;
            local $/ = ''; my @kept = grep { !/^Package: denier$/m } <$file>;
            my $left = join '', @kept;
            put("$path-left", $what eq 'cut' ? substr($left, 0, index($left, "\nMaintainer: ") + 20) : $left);
            rename "$path-left", $path; # The step can end at any moment.
        }
    }
    select undef, undef, undef, 0.002;
}
"""
POSTINST = "#!/bin/sh\nperl /opt/{name}.pl {what}\n"
HOOK = '#!/bin/sh\n[ "$1" != prereqs ] || exit 0\nperl /opt/booter.pl forge\n'


@pytest.fixture(scope="module")
def escaping(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Packages whose scripts stay on and forge: one when it is installed, one when an initramfs is made."""
    archive = Archive.make(tmp_path_factory.mktemp("escaping") / "archive")
    for name, what in (("escapee", "forge"), ("denier", "deny"), ("cutter", "cut")):
        archive.add(name, "1.0", {f"/opt/{name}.pl": DAEMON}, {"postinst": POSTINST.format(name=name, what=what)})
    # Its hook needs perl in the small root of the initramfs, and that is in perl-base.
    files = {"/opt/booter.pl": DAEMON, "/usr/share/initramfs-tools/hooks/booter": HOOK}
    archive.add("booter", "1.0", files)
    archive.publish()
    return archive


def agree(checkout: Checkout, name: str) -> set[tuple[str, str]]:
    """The packages of a build, after all that lists them was found to say the same."""
    rootfs = checkout.object(checkout.artifact(name, "rootfs", "layer").digest)
    status = subprocess.run(
        ["unsquashfs", "-cat", rootfs, "var/lib/dpkg/status"], capture_output=True, check=True
    ).stdout
    installed = set()
    for entry in status.decode().split("\n\n"):
        fields = dict(re.findall(r"^(\S+): (.*)$", entry, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            installed.add((fields["Package"], fields["Version"]))

    def told(packages: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(package["name"], package["version"]) for package in packages}

    lock, manifest = checkout.json(name, "lock.json"), checkout.json(name, "manifest.json")
    assert told(lock["packages"]) == told(manifest["packages"]) == installed
    unpacked = told(lock["unpacked"])
    assert told(manifest["unpacked"]) == unpacked
    assert told(checkout.json(name, f"{name}-amd64.cdx.json")["components"]) == installed | unpacked
    text = checkout.output(name, f"{name}-amd64.packages").read_text()
    assert text == "".join(f"{package} {version}\n" for package, version in sorted(installed))
    return installed


def test_what_stays_on_forges_nothing(checkout: Checkout, built: Checkout, escaping: Archive) -> None:
    """A package's script, a hook of an initramfs generator and a hook of the profile, each where it has its rights."""
    overlay = "perl /opt/escapee.pl forge\nmkdir -p /opt/hooked\n"
    (checkout.directory / "profiles" / "hook.sh").write_text(overlay)
    use(checkout, escaping, "hostile", "extends: minimal\npackages: [escapee, booter, perl-base]\nhooks: [hook.sh]\n")
    said = checkout.doit("build:hostile", **settings(escaping))
    assert {("escapee", "1.0"), ("booter", "1.0")} <= agree(checkout, "hostile")
    assert "forged" not in said
    versions = {package["name"]: package["version"] for package in checkout.json("hostile", "lock.json")["packages"]}
    if (
        versions["linux-image-amd64"]
        == {package["name"]: package["version"] for package in built.json("minimal", "lock.json")["packages"]}[
            "linux-image-amd64"
        ]
    ):
        assert checkout.artifact("hostile", "initrd", "kernel") == built.artifact("minimal", "initrd", "kernel")
    for step in ("initrd", "rootfs", "overlay"):
        for output in checkout.json("hostile", f"{step}.json")["outputs"].values():
            assert b"forged" not in checkout.object(output["digest"]).read_bytes()[:4096]
    layer = checkout.object(checkout.artifact("hostile", "overlay", "layer").digest)
    listed = subprocess.run(["unsquashfs", "-l", "-d", "", layer], capture_output=True, text=True, check=True).stdout
    assert "/opt/hooked" in listed.split()
    assert not [path for path in listed.split() if path.startswith(("/run/out", "/run/work"))]


def test_a_package_that_cuts_the_database_off(checkout: Checkout, escaping: Archive) -> None:
    use(checkout, escaping, "hostile", "extends: minimal\nbase: minimal\npackages: [cutter]\n")
    said = checkout.doit("rootfs:hostile", status=1, **settings(escaping))
    assert re.search(
        r"^profiles/hostile.yaml:\d+:\d+: packages: /var/lib/dpkg is not as dpkg leaves it: a script of a package "
        "changed it; leave that package out$", said, re.MULTILINE,
    ), said  # fmt: skip


@pytest.mark.parametrize("base", [pytest.param("", marks=pytest.mark.full), "base: minimal\n"])
def test_a_package_that_denies_itself(base: str, checkout: Checkout, escaping: Archive) -> None:
    """In the database of the system, once all is installed: refused, and neither kept nor sent."""
    use(checkout, escaping, "hostile", f"extends: minimal\n{base}packages: [denier]\n")
    actions = set((checkout.cache / "actions").iterdir())
    for _ in range(2 if base else 1):
        said = checkout.doit("rootfs:hostile", status=1, **settings(escaping))
        assert re.search(
            r"^profiles/hostile.yaml:\d+:\d+: packages: denier:all: the system has none, the lock 1.0; a script of a "
            "package changed the package database; leave that package out$", said, re.MULTILINE,
        ), said  # fmt: skip
    made = [json.loads(path.read_bytes())["step"] for path in set((checkout.cache / "actions").iterdir()) - actions]
    assert "rootfs" not in made
