"""The examples in CONTRIBUTING.md: each takes as many places as the table there says, and nothing else changes."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from debate import PACKAGE
from tests import documents
from tests.conftest import ROOT

BLOCKS = [block for block in documents.blocks("CONTRIBUTING.md") if block.file]
EXAMPLES = {block.file: block for block in BLOCKS if block.language != "diff"}
CHANGES = {block.file: block.text for block in BLOCKS if block.language == "diff"}
LONG = {"debate/images/bundle.py": "bundle.py", "debate/remote/directory.py": "directory.py"}
"""Files of examples to which the document only links -> their names in tests/examples/."""
STEP = ("debate/steps/sizes.py", "sandbox/sizes.sh")
COMMAND = ("debate/commands/largest.py",)
FIELD = ("debate/schema/profile.schema.json", "debate/images/iso.py")
IMAGE = ("debate/images/bundle.py", "debate/images/kinds.py")
REMOTE = ("debate/remote/directory.py", "debate/remote/transport.py")
DISTRIBUTION = ("debate/distributions/kali.py", "sandbox/kali/tools.packages", "debate/distributions/__init__.py")
PLACES = {
    "a step": STEP,
    "a command": COMMAND,
    "a profile field": FIELD,
    "a kind of image": IMAGE,
    "a kind of remote": REMOTE,
    "a distribution": DISTRIBUTION,
}
"""Row of the document's table -> the files that are added or changed."""


def copy(made: Path, *files: str) -> Path:
    """A copy of what a contributor works on, with the examples' ``files`` added and changed."""
    shutil.copytree(PACKAGE, made / "debate", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("profiles", "sandbox"):
        shutil.copytree(ROOT / name, made / name)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / name, made / name)
    for name in files:
        path = made / name
        assert path.exists() == (name in CHANGES), name
        path.parent.mkdir(exist_ok=True)
        if name in CHANGES:
            path.write_text(changed(path.read_text(), CHANGES[name]))
        elif name in LONG:
            shutil.copy(ROOT / "tests" / "examples" / LONG[name], path)
        elif name in EXAMPLES:
            documents.write(made, EXAMPLES[name])
        else:
            debian = (ROOT / "sandbox" / "debian" / "tools.packages").read_text()
            path.write_text(debian.replace("debian-archive-keyring", "kali-archive-keyring"))
    return made


def changed(text: str, diff: str) -> str:
    """``text`` after a diff without line numbers, each part of which fits at one place only."""
    for part in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        lines = part.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] != "+")
        assert text.count(old) == 1, part
        text = text.replace(old, "".join(line[1:] for line in lines if line[0] != "-"))
    return text


def places(name: str) -> set[str]:
    """Where a contributor writes for an example: a new file, or of a changed one each class, function or table."""
    if name not in CHANGES or not name.endswith(".py"):
        return {name}
    before = (ROOT / name).read_text()
    one, two = (
        {ast.unparse(_target(node)): ast.dump(node) for node in ast.parse(text).body if _target(node)}
        for text in (before, changed(before, CHANGES[name]))
    )
    assert one.keys() == two.keys()
    return {f"{name} {target}" for target in one if one[target] != two[target]}


def _target(node: ast.stmt) -> Any:
    """The name of what a statement declares; None for another statement."""
    name = getattr(node, "name", "")
    return ast.Name(name) if name else (getattr(node, "targets", None) or [None])[0]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the step and the command."""
    return copy(tmp_path_factory.mktemp("contributing"), *STEP, *COMMAND)


def run(checkout: Path, *words: str, status: int = 0) -> str:
    """What a program of Python says that imports the copy. Asserts its exit status."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": f"{checkout}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, *words], cwd=checkout, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    return done.stdout


def doit(checkout: Path, *words: str, status: int = 0) -> str:
    return run(checkout, str(Path(sys.executable).with_name("doit")), *words, status=status)


