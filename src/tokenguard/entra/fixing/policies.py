"""Mending a policy itself: what it says, whether it is the organization's default, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import timedelta
from typing import Any

from tokenguard.changes import Operation, Proposal, Refusal
from tokenguard.entra.definition import Definition
from tokenguard.entra.facts import EntraFacts
from tokenguard.entra.fixing.fixer import EntraFixer, holder_of, holders_of
from tokenguard.entra.fixing.operations import delete, policy_state, unassign, update
from tokenguard.entra.fixing.reach import NOBODY
from tokenguard.entra.fixing.rewriting import definition_of, further
from tokenguard.entra.fixing.updates import definition_in, irreversible, policy_reach, update_reach, update_words
from tokenguard.entra.policy import parse_policy
from tokenguard.entra.reading import Unknown
from tokenguard.model import Fact, Remediation, Resource, Safety

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
        if facts.policies[resource.id].get("isOrganizationDefault", False) is None:
            return Refusal("by hand only: whom it reaches is not known, since its isOrganizationDefault is null")
        if remediation.set is None:
            return _removal(facts, resource.id)
        return edit(facts, resource.id, remediation.set)


def edit(facts: EntraFacts, policy_id: str, wanted: Mapping[str, Any]) -> Proposal | Refusal:
    """Bring about `wanted` properties of a policy, under its own id."""
    before = policy_state(facts.policies[policy_id])
    try:
        after = _edited(before, wanted)
    except ValueError as error:
        return Refusal(str(error))
    if after == before:
        return Proposal((), NOBODY)
    if after["isOrganizationDefault"] and not before["isOrganizationDefault"]:
        others = _other_defaults(facts, policy_id)
        if others:
            return Refusal(others)
    reach = update_reach(facts, policy_id, before, after)
    if isinstance(reach, Refusal):
        return reach
    words = f"{_named(facts, policy_id)}: {update_words(before, after)}"
    return propose_all([update(policy_id, before, after, words)], *reach)


def _edited(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """What becomes of a policy's state. Raises `ValueError`, a reason for people, for what cannot be brought about."""
    for name in EMPTIED:
        if wanted.get(name):
            raise ValueError(f"{name} can be emptied only")
    strings = before["definition"]
    definition = definition_in(before)
    lifetime = _lifetime(definition, wanted)
    if isinstance(lifetime, Unknown) and not wanted.keys().isdisjoint(EMPTIED):
        raise ValueError(f"its definition cannot be read, so none of it can be kept: {lifetime.reason}")
    after = {name: wanted.get(name, value) for name, value in before.items()}
    if not isinstance(lifetime, Unknown) and _is_rewritten(definition, lifetime, wanted):
        after["definition"] = _rewritten(strings, definition, lifetime, wanted)
        if not _sets_anything(after):
            raise ValueError(
                "by hand only: its definition would hold no setting at all, which Graph may refuse; take the policy off"
                " what holds it and delete it, or give it the AccessTokenLifetime that was meant"
            )
    return after


def _is_rewritten(definition: Definition, lifetime: timedelta | None, wanted: Mapping[str, Any]) -> bool:
    """Whether any of what is `wanted` of a definition does not hold already, or Entra may ignore it."""
    emptied = zip(EMPTIED, (definition.retired, definition.unknown, definition.spellings), strict=True)
    ignorable = "accessTokenLifetimeSeconds" in wanted and bool(definition.doubts)
    return ignorable or lifetime != definition.lifetime or any(name in wanted and found for name, found in emptied)


def _sets_anything(state: Mapping[str, Any]) -> bool:
    definition = definition_in(state)
    return bool(definition.settings or definition.retired or definition.unknown)


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


def _other_defaults(facts: EntraFacts, policy_id: str) -> str:
    """Why the policy cannot become the organization's default; what Entra does with a second is not documented."""
    if facts.policies_failure is not None:
        return f"whether another policy is the organization default is not known: {facts.policies_failure.reason}"
    return other_default({id_: each for id_, each in facts.policies.items() if id_ != policy_id})


def other_default(others: Mapping[str, Fact]) -> str:
    """Which of `others`, policies by id, is the organization default or may be, and that it is so; empty for none.

    One whose isOrganizationDefault is null, or no boolean, may be.
    """
    given = {id_: each.get("isOrganizationDefault", False) for id_, each in others.items()}
    other = next((id_ for id_, default in given.items() if default is not False), "")
    if not other:
        return ""
    return f"{parse_policy(other, others[other])} {'is' if given[other] is True else 'may be'} the organization default"


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
    return propose_all(operations, policy_reach(facts, objects, default=default), safety)


def propose_all(operations: Sequence[Operation], reach: str, safety: Safety) -> Proposal:
    """`operations` as a proposal; unsafe, and said why, where one of them may not be taken back."""
    why = "; ".join(dict.fromkeys(filter(None, map(irreversible, operations))))
    return Proposal(tuple(operations), reach, Safety.UNSAFE if why else safety, why)
