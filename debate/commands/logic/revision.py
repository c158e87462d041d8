"""The profiles directory as it is in git at a revision, read with git's own programs.

Who can write to the repository decides what is there: sizes are known before anything is read, and nothing is written
outside of a directory of its own. Blobs are written as they are: `.gitattributes` of that revision have no say.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple, Self, cast

from debate.errors import DebateError, Problem
from debate.host.beneath import MAX_BYTES, Tree
from debate.settings import Settings
from debate.text.paths import shown

_GIT = ("git", "-c", "core.bigFileThreshold=1m")
"""Larger files pass through its memory in parts."""
_MOST_FILES = 50_000
_MOST_TEXT = 16 << 20
"""Bytes of a list of files, as of the paths in the overlays of a profile."""
_LONGEST_LINK = 4095
_PART = 1 << 18
_CHUNK = 1 << 20
_MOST_MEMORY = 256 << 20
"""Bytes that git may take, beside what it maps. A file that is kept as its difference from another needs both."""
_MOST_TIME = 20
"""Seconds of the processor in which git must list files: a few trees within each other can be a tree without end."""
_MOST_WAIT = 120
"""Seconds for the same altogether: a pipe among its files says nothing for ever."""
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
"""Variables that git sets for hooks, which may mean another repository or index than that of the checkout."""
_FETCH_NOTHING = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
_NO_REVISION = "name a commit, branch or tag"


_OTHER = "name another revision"
_TOO_LONG = b"debate: too long"


class TooMuchError(DebateError):
    """What git was asked for is more than this takes, as far as whoever can commit decides that."""


class _Blob(NamedTuple):
    mode: int
    """As in git, which is that of inode(7) for what it knows."""
    name: str
    """The object's."""
    size: int
    path: str


@contextlib.contextmanager
def profiles_at(settings: Settings, revision: str) -> Iterator[Path]:
    """The profiles directory at ``revision``, in a directory that is removed in the end.

    Raises DebateError, and gives each DebateError that is raised meanwhile the places in git: ``REVISION:PATH``.
    """
    files = _files(settings, revision)
    needed, where = sum(file.size for file in files), tempfile.gettempdir()
    if needed > (room := shutil.disk_usage(where).free):
        fact = f"the profiles of revision {revision!r} have {needed:,} bytes, and {where} has room for {room:,}"
        raise DebateError(fact, "set TMPDIR to a directory with more", place="diff")
    directory = Path(tempfile.mkdtemp(prefix="debate-diff-"))
    atexit.register(_remove, directory)  # Ctrl-C ends the process while this thread is anywhere.
    try:
        try:
            with Tree(directory) as tree:
                _unpack(settings, files, tree)
        except OSError as error:
            fact = f"the profiles of revision {revision!r} cannot be unpacked: {error.strerror or error}"
            raise DebateError(fact, _OTHER, place="diff") from None
        try:
            yield directory / settings.profiles.name
        except DebateError as error:
            raise _renamed(error, directory, f"{revision}:") from None
    finally:
        _remove(directory)
        atexit.unregister(_remove)


def _remove(directory: Path) -> None:
    """Remove a directory, to which another thread may write until it finds that it is gone."""
    for _ in range(100):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return


def _renamed(error: DebateError, directory: Path, name: str) -> DebateError:
    """The same error, with ``name`` in the place of the path of ``directory``."""

    def said(text: str) -> str:
        for path in (f"{directory.resolve()}/", f"{directory}/", f"{shown(directory)}/"):
            text = text.replace(path, name)
        return text

    problems = (
        Problem(each.place and replace(each.place, file=said(each.place.file)), said(each.fact), said(each.remedy))
        for each in error.problems
    )
    return DebateError.of(problems, details=said(error.details), log=error.log)


