"""What of a profile the initramfs hears, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from debate.errors import ProfileError
from debate.keys import sha256
from debate.profile.load import load
from debate.steps import config, initrd
from tests.conftest import write_files

TREE = {
    "etc/modprobe.d/x.conf", "etc/mdadm.conf", "etc/lvm/lvm.conf", "etc/plymouth/plymouthd.conf",
    "etc/udev/rules.d/x.rules", "usr/lib/modules/6/x.ko", "usr/lib/firmware/x", "etc/ld.so.conf.d/x.conf",
    "etc/fonts/x",
}  # fmt: skip
OWN = {
    "initramfs-tools": {
        "etc/initramfs-tools/modules",
        "etc/initramfs-tools/conf.d/x",
        "etc/initramfs-tools/initramfs.conf",
        "etc/fstab",
    },
    "dracut": {"etc/dracut.conf.d/x.conf", "usr/lib/dracut/modules.d/90x/module-setup.sh", "etc/modules-load.d/x.conf"},
    "mkinitcpio": {"etc/mkinitcpio.conf.d/x.conf", "etc/mkinitcpio.conf", "etc/initcpio/install/x"},
}
SHARED = {
    "etc/crypttab",
    "etc/default/keyboard",
    "etc/console-setup/x.kmap",
    "etc/systemd/network/x.link",
    "usr/lib/systemd/network/x.link",
    "etc/mdadm/mdadm.conf",
}
"""What initramfs-tools and dracut read, and no hook of mkinitcpio beside archiso's."""
COMMENT = "# x\n"
OTHERS = {"etc/motd", "etc/crypttab2", "usr/bin/x", "etc/modprobe.conf.x"}


def slice_of(directory: Path, profile: str, **files: str) -> initrd.Slice:
    write_files(directory, {"p.yaml": f"version: 1\n{profile}", **files})
    return config.normalise(load(directory, "p"), directory).slice(initrd.Slice)


def system(generator: str) -> str:
    distribution = "arch" if generator == "mkinitcpio" else "debian"
    return f"distribution: {distribution}\ninitrd:\n  generator: {generator}\n"


@pytest.mark.parametrize("generator", OWN)
def test_files_that_it_reads_are_taken_along(tmp_path: Path, generator: str) -> None:
    """From overlays as from `files`, and no others: a change of those costs no initramfs."""
    names = sorted(TREE | SHARED | OTHERS | {name for own in OWN.values() for name in own})
    half = len(names) // 2
    files = "".join(f"  - {{path: /{name}, content: {json.dumps(COMMENT)}}}\n" for name in names[:half])
    overlay = {f"tree/{name}": COMMENT for name in names[half:]}
    found = slice_of(tmp_path, f"{system(generator)}overlays: [tree]\nfiles:\n{files}", **overlay)
    kept = {entry.path.lstrip("/") for entry in found.tree if entry.type == "file"}
    shared = set() if generator == "mkinitcpio" else SHARED
    of_fields = {"etc/locale.conf"} if generator == "dracut" else set()
    assert kept == TREE | OWN[generator] | shared | of_fields
    again = {**overlay, **{f"tree/{name}": "# y\n" for name in OTHERS if f"tree/{name}" in overlay}}
    assert again != overlay
    assert slice_of(tmp_path, f"{system(generator)}overlays: [tree]\nfiles:\n{files}", **again) == found


@pytest.mark.parametrize(("generator", "file"), [
    ("initramfs-tools", "/etc/default/keyboard"), ("dracut", "/etc/locale.conf"), ("mkinitcpio", "/etc/vconsole.conf"),
])  # fmt: skip
def test_files_of_fields_are_taken_along(tmp_path: Path, generator: str, file: str) -> None:
    """A passphrase is typed in the layout of `keymap`."""
    found = slice_of(tmp_path, f"{system(generator)}keymap: de\nlocale: de_DE.UTF-8\nhostname: x\n")
    assert file in {entry.path for entry in found.tree}
    assert "/etc/hostname" not in {entry.path for entry in found.tree}


@pytest.mark.parametrize("generator", OWN)
def test_hooks_are_where_the_generator_looks(tmp_path: Path, generator: str) -> None:
    found = slice_of(tmp_path, f"{system(generator)}  hooks: [h/one.sh, two]\n", **{"h/one.sh": "1", "two": "2"})
    assert found.hooks == ("one", "two")
    assert {(entry.path, entry.mode) for entry in found.tree if entry.path != "/etc/locale.conf"} == {
        (path.format(name), "0755")
        for name in ("one", "two")
        for path in [{
            "initramfs-tools": "/etc/initramfs-tools/hooks/{}",
            "dracut": "/usr/lib/dracut/modules.d/91{}/module-setup.sh",
            "mkinitcpio": "/etc/initcpio/install/{}",
        }[generator]]
    }  # fmt: skip


