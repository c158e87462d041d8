"""Reads the metadata of the locked packages, and finds those that an initramfs needs.

If the result is in the cache, no package is downloaded; packages are then downloaded when a later step reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys, managers
from debate.steps import initrd, lock
from debate.steps.download import have
from debate.steps.rule import Rule
from debate.steps.tools import tools_for
from debate.text.amounts import count

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.model import Artifact
    from debate.steps.work import Work


def make(work: Work) -> Report:
    """Record: the index of a repository with the locked packages, and the SHA-256 of those that an initramfs needs."""
    from debate.history.records import record_of, report_of

    reader = _Reader(work)
    made = work.obtain(reader.ingredients(), reader.read)
    needed = work.store.read(made.outputs["initrd"]).decode().split()
    work.save({**record_of(made.outputs), "initrd": needed})
    return {**report_of(made), **work.remember(made), "note": count(len(reader.packages), "package")}


class _Reader:
    """Reads the packages of a profile."""

    def __init__(self, work: Work) -> None:
        self.work, self.packages = work, work.locked()
        self.request = work.slice(lock.Slice, "lock")
        self.generator = work.slice(initrd.Slice, "initrd").generator
        self.manager = managers.get(self.request.distribution)

    def ingredients(self) -> dict[str, Any]:
        """The ingredients of the key of the index."""
        work, tools = self.work, tools_for(self.work, self.request.distribution)
        return {
            "step": "packages",
            "packages": [package.to_json() for package in self.packages],
            "generator": self.generator,
            "steps": {
                "inspect": work.ingredients(self.manager.inspect_step(self.packages, tools)),
                "select": work.ingredients(self.manager.select_step(b"", (), self.request.release, tools)),
            },
            # These make the outputs from what the sandboxes leave.
            "code": {**managers.code(), f"steps/{Path(__file__).name}": keys.sha256_file(Path(__file__))},
        }

    def read(self) -> dict[str, Artifact]:
        """Download and read the packages. Outputs: index, initrd."""
        from debate.sandbox.image.lines import as_lines

        work = self.work
        have(work, self.packages)
        pairs = list(zip(self.packages, self.inspect(), strict=True))
        index = self.manager.index(pairs)
        wanted = self.manager.initrd_wanted(pairs, self.generator)
        selected = work.realise(self.manager.select_step(index, wanted, self.request.release, work.tools))
        lines = work.store.read(selected.outputs["selected"]).decode().splitlines()
        chosen = {tuple(line.split()) for line in lines}
        needed = as_lines(p.sha256 for p in self.packages if (p.name, p.architecture) in chosen)
        return {"index": work.store.put(index), "initrd": work.store.put(needed)}

    def inspect(self) -> list[bytes]:
        """The metadata of each package. It is cached per package, for all profiles."""
        work, store = self.work, self.work.store
        keys_ = {}
        for package in self.packages:
            alone = self.manager.inspect_step([package], work.tools)
            keys_[package.sha256] = keys.key({**work.ingredients(alone), "tools": ""})
        found = {sha256: store.lookup(key, ("stanza",)) for sha256, key in keys_.items()}
        unread = [package for package in self.packages if found[package.sha256] is None]
        made: Mapping[str, Artifact] = {}
        if unread:
            made = work.run(self.manager.inspect_step(unread, work.tools))
            for sha256, artifact in made.items():
                store.record(keys_[sha256], "inspect", {"stanza": artifact}, 0)
        return [
            store.read(action.outputs["stanza"] if (action := found[p.sha256]) else made[p.sha256])
            for p in self.packages
        ]


RULE = Rule(
    name="packages",
    doc="download and verify packages",
    make=make,
    slices=("lock", "initrd"),
    needs=("lock", "mirror"),
    tools=True,
    rights=("data", "fetch"),
    outputs=("index", "initrd"),
)
