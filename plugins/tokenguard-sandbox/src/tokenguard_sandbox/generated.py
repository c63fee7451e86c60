"""Tenants of any size, made from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from uuid import UUID

from tokenguard_sandbox.directory import Clock, Directory, History, Making, Numbering, Objects, Row, State

_MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant that Microsoft's own service principals belong to."""
_FIRST_PARTY = {
    "00000003-0000-0000-c000-000000000000": "Microsoft Graph",
    "00000007-0000-0000-c000-000000000000": "Dataverse",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013": "Windows Azure Service Management API",
    "cfa8b339-82a2-471a-a3c9-0fc0be7a4093": "Azure Key Vault",
}
_WORDS = (
    "Payroll",
    "Invoices",
    "Warehouse",
    "Reporting",
    "Badge",
    "Travel",
    "Archive",
    "Gateway",
    "Scheduler",
    "Portal",
)
_PRINCIPAL_ROW: Row = {
    "deletedDateTime": None,
    "accountEnabled": True,
    "appRoleAssignmentRequired": False,
    "servicePrincipalType": "Application",
    "tags": [],
    "keyCredentials": [],
    "passwordCredentials": [],
}
_LIFETIMES = ("00:10:00", "00:30:00", "1:00:00", "02:00:00", "08:00:00", "23:59:59")
_OWN_SHARE = 10
"""One in so many principals belongs to an application of the tenant itself."""
_PRINCIPAL, _CLIENT, _POLICY, _APPLICATION, _TENANT = range(1, 6)
"""Kinds of GUID."""


def directory(clock: Clock, *, principals: int, policies: int, assignments: int, seed: int) -> Directory:
    """A tenant with `principals` service principals; the same for the same numbers.

    Some are Microsoft's own; a tenth have an application of the tenant. Assignments go to principals, one each: there
    are no more than these, and none without a policy.
    """
    maker = _Maker(seed)
    listed = [maker.first_party(app_id, name) for app_id, name in _FIRST_PARTY.items()][:principals]
    made = principals - len(listed)
    applications = -(-made // _OWN_SHARE)
    objects = Objects("servicePrincipal", listed, Making(made, maker.principal, maker.principals, maker.clients))
    own = Objects("application", [], Making(applications, maker.application, maker.applications, maker.own_clients))
    return Directory(maker.organization(), objects, own, History(maker.state(objects, policies, assignments), clock))


class _Maker:
    """Makes rows from their number. What it makes depends on the seed and the number alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.principals = Numbering(seed, _PRINCIPAL)
        self.clients = Numbering(seed, _CLIENT)
        self.applications = Numbering(seed, _APPLICATION)
        self.own_clients = Numbering(seed, _CLIENT, _OWN_SHARE)
        self._tenant = Numbering(seed, _TENANT).guid(0)

    def organization(self) -> Row:
        domain = {"capabilities": "Email", "isDefault": True, "isInitial": True, "type": "Managed"}
        return {
            "id": self._tenant,
            "deletedDateTime": None,
            "displayName": f"Sandbox {self._seed}",
            "tenantType": "AAD",
            "verifiedDomains": [{**domain, "name": f"sandbox{self._seed}.onmicrosoft.com"}],
        }

    def first_party(self, app_id: str, name: str) -> Row:
        id_ = str(UUID(int=UUID(app_id).int ^ (self._seed + 1 << 64)))  # never the appId itself
        return {
            **_PRINCIPAL_ROW,
            "id": id_,
            "appDisplayName": name,
            "appId": app_id,
            "appOwnerOrganizationId": _MICROSOFT,
            "displayName": name,
            "servicePrincipalNames": [app_id],
            "signInAudience": "AzureADMultipleOrgs",
        }

    def principal(self, number: int) -> Row:
        own = number % _OWN_SHARE == 0
        managed = not own and number % 17 == 3  # noqa: PLR2004  (a managed identity has no application)
        app_id, name = self.clients.guid(number), _title(number)
        return {
            **_PRINCIPAL_ROW,
            "id": self.principals.guid(number),
            "appDisplayName": name,
            "appId": app_id,
            "appOwnerOrganizationId": self._tenant if own else _MICROSOFT,
            "displayName": name,
            "servicePrincipalNames": [app_id, *(_identifier_uris(app_id) if own else ())],
            "servicePrincipalType": "ManagedIdentity" if managed else "Application",
            "signInAudience": "AzureADMyOrg" if own else "AzureADMultipleOrgs",
        }

    def application(self, number: int) -> Row:
        app_id = self.own_clients.guid(number)
        return {
            "id": self.applications.guid(number),
            "deletedDateTime": None,
            "appId": app_id,
            "createdDateTime": "2024-05-01T08:00:00Z",
            "displayName": _title(number * _OWN_SHARE),
            "identifierUris": _identifier_uris(app_id),
            "signInAudience": "AzureADMyOrg",
            "keyCredentials": [],
            "passwordCredentials": [_password(self.applications.guid(number))] if number % 3 == 0 else [],
        }

    def state(self, objects: Objects, policies: int, assignments: int) -> State:
        """Policies without an organization default, and principals at random that hold them."""
        chance = random.Random(self._seed)  # noqa: S311  (a tenant that can be made again, no secret)
        ids = Numbering(self._seed, _POLICY)
        made = [_policy(ids.guid(number), number) for number in range(policies)]
        numbers = chance.sample(range(len(objects)), assignments)
        holders = [next(objects.rows(number, number + 1))["id"] for number in numbers]
        return State({each["id"]: each for each in made}, _spread(holders, made))


def _spread(holders: Sequence[str], policies: Sequence[Row]) -> dict[str, str]:
    return {holder: policies[place % len(policies)]["id"] for place, holder in enumerate(holders)}


def _identifier_uris(app_id: str) -> list[str]:
    """Of an application; its service principal goes by the same names."""
    return [f"api://{app_id}"]


def _title(number: int) -> str:
    return f"{_WORDS[number % len(_WORDS)]} {number}"


def _password(key_id: str) -> Row:
    return {
        "customKeyIdentifier": None,
        "displayName": "deployment",
        "endDateTime": "2027-05-01T08:00:00Z",
        "hint": "abc",
        "keyId": key_id,
        "secretText": None,
        "startDateTime": "2024-05-01T08:00:00Z",
    }


def _policy(id_: str, number: int) -> Row:
    inner = {"Version": 1, "AccessTokenLifetime": _LIFETIMES[number % len(_LIFETIMES)]}
    return {
        "id": id_,
        "deletedDateTime": None,
        "description": None,
        "definition": [json.dumps({"TokenLifetimePolicy": inner}, separators=(",", ":"))],
        "displayName": f"Policy {number}",
        "isOrganizationDefault": False,
    }
