"""Chooses the exact packages of a profile: see `debate.profile.lockfile`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from debate import distributions, keys, managers
from debate.deferred import frozen
from debate.errors import Complaint, DebateError, Problem, StepError
from debate.host.files import write_atomically
from debate.managers.interface import INDEX_BYTES, SECURITY, Held, Repository, Request
from debate.profile import files, profile_names
from debate.profile.profile_names import committed
from debate.steps import implied, proof
from debate.steps.archives import Archives
from debate.steps.listed import Listed, for_people
from debate.steps.rule import Option, Rule
from debate.steps.tools import tools_for
from debate.text.amounts import count
from debate.text.openpgp import public_keys
from debate.text.printable import quoted
from debate.text.suggest import suggest

if TYPE_CHECKING:
    from pathlib import Path

    from debate.history.records import Report
    from debate.managers.interface import Mirrors
    from debate.model import Artifact, Locked, Step
    from debate.profile.node import Node
    from debate.settings import Settings
    from debate.steps.choices import Choices
    from debate.steps.work import Work


_SYSTEM = ("distribution", "release", "architecture")
"""Fields of a lock that are those of the profile."""
_RESOLVED = Listed("what the package manager chose", re.compile(r"[\t -~]+"), place="lock", can_be_empty=True)
_ARCHIVES = Listed(
    "the list of archives", re.compile(r"([!-~]{1,64}) ([!-~]{1,255}) ([!-~]{1,64})"), place="lock", lines=1000
)
_REMARKS = for_people("remark", "lock", 1 << 18)


@frozen
class Slice(Request):
    """The request to the package manager's resolver."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        data = choices.data
        return cls(
            **choices.system,
            components=tuple(sorted(set(data["components"]))),
            snapshot=data["snapshot"],
            repositories=tuple(_repositories(choices)),
            recommends=data["recommends"],
            packages=tuple(sorted(_packages(choices))),
            base=_base(choices),
            unpacked=choices.unpacked,
        )

    def to_json(self) -> dict[str, Any]:
        """JSON without what a profile does not ask for, as locks of older versions have it in `request`."""
        from debate.steps.work import json_values

        values: dict[str, Any] = json_values(self)
        return values if self.unpacked else {name: values[name] for name in values if name != "unpacked"}


def _packages(choices: Choices) -> set[str]:
    """What to ask for: names, or NAME=VERSION. A name with a version stands for the name alone, too."""
    named = choices.data["packages"]
    pinned: dict[str, str] = {}
    for number, word in enumerate(named):
        name, _, version = word.partition("=")
        if version and pinned.setdefault(name, version) != version:
            fact = f"packages: {name} is named with version {pinned[name]} and with version {version}"
            choices.problem(("packages", number), fact, "keep one")
    return {word for word in (*named, *implied.fields(choices.data)) if word not in pinned}


def _repositories(choices: Choices) -> list[Repository]:
    found = []
    for number, node in choices.nodes("repositories"):
        fields = choices.data["repositories"][number]
        if fields["name"] in choices.distribution.RESERVED:
            choices.problem(("repositories", number, "name"), "that name belongs to the distribution", "choose another")
        for field in sorted(node.value.keys() - {"name", "url", "key", *choices.distribution.REPOSITORY_FIELDS}):
            fact = f"a repository of {choices.data['distribution']} has no {field}"
            choices.problem(("repositories", number, field), fact, "leave it out")
        key = _public_keys(choices, number, node.value["key"])
        for place, suite in enumerate(fields["suites"]):
            if suite.endswith("/"):
                fact = f"{suite!r} is a directory without components, which is not supported"
                remedy = "use a repository with dists/SUITE/, or put one around these packages"
                choices.problem(("repositories", number, "suites", place), fact, remedy)
        suites, components = sorted(set(fields["suites"])), sorted(set(fields["components"]))
        found.append(
            Repository(
                name=fields["name"],
                key=key.decode("latin-1"),
                suites=tuple(suites),
                components=tuple(components),
            )
        )
    return sorted(found, key=lambda repository: repository.name)


