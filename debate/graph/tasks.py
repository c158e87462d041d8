"""The steps as doit tasks: what each depends on, and how its errors and results reach doit.

Defining a task reads no profile. What the last `config` step recorded tells the files that the
profile was made of; before the first one, the profile's own file is enough.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debate import PACKAGE, distributions, settings
from debate.errors import NO_SPACE, DebateError
from debate.frontend.progress import Board
from debate.profile import profile_names, sources
from debate.sandbox.scripts import closure

if TYPE_CHECKING:
    from debate.build.builder import Builder
    from debate.cache.store import Store
    from debate.remote.remote import Remote

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


STEPS = (
    "config",
    "hash",
    "lock",
    "packages",
    "rootfs",
    "overlay",
    "initrd",
    "boot",
    "iso",
    "build",
    "check",
    "verify",
    "push",
    "pull",
    "export-archiso",
    "show",
    "explain",
    "shell",
)
"""Tasks that there are for each profile."""
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
            "reporter": type("Reporter", (Reporter,), {"at_end": staticmethod(self.end), "board": self.board}),
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

            if step == "shell" and inner not in SHELL_STEPS:
                return f"{word}: write shell:STEP:{name}, with STEP one of {', '.join(SHELL_STEPS)}"
            if step not in STEPS:
                return f"there is no task {step!r}; {suggest(step, STEPS)}"
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

    def profiles(self) -> Task:
        return {"actions": [self.welcome], **_TELLING}

    def welcome(self) -> None:
        """Print what there is."""
        from debate.commands import welcome

        sys.stdout.write(welcome.text(self.settings))

    def doctor(self) -> Task:
        return {"actions": [(self.run, ["", "doctor"])], **_TELLING}

    def new(self) -> Task:
        def new(names: list[str], parent: str) -> Any:
            return self.tell("profiles", "new", names, parent)

        params = [{"name": "parent", "long": "from", "default": "", "help": "the profile to extend (minimal)"}]
        return {"actions": [new], "params": params, "pos_arg": "names", **_TELLING}

    def validate(self) -> Task:
        def validate(names: list[str], form: str) -> Any:
            return self.tell("profiles", "validate", names, form)

        params = [{"name": "form", "long": "format", "default": "text", "help": "text, github (annotations) or json"}]
        return {"actions": [validate], "params": params, "pos_arg": "names", **_TELLING}

    def diff(self) -> Task:
        def diff(names: list[str]) -> Any:
            return self.tell("diff", "diff", names)

        return {"actions": [diff], "pos_arg": "names", **_TELLING}

    def show(self, name: str) -> Task:
        doc = "the profile with every default, and where each value comes from"
        return {"doc": doc, "actions": [(self.tell, ["profiles", "show", name])], **_TELLING}

    def shells(self) -> Iterator[Task]:
        """Of the profiles that the command line names: nobody wants to see these in a list."""
        for name in sorted((self.selected or set()) & set(profile_names.names(self.settings.profiles))):
            for step in SHELL_STEPS:
                yield {
                    "name": f"{step}:{name}",
                    "doc": f"a shell in the sandbox of {step}",
                    "actions": [(self.run, [name, f"shell:{step}"])],
                    "file_dep": getattr(self, step)(name)["file_dep"],
                    **_TELLING,
                }

    def explain(self, name: str) -> Task:
        doc = "which steps would run, and why"
        return {"doc": doc, "actions": [(self.tell, ["explain", "explain", name])], **_TELLING}

    def cache(self) -> Task:
        return {"actions": [(self.tell, ["cache", "show"])], **_TELLING}

    def gc(self) -> Task:
        def gc(size: str, age: str) -> Any:
            return self.tell("cache", "gc", size, age)

        params = [
            {"name": "size", "long": "size", "default": "", "help": "bytes that may be left, such as 20G"},
            {"name": "age", "long": "age", "default": "", "help": "remove what was unused for so long, such as 30d"},
        ]
        return {"actions": [gc], "params": params, **_TELLING}

    def fsck(self) -> Task:
        return {"actions": [(self.tell, ["cache", "fsck"])], **_TELLING}

    def tell(self, module: str, command: str, *words: Any) -> Any:
        """Print what a function of `debate.commands` returns: text, or text and whether it is good news."""

        def run() -> Any:
            from doit.exceptions import TaskFailed

            said = getattr(importlib.import_module(f"debate.commands.{module}"), command)(self.settings, *words)
            text, good = said if isinstance(said, tuple) else (said, True)
            sys.stdout.write(text)
            return good or TaskFailed("what it said is the answer", report=False)

        return guarded(run)

    def imports(self) -> Iterator[Task]:
        """Tasks that make a profile of another image builder's."""
        base = str(self.settings.output / ".sandbox" / "base.json")
        yield self.importing("archiso", "an archiso profile", [base])
        yield self.importing("live_build", "what `lb config` left", [])

    def export_archiso(self, name: str) -> Task:
        task = self.on_iso(name, "export-archiso", "write it as a profile of archiso")
        task["file_dep"] = [str(self.settings.output / name / "hash.json")]
        return task

    def importing(self, kind: str, what: str, needs: list[str]) -> Task:
        def action(directory: str, name: str) -> Any:
            return guarded(lambda: self._import(kind, directory, name))

        params = [
            {"name": "directory", "short": "d", "long": "directory", "default": "", "help": "what to import"},
            {"name": "name", "short": "n", "long": "name", "default": "", "help": "of the profile to be made"},
        ]
        return {
            "basename": f"import-{kind.replace('_', '-')}",
            "doc": f"make a profile of {what}: -d DIRECTORY -n NAME",
            "actions": [action],
            "params": params,
            "file_dep": needs,
            **_TELLING,
        }

    def _import(self, kind: str, directory: str, name: str) -> None:
        from debate.build.builder import Builder
        from debate.cache.store import Store
        from debate.commands import convert

        builder = Builder(self.settings, Store(self.settings.cache), self.say)
        self.begin_once(builder)
        sys.stdout.write(getattr(convert, kind)(builder, directory, name))

    def sandbox(self) -> Task:
        record = self.settings.output / ".sandbox" / "base.json"
        base = distributions.base(self.settings.base)
        needs = [*_script_files(self.settings.scripts, f"{base}-base"), f"{self.settings.scripts / base}/base.packages"]
        return {
            "doc": "make the environment that steps run in",
            "actions": [(self.run, ["", "sandbox"])],
            "file_dep": [*needs, *_CODE],
            "targets": [str(record)],
            "uptodate": [_untouched(), (self.present, [record])],
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
            "uptodate": [_untouched(), (self.trees_unchanged, [name])],
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

    def check(self, name: str) -> Task:
        return self.on_iso(name, "check", "boot the ISO in QEMU, as BIOS and as UEFI")

    def verify(self, name: str) -> Task:
        return self.on_iso(name, "verify", "build the ISO anew under other conditions and compare")

    def push(self, name: str) -> Task:
        return self.on_iso(name, "push", "send the finished ISO to the remote")

    def pull(self, name: str) -> Task:
        task = self.on_iso(name, "pull", "fetch the finished ISO from the remote, instead of building it")
        task["file_dep"] = [str(self.settings.output / name / "config.json")]
        return task

    def on_iso(self, name: str, step: str, doc: str) -> Task:
        """A task that looks at a finished build, each time it is asked for."""
        return {
            "doc": doc,
            "actions": [(self.run, [name, step])],
            "file_dep": [str(self.settings.output / name / "build.json")],
            "uptodate": [False],
        }

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
            "uptodate": [_untouched(), *([(self.present, [record])] if stored else [])],
            "clean": True,
        }

    # Actions ---------------------------------------------------------------------------------------

    def run(self, name: str, step: str) -> Any:
        """Do one step."""
        hint = f"\na shell in that sandbox: doit shell:{step}:{name}" if step in SHELL_STEPS else ""
        return guarded(lambda: self._run(name, step), hint)

    def _run(self, name: str, step: str) -> Any:
        from debate.build.builder import Builder
        from debate.cache.store import Store
        from debate.steps import sandbox_base
        from debate.steps.pipeline import Pipeline

        store = Store(self.settings.cache)
        activity = self.board.activity(f"{step}:{name}" if name else step)
        builder = Builder(self.settings, store, self.say, None if step in _LOOKING else self.remote(store), activity)
        if step not in _LOOKING:
            self.begin_once(builder)
        if step == "sandbox":
            return sandbox_base.make(self.settings, builder)
        if step == "doctor":
            from debate.commands import doctor

            sys.stdout.write(doctor.report(builder))
            return None
        pipeline = Pipeline(self.settings, name, builder)
        if step.startswith("shell:"):
            from debate.commands.shell import shell

            self.board.close()
            return shell(pipeline, step.partition(":")[2])
        if step == "lock":
            return pipeline.lock(refresh=name in self.refresh)
        if step == "export-archiso":
            from debate.commands import convert

            return convert.to_archiso(pipeline)
        if step in ("push", "pull"):
            from debate.commands import publish

            return getattr(publish, step)(pipeline)
        if step == "check":
            from debate.commands.check import check

            return check(pipeline)
        if step == "verify":
            from debate.commands.verify import verify

            return verify(pipeline)
        return getattr(pipeline, step)()

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


_LOOKING = ("config", "hash", "doctor", "push", "pull", "export-archiso")
"""Steps that leave the store as it is, but for reading and downloading."""
_REMEDIES = {
    28: f"; {NO_SPACE}",
    13: "; run as root",
    30: "; set DEBATE_CACHE or DEBATE_OUTPUT to a place that can be written",
}
"""errno -> what to do about it."""


_TELLING = {"uptodate": [False], "verbosity": 2, "meta": {"tells": True}}
"""Of tasks that are asked something."""


def guarded(action: Callable[[], Any], hint: str = "") -> Any:
    """What ``action`` returns. Whatever a user can cause comes back as a failure with one message.

    ``hint`` is added where a sandbox failed.
    """
    from doit.exceptions import TaskFailed

    try:
        return action()
    except DebateError as error:
        return TaskFailed(str(error) + (hint if error.log else ""))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return TaskFailed(f"{where}{error.strerror or error}{_REMEDIES.get(error.errno or 0, '')}")


def _untouched() -> Any:
    from debate.frontend.checker import untouched

    return untouched


def _config_changed(value: str) -> Any:
    from doit.tools import config_changed

    return config_changed(value)
