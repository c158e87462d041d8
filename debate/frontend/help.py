"""`doit help`, `doit help TASK` and `doit TASK --help`: what there is, and how one of it is used."""

from __future__ import annotations

from doit.cmd_help import Help as DoitHelp

OVERVIEW = """\
doit [TASK …]        what to make or ask; without one: the profiles there are

Write a profile
  new NAME           make one, with comments
  validate [NAME …]  check without building
  show:NAME          all values, and where each comes from
  diff A B           how two differ, or one at two git revisions
Build
  build:NAME         the ISO with checksum, manifest and SBOM
  check:NAME         boot it in QEMU
  verify:NAME        build it anew and compare, bit for bit
  lock:NAME          choose package versions anew
Know why
  explain:NAME       what would run and why, and why it ran
  shell:STEP:NAME    a shell in a step's sandbox, as it failed or ended
Share
  push:NAME, pull:NAME         a finished ISO, to and from the remote
  cache, gc, fsck              the local store
  import-archiso, import-live-build, export-archiso:NAME
This host
  doctor             what it lacks

doit help TASK or doit TASK --help   how one of them is used
doit -v TASK                         with the output of each step
doit list --all, doit help run       all tasks; doit's own options
"""

TASKS = {
    "build": """\
doit build:NAME [build:OTHER …]

Makes build/NAME/: the ISO, its SHA-256, manifest, SBOM and package list. Only what changed since
the last time runs, and of that only what neither the cache nor the remote has. As root.

  doit build:minimal             one
  doit -v build:minimal          with the output of each step
  doit -c build:one build:two    go on with others where one fails
  doit clean build:minimal       remove its results; the cache stays
""",
    "new": """\
doit new NAME [--from PROFILE]

Writes profiles/NAME.yaml with comments, which extends PROFILE (minimal). Says what to do next.
""",
    "validate": """\
doit validate [NAME …] [--format text|github|json]

Checks profiles without building: all, or those that are named. Every mistake has file, line,
column and remedy. --format github writes annotations for a pull request, json a list of objects
with file, line, column and message.
""",
    "show": """\
doit show:NAME

Prints all values of a profile, with defaults and all that it extends, each with the file and line
that it comes from.
""",
    "diff": """\
doit diff A B

A and B are profiles, or NAME@REVISION for what git has of one: config, packages, size.

  doit diff minimal rescue
  doit diff web@main web
""",
    "explain": """\
doit explain:NAME

Says of each step whether it would run and why, down to the line of the profile, the file or the
script that changed; of one that is up to date, when and why it ran last. Builds nothing. Needs no
root.
""",
    "shell": """\
doit shell:STEP:NAME     STEP: lock, rootfs, initrd, overlay, boot or iso

Runs the step once more and opens a shell in its sandbox: where it fails, as it failed; else
before anything is packed. Nothing is kept. Without a terminal it takes commands from standard
input.

  doit shell:overlay:minimal
  echo 'cat /etc/os-release' | doit shell:overlay:minimal
""",
    "check": """\
doit check:NAME

Boots the ISO in QEMU, as BIOS and as UEFI at the same time, until the login prompt or the
profile's own marker shows. build/NAME/check/ has the consoles and pictures of the screens. Takes
about a minute; with KVM less.
""",
    "verify": """\
doit verify:NAME

Builds the ISO once more with empty caches, in another directory, at another time, with another
number of processors, and compares each step bit for bit. Names the first step and the file that
differ.
""",
    "lock": """\
doit lock:NAME

Chooses the package versions anew and prints what changed. Into profiles/NAME.lock.json where that
is committed, which pins them for everyone, else into build/NAME/lock.json.
""",
    "push": """\
doit push:NAME

Sends the finished ISO and its steps to the remote (DEBATE_REMOTE).
""",
    "pull": """\
doit pull:NAME

Fetches the finished ISO of this config from the remote, instead of building it. Needs no root.
""",
    "gc": """\
doit gc [--size 20G] [--age 30d]

Removes from the cache what was unused for longest until --size is left, or what was unused for
--age; without either, all that no build in any checkout needs. Never what a running build uses.
""",
    "import-archiso": """\
doit import-archiso -d DIRECTORY -n NAME

Makes profiles/NAME.yaml and its overlay of an archiso profile, and lists what has no counterpart.
""",
    "import-live-build": """\
doit import-live-build -d DIRECTORY -n NAME

Makes profiles/NAME.yaml and its overlay of what `lb config` left, and lists what has no
counterpart.
""",
    "export-archiso": """\
doit export-archiso:NAME

Writes build/NAME/archiso/, a profile that mkarchiso accepts, and lists what has no counterpart.
""",
}
"""Task, or step of a profile -> how it is used."""


def text(word: str) -> str:
    """How the task ``word`` (NAME or STEP:PROFILE) is used, or an empty string."""
    return TASKS.get(word.partition(":")[0], "")


class Help(DoitHelp):  # type: ignore[misc]
    """doit's help, which knows these tasks better."""

    doc_purpose = "tell what there is to do and how; start here"

    def execute(self, params: dict[str, object], args: list[str]) -> int:
        """Print help on what ``args`` names."""
        known = text(args[0]) if len(args) == 1 else OVERVIEW if not args else ""
        if known:
            print(known, end="")  # noqa: T201
            return 0
        code: int = super().execute(params, args)
        return code
