"""Carrying out the changes of a journal, each whole or not at all as far as that can be had.

A fresh journal and one that a crash left are carried out alike: what a journal says is done is not done again, and
what it leaves open is read first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tokenguard.apply.foresight import Foresight
from tokenguard.apply.operation import Performer
from tokenguard.apply.reading import Patience, Reader, Time
from tokenguard.changes import Change
from tokenguard.durations import time_left
from tokenguard.hookspecs import Writer
from tokenguard.journal import Ended, Fate, Journal, Place, Progress, Step


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one change."""

    change: Change
    ended: Ended
    earlier: bool = False
    """Whether it had come to that before this run."""


def apply_changes(
    journal: Journal, writer: Writer, *, patience: Patience, time: Time, tell: Callable[[str], None]
) -> tuple[Applied, ...]:
    """Bring every change of `journal` to its end, in order; `tell` hears what is being done.

    A change that fails half-way is taken back. One that cannot be confirmed is left as it is: whether it was carried
    out is not known, and the journal can be resumed or undone once reading shows it. Where a change of a fix has not
    come about, no later one that concerns an organization default is begun; it stays open, for a resumption. So does
    every later one once the tenant says that this sign-in may not write (403).
    """
    changes, begun, forbidden = journal.record.header.changes, time.clock(), list[str]()

    def applied(done: int, change: Change, *, whole: bool) -> Applied:
        def tell_which(text: str) -> None:
            left = time_left(time.clock() - begun, done, len(changes))
            tell(f"change {done + 1} of {len(changes)}{left}: {text}")

        reader = Reader(writer, patience, time, tell_which)
        return _bring_to_end(Performer(journal, reader, forbidden), change, whole=whole)

    found: list[Applied] = []
    for done, change in enumerate(changes):
        found.append(applied(done, change, whole=all(each.ended.good for each in found)))
    return tuple(found)


def _bring_to_end(performer: Performer, change: Change, *, whole: bool) -> Applied:
    """`whole`: every change before this one has come about."""
    progress = performer.journal.record.progress[change.id]
    if progress.ended is not None and progress.is_over:
        return Applied(change, progress.ended, earlier=True)
    postponed = "" if progress.begun else _postponed(performer, change, whole=whole)
    ended = Ended(Fate.POSTPONED, postponed) if postponed else _go_on(performer, change, progress)
    performer.journal.end(change.id, ended)
    return Applied(change, ended)


def _postponed(performer: Performer, change: Change, *, whole: bool) -> str:
    """Why `change` is not begun; empty where it may be. What was begun is brought to an end, or taken back."""
    if performer.forbidden:
        return f"not tried, as an earlier write was refused: {performer.forbidden[0]}"
    of_a_fix = performer.journal.record.header.purpose == "fix"
    return _LEFT if not whole and change.of_the_default and of_a_fix else ""


_LEFT = (
    "an earlier change did not come about, and without that the organization default must not be touched: what it "
    "outranks could come into force"
)


def _go_on(performer: Performer, change: Change, progress: Progress) -> Ended:
    if progress.taking_back:
        return _take_back(performer, change, progress, "it was being taken back when the program ended")
    if not progress.begun and (foreseen := _foreseen(performer, change)):
        return foreseen
    said = []
    for index in range(progress.next, len(change.operations)):
        ended = performer.perform(Place(change.id, index, Step.WRITE), change.operations[index], progress)
        if ended.good:
            said.append(ended.reason)
            continue
        if ended.fate is Fate.UNCONFIRMED or not progress.done:
            return ended
        return _take_back(performer, change, progress, ended.reason)
    return Ended(Fate.APPLIED if progress.done else Fate.HELD, "; ".join(filter(None, said)))


def _foreseen(performer: Performer, change: Change) -> Ended | None:
    """Why the change is not even begun: it holds already, or one of its operations would not meet what was planned."""
    looked = Foresight(performer.reader.writer, performer.names, begun=False).look(change)
    if isinstance(looked, Ended):
        return looked
    return None if looked.operations else Ended(Fate.HELD)


def _take_back(performer: Performer, change: Change, progress: Progress, reason: str) -> Ended:
    """Take back what was done of `change`, the last first: replacing an assignment is two writes, and not atomic."""
    left = []
    for done in reversed(progress.done):
        reverse = performer.reader.writer.reverse(done.operation)
        ended = performer.perform(Place(change.id, done.index, Step.TAKE_BACK), reverse, progress)
        if not ended.good:
            left.append(ended)
    if not left:
        return Ended(Fate.FAILED, f"{reason}; what had been done was taken back")
    reasons = "; ".join(ended.reason for ended in left)
    fate = Fate.UNCONFIRMED if any(ended.fate is Fate.UNCONFIRMED for ended in left) else Fate.FAILED
    return Ended(fate, f"{reason}; of what had been done, this could not be taken back: {reasons}")
