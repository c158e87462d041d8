"""The shipped desktop is built and boots into its user's session. Only with DEBATE_TEST_DESKTOP set: it takes half an
hour of two processors without KVM, and 6 GB.
"""

from __future__ import annotations

from PIL import Image

from tests.integration.checkout import Checkout


def test_the_desktop_shows_itself(checkout: Checkout) -> None:
    path = checkout.directory / "profiles" / "desktop.yaml"
    path.write_text(path.read_text().replace("timeout: 900", "timeout: 3000"))
    checkout.check("desktop", "login: live (automatic login)")
    for firmware in ("bios", "uefi"):
        with Image.open(checkout.output("desktop", "check", f"{firmware}.png")) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 1000, (
                "more than a few windows' colours: a wallpaper"
            )