def _files(settings: Settings, revision: str) -> list[_Blob]:
    """All files and links below the profiles directory at ``revision``. Raises DebateError."""
    if revision.startswith("-") or not revision.isprintable():
        raise DebateError(f"{revision!r} is not a revision", _NO_REVISION, place="diff")
    _said(settings, ["rev-parse", "--git-dir"])
    try:
        tree = _said(settings, ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}"])
    except DebateError:
        raise DebateError(f"the repository has no revision {revision!r}", _NO_REVISION, place="diff") from None
    listing = ["ls-tree", "-r", "-z", "--long", tree.decode().strip(), "--", settings.profiles.name]
    files, left = [], MAX_BYTES
    for line in _listed(settings, listing, too_many=_too_large(revision)):
        words, _, path = line.partition("\t")
        mode, kind, name, size = words.split()
        if kind == "blob" and path.startswith(f"{settings.profiles.name}/"):  # The others are repositories.
            files.append(_Blob(int(mode, 8), name, int(size), path))
            left -= int(size)
            if stat.S_ISLNK(files[-1].mode) and files[-1].size > _LONGEST_LINK:
                raise DebateError("is a link that no file system could hold", _NO_REVISION, place=f"{revision}:{path}")
    if not files:
        fact = f"revision {revision!r} has no directory {settings.profiles.name}"
        raise DebateError(fact, "name a revision that has it", place="diff")
    if left < 0:
        raise _too_large(revision)
    return files


def in_index(settings: Settings, places: Sequence[Path]) -> list[Path]:
    """The files at or below ``places`` that git's index has, as far as these are in the work tree, and the repositories
    or links that it has in the place of a directory above them, with whatever these bring. Raises DebateError:
    TooMuchError for what a commit can cause.

    The repository may be of another user, so no program of its configuration is run: --sparse keeps git from fetching
    trees that it lacks for a sparse index, and no protocol is permitted.
    """
    options = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "--literal-pathspecs"]
    top = Path(
        os.fsdecode(_said(settings, [*options, "rev-parse", "--show-toplevel"], _FETCH_NOTHING)).removesuffix("\n")
    )
    within = [str(place) for place in places if place.is_relative_to(top)]
    if not within:
        return []
    words = [*options, "ls-files", "--sparse", "-z", "--full-name", "--", *within]
    too_many = TooMuchError(f"more than {_MOST_FILES:,} files", place=shown(settings.root))
    found = [top / path for path in _listed(settings, words, _FETCH_NOTHING, too_many=too_many)]
    above = {parent for place in within for parent in Path(place).parents if top in parent.parents}
    return found + [path for path in sorted(above) if _is_entry(settings, options, path.relative_to(top))]


def _is_entry(settings: Settings, options: Sequence[str], path: Path) -> bool:
    """True if git's index has ``path`` itself, and not what is below a directory of that name. Raises DebateError."""
    words = [*options, "rev-parse", "--verify", "--quiet", "--end-of-options", f":0:{path}"]
    with _Git(settings, words, seconds=_MOST_TIME, variables=_FETCH_NOTHING) as git:
        name = git.output.read(_CHUNK)
        complaint = git.failure()
    if complaint:
        raise _failed(settings, complaint)
    return bool(name)


def _too_large(revision: str) -> DebateError:
    fact = f"the profiles of revision {revision!r} have more than {_MOST_FILES:,} files or {MAX_BYTES:,} bytes"
    return DebateError(fact, _OTHER, place="diff")


def _limit(process: int, what: int, soft: int, hard: int) -> None:
    """Set a limit of a process of ours. One that this process has itself, only root could raise. Raises OSError."""
    _, most = resource.getrlimit(what)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.prlimit(process, what, (soft, hard))


