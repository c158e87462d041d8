"""The command line of systemd-nspawn, word for word: a lost flag is a hole."""

from __future__ import annotations

from debate.sandbox import rights
from debate.sandbox.image import nspawn
from tests.conftest import ROOT


def argv(**more: object) -> list[str]:
    fields: dict[str, object] = {
        "machine": "m", "root": "/root", "read_only": True, "uid_base": 1310720000,
        "rights": rights.TABLE["data"], "network": False,
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
        "--private-users=1310720000:65536",
        "--private-users-ownership=off",
        "--register=no",
        "--keep-unit",
        "--console=pipe",
        "--hostname=debate",
        "--uuid=00000000000000000000000000000001",
        "--as-pid2",
        "--link-journal=no",
        "--timezone=off",
        "--resolv-conf=off",
        "--drop-capability=CAP_AUDIT_CONTROL,CAP_AUDIT_WRITE,CAP_IPC_OWNER,CAP_KILL,CAP_LEASE,CAP_LINUX_IMMUTABLE,"
        "CAP_MKNOD,CAP_NET_ADMIN,CAP_NET_BIND_SERVICE,CAP_NET_BROADCAST,CAP_NET_RAW,CAP_SETFCAP,CAP_SETGID,CAP_SETPCAP,"
        "CAP_SETUID,CAP_SYS_ADMIN,CAP_SYS_BOOT,CAP_SYS_CHROOT,CAP_SYS_NICE,CAP_SYS_PTRACE,CAP_SYS_RESOURCE,"
        "CAP_SYS_TTY_CONFIG",
        "--system-call-filter=~@clock @cpu-emulation @debug @keyring @module @obsolete @raw-io @reboot @swap acct bpf "
        "fanotify_init fanotify_mark fsconfig fsmount fsopen fspick io_uring_enter io_uring_register io_uring_setup "
        "kcmp migrate_pages mount_setattr move_mount move_pages open_by_handle_at open_tree pivot_root "
        "process_vm_readv process_vm_writev quotactl quotactl_fd setns syslog userfaultfd vhangup @mount unshare",
        "--no-new-privileges=yes",
        "--read-only",
        "--private-network",
        "--bind-ro=/a\\:b:/run/in",
        "--bind=/w:/run/work",
        "--setenv=A=b c",
        "--setenv=TZ=UTC",
        "/bin/sh",
        "/run/step/x.sh",
    ]


def test_only_what_runs_packages_scripts_can_gain_privileges() -> None:
    flags = {kind: argv(rights=given) for kind, given in rights.TABLE.items()}
    assert [kind for kind, words in flags.items() if "--no-new-privileges=yes" not in words] == [
        "system",
        "bootstrap",
        "tools",
    ]
    assert [kind for kind, given in rights.TABLE.items() if given.strangers] == ["system", "bootstrap", "tools"]
    mounting = [kind for kind, given in rights.TABLE.items() if "SYS_ADMIN" not in given.drops]
    assert mounting == ["bootstrap", "tools"]


def test_only_fetching_sees_a_network() -> None:
    assert [kind for kind, given in rights.TABLE.items() if given.network] == ["fetch", "tools"]
    assert "--private-network" not in argv(network=True)


def test_the_documentation_has_the_table() -> None:
    assert rights.markdown() in (ROOT / "docs" / "sandbox.md").read_text()


def test_only_a_system_being_built_can_be_written() -> None:
    assert "--read-only" not in argv(read_only=False)