def _public_keys(choices: Choices, number: int, node: Node) -> bytes:
    """The keys of a repository. Notes a problem if there are none in their file."""
    content = choices.read(node, "key")
    try:
        return public_keys(content) if content is not None else b""
    except DebateError as error:
        [problem] = error.problems
        choices.problem(("repositories", number, "key"), f"key {node.value!r} {problem.fact}", problem.remedy)
    return b""


def _base(choices: Choices) -> str | None:
    """The base profile, on whose packages this one is installed. Notes a problem if it does not fit."""
    own, directory = choices.profile.name, choices.directory
    name: str | None = choices.data["base"]
    if name != profile_names.base(directory, own):
        choices.problem(("base",), "base must be on a line of its own: `base: NAME`", "move it")
        return None
    if name is None:
        return None
    if profile_names.endless(directory, own):
        choices.problem(("base",), *profile_names.why_endless(directory, own))
        return name
    of, its = files.where(directory, name)
    if its.startswith("_") or not files.exists(of, f"{its}.yaml"):
        known = [known for known in profile_names.names(directory) if known != own]
        choices.problem(("base",), f"base: no profile {name!r} can be built", suggest(name, known))
        return name
    sources, values = files.once(directory, f"base {name}", lambda: _as_base(directory, name))
    choices.sources += sources
    other = {**values}
    other["kernel"] = other["kernel"] or choices.distribution.default_kernel(other["architecture"])
    own_values = {**choices.data, "kernel": choices.kernel}
    for field in ("distribution", "release", "architecture", "kernel", "initrd"):
        mine, its = own_values[field], other[field]
        label = field
        if field == "initrd":
            label, mine, its = "initrd.generator", mine["generator"], its["generator"]
        if its == mine:
            continue
        fact = f"{label} is {mine!r}, and that of the base {name!r} is {its!r}"
        choices.problem((field if field in choices.profile.root.value else "base",), fact, "make them the same")
        if field == "distribution":
            break  # The others depend on it.
    for number, glob in enumerate(choices.data["image"]["exclude"]):
        if not any(_is_within(glob, its) for its in other["image"]["exclude"]):
            fact = f"image.exclude: the base {name!r} does not exclude {glob}, so files of its packages stay"
            choices.problem(
                ("image", "exclude", number), fact, "exclude it there, too, or remove the files in a hook instead"
            )
    _tell_of_the_base(choices, name, other)
    return name


def _tell_of_the_base(choices: Choices, name: str, other: Mapping[str, Any]) -> None:
    """Note the fields of the profile that say nothing of what its base has: its layers stay as they are."""
    mine, its = choices.compression_of(choices.data), choices.compression_of(other)
    image = choices.profile.root.value.get("image")
    if mine != its and image is not None and "compression" in image.value:
        choices.told.append(
            f"image.compression: {mine} is for this profile's own layers; those of the base {name!r} are {its}"
        )
    if choices.data["image"]["epoch"] != other["image"]["epoch"]:
        mine, its = choices.data["image"]["epoch"], other["image"]["epoch"]
        choices.told.append(
            f"image.epoch: {mine} is for this profile's own layers; those of the base {name!r} have dates of {its}"
        )
    more = [glob for glob in other["image"]["exclude"] if glob not in choices.data["image"]["exclude"]]
    choices.tell_of_messages(more, f"image.exclude of the base {name!r}")
    if choices.data["recommends"] and not other["recommends"]:
        choices.told.append(f"recommends: is for this profile's own packages; those of the base {name!r} bring none")
    moment = choices.data["snapshot"]
    if moment not in (None, other["snapshot"]):
        when = f"of {other['snapshot']}" if other["snapshot"] else "those that its lock chose"
        choices.told.append(
            f"snapshot: {moment} is for this profile's own packages; those of the base {name!r} are {when}"
        )


