"""One directory in which a profile is built, in several checkouts, and by hand."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
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
from tests.benchmarks.measure import Cost, run, timed
from tests.integration.checkout import DOIT, Checkout

EDITS = 5
HAND = {name: Path(__file__).with_name(f"hand-{name}.sh") for name in ("debian", "arch")}


class Edit(NamedTuple):
    """What an edit of a profile costs."""

    cost: Cost
    share: float
    """Bytes that it adds to the store, by those of the ISO."""


class Bench:
    """The profile ``name``, with the given text, in a cache of its own that has its packages and the tools already."""

    name = "bench"

    def __init__(
        self,
        directory: Path,
        text: str,
        environment: Mapping[str, str] | None = None,
        cache: Path | None = None,
    ) -> None:
        """``cache``: where packages and tools are looked for before they are fetched."""
        self.directory, self.text, self.environment = directory, text, dict(environment or {})
        self.source = self._checkout("source", cache)
        self.source.doit(f"packages:{self.name}", **self.environment)
        self.full = self._cold()
        self.settings = Settings(root=self.full.directory, cache=self.full.cache, output=self.full.directory / "build")
        self.store = Store(self.full.cache)
        self.builder = Builder(self.settings, self.store)

    def _checkout(self, name: str, cache: Path | None = None) -> Checkout:
        made = Checkout.make(self.directory / name, cache)
        made.profile(self.name, self.text)
        return made

    def _cold(self) -> Checkout:
        made = self._checkout("full")
        (made.directory / "profiles" / f"{self.name}.lock.json").write_bytes(
            self.source.output(self.name, "lock.json").read_bytes()
        )
        self.source.lend_tools(made)
        store, source = Store(made.cache), Store(self.source.cache)
        for artifact in (package.artifact for package in self.packages()):
            store.path(artifact).parent.mkdir(parents=True, exist_ok=True)
            os.link(source.path(artifact), store.path(artifact))
        return made

    def packages(self) -> list[Locked]:
        return [Locked(**fields) for fields in self.source.json(self.name, "lock.json")["packages"]]

    def work(self, rule: str) -> Work:
        """What ``rule`` reads of the full checkout."""
        return ProfileBuild(self.settings, self.name, self.builder).work(rule)

    def build(self, checkout: Checkout, name: str = "") -> None:
        checkout.doit(f"build:{name or self.name}", status=0, **self.environment)

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

    # What is timed -------------------------------------------------------------------------------

    def cold(self) -> Cost:
        """The first build, before which nothing but packages and tools is there."""
        return timed(lambda: self.build(self.full))

    def second(self, name: str, text: str) -> Cost:
        """Another profile on this one's layers."""
        self.full.profile(name, f"extends: {self.name}\nbase: {self.name}\n{text}")
        return timed(lambda: self.build(self.full, name))

    def by_hand(self) -> Cost:
        inputs, script = self.rootfs(), str(HAND[self.work("lock").slice(lock.Slice).distribution])
        images = self.laid_out(self.iso_step(), Supplies())
        (images / "boot").mkdir()
        shutil.copytree(images / "iso" / "boot" / "grub", images / "boot" / "grub")
        target = self.directory / "hand.iso"
        return timed(lambda: run("unshare", "--mount", "sh", script, str(inputs), str(images), str(target)))

    def last_steps_by_hand(self) -> Cost:
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

    def sandboxed(self, step: Step) -> Cost:
        """A step alone, with nothing around it but its sandbox."""
        return timed(lambda: self.builder.run(step, Supplies(), self.directory / "log"), 7)

    def nothing_by_hand(self) -> Cost:
        return timed(lambda: run("sh", "-c", "id -un; ls /sys/class/net"), 7)

    def changed(self, change: Callable[[int], object]) -> Edit:
        numbers = iter(range(100))
        self.build(self.full)
        before = self.stored()
        cost = timed(lambda: self.build(self.full), EDITS, lambda: change(next(numbers)))
        return Edit(cost, (self.stored() - before) / EDITS / self.full.iso(self.name).stat().st_size)

    def stored(self) -> int:
        """Bytes in the store."""
        composed = (self.full.cache / "compositions").glob("*")
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

    def one_task(self) -> Cost:
        directory = self.directory / "one"
        directory.mkdir()
        (directory / "file").touch()
        (directory / "dodo.py").write_text("def task_one():\n    return {'actions': ['true'], 'file_dep': ['file']}\n")
        run(DOIT, directory=directory)
        return timed(lambda: run(DOIT, directory=directory), 15)

    def nothing_to_do(self) -> Cost:
        self.build(self.full)
        return timed(lambda: self.build(self.full), 15)

    def fresh(self) -> Cost:
        made = Checkout.make(self.directory / "fresh", self.full.cache)
        shutil.rmtree(made.directory / "profiles")
        shutil.copytree(self.full.directory / "profiles", made.directory / "profiles", symlinks=True)
        build = made.directory / "build"
        return timed(lambda: self.build(made), 5, lambda: shutil.rmtree(build, ignore_errors=True))

    def copied(self) -> Cost:
        target = self.directory / "copy.iso"
        iso = next(self.full.output(self.name).glob("*.iso"))
        argv = ("cp", "--reflink=never", str(iso), str(target))
        return timed(lambda: run(*argv), 5, lambda: target.unlink(missing_ok=True))
