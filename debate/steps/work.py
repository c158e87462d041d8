"""What a rule's function may read and write: only what the rule declares.

    OUTPUT/P/
        config.json                 the normalised config
        about.json, mirror.json     the fields that never change the ISO
        sources.json                files and directories from which the config was read
        contents.json               digest -> source of an overlay file's content
        slices/STEP.json            the part of the config that STEP reads
        hash.json, lock.json, packages.json, rootfs.json, …      records
        sha512.json                 digest of a layer -> its SHA-512, if the ISO contains that
        traces/STEP.json            key, ingredients, outputs, duration of the last run
        traces/read/STEP.json       what that run read
        logs/STEP.log               output of the step
        P-ARCH.iso, …               the results (see `debate.images.results`)
        .lock                       locked (flock) by the builder that is writing the results
    OUTPUT/.sandbox/                the same for rules that do not belong to a profile

A record has what later steps need, and nothing about how it was made. So if a step runs again with the same result,
later steps need not run.
"""

from __future__ import annotations

import dataclasses
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from debate import keys
from debate.build.builder import Builder, Check, Supplier
from debate.cache.action import HERE
from debate.cache.store import Store
from debate.deferred import make_all
from debate.errors import DebateError, Place, ProfileError, StepError
from debate.history.reasons import Last, Reason, reasons
from debate.history.records import AGAIN, Records, Report, outputs_of, record_of, report_of, trace_of
from debate.history.shapes import SHAPES
from debate.host.files import read_object
from debate.host.ours import require_writable
from debate.model import Artifact, Locked, Result, Step, Supplies
from debate.profile import files
from debate.profile.chosen import chosen
from debate.profile.load import load
from debate.profile.places import find
from debate.profile.profile_names import chain
from debate.settings import Settings
from debate.steps.implied import Blame
from debate.steps.rule import HOST, Rule
from debate.steps.rules import held, rules
from debate.text.paths import shown
from debate.trace import Trace

if TYPE_CHECKING:
    from debate.build.once import Once
    from debate.profile.node import Node, Profile

S = TypeVar("S")
_NO_SUPPLIES = Supplies()

_DIRECTORIES = ("logs", "logs/raw", "slices", "traces", "traces/read", "check", "netboot", "verify")


def output_directories(settings: Settings, name: str) -> list[Path]:
    """Where a profile's build writes, each directory after those above it."""
    directory = settings.output / name
    return [
        *dict.fromkeys((settings.output, directory.parent, directory)),
        *(directory / below for below in _DIRECTORIES),
    ]


class UndeclaredError(Exception):
    """A rule did something that it does not declare, which is a defect of the rule."""