class _Git:
    """A git in the checkout that is running. A context manager, in which ``output`` has what it says."""

    def __init__(
        self,
        settings: Settings,
        words: Sequence[str],
        given: IO[bytes] | int = subprocess.DEVNULL,
        seconds: int = 0,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``seconds``: of the processor, at most; 0 is no limit. ``variables``: of its environment, in addition.

        Raises DebateError if git cannot be started so.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        argv = [*_GIT, "-C", str(settings.root), *words]
        inherited = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
        environment = {**inherited, "LC_ALL": "C", **variables}
        try:
            self._process = subprocess.Popen(
                argv, stdin=given, stdout=subprocess.PIPE, stderr=self._errors, env=environment
            )
        except FileNotFoundError:
            self._errors.close()
            raise DebateError("git is not installed", "install it", place=shown(settings.root)) from None
        self.output = cast("IO[bytes]", self._process.stdout)
        self._clock = threading.Timer(_MOST_WAIT, self._process.kill)
        self._clock.daemon = True
        if seconds:
            self._clock.start()
        try:
            _limit(self._process.pid, resource.RLIMIT_DATA, _MOST_MEMORY, _MOST_MEMORY)
            if seconds:  # At the first limit SIGXCPU, which nobody else sends; at the second SIGKILL.
                _limit(self._process.pid, resource.RLIMIT_CPU, seconds, seconds + 1)
        except ProcessLookupError:
            pass  # It is done already.
        except OSError as error:
            self.__exit__()
            fact = f"cannot be limited ({error.strerror})"
            raise DebateError(fact, "compare where prlimit(2) is permitted", place="git") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What is left of the output is of no interest then."""
        self._clock.cancel()
        self.output.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def failure(self) -> bytes | None:
        """The start of its complaints, if it has failed."""
        code = self._process.wait()
        if not code:
            return None
        if code == -signal.SIGXCPU:
            return _TOO_LONG
        self._errors.seek(0)
        return self._errors.read(_CHUNK)


def _said(settings: Settings, words: Sequence[str], variables: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """What git says, but not all of a list with more than `_MOST_FILES`. Raises DebateError if it fails."""
    with _Git(settings, words, seconds=_MOST_TIME, variables=variables) as git:
        said, ends = bytearray(), 0
        while data := git.output.read(_PART):
            said += data
            ends += data.count(b"\0")
            if ends > _MOST_FILES or len(said) > _MOST_TEXT:
                return bytes(said)
        complaint = git.failure()
    if complaint is not None:
        raise _failed(settings, complaint)
    return bytes(said)


def _listed(
    settings: Settings,
    words: Sequence[str],
    variables: Mapping[str, str] = MappingProxyType({}),
    *,
    too_many: DebateError,
) -> list[str]:
    """What git lists with -z. Raises ``too_many`` for more than `_MOST_FILES`, and DebateError if it fails."""
    listed = _said(settings, words, variables)
    if listed.count(b"\0") > _MOST_FILES or len(listed) > _MOST_TEXT:
        raise too_many
    return os.fsdecode(listed).split("\0")[:-1]


def _failed(settings: Settings, said: bytes) -> DebateError:
    """The error for what git cannot do, in words of our own."""
    place = shown(settings.root)
    if b"dubious ownership" in said:
        fact = "belongs to another user, so git does not read it"
        return DebateError(fact, f"run git config --global --add safe.directory {settings.root}", place=place)
    if b"not a git repository" in said:
        return DebateError("is in no git repository", "name two profiles, without @REVISION", place=place)
    if said == _TOO_LONG:
        return TooMuchError(f"git does not list the files in {_MOST_TIME} s", _OTHER, place=place)
    if b"Out of memory" in said:
        return TooMuchError(f"git needs more than {_MOST_MEMORY >> 20} MiB", _OTHER, place=place)
    return DebateError("git cannot read the repository", "run git fsck", place=place)


def _unpack(settings: Settings, files: Sequence[_Blob], tree: Tree) -> None:
    """Write ``files`` below ``tree``. Raises OSError for paths that lead out of it, and DebateError."""
    with tempfile.TemporaryFile() as names:
        names.writelines(f"{file.name}\n".encode() for file in files)
        names.seek(0)
        with _Git(settings, ["cat-file", "--batch"], names) as git:
            here, above = tree, ""
            for file in files:
                line = git.output.readline()
                if line.split() != [file.name.encode(), b"blob", str(file.size).encode()]:
                    raise _failed(settings, b"" if line else git.failure() or b"")
                directory, _, name = file.path.rpartition("/")
                if directory != above:
                    tree.make_directory(directory)
                    here, above = tree.below(directory), directory
                _write(here, name, file, git.output)
                if git.output.read(1) != b"\n":
                    raise _failed(settings, git.failure() or b"")


def _write(directory: Tree, name: str, file: _Blob, source: IO[bytes]) -> None:
    if stat.S_ISLNK(file.mode):  # A link to /etc in an overlay is one in the system.
        to = os.fsdecode(source.read(file.size))
        if not to or "\0" in to:
            raise OSError(errno.EINVAL, f"{file.path} is a link that no file system could hold")
        directory.make_link(name, to)
        return
    left = file.size
    with directory.created(name, 0o755 if file.mode & stat.S_IXUSR else 0o644) as target:
        while left and (data := source.read(min(_CHUNK, left))):
            target.write(data)
            left -= len(data)
