"""The built-in rules as a programmer would write them by hand: the measure that the engine is held to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from bench.data import LISTED
from tokenguard.model import Resource

Check = Callable[[Mapping[str, Any]], bool]
IN_FORCE = frozenset({"servicePrincipal", "application", "organization"})


def always(_: Mapping[str, Any]) -> bool:
    return True


def at_most(name: str, limit: int) -> Check:
    return lambda p: (value := p[name]) is None or value <= limit


def in_force(p: Mapping[str, Any]) -> bool:
    return p["lifetimeBasis"] in IN_FORCE


RULES: Mapping[str, tuple[tuple[str, Check, Check], ...]] = {
    "organization": (("several-organization-default-policies", always, at_most("organizationDefaultPolicyCount", 1)),),
    "tokenLifetimePolicy": (
        (
            "organization-default-lifetime-too-long",
            lambda p: p["isOrganizationDefault"],
            at_most("accessTokenLifetimeSeconds", 5400),
        ),
        ("organization-default-policy", always, lambda p: not p["isOrganizationDefault"]),
        ("retired-token-lifetime-setting", always, lambda p: not p["retiredSettings"]),
        ("token-lifetime-not-canonical", always, lambda p: not p["nonCanonicalSpellings"]),
        ("token-lifetime-out-of-range", always, lambda p: not p["lifetimeOutOfRange"]),
        ("token-lifetime-policies-of-one-name", always, at_most("policiesOfThisName", 1)),
        ("token-lifetime-policy-sets-nothing", always, lambda p: bool(p["settings"])),
        (
            "unassigned-policy-lifetime-too-long",
            lambda p: not p["isOrganizationDefault"] and p["assignmentCount"] == 0,
            at_most("accessTokenLifetimeSeconds", 5400),
        ),
        (
            "unassigned-token-lifetime-policy",
            lambda p: not p["isOrganizationDefault"],
            lambda p: p["assignmentCount"] >= 1,
        ),
        ("unknown-token-lifetime-setting", always, lambda p: not p["unknownSettings"]),
        ("unreadable-token-lifetime-definition", always, lambda p: p["definitionReadable"]),
    ),
    "tokenLifetimePolicyAssignment": (
        ("access-token-lifetime-too-long", always, at_most("accessTokenLifetimeSeconds", 5400)),
        ("token-lifetime-policy-on-microsoft-resource", always, lambda p: not p["isFirstParty"]),
        ("token-lifetime-policy-on-unlisted-principal", always, lambda p: p["appId"] == LISTED),
        ("token-lifetime-policy-without-effect", always, lambda p: p["inForce"] in ("always", "ambiguous")),
        ("token-lifetime-precedence-ambiguous", always, lambda p: not p["precedenceAmbiguous"]),
    ),
    "servicePrincipal": (
        ("service-principal-token-lifetime-too-long", in_force, at_most("longestLifetimeSeconds", 5400)),
    ),
    "application": (("application-token-lifetime-too-long", in_force, at_most("longestLifetimeSeconds", 5400)),),
}


class Closures:
    """Judges by hand-written closures and keeps the same counts as the engine."""

    def __init__(self, type_: str) -> None:
        self.rules = RULES[type_]
        self.selected: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def judge(self, resource: Resource) -> None:
        properties = resource.properties
        for rule, select, require in self.rules:
            if select(properties):
                self.selected[rule] += 1
                if not require(properties):
                    self.failed[rule] += 1
