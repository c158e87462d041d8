"""The graph: what it declares, what it costs to load, and what doit's users type."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from debate.commands.command import commands
from debate.errors import DebateError, Place, Problem
from debate.graph.failed import Failed, guarded
from debate.graph.tasks import Graph
from debate.steps.rules import rules
from tests.conftest import ROOT

DOIT = str(Path(sys.executable).with_name("doit"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a user sees: dodo.py and profiles."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def doit(checkout: Path, *words: str, status: int = 0, **environment: str) -> str:
    """What doit says, both outputs. Asserts its exit status."""
    done = subprocess.run(
        [DOIT, *words], cwd=checkout, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    return done.stdout


def test_doit_alone_shows_profiles_and_the_next_command(checkout: Path) -> None:
    said = " ".join(doit(checkout).split())
    assert "minimal Smallest Debian that boots" in said
    assert "rescue Disk, network and recovery" in said
    assert "build:minimal" in said.partition("Next:")[2]
    assert "_common" not in said


def test_a_broken_profile_does_not_hide_the_others(checkout: Path) -> None:
    (checkout / "profiles" / "broken.yaml").write_text("version: 1\npkgs: []\n")
    said = " ".join(doit(checkout).split())
    assert "broken has errors: profiles/broken.yaml:2:1: unknown field 'pkgs'" in said
    assert "minimal Smallest" in said


def test_list_names_every_task_of_every_profile(checkout: Path) -> None:
    said = doit(checkout, "list", "--all")
    names = {line.split()[0] for line in said.splitlines()}
    made = [
        *(rule.name for rule in rules().values() if rule.profile),
        *(one.name for one in commands().values() if one.per == "profile"),
    ]
    assert {f"{step}:{name}" for step in made for name in ("minimal", "rescue")} <= names
    assert {rule.name for rule in rules().values() if not rule.profile} <= names


@pytest.mark.parametrize(
    "words",
    [[], ["build"], ["check"], ["sandbox"], ["build:kiosk"], ["config", "check:rescue"], ["mine"]],
    ids=" ".join,
)
def test_a_list_of_names_has_those_of_all_tasks(checkout: Path, words: list[str]) -> None:
    """With their files, all of each task is made, also for a task of one's own that needs one that is not named."""
    with (checkout / "dodo.py").open("a") as file:
        file.write("\ndef task_mine():\n    return {'actions': [], 'task_dep': ['config:rescue']}\n")
    whole = doit(checkout, "list", "--all", "--quiet", "--deps", *words).splitlines()
    names = [line.rstrip() for line in whole if line.strip() and not line.startswith(" ")]
    assert names
    assert [line.rstrip() for line in doit(checkout, "list", "--all", "--quiet", *words).splitlines()] == names


