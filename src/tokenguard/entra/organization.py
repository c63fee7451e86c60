"""The tenant itself: its identity, and the `organization` resource."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tokenguard.entra.facts import EntraFacts, because
from tokenguard.entra.policy import Policy
from tokenguard.entra.reading import Unknown, first_unknown, guid, make_resource, text
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionFailure, Fact, Resource, Tenant


def read_tenant(facts: EntraFacts) -> Tenant:
    """Which tenant the facts are of; without an id where neither Graph nor the token could say."""
    if isinstance(facts.organization, ReadFailure):
        return Tenant(facts.tenant)
    id_, name = guid(facts.organization, "id"), text(facts.organization, "displayName")
    return Tenant(id_ if isinstance(id_, str) else facts.tenant, name if isinstance(name, str) else "")


def read_organization(facts: EntraFacts, policies: Mapping[str, Policy]) -> Iterator[Resource | CollectionFailure]:
    """The one `organization` resource, or why there is none.

    What rules ask of it is mostly its policies: where only ``/organization`` is refused, its names alone are unknown.
    """
    tenant = read_tenant(facts)
    if not tenant.id:
        match facts.organization:
            case ReadFailure(reason=reason, permission=permission):
                yield CollectionFailure("organization", reason, permission)
            case _:
                yield CollectionFailure("organization", "GET /organization: the answer has no id")
        return
    count = facts.service_principal_count
    properties = {
        "tenantId": tenant.id,
        **_names(facts.organization),
        "servicePrincipalCount": because(count) if isinstance(count, ReadFailure) else count,
        **_defaults(facts, policies.values()),
    }
    yield make_resource("organization", tenant.id, tenant.name, properties)


def _names(organization: Fact | ReadFailure) -> dict[str, Any]:
    if isinstance(organization, ReadFailure):
        return dict.fromkeys(("displayName", "defaultDomain"), because(organization))
    return {"displayName": text(organization, "displayName"), "defaultDomain": _default_domain(organization)}


def _default_domain(organization: Fact) -> str | Unknown | None:
    domains = organization.get("verifiedDomains")
    if not isinstance(domains, list) or not all(isinstance(domain, dict) for domain in domains):
        return Unknown("the answer that was read holds no list of verifiedDomains")
    default = next((domain for domain in domains if domain.get("isDefault") is True), None)
    return None if default is None else text(default, "name")


def _defaults(facts: EntraFacts, policies: Collection[Policy]) -> dict[str, Any]:
    names = ("organizationDefaultPolicyCount", "organizationDefaultPolicies")
    if facts.policies_failure is not None:
        return dict.fromkeys(names, because(facts.policies_failure, "not every policy could be read"))
    unknown = first_unknown(*(policy.is_organization_default for policy in policies))
    if unknown is not None:
        return dict.fromkeys(names, unknown)
    defaults = [policy for policy in policies if policy.is_organization_default]
    described = [
        {"id": policy.id, "displayName": policy.name, "accessTokenLifetimeSeconds": policy.seconds}
        for policy in defaults
    ]
    described.sort(key=lambda policy: (str(policy["displayName"]).casefold(), policy["id"]))
    unknown = first_unknown(*(value for policy in described for value in policy.values()))
    return dict(zip(names, (len(defaults), unknown or described), strict=True))
