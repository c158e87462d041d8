"""What starts a live system over a network: scripts for iPXE and GRUB, and a second initramfs that names the files.

The files themselves are those of the ISO. `doit netboot:NAME` puts all of them into one directory.

Sources: iPXE's documentation (cmd/kernel, cmd/initrd, cfg/cwduri), system() in src/core/exec.c of iPXE for how a line
is split; GRUB's manual (Network, `net_default_server`), grub-mkimage(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from debate import keys, live
from debate.artifact import Artifact
from debate.images import iso, menu
from debate.live import medium
from debate.machines import machine
from debate.steps import boot
from debate.steps.listed import for_people
from debate.steps.rule import Rule
from debate.text import kernel_line
from debate.text.amounts import bytes_shown
from debate.text.grub import quote

if TYPE_CHECKING:
    from debate.cache.store import Store
    from debate.history.records import Report
    from debate.live.interface import Live, Network
    from debate.model import Step
    from debate.steps.work import Work

IPXE, GRUB, LAYERS = "boot.ipxe", "grub.cfg", "layers.img"
_IMAGES = {"bios": "grub.pxe", "uefi": "grub.efi", "uefi-ia32": "grub-ia32.efi"}
"""Firmware -> name of GRUB's image, which is the output of that name."""
_BASE = "base"
"""The variable of both boot loaders that has the URL of the directory."""
_NOT_FOR_IPXE = re.compile(r"  |(?:^| )(?:#|(?:&&|\|\||;)(?: |\Z))|\$\{")
"""What iPXE takes for more spaces than one, a comment, the end of a command, or a setting. It has no quotes."""
_LACKS = for_people("part that is missing", "network", 1 << 12)


def make(work: Work) -> Report:
    """Record: outputs layers and lacks, and one for each firmware; files of the directory by path, some as texts."""
    from debate.history.records import record_of, report_of

    values, images = work.slice(iso.Slice, "iso"), work.slice(boot.Slice, "boot")
    config = work.record("hash")
    name, epoch = medium.medium(config["config"]), config["epoch"]
    found = iso.live_system(
        work, values, work.outputs("initrd")["kernel"], name, epoch,
        lambda image: keys.sha512_file(work.store.path(image)),
    )  # fmt: skip
    system = live.get(values.distribution, values.generator).NETWORK
    result = work.realise(
        step(system, found, images, work.epoch(epoch), work.tools),
        check=lambda made: lacking(work.store, made["lacks"]),
    )
    texts, files = directory(values, found, system, result.outputs)
    record = record_of(result.outputs)
    record |= {"texts": {path: data.decode("latin-1") for path, data in texts.items()}}
    record |= {"files": {path: vars(file) for path, file in files.items()}}
    work.save(record)
    return {**report_of(result), **work.remember(result)}


def lacking(store: Store, lacks: Artifact) -> list[str]:
    """What the initramfs lacks to fetch the system. Raises DebateError if the list is damaged."""
    return [match[0] for match in _LACKS.read(store, lacks)]


def step(network: Network, live: Live, images: boot.Slice, epoch: int, tools: Artifact) -> Step:
    """Outputs: layers and lacks, and one for each firmware."""
    from debate.model import Command, Step
    from debate.sandbox.image.lines import as_lines

    targets = machine(images.architecture).grub
    return Step(
        name="network",
        commands=(Command("network.sh"),),
        outputs=("layers", "lacks", *images.firmware),
        epoch=epoch,
        parameters={
            "needs": as_lines(f"{name}\t{words}" for name, words in network.needs.items()),
            "files": as_lines(_summed(to_fetch(live))),
            "fetch": as_lines(network.fetch),
            "firmware": as_lines(f"{firmware} {targets[firmware]}" for firmware in images.firmware),
            "early.cfg": f"configfile $cmdpath/{GRUB}\n".encode(),
        },
        inputs={"initrd": _artifact(live.tree[_initrd(live)])},
        tools=tools,
    )


def to_fetch(live: Live) -> dict[str, Artifact]:
    """Path -> content of each file that the initramfs fetches, sorted: all but the kernel and itself."""
    loaded = (live.kernel[1:], _initrd(live))
    return {path: _artifact(content) for path, content in sorted(_tree(live).items()) if path not in loaded}


def _initrd(live: Live) -> str:
    """Path of the initramfs that profiles share. What comes before it binds it to a medium, and here there is none."""
    return live.initrds[-1][1:]


def _tree(live: Live) -> dict[str, Artifact | bytes]:
    """The files of the ISO that are in the directory, too."""
    return {path: content for path, content in live.tree.items() if f"/{path}" not in live.initrds[:-1]}


def _artifact(content: Artifact | bytes) -> Artifact:
    return Artifact.of(content) if isinstance(content, bytes) else content


def _summed(files: Mapping[str, Artifact]) -> Iterable[str]:
    return (f"{keys.digits(file.digest)} {file.size} {path}" for path, file in files.items())


