"""Ports and commands that are tried in a guest that is up."""

from __future__ import annotations

import base64
import re
import subprocess
from typing import cast

import pytest

from debate.qemu.lan import Cable
from debate.qemu.login import EMPTY, Dialog, Login, LoginError
from debate.qemu.probes import ProbeError, Probes


class Guest:
    """A console on which sh runs what is typed, and a cable with ports."""

    def __init__(self, *commands: str, ports: tuple[str, ...] = (), login: Login | None = None) -> None:
        self.text, self.time, self.typed = "host login: " if login else "# ", 0.0, list[str]()
        self.ports, self.deaf = list(ports), 0
        dialog = Dialog(login, self.hear, lambda: self.time) if login else None
        cable = cast("Cable", self) if ports else None
        self.probes = Probes(cable, dialog, commands, self.hear, lambda: self.time)

    def missing(self) -> list[str]:
        return self.ports

    def hear(self, line: str) -> None:
        self.typed.append(line)
        if self.deaf:
            self.deaf -= 1
            return
        self.text += line
        if line.startswith("echo ") and (self.text.startswith("#") or self.typed.count("root\n")):
            self.text += subprocess.run(["sh"], input=line, capture_output=True, text=True, check=True).stdout + "# "

    def looks(self) -> bool:
        self.time += 3
        return self.probes.are_passed(self.text, len(self.text))

    def ends(self) -> bool:
        return any(self.looks() for _ in range(30))


def test_commands_in_their_order() -> None:
    guest = Guest("echo one", "test -n \"$(echo 'two; #')\"", "read nothing; echo `echo three`")
    assert guest.ends()
    assert [line for line in guest.text.splitlines() if line in ("one", "three")] == ["one", "three"]
    assert len(guest.typed) == 3


@pytest.mark.parametrize(("command", "status"), [("false", 1), ("exit 7", 7), ("a b '", 2), ("kill -9 $$", 137)])
def test_a_status_that_is_not_0(command: str, status: int) -> None:
    guest = Guest("true", command, "true")
    with pytest.raises(ProbeError, match=rf"\(check.commands\) ended with status {status}$"):
        guest.ends()
    assert len(guest.typed) == 2


def test_the_echo_and_what_a_command_prints_are_no_answer() -> None:
    guest = Guest("sleep 0")
    guest.deaf = 1
    assert not guest.looks()
    [word] = guest.typed
    script = base64.b64decode(word.split()[1]).decode()
    token = re.search(r"echo ([0-9a-f]{16})-0-\$\?", script)
    assert token
    guest.text += f"{word}{token[1]}-1-0 {token[1][:8]}-0-0\n"
    assert not guest.looks()
    assert guest.probes.lacking() == "did not end `sleep 0` (check.commands)"
    guest.text += f"{token[1]}-0-0\r\n"
    assert guest.ends()


def test_what_is_typed_too_early_is_typed_again() -> None:
    guest = Guest("true")
    guest.deaf = 2
    assert guest.ends()
    assert len(guest.typed) == 3


def test_what_others_print_does_not_stand_for_an_echo() -> None:
    """Such as a line of the kernel, or the same words before."""
    guest = Guest("true", "true")
    assert not guest.looks()
    guest.deaf = 1
    assert not any(guest.looks() for _ in range(3))
    guest.text += "[   99.1] a line of the kernel\n"
    assert guest.ends()
    assert len(guest.typed) == 3


def test_what_runs_for_long_is_typed_once() -> None:
    guest = Guest("true")
    guest.text = ""
    assert not guest.looks()
    for _ in range(20):
        guest.text += "progress\n" * 3000
        assert not guest.looks()
    assert len(guest.typed) == 1


def test_ports_come_first() -> None:
    guest = Guest("true", ports=("port 80 refuses connections", "port 22 does not answer"))
    assert not guest.ends()
    assert not guest.typed
    lacking = "takes no connections (check.ports: port 80 refuses connections, port 22 does not answer)"
    assert guest.probes.lacking() == lacking
    guest.ports.clear()
    assert guest.ends()


def test_who_runs_them_logs_in_first() -> None:
    guest = Guest("true", login=Login("root", EMPTY))
    assert guest.probes.lacking() == "lets nobody log in"
    assert guest.ends()
    assert guest.typed[0] == "root\n"
    guest = Guest("true", login=Login("root", EMPTY))
    guest.looks()
    guest.text += "root\r\nPassword: "
    with pytest.raises(LoginError):
        guest.looks()
