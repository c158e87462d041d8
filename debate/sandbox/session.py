"""One sandbox, from its mounts to its outputs: the process that a builder starts for each step.

It reads a `Session` as JSON from standard input, makes its mounts in namespaces of its own, runs
the commands, copies the outputs out, and prints one line of JSON for each output. Whatever kills it
takes mounts, loop devices and processes along, since the kernel frees them with the namespace; the
builder need only remove the directory and the cgroup.

    DIRECTORY/                  made by the builder, mode 0700
        in/                     inputs, read-only inside (hard links to cached objects)
        out/NAME                outputs, written by this process alone
        scratch/                tmpfs or ext4 of a bounded size, gone with this process
            base/               the sandbox base, id-mapped, read-only
            lower/0 …           the layers of the system being built, id-mapped, read-only
            upper/ work/ root/  the overlay on them
            files/ out/         what the step may write
            mirror/0 …          package archives that are directories of the host

Messages for the user go to standard error as one line; exit code 1 is a failed command, 2 a sandbox
that could not be made, `DISK_FULL` an output for which DIRECTORY has no space.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import select
import shlex
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from debate.host.copying import send
from debate.host.run import die_with_parent
from debate.sandbox import limits, mounts, nspawn, rights
from debate.sandbox.image import directories, environment, host_tree, whiteouts
from debate.sandbox.scripts import INSIDE

DISK_FULL = 3
_PIPE = 1 << 20
"""Bytes, the most that an unprivileged user's pipe can hold; see pipe(7)."""


@dataclass(frozen=True)
class Command:
    """One command of a session."""

    argv: tuple[str, ...]
    root: str = "base"
    """``base``, or ``system`` for the layers under a writable directory."""
    rights: str = "data"
    """A kind in `debate.sandbox.rights`."""
    pack_upper: bool = False
    """Show what earlier commands changed in the system as /run/upper."""
    show_layers: bool = False
    """Show the whole system as /run/layers."""
    stdout: str = ""
    """The output that its standard output is; empty for the log."""


