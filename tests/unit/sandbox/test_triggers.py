"""What has to run after files of a profile, as after those of packages."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from debate.entry import Entry
from debate.steps import uses
from tests.conftest import ROOT

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
"""Those that are /bin/sh in Debian and Arch."""
TRIGGERS = {
    "/etc/ca-certificates/trust-source/anchors/x.pem": "update-ca-trust",
    "/etc/dconf/db/site.d/00-x": "dconf update",
    "/etc/locale.gen": "locale-gen",
    "/lib/modules/6.1/extra/x.ko.xz": "depmod 6.1",
    "/usr/local/share/ca-certificates/x/own.crt": "update-ca-certificates",
    "/usr/share/applications/x.desktop": "update-desktop-database ROOT/usr/share/applications",
    "/usr/share/glib-2.0/schemas/x.gschema.override": "glib-compile-schemas ROOT/usr/share/glib-2.0/schemas",
    "/usr/share/icons/hicolor/48x48/apps/x.png": "gtk-update-icon-cache --force --quiet ROOT/usr/share/icons/hicolor",
    "/usr/share/mime/packages/x.xml": "update-mime-database ROOT/usr/share/mime",
    "/usr/share/pam-configs/x": "pam-auth-update --package",
}
"""Path -> what runs for it."""


FASTER = ("update-desktop-database", "gtk-update-icon-cache")
"""Programs that need not be there."""


def ran(
    shell: str,
    tmp_path: Path,
    paths: list[str],
    programs: list[str],
    commands: str = "",
    status: int = 0,
    there: str = "",
) -> tuple[list[str], list[str]]:
    """The commands that run in a system with ``programs``, which end with ``status``; path and fact of each problem."""
    root = tmp_path / "root"
    shutil.rmtree(root, ignore_errors=True)
    for name in ("usr/share/glib-2.0/schemas", "usr/lib/modules/6.1", "usr/share/mime", "usr/share/applications",
                 "etc/dconf/profile", "bin"):  # fmt: skip
        (root / name).mkdir(parents=True)
    for theme in ("hicolor", "other"):
        (root / "usr/share/icons" / theme).mkdir(parents=True)
    (root / "usr/share/icons/hicolor/icon-theme.cache").touch()
    (root / "etc/dconf/profile/user").write_text("user-db:user\nsystem-db:site\n")
    for name in ("find", "grep"):
        (root / "bin" / name).symlink_to(shutil.which(name) or "")
    for name in programs:
        (root / "bin" / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {root}/ran\nexit {status}\n')
        (root / "bin" / name).chmod(0o755)
    if there:
        (root / there[1:]).parent.mkdir(parents=True)
        (root / there[1:]).touch()
    (root / "ran").touch()
    found = uses.triggers(Entry(path, "file") for path in paths)
    (tmp_path / "triggers").write_text("".join(f"{program}\t{root}{path}\n" for program, path in found))
    (tmp_path / "commands").write_text(commands)
    script = (ROOT / "sandbox" / "triggers.sh").read_text().replace("/run/in", str(tmp_path))
    script = re.sub(r"(?<![\w$}./*])/(etc|usr|lib)/", rf"{root}/\1/", script)
    text = f"""{script}
        problems=0
        problem() {{ problems=$((problems + 1)); printf '%s|%s\\n' "$2" "$3"; }}
        PATH={root}/bin
        run_triggers
    """
    done = subprocess.run([shutil.which(shell) or shell, "-euc", text], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    said = [line for line in done.stdout.replace(str(root), "").splitlines() if "|" in line]
    return [line.strip().replace(str(root), "ROOT") for line in (root / "ran").read_text().splitlines()], said


PROGRAMS = [text.split()[0] for text in TRIGGERS.values()]


@pytest.mark.parametrize("shell", SHELLS)
def test_what_runs(tmp_path: Path, shell: str) -> None:
    paths = [*zip(PROGRAMS, TRIGGERS, strict=True)]
    assert ran(shell, tmp_path, [*TRIGGERS], PROGRAMS) == ([*TRIGGERS.values()], [])
    fact = "{1}|{1}: the system has no {0}, which makes of it what programs read"
    lacking = [fact.format(*each) for each in paths if each[0] not in FASTER]
    assert ran(shell, tmp_path, [*TRIGGERS], []) == ([], lacking)
    failed = ["{1}|{1}: {0} failed with exit status 3".format(*each) for each in paths]
    assert ran(shell, tmp_path, [*TRIGGERS], PROGRAMS, status=3)[1] == failed
    for path in ("/etc/hosts", "/usr/share/icons/other/x.png", "/usr/share/icons/nowhere/x.png"):
        assert ran(shell, tmp_path, [path], PROGRAMS) == ([], [])


@pytest.mark.parametrize("shell", SHELLS)
def test_what_runs_all_the_same(tmp_path: Path, shell: str) -> None:
    """The fields of the profile have locale-gen run where they make /etc/locale.gen."""
    assert ran(shell, tmp_path, ["/etc/locale.gen"], ["locale-gen"], "locale-gen\n") == ([], [])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_database_that_nothing_reads(tmp_path: Path, shell: str) -> None:
    fact = "/etc/dconf/db/local.d/x: no profile of dconf has system-db:local, so nothing reads it"
    found = ran(shell, tmp_path, ["/etc/dconf/db/local.d/x", "/etc/dconf/db/site.d/x"], ["dconf"])
    assert found == (["dconf update"], [f"/etc/dconf/db/local.d/x|{fact}"])


@pytest.mark.parametrize("shell", SHELLS)
def test_what_would_differ_between_builds(tmp_path: Path, shell: str) -> None:
    path, program = "/usr/local/share/ca-certificates/own.crt", "update-ca-certificates"
    fact = f"{path}|{path}: {program} would put it into Java's keystore, which differs each time it is made"
    hook = "/etc/ca-certificates/update.d/jks-keystore"
    assert ran(shell, tmp_path, [path], [program], there=hook) == ([], [fact])
    assert ran(shell, tmp_path, [path], [program]) == ([program], [])


@pytest.mark.parametrize("shell", SHELLS)
def test_debians_compiler_of_schemas(tmp_path: Path, shell: str) -> None:
    """It is in a directory of its library, which is not in PATH."""
    text = (ROOT / "sandbox" / "triggers.sh").read_text().replace("/usr/lib", str(tmp_path / "lib"))
    own = tmp_path / "lib/x86_64-linux-gnu/glib-2.0/glib-compile-schemas"
    own.parent.mkdir(parents=True)
    script = f"{text}\nPATH=/nowhere\n" + "is_there glib-compile-schemas && schema_compiler || echo none"
    for expected in ("none", str(own)):
        done = subprocess.run(
            [shutil.which(shell) or shell, "-euc", script], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout) == (0, f"{expected}\n")
        own.write_text("#!/bin/sh\n")
        own.chmod(0o755)