def _as_base(directory: Path, name: str) -> tuple[tuple[Path, ...], Mapping[str, Any]]:
    """Files and values of a profile."""
    from debate.profile.chosen import chosen
    from debate.profile.load import load

    below = load(directory, name)
    return below.sources, chosen(below)


def _is_within(glob: str, other: str) -> bool:
    """True if ``other`` surely fits all that ``glob`` fits: it has no wildcards but *, and fits the text of it."""
    return glob == other or (not {*"?["} & {*other} and fnmatchcase(glob, other))


def make(work: Work) -> Report:
    """Write a lock that fits the package list to the output directory."""
    return {**_Locker(work).run(), **work.remember()}


class _Locker:
    """Makes, checks and refreshes the lock of a profile."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.path = committed(work.settings.profiles, work.name)
        self.wanted = work.slice(Slice)
        self.request = _request(self.wanted)
        self.below = work.below(self.wanted.base)
        self.packages_below = self.below.locked() if self.below else []
        self.remarks: list[str] = []
        """What the package manager passed over when it resolved the list."""

    def run(self) -> dict[str, Any]:
        from debate.profile import lockfile
        from debate.profile.lockfile import packages_of

        pinned, refresh = os.path.lexists(self.path), self.work.refresh
        if pinned and refresh and self.path != profile_names.own_lock(self.work.settings.profiles, self.work.name):
            fact = "debate ships this profile with its lock"
            remedy = f"doit pin:{self.work.name} makes one here, which can be refreshed"
            raise DebateError(fact, remedy, place=f"lock:{self.work.name}")
        old = lockfile.read(self.path) if pinned else self.kept()
        misfits = self.misfits(old) if old is not None else []
        if misfits and pinned and not refresh and self.work.settings.lock == "refuse":
            raise DebateError.of(misfits)
        fits = old is not None and not misfits
        if old is not None and fits and not refresh:
            self.work.save(old)
            state = "pinned" if pinned else "lock unchanged"
            if "archives" not in old:
                state += f", of archives that it does not name (doit lock:{self.work.name} does)"
            return {"note": _noted(old, state)}
        new = self.resolve(self.held(old))
        if old is not None and _chosen(old) == _chosen(new) and ("indexes" not in new or self.has_indexes(old)):
            new = old  # Other indexes that say the same are no change.
        if pinned:
            write_atomically(self.path, lockfile.to_text(new).encode())
        self.work.save(new)
        changes = lockfile.differences(old, new) if old else []
        note = _noted(new, (f"{len(changes)} changed" if changes else "nothing changed") if old else "")
        unasked = self.unasked([*packages_of(new), *packages_of(new, "unpacked")])
        return {"note": note, "lines": [*map(str, changes), *unasked, *self.remarks]}

    def held(self, old: Mapping[str, Any] | None) -> Held | None:
        """What keeps its version, if the user asked for some packages alone. Raises DebateError."""
        from debate.profile.lockfile import packages_of

        options, place = self.work.options, f"lock:{self.work.name}"
        named = [name for name in str(options.get("package", "")).split(",") if name]
        security = bool(options.get("security"))
        if not named and not security:
            return None
        facts = distributions.get(self.wanted.distribution)
        if not facts.PARTIAL_UPGRADES:
            fact = f"{facts.TITLE} knows no upgrades of some packages without the others"
            raise DebateError(fact, f"run doit {place}", place=place)
        archives = [archive for archive, _ in managers.get(self.wanted.distribution).suites(self.wanted)]
        if security and not any(archive.endswith(SECURITY) for archive in archives):
            fact = f"{facts.TITLE} {self.wanted.release} has no archive for security"
            raise DebateError(fact, f"name packages, or run doit {place}", place=place)
        if old is None:
            raise DebateError("there is no lock of which a part could be refreshed", f"run doit {place}", place=place)
        locked = [*packages_of(old), *packages_of(old, "unpacked")]
        below, known = set(self.packages_below), {package.name for package in locked}
        for name in named:
            if name not in known:
                raise DebateError(f"the lock has no package {quoted(name)}", suggest(name, known), place=place)
            if any(name == package.name for package in below):
                fact, base = f"{name} is a package of the base {self.wanted.base!r}", self.wanted.base
                raise DebateError(fact, f"run doit lock:{base} --package {name}", place=place)
        others = {package.name for package in below} | {*named}
        kept = [package for package in locked if package.name not in others]
        return Held(tuple(kept), security)

    def misfits(self, lock: Mapping[str, Any]) -> list[Problem]:
        """See `_misfits`."""
        return _misfits(lock, self.wanted, self.work.name, self.path, set(self.packages_below))

    def unasked(self, packages: Collection[Locked]) -> list[str]:
        """Lines about what repositories of the profile do to the system by themselves, or do not do at all."""
        asked = {word.partition("=")[0] for word in self.wanted.packages}
        said = []
        for package in packages:
            what = f"{package.name} {package.version}"
            if package.essential and package.name not in asked:
                said.append(f"{what}: not asked for; the repository {package.repository} calls it essential")
            if package.replaces:
                said.append(f"{what}: of the repository {package.repository}; {package.replaces} has this package, too")
        used = {package.repository for package in packages}
        for repository in self.wanted.repositories:
            if repository.name not in used:
                said.append(
                    f"no package is of the repository {repository.name}: it has none of those asked for, none that is "
                    "newer, or apt prefers other archives to it, as to backports (NAME=VERSION in packages chooses)"
                )
        return said

    def has_indexes(self, lock: Mapping[str, Any]) -> bool:
        """True if the signed indexes from which a lock was made are here."""
        indexes = proof.indexes_of(lock)
        return indexes is not None and self.work.store.has(indexes)

    def kept(self) -> dict[str, Any] | None:
        """The lock of an earlier build, if it can be read."""
        from debate.profile import lockfile

        try:
            return lockfile.check(self.work.record("lock"), "lock.json")
        except DebateError:
            return None

    def resolve(self, held: Held | None = None) -> dict[str, Any]:
        """Resolve the package list with the distribution's own package manager."""
        from debate.managers import shared
        from debate.profile.lockfile import ARCHIVE, FORMAT, accept

        work, manager, moment = self.work, managers.get(self.wanted.distribution), self.wanted.snapshot
        if moment and moment > f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}":
            # A dated mirror may answer with what it has now, and later with something else.
            fact = f"{moment} is in the future"
            raise StepError("", complaints=[Complaint("snapshot", moment, fact, "choose a moment that has passed")])
        archives = Archives.of(work, self.wanted)
        mirrors = archives.mirrors
        for note in (*mirrors.notes, *archives.unused(work.settings.mirrors), *shared.unheard(mirrors)):
            work.say(f"{work.name}: {note}")
        installed = work.store.read(self.below.outputs("packages")["index"], INDEX_BYTES) if self.below else b""
        asked = replace(self.wanted, packages=self.not_below())
        step = manager.lock_step(asked, tools_for(work, self.wanted.distribution), installed, held)
        with archives.told():
            made, mirrors = self.once(step, mirrors)
        if "remarks" in made:
            self.remarks = [match[0] for match in _REMARKS.read(work.store, made["remarks"])]
        added = self.chosen(made["resolved"], mirrors)
        apart = self.chosen(made["unpacked"], mirrors) if "unpacked" in made else []
        for package in (*added, *apart):
            if unfit := manager.unfit(package, self.wanted):
                fact = f"cannot be locked: {_said(package, unfit)}"
                raise DebateError(fact, "leave the package out", place=f"repository {package.repository}")
        packages = self.on_top(added)
        if lost := _lost(self.wanted, packages, apart):
            raise StepError("", complaints=lost)
        new: dict[str, Any] = {
            "format": FORMAT,
            **{name: getattr(self.wanted, name) for name in _SYSTEM},
            "request": self.request,
            "packages": [package.to_json() for package in packages],
            **({"unpacked": [package.to_json() for package in apart]} if apart else {}),
            "archives": [
                dict(zip(ARCHIVE, line.groups(), strict=True)) for line in _ARCHIVES.read(work.store, made["archives"])
            ],
        }
        if "indexes" in made:
            new["indexes"] = asdict(made["indexes"])
        accept(new, f"lock:{work.name}")
        return new

    def once(self, step: Step, mirrors: Mirrors) -> tuple[Mapping[str, Artifact], Mirrors]:
        """Run ``step``, or take what it made for another profile of this run that asks the same of the same archives.

        Indexes that this run has downloaded are read from the store: each profile would get the same ones, and their
        signatures are verified each time. Returns the outputs, and the mirrors as the step saw them.
        """
        work, manager = self.work, managers.get(self.wanted.distribution)
        once, made = work.once, work.once.made
        supplies = manager.lock_supplies(work.settings, self.wanted, mirrors)
        contents = (*step.parameters.items(), *supplies.files.items())  # No name is in both.
        given = {name: keys.sha256(data) for name, data in contents}
        whole = f"lock {keys.key([given, asdict(step.tools) if step.tools else None, dict(mirrors.directories)])}"
        with once.held([whole]):
            if whole not in made:
                of = {archive: f"lock-index {key}" for archive, key in manager.index_keys(self.wanted, mirrors).items()}
                with once.held(key for key in of.values() if key not in made):
                    using = mirrors.keeping({archive: made[key] for archive, key in of.items() if key in made})
                    outputs = work.run(step, manager.lock_supplies(work.settings, self.wanted, using))
                    made.update({key: outputs["indexes"] for key in of.values() if key not in made})
                    made[whole] = outputs, using
            found: tuple[Mapping[str, Artifact], Mirrors] = made[whole]
        return found

    def chosen(self, resolved: Artifact, mirrors: Mirrors) -> list[Locked]:
        """The packages in an output of `lock_step`."""
        lines = [match[0] for match in _RESOLVED.read(self.work.store, resolved)]
        return managers.get(self.wanted.distribution).read_resolved(lines, mirrors)

    def not_below(self) -> tuple[str, ...]:
        """What is asked for and the base does not have. Raises StepError if the base has other versions."""
        below = {package.name: package.version for package in self.packages_below}
        base, complaints, left = self.wanted.base, [], []
        for word in self.wanted.packages:
            name, _, version = word.partition("=")
            if name not in below:
                left.append(word)
            elif version not in ("", below[name]):
                fact = f"{word} is asked for, and the base {base!r} has {name} {below[name]}"
                remedy = f"choose that version, or name {word} in the base"
                complaints.append(Complaint("packages", word, fact, remedy))
        if complaints:
            raise StepError("", complaints=complaints)
        return tuple(left)

    def on_top(self, packages: Sequence[Locked]) -> list[Locked]:
        """``packages`` together with those of the base. Raises StepError if one of the base would have to change."""
        below = {package.identity: package for package in self.packages_below}
        for package in packages:
            under = below.get(package.identity)
            if under:
                base = self.wanted.base
                fact = f"{package.name} {package.version} is needed, and the base {base!r} has {under.version}"
                remedy = f"refresh the base's lock with doit lock:{base}"
                raise StepError("", complaints=[Complaint("base", base or "", fact, remedy)])
        if not packages and not below:
            raise DebateError("the package list resolves to nothing to install", place=f"lock:{self.work.name}")
        return sorted([*packages, *self.packages_below], key=lambda package: package.identity)


