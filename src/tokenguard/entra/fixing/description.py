"""What the operations of a journal do, for people: derived from them and from what the tenant holds now.

Nothing that a file says of itself is shown in its place: whoever wrote the file would choose what is agreed to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tokenguard.changes import NEW, Change, Operation, Refusal, State
from tokenguard.durations import humanize
from tokenguard.entra.facts import EntraFacts, Kind
from tokenguard.entra.fixing.fixer import holders_of
from tokenguard.entra.fixing.operations import POLICY, Write, enact, find_object, policy_state
from tokenguard.entra.fixing.reach import called, clients_of
from tokenguard.entra.fixing.updates import definition_in, irreversible, policy_reach, update_reach, update_words
from tokenguard.entra.policy import parse_policy
from tokenguard.entra.reading import Unknown
from tokenguard.model import ResourceRef, Safety

_TYPE = "tokenLifetimePolicy"


def describe(facts: EntraFacts, changes: Iterable[Change]) -> Iterator[Change]:
    """`changes` in their order, with resource, words, values, reach and safety as they follow from `facts`.

    Their operations have ids for every name that stands for an object that exists. Without the rule that asked for it,
    whatever may change a token is unsafe.
    """
    for change in changes:
        told = []
        before, after = facts, facts
        for operation in change.operations:
            told.append((replace(operation, words=_words(after, operation)), *_reach(after, operation)))
            after = _enacted(after, operation)
        facts = after
        why = "; ".join(dict.fromkeys(filter(None, (irreversible(operation) for operation, _, _ in told))))
        unsafe = why or any(safety is not Safety.SAFE for *_, safety in told)
        values = list(_values(before, change.operations))
        yield replace(
            change,
            resource=_resource(before, change.operations[0]),
            operations=tuple(operation for operation, _, _ in told),
            safety=Safety.UNSAFE if unsafe else Safety.SAFE,
            before={name: value for name, value, _ in values},
            after={name: value for name, _, value in values},
            blast_radius="; ".join(dict.fromkeys(reach for _, reach, _ in told)),
            irreversible=why,
        )


def _resource(facts: EntraFacts, operation: Operation) -> ResourceRef:
    """What the first operation of a change writes to."""
    [(kind, id_)] = operation.target.items()
    if kind == POLICY:
        state = facts.policies.get(id_) or operation.before or operation.after or {}
        return ResourceRef(_TYPE, id_, str(state.get("displayName") or id_.removeprefix(NEW)))
    return ResourceRef(kind, id_, called(find_object(facts, Kind(kind), id_)))


def _words(facts: EntraFacts, operation: Operation) -> str:
    [(kind, id_)] = operation.target.items()
    before, after = operation.before, operation.after
    match operation.kind:
        case Write.CREATE:
            default = "as" if (after or {}).get("isOrganizationDefault") else "not as"
            return (
                f"create the {_policy(facts, id_, after)} with {_lifetime(after or {})}, {default} organization default"
            )
        case Write.UPDATE:
            return f"{_policy(facts, id_, before)}: {update_words(before or {}, after or {})}"
        case Write.DELETE:
            return f"delete {_policy(facts, id_, before)}"
        case Write.ASSIGN:
            return (
                f"assign {_policy(facts, str((after or {})[POLICY]))} to {called(find_object(facts, Kind(kind), id_))}"
            )
        case _:
            return (
                f"take {_policy(facts, str((before or {})[POLICY]))} from {called(find_object(facts, Kind(kind), id_))}"
            )


def _lifetime(state: Mapping[str, Any]) -> str:
    lifetime = definition_in(state).lifetime
    if isinstance(lifetime, Unknown):
        return f"a definition that cannot be read ({lifetime.reason})"
    return "no lifetime" if lifetime is None else f"a lifetime of {humanize(lifetime)}"


def _policy(facts: EntraFacts, id_: str, state: State = None) -> str:
    """What sentences call a policy: as it is called now, or in `state`, else by its id."""
    fact = facts.policies.get(id_) or state
    return str(parse_policy(id_, fact)) if fact else f"policy {id_.removeprefix(NEW)}"


def _reach(facts: EntraFacts, operation: Operation) -> tuple[str, Safety]:
    [(kind, id_)] = operation.target.items()
    if kind != POLICY:
        return clients_of([find_object(facts, Kind(kind), id_)]), Safety.UNSAFE
    before, after = operation.before, operation.after
    if before is not None and after is not None:
        reach = update_reach(facts, id_, before, after)
        return (reach.reason, Safety.UNSAFE) if isinstance(reach, Refusal) else reach
    holders = () if before is None else holders_of(facts, id_)
    if isinstance(holders, Refusal):
        return holders.reason, Safety.UNSAFE
    default = bool((before or after or {}).get("isOrganizationDefault"))
    objects = [facts.objects[each] for each in holders if each in facts.objects]
    return policy_reach(facts, objects, default=default), Safety.UNSAFE if default or holders else Safety.SAFE


def _enacted(facts: EntraFacts, operation: Operation) -> EntraFacts:
    """The facts after `operation`; as they are where it does not fit them, or they are not known."""
    try:
        return enact(facts, operation)
    except (KeyError, ValueError):
        return facts


def _values(facts: EntraFacts, operations: Iterable[Operation]) -> Iterator[tuple[str, Any, Any]]:
    """Every property that is written, in full, with its value before and after."""
    first: dict[tuple[str, str], State] = {}
    last: dict[tuple[str, str], State] = {}
    for operation in operations:
        [target] = operation.target.items()
        first.setdefault(target, operation.before)
        last[target] = operation.after
    for (kind, id_), before in first.items():
        of = f" of {kind} {id_.removeprefix(NEW)}" if len(first) > 1 else ""
        after = last[kind, id_]
        if kind == POLICY:
            old, new = before or {}, after or {}
            yield from (
                (f"{name}{of}", old.get(name), new.get(name))
                for name in {**old, **new}
                if old.get(name) != new.get(name)
            )
        else:
            yield f"assignedTokenLifetimePolicy{of}", _held(facts, before), _held(facts, after)


def _held(facts: EntraFacts, state: State) -> str | None:
    """The policy that an object has, with what it sets."""
    if state is None:
        return None
    id_ = str(state[POLICY])
    name = _policy(facts, id_)
    return f"{name}, {_lifetime(policy_state(facts.policies[id_]))}" if id_ in facts.policies else name