@pytest.mark.parametrize("generator", OWN)
def test_hooks_see_all_packages(tmp_path: Path, generator: str) -> None:
    """What a hook takes along may be of any package; without one the root has few."""
    path = HOOKS[generator][0]
    assert slice_of(tmp_path, f"{system(generator)}  hooks: [h.sh]\n", **{"h.sh": "x"}).of_packages
    assert slice_of(tmp_path, f"{system(generator)}files: [{{path: /{path}, mode: '0755'}}]\n").of_packages
    other = sorted(OWN[generator] - {path for path in OWN[generator] if "/install/" in path or "modules.d" in path})[0]
    assert not slice_of(tmp_path, f"{system(generator)}files: [{{path: /{other}}}]\n").of_packages


@pytest.mark.parametrize(("generator", "path", "fact"), [
    ("initramfs-tools", "etc/initramfs-tools/hooks/a+b", "is not read by mkinitramfs; give it a name of letters"),
    ("initramfs-tools", "etc/initramfs-tools/hooks/a b", "is not read by mkinitramfs"),
    ("initramfs-tools", "etc/initramfs-tools/hooks/d/x", "is not read by mkinitramfs"),
    ("initramfs-tools", "etc/initramfs-tools/scripts/local-top/d/x", "is not read by mkinitramfs; name it DIRECTORY"),
    ("initramfs-tools", "etc/initramfs-tools/conf.d/.x", "is not read by mkinitramfs"),
    ("initramfs-tools", "etc/initramfs-tools/conf.d/x.dpkg-old", "is not read by mkinitramfs"),
    ("initramfs-tools", "etc/modprobe.d/x", "is not read by modprobe; end its name with .conf"),
    ("dracut", "etc/dracut.conf.d/x", "is not read by dracut; end its name with .conf"),
    ("dracut", "lib/dracut/modules.d/mine/module-setup.sh", "is not read by dracut; start the module's name with two"),
    ("mkinitcpio", "etc/mkinitcpio.conf.d/x", "is not read by mkinitcpio; end its name with .conf"),
    ("mkinitcpio", "etc/crypttab.initramfs", "is not read by any hook that can run beside archiso's; write `initrd: "),
])  # fmt: skip
def test_what_a_generator_passes_over(tmp_path: Path, generator: str, path: str, fact: str) -> None:
    with pytest.raises(ProfileError) as caught:
        slice_of(tmp_path, f"{system(generator)}files:\n  - {{path: '/{path}', mode: '0755'}}\n")
    [problem] = caught.value.problems
    assert f"{path} {fact}" in str(caught.value)
    assert problem.place is not None
    assert problem.place.line == 6


def test_what_is_there_for_people(tmp_path: Path) -> None:
    slice_of(tmp_path, "files: [{path: /etc/modprobe.d/README}, {path: /etc/modprobe.d/.gitkeep}]\n")
    slice_of(
        tmp_path, "files: [{path: /etc/initramfs-tools/hooks/README}, {path: /etc/initramfs-tools/scripts/.gitkeep}]"
    )


def test_a_script_that_is_a_link(tmp_path: Path) -> None:
    path = tmp_path / "tree/etc/initramfs-tools/scripts/local-top/x"
    path.parent.mkdir(parents=True)
    path.symlink_to("/usr/bin/true")
    with pytest.raises(ProfileError, match="local-top/x is a link, and mkinitramfs passes over it; put the file there"):
        slice_of(tmp_path, "overlays: [tree]\n")


@pytest.mark.parametrize("generator", OWN)
def test_a_layout_takes_what_loads_it(tmp_path: Path, generator: str) -> None:
    """Its packages are in the root of the initramfs only where the profile has a layout."""
    assert slice_of(tmp_path, f"{system(generator)}keymap: de\n").has_layout
    assert not slice_of(tmp_path, system(generator)).has_layout


def test_files_of_packages_need_all_packages(tmp_path: Path) -> None:
    of_profile = "initrd: {files: [/srv/x]}\nfiles: [{path: /srv/x, content: x}]\n"
    assert not slice_of(tmp_path, of_profile).of_packages
    assert [entry.path for entry in slice_of(tmp_path, of_profile).tree] == ["/srv/x"]
    assert slice_of(tmp_path, "initrd: {files: [/usr/bin/x]}\n").of_packages
    assert not slice_of(tmp_path, "").of_packages


