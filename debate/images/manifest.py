"""manifest.json: all facts about the images of a build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from debate import __version__, keys
from debate.history.records import outputs_of
from debate.images.iso import layers
from debate.images.kinds import KINDS
from debate.steps.installed import installed, tools

if TYPE_CHECKING:
    from debate.steps.work import Work


def manifest(work: Work) -> dict[str, Any]:
    """All facts about the images; the same ISO has the same manifest."""
    lock, hashes, rootfs = work.record("lock"), work.record("hash"), work.outputs("rootfs")
    initrd = work.outputs("initrd")
    tree = outputs_of(work.tools_record())
    files = {package.identity: package for package in work.locked()}
    packages = []
    for found in installed(work.store, rootfs["packages"], work.locked()):
        locked = files[found.name, found.architecture]
        packages.append({**vars(found), "repository": locked.repository, "path": locked.path, "sha256": locked.sha256})
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
        "archives": lock.get("archives", []),
        **{kind.rule: vars(work.outputs(kind.rule)[kind.output]) for kind in KINDS},
        "layers": [
            {"name": name, **vars(layer)} for name, layer in layers(work.record("rootfs"), work.record("overlay"))
        ],
        "kernel": vars(initrd["kernel"]),
        "initrd": vars(initrd["initrd"]),
        "sandbox": {"base": tree["tools"].digest, "tools": tools(work.store, tree["packages"])},
        "debate": __version__,
        "packages": packages,
    }