def problems(settings: Settings, name: str, wanted: Slice, request_of: Callable[[str], Request]) -> Sequence[Problem]:
    """What is wrong with the committed lock of the profile ``name``, as far as that can be told without a build.

    ``request_of`` returns the slice of another profile, or raises DebateError.
    """
    from debate.profile import lockfile

    directory = settings.profiles
    path = committed(directory, name)
    if not files.exists(path.parent, path.name):
        return ()
    try:
        lock = lockfile.read(path)
        if settings.lock != "refuse":
            return ()  # One that does not fit is made again.
        below: set[Locked] | None = None if wanted.base else set()
        others: list[Request] = []
        if wanted.base and _is_pinned(directory, wanted.base):
            below = set(lockfile.packages_of(lockfile.read(committed(directory, wanted.base))))
        elif wanted.base:
            others += map(request_of, profile_names.chain(directory, name))
        return [*_misfits(lock, wanted, name, path, below, others), *_unpinned(directory, name)]
    except DebateError as error:
        return error.problems


def _is_pinned(directory: Path, name: str) -> bool:
    path = committed(directory, name)
    return files.exists(path.parent, path.name)


def _unpinned(directory: Path, name: str) -> Iterator[Problem]:
    """What is wrong with the bases of a profile with a committed lock. Raises DebateError if it cannot be read."""
    from debate.profile.load import load

    loose = [base for base in profile_names.chain(directory, name) if not _is_pinned(directory, base)]
    base = load(directory, name).root.get("base")
    if loose and base is not None:
        fact = f"base: {name} has a committed lock and {', '.join(loose)} has none, so elsewhere the two will not fit"
        yield Problem(base.position, fact, f"doit pin:{name} pins them all")


