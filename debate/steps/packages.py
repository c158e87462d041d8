"""Reads the metadata of the locked packages, and finds the kernel and what an initramfs needs.

If the result is in the cache, no package is downloaded; packages are then downloaded when a later step reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from debate import distributions, keys, managers
from debate.deferred import frozen
from debate.errors import Complaint, DebateError, StepError
from debate.managers.interface import INDEX_BYTES, STANZA_BYTES
from debate.steps import dated, initrd, lock, proof
from debate.steps.archives import Archives
from debate.steps.download import have
from debate.steps.listed import Listed
from debate.steps.rule import Rule
from debate.steps.tools import tools_for
from debate.text.amounts import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from debate.history.records import Report
    from debate.managers.interface import Holds, Mirrors
    from debate.model import Artifact, Locked, Step, Supplies
    from debate.steps.choices import Choices
    from debate.steps.work import Work

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SELECTED = Listed("the list of selected packages", _SHA256, can_be_empty=True)
_BUILDERS = Listed("the list of packages that modules are built with", _SHA256, can_be_empty=True)
_NEEDED = Listed("the list of the initramfs's packages", _SHA256)
_LISTS = {"initrd": _NEEDED, "modules": _BUILDERS}
"""Output -> the form of it. Each is a list of packages by SHA-256, in the order of the lock."""
_KERNEL = Listed("the version of the kernel", re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~-]{0,127}"), lines=1)


@frozen
class Slice:
    """Which kernel the system boots."""

    kernel: str
    """The package that has it, or needs the one that has it."""
    named: bool
    """True if the profile names that package."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        return cls(kernel=choices.kernel, named=choices.data["kernel"] is not None)


def make(work: Work) -> Report:
    """Record: the index of a repository with the locked packages, the SHA-256 of those that an initramfs needs and of
    those with which modules for it are built, and the version of the kernel.
    """
    from debate.history.records import record_of, report_of

    reader = _Reader(work)
    made = work.obtain(reader.ingredients(), reader.read, reader.check)
    outputs = made.outputs
    lists = {name: reader.listed(form, outputs[name]) for name, form in _LISTS.items()}
    work.save({**record_of(outputs), **lists, "kernel": reader.booted(outputs["kernel"])})
    return {**report_of(made), **work.remember(made), "note": count(len(reader.packages), "package")}


