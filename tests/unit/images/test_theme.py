"""How the menu looks: the files of the theme, and the pictures and fonts that a boot loader cannot read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from debate.errors import ProfileError
from debate.images import iso, menu, theme
from debate.live.interface import Live
from debate.model import Artifact
from debate.profile.load import load
from debate.steps import config
from debate.text import pf2
from tests.unit.images.test_iso import HERE, LIVE, NAME, SLICE

LOOK = theme.Theme("1024x768", "#102030", "#aabbcc", "#4050f0", "#ffffff", "", "")


def picture(mode: str = "RGB", size: tuple[int, int] = (4, 3), form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, form)
    return file.getvalue()


def made(profiles: Path, said: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> config.Config:
    for name, content in (files or {}).items():
        (profiles / name).write_bytes(content)
    (profiles / "x.yaml").write_text(yaml.safe_dump({"version": 1, "boot": {"theme": dict(said)}}))
    return config.normalise(load(profiles, "x"), profiles)


def files(look: theme.Theme = LOOK, title: str = "T") -> dict[str, bytes]:
    return theme.files(look, title, 3, {"sha256:p": b"picture", "sha256:f": b"font"}.__getitem__)


def test_the_default_is_a_gradient_of_the_profiles_colours() -> None:
    found = files()
    with Image.open(io.BytesIO(found["iso/boot/grub/theme/background.png"])) as shown:
        shown.load()
        assert shown.size == (1, 256)
        assert shown.getpixel((0, 255)) == (0x10, 0x20, 0x30)
        assert shown.getpixel((0, 0)) == tuple(
            round(one + (two - one) * 0.3) for one, two in zip(b"\x10\x20\x30", b"\x40\x50\xf0", strict=True)
        )
    with Image.open(io.BytesIO(found["iso/boot/grub/theme/select_c.png"])) as shown:
        assert shown.getpixel((0, 0)) == (0x40, 0x50, 0xF0)
    assert found["font"] == b""


def test_the_text_has_all_that_the_profile_says() -> None:
    text = files(title='My "own" system')["iso/boot/grub/theme/theme.txt"].decode()
    assert "    text = \"My ''own'' system\"\n" in text
    for colour in ("#102030", "#aabbcc", "#ffffff"):
        assert f'"{colour}"' in text
    assert all(line.count('"') in (0, 2) for line in text.splitlines())


def test_picture_and_font_of_the_profile(profiles: Path) -> None:
    shown, font = picture("RGBA"), b"OTTO..."
    files_ = {"p.png": shown, "f.otf": font}
    found = made(profiles, {"picture": "p.png", "font": "f.otf"}, files_)
    look = found.slice(iso.Slice).theme
    parameters = theme.files(look, "T", 3, lambda digest: iso._content(found.contents, digest))
    assert parameters["iso/boot/grub/theme/background.png"] == shown
    assert parameters["font"] == font
    assert b'"crop"' in parameters["iso/boot/grub/theme/theme.txt"]


def test_a_picture_that_is_in_an_overlay_too(profiles: Path) -> None:
    (profiles / "p.png").write_bytes(b"x")
    digest = iso.keys.sha256(b"x")
    assert iso._content({digest: profiles / "p.png"}, digest) == b"x"
    (profiles / "p.png").write_bytes(b"y")
    with pytest.raises(iso.DebateError, match="changed while it was used; start doit again"):
        iso._content({digest: profiles / "p.png"}, digest)
    (profiles / "p.png").unlink()
    with pytest.raises(iso.DebateError, match=r"p\.png"):
        iso._content({digest: profiles / "p.png"}, digest)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_pictures_that_boot_loaders_read(profiles: Path, mode: str) -> None:
    assert made(profiles, {"picture": "p.png"}, {"p.png": picture(mode)}).slice(iso.Slice).theme.picture


@pytest.mark.parametrize(
    ("field", "content", "fact"),
    [
        ("picture", picture(form="BMP"), "not a PNG; convert it"),
        ("picture", picture("I;16"), "a form of PNG that boot loaders do not read"),
        ("font", b"wOFF....", "not a font of TrueType, OpenType or GRUB; name a file that ends in .ttf, .otf or .pf2"),
        ("font", b"", "not a font of TrueType"),
        ("font", pf2.SIGNATURE, "a damaged font: it ends too early; make it again with grub-mkfont"),
    ],
)
def test_what_boot_loaders_do_not_read(profiles: Path, field: str, content: bytes, fact: str) -> None:
    with pytest.raises(ProfileError) as error:
        made(profiles, {field: "file"}, {"file": content})
    (problem,) = error.value.problems
    assert f"{field} 'file': {fact}" in f"{problem.fact}; {problem.remedy}"


def test_a_picture_that_is_not_there(profiles: Path) -> None:
    with pytest.raises(ProfileError, match="picture 'none"):
        made(profiles, {"picture": "none.png"})


@pytest.mark.parametrize(("resolution", "timeout"), [("text", 3), ("1024x768", 0)])
def test_a_menu_without_a_theme(resolution: str, timeout: int) -> None:
    look = theme.Theme(resolution, "#102030", "#aabbcc", "#4050f0", "#ffffff", "", "")
    assert theme.files(look, "T", timeout, {}.__getitem__) == {}
    assert theme.lines(look, timeout, "serial") == []


@pytest.mark.parametrize(
    ("boot", "told"),
    [
        ("timeout: 0, theme: {text: '#ffffff'}", ["boot.theme: not shown, since boot.timeout is 0"]),
        ("theme: {resolution: text, font: f.otf}", ["boot.theme: not shown, since its resolution is text"]),
        (
            "theme: {font: f.otf}",
            ["boot.theme.font: not shown with Secure Boot, with which GRUB loads no font but its own"],
        ),
        ("secure: none, theme: {font: f.otf}", []),
        ("theme: {resolution: text}", []),
        ("timeout: 0", []),
        ("theme: {text: '#ffffff'}", []),
    ],
)
def test_a_theme_that_nobody_sees_is_told(profiles: Path, boot: str, told: list[str]) -> None:
    (profiles / "f.otf").write_bytes(b"OTTO")
    (profiles / "x.yaml").write_text(f"version: 1\nboot: {{{boot}}}\n")
    assert [*config.normalise(load(profiles, "x"), profiles).told] == told


def test_the_menu_stays_on_the_serial_console(profiles: Path) -> None:
    (profiles / "x.yaml").write_text("version: 1\nboot: {console: [tty0, ttyS0]}\n")
    text = menu.text(config.normalise(load(profiles, "x"), profiles).slice(iso.Slice), LIVE, HERE)
    assert "    if terminal_output gfxterm serial; then\n" in text
    assert "        terminal_output console serial\n" in text
    (profiles / "x.yaml").write_text("version: 1\nboot: {console: [tty0], theme: {resolution: 800x600}}\n")
    text = menu.text(config.normalise(load(profiles, "x"), profiles).slice(iso.Slice), LIVE, HERE)
    assert "    if terminal_output gfxterm; then\n" in text
    assert "set gfxmode=800x600,auto\n" in text


def test_a_theme_is_in_the_iso_step_and_in_its_checksums() -> None:
    file = Artifact(f"sha256:{'0' * 64}", 1)
    boot = {"BOOTX64.EFI": file, "memtest-bios": file, "memtest-uefi": file}
    step = iso.step(
        SLICE, Live({"live/x": b"x"}, "", (), (), ()), boot, files(), NAME, 5, 5, Artifact("sha256:tools", 1)
    )
    sums = dict(line.split("  ")[::-1] for line in step.parameters["iso/sha256sum.txt"].decode().splitlines())
    laid_out = (*step.parameters, *step.inputs)
    on_iso = {name.removeprefix("iso/") for name in laid_out if name.startswith("iso/")}
    assert sums.keys() == on_iso - {"sha256sum.txt"}
    assert {"EFI/BOOT/BOOTX64.EFI", "boot/memtest-pc", "boot/memtest-efi"} <= sums.keys()
    assert sums["live/x"] == iso.keys.digits(iso.keys.sha256(b"x"))
    assert step.parameters["font"] == b""
