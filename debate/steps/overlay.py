"""The upper layer: users, files, services and hooks on the installed packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debate import keys
from debate.model import Artifact, Command, Contents, Entry, Step, Tree, as_lines


def step(overlay: Mapping[str, Any], contents: Contents, layers: tuple[Artifact, ...], base: Artifact) -> Step:
    """Output: layer. ``contents`` has the bytes of all hooks, and of the tree's files or where they lie."""
    parameters = {
        "users": _users(overlay["users"]).encode(),
        "groups": as_lines(_groups(overlay["tree"])),
        "permissions": _permissions(overlay["permissions"]).encode(),
        "services": _services(overlay["services"]).encode(),
        "commands": as_lines(" ".join(words) for words in overlay["commands"]),
        "checks": as_lines(" ".join(words) for words in overlay["checks"]),
        "hooks": as_lines(hook["name"] for hook in overlay["hooks"]),
        "mksquashfs": as_lines(overlay["mksquashfs"]),
    }
    for number, hook in enumerate(overlay["hooks"], 1):
        content = contents[hook["digest"]]
        data = content if isinstance(content, bytes) else content.read_bytes()
        parameters[f"hook/{number}"] = data
    return Step(
        name="overlay",
        commands=(
            Command("overlay.sh", root="system", rights="system"),
            Command("squash.sh", pack_upper=True),
        ),
        outputs=("layer",),
        epoch=keys.epoch(keys.key(overlay)),
        parameters=parameters,
        trees={"tree.tar": Tree(tuple(map(Entry.from_json, overlay["tree"])), contents)},
        layers=layers,
        base=base,
    )


def _users(users: list[Mapping[str, Any]]) -> str:
    """Lines of name:uid:shell:groups:full name:password hash. No field can hold a colon."""
    return "".join(
        f"{user['name']}:{'' if user['uid'] is None else user['uid']}:{user['shell']}:"
        f"{','.join(user['groups'])}:{user['full_name']}:{user['password']}\n"
        for user in users
    )


def _groups(tree: list[Mapping[str, str]]) -> list[str]:
    """Owners and groups that the system must know before the tree is unpacked."""
    users = {entry.get("owner", "root") for entry in tree}
    groups = {entry.get("group", "root") for entry in tree}
    lines = [f"passwd {name}" for name in users] + [f"group {name}" for name in groups]
    return sorted(line for line in lines if not line.split()[1].isdigit())


def _permissions(permissions: list[Mapping[str, str]]) -> str:
    """Lines of mode:owner:group:path."""
    return "".join(f"{p['mode']}:{p['owner']}:{p['group']}:{p['path']}\n" for p in permissions)


def _services(services: Mapping[str, list[str]]) -> str:
    """Lines of verb and unit."""
    return "".join(f"{verb} {unit}\n" for verb in sorted(services) for unit in services[verb])