@dataclass(frozen=True)
class ProfileBuild:
    """The steps of a profile, or those of the host if the name is `HOST`."""

    settings: Settings
    name: str
    builder: Builder
    refresh: bool = False
    """True if the user requested a refresh of the lock."""
    options: Mapping[str, str | bool] = dataclasses.field(default_factory=dict)
    """What the user asked for with it: see `Rule.options`."""

    @property
    def store(self) -> Store:
        return self.builder.store

    @property
    def directory(self) -> Path:
        return self.settings.output / self.name

    @property
    def records(self) -> Records:
        return Records(self.directory)

    def load(self, record: str) -> Any:
        """A JSON file of the output directory, without ``.json``. Raises DebateError if it is missing or damaged."""
        return self.records.load(record)

    def slice(self, rule: str, kind: type[S]) -> S:
        """The slice of a rule, which has the type ``kind``. Raises DebateError if it is missing or damaged."""
        return typed(self.load(f"slices/{rule}"), kind, self.directory / f"slices/{rule}.json")

    def outputs(self, record: str) -> dict[str, Artifact]:
        """The artifacts that a record names."""
        return outputs_of(self.load(record), str(self.directory / f"{record}.json"))

    def of(self, name: str) -> ProfileBuild:
        """The steps of another profile, built in the same way."""
        return ProfileBuild(self.settings, name, self.builder)

    def work(self, rule: str) -> Work:
        return Work(self, rules()[rule])

    def make(self, rule: str) -> Report:
        """Run one step. Raises DebateError."""
        self.require_own()
        work = self.work(rule)
        try:
            with work.places():
                return work.rule.make(work)
        except UndeclaredError as error:
            raise DebateError(str(error), "declare it in RULE, or do without it", place=work.rule.file) from error

    def require_own(self) -> None:
        """Refuse to write where someone else may have put a link, or git has. Raises DebateError."""
        require_writable(output_directories(self.settings, self.name))

    def results(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Step and key of each result of the rules ``names``, with those of steps on the way, from their traces."""
        for name in names:
            trace = read_object(self.directory / "traces" / f"{name}.json", Trace)
            if keys.is_key(trace.get("key")) and trace.get("step") == name:  # A lock has no key.
                yield name, trace["key"]
                parts = trace.get("parts", {}).items()
                yield from ((step, part["key"]) for step, part in parts if keys.is_key(part.get("key")))

    def of_image(self) -> Iterator[str]:
        """The keys of the results that the image is made of, and may be held, with those of bases."""
        of_bases = {record for name in held() for record in rules()[name].below}
        below = tuple(name for name in held() if name in of_bases)
        names = {self.name: held(), **dict.fromkeys(chain(self.settings.profiles, self.name), below)}
        for name, wanted in names.items():
            yield from (key for _, key in self.of(name).results(wanted))

    def release(self) -> None:
        """Send the results of the image, which were held until the search for secrets passed."""
        for key in self.of_image():
            self.builder.release(key, self.notes())

    def notes(self) -> dict[str, str]:
        """Annotations of a result in the remote, for people."""
        return {"profile": self.name, "config": self.config_hash()}

    def config_hash(self) -> str:
        """64 hex digits that identify the normalised config."""
        return keys.config_hash(self.load("config"))

    def profile(self) -> Node:
        """The profile, with the place of each value. Raises ProfileError."""
        return self.loaded().root

    def loaded(self) -> Profile:
        """The profile with all that it extends. Raises ProfileError."""
        return load(self.settings.profiles, self.name)


class _Readable(ABC):
    """What can be read of the records of one profile's build."""

    _build: ProfileBuild

    @abstractmethod
    def record(self, name: str) -> Any:
        """A record, as JSON. Raises UndeclaredError for one that the rule may not read."""

    def outputs(self, record: str) -> dict[str, Artifact]:
        """The artifacts that a record names."""
        return outputs_of(self.record(record), str(self._build.directory / f"{record}.json"))

    def locked(self) -> list[Locked]:
        """The packages of the lock that are installed."""
        return self._packages("packages")

    def unpacked(self) -> list[Locked]:
        """Those of which the ISO has files alone."""
        return self._packages("unpacked")

    def _packages(self, field: str) -> list[Locked]:
        path = self._build.directory / "lock.json"
        return [typed(fields, Locked, path) for fields in self.record("lock").get(field, ())]


class Work(_Readable):
    """The work of one rule for one profile."""

    def __init__(self, build: ProfileBuild, rule: Rule) -> None:
        self.rule = rule
        self.name = build.name
        self.settings = build.settings
        """None of them changes an output."""
        self.store = build.store
        """Its content is read by the digests that declared records name."""
        self.refresh = build.refresh
        self.options = build.options
        self._build = build
        self._last = Last.load(build.records, rule.name)
        self._parts: dict[str, Any] = {}
        """Results of steps on the way to the rule's own: their keys and outputs, by name."""

    # Reading ---------------------------------------------------------------------------------

    def slice(self, kind: type[S], rule: str = "") -> S:
        """The slice of this rule, or of another that it declares, as ``kind``.

        Raises DebateError if the file is damaged.
        """
        name = rule or self.rule.name
        self._require(name in self.rule.slices_read, f"the slice of {name}")
        return self._build.slice(name, kind)

    def record(self, name: str) -> Any:
        """A record that the rule needs, or its own of the last run. Raises DebateError if it is missing or damaged."""
        self._require(name in (*self.rule.needs, *self.rule.made), f"the record {name}")
        return self._build.load(name)

    def contents(self, name: str) -> dict[str, bytes | Path]:
        """Digest -> content of a file, or the file that has it, from the record ``name`` of `config`."""
        return {
            digest: Path(source["path"]) if "path" in source else source["text"].encode("latin-1")
            for digest, source in self.record(name).items()
        }

    def remembered(self, name: str) -> dict[str, str]:
        """What an earlier run kept in a file of the rule's ``memory``; empty if there is none, or it is damaged."""
        self._require(name in self.rule.memory, f"the memory {name}")
        return read_object(self._build.directory / f"{name}.json", SHAPES[name])

    @property
    def directory(self) -> Path:
        """The output directory, for a rule that writes more there than its records."""
        self._require(not self.rule.pure, "files beside its records")
        return self._build.directory

    @property
    def tools(self) -> Artifact:
        """The tools tree."""
        self._require(self.rule.tools, "the tools tree")
        return outputs_of(self.tools_record(), str(self.settings.output / HOST / "sandbox.json"))["tools"]

    def tools_record(self) -> Any:
        """The record of the tools tree."""
        self._require(self.rule.tools or "sandbox" in self.rule.needs, "the tools tree")
        return self._build.of(HOST).load("sandbox")

    def below(self, name: str | None) -> Below | None:
        """The base profile ``name``; None without one."""
        return Below(self._build.of(name), self.rule) if name else None

    def epoch(self, own: int) -> int:
        """The epoch of what the rule makes: of the lock if the profile says so, else its ``own``."""
        found: int | None = self.record("epoch")["epoch"]
        return own if found is None else found

    # Writing and running ----------------------------------------------------------------------------------

    def save(self, value: Any, record: str = "") -> None:
        """Write the rule's record, or another file that it declares, unless its content is the same."""
        name = record or self.rule.name
        self._require(name in (*self.rule.made, *self.rule.memory) or name.startswith("slices/"), f"writing {name}")
        self._build.records.save(name, value)

    def realise(self, step: Step, supplier: Supplier = Supplies, check: Check = lambda _: None) -> Result:
        """The outputs of ``step``: from the cache, from the remote or from a sandbox.

        ``supplier`` returns what a run needs from the host, such as mirrors. It is called only if the step has to run.
        ``check`` raises DebateError for outputs that are not to be believed, cached or sent. A rule that reads an
        output itself has to have one, which asserts its form and size.
        """
        self._require_rights(step)
        known = self._known(step.name)
        hold, notes = self.rule.name in held(), self._notes
        result = self._build.builder.realise(step, supplier, self.log(step), notes, known, check, hold=hold)
        if step.name != self.rule.name:
            kept = ("key", "outputs", "seconds", "origin", "signer")
            self._parts[step.name] = {name: value for name, value in trace_of(result).items() if name in kept}
        return result

    def release(self) -> None:
        """Send the results that the image is made of, and were held until it was searched for secrets."""
        self._require("secrets" in self.rule.needs, "the search for secrets")
        self._build.release()

    def run(self, step: Step, supplies: Supplies = _NO_SUPPLIES) -> Mapping[str, Artifact]:
        """Run ``step`` in a sandbox even if the cache has its result. Returns its outputs."""
        self._require_rights(step)
        return self._build.builder.run(step, supplies, self.log(step))

    def obtain(
        self, ingredients: Mapping[str, Any], make: Callable[[], Mapping[str, Artifact]], check: Check
    ) -> Result:
        """The rule's outputs if several sandboxes make them: ``ingredients`` has everything that they depend on.

        ``check``: see `realise`.
        """
        name, outputs, hold = self.rule.name, self.rule.outputs, self.rule.name in held()
        last, notes = self._known(name), self._notes
        return self._build.builder.obtain(name, ingredients, outputs, make, notes, last, check, hold=hold)

    def finish(self, step: Step, supplier: Supplier = Supplies, check: Check = lambda _: None, **more: Any) -> Report:
        """`realise` the rule's own step and write its record, with ``more`` in addition to the outputs."""
        surplus = set(step.outputs) - set(self.rule.outputs)
        self._require(not surplus, f"the output {' '.join(sorted(surplus))}")
        result = self.realise(step, supplier, check)
        self.save({**record_of(result.outputs), **more})
        return {**report_of(result), **self.remember(result)}

    def ingredients(self, step: Step) -> dict[str, Any]:
        """Everything that the outputs of ``step`` depend on."""
        self._require_rights(step)
        return self._build.builder.ingredients(step)

    @property
    def once(self) -> Once:
        """What the steps of a run make together."""
        return self._build.builder.once

    def say(self, line: str) -> None:
        """Show a line to the user."""
        self._build.builder.say(line)

    def expect(self, size: int) -> None:
        """Tell the progress display how many bytes the running step will write; 0: unknown."""
        self._build.builder.activity.total = size

    def log(self, step: Step) -> Path:
        return self._build.directory / "logs" / f"{step.name}.log"

    def remember(self, result: Result | None = None) -> Report:
        """Record how the result was made, what the step read and why it ran, for `explain`.

        ``result`` is None if the step has no key.
        """
        read, last = self.what_it_reads(), self._last
        trace: dict[str, Any] = trace_of(result) if result else {"step": self.rule.name, "source": ""}
        if self._parts:
            trace["parts"] = self._parts
        unchanged = last.read == read and last.trace.get("key") == trace.get("key")
        if unchanged and trace["source"] != "built":
            trace |= {name: last.trace[name] for name in ("why", "when", "source") if name in last.trace}
        else:
            why = reasons(last, read, trace.get("ingredients", {}), self._contents(), self._build.profile)
            if self.refresh and not result and last.trace:
                why.insert(0, Reason("asked"))
            trace["why"] = [reason.to_json() for reason in why]
            trace["when"] = int(time.time())
        self._build.records.save(f"traces/{self.rule.name}", trace)
        self._build.records.save(f"traces/read/{self.rule.name}", read)
        return {"why": trace["why"]} if last.trace and not unchanged else {}

    def what_it_reads(self) -> dict[str, Any]:
        """The slices that the rule reads, and the lock where it reads that: what a user may have changed.

        By the names of the files, for there is a slice of the name ``lock``, too.
        """
        names = [f"slices/{name}" for name in self.rule.slices_read]
        return {name: self._build.load(name) for name in (*names, *({"lock"} & set(self.rule.needs)))}

    @contextmanager
    def places(self) -> Iterator[None]:
        """Complaints of a step get their places in the profile."""
        try:
            yield
        except StepError as error:
            if error.complaints and self.rule.profile:
                with suppress(ProfileError):  # Someone may have edited it meanwhile.
                    loaded = self._build.loaded()
                    root, blame = loaded.root, Blame(loaded.root, chosen(loaded))
                    error.complaints = blame.moved(error.complaints)
                    error.locate(
                        lambda field, value: (
                            blame.place(field) or _place(root, field, value) or self._place_of(root, field)
                        )
                    )
            raise

    def _place_of(self, root: Node, field: str) -> Place | None:
        """The place of a complaint about a field that the profile lacks: its packages are in the lock all the same."""
        if field == "packages":
            return Place(str(self._build.directory / "lock.json"))
        return Place(root.position.file) if field else None

    def _contents(self) -> Mapping[str, Any]:
        """The sources of an overlay's files, for messages; they do not affect the result."""
        try:
            found: Mapping[str, Any] = self._build.load("contents")
        except DebateError:
            return {}
        return found

    def _known(self, step: str) -> Result | None:
        """The result of the last run, from its trace: valid for its key while its outputs exist.

        Key and outputs come from one file. The record may be that of a later run, which was killed before it wrote its
        trace.
        """
        trace = self._last.trace
        try:
            made = trace if step == self.rule.name else trace["parts"][step]
            origin, signer = made.get("origin", HERE), made.get("signer", "")
            return Result(step, str(made["key"]), {}, outputs_of(made), "local", made.get("seconds", 0),
                          origin=origin, signer=signer)  # fmt: skip
        except (DebateError, KeyError, TypeError, ValueError, AttributeError):
            return None  # It never ran, or its trace is damaged.

    def _notes(self) -> dict[str, str]:
        return self._build.notes() if self.rule.profile else {}

    def _require_rights(self, step: Step) -> None:
        for command in step.commands:
            self._require(command.rights in self.rule.rights, f"rights of the kind {command.rights}")

    def _require(self, allowed: bool, what: str) -> None:
        if not allowed:
            raise UndeclaredError(f"rule {self.rule.name} does not declare {what}")


_HOOK = re.compile(r"([1-9][0-9]{0,5})(?::([1-9][0-9]{0,5}))?")
"""The number of a hook, and a line of it."""


def _place(root: Node, field: str, value: str) -> Place | None:
    """The place of a complaint in the profile. Scripts know hooks by number or name, and units by full names."""
    if field == "files" and value.startswith("/"):
        return _place_in_tree(root, value) or root.position
    if field == "hooks" and (match := _HOOK.fullmatch(value)):
        return _hook(root.get(field), int(match[1]), int(match[2] or 0))
    if field == "initrd.hooks":
        hooks = root.at(("initrd", "hooks"))
        return next((node.position for node in hooks.entries() if Path(node.value).stem == value), hooks.position)
    found = find(root, field, value)
    if field == "services" and value.endswith(".service") and found == find(root, field, ""):
        return find(root, field, value.removesuffix(".service"))
    return found


def _hook(hooks: Node | None, number: int, line: int) -> Place | None:
    """The place of the hook of this number, or of a line of its file."""
    node = hooks.at([number - 1]) if hooks else None
    if node and line and isinstance(node.value, str):
        return Place(shown(node.directory / node.value), line)
    return node.position if node else None


def _place_in_tree(root: Node, path: str) -> Place | None:
    """The place of a path of the system: in `permissions` or `files`, else the overlay that has it."""
    for field in ("permissions", "files"):
        node = root.get(field)
        for item in reversed(node.entries() if node else []):
            named = item.get("path")
            if named and named.value == path:
                return named.position
    node = root.get("overlays")
    for item in reversed(node.entries() if node else []):
        source, target = item.get("source") or item, item.get("target")
        below = f"{target.value.rstrip('/')}/" if target else "/"
        name = path.removeprefix(below)
        if path.startswith(below) and _has(source, name):
            return source.position
    return None


def _has(overlay: Node, path: str) -> bool:
    """True if the overlay has this path, which somebody in a sandbox may have made up."""
    try:
        with files.opened(overlay.directory) as tree, tree.below(overlay.value) as own:
            own.mode(path)
    except OSError:
        return False
    return True


class Below(_Readable):
    """A base profile, as far as a rule declares that it reads its records."""

    def __init__(self, build: ProfileBuild, rule: Rule) -> None:
        self.name = build.name
        self._build, self._rule = build, rule

    def record(self, name: str) -> Any:
        if name not in self._rule.below:
            raise UndeclaredError(f"rule {self._rule.name} does not declare the record {name} of the profile below")
        return self._build.load(name)


def typed(value: Any, kind: type[S], path: Path) -> S:
    """Convert JSON from the file ``path`` to ``kind``. Raises DebateError if it is damaged."""
    make_all()
    try:
        found: S = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise DebateError("damaged", "delete it, and run the same command again", place=shown(path)) from None
    return found


def layers_of(rootfs: Mapping[str, Any]) -> list[Artifact]:
    """The layers with packages in a record of `rootfs`, the lowest first. Raises DebateError if it is damaged."""
    try:
        below = [Artifact.from_json(layer) for layer in rootfs["below"]]
    except (KeyError, TypeError, ValueError):
        raise DebateError("damaged", AGAIN, place="record rootfs") from None
    return [*below, outputs_of(rootfs)["layer"]]


def epoch_of(slice_: Any) -> int:
    """The epoch of a layer, which depends only on its own slice."""
    return keys.epoch(keys.key(to_json(slice_)))


def to_json(slice_: Any) -> dict[str, Any]:
    """A slice as JSON values."""
    own = getattr(slice_, "to_json", None)
    found: dict[str, Any] = own() if own else json_values(slice_)
    return found


def json_values(value: Any) -> Any:
    """A dataclass as JSON values: mappings, lists, text, numbers."""
    return msgspec.json.decode(msgspec.json.encode(value))


def shipped(packages: Sequence[Locked], below: Sequence[Locked]) -> list[Locked]:
    """``packages`` without those that are installed in the layers below."""
    installed = set(below)
    return [package for package in packages if package not in installed]
