"""One sandbox, from its mounts to its outputs: the process that a builder starts for each step.

It reads a `Session` as JSON from standard input, makes its mounts in namespaces of its own, runs the commands, and
copies the outputs out. However it ends, the kernel frees its mounts, loop devices and processes with the namespaces;
the builder only has to remove the directory and the control group.

    DIRECTORY/                  made by the builder, mode 0700
        in/                     inputs, read-only in the sandbox (hard links to cached objects)
        step/                   the scripts that are in the step's key, read-only in the sandbox
        out/NAME                outputs, written only by this process
        out/NAME.template       the template of a composed output
        scratch/                tmpfs or ext4 of limited size, unmounted with this process
            tools/              the tools tree, id-mapped, read-only
            lower/0 …           the layers of the system that is built, id-mapped, read-only
            upper/ work/ root/  the overlay on them
            out/                outputs, for commands that run no strangers' programs
            made/               what a command left as the root directory of the next, read-only
            own/0 …             /run/work of each command
            own/0.problems …    complaints of its scripts (see `debate.sandbox.problems`)
            mirror/0 …          package archives in directories of the host

Standard error is the log. Standard output has lines of JSON: ``{"output": {"name", "digest", "size"}}``,
``{"composition": TEXT}`` with the JSON of `debate.composition`,
``{"problem": {"field", "value", "fact", "remedy"}}``, ``{"exceeded": LIMIT}``, which can be empty. Exit code 1 means
that a command or an output failed, 2 that the sandbox could not be set up.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import IO, Any, get_args, get_origin, get_type_hints

from debate import install
from debate.errors import NO_SPACE, Complaint, DebateError
from debate.host.beneath import Tree
from debate.host.run import die_with_parent
from debate.model import Artifact, Reach
from debate.sandbox import confine, limits, mounts, network, outputs, problems
from debate.sandbox.image import calls, directories, environment, host_tree, overlayfs
from debate.sandbox.image import command as commands
from debate.sandbox.image.command import Command
from debate.sandbox.known_parts import Finder, Known
from debate.sandbox.network import Network
from debate.sandbox.rights import TABLE
from debate.text.amounts import count
from debate.text.printable import printable

_SECRETS = 1 << 20
"""Bytes of memory for copies of secrets."""


@dataclass(frozen=True)
class Session:
    """The input of `main`. All paths are absolute paths of the host."""

    directory: str
    tools: str
    """A squashfs image, or empty for the host's own tools."""
    layers: tuple[str, ...]
    commands: tuple[Command, ...]
    outputs: tuple[str, ...]
    scripts: str
    """A directory, shown as /run/step."""
    environment: dict[str, str]
    uid_base: int
    shown: tuple[tuple[str, str], ...]
    """Public files of the host, read-only: path on the host, path in the sandbox."""
    mirrors: tuple[tuple[str, str], ...]
    """Directories of the host with package archives, read-only and id-mapped: path on the host, path in the sandbox."""
    reach: Reach
    """Where commands with a network may connect to."""
    scratch: str
    """``tmpfs`` or ``disk``."""
    bytes: int
    inodes: int
    cgroup_procs: tuple[str, ...]
    """Files to which this process writes its id, to join its control groups."""
    secrets: tuple[tuple[str, str], ...] = ()
    """Files of the host of which the sandbox has copies in memory: path on the host, path in the sandbox."""
    composed: str = ""
    """The output that is taken apart into the `known` files that are in it."""
    known: tuple[Known, ...] = ()
    shell: tuple[int, ...] = ()
    """Input and output of a shell that is opened after a command failed, or before anything is packed."""
    in_scope: bool = False
    """True if this process was started in a systemd scope, whose limits apply."""
    builder: int = 0
    """The process that started this one."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Session:
        session: Session = _typed(cls, json.loads(text))
        return session


def _typed(kind: Any, value: Any) -> Any:
    """The value of type ``kind`` that was converted by ``asdict`` and JSON."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _typed(hints[name], item) for name, item in value.items()})
    if get_origin(kind) is tuple:
        return tuple(_typed(get_args(kind)[0], item) for item in value)  # All tuples here are of one type.
    return value


