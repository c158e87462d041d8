"""What a profile says, with every default, on its way into the slices of the steps; and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from debate import distributions, keys
from debate.entry import Entry, text_entry
from debate.errors import Problem
from debate.profile.chosen import chosen
from debate.profile.node import Node, Profile


class Choices:
    """One profile, whose files must be below ``directory``."""

    def __init__(self, profile: Profile, directory: Path) -> None:
        self.profile, self.directory = profile, directory.resolve()
        self.data: dict[str, Any] = chosen(profile)
        """All fields of the profile but `extends`."""
        self.distribution = distributions.get(self.data["distribution"])
        self.problems: list[Problem] = []
        self.contents: dict[str, bytes | Path] = {}
        """Digest -> content of each file and hook."""
        self.sources: list[Path] = list(profile.sources)
        """Files and directories that were read."""
        self.trees: tuple[Entry, ...] = ()
        """What overlays bring, sorted by path."""
        self._check()

    def _check(self) -> None:
        """What the schema permits, but not this distribution."""
        name, distribution = self.data["distribution"], self.distribution
        choices: list[tuple[tuple[str | int, ...], str, str, tuple[str, ...]]] = [
            (("release",), "release", self.data["release"], distribution.RELEASES),
            (("architecture",), "architecture", self.data["architecture"], distribution.ARCHITECTURES),
            (("initrd", "generator"), "generator", self.data["initrd"]["generator"], distribution.GENERATORS),
        ]
        for number, component in enumerate(self.data["components"]):
            choices.append((("components", number), "component", component, distribution.COMPONENTS))
        for path, what, value, known in choices:
            if value not in known:
                self.problem(path, f"{name} has no {what} {value!r}", f"choose one of {', '.join(known)}")
        if self.data["initrd"]["generator"] not in distribution.GENERATORS:
            # So that what else is wrong can be told as well.
            self.data["initrd"] = {"generator": distribution.GENERATORS[0]}

    def problem(self, path: tuple[str | int, ...], fact: str, remedy: str) -> None:
        """Note a problem with the value at ``path``."""
        self.problems.append(Problem(self.profile.root.at(path).position, fact, remedy))

    def nodes(self, field: str) -> Iterator[tuple[int, Node]]:
        """The items of a list, with their numbers."""
        node = self.profile.root.value.get(field)
        if node is not None:
            yield from enumerate(node.value)

    def read(self, node: Node, kind: str) -> bytes | None:
        """The content of the file that ``node`` names; None, and a problem, where it cannot be read."""
        path: Path = node.directory / node.value
        self.sources.append(path)
        try:
            return path.read_bytes()
        except OSError as error:
            fact = f"{kind} {node.value!r}: {error.strerror}"
            self.problems.append(Problem(node.position, fact, "make it readable"))
            return None

    def unique(self, field: str, key: str) -> None:
        """Note a problem for each item of a list that has the same ``key`` as an earlier one."""
        seen = set()
        for number, item in enumerate(self.data[field]):
            value = item[key]
            if value is not None and value in seen:
                self.problem((field, number, key), f"{field}: {key} {value!r} is used twice", "keep one")
            seen.add(value)

    def keep(self, pairs: list[tuple[Entry, bytes]]) -> dict[str, Entry]:
        """Files by their paths; their contents are kept."""
        for entry, content in pairs:
            self.contents[entry.digest] = content
        return {entry.path: entry for entry, _ in pairs}

    def keep_text(self, path: str, text: str, **more: str) -> dict[str, Entry]:
        return self.keep([text_entry(path, text, **more)])

    def keep_content(self, content: bytes) -> str:
        """The digest of ``content``, which is kept."""
        digest = keys.sha256(content)
        self.contents[digest] = content
        return digest

    # What several slices have ----------------------------------------------------------------------

    @property
    def kernel(self) -> str:
        """The package with the kernel."""
        return self.data["kernel"] or self.distribution.default_kernel(self.data["architecture"])

    @property
    def where(self) -> Mapping[str, str]:
        """Which system it is."""
        return {name: self.data[name] for name in ("distribution", "release", "architecture")}

    @property
    def label(self) -> str:
        """The volume label: the profile's own, or one out of its name (ISO 9660 allows 32 characters)."""
        name = self.profile.name.upper()
        label: str = self.data["image"]["label"]
        return label or "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in name)[:32]

    @property
    def mksquashfs(self) -> tuple[str, ...]:
        """Options of mksquashfs(1) for the images on the ISO."""
        compression = self.data["image"]["compression"]
        algorithm, level = compression["algorithm"], compression["level"]
        options = ["-comp", algorithm, "-b", "1M"]
        if algorithm == "zstd":
            options += ["-Xcompression-level", str(level)]
        elif algorithm == "gzip":
            options += ["-Xcompression-level", str(min(level, 9))]
        return tuple(options)
