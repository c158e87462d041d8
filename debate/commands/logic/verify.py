"""Build an ISO again with empty caches and under different conditions, and compare every step.

The rebuild shares only the package files and the tools tree, which are named by SHA-256. Everything else is made
again, in another directory, user namespace range, host name, time zone, locale and umask, on other scratch storage,
with another number of processors and another order of sets, and at another time.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import INSIDE, PACKAGE, shipped
from debate.build.local import LocalExecutor
from debate.cache.store import Store
from debate.errors import DebateError, Place, Problem
from debate.history.records import Records, key_of, outputs_of
from debate.host import ours as own_files
from debate.host.beneath import Tree, copy_tree
from debate.host.files import new_file, workspace_name, write_atomically
from debate.host.run import die_with_parent
from debate.managers import host_apt
from debate.model import Artifact, Command, Step, Supplies
from debate.profile import files, profile_names, sources
from debate.sandbox.runner import tail
from debate.settings import Settings, load, variables
from debate.steps.download import have
from debate.steps.proof import indexes_of
from debate.steps.rule import HOST
from debate.steps.rules import rules
from debate.text.lines import lines_of
from debate.text.paths import shown
from debate.text.printable import readable, shortened

if TYPE_CHECKING:
    from debate.steps.work import ProfileBuild


_MOST_DIFFERENCE = 16 << 20
"""Bytes of a comparison that are kept in a file."""
_LOOKED_AT, _MOST_LINES, _LONGEST_LINE = 64 << 10, 12, 300
"""Characters of it of which the first lines are shown, so many, of so many characters."""


def compared() -> list[str]:
    """Rules whose records are compared, in build order: the first difference explains the others."""
    return [rule.name for rule in rules().values() if rule.profile and rule.compared]


def verify(build: ProfileBuild) -> dict[str, Any]:
    """Rebuild and compare. Raises DebateError, which names the first step that differs."""
    build.require_own()
    started = time.monotonic()
    directory = build.directory / "verify"
    own_files.remove(directory)
    with build.store.workspace(workspace_name("verify")) as workspace:
        other = _lay_out(build, workspace / "checkout")
        build.builder.say(f"verify:{build.name} rebuilds everything from the locked packages")
        _rebuild(build, other)
        for one, step in _compared(build):
            ours, theirs = (read(build.settings, one.name, step), read(other, one.name, step))
            if ours != theirs:
                raise _difference(one, other, step, directory)
    seconds = time.monotonic() - started
    return {"note": f"identical, bit for bit: {', '.join(compared())} (rebuilt in {seconds:.0f} s)"}


def _compared(build: ProfileBuild) -> Iterator[tuple[ProfileBuild, str]]:
    """The steps to compare, including those of base profiles that this one is built on."""
    below = {record for rule in rules().values() for record in rule.below}
    for base in reversed(profile_names.chain(build.settings.profiles, build.name)):
        yield from ((build.of(base), step) for step in compared() if step in below)
    yield from ((build, step) for step in compared())


def read(settings: Settings, name: str, step: str) -> Any:
    return Records(settings.output / name).load(step)


def _lay_out(build: ProfileBuild, root: Path) -> Settings:
    """Another workspace at ``root``, whose cache holds only the locked packages and the tools tree.

    It has its own copy of debate, so that this is elsewhere, too.
    """
    settings, store = build.settings, Store(root / "cache")
    names = (build.name, *profile_names.chain(settings.profiles, build.name))
    code = root / "code" / PACKAGE.name
    shutil.copytree(PACKAGE, code, symlinks=True)
    inside = code / INSIDE.relative_to(PACKAGE)
    for name, directory in (("sandbox", settings.scripts), ("profiles", shipped("profiles"))):
        shutil.copytree(directory, inside / name, symlinks=True, dirs_exist_ok=True)
    copy_profiles(settings, names, root / "profiles")
    for name in filter(profile_names.is_shipped, names):
        lock = own_files.read(settings.output / name / "lock.json")
        profile_names.committed(inside / "profiles", profile_names.file_name(name)).write_bytes(lock)
    tools = build.of(HOST).outputs("sandbox")
    work = build.work("packages")
    packages = [*work.locked(), *work.unpacked()]
    have(work, packages)
    locks = [build.of(name).load("lock") for name in names]
    proofs = [indexes for indexes in map(indexes_of, locks) if indexes and build.store.has(indexes)]
    for artifact in (*(package.artifact for package in packages), *proofs, *tools.values()):
        _share(build.store, store, artifact)
    trace = settings.output / HOST / "traces/sandbox.json"
    store.record(key_of(read(settings, HOST, "traces/sandbox"), str(trace)), "sandbox", tools, 0)
    return load(root, _other_conditions(settings, root))


def copy_profiles(settings: Settings, names: Iterable[str], target: Path) -> None:
    """Copy the profiles ``names``, all files that they name, and the locks of their last builds to a new directory.

    What is shipped stays where it is. Raises DebateError.
    """
    target.mkdir(parents=True)
    try:
        with files.opened(settings.profiles) as theirs, Tree(target) as copy:
            for name in names:
                for path in sources.paths(settings.output / name):
                    if path.startswith("/"):
                        continue
                    copy.make_directory(os.path.dirname(path))
                    if stat.S_ISDIR(theirs.mode(path)):
                        copy.make_directory(path)
                        with theirs.below(path) as tree, copy.below(path) as into:
                            copy_tree(tree, into)
                    else:
                        copy.write(path, theirs.read(path, files.MAX_FILE))
                if not profile_names.is_shipped(name):
                    copy.write(f"{name}.lock.json", own_files.read(settings.output / name / "lock.json"))
    except OSError as error:
        again = "run the same command again"
        raise DebateError(f"{error.strerror}", again, place=shown(settings.profiles)) from None


def _share(ours: Store, theirs: Store, artifact: Artifact) -> None:
    target = theirs.path(artifact)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.link(ours.path(artifact), target)


def _other_conditions(settings: Settings, root: Path) -> dict[str, str]:
    """The environment of the rebuild."""
    limits = replace(settings.limits, processors=1 if settings.limits.processors > 1 else 2)
    other = replace(
        settings,
        cache=root / "cache",
        cache_size=0,
        output=root / "elsewhere",
        uid_base=settings.uid_base + 65536 * 11,
        scratch="disk" if settings.scratch != "disk" else "auto",
        jobs=1,
        limits=limits,
    )
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **{name: value for name, value in host_apt.variables().items() if value},
        **variables(other),
        "PYTHONPATH": str(root / "code"),
        "PYTHONHASHSEED": "4242",
        "TZ": "Pacific/Chatham",
        "LC_ALL": "tr_TR.UTF-8",
    }


def _rebuild(build: ProfileBuild, other: Settings) -> None:
    log = build.directory / "logs" / "verify.log"
    own_files.make_directory(log.parent)
    own_files.remove(log)
    targets = [f"{step}:{build.name}" for step in compared()]
    enter = 'hostname elsewhere.invalid; umask 077; exec "$@"'
    with new_file(log, 0o644) as file:
        done = subprocess.run(
            ["unshare", "--uts", "sh", "-c", enter, "sh", sys.executable, "-P", "-m", "debate", *targets],
            cwd=other.root,
            env=_other_conditions(build.settings, other.root),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )
    if done.returncode:
        problem = Problem(Place(f"verify:{build.name}"), "the rebuild failed")
        raise DebateError.of([problem], details=f"{tail(log)}\nthe whole log: {shown(log)}", log=str(log))


def _difference(build: ProfileBuild, other: Settings, step: str, directory: Path) -> DebateError:
    """The error for ``step``. Copies both sides of each output that differs to ``directory``."""
    fact = f"{step} is not reproducible: its result differs, although its inputs are the same"
    lines = []
    for name, first, second in _different(build, other, step):
        directory.mkdir(exist_ok=True)
        kept = []
        for store, artifact, which in ((build.store, first, "first"), (Store(other.cache), second, "second")):
            kept.append(directory / f"{step}.{name}.{which}")
            store.copy_out(artifact, kept[-1])
        text = _compare(build, other, first, second)
        report = directory / f"{step}.{name}.txt"
        write_atomically(report, readable(text).encode())
        lines += [f"{step}: output {name} differs:", *(f"    {line}" for line in start_of(text))]
        lines.append(f"full comparison: {shown(report)}; the two files: {shown(kept[0])}, {kept[1].name}")
    return DebateError.of([Problem(Place(f"verify:{build.name}"), fact)], details="\n".join(lines))


def start_of(comparison: str) -> list[str]:
    """What is shown of a comparison of files that strangers made, in which a line can be as long as all of it."""
    return [shortened(line, _LONGEST_LINE) for line in lines_of(comparison[:_LOOKED_AT])[:_MOST_LINES]]


def _different(build: ProfileBuild, other: Settings, step: str) -> Iterator[tuple[str, Artifact, Artifact]]:
    records = [read(settings, build.name, step) for settings in (build.settings, other)]
    if all("outputs" in record for record in records):
        first, second = map(outputs_of, records)
        for name in sorted(first.keys() & second.keys()):
            if first[name] != second[name]:
                yield name, first[name], second[name]


def _compare(build: ProfileBuild, other: Settings, first: Artifact, second: Artifact) -> str:
    """The differences in content, as text. They are compared in a sandbox, since both come from untrusted code."""
    store = Store(other.cache)
    _share(build.store, store, first)
    host = shutil.which("diffoscope") is not None
    step = Step(
        name="compare",
        commands=(Command("compare.sh"),),
        outputs=("difference",),
        epoch=0,
        inputs={"first": first, "second": second},
        tools=None if host else build.of(HOST).outputs("sandbox")["tools"],
    )
    made = LocalExecutor(other, store).run(step, Supplies(), build.directory / "logs" / "compare.log")
    return store.read(made["difference"], _MOST_DIFFERENCE, cut=True).decode(errors="replace")
