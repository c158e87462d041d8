"""The normalised config: what counts changes it, and what does not leaves it alone."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from debate import keys
from debate.errors import ProfileError
from debate.profile.load import load
from debate.profile.schema import schema
from debate.steps import config, overlay
from tests.conftest import PROFILES, ROOT, SSH_KEY, many

GOLDEN = Path(__file__).parent / "golden"


def normalise(directory: Path, name: str) -> config.Config:
    return config.normalise(load(directory, name), directory)


def hash_of(fields: Mapping[str, Any], trees: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The config hash of a profile with ``fields``, beside ``trees`` (name -> path -> text)."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for tree, files in (trees or {}).items():
            for path, text in files.items():
                (directory / tree / path).parent.mkdir(parents=True, exist_ok=True)
                (directory / tree / path).write_text(text)
        text = yaml.safe_dump({"version": 1, **fields}, sort_keys=False)
        (directory / "x.yaml").write_text(text)
        return normalise(directory, "x").hash


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        (ROOT / "profiles", "minimal"),
        (ROOT / "profiles", "rescue"),
        (ROOT / "profiles", "kiosk"),
        (ROOT / "profiles", "arch-minimal"),
        (PROFILES, "every"),
    ],
)
def test_golden(directory: Path, name: str) -> None:
    """DEBATE_TEST_GOLDEN=write writes the files anew: look at what git diff says then."""
    text = json.dumps(normalise(directory, name).values, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.config.json"
    if os.environ.get("DEBATE_TEST_GOLDEN") == "write":
        path.write_text(text)
    assert path.read_text() == text


NAMES = st.lists(
    st.from_regex(r"[a-z][a-z0-9+.-]{0,11}[a-z0-9+.]", fullmatch=True).filter(
        lambda n: n not in ("on", "no", "yes", "off")
    ),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


@many(40)
@given(NAMES, st.randoms(use_true_random=False))
def test_order_and_repetition_of_packages_mean_nothing(names: list[str], random: Any) -> None:
    other = [*names, random.choice(names)]
    random.shuffle(other)
    assert hash_of({"packages": names}) == hash_of({"packages": other})


FIELDS: dict[str, Any] = {
    "hostname": "h",
    "locale": "de_DE.UTF-8",
    "packages": ["a1", "b1"],
    "services": {"enable": ["x", "w"], "mask": ["z"]},
    "boot": {"timeout": 1, "title": "t", "firmware": ["bios", "uefi"]},
    "image": {"label": "L", "exclude": ["/a/*", "/b/*"]},
    "users": [{"name": "u", "groups": ["g", "h"]}, {"name": "v"}],
    "files": [{"path": "/a", "content": "a"}, {"path": "/b", "content": "b"}],
}


def shuffled(value: Any, random: Any) -> Any:
    """``value`` with its keys, and the lists whose order does not matter, in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: shuffled(item, random) for key, item in items}
    if isinstance(value, list):
        return random.sample([shuffled(item, random) for item in value], len(value))
    return value


@many(40)
@given(st.randoms(use_true_random=False))
def test_order_of_keys_and_sets_means_nothing(random: Any) -> None:
    assert hash_of(FIELDS) == hash_of(shuffled(FIELDS, random))


TREES = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6})?\.txt", fullmatch=True), st.text(max_size=20), min_size=1, max_size=4
)


@many(30)
@given(TREES, TREES)
def test_order_of_overlays_means_nothing(one: dict[str, str], other: dict[str, str]) -> None:
    trees = {"one": one, "other": other}
    places = [{"source": "one", "target": "/1"}, {"source": "other", "target": "/2"}]
    assert hash_of({"overlays": places}, trees) == hash_of({"overlays": places[::-1]}, trees)


@many(40)
@given(TREES, TREES)
def test_any_content_counts(one: dict[str, str], other: dict[str, str]) -> None:
    profile_ = {"overlays": ["tree"]}
    same = hash_of(profile_, {"tree": one}) == hash_of(profile_, {"tree": other})
    assert same == ({p: t.encode() for p, t in one.items()} == {p: t.encode() for p, t in other.items()})


