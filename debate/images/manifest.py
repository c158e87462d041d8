"""manifest.json: all facts about the images of a build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from debate import __version__
from debate.history.records import outputs_of
from debate.images.iso import layers
from debate.images.kinds import KINDS
from debate.profile import lockfile
from debate.profile.profile_names import file_name
from debate.steps.installed import installed, tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from debate.model import Artifact, Locked
    from debate.steps.work import Work


def manifest(work: Work) -> dict[str, Any]:
    """All facts about the images; the same ISO has the same manifest."""
    lock, hashes, rootfs = work.record("lock"), work.record("hash"), work.outputs("rootfs")
    initrd = work.outputs("initrd")
    tree = outputs_of(work.tools_record())
    boot = work.outputs("boot")
    unpacked = _listed(work, boot["unpacked"], work.unpacked()) if "unpacked" in boot else []
    return {
        "format": 1,
        "name": file_name(work.name),
        "description": work.record("about")["description"],
        "distribution": lock["distribution"],
        "release": lock["release"],
        "architecture": lock["architecture"],
        "config": hashes["config"],
        "epoch": work.epoch(hashes["epoch"]),
        "lock": lockfile.identity(lock),
        "archives": lock.get("archives", []),
        **{kind.rule: vars(work.outputs(kind.rule)[kind.output]) for kind in KINDS},
        "layers": [
            {"name": name, **vars(layer)} for name, layer in layers(work.record("rootfs"), work.record("overlay"))
        ],
        "kernel": work.record("iso")["kernel"],
        "certificate": work.record("iso")["certificate"],
        "initrd": vars(initrd["initrd"]),
        "sandbox": {"base": tree["tools"].digest, "tools": tools(work.store, tree["packages"])},
        "debate": __version__,
        "packages": _listed(work, rootfs["packages"], work.locked()),
        "unpacked": unpacked,
    }


def _listed(work: Work, listed: Artifact, packages: Sequence[Locked]) -> list[dict[str, Any]]:
    """What a list says of each of ``packages``, and the lock."""
    files = {package.identity: package for package in packages}
    both = [(found, files[found.name, found.architecture]) for found in installed(work.store, listed, packages)]
    return [
        {
            **vars(found),
            "repository": locked.repository,
            "path": locked.path,
            "sha256": locked.sha256,
            "size": locked.size,
            "installed": locked.installed or None,
        }
        for found, locked in both
    ]
