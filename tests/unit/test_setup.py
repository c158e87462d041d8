"""./setup on a host where everything is installed: when it asks doctor, and what it prints of the report."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

NPM = ".ci/npm/package-lock.json"
DOIT = """\
#!/bin/sh
echo "doit $*" >> calls
[ "$*" != doctor ] || { echo "the report"; exit ${DOCTOR}; }
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A checkout whose .venv is up to date, and below bin/ the programs of a root on a host with every package."""
    for name in ("setup", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".ci/npm", tmp_path / ".ci/npm")
    programs = {
        "bin/id": "#!/bin/sh\necho 0\n",
        "bin/dpkg-query": "#!/bin/sh\necho installed\n",
        ".venv/bin/doit": DOIT,
        ".venv/bin/python": '#!/bin/sh\necho "python $*" >> calls\n',
    }
    for name, text in programs.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    for extra in ("", "-test"):
        lock = shutil.copy(ROOT / f".ci/requirements{extra}.txt", tmp_path / ".ci")
        files = [tmp_path / "pyproject.toml", Path(lock), *([tmp_path / NPM] if extra else [])]
        known = b"".join(path.read_bytes() for path in files)
        stamp = subprocess.run(["cksum"], input=known, capture_output=True, check=True)
        (tmp_path / ".venv" / f".debate-{stamp.stdout.split()[0].decode()}{extra}").touch()
    return tmp_path


ALL_TESTS = ["python -m pytest --numprocesses auto --dist worksteal tests/unit", "python -m tests.halves"]


def run(host: Path, *words: str, doctor: int = 0, status: int = 0) -> tuple[list[str], str, str]:
    """The calls that ./setup makes, and its two outputs. Asserts its exit status."""
    environment = {"PATH": f"{host / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}", "DOCTOR": str(doctor)}
    done = subprocess.run(["./setup", *words], cwd=host, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return (host / "calls").read_text().splitlines(), done.stdout, done.stderr


@pytest.mark.parametrize(
    ("doctor", "report"),
    [
        (0, ""),  # Nothing is missing.
        (1, "the report\n"),
        (3, ""),  # doctor itself failed: the build says why.
    ],
)
@pytest.mark.parametrize("words", ["build:minimal", "-v build:minimal --format json"])
def test_doctor_before_the_first_build(host: Path, words: str, doctor: int, report: str) -> None:
    assert run(host, *words.split(), doctor=doctor) == (["doit doctor", f"doit {words}"], "", report)


def as_user(host: Path) -> None:
    """Without root, on a host that lacks every package."""
    (host / "bin/id").write_text("#!/bin/sh\necho 1000\n")
    (host / "bin/dpkg-query").write_text("#!/bin/sh\n")


@pytest.mark.parametrize("words", ["validate", "validate web --format github", "validate:web", "show:web"])
def test_what_reads_profiles_needs_no_root(host: Path, words: str) -> None:
    as_user(host)
    assert run(host, *words.split()) == ([f"doit {words}"], "", "")


@pytest.mark.parametrize("words", ["", "build", "doctor", "test", "config:validate", "-v validate"])
def test_all_else_needs_it(host: Path, words: str) -> None:
    as_user(host)
    done = subprocess.run(
        ["./setup", *words.split()], cwd=host, env={"PATH": f"{host / 'bin'}:{os.environ['PATH']}"}, capture_output=True
    )
    assert done.returncode == 1
    assert done.stderr.decode().strip().endswith(f"so it needs root; run: sudo ./setup {words}".strip())
    assert not (host / "calls").exists()


def test_a_check_of_profiles_installs_nothing_for_builds(host: Path) -> None:
    (host / "bin/dpkg-query").write_text("#!/bin/sh\n")
    (host / "bin/apt-get").write_text('#!/bin/sh\necho "apt-get $*" >> calls\n')
    (host / "bin/apt-get").chmod(0o755)
    calls, said, _ = run(host, "validate")
    assert calls[-1] == "doit validate"
    assert said == "debate: installing Debian packages: ca-certificates python3-venv\n"
    assert calls[1].endswith("--no-install-recommends ca-certificates python3-venv")


def test_no_doctor_after_the_first_build(host: Path) -> None:
    (host / "build" / ".sandbox").mkdir(parents=True)
    (host / "build" / ".sandbox" / "sandbox.json").write_text("{}")
    assert run(host, "build:minimal", doctor=1) == (["doit build:minimal"], "", "")


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ([], ["doit "]),
        (["help"], ["doit help"]),
        (["validate", "minimal"], ["doit validate minimal"]),
        (["test", "tests/unit/test_keys.py::test_one"], ["python -m pytest tests/unit/test_keys.py::test_one"]),
        (["test"], ALL_TESTS),
    ],
)
def test_no_doctor_where_nothing_is_built(host: Path, words: list[str], calls: list[str]) -> None:
    assert run(host, *words, doctor=1) == (calls, "", "")


@pytest.mark.parametrize("part", ["tests/unit", "tests.halves"])
def test_a_part_of_the_tests_that_fails(host: Path, part: str) -> None:
    """The other runs all the same."""
    python = host / ".venv/bin/python"
    python.write_text(f'{python.read_text()}case "$*" in *{part}) exit 2 ;; esac\n')
    assert run(host, "test", status=2)[0] == ALL_TESTS


def test_the_help_says_what_it_does(host: Path) -> None:
    done = subprocess.run(["./setup", "--help"], cwd=host, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Install what is missing")
    assert done.stdout.splitlines()[-1].startswith("Before the first build")


@pytest.mark.parametrize(
    ("words", "lock"), [(["build:minimal"], "requirements.txt"), (["test", "x"], "requirements-test.txt")]
)
@pytest.mark.parametrize("changed", ["pyproject.toml", ".ci/requirements.txt", ".ci/requirements-test.txt", NPM])
def test_what_is_pinned_is_installed_by_its_hashes(host: Path, words: list[str], lock: str, changed: str) -> None:
    """Once, and again when that or what debate asks for has changed. Nothing else is fetched for it."""
    with (host / changed).open("a") as file:
        file.write("# changed\n")
    calls, said, _ = run(host, *words)
    pip = "python -m pip -qq --disable-pip-version-check install"
    installs = [
        f"{pip} --require-hashes --requirement .ci/{lock}",
        f"{pip} --no-deps --no-build-isolation --editable .",
    ]
    tests = lock == "requirements-test.txt"
    expected = installs if changed in ("pyproject.toml", f".ci/{lock}", *([NPM] if tests else [])) else []
    assert [call for call in calls if " pip " in call] == expected
    assert [call.partition(") ")[2] for call in calls if "npm" in call] == (
        ["ci --prefix .venv/npm --ignore-scripts --silent"] if expected and tests else []
    )
    assert ("from PyPI, what .ci/" in said) == bool(expected)
    assert "\n" not in said.removesuffix("\n")
    (host / "calls").unlink()
    assert not [call for call in run(host, *words)[0] if " pip " in call]


def pinned(name: str) -> dict[str, tuple[str, int]]:
    """Name -> version, and number of hashes, of all that a lock pins."""
    text = (ROOT / ".ci" / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = {}
    for line in lines:
        requirement, *hashes = line.split(" --hash=sha256:")
        parsed = Requirement(requirement.strip())
        assert all(re.fullmatch("[0-9a-f]{64}", each.strip()) for each in hashes)
        (exact,) = parsed.specifier
        assert exact.operator == "=="
        found[canonicalize_name(parsed.name)] = exact.version, len(hashes)
    return found


def test_the_locks_have_what_is_asked_for() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runs = [*asked["project"]["dependencies"], *asked["build-system"]["requires"]]
    tests = [*runs, *asked["project"]["optional-dependencies"]["test"]]
    for name, wanted in (("requirements.txt", runs), ("requirements-test.txt", tests)):
        found = pinned(name)
        assert all(hashes > 0 for _, hashes in found.values())
        for each in map(Requirement, wanted):
            assert found[canonicalize_name(each.name)][0] in each.specifier, f"{each}: run .ci/pin"
    both = pinned("requirements.txt"), pinned("requirements-test.txt")
    assert both[0] == {name: both[1][name] for name in both[0]}, "what is tested is what is installed"


def test_the_tests_run_with_what_is_pinned() -> None:
    """In CI, whose ./setup installs it. Who tests by hand may have other versions."""
    found = {name: version for name, (version, _) in pinned("requirements-test.txt").items()}
    here = {name: metadata.version(name) for name in found if os.environ.get("CI") and _is_here(name)}
    assert here == {name: found[name] for name in here}


def _is_here(name: str) -> bool:
    """False for what is pinned for another system or Python."""
    return next(iter(metadata.distributions(name=name)), None) is not None
