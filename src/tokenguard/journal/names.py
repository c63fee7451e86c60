"""Names that stand for ids until Graph has assigned them, and the ids of what was deleted and came back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tokenguard.changes import NEW, Change, Operation, State


@dataclass(frozen=True, slots=True)
class Names:
    """What names stand for, in the operations of one plan."""

    ids: dict[str, str]
    """The id by the name; it grows as ids become known."""
    kinds: frozenset[str]
    """The keys of targets. Under these keys the values of states are ids, too; elsewhere they are content."""

    @classmethod
    def of(cls, changes: Iterable[Change], ids: dict[str, str]) -> Names:
        """The names in `changes`, known by `ids`."""
        return cls(ids, frozenset(kind for each in changes for op in each.operations for kind in op.target))

    def resolve(self, operation: Operation) -> Operation:
        """`operation` with every id that is known by now."""
        target = {kind: self._id(id_) for kind, id_ in operation.target.items()}
        before, after = self._state(operation.before), self._state(operation.after)
        return replace(operation, target=target, before=before, after=after)

    def learn(self, operation: Operation, id_: str) -> None:
        """Know from now on what the names in the target of `operation` stand for."""
        self.ids.update((name, id_) for name in operation.target.values() if id_ and name.startswith(NEW))

    def missing(self, operation: Operation) -> list[str]:
        """Names in the states of a resolved `operation` that stand for nothing, since it was never created."""
        values = [
            state[kind] for state in (operation.before, operation.after) if state for kind in self.kinds & {*state}
        ]
        return [value.removeprefix(NEW) for value in values if value.startswith(NEW)]

    def _state(self, state: State) -> State:
        return state and {key: self._id(value) if key in self.kinds else value for key, value in state.items()}

    def _id(self, id_: Any) -> Any:
        if not isinstance(id_, str):
            return id_
        return self.ids.get(id_, self.ids.get(f"{NEW}{id_}", id_))
