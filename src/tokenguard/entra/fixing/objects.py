"""Bringing about which policy an application or service principal holds: this one, with this lifetime, or none."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import timedelta
from typing import Any

from tokenguard.changes import Proposal, Refusal
from tokenguard.entra.assignments import Assignments
from tokenguard.entra.facts import EntraFacts, Kind
from tokenguard.entra.fixing.fixer import EntraFixer, Holder
from tokenguard.entra.fixing.holding import Covered, fits, hold
from tokenguard.entra.fixing.operations import find_object, unassign
from tokenguard.entra.fixing.reach import NOBODY, clients_of
from tokenguard.entra.lifetime import exclusion
from tokenguard.entra.policy import Policy
from tokenguard.entra.reading import Unknown
from tokenguard.model import Precedence, Remediation, Resource, Safety

ASSIGNED = "assignedTokenLifetimePolicy"


class ObjectFixer(EntraFixer):
    """Fixer of `servicePrincipal` or `application`."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.resource_type = kind.value

    def propose(
        self,
        facts: EntraFacts,
        resource: Resource,
        remediation: Remediation,
        alike: Set[str],
    ) -> Proposal | Refusal:
        """See `tokenguard.hookspecs.Fixer`."""
        if remediation.set is None:
            return Refusal(f"no fix deletes a {self._kind}")
        standing = Assignments(facts, Precedence.ALL).held_by(resource.id)
        if isinstance(standing, Unknown):
            return Refusal(f"which policy it holds is not known: {standing.reason}")
        holder = Holder(self._kind, resource.id, find_object(facts, self._kind, resource.id))
        wanted = remediation.set[ASSIGNED]
        if wanted is None:
            return _none(holder, standing)
        return _one(facts, holder, standing, wanted, lambda _, object_id: object_id in alike)


def _none(holder: Holder, policy: Policy | None) -> Proposal:
    if policy is None:
        return Proposal((), NOBODY)
    words = f"take {policy} from {holder.name}"
    return Proposal((unassign(holder.kind, holder.id, policy.id, words),), clients_of([holder.object]), Safety.UNSAFE)


def _one(
    facts: EntraFacts, holder: Holder, policy: Policy | None, wanted: Mapping[str, Any], covered: Covered
) -> Proposal | Refusal:
    name, seconds = wanted["displayName"], wanted["accessTokenLifetimeSeconds"]
    if wanted["isOrganizationDefault"] or not name or seconds is None:
        return Refusal("a policy that a fix assigns has a name and a lifetime, and is not the organization default")
    excluded = exclusion(holder.object)
    if isinstance(excluded, str):
        return Refusal(excluded)
    lifetime = timedelta(seconds=seconds)
    if policy is not None and fits(policy, name, lifetime):
        return Proposal((), NOBODY)
    return hold(facts, holder, policy.id if policy else "", name, lifetime, covered=covered)
