"""The date of all files of a build, if the profile takes that of its lock; else each layer has one of its own hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from debate import keys
from debate.deferred import frozen
from debate.errors import Complaint, Problem, StepError
from debate.profile import files
from debate.profile.profile_names import committed
from debate.steps.rule import Rule

if TYPE_CHECKING:
    from debate.history.records import Report
    from debate.profile.node import Profile
    from debate.settings import Settings
    from debate.steps.choices import Choices
    from debate.steps.work import Work

LOCK = "lock"
_REFRESH = "run doit lock:{name} to refresh it"


@frozen
class Slice:
    """Where dates come from."""

    epoch: str
    """``hash``, or ``lock``."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        return cls(choices.data["image"]["epoch"])


def make(work: Work) -> Report:
    """Record: the epoch in seconds since 1970; null if each step has its own."""
    seconds = of(work.record("lock"), work.name) if work.slice(Slice).epoch == LOCK else None
    work.save({"epoch": seconds})
    return {"note": shown(seconds) if seconds is not None else "of hashes"}


def of(lock: Mapping[str, Any], name: str) -> int:
    """The newest date of an archive that the ``lock`` of the profile ``name`` was made of. Raises StepError."""
    dates = [str(archive["date"]) for archive in lock.get("archives", ())]
    if not dates:
        raise _refused("its lock names no archive, and so no date", _REFRESH.format(name=name))
    newest = max(dates)
    try:
        moment = datetime.fromisoformat(newest)
    except ValueError:
        raise _refused(f"its lock has {newest}, which is no date", _REFRESH.format(name=name)) from None
    seconds = int(moment.timestamp())
    if seconds < keys.EPOCH_START:
        raise _refused(f"its lock is of {newest}", "choose a lock of 2000 or later, or write `epoch: hash`")
    if moment > datetime.now(UTC):
        # mksquashfs sets back only what is later, so files that are made now would keep their own times.
        raise _refused(f"its lock is of {newest}, which is in the future", "set the clock, or wait until then")
    return seconds


def problems(settings: Settings, profile: Profile, wanted: Slice) -> Iterator[Problem]:
    """What is wrong with the date of the committed lock of ``profile``, which can be read, if the profile wants it."""
    from debate.profile import lockfile

    path = committed(settings.profiles, profile.name)
    if wanted.epoch != LOCK or settings.lock != "refuse" or not files.exists(path.parent, path.name):
        return
    try:
        of(lockfile.read(path), profile.name)
    except StepError as error:
        for complaint in error.complaints:
            place = profile.root.at(("image", "epoch")).position
            yield Problem(place, f"{complaint.field}: {complaint.fact}", complaint.remedy)


def shown(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _refused(fact: str, remedy: str) -> StepError:
    return StepError("", complaints=[Complaint("image.epoch", LOCK, fact, remedy)])


RULE = Rule(
    name="epoch",
    doc="find the date of all files, if that is the lock's",
    make=make,
    slice=Slice,
    needs=("lock",),
    root=False,
    read_only=True,
)