@dataclass(frozen=True)
class Session:
    """What a builder asks of `main`, all paths absolute on the host."""

    directory: str
    base: str
    """A squashfs image, or empty for the host's own tools."""
    layers: tuple[str, ...]
    commands: tuple[Command, ...]
    outputs: tuple[str, ...]
    scripts: str
    environment: dict[str, str]
    uid_base: int
    shown: tuple[tuple[str, str], ...]
    """Public files of the host, read-only: path there, path inside."""
    mirrors: tuple[tuple[str, str], ...]
    """Directories of the host with package archives, read-only and id-mapped: path there, path inside."""
    scratch: str
    """``tmpfs`` or ``disk``."""
    bytes: int
    inodes: int
    cgroup_procs: tuple[str, ...]
    """Files to write one's process id to, to be bounded."""
    shell: tuple[int, ...] = ()
    """Input and output of a shell that is opened where a command failed, or before anything is packed."""
    in_scope: bool = False
    """Whether the bounds are those of the scope that this process was started in."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Session:
        fields: dict[str, Any] = json.loads(text)
        fields["shell"] = tuple(fields["shell"])
        fields["commands"] = tuple(Command(**command) for command in fields["commands"])
        return cls(**fields)


def main() -> int:
    """Run the session on standard input. Returns the exit code."""
    die_with_parent()
    session = Session.from_json(sys.stdin.read())
    os.umask(environment.UMASK)
    os.environ["PATH"] = environment.VARIABLES["PATH"]
    for procs in session.cgroup_procs:
        Path(procs).write_text(str(os.getpid()))
    # Looked up now: later /proc is that of the processes inside, and this one is not there.
    counters = limits.counters_here() if session.in_scope else {}
    try:
        child = mounts.private_namespaces()
        if child:
            status = abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            if status and session.in_scope:
                sys.stdout.write(json.dumps({"exceeded": limits.exceeded(counters)}) + "\n")
            return status
        scratch = _prepare(session)
    except OSError as error:
        _complain(f"the sandbox could not be made: {error}")
        return 2
    taken: dict[str, tuple[str, int]] = {}
    for command in session.commands:
        if (command.pack_upper or command.show_layers) and session.shell:
            break
        last = command
        if command.pack_upper:
            lower = [scratch / "lower" / str(n) for n in range(len(session.layers))]
            try:
                whiteouts.spell_out(scratch / "upper", lower)
            except OSError as error:  # Untrusted code made that tree, as deep as it liked.
                place = os.path.relpath(error.filename or "", scratch / "upper")
                _complain(f"what it left cannot be packed: {place[:200]}: {error.strerror}")
                return 1
        argv, name = _argv(session, command, scratch), command.stdout
        if name and not session.shell:
            try:
                status, taken[name] = take(argv, Path(session.directory, "out", name), session.bytes)
            except OSError as error:
                return _lost(name, error)
        else:
            with (scratch / "out" / name).open("wb") if name else contextlib.nullcontext(sys.stderr) as target:
                status = subprocess.run(
                    argv, stdin=subprocess.DEVNULL, stdout=target, preexec_fn=die_with_parent
                ).returncode
        if status and session.shell:
            break
        if status:
            return 1
    if session.shell:
        return _shell(session, last, scratch, failed=status != 0)
    for name in session.outputs:
        try:
            digest, size = taken.get(name) or _copy_out(scratch / "out", name, Path(session.directory, "out", name))
        except OSError as error:
            return _lost(name, error)
        sys.stdout.write(json.dumps({"name": name, "digest": digest, "size": size}) + "\n")
    return 0


def _lost(output: str, error: OSError) -> int:
    """Say why an output could not be had. Returns the exit code."""
    _complain(f"output {output}: {error.strerror or error}")
    return DISK_FULL if error.errno == errno.ENOSPC else 1


def _shell(session: Session, command: Command, scratch: Path, *, failed: bool) -> int:
    """A shell where ``command`` ran. Returns 0: what the user does there is no failure."""
    source, target = session.shell
    script = shlex.join(command.argv)
    os.write(target, (
        f"{script}: {'it failed' if failed else 'it is done'}; this is its sandbox as it is now.\n"
        f"Inputs are in {environment.IN}, scripts in {INSIDE}. Leave with exit or Ctrl-D; nothing is kept.\n"
    ).encode())  # fmt: skip
    interactive = os.isatty(source) and os.isatty(target)
    start = "if command -v bash > /dev/null; then exec bash; else exec sh; fi"
    argv = _argv(session, replace(command, argv=("/bin/sh", "-c", start)), scratch)
    if interactive:
        # nspawn makes a terminal of its own: nothing inside gets hold of the user's.
        argv[argv.index("--console=pipe")] = "--console=interactive"
        subprocess.run(argv, stdin=source, stdout=target, stderr=target, preexec_fn=die_with_parent)
        return 0
    with subprocess.Popen(
        argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent
    ) as process:
        while process.stdout and (chunk := os.read(process.stdout.fileno(), 1 << 16)):
            os.write(target, chunk)
    return 0


def _complain(message: str) -> None:
    sys.stderr.write(f"debate: {message}\n")


def _prepare(session: Session) -> Path:
    """Make all mounts. Returns the scratch directory."""
    directory = Path(session.directory)
    scratch = directory / "scratch"
    scratch.mkdir()
    if session.scratch == "tmpfs":
        mounts.tmpfs(scratch, size=session.bytes, inodes=session.inodes)
    else:
        mounts.disk(scratch, size=session.bytes, inodes=session.inodes, directory=directory)
    # nspawn keeps its own files here, and would leave them behind on the host.
    state = Path("/run/systemd/nspawn")
    state.mkdir(parents=True, exist_ok=True)
    mounts.tmpfs(state, size=1 << 20, inodes=1024)
    directories.make(scratch, session.uid_base)
    images = []
    if session.base:
        images.append((session.base, scratch / "base"))
    else:
        host_tree.make(scratch / "base", session.uid_base)
    for number, (path, _) in enumerate(session.mirrors):
        target = scratch / "mirror" / str(number)
        target.mkdir(parents=True)
        mounts.bind(Path(path), target)
        # Some file systems cannot be id-mapped. There, others than root must be able to read it, too.
        with contextlib.suppress(OSError):
            mounts.shift(session.uid_base, [target])
    lower = []
    for number, layer in enumerate(session.layers):
        lower.append(scratch / "lower" / str(number))
        lower[-1].mkdir()
        images.append((layer, lower[-1]))
    for image, target in images:
        mounts.squashfs(Path(image), target)
    mounts.shift(session.uid_base, [target for _, target in images])
    if session.layers:
        mounts.overlay(lower, scratch / "upper", scratch / "work", scratch / "root")
    return scratch


def _argv(session: Session, command: Command, scratch: Path) -> list[str]:
    system = command.root == "system"
    binds = [
        nspawn.Bind(session.scripts, INSIDE),
        nspawn.Bind(f"{session.directory}/in", environment.IN),
    ]
    if not system:
        binds.append(nspawn.Bind(f"{scratch}/files", environment.WORK, read_only=False))
        binds.append(nspawn.Bind(f"{scratch}/out", environment.OUT, read_only=False))
    if command.pack_upper:
        binds.append(nspawn.Bind(f"{scratch}/upper", environment.UPPER))
    if command.show_layers:
        binds.append(nspawn.Bind(f"{scratch}/root", environment.LAYERS))
    # nspawn shows /dev/fuse from systemd 257 on.
    binds.append(nspawn.Bind("/dev/null", "/dev/fuse"))
    binds += [nspawn.Bind(source, target) for source, target in session.shown]
    binds += [nspawn.Bind(f"{scratch}/mirror/{n}", target) for n, (_, target) in enumerate(session.mirrors)]
    return nspawn.argv(
        command.argv,
        machine=f"debate-{os.getpid()}",
        root=str(scratch / ("root" if system else "base")),
        read_only=not system,
        uid_base=session.uid_base,
        rights=rights.TABLE[command.rights],
        binds=binds,
        environment={**environment.VARIABLES, **session.environment},
    )


def take(argv: list[str], target: Path, most: int) -> tuple[int, tuple[str, int]]:
    """Run a command and write what it says to ``target``, hashing on the way.

    While nothing comes, what is there already is brought to the disk. Returns its exit status, and ``sha256:HEX`` with
    the size in bytes. Raises OSError for more than ``most`` bytes.
    """
    digest, size, synced = hashlib.sha256(), 0, True
    target.parent.mkdir(parents=True, exist_ok=True)
    source, end = os.pipe()
    with contextlib.suppress(OSError):  # It only makes it faster.
        fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, _PIPE)
    with (
        open(source, "rb", buffering=0) as reader,
        target.open("wb") as writer,
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=end, preexec_fn=die_with_parent) as process,
    ):
        os.close(end)
        try:
            while True:
                if not synced and not select.select([reader], [], [], 0.05)[0]:
                    _sync(writer)
                    synced = True
                chunk = reader.read(_PIPE)
                if not chunk:
                    break
                size += len(chunk)
                if size > most:
                    raise OSError(f"larger than {most:,} bytes (setting limits.bytes)")
                digest.update(chunk)
                writer.write(chunk)
                synced = False
            if not synced:
                _sync(writer)
        except OSError:
            process.kill()  # It would wait for ever for somebody to read on.
            raise
    return process.returncode, (f"sha256:{digest.hexdigest()}", size)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _copy_out(directory: Path, name: str, target: Path) -> tuple[str, int]:
    """Copy one output, hashing on the way. What lies there was made by untrusted code."""
    parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    finally:
        os.close(parent)
    with open(source, "rb", buffering=0) as reader:
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("not a regular file")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Nothing inside runs any more, so the copy and the digest, made side by side, are of the same bytes.
        with target.open("wb", buffering=0) as writer, ThreadPoolExecutor(1) as pool:
            copying = pool.submit(_copy, source, writer.fileno(), found.st_size)
            digest = hashlib.file_digest(reader, "sha256")
            copying.result()
    return f"sha256:{digest.hexdigest()}", found.st_size


def _copy(source: int, target: int, size: int) -> None:
    send(source, target, size)
    os.fsync(target)


if __name__ == "__main__":
    if shutil.which("systemd-nspawn") is None:
        _complain("systemd-nspawn is not installed; run ./setup")
        sys.exit(2)
    sys.exit(main())
