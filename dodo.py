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


def task_commands():
    """whatever is beside the steps: each command is a file in debate/commands/"""
    yield from GRAPH.commands()


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
