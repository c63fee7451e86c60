"""Mending a policy itself: what it says, whether it is the organization's default, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tokenguard.changes import Operation, Proposal, Refusal
from tokenguard.durations import humanize
from tokenguard.entra.definition import Definition, parse_definition
from tokenguard.entra.facts import DirectoryObject, EntraFacts
from tokenguard.entra.fixing.fixer import EntraFixer, holder_of, holders_of
from tokenguard.entra.fixing.operations import delete, policy_state, unassign, update
from tokenguard.entra.fixing.reach import NOBODY, clients_of, everyone
from tokenguard.entra.fixing.rewriting import definition_of, further
from tokenguard.entra.policy import parse_policy
from tokenguard.entra.reading import NOT_HELD, Unknown
from tokenguard.model import Remediation, Resource, Safety

EMPTIED = ("retiredSettings", "unknownSettings", "nonCanonicalSpellings")
"""Lists of what is wrong with a definition: a fix can do no other than empty them."""


class PolicyFixer(EntraFixer):
    """Fixer of `tokenLifetimePolicy`."""

    resource_type = "tokenLifetimePolicy"

    def propose(
        self,
        facts: EntraFacts,
        resource: Resource,
        remediation: Remediation,
        alike: Set[str],  # noqa: ARG002  (a policy is one thing)
    ) -> Proposal | Refusal:
        """See `tokenguard.hookspecs.Fixer`."""
        if resource.id not in facts.policies:
            return Refusal("the policy would be there no more")
        if remediation.set is None:
            return _removal(facts, resource.id)
        return edit(facts, resource.id, remediation.set)


def edit(facts: EntraFacts, policy_id: str, wanted: Mapping[str, Any]) -> Proposal | Refusal:
    """Bring about `wanted` properties of a policy, under its own id."""
    before = policy_state(facts.policies[policy_id])
    try:
        edited = _edited(before, wanted)
    except ValueError as error:
        return Refusal(str(error))
    if edited.after == before:
        return Proposal((), NOBODY)
    if edited.after["isOrganizationDefault"] and not before["isOrganizationDefault"]:
        others = _other_defaults(facts, policy_id)
        if others:
            return Refusal(others)
    words = f"{_named(facts, policy_id)}: {', '.join(edited.words)}"
    return _with_reach(facts, policy_id, before, edited, update(policy_id, before, edited.after, words))


@dataclass(frozen=True, slots=True)
class _Edited:
    """What becomes of a policy's state."""

    after: Mapping[str, Any]
    words: Sequence[str]
    heeded: bool
    """Entra may issue other tokens for what holds it."""


