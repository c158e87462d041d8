"""A checkout of its own for a test, driven as its users do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from debate.build.builder import Builder
from debate.cache.store import Store
from debate.model import Artifact
from debate.sandbox import limits
from debate.settings import load
from debate.steps.rule import needed
from debate.steps.rules import rules
from tests.conftest import PROFILES, ROOT

DOIT = str(Path(sys.executable).with_name("doit"))
BUILD = [rule for rule in needed(rules(), ["build"]) if rule.profile]
"""The rules that `build` runs for a profile."""
SANDBOXED = tuple(rule.name for rule in BUILD if rule.rights)
"""Those that start sandboxes."""
CACHED = tuple(rule.name for rule in BUILD if rule.outputs)
"""Those whose results come from the cache or the remote."""
STORED = tuple(rule.name for rule in BUILD if rule.outputs and rule.has_shell)
"""Those whose results are one action in the cache, of one sandbox."""


@dataclass(frozen=True)
class Checkout:
    """What `git clone` gives, without a virtual environment of its own."""

    directory: Path
    cache: Path
    program: str = DOIT
    """What is run: `doit`, or the `debate` of an installed wheel."""

    @classmethod
    def elsewhere(cls, directory: Path, cache: Path, program: str) -> Checkout:
        """A workspace with nothing of a checkout: the profile `minimal` is the one that ``program`` ships."""
        made = cls(directory, cache, program)
        (directory / "profiles").mkdir(parents=True)
        made.profile("minimal", "description: As it is shipped\nextends: debate/minimal\n")
        return made

    @classmethod
    def make(cls, directory: Path, cache: Path | None = None) -> Checkout:
        """Copy the shipped files, and the tests' profiles beside the shipped ones."""
        shutil.copytree(ROOT / "profiles", directory / "profiles", symlinks=True)
        shutil.copytree(PROFILES, directory / "profiles", symlinks=True, dirs_exist_ok=True)
        for name in ("dodo.py", "pyproject.toml"):
            shutil.copy(ROOT / name, directory / name)
        return cls(directory, cache or directory / "cache")

    def own_code(self) -> Path:
        """Give it code of its own, to be changed, which is what `doit` runs here. Returns its ``sandbox``."""
        for name in ("debate", "sandbox"):
            shutil.copytree(ROOT / name, self.directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        return self.directory / "sandbox"

    def pin(self, other: Checkout) -> None:
        """Have `minimal` made of the packages of ``other``'s."""
        self.pin_as("minimal", other)

    def pin_as(self, name: str, other: Checkout, like: str = "minimal") -> None:
        """Have the profile ``name`` made of the packages of ``other``'s profile ``like``, which wants the same."""
        lock = other.output(like, "lock.json").read_bytes()
        (self.directory / "profiles" / f"{name}.lock.json").write_bytes(lock)

    def lend_tools(self, other: Checkout) -> None:
        """Have the tools tree in ``other``'s cache, and nothing else that was made here."""
        trace = self.json(".sandbox", "traces/sandbox.json")
        for artifact in self.json(".sandbox", "sandbox.json")["outputs"].values():
            target = other.object(artifact["digest"])
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                os.link(self.object(artifact["digest"]), target)
        (other.cache / "actions").mkdir(exist_ok=True)
        shutil.copy(self.cache / "actions" / f"{trace['key']}.json", other.cache / "actions")

    def artifact(self, name: str, record: str, output: str) -> Artifact:
        """An output that a record names."""
        return Artifact(**self.json(name, f"{record}.json")["outputs"][output])

    def builder(self, root: Path) -> Builder:
        """A builder with this cache, whose scripts are those in sandbox/ below ``root``."""
        settings = replace(load(root, {"DEBATE_CACHE": str(self.cache)}), scripts=root / "sandbox")
        return Builder(settings, Store(self.cache))

    def profile(self, name: str, text: str) -> None:
        (self.directory / "profiles" / f"{name}.yaml").write_text(f"version: 1\n{text}")

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DEBATE_TEST_")}
        if (self.directory / "debate").exists():
            kept["PYTHONPATH"] = str(self.directory)
        return {**kept, "DEBATE_CACHE": str(self.cache), **{f"DEBATE_{n}": v for n, v in settings.items()}}

    def only(self, firmware: str, name: str) -> str:
        """Make a profile like ``name`` for one firmware, with its lock: all but the ISO is there. Returns its name."""
        one = f"{name}-{firmware}"
        below = self.json(name, "config.json")["lock"]["base"]
        base = f"base: {below}\n" if below else ""
        self.profile(one, f"extends: {name}\n{base}hostname: {name}\nboot: {{firmware: [{firmware}]}}\n")
        self.pin_as(one, self, like=name)
        return one

    def check(self, name: str, prompt: str, *firmwares: str, **settings: str) -> str:
        """Boot as BIOS and as UEFI; returns what is printed. Asserts that ``prompt`` shows and that no unit failed."""
        said = self.doit(f"check:{name}", **settings)
        for firmware in firmwares or ("bios", "uefi"):
            assert f"{firmware} up in" in said
            log = self.output(name, "check", f"{firmware}.log").read_text()
            assert prompt in log
            assert "FAILED" not in log, "a unit failed"
        return said

    def start(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.program, *words], cwd=self.directory, text=True, env=self.environment(**settings),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def doit(self, *words: str, status: int = 0, **settings: str) -> str:
        """What doit says, both outputs. Asserts its exit status."""
        process = self.start(*words, **settings)
        said, _ = process.communicate()
        assert process.returncode == status, f"{self.program} {' '.join(words)}: status {process.returncode}\n{said}"
        assert "Traceback" not in said, said
        return said

    def output(self, name: str, *parts: str) -> Path:
        return self.directory.joinpath("build", name, *parts)

    def json(self, name: str, file: str) -> Any:
        return json.loads(self.output(name, file).read_bytes())

    def iso(self, name: str) -> Path:
        made: str = self.json(name, "build.json")["iso"]
        return self.output(name, made)

    def unpack(self, name: str, target: Path) -> Path:
        """Put the files that are on an ISO into ``target``."""
        argv = ["xorriso", "-osirrox", "on", "-indev", str(self.iso(name)), "-extract", "/", str(target)]
        subprocess.run(argv, check=True, capture_output=True)
        return target

    def digest(self, name: str) -> str:
        digest: str = self.json(name, "build.json")["digest"]
        return digest

    def object(self, digest: str) -> Path:
        digits = digest.removeprefix("sha256:")
        return self.cache / "objects" / "sha256" / digits[:2] / digits[2:]


def packing(image: Path) -> tuple[str, str, int]:
    """Compressor, its level and the size of a block, as a squashfs image itself says."""
    said = subprocess.run(["unsquashfs", "-s", image], capture_output=True, text=True, check=True).stdout
    found = (
        re.search(rf"^\s*{name} (\S+)", said, re.MULTILINE)
        for name in ("Compression", "compression-level", "Block size")
    )
    compressor, level, block = (match[1] if match else "" for match in found)
    return compressor, level, int(block)


def hook(checkout: Checkout, script: str) -> None:
    """The profile `mine`: minimal with one hook."""
    (checkout.directory / "profiles" / "hook.sh").write_text(script)
    checkout.profile("mine", "extends: minimal\nhooks: [hook.sh]\n")


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What each said. Asserts that none failed."""
    said = [process.communicate()[0] for process in processes]
    for process, text in zip(processes, said, strict=True):
        assert process.returncode == 0, text
        assert "Traceback" not in text, text
        assert "locked" not in text, text
    return said


def remembered(checkout: Checkout) -> list[Path]:
    """The JSON files that the build of `minimal` left, sorted, without the SBOM, which is a result."""
    found = [*checkout.output("minimal").rglob("*.json"), *checkout.output(".sandbox").rglob("*.json")]
    return sorted(path for path in found if not path.name.endswith(".cdx.json"))


def ran(said: str, profile: str = "") -> dict[str, str]:
    """Step -> how its result came to be (``built``, ``cached`` or ``remote``), out of doit's report.

    With ``profile``, only that one's steps.
    """
    found = {}
    for line in said.splitlines():
        match = re.match(r"(?:[0-9:]{8} )?  ([a-z]+)(:\S+)? +(from the cache|from the remote|[0-9.]+ s)", line)
        if match and (not profile or match[2] == f":{profile}"):
            found[match[1]] = {"from the cache": "cached", "from the remote": "remote"}.get(match[3], "built")
    return found


def host_state() -> dict[str, list[str]]:
    """What a sandbox must not leave behind on this machine."""
    loops = [path.read_text().strip() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    loops = [path for path in loops if path.startswith(tempfile.gettempdir())]  # Others may use this machine, too.
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "debate.sandbox" in words or "systemd-nspawn" in words:
            processes.append(words)
    wanted = re.compile("debate-.*|payload|supervisor")  # ours, and those that nspawn makes
    # With version 1, those of the builders that a test starts are below its own.
    roots = limits.version_1_groups().values() if limits.kind() == "cgroup v1" else [Path("/sys/fs/cgroup")]
    groups = [str(p) for root in roots for p in root.rglob("*") if wanted.fullmatch(p.name) and p.is_dir()]
    nspawn = [str(p) for p in Path("/run/systemd/nspawn").rglob("*")]
    return {
        "loops": sorted(loops), "mounts": sorted(mounts), "processes": processes, "groups": groups, "nspawn": nspawn,
    }  # fmt: skip


def assert_nothing_left(before: dict[str, list[str]], checkout: Checkout) -> None:
    """Compare with `host_state` before, with a moment for the kernel to free what died."""
    deadline = time.monotonic() + 10
    while True:
        left = {kind: sorted(set(now) - set(before[kind])) for kind, now in host_state().items()}
        left["work"] = os.listdir(checkout.cache / "tmp")
        if not any(left.values()):
            return
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


def wait_until_gone(before: dict[str, list[str]]) -> None:
    """Mounts, loop devices and processes go with the killed builder, before anyone cleans up."""
    deadline = time.monotonic() + 10
    while True:
        left = {k: sorted(set(v) - set(before[k])) for k, v in host_state().items() if k != "groups"}
        if not any(left.values()):
            return
        assert time.monotonic() < deadline, f"left behind by a killed builder: {left}"
        time.sleep(0.05)
