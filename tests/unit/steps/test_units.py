"""What a profile says of units, and what else in it starts or stops them."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate.errors import ProfileError
from debate.profile.load import load
from debate.steps import config
from debate.text.unit_name import template

LOGIN = "users: [{name: live, autologin: true}]\n"
ARGUMENTS = "boot: {{arguments: ['{}']}}\n"
STARTS = "services: systemd-getty-generator starts serial-getty@{0}.service for the console {0}, though it is disabled"
CASES = [
    ("services: {enable: [getty@tty2], mask: [getty@]}",
     "getty@.service is masked, and so is getty@tty2.service, which is in enable (x.yaml:2:21); keep one"),
    ("services: {enable: [a@b.c.timer], mask: [a@.timer]}", "a@.timer is masked, and so is a@b.c.timer, which"),
    ("services: {enable: [a@b.timer], mask: [a@.service]}", ""),
    ("services: {disable: [a@b.timer], mask: [a@.timer]}", ""),
    ("services: {enable: [a@b], mask: [a@c]}", ""),
    ("files: [{path: /etc/systemd/system/a@b.service, content: x}]\nservices: {enable: [a@b], mask: [a@]}", ""),
    ("services: {disable: [serial-getty@ttyS0]}", STARTS.format("ttyS0")),
    ("services: {disable: [serial-getty@]}", STARTS.format("ttyS0")),
    ("boot: {console: [hvc0]}\nservices: {disable: [serial-getty@hvc0]}", STARTS.format("hvc0")),
    (ARGUMENTS.format("console=ttyAMA0,115200") + "services: {disable: [serial-getty@ttyAMA0]}",
     STARTS.format("ttyAMA0")),
    (ARGUMENTS.format("systemd.getty_auto=no") + "services: {disable: [serial-getty@ttyS0]}", ""),
    ("services: {disable: [serial-getty@ttyS0], mask: [serial-getty@ttyS0]}", ""),
    ("services: {disable: [serial-getty@ttyS0], mask: [getty.target]}", ""),
    ("services: {disable: [serial-getty@ttyS1, getty@tty1]}", ""),
    ("boot: {console: [tty0]}\nservices: {disable: [serial-getty@ttyS0]}", ""),
    ("services: {mask: [serial-getty@ttyS0]}", ""),
    (LOGIN + "services: {mask: [getty@tty1]}",
     "autologin: live is not logged in on tty0: services stop getty@tty1.service (x.yaml:3:19); leave one out"),
    (LOGIN + "services: {disable: [getty@tty1]}", "autologin: live is not logged in on tty0: services stop getty@tty1"),
    (LOGIN + "services: {mask: [serial-getty@ttyS0]}", "autologin: live is not logged in on ttyS0: services stop seri"),
    (LOGIN + "services: {mask: [getty@]}", "autologin: live is not logged in on tty0: services stop getty@tty1"),
    (LOGIN + "services: {mask: [getty.target]}", "autologin: live is not logged in on tty0: services stop getty@tty1"),
    (LOGIN + "boot: {console: [ttyS0]}\nservices: {mask: [getty@tty1]}", ""),
    (LOGIN + "boot: {console: [tty0]}\nservices: {mask: [serial-getty@]}", ""),
    (LOGIN + "services: {mask: [getty@tty2, serial-getty@ttyS1], enable: [getty@tty3]}", ""),
    ("users: [{name: live}]\nservices: {mask: [getty@tty1, serial-getty@ttyS0]}", ""),
    (ARGUMENTS.format("systemd.wants=a") + "services: {disable: [a]}",
     "boot.arguments: systemd.wants=a contradicts services, where a.service is in disable (x.yaml:3:22); keep one"),
    (ARGUMENTS.format("systemd.wants=a.timer") + "services: {mask: [a.timer]}", "boot.arguments: systemd.wants=a.tim"),
    (ARGUMENTS.format("systemd.mask=a") + "services: {enable: [a]}", "boot.arguments: systemd.mask=a contradicts"),
    (ARGUMENTS.format("systemd.mask=a") + "services: {disable: [a], enable: [b]}", ""),
    (ARGUMENTS.format("systemd.debug_shell") + "services: {mask: [debug-shell]}", "boot.arguments: systemd.debug_she"),
    (ARGUMENTS.format("systemd.debug-shell=0") + "services: {mask: [debug-shell]}", ""),
    (ARGUMENTS.format("systemd.unit=a.target") + "services: {mask: [a.target]}", "boot.arguments: systemd.unit=a.tar"),
    (ARGUMENTS.format("a=systemd.wants=a") + "services: {mask: [a]}", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_does_not_go_together(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "x.yaml").write_text(f"version: 1\n{text}\n")
    profile = load(tmp_path, "x")
    if not expected:
        config.normalise(profile, tmp_path)
        return
    with pytest.raises(ProfileError) as caught:
        config.normalise(profile, tmp_path)
    [problem] = caught.value.problems
    assert expected in str(problem).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("a.service", "a.service"),
        ("a@b.service", "a@.service"),
        ("a@b@c.d.timer", "a@.timer"),
        ("a@.socket", "a@.socket"),
    ],
)
def test_the_template(unit: str, expected: str) -> None:
    assert template(unit) == expected
