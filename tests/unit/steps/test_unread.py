"""Files that a program passes over without a word are refused, and those that it reads are not."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Literal

import pytest

from debate.entry import Entry
from debate.steps import config, overlay, passed_over, unread
from tests.unit.steps.test_config import normalise


def faults(path: str, mode: str = "0644", type_: Literal["file", "directory", "link"] = "file") -> list[str]:
    entry = Entry(path, type_, mode=mode)
    found = [*unread.faults([entry]), *unread.modes([entry])]
    return [f"{fact.removeprefix(path)}; {remedy}" for _, fact, remedy in found]


@pytest.mark.parametrize(
    ("wrong", "right", "who"),
    [
        ("/etc/sudoers.d/live.conf", "/etc/sudoers.d/10-live", "sudo"),
        ("/etc/cron.d/my.job", "/etc/cron.d/my-job", "cron"),
        ("/etc/sysctl.d/99-x", "/etc/sysctl.d/99-x.conf", "systemd"),
        ("/usr/lib/tmpfiles.d/x", "/usr/lib/tmpfiles.d/x.conf", "systemd"),
        ("/etc/modules-load.d/x.txt", "/etc/modules-load.d/x.conf", "systemd"),
        ("/etc/systemd/system/x.service.d/override", "/etc/systemd/system/x.service.d/override.conf", "systemd"),
        ("/etc/systemd/journald.conf.d/x", "/etc/systemd/journald.conf.d/x.conf", "systemd"),
        ("/etc/systemd/network/lan.conf", "/etc/systemd/network/lan.network", "systemd-networkd"),
        ("/etc/udev/rules.d/10-x", "/etc/udev/rules.d/10-x.rules", "udev"),
        ("/etc/profile.d/x", "/etc/profile.d/x.sh", "the login shell"),
        ("/etc/ssh/sshd_config.d/x", "/etc/ssh/sshd_config.d/x.conf", "sshd"),
        ("/etc/apt/sources.list.d/x", "/etc/apt/sources.list.d/x.sources", "apt"),
        ("/etc/apt/apt.conf.d/99.x", "/etc/apt/apt.conf.d/99x", "apt"),
        ("/etc/X11/xorg.conf.d/x", "/etc/X11/xorg.conf.d/x.conf", "the X server"),
    ],
)
def test_a_name(wrong: str, right: str, who: str) -> None:
    [said] = faults(wrong)
    assert said.startswith(f" is passed over by {who}, for its name; ")
    assert faults(wrong, type_="link") == [said]
    assert faults(right) == []
    for other in (f"{wrong}/below", f"{wrong}.bak", wrong.replace("/etc/", "/srv/etc/").replace("/usr/lib", "/srv")):
        assert faults(other) == []
    assert faults(f"{wrong.rpartition('/')[0]}/README.md") == faults(wrong, type_="directory") == []


@pytest.mark.parametrize(
    "path",
    [
        "/etc/systemd/system/x.timer", "/etc/systemd/system/service.d/x.conf",
        "/lib/systemd/system/a-.service.d/x.conf",
        "/etc/systemd/system/x@.service.d/y.conf", "/etc/systemd/user/x.service", "/etc/systemd/system/README",
        "/etc/systemd/system/x.service.bak", "/etc/systemd/system.conf", "/etc/profile", "/etc/cron.d",
        "/etc/apt/apt.conf.d/99my.proxy.conf", "/etc/apt/apt.conf.d/99a:b", "/etc/apt/preferences.d/a.example.pref",
        "/etc/apt/sources.list.d/a:b.list", "/etc/apt/sources.list.d/x.list.save",
        "/etc/systemd/network/10-x.network.d/y.conf", "/usr/lib/systemd/system/x.service", "/etc/sudoers",
    ],
)  # fmt: skip
def test_what_is_none_of_these(path: str) -> None:
    assert faults(path) == []


@pytest.mark.parametrize(
    "path", ["/etc/cron.daily/x", "/etc/NetworkManager/dispatcher.d/x.sh", "/etc/systemd/system-generators/x"]
)
def test_what_must_be_executable(path: str) -> None:
    remedy = 'set its mode to "0755", or in an overlay make it executable'
    assert faults(path) == [f" is not executable, so it is not run; {remedy}"]
    assert faults(path, "0755") == []


@pytest.mark.parametrize("directory", ["/etc/systemd/system", "/usr/lib/systemd/user", "/lib/systemd/system"])
@pytest.mark.parametrize(
    "name",
    ["kiosk.servce", "kiosk", "x.target.wants/kiosk", "x.target.requires/kiosk.servce", "more/kiosk.service",
     "kiosk.servce.d/x.conf", "kiosk.d/x.conf", "x.targt.wants/kiosk.service", "a/b/kiosk.service"],
)  # fmt: skip
def test_names_of_units(directory: str, name: str) -> None:
    [said] = faults(f"{directory}/{name}", type_="link")
    assert said.startswith(" is passed over by systemd, for its name; ")


def test_a_file_in_the_place_of_a_link() -> None:
    path = "/etc/systemd/system/multi-user.target.wants/kiosk.service"
    assert faults(path, type_="link") == []
    assert faults(path)[0].startswith(" is passed over by systemd, since it is no link; ")


def test_names_of_run_parts() -> None:
    for name in ("10-x", "com.example-motd", "_com.example-motd"):
        assert faults(f"/etc/update-motd.d/{name}", "0755") == []
    assert faults("/etc/update-motd.d/x.sh", "0755")[0].startswith(" is passed over by pam_motd, for its name; ")


def test_a_connection() -> None:
    path = "/etc/NetworkManager/system-connections/home"
    assert faults(path)[0].startswith(" is passed over by NetworkManager, since others may read it; ")
    assert faults(path, "0600") == []


HOME = "/home/live"
KEYS = f"{HOME}/.ssh/authorized_keys"
OPEN = {
    "/etc/NetworkManager/system-connections/home": ("0600", "0640", "NetworkManager", "read"),
    "/etc/NetworkManager/dispatcher.d/x": ("0755", "0775", "NetworkManager", "change"),
    "/etc/NetworkManager/dispatcher.d/pre-up.d/x": ("0755", "0757", "NetworkManager", "change"),
    "/etc/sudoers": ("0440", "0446", "sudo", "change"),
    "/etc/sudoers.d/live": ("0440", "0646", "sudo", "change"),
    "/etc/sudoers.d": ("0750", "0777", "sudo", "change"),
    "/etc/cron.d/job": ("0644", "0664", "cron", "change"),
    "/etc/crontab": ("0600", "0646", "cron", "change"),
    "/var/spool/cron/crontabs/root": ("0600", "0644", "cron", "read"),
    "/etc/logrotate.d/app": ("0644", "0664", "logrotate", "change"),
    "/etc/logrotate.conf": ("0644", "0664", "logrotate", "change"),
    "/etc/mysql/conf.d/x.cnf": ("0664", "0666", "MySQL", "change"),
    "/root/.ssh/authorized_keys": ("0644", "0646", "sshd", "change"),
    KEYS: ("0600", "0666", "sshd", "change"),
    f"{HOME}/.ssh": ("0700", "0777", "sshd", "change"),
    HOME: ("0755", "0757", "sshd", "change"),
    f"{HOME}/.ssh/config": ("0600", "0602", "ssh", "change"),
    f"{HOME}/.pgpass": ("0600", "0644", "PostgreSQL", "read"),
}
"""Path -> a mode with which it is read, another, who passes it over then, and what others may do with it."""


@pytest.mark.parametrize("path", OPEN)
def test_a_mode_that_lets_others_in(path: str) -> None:
    right, wrong, who, what = OPEN[path]

    def told(mode: str, owner: str = "root", kind: str = "file") -> list[str]:
        keys = [Entry(KEYS, "file", mode="0600")] if path != KEYS else []
        return [fact for _, fact, _ in unread.modes([*keys, Entry(path, kind, mode=mode, owner=owner)])]

    assert told(right) == []
    for kind in ("file", ""):  # The latter is one of the system, of which permissions say the mode.
        assert told(wrong, kind=kind) == [f"{path} is passed over by {who}, since others may {what} it"]
    assert told(wrong, kind="link") == []
    other = [f"{path} is passed over by {who}, since it belongs to mail"]
    assert told(right, "mail") == ([] if who in ("MySQL", "PostgreSQL") else other)
    if path.startswith("/home/"):
        assert told(right, "live") == []


def test_homes_without_keys() -> None:
    """sshd looks at them only where there are keys."""
    assert list(unread.modes([Entry(HOME, "", mode="0777")])) == []


@pytest.mark.parametrize(
    ("group", "own_groups", "refused"), [("live", True, False), ("live", False, True), ("a", True, True)]
)
def test_a_group_that_is_the_users_own(group: str, own_groups: bool, refused: bool) -> None:
    entry = Entry(KEYS, "file", mode="0664", owner="live", group=group)
    assert bool(list(unread.modes([entry], own_groups=own_groups))) == refused


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/etc/systemd/network/10-lan.network", "systemd-network"),
        ("/etc/systemd/network/wg.netdev", "systemd-network"), ("/etc/hosts", "others than root"),
        ("/usr/lib/systemd/network/10-lan.network.d/x.conf", "systemd-network"),
        ("/etc/systemd/networkd.conf", "systemd-network"), ("/etc/systemd/resolved.conf.d/x.conf", "systemd-resolve"),
        ("/etc/systemd/timesyncd.conf", "systemd-timesync"), ("/etc/polkit-1/rules.d/10-x.rules", "polkitd"),
        ("/usr/share/polkit-1/actions/x.policy", "polkitd"), ("/etc/apt/keyrings/x.asc", "_apt"),
        ("/usr/share/keyrings/x.gpg", "_apt"), ("/etc/profile.d/x.sh", "others than root"),
        ("/etc/systemd/user/x.service", "others than root"), ("/etc/ssh/ssh_config.d/x.conf", "others than root"),
        ("/etc/xdg/autostart/x.desktop", "others than root"), ("/usr/share/applications/x.desktop", "others than root"),
        ("/usr/local/share/ca-certificates/x.crt", "others than root"),
    ],
)  # fmt: skip
def test_what_a_user_of_its_own_reads(path: str, who: str) -> None:
    def told(mode: str, **owners: str) -> list[str]:
        return [fact for _, fact, _ in unread.modes([Entry(path, "file", mode=mode, **owners)])]

    for mode in ("0600", "0640", "0400"):
        assert told(mode) == [f"{path} cannot be read by {who}, with the mode {mode} and the owner root:root"]
    assert told("0644") == told("0444") == []
    own = {"others than root": "users"}.get(who, who)
    assert (told("0640", group=own) == []) == (told("0600", owner=own) == []) == (own == who)


@pytest.mark.parametrize(
    "path",
    ["/etc/systemd/network/10-x.link", "/etc/systemd/system/x.service", "/etc/shadow", "/etc/udev/rules.d/x.rules",
     "/etc/ssl/private/x.key", "/srv/etc/profile.d/x.sh", "/etc/profileXd/x.sh", "/home/live/x",
     "/etc/sysctl.d/x.conf"],
)  # fmt: skip
def test_what_root_reads(path: str) -> None:
    assert list(unread.modes([Entry(path, "file", mode="0600")])) == []


def test_permissions_of_the_systems_own_files(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "version: 1\nfiles: [{path: /etc/polkit-1/rules.d/x.rules, mode: '0640', group: polkitd}]\n"
        "permissions: [{path: /etc/cron.daily/apt, mode: '0644'}, {path: /etc/crontab, mode: '0666'}]\n"
    )
    with pytest.raises(config.ProfileError) as caught:
        normalise(tmp_path, "x")
    [problem] = caught.value.problems
    assert (
        str(problem)
        .partition("x.yaml:")[2]
        .startswith("3:58: /etc/crontab is passed over by cron, since others may ch")
    )


def require(directory: Path, text: str, fault: str) -> None:
    """A profile with this ``text`` has a problem that the pattern ``fault`` fits; none if that is empty."""
    (directory / "x.yaml").write_text(f"version: 1\n{text}")
    with pytest.raises(config.ProfileError, match=fault) if fault else nullcontext():
        normalise(directory, "x")


@pytest.mark.parametrize(
    ("system", "refused"),
    [
        ("distribution: debian\n", True), ("distribution: debian\npackages: [systemd-cron]\n", False),
        ("distribution: arch\n", False),
    ],
)  # fmt: skip
def test_only_debians_cron_passes_over_dots(tmp_path: Path, system: str, refused: bool) -> None:
    text = f"{system}files: [{{path: /etc/cron.d/a.b, content: x}}]\n"
    require(tmp_path, text, r"a\.b is passed over by cron, for its name" if refused else "")


@pytest.mark.parametrize(
    ("packages", "told"),
    [("[]", ["/etc/cron.d/a.b", "/etc/cron.d/open", "/etc/crontab"]), ("[systemd-cron]", [])],
)
def test_the_cron_of_a_base_is_looked_at_in_the_system(tmp_path: Path, packages: str, told: list[str]) -> None:
    """It may be another one, which reads more."""
    (tmp_path / "below.yaml").write_text("version: 1\n")
    (tmp_path / "x.yaml").write_text(
        f"version: 1\nbase: below\npackages: {packages}\n"
        'files: [{path: /etc/cron.d/a.b, content: "x\\n"}, {path: /etc/crontab, content: "@daily root x"}]\n'
        "permissions: [{path: /etc/cron.d/open, mode: '0664'}]\n"
    )
    assert [path for path, _, _ in normalise(tmp_path, "x").slice(overlay.Slice).cron] == told


def test_it_is_told_at_its_line(tmp_path: Path) -> None:
    file = "files: [{path: /etc/cron.daily/x, content: x}]\n"
    (tmp_path / "x.yaml").write_text(f"version: 1\n{file}")
    with pytest.raises(config.ProfileError, match=r"x.yaml:2:16: /etc/cron.daily/x is not executable"):
        normalise(tmp_path, "x")
    (tmp_path / "x.yaml").write_text(f"version: 1\n{file}permissions: [{{path: /etc/cron.daily/x, mode: '0755'}}]\n")
    normalise(tmp_path, "x")


@pytest.mark.parametrize("path", ["/etc/crontab", "/etc/cron.d/job"])
@pytest.mark.parametrize(
    ("system", "content", "refused"),
    [
        ("", "* * * * * root true", True), ("", "* * * * * root true\\n", False), ("", "", False),
        ("packages: [systemd-cron]\n", "* * * * * root true", False),
        ("distribution: arch\n", "* * * * * root true", False),
    ],
)  # fmt: skip
def test_crontabs_without_an_end(tmp_path: Path, path: str, system: str, content: str, refused: bool) -> None:
    text = f'{system}files: [{{path: {path}, content: "{content}"}}]\n'
    require(tmp_path, text, f"{path} does not end with a newline, so cron passes over all" if refused else "")


@pytest.mark.parametrize(
    ("owner", "said"),
    [("live", []), ("root", ["belongs to root"]), ("", []), ("1000", []), ("adm", ["belongs to adm"])],
)
def test_who_owns_a_users_crontab(owner: str, said: list[str]) -> None:
    entry = Entry("/var/spool/cron/crontabs/live", "file", mode="0600", owner=owner)
    found = [fact for _, fact, _ in unread.modes([entry])]
    assert [fact.partition("since it ")[2] for fact in found] == said


@pytest.mark.parametrize("path", ["/etc/rc.local", "/etc/init.d/x", "/usr/lib/systemd/system-sleep/x"])
def test_scripts_of_the_system_are_executable(path: str) -> None:
    assert faults(path)[0].startswith(" is not executable, so it is not run; ")
    assert faults(path, "0755") == []


TIMES = {
    "*/5 0-23/2 1,15 jan-mar,12 mon-fri root true": "", "@reboot root true": "", "0 0 * * 7 root a % b": "",
    "0 0 * * sat-sun root a": "", "5~10 * * * * root a": "", "# x": "", "  ": "", "A=* b": "",
    "'A B' = c": "no time, user",
    "61 * * * * root a": "61 for a minute", "0 24 * * * root a": "24 for a hour",
    "0 0 0 * * root a": "0 for a day of the m",
    "0 0 * 13 * root a": "13 for a month", "0 0 * * 8 root a": "8 for a day of the week",
    "*/0 * * * * root a": "*/0 for",
    "10-5 * * * * root a": "10-5 for a minute", "* * * * monn root a": "monn for", "1,,2 * * * * root a": "1,,2 for",
    "* * * * * true": "no time, user and command", "@dayly root true": "@dayly for a time",
    "@daily true": "no time, user",
    "true": "no time, user",
}  # fmt: skip
"""A line of a crontab -> what is wrong with it."""
MOUNTS = {
    "/dev/sda1 /srv ext4 defaults 0 2": "", "tmpfs /srv tmpfs": "", "/dev/sda2 none swap sw": "", "# x": "", " ": "",
    "tmpfs /srv": "fewer than three fields", "tmpfs srv tmpfs": "srv on line 2, which is no whole path",
}  # fmt: skip
SYSCTLS = {
    "kernel.panic = 1": "", "-net.ipv4.ip_forward=1": "", "; x": "", "-net.ipv4.x": "",
    "kernel.panic 1": "no NAME = VALUE",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        (path, line, said)
        for path, lines in {"/etc/cron.d/x": TIMES, "/etc/fstab": MOUNTS, "/etc/sysctl.d/x.conf": SYSCTLS}.items()
        for line, said in lines.items()
    ],
)
def test_lines(path: str, line: str, said: str) -> None:
    read = passed_over.reader(path, ())
    assert read
    found = [fact for fact, _ in read(f"#\n{line}\n")]
    assert [fact.startswith(f"has {said}") and " on line 2" in fact for fact in found] == [True] * bool(said), found


@pytest.mark.parametrize("path", ["/etc/fstab.d/x", "/etc/sysctl.d/x", "/etc/cron.allow", "/etc/cron.d/x.y"])
def test_files_without_such_lines(path: str) -> None:
    assert passed_over.reader(path, ()) is None


def test_a_line_is_told_at_the_file(tmp_path: Path) -> None:
    text = 'files: [{path: /etc/fstab, content: "tmpfs /srv tmpfs"}]\n'
    require(tmp_path, text, "/etc/fstab does not end with a newline, so a line that live-boot adds")


def test_other_files_of_cron_need_no_end(tmp_path: Path) -> None:
    names = ("/etc/cron.d/.placeholder", "/etc/cron.allow")
    listed = ", ".join(f"{{path: {name}, content: x}}" for name in names)
    (tmp_path / "x.yaml").write_text(f"version: 1\nfiles: [{listed}]\n")
    normalise(tmp_path, "x")