def test_a_list_of_names_reads_no_profile(checkout: Path) -> None:
    """The whole tasks are made after it, by which the test shows that it would see a profile that is read."""
    code = (
        "import pathlib, sys; from debate.graph.tasks import Graph\n"
        "graph, read = Graph(pathlib.Path()), []\n"
        "sys.addaudithook(lambda event, words: read.append(str(words[0])) if event == 'open' else None)\n"
        "graph.outline(['build']); print(sum(task['basename'] == 'build' for task in graph.steps()))\n"
        "print(sum(path.endswith('.yaml') for path in read))\n"
        "graph.outlined = False; graph.widen(); list(graph.steps())\n"
        "print(sum(path.endswith('.yaml') for path in read))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    made, read, read_for_all = map(int, done.stdout.split())
    assert made > 1
    assert read == 0
    assert read_for_all


def test_a_circular_base_is_not_a_circular_graph(checkout: Path) -> None:
    """doit would refuse it in its own words, halfway through the run. The profile's config task names the place."""
    for name, base in {"t": "t", "u": "u2", "u2": "u", "v": "u"}.items():
        (checkout / "profiles" / f"{name}.yaml").write_text(f"version: 1\nbase: {base}\n")
    graph = Graph(checkout)
    tasks = [task for task in graph.steps() if "targets" in task]
    makers = {target: number for number, task in enumerate(tasks) for target in task["targets"]}
    needs = {n: {makers[file] for file in task["file_dep"] if file in makers} for n, task in enumerate(tasks)}
    assert len(list(TopologicalSorter(needs).static_order())) == len(tasks)


def test_info_and_clean_and_forget(checkout: Path) -> None:
    said = doit(checkout, "info", "iso:minimal", status=1)
    for name in ("iso.json", "slices/iso.json", "rootfs.json"):
        assert str(checkout / "build" / "minimal" / name) in said
    doit(checkout, "config:minimal")
    assert (checkout / "build" / "minimal" / "config.json").exists()
    assert "removing file" in doit(checkout, "clean", "config:minimal")
    assert not (checkout / "build" / "minimal" / "config.json").exists()
    assert "forgetting config:minimal" in doit(checkout, "forget", "config:minimal")
    doit(checkout, "clean", "build:minimal")


def test_tab_completion(checkout: Path) -> None:
    for shell in ("bash", "zsh"):
        assert "doit" in doit(checkout, "tabcompletion", "--shell", shell)


def test_loading_the_graph_loads_nothing_that_is_heavy(checkout: Path) -> None:
    """pyproject.toml lists what only a task that runs may load."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lazy = settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]
    allowed = {"ctypes", "doit.tools", "secrets", "sqlite3", "tempfile", "xxhash"}
    """Loaded by doit itself, or by each run."""
    code = (
        "import sys; from doit.doit_cmd import DoitMain; from debate.frontend.loader import Loader\n"
        "assert DoitMain(Loader()).run(['list', '--all', '-q']) == 0\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert "debate.steps.rules" in loaded, done.stderr
    heavy = {"yaml", "jsonschema", "tarfile", "msgspec", *lazy} - allowed
    assert [name for name in loaded if any(name == one or name.startswith(f"{one}.") for one in heavy)] == []


def test_a_profile_costs_nothing_to_the_others(checkout: Path) -> None:
    (checkout / "profiles" / "broken.yaml").write_text("[[[")
    code = (
        "import pathlib; from debate.graph.tasks import Graph\n"
        "graph = Graph(pathlib.Path()); graph.narrow(['config:minimal'])\n"
        "print(graph.profiles())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True)
    assert done.stdout == "['minimal']\n", done.stderr
    assert "config:minimal" in doit(checkout, "config:minimal")


def test_a_base_is_part_of_the_graph(checkout: Path) -> None:
    (checkout / "profiles" / "second.yaml").write_text("version: 1\nextends: minimal\nbase: first\n")
    (checkout / "profiles" / "first.yaml").write_text("version: 1\nextends: minimal\nbase: minimal\n")
    build = checkout / "build"
    for name, below in (("second", "first"), ("first", "minimal")):
        lock, rootfs, iso = (doit(checkout, "info", f"{step}:{name}", status=1) for step in ("lock", "rootfs", "iso"))
        assert all(str(build / below / record) in lock for record in ("lock.json", "packages.json"))
        assert str(build / below / "rootfs.json") in rootfs
        assert str(build / below) not in iso, "the record of its own rootfs names all layers"
    assert str(build / "first") not in doit(checkout, "info", "rootfs:minimal", status=1)


def test_config_runs_again_only_for_what_it_reads(checkout: Path) -> None:
    def ran() -> bool:
        return "up to date" not in doit(checkout, "config:rescue")

    assert ran()
    assert not ran()
    tree = checkout / "profiles" / "overlays" / "rescue"
    (checkout / "profiles" / "minimal.yaml").write_text("version: 1\n")
    assert not ran()
    (tree / "etc" / "motd").write_text("new\n")
    assert ran()
    (tree / "etc" / "new").touch()
    assert ran()
    assert not ran()
    (tree / "etc" / "new").write_text("the new file is watched, too")
    assert ran()
    (tree / "etc" / "new").unlink()
    assert ran()
    with (checkout / "profiles" / "_common.yaml").open("a") as file:
        file.write("# a comment\n")
    assert ran()
    assert not ran()


CHANGES = (
    ("distributions/debian.py", '_LIVE = ("busybox"', '_LIVE = ("less", "busybox"', "minimal"),
    ("distributions/glibc.py", '("utf-8", "utf8")', '("utf-8",)', "arch-german"),
    ("steps/choices.py", 'self.data["image"]["label"]', '"LABEL"', "minimal"),
)
"""Module, a text in it, another text, and a profile whose config it changes."""


def test_a_change_of_the_code_that_makes_the_config(checkout: Path) -> None:
    """It is noticed, and all that say which config a profile has agree."""
    for name in ("debate", "sandbox"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    own = {"PYTHONPATH": str(checkout), "DEBATE_MIRROR_ARCH": "https://arch.example"}  # or explain says what would fail
    (checkout / "profiles" / "arch-german.yaml").write_text("version: 1\nextends: arch-minimal\nlocale: de_DE.utf8\n")

    def hashes(profile: str) -> set[str]:
        """The config's hash as the build records it, and as the commands show it."""
        doit(checkout, f"hash:{profile}", **own)
        recorded = json.loads((checkout / "build" / profile / "hash.json").read_bytes())["config"][:16]
        said = [doit(checkout, f"{command}:{profile}", **own) for command in ("show", "explain")]
        return {recorded, *(line[:16] for text in said for line in re.findall("config ([0-9a-f]+)", text))}

    before = {profile: hashes(profile) for profile in ("minimal", "arch-german")}
    assert "up to date" in doit(checkout, "config:minimal", **own)
    for module, old, new, profile in CHANGES:
        path = checkout / "debate" / module
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        assert "up to date" not in doit(checkout, f"config:{profile}", **own)
        after = hashes(profile)
        assert len(after) == len(before[profile]) == 1
        assert after != before[profile]
        path.write_text(text)
    assert hashes("minimal") == before["minimal"]


def test_an_unchanged_config_stops_there(checkout: Path) -> None:
    doit(checkout, "hash:minimal")
    with (checkout / "profiles" / "minimal.yaml").open("a") as file:
        file.write("# a comment\n")
    said = doit(checkout, "hash:minimal")
    assert "config:minimal" in said
    assert "hash:minimal" not in said


def test_all_problems_of_a_profile_are_told_without_a_traceback(checkout: Path) -> None:
    (checkout / "profiles" / "broken.yaml").write_text("version: 1\npkgs: []\nhostname: no\n")
    said = doit(checkout, "config:broken", status=1)
    assert "profiles/broken.yaml:2:1: unknown field 'pkgs'; did you mean 'packages'?\n" in said
    assert "profiles/broken.yaml:3:11: no is the boolean false" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build:minmal"], "ERROR: profiles/minmal.yaml: there is no profile 'minmal'; did you mean 'minimal'?"),
        *(
            (
                [f"{task}:_common"],
                "ERROR: profiles/_common.yaml: _common can only be extended, not built; name a profile that has "
                "`extends: _common`",
            )
            for task in ("build", "verify", "show", "explain")
        ),
        (["biuld:minimal"], "ERROR: there is no task 'biuld'; did you mean 'build'?"),
    ],
)
def test_a_mistyped_target(checkout: Path, words: list[str], message: str) -> None:
    assert doit(checkout, *words, status=3).strip() == message