def test_where_a_tree_lies_and_when_it_was_written_means_nothing() -> None:
    with tempfile.TemporaryDirectory() as name:
        hashes = set()
        for number, directory in enumerate((Path(name, "a"), Path(name, "b", "c"))):
            (directory / f"tree{number}").mkdir(parents=True)
            file = directory / f"tree{number}" / "f"
            file.write_text("same")
            os.utime(file, (number, number))
            file.chmod(0o600 if number else 0o664)  # umask, which git does not keep
            file.parent.chmod(0o700 if number else 0o775)
            (directory / "x.yaml").write_text(f"version: 1\noverlays: [tree{number}]\n")
            hashes.add(normalise(directory, "x").values["overlay"]["tree"][-1]["digest"])
            hashes.add(keys.key(normalise(directory, "x").values["overlay"]))
        assert len(hashes) == 2


KEY = (PROFILES / "keys" / "extra.asc").read_text()
HOOKS = {"hooks": {"one.sh": "echo 1\n", "two.sh": "echo 2\n"}, "keys": {"a.asc": KEY}}


def test_order_of_hooks_counts() -> None:
    names = ["hooks/one.sh", "hooks/two.sh"]
    assert hash_of({"hooks": names}, HOOKS) != hash_of({"hooks": names[::-1]}, HOOKS)


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "release": ({}, {"release": "bookworm"}),
    "components": ({}, {"components": ["main", "contrib"]}),
    "snapshot": ({}, {"snapshot": "20260101T000000Z"}),
    "repositories": (
        {"repositories": [{"name": "a", "key": "keys/a.asc"}]},
        {"repositories": [{"name": "a", "key": "keys/a.asc", "components": ["other"]}]},
    ),
    "packages": ({}, {"packages": ["curl"]}),
    "recommends": ({}, {"recommends": True}),
    "kernel": ({}, {"kernel": "linux-image-cloud-amd64"}),
    "distribution": ({}, {"distribution": "arch"}),
    "initrd": ({}, {"initrd": {"generator": "dracut"}}),
    "hostname": ({}, {"hostname": "other"}),
    "locale": ({}, {"locale": "de_DE.UTF-8"}),
    "keymap": ({}, {"keymap": "de"}),
    "timezone": ({}, {"timezone": "Europe/Berlin"}),
    "network": ({}, {"network": "dhcp"}),
    "users": (
        {"users": [{"name": "a"}]},
        {
            "users": [
                {
                    "name": "a",
                    "ssh_keys": [SSH_KEY],
                }
            ]
        },
    ),
    "services": ({}, {"services": {"enable": ["ssh"]}}),
    "overlays": ({}, {"overlays": ["hooks"]}),
    "permissions": ({}, {"permissions": [{"path": "/etc", "mode": "0700"}]}),
    "files": ({"files": [{"path": "/a"}]}, {"files": [{"path": "/a", "mode": "0600"}]}),
    "hooks": ({"hooks": ["hooks/one.sh"]}, {"hooks": ["hooks/two.sh"]}),
    "boot": ({}, {"boot": {"timeout": 4}}),
    "persistence": ({}, {"persistence": {"label": "mine"}}),
    "image": ({}, {"image": {"compression": {"level": 3}}}),
}
NO_CHANGE = {
    "description": "d", "mirror": "https://m.example/debian", "secrets": {"allow": ["/x"]}, "check": {"timeout": 20},
}  # fmt: skip
ONE_CHOICE = {"version", "architecture", "extends", "remove", "base"}
"""Fields with a single value, and those that name another profile."""


@pytest.mark.parametrize("field", CHANGES)
def test_a_field_counts(field: str) -> None:
    before, after = CHANGES[field]
    assert hash_of(before, HOOKS) != hash_of(after, HOOKS)


