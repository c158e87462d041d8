"""A step of the graph is one file with one `Rule` in it, named RULE; `debate.steps.rules` finds them.

Everything else that knows steps is derived from these declarations: doit's tasks and their dependencies, the steps of
`explain` and their order, the steps that `verify` compares, those with a shell, and the diagram in docs/internals.md. A
rule's function gets a `Work`, through which it can access only what the rule declares.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from debate.text.suggest import suggest

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.settings import Settings
    from debate.steps.choices import Choices
    from debate.steps.work import Work

HOST = ".sandbox"
"""The output directory of rules that do not belong to a profile. It is not a valid profile name."""
CONFIG = "config"
"""The record of the rule that writes the slices, needed by every rule that reads one."""
TOOLS = "sandbox"
"""The record of the tools tree, needed by every rule that runs sandboxes in it."""


@dataclass(frozen=True, eq=False, repr=False)
class Option:
    """An option with a value, ``--NAME VALUE``, of a command or a rule. Its function gets it by name: a command's as a
    keyword argument, a rule's from `Work.options`.

    Without the option, that argument is an empty string. The argument of a `flag` is True or False.
    """

    name: str
    help: str
    short: str = ""
    """One letter for ``-x VALUE``, or empty."""
    choices: tuple[str, ...] = ()
    """The permitted values; empty for any."""
    example: str = ""
    """A value, for messages; empty if the help suffices."""
    flag: bool = False
    """True for one without a value, ``--NAME``."""
    path: bool = False
    """True if the value is a path, which is one from where the user stands."""

    @property
    def parameter(self) -> str:
        """The keyword argument: NAME, or for a keyword of Python NAME_, as in ``from_``."""
        name = self.name.replace("-", "_")
        return f"{name}_" if keyword.iskeyword(name) else name


class Slice(Protocol):
    """The part of a profile that one step reads: a frozen dataclass of JSON values (`debate.deferred.frozen`)."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        """The slice of a profile. Problems are added to ``choices``."""


def _nothing(settings: Settings, profile: str) -> list[str]:  # noqa: ARG001 - the signature of Rule.watches
    return []


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """The declaration of a step. A record has the name of the rule that makes it, or is one of its ``records``."""

    name: str
    doc: str
    """One line, imperative, without a full stop."""
    make: Callable[[Work], Report]
    """Makes the record, using only `Work`."""
    slice: type[Slice] | None = None
    """Its part of the profile, which is written to slices/NAME.json."""
    slices: tuple[str, ...] = ()
    """Rules whose slices it reads, too."""
    needs: tuple[str, ...] = ()
    """Records of the same profile that it reads."""
    below: tuple[str, ...] = ()
    """Records of the base profile that it reads, if there is one."""
    tools: bool = False
    """True if it runs sandboxes in the tools tree."""
    rights: tuple[str, ...] = ()
    """Kinds of `debate.sandbox.rights` that its commands may use."""
    outputs: tuple[str, ...] = ()
    """Names of the artifacts in its record. A rule with outputs is looked up in the cache."""
    records: tuple[str, ...] = ()
    """Further JSON files that it writes, without ``.json``."""
    memory: tuple[str, ...] = ()
    """JSON files, without ``.json``, that it keeps for its next run and nothing else reads."""
    has_shell: bool = False
    """True if it runs one sandbox, in which a shell can be opened."""
    root: bool = True
    """True if it needs root, since it mounts file systems and starts sandboxes."""
    read_only: bool = False
    """True if it never writes to the store."""
    compared: bool = True
    """True if `verify` compares its records."""
    pure: bool = True
    """True if it writes only through its Work, so that `explain` can run it without side effects."""
    on_request: bool = False
    """True if it makes its record again whenever the command line names it, up to date or not."""
    options: tuple[Option, ...] = ()
    """What may follow its name on the command line, for a rule that runs on request."""
    profile: bool = True
    """True if there is one for each profile, False if there is one for the host."""
    watches: Callable[[Settings, str], list[str]] = _nothing
    """Files other than records that it reads, by profile name: doit checks if they changed."""
    state: Callable[[Settings, str], str] = lambda settings, profile: ""  # noqa: ARG005
    """Text for everything else that its result depends on, such as settings. It runs again if the text changes."""
    whole: Callable[[Settings, str], bool] = lambda settings, profile: True  # noqa: ARG005
    """Returns True if the files that it made in addition to records and the store are unchanged."""
    clean: Callable[[Path, bool], None] | None = None
    """``clean(directory, dryrun)`` removes the files that it made in addition to its records."""
    usage: str = ""
    """The text of `doit help NAME`; empty for the default."""

    @property
    def slices_read(self) -> tuple[str, ...]:
        """Rules whose slices it may read, its own first."""
        return ((self.name,) if self.slice else ()) + self.slices

    @property
    def reads(self) -> tuple[str, ...]:
        """All records of its profile or of the host that it reads; slices stand for the record of the config."""
        implied = ((CONFIG,) if self.slices_read else ()) + ((TOOLS,) if self.tools else ())
        return tuple(dict.fromkeys((*implied, *self.needs)))

    @property
    def made(self) -> tuple[str, ...]:
        """All JSON files that it writes, except slices, without ``.json``."""
        return (self.name, *self.records)

    @property
    def remembered(self) -> tuple[str, ...]:
        """All JSON files about its last run, without ``.json``. A rule may leave less."""
        return (f"traces/{self.name}", f"traces/read/{self.name}", *self.memory)

    @property
    def file(self) -> str:
        """The file of its function, ``debate/steps/NAME.py``, for messages."""
        return f"{self.make.__module__.replace('.', '/')}.py"


class OrderError(ValueError):
    """What ``rule`` needs does not fit the other rules."""

    def __init__(self, rule: str, fact: str, remedy: str) -> None:
        super().__init__(f"rule {rule}: {fact}")
        self.rule, self.fact, self.remedy = rule, fact, remedy


def in_order(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Sort ``rules`` so that each comes after all that it needs; otherwise by the names of those that nothing needs.

    Raises OrderError if no rule makes a record, or if rules depend on each other circularly.
    """
    makers = {record: rule.name for rule in rules.values() for record in rule.made}
    needs = {rule.name: _needed(rule, makers) for rule in rules.values()}
    needed = {name for names in needs.values() for name in names}
    found: dict[str, Rule] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            fact = f"circular dependency of rules: {' -> '.join((*above, name))}"
            raise OrderError(above[-1], fact, "break the cycle")
        if name not in found:
            for other in needs[name]:
                visit(other, (*above, name))
            found[name] = rules[name]

    for name in [*sorted(needs.keys() - needed), *sorted(needs)]:
        visit(name, ())
    return found


def needed(rules: Mapping[str, Rule], records: Iterable[str]) -> list[Rule]:
    """The rules that make ``records``, and all that these need, in the order of ``rules`` (see `in_order`)."""
    wanted, found = set(records), list[Rule]()
    for rule in reversed(list(rules.values())):
        if wanted & set(rule.made):
            wanted |= set(rule.reads)
            found.insert(0, rule)
    return found


def _needed(rule: Rule, makers: Mapping[str, str]) -> list[str]:
    """Names of the rules that must run before ``rule``."""
    unknown = [record for record in (*rule.reads, *rule.below) if record not in makers]
    if unknown:
        raise OrderError(rule.name, f"no rule makes {unknown[0]!r}", suggest(unknown[0], list(makers)))
    return list(dict.fromkeys(makers[record] for record in rule.reads))
