"""What a profile names and the system does not have is refused: at boot it would be passed over in silence."""

from __future__ import annotations

import re

import pytest

from tests.integration.checkout import Checkout

PROFILE = "extends: minimal\nbase: minimal\npackages: [console-setup, locales, tzdata]\n"


@pytest.fixture(scope="module")
def mine(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("overlay") / "checkout", built.cache)
    checkout.pin(built)
    return checkout


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("locale: de_DD.UTF-8", 9, "locale: the system has no de_DD.UTF-8; .* of this language: de_AT .*de_DE"),
        ("timezone: Europe/Berlim", 11, "timezone: the system has no Europe/Berlim; its own are: .*Europe/Berlin"),
        ("timezone: Europe", 11, "timezone: the system has no Europe; "),
        ("keymap: dee", 9, "keymap: the system has no layout dee; it has .* de "),
        ("keymap: de-nodeadkey", 9, "keymap: the layout de has no variant nodeadkey; it has .*nodeadkeys"),
        ("users: [{name: live, shell: /bin/zsh}]", 29, "users: live: the system has no shell /bin/zsh; add the pack"),
        ("users: [{name: live, groups: [sodu]}]", 31, "users: live: a group of sodu is missing"),
        ("services: {enable: [shh]}", 21, "services: enable shh.service failed; is there such a unit in the system"),
        ("services: {mask: [apt-dialy.timer]}", 19, "services: the system has no unit apt-dialy.timer to mask"),
        ("permissions: [{path: /etc/motdd, mode: '0600'}]", 22, "permissions: /etc/motdd: no such file in the system"),
        ("permissions: [{path: /etc/hosts, mode: '0644', owner: wwwdata}]", 55, "permissions: /etc/hosts: no such own"),
        ("files: [{path: /etc/x, content: x, owner: wwwdata}]", 0, "no such owner in /etc/passwd: wwwdata; add it"),
    ],
)  # fmt: skip
def test_what_the_system_lacks(mine: Checkout, text: str, column: int, message: str) -> None:
    mine.profile("mine", f"{PROFILE}{text}\n")
    said = mine.doit("overlay:mine", status=1)
    place = f"profiles/mine.yaml:[0-9]+:{column}: " if column else ""
    assert re.search(f"^  > debate: {place}{message}", said, re.MULTILINE), said


def test_what_it_has(mine: Checkout) -> None:
    mine.profile(
        "mine",
        f"{PROFILE}locale: ca_ES.UTF-8@valencia\ntimezone: America/Argentina/Ushuaia\nkeymap: de-nodeadkeys\n"
        "users: [{name: live, shell: /bin/dash, groups: [adm]}]\n"
        "services: {mask: [apt-daily.timer, getty@tty3.service]}\n",
    )
    mine.doit("overlay:mine")