@pytest.mark.parametrize("field", NO_CHANGE)
def test_what_never_changes_an_iso_does_not_count(field: str) -> None:
    assert hash_of({}) == hash_of({field: NO_CHANGE[field]})


def test_where_a_repository_lies_does_not_count() -> None:
    """No more than the distribution's mirror: the keys vouch for what it has. Nor does the form of the key's file."""

    def at(**fields: str) -> str:
        return hash_of({"repositories": [{"name": "a", "key": "keys/a.asc", **fields}]}, HOOKS)

    assert at(url="https://a.example") == at(url="https://b.example/c%20d") == at()
    assert at(url="https://a.example") != at(name="b", url="https://a.example")
    for form in (KEY.replace("\n", "\r\n"), f"\ufeffThe key:\n\n{KEY}"):
        assert hash_of({"repositories": [{"name": "a", "key": "keys/a.asc"}]}, {"keys": {"a.asc": form}}) == at()


def test_each_field_is_one_or_the_other() -> None:
    assert schema()["properties"].keys() == CHANGES.keys() | NO_CHANGE.keys() | ONE_CHOICE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("distribution: arch\nrelease: trixie\n", "3:10: arch has no release 'trixie'; the only release is rolling"),
        ("architecture: x86_64\n", "2:15: debian has no architecture 'x86_64'; the only architecture is amd64"),
        ("distribution: arch\narchitecture: amd64\n",
         "3:15: arch has no architecture 'amd64'; the only architecture is x86_64"),
        ("distribution: arch\nrepositories:\n  - {name: x, url: http://x.example, key: own.yaml, suites: [s]}\n",
         "4:61: a repository of arch has no suites; leave it out"),
        ("repositories:\n  - {name: x, key: own.yaml, suites: [stable/]}\n",
         "3:39: 'stable/' is a directory without components, which is not supported; use a repository with dists/"),
        ("repositories:\n  - {name: x, key: own.yaml}\n", "3:20: key 'own.yaml' has no OpenPGP public key; get"),
        ("components: [core]\n", "2:14: debian has no component 'core'; choose one of main, contrib"),
        ("distribution: arch\ninitrd: {generator: initramfs-tools}\n",
         "3:21: arch has no generator 'initramfs-tools'; choose one of mkinitcpio, dracut"),
        ("initrd: {generator: mkinitcpio}\n", "2:21: debian has no generator 'mkinitcpio'; choose one of"),
    ],
)  # fmt: skip
def test_what_the_distribution_does_not_have(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.yaml").write_text(f"version: 1\n{text}")
    with pytest.raises(ProfileError) as caught:
        normalise(tmp_path, "own")
    assert f"own.yaml:{message}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{version: 1, base: below}", "1:20: base must be on a line of its own: `base: NAME`; move it"),
        ("version: 1\nbase:\n  below\n", "3:3: base must be on a line of its own: `base: NAME`; move it"),
        ('version: 1\nbase: "bel\\x6fw"\n', "2:7: base must be on a line of its own: `base: NAME`; move it"),
        ("version: 1\nbase: belwo\n", "2:7: base: no profile 'belwo' can be built; did you mean 'below'"),
        ("version: 1\nbase: _hidden\n", "2:7: base: no profile '_hidden' can be built"),
        ("version: 1\nbase: own\n", "2:7: base is circular: own; break the cycle"),
        ("version: 1\nbase: round\n", "2:7: base is circular: own -> round; break the cycle"),
        ("version: 1\nrelease: bookworm\nbase: below\n",
         "2:10: release is 'bookworm', and that of the base 'below' is 'trixie'; make them the same"),
        ("version: 1\nbase: cloud\n", "2:7: kernel is 'linux-image-amd64', and that of the base 'cloud' is"),
    ],
)  # fmt: skip
def test_a_base_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    others = {"below": "", "_hidden": "", "round": "base: own\n", "cloud": "kernel: linux-image-cloud-amd64\n"}
    for name, more in others.items():
        (tmp_path / f"{name}.yaml").write_text(f"version: 1\n{more}")
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ProfileError) as caught:
        normalise(tmp_path, "own")
    assert f"own.yaml:{message}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("base: other\n",
         ["2:7: distribution is 'debian', and that of the base 'other' is 'arch'; make them the same"]),
        ("base: dracut\n",
         ["2:7: initrd.generator is 'initramfs-tools', and that of the base 'dracut' is 'dracut'; make them the same"]),
    ],
)  # fmt: skip
def test_a_base_that_differs_in_one_thing(tmp_path: Path, text: str, problems: list[str]) -> None:
    """What follows from another distribution is not reported as well."""
    for name, more in {"other": "distribution: arch\n", "dracut": "initrd: {generator: dracut}\n"}.items():
        (tmp_path / f"{name}.yaml").write_text(f"version: 1\n{more}")
    (tmp_path / "own.yaml").write_text(f"version: 1\n{text}")
    with pytest.raises(ProfileError) as caught:
        normalise(tmp_path, "own")
    assert [str(problem).partition("own.yaml:")[2] for problem in caught.value.problems] == problems


