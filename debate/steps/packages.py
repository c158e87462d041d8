"""What the locked packages say of themselves, and which of them an initramfs needs.

Where that is known already, no package is downloaded for it: those that a later step reads are downloaded then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from debate import PACKAGE, keys
from debate.errors import DebateError
from debate.steps import initrd, lock
from debate.steps.base import base_for
from debate.steps.rule import Rule
from debate.text.amounts import bytes_shown, count

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.managers.interface import Manager
    from debate.model import Artifact, Locked, Supplies
    from debate.steps.work import Work


def make(work: Work) -> Report:
    """Record: the index of a repository of the locked packages, and names of those that an initramfs needs."""
    from debate.history.records import record_of, report_of

    reader = _Reader(work)
    made = work.obtain(reader.ingredients(), reader.read)
    names = work.store.read(made.outputs["initrd"]).decode().split()
    work.save({**record_of(made.outputs), "initrd": names})
    return {**report_of(made), **work.remember(made), "note": count(len(reader.packages), "package")}


class _Reader:
    """Reads the packages of one profile."""

    def __init__(self, work: Work) -> None:
        from debate import distributions

        self.work, self.packages = work, work.locked()
        self.request = work.slice(lock.Slice, "lock")
        self.generator = work.slice(initrd.Slice, "initrd").generator
        self.manager = _manager(self.request.distribution)
        facts = distributions.get(self.request.distribution)
        self.code = (f"distributions/{facts.NAME}.py", f"managers/{facts.MANAGER}.py")
        """Modules that decide what is in the index."""

    def ingredients(self) -> dict[str, Any]:
        """What the index depends on."""
        builder, base = self.work.builder, base_for(self.work, self.request.distribution)
        return {
            "step": "packages",
            "packages": [package.to_json() for package in self.packages],
            "generator": self.generator,
            "inspect": builder.ingredients(self.manager.inspect_step(self.packages, base)),
            "select": builder.ingredients(self.manager.select_step(b"", (), self.request.release, base)),
            "code": {path: keys.sha256_file(PACKAGE / path) for path in self.code},
        }

    def read(self) -> dict[str, Artifact]:
        """Download and read the packages. Outputs: index, initrd."""
        work = self.work
        have(work, self.packages)
        pairs = list(zip(self.packages, self.inspect(), strict=True))
        index = self.manager.index(pairs)
        wanted = self.manager.initrd_wanted(pairs, self.generator)
        selected = work.realise(self.manager.select_step(index, wanted, self.request.release, work.base))
        names = set(work.store.read(selected.outputs["selected"]).decode().split())
        initrd_ = "".join(f"{package.name}\n" for package in self.packages if package.name in names)
        return {"index": work.store.put(index), "initrd": work.store.put(initrd_.encode())}

    def inspect(self) -> list[bytes]:
        """What each package says of itself, read once for each package in the world."""
        work, store = self.work, self.work.store
        keys_ = {}
        for package in self.packages:
            alone = self.manager.inspect_step([package], work.base)
            keys_[package.sha256] = keys.key({**work.builder.ingredients(alone), "base": ""})
        found = {sha256: store.lookup(key, ("stanza",)) for sha256, key in keys_.items()}
        unread = [package for package in self.packages if found[package.sha256] is None]
        made: Mapping[str, Artifact] = {}
        if unread:
            made = work.run(self.manager.inspect_step(unread, work.base))
            for sha256, artifact in made.items():
                store.record(keys_[sha256], "inspect", {"stanza": artifact}, 0)
        return [
            store.read(action["outputs"]["stanza"] if (action := found[p.sha256]) else made[p.sha256])
            for p in self.packages
        ]


def supplier(work: Work, packages: Sequence[Locked]) -> Callable[[], Supplies]:
    """For a step that reads ``packages``: they are downloaded when it has to run, and their keyrings are shown."""

    def supply() -> Supplies:
        from debate.model import Supplies

        request = work.slice(lock.Slice, "lock")
        have(work, packages)
        return Supplies(files=_manager(request.distribution).trust(work.settings, request))

    return supply


def have(work: Work, packages: Sequence[Locked]) -> None:
    """Have packages in the store. Downloads those that are missing, each of them once. Raises DebateError."""
    store = work.store
    if all(store.has(package.artifact) for package in packages):
        return
    with store.locked("download"):
        missing = [package for package in packages if not store.has(package.artifact)]
        if missing:
            _fetch(work, missing)
            total = sum(package.size for package in missing)
            work.builder.say(f"{work.name}: {count(len(missing), 'package')} downloaded, {bytes_shown(total)}")


def _fetch(work: Work, missing: Sequence[Locked]) -> None:
    """Download packages, each verified by its SHA-256."""
    from debate.settings import mirror_variable

    request = work.slice(lock.Slice, "lock")
    manager = _manager(request.distribution)
    mirrors = manager.mirrors(work.settings, request, work.record("mirror")["mirror"])
    lost = sorted({package.repository for package in missing} - mirrors.addresses.keys())
    if lost:
        raise DebateError(f"the lock names the archive {lost[0]!r}, whose address is unknown",
                          f"set {mirror_variable(lost[0])}", place=work.name)  # fmt: skip
    step = manager.fetch_step(missing, work.base)
    log = work.log(step)
    work.builder.activity.total = sum(package.size for package in missing)
    try:
        made = work.run(step, manager.fetch_supplies(missing, mirrors))
    except DebateError as error:
        problem = manager.explain_fetch(log.read_text(errors="replace"), missing) if error.log else ""
        if problem:
            raise DebateError(problem, f"run doit lock:{work.name} for what the mirror has now") from None
        raise
    finally:
        work.builder.activity.total = 0
    for package in missing:
        if made.get(package.sha256) != package.artifact:
            remedy = f"run doit lock:{work.name}"
            raise DebateError("the mirror has another file than the lock says", remedy, place=package.path)


def _manager(distribution: str) -> Manager:
    from debate import managers

    return managers.get(distribution)


RULE = Rule(
    name="packages",
    doc="download and verify packages",
    make=make,
    slices=("lock", "initrd"),
    needs=("lock", "mirror"),
    base=True,
    rights=("data", "fetch"),
    outputs=("index", "initrd"),
)
