"""Writes the files of a workspace."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from debate import __version__, shipped
from debate.commands import new
from debate.commands.command import Answer, Context
from debate.errors import DebateError, spoken
from debate.host.files import new_file
from debate.profile import editors, profile_names
from debate.text import strict_json
from debate.text.paths import shown

_DODO = '''\
"""The profiles of this directory, as tasks of doit. `debate` needs no such file; tasks of your own can be added."""
try: from debate.frontend.workspace import tasks; globals().update(tasks(__file__))
except ImportError as e: raise SystemExit(f"ERROR: dodo.py: {e}: this doit has no debate; run `debate`") from None
'''
_SETTINGS = """\
# Where and how to build, which changes no ISO: docs/settings.md of debate has all settings. Some of them:
# jobs = 3                                # steps that run at the same time
# cache = "/srv/debate"                   # the local store
# remote = "oci://REGISTRY/OWNER/isos"    # a store that is shared with others
"""
_IGNORED = "/build/\n/cache/\n/.doit.db*\n__pycache__/\n"
_PRE_COMMIT = """\
repos:
  - repo: local
    hooks:
      - id: debate-validate
        name: validate profiles
        entry: debate validate
        language: system
        files: ^profiles/
        pass_filenames: false
"""
PACKAGES = "systemd-container mmdebstrap debian-archive-keyring e2fsprogs ca-certificates minisign"
"""What a CI system installs, beside Python."""
CI = {"github": ".github/workflows/isos.yml", "gitlab": ".gitlab-ci.yml"}
"""Forge -> the file in which it looks for what to run."""
_INSTALLS = {
    "github": (
        "      - run: sudo apt-get -qq update && sudo apt-get -qq install -y --no-install-recommends {packages}\n",
        '      - run: pipx install "$PACKAGE"\n',
    ),
    "gitlab": (
        "    - apt-get -qq update && apt-get -qq install -y --no-install-recommends {packages} git pipx\n",
        '    - pipx install "$PACKAGE" && export PATH="$HOME/.local/bin:$PATH"\n',
    ),
}
"""Forge -> the commands that install what builds need, and debate."""
_SETUP = re.compile(r"^( *- (?:run: )?)(sudo --preserve-env )?\./setup ", re.MULTILINE)
"""What a recipe for a checkout of debate runs."""
_NOWHERE = "WHERE-IT-IS"
"""The package, if nobody else can know from where this debate was installed."""


def make(context: Context, names: Sequence[str], ci: str) -> Answer:
    """Write the files of a workspace. If it raises DebateError, it has written nothing."""
    root = context.settings.root
    if len(names) > 1:
        raise DebateError("name one profile", "debate init [NAME]", place="init")
    name = names[0] if names else "live"
    profile_names.require(name)
    for path in (root / "profiles", root / "debate.toml", root / "dodo.py"):
        if os.path.lexists(path):
            fact, remedy = (
                "already exists, so nothing was written",
                "`debate new NAME` writes one more profile",
            )
            raise DebateError(fact, remedy, place=shown(path))
    forge = ci or _forge(root)
    lines, files = list[str](), dict(_files(forge))
    (root / "profiles").mkdir()
    new.write(root / "profiles" / f"{name}.yaml", new.DEFAULT)
    lines += [f"profiles/{name}.yaml  extends {new.DEFAULT}", f"profiles/{editors.FILE}  for editors"]
    for file, text in files.items():
        lines += _written(root / file, file, text)
    if forge not in CI:
        lines.append(spoken("no file for CI: no remote of git here is of GitHub or GitLab; docs/ci has recipes"))
    elif _NOWHERE in files[CI[forge]]:
        lines.append(f"{CI[forge]}: say in PACKAGE where debate is; others cannot install it from where it was here")
    lines.append(f"next: debate build:{name} (as root); debate doctor says what this host lacks")
    made = [f"profiles/{name}.yaml", f"profiles/{editors.FILE}", *files]
    return Answer("\n".join(lines) + "\n", data=({"profile": name, "files": made},))


def _files(forge: str) -> Iterator[tuple[str, str]]:
    """Path and text of all files but the profile."""
    yield "debate.toml", _SETTINGS
    yield "dodo.py", _DODO
    yield ".gitignore", _IGNORED
    yield ".pre-commit-config.yaml", _PRE_COMMIT
    if forge in CI:
        yield CI[forge], recipe(forge, package())


def _written(path: Path, file: str, text: str) -> Iterator[str]:
    """Write a file, unless it exists. Lines about it."""
    if os.path.lexists(path):
        yield f"{file}  is there, and left as it is; else it would have:"
        yield from (f"    {line}" for line in text.rstrip("\n").split("\n"))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path, 0o644) as opened:
        opened.write(text.encode())
    yield file


def _forge(root: Path) -> str:
    """The forge that git's remotes name, if ``root`` is the top of its work tree; else empty."""
    argv = ["git", "-C", str(root), "remote", "-v"]
    if not os.path.lexists(root / ".git"):
        return ""
    try:
        said = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError, ValueError):
        return ""
    hosts = re.findall(r"(?:@|//)([A-Za-z0-9.-]+)[:/]", said)
    return next((forge for forge in CI if any(forge in host for host in hosts)), "")


def package() -> str:
    """What pip installs to have this debate: its address, if it is one of others, too; else its version.

    Source: packaging.python.org, "Recording the Direct URL Origin of installed distributions".
    """
    try:
        origin = strict_json.decode(distribution("debate").read_text("direct_url.json") or "{}", 1 << 16)
        url, version = str(origin.get("url", "")), origin.get("vcs_info", {})
        sha256 = origin.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    except (PackageNotFoundError, OSError, ValueError, AttributeError):
        return _NOWHERE
    if url.startswith("file:"):
        return _NOWHERE
    if version:
        return f"{version['vcs']}+{url}@{version['commit_id']}"
    return f"{url}#sha256={sha256}" if sha256 else url or f"debate=={__version__}"


def recipe(forge: str, package: str) -> str:
    """The recipe for CI, in which ``package`` is installed instead of the checkout of debate that it is for."""
    text = (shipped("docs") / "ci" / f"{forge}.yml").read_text()
    jobs = re.split(r"(?=^(?:  )?(?:validate|check|publish):$)", text, flags=re.MULTILINE)
    text = "".join(_installing(job, forge) for job in jobs)
    as_root = 'sudo --preserve-env "$(command -v debate)" '
    text = _SETUP.sub(lambda found: f"{found[1]}{as_root if found[2] else 'debate '}", text)
    of = {"github": "env:\n", "gitlab": "variables:\n"}[forge]
    return text.replace(f"\n{of}", f'\n{of}  PACKAGE: "{package}"\n', 1)


def _installing(job: str, forge: str) -> str:
    """A part of a recipe, with what installs debate before its first command: not much, if it only validates."""
    packages, debate = _INSTALLS[forge]
    reads = "./setup validate" in job
    of = "" if reads and forge == "github" else packages.format(packages="ca-certificates" if reads else PACKAGES)
    return _SETUP.sub(lambda found: f"{of}{debate}{found[0]}", job, count=1)
