"""Whether something in the system runs, starts or reads what a profile puts there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from debate.entry import Entry
from debate.steps import uses
from tests.conftest import ROOT

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
"""Those that are /bin/sh in Debian and Arch."""
UNITS = (
    "a.service", "t@.service", "b.timer", "multi-user.target", "masked.service", "x.socket",
)  # fmt: skip
SYSTEM = "/etc/systemd/system"
RUNS = "[Service]\nExecStart=/bin/sh -c :\n"


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def told(
    shell: str,
    tmp_path: Path,
    wanted: str,
    interpreters: str = "",
    programs: tuple[str, ...] = (),
    contents: Mapping[str, str] = MappingProxyType({}),
    left: Mapping[str, str] = MappingProxyType({}),
    *,
    cron: bool = False,
) -> list[str]:
    """Each problem in a system with UNITS and ``programs``, where a hook left the files ``left``."""
    root = tmp_path / "root"
    for directory in ("etc/systemd/system", "usr/lib/systemd/system", "usr/lib/systemd/user", "etc/init.d", "bin"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    for name in UNITS:
        (root / "usr/lib/systemd/system" / name).write_text("[Unit]\n")
    for name, target in {"masked": "/dev/null", "alias": "/usr/lib/systemd/system/a.service"}.items():
        link(root / f"etc/systemd/system/{name}.service", target)
    (root / "etc/init.d/script").touch()
    for name in ("passwd", "group"):
        (root / "etc" / name).write_text("root:x:0:0::/:\nlive:x:1000:1000::/:\n")
    (root / "usr/lib/systemd/user/own.service").write_text("[Unit]\n")
    for program in programs:
        (root / "bin" / program).write_text("#!/bin/sh\n")
        (root / "bin" / program).chmod(0o755)
    tree = []
    for line in wanted.splitlines():
        path, kind, target = (*line.split(), "")[:3]
        if kind == "link":
            link(root / path[1:], target)
        elif contents.get(path):
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (root / path[1:]).unlink(missing_ok=True)
            (root / path[1:]).write_text(contents[path])
        tree.append(Entry(path, kind, target=target))
    links, readers = uses.unit_links(tree), uses.readers(tree)
    (tmp_path / "unit-links").write_text("".join(f"{kind}\t{root}{path}\t{to}\n" for kind, path, to in links))
    (tmp_path / "units").write_text("".join(f"{kind}\t{root}{path}\t{unit}\n" for kind, path, unit in uses.units(tree)))
    (tmp_path / "readers").write_text(
        "".join(f"{root}{path}\t{programs}\t{remedy}\n" for path, programs, remedy in readers)
    )
    (tmp_path / "wanted").write_text("".join(f"{root}{entry.path}\t{entry.type}\n" for entry in tree))
    (tmp_path / "interpreters").write_text(interpreters)
    (tmp_path / "cron").write_text(f"{root}/etc/cron.d/a.b\t{root}/etc/cron.d/a.b: is odd\trename it\n" * cron)
    script = "".join(
        (ROOT / "sandbox" / f"{name}.sh").read_text() for name in ("present", "suggest", "settings", "used")
    )
    script = re.sub(r"(?<![\w$}./])/(etc|usr|lib|boot|var)/", rf"{root}/\1/", script).replace("/run/in", str(tmp_path))
    (tmp_path / "work").mkdir(exist_ok=True)
    hook = ""
    if left:
        (tmp_path / "left").write_text("".join(f"{path}\t{text}\n" for path, text in left.items()))
        hook = f"""
            touch {tmp_path / "work"}/before
            sleep 0.02
            while IFS=$(printf '\\t') read -r path text; do
                mkdir -p "{root}${{path%/*}}"
                printf '%b' "$text" > "{root}$path"
            done < {tmp_path}/left
            note_left 7 mine.sh
        """
    text = f"""{script.replace("/run/work", f"{tmp_path}/work")}
        problem() {{ printf '%s|%s|%s\\n' "$1" "$2" "$3"; }}
        PATH={root}/bin:$PATH
        export SYSTEMD_UNIT_PATH={root}/etc/systemd/system:{root}/usr/lib/systemd/system:
        {hook}
        is_of_use
    """
    done = subprocess.run([shell, "-euc", text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert contents or left or not done.stderr, done.stderr
    found = [line.replace(str(root), "").split("|") for line in done.stdout.splitlines() if "|" in line]
    if left:
        assert all(place == ["hooks", "7"] and fact.startswith("mine.sh leaves /") for *place, fact in found)
    else:
        assert all(field == "files" and fact.startswith(f"{path}: ") for field, path, fact in found)
    return [fact.partition(": ")[2] for _, _, fact in found]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("has", "wanted"), [(True, ["is odd"]), (False, [])])
def test_only_debians_cron_passes_over_what_others_read(
    tmp_path: Path, shell: str, has: bool, wanted: list[str]
) -> None:
    program = tmp_path / "root" / "usr" / "sbin" / "cron"
    program.parent.mkdir(parents=True)
    program.touch(0o755 if has else 0o644)
    assert told(shell, tmp_path, "", cron=True) == wanted


LINKS = {
    "multi-user.target.wants/a.service ../a.service": "",
    "x.socket.wants/a.service /usr/lib/systemd/system/a.service": "",
    "multi-user.target.wants/foo.service ../foo.service": "the system has no unit foo.service",
    "multi-user.target.requires/foo.timer x": "the system has no unit foo.timer",
    "multi-user.target.upholds/foo.service x": "the system has no unit foo.service",
    "multi-user.target.wants/t@one.service x": "",
    "multi-user.target.wants/u@one.service x": "the system has no unit u@one.service",
    "multi-user.target.wants/systemd-cryptsetup@x.service x": "",
    "multi-user.target.wants/dev-sda.swap x": "",
    "multi-user.target.wants/script.service x": "",
    "multi-user.target.wants/alias.service x": "",
    "x.socket.wants/foo.service /dev/null": "",
    "multi-user.target.wants/masked.service x": "masked.service is masked in the system, so nothing starts it",
    "multi-usr.target.wants/a.service x": "the system has no unit multi-usr.target to start it",
    "dev-sda.device.wants/a.service x": "",
    "gone.service /dev/null": "",
    "default.target /nowhere/x.target": "the link leads to /nowhere/x.target, and the system has no such file",
    "other.service ../system": "",
}
"""A link below a directory of units -> what is wrong with it."""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("directory", [SYSTEM, "/usr/lib/systemd/system"])
def test_links_of_units(tmp_path: Path, shell: str, directory: str) -> None:
    lines = "".join(f"{directory}/{path} link {target}\n" for path, target in map(str.split, LINKS))
    assert told(shell, tmp_path, lines) == [fact for fact in LINKS.values() if fact]
    contents = {f"{directory}/{name}": RUNS for name in ("gone.service", "other.service")}
    contents[f"{directory}/default.target"] = "[Unit]\n"
    assert told(shell, tmp_path, lines.replace(" link ", " file ").replace(" /", " "), contents=contents) == []
    assert told(shell, tmp_path, lines.replace(directory, "/srv")) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_links_of_users_units(tmp_path: Path, shell: str) -> None:
    wanted = "".join(f"/etc/systemd/user/default.target.wants/{name} link x\n" for name in ("own.service", "a.service"))
    [fact, *_] = told(shell, tmp_path, wanted.replace("default.target", "own.service"))
    assert fact == "the system has no unit a.service"
    [fact, *_] = told(shell, tmp_path, f"{SYSTEM}/multi-user.target.wants/own.service link x")
    assert fact == "the system has no unit own.service"


UNIT_FILES = {
    "own.service": (RUNS, ""),
    "own@.service": (f"{RUNS}X-Mine=%i\n[X-Own]\na=b\n[Install]\nWantedBy=multi-user.target\n", ""),
    "old.service": (f"{RUNS}KillMode=none\nStandardOutput=syslog\nPIDFile=/var/run/x\n", ""),
    "maybe.service": ("[Service]\nExecStart=-/usr/bin/nosuch\n", ""),
    "key.service": (f"[Unit]\nAfer=x\n{RUNS}", "2: Unknown key"),
    "section.service": (f"{RUNS}[Instal]\nWantedBy=x\n", "3: Unknown section 'Instal'"),
    "value.service": (f"{RUNS}Restart=perhaps\n", "3: Failed to parse service restart specifier"),
    "gone.service": ("[Service]\nExecStart=/usr/bin/nosuch\n", "gone.service: Command /usr/bin/nosuch is not exec"),
    "gone@.service": ("[Service]\nExecStart=/usr/bin/nosuch %i\n", "gone@i"),
    "nothing.service": ("[Service]\nType=oneshot\n", "nothing.service: Service has no ExecStart="),
    "wants.service": (
        f"[Unit]\nRequires=nosuch.service\n{RUNS}",
        "wants.service: Failed to create wants.service/start",
    ),
    "mounted.service": (f"[Unit]\nRequires=srv-x.mount\n{RUNS}", ""),
    "alone.socket": ("[Socket]\nListenStream=9\n", "alone.socket: "),
    "never.timer": (
        "[Timer]\nOnCalendar=never o'clock\nOnBootSec=1\nUnit=own.service\n",
        "2: Failed to parse calendar",
    ),
    "other.mount": ("[Mount]\nWhat=/x\nWhere=/y\n", "other.mount: Where= setting doesn't match unit name"),
    "c.service.d/own.conf": ("[Service]\nNice=1\n", "Unit c.service not found"),
    "own.service.d/more.conf": ("[Service]\nNice=1\n", ""),
    "own@.service.d/more.conf": ("[Service]\nNicee=1\n", "2: Unknown key"),
    "own@1.service.d/more.conf": ("[Service]\nNice=1\n", ""),
    "srv-x.mount.d/more.conf": ("[Mount]\nOptions=ro\n", ""),
    "script.service.d/more.conf": ("[Service]\nNice=1\n", ""),
    "own.network": ("Nice=1\n", ""),
}
"""A file in a directory of units -> its text, and how that begins which systemd says."""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("directory", [SYSTEM, "/usr/lib/systemd/system"])
def test_units_that_systemd_does_not_understand(tmp_path: Path, shell: str, directory: str) -> None:
    contents = {f"{directory}/{name}": text for name, (text, _) in UNIT_FILES.items()}
    lines = "".join(f"{path} file\n" for path in contents)
    said = told(shell, tmp_path, lines, contents=contents)
    expected = [words for _, words in UNIT_FILES.values() if words]
    assert len(said) >= len(expected), said
    for words in expected:
        assert any(fact.startswith(f"systemd says: {words}") for fact in said), (words, said)
    for fact in said:
        assert any(fact.startswith(f"systemd says: {words}") for words in expected), fact


@pytest.mark.parametrize("shell", SHELLS)
def test_units_of_users(tmp_path: Path, shell: str) -> None:
    path = "/etc/systemd/user/own-thing.service"
    contents = {path: "[Service]\nExecStart=/usr/bin/nosuch\nBad=1\n"}
    said = told(shell, tmp_path, f"{path} file\n", contents=contents)
    assert [fact.partition(": ")[2][:15] for fact in said] == ["3: Unknown key ", "own-thing.servi"]


USERS = {
    "User=nobdy": ["the system has no user nobdy"],
    "Group=sodu": ["the system has no group sodu"],
    "SupplementaryGroups=live audoi": ["the system has no group audoi"],
    "User=nobdy\nDynamicUser=yes\nSupplementaryGroups=audoi": ["the system has no group audoi"],
    "User=live\nGroup=live": [],
    "User=0": [],
    "User=%i": [],
    "User=": [],
    "User=comes\nGroup=also": [],
}
"""Lines of a service -> what is wrong with them; sysusers.d brings `comes` and `also`."""


@pytest.mark.parametrize("shell", SHELLS)
def test_users_of_units(tmp_path: Path, shell: str) -> None:
    names = {f"own{number}@.service": lines for number, lines in enumerate(USERS)}
    names["t@.service.d/x.conf"] = next(iter(USERS))
    text = "[Service]\nExecStart=\nExecStart=/bin/sh -c :\n"
    contents = {f"{SYSTEM}/{name}": f"{text}{lines}\n" for name, lines in names.items()}
    contents["/usr/lib/sysusers.d/x.conf"] = "u comes\ng also\n"
    said = told(shell, tmp_path, "".join(f"{each} file\n" for each in contents), contents=contents)
    expected = [fact for lines in names.values() for fact in USERS[lines]]
    assert sorted(fact for fact in said if not fact.startswith("systemd says: ")) == sorted(expected)


SETTINGS = {
    "/etc/nsswitch.conf": (
        "passwd: files\nhosts: flies dns # mdns\nhsots: dns\ngroup: files [!UNAVAIL=return] nosuch\n",
        ["the C library says: it has no libnss_flies.so.2, to look up hosts",
         "the C library says: it looks up no hsots", "the C library says: it has no libnss_nosuch.so.2, to look"],
    ),
    "/etc/cron.d/x": (
        "# x\nA=b\n* * * * * rooot x\n@daily live x\n@reboot liv x\n",
        ["the system has no user liv", "the system has no user rooot"],
    ),
    "/usr/lib/tmpfiles.d/x.conf": (
        "d /srv/x 0755 live comes -\nd /srv/x 0755 nobdy - -\nd /x 9999\nd relative\n",
        ["systemd says: 2: ", "systemd says: 3: Invalid mode '9999'", "systemd says: 4: Path 'relative' not abs"],
    ),
    "/etc/sysusers.d/x.conf": ("g comes\nx y\n", ["systemd says: 2: Unknown command type 'x'"]),
    "/etc/systemd/journald.conf.d/x.conf": (
        "# x\n[Journal]\nStorage=none\nStorrage = none\nX-Own=1\n[Other]\nStorage=none\n",
        ["systemd says: 4: unknown key Storrage in section Journal", "systemd says: 6: unknown section Other"],
    ),
    "/etc/systemd/network/x.network": (
        "[Match]\nName=e*\n[Network]\nDHPC=yes\n[DHCPv4]\nUseDNS=no\n", ["systemd says: 4: unknown key DHPC in sect"],
    ),
    "/etc/systemd/logind.conf": (
        "[Login]\nHandlePowerKye=x\nHandlePowerKey=ignore\n", ["systemd says: 2: unknown key HandlePowerKye in sec"],
    ),
}  # fmt: skip
"""A file -> its text, and how all begins that those say who read it. What not all hosts have is tried in a build."""


@pytest.mark.parametrize("shell", SHELLS)
def test_settings(tmp_path: Path, shell: str) -> None:
    if not Path("/usr/lib/systemd/systemd-journald").exists() or not shutil.which("systemd-sysusers"):
        pytest.skip("this machine has no systemd")
    contents = {path: text for path, (text, _) in SETTINGS.items()}
    lines = "".join(f"{path} file\n" for path in contents)
    for name in ("journald", "logind", "networkd"):
        link(tmp_path / f"root/usr/lib/systemd/systemd-{name}", f"/usr/lib/systemd/systemd-{name}")
    said = told(shell, tmp_path, lines, programs=("cron",), contents=contents)
    expected = [words for _, each in SETTINGS.values() for words in each]
    assert len(said) == len(expected), said
    for words in expected:
        assert any(fact.startswith(words) for fact in said), (words, said)


@pytest.mark.parametrize("shell", SHELLS)
def test_what_hooks_leave(tmp_path: Path, shell: str) -> None:
    info = tmp_path / "root/var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info / "x.list").write_text(f"/.\n{tmp_path}/root/lib/systemd/system/of-package.service\n")
    left = {
        f"{SYSTEM}/left.service": "[Service]\\nExecStart=/bin/sh -c :\\nNicee=1\\nUser=nobdy\\n",
        "/usr/lib/systemd/system/of-package.service": "[Service]\\nExecStart=/bin/sh -c :\\nNicee=1\\n",
        "/usr/lib/systemd/system/own.service": "[Service]\\nExecStart=/bin/sh -c :\\nNicee=1\\n",
        "/etc/sysusers.d/x.conf": "x y\\n",
        "/etc/motd": "x y\\n",
    }
    said = told(shell, tmp_path, "", left=left)
    expected = [
        "the system has no user nobdy", "systemd says: 3: Unknown key", "systemd says: 3: Unknown key",
        "systemd says: 1: Unknown command type 'x'",
    ]  # fmt: skip
    assert len(said) == len(expected), said
    assert all(fact.startswith(words) for fact, words in zip(said, expected, strict=True)), said


UNREAD = "nothing in the system reads it"


READERS = {
    "/etc/default/grub": "grub-mkconfig", "/boot/grub/grub.cfg": "grub-install",
    "/etc/kernel/cmdline": "calamares", "/boot/syslinux/syslinux.cfg": "extlinux",
}  # fmt: skip
"""A file that a boot loader would read -> a program that reads it in a live system."""


@pytest.mark.parametrize("shell", SHELLS)
def test_files_of_boot_loaders(tmp_path: Path, shell: str) -> None:
    here = tuple(program for program in READERS.values() if shutil.which(program))
    if here:
        pytest.skip(f"this machine has {here}")
    lines = "".join(f"{path} file\n" for path in READERS)
    assert told(shell, tmp_path, lines) == [UNREAD] * len(READERS)
    assert told(shell, tmp_path, lines.replace(" file", " link /x")) == [UNREAD] * len(READERS)
    for program in dict.fromkeys(READERS.values()):
        read = [path for path, reader in READERS.items() if reader == program]
        assert told(shell, tmp_path, "".join(f"{path} file\n" for path in read), programs=(program,)) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_interpreters(tmp_path: Path, shell: str) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/closed").touch(0o644)
    lines = ["/bin/sh", "sh", "nothing-there", f"{root}/bin/own", "own", f"{root}/bin/closed"]
    found = told(shell, tmp_path, "", "".join(f"{each}\t/a b/{n}\n" for n, each in enumerate(lines)), ("own",))
    assert found == [f"the system has no {name} to run it" for name in ("nothing-there", "/bin/closed")]