REFUSED = [
    ("update-initramfs -u\n", "update-initramfs"),
    ("  /usr/sbin/update-initramfs -c -k all\n", "update-initramfs"),
    ("true && mkinitcpio -P\n", "mkinitcpio"),
    ("if true; then dracut --force; fi\n", "dracut"),
    ("LC_ALL=C exec dracut\n", "dracut"),
    ("x=$(mkinitramfs -o /x)\n", "mkinitramfs"),
    ("nice -n 5 /usr/sbin/update-initramfs -u\n", "update-initramfs"),
    ("timeout 9m mkinitcpio -P\n", "mkinitcpio"),
    ("sudo env LC_ALL=C dracut\n", "dracut"),
    ("bash -ec '/usr/bin/dracut --force'\n", "dracut"),
    ('sh -c "update-initramfs -u"\n', "update-initramfs"),
]


@pytest.mark.parametrize(("script", "program"), REFUSED)
def test_a_hook_that_makes_one(tmp_path: Path, script: str, program: str) -> None:
    with pytest.raises(ProfileError) as caught:
        slice_of(tmp_path, "hooks: [x.sh]\n", **{"x.sh": f"#!/bin/sh\n{script}"})
    [problem] = caught.value.problems
    assert problem.fact == f"hook 'x.sh' runs {program}, and the initramfs is not made by hooks"
    assert problem.remedy.startswith("remove that; say what the initramfs needs with `initrd`")
    assert problem.place is not None
    assert problem.place.line == 2


@pytest.mark.parametrize(
    "script",
    [
        "# update-initramfs -u\n", "apt-get purge dracut\n", "rm -rf /etc/dracut.conf.d\n", "dracut-cpio x\n",
        "echo mkinitcpio\n", "sed -i s/x/y/ /etc/initramfs-tools/update-initramfs.conf\n",
    ],
)  # fmt: skip
def test_a_hook_that_only_mentions_one(tmp_path: Path, script: str) -> None:
    slice_of(tmp_path, "hooks: [x.sh]\n", **{"x.sh": f"#!/bin/sh\n{script}true\n"})


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (
            "files: [{path: /etc/initramfs-tools/hooks/x, content: x}]\n",
            "/etc/initramfs-tools/hooks/x is not executable, so mkinitramfs passes over it; set its mode to",
        ),
        ("overlays: [tree]\n", "/etc/initramfs-tools/scripts/local-top/x is not executable"),
        ("initrd: {hooks: [a/x.sh, b/x]}\n", "two hooks have the name 'x'; rename one"),
        ("initrd: {hooks: [none.sh]}\n", "hook 'none.sh' is missing"),
        ("initrd: {hooks: [bom]}\n", "hook 'bom' starts with a byte order mark"),
        ("initrd: {hooks: [crlf]}\n", "hook 'crlf' has lines that end in CR LF"),
    ],
)
def test_what_is_refused(tmp_path: Path, profile: str, said: str) -> None:
    files = {"a/x.sh": "x", "b/x": "x", "bom": "\ufeff#!/bin/sh\n", "crlf": "#!/bin/sh\r\n"}
    with pytest.raises(ProfileError) as caught:
        slice_of(tmp_path, profile, **files, **{"tree/etc/initramfs-tools/scripts/local-top/x": "x"})
    assert said in str(caught.value)


DRACUT = "usr/lib/dracut/modules.d"
HOOKS = {
    "initramfs-tools": ("etc/initramfs-tools/hooks/h",),
    "dracut": (f"{DRACUT}/91h/module-setup.sh", "lib/dracut/modules.d/91h/module-setup.sh"),
    "mkinitcpio": ("etc/initcpio/install/h",),
}
"""Generator -> the file of a hook h.sh, in each spelling."""
OWN_HOOKS = {
    "initramfs-tools": ("etc/initramfs-tools/hooks/zz-debate", "etc/initramfs-tools/hooks/zz-debate/x"),
    "dracut": (
        f"{DRACUT}/91live-layers", f"{DRACUT}/91live-layers/module-setup.sh", f"{DRACUT}/90live-layers/x",
        "lib/dracut/modules.d/91live-layers/stack.sh",
    ),
    "mkinitcpio": (
        "usr/lib/initcpio/install/live_layers", "lib/initcpio/hooks/live_layers", "etc/initcpio/install/live_layers",
        "etc/initcpio/hooks/live_layers", "etc/initcpio/install/live_layers/x",
    ),
}  # fmt: skip
"""Generator -> what would replace debate's own hook, or be replaced by it."""
PATHS = {name: [(generator, path) for generator in found for path in found[generator]]
         for name, found in (("own", OWN_HOOKS), ("hooks", HOOKS))}  # fmt: skip


