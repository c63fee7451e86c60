"""Letting an object hold a policy of a name and lifetime: one that is there already, or a new one."""

from __future__ import annotations

from datetime import timedelta

from tokenguard.changes import Proposal, Refusal
from tokenguard.durations import humanize
from tokenguard.entra.definition import Definition
from tokenguard.entra.facts import EntraFacts
from tokenguard.entra.fixing.fixer import Holder
from tokenguard.entra.fixing.operations import POLICY, assign, create, unassign
from tokenguard.entra.fixing.reach import clients_of
from tokenguard.entra.fixing.rewriting import definition_of
from tokenguard.entra.policy import Policy, parse_policy
from tokenguard.model import Safety


def fits(policy: Policy, name: str, lifetime: timedelta) -> bool:
    """Whether `policy` is of exactly this name and lifetime, for whoever it is assigned to, and nothing else."""
    definition = policy.definition
    return (
        (policy.name, policy.lifetime, policy.is_organization_default) == (name, lifetime, False)
        and isinstance(definition, Definition)
        and not definition.unknown
    )


def hold(facts: EntraFacts, holder: Holder, held: str, name: str, lifetime: timedelta) -> Proposal | Refusal:
    """Let `holder` hold such a policy in place of the policy `held` (its id; empty where it holds none).

    It is created before the old one is taken away, so that the object is without one as briefly as can be.
    """
    if facts.policies_failure is not None:
        return Refusal(f"whether there is a policy “{name}” already is not known: {facts.policies_failure.reason}")
    ready = next((id_ for id_ in _called(facts, name) if fits(_policy(facts, id_), name, lifetime)), "")
    operations = []
    if not ready:
        try:
            definition = definition_of(lifetime, {}, {})
        except ValueError as error:
            return Refusal(str(error))
        state = {
            "displayName": name,
            "description": None,
            "definition": definition,
            "isOrganizationDefault": False,
        }
        words = f"create the policy “{name}” with a lifetime of {humanize(lifetime)}, not as organization default"
        operations.append(create(state, words))
        ready = operations[0].target[POLICY]
    if held:
        operations.append(unassign(holder.kind, holder.id, held, f"take {_policy(facts, held)} from {holder.name}"))
    operations.append(assign(holder.kind, holder.id, ready, f"assign policy “{name}” to {holder.name}"))
    return Proposal(tuple(operations), clients_of([holder.object]), Safety.UNSAFE)


def _called(facts: EntraFacts, name: str) -> list[str]:
    """The ids of the policies of this name, in their order. A definition takes long to read, and there may be many."""
    return sorted(id_ for id_, fact in facts.policies.items() if fact.get("displayName") == name)


def _policy(facts: EntraFacts, id_: str) -> Policy:
    return parse_policy(id_, facts.policies[id_])
