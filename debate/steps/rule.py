"""A step of the graph is one file with one `Rule` in it, named RULE; `debate.steps.rules` finds them.

Everything else that knows steps is a projection of these declarations: doit's tasks and their dependencies, what
`explain` looks at and in which order, what `verify` compares, where a shell can be opened, the diagram in
docs/internals.md. A rule's function gets a `Work`, which hands out what the rule declares and refuses anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.settings import Settings
    from debate.steps.choices import Choices
    from debate.steps.work import Work

HOST = ".sandbox"
"""The output directory of rules that belong to no profile; no profile can have this name."""


class Slice(Protocol):
    """The part of a profile that one step reads: a frozen dataclass of JSON values (`debate.deferred.frozen`)."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        """Out of what a profile says. Problems go to ``choices``."""


def _nothing(settings: Settings, profile: str) -> list[str]:  # noqa: ARG001 - the signature of Rule.watches
    return []


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """How one step is made. Names of records are those of the rules that make them, unless ``records`` says more."""

    name: str
    doc: str
    """One line, imperative, without a full stop."""
    make: Callable[[Work], Report]
    """Makes the record of this name, with what ``Work`` gives it."""
    slice: type[Slice] | None = None
    """Its own part of the profile, written to slices/NAME.json."""
    slices: tuple[str, ...] = ()
    """Rules whose slices it reads as well."""
    needs: tuple[str, ...] = ()
    """Records that it reads, of the same profile."""
    below: tuple[str, ...] = ()
    """Records that it reads of the profile on which this one is based, if there is one."""
    base: bool = False
    """It runs sandboxes in the sandbox base."""
    rights: tuple[str, ...] = ()
    """Kinds of `debate.sandbox.rights` that its commands may have."""
    outputs: tuple[str, ...] = ()
    """Names of the artifacts that its record may hold. A rule with outputs is looked up in the cache."""
    records: tuple[str, ...] = ()
    """Further JSON files that it writes, without ``.json``."""
    memory: tuple[str, ...] = ()
    """JSON files, without ``.json``, that it keeps for its own next run; nothing else reads them."""
    has_shell: bool = False
    """Its work is one sandbox, in which a shell can be opened."""
    root: bool = True
    """It mounts file systems and starts sandboxes."""
    looking: bool = False
    """It leaves the store as it is, but for reading."""
    compared: bool = True
    """`verify` makes it again and compares the records."""
    pure: bool = True
    """All that it writes goes through its Work, so that `explain` can run it without any effect."""
    profile: bool = True
    """There is one for each profile, not one for the host."""
    watches: Callable[[Settings, str], list[str]] = _nothing
    """Files other than records that it reads, for a profile's name: doit looks whether they changed."""
    state: Callable[[Settings, str], str] = lambda settings, profile: ""  # noqa: ARG005
    """Text for what else its result depends on, such as settings: another text makes it run."""
    whole: Callable[[Settings, str], bool] = lambda settings, profile: True  # noqa: ARG005
    """Tells if what it made outside of records and the store is still as it was made."""
    clean: Callable[[Path, bool], None] | None = None
    """``clean(directory, dryrun)`` removes what it made besides its records."""
    usage: str = ""
    """The text of `doit help NAME`; empty for the usual one."""

    @property
    def slices_read(self) -> tuple[str, ...]:
        """Rules whose slices it may read: its own first."""
        return ((self.name,) if self.slice else ()) + self.slices

    @property
    def made(self) -> tuple[str, ...]:
        """All JSON files that it writes but slices, without ``.json``."""
        return (self.name, *self.records)


def in_order(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """``rules`` with each one behind all that it needs; those that nothing needs decide the rest, by name.

    Raises ValueError for a record that no rule makes, and for rules that need each other in a circle.
    """
    makers = {record: rule.name for rule in rules.values() for record in rule.made}
    needs = {rule.name: _needed(rule, makers) for rule in rules.values()}
    needed = {name for names in needs.values() for name in names}
    found: dict[str, Rule] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"rules need each other: {' -> '.join((*above, name))}")
        if name not in found:
            for other in needs[name]:
                visit(other, (*above, name))
            found[name] = rules[name]

    for name in [*sorted(needs.keys() - needed), *sorted(needs)]:
        visit(name, ())
    return found


def _needed(rule: Rule, makers: Mapping[str, str]) -> list[str]:
    """Names of the rules that must be made before ``rule``."""
    records = list(dict.fromkeys((*(("config",) if rule.slices_read else ()), *(("sandbox",) if rule.base else ()),
                                  *rule.needs)))  # fmt: skip
    unknown = [record for record in (*records, *rule.below) if record not in makers]
    if unknown:
        raise ValueError(f"rule {rule.name}: no rule makes {unknown[0]}")
    return list(dict.fromkeys(makers[record] for record in records))
