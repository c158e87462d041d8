"""An edit of host code that makes the index, or selects packages for the initramfs, changes the key of `packages`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import PACKAGE, keys, managers
from debate.cache.store import Store
from debate.commands.logic.explain import explain
from debate.errors import StepError
from debate.history.records import Report
from debate.managers.interface import Holds
from debate.model import Artifact, Locked, Step
from debate.steps import initrd, packages
from debate.steps.work import ProfileBuild
from tests.conftest import ROOT
from tests.unit.steps.fake import FakeBuilder, build

KEY = """
import sys
from pathlib import Path
from debate import keys
from debate.steps.rules import rules
from tests.unit.steps import fake
names = list(rules())
fake.rules = lambda: {name: rules()[name] for name in names[: names.index("packages") + 1]}
builder = fake.build(Path(sys.argv[1]), sys.argv[2])[1]
print(keys.key(builder.asked["packages"]))
"""
INITRAMFS = initrd.Slice("debian", "sid", "amd64", "dracut", "", (), (), (), (), False, ())
DIGITS = b"0123456789abcdef" * 4
EDITS = {
    "index of apt": ("managers/apt.py", '"Size": package.size', '"Size": -package.size', "minimal"),
    "index of pacman": ("managers/pacman.py", "%CSIZE%\\n{package.size}", "%CSIZE%\\n0{package.size}", "arch-minimal"),
    "names of files": (
        "managers/apt.py",
        'pool/{package.sha256}.deb", "Size"',
        'pool/{package.sha256}.DEB", "Size"',
        "minimal",
    ),
    "mark": ("managers/shared.py", '"initrd" in has', '"initrd" not in has', "minimal"),
    "shared": ("managers/shared.py", "EPOCH = keys.EPOCH_START", "EPOCH = keys.EPOCH_START + 1", "minimal"),
    "interface": ("managers/interface.py", "dated: bool = False", "dated: bool = True", "minimal"),
    "generators": ("distributions/debian.py", '"mount", "zstd"),\n    "dracut"', '"mount"),\n    "dracut"', "minimal"),
    "shared facts": ("distributions/glibc.py", 'f"LANG={', 'f"LC_ALL={', "minimal"),
    "join": (
        "steps/packages.py",
        "zip(self.packages, self.inspect(),",
        "zip(self.packages, self.inspect()[:],",
        "minimal",
    ),
    "filter": ("steps/packages.py", "package in selected)", "package in selected[:])", "minimal"),
    "list of wanted": ("sandbox/image/lines.py", "{word}\\n", "{word:s}\\n", "minimal"),
}
"""What decides bytes of the outputs: its module, one line of it, an edit of that, and a profile that uses it."""


def key(directory: Path, profile: str) -> str:
    """The key of `packages`, by the package below ``directory``."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", KEY, str(directory), profile], cwd=directory, text=True, capture_output=True,
        env={"PYTHONPATH": f"{directory}:{ROOT}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shutil.rmtree(directory / "build")
    shutil.rmtree(directory / "cache")
    return done.stdout


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copied")
    for name in ("debate", "sandbox", "profiles"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture(scope="module")
def before(copied: Path) -> dict[str, str]:
    return {profile: key(copied, profile) for profile in sorted({profile for *_, profile in EDITS.values()})}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_of_what_makes_the_outputs(copied: Path, before: dict[str, str], what: str) -> None:
    module, old, new, profile = EDITS[what]
    path = copied / "debate" / module
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    try:
        assert key(copied, profile) != before[profile]
    finally:
        path.write_text(text)


def test_other_code_costs_nothing(copied: Path, before: dict[str, str]) -> None:
    """What goes into parameters, such as the overlay's, is in the key of its own step by its content."""
    for module in ("steps/overlay.py", "steps/lock.py", "model.py", "history/reasons.py", "images/manifest.py"):
        with (copied / "debate" / module).open("a") as file:
            file.write("# edited\n")
    assert key(copied, "minimal") == before["minimal"]


def test_a_module_that_is_added_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does whatever the facts of a derivative import from beside them."""
    for wing in ("distributions", "managers"):
        shutil.copytree(PACKAGE / wing, tmp_path / wing, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(managers, "PACKAGE", tmp_path)
    made = managers.code.__wrapped__()
    assert made == managers.code()
    for wing in ("distributions", "managers"):
        (tmp_path / wing / "later.py").touch()
        assert managers.code.__wrapped__() != made
        (tmp_path / wing / "later.py").unlink()


@pytest.mark.parametrize("chosen", [("amd64",), ("i386",), ("amd64", "i386"), ()])
def test_packages_of_the_same_name(chosen: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each architecture is selected for itself, here and by the step `initrd`."""
    store = Store(tmp_path)
    locked = []
    for architecture in ("amd64", "i386"):
        made = store.put(architecture.encode())
        locked.append(Locked("x", "1", architecture, "debian", "p", made.size, keys.digits(made.digest)))
    selected = store.put("".join(f"{p.sha256}\n" for p in locked if p.architecture in chosen).encode())
    slices = {
        "lock": SimpleNamespace(distribution="debian", release="sid", base=None),
        "initrd": INITRAMFS,
        "": packages.Slice("x", True),
    }
    all_of_them = store.put("".join(f"{p.sha256}\n" for p in locked).encode())
    work: Any = SimpleNamespace(
        locked=lambda: locked, slice=lambda _, name="": slices[name], store=store, tools=selected,
        realise=lambda *_, **__: SimpleNamespace(outputs={"selected": selected, "kernel": all_of_them}),
        below=lambda _: None, unpacked=list,
    )  # fmt: skip
    monkeypatch.setattr(packages.proof, "step_for", lambda *_: None)
    monkeypatch.setattr(packages._Reader, "inspect", lambda _: [b"Package: x\nX-Debate-Holds: kernel=6\n"] * 2)
    needed = store.read(packages._Reader(work).read()["initrd"], 1 << 20).decode().split()
    assert needed == [package.sha256 for package in locked if package.architecture in chosen]

    taken = []

    def finish(step: Step, _: object, check: Callable[[Mapping[str, Artifact]], None]) -> Report:
        taken.extend(step.inputs.values())
        check({"warnings": store.put(b"mine: W: x\nmine: W: y\n")})
        return {"source": "built"}

    slices[""] = INITRAMFS  # type: ignore[assignment]
    work.epoch = lambda own: own
    work.record, work.finish = lambda _: {"initrd": needed, "modules": [], "kernel": "6"}, finish
    monkeypatch.setattr(initrd, "tools_for", lambda *_: selected)
    said = initrd.make(work)
    assert said == {"source": "built", "note": "2 warnings", "lines": ["mine: W: x", "mine: W: y"]}
    assert taken == [package.artifact for package in locked if package.architecture in chosen]


META, CLOUD, OTHER = (Holds(), Holds(initrd=True, kernels=("6-cloud",)), Holds(initrd=True, kernels=("7-amd64",)))
NONE = {"linux-image-cloud": META, "bash": META}
ONE = {"linux-image-cloud": META, "image-6-cloud": CLOUD}
TWO = {**ONE, "image-7-amd64": OTHER}
SOURCE = Holds(dkms=True)
RIGHT, WRONG = Holds(headers=("6-cloud",)), Holds(headers=("7-amd64",))
NAME_ONE = "name the package of one kernel"


@pytest.mark.parametrize(
    ("has", "needed", "named", "base", "said"),
    [
        (ONE, ["linux-image-cloud", "image-6-cloud"], False, None, "6-cloud"),
        (ONE, ["linux-image-cloud", "image-6-cloud"], True, None, "6-cloud"),
        (TWO, ["linux-image-cloud", "image-6-cloud"], True, None, "6-cloud"),
        (TWO, ["image-7-amd64"], True, None, "7-amd64"),
        (
            TWO, ["linux-image-cloud", "image-6-cloud"], False, None,
            "packages: there is more than one kernel: image-6-cloud (6-cloud), image-7-amd64 (7-amd64); "
            "say which one boots with `kernel:`",
        ),
        (ONE, ["linux-image-cloud"], True, None, f"kernel: neither x nor what it needs has a kernel; {NAME_ONE}"),
        (NONE, ["bash"], False, None, f"packages: neither x nor what it needs has a kernel; {NAME_ONE}"),
        (TWO, list(TWO), True, None, f"kernel: x has more than one kernel: 6-cloud, 7-amd64; {NAME_ONE}"),
        ({**ONE, "h": RIGHT}, list(ONE), False, None, "6-cloud"),
        ({**ONE, "h": RIGHT, "i": WRONG}, list(ONE), False, None, "6-cloud"),
        (
            {**ONE, "h": WRONG}, list(ONE), False, None,
            "packages: h: the kernel that boots is 6-cloud, and these are another's; name the headers of that version",
        ),
        (
            {**ONE, "h": WRONG}, list(ONE), True, "below",
            "packages: h: the kernel that boots is 6-cloud, and these are another's; "
            "refresh the base's kernel with doit lock:below, or name the headers of that version",
        ),
        ({**ONE, "h": RIGHT, "zfs-dkms": SOURCE}, list(ONE), False, None, "6-cloud"),
        (
            {**ONE, "zfs-dkms": SOURCE}, list(ONE), False, None,
            "packages: zfs-dkms has modules as source, and no package has the headers of the kernel 6-cloud to build "
            "them; add linux-headers-6-cloud",
        ),
    ],
)  # fmt: skip
def test_the_kernel_that_boots(
    has: dict[str, Holds], needed: list[str], named: bool, base: str | None, said: str
) -> None:
    """The one of the package that `kernel` names or stands for; what is unclear or does not fit is refused."""
    locked = {name: Locked(name, "1", "amd64", "debian", "p", 1, "0" * 64) for name in has}
    slices = {
        "": packages.Slice("x", named),
        "lock": SimpleNamespace(distribution="debian", base=base),
        "initrd": INITRAMFS,
    }
    work: Any = SimpleNamespace(
        locked=lambda: list(locked.values()),
        slice=lambda _, name="": slices[name],
        below=lambda _: None,
        unpacked=list,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packages.proof, "step_for", lambda *_: None)
        reader = packages._Reader(work)
    try:
        found = reader.kernel({locked[name]: holds for name, holds in has.items()}, [locked[name] for name in needed])
    except StepError as error:
        [complaint] = error.complaints
        found = f"{complaint.field}: {complaint.fact}; {complaint.remedy}"
    assert found == said


# What others made ------------------------------------------------------------------------------------

ELSEWHERE = "oci://r.example/x"
SHA = "0" * 64


def changed(index: bytes, manager: str) -> bytes:
    """An index in which one package has another file."""
    old = b"SHA256: " if manager == "minimal" else b"%SHA256SUM%\n"
    start = index.index(old) + len(old)
    return index[:start] + SHA.encode() + index[start + 64 :]


SPOILT: dict[str, tuple[str, Callable[[bytes, str], bytes]]] = {
    "not UTF-8": ("initrd", lambda *_: b"\xff\xfe\n"),
    "nothing": ("initrd", lambda *_: b""),
    "NUL": ("initrd", lambda *_: bytes(100)),
    "of another lock": ("initrd", lambda good, _: good + f"{SHA}\n".encode()),
    "twice": ("initrd", lambda good, _: good + good),
    "in another order": ("initrd", lambda good, _: b"".join(reversed(good.splitlines(keepends=True)))),
    "no digest": ("initrd", lambda good, _: good + b"../../../etc/shadow\n"),
    "too large": ("initrd", lambda *_: bytes(17 << 20)),
    "a stranger builds modules": ("modules", lambda *_: f"{SHA}\n".encode()),
    "no version": ("kernel", lambda *_: b"\xff"),
    "no kernel": ("kernel", lambda *_: b""),
    "two kernels": ("kernel", lambda good, _: good + b"\n" + good),
    "a path": ("kernel", lambda good, _: good + b"/../x"),
    "an endless version": ("kernel", lambda *_: b"6" * 5000),
    "no index": ("index", lambda *_: b"\xff"),
    "empty index": ("index", lambda *_: b""),
    "too large an index": ("index", lambda *_: bytes(65 << 20)),
    "index of another file": ("index", changed),
    "index and more": ("index", lambda good, _: good + good),
    "half an index": ("index", lambda good, _: good[: len(good) // 2]),
}
"""The output that is wrong, and what it has instead."""


@pytest.fixture(scope="module")
def builds(in_memory: Path) -> dict[str, tuple[ProfileBuild, FakeBuilder]]:
    found = {}
    for profile in ("minimal", "arch-minimal"):
        root = in_memory / profile
        for name in ("sandbox", "profiles"):
            shutil.copytree(ROOT / name, root / name)
        found[profile] = build(root, profile)
    return found


@pytest.mark.parametrize("profile", ["minimal", "arch-minimal"])
@pytest.mark.parametrize("what", SPOILT)
def test_wrong_outputs_are_a_miss(builds: dict[str, tuple[ProfileBuild, FakeBuilder]], profile: str, what: str) -> None:
    """On whoever's word they are in the cache: it is said, one run makes them again, and `explain` knows."""
    made, builder = builds[profile]
    output, spoil = SPOILT[what]
    good, record = made.outputs("packages"), made.load("packages")
    bad = spoil(made.store.read(good[output], 1 << 20), profile)
    key = keys.key(builder.asked["packages"])
    made.store.record(key, "packages", {**good, output: made.store.put(bad)}, 1, ELSEWHERE)
    verdict = explain(made).text
    assert f"packages:{profile}  would run\n" in verdict
    assert f"its result on the word of {ELSEWHERE} is refused" in verdict
    said: list[str] = []
    report = replace(made, builder=replace(builder, say=said.append)).make("packages")
    assert report["source"] == "built"
    assert made.load("packages") == record
    (line,) = [line for line in said if "is refused" in line]
    assert f"doit gc --source {ELSEWHERE} removes all" in line
    action = made.store.lookup(key)
    assert action is not None
    assert (action.outputs, action.source) == (good, "here")
    assert f"packages:{profile}  up to date\n" in explain(made).text


@pytest.mark.parametrize(
    "bad",
    [b"\xff\n", b"x amd64\n", b"%s x\n" % DIGITS, b"../%s\n" % DIGITS, DIGITS[1:], DIGITS.upper(), bytes(17 << 20)],
)
def test_a_wrong_selection_is_a_miss(builds: dict[str, tuple[ProfileBuild, FakeBuilder]], bad: bytes) -> None:
    made, builder = builds["minimal"]
    selected = keys.key(builder.asked["select"])
    made.store.record(selected, "select", {"selected": made.store.put(bad)}, 1, ELSEWHERE)
    made.store.forget([keys.key(builder.asked["packages"])])
    made.records.save("traces/packages", {})
    record = made.load("packages")
    assert made.make("packages")["source"] == "built"
    assert made.load("packages") == record
    action = made.store.lookup(selected)
    assert action is not None
    assert action.source == "here"


@given(st.data())
def test_whatever_is_nearly_an_index(builds: dict[str, tuple[ProfileBuild, FakeBuilder]], data: st.DataObject) -> None:
    """It is one of the lock's packages, or none; nothing else comes out."""
    profile = data.draw(st.sampled_from(sorted(builds)))
    made, _ = builds[profile]
    manager = managers.get(made.load("lock")["distribution"])
    packages = made.work("packages").locked()
    good = made.store.read(made.outputs("packages")["index"], 1 << 20)
    at = data.draw(st.integers(0, len(good)))
    index = good[:at] + data.draw(st.binary(max_size=30)) + good[at + data.draw(st.integers(0, 30)) :]
    assert manager.is_index(good, packages)
    assert not manager.is_index(good, packages[:-1])
    assert not manager.is_index(good, packages[::-1])
    if manager.is_index(index, packages):
        assert all(index.count(package.sha256.encode()) == 2 for package in packages)