def _edited(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> _Edited:
    """Raises `ValueError`, a reason for people, for what cannot be brought about."""
    for name in EMPTIED:
        if wanted.get(name):
            raise ValueError(f"{name} can be emptied only")
    strings = before["definition"]
    definition = parse_definition(strings if isinstance(strings, list) else [None])
    lifetime = _lifetime(definition, wanted)
    if isinstance(lifetime, Unknown) and not wanted.keys().isdisjoint(EMPTIED):
        raise ValueError(f"its definition cannot be read, so none of it can be kept: {lifetime.reason}")
    rewriting = list(_rewriting(definition, wanted))
    after = {name: wanted.get(name, value) for name, value in before.items()}
    if rewriting and not isinstance(lifetime, Unknown):
        after["definition"] = _rewritten(strings, definition, lifetime, wanted)
    words = [*rewriting, *_renaming(before, after)]
    heeded = lifetime != definition.lifetime or bool("unknownSettings" in wanted and definition.unknown)
    return _Edited(after, words, heeded)


def _rewriting(definition: Definition, wanted: Mapping[str, Any]) -> Iterator[str]:
    """What is to be written otherwise, in words; nothing where `wanted` holds already."""
    lifetime = _lifetime(definition, wanted)
    if lifetime != definition.lifetime:
        yield f"set the lifetime to {humanize(lifetime)}" if isinstance(lifetime, timedelta) else "set no lifetime"
        if definition.problems:
            yield "and write the definition anew, since it cannot be read"
    if "retiredSettings" in wanted and definition.retired:
        yield f"drop {' and '.join(definition.retired)}"
    if "unknownSettings" in wanted and definition.unknown:
        yield f"drop {' and '.join(definition.unknown)}"
    if "nonCanonicalSpellings" in wanted and definition.spellings:
        yield f"write {', '.join(definition.spellings)}"


def _lifetime(definition: Definition, wanted: Mapping[str, Any]) -> timedelta | Unknown | None:
    if "accessTokenLifetimeSeconds" not in wanted:
        return definition.lifetime
    seconds = wanted["accessTokenLifetimeSeconds"]
    return None if seconds is None else timedelta(seconds=seconds)


def _rewritten(
    strings: Sequence[object], definition: Definition, lifetime: timedelta | None, wanted: Mapping[str, Any]
) -> list[str]:
    if not definition.complete:
        return definition_of(lifetime, {}, {})
    inside, beside = further(strings, retired="retiredSettings" not in wanted, unknown="unknownSettings" not in wanted)
    return definition_of(lifetime, inside, beside)


def _renaming(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if after["isOrganizationDefault"] != before["isOrganizationDefault"]:
        yield f"make it the organization default{'' if after['isOrganizationDefault'] else ' no more'}"
    if after["displayName"] != before["displayName"]:
        yield f"call it “{after['displayName']}”"


def _other_defaults(facts: EntraFacts, policy_id: str) -> str:
    """Why the policy cannot become the organization's default; what Entra does with a second is not documented."""
    if facts.policies_failure is not None:
        return f"whether another policy is the organization default is not known: {facts.policies_failure.reason}"
    defaults = [id_ for id_, each in facts.policies.items() if id_ != policy_id and each.get("isOrganizationDefault")]
    return f"{_named(facts, defaults[0])} is the organization default" if defaults else ""


def _with_reach(
    facts: EntraFacts, policy_id: str, before: Mapping[str, Any], edited: _Edited, operation: Operation
) -> Proposal | Refusal:
    default = before["isOrganizationDefault"] or edited.after["isOrganizationDefault"]
    becomes = before["isOrganizationDefault"] != edited.after["isOrganizationDefault"]
    if not edited.heeded and not becomes:
        return Proposal((operation,), NOBODY, Safety.UNSAFE if default else Safety.SAFE)
    holders = holders_of(facts, policy_id) if edited.heeded else ()
    if isinstance(holders, Refusal):
        return holders
    touched = [_holder(facts, each) for each in holders]
    safety = Safety.UNSAFE if default or touched else Safety.SAFE
    return Proposal((operation,), _reach(facts, touched, default=default), safety)


def _holder(facts: EntraFacts, object_id: str) -> DirectoryObject:
    return facts.objects.get(object_id) or DirectoryObject(NOT_HELD, {"id": object_id})


def _reach(facts: EntraFacts, holders: Sequence[DirectoryObject], *, default: bool) -> str:
    if not default:
        return clients_of(holders)
    return "; ".join([everyone(facts), *([clients_of(holders)] if holders else [])])


def _named(facts: EntraFacts, policy_id: str) -> str:
    return str(parse_policy(policy_id, facts.policies[policy_id]))


def _removal(facts: EntraFacts, policy_id: str) -> Proposal | Refusal:
    """Take the policy from everything that holds it, then delete it."""
    state = policy_state(facts.policies[policy_id])
    twin = next((id_ for id_ in facts.policies if id_ != policy_id and policy_state(facts.policies[id_]) == state), "")
    if twin:
        return Refusal(
            f"policy {twin} is exactly like it, and nothing could tell it from this one when it is to come back"
        )
    name = _named(facts, policy_id)
    holders = holders_of(facts, policy_id)
    if isinstance(holders, Refusal):
        return holders
    operations = []
    objects = []
    for object_id in holders:
        held = holder_of(facts, policy_id, object_id)
        if isinstance(held, Refusal):
            return held
        operations.append(unassign(held.kind, held.id, policy_id, f"take {name} from {held.name}"))
        objects.append(held.object)
    operations.append(delete(policy_id, state, f"delete {name}"))
    default = state["isOrganizationDefault"]
    safety = Safety.UNSAFE if default or objects else Safety.SAFE
    return Proposal(tuple(operations), _reach(facts, objects, default=default), safety)
