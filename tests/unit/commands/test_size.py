"""`doit size:NAME` adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debate.commands.logic.size import size
from debate.steps import space
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT, write_files
from tests.unit.steps import fake

MB = 1_000_000
LISTED = {
    "total": {"-": 1000 * MB},
    "sample": {"-": 32 << 20},
    "directory": {"usr": 900 * MB, "usr/lib": 600 * MB, "etc": 10 * MB},
    "package": {**{f"p{number:02}": number * MB for number in range(1, 26)}, space.NOBODY: 40 * MB},
    "packed": {space.NOW: 10 * MB, "xz": 8 * MB, "lz4": 15 * MB},
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfileBuild:
    """A build on a base, whose layers, initramfs and kernel have 100, 20, 5, 30 and 8 MB, and its ISO 170."""
    monkeypatch.chdir(tmp_path)
    for name in ("sandbox", "dodo.py", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    write_files(tmp_path / "profiles", {"below.yaml": "version: 1\n", "x.yaml": "version: 1\nbase: below\n"})
    build, _ = fake.build(tmp_path, "x")

    def edit(name: str, **changes: Any) -> None:
        build.records.save(name, {**build.load(name), **changes})

    def sized(name: str, **sizes: int) -> dict[str, Any]:
        outputs = build.load(name)["outputs"]
        return {"outputs": {key: {**value, "size": sizes.get(key, value["size"])} for key, value in outputs.items()}}

    below = [{**layer, "size": 100 * MB} for layer in build.load("rootfs")["below"]]
    edit("rootfs", **sized("rootfs", layer=20 * MB), below=below)
    edit("overlay", **sized("overlay", layer=5 * MB))
    edit("initrd", **sized("initrd", initrd=30 * MB))
    edit("iso", **sized("iso", iso=170 * MB), kernel={**build.load("iso")["kernel"], "size": 8 * MB})
    lines = (f"{kind}\t{taken}\t{name}\n" for kind, sizes in LISTED.items() for name, taken in sizes.items())
    listed = build.store.put("".join(lines).encode())
    edit("space", outputs={"space": vars(listed)})
    return build


def test_what_is_told(made: ProfileBuild) -> None:
    text = size(made).text
    assert text.startswith(
        "build/x/x-amd64.iso: 170 MB\n\non the ISO:\n   100 MB   59%  layer 0, packages of the base\n"
    )
    assert "\n    20 MB   12%  layer 1, packages\n" in text
    assert "\n   7.0 MB    4%  the rest: boot loaders, menu, file system\n" in text
    assert "\n   900 MB   90%  /usr\n   600 MB   60%  /usr/lib\n" in text
    assert (
        "\n    40 MB    4%  no package: the profile's own files, and what scripts made\n    25 MB    2%  p25\n" in text
    )
    assert "\n  and 6 smaller ones, 21 MB\n" in text
    assert "\n  xz         145 MB  -15%\n  lz4        232 MB  +37%\n" in text, "of 125 MB of layers"
    assert "estimated from 34 MB of the files" in text


def test_as_json(made: ProfileBuild) -> None:
    (data,) = size(made).data
    assert sum(data["parts"].values()) == data["iso"] == 170 * MB
    assert len(data["packages"]) == 26
    assert data["estimated"] == {"xz": 145 * MB, "lz4": 232_500_000}


def test_a_list_that_is_damaged(made: ProfileBuild) -> None:
    made.records.save("space", {"outputs": {"space": vars(made.store.put(b"x"))}})
    with pytest.raises(Exception, match="list of what takes space is malformed"):
        size(made)
