"""What a builder asks of a session reaches it as it was."""

from __future__ import annotations

from dataclasses import replace

from debate.sandbox.image.command import Command
from debate.sandbox.session import Session


def test_through_json_and_back() -> None:
    session = Session(
        directory="/d", tools="", layers=("/a", "/b"), outputs=("o",), scripts="/s", environment={"A": "b"}, uid_base=1,
        commands=(Command(("/bin/sh", "x"), rights="system"), Command(("y",), pack_upper=True, stdout="o")),
        shown=(("/etc/hosts", "/etc/hosts"),), mirrors=(("/m", "/run/mirror/m"), ("/n", "/run/mirror/n")),
        scratch="disk", bytes=2, inodes=3, cgroup_procs=("/p",), in_scope=True,
    )  # fmt: skip
    session = replace(session, shell=(4, 5))  # noqa: S604
    assert Session.from_json(session.to_json()) == session
