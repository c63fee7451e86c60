"""Saved tenants of our own making that are compliant as they stand, and what a scan of such a folder ends with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tokenguard.collect import collect
from tokenguard.entra.folder import FolderSource
from tokenguard.judging.evaluate import evaluate
from tokenguard.model import Precedence, Report, Rule, Severity
from tokenguard.packs import read_pack
from tokenguard.plugins import Plugins, load_plugins
from tokenguard.rules.needs import needs_of
from tokenguard.rules.parsing import parse_rules

GRAPH = "https://graph.microsoft.com/v1.0"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
POLICIES = "policies/tokenLifetimePolicies"
FOUND = "token-lifetime-policy-on-unlisted-principal"
"""The one rule of all that fails for any assignment, unless a list says otherwise."""

Files = Mapping[str, Any]


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


TENANT, HOUR, HALF = guid(1), guid(0x10), guid(0x11)


def answer(collection: str, *rows: Any, **more: Any) -> dict[str, Any]:
    """An answer whose context names `collection`: a list, or the one object of an ``/$entity``."""
    context = {"@odata.context": f"{GRAPH}/$metadata#{collection}"}
    return {**context, **rows[0]} if collection.endswith("/$entity") else {**context, **more, "value": list(rows)}


def policy(id_: str, name: str, lifetime: str) -> dict[str, Any]:
    settings = {"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": lifetime}}
    return {"id": id_, "displayName": name, "isOrganizationDefault": False, "definition": [json.dumps(settings)]}


def application(number: int, **more: Any) -> dict[str, Any]:
    named = {"id": guid(number), "appId": guid(number + 0x100), "displayName": f"App {number:x}"}
    return {**named, "signInAudience": "AzureADMyOrg", "createdDateTime": "2026-01-01T00:00:00Z", **more}


def principal(number: int, **more: Any) -> dict[str, Any]:
    own = {"servicePrincipalType": "Application", "appOwnerOrganizationId": TENANT, "accountEnabled": True}
    return {**application(number), **own, **more}


ORGANIZATION = answer("organization", {"id": TENANT, "displayName": "Harbour Bikes", "verifiedDomains": []})
LISTED = answer(POLICIES, policy(HOUR, "One hour", "01:00:00"), policy(HALF, "Half an hour", "00:30:00"))
LISTS: Files = {
    "organization.json": ORGANIZATION,
    "policies.json": LISTED,
    "holders-1.json": answer(
        f"{POLICIES}('{HOUR}')/appliesTo", {"@odata.type": "#microsoft.graph.servicePrincipal", **principal(0x21)}
    ),
    "holders-2.json": answer(f"{POLICIES}('{HALF}')/appliesTo", {"id": guid(0x31)}),
    "principals-1.json": answer(
        "servicePrincipals",
        principal(0x20),
        **{"@odata.nextLink": f"{GRAPH}/servicePrincipals?$top=1&$skiptoken=a"},
    ),
    "principals-2.json": answer("servicePrincipals", principal(0x21)),
    "applications.json": answer("applications(id,appId)", application(0x30), application(0x31)),
}
"""Every list, two policies that somebody holds."""
CALLS = {
    "organization.json": "/organization",
    "policies.json": f"{GRAPH}/{POLICIES}",
    "holders-1.json": f"/{POLICIES}/{HOUR}/appliesTo",
    "holders-2.json": f"/{POLICIES}/{HALF}/appliesTo",
    "principals-1.json": "/servicePrincipals?$top=1",
    "principals-2.json": "/servicePrincipals?$top=1&$skiptoken=a",
    "applications.json": "/applications?$top=999",
}
ENTITIES: Files = {
    "organization.json": answer("organization/$entity", ORGANIZATION["value"][0]),
    "policies.json": answer(f"{POLICIES}(appliesTo())", *LISTED["value"]),
    "holders-1.json": answer(f"{POLICIES}('{HOUR}')/appliesTo", {"id": guid(0x21)}),
    "holders-2.json": answer(f"{POLICIES}('{HALF}')/appliesTo", {"id": guid(0x31)}),
    "holder-21.json": answer("servicePrincipals/$entity", principal(0x21)),
    "holder-31.json": answer("applications/$entity", application(0x31)),
}
"""Holders by their ids alone, whose details were saved one by one."""
EMPTY: Files = {
    "organization.json": ORGANIZATION,
    "policies.json": answer(POLICIES),
    "principals.json": answer("servicePrincipals"),
    "applications.json": answer("applications"),
}
"""A tenant with nothing in it: nothing but the contexts tells its answers apart."""
TENANTS: Mapping[str, tuple[Files, str]] = {
    "by their contexts": (LISTS, "all"),
    "named by calls.json": ({**LISTS, "calls.json": CALLS}, "all"),
    "holders one by one": (ENTITIES, "token-lifetime"),
    "empty": (EMPTY, "all"),
    "empty, named by calls.json": (
        {
            **EMPTY,
            "calls.json": {
                "organization.json": "/organization",
                "policies.json": f"/{POLICIES}",
                "principals.json": "/servicePrincipals",
                "applications.json": "/applications",
            },
        },
        "all",
    ),
}
"""Name to files and to the rules by which they comply."""


def save(folder: Path, files: Files) -> None:
    """Write `files`, and take away what an earlier call wrote."""
    for old in folder.iterdir():
        old.unlink()
    for name, document in files.items():
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        (folder / name).write_bytes(data)


@cache
def _plugins() -> Plugins:
    return load_plugins([])


@cache
def _rules(pack: str) -> tuple[Rule, ...]:
    plugins = _plugins()
    paths = [path for name, path in plugins.packs.items() if pack in ("all", name)]
    rules = parse_rules([document for path in paths for document in read_pack(path)], plugins.types)
    return tuple(rule for rule in rules if rule.id != FOUND)


def scanned(folder: Path, pack: str = "all", *, strict: bool = False, not_evaluated: list[Any] | None = None) -> Report:
    """What `tokenguard scan --snapshot FOLDER --rules PACK` reports, without a process for it."""
    rules, plugins = _rules(pack), _plugins()
    with FolderSource(folder) as source:
        snapshot = collect(
            plugins.collectors,
            source,
            needs_of(rules, plugins.types),
            precedence=Precedence.ALL,
            now=NOW,
            producer="tokenguard tests",
        )
        return evaluate(
            rules,
            snapshot,
            types=plugins.types,
            now=NOW,
            fail_on=Severity.LOW,
            source=source.name,
            findings=[],
            not_evaluated=[] if not_evaluated is None else not_evaluated,
            strict=strict,
        )