FAKE = """
import json, sys
from pathlib import Path
from debate import keys
from tests.unit.steps.fake import build

profile, settings = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
made, builder = build(Path.cwd(), profile, **settings)
steps = {
    step.name: {
        "key": keys.key(builder.asked[step.name]),
        "scripts": [command.script for command in step.commands],
        "parameters": {name: data.decode("latin-1") for name, data in step.parameters.items()},
    }
    for step in builder.ran if step.name in builder.asked
}
print(json.dumps({"keys": {name: keys.key(asked) for name, asked in builder.asked.items()}, "steps": steps}))
"""
"""Makes all steps but the last of a profile, with a fake in place of each sandbox."""


NUMBERS = itertools.count()


def fake(checkout: Path, profile: str, *settings: str, code: str = "") -> Any:
    """Keys and steps of a profile in a copy, made with an empty cache, or what ``code`` prints last."""
    cache = f"DEBATE_CACHE=cache-{next(NUMBERS)}"
    return json.loads(run(checkout, "-c", FAKE + code, profile, cache, *settings).splitlines()[-1])


def test_the_number_of_places() -> None:
    table = dict(re.findall(r"^\| ([a-z ]+) \| ([0-9]): ", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    counted = {row: sum(len(places(name)) for name in files) for row, files in PLACES.items()}
    assert {row: int(number) for row, number in table.items()} == counted
    shown = {*EXAMPLES, *CHANGES, *LONG, "sandbox/kali/tools.packages"}
    assert shown == {name for files in PLACES.values() for name in files}, "each is shown, and nothing else"


def test_the_copy_is_what_runs(checkout: Path) -> None:
    assert run(checkout, "-c", "import debate; print(debate.__file__)").startswith(str(checkout))


def test_doit_has_their_tasks(checkout: Path) -> None:
    listed = {line.split()[0] for line in doit(checkout, "list", "--all").splitlines()}
    assert {"sizes:minimal", "sizes:rescue", "largest:minimal"} <= listed
    assert str(checkout / "build/minimal/rootfs.json") in doit(checkout, "info", "sizes:minimal", status=1)
    for task in ("largest:minimal", "verify:minimal", "shell:sizes:minimal"):
        wanted = "rootfs.json" if task.startswith("shell") else "sizes.json"
        assert str(checkout / "build/minimal" / wanted) in doit(checkout, "info", task, status=1), task


def test_help_has_them(checkout: Path) -> None:
    overview = doit(checkout, "help")
    assert re.search(r"^  sizes:NAME +list the largest files", overview, re.MULTILINE)
    assert re.search(r"^  largest:NAME +show the largest files", overview, re.MULTILINE)
    assert doit(checkout, "help", "largest").startswith("doit largest:NAME\n")
    assert re.search(r"STEP is .*\bsizes\b", doit(checkout, "help", "shell"))


def test_the_readme_has_them(checkout: Path) -> None:
    table = run(checkout, "-m", "debate.frontend.help")
    assert "| `doit sizes:NAME` | list the largest files" in table
    assert "| `doit largest:NAME` | show the largest files" in table


def test_the_diagram_has_them(checkout: Path) -> None:
    arrows = {line.strip() for line in run(checkout, "-m", "debate.graph.diagram").splitlines()}
    assert {"rootfs --> sizes", "overlay --> sizes", "sandbox --> sizes", "sizes --> largest"} <= arrows


def test_explain_looks_at_the_step(checkout: Path) -> None:
    assert "sizes:" not in doit(checkout, "explain:minimal")
    traces = checkout / "build" / "minimal" / "traces"
    traces.mkdir(parents=True, exist_ok=True)
    (traces / "sizes.json").write_text("{}")
    assert re.search(r"^sizes:minimal  undecided: depends on ", doit(checkout, "explain:minimal"), re.MULTILINE)


def test_a_mistyped_name_is_told(checkout: Path) -> None:
    assert "did you mean 'largest'?" in doit(checkout, "info", "lragest:minimal", status=3)


def test_their_style(checkout: Path) -> None:
    files = [name for name in (*STEP, *COMMAND) if name.endswith(".py")]
    style(checkout, *files)
    subprocess.run(["sh", "-n", "sandbox/sizes.sh"], cwd=checkout, check=True)


def style(checkout: Path, *files: str) -> None:
    files = tuple(name for name in files if name.endswith(".py"))
    run(checkout, "-m", "ruff", "check", *files)
    run(checkout, "-m", "ruff", "format", "--check", *files)


@pytest.mark.parametrize("script", sorted(name for name in EXAMPLES if name.endswith(".sh")))
def test_the_script(tmp_path: Path, script: str) -> None:
    """What it makes of a small system, at places of its own."""
    for name, size in {"usr/large file": 3000, "etc/small": 10, "usr/middle": 20}.items():
        (tmp_path / "layers" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "layers" / name).write_bytes(bytes(size))
    for name in ("work", "out"):
        (tmp_path / name).mkdir()
    text = EXAMPLES[script].text.replace("/run/", f"{tmp_path}/")
    subprocess.run(["sh", "-c", text], check=True)
    assert (tmp_path / "out" / "sizes").read_text() == "3000 /usr/large file\n20 /usr/middle\n10 /etc/small\n"


def test_all_of_them_together_are_typed_and_import_downwards(tmp_path: Path) -> None:
    made = copy(tmp_path, *(name for files in PLACES.values() for name in files))
    run(made, "-m", "mypy", "--cache-dir", os.devnull)
    run(made, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")


# A profile field -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy(tmp_path_factory.mktemp("field"), *FIELD)


def write(checkout: Path, text: str) -> None:
    (checkout / "profiles" / "x.yaml").write_text(f"version: 1\n{text}\n")


def test_the_field_is_accepted_and_checked(field: Path) -> None:
    write(field, "image: {preparer: Example Inc.}")
    doit(field, "validate", "x")
    assert re.search(r'^ +preparer: "Example Inc\." +# profiles/x\.yaml:2:19$', doit(field, "show:x"), re.MULTILINE)
    write(field, 'image: {preparer: "a\'b"}')
    said = doit(field, "validate", "x", status=1)
    assert 'profiles/x.yaml:2:19: image.preparer: "a\'b" is not a valid preparer; use text without quotes' in said
    write(field, 'image: {preparer: "debate\\n"}')
    assert "is not a valid preparer" in doit(field, "validate", "x", status=1), "the pattern is for the whole value"
    write(field, "image: {preparers: x}")
    assert "unknown field 'preparers' in image; did you mean 'preparer'?" in doit(field, "validate", "x", status=1)


@pytest.mark.parametrize(
    ("text", "value"), [("", "debate"), ("image: {preparer: Example Inc.}", "Example Inc.")], ids=["default", "set"]
)
def test_the_field_is_in_the_slice(field: Path, text: str, value: str) -> None:
    write(field, text)
    doit(field, "config:x")
    slices = {path.stem: json.loads(path.read_text()) for path in (field / "build/x/slices").iterdir()}
    assert slices["iso"]["preparer"] == value
    assert [name for name, values in slices.items() if "preparer" in values] == ["iso"]


def test_the_field_changes_its_step_and_no_other(field: Path) -> None:
    """But for what starts over a network, which is dated with the config."""
    write(field, "")
    before = fake(field, "x")
    write(field, "image: {preparer: Example Inc.}")
    after = fake(field, "x")
    assert before["keys"].keys() == after["keys"].keys()
    assert [name for name, key in before["keys"].items() if key != after["keys"][name]] == ["iso", "network"]
    for said, value in ((before, "debate"), (after, "Example Inc.")):
        assert f"\0-preparer\0{value}\0" in said["steps"]["iso"]["parameters"]["options"]


def test_the_field_is_documented(field: Path) -> None:
    text = run(field, "-m", "debate.profile.reference")
    form = "Form: text without quotes. At most 128 characters."
    assert f"| `preparer` | Who prepared the data of the image. {form} Default: `" in text
    style(field, *FIELD)


# A kind of image -----------------------------------------------------------------------------------

RESULTS = """
said = made.make("build")["made"]
print(json.dumps({"made": [Path(one["file"]).name for one in said], "digests": [one["digest"] for one in said]}))
"""
SHARED = """
from dataclasses import replace
from debate.commands.logic.publish import pull, push
made.make("build")
push(made)
elsewhere = replace(made.settings, output=made.settings.root / "elsewhere")
other = replace(made, settings=elsewhere)
other.make("config")
pull(other)
print(json.dumps(sorted(path.name for path in other.directory.iterdir() if path.name.startswith("minimal-"))))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the kind of image and the kind of remote."""
    return copy(tmp_path_factory.mktemp("image"), *IMAGE, *REMOTE)


def test_the_kind_of_image_is_built(image: Path) -> None:
    assert str(image / "build/minimal/bundle.json") in doit(image, "info", "build:minimal", status=1)
    arrows = {line.strip() for line in run(image, "-m", "debate.graph.diagram").splitlines()}
    assert {"initrd --> bundle", "rootfs --> bundle", "overlay --> bundle", "bundle --> build"} <= arrows
    style(image, *IMAGE)


def test_the_kind_of_image_is_a_result(image: Path) -> None:
    said = fake(image, "minimal", code=RESULTS)
    names = ["minimal-amd64.iso", "minimal-amd64.bundle"]
    assert said["made"] == names
    directory = image / "build" / "minimal"
    build, manifest = (json.loads((directory / f"{name}.json").read_text()) for name in ("build", "manifest"))
    assert [build["iso"], build["bundle"]] == names
    assert [manifest["iso"]["digest"], manifest["bundle"]["digest"]] == said["digests"]
    for name in names:
        checked = ["sha256sum", "-c", f"{name}.sha256"]
        done = subprocess.run(checked, cwd=directory, capture_output=True, text=True, check=True)
        assert done.stdout == f"{name}: OK\n"
        assert {name, f"{name}.sha256"} <= build["files"].keys()


def test_the_kind_of_image_is_pushed_and_pulled(image: Path, tmp_path: Path) -> None:
    """By the kind of remote of the next example."""
    pulled = fake(image, "minimal", f"DEBATE_REMOTE=dir://{tmp_path}/shared", code=SHARED)
    stem = "minimal-amd64"
    assert pulled == [
        f"{stem}.bundle", f"{stem}.bundle.sha256", f"{stem}.cdx.json", f"{stem}.iso", f"{stem}.iso.sha256",
        f"{stem}.packages",
    ]  # fmt: skip
    for name in pulled:
        ours, theirs = (image / directory / "minimal" / name for directory in ("build", "elsewhere"))
        assert ours.read_bytes() == theirs.read_bytes()


# A kind of remote ----------------------------------------------------------------------------------

CONNECTED = """
import inspect, io, json, sys
from pathlib import Path
from debate import keys, settings
from debate.model import Artifact
from debate.remote import transport
from debate.remote.errors import WrongBytesError

made = transport.connect(settings.load(Path.cwd(), {"DEBATE_REMOTE": sys.argv[1]}))
methods = [name for name in vars(transport.Transport) if not name.startswith("_")]
words = lambda kind, name: list(inspect.signature(getattr(kind, name)).parameters)
same = [words(type(made), name) == words(transport.Transport, name) for name in methods]
blob = Path("dodo.py")
artifact = Artifact(keys.sha256_file(blob), blob.stat().st_size)
sent = [made.push(artifact, blob), made.push(artifact, blob)]
file = io.FileIO("pulled", "w+")
made.pull(artifact, file)
Path(sys.argv[1].removeprefix("dir://"), artifact.digest).write_bytes(b"damaged")
try:
    made.pull(artifact, file)
except WrongBytesError:
    sent.append("refused")
made.put_manifest("tag", b"manifest")
print(json.dumps([type(made).__module__, all(same), sent, made.manifest("tag").decode(), made.manifest("other")]))
"""


def test_the_kind_of_remote(image: Path, tmp_path: Path) -> None:
    said = json.loads(run(image, "-c", CONNECTED, f"dir://{tmp_path}/shared"))
    assert said == ["debate.remote.directory", True, [True, False, "refused"], "manifest", None]
    style(image, *REMOTE)


def test_the_kind_of_remote_has_its_own_addresses(image: Path) -> None:
    code = "import sys; from debate.remote.transport import kind; kind(sys.argv[1])"
    assert "write dir:///DIRECTORY" in run(image, "-c", code, "dir://here", status=1)


# A distribution ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = copy(tmp_path_factory.mktemp("distribution"), *DISTRIBUTION)
    write(made, "distribution: kali")
    assert "unknown value 'kali'; known: debian, arch" in doit(made, "validate", "x", status=1)
    run(made, "-m", "debate.profile.enums")
    return made


KALI = ("DEBATE_BASE=kali", "DEBATE_MIRROR_KALI=https://deb.example/debian")


def test_only_its_names_are_new_in_the_schema(distribution: Path) -> None:
    before, after = (
        [line.rstrip(",") for line in (at / FIELD[0]).read_text().splitlines()] for at in (ROOT, distribution)
    )
    new = sorted(line.strip(' "') for line in set(after) - set(before) if "description" not in line)
    assert new == ["kali", "kali-rolling"]
    described = [line for line in after if "description" in line and line not in before]
    assert len(described) == 4
    assert all(line.endswith(' for Kali."') for line in described)
    assert "Without it: trixie for Debian, rolling for Arch, kali-rolling for Kali." in described[0]


def test_a_profile_of_the_distribution(distribution: Path) -> None:
    write(distribution, "distribution: kali")
    doit(distribution, "validate", "x")
    doit(distribution, "config:x")
    lock = json.loads((distribution / "build/x/slices/lock.json").read_text())
    assert [lock[name] for name in ("distribution", "release", "architecture")] == ["kali", "kali-rolling", "amd64"]
    assert "live-boot" in lock["packages"]
    said = doit(distribution, "show:x")
    assert re.search(r'^distribution: "kali" +# profiles/x\.yaml:2:15$', said, re.MULTILINE)
    assert re.search(r'^release: "kali-rolling" +# default$', said, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("distribution: kalli", "distribution: unknown value 'kalli'; did you mean 'kali'?"),
        ("distribution: kali\nrelease: trixie", "kali has no release 'trixie'; the only release is kali-rolling"),
        ("release: kali-rolling", "debian has no release 'kali-rolling'; choose one of trixie, bookworm, forky, sid"),
    ],
)
def test_mistakes_with_the_distribution(distribution: Path, text: str, message: str) -> None:
    write(distribution, text)
    assert message in doit(distribution, "validate", "x", status=1)


def test_a_build_of_the_distribution(distribution: Path) -> None:
    """Its tools tree has its keyring; all scripts are those of Debian's package manager, or everybody's."""
    write(distribution, "distribution: kali")
    steps = fake(distribution, "x", *KALI)["steps"]
    assert "\nkali-archive-keyring\n" in steps["sandbox"]["parameters"]["packages"]
    assert steps["sandbox"]["parameters"]["release"] == "kali-rolling"
    scripts = {script for step in steps.values() for script in step["scripts"]}
    assert {"debian/tools.sh", "debian/rootfs.sh", "debian/initrd.sh", "overlay.sh", "iso.sh"} <= scripts
    assert {script.partition("/")[0] for script in scripts if "/" in script} == {"debian"}
    fake(distribution, "x", *KALI, code=RESULTS)
    results = distribution / "build" / "x"
    assert json.loads((results / "manifest.json").read_text())["distribution"] == "kali"
    assert (
        '"purl": "pkg:deb/kali/base-files@1?arch=amd64&distro=kali-kali-rolling"'
        in (results / "x-amd64.cdx.json").read_text()
    )
    style(distribution, *DISTRIBUTION)


def test_tools_of_another_distribution(distribution: Path) -> None:
    write(distribution, "distribution: kali")
    said = run(distribution, "-c", FAKE, "x", "DEBATE_BASE=debian", KALI[1], status=1)
    assert "lacks the tools for kali, so it cannot build profiles of kali; install mmdebstrap and set" in said
