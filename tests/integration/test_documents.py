"""Every command in the documentation is run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documents
from tests.integration.archive import Archive
from tests.integration.checkout import DOIT, Checkout
from tests.integration.registry import Registry
from tests.integration.test_import import archiso
from tests.integration.test_run import Terminal

ELSEWHERE = {
    "./setup build:minimal": "test_setup.py", "./setup test": "test_setup.py", "doit check:web": "test_boot.py",
    "doit netboot:minimal --serve": "test_netboot.py",
    "debate init web": "../unit/commands/test_init.py", "debate build web": "test_anywhere.py",
}  # fmt: skip
"""Command -> the test that runs it, or the same for another profile, on a machine or for a time of its own."""


def commands(name: str) -> list[str]:
    return [
        line
        for block in documents.blocks(name)
        if block.language == "sh"
        for line in block.text.splitlines()
        if line not in ELSEWHERE
    ]


def run(checkout: Checkout, name: str, replaced: dict[str, str], **settings: str) -> str:
    """Write what a document says, and run its commands, in its order, in one shell. Returns what they say."""
    lines = ["set -eu"]
    for number, block in enumerate(documents.blocks(name)):
        if block.file:
            parked = checkout.directory / f".block-{number}"
            parked.write_text(block.text)
            lines += [f"mkdir -p {Path(block.file).parent}", f"cp {parked} {block.file}"]
        elif block.language == "sh":
            lines += [line for line in block.text.splitlines() if line not in ELSEWHERE]
    script = "\n".join(lines)
    for old, new in replaced.items():
        assert old in script
        script = script.replace(old, new)
    environment = checkout.environment(**settings)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=checkout.directory, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}"
    return done.stdout


def test_what_runs_elsewhere() -> None:
    here = Path(__file__).parent
    for command, file in ELSEWHERE.items():
        assert command.partition(":")[0].split()[-1] in (here / file).read_text(), command
    others = {name for name in documents.NAMES if commands(name)}
    tried = {"docs/tutorial.md", "docs/recipes.md", "docs/arch.md", "docs/cache.md", "docs/secure-boot.md"}
    assert others == tried, "each has a test below"


def test_tutorial(checkout: Checkout, built: Checkout) -> None:
    checkout.pin(built)
    git = ["git", "-C", str(checkout.directory), "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for words in (["init", "-q"], ["add", "profiles", "dodo.py"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    replaced = {
        'git commit -m "A web server"': 'git -c user.name=me -c user.email=me@example.org commit -m "A web server"'
    }
    said = run(checkout, "docs/tutorial.md", replaced)
    assert "~ /etc" not in said
    assert "/srv/web/index.html: changed (profiles/web.yaml:" in said
    assert "ExecStart=/bin/busybox httpd" in said, "the shell"
    assert "config: the same" in said, "the branch changes nothing"


def test_own_signatures(checkout: Checkout) -> None:
    """Key and certificate are as a profile needs them."""
    checkout.profile("own", "extends: minimal\nboot: {secure: own}\n")
    assert "secure_boot_certificate" in checkout.doit("config:own", status=1)
    last = "DEBATE_SECURE_BOOT_CERTIFICATE=$PWD/own.crt"
    assert "config:own" in run(checkout, "docs/secure-boot.md", {last: f"{last}\ndoit config:own"})


def test_recipes(checkout: Checkout, built: Checkout, archive: Archive, tmp_path: Path) -> None:
    """All of them, and one build of what they say together, with the tutorial's web server: a guest that one logs in to
    over ssh, and that fetches the page over its network.
    """
    checkout.pin(built)
    (checkout.directory / "profiles" / "keys" / "extra.asc").write_bytes(archive.key)
    # What is written to it stays, as test_menu sees.
    replaced = {"mkfs.ext4 -L my-data DEVICE": "mkfs.ext4 -q -L my-data device 1M", "MOUNTED/": ""}
    run(checkout, "docs/recipes.md", replaced)
    archive_ = {"MIRROR_EXTRA": archive.url}
    names = [Path(b.file).stem for b in documents.blocks("docs/recipes.md") if b.file.endswith(".yaml")]
    checkout.doit("validate", *names)
    documents.write(checkout.directory, web())
    key = own_key(checkout.directory / "profiles" / "ssh.yaml", tmp_path)
    together = [*(name for name in names if name not in ("info", "wifi")), "web"]
    checkout.profile("together", f"extends: [{', '.join(together)}]\nbase: minimal\nhooks: [hooks/look.sh]\n"
                     "network: {interfaces: [{match: e*, dhcp: true, addresses: [10.0.2.77/24]}]}\n"
                     "boot: {timeout: 1, default: default}\n")  # fmt: skip
    (checkout.directory / "profiles" / "hooks" / "look.sh").write_text(
        "tool; id me; locale -a | grep -i de_DE.utf8; test -x /usr/local/bin/hello; cat /usr/share/debate-probe\n"
        "systemctl is-enabled hello ssh; test ! -e /var/tmp/debs\n"
    )
    checkout.doit("build:together", **archive_)
    log = checkout.output("together", "logs", "overlay.log").read_text()
    assert "my tool" in log
    assert "probe" in log
    for name in ("info", "wifi"):
        checkout.doit(f"lock:{name}")
    terminal = Terminal(
        [DOIT, "run:together", "--firmware=bios", "--ssh"], checkout.directory, checkout.environment(**archive_)
    )
    try:
        terminal.until("the guest's sshd answers: ssh -p ", 600)
        terminal.until("me@127.0.0.1", 5)
        words = terminal.said.partition("the guest's sshd answers: ")[2].split("\r\n")[0].split()
        script = (
            "hostname; sudo -n id -u; ip -4 -o address; readlink -e /etc/resolv.conf; resolvectl dns\n"
            "busybox wget -q -O - http://10.0.2.15/; busybox wget -q -O - http://10.0.2.77/\n"
        )
        done = subprocess.run(
            [*words, "-i", str(key), "-o", "BatchMode=yes", "sh"], input=script, text=True, timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert "\ntogether\n0\n" in done.stdout, "the profile's name, and root's number"
        assert done.stdout.count("<h1>It works</h1>") == 2, done.stdout
        for line in ("inet 10.0.2.15/24", "inet 10.0.2.77/24", "/run/systemd/resolve/stub-resolv.conf", ": 10.0.2.3"):
            assert line in done.stdout, done.stdout
        terminal.type(b"\x01x")
        assert terminal.end() == 0
    finally:
        terminal.close()


def web() -> documents.Block:
    """The tutorial's profile."""
    return next(block for block in documents.blocks("docs/tutorial.md") if block.file == "profiles/web.yaml")


