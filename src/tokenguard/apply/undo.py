"""What would bring back the state before a journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tokenguard.apply.foresight import Foresight
from tokenguard.changes import Change, Operation
from tokenguard.hookspecs import Writer
from tokenguard.journal import Ended, Fate, Names, Record

_UNDO = "undo-"


@dataclass(frozen=True, slots=True)
class Undoing:
    """The reverse of a journal, as far as the tenant still is what the journal left."""

    changes: tuple[Change, ...]
    """What is to be done, the last first."""
    skipped: tuple[tuple[Change, Ended], ...]
    """What cannot be taken back, since somebody has changed it since, or it cannot be read, or does not show yet."""


def plan_undo(record: Record, writer: Writer) -> Undoing:
    """Hold the reverse of all that was done, or perhaps was, against what `writer` reads now."""
    reverse = reverse_changes(record, writer.reverse)
    foresight = Foresight(writer, Names.of(reverse, {}))
    changes, skipped = [], []
    for change in reverse:
        looked = foresight.look(change)
        if isinstance(looked, Ended):
            skipped.append((change, looked))
        elif looked.operations:
            changes.append(looked)
        elif _unconfirmed(record, change):
            reason = "it was accepted or may have been, and does not show yet: `tokenguard fix --resume` looks again"
            skipped.append((change, Ended(Fate.UNCONFIRMED, reason)))
    return Undoing(tuple(changes), tuple(skipped))


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


def _unconfirmed(record: Record, change: Change) -> bool:
    """Whether what `change` takes back was left unconfirmed: that nothing shows does not say that nothing was done."""
    ended = record.progress[change.id.removeprefix(_UNDO)].ended
    return ended is not None and ended.fate is Fate.UNCONFIRMED


def _reversed(change: Change, operations: tuple[Operation, ...]) -> Change:
    return replace(
        change,
        id=_UNDO + change.id,
        operations=operations,
        serves=(),
        before=change.after,
        after=change.before,
    )
