"""Hostile hooks, packages and tools: whatever they try, they stay inside, and the host is what it was.

Each program in attacks/ runs in each place where a stranger's code runs, with exactly the rights that it
has there. `test_without_protection` runs them all in a bare chroot as root: there each must get through,
or it shows nothing here. No attack does harm should it get through: it writes back what it read.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from debate.errors import DebateError
from debate.model import Command, Reach, Step, Supplies
from debate.sandbox import limits
from debate.settings import Limits
from tests.integration.archive import Archive
from tests.integration.checkout import Checkout

PROGRAMS = Path(__file__).parent / "attacks"
ATTACKS = sorted(path.stem for path in PROGRAMS.iterdir() if "-" in path.name)
PLACES = ("hook", "package", "system", "bootstrap", "data", "apart", "fetch", "tools")
EACH = {"namespace-calls": 16, "rare-calls": 30, "socket-families": 9}
"""Attack -> how many of its tries get through without protection, at least: other kernels have other parts."""
MARK = "debate-attack-target"

Outcomes = dict[str, tuple[str, str]]
"""Attack -> (held, through or broken; what it said)."""


def outcomes(log: str) -> Outcomes:
    return {m[1]: (m[2], m[3]) for m in re.finditer(r"^attack (\S+): (\w+): (.*)$", log, re.MULTILINE)}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The attacks, with what they aim at: a listener, a process and a file of the host."""
    directory = tmp_path_factory.mktemp("attacks") / "attacks"
    shutil.copytree(PROGRAMS, directory)
    canary = directory.parent / "canary"
    canary.write_text("a file of the host\n")
    disk = next(path for path in Path("/sys/block").iterdir() if not re.match(r"loop|ram|zram|sr|fd|nbd", path.name))
    major, minor = map(int, (disk / "dev").read_text().split(":"))
    (directory / "image.ext4").write_bytes(bytes(1 << 20))
    subprocess.run(["mkfs.ext4", "-q", "-F", directory / "image.ext4"], check=True)
    subprocess.run(["mksquashfs", PROGRAMS, directory / "image.squashfs", "-quiet", "-no-progress"], check=True)
    target = subprocess.Popen([MARK, "3600"], executable=shutil.which("sleep"))
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"\0{MARK}-{os.getpid()}")
        local.listen()
        facts = {
            "PORT": tcp.getsockname()[1], "ABSTRACT": f"{MARK}-{os.getpid()}", "TARGET_NAME": MARK,
            "CANARY": canary, "CANARY_NAME": canary.name, "HOST_NAME": os.uname().nodename,
            "DISK": (major << 8) | (minor & 0xFF) | ((minor & ~0xFF) << 12),
            "READ_ONLY": "'/run/in /run/step'",
        }  # fmt: skip
        (directory / "facts").write_text("".join(f"{name}={value}\n" for name, value in facts.items()))
        yield directory
    target.kill()
    target.wait()
    assert canary.read_text() == "a file of the host\n"


