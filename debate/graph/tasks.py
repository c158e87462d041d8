"""The steps as doit tasks: what each depends on, and how its errors and results reach doit.

Defining a task reads no profile. What the last `config` step recorded tells the files that the
profile was made of; before the first one, the profile's own file is enough.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import PACKAGE, distributions, settings
from debate.commands.command import Context, commands
from debate.frontend.progress import Board
from debate.graph.command_tasks import command_tasks
from debate.graph.failed import guarded
from debate.profile import profile_names, sources
from debate.sandbox.scripts import closure

if TYPE_CHECKING:
    from debate.build.builder import Builder
    from debate.cache.store import Store
    from debate.remote.remote import Remote
    from debate.steps.pipeline import Pipeline

Task = dict[str, Any]

_CODE = [str(path) for path in PACKAGE.rglob("*") if path.suffix in (".py", ".json")]
_SCRIPTS = {
    "debian-base": ("debian/base.sh",),
    "arch-base": ("arch/base.sh",),
    "packages": ("debian/fetch.sh", "debian/inspect.sh", "debian/select.sh", "arch/inspect.sh", "arch/select.sh"),
    "rootfs": (
        "debian/rootfs.sh",
        "debian/order.sh",
        "debian/add.sh",
        "debian/pack.sh",
        "arch/rootfs.sh",
        "arch/add.sh",
        "arch/pack.sh",
    ),
    "initrd": ("debian/initrd.sh", "arch/initrd.sh"),
    "overlay": ("overlay.sh", "squash.sh"),
    "boot": ("boot.sh",),
    "iso": ("iso.sh",),
}


STEPS = ("config", "hash", "lock", "packages", "rootfs", "overlay", "initrd", "boot", "iso", "build")
"""The rules: steps of each profile."""
SHELL_STEPS = ("lock", "rootfs", "initrd", "overlay", "boot", "iso")
"""Steps that are one sandbox each, in which a shell can be opened."""


@cache
def _script_files(directory: Path, step: str) -> tuple[str, ...]:
    """What a step runs; read once a run, however many profiles there are."""
    return tuple(str(directory / name) for script in _SCRIPTS.get(step, ()) for name in closure(directory, script))


class Graph:
    """Tasks for the profiles of one checkout."""

    def __init__(self, root: Path) -> None:
        self.settings = settings.load(root)
        self.selected: set[str] | None = None
        """The profiles that the command line names, None for all. The loader narrows it."""
        self.board = Board(self.settings.output / ".times.json")
        self.refresh: set[str] = set()
        """Profiles whose lock the command line asks for."""
        self._beginning, self._begun = threading.Lock(), False
        self._remote: Remote | None = None

    # doit's configuration --------------------------------------------------------------------------

    def doit_config(self, **more: Any) -> dict[str, Any]:
        """DOIT_CONFIG."""
        from debate.frontend.checker import XXH3Checker
        from debate.frontend.reporter import Reporter

        output = self.settings.output
        database = str(output / ".doit.db")
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError:
            database = ":memory:"
        if not all(os.access(path, os.W_OK) for path in (output, database) if os.path.exists(path)):
            database = ":memory:"  # To look around takes no right to write.
        return {
            "backend": "sqlite3",
            "dep_file": database,
            "check_file_uptodate": XXH3Checker,
            "reporter": type(
                "Reporter", (Reporter,), {"at_end": staticmethod(self.end), "board": self.board, "output": output}
            ),
            "num_process": self.settings.jobs,
            "par_type": "thread",
            "verbosity": 1,
            **more,
        }

    def narrow(self, words: list[str]) -> None:
        """Keep to the profiles that ``words`` (doit's arguments) name, if they all name one."""
        pairs = [(word.partition(":")[0], ":", word.partition(":")[2].rpartition(":")[2]) for word in words]
        if words and all(name and not set(name) & set("*?[") for _, _, name in pairs):
            named = {name for _, _, name in pairs}
            below = {base for name in named for base in profile_names.chain(self.settings.profiles, name)}
            self.selected = named | below
        self.refresh = {name for step, _, name in pairs if step == "lock" and name}
        if "lock" in words:
            self.refresh = set(profile_names.names(self.settings.profiles))

    def unknown(self, words: list[str]) -> str:
        """What is wrong with words that look like STEP:NAME and are no tasks, or an empty string."""
        known = profile_names.names(self.settings.profiles)
        for word in words:
            step, colon, rest = word.partition(":")
            inner, _, name = rest.rpartition(":")
            if not colon or not name or set(name) & set("*?[") or "/" in word:
                continue
            from debate.text.paths import shown
            from debate.text.suggest import suggest

            tasks = (*STEPS, *(command.name for command in commands().values() if command.per))
            if step == "shell" and inner not in SHELL_STEPS:
                return f"{word}: write shell:STEP:{name}, with STEP one of {', '.join(SHELL_STEPS)}"
            if step not in tasks:
                return f"there is no task {step!r}; {suggest(step, tasks)}"
            if name not in known:
                place = shown(self.settings.profiles / f"{name}.yaml")
                return f"{place}: there is no such profile; {suggest(name, known)}"
        return ""

    def each(self, make: Callable[[str], Task]) -> Iterator[Task]:
        """One subtask for each profile."""
        names = profile_names.names(self.settings.profiles)
        for name in names:
            if self.selected is None or name in self.selected:
                yield {"name": name, **make(name)}

    # Tasks -----------------------------------------------------------------------------------------

    def commands(self) -> Iterator[Task]:
        """What there is beside the steps."""
        names = profile_names.names(self.settings.profiles)
        return command_tasks(
            commands(),
            context=self.context,
            record=self.record,
            profiles=[name for name in names if self.selected is None or name in self.selected],
            named=sorted((self.selected or set()) & set(names)),
            shells={step: partial(self.reads, step) for step in SHELL_STEPS},
        )

    def record(self, rule: str, name: str) -> str:
        """The file that a rule leaves for a profile."""
        path = self.settings.output / name / f"{rule}.json"
        return str(self.settings.output / ".sandbox" / "base.json" if rule == "sandbox" else path)

    def reads(self, step: str, name: str) -> list[str]:
        """The files that a step of a profile reads."""
        files: list[str] = getattr(self, step)(name)["file_dep"]
        return files

    def context(self, task: str) -> Context:
        """What the command of ``task`` is given."""
        return Context(
            settings=self.settings,
            say=self.say,
            builder=lambda: self.builder(task),
            reader=lambda: self.reader(task),
            build=lambda name: self.pipeline(name, self.builder(task)),
            made=lambda name: self.pipeline(name, self.reader(task)),
            pause=self.board.close,
        )

    def sandbox(self) -> Task:
        record = self.settings.output / ".sandbox" / "base.json"
        base = distributions.base(self.settings.base)
        needs = [*_script_files(self.settings.scripts, f"{base}-base"), f"{self.settings.scripts / base}/base.packages"]
        return {
            "doc": "make the environment that steps run in",
            "actions": [(self.run, ["", "sandbox"])],
            "file_dep": [*needs, *_CODE],
            "targets": [str(record)],
            "uptodate": [(self.present, [record])],
            "clean": True,
        }

    def config(self, name: str) -> Task:
        directory = self.settings.output / name
        targets = ["config.json", "about.json", "contents.json", "sources.json"]
        targets += [f"slices/{step}.json" for step in ("packages", "rootfs", "initrd", "overlay", "boot", "iso")]
        return {
            "doc": "read and normalise the profile",
            "actions": [(self.run_config, [name])],
            "file_dep": self.config_files(name),
            "targets": [str(directory / target) for target in targets],
            "uptodate": [(self.trees_unchanged, [name])],
            "clean": True,
        }

    def run_config(self, name: str, task: Any) -> Any:
        """Do the config step; what it read is what doit has to watch from now on."""
        result = self.run(name, "config")
        task.file_dep = set(self.config_files(name))
        return result

    def config_files(self, name: str) -> list[str]:
        """Regular files that the profile is made of."""
        profile = str(self.settings.profiles / f"{name}.yaml")
        return sorted({profile, *sources.files(self.settings.output / name), *_CODE})

    def trees_unchanged(self, name: str) -> bool:
        """Whether the overlay trees still hold the same names, kinds and links."""
        return sources.unchanged(self.settings.output / name)

    def hash(self, name: str) -> Task:
        return self.step(name, "hash", "name the config by its content", ["config.json"], stored=False)

    def lock(self, name: str) -> Task:
        task = self.step(
            name, "lock", "choose the exact packages; asked for by name, choose anew",
            ["slices/packages.json"], base=True, stored=False,
        )  # fmt: skip
        task["file_dep"] += [*self.below(name, "lock.json"), *self.below(name, "packages.json")]
        pinned = self.settings.profiles / f"{name}.lock.json"
        if pinned.exists():
            task["file_dep"].append(str(pinned))
        task["uptodate"].append(_config_changed(self.settings.lock + str(pinned.exists())))
        if name in self.refresh:
            task["uptodate"].append(False)
        return task

    def packages(self, name: str) -> Task:
        reads = ["lock.json", "slices/initrd.json", "slices/packages.json"]
        return self.step(name, "packages", "download and verify them", reads, base=True)

    def rootfs(self, name: str) -> Task:
        reads = ["lock.json", "packages.json", "slices/rootfs.json", "slices/packages.json"]
        return self.step(name, "rootfs", "install them: the lower layer", reads, base=True, below=True)

    def initrd(self, name: str) -> Task:
        reads = ["lock.json", "packages.json", "slices/initrd.json"]
        return self.step(name, "initrd", "make kernel and initramfs", reads, base=True)

    def overlay(self, name: str) -> Task:
        reads = ["rootfs.json", "slices/overlay.json"]
        doc = "users, files, services, hooks: the upper layer"
        return self.step(name, "overlay", doc, reads, base=True, below=True)

    def boot(self, name: str) -> Task:
        return self.step(name, "boot", "make boot images", ["slices/boot.json"], base=True)

    def iso(self, name: str) -> Task:
        reads = ["rootfs.json", "overlay.json", "initrd.json", "boot.json", "hash.json"]
        reads += ["slices/iso.json", "slices/boot.json", "slices/initrd.json"]
        return self.step(name, "iso", "put the ISO together", reads, base=True, below=True)

    def build(self, name: str) -> Task:
        reads = ["iso.json", "rootfs.json", "overlay.json", "initrd.json", "lock.json", "hash.json", "about.json"]
        doc = "the ISO with checksum, manifest and SBOM"
        task = self.step(name, "build", doc, reads, base=True, below=True, stored=False)
        task["uptodate"].append((self.results_present, [name]))
        task["clean"] = [(self.remove_results, [name])]
        return task

    def below(self, name: str, record: str) -> list[str]:
        """A record of each profile on whose packages this one is installed."""
        return [str(self.settings.output / base / record) for base in profile_names.chain(self.settings.profiles, name)]

    def step(
        self,
        name: str,
        step: str,
        doc: str,
        reads: list[str],
        *,
        base: bool = False,
        below: bool = False,
        stored: bool = True,
    ) -> Task:
        """A task that reads records and slices, and writes the record ``step``.json.

        ``base``: it runs in the sandbox base. ``below``: it reads the package layers of other profiles.
        """
        directory = self.settings.output / name
        record = directory / f"{step}.json"
        needs = [str(directory / read) for read in reads]
        needs += _script_files(self.settings.scripts, step)
        needs += _CODE
        if below:
            needs += self.below(name, "rootfs.json")
        if base:
            needs.append(str(self.settings.output / ".sandbox" / "base.json"))
        return {
            "doc": doc,
            "actions": [(self.run, [name, step])],
            "file_dep": needs,
            "targets": [str(record)],
            "uptodate": [(self.present, [record])] if stored else [],
            "clean": True,
        }

    # Actions ---------------------------------------------------------------------------------------

    def run(self, name: str, step: str) -> Any:
        """Do one step."""
        hint = f"\na shell in that sandbox: doit shell:{step}:{name}" if step in SHELL_STEPS else ""
        return guarded(lambda: self._run(name, step), hint)

    def _run(self, name: str, step: str) -> Any:
        from debate.steps import sandbox_base

        if step == "sandbox":
            return sandbox_base.make(self.settings, self.builder(step))
        task = f"{step}:{name}"
        pipeline = self.pipeline(name, self.reader(task) if step in _LOOKING else self.builder(task))
        if step == "lock":
            return pipeline.lock(refresh=name in self.refresh)
        return getattr(pipeline, step)()

    def builder(self, task: str) -> Builder:
        """What builds for ``task``; from now on this run is announced to the store."""
        from debate.build.builder import Builder
        from debate.cache.store import Store

        store = Store(self.settings.cache)
        builder = Builder(self.settings, store, self.say, self.remote(store), self.board.activity(task))
        self.begin_once(builder)
        return builder

    def reader(self, task: str) -> Builder:
        """A builder that asks no remote, and of which the store is told nothing."""
        from debate.build.builder import Builder
        from debate.cache.store import Store

        return Builder(self.settings, Store(self.settings.cache), self.say, None, self.board.activity(task))

    def pipeline(self, name: str, builder: Builder) -> Pipeline:
        """The steps of a profile."""
        from debate.steps.pipeline import Pipeline

        return Pipeline(self.settings, name, builder)

    def remote(self, store: Store) -> Remote | None:
        """The remote, one for the whole run."""
        if not self.settings.remote:
            return None
        with self._beginning:
            if self._remote is None:
                from debate.remote.remote import Remote

                self._remote = Remote(self.settings, store, self.say)
            return self._remote

    def begin_once(self, builder: Builder) -> None:
        """Before the first sandbox of a run: say that this builder is there, remove what killed ones have left."""
        with self._beginning:
            if not self._begun:
                builder.store.announce(self.settings.output)
                builder.clean_up()
                self._begun = True

    def stop(self) -> None:
        """After an interruption nobody waits for what is being sent."""
        self.board.close()
        if self._remote is not None:
            self._remote.stop()

    def say(self, line: str) -> None:
        """Show one line at once, beside what doit reports."""
        self.board.write(f"  {line}")

    def end(self) -> None:
        """After the last task: have everything sent; keep the store within its bound."""
        if self._remote is not None:
            self.board.begin("sending to the remote")
            self._remote.finish()
            self.board.end("sending to the remote")
        if self._begun and self.settings.cache_size:
            from debate.cache import collect
            from debate.cache.store import Store

            collect.in_background(Store(self.settings.cache), self.settings.cache_size)
        self._begun = False

    def present(self, record: Path) -> bool:
        """Whether the store still has what a record names."""
        from debate.cache.store import Store
        from debate.history.records import present

        return not record.exists() or present(Store(self.settings.cache), [record])

    def results_present(self, name: str) -> bool:
        """Whether the files of the last build lie in the output directory, whole."""
        from debate.images import results

        return results.present(self.settings.output / name)

    def remove_results(self, name: str, dryrun: bool = False) -> None:
        """`doit clean build:NAME`."""
        from debate.images import results

        results.remove(self.settings.output / name, dryrun=dryrun)


_LOOKING = ("config", "hash")
"""Steps that leave the store as it is, but for reading and downloading."""


def _config_changed(value: str) -> Any:
    from doit.tools import config_changed

    return config_changed(value)