class _FailedError(Exception):
    """Ends the session with the exit code ``status``. Without a fact, a command failed and may have said why."""

    def __init__(self, fact: str = "", remedy: str = "", *, status: int = 1) -> None:
        super().__init__(fact)
        self.fact, self.remedy, self.status = fact, remedy, status


def main() -> int:
    """Run the session on standard input. Returns the exit code."""
    die_with_parent()
    session = Session.from_json(sys.stdin.read())
    if os.getppid() != session.builder:
        return 1  # The builder was killed before this process could ask to die with it.
    os.umask(environment.UMASK)
    os.environ["PATH"] = environment.VARIABLES["PATH"]
    for procs in session.cgroup_procs:
        Path(procs).write_text(str(os.getpid()))
    # Looked up now, since later /proc shows only the processes inside, and not this one.
    counters = limits.counters_of() if session.in_scope else {}
    try:
        if shutil.which("systemd-nspawn") is None:
            raise _FailedError("systemd-nspawn is not installed", install("systemd-container"), status=2)
        child = _isolate()
        if child:
            status = abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            if status and session.in_scope:
                _say(exceeded=limits.exceeded(counters))
            return status
        _run(session)
    except _FailedError as error:
        if error.fact:
            _say(problem=asdict(Complaint("", "", error.fact, error.remedy)))
        return error.status
    return 0


def _say(**line: object) -> None:
    """Send the builder one line of JSON."""
    sys.stdout.write(json.dumps(line) + "\n")


@contextlib.contextmanager
def _setting_up() -> Iterator[None]:
    """Errors that occur here mean that the sandbox could not be set up."""
    try:
        yield
    except OSError as error:
        raise _FailedError(f"the sandbox could not be set up: {error}", status=2) from None
    except DebateError as error:
        problem = error.problems[0]
        raise _FailedError(f"the sandbox could not be set up: {problem.fact}", problem.remedy, status=2) from None


def _isolate() -> int:
    with _setting_up():
        return mounts.private_namespaces()


def _run(session: Session) -> None:
    """Run all commands, then open the shell or copy the outputs."""
    with _setting_up():
        scratch = _prepare(session)
        written = mounts.watched(scratch)
        net = None
        if session.reach.endpoints:
            net = network.make(session.reach, session.uid_base + network.NOBODY, session.bytes)
    taken: dict[str, Artifact] = {}
    status = 0
    for number in range(len(session.commands)):
        if session.shell and number and all(map(_packs, session.commands[number:])):
            break
        last = number
        _prepare_for(number, session, scratch)
        status = _execute(session, number, scratch, net, taken)
        if status:
            break
    if session.shell:
        _shell(session, last, scratch, net, failed=status != 0)
        return
    if status:
        _say(exceeded=limits.space_exceeded(scratch))
        complaints = _complaints(scratch, last)
        for complaint in net.explain(complaints) if net else complaints:
            _say(problem=asdict(complaint))
        raise _FailedError
    try:
        mounts.require_written(written)
    except OSError as error:
        fact = f"the disk of {session.directory} did not take what the step wrote: {error.strerror}"
        raise _FailedError(fact, NO_SPACE) from None
    for name in session.outputs:
        if name not in taken:
            with _writing(name):
                target = Path(session.directory, "out", name)
                taken[name] = outputs.copy(scratch / "out", name, target, _left(session, taken))
        _say(output={"name": name, **asdict(taken[name])})


def _packs(command: Command) -> bool:
    """True for a command that only looks at what others left, and packs it."""
    return command.pack_upper or command.show_layers or command.show_left


def _left(session: Session, taken: Mapping[str, Artifact]) -> int:
    """Bytes that further outputs may have: those of a step share one limit."""
    return session.bytes - sum(made.size for made in taken.values())