def _request(wanted: Slice) -> str:
    from debate.steps.work import to_json

    return keys.sha256(keys.canonical(to_json(wanted)))


def _misfits(
    lock: Mapping[str, Any],
    wanted: Slice,
    name: str,
    path: Path,
    below: set[Locked] | None,
    others: Iterable[Request] = (),
) -> list[Problem]:
    """What in the ``lock`` at ``path`` is not as the profile ``name`` wants it, whoever wrote it; empty if all fits.

    ``below``: the packages of the base's lock. If they are not known it is None, and ``others`` has what the profiles
    below want.
    """
    from debate.profile.lockfile import packages_of, place_in

    manager, remedy = managers.get(wanted.distribution), f"run doit lock:{name} to refresh it"
    for field in _SYSTEM:
        if lock[field] != getattr(wanted, field):
            fact = f"field {field!r} is {lock[field]!r}, and the profile's is {getattr(wanted, field)!r}"
            return [Problem(place_in(path, field), fact, remedy)]
    told = {(each["archive"], each["suite"]) for each in lock.get("archives", ())}
    without = [suite for suite in manager.suites(wanted) if suite not in told] if told else []
    if without:
        fact = f"made without {' '.join(without[0])}, of which the release consists"
        return [Problem(place_in(path), fact, remedy)]
    packages, apart = packages_of(lock), packages_of(lock, "unpacked")
    for number, package in enumerate(packages):
        unfit = None if package in (below or ()) else manager.unfit(package, wanted)
        if unfit and all(manager.unfit(package, other) for other in others):
            return [Problem(place_in(path, "packages", number, unfit[0]), _said(package, unfit), remedy)]
    for number, package in enumerate(apart):
        if unfit := manager.unfit(package, wanted):
            return [Problem(place_in(path, "unpacked", number, unfit[0]), _said(package, unfit), remedy)]
    fits = lock["request"] == _request(wanted)
    if not fits or not (below or set()) <= set(packages):
        whose = "the base's lock file" if fits else "the package list"
        fact = f"the lock file does not match {whose}"
        return [Problem(place_in(path), fact, f"{remedy}, or set DEBATE_LOCK=refresh")]
    for number, package in enumerate(apart):
        if package.name not in wanted.unpacked or package.name in {one.name for one in apart[:number]}:
            fact = f"package {package.name!r}: nothing of it is unpacked"
            return [Problem(place_in(path, "unpacked", number, "name"), fact, remedy)]
    lost = _lost(wanted, packages, apart)
    return [Problem(place_in(path, "packages"), each.fact, remedy) for each in lost]


