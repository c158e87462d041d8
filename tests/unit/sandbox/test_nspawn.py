"""The command line of systemd-nspawn, word for word: a lost flag is a hole."""

from __future__ import annotations

from debate.sandbox import nspawn


def argv(**more: object) -> list[str]:
    fields: dict[str, object] = {
        "machine": "m", "root": "/root", "read_only": True, "uid_base": 1310720000, "network": False,
        "binds": [nspawn.Bind("/a:b", "/run/in"), nspawn.Bind("/w", "/run/work", read_only=False)],
        "environment": {"TZ": "UTC", "A": "b c"},
    }  # fmt: skip
    return nspawn.argv(("/bin/sh", "/run/step/x.sh"), **{**fields, **more})  # type: ignore[arg-type]


def test_golden() -> None:
    assert argv() == [
        "systemd-nspawn",
        "--quiet",
        "--directory=/root",
        "--machine=m",
        "--hostname=debate",
        "--uuid=00000000000000000000000000000001",
        "--private-users=1310720000:65536",
        "--private-users-ownership=off",
        "--register=no",
        "--keep-unit",
        "--as-pid2",
        "--console=pipe",
        "--link-journal=no",
        "--timezone=off",
        "--resolv-conf=off",
        "--read-only",
        "--private-network",
        "--bind-ro=/a\\:b:/run/in",
        "--bind=/w:/run/work",
        "--setenv=A=b c",
        "--setenv=TZ=UTC",
        "/bin/sh",
        "/run/step/x.sh",
    ]


def test_only_a_step_with_a_network_sees_one() -> None:
    assert "--private-network" not in argv(network=True)


def test_only_a_system_being_built_can_be_written() -> None:
    assert "--read-only" not in argv(read_only=False)
