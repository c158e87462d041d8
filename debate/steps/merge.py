"""All layers as one image, for live systems that cannot stack layers themselves."""

from __future__ import annotations

from collections.abc import Sequence

from debate import keys
from debate.model import Artifact, Command, Step


def step(layers: Sequence[Artifact], mksquashfs: Sequence[str], base: Artifact) -> Step:
    """Outputs: image, and sha512 with a line for sha512sum -c."""
    return Step(
        name="merge",
        commands=(Command("merge.sh", show_layers=True),),
        outputs=("image", "sha512"),
        epoch=keys.epoch(keys.key([[layer.digest for layer in layers], list(mksquashfs)])),
        parameters={"mksquashfs": "".join(f"{word}\n" for word in mksquashfs).encode()},
        layers=tuple(layers),
        base=base,
    )