def _lost(wanted: Slice, packages: Iterable[Locked], apart: Iterable[Locked]) -> list[Complaint]:
    """What the profile asks for and ``packages`` do not have, or ``apart``, of which it has files alone."""
    has, found = {package.name: package.version for package in packages}, []
    for name in sorted(set(wanted.unpacked) - {package.name for package in apart}):
        if name == distributions.get(wanted.distribution).MEMTEST:
            fact = f"{name} is needed for the entry memtest, and the lock has none"
            found.append(Complaint("boot.entries", "memtest", fact, "leave the entry out"))
            continue
        fact = f"{name} is needed for Secure Boot, and the lock has none"
        found.append(Complaint("boot.secure", "", fact, "write `boot: {secure: none}`"))
    for word in wanted.packages:
        name, _, version = word.partition("=")
        if name not in has:
            found.append(Complaint("packages", word, f"{name} is asked for, and the lock has none", "leave it out"))
        elif version not in ("", has[name]):
            fact = f"{word} is asked for, and the lock has {name} {has[name]}"
            found.append(Complaint("packages", word, fact, "choose that version, or leave it out"))
    return found


def _said(package: Locked, unfit: tuple[str, str]) -> str:
    """What is wrong with a field of a package; see `debate.managers.interface.Manager.unfit`."""
    field, why = unfit
    return f"package {package.name!r}: field {field!r} is {getattr(package, field)!r}: {why}"


