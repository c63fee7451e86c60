"""Microsoft's own applications: their appIds, which are the same in every tenant, and where they are registered."""

from __future__ import annotations

import re

from tokenguard.entra.reading import GUID, NOT_HELD, Unknown, guid
from tokenguard.model import Fact

GRAPH = "00000003-0000-0000-c000-000000000000"
DATAVERSE = "00000007-0000-0000-c000-000000000000"
"""Common Data Service: one service principal stands for every environment of a tenant."""
SHAREPOINT = "00000003-0000-0ff1-ce00-000000000000"
AZURE_MANAGEMENT = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
FIRST_PARTY_APPS = frozenset({GRAPH, DATAVERSE, SHAREPOINT, AZURE_MANAGEMENT, KEY_VAULT})
"""Those of Microsoft's own applications that we know by appId; there are many more."""

FIRST_PARTY_TENANTS = frozenset(
    {
        "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "cab8a31a-1906-4287-a0d8-4eef66b95f6e",
        "a55a4d5b-9241-49b1-b4ff-befa8db00269",
    }
)
"""Tenants where Microsoft registers its own applications: "Microsoft Services", Microsoft's corporate tenant, and what
stands for the former in the clouds of the US government and of China.

Sources: Microsoft's Zero Trust Assessment, test 21774, for the first; M365-Assess 2.13.0, list of first-party owner
tenants, for the first two; CISA's ScubaGear, AADHybridExchangeHelper.psm1, for all but the second.
"""


def is_first_party(fact: Fact, missing: Unknown = NOT_HELD) -> bool | Unknown:
    """Whether the application of the service principal `fact` is Microsoft's own: by its appId, or else its owner."""
    app_id, owner = guid(fact, "appId", missing), guid(fact, "appOwnerOrganizationId", missing)
    if app_id in FIRST_PARTY_APPS:
        return True
    if isinstance(owner, Unknown):
        return owner
    if not owner:  # then only the appId could tell
        return app_id if isinstance(app_id, Unknown) else False
    if not re.fullmatch(GUID, owner):
        return Unknown("appOwnerOrganizationId is no id of a tenant")
    return owner in FIRST_PARTY_TENANTS
