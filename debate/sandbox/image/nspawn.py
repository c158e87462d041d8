"""The command line of systemd-nspawn, and nothing else.

Source: systemd-nspawn(1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from debate.sandbox.image import environment as image
from debate.sandbox.rights import Rights


@dataclass(frozen=True)
class Bind:
    """A host path that is visible in the sandbox."""

    source: str
    target: str
    read_only: bool = True


def argv(
    command: Sequence[str],
    *,
    machine: str,
    root: str,
    read_only: bool,
    uid_base: int,
    rights: Rights,
    network: bool,
    binds: Sequence[Bind],
    environment: Mapping[str, str],
) -> list[str]:
    """The argv that runs ``command`` in the tree at ``root``.

    ``root`` is already id-mapped, or owned by the range ``uid_base`` … ``uid_base + 65535``, so that root in the
    sandbox is not root on the host. With ``network``, it gets the network namespace of this process.
    """
    flags = [
        "systemd-nspawn",
        "--quiet",
        f"--directory={root}",
        f"--machine={machine}",
        f"--private-users={uid_base}:65536",
        "--private-users-ownership=off",
        "--register=no",
        "--keep-unit",
        "--console=pipe",
        *image.FLAGS,
    ]
    flags += [f"--drop-capability={','.join(f'CAP_{name}' for name in rights.drops)}"]
    flags += [f"--system-call-filter=~{' '.join(rights.denied)}"]
    if not rights.new_privileges:
        flags.append("--no-new-privileges=yes")
    if read_only:
        flags.append("--read-only")
    if not network:
        flags.append("--private-network")
    for bind in binds:
        kind = "--bind-ro" if bind.read_only else "--bind"
        flags.append(f"{kind}={_escape(bind.source)}:{bind.target}")
    flags += [f"--setenv={name}={value}" for name, value in sorted(environment.items())]
    return [*flags, *command]


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:")
