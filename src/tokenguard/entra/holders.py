"""The `tokenLifetimePolicyAssignment` resources: one policy on one holder, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokenguard.entra.assignments import Assignments
from tokenguard.entra.facts import UNASKED, DirectoryObject, Kind, audience, principal_type
from tokenguard.entra.in_force import in_force
from tokenguard.entra.lifetime import lifetime_properties, possible_properties
from tokenguard.entra.microsoft import is_first_party
from tokenguard.entra.policy import Policy
from tokenguard.entra.reading import Unknown, guid, make_resource, text
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionFailure, Resource


def read_assignments(assignments: Assignments) -> Iterator[Resource | CollectionFailure]:
    """The `tokenLifetimePolicyAssignment` resources, and a failure for each that may be missing."""
    for policy, object_id in assignments:
        yield _read_assignment(assignments, policy, object_id)
    facts = assignments.facts
    failures = [facts.policies_failure, *(facts.holders.get(id_, UNASKED) for id_ in facts.policies)]
    for failure in failures:
        if isinstance(failure, ReadFailure):
            yield CollectionFailure("tokenLifetimePolicyAssignment", failure.reason, failure.permission)


def _read_assignment(assignments: Assignments, policy: Policy, object_id: str) -> Resource:
    holder = assignments.object(object_id)
    verdict = in_force(policy, holder, assignments.levels(object_id, holder), assignments.precedence)
    effective = assignments.effective(object_id, holder)
    name = text(holder.fact, "displayName", holder.missing)
    properties = {
        "policyId": policy.id,
        "policyName": policy.name,
        "isOrganizationDefault": policy.is_organization_default,
        "accessTokenLifetimeSeconds": policy.seconds,
        "objectId": object_id,
        "objectType": holder.kind if isinstance(holder.kind, Unknown) else holder.kind.value,
        "displayName": name,
        "appId": guid(holder.fact, "appId", holder.missing),
        "servicePrincipalType": _of_principal(holder, principal_type(holder.fact, holder.missing), None),
        "signInAudience": audience(holder.fact, holder.missing),
        "isFirstParty": _of_principal(holder, is_first_party(holder.fact, holder.missing), False),
        "inForce": verdict if isinstance(verdict, Unknown) else verdict[0].value,
        "inForceReason": verdict if isinstance(verdict, Unknown) else verdict[1],
        **lifetime_properties(effective),
    }
    shown = name if isinstance(name, str) and name else object_id
    id_ = f"{policy.id}/{object_id}"
    return make_resource("tokenLifetimePolicyAssignment", id_, shown, properties, possible_properties(effective))


def _of_principal(holder: DirectoryObject, value: Any, otherwise: Any) -> Any:
    """`value` where `holder` is a service principal, `otherwise` where it is an application."""
    match holder.kind:
        case Unknown():
            return holder.kind
        case Kind.APPLICATION:
            return otherwise
        case _:
            return value
