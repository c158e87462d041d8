"""The results of a build in its output directory: the images, and files that describe them.

P-ARCH.iso                  the ISO; images of other kinds (`debate.images.kinds`) are next to it
P-ARCH.iso.sha256           for `sha256sum -c`, one for each image
manifest.json               packages, layers, hashes, tool versions
P-ARCH.cdx.json             SBOM: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/
P-ARCH.packages             name and version, one package per line
build.json                  file of each kind of image, digest of the ISO, sizes and times of all files
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.host.copying import replace
from debate.host.files import read_object, sweep, temporary_beside, write_atomically
from debate.host.locks import held
from debate.images.kinds import ISO, KINDS
from debate.machines import machine
from debate.profile.profile_names import file_name
from debate.steps.rule import Rule
from debate.text.amounts import bytes_shown
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.artifact import Artifact
    from debate.cache.store import Store
    from debate.history.records import Report
    from debate.steps.work import Work

_LOCK = ".lock"
"""The file in the output directory that is locked (flock) by the builder that is writing the results."""
_FACTS = "manifest.json"
_COMPANIONS = ("cdx.json", "packages")
"""What follows ``P-ARCH.`` in the names of the files that describe all images."""


def make(work: Work) -> Report:
    """Write all results. Returns the report for the reporter."""
    with writing(work.directory, work.say):
        report = {**_write(work), **work.remember()}
        work.release()
        return report


def writing(directory: Path, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Held by who writes to the output ``directory`` of a profile. ``say`` gets a line if that is another.

    With two writers at once, build.json could describe the other's files. The directory itself, which other users can
    open, they could also lock; the store may be another one, or read-only.
    """
    place = shown(directory)
    return held(directory / _LOCK, lambda who: say(f"{directory.name}: {who} is writing to {place}; waiting"))


def _write(work: Work) -> Report:
    from debate.images.manifest import manifest
    from debate.images.sbom import sbom

    lock = work.record("lock")
    stem = _stem(work.name, lock["architecture"])
    directory = work.directory
    names = names_of_images(work.name, lock["architecture"])
    images = {kind.rule: work.outputs(kind.rule)[kind.output] for kind in KINDS}
    sweep(directory)
    old = files(directory)
    last = read_object(directory / _FACTS)
    for rule, image in images.items():
        target = directory / names[rule]
        # Another builder may just have written the same image.
        if last.get(rule) != vars(image) or not _is_as_written(target, old.get(target.name)):
            copy(work.store, image, target)
    facts = manifest(work)
    texts = {
        **{f"{names[rule]}.sha256": f"{keys.digits(image.digest)}  {names[rule]}\n" for rule, image in images.items()},
        _FACTS: _json(facts),
        f"{stem}.cdx.json": _json(sbom(facts)),
        f"{stem}.packages": "".join(f"{p['name']} {p['version']}\n" for p in facts["packages"]),
    }
    for name, text in texts.items():
        write_atomically(directory / name, text.encode())
    sizes = {names[rule]: image.size for rule, image in images.items()}
    sizes |= {name: len(text.encode()) for name, text in texts.items()}
    written = {name: [size, (directory / name).stat().st_mtime_ns] for name, size in sizes.items()}
    for name in old.keys() - written.keys():  # Names change, for example with the architecture.
        (directory / name).unlink(missing_ok=True)
    work.save({**names, "digest": images[ISO.rule].digest, "files": written})
    return {
        "made": [
            _made(directory / names[kind.rule], images[kind.rule], kind.next.format(name=work.name)) for kind in KINDS
        ]
    }


def _stem(profile: str, architecture: str) -> str:
    """What the names of all results but the manifest start with. Raises DebateError for an unknown architecture."""
    machine(architecture)  # It comes from a record, and becomes a path.
    return f"{file_name(profile)}-{architecture}"


def names_of_images(profile: str, architecture: str) -> dict[str, str]:
    """Rule of each kind of image -> name of its file. Raises DebateError for an unknown architecture."""
    stem = _stem(profile, architecture)
    return {kind.rule: f"{stem}{kind.suffix}" for kind in KINDS}


def names(profile: str, architecture: str) -> frozenset[str]:
    """The names of all results of a build. Raises DebateError for an unknown architecture."""
    stem, images = _stem(profile, architecture), names_of_images(profile, architecture).values()
    return frozenset(
        (*images, *(f"{image}.sha256" for image in images), *(f"{stem}.{end}" for end in _COMPANIONS), _FACTS)
    )


def _made(target: Path, image: Artifact, hint: str) -> dict[str, Any]:
    """The part of the report about one image."""
    return {
        "what": f"{shown(target)}  {bytes_shown(image.size)}  {image.digest}",
        "next": hint,
        "file": shown(target),
        "size": image.size,
        "digest": image.digest,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def copy(store: Store, image: Artifact, target: Path) -> None:
    """Copy an image for the user, never as a hard link, through which the user could change the store."""
    temporary = temporary_beside(target)
    try:
        store.copy_out(image, temporary)
        replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def present(directory: Path) -> bool:
    """True if the results of the last build are in ``directory``, unchanged."""
    found = files(directory)
    return bool(found) and all(_is_as_written(directory / name, state) for name, state in found.items())


def files(directory: Path) -> dict[str, Any]:
    """Name -> size and modification time (ns) of each file that the last build wrote, from its build.json.

    Empty if that is missing or damaged. Files with these names are removed, as root, so it may name no others than a
    build of this profile has, of any architecture and kind of image.
    """
    found: Any = read_object(directory / "build.json").get("files")
    own = f"{directory.name}-"
    whole = isinstance(found, dict) and all(
        name == _FACTS or (name.startswith(own) and name.isprintable() and "." in name and "/" not in name)
        for name in found
    )
    return found if whole else {}


def _is_as_written(path: Path, state: Any) -> bool:
    try:
        stat = path.lstat()
    except OSError:
        return False
    return bool([stat.st_size, stat.st_mtime_ns] == state)


def remove(directory: Path, *, dryrun: bool = False) -> None:
    """Remove the results and their record."""
    found = files(directory)
    for name in [*found, "build.json"] if found else []:
        print(f"build - removing file '{directory / name}'")  # noqa: T201 - as doit's own clean does
        if not dryrun:
            (directory / name).unlink(missing_ok=True)


RULE = Rule(
    name="build",
    doc="make the ISO with checksum, manifest, package list and SBOM",
    make=make,
    needs=(
        *(kind.rule for kind in KINDS),
        "rootfs",
        "overlay",
        "secrets",
        "initrd",
        "boot",
        "lock",
        "hash",
        "epoch",
        "about",
    ),
    tools=True,
    compared=False,  # except for their times, its files follow from other records
    pure=False,
    whole=lambda settings, profile: present(settings.output / profile),
    clean=lambda directory, dryrun: remove(directory, dryrun=dryrun),
    usage="""\
doit build:NAME [build:OTHER …]

Makes build/NAME/: the ISO, its SHA-256, manifest, SBOM and package list. Runs only the steps whose
inputs changed, and of these only those whose result is in neither the cache nor the remote. Needs
root.

  doit build:minimal             build one profile
  doit -v build:minimal          show the output of each step
  doit -c build:one build:two    continue with the other if one fails
  doit clean build:minimal       remove its results; the cache stays
""",
)