def _execute(session: Session, number: int, scratch: Path, net: Network | None, taken: dict[str, Artifact]) -> int:
    """Run one command, until none of its processes is left: they end with the first process of their PID namespace.

    Returns its exit status; adds the output that is its standard output, if any, to ``taken``.
    """
    command = session.commands[number]
    argv, name = _argv(session, command, number, scratch, net), command.stdout
    if name and not session.shell:
        with _writing(name), _confined(command, net) as enter:
            output = Path(session.directory, "out", name)
            with _finder(session, name, output) as finder:
                status, taken[name] = outputs.take(argv, output, _left(session, taken), enter, finder)
                composition = finder.finish(taken[name]) if finder and not status else None
            if composition:
                _say(composition=composition.to_json().decode())
            elif finder and not status:
                outputs.sync(output)
        return status
    with (
        _new_output(scratch, name) if name else contextlib.nullcontext(sys.stderr) as target,
        _confined(command, net) as enter,
    ):
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=target, preexec_fn=enter).returncode


def _finder(session: Session, name: str, output: Path) -> contextlib.AbstractContextManager[Finder | None]:
    """What takes the output ``name`` apart, with its template beside it; None for another than the composed one."""
    if name != session.composed:
        return contextlib.nullcontext()
    output.parent.mkdir(exist_ok=True)
    return Finder(session.known, output.with_name(f"{name}.template"))


def _new_output(scratch: Path, name: str) -> IO[bytes]:
    """The file /run/out/NAME, in place of what commands may have left there, such as a link to a file of the host."""
    with _writing(name), Tree(scratch) as tree:
        return tree.created(f"out/{name}")


@contextlib.contextmanager
def _confined(command: Command, net: Network | None) -> Iterator[Callable[[], None]]:
    """The ``preexec_fn`` of systemd-nspawn for ``command``."""
    joined = _joined(command, net)
    try:
        with confine.starting(calls.NEW_USER | (0 if joined else calls.NEW_NET)) as confined:

            def enter() -> None:
                if joined:
                    joined.enter()
                confined()

            yield enter
    except subprocess.SubprocessError:
        remedy = "run outside of containers that intercept system calls"
        raise _FailedError("this kernel did not set the filter of system calls", remedy, status=2) from None


def _joined(command: Command, net: Network | None) -> Network | None:
    """The network in which ``command`` runs; None for one that nspawn makes, with only a loopback interface."""
    return net if TABLE[command.rights].network else None


def _prepare_for(number: int, session: Session, scratch: Path) -> None:
    changes = session.commands[number].pack_upper and session.layers
    if changes:
        with _setting_up():
            mounts.unmount(scratch / "root")
    try:
        commands.prepare(session.commands[number], number, scratch, len(session.layers), session.uid_base)
    except OSError as error:  # Untrusted code made that tree, as deep as it wanted.
        place = printable(os.path.relpath(error.filename or "", scratch)[:200])
        raise _FailedError(f"what the commands before left cannot be packed: {place}: {error.strerror}") from None
    if changes:
        with _setting_up():
            _stack(session, scratch)


def _stack(session: Session, scratch: Path) -> None:
    """Mount the system. While it is, nothing else may change its upper directory: the kernel would list whiteouts."""
    below = directories.lower(Path(), len(session.layers))
    mounts.overlay(overlayfs.options(below, Path("upper"), Path("work")), Path("root"), directory=scratch)


@contextlib.contextmanager
def _writing(output: str) -> Iterator[None]:
    """Errors that occur here are errors of ``output``."""
    try:
        yield
    except OSError as error:
        full = error.errno == errno.ENOSPC
        fact = f"output {output}: {error.strerror or error}"
        raise _FailedError(fact, NO_SPACE if full else "") from None


def _complaints(scratch: Path, number: int) -> list[Complaint]:
    """The complaints of the command with this number."""
    found, unread = problems.read(directories.own(scratch, number).problems)
    if unread:
        sys.stderr.write(f"debate: {count(unread, 'problem report')} could not be read\n")
    return found