def test_a_task_of_ones_own(checkout: Path) -> None:
    with (checkout / "dodo.py").open("a") as file:
        file.write("\n\ndef task_mine():\n    yield {'name': 'thing', 'actions': ['true']}\n")
    assert "mine:thing" in doit(checkout, "info", "mine:thing", status=1)


@pytest.mark.parametrize(
    "needed", ["'task_dep': ['show:minimal']", "'task_dep': ['config:oth*']", "'setup': ['hash:other']"]
)
@pytest.mark.parametrize("word", ["config:minimal", "mine:thing"])
def test_a_task_of_ones_own_may_need_any_other(checkout: Path, needed: str, word: str) -> None:
    """Also those that the command line does not name."""
    shutil.copy(checkout / "profiles" / "minimal.yaml", checkout / "profiles" / "other.yaml")
    with (checkout / "dodo.py").open("a") as file:
        file.write(f"\n\ndef task_mine():\n    yield {{'name': 'thing', 'actions': ['true'], {needed}}}\n")
    said = doit(checkout, word)
    assert ("config:other" in said) == (word == "mine:thing" and "show" not in needed), said


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            {"DEBATE_JOBZ": "1"},
            "DEBATE_JOBZ: no such setting; did you mean DEBATE_JOBS? see docs/settings.md for the list",
        ),
        (
            {"DEBATE_BASE": "fedora"},
            "DEBATE_BASE: unknown value 'fedora'; choose one of auto, debian, arch",
        ),
        (
            {"DEBATE_REMOTE": "ftp://x"},
            "DEBATE_REMOTE: 'ftp://x' has an unknown scheme; choose one of oci://, oci+http://",
        ),
    ],
)
def test_a_mistyped_setting(checkout: Path, setting: dict[str, str], message: str) -> None:
    assert doit(checkout, status=3, **setting).strip() == f"ERROR: {message}"


