"""What takes an operation back, and which operations a plan therefore consents to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tokenguard.changes import NEW, Operation, State
from tokenguard.entra.facts import Kind
from tokenguard.entra.fixing.operations import POLICY, Write, policy_state
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
    """Raise `UsageError` for what is no operation of Entra: a kind, a target, an id or a state that none has."""
    if problem := _problem(operation):
        raise _refusal(operation, problem)


def _refusal(operation: Operation, problem: str) -> UsageError:
    target = ", ".join(f"{kind} {id_}" for kind, id_ in operation.target.items())
    return UsageError(
        f"{operation.kind} of {target} is nothing that a fix does: {problem}; nothing was written",
        "use plans and journals as tokenguard wrote them",
    )


def _problem(operation: Operation) -> str:
    if operation.kind not in _INVERSE:
        return "there is no such operation"
    on_policy, without_before, without_after = _SHAPES[Write(operation.kind)]
    kinds = {POLICY} if on_policy else {*Kind}
    if len(operation.target) != 1 or not operation.target.keys() <= kinds:
        return f"its target is no {' or '.join(sorted(kinds))}"
    if (operation.before is None, operation.after is None) != (without_before, without_after):
        return "what is there before and after does not fit it"
    states = [state for state in (operation.before, operation.after) if state is not None]
    if not all(_is_policy(state) if on_policy else state.keys() == {POLICY} for state in states):
        return "a state in it is none of a policy, or of what has one"
    ids = [*operation.target.values(), *([] if on_policy else (state[POLICY] for state in states))]
    known = all(isinstance(id_, str) and (id_.startswith(NEW) or re.fullmatch(GUID, id_)) for id_ in ids)
    return "" if known else f"an id in it is no GUID: {', '.join(map(str, ids))}"


_SHAPES = {
    Write.CREATE: (True, True, False),
    Write.UPDATE: (True, False, False),
    Write.DELETE: (True, False, True),
    Write.ASSIGN: (False, True, False),
    Write.UNASSIGN: (False, False, True),
}
"""Whether an operation writes to a policy, and whether nothing is there before, and after."""


def _is_policy(state: Mapping[str, Any]) -> bool:
    """Whether `state` is as `tokenguard.entra.fixing.operations.policy_state` makes one."""
    definition = state.get("definition")
    return (
        state.keys() == policy_state({}).keys()
        and all(isinstance(state[name], str | None) for name in ("displayName", "description"))
        and isinstance(state["isOrganizationDefault"], bool)
        and (definition is None or (isinstance(definition, list) and all(isinstance(each, str) for each in definition)))
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
    """The operations that may be carried out: those of a plan, and what takes them back. Raises as `check` does.

    What is to be created has no id yet: Graph assigns one, and by another it would not be found again.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        planned = tuple(operations)
        for operation in planned:
            check(operation)
            if operation.kind == Write.CREATE and not operation.target[POLICY].startswith(NEW):
                raise _refusal(operation, "what is to be created has an id already")
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
