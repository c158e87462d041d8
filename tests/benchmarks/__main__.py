"""How long builds take, against the same tools by hand and against live-build.

    python -m tests.benchmarks [--arch | --live-build]

Needs what the integration tests need, on a machine that does nothing else. --arch does it with an Arch system made of
Debian packages; --live-build also needs the package live-build, and a quarter of an hour. Every figure is the median
of several runs in wall seconds; the ratios count, not the seconds. Prints one line a target: ours, the other's, the
ratio, and what the ratio should be at most.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from debate import keys, live, managers
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.images import iso
from debate.live.interface import LiveParts
from debate.model import Artifact, Command, Locked, Step, Supplies
from debate.sandbox.image.inputs import lay_out
from debate.settings import Settings
from debate.steps import lock, rootfs
from debate.steps.download import supplier
from debate.steps.work import ProfileBuild, Work, epoch_of
from tests.conftest import ROOT
from tests.integration import pacman_repository
from tests.integration.checkout import DOIT, Checkout

EDITS = 5
HAND = {name: Path(__file__).with_name(f"hand-{name}.sh") for name in ("debian", "arch")}


def timed(action: Callable[[], object], runs: int = 1, before: Callable[[], object] = lambda: None) -> float:
    """The median of ``runs`` times in seconds, each after ``before``."""
    found = []
    for _ in range(runs):
        before()
        started = time.monotonic()
        action()
        found.append(time.monotonic() - started)
    return statistics.median(found)


def run(*argv: str, directory: Path | None = None) -> None:
    done = subprocess.run(
        argv, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        sys.exit(f"{shlex.join(argv)}: exit status {done.returncode}\n{done.stderr[-4000:]}")


class Edit(NamedTuple):
    """What an edit of a profile costs."""

    seconds: float
    share: float
    """Bytes that it adds to the store, by those of the ISO."""


class Bench:
    """One directory in which everything is built."""

    def __init__(self, directory: Path, name: str, text: str, environment: dict[str, str]) -> None:
        self.directory, self.name, self.text, self.environment = directory, name, text, environment
        self.full = Checkout.make(directory / "full")
        self.full.profile(name, text)
        self.build(self.full)
        self.pin(self.full)
        self.settings = Settings(root=self.full.directory, cache=self.full.cache, output=self.full.directory / "build")
        self.store = Store(self.full.cache)
        self.builder = Builder(self.settings, self.store)

    def work(self, rule: str) -> Work:
        """What ``rule`` reads of the full checkout."""
        return ProfileBuild(self.settings, self.name, self.builder).work(rule)

    def build(self, checkout: Checkout, name: str = "") -> None:
        checkout.doit(f"build:{name or self.name}", status=0, **self.environment)

    def pin(self, checkout: Checkout) -> None:
        lock = self.full.output(self.name, "lock.json").read_bytes()
        (checkout.directory / "profiles" / f"{self.name}.lock.json").write_bytes(lock)

    def cold(self) -> Checkout:
        """A checkout whose cache holds packages and the tools tree alone."""
        shutil.rmtree(self.directory / "cold", ignore_errors=True)
        made = Checkout.make(self.directory / "cold")
        made.profile(self.name, self.text)
        self.pin(made)
        self.full.lend_tools(made)
        store, full = Store(made.cache), Store(self.full.cache)
        packages = [Locked(**p).artifact for p in self.full.json(self.name, "lock.json")["packages"]]
        for artifact in packages:
            store.path(artifact).parent.mkdir(parents=True, exist_ok=True)
            os.link(full.path(artifact), store.path(artifact))
        return made

    def laid_out(self, step: Step, supplies: Supplies) -> Path:
        """What a step sees as /run/in."""
        target = self.directory / f"in-{step.name}"
        shutil.rmtree(target, ignore_errors=True)
        lay_out(target, step, supplies, self.store)
        return target

    def rootfs(self) -> Path:
        """What the step rootfs gets."""
        work = self.work("rootfs")
        target, packages = work.slice(rootfs.Slice), work.locked()
        index, kernel = work.outputs("packages")["index"], work.record("packages")["kernel"]
        step = managers.get(target.distribution).rootfs_step(
            packages, index, kernel, target, work.tools, epoch_of(target)
        )
        return self.laid_out(step, supplier(work, packages)())

    def iso_step(self) -> Step:
        work = self.work("iso")
        values, initrd = work.slice(iso.Slice), work.outputs("initrd")
        images = iso.layers(work.record("rootfs"), work.record("overlay"))
        layers = [(f"{number}-{name}", image) for number, (name, image) in enumerate(images)]

        def sha512(image: Artifact) -> str:
            return keys.sha512_file(self.store.path(image))

        parts = LiveParts(initrd["kernel"], initrd["initrd"], layers, sha512, "BENCH", 1_000_000_000, "amd64")
        tree = live.get(values.distribution, values.generator).live(parts)
        return iso.step(values, tree, work.outputs("boot"), 1_000_000_000, work.tools)

    # Rows ------------------------------------------------------------------------------------------

    def by_hand(self) -> float:
        inputs, script = self.rootfs(), str(HAND[self.work("lock").slice(lock.Slice).distribution])
        images = self.laid_out(self.iso_step(), Supplies())
        (images / "boot").mkdir()
        shutil.copytree(images / "iso" / "boot" / "grub", images / "boot" / "grub")
        target = self.directory / "hand.iso"
        return timed(lambda: run("unshare", "--mount", "sh", script, str(inputs), str(images), str(target)))

    def last_steps_by_hand(self) -> float:
        """xorriso and SHA-256 of the ISO, on the files that our own step gets."""
        directory = self.laid_out(self.iso_step(), Supplies())
        options = (directory / "options").read_bytes().replace(b"/run/in", str(directory).encode())
        words = options.decode().rstrip("\0").split("\0")
        target = self.directory / "last.iso"

        def both() -> None:
            run("xorriso", "-as", "mkisofs", "-quiet", *words, "-o", str(target), str(directory / "iso"))
            with target.open("rb") as file:
                hashlib.file_digest(file, "sha256")

        return timed(both, 5, lambda: target.unlink(missing_ok=True))

    def trivial(self) -> Step:
        return Step("trivial", (Command("doctor.sh"),), ("said",), 0, tools=self.work("iso").tools)

    def sandboxed(self, step: Step) -> float:
        """A step alone, with nothing around it but its sandbox."""
        return timed(lambda: self.builder.run(step, Supplies(), self.directory / "log"), 7)

    def nothing_by_hand(self) -> float:
        return timed(lambda: run("sh", "-c", "id -un; ls /sys/class/net"), 7)

    def changed(self, change: Callable[[int], object]) -> Edit:
        numbers = iter(range(100))
        self.build(self.full)
        before = self.stored()
        seconds = timed(lambda: self.build(self.full), EDITS, lambda: change(next(numbers)))
        return Edit(seconds, (self.stored() - before) / EDITS / self.full.iso(self.name).stat().st_size)

    def stored(self) -> int:
        """Bytes in the store."""
        composed = (self.full.cache / "compositions").iterdir()
        return sum(state.st_size for _, state in self.store.objects()) + sum(path.stat().st_size for path in composed)

    def overlay_file(self) -> Edit:
        tree = self.full.directory / "profiles" / "bench" / "etc"
        tree.mkdir(parents=True)
        profile = self.full.directory / "profiles" / f"{self.name}.yaml"
        profile.write_text(profile.read_text() + "overlays: [bench]\n")
        (tree / "file").write_text("first\n")
        return self.changed(lambda number: (tree / "file").write_text(f"{number}\n"))

    def menu(self) -> Edit:
        profile = self.full.directory / "profiles" / f"{self.name}.yaml"
        text = profile.read_text()
        return self.changed(lambda number: profile.write_text(f"{text}boot: {{timeout: {number + 20}}}\n"))

    def one_task(self) -> float:
        directory = self.directory / "one"
        directory.mkdir()
        (directory / "file").touch()
        (directory / "dodo.py").write_text("def task_one():\n    return {'actions': ['true'], 'file_dep': ['file']}\n")
        run(DOIT, directory=directory)
        return timed(lambda: run(DOIT, directory=directory), 15)

    def nothing_to_do(self) -> float:
        self.build(self.full)
        return timed(lambda: self.build(self.full), 15)

    def fresh(self) -> float:
        made = Checkout.make(self.directory / "fresh", self.full.cache)
        shutil.rmtree(made.directory / "profiles")
        shutil.copytree(self.full.directory / "profiles", made.directory / "profiles", symlinks=True)
        build = made.directory / "build"
        return timed(lambda: self.build(made), 5, lambda: shutil.rmtree(build, ignore_errors=True))

    def copied(self) -> float:
        target = self.directory / "copy.iso"
        iso = next(self.full.output(self.name).glob("*.iso"))
        argv = ("cp", "--reflink=never", str(iso), str(target))
        return timed(lambda: run(*argv), 5, lambda: target.unlink(missing_ok=True))

    def live_build(self) -> float:
        """The same packages, by the resolver that live-build uses, and the same compression."""
        directory = self.directory / "live-build"
        directory.mkdir()
        request = self.work("lock").slice(lock.Slice)
        addresses = managers.get(request.distribution).mirrors(self.settings, request, {}).addresses
        mirror = addresses["debian"]
        security = addresses.get("debian-security", mirror)
        options = [
            "--distribution", "trixie", "--architectures", "amd64", "--archive-areas", "main",
            "--apt-recommends", "false", "--debian-installer", "none", "--memtest", "none",
            "--binary-images", "iso-hybrid", "--bootloaders", "grub-pc,grub-efi", "--initsystem", "systemd",
            "--chroot-squashfs-compression-type", "zstd", "--chroot-squashfs-compression-level", "9",
            "--mirror-bootstrap", mirror, "--mirror-chroot", mirror, "--mirror-binary", mirror,
            "--mirror-chroot-security", security, "--mirror-binary-security", security,
            "--linux-flavours", "amd64", "--firmware-chroot", "false", "--firmware-binary", "false",
        ]  # fmt: skip
        run("lb", "config", *options, directory=directory)
        names = [p["name"] for p in self.full.json(self.name, "lock.json")["packages"]]
        wanted = [name for name in names if not name.startswith("linux-image")]
        (directory / "config" / "package-lists" / "all.list.chroot").write_text("\n".join(wanted) + "\n")
        seconds = timed(lambda: run("lb", "build", directory=directory))
        if not list(directory.glob("*.iso")):
            sys.exit("live-build ended without an ISO; see its log")
        return seconds


def row(name: str, ours: float, what: str, other: float, most: float | None = None) -> None:
    target = f"  (at most {most})" if most else ""
    sys.stdout.write(f"{name:<42} {ours:7.2f}  {what:<26} {other:7.2f}  {ours / other:5.2f}{target}\n")
    sys.stdout.flush()


def say(name: str, value: float, unit: str, most: str) -> None:
    sys.stdout.write(f"{name:<42} {value:7.2f} {unit:<8} (at most {most})\n")
    sys.stdout.flush()


def minimal(directory: Path) -> Bench:
    text = (ROOT / "profiles" / "minimal.yaml").read_text()
    return Bench(directory, "minimal", text.partition("version: 1\n")[2], {})


def arch(directory: Path) -> Bench:
    repository = pacman_repository.from_debian(Checkout.make(directory / "source"), directory / "mirror")
    return Bench(directory, "arch", pacman_repository.PROFILE, repository.settings)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--arch", action="store_true", help="an Arch system, made of Debian packages")
    parser.add_argument("--live-build", action="store_true", help="also time live-build, which takes minutes")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="debate-bench-", dir="/var/tmp") as name:
        bench = arch(Path(name)) if wanted.arch else minimal(Path(name))
        sys.stdout.write(f"{'':<42} {'ours':>7}  {'against':<26} {'':>7}  ratio\n")
        made = bench.cold()
        cold = timed(lambda: bench.build(made))
        hand = bench.by_hand()
        row("cold build, packages there", cold, "by hand", hand, 1.0)
        made.profile("second", f"{bench.text}base: {bench.name}\npackages: [mtools]\n")
        second = timed(lambda: bench.build(made, "second"))
        row("second profile, one package more", second, "by hand", hand, 0.5)
        row("nothing to do", bench.nothing_to_do(), "doit, one task", bench.one_task(), 1.5)
        row("fresh checkout, full cache", bench.fresh(), "copying the ISO", bench.copied(), 2.0)
        last = bench.last_steps_by_hand()
        row("a sandbox around nothing", bench.sandboxed(bench.trivial()), "without it", bench.nothing_by_hand())
        row("a sandbox around xorriso", bench.sandboxed(bench.iso_step()), "xorriso and SHA-256", last)
        overlay, menu = bench.overlay_file(), bench.menu()
        row("one overlay file", overlay.seconds, "xorriso and SHA-256", last, 2.0)
        row("boot menu", menu.seconds, "xorriso and SHA-256", last, 2.0)
        say("one overlay file: added to the store", overlay.share * 100, "% of ISO", "1 %")
        say("boot menu: added to the store", menu.share * 100, "% of ISO", "1 %")
        if wanted.live_build:
            other = bench.live_build()
            row("cold build, packages there", cold, "live-build", other, 0.2)
            row("second profile, one package more", second, "live-build", other, 0.1)


if __name__ == "__main__":
    main()