class _Reader:
    """Reads the packages of a profile."""

    def __init__(self, work: Work) -> None:
        from debate.steps.work import shipped

        self.work, self.packages = work, work.locked()
        self.request = work.slice(lock.Slice, "lock")
        self.boots = work.slice(Slice)
        self.initramfs = work.slice(initrd.Slice, "initrd")
        facts, compression = distributions.get(self.request.distribution), self.initramfs.compression
        generator = self.initramfs.generator
        layouts = facts.LAYOUTS.get(generator, ()) if self.initramfs.has_layout else ()
        network = facts.NETWORK[generator] if self.initramfs.network else ()
        self.makers = {*facts.TOOLS[generator], *facts.COMPRESSORS.get(compression, ()), *layouts, *network}
        """What makes the initramfs."""
        self.facts = facts
        self.manager = managers.get(self.request.distribution)
        below = work.below(self.request.base)
        # The base's step of this name has proven the base's.
        self.own = shipped(self.packages, below.locked()) if below else self.packages
        self.unproven = [*self.own, *(package for package in work.unpacked() if package not in self.own)]
        self.proof = proof.step_for(work, self.request, self.unproven)

    def ingredients(self) -> dict[str, Any]:
        """The ingredients of the key of the index."""
        work, tools = self.work, tools_for(self.work, self.request.distribution)
        return {
            "step": "packages",
            "packages": [replace(package, installed=0).to_json() for package in self.packages],
            "initramfs": [sorted(self.makers), self.initramfs.of_packages],
            "kernel": [self.boots.kernel, self.boots.named],
            "steps": {
                "proof": work.ingredients(self.proof),
                "inspect": work.ingredients(self.manager.inspect_step(self.packages, tools)),
                "select": work.ingredients(self.manager.select_step(b"", (), "", self.request.release, tools)),
            },
            # These make the outputs from what the sandboxes leave.
            "code": {**managers.code(), f"steps/{Path(__file__).name}": keys.sha256_file(Path(__file__))},
        }

    def read(self) -> dict[str, Artifact]:
        """Download and read the packages. Outputs: index, initrd, modules, kernel."""
        from debate.sandbox.image.lines import as_lines

        work = self.work
        if self.unproven:
            self.prove()
        have(work, self.packages)
        pairs = list(zip(self.packages, self.inspect(), strict=True))
        index = self.manager.index(pairs)
        every = {package.name for package in self.packages} if self.initramfs.of_packages else set()
        wanted = self.manager.initrd_wanted(pairs, self.makers | every)
        selected, kernels = self.selected(index, wanted)
        has = {package: self.manager.holds(stanza) for package, stanza in pairs}
        kernel = self.kernel(has, kernels)
        built: Sequence[Locked] = ()
        if any(holds.dkms for holds in has.values()):
            # dkms looks at the kernel's own modules, too.
            builders = [
                (package, stanza)
                for package, stanza in pairs
                if (holds := has[package]).dkms or holds.headers or kernel in holds.kernels
            ]
            names = {package.name for package, _ in builders}
            built, _ = self.selected(index, self.manager.initrd_wanted(builders, names))
        return {
            "index": work.store.put(index),
            "initrd": work.store.put(as_lines(package.sha256 for package in selected)),
            "modules": work.store.put(as_lines(package.sha256 for package in built)),
            "kernel": work.store.put(kernel.encode()),
        }

    def selected(self, index: bytes, wanted: Sequence[str]) -> tuple[list[Locked], list[Locked]]:
        """What ``wanted``, and apart from that the kernel's package, need, themselves included."""
        step = self.manager.select_step(index, wanted, self.boots.kernel, self.request.release, self.work.tools)
        made = self.work.realise(step, check=lambda made: [self.named(made[output]) for output in step.outputs])

        def chosen(output: str) -> list[Locked]:
            named = self.named(made.outputs[output])  # Others than those of the lock count for nothing.
            return [package for package in self.packages if package.sha256 in named]

        return chosen("selected"), chosen("kernel")

    def kernel(self, has: Mapping[Locked, Holds], needed: Sequence[Locked]) -> str:
        """The version of the kernel that the system boots: the one in the packages ``needed`` by the kernel's package.

        ``has``: what each package of the lock has. Raises StepError if there is not exactly one, if the profile does
        not say which of several it means, or if modules would be built for another.
        """
        named, base = self.boots.kernel, self.request.base
        kernels = {version: package.name for package, holds in has.items() for version in holds.kernels}
        found = sorted({version for package in needed for version in has[package].kernels})
        if len(found) != 1:
            fact = (
                f"{named} has more than one kernel: {', '.join(found)}"
                if found
                else (f"neither {named} nor what it needs has a kernel")
            )
            raise _refused("kernel" if self.boots.named else "packages", fact, "name the package of one kernel")
        [version] = found
        if len(kernels) > 1 and not self.boots.named:
            every = ", ".join(f"{name} ({version})" for version, name in sorted(kernels.items()))
            raise _refused("packages", f"there is more than one kernel: {every}", "say which one boots with `kernel:`")
        headers = {version: package.name for package, holds in has.items() for version in holds.headers}
        if headers and version not in headers:
            fact = f"{', '.join(sorted(headers.values()))}: the kernel that boots is {version}, and these are another's"
            refresh = f"refresh the base's kernel with doit lock:{base}, or " if base else ""
            raise _refused("packages", fact, f"{refresh}name the headers of that version")
        sources = sorted({package.name for package, holds in has.items() if holds.dkms})
        if sources and not headers:
            fact = f"has modules as source, and no package has the headers of the kernel {version} to build them"
            remedy = f"add {self.facts.headers(self.boots.kernel, version)}"
            raise StepError("", complaints=[Complaint("packages", name, f"{name} {fact}", remedy) for name in sources])
        return version

    def named(self, listed: Artifact) -> set[str]:
        """SHA-256 of each package in an output of `select_step`. Raises DebateError."""
        return {match[0] for match in _SELECTED.read(self.work.store, listed)}

    def listed(self, form: Listed, output: Artifact) -> list[str]:
        """SHA-256 of each package in an output of `_LISTS`. Raises DebateError unless all are in the lock."""
        found = [match[0] for match in form.read(self.work.store, output, len(self.packages))]
        known = set(found)
        if found != [package.sha256 for package in self.packages if package.sha256 in known]:
            raise DebateError(f"{form.what} has others than the lock's", place="packages")
        return found

    def booted(self, listed: Artifact) -> str:
        """The output ``kernel``. Raises DebateError unless it is one version."""
        [found] = _KERNEL.read(self.work.store, listed)
        return found[0]

    def check(self, outputs: Mapping[str, Artifact]) -> None:
        """Raise DebateError if outputs, whoever made them, are not those of the lock's packages."""
        for name, form in _LISTS.items():
            self.listed(form, outputs[name])
        self.booted(outputs["kernel"])
        if not self.manager.is_index(self.work.store.read(outputs["index"], INDEX_BYTES), self.packages):
            raise DebateError("the index is not one of the lock's packages", place="packages")

    def prove(self) -> None:
        """Have the packages proven. Raises DebateError.

        Of a lock whose own indexes are not here, the archives may name some packages no longer: then those of its date
        are asked.
        """
        work = self.work
        try:
            work.realise(self.proof, self.evidence)
        except DebateError as error:
            step = self.manager.indexes_step(self.request, work.tools)
            if step is None or self.has_indexes():
                raise
            for mirrors in dated.mirrors(work, self.request, whole=True):
                with suppress(DebateError):
                    work.realise(self.proof, partial(self.of_indexes, step, mirrors))
                    work.say(
                        f"{work.name}: proven by the dated archive; the archives' indexes of today lack some packages"
                    )
                    return
            raise error

    def has_indexes(self) -> bool:
        """True if the signed indexes that the lock names are here."""
        indexes = proof.indexes_of(self.work.record("lock"))
        return indexes is not None and self.work.store.has(indexes)

    def evidence(self) -> Supplies:
        """What a run of the proof needs in addition: the packages are here, or the signed indexes are."""
        work = self.work
        step = self.manager.indexes_step(self.request, work.tools)
        if step is None:
            have(work, self.unproven)
            return self.needed()
        indexes = proof.indexes_of(work.record("lock"))
        if indexes is not None and work.store.has(indexes):
            return self.needed(indexes=indexes)
        archives = Archives.of(work, self.request)
        with archives.told():
            return self.of_indexes(step, archives.mirrors)

    def of_indexes(self, step: Step, mirrors: Mirrors) -> Supplies:
        """The same, with the indexes that ``mirrors`` have."""
        supplies = self.manager.lock_supplies(self.work.settings, self.request, mirrors)
        return self.needed(indexes=self.work.run(step, supplies)["indexes"])

    def needed(self, **inputs: Artifact) -> Supplies:
        from debate.model import Supplies

        return Supplies(files={"remedy": f"run doit lock:{self.work.name}".encode()}, inputs=inputs)

    def inspect(self) -> list[bytes]:
        """The metadata of each package. It is cached per package, for all profiles.

        Raises DebateError with a problem for each package whose own is not valid.
        """
        work, store = self.work, self.work.store
        keys_, found = dict[str, str](), dict[str, bytes]()
        for package in self.packages:
            alone = self.manager.inspect_step([package], work.tools)
            key = keys_[package.sha256] = keys.key({**work.ingredients(alone), "tools": ""})
            action = store.lookup(key, ("stanza",))
            if action:
                stanza, fault = self.content(package, action.outputs["stanza"])
                if not fault:
                    found[package.sha256] = stanza
        unread = [package for package in self.packages if package.sha256 not in found]
        made = work.run(self.manager.inspect_step(unread, work.tools)) if unread else {}
        complaints = []
        for package in unread:
            stanza, fault = self.content(package, made[package.sha256])
            if fault:
                fact = f"{package.name} {package.version} is refused: {fault}"
                complaints.append(Complaint("packages", package.name, fact, "leave the package out"))
                continue
            store.record(keys_[package.sha256], "inspect", {"stanza": made[package.sha256]}, 0)
            found[package.sha256] = stanza
        if complaints:
            raise StepError("", complaints=complaints)
        return [found[package.sha256] for package in self.packages]

    def content(self, package: Locked, stanza: Artifact) -> tuple[bytes, str]:
        """The metadata of a package, and what is wrong with it; that is empty if nothing is."""
        if stanza.size > STANZA_BYTES:
            return b"", "its control data is too large"
        data = self.work.store.read(stanza, STANZA_BYTES)
        return data, self.manager.fault(package, data)


def _refused(field: str, fact: str, remedy: str) -> StepError:
    return StepError("", complaints=[Complaint(field, "", fact, remedy)])


RULE = Rule(
    name="packages",
    doc="download and verify packages",
    make=make,
    slice=Slice,
    slices=("lock", "initrd"),
    needs=("lock", "mirrors"),
    below=("lock",),
    tools=True,
    rights=("data", "apart", "fetch"),
    outputs=("index", "initrd", "modules", "kernel"),
)
