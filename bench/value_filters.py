"""The built-in rules as Cloud Custodian's users would write them: value filters, each a JMESPath and a comparison.

A rule is what its filters select, and what violates it among that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.data import LISTED

Filter = Mapping[str, Any]

SETS_DEFAULT = {"key": "isOrganizationDefault", "value": True}
NO_DEFAULT = {"key": "isOrganizationDefault", "value": False}
IN_FORCE = {"key": "lifetimeBasis", "op": "in", "value": ["servicePrincipal", "application", "organization"]}
TOO_LONG = {"key": "accessTokenLifetimeSeconds", "op": "gt", "value": 5400}
LONGEST_TOO_LONG = {"key": "longestLifetimeSeconds", "op": "gt", "value": 5400}


def any_of(name: str) -> Filter:
    return {"key": f"length({name})", "op": "gt", "value": 0}


RULES: Mapping[str, tuple[tuple[Filter, ...], Filter]] = {
    "several-organization-default-policies": ((), {"key": "organizationDefaultPolicyCount", "op": "gt", "value": 1}),
    "organization-default-lifetime-too-long": ((SETS_DEFAULT,), TOO_LONG),
    "organization-default-policy": ((), SETS_DEFAULT),
    "retired-token-lifetime-setting": ((), any_of("retiredSettings")),
    "token-lifetime-not-canonical": ((), any_of("nonCanonicalSpellings")),
    "token-lifetime-out-of-range": ((), {"key": "lifetimeOutOfRange", "value": True}),
    "token-lifetime-policies-of-one-name": ((), {"key": "policiesOfThisName", "op": "gt", "value": 1}),
    "token-lifetime-policy-sets-nothing": ((), {"key": "length(settings)", "value": 0}),
    "unassigned-policy-lifetime-too-long": ((NO_DEFAULT, {"key": "assignmentCount", "value": 0}), TOO_LONG),
    "unassigned-token-lifetime-policy": ((NO_DEFAULT,), {"key": "assignmentCount", "op": "lt", "value": 1}),
    "unknown-token-lifetime-setting": ((), any_of("unknownSettings")),
    "unreadable-token-lifetime-definition": ((), {"key": "definitionReadable", "value": False}),
    "access-token-lifetime-too-long": ((), TOO_LONG),
    "token-lifetime-policy-on-microsoft-resource": ((), {"key": "isFirstParty", "value": True}),
    "token-lifetime-policy-on-unlisted-principal": ((), {"key": "appId", "op": "ne", "value": LISTED}),
    "token-lifetime-policy-without-effect": (
        (),
        {"key": "inForce", "op": "not-in", "value": ["always", "ambiguous"]},
    ),
    "token-lifetime-precedence-ambiguous": ((), {"key": "precedenceAmbiguous", "value": True}),
    "service-principal-token-lifetime-too-long": ((IN_FORCE,), LONGEST_TOO_LONG),
    "application-token-lifetime-too-long": ((IN_FORCE,), LONGEST_TOO_LONG),
}