def test_all_mistyped_settings_at_once(checkout: Path) -> None:
    """Also those whose values only the table of distributions, or that of the kinds of remotes, knows."""
    (checkout / "debate.toml").write_text('base = "suse"\njobz = 1\nremote = "ftp://x"\n')
    said = doit(checkout, "hash:minimal", status=3, DEBATE_JOBS="0")
    for place in ("debate.toml:1: setting base: ", "debate.toml:2: ", "debate.toml:3: ", "DEBATE_JOBS: "):
        assert place in said, said


NOBODY = """\
import os, sys
# Loaded while this process may still read where Python lies, which can be a directory of root's.
import debate.frontend.checker, debate.frontend.text_lines, debate.frontend.verb, debate.graph.tasks
import debate.profile.load, debate.text.paths, debate.text.suggest
import doit.cmd_run, doit.tools, json, jsonschema, sqlite3, traceback, yaml
from debate.frontend.loader import Loader
from doit.doit_cmd import DoitMain
debate.profile.schema.validator()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.argv = ["doit", *{0}]
sys.exit(DoitMain(Loader()).run({0}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become nobody")
def test_without_root(checkout: Path) -> None:
    """One line that says so and how to run it; looking around needs no right at all."""
    (checkout / "build").mkdir(mode=0o755)
    for directory in (checkout, *checkout.parents[:-1]):
        if directory.stat().st_uid == 0 and directory != Path("/tmp"):  # noqa: S108
            directory.chmod(directory.stat().st_mode | 0o055)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        code = NOBODY.format(list(words))
        return subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True)

    refused = run("build:minimal")
    assert refused.returncode == 3
    assert refused.stderr == (
        "ERROR: building needs root, for mounts and systemd-nspawn; run: sudo doit build:minimal\n"
    )
    with (checkout / "dodo.py").open("a") as file:
        file.write("\n\ndef task_mine():\n    return {'actions': [lambda: True]}\n")
    own = run("mine")
    assert (own.returncode, own.stderr) == (0, "")
    looked = run()
    assert looked.returncode == 0, looked.stderr
    assert "minimal  Smallest" in looked.stdout


def test_an_invalid_profile_is_all_that_validate_tells(checkout: Path) -> None:
    (checkout / "profiles" / "bad.yaml").write_text("version: 1\ndescription: x\npackage: [curl]\n")
    said = doit(checkout, "validate", "bad", status=1)
    assert said.startswith("profiles/bad.yaml:3:1: unknown field 'package'; did you mean 'packages'?\n")
    assert said.splitlines()[1:] == ["1 profile: 1 invalid, 1 problem"]
    found = [json.loads(line) for line in doit(checkout, "validate", "bad", "--format", "json", status=1).splitlines()]
    assert found


@pytest.mark.parametrize(
    ("error", "shown", "problems"),
    [
        (DebateError("a", "b", place="x.yaml"), "x.yaml: a; b", [Problem(Place("x.yaml"), "a", "b")]),
        (DebateError("a", log="/log"), "a\nhint", [Problem(None, "a")]),
        (
            PermissionError(13, "Permission denied", "/x"),
            "/x: Permission denied; run as root",
            [Problem(Place("/x"), "Permission denied", "run as root")],
        ),
        (OSError("odd"), "odd", [Problem(None, "odd")]),
    ],
)
def test_a_failure_keeps_its_problems(error: Exception, shown: str, problems: list[Problem]) -> None:
    def action() -> None:
        raise error

    failed = guarded(action, "\nhint")
    assert isinstance(failed, Failed)
    assert (failed.message, list(failed.error.problems)) == (shown, problems)


@pytest.mark.parametrize("words", [["show:minimal"], ["help"], ["config:minimal", "--format", "json"]])
def test_a_reader_that_leaves_stops_nothing(checkout: Path, words: list[str]) -> None:
    """As in `doit show:minimal | head`: no traceback, and what was asked for is done."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([DOIT, *words], cwd=checkout, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert words != ["config:minimal", "--format", "json"] or (checkout / "build/minimal/config.json").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can build")
