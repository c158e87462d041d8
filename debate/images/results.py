"""What a build leaves in its output directory: the ISO, and what tells people what is in it.

P-ARCH.iso                  the ISO
P-ARCH.iso.sha256           for `sha256sum -c`
manifest.json               packages, layers, hashes, tool versions
P-ARCH.cdx.json             SBOM: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/
P-ARCH.packages             name and version, a package a line
build.json                  names, sizes and digests of these
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import __version__, distributions, keys
from debate.host.copying import replace, send
from debate.host.files import read_object, sweep, temporary_beside, write_atomically
from debate.text.amounts import bytes_shown
from debate.text.paths import shown

if TYPE_CHECKING:
    from debate.steps.pipeline import Pipeline

_FICLONE = 0x40049409
"""ioctl_ficlone(2)."""


def write(pipeline: Pipeline) -> dict[str, Any]:
    """Write all results. Returns the report for the reporter."""
    with _alone(pipeline.directory):
        return _write(pipeline)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Wait for whoever writes results there: build.json of one would speak of another's files."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # NFS locks no directory. Files are whole there all the same.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(pipeline: Pipeline) -> dict[str, Any]:
    iso = pipeline.outputs("iso")["iso"]
    lock = pipeline.load("lock.json")
    stem = f"{pipeline.name}-{lock['architecture']}"
    directory = pipeline.directory
    target = directory / f"{stem}.iso"
    sweep(directory)
    last = read_object(directory / "build.json")
    old = _files(last)
    # Another builder may have written it just now, or this one, with other texts.
    if last.get("digest") != iso.digest or not _is_as_written(target, old.get(target.name)):
        copy(pipeline.store.path(iso), target)
    facts = manifest(pipeline)
    texts = {
        f"{stem}.iso.sha256": f"{iso.digest.removeprefix('sha256:')}  {stem}.iso\n",
        "manifest.json": _json(facts),
        f"{stem}.cdx.json": _json(sbom(facts)),
        f"{stem}.packages": "".join(f"{p['name']} {p['version']}\n" for p in facts["packages"]),
    }
    for name, text in texts.items():
        write_atomically(directory / name, text.encode())
    files = {f"{stem}.iso": [iso.size, target.stat().st_mtime_ns]}
    files |= {name: [len(text.encode()), (directory / name).stat().st_mtime_ns] for name, text in texts.items()}
    for name in old.keys() - files.keys():  # Under another name, such as another architecture's.
        (directory / name).unlink(missing_ok=True)
    pipeline.save("build.json", {"iso": f"{stem}.iso", "digest": iso.digest, "files": files})
    what = f"{shown(target)}  {bytes_shown(iso.size)}  {iso.digest}"
    return {"made": {"what": what, "next": f"doit check:{pipeline.name}, which boots it in QEMU"}}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def copy(source: Path, target: Path) -> None:
    """Put a file of the store beside the user's: a reflink where the file system can, else a copy.

    Never a hard link, through which a user could change the store.
    """
    temporary = temporary_beside(target)
    try:
        with source.open("rb") as reader, temporary.open("wb") as writer:
            try:
                fcntl.ioctl(writer, _FICLONE, reader.fileno())
            except OSError:
                # shutil.copyfile would open the target anew, for which ext4 waits for the disk.
                send(reader.fileno(), writer.fileno(), os.fstat(reader.fileno()).st_size)
        replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def present(directory: Path) -> bool:
    """Whether the results of the last build lie in ``directory`` as they were written."""
    files = _files(read_object(directory / "build.json"))
    return bool(files) and all(_is_as_written(directory / name, state) for name, state in files.items())


def _files(record: Mapping[str, Any]) -> dict[str, Any]:
    """Size and time (ns) of each file that a build wrote; ``record`` is its build.json, or what is left of it."""
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


def manifest(pipeline: Pipeline) -> dict[str, Any]:
    """All facts about an ISO, the same for the same ISO."""
    from debate.history.records import outputs_of, read_json
    from debate.steps import sandbox_base

    lock, hashes, rootfs = pipeline.load("lock.json"), pipeline.load("hash.json"), pipeline.outputs("rootfs")
    iso, initrd = pipeline.outputs("iso")["iso"], pipeline.outputs("initrd")
    base = outputs_of(read_json(sandbox_base.record(pipeline.settings)))
    files = {package["name"]: package for package in lock["packages"]}
    packages = []
    for line in pipeline.store.read(rootfs["packages"]).decode().splitlines():
        name, version, architecture, source, source_version = line.split("\t")
        locked = files[name]
        packages.append(
            {
                "name": name,
                "version": version,
                "architecture": architecture,
                "source": source,
                "source_version": source_version,
                "repository": locked["repository"],
                "path": locked["path"],
                "sha256": locked["sha256"],
            }
        )
    tools = dict(line.split("\t") for line in pipeline.store.read(base["packages"]).decode().splitlines())
    return {
        "format": 1,
        "name": pipeline.name,
        "description": pipeline.load("about.json")["description"],
        "distribution": lock["distribution"],
        "release": lock["release"],
        "architecture": lock["architecture"],
        "config": hashes["config"],
        "epoch": hashes["epoch"],
        "lock": keys.sha256(keys.canonical(lock["packages"])),
        "iso": vars(iso),
        "layers": [{"name": name, **vars(layer)} for name, layer in pipeline.layers()],
        "kernel": vars(initrd["kernel"]),
        "initrd": vars(initrd["initrd"]),
        "sandbox": {"base": base["base"].digest, "tools": tools},
        "debate": __version__,
        "packages": packages,
    }


def sbom(facts: dict[str, Any]) -> dict[str, Any]:
    """The manifest as CycloneDX 1.6. Its serial number and time follow from the ISO."""
    digest = facts["iso"]["digest"].removeprefix("sha256:")
    when = datetime.datetime.fromtimestamp(facts["epoch"], datetime.UTC)
    distribution = facts["distribution"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {"components": [{"type": "application", "name": "debate", "version": facts["debate"]}]},
            "component": {
                "type": "operating-system",
                "bom-ref": "iso",
                "name": facts["name"],
                "version": facts["config"][:16],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": [
            {
                "type": "library",
                "bom-ref": _purl(distribution, facts["release"], package),
                "name": package["name"],
                "version": package["version"],
                "purl": _purl(distribution, facts["release"], package),
                "hashes": [{"alg": "SHA-256", "content": package["sha256"]}],
                "properties": [
                    {"name": "debate:source", "value": f"{package['source']} {package['source_version']}"},
                    {"name": "debate:repository", "value": package["repository"]},
                ],
            }
            for package in facts["packages"]
        ],
    }


def _purl(distribution: str, release: str, package: dict[str, str]) -> str:
    """A package URL; see https://github.com/package-url/purl-spec."""
    name, version = (urllib.parse.quote(package[field], safe="") for field in ("name", "version"))
    kind = distributions.get(distribution).PURL
    return f"pkg:{kind}/{name}@{version}?arch={package['architecture']}&distro={distribution}-{release}"
