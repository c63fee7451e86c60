"""Who holds which policy, looked at from the holder's side; and the `tokenLifetimePolicyAssignment` resources.

Graph tells assignments from the policies' side only, to who may only read. So "holds none" is known of an object when
every policy's `appliesTo` was read, and of an application's counterpart (the principal or application of the same
appId) when in addition the details of every holder were read. Short of that it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tokenguard.entra.facts import UNASKED, DirectoryObject, EntraFacts, Kind, because
from tokenguard.entra.lifetime import Basis, Effective, Levels, Standing, effective_lifetime, in_force
from tokenguard.entra.policy import Policy, parse_policies, whole_seconds
from tokenguard.entra.reading import Unknown, first_unknown, guid, make_resource, text
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionFailure, Precedence, Resource

FIRST_PARTY_TENANTS = frozenset({"f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"})
"""Tenants where Microsoft registers its own applications: "Microsoft Services", and Microsoft's corporate tenant.

Sources: Microsoft's Zero Trust Assessment, test 21774, for the first; M365-Assess 2.13.0, list of first-party owner
tenants, for both.
"""

_COUNTERPART = {Kind.SERVICE_PRINCIPAL: Kind.APPLICATION, Kind.APPLICATION: Kind.SERVICE_PRINCIPAL}


class Assignments:
    """The policies and assignments of some facts, indexed once."""

    def __init__(self, facts: EntraFacts, precedence: Precedence) -> None:
        self.facts = facts
        self.precedence = precedence
        self.policies = parse_policies(facts)
        self._incomplete = _first_failure(facts, self.policies)
        self._organization = _organization_default(facts, self.policies)
        self._by_object: dict[str, list[Policy]] = {}
        self._by_app: dict[tuple[Kind, str], list[Policy]] = {}
        self._unplaced: dict[Kind, Unknown] = {}
        for policy, object_id in self:
            self._by_object.setdefault(object_id, []).append(policy)
        for object_id, policies in self._by_object.items():
            self._place(self.object(object_id), policies)

    def __iter__(self) -> Iterator[tuple[Policy, str]]:
        """Every assignment that was read: a policy and the id of its holder, gone ones left out."""
        for policy_id, policy in self.policies.items():
            holders = self.facts.holders.get(policy_id, UNASKED)
            if not isinstance(holders, ReadFailure):
                yield from ((policy, holder) for holder in dict.fromkeys(holders) if holder not in self.facts.gone)

    def object(self, object_id: str) -> DirectoryObject:
        """The details of a holder, as far as they were read."""
        found = self.facts.objects.get(object_id)
        reason = because(UNASKED)
        return found if found is not None else DirectoryObject(reason, {}, reason)

    def held_by(self, object_id: str) -> Standing:
        """The policy that an object itself holds."""
        return self._only(self._by_object.get(object_id, ()), self._incomplete)

    def effective(self, object_id: str, holder: DirectoryObject) -> Effective | Unknown:
        """What is in force for tokens issued for an object."""
        return effective_lifetime(holder, self.levels(object_id, holder), self.precedence)

    def levels(self, object_id: str, holder: DirectoryObject) -> Levels:
        """What stands at each level for tokens issued for an object."""
        if isinstance(holder.kind, Unknown):
            return dict.fromkeys((Basis.SERVICE_PRINCIPAL, Basis.APPLICATION, Basis.ORGANIZATION), holder.kind)
        other = _COUNTERPART[holder.kind]
        return {
            Basis.ORGANIZATION: self._organization,
            Basis(holder.kind.value): self.held_by(object_id),
            Basis(other.value): self._held_by_app(other, guid(holder.fact, "appId", holder.missing)),
        }

    def _held_by_app(self, kind: Kind, app_id: str | Unknown | None) -> Standing:
        if isinstance(app_id, Unknown):
            anyone = any(kind is held_kind for held_kind, _ in self._by_app)
            return app_id if anyone else self._incomplete or self._unplaced.get(kind)
        policies = self._by_app.get((kind, app_id or ""), ())
        return self._only(policies, self._incomplete or self._unplaced.get(kind))

    def _place(self, holder: DirectoryObject, policies: Sequence[Policy]) -> None:
        app_id = guid(holder.fact, "appId", holder.missing)
        unknown = first_unknown(holder.kind, app_id)
        if unknown is None and isinstance(holder.kind, Kind) and isinstance(app_id, str):
            self._by_app.setdefault((holder.kind, app_id), []).extend(policies)
            return
        why = unknown.reason if unknown else "Graph gives none"
        reason = Unknown(f"{policies[0]} is on an object of unknown appId: {why}")
        for kind in Kind if isinstance(holder.kind, Unknown) else (holder.kind,):
            self._unplaced.setdefault(kind, reason)

    @staticmethod
    def _only(policies: Sequence[Policy], otherwise: Unknown | None) -> Standing:
        """The one of `policies`, for Entra allows one an object; more can be seen while a replacement settles."""
        if len(policies) > 1:
            return Unknown(f"more than one policy is assigned: {', '.join(map(str, policies))}")
        return policies[0] if policies else otherwise


def lifetime_properties(effective: Effective | Unknown) -> dict[str, Any]:
    """The four properties that say what is in force."""
    names = ("longestLifetimeSeconds", "shortestLifetimeSeconds", "lifetimeBasis", "precedenceAmbiguous")
    if isinstance(effective, Unknown):
        return dict.fromkeys(names, effective)
    seconds = map(whole_seconds, (effective.longest, effective.shortest))
    return dict(zip(names, (*seconds, effective.basis.value, effective.ambiguous), strict=True))


def is_first_party(owner: str | Unknown | None) -> bool | Unknown:
    """Whether an application that is registered in the tenant `owner` is Microsoft's own."""
    return owner if isinstance(owner, Unknown) else owner in FIRST_PARTY_TENANTS


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
        "servicePrincipalType": _of_principal(holder, text(holder.fact, "servicePrincipalType", holder.missing), None),
        "signInAudience": text(holder.fact, "signInAudience", holder.missing),
        "isFirstParty": _of_principal(
            holder, is_first_party(guid(holder.fact, "appOwnerOrganizationId", holder.missing)), False
        ),
        "inForce": verdict if isinstance(verdict, Unknown) else verdict[0].value,
        "inForceReason": verdict if isinstance(verdict, Unknown) else verdict[1],
        **lifetime_properties(assignments.effective(object_id, holder)),
    }
    shown = name if isinstance(name, str) and name else object_id
    return make_resource("tokenLifetimePolicyAssignment", f"{policy.id}/{object_id}", shown, properties)