@pytest.mark.parametrize(
    ("own", "its", "left"),
    [
        (["/a/*"], ["/a/*"], []), (["/a/b/*", "/c"], ["/a/*", "/c"], []), (["/a/b*"], ["/*"], []), ([], ["/x"], []),
        (["/a/*"], [], ["/a/*"]), (["/a/*", "/b"], ["/a/b/*"], ["/a/*", "/b"]), (["/a*"], ["/a?"], ["/a*"]),
        (["/a*"], ["/[a]*"], ["/a*"]),
    ],
)  # fmt: skip
def test_what_the_base_must_exclude_too(tmp_path: Path, own: list[str], its: list[str], left: list[str]) -> None:
    (tmp_path / "below.yaml").write_text(yaml.safe_dump({"version": 1, "image": {"exclude": its}}))
    text = yaml.safe_dump({"version": 1, "base": "below", "image": {"exclude": own}})
    (tmp_path / "own.yaml").write_text(text)
    try:
        normalise(tmp_path, "own")
        problems = []
    except ProfileError as error:
        problems = [problem.fact for problem in error.problems]
    assert sorted(problems) == sorted(
        f"image.exclude: the base 'below' does not exclude {glob}, so files of its packages stay" for glob in left
    )


ZSTD, XZ = "zstd at level 9", "xz"


@pytest.mark.parametrize(
    ("own", "its", "told"),
    [
        ("", "", []),
        ("", "image: {compression: {algorithm: xz}}", []),  # A default says nothing.
        ("image: {label: X}", "image: {compression: {algorithm: xz}}", []),
        ("image: {compression: {algorithm: xz}}", "image: {compression: {algorithm: xz}}", []),
        ("image: {compression: {level: 9}}", "", []),
        ("image: {compression: {algorithm: xz}}", "",
         [f"image.compression: {XZ} is for this profile's own layers; those of the base 'below' are {ZSTD}"]),
        ("image: {compression: {level: 3}}", "",
         ["image.compression: zstd at level 3 is for this profile's own layers; those of the base 'below' are "
          f"{ZSTD}"]),
        ("recommends: true", "recommends: true", []),
        ("", "recommends: true", []),
        ("recommends: true", "",
         ["recommends: is for this profile's own packages; those of the base 'below' bring none"]),
        ("snapshot: 20260901T000000Z", "snapshot: 20260901T000000Z", []),
        ("", "snapshot: 20260901T000000Z", []),
        ("snapshot: 20260901T000000Z", "",
         ["snapshot: 20260901T000000Z is for this profile's own packages; those of the base 'below' are those that its "
          "lock chose"]),
        ("snapshot: 20260901T000000Z", "snapshot: 20260801T000000Z",
         ["snapshot: 20260901T000000Z is for this profile's own packages; those of the base 'below' are of "
          "20260801T000000Z"]),
    ],
)  # fmt: skip
def test_what_has_no_effect_on_the_base_is_told(tmp_path: Path, own: str, its: str, told: list[str]) -> None:
    (tmp_path / "below.yaml").write_text(f"version: 1\n{its}\n")
    (tmp_path / "own.yaml").write_text(f"version: 1\nbase: below\n{own}\n")
    assert list(normalise(tmp_path, "own").told) == told


