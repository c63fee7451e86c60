"""What is left to do of a journal: as it stands, where it is this machine's own; else planned anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tokenguard.apply.foresight import Foreseen, Foresight
from tokenguard.apply.reading import Reader
from tokenguard.changes import Change, Observed, Operation
from tokenguard.journal import Ended, Fate, Names, Record

UNKNOWN_YET = Ended(Fate.UNCONFIRMED, "it was written or may have been, and does not show yet: it may still come")


def plan_again(record: Record, reader: Reader) -> Foreseen:
    """Hold all that a journal asks for against the tenant as it is, once what was perhaps written was looked for."""
    lost_changes(record, reader)
    return Foresight(reader.writer, record.names).look_at_all(record.header.changes)


def remaining(record: Record, reverse: Callable[[Operation], Operation]) -> tuple[Change, ...]:
    """What resuming `record` as it stands would still write, with the ids that are known."""
    return tuple(change for each in record.header.changes if (change := _remaining(record, each, reverse)).operations)


def _remaining(record: Record, change: Change, reverse: Callable[[Operation], Operation]) -> Change:
    progress = record.progress[change.id]
    if progress.is_over:
        return replace(change, operations=())
    if progress.taking_back:
        return replace(change, operations=tuple(reverse(done.operation) for done in reversed(progress.done)))
    return replace(change, operations=tuple(map(record.names.resolve, change.operations[progress.next :])))


def lost_changes(record: Record, reader: Reader) -> tuple[Change, ...]:
    """The changes with a write of which no answer came, and which does not show, however long one looks."""
    return tuple(_lost(record, reader))


def _lost(record: Record, reader: Reader) -> Iterator[Change]:
    for change in record.header.changes:
        progress = record.progress[change.id]
        # Of what was being taken back nothing has to be known: whoever goes on takes it back again, to the same end.
        if progress.pending is None or progress.taking_back:
            continue
        if not _shows(record.names.resolve(progress.pending.operation), record.names, reader):
            yield change


def _shows(operation: Operation, names: Names, reader: Reader) -> bool:
    seen = reader.until_shown(operation)
    if not isinstance(seen, Observed):
        return False
    names.learn(operation, seen.id)
    return operation.shows_in(seen.state)
