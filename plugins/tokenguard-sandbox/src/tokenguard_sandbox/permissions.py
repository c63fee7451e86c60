"""Which application permissions allow which call.

Source: Microsoft's permission data for Graph v1.0, 2026-08-07. Not modelled: `Application.ReadWrite.OwnedBy` counts
for every object, whoever owns it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

Alternatives = frozenset[frozenset[str]]
"""Sets of permissions, each of which is enough."""


def _any(*permissions: str) -> Alternatives:
    return frozenset(frozenset({each}) for each in permissions)


def _pairs(firsts: Iterable[str], seconds: Iterable[str]) -> Alternatives:
    return frozenset(frozenset({first, second}) for first in firsts for second in seconds)


_OBJECTS = _any(
    "Application.Read.All", "Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.Read.All"
)
_OBJECT = _OBJECTS | _any("Directory.ReadWrite.All")
_POLICIES = _any("Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration")
_POLICY_WRITES = _any("Policy.ReadWrite.ApplicationConfiguration")
_APPLIES_TO = _POLICIES | _any("Application.Read.All", "Directory.Read.All")
_ASSIGNMENTS = _pairs(
    ("Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"),
    ("Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"),
)
_ORGANIZATION = _any(
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
    "DeviceManagementServiceConfig.Read.All",
    "DeviceManagementServiceConfig.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "User.Read.All",
)

CONDITIONAL_ACCESS = "/identity/conditionalAccess/policies"
_POLICY = "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}"
_HOLDERS = {"/servicePrincipals": "servicePrincipal", "/applications": "application"}


def _table() -> dict[tuple[str, str], Alternatives]:
    table = {
        ("GET", "/organization"): _ORGANIZATION,
        ("GET", "/organization/$count"): _ORGANIZATION,
        ("GET", "/policies/tokenLifetimePolicies"): _POLICIES,
        ("GET", "/policies/tokenLifetimePolicies/$count"): _POLICIES,
        ("POST", "/policies/tokenLifetimePolicies"): _POLICY_WRITES,
        ("GET", _POLICY): _POLICIES,
        ("PATCH", _POLICY): _POLICY_WRITES,
        ("DELETE", _POLICY): _POLICY_WRITES,
        ("GET", f"{_POLICY}/appliesTo"): _APPLIES_TO,
        ("GET", f"{_POLICY}/appliesTo/$count"): _APPLIES_TO,
        ("GET", CONDITIONAL_ACCESS): _any("Policy.Read.All"),
    }
    for collection, singular in _HOLDERS.items():
        table["GET", collection] = table["GET", f"{collection}/$count"] = _OBJECTS
        for one in (f"{collection}/{{{singular}-id}}", f"{collection}(appId='{{appId}}')"):
            assigned = f"{one}/tokenLifetimePolicies"
            table["GET", one] = _OBJECT
            table["GET", assigned] = _ASSIGNMENTS
            table["POST", f"{assigned}/$ref"] = _ASSIGNMENTS
            table["DELETE", f"{assigned}/{{tokenLifetimePolicy-id}}/$ref"] = _ASSIGNMENTS
    return table


PERMISSIONS = _table()
"""By method and path, spelt as in Microsoft's OpenAPI description: every call that the sandbox answers."""

_OTHERS = frozenset(
    {
        "LicenseAssignment.Read.All",
        "Policy.ReadWrite.Authorization",
        "Policy.ReadWrite.ConditionalAccess",
        "Policy.ReadWrite.SecurityDefaults",
        "User.Read",
    }
)
"""Of the calls beside those of the sandbox: a client may hold them, and they allow nothing here."""
KNOWN = _OTHERS.union(*(each for alternatives in PERMISSIONS.values() for each in alternatives))
"""Every permission that a client of the sandbox may hold."""

BOTH_FOR_APPLIES_TO = frozenset(
    {*_pairs(("Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"), ("Application.Read.All",))}
    | _any("Directory.Read.All")
)
"""What the page about appliesTo asks for; the data file asks for less."""


def allowed(held: Collection[str], alternatives: Alternatives) -> bool:
    """Whether the permissions `held` are enough."""
    return any(needed.issubset(held) for needed in alternatives)