@pytest.mark.parametrize(
    ("consoles", "told"),
    [
        ("[tty0, ttyS0]", []),
        ("[ttyS1, tty0, 'ttyS0,9600e7', ttyS2]",
         ["boot.console: the boot menu is on ttyS1 and not on ttyS0, ttyS2"]),
    ],
)  # fmt: skip
def test_a_console_without_the_boot_menu_is_told(tmp_path: Path, consoles: str, told: list[str]) -> None:
    (tmp_path / "own.yaml").write_text(f"version: 1\nboot: {{console: {consoles}}}\n")
    assert list(normalise(tmp_path, "own").told) == told


OWN, OF_BASE = "image.exclude", "image.exclude of the base 'below'"


@pytest.mark.parametrize(
    ("locale", "own", "its", "told"),
    [
        ("de_DE.UTF-8", ["/usr/share/locale/*"], [], [(OWN, "/usr/share/locale/*")]),
        ("de_DE.UTF-8", ["/usr/share/l*"], [], [(OWN, "/usr/share/l*")]),
        ("de_DE.UTF-8", ["/usr/share/locale/[a-f]*/*"], [], [(OWN, "/usr/share/locale/[a-f]*/*")]),
        ("de_DE.UTF-8", ["/usr/share/locale/fr/*", "/usr/share/doc/*"], [], []),
        ("de_DE.UTF-8", ["/usr/share/locale/[!d]*"], [], []),
        ("ca_ES@valencia", ["/usr/share/locale/ca/*"], [], [(OWN, "/usr/share/locale/ca/*")]),
        ("C.UTF-8", ["/usr/share/locale/*"], [], []),
        ("en_GB.UTF-8", ["/usr/share/locale/*"], [], []),
        ("de_DE.UTF-8", None, ["/usr/share/locale/*"], [(OF_BASE, "/usr/share/locale/*")]),
        ("de_DE.UTF-8", ["/usr/share/locale/*"], ["/usr/share/locale/*"], [(OWN, "/usr/share/locale/*")]),
        ("de_DE.UTF-8", None, ["/usr/share/doc/*"], []),
    ],
)  # fmt: skip
def test_messages_that_are_left_out_are_told(
    tmp_path: Path, locale: str, own: list[str] | None, its: list[str], told: list[tuple[str, str]]
) -> None:
    fields: dict[str, Any] = {"version": 1, "locale": locale, "image": {"exclude": own or []}}
    if its:
        (tmp_path / "below.yaml").write_text(yaml.safe_dump({"version": 1, "image": {"exclude": its}}))
        fields["base"] = "below"
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(fields))
    assert list(normalise(tmp_path, "own").told) == [
        f"locale: {whose} leaves out the messages for {locale} ({glob}), so programs of packages speak English"
        for whose, glob in told
    ]


def test_a_base_counts_and_is_not_inherited(tmp_path: Path) -> None:
    (tmp_path / "below.yaml").write_text("version: 1\n")
    (tmp_path / "own.yaml").write_text("version: 1\nbase: below  # on its packages\n")
    (tmp_path / "other.yaml").write_text("version: 1\nextends: own\n")
    own = normalise(tmp_path, "own")
    assert own.values["lock"]["base"] == "below"
    assert tmp_path / "below.yaml" in own.sources
    assert normalise(tmp_path, "other").values["lock"]["base"] is None
    (tmp_path / "third.yaml").write_text("version: 1\nbase: null\n")
    assert normalise(tmp_path, "third").values["lock"]["base"] is None


