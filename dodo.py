"""The build graph. `doit` lists the profiles, `doit build:NAME` builds one, `doit help` explains.

config ─┬─ hash ──────────────────────────────┐
        ├─ lock ─ packages ─┬─ rootfs ─ overlay ┤
        │                   └─ initrd ──────────┼─ iso ─ build ─ check, verify
        └─ boot ────────────────────────────────┘
push, pull: a finished ISO to and from the remote
sandbox: what every step from lock on runs in
"""

from pathlib import Path

from debate.graph.tasks import Graph

GRAPH = Graph(Path(__file__).parent)
DOIT_CONFIG = GRAPH.doit_config(default_tasks=["profiles"])


def task_profiles():
    """show the profiles and the next command"""
    return GRAPH.profiles()


def task_doctor():
    """say what this host lacks"""
    return GRAPH.doctor()


def task_new():
    """make a profile: NAME [--from PROFILE]"""
    return GRAPH.new()


def task_validate():
    """check profiles without building: [NAME …] [--format text|github|json]"""
    return GRAPH.validate()


def task_explain():
    """which steps of a profile would run, and why"""
    yield from GRAPH.each(GRAPH.explain)


def task_shell():
    """a shell in the sandbox of a step, as it failed or ended: shell:STEP:NAME"""
    yield from GRAPH.shells()


def task_diff():
    """how two profiles differ, or one at two git revisions: A B, each NAME or NAME@REVISION"""
    return GRAPH.diff()


def task_show():
    """show a profile with every default, and where each value comes from"""
    yield from GRAPH.each(GRAPH.show)


def task_import():
    """make profiles of other image builders'"""
    yield from GRAPH.imports()


def task_export_archiso():
    """write a profile as one that mkarchiso accepts"""
    for task in GRAPH.each(GRAPH.export_archiso):
        yield {"basename": "export-archiso", **task}


def task_cache():
    """show what lies in the cache, and what it saved"""
    return GRAPH.cache()


def task_gc():
    """collect garbage in the cache: --size 20G, --age 30d, or all that no build needs"""
    return GRAPH.gc()


def task_fsck():
    """read everything in the cache again, and drop what is bad"""
    return GRAPH.fsck()


def task_sandbox():
    """make the environment that steps run in"""
    return GRAPH.sandbox()


def task_config():
    """read and normalise a profile"""
    yield from GRAPH.each(GRAPH.config)


def task_hash():
    """name a config by its content"""
    yield from GRAPH.each(GRAPH.hash)


def task_lock():
    """choose the exact packages; asked for by name, choose anew"""
    yield from GRAPH.each(GRAPH.lock)


def task_packages():
    """download and verify packages"""
    yield from GRAPH.each(GRAPH.packages)


def task_rootfs():
    """install packages: the lower layer"""
    yield from GRAPH.each(GRAPH.rootfs)


def task_overlay():
    """users, files, services, hooks: the upper layer"""
    yield from GRAPH.each(GRAPH.overlay)


def task_initrd():
    """make kernel and initramfs"""
    yield from GRAPH.each(GRAPH.initrd)


def task_boot():
    """make boot images"""
    yield from GRAPH.each(GRAPH.boot)


def task_iso():
    """put the ISO together"""
    yield from GRAPH.each(GRAPH.iso)


def task_build():
    """the ISO with checksum, manifest and SBOM"""
    yield from GRAPH.each(GRAPH.build)


def task_check():
    """boot an ISO in QEMU, as BIOS and as UEFI"""
    yield from GRAPH.each(GRAPH.check)


def task_verify():
    """build an ISO anew under other conditions and compare"""
    yield from GRAPH.each(GRAPH.verify)


def task_push():
    """send a finished ISO to the remote"""
    yield from GRAPH.each(GRAPH.push)


def task_pull():
    """fetch a finished ISO from the remote, instead of building it"""
    yield from GRAPH.each(GRAPH.pull)
