"""Mending an assignment: by taking it away, or by another lifetime for those of whom that was asked, and no others."""

from __future__ import annotations

from collections.abc import Set
from datetime import timedelta

from tokenguard.changes import Proposal, Refusal
from tokenguard.durations import humanize
from tokenguard.entra.facts import EntraFacts
from tokenguard.entra.fixing.fixer import EntraFixer, Holder, holder_of, holders_of
from tokenguard.entra.fixing.holding import Covered, hold
from tokenguard.entra.fixing.operations import unassign
from tokenguard.entra.fixing.policies import edit
from tokenguard.entra.fixing.reach import NOBODY, clients_of
from tokenguard.entra.policy import Policy, parse_policy
from tokenguard.model import Remediation, Resource, Safety


class AssignmentFixer(EntraFixer):
    """Fixer of `tokenLifetimePolicyAssignment`."""

    resource_type = "tokenLifetimePolicyAssignment"

    def propose(
        self, facts: EntraFacts, resource: Resource, remediation: Remediation, alike: Set[str]
    ) -> Proposal | Refusal:
        """See `tokenguard.hookspecs.Fixer`."""
        policy_id, _, object_id = resource.id.partition("/")
        held = holder_of(facts, policy_id, object_id)
        if isinstance(held, Refusal):
            return held
        policy = parse_policy(policy_id, facts.policies[policy_id])
        if remediation.set is None:
            words = f"take {policy} from {held.name}"
            return Proposal(
                (unassign(held.kind, object_id, policy_id, words),), clients_of([held.object]), Safety.UNSAFE
            )
        seconds = remediation.set["accessTokenLifetimeSeconds"]
        if seconds is None:
            return Refusal("an assignment without a lifetime is none: `remove` it instead")
        holders = holders_of(facts, policy_id)
        covered = not isinstance(holders, Refusal) and all(f"{policy_id}/{each}" in alike for each in holders)
        if covered and policy.is_organization_default is False:
            return edit(facts, policy_id, remediation.set)
        return _apart(facts, held, policy, timedelta(seconds=seconds), lambda *ids: "/".join(ids) in alike)


def _apart(
    facts: EntraFacts, held: Holder, policy: Policy, lifetime: timedelta, covered: Covered
) -> Proposal | Refusal:
    """A policy of its own for one holder: the others keep what they have."""
    if policy.lifetime == lifetime:
        return Proposal((), NOBODY)
    name = policy.name if isinstance(policy.name, str) and policy.name else policy.id
    return hold(facts, held, policy.id, f"{name} ({humanize(lifetime)})", lifetime, covered=covered)
