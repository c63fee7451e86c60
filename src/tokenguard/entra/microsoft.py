"""Microsoft's own applications: their appIds, which are the same in every tenant, and where they are registered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tokenguard.entra.facts import principal_type
from tokenguard.entra.reading import GUID, NOT_HELD, Unknown, first_unknown, guid
from tokenguard.model import Fact

GRAPH = "00000003-0000-0000-c000-000000000000"
DATAVERSE = "00000007-0000-0000-c000-000000000000"
"""Common Data Service: one service principal stands for every environment of a tenant."""
SHAREPOINT = "00000003-0000-0ff1-ce00-000000000000"
AZURE_MANAGEMENT = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
FIRST_PARTY_APPS = frozenset({GRAPH, DATAVERSE, SHAREPOINT, AZURE_MANAGEMENT, KEY_VAULT})
"""Those of Microsoft's own applications that we know by appId; there are many more."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A tenant where Microsoft registers applications of its own."""

    name: str
    source: str
    reported: bool = False
    """Whether only public code says so, Microsoft's or another's, and no documentation of Microsoft's."""


FIRST_PARTY_TENANTS: Mapping[str, Owner] = {
    "f8cdef31-a31e-4b4a-93e4-5f571e91255a": Owner(
        "Microsoft Services", "Microsoft's Zero Trust Assessment, test 21774; ScubaGear, AADHybridExchangeHelper.psm1"
    ),
    "72f988bf-86f1-41af-91ab-2d7cd011db47": Owner(
        "Microsoft, the corporate tenant", "M365-Assess 2.13.0, list of first-party owner tenants"
    ),
    "47df5bb7-e6bc-4256-afb0-dd8c8e3c1ce8": Owner(
        "Active Directory Application Registry",
        "Microsoft Learn, “Understand the Azure AD schema” (cloud sync), answer of GET /servicePrincipals",
    ),
    "cab8a31a-1906-4287-a0d8-4eef66b95f6e": Owner(
        "Microsoft Services, US government", "CISA's ScubaGear, AADHybridExchangeHelper.psm1"
    ),
    "a55a4d5b-9241-49b1-b4ff-befa8db00269": Owner(
        "Microsoft Services, China", "CISA's ScubaGear, AADHybridExchangeHelper.psm1"
    ),
    "33e01921-4d64-4f8c-a055-5bdaffd5e33d": Owner(
        "AME", "code of Microsoft's Zero Trust Assessment, test of redirect URIs", reported=True
    ),
    "cdc5aeea-15c5-4db6-b079-fcadd2505dc2": Owner(
        "Torus", "lists of first-party tenants in public code", reported=True
    ),
    "975f013f-7f24-47e8-a7d3-abc4752bf346": Owner("PME", "lists of first-party tenants in public code", reported=True),
}
"""By id. An application that is registered elsewhere is not Microsoft's; a tenant that should be here, and is not, is
why one of Microsoft's passes for another's."""


def is_first_party(fact: Fact, missing: Unknown = NOT_HELD) -> bool | Unknown:
    """Whether the application of the service principal `fact` is Microsoft's own: by its appId, or else its owner.

    A managed identity belongs to the tenant that it is in, and has no owner.
    """
    app_id, owner = guid(fact, "appId", missing), guid(fact, "appOwnerOrganizationId", missing)
    if app_id in FIRST_PARTY_APPS:
        return True
    if isinstance(owner, Unknown):
        return owner
    if owner:
        known = re.fullmatch(GUID, owner)
        return owner in FIRST_PARTY_TENANTS if known else Unknown("appOwnerOrganizationId is no id of a tenant")
    type_ = principal_type(fact, missing)
    if type_ == "ManagedIdentity":
        return False
    return first_unknown(app_id, type_) or _NO_OWNER


_NO_OWNER = Unknown("appOwnerOrganizationId is null, and the appId is not one that is known to be Microsoft's")
