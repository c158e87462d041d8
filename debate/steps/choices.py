"""The values of a profile with all defaults, from which slices are made, and their problems."""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import distributions, keys
from debate.entry import Entry
from debate.errors import Place, Problem
from debate.live import ready
from debate.profile import files
from debate.profile.chosen import chosen
from debate.profile.node import Node, Profile
from debate.profile.profile_names import file_name
from debate.text import pattern
from debate.text.suggest import one_of

if TYPE_CHECKING:
    from debate.distributions.interface import LocaleParts
    from debate.profile.tree import Script
    from debate.steps.claims import Claims

_LEVELS = {"zstd": 22, "gzip": 9}
"""Compression that has levels, from 1 on -> the highest one."""
_MAX_READ = 32 << 20
"""Bytes of all hooks, keys and files of a profile that are named, but for overlays."""


def has_level(algorithm: str, level: int) -> bool:
    """True if a compression has this level."""
    return 1 <= level <= _LEVELS.get(algorithm, 0)


def packing(algorithm: str, level: int) -> tuple[str, ...]:
    """Options of mksquashfs(1) for a compression. A level that the algorithm does not have is left out."""
    levels = ("-Xcompression-level", str(level)) if algorithm in _LEVELS else ()
    return ("-comp", algorithm, "-b", "1M", *levels)


