"""What would bring back the state before a journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tokenguard.apply.foresight import Foreseen, Foresight
from tokenguard.apply.reading import Reader
from tokenguard.apply.resumption import UNKNOWN_YET, lost_changes
from tokenguard.changes import Change, Operation
from tokenguard.journal import Names, Record

_UNDO = "undo-"


def plan_undo(record: Record, reader: Reader) -> Foreseen:
    """Hold the reverse of all that was done, or perhaps was, against what the tenant holds now; the last first.

    A write without an answer is looked for first, for as long as there is patience: where it shows, it is taken back;
    where it does not, it may still come, and that is said.
    """
    lost = lost_changes(record, reader)
    reverse = reverse_changes(record, reader.writer.reverse)
    foreseen = Foresight(reader.writer, Names.of(reverse, {})).look_at_all(reverse)
    return replace(foreseen, skipped=(*foreseen.skipped, *((change, UNKNOWN_YET) for change in lost)))


def reverse_changes(record: Record, reverse: Callable[[Operation], Operation]) -> tuple[Change, ...]:
    """The changes of `record` taken back, the last first; without those that never did anything."""
    names, found = record.names, []
    for change in reversed(record.header.changes):
        progress = record.progress[change.id]
        steps = [*progress.done]
        if progress.pending is not None and not progress.taking_back:
            steps.append(progress.pending)
        operations = tuple(reverse(names.resolve(step.operation)) for step in reversed(steps))
        if operations:
            found.append(_reversed(change, operations))
    return tuple(found)


def _reversed(change: Change, operations: tuple[Operation, ...]) -> Change:
    return replace(
        change,
        id=_UNDO + change.id,
        operations=operations,
        serves=(),
        before=change.after,
        after=change.before,
    )
