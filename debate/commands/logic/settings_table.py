"""The table of all settings: what each means, for `doit settings` and docs/settings.md.

Names, types and defaults are those of `debate.settings`. Of the page, only the tables are generated:

    python -m debate.commands.logic.settings_table
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from debate.settings import (
    PLACES,
    SIZES,
    TIMES,
    Limits,
    Settings,
    Written,
    keyring_variable,
    mirror_variable,
    variable_for,
)
from debate.text import amounts


@dataclass(frozen=True)
class Setting:
    """One setting."""

    name: str
    """As in debate.toml; NAME stands for any."""
    meaning: str
    """A line of Markdown."""
    default: str = ""
    """In words, where there is no value by default."""

    @property
    def variable(self) -> str:
        """Its environment variable."""
        table, _, last = self.name.rpartition(".")
        return {"mirrors": mirror_variable, "keyrings": keyring_variable}.get(table, variable_for)(last)

    @property
    def usual(self) -> str:
        """Its default as it is shown."""
        if self.default:
            return self.default
        table, _, last = self.name.rpartition(".")
        return PLACES.get(last) or shown(last, getattr(Limits if table else Settings, last))


TABLE: Mapping[str, tuple[Setting, ...]] = {
    "General": (
        Setting("cache", "directory of the local store"),
        Setting(
            "cache_size",
            "size to which the store is reduced after each build, in bytes or such as `50G`; `0` for no bound",
            default="a quarter of its file system",
        ),
        Setting("output", "directory of the results"),
        Setting("jobs", "number of steps that run at the same time"),
        Setting(
            "lock", "what happens to a committed lock file that does not match the package list: `refuse` or `refresh`"
        ),
        Setting(
            "base",
            "distribution of the tools tree: `debian`, `arch`, or `auto` for the one that this host can bootstrap",
        ),
        Setting(
            "scratch",
            "where a step writes: `tmpfs`, `disk`, or `auto`: memory if the host has enough of it, and if "
            "what the step is expected to write fits into three quarters of `limits.memory`, else disk. That "
            "is what its packages take installed, as their archive says (`installed` in the lock), and a "
            "third more, and their own size; five times their size where a lock does not say. A step that "
            "exceeds its memory there runs again on disk, and says so",
        ),
        Setting("uid_base", "first user id of the sandbox on the host, a multiple of 65536"),
        Setting(
            "acceleration", "how `check` and `run` run QEMU: `kvm`, `tcg`, or `auto` for the former if this host has it"
        ),
    ),
    "The remote": (
        Setting(
            "remote",
            "a shared store in an OCI registry: `oci://HOST[:PORT]/REPOSITORY`, or `oci+http://` for one "
            "without TLS on this host",
            default="none",
        ),
        Setting("remote_mode", "`read-write` or `read-only`"),
        Setting("remote_ca", "file with the certificate authority of the registry", default="the host's"),
        Setting("remote_user", "user name", default="from the auth files of docker and podman"),
        Setting(
            "remote_password", "password or token of that user", default="from the auth files of docker and podman"
        ),
        Setting(
            "remote_auth",
            "servers, besides the registry, that may get the password and issue tokens, and to which it may "
            "lead even if they are inside: `HOST[:PORT]`, with commas between them",
            default="none",
        ),
        Setting(
            "remote_timeout",
            "time that an exchange with the remote may take, in addition to one second for each 32 KiB of a file",
        ),
        Setting(
            "remote_keys",
            "file or directory with minisign public keys; results must be signed with one of them. Empty is an error",
            default="none",
        ),
        Setting("remote_sign", "file with a minisign secret key without a password, for signing", default="none"),
    ),
    "Own signatures": (
        Setting(
            "secure_boot_certificate",
            "file with the certificate, in PEM, of the key that signs what `boot: {secure: own}` starts. It "
            "is a part of the ISO",
            default="none",
        ),
        Setting(
            "secure_boot_key",
            "file with that RSA key, in PEM without a password. Only needed where the signatures are in no cache",
            default="none",
        ),
    ),
    "Mirrors and keyrings": (
        Setting("mirrors.NAME", "address of the mirror NAME", default="the host's own"),
        Setting(
            "keyrings.NAME",
            "file with the OpenPGP keys that may sign the packages of the distribution NAME (`arch`)",
            default="the distribution's own",
        ),
    ),
    "Limits of each step": (
        Setting("limits.memory", "memory"),
        Setting("limits.processors", "processors"),
        Setting("limits.processes", "processes"),
        Setting("limits.bytes", "what it may write, and what it may download"),
        Setting("limits.inodes", "files that it may create"),
        Setting("limits.warn_after", "time until a warning"),
        Setting("limits.stop_after", "time until it is stopped"),
    ),
}
"""Section of the page -> its settings."""


def shown(name: str, value: object) -> str:
    """A value with its unit, as it can be written."""
    if isinstance(value, int) and name in SIZES:
        return amounts.exact(value)
    return f"{value} s" if name in TIMES else str(value)


@dataclass(frozen=True)
class Chosen:
    """A setting as it is."""

    name: str
    value: str
    """Empty if it is none."""
    origin: str
    """`default`, an environment variable, or the line of debate.toml."""


def chosen(settings: Settings) -> Iterator[Chosen]:
    """All settings with their values, without secrets, and where each comes from."""
    for setting in (each for section in TABLE.values() for each in section):
        table, _, last = setting.name.rpartition(".")
        if last == "NAME":
            for name, value in sorted(getattr(settings, table).items()):
                yield Chosen(f"{table}.{name}", _open(value), _origin(settings, f"{table}.{name}"))
            continue
        value = getattr(settings.limits if table else settings, last)
        usual = setting.default if setting.name not in settings.written else ""
        text = usual or ("(not shown)" if last == "remote_password" and value else _open(shown(last, value)))
        yield Chosen(setting.name, text, _origin(settings, setting.name))


def _origin(settings: Settings, name: str) -> str:
    written: Written | None = settings.written.get(name)
    return str(written.locate()) if written else "default"


def _open(text: str) -> str:
    """``text`` without the password of an address."""
    return re.sub(r"(?<=://)[^/@]*@", "", text)


def _rows(section: str) -> Iterator[str]:
    yield "| `debate.toml` | environment variable | default | meaning |"
    yield "|---|---|---|---|"
    for each in TABLE[section]:
        default = each.default or f"`{each.usual}`"
        yield f"| `{each.name}` | `{each.variable}` | {default} | {each.meaning} |"


def markdown(written: str) -> str:
    """The page with the text ``written``, with its tables made anew."""
    found: list[str] = []
    section = ""
    for line in written.rstrip("\n").split("\n"):
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if line.startswith("| `debate.toml` |"):
            found += _rows(section)
        elif not line.startswith("|"):
            found.append(line)
    return "\n".join(found) + "\n"


if __name__ == "__main__":
    page = Path("docs/settings.md")
    page.write_text(markdown(page.read_text()))
