"""Small tenants as facts: policies by name, who holds them, and plans upon them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tokenguard.changes import Plan, Proposal, Refusal
from tokenguard.collect import gather
from tokenguard.entra.collector import EntraCollector
from tokenguard.entra.facts import DirectoryObject, EntraFacts, Kind
from tokenguard.entra.plugin import tokenguard_fixers
from tokenguard.hookspecs import DemoTarget
from tokenguard.judging.evaluate import evaluate
from tokenguard.model import (
    Exemption,
    Header,
    Need,
    Precedence,
    Remediation,
    Report,
    Resource,
    Rule,
    Safety,
    Severity,
    Tenant,
)
from tokenguard.packs import read_pack
from tokenguard.planning.plan import make_plan
from tokenguard.readings import Reading, Readings
from tokenguard.rules.needs import needs_of, with_needs
from tokenguard.rules.parsing import parse_rules

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
ROOT = Path(__file__).parents[1]
TENANT = "f6fadfa7-e5c1-4b62-9362-da5cc13da58a"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
DATAVERSE = "00000007-0000-0000-c000-000000000000"

COLLECTOR = EntraCollector()
TYPES = {type_.name: type_ for type_ in COLLECTOR.resource_types}
FIXERS = {fixer.resource_type: fixer for fixer in tokenguard_fixers()}


def definition(lifetime: str | None = "01:00:00", **settings: Any) -> str:
    given = {} if lifetime is None else {"AccessTokenLifetime": lifetime}
    return json.dumps({"TokenLifetimePolicy": {"Version": 1, **given, **settings}}, separators=(",", ":"))


def policy(id_: str, *strings: str, default: bool | None = False, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "displayName": id_.upper(),
        "definition": list(strings or [definition()]),
        "isOrganizationDefault": default,
        **more,
    }


def principal(id_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "appId": f"app-of-{id_}",
        "displayName": id_.upper(),
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "appOwnerOrganizationId": TENANT,
        "accountEnabled": True,
        **more,
    }


def application(id_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "appId": f"app-of-{id_}",
        "displayName": id_.upper(),
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": None,
        **more,
    }


CDS = principal("cds", appId=DATAVERSE, displayName="Dataverse", appOwnerOrganizationId=MICROSOFT)


def facts(
    *policies: Mapping[str, Any],
    held: Mapping[str, Sequence[str]] | None = None,
    principals: Iterable[Mapping[str, Any]] = (),
    applications: Iterable[Mapping[str, Any]] = (),
    **more: Any,
) -> EntraFacts:
    """A tenant with these policies, read to the end; `held`: policy to the objects that hold it."""
    objects = {one["id"]: DirectoryObject(Kind.SERVICE_PRINCIPAL, one) for one in principals}
    objects |= {one["id"]: DirectoryObject(Kind.APPLICATION, one) for one in applications}
    named = {kind: {} for kind in Kind}
    for one in objects.values():
        named[one.kind][one.fact["appId"]] = one.fact
    holders = {each["id"]: tuple((held or {}).get(each["id"], ())) for each in policies}
    given = {
        "organization": {"id": TENANT, "displayName": "Contoso", "verifiedDomains": []},
        "service_principal_count": 26,
        "policies": {each["id"]: each for each in policies},
        "policies_failure": None,
        "holders": holders,
        "objects": {id_: one for id_, one in objects.items() if any(id_ in ids for ids in holders.values())},
        "named": named,
        "lists": {kind: (lambda kind=kind: iter(named[kind].values())) for kind in Kind},
    }
    return EntraFacts(**{**given, **more})


def readings(found: EntraFacts, needs: Mapping[str, Need]) -> Readings:
    header = Header(Tenant(TENANT, "Contoso"), "global", NOW, "tokenguard tests")
    types = {name: TYPES[name] for name in needs}
    return Readings(header, needs, (Reading(COLLECTOR, needs, types, found, header.tenant),))


def needs(rules: Iterable[Rule]) -> Mapping[str, Need]:
    return with_needs(needs_of(rules, TYPES), [need for fixer in FIXERS.values() for need in fixer.needs])


def report(rules: Sequence[Rule], read: Readings, exemptions: Sequence[Exemption] = ()) -> Report:
    return evaluate(
        rules, read.snapshot(), types=TYPES, exemptions=exemptions, findings=[], not_evaluated=[], now=NOW,
        fail_on=Severity.INFO, source="a tenant of the tests",
    )  # fmt: skip


def plan(
    rules: Sequence[Rule], read: EntraFacts | Readings, exemptions: Sequence[Exemption] = (), **options: Any
) -> Plan:
    """The plan for what `rules` find; with unsafe changes unless `options` say otherwise."""
    read = readings(read, needs(rules)) if isinstance(read, EntraFacts) else read
    return make_plan(
        report(rules, read, exemptions), read, types=TYPES, fixers=FIXERS, exemptions=exemptions,
        **{"now": NOW, "unsafe": True, **options},
    )  # fmt: skip


def enacted(found: EntraFacts, made: Plan | Proposal) -> EntraFacts:
    """The facts as they would be after a plan or a proposal."""
    operations = (
        made.operations if isinstance(made, Proposal) else [each for one in made.changes for each in one.operations]
    )
    for operation in operations:
        found = FIXERS["tokenLifetimePolicy"].enact(found, operation)
    return found


def carried_out(read: Readings, made: Plan) -> Readings:
    """What would be read after a plan."""
    return replace(read, all=tuple(replace(each, facts=enacted(each.facts, made)) for each in read.all))


def demo(rules: Sequence[Rule]) -> Readings:
    with COLLECTOR.open(DemoTarget()) as source:
        return gather([COLLECTOR], source, needs(rules), precedence=Precedence.ALL, now=NOW, producer="tests")


def built_in() -> dict[str, Rule]:
    documents = [each for pack in ("token-lifetime", "principals") for each in read_pack(ROOT / "rules" / pack)]
    return {rule.id: rule for rule in parse_rules(documents, TYPES)}


def resource(found: EntraFacts, type_: str, id_: str) -> Resource:
    wanted = {type_: Need(type_, frozenset(TYPES[type_].schema["properties"]))}
    return next(one for one in readings(found, wanted).snapshot().resources if one.id == id_)


def propose(found: EntraFacts, type_: str, id_: str, alike: Iterable[str] = (), **wanted: Any) -> Proposal | Refusal:
    """What the fixer of `type_` says to bring about `wanted` properties; none of them: to remove the resource."""
    remediation = Remediation(Safety.SAFE, set=wanted or None, remove=not wanted)
    return FIXERS[type_].propose(found, resource(found, type_, id_), remediation, {id_, *alike})
