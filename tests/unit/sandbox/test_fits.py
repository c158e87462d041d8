"""Of what kind a path of the profile is, and what the system has there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
LEADS = "is a link to the directory SYSTEM/{} in the system, and a file cannot take its place"
GONE = "is a link to a directory in the system, and the profile's leads to none"
CASES: list[tuple[list[str], dict[str, str]]] = [
    (["/lib file"], {"/lib": LEADS.format("usr/lib")}),
    (["/sbin file", "/lib64 file"], {"/sbin": LEADS.format("usr/sbin"), "/lib64": LEADS.format("usr/lib")}),
    (["/var/lock file"], {"/var/lock": LEADS.format("nothing/lock")}),
    (["/var/tool file"], {"/var/tool": LEADS.format("nothing/tool")}),
    (["/var/mounted file"], {"/var/mounted": LEADS.format("nothing/mounted")}),
    (["/var/resolv file"], {}),
    (["/etc/localtime file"], {}),
    (["/etc/localtime link x"], {}),
    (["/lib link usr/lib"], {}),
    (["/lib link usr/sbin"], {}),
    (["/lib link nowhere"], {"/lib": GONE}),
    (["/lib link etc/os-release"], {"/lib": GONE}),
    (["/var/lock link /gone"], {"/var/lock": GONE}),
    (["/lib directory", "/lib/new file", "/sbin/new/a file"], {}),
    (["/usr/lib file"], {"/usr/lib": "is a directory in the system, and a file cannot take its place"}),
    (["/usr/lib link x"], {"/usr/lib": "is a directory in the system, and a link cannot take its place"}),
    (["/etc/os-release directory", "/etc/os-release/a directory", "/etc/os-release/a/b file"],
     {"/etc/os-release": "is a file in the system, and a directory cannot take its place"}),
    (["/etc/os-release/a/b file", "/etc/os-release/c file"],
     {"/etc/os-release/a/b": "SYSTEM/etc/os-release is a file in the system, so nothing can be below it"}),
    (["/etc/localtime directory"],
     {"/etc/localtime": "is a file in the system, and a directory cannot take its place"}),
    (["/var/resolv/x file"], {"/var/resolv/x": "SYSTEM/var/resolv is a file in the system, so nothing can be below"}),
    (["/new/a/b file", "/new/a/c file", "/new/d link a"], {}),
    (["/lib -", "/etc/os-release/x -"], {}),
]  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("tree", "expected"), CASES)
def test_what_takes_the_place_of_another_kind(
    tmp_path: Path, shell: str, tree: list[str], expected: dict[str, str]
) -> None:
    system = tmp_path / "a.system"
    for name in ("usr/lib/tmpfiles.d", "usr/lib/systemd/system", "usr/sbin", "etc", "var"):
        (system / name).mkdir(parents=True)
    (system / "etc/os-release").touch()
    links = {
        "lib": "usr/lib", "lib64": "lib", "sbin": str(system / "usr/sbin"), "etc/localtime": "../etc/os-release",
        "var/lock": "../nothing/lock", "var/tool": str(system / "nothing/tool"), "var/mounted": "../nothing/mounted",
        "var/resolv": "../nothing/resolv.conf",
    }  # fmt: skip
    for name, target in links.items():
        (system / name).symlink_to(target)
    nothing = f"{system}/nothing"
    (system / "usr/lib/tmpfiles.d/x.conf").write_text(
        f"f {nothing}/resolv.conf\nd {nothing}/resolv_conf\n# d {nothing}/resolv.conf\nd {nothing}/resolv.conf2\n"
        f"d {nothing}/lock/subsys 0755 root root -\nd! {nothing}/tool\n"
    )
    (system / "usr/lib/systemd/system/x.mount").write_text(f"[Mount]\nWhere={nothing}/mounted\n")
    lines = []
    for each in tree:
        path, kind, target = (*each.split(), "-")[:3]
        lines.append("\t".join((f"{system}{path}", kind, "0644", "root", "root", target)) + "\n")
    (tmp_path / "wanted").write_text("".join(lines))
    script = (ROOT / "sandbox" / "fits.sh").read_text().replace("/run/in", str(tmp_path))
    script = script.replace("/run/work", str(tmp_path)).replace("/usr/lib/", f"{system}/usr/lib/")
    text = f"""{script}
        problems=0
        problem() {{ printf '%s|%s\\n' "$2" "$3"; problems=$((problems + 1)); }}
        fits_tree
        [ "$problems" -eq 0 ] || exit 0
        while read -r path kind mode owner group target; do
            [ "$kind" = link ] || continue
            mkdir -p "${{path%/*}}"
            ln -sfn "$target" "$path"
        done < {tmp_path}/wanted
        still_lead
    """
    done = subprocess.run([shell, "-euc", text], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    said = dict(line.split("|") for line in done.stdout.replace(str(system), "SYSTEM").splitlines())
    assert said.keys() == {f"SYSTEM{path}" for path in expected}
    for path, fact in expected.items():
        assert said[f"SYSTEM{path}"].startswith((f"SYSTEM{path} {fact}", f"SYSTEM{path}: {fact}"))