def _chosen(lock: Mapping[str, Any]) -> dict[str, Any]:
    """What a lock chose, without the state of the archives that it was chosen from."""
    archives = [(each["archive"], each["suite"]) for each in lock.get("archives", ())]
    return {**lock, "indexes": None, "archives": archives}


def _noted(lock: Mapping[str, Any], state: str) -> str:
    """The line about a lock: its packages, and of each archive the newest date."""
    dates: dict[str, str] = {}
    more = len(lock.get("unpacked", ()))
    for each in lock.get("archives", ()):
        dates[each["archive"]] = max(dates.get(each["archive"], ""), each["date"][:10])
    of = ", ".join(f"{archive} of {date}" for archive, date in dates.items())
    unpacked = f"{more} unpacked" if more else ""
    return ", ".join(filter(None, (count(len(lock["packages"]), "package"), unpacked, state, of)))


def _pinned(settings: Settings, profile: str) -> list[str]:
    path = committed(settings.profiles, profile)
    return [str(path)] if files.is_file(path.parent, path.name, files.MAX_LOCK) else []


RULE = Rule(
    name="lock",
    doc="pin package versions; doit lock:NAME picks the current ones",
    make=make,
    slice=Slice,
    needs=("mirrors",),
    below=("lock", "packages"),
    tools=True,
    rights=("fetch", "data"),
    has_shell=True,
    on_request=True,
    options=(
        Option("package", "choose the versions of these packages alone, with commas between them", example="openssl"),
        Option("security", "choose the versions of those with corrections for security alone", flag=True),
    ),
    compared=False,  # a rebuild uses the same lock
    watches=_pinned,
    state=lambda settings, profile: f"{settings.lock} {bool(_pinned(settings, profile))}",
    usage="""\
doit lock:NAME [--package PACKAGE[,PACKAGE …]] [--security]

Chooses the package versions again and prints what changed. Writes to profiles/NAME.lock.json if that
file exists, which pins the versions for everyone, else to build/NAME/lock.json. `doit pin:NAME`
makes that file.

--package chooses the versions of these packages alone, and --security of those that the release's
security archive has a newer version of. All others stay, unless one of these needs another version of
them, or no archive has theirs any more.
""",
)