def _of_principal(holder: DirectoryObject, value: Any, otherwise: Any) -> Any:
    """`value` where `holder` is a service principal, `otherwise` where it is an application."""
    match holder.kind:
        case Unknown():
            return holder.kind
        case Kind.APPLICATION:
            return otherwise
        case _:
            return value


def _first_failure(facts: EntraFacts, policies: Mapping[str, Policy]) -> Unknown | None:
    """Why an object that no known assignment names may hold a policy all the same; None when it cannot."""
    if facts.policies_failure is not None:
        return because(facts.policies_failure, "not every policy could be read")
    for id_, policy in policies.items():
        holders = facts.holders.get(id_, UNASKED)
        if isinstance(holders, ReadFailure):
            return because(holders, f"what holds {policy} could not be read")
    return None


def _organization_default(facts: EntraFacts, policies: Mapping[str, Policy]) -> Standing:
    if facts.policies_failure is not None:
        return because(facts.policies_failure, "not every policy could be read")
    unknown = first_unknown(*(policy.is_organization_default for policy in policies.values()))
    if unknown is not None:
        return unknown
    defaults = [policy for policy in policies.values() if policy.is_organization_default]
    if len(defaults) > 1:
        named = ", ".join(map(str, defaults))
        return Unknown(f"{len(defaults)} policies are the organization default, where Entra documents one: {named}")
    return defaults[0] if defaults else None