def directory(
    values: iso.Slice, live: Live, network: Network, made: Mapping[str, Artifact]
) -> tuple[dict[str, bytes], dict[str, Artifact]]:
    """The files of the directory, by their paths: texts, and artifacts. ``made`` has the outputs of `step`."""
    artifacts = {LAYERS: made["layers"], **{name: made[output] for output, name in _IMAGES.items() if output in made}}
    own = {IPXE: ipxe(values, live, network), GRUB: grub(values, live, network), "README": readme(values, live)}
    texts = {name: text.encode() for name, text in own.items()}
    for path, content in _tree(live).items():
        if isinstance(content, bytes):
            texts[path] = content
        else:
            artifacts[path] = content
    known = {**{path: Artifact.of(data) for path, data in texts.items()}, **artifacts}
    sums = (f"{keys.digits(known[path].digest)}  {path}\n" for path in sorted(known))
    return {**texts, "SHA256SUMS": "".join(sums).encode()}, artifacts


def ipxe(values: iso.Slice, live: Live, network: Network) -> str:
    """The script for iPXE, which starts the default of the menu, unless `not_for_ipxe` names an argument."""
    arguments = [argument.format(base=f"${{{_BASE}}}") for argument in network.arguments]
    line = " ".join([*arguments, "BOOTIF=01-${netX/mac:hexhyp}", kernel_line.joined(_default(values))])
    path = _initrd(live)
    initrd = path.rpartition("/")[2]
    return (
        "#!ipxe\n"
        "# For images on another server: set base http://SERVER/DIRECTORY/ before this is called.\n"
        # Before 2023, iPXE did not tell where it is, but knows what DHCP named.
        f"isset ${{{_BASE}}} || set {_BASE} ${{cwduri}}\n"
        f"isset ${{{_BASE}}} || set {_BASE} ${{filename}}/../\n"
        f"kernel {live.kernel[1:]} initrd={LAYERS} initrd={initrd} {line}\n"
        f"initrd {LAYERS}\n"
        f"initrd {path}\n"
        "boot\n"
    )


def not_for_ipxe(values: iso.Slice) -> str:
    """The kernel argument that iPXE would read as something else; empty if there is none."""
    return next((argument for argument in _default(values) if _NOT_FOR_IPXE.search(argument)), "")


def _default(values: iso.Slice) -> tuple[str, ...]:
    """Kernel arguments of the entry that starts by itself."""
    entries, default = menu.without_medium(values)
    return next(entry.arguments for entry in entries if entry.id == default)


def grub(values: iso.Slice, live: Live, network: Network) -> str:
    """GRUB's menu, which finds all else where it was found itself."""
    told = " ".join([*map(_with_base, network.arguments), 'BOOTIF="01-$net_default_mac"'])

    def lines_of(entry: menu.Entry) -> list[str]:
        return [
            menu.head(entry),
            " ".join([f'    linux "$here{live.kernel}" {told}', *map(quote, entry.arguments)]),
            f'    initrd "$here/{LAYERS}" "$here/{_initrd(live)}"',
            "}",
        ]

    entries, default = menu.without_medium(values)
    return "\n".join([
        *menu.terminals(values.console),
        "set here=$config_directory",  # which GRUB forgets when it has read this
        "# For images on another server: set and export base=http://SERVER/DIRECTORY/ before this is read.",
        f'if [ -z "${_BASE}" ]; then',
        # DHCP names a file for TFTP without the first slash, and then the directory has none.
        "    regexp --set=1:protocol --set=2:server --set=3:path '^\\(([a-z]+),([^)]*)\\)/*(.*)$' \"$here\"",
        f'    set {_BASE}="$protocol://$server/"',
        f'    if [ -n "$path" ]; then set {_BASE}="${_BASE}$path/"; fi',
        "fi",
        f"export here {_BASE}",  # to submenus
        *menu.listed(entries, default, values.timeout, lines_of),
    ]) + "\n"  # fmt: skip


def _with_base(argument: str) -> str:
    """``argument`` as one word of GRUB's shell, in which its variable has the URL."""
    parts = argument.split("{base}")
    return f'"${_BASE}"'.join(quote(part) if part else "" for part in parts)


def readme(values: iso.Slice, live: Live) -> str:
    """What is in the directory, and how it is used."""
    size = sum(file.size for file in to_fetch(live).values())
    names = "".join(f"    {path}\n" for path in sorted(_tree(live)))
    return f"""\
{values.title}, to start over a network

Offer this directory by HTTP, or all of it by TFTP. A machine needs {bytes_shown(size)} of memory for the images,
and what the system itself needs. Check the files with `sha256sum -c SHA256SUMS`.

iPXE:  dhcp && set base http://SERVER/DIRECTORY/ && chain ${{base}}{IPXE}
PXE:   have DHCP name the file {_IMAGES["bios"]} (BIOS) or {_IMAGES["uefi"]} (UEFI), which reads {GRUB} beside it
UEFI HTTP boot:  http://SERVER/DIRECTORY/{_IMAGES["uefi"]}

Images from another server than kernel and initramfs: in iPXE `set base http://SERVER/DIRECTORY/` before `chain`,
in GRUB `set base=http://SERVER/DIRECTORY/` and `export base` before `configfile`.

{LAYERS} is a second initramfs. It names the files that the first one fetches, with their SHA-256: a file that is
another is refused. Kernel, initramfs and the scripts come as the network brings them: use one that you trust.

The files of the system, as on the ISO:
{names}"""


RULE = Rule(
    name="network",
    doc="make what starts the system over a network",
    make=make,
    slices=("iso", "boot", "epoch"),
    needs=("hash", "epoch", "rootfs", "overlay", "initrd"),
    tools=True,
    rights=("data",),
    outputs=("layers", "lacks", "bios", "uefi", "uefi-ia32"),
    has_shell=True,
)
