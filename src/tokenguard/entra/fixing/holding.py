"""Letting an object hold a policy of a name and lifetime: one that is there already, one that is edited, or a new one.

Names are compared exactly: a policy whose name differs in letter case, or in a blank, is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tokenguard.changes import Proposal, Refusal
from tokenguard.durations import humanize
from tokenguard.entra.definition import Definition
from tokenguard.entra.facts import EntraFacts
from tokenguard.entra.fixing.fixer import Holder, holders_of
from tokenguard.entra.fixing.operations import POLICY, assign, create, unassign
from tokenguard.entra.fixing.policies import edit
from tokenguard.entra.fixing.reach import NAMED, called, clients_of
from tokenguard.entra.fixing.rewriting import definition_of
from tokenguard.entra.policy import Policy, parse_policy
from tokenguard.entra.reading import Unknown
from tokenguard.model import Safety


def fits(policy: Policy, name: str, lifetime: timedelta) -> bool:
    """Whether `policy` is of exactly this name and lifetime, for whoever it is assigned to, and Entra heeds it."""
    definition = policy.definition
    return (
        (policy.name, policy.lifetime, policy.is_organization_default) == (name, lifetime, False)
        and isinstance(definition, Definition)
        and not definition.doubts
    )


Covered = Callable[[str, str], bool]
"""Whether a plan wants the same of an object that holds a policy; their ids: the policy's, and the object's."""


def hold(
    facts: EntraFacts, holder: Holder, held: str, name: str, lifetime: timedelta, *, covered: Covered
) -> Proposal | Refusal:
    """Let `holder` hold such a policy in place of the policy `held` (its id; empty where it holds none).

    One that is there is taken. One of this name and another lifetime is edited if all that hold it are `covered`: a
    second of the name would be made in its stead, and which of the two is meant, nobody could tell. It comes before the
    old one is taken away, so that the object is without one as briefly as can be.
    """
    if facts.policies_failure is not None:
        return Refusal(f"whether there is a policy “{name}” already is not known: {facts.policies_failure.reason}")
    ready = _ready(facts, name, lifetime, covered)
    if isinstance(ready, Refusal):
        return ready
    first, policy_id = ready
    operations = [*first.operations]
    if policy_id != held:
        if held:
            operations.append(unassign(holder.kind, holder.id, held, f"take {_policy(facts, held)} from {holder.name}"))
        operations.append(assign(holder.kind, holder.id, policy_id, f"assign policy “{name}” to {holder.name}"))
    reach = [first.blast_radius] if first.blast_radius else []
    if not first.blast_radius or policy_id != held:
        reach = [clients_of([holder.object]), *reach]
    return replace(
        first, operations=tuple(operations), blast_radius="; ".join(dict.fromkeys(reach)), safety=Safety.UNSAFE
    )


def _ready(facts: EntraFacts, name: str, lifetime: timedelta, covered: Covered) -> tuple[Proposal, str] | Refusal:
    """What has to be done for there to be such a policy, whom of those that hold it that reaches, and its id."""
    named = _called(facts, name)
    fitting = next((id_ for id_ in named if fits(_policy(facts, id_), name, lifetime)), "")
    if fitting:
        return Proposal((), ""), fitting
    if not named:
        return _created(name, lifetime)
    if len(named) > 1:
        return Refusal(
            f"{len(named)} policies are called “{name}”, none of {humanize(lifetime)}: which of them is "
            "meant nobody said, so none is edited"
        )
    return _edited(facts, named[0], lifetime, covered)


def _created(name: str, lifetime: timedelta) -> tuple[Proposal, str] | Refusal:
    try:
        definition = definition_of(lifetime, {}, {})
    except ValueError as error:
        return Refusal(str(error))
    state = {"displayName": name, "description": None, "definition": definition, "isOrganizationDefault": False}
    words = f"create the policy “{name}” with a lifetime of {humanize(lifetime)}, not as organization default"
    operation = create(state, words)
    return Proposal((operation,), ""), operation.target[POLICY]


def _edited(facts: EntraFacts, policy_id: str, lifetime: timedelta, covered: Covered) -> tuple[Proposal, str] | Refusal:
    """Give the one policy of the name the lifetime, for all that hold it."""
    policy = _policy(facts, policy_id)
    holders = holders_of(facts, policy_id)
    if obstacle := _obstacle(facts, policy, holders, covered):
        return Refusal(f"{policy} is there with another content, and is not edited: {obstacle}")
    proposal = edit(facts, policy_id, {"accessTokenLifetimeSeconds": int(lifetime.total_seconds())})
    if isinstance(proposal, Refusal):
        return proposal
    return proposal if holders else replace(proposal, blast_radius=""), policy_id


def _obstacle(facts: EntraFacts, policy: Policy, holders: tuple[str, ...] | Refusal, covered: Covered) -> str:
    """Why a policy of the name is left as it is; empty where it may be edited."""
    definition = policy.definition
    if policy.is_organization_default is not False:
        return "it is, or may be, the organization default"
    if isinstance(definition, Unknown) or definition.problems:
        return "its definition cannot be read"
    if definition.unknown:
        return f"it has settings that Microsoft documents nowhere: {', '.join(definition.unknown)}"
    if isinstance(holders, Refusal):
        return holders.reason
    others = [each for each in holders if not covered(policy.id, each)]
    if not others:
        return ""
    named = ", ".join(called(facts.objects[each]) if each in facts.objects else each for each in others[:NAMED])
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"the plan wants the same of all that hold it but {named}{more}"


def _called(facts: EntraFacts, name: str) -> list[str]:
    """The ids of the policies of this name, in their order. A definition takes long to read, and there may be many."""
    return sorted(id_ for id_, fact in facts.policies.items() if fact.get("displayName") == name)


def _policy(facts: EntraFacts, id_: str) -> Policy:
    return parse_policy(id_, facts.policies[id_])
