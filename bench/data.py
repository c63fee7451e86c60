"""Tenants of any size from fixed seeds, as snapshots, with violation counts that are known beforehand.

A tenth of a percent of the resources of each kind violates each rule, at places that depend on the seed alone.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tokenguard.model import Header, Resource, Snapshot, Tenant, TypeSummary
from tokenguard.schemas import schema
from tokenguard.snapshot import write_snapshot

SIZES = {"S": 1_000, "M": 20_000, "L": 100_000}
VIOLATIONS = {"S": 3, "M": 101, "L": 527}
"""What every engine must find in the tenant of each size."""
SHARES = {
    "tokenLifetimePolicy": 0.3,
    "tokenLifetimePolicyAssignment": 0.4,
    "servicePrincipal": 0.25,
    "application": 0.05,
}

FAULTS: dict[str, list[dict[str, Any]]] = {
    "tokenLifetimePolicy": [
        {"isOrganizationDefault": True, "accessTokenLifetimeSeconds": 28800},
        {"retiredSettings": ["MaxInactiveTime"]},
        {"unknownSettings": ["TokenLifetime"]},
        {"nonCanonicalSpellings": ["8:00:00 -> 08:00:00"]},
        {"lifetimeOutOfRange": True},
        {"policiesOfThisName": 2},
        {"settings": []},
        {"definitionReadable": False},
        {"assignmentCount": 0, "accessTokenLifetimeSeconds": 28800},
    ],
    "tokenLifetimePolicyAssignment": [
        {"accessTokenLifetimeSeconds": 18000, "longestLifetimeSeconds": 18000},
        {"isFirstParty": True},
        {"inForce": "never"},
        {"precedenceAmbiguous": True},
    ],
    "servicePrincipal": [{"lifetimeBasis": "servicePrincipal", "longestLifetimeSeconds": 28800}],
    "application": [{"lifetimeBasis": "application", "longestLifetimeSeconds": 28800}],
}
LISTED = "5b0bd1b6-60c5-4f0c-9e1d-0d4a2f3d9a11"
"""The one appId on the allow-list that the benchmark judges by; every assignment but the faulty ones holds it."""
ALLOWED = ("--set", f"token-lifetime-policy-on-unlisted-principal.allowed={LISTED}")


def resources(size: int, seed: int = 20261123) -> Iterator[Resource]:
    """About `size` resources, policies first and principals last, as a collector would send them."""
    yield Resource("organization", guid(random.Random(seed)), "Bench", dict(neutral("organization")))
    for type_, share in SHARES.items():
        draw = random.Random(f"{seed} {type_}")
        faults = FAULTS[type_]
        for number in range(int(size * share)):
            properties = dict(neutral(type_)) | {"displayName": f"{type_} number {number} of the benchmark's tenant"}
            if "appId" in properties:
                properties["appId"] = LISTED
            if draw.random() < 0.001 * len(faults):
                properties |= draw.choice(faults)
            yield Resource(type_, guid(draw), properties["displayName"], properties)


def neutral(type_: str) -> dict[str, Any]:
    example: dict[str, Any] = schema(f"resources/{type_}")["examples"][0]
    return example


def guid(draw: random.Random) -> str:
    digits = f"{draw.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def write(size: int, path: Path) -> None:
    """Write the tenant of `size` as a snapshot; the suffix of `path` chooses the compression."""
    counts: dict[str, int] = {}

    def counted() -> Iterator[Resource]:
        for resource in resources(size):
            counts[resource.type] = counts.get(resource.type, 0) + 1
            yield resource

    types = ("organization", *SHARES)
    header = Header(
        Tenant("0f0f0f0f-1111-4222-8333-444444444444", "Bench"),
        "global",
        datetime(2026, 1, 1, tzinfo=UTC),
        "bench",
        properties={type_: tuple(schema(f"resources/{type_}")["properties"]) for type_ in types},
    )

    def summary() -> dict[str, TypeSummary]:
        return {type_: TypeSummary(type_, counts[type_]) for type_ in types}

    write_snapshot(Snapshot(header, counted(), summary), path)


if __name__ == "__main__":
    write(SIZES[sys.argv[1]], Path(sys.argv[2]))
