"""The results of a build in its output directory: the ISO, and files that describe it.

P-ARCH.iso                  the ISO
P-ARCH.iso.sha256           for `sha256sum -c`
manifest.json               packages, layers, hashes, tool versions
P-ARCH.cdx.json             SBOM: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/
P-ARCH.packages             name and version, one package per line
build.json                  names, sizes and digests of these
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import keys
from debate.host.copying import replace, send
from debate.host.files import read_object, sweep, temporary_beside, write_atomically
from debate.steps.rule import Rule
from debate.text.amounts import bytes_shown
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.steps.work import Work

_FICLONE = 0x40049409
"""ioctl_ficlone(2)."""


def make(work: Work) -> Report:
    """Write all results. Returns the report for the reporter."""
    with _alone(work.directory):
        return {**_write(work), **work.remember()}


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Lock ``directory``: with two writers at once, build.json could describe the other's files."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # NFS cannot lock directories. Each file is still written atomically.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(work: Work) -> Report:
    from debate.images.manifest import manifest
    from debate.images.sbom import sbom

    iso = work.outputs("iso")["iso"]
    lock = work.record("lock")
    stem = f"{work.name}-{lock['architecture']}"
    directory = work.directory
    target = directory / f"{stem}.iso"
    sweep(directory)
    last = read_object(directory / "build.json")
    old = _files(last)
    # Another builder may just have written the same ISO.
    if last.get("digest") != iso.digest or not _is_as_written(target, old.get(target.name)):
        copy(work.store.path(iso), target)
    facts = manifest(work)
    texts = {
        f"{stem}.iso.sha256": f"{keys.digits(iso.digest)}  {stem}.iso\n",
        "manifest.json": _json(facts),
        f"{stem}.cdx.json": _json(sbom(facts)),
        f"{stem}.packages": "".join(f"{p['name']} {p['version']}\n" for p in facts["packages"]),
    }
    for name, text in texts.items():
        write_atomically(directory / name, text.encode())
    files = {f"{stem}.iso": [iso.size, target.stat().st_mtime_ns]}
    files |= {name: [len(text.encode()), (directory / name).stat().st_mtime_ns] for name, text in texts.items()}
    for name in old.keys() - files.keys():  # Names change, for example with the architecture.
        (directory / name).unlink(missing_ok=True)
    work.save({"iso": f"{stem}.iso", "digest": iso.digest, "files": files})
    what = f"{shown(target)}  {bytes_shown(iso.size)}  {iso.digest}"
    return {
        "made": {
            "what": what,
            "next": f"doit check:{work.name}, which boots it in QEMU",
            "file": shown(target),
            "size": iso.size,
            "digest": iso.digest,
        }
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def copy(source: Path, target: Path) -> None:
    """Copy a file of the store for the user, as a reflink if the file system supports that.

    Never as a hard link, through which the user could change the store.
    """
    temporary = temporary_beside(target)
    try:
        with source.open("rb") as reader, temporary.open("wb") as writer:
            try:
                fcntl.ioctl(writer, _FICLONE, reader.fileno())
            except OSError:
                # shutil.copyfile would open the target again, which makes ext4 wait for the disk.
                send(reader.fileno(), writer.fileno(), os.fstat(reader.fileno()).st_size)
        replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def present(directory: Path) -> bool:
    """True if the results of the last build are in ``directory``, unchanged."""
    files = _files(read_object(directory / "build.json"))
    return bool(files) and all(_is_as_written(directory / name, state) for name, state in files.items())


def _files(record: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> size and modification time (ns) of each file that a build wrote. ``record`` is its build.json."""
    files = record.get("files")
    return files if isinstance(files, dict) else {}


def _is_as_written(path: Path, state: Any) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return bool([stat.st_size, stat.st_mtime_ns] == state)


def remove(directory: Path, *, dryrun: bool = False) -> None:
    """Remove the results and their record."""
    files = _files(read_object(directory / "build.json"))
    for name in [*files, "build.json"] if files else []:
        print(f"build - removing file '{directory / name}'")  # noqa: T201 - as doit's own clean does
        if not dryrun:
            (directory / name).unlink(missing_ok=True)


RULE = Rule(
    name="build",
    doc="make the ISO with checksum, manifest, package list and SBOM",
    make=make,
    needs=("iso", "rootfs", "overlay", "initrd", "lock", "hash", "about"),
    base=True,
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