def _shell(session: Session, number: int, scratch: Path, net: Network | None, *, failed: bool) -> None:
    """Open a shell where the command with this number ran. Its exit status does not matter."""
    command = session.commands[number]
    source, target = session.shell
    said = [f"{complaint.problem()}\n" for complaint in _complaints(scratch, number)] if failed else []
    scripts = [Path(word).name for word in command.argv if word.startswith(environment.STEP)]
    name = scripts[0] if scripts else shlex.join(command.argv)
    os.write(target, (
        f"{''.join(said)}{name} {'failed' if failed else 'finished'}. "
        "This shell is in its sandbox, as it left it.\n"
        f"Inputs are in {environment.IN}, scripts in {environment.STEP}. Leave with exit or Ctrl-D; nothing is kept.\n"
    ).encode())  # fmt: skip
    interactive = os.isatty(source) and os.isatty(target)
    start = "if command -v bash > /dev/null; then exec bash; else exec sh; fi"
    argv = _argv(session, replace(command, argv=("/bin/sh", "-c", start)), number, scratch, net)
    if interactive:
        # nspawn creates a terminal of its own, so that nothing inside can access the user's.
        argv[argv.index("--console=pipe")] = "--console=interactive"
        with _confined(command, net) as enter:
            subprocess.run(argv, stdin=source, stdout=target, stderr=target, preexec_fn=enter)
        return
    with (
        _confined(command, net) as enter,
        subprocess.Popen(
            argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=enter
        ) as process,
    ):
        while process.stdout and (chunk := os.read(process.stdout.fileno(), 1 << 16)):
            os.write(target, chunk)


def _prepare(session: Session) -> Path:
    """Make all mounts. Returns the scratch directory."""
    directory = Path(session.directory)
    scratch = directory / "scratch"
    scratch.mkdir()
    if session.scratch == "tmpfs":
        mounts.tmpfs(scratch, size=session.bytes, inodes=session.inodes)
    else:
        mounts.disk(scratch, size=session.bytes, inodes=session.inodes, directory=directory)
    # nspawn writes files of its own here, and would leave them behind on the host.
    state = Path("/run/systemd/nspawn")
    state.mkdir(parents=True, exist_ok=True)
    mounts.tmpfs(state, size=1 << 20, inodes=1024)
    directories.make(scratch, session.uid_base)
    images = []
    if session.tools:
        images.append((session.tools, scratch / "tools"))
    else:
        host_tree.make(scratch / "tools", session.uid_base)
    for number, (path, _) in enumerate(session.mirrors):
        target = scratch / "mirror" / str(number)
        target.mkdir(parents=True)
        mounts.bind(Path(path), target)
        # Some file systems cannot be id-mapped. Then the directory must be readable for all users.
        with contextlib.suppress(OSError):
            mounts.shift(session.uid_base, [target])
    if session.secrets:
        _copy_secrets(session, scratch / "secret")
    lower = directories.lower(scratch, len(session.layers))
    for layer, target in zip(session.layers, lower, strict=True):
        target.mkdir()
        images.append((layer, target))
    for image, target in images:
        mounts.squashfs(Path(image), target)
    mounts.shift(session.uid_base, [target for _, target in images])
    if session.layers:
        _stack(session, scratch)
    return scratch


def _copy_secrets(session: Session, kept: Path) -> None:
    """Raises OSError. The copies are gone with the mounts of this process, and on no disk of the host."""
    kept.mkdir(mode=0o700)
    mounts.tmpfs(kept, size=_SECRETS, inodes=64)
    for number, (path, _) in enumerate(session.secrets):
        with Path(path).open("rb") as file, open(kept / str(number), "xb") as copy:
            os.fchmod(copy.fileno(), 0o400)
            os.fchown(copy.fileno(), session.uid_base, session.uid_base)
            copy.write(file.read(_SECRETS // 2))


def _argv(session: Session, command: Command, number: int, scratch: Path, net: Network | None) -> list[str]:
    return commands.argv(
        command,
        number,
        machine=f"debate-{os.getpid()}",
        directory=session.directory,
        scripts=session.scripts,
        scratch=scratch,
        shown=[*session.shown, *((f"{scratch}/secret/{n}", path) for n, (_, path) in enumerate(session.secrets))],
        mirrors=[target for _, target in session.mirrors],
        environment_=session.environment,
        uid_base=session.uid_base,
        network=_joined(command, net) is not None,
    )


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # Both processes of a session end here. To take all modules apart first took 10 ms of each.
