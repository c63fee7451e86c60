"""Whether changes can still be carried out, by reading alone: each operation is held against what it would meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tokenguard.changes import NEW, Change, Operation, State
from tokenguard.hookspecs import ReadFailure, Writer
from tokenguard.journal import Ended, Fate, Names


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Changes, as far as the tenant still is what they were planned from."""

    changes: tuple[Change, ...]
    """What is to be done, in this order."""
    skipped: tuple[tuple[Change, Ended], ...]
    """What cannot be done, since somebody has changed it since, or it cannot be read; and what is not known yet."""


@dataclass(slots=True)
class Foresight:
    """What the tenant holds, and would hold once the changes looked at so far were carried out."""

    writer: Writer
    names: Names
    begun: bool = True
    """Whether the changes may have come half-way before: a state on the way is then no one else's doing, and only the
    properties that they change are compared, so that what somebody did to another property is left as it is."""
    _states: dict[tuple[tuple[str, str], ...], State] = field(default_factory=dict)

    def look_at_all(self, changes: Iterable[Change]) -> Foreseen:
        """`changes` in their order, without those of which nothing is left to do."""
        planned, skipped = [], []
        for change in changes:
            looked = self.look(change)
            if isinstance(looked, Ended):
                skipped.append((change, looked))
            elif looked.operations:
                planned.append(looked)
        return Foreseen(tuple(planned), tuple(skipped))

    def look(self, change: Change) -> Change | Ended:
        """`change` with only the operations that are still to be done; or that it is stale, or cannot be read."""
        states, left = dict(self._states), list[Operation]()
        ends = {_target(operation): operation for operation in change.operations}
        for planned in change.operations:
            target, operation = _target(planned), self.names.resolve(planned)
            if target not in states:
                seen = self.writer.state(operation)
                if isinstance(seen, ReadFailure):
                    return Ended(Fate.FAILED, seen.reason)
                states[target] = seen.state
                self.names.learn(operation, seen.id)
                operation = self.names.resolve(planned)  # what was found by its content has an id
            end, state = self.names.resolve(ends[target]), states[target]
            if end.shows_in(state) or (self.begun and operation.shows_in(state)):
                continue  # the end may come about by way of other states, as when one policy replaces another
            fits = operation.upon(state) if self.begun else operation if state == operation.before else None
            if fits is None:
                return Ended(Fate.STALE, difference(operation, state))
            left.append(fits)
            states[target] = fits.after
        self._states = states
        return replace(change, operations=tuple(left))


def _target(planned: Operation) -> tuple[tuple[str, str], ...]:
    """What is written to; something deleted that comes back is the same, whatever its id."""
    return tuple(sorted((kind, id_.removeprefix(NEW)) for kind, id_ in planned.target.items()))


def difference(operation: Operation, state: State) -> str:
    """What somebody else has changed, for people."""
    what = f"to {operation.words}"
    if state is None:
        return f"{what}: it is gone"
    if operation.before is None:
        return f"{what}: something else is there now"
    changed = [name for name in {**operation.before, **state} if operation.before.get(name) != state.get(name)]
    return f"{what}: {', '.join(changed)} changed in the meantime"
