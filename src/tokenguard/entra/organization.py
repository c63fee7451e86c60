"""The tenant itself: its identity, and the `organization` resource."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from tokenguard.entra.asking import ORGANIZATION
from tokenguard.entra.facts import EntraFacts, because
from tokenguard.entra.policy import NULL_DEFAULT, Policy
from tokenguard.entra.reading import Unknown, first_unknown, guid, make_resource, not_held, text
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionFailure, Fact, Resource, Tenant

NAMELESS = "which tenant was read is not known"

_COUNT = "organizationDefaultPolicyCount"


def read_tenant(facts: EntraFacts) -> Tenant:
    """Which tenant the facts are of; without an id where neither Graph nor the token could say, or they disagree."""
    if isinstance(facts.organization, ReadFailure):
        contradicted = facts.organization.status == HTTPStatus.OK
        return Tenant("" if contradicted else facts.tenant)
    id_, name = guid(facts.organization, "id"), text(facts.organization, "displayName")
    return Tenant(id_ if isinstance(id_, str) else facts.tenant, name if isinstance(name, str) else "")


def identity_failure(facts: EntraFacts) -> ReadFailure | None:
    """Why an answer leaves open which tenant the facts are of: what they hold is said of none then.

    Where ``/organization`` was refused or not saved, nothing contradicts the rest.
    """
    if read_tenant(facts).id:
        return None
    if isinstance(facts.organization, ReadFailure):
        return facts.organization if facts.organization.status == HTTPStatus.OK else None
    return ReadFailure(ORGANIZATION, f"GET {ORGANIZATION}: the answer has no id")


def read_organization(facts: EntraFacts, policies: Mapping[str, Policy]) -> Iterator[Resource | CollectionFailure]:
    """The one `organization` resource; none where it is not known which tenant that is.

    What rules ask of it is mostly its policies: where only ``/organization`` is refused, its names alone are unknown.
    """
    if identity_failure(facts):
        return
    tenant = read_tenant(facts)
    if not tenant.id and isinstance(facts.organization, ReadFailure):
        yield CollectionFailure("organization", facts.organization.reason, facts.organization.permission)
        return
    count = facts.service_principal_count
    properties = {
        "tenantId": tenant.id,
        **_names(facts.organization),
        "servicePrincipalCount": because(count) if isinstance(count, ReadFailure) else count,
        **_defaults(facts, policies.values()),
    }
    possible = [{_COUNT: len(_certain(policies.values()))}] if properties[_COUNT] is NULL_DEFAULT else []
    yield make_resource("organization", tenant.id, tenant.name, properties, possible)


def _names(organization: Fact | ReadFailure) -> dict[str, Any]:
    if isinstance(organization, ReadFailure):
        return dict.fromkeys(("displayName", "defaultDomain"), because(organization))
    name = text(organization, "displayName", not_held(ORGANIZATION))
    return {"displayName": name, "defaultDomain": _default_domain(organization)}


def _default_domain(organization: Fact) -> str | Unknown | None:
    domains = organization.get("verifiedDomains")
    if not isinstance(domains, list) or not all(isinstance(domain, dict) for domain in domains):
        return Unknown(f"GET {ORGANIZATION}: the answer holds no list of verifiedDomains")
    default = next((domain for domain in domains if domain.get("isDefault") is True), None)
    return None if default is None else text(default, "name")


def _certain(policies: Collection[Policy]) -> list[Policy]:
    return [policy for policy in policies if policy.is_organization_default is True]


def _defaults(facts: EntraFacts, policies: Collection[Policy]) -> dict[str, Any]:
    names = (_COUNT, "organizationDefaultPolicies")
    if facts.policies_failure is not None:
        return dict.fromkeys(names, because(facts.policies_failure, "not every policy could be read"))
    given = [policy.is_organization_default for policy in policies]
    unknown = first_unknown(*(each for each in given if each is not NULL_DEFAULT), *given)
    if unknown is not None:
        return dict.fromkeys(names, unknown)
    defaults = _certain(policies)
    described = [
        {"id": policy.id, "displayName": policy.name, "accessTokenLifetimeSeconds": policy.seconds}
        for policy in defaults
    ]
    described.sort(key=lambda policy: (str(policy["displayName"]).casefold(), policy["id"]))
    unknown = first_unknown(*(value for policy in described for value in policy.values()))
    return dict(zip(names, (len(defaults), unknown or described), strict=True))
