"""Looks for what must not be in an image: private keys, tokens, and what must differ between machines.

Each layer, and the initramfs, is searched by itself, in a sandbox, and what is found in it is cached. So an edit of an
overlay costs a look at the upper layer alone. A layer cannot lose what is in a layer below it: whoever has the ISO can
read that all the same. A file that is as its package has it is no secret of this image, for every machine with that
package has it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from debate import keys
from debate.deferred import frozen
from debate.errors import Complaint, DebateError, StepError
from debate.steps import initrd, overlay
from debate.steps.rule import Rule
from debate.text.amounts import count
from debate.text.paths import fits_stars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from debate.artifact import Artifact
    from debate.cache.store import Store
    from debate.history.records import Report
    from debate.model import Step
    from debate.steps.work import Work

_BYTES, _MOST = 8 << 20, 50_000
"""Maximum size of what is found in a layer, and number of its files, with those that packages have."""
_NAME = rb"[A-Za-z0-9][A-Za-z0-9@+._-]{0,254}"
_FOUND = re.compile(
    rb"((?:[a-z][ -~]{0,127})?)\0((?!/)[^\0]+(?<!/))\0((?:[0-9a-f]{64})?)\0((?:%b(?:,%b){0,2})?)" % (_NAME, _NAME)
)
"""What secrets.sh writes about a file: see `Found`."""
_SHOWN = 20
"""Maximum number of files that are named."""
_ALLOW = "name it in secrets.allow if everybody who has the ISO may have it"


@frozen
class Found:
    """A file of a layer that is, or looks like, a secret."""

    what: str
    """In words; empty if the file is as its package has it."""
    path: str
    """Without a leading slash."""
    sha256: str
    """Empty if the file was not read."""
    packages: str
    """Those that own it, or else seem to have made it, with commas between them; may be empty."""


def make(work: Work) -> Report:
    """Record: output found, of the upper layer. Raises StepError for what `secrets.allow` does not name."""
    from debate.history.records import record_of, report_of
    from debate.steps.work import layers_of

    layers = [*layers_of(work.record("rootfs")), work.outputs("overlay")["layer"]]
    searched = {"-initrd": work.outputs("initrd")["initrd"]}
    searched |= {f"-{number}": layer for number, layer in enumerate(layers[:-1])} | {"": layers[-1]}

    def check(outputs: Mapping[str, Artifact]) -> list[Found]:
        return read(work.store, outputs["found"])

    results = [work.realise(step(end, what, work.tools), check=check) for end, what in searched.items()]
    in_initrd, *in_layers = [check(result.outputs) for result in results]
    found = secret(in_layers)
    allow: list[str] = work.record("about")["secrets"]["allow"]
    contents = work.record("contents")
    named = {
        (entry.path, entry.digest): "overlays" if "path" in contents.get(entry.digest, ()) else "files"
        for entry in work.slice(overlay.Slice, "overlay").tree
        if entry.digest
    }
    complaints = []
    for number, each in found:
        if not _fits(each, allow):
            complaints.append(_of_packages(each) if number < len(layers) - 1 else _of_profile(each, named))
    files = work.slice(initrd.Slice, "initrd").files
    complaints += [_of_initrd(each, files) for each in added(in_initrd, in_layers) if not _fits(each, allow)]
    every = [each for _, each in found] + [each for each in in_initrd if each.what]
    complaints += [_useless(pattern) for pattern in allow if not any(_fits(each, [pattern]) for each in every)]
    if complaints:
        more = len(complaints) - _SHOWN
        rest = [Complaint("", "", f"{count(more, 'more file')} of this kind")] if more > 0 else []
        raise StepError("", complaints=[*complaints[:_SHOWN], *rest])
    work.save(record_of(results[-1].outputs))
    note = {"note": f"{count(len({each.path for each in every}), 'file')} allowed"} if every else {}
    told = next((result for result in results if result.source == "built"), results[-1])
    return {**report_of(told), **work.remember(results[-1]), **note}


def step(end: str, searched: Artifact, tools: Artifact) -> Step:
    """Output: found. ``end`` of its name: -NUMBER of a layer of packages, -initrd, or nothing for the upper layer."""
    from debate.model import Command, Step

    is_layer = end != "-initrd"
    return Step(
        name=f"secrets{end}",
        commands=(Command("secrets.sh", show_layers=is_layer),),
        outputs=("found",),
        epoch=0,
        inputs={} if is_layer else {"initrd": searched},
        layers=(searched,) if is_layer else (),
        tools=tools,
    )


def read(store: Store, artifact: Artifact) -> list[Found]:
    """What secrets.sh wrote about a layer. Raises DebateError for anything else, or for more than it has room for."""
    data = store.read(artifact, _BYTES) if artifact.size <= _BYTES else b""
    if artifact.size > _BYTES or data.count(b"\0") > 4 * _MOST:
        fact = f"more than {_MOST:,} files, or files with {_BYTES:,} bytes of names, look like secrets"
        raise DebateError(fact, "leave out what brings them", place="secrets")
    *fields, rest = data.split(b"\0")
    found = []
    for start in range(0, len(fields) + bool(rest), 4):
        match = _FOUND.fullmatch(b"\0".join(fields[start : start + 4]))
        if match is None or rest or b"//" in match[2]:
            raise DebateError("what was found is malformed", "run the same command again", place="secrets")
        found.append(Found(*(field.decode(errors="replace") for field in match.groups())))
    return found


def secret(layers: Sequence[Iterable[Found]]) -> list[tuple[int, Found]]:
    """The secrets of an image, each with the number of its layer, from what is in the layers, the lowest first.

    A file that is copied from a layer below as its package has it, such as for another mode, is none.
    """
    shipped: set[tuple[str, str]] = set()
    found = []
    for number, layer in enumerate(layers):
        for each in layer:
            if not each.what:
                shipped.add((each.path, each.sha256))
            elif (each.path, each.sha256) not in shipped:
                found.append((number, each))
    return found


def added(initrd: Iterable[Found], layers: Iterable[Iterable[Found]]) -> list[Found]:
    """The secrets of an initramfs that are no copies of files in the layers: what is told or shipped there, is told."""
    known = {each.sha256 for layer in layers for each in layer if each.sha256}
    return [each for each in initrd if each.what and each.sha256 not in known]


def _fits(found: Found, allow: Iterable[str]) -> bool:
    return any(fits_stars(f"/{found.path}", pattern) for pattern in allow)


def _of_packages(found: Found) -> Complaint:
    """What to say about a file of a layer of packages. A hook could not remove it: that layer would still have it."""
    names = found.packages.split(",")
    made = f"; {' or '.join(names)} left it" if found.packages else ""
    return Complaint("packages", names[0], f"{_fact(found)}{made}", f"leave the package out, or {_ALLOW}")


def _of_profile(found: Found, named: Mapping[tuple[str, str], str]) -> Complaint:
    """What to say about a file of the upper layer. ``named`` has the field of each file of the profile."""
    field = named.get((f"/{found.path}", keys.digest(found.sha256)))
    if field:
        return Complaint(field, f"/{found.path}", _fact(found), f"leave it out, or {_ALLOW}")
    return Complaint("hooks", "", f"{_fact(found)}; a hook left it", f"remove it at the end of the hook, or {_ALLOW}")


def _of_initrd(found: Found, files: Iterable[str]) -> Complaint:
    """What to say about a file of the initramfs alone. ``files``: those that the profile names for it."""
    fact = _fact(found, " of the initramfs")
    if f"/{found.path}" in files:
        return Complaint("initrd.files", f"/{found.path}", fact, f"leave it out, or {_ALLOW}")
    remedy = f"leave out the package or the hook that adds it, or {_ALLOW}"
    return Complaint("initrd", "", f"{fact}; a hook of its generator left it", remedy)


def _fact(found: Found, where: str = "") -> str:
    return f"/{found.path}{where} is {found.what}, and all machines that boot the ISO would share it"


def _useless(pattern: str) -> Complaint:
    fact = f"nothing that was found is {pattern}"
    return Complaint("secrets.allow", pattern, fact, "correct the path, or leave it out")


RULE = Rule(
    name="secrets",
    doc="look for secrets in the layers and the initramfs",
    make=make,
    slices=("overlay", "initrd"),
    needs=("rootfs", "overlay", "initrd", "about", "contents"),
    tools=True,
    rights=("data",),
    outputs=("found",),
    compared=False,  # What is found follows from the layers.
)