def test_the_problems_of_profiles_are_told_before_any_sandbox_is_made(checkout: Path) -> None:
    (checkout / "profiles" / "bad.yaml").write_text("version: 1\npkgs: []\n")
    (checkout / "profiles" / "on-bad.yaml").write_text("version: 1\nbase: bad\n")
    for words in (["build:bad"], ["shell:rootfs:bad"], ["build:on-bad"], ["check:minimal", "build:bad"]):
        assert "profiles/bad.yaml:2:1: unknown field 'pkgs'" in doit(checkout, *words, status=1)
        assert [path.name for path in (checkout / "build").glob(".sandbox/*")] == []


def test_what_goes_on_builds_the_others(checkout: Path) -> None:
    graph = Graph(checkout)
    graph.narrow(["build:minimal"])

    def tools() -> list[str]:
        [found] = [task["task_dep"] for task in graph.steps() if task["basename"] == "sandbox"]
        return list(found)

    assert tools() == ["config:minimal"]
    graph.goes_on = True
    assert tools() == []


@pytest.mark.parametrize(
    ("variable", "profile", "told"),
    [
        (
            "MIRROR_DEBAIN",
            "",
            "no profile has a repository 'debain', so it would have no effect; did you mean 'debian'?",
        ),
        ("MIRROR_DEBIAN_SECURTY", "", "no profile has a repository 'debian-securty', so it would have no effect; did"),
        ("MIRROR_ARHC", "", "no profile has a repository 'arhc', so it would have no effect; did you mean 'arch'?"),
        (
            "MIRROR_DEBIAN_SNAPSHOTS",
            "",
            "no profile has a repository 'debian-snapshots', so it would have no effect; did",
        ),
        ("KEYRING_ARHC", "", "there is no keyring 'arhc', so it would have no effect; did you mean 'arch'?"),
        ("KEYRING_DEBIAN", "", "there is no keyring 'debian', so it would have no effect; known: arch"),
        ("MIRROR_DEBAIN", "repositories: [{name: debain}]", ""),
        ("MIRROR_DEBIAN", "", ""),
        ("MIRROR_DEBIAN_SECURITY", "", ""),
        ("MIRROR_DEBIAN_SNAPSHOT", "", ""),
        ("MIRROR_INTERNAL", "", ""),
        ("KEYRING_ARCH", "", ""),
    ],
)
def test_names_of_settings_that_would_have_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, profile: str, told: str
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "x.yaml").write_text(f"version: 1\n{profile}\n")
    (tmp_path / "k").touch()
    monkeypatch.setenv(f"DEBATE_{variable}", "k" if variable.startswith("KEYRING") else "http://m.example")
    found = []
    try:
        Graph(tmp_path)
    except DebateError as error:
        found = str(error).splitlines()
    assert len(found) == bool(told)
    assert all(line.startswith(f"DEBATE_{variable}: {told}") for line in found)
