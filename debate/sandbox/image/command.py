"""One command of a session: how it is called, and what it sees."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debate import model
from debate.sandbox import mounts, rights
from debate.sandbox.image import directories, environment, nspawn, whiteouts


@dataclass(frozen=True)
class Command:
    """A command with its arguments."""

    argv: tuple[str, ...]
    root: str = "tools"
    """``tools``, ``system`` for the layers under a writable directory, or ``made`` for a tree that is left."""
    rights: str = "data"
    """A kind in `debate.sandbox.rights`."""
    pack_upper: bool = False
    """Show what earlier commands changed in the system as /run/upper."""
    show_layers: bool = False
    """Show the whole system as /run/layers."""
    show_left: bool = False
    """Show what the command before left in /run/work as /run/left."""
    stdout: str = ""
    """The output to which its standard output goes; empty for the log."""


def of(command: model.Command) -> Command:
    """A command of a step, whose script is shown below `environment.STEP`."""
    argv = ("/bin/sh", f"{environment.STEP}/{command.script}")
    return Command(
        argv, command.root, command.rights, command.pack_upper, command.show_layers, command.show_left, command.stdout
    )


def variables(epoch: int) -> dict[str, str]:
    """The variables of a step's commands, in addition to `environment.VARIABLES`."""
    return {"SOURCE_DATE_EPOCH": str(epoch)}


def prepare(command: Command, number: int, scratch: Path, layers: int, uid_base: int) -> None:
    """Make what only ``command`` writes to, and bring the system into the form that it is to see. Raises OSError.

    ``number`` counts the commands of the step, ``layers`` those of the system.
    """
    directories.make_own(scratch, number, uid_base)
    if command.root == "made":
        made = directories.own(scratch, number - 1).work / "root"
        if not stat.S_ISDIR(made.lstat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a directory", str(made))
        # A mount of its own, since what nspawn mounts below it must not be seen in /run/left.
        mounts.bind(made, scratch / "made")
    if command.pack_upper:
        whiteouts.spell_out(scratch / "upper", directories.lower(scratch, layers))


def argv(
    command: Command,
    number: int,
    *,
    machine: str,
    directory: str,
    scripts: str,
    scratch: Path,
    shown: Sequence[tuple[str, str]],
    mirrors: Sequence[str],
    environment_: Mapping[str, str],
    uid_base: int,
    network: bool,
) -> list[str]:
    """The argv of systemd-nspawn for ``command``, the one with this ``number``.

    ``shown`` has further files of the host, with their paths in the sandbox; ``mirrors`` the paths in the sandbox of
    the directories below ``scratch``/mirror; ``network`` says that this process is in the command's network. For the
    other directories see `debate.sandbox.session`.
    """
    own = directories.own(scratch, number)
    roots = {"tools": "tools", "system": "root", "made": "made"}
    binds = [
        nspawn.Bind(scripts, environment.STEP),
        nspawn.Bind(f"{directory}/in", environment.IN),
        nspawn.Bind(str(own.problems), environment.PROBLEMS, read_only=False),
    ]
    if command.root != "system":
        binds.append(nspawn.Bind(str(own.work), environment.WORK, read_only=False))
    if command.root != "system" and not rights.TABLE[command.rights].strangers:
        binds.append(nspawn.Bind(f"{scratch}/out", environment.OUT, read_only=False))
    if command.pack_upper:
        binds.append(nspawn.Bind(f"{scratch}/upper", environment.UPPER))
    if command.show_layers:
        binds.append(nspawn.Bind(f"{scratch}/root", environment.LAYERS))
    if command.show_left:
        binds.append(nspawn.Bind(str(directories.own(scratch, number - 1).work), environment.LEFT))
    # nspawn shows /dev/fuse from systemd 257 on.
    binds.append(nspawn.Bind("/dev/null", "/dev/fuse"))
    binds.append(nspawn.Bind("/dev/null", "/proc/cmdline"))  # the host's
    binds += [nspawn.Bind(source, target) for source, target in shown]
    binds += [nspawn.Bind(f"{scratch}/mirror/{number}", target) for number, target in enumerate(mirrors)]
    return nspawn.argv(
        command.argv,
        machine=machine,
        root=str(scratch / roots[command.root]),
        read_only=command.root != "system",
        uid_base=uid_base,
        rights=rights.TABLE[command.rights],
        network=network,
        binds=binds,
        environment={**environment.VARIABLES, **environment_},
    )
