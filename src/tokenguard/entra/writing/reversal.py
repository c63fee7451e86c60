"""What takes an operation back, and which operations a plan therefore consents to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tokenguard.changes import NEW, Operation, State
from tokenguard.entra.facts import Kind
from tokenguard.entra.fixing.operations import POLICY, Write
from tokenguard.entra.reading import GUID
from tokenguard.errors import UsageError

_INVERSE = {
    Write.CREATE: Write.DELETE,
    Write.DELETE: Write.CREATE,
    Write.UPDATE: Write.UPDATE,
    Write.ASSIGN: Write.UNASSIGN,
    Write.UNASSIGN: Write.ASSIGN,
}
_BACK = "take back: "


def check(operation: Operation) -> None:
    """Raise `UsageError` for what is no operation of Entra, or is about something that has no GUID and no name."""
    ids = [*operation.target.values(), *(s[POLICY] for s in (operation.before, operation.after) if s and POLICY in s)]
    known = operation.kind in _INVERSE and operation.target.keys() <= {POLICY, *Kind}
    if not known or not all(id_.startswith(NEW) or re.fullmatch(GUID, id_) for id_ in ids):
        raise UsageError(
            f"to {operation.words}: {operation.kind} of {', '.join(ids)} is nothing that a fix does",
            "use plans and journals as tokenguard wrote them",
        )


def reverse(operation: Operation) -> Operation:
    """The operation that takes `operation` back; a policy that was deleted comes back under another id."""
    target = operation.target
    if operation.kind == Write.DELETE:
        target = {POLICY: NEW + target[POLICY]}
    words = operation.words.removeprefix(_BACK) if operation.words.startswith(_BACK) else _BACK + operation.words
    kind = _INVERSE[Write(operation.kind)]
    return replace(operation, kind=kind, target=target, before=operation.after, after=operation.before, words=words)


class Consent:
    """The operations that may be carried out: those of a plan, and what takes them back. Raises as `check` does."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        planned = tuple(operations)
        for operation in planned:
            check(operation)
        self._planned = (*planned, *map(reverse, planned))
        self.policies = frozenset(each.target[POLICY] for each in planned if POLICY in each.target)
        """The ids of policies that may be written."""
        self._names = {name for each in self._planned for name in each.target.values() if name.startswith(NEW)}

    def covers(self, operation: Operation) -> bool:
        """Whether `operation` was consented to; where it has a GUID, the plan may have a name that stands for one."""
        return any(self._same(planned, operation) for planned in self._planned)

    def _same(self, planned: Operation, operation: Operation) -> bool:
        if planned.kind == operation.kind == Write.UPDATE:  # whatever else is in the policy is not sent
            return planned.target == operation.target and _effect(planned) == _effect(operation)
        pairs = (
            (planned.target, operation.target),
            (planned.before, operation.before),
            (planned.after, operation.after),
        )
        return planned.kind == operation.kind and all(self._same_state(*pair) for pair in pairs)

    def _same_state(self, planned: State, state: State) -> bool:
        if planned == state:
            return True
        if planned is None or state is None or not planned.keys() == state.keys() == {POLICY}:
            return False
        named = not self._names.isdisjoint((planned[POLICY], NEW + planned[POLICY]))
        return named and re.fullmatch(GUID, state[POLICY]) is not None


def _effect(update: Operation) -> dict[str, tuple[Any, Any]]:
    """The properties that it changes, each with the value before and after."""
    before, after = update.before or {}, update.after or {}
    return {name: (before.get(name), after.get(name)) for name in update.changed}