def own_key(profile: Path, directory: Path) -> Path:
    """Have the key in ``profile`` be one whose private half is the file that is returned."""
    key = directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@example", "-f", str(key)], check=True)
    text, number = re.subn(
        r"ssh-ed25519 \S+ me@example", key.with_suffix(".pub").read_text().strip(), profile.read_text()
    )
    assert number == 1
    profile.write_text(text)
    return key


def test_arch(checkout: Checkout) -> None:
    archiso(checkout.directory / "my-archiso")
    lists = checkout.directory / "my-live" / "config" / "package-lists"
    lists.mkdir(parents=True)
    (lists / "my.list.chroot").write_text("vim\n")
    said = run(checkout, "docs/arch.md", {})
    assert "profiles/mine.yaml written" in said
    assert "profiles/lively.yaml written" in said
    assert checkout.output("arch-minimal", "archiso", "profiledef.sh").exists()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry.make(tmp_path / "registry")
    yield made
    made.stop()


def test_cache(checkout: Checkout, built: Checkout, registry: Registry) -> None:
    checkout.pin(built)
    settings = registry.settings()
    said = run(checkout, "docs/cache.md", {"oci://registry.example/team/isos": settings.pop("REMOTE")}, **settings)
    assert "minimal-amd64.iso" in said
    assert (checkout.directory / "builders.pub").exists()


def test_completion(checkout: Checkout, tmp_path: Path) -> None:
    """Each shell's names the profiles' tasks."""
    environment = checkout.environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def said(*argv: str) -> str:
        done = subprocess.run(argv, cwd=checkout.directory, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    for shell in ("bash", "zsh"):
        script = tmp_path / shell
        script.write_text(said("doit", "tabcompletion", "--shell", shell))
        said(shell, "-n", str(script))
    bash = (
        f". /usr/share/bash-completion/bash_completion; . {tmp_path / 'bash'}; COMP_WORDS=(doit build:min);"
        "COMP_CWORD=1 COMP_LINE='doit build:min' COMP_POINT=14; _debate doit; echo ${COMPREPLY[@]}"
    )
    assert "minimal" in said("bash", "-c", bash)
    fish = Path(__file__).parents[2] / "completion" / "doit.fish"
    lines = said("fish", "-c", f"source {fish}; complete -C 'doit build:min'").splitlines()
    assert lines[0].split("\t")[0] == "build:minimal"
