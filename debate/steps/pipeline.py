"""The steps of one profile, from its YAML file to its ISO: what each doit task does.

Each method reads records of earlier steps from the output directory and writes its own. A record
holds what later steps need and nothing of how it came to be, so that a step that ran again with the
same result stops the rebuild there. The how goes to traces/.

    OUTPUT/P/
        config.json, about.json     the normalised config; the fields that never change the ISO
        sources.json                files and directories that the config was made of
        contents.json               digest -> where the content of an overlay's file lies
        slices/STEP.json            the part of the config that STEP reads
        hash.json, lock.json, packages.json, rootfs.json, …      records
        sha512.json                 digest of a layer -> its SHA-512, where an ISO has that
        traces/STEP.json            key, ingredients, duration of the last run
        traces/read/STEP.json       what it read then
        logs/STEP.log               what the step said
        P-ARCH.iso, …               the results (see `debate.images.results`)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import PACKAGE, distributions, keys
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.errors import DebateError, Problem, ProfileError
from debate.history.reasons import Last, reasons
from debate.history.records import Report, outputs_of, read_json, record_of, report_of, save_json, trace_of
from debate.host.files import read_object
from debate.model import Artifact, Result, Step
from debate.profile import sources
from debate.settings import Settings, mirror_variable
from debate.steps import sandbox_base
from debate.text.amounts import bytes_shown, count

if TYPE_CHECKING:
    from debate.distributions.interface import Distribution, Locked
    from debate.profile.profile import Node

READS = {
    "lock": ("packages",), "packages": ("packages", "initrd"), "rootfs": ("rootfs",), "initrd": ("initrd",),
    "overlay": ("overlay",), "boot": ("boot",), "iso": ("iso", "boot"),
}  # fmt: skip
"""Step -> the slices of the config that it reads."""


class Pipeline:
    """The steps of the profile ``name``."""

    def __init__(self, settings: Settings, name: str, builder: Builder) -> None:
        self.settings, self.name, self.builder = settings, name, builder
        self.store: Store = builder.store
        self.directory = settings.output / name

    # Reading and writing ---------------------------------------------------------------------------

    def load(self, path: str) -> Any:
        """A JSON file of this profile's output directory."""
        return read_json(self.directory / path)

    def save(self, path: str, value: Any) -> None:
        """Write a JSON file, unless it says the same already."""
        save_json(self.directory / path, value)

    def slice(self, step: str) -> Any:
        return self.load(f"slices/{step}.json")

    def outputs(self, step: str) -> dict[str, Artifact]:
        """The outputs that a record names."""
        return outputs_of(self.load(f"{step}.json"), str(self.directory / f"{step}.json"))

    @property
    def base(self) -> Artifact:
        """The sandbox base."""
        return sandbox_base.made(self.settings, self.slice("packages")["distribution"])

    def notes(self) -> dict[str, str]:
        """What people see of a step's result in the remote."""
        return {"profile": self.name, "config": self.config_hash()}

    def config_hash(self) -> str:
        """64 hex digits that stand for the normalised config."""
        return keys.sha256(keys.canonical(self.load("config.json"))).removeprefix("sha256:")

    def realise(self, step: Step, packages: Sequence[Locked] = ()) -> Result:
        """``packages`` are those that the step reads: they are downloaded when it has to run."""

        def complete(step: Step) -> Step:
            self.have(packages)
            return self.trusting(step) if packages else step

        return self.builder.realise(step, self.directory / "logs" / f"{step.name}.log", complete, self.notes)

    def finish(self, step: Step, packages: Sequence[Locked] = ()) -> Report:
        """Realise a step and write its record."""
        last = Last.load(self.directory, step.name)
        result = self.realise(step, packages)
        self.save(f"{step.name}.json", record_of(result.outputs))
        return {**report_of(result), **self.remember(step.name, last, result)}

    def remember(self, step: str, last: Last, result: Result | None = None) -> Report:
        """Keep how a result came to be, what the step has read and why it ran.

        So that `explain` can tell it, and what changed since. ``result`` is None for what no key stands for.
        """
        read = self.what_it_reads(step)
        trace: dict[str, Any] = trace_of(result) if result else {"step": step, "source": ""}
        unchanged = last.read == read and last.trace.get("key") == trace.get("key")
        if unchanged and trace["source"] != "built":
            trace |= {name: last.trace[name] for name in ("why", "when", "source") if name in last.trace}
        else:
            contents = self.load("contents.json")
            trace["why"] = list(reasons(last, read, trace.get("ingredients", {}), contents, self.root))
            trace["when"] = int(time.time())
        self.save(f"traces/{step}.json", trace)
        self.save(f"traces/read/{step}.json", read)
        return {"why": trace["why"]} if last.read and not unchanged else {}

    def root(self) -> Node:
        """The profile, with the place of each value."""
        from debate.profile import profile

        return profile.load(self.settings.profiles, self.name).root

    @contextmanager
    def places(self) -> Iterator[None]:
        """Errors say where in the profile it stands what they complain of."""
        try:
            yield
        except DebateError as error:
            from debate.profile.places import placed

            with suppress(ProfileError):  # Somebody edits it meanwhile.
                error.problems, error.details = (Problem(None, placed(str(error), self.root())),), ""
            raise

    def what_it_reads(self, step: str) -> dict[str, Any]:
        """The slices that a step reads, and the lock where it reads that."""
        read = {name: self.slice(name) for name in READS[step]}
        return {**read, "lock": self.load("lock.json")} if step in ("packages", "rootfs", "initrd") else read

    # Steps -----------------------------------------------------------------------------------------

    def config(self) -> Report:
        from debate.profile import profile
        from debate.steps import config

        loaded = profile.load(self.settings.profiles, self.name)
        made = config.normalise(loaded, self.settings.profiles)
        for step, values in made.slices.items():
            self.save(f"slices/{step}.json", values)
        self.save("about.json", made.about)
        contents = {
            digest: {"path": str(content)} if isinstance(content, Path) else {"text": content.decode("latin-1")}
            for digest, content in made.contents.items()
        }
        self.save("contents.json", contents)
        self.save("sources.json", sources.state(made.sources))
        self.save("config.json", made.slices)
        return {}

    def hash(self) -> Report:
        digits = self.config_hash()
        self.save("hash.json", {"config": digits, "epoch": keys.epoch(digits)})
        return {"note": digits[:16]}

    def lock(self, *, refresh: bool) -> Report:
        from debate.steps.lock import Locker

        last = Last.load(self.directory, "lock")
        with self.places():
            report = Locker(self).run(refresh=refresh)
        return {**report, **self.remember("lock", last)}

    def packages(self) -> Report:
        """Know what the locked packages say of themselves, and which of them an initramfs needs.

        Who knows that already needs no package for it: those that a later step reads are downloaded then.
        """
        packages, last = self.locked(), Last.load(self.directory, "packages")
        made = self.builder.obtain(
            "packages",
            self.packages_ingredients(packages),
            ("index", "initrd"),
            lambda: self.read(packages),
            self.notes,
        )
        initrd = self.store.read(made.outputs["initrd"]).decode().split()
        self.save("packages.json", {**record_of({"index": made.outputs["index"]}), "initrd": initrd})
        why = self.remember("packages", last, made)
        return {**report_of(made), **why, "note": count(len(packages), "package")}

    def packages_ingredients(self, packages: Sequence[Locked]) -> dict[str, Any]:
        """What the index of the packages depends on, besides them."""
        distribution = self.distribution()
        release = self.load("lock.json")["release"]
        code = PACKAGE / "distributions" / f"{self.slice('packages')['distribution']}.py"
        return {
            "step": "packages",
            "packages": [package.to_json() for package in packages],
            "generator": self.generator,
            "inspect": self.builder.ingredients(distribution.inspect_step(packages, self.base)),
            "select": self.builder.ingredients(distribution.select_step(b"", (), release, self.base)),
            "code": keys.sha256_file(code),
        }

    def read(self, packages: Sequence[Locked]) -> dict[str, Artifact]:
        """Download and read the packages. Outputs: index, initrd."""
        distribution = self.distribution()
        self.have(packages)
        pairs = list(zip(packages, self.inspect(packages), strict=True))
        index = distribution.index(pairs)
        wanted = distribution.initrd_wanted(pairs, self.generator)
        release = self.load("lock.json")["release"]
        selected = self.realise(distribution.select_step(index, wanted, release, self.base))
        names = set(self.store.read(selected.outputs["selected"]).decode().split())
        initrd = "".join(f"{package.name}\n" for package in packages if package.name in names)
        return {"index": self.store.put(index), "initrd": self.store.put(initrd.encode())}

    def have(self, packages: Sequence[Locked]) -> None:
        """Have packages in the store. Downloads those that are missing, each of them once."""
        if all(self.store.has(package.artifact) for package in packages):
            return
        with self.store.locked("download"):
            missing = [package for package in packages if not self.store.has(package.artifact)]
            if missing:
                self.fetch(missing)
                total = sum(package.size for package in missing)
                self.builder.say(f"{self.name}: {count(len(missing), 'package')} downloaded, {bytes_shown(total)}")

    def fetch(self, missing: Sequence[Locked]) -> None:
        """Download packages, each verified by its SHA-256."""
        distribution = self.distribution()
        slice_ = self.slice("packages")
        mirrors = distribution.mirrors(self.settings, slice_, self.load("about.json")["mirror"])
        lost = sorted({package.repository for package in missing} - mirrors.addresses.keys())
        if lost:
            raise DebateError(f"{self.name}: the lock names the archive {lost[0]!r}, of which no address is known; "
                              f"set {mirror_variable(lost[0])}")  # fmt: skip
        log = self.directory / "logs" / "packages.log"
        step = distribution.fetch_step(missing, mirrors, self.base)
        self.builder.activity.total = sum(package.size for package in missing)
        try:
            made = self.builder.run(step, log)
        except DebateError as error:
            reason = error.log and distribution.explain_fetch(log.read_text(errors="replace"), missing)
            if reason:
                raise DebateError(f"{reason}; run doit lock:{self.name} for what the mirror has now") from None
            raise error
        finally:
            self.builder.activity.total = 0
        for package in missing:
            if made.get(package.sha256) != package.artifact:
                raise DebateError(f"{package.path}: not what the lock says; run doit lock:{self.name}")

    def inspect(self, packages: Sequence[Locked]) -> list[bytes]:
        """What each package says of itself, read once for each package in the world."""
        distribution = self.distribution()
        keys_ = {}
        for package in packages:
            alone = distribution.inspect_step([package], self.base)
            ingredients = {**self.builder.ingredients(alone), "base": ""}
            keys_[package.sha256] = keys.key(ingredients)
        found = {sha256: self.store.lookup(key, ("stanza",)) for sha256, key in keys_.items()}
        unread = [package for package in packages if found[package.sha256] is None]
        made: Mapping[str, Artifact] = {}
        if unread:
            step = distribution.inspect_step(unread, self.base)
            made = self.builder.run(step, self.directory / "logs" / "inspect.log")
            for sha256, artifact in made.items():
                self.store.record(keys_[sha256], "inspect", {"stanza": artifact}, 0)
        return [
            self.store.read(action["outputs"]["stanza"] if (action := found[p.sha256]) else made[p.sha256])
            for p in packages
        ]

    def rootfs(self) -> Report:
        values, index, below = self.slice("rootfs"), self.outputs("packages")["index"], self.below()
        if below is None:
            added = self.locked()
            step = self.distribution().rootfs_step(added, index, values, self.base, epoch_of(values))
        else:
            there = {package.sha256 for package in below.locked()}
            added = [package for package in self.locked() if package.sha256 not in there]
            order = self.distribution().order_step(
                added, index, below.outputs("packages")["index"], values["release"], self.base
            )
            plan = self.realise(order).outputs["plan"] if order else None
            layers = below.package_layers()
            step = self.distribution().added_step(added, index, plan, values, layers, self.base, epoch_of(values))
        return self.finish(step, added)

    def initrd(self) -> Report:
        names = set(self.load("packages.json")["initrd"])
        packages = [package for package in self.locked() if package.name in names]
        epoch = epoch_of(self.slice("initrd"))
        step = self.distribution().initrd_step(packages, self.generator, self.base, epoch)
        return self.finish(step, packages)

    def overlay(self) -> Report:
        from debate.steps import overlay

        contents: dict[str, bytes | Path] = {
            digest: Path(where["path"]) if "path" in where else where["text"].encode("latin-1")
            for digest, where in self.load("contents.json").items()
        }
        step = overlay.step(self.slice("overlay"), contents, tuple(self.package_layers()), self.base)
        with self.places():
            return self.finish(step)

    def boot(self) -> Report:
        from debate.steps import boot

        return self.finish(boot.step(self.slice("boot"), self.base))

    def iso(self) -> Report:
        from debate.distributions.interface import LiveParts
        from debate.images import iso
        from debate.steps import boot

        initrd = self.outputs("initrd")
        layers = [(f"{number}-{name}", layer) for number, (name, layer) in enumerate(self.layers())]
        values, epoch = self.slice("iso"), self.load("hash.json")["epoch"]
        parts = LiveParts(initrd["kernel"], initrd["initrd"], layers, self.sha512, values["label"], epoch)
        live = self.distribution().live(self.generator, parts)
        menu = boot.menu(self.slice("boot"), live)
        step = iso.step(values, live, menu, self.outputs("boot"), epoch, self.base)
        return self.finish(step)

    def build(self) -> Report:
        from debate.images import results

        return results.write(self)

    # What several steps ask ------------------------------------------------------------------------

    def distribution(self) -> Distribution:
        return distributions.get(self.slice("packages")["distribution"])

    @property
    def generator(self) -> str:
        """What makes the initramfs."""
        name: str = self.slice("initrd")["generator"]
        return name

    def trusting(self, step: Step) -> Step:
        """``step`` with the keys by which it checks packages, which its own key does not know."""
        return replace(step, where={**step.where, **self.distribution().trust(self.settings, self.slice("packages"))})

    def below(self) -> Pipeline | None:
        """The profile on whose packages this one is installed."""
        name = self.slice("packages")["base"]
        return Pipeline(self.settings, name, self.builder) if name else None

    def package_layers(self) -> list[Artifact]:
        """The layers that hold packages, the lowest first."""
        below = self.below()
        return [*(below.package_layers() if below else []), self.outputs("rootfs")["layer"]]

    def layers(self) -> list[tuple[str, Artifact]]:
        """What each layer on the ISO holds, the lowest first."""
        overlay = self.outputs("overlay")["layer"]
        return [*(("packages", layer) for layer in self.package_layers()), ("overlay", overlay)]

    def sha512(self, layer: Artifact) -> str:
        """Of a layer on the ISO, in hex digits. One that stayed the same is not read again."""
        known: dict[str, str] = read_object(self.directory / "sha512.json")
        if layer.digest not in known:
            there = {layer.digest for _, layer in self.layers()}
            known = {digest: digits for digest, digits in known.items() if digest in there}
            known[layer.digest] = keys.sha512_file(self.store.path(layer))
            self.save("sha512.json", known)
        return known[layer.digest]

    def locked(self) -> list[Locked]:
        from debate.distributions.interface import Locked

        return [Locked(**fields) for fields in self.load("lock.json")["packages"]]


def epoch_of(values: Any) -> int:
    """A layer's epoch comes from its own slice: what else a profile says does not move it."""
    return keys.epoch(keys.key(values))
