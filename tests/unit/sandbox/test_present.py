"""What overlay.sh finds in a system, by names that a profile has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.distributions import glibc
from tests.conftest import ROOT, many

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
"""Those that are /bin/sh in Debian and Arch."""
FEW = many(15)


def run(shell: str, script: str, data: str = "") -> str:
    words = [shell, "-euc", f". {ROOT}/sandbox/present.sh\n{script}"]
    done = subprocess.run(words, input=data, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


INSTANCES = st.text("ab.@:\\-_1", min_size=1, max_size=8)


@pytest.mark.parametrize("shell", SHELLS)
@FEW
@given(instances=st.lists(INSTANCES, min_size=1, max_size=9))
def test_instances_of_units(shell: str, instances: list[str]) -> None:
    """systemd.unit(5): the name is up to the first @, and the type behind the last dot."""
    script = """
        directory=$(mktemp -d)
        unit_directories=$directory
        touch "$directory/real@.service"
        ln -s real@.service "$directory/alias@.service"
        while IFS= read -r instance; do
            unit_file "real@$instance.service" | sed 's,.*/,,'
            real_unit "alias@$instance.service"
        done
        rm -r "$directory"
    """
    found = run(shell, script, "".join(f"{instance}\n" for instance in instances)).split("\n")[:-1]
    assert found == [name for each in instances for name in ("real@.service", f"real@{each}.service")]


UNITS = {
    "real.service": "[Unit]\n[Install]\nAlias=first.service other.service\n",
    "no.service": "[Unit]\nAlias=none.service\n",
    "real@.service": "[Install]\nAlias = other@.service\n", "empty.service": "", "empty@.service": "",
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("verb", "unit", "expected"),
    [
        ("enable", "real.service", ""),
        ("mask", "empty.service", ""),
        ("enable", "other.service", "other.service is another name of real.service"),
        ("mask", "first.service", "first.service is another name of real.service"),
        ("disable", "other@a\\x2d.b.service", "other@a\\x2d.b.service is another name of real@a\\x2d.b.service"),
        ("enable", "none.service", "the system has no unit none.service"),
        ("enable", "linked.service", "linked.service is another name of real.service"),
        ("enable", "empty.service", "empty.service is masked in the system, so it cannot be enabled DIR/empty.service"),
        ("enable", "empty@x.service", "empty@x.service is masked in the system, so it cannot be enabled DIR/empty@.s"),
        ("disable", "null.service", "null.service is masked in the system, so it cannot be disabled DIR/null.service"),
    ],
)
def test_units_that_cannot_be_changed(tmp_path: Path, shell: str, verb: str, unit: str, expected: str) -> None:
    for name, text in UNITS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "null.service").symlink_to("/dev/null")
    (tmp_path / "linked.service").symlink_to("real.service")
    script = """
        read -r unit_directories
        system_directories=$unit_directories
        suggest() { cat > /dev/null; }
        problem() { printf '%s %s\\n' "$3" "${4#leave it out; }"; }
        read -r verb unit
        can_change "$verb" "$unit"
    """.replace("\\\\", "\\")
    (tmp_path / "present.sh").write_text(
        (ROOT / "sandbox" / "present.sh").read_text().replace("/run/work", str(tmp_path))
    )
    done = subprocess.run(
        [shell, "-euc", f". {tmp_path}/present.sh\n{script}"], input=f"{tmp_path}\n{verb} {unit}\n",
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.replace(str(tmp_path), "DIR")
    assert said.startswith(expected) if expected else said == ""


@pytest.mark.skipif(not Path("/usr/share/X11/xkb/rules/evdev.xml").exists(), reason="needs xkb-data")
@pytest.mark.parametrize(
    ("keymap", "problems"),
    [
        ("de", 0), ("us", 0), ("de nodeadkeys", 0), ("us dvorak", 0), ("apl", 0), ("apl sax", 0),
        ("custom", 1), ("us alt_shift_fragment", 1), ("de dvorak-intl", 1), ("english", 1), ("us de", 1),
        ("altwin", 1), ("capslock", 1), ("compose", 1), ("ctrl", 1), ("eurosign", 1), ("grab", 1), ("group", 1),
        ("inet", 1), ("keypad", 1), ("level3", 1), ("pc", 1), ("shift", 1), ("typo", 1),
    ],
)  # fmt: skip
def test_layouts_of_x(keymap: str, problems: int) -> None:
    """Beside them there are files with parts of layouts, and names of which a file would be the user's own."""
    assert run("sh", f"problem() {{ echo problem; }}; has_xkb {keymap}").count("problem") == problems


