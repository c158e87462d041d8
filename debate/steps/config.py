"""A profile's normalised config: one slice per step, the same for every way to write the profile.

Lists whose order does not matter are sorted and have no duplicates; files are represented by destination, mode, owner,
type and content; defaults are filled in. Nothing here depends on where the profile is or when it was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from debate import keys
from debate.deferred import frozen
from debate.errors import ProfileError
from debate.managers.interface import Initramfs
from debate.profile import files, sources
from debate.steps import boot, networking, overlay, signing
from debate.steps.listed import telling
from debate.steps.rule import Rule, Slice
from debate.steps.rules import rules

if TYPE_CHECKING:
    from debate.entry import Entry
    from debate.history.records import Report
    from debate.profile.node import Profile
    from debate.settings import Settings
    from debate.steps.choices import Choices
    from debate.steps.work import Work

S = TypeVar("S", bound=Slice)


@frozen
class Config:
    """The result of `normalise`."""

    slices: Mapping[str, Slice]
    """Rule -> its part of the profile. Together they are the normalised config."""
    about: Mapping[str, Any]
    """Fields that never change the ISO, description, secrets and check; also `login`, `ssh` (who has a key) and
    `addresses`."""
    mirrors: Mapping[str, str]
    """Archive -> its address in the profile, which does not change the ISO either."""
    contents: Mapping[str, bytes | Path]
    """Digest -> content of each file and hook."""
    sources: tuple[Path, ...]
    """Files and directories that were read."""
    trees: tuple[Entry, ...]
    """The entries of all overlays, sorted by path. They are in the overlay's slice, too."""
    told: tuple[str, ...] = ()
    """What has less effect than one might expect: lines for people."""

    def slice(self, kind: type[S]) -> S:
        """The slice of this type."""
        return next(found for found in self.slices.values() if isinstance(found, kind))

    @cached_property
    def values(self) -> dict[str, dict[str, Any]]:
        """The slices as JSON values."""
        from debate.steps.work import to_json

        return {name: to_json(slice_) for name, slice_ in self.slices.items()}

    @property
    def hash(self) -> str:
        """64 hex digits: SHA-256 of the canonical JSON of the slices."""
        return keys.config_hash(self.values)


def normalise(profile: Profile, directory: Path) -> Config:
    """Normalise ``profile``, whose files must be below ``directory``.

    Raises ProfileError with all problems that the schema does not find.
    """
    from debate.steps.choices import Choices

    choices = Choices(profile, directory)
    slices = {name: rule.slice.of(choices) for name, rule in rules().items() if rule.slice}
    about = {name: choices.data[name] for name in ("description", "secrets", "check")}
    about["login"] = login(choices.data["users"])
    if choices.data["check"]["commands"] and about["login"].get("how") not in ("autologin", "empty"):
        fact = "check.commands: no user is there to run them, who gets into the console without a password"
        choices.problem(("check", "commands"), fact, "give one autologin or an empty password_hash, or leave them out")
    networking.tell_of_checks(choices)
    if choices.problems:
        raise ProfileError(choices.problems)
    about["addresses"] = networking.own_addresses(choices.data["network"])
    about["ssh"] = next((user["name"] for user in choices.data["users"] if user["ssh_keys"]), "")
    return Config(
        slices,
        about,
        _mirrors(choices),
        choices.contents,
        tuple(choices.sources),
        choices.trees,
        tuple(choices.told),
    )


def _mirrors(choices: Choices) -> dict[str, str]:
    addresses = {repository["name"]: repository["url"] for repository in choices.data["repositories"]}
    addresses[choices.data["distribution"]] = choices.data["mirror"]
    return {name: address for name, address in sorted(addresses.items()) if address is not None}


def login(users: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Who can log in on the console, and how: see `debate.qemu.login`. Empty if nobody can."""

    def how(user: Mapping[str, Any]) -> str:
        if overlay.ends_at_once(user["shell"]):
            return ""
        if user["autologin"]:
            return "autologin"
        if not user["password_hash"]:
            return "empty"
        return "password" if user["password_hash"].startswith("$") else ""

    ways = ("autologin", "empty", "password")
    known = sorted((ways.index(how(user)), user["name"]) for user in users if how(user))
    return {"user": known[0][1], "how": ways[known[0][0]]} if known else {}


def make(work: Work) -> Report:
    """Read the profile and write the slices of all steps."""
    from debate.profile.load import load

    made = normalise(load(work.settings.profiles, work.name), work.settings.profiles)
    if made.slice(boot.Slice).secure == "own":
        signing.require(work.settings)  # Without it, work would be for nothing.
    for name, values in made.values.items():
        work.save(values, f"slices/{name}")
    work.save(made.about, "about")
    work.save(made.mirrors, "mirrors")
    slices = [slice_ for slice_ in made.slices.values() if isinstance(slice_, Initramfs)]
    of_initramfs = {entry.digest for slice_ in slices for entry in slice_.tree}  # Of no other file must its step hear.
    work.save(_sources(made.contents), "contents")
    work.save(_sources({d: content for d, content in made.contents.items() if d in of_initramfs}), "initramfs")
    work.save(sources.state(made.sources, work.settings.profiles), "sources")
    work.save(made.values)
    return telling({}, "remark", made.told)


def _sources(contents: Mapping[str, bytes | Path]) -> dict[str, dict[str, str]]:
    """Digest -> where the content is, or the content."""
    return {
        digest: {"path": str(content)} if isinstance(content, Path) else {"text": content.decode("latin-1")}
        for digest, content in contents.items()
    }


def _files(settings: Settings, profile: str) -> list[str]:
    """Regular files from which the profile was read the last time; before that, its own file."""
    directory, name = files.where(settings.profiles, profile)
    own = f"{name}.yaml"
    found = sources.files(settings.output / profile, settings.profiles)
    return sorted({str(directory / own), *found} if files.is_file(directory, own) else found)


RULE = Rule(
    name="config",
    doc="read and normalise the profile",
    make=make,
    records=("about", "mirrors", "contents", "initramfs", "sources"),
    root=False,
    read_only=True,
    watches=_files,
    whole=lambda settings, profile: sources.unchanged(settings.output / profile, settings.profiles),
)