class Choices:
    """One profile, whose files must be below ``directory``."""

    def __init__(self, profile: Profile, directory: Path) -> None:
        self.profile, self.directory = profile, directory
        self.data: dict[str, Any] = chosen(profile)
        """All fields of the profile except `extends`."""
        self.distribution = distributions.get(self.data["distribution"])
        self.problems: list[Problem] = []
        self.scripts: dict[str, Script] = {}
        """Digest of a file of the tree that begins as a script -> what is known of it."""
        self.told: list[str] = []
        """What has less effect than one might expect, and is no problem: lines for people."""
        self.contents: dict[str, bytes | Path] = {}
        """Digest -> content of each file and hook."""
        self.sources: list[Path] = list(profile.sources)
        """Files and directories that were read."""
        self.trees: tuple[Entry, ...] = ()
        """The entries of all overlays, sorted by path."""
        self.claims: Claims | None = None
        """What `debate.steps.overlay.files_of` found."""
        self._room = _MAX_READ
        self._check()

    def _check(self) -> None:
        """Note values that the schema permits, but not this distribution."""
        name, distribution = self.data["distribution"], self.distribution
        for path, known in distributions.choices(distribution).items():
            what, value = path[-1].removesuffix("s"), self.value(path)
            items: dict[tuple[str | int, ...], Any] = {path: value}
            if isinstance(value, list):
                items = {(*path, number): each for number, each in enumerate(value)}
            for place, each in items.items():
                if each not in known:
                    self.problem(place, f"{name} has no {what} {each!r}", one_of(what, known))
        if self.data["initrd"]["generator"] not in distribution.GENERATORS:
            # So that other problems can be reported, too.
            self.data["initrd"] = {**self.data["initrd"], "generator": distribution.GENERATORS[0]}
        if self.data["recommends"] and not distribution.RECOMMENDS:
            fact = f"recommends: packages of {name} recommend none"
            self.problem(("recommends",), fact, "name the packages, or leave it out")
        self._check_level()
        self._check_snapshot()
        try:
            pattern.compiled(self.data["check"]["marker"] or "")
        except ValueError as error:
            fact = f"check.marker: not a valid regular expression: {error}"
            self.problem(("check", "marker"), fact, "correct it, or put \\ before characters that mean themselves")

    def _check_level(self) -> None:
        """Note a level of the compression that its algorithm does not have."""
        compression, path = self.data["image"]["compression"], ("image", "compression", "level")
        algorithm, level = compression["algorithm"], compression["level"]
        if algorithm in _LEVELS and not has_level(algorithm, level):
            fact = f"image.compression.level: {level} is too large for {algorithm}"
            self.problem(path, fact, f"the maximum is {_LEVELS[algorithm]}")
        elif algorithm not in _LEVELS and self._is_beside(path, ("image", "compression", "algorithm")):
            fact = f"image.compression.level: {algorithm} has no levels"
            self.problem(path, fact, "leave it out, or choose zstd or gzip")

    def _check_snapshot(self) -> None:
        """Note a moment that there is not, and what does not go together with one."""
        snapshot, distribution = self.data["snapshot"], self.distribution
        if not snapshot:
            return
        day = f"{snapshot[:8]}T000000Z"
        try:
            datetime.fromisoformat(snapshot)
        except ValueError:
            remedy = "write YYYYMMDDTHHMMSSZ, with a month, day and time that there are"
            self.problem(("snapshot",), f"snapshot: {snapshot} is no moment", remedy)
        else:
            if distribution.SNAPSHOTS_ARE_DAILY and snapshot != day:
                fact = f"snapshot: dated mirrors of {distribution.TITLE} have one state for each day"
                self.problem(("snapshot",), fact, f"write {day}")
        if self.data["mirror"] and self._is_beside(("mirror",), ("snapshot",)):
            fact = f"mirror: not used with a snapshot ({self.place(('snapshot',))})"
            self.problem(("mirror",), fact, "leave one out; settings name the dated mirror")

    def _is_beside(self, path: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """True if a profile says the field at ``path``, and no later one the field at ``other`` to which it belongs."""
        above = self.profile.root.at(path[:-1])
        said, order = above.get(path[-1]), self.profile.order
        return said is not None and order.index(said.position.file) >= order.index(self.place(other).file)

    def value(self, path: Iterable[str]) -> Any:
        """The value at ``path``."""
        found: Any = self.data
        for name in path:
            found = found[name]
        return found

    def problem(self, path: tuple[str | int, ...], fact: str, remedy: str) -> None:
        """Note a problem with the value at ``path``."""
        self.note(self.place(path), fact, remedy)

    def place(self, path: tuple[str | int, ...]) -> Place:
        """The place of the value at ``path``, or of the nearest one above it."""
        return self.profile.root.at(path).position

    def note(self, place: Place | None, fact: str, remedy: str) -> None:
        """Note a problem at ``place``, or at the profile as a whole."""
        self.problems.append(Problem(place or self.profile.root.position, fact, remedy))

    def nodes(self, field: str) -> Iterator[tuple[int, Node]]:
        """The items of a list, with their numbers."""
        node = self.profile.root.value.get(field)
        if node is not None:
            yield from enumerate(node.value)

    def read(self, node: Node, kind: str) -> bytes | None:
        """The content of the file that ``node`` names. If it cannot be read, None and a problem."""
        self.sources.append(node.directory / node.value)
        try:
            content = files.read(node.directory, node.value, min(files.MAX_FILE, self._room))
        except OSError as error:
            if error.errno == errno.EFBIG and self._room < files.MAX_FILE:
                fact = f"{kind} {node.value!r}: with those before it, more than {_MAX_READ:,} bytes"
                self.problems.append(Problem(node.position, fact, "name fewer, or smaller ones"))
            else:
                self.refuse(node, kind, error)
            return None
        self._room -= len(content)
        return content

    @staticmethod
    def is_executable(node: Node) -> bool:
        """True if the file that ``node`` names is executable for its owner, which is what git knows of its mode."""
        try:
            with files.opened(node.directory) as tree:
                return bool(tree.mode(node.value) & stat.S_IXUSR)
        except OSError:
            return False  # `read` tells of it.

    def refuse(self, node: Node, kind: str, error: OSError) -> None:
        """Note that what ``node`` names cannot be used."""
        fact, remedy = files.refusal(error)
        self.problems.append(Problem(node.position, f"{kind} {node.value!r} {fact}", remedy))

    def unique(self, field: str, key: str) -> None:
        """Note a problem for each item of a list that has the same ``key`` as an earlier one."""
        seen = set()
        for number, item in enumerate(self.data[field]):
            value = item[key]
            if value is not None and value in seen:
                self.problem((field, number, key), f"{field}: {key} {value!r} is used twice", "keep one")
            seen.add(value)

    def keep_content(self, content: bytes) -> str:
        """Keep ``content``. Returns its digest."""
        digest = keys.sha256(content)
        self.contents[digest] = content
        return digest

    def content(self, digest: str, limit: int) -> bytes:
        """The content of a file of the tree, of at most ``limit`` bytes if it is an overlay's. Raises OSError."""
        found = self.contents[digest]
        if isinstance(found, Path):
            directory, name = files.absolute(self.directory, files.relative(self.directory.resolve(), found))
            return files.read(directory, name, limit)
        return found

    # Values in several slices ----------------------------------------------------------------------

    @property
    def kernel(self) -> str:
        """The package of the kernel."""
        return self.data["kernel"] or self.distribution.default_kernel(self.data["architecture"])

    @property
    def signed(self) -> Mapping[str, tuple[str, str]]:
        """What the distribution has signed for Secure Boot: see `debate.distributions.interface.Distribution`."""
        return self.distribution.SIGNED.get(self.data["architecture"], {})

    @property
    def secure(self) -> str:
        """Who signed what UEFI starts: one of the values of `boot.secure`."""
        boot = self.data["boot"]
        usual = "distribution" if self.signed and "uefi" in boot["firmware"] else "none"
        return boot["secure"] or usual

    @property
    def unpacked(self) -> tuple[str, ...]:
        """Packages of which the ISO has files, and that are not installed."""
        signed = {package for package, _ in self.signed.values()} if self.secure == "distribution" else set[str]()
        return tuple(sorted(signed | ({self.distribution.MEMTEST} if self.memtest else set())))

    @property
    def memtest(self) -> bool:
        """True if the menu has memtest86+, and the distribution, too."""
        return bool(self.distribution.MEMTEST) and "memtest" in ready.named(self.data)

    @cached_property
    def locale_parts(self) -> LocaleParts:
        """What the distribution makes of locale, keymap and time zone."""
        return self.distribution.locale_parts(self.data)

    @property
    def system(self) -> Mapping[str, str]:
        """Distribution, release and architecture."""
        return {name: self.data[name] for name in ("distribution", "release", "architecture")}

    @property
    def label(self) -> str:
        """The volume label: the profile's own, or one made from its name (ISO 9660 allows 32 characters)."""
        name = file_name(self.profile.name).upper()
        label: str = self.data["image"]["label"]
        return label or "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in name)[:32]

    def tell_of_messages(self, patterns: Iterable[str], whose: str) -> None:
        """Note if the translations for the profile's locale are excluded: then programs speak English."""
        locale = self.data["locale"]
        language = re.split("[_.@]", locale)[0]
        if language in ("C", "POSIX", "en"):
            return
        file = f"/usr/share/locale/{language}/LC_MESSAGES/x.mo"
        if fits := next((glob for glob in patterns if fnmatchcase(file, glob)), ""):
            self.told.append(
                f"locale: {whose} leaves out the messages for {locale} ({fits}), so programs of packages speak English"
            )

    @staticmethod
    def compression_of(data: Mapping[str, Any]) -> str:
        """How a profile with these values packs its layers, in words."""
        algorithm, level = data["image"]["compression"]["algorithm"], data["image"]["compression"]["level"]
        return f"{algorithm} at level {level}" if algorithm in _LEVELS else str(algorithm)

    @property
    def mksquashfs(self) -> tuple[str, ...]:
        """Options of mksquashfs(1) for the images on the ISO."""
        compression = self.data["image"]["compression"]
        return packing(compression["algorithm"], compression["level"])