def attack(place: str, programs: Path, built: Checkout, archive: Archive, directory: Path) -> str:
    """Run all attacks in one place. Returns the log."""
    if place in ("hook", "package"):
        checkout = Checkout.make(directory / "checkout", built.cache)
        checkout.pin(built)
        if place == "hook":
            tree = checkout.directory / "profiles" / "attacks"
            shutil.copytree(programs, tree / "opt" / "attacks")
            (checkout.directory / "profiles" / "hook.sh").write_text("sh /opt/attacks/run.sh\n")
            checkout.profile("hostile", "extends: minimal\noverlays: [attacks]\nhooks: [hook.sh]\n")
            checkout.doit("overlay:hostile")
            return checkout.output("hostile", "logs", "overlay.log").read_text()
        (checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(archive.key)
        checkout.profile(
            "hostile",
            "extends: minimal\npackages: [hostile]\n"
            "repositories: [{name: extra, suites: [stable], components: [main], key: keys/extra.asc}]\n",
        )
        checkout.doit("rootfs:hostile", MIRROR_EXTRA=archive.url)
        layer = checkout.object(checkout.json("hostile", "rootfs.json")["outputs"]["layer"]["digest"])
        return subprocess.run(
            ["unsquashfs", "-cat", layer, "opt/log"], capture_output=True, text=True, check=True
        ).stdout
    scripts = directory / "sandbox"
    shutil.copytree(programs, scripts / "attacks")
    if place != "system":
        with (scripts / "attacks" / "facts").open("a") as facts:
            facts.write("READ_ONLY='/run/in /run/step /usr /etc /opt'\n")
    # A sandbox shows only files that scripts mention.
    (scripts / "attack.sh").write_text("set -- /run/step/attacks/*\nexec sh /run/step/attacks/run.sh\n")
    layers = tuple(built.artifact("minimal", name, "layer") for name in ("rootfs", "overlay"))
    step = Step(
        name="attack",
        commands=(Command("attack.sh", root="system" if place == "system" else "tools", rights=place),),
        outputs=(),
        epoch=0,
        parameters={"file": b"an input\n"},
        layers=layers if place == "system" else (),
        tools=None if place == "tools" else built.artifact(".sandbox", "sandbox", "tools"),
    )
    built.builder(directory).run(step, Supplies(reach=Reach(public=("mirror.example:80",))), directory / "log")
    return (directory / "log").read_text()


@pytest.fixture(scope="module")
def hostile_archive(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive with a package whose install script runs all attacks."""
    archive = Archive.make(tmp_path_factory.mktemp("hostile") / "archive")
    files = {f"/opt/attacks/{p.name}": p.read_text() for p in programs.iterdir() if not p.name.startswith("image.")}
    # Inputs lie outside of the new root; `bootstrap` attacks them with the same rights, from where they are.
    files["/opt/attacks/facts"] += "READ_ONLY=\n"
    archive.add("hostile", "1.0", files, {"postinst": "#!/bin/sh\nsh /opt/attacks/run.sh > /opt/log 2>&1\n"})
    archive.publish()
    return archive


@pytest.mark.parametrize("place", PLACES)
def test_every_attack_is_held(
    place: str, programs: Path, built: Checkout, hostile_archive: Archive, tmp_path: Path
) -> None:
    before = host(programs)
    log = attack(place, programs, built, hostile_archive, tmp_path)
    assert re.search(r"^input 1:3$", log, re.MULTILINE), "standard input is the null device"
    found = outcomes(log)
    assert sorted(found) == ATTACKS
    assert {name: word for name, (word, _) in found.items()} == dict.fromkeys(ATTACKS, "held"), found
    assert host(programs) == before


def host(programs: Path, *, read: bool = False) -> dict[str, str]:
    """What no attack may change: settings, own limits, names, files, devices. With ``read``, they may read files."""
    wanted = [
        *(f"/proc/sys/kernel/{n}" for n in ("core_pattern", "modprobe", "sysrq", "hostname", "domainname", "panic",
                                             "kptr_restrict", "dmesg_restrict", "perf_event_paranoid")),
        *(f"/proc/sys/vm/{n}" for n in ("overcommit_memory", "drop_caches", "mmap_min_addr")),
        "/proc/modules", "/proc/swaps", "/proc/self/cgroup",
    ]  # fmt: skip
    for name in ("memory", "pids", "cpu"):
        own = limits.version_1_groups().get(name, Path("/nowhere"))
        wanted += [str(own / file) for file in ("memory.limit_in_bytes", "pids.max", "cpu.cfs_quota_us",
                                                "notify_on_release")]  # fmt: skip
        wanted.append(f"/sys/fs/cgroup/{name}/release_agent")
    found = {path: _text(Path(path)) for path in wanted}
    # Lines of /proc/modules end in a count of users.
    found["/proc/modules"] = " ".join(line.split()[0] for line in found["/proc/modules"].splitlines())
    # Whoever needs a loop device makes one more.
    found["/dev"] = " ".join(sorted(name for name in os.listdir("/dev") if not re.fullmatch("loop[0-9]+", name)))
    found["namespaces"] = " ".join(os.readlink(f"/proc/self/ns/{n}") for n in ("net", "mnt", "uts", "cgroup"))
    for path in sorted(programs.parent.iterdir()):
        made = path.stat()
        found[path.name] = f"{made[:7]} {made.st_mtime_ns} {made.st_ctime_ns} {'' if read else made.st_atime_ns}"
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        return str(error.strerror)


BARE = r"""
set -eu
mkdir "$1/lower" "$1/tmpfs" "$1/root"
mount -t squashfs -o loop,ro "$2" "$1/lower"
mount -t tmpfs tmpfs "$1/tmpfs"
mkdir "$1/tmpfs/upper" "$1/tmpfs/work"
mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/tmpfs/upper,workdir=$1/tmpfs/work" overlay "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /sys "$1/root/sys"
mount --rbind /dev "$1/root/dev"
mkdir -p "$1/root/run/in" "$1/root/run/step"
mount --bind "$1/in" "$1/root/run/in"
cp -r "$3" "$1/root/run/step/attacks"
exec chroot "$1/root" sh /run/step/attacks/run.sh
"""


@pytest.mark.full
def test_without_protection(programs: Path, built: Checkout, tmp_path: Path) -> None:
    """In a chroot as root all attacks get through, so that above it is the sandbox that holds them."""
    before = host(programs, read=True)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("an input\n")
    layer = built.object(built.artifact("minimal", "rootfs", "layer").digest)
    group = limits.create("attacks-unprotected", Limits())
    try:
        join = "".join(f"echo $$ > {procs}\n" for procs in group.procs)
        argv = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            join + BARE,
            "sh",
            tmp_path,
            layer,
            programs,
        ]
        # The host's directory for temporary files is not in the chroot.
        inside = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=inside)
    finally:
        group.remove()
    assert done.returncode == 0, done.stdout + done.stderr
    found = outcomes(done.stdout)
    assert {name: word for name, (word, _) in found.items()} == dict.fromkeys(ATTACKS, "through"), done.stdout
    tries = {name: len(said.strip(";").split(";")) for name, (_, said) in found.items()}
    assert all(tries[name] >= count for name, count in EACH.items()), done.stdout
    assert host(programs, read=True) == before


def test_namespaces_without_protection() -> None:
    """In a chroot the kernel itself makes no user namespaces; in a mount namespace, as in a sandbox, it makes all."""
    argv = ["unshare", "--mount", "perl", PROGRAMS / "namespace-calls.pl"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert len(done.stdout.splitlines()) == 38, done.stdout


OUTPUTS = {
    "a link": ("ln -s /etc/passwd /run/out/x", "output x: Too many levels of symbolic links"),
    "a pipe": ("mkfifo /run/out/x", "output x: not a regular file"),
    "a directory": ("mkdir /run/out/x", "output x: Is a directory"),
    "nothing": (":", "output x: No such file or directory"),
    "a socket": (
        "perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un(q(/run/out/x)))'",
        "output x: No such device or address",
    ),
    "out itself a link": ("rmdir /run/out; mv /run/out /run/work/o; ln -s /etc /run/out; exit 1", "failed"),
}
"""Kind -> what the step does, and what is said of it."""


@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_output_that_is_no_file(kind: str, built: Checkout, tmp_path: Path) -> None:
    """The builder, which is root, follows and opens nothing that a step left in place of an output."""
    scripts = tmp_path / "sandbox"
    scripts.mkdir()
    script, message = OUTPUTS[kind]
    (scripts / "x.sh").write_text(f"{script}\n")
    tools = built.artifact(".sandbox", "sandbox", "tools")
    step = Step("attack", (Command("x.sh"),), ("x",), 0, tools=tools)
    with pytest.raises(DebateError, match=f"^attack: {message}"):
        built.builder(tmp_path).run(step, Supplies(), tmp_path / "log")
    assert os.listdir(built.cache / "tmp") == []
