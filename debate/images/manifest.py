"""manifest.json: all facts about the images of a build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from debate import __version__, keys
from debate.errors import DebateError
from debate.history.records import AGAIN, outputs_of
from debate.images.iso import layers
from debate.images.kinds import KINDS

if TYPE_CHECKING:
    from debate.steps.work import Work


def manifest(work: Work) -> dict[str, Any]:
    """All facts about the images; the same ISO has the same manifest."""
    lock, hashes, rootfs = work.record("lock"), work.record("hash"), work.outputs("rootfs")
    initrd = work.outputs("initrd")
    tree = outputs_of(work.tools_record())
    files = {(package["name"], package["architecture"]): package for package in lock["packages"]}
    packages = []
    for line in work.store.read(rootfs["packages"]).decode().splitlines():
        name, version, architecture, source, source_version = line.split("\t")
        locked = files.get((name, architecture))
        if locked is None:
            place = str(work.directory / "lock.json")
            raise DebateError(f"damaged: the installed package {name}:{architecture} is missing", AGAIN, place=place)
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
    tools = dict(line.split("\t") for line in work.store.read(tree["packages"]).decode().splitlines())
    return {
        "format": 1,
        "name": work.name,
        "description": work.record("about")["description"],
        "distribution": lock["distribution"],
        "release": lock["release"],
        "architecture": lock["architecture"],
        "config": hashes["config"],
        "epoch": hashes["epoch"],
        "lock": keys.sha256(keys.canonical(lock["packages"])),
        **{kind.rule: vars(work.outputs(kind.rule)[kind.output]) for kind in KINDS},
        "layers": [
            {"name": name, **vars(layer)} for name, layer in layers(work.record("rootfs"), work.record("overlay"))
        ],
        "kernel": vars(initrd["kernel"]),
        "initrd": vars(initrd["initrd"]),
        "sandbox": {"base": tree["tools"].digest, "tools": tools},
        "debate": __version__,
        "packages": packages,
    }