def test_keymaps_of_the_console(tmp_path: Path) -> None:
    """kbd has those of other computers, too, and parts of keymaps."""
    names = (
        "i386/qwertz/de.map.gz",
        "i386/qwerty/us.map",
        "include/euro.map.gz",
        "sun/sunkeymap.map.gz",
        "mac/all/mac-de.map",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    text = (ROOT / "sandbox" / "present.sh").read_text().replace("/usr/share/kbd/keymaps", str(tmp_path))
    script = 'problem() { echo "$2"; }; for name in de us mac-de euro sunkeymap dee; do has_console_keymap $name; done'
    done = subprocess.run(["sh", "-euc", f"{text}\n{script}"], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["euro", "sunkeymap", "dee"]


@pytest.mark.skipif(not Path("/usr/share/zoneinfo/leapseconds").exists(), reason="needs tzdata")
@pytest.mark.parametrize(
    ("name", "problems"), [("Europe/Berlin", 0), ("Etc/GMT+5", 0), ("leapseconds", 1), ("Europe", 1)]
)
def test_time_zones(name: str, problems: int) -> None:
    """Beside them, there are files and directories that are none."""
    assert run("sh", f"problem() {{ echo problem; }}; has_timezone {name}").count("problem") == problems


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("tr_TR", "write tr_TR.ISO-8859-9"),
        ("hi_IN", "write hi_IN.UTF-8"),
        ("sr_RS@latin", "write sr_RS.UTF-8@latin"),
        ("de_DE", ""),
        ("de_DE@euro", ""),
        ("tr_TR.UTF-8", ""),
    ],
)
def test_locales_without_a_character_set(tmp_path: Path, name: str, remedy: str) -> None:
    """Of which locale.gen has the most common one: SUPPORTED has each locale's own."""
    (tmp_path / "SUPPORTED").write_text(
        "tr_TR.UTF-8 UTF-8\ntr_TR ISO-8859-9\nhi_IN UTF-8\nsr_RS UTF-8\nsr_RS@latin UTF-8\nde_DE ISO-8859-1\n"
        "de_DE@euro ISO-8859-15\n"
    )
    parts = glibc.locale_parts({"locale": name, "timezone": "UTC"})
    (made,) = (made for made in parts.made if made.entry.path == "/etc/locale.gen")
    (tmp_path / "locale.gen").write_bytes(made.content)
    script = (ROOT / "sandbox" / "present.sh").read_text()
    for path in ("/usr/share/i18n/SUPPORTED", "/etc/locale.gen"):
        script = script.replace(path, str(tmp_path / path.rpartition("/")[2]))
    (tmp_path / "present.sh").write_text(script)
    told = f'. {tmp_path}/present.sh; problem() {{ printf "%s\\n" "$4"; }}; has_locale "{name}"'
    said = subprocess.run(["sh", "-euc", told], capture_output=True, text=True).stdout.split("\n")
    assert said[0].startswith("write ") == bool(remedy)
    assert not remedy or said[0] == remedy


@pytest.mark.parametrize(
    ("generated", "field"),
    [
        ("fr_FR.UTF-8 UTF-8\n", "/etc/locale.gen is the profile's own, and has no line for xx_XX.UTF-8"),
        ("# xx_XX.UTF-8 UTF-8\n", "/etc/locale.gen is the profile's own, and has no line for xx_XX.UTF-8"),
        ("xx_XX.UTF-8 UTF-8\n", "the system has no xx_XX.UTF-8"),
    ],
)
def test_a_locale_that_was_not_made(tmp_path: Path, generated: str, field: str) -> None:
    (tmp_path / "locale.gen").write_text(generated)
    script = (ROOT / "sandbox" / "present.sh").read_text().replace("/etc/locale.gen", f"{tmp_path}/locale.gen")
    told = 'problem() { printf "%s\\n" "$3"; }; has_locale xx_XX.UTF-8'
    done = subprocess.run(["sh", "-eufc", f"{script}\n{told}"], capture_output=True, text=True, timeout=60)
    assert done.stdout.replace(str(tmp_path), "/etc") == f"{field}\n"


@pytest.mark.parametrize("there", ["true", "false"])
def test_kernels_that_cannot_speak(there: str) -> None:
    told = f'has_module() {{ [ "$1" = speakup_soft ] && {there}; }}; problem() {{ echo "$2: $3"; }}; has_speech'
    fact = "accessibility: no kernel of the system has a module speakup_soft\n"
    assert run("sh", told) == ("" if there == "true" else fact)


SAID = [
    ("Failed to enable unit: Cannot alias a@x.service as b.service.\nCreated symlink '/e/a' \u2192 '/u/a'.\n",
     "Failed to enable unit: Cannot alias a@x.service as b.service"),
    ("Failed to enable unit, \"multi\" is not a valid unit name.\nCreated symlink /x -> /y.\n"
     "Unit /x is added as a dependency to a non-existent unit user.target.\n",
     'Failed to enable unit, "multi" is not a valid unit name'),
    ("Failed to enable auxiliary unit x.service, ignoring.\nFailed to enable unit, file x: Invalid argument\n",
     "Failed to enable unit, file x: Invalid argument"),
    ("Synchronizing state of a.service with SysV service script.\nupdate-rc.d: error: no runlevels\nRemoved /x.\n",
     "update-rc.d: error: no runlevels"),
    ("Failed to enable auxiliary unit x.service, ignoring.\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_why_systemctl_failed(tmp_path: Path, said: str, expected: str) -> None:
    (tmp_path / "said").write_text(said)
    text = (ROOT / "sandbox" / "overlay.sh").read_text().replace("/run/work", str(tmp_path))
    function = "reason() {" + text.partition("\nreason() {")[2].partition("\n}\n")[0] + "\n}\nreason\n"
    done = subprocess.run(["sh", "-euc", function], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (expected, "")