@pytest.mark.parametrize("name", ["below", "123", "null", "yes", "1.10", "nUll", "a.b-c_d"])
@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize("end", ["", " ", "  # on its packages", "\r"])
def test_a_base_that_yaml_takes_for_something_else_is_put_in_quotes(
    tmp_path: Path, name: str, quote: str, end: str
) -> None:
    """As the message for one without them says."""
    (tmp_path / f"{name}.yaml").write_text("version: 1\n")
    (tmp_path / "own.yaml").write_text(f"version: 1\nbase: {quote}{name}{quote}{end}\n", newline="")
    if quote or name in ("below", "nUll", "a.b-c_d"):
        assert normalise(tmp_path, "own").values["lock"]["base"] == name
    elif name == "null":
        assert normalise(tmp_path, "own").values["lock"]["base"] is None
    else:
        with pytest.raises(ProfileError) as caught:
            normalise(tmp_path, "own")
        [problem] = caught.value.problems
        assert f'"{name}"' in problem.remedy


def test_a_change_touches_only_the_slices_that_read_it() -> None:
    def changed(fields: dict[str, Any]) -> set[str]:
        with tempfile.TemporaryDirectory() as name:
            directory, made = Path(name), []
            for number, some in enumerate(({"hostname": "h"}, {"hostname": "h", **fields})):
                (directory / f"x{number}.yaml").write_text(
                    yaml.safe_dump({"version": 1, "image": {"label": "X"}, **some})
                )
                made.append(normalise(directory, f"x{number}").values)
            return {step for step in made[0] if made[0][step] != made[1][step]}

    assert changed({"boot": {"timeout": 9}}) == {"iso"}
    assert changed({"boot": {"entries": ["default", "toram"], "theme": {"text": "#ffffff"}}}) == {"iso"}
    assert changed({"persistence": {"label": "mine"}}) == {"iso"}
    assert changed({"persistence": {"encrypted": True}}) == {"iso", "lock"}
    assert changed({"files": [{"path": "/a"}]}) == {"overlay"}
    assert changed({"packages": ["curl"]}) == {"lock"}
    assert changed({"image": {"label": "X", "publisher": "p"}}) == {"iso"}
    assert changed({"description": "d"}) == set()
    assert changed({"image": {"label": "X", "exclude": ["/a/*"]}}) == {"rootfs"}


def test_a_profiles_own_tree_wins_over_an_extended_ones(tmp_path: Path) -> None:
    for name in ("base", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    (tmp_path / "b.yaml").write_text("version: 1\noverlays: [base]\n")
    (tmp_path / "x.yaml").write_text("version: 1\nextends: b\noverlays: [own]\n")
    made = normalise(tmp_path, "x")
    entry = next(entry for entry in made.values["overlay"]["tree"] if entry["path"] == "/f")
    assert entry["digest"] == keys.sha256(b"own")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440, 0o700, 0o750, 0o550])
def test_a_file_that_not_everybody_may_read(tmp_path: Path, mode: int) -> None:
    """git does not store that, so permissions have to say it."""
    (tmp_path / "own" / "etc").mkdir(parents=True)
    for name in ("secret", "shadow"):
        (tmp_path / "own" / "etc" / name).write_text("x:!:1::::::\n")
        (tmp_path / "own" / "etc" / name).chmod(mode if name == "secret" else mode & 0o666)
    for path in (tmp_path / "own", tmp_path / "own/etc"):
        path.chmod(0o755)
    (tmp_path / "x.yaml").write_text("version: 1\noverlays: [own]\n")
    with pytest.raises(
        config.ProfileError, match=f"2:12: overlay 'own' has /etc/secret with mode {mode:04o}, and in the"
    ) as caught:
        normalise(tmp_path, "x")
    assert len(caught.value.problems) == 1
    said = f"permissions: [{{path: /etc/secret, mode: '{mode:04o}'}}]\n"
    (tmp_path / "x.yaml").write_text(f"version: 1\noverlays: [own]\n{said}")
    normalise(tmp_path, "x")


