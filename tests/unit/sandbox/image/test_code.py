"""An edit of host code that decides bytes of an image changes every step's key."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from debate import PACKAGE
from debate.sandbox import image
from debate.sandbox.image import environment, overlayfs

EDITS = {
    "__init__": ("sorted(", "list("),
    "calls": ("_NETLINK_ROUTE = 0", "_NETLINK_ROUTE = 9"),
    "command": ("nspawn.Bind(scripts", "nspawn.Bind(directory"),
    "directories": ("name).mkdir(mode=0o755", "name).mkdir(mode=0o750"),
    "environment": ('"LC_ALL": "C.UTF-8"', '"LC_ALL": "C"'),
    "host_tree": ("0o1777", "0o777"),
    "inputs": ("0o555, 0o444", "0o755, 0o444"),
    "lines": ("{word}\\n", "{word} \\n"),
    "nspawn": ('"--private-users-ownership=off"', '"--private-users-ownership=map"'),
    "overlayfs": ("index=off", "index=on"),
    "tar": ("GNU_FORMAT", "PAX_FORMAT"),
    "whiteouts": ("os.makedev(0, 0)", "os.makedev(0, 1)"),
}
"""Module -> one line of it that decides what it writes, and an edit of that."""

KEY = """
from pathlib import Path
from debate import keys
from debate.build.builder import Builder
from debate.cache.store import Store
from debate.model import Command, Step
from debate.settings import Settings
settings = Settings(root=Path("checkout"), cache=Path("cache"), output=Path("build"))
step = Step("x", (Command("x.sh"),), ("layer",), epoch=5)
print(keys.key(Builder(settings, Store(settings.cache)).ingredients(step)))
"""


def key(directory: Path) -> str:
    """The key of a fixed step, by the package below ``directory``."""
    argv = [sys.executable, "-B", "-c", KEY]
    done = subprocess.run(argv, cwd=directory, env={"PYTHONPATH": str(directory)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE, tmp_path / "debate", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "x.sh").touch()
    return tmp_path


def test_each_module_is_edited_below() -> None:
    assert list(image.code()) == sorted(EDITS)


def test_an_edit_of_what_a_module_writes_changes_the_key(copied: Path) -> None:
    before = key(copied)
    assert before == key(copied)
    for module, (old, new) in EDITS.items():
        path = copied / "debate" / "sandbox" / "image" / f"{module}.py"
        text = path.read_text()
        assert text.count(old) == 1, module
        path.write_text(text.replace(old, new))
        assert key(copied) != before, module
        path.write_text(text)
    (copied / "debate" / "sandbox" / "image" / "later.py").touch()
    assert key(copied) != before, "a module that is added counts, too"


def test_an_edit_of_other_host_code_does_not_change_the_key(copied: Path) -> None:
    before = key(copied)
    for name in ("sandbox/session.py", "sandbox/runner.py", "sandbox/limits.py", "model.py"):
        with (copied / "debate" / name).open("a") as file:
            file.write("# edited\n")
    assert key(copied) == before


@pytest.mark.parametrize(
    ("marker", "module"),
    [
        *((f'"{name}": "{value}"', "environment") for name, value in environment.VARIABLES.items() if name != "LC_ALL"),
        *((flag, "environment") for flag in environment.FLAGS),
        *((option, "overlayfs") for option in overlayfs.options([], Path(), Path()).split(",")[3:]),
        ("UMASK = ", "environment"),
        ("directories.make_own(", "command"),
        ("].strangers", "command"),
        ('"/bin/sh", f"{', "command"),
        ('"SOURCE_DATE_EPOCH"', "command"),
        ("nspawn.Bind(", "command"),
        ("whiteouts.spell_out(", "command"),
        ("rights.TABLE[command.rights],", "command"),
        *(
            (f'"{path}"', "environment")
            for path in ("/run/step", "/run/in", "/run/out", "/run/work", "/run/problems", "/run/left")
        ),
        ("--read-only", "nspawn"),
        ('append("--private-network")', "nspawn"),
        ('f"{word}\\n" for word', "lines"),
        ("GNU_FORMAT", "tar"),
        ("os.mknod", "whiteouts"),
        ("trusted.overlay.opaque", "whiteouts"),
        ("(scratch / name).mkdir", "directories"),
        ("step.parameters, **supplies.files", "inputs"),
        ("os.chown(scratch", "directories"),
    ],
)
def test_what_decides_bytes_is_written_in_its_module_alone(marker: str, module: str) -> None:
    """Moved elsewhere, it would no longer be in the key."""
    found = {path for path in PACKAGE.rglob("*.py") if marker in path.read_text()}
    assert found == {PACKAGE / "sandbox" / "image" / f"{name}.py" for name in module.split()}