@pytest.mark.parametrize(("generator", "path"), PATHS["own"])
@pytest.mark.parametrize("field", ["files", "overlay"])
def test_a_file_in_the_place_of_debates_own_hook(tmp_path: Path, generator: str, path: str, field: str) -> None:
    said = "overlays: [tree]\n" if field == "overlay" else f"files: [{{path: /{path}, mode: '0755'}}]\n"
    with pytest.raises(ProfileError) as caught:
        slice_of(tmp_path, system(generator) + said, **{f"tree/{path}": "x"})
    named = "overlay 'tree'" if field == "overlay" else "files"
    real = f"/usr/{path}" if path.startswith("lib/") else f"/{path}"
    [problem] = [each for each in caught.value.problems if "own hook" in each.fact]
    assert problem.fact.startswith(f"{named}: ")
    assert field == "overlay" or problem.fact == f"files: {real} is of debate's own hook"
    assert problem.place is not None
    assert problem.place.line == 5


@pytest.mark.parametrize(
    ("generator", "name"), [("initramfs-tools", "zz-debate"), ("dracut", "live-layers"), ("mkinitcpio", "live_layers")]
)
def test_a_hook_with_the_name_of_debates_own(tmp_path: Path, generator: str, name: str) -> None:
    with pytest.raises(ProfileError, match=r"p\.yaml:5:11: initrd\.hooks: \S+ is of debate's own hook; rename it"):
        slice_of(tmp_path, f"{system(generator)}  hooks: [{name}.sh]\n", **{f"{name}.sh": "x"})
    others = [other for other in ("zz-debate", "live-layers", "live_layers") if other != name]
    hooks = ", ".join(f"{other}.sh" for other in others)
    slice_of(tmp_path, f"{system(generator)}  hooks: [{hooks}]\n", **{f"{other}.sh": "x" for other in others})


@pytest.mark.parametrize(("generator", "path"), PATHS["hooks"])
def test_a_hook_and_a_file_in_its_place(tmp_path: Path, generator: str, path: str) -> None:
    """However the file's path is spelled; of profiles that extend each other the later one's is there."""
    hook, file = f"{system(generator)}  hooks: [h.sh]\n", f"files: [{{path: /{path}, content: x, mode: '0755'}}]\n"
    with pytest.raises(ProfileError, match=r"p\.yaml:5:11: initrd\.hooks and files \(\S+p\.yaml:6:16\) both have"):
        slice_of(tmp_path, hook + file, **{"h.sh": "y"})
    for first, second in ((hook, file), (file, hook)):
        write_files(tmp_path, {"_a.yaml": f"version: 1\n{first}"})
        found = slice_of(tmp_path, f"extends: _a\n{system(generator) if second is file else ''}{second}")
        [entry] = [entry for entry in found.tree if entry.path.endswith(f"/{path.removeprefix('lib/')}")]
        assert entry.digest == sha256(b"y" if second is hook else b"x")


@pytest.mark.parametrize("paths", [("/lib/firmware/x", "/usr/lib/firmware/x"), ("/usr/bin/x", "/bin/x")])
def test_two_spellings_of_a_path(tmp_path: Path, paths: tuple[str, str]) -> None:
    files = [f"{{path: {path}, content: '{number}'}}" for number, path in enumerate(paths)]
    wanted = f"initrd: {{files: [{paths[0]}]}}\n"
    with pytest.raises(ProfileError, match=rf"files and files \(\S+\) both have {max(paths, key=len)}; keep one"):
        slice_of(tmp_path, f"{wanted}files: [{', '.join(files)}]\n")
    for file in files:
        found = slice_of(tmp_path, f"{wanted}files: [{file}]\n")
        assert [entry.path for entry in found.tree] == [max(paths, key=len)]
        assert not found.of_packages


@pytest.mark.parametrize(
    "fields",
    [
        "modules: [a b]", "modules: [../x]", "files: [usr/x]", "files: [/x y]", "files: [/x/../y]", "firmware: [/x]",
        "firmware: [../x]", "firmware: [a b]", "firmware: [$x]", "hooks: [/etc/x]", "hooks: ['x/y z']",
        "compression: bzip2",
    ],
)  # fmt: skip
def test_what_crosses_a_shell_is_plain(tmp_path: Path, fields: str) -> None:
    with pytest.raises(ProfileError):
        slice_of(tmp_path, f"initrd: {{{fields}}}\n")


def test_a_base_says_nothing_of_the_initramfs(tmp_path: Path) -> None:
    write_files(tmp_path, {"below.yaml": "version: 1\ninitrd: {modules: [nbd]}\n"})
    assert slice_of(tmp_path, "base: below\n").modules == ()