@pytest.mark.parametrize(("mode", "kept"), [(0o1777, "0755"), (0o777, "0755"), (0o2775, "0755")])
def test_a_directory_in_which_more_may_be_done(tmp_path: Path, mode: int, kept: str) -> None:
    (tmp_path / "own/srv/drop").mkdir(parents=True)
    (tmp_path / "own/srv/drop/a").write_text("x")
    for path, bits in {"srv/drop/a": 0o644, "srv/drop": mode, "srv": 0o755, "": 0o755}.items():
        (tmp_path / "own" / path).chmod(bits)
    (tmp_path / "x.yaml").write_text("version: 1\noverlays: [own]\n")
    fact = f"2:12: overlay 'own' has /srv/drop with mode {mode:04o}, and in the system it would be {kept}; name path"
    with pytest.raises(config.ProfileError, match=fact):
        normalise(tmp_path, "x")
    said = f"permissions: [{{path: /srv/drop, mode: '{mode:04o}'}}]\n"
    (tmp_path / "x.yaml").write_text(f"version: 1\noverlays: [own]\n{said}")
    normalise(tmp_path, "x")


@pytest.mark.parametrize(
    ("directory", "file"), [(0o755, 0o644), (0o755, 0o555), (0o775, 0o664), (0o750, 0o640), (0o700, 0o600)]
)
def test_a_file_as_a_umask_makes_it(tmp_path: Path, directory: int, file: int) -> None:
    (tmp_path / "own/etc").mkdir(parents=True)
    (tmp_path / "own/etc/a").write_text("x")
    (tmp_path / "own/etc/a").chmod(file)
    for path in (tmp_path / "own/etc", tmp_path / "own"):
        path.chmod(directory)
    (tmp_path / "x.yaml").write_text("version: 1\noverlays: [own]\n")
    normalise(tmp_path, "x")


def test_two_trees_of_one_profile_may_not_bring_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    (tmp_path / "x.yaml").write_text("version: 1\noverlays: [one, two]\n")
    with pytest.raises(
        config.ProfileError, match=r"2:17: overlay 'two' and overlay 'one' \(.*x.yaml:2:12\) both have /f; k"
    ):
        normalise(tmp_path, "x")


def test_the_later_overlay_wins(tmp_path: Path) -> None:
    """As with scalars and files: of what is extended the later, over both the profile's own; whatever the order."""
    for name in ("_pa", "_pb", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
        (tmp_path / f"{name}.yaml").write_text(f"version: 1\nhostname: {name.strip('_')}\noverlays: [{name}]\n")
    for extends, own, winner in (
        ("[_pa, _pb]", "", "_pb"),
        ("[_pb, _pa]", "", "_pa"),
        ("[_pa, _pb]", "overlays: [own]\nhostname: own\n", "own"),
    ):
        (tmp_path / "x.yaml").write_text(f"version: 1\nextends: {extends}\n{own}")
        made = normalise(tmp_path, "x")
        tree = {entry.path: entry.digest for entry in made.slice(overlay.Slice).tree}
        assert tree["/f"] == keys.sha256(winner.encode())
        assert tree["/etc/hostname"] == keys.sha256(f"{winner.strip('_')}\n".encode())


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ([], {}),
        ([{"name": "a"}, {"name": "b", "password_hash": "*"}], {}),
        ([{"name": "a", "password_hash": f"$y$j9T$x${'h' * 43}"}], {"user": "a", "how": "password"}),
        (
            [{"name": "b", "password_hash": f"$1$x${'h' * 22}"}, {"name": "c", "password_hash": ""}],
            {"user": "c", "how": "empty"},
        ),
        ([{"name": "a", "password_hash": ""}, {"name": "z", "autologin": True}], {"user": "z", "how": "autologin"}),
    ],
)
def test_who_can_log_in(tmp_path: Path, users: list[dict[str, Any]], expected: dict[str, str]) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({"version": 1, "users": users}))
    made = normalise(tmp_path, "x")
    assert made.about["login"] == expected
    assert "login" not in made.values
