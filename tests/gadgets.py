"""A resource type of the tests' own, rules over it, and snapshots of it: no fact of Entra is needed to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tokenguard.judging.evaluate import evaluate
from tokenguard.model import (
    Finding,
    Header,
    NotEvaluated,
    Outcome,
    Report,
    Resource,
    ResourceType,
    Rule,
    Severity,
    Snapshot,
    Tenant,
    TypeSummary,
)
from tokenguard.rules.conditions import compiled, names_read, pinned_app_ids
from tokenguard.rules.parsing import parse_rules

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TENANT = Tenant("11111111-2222-4333-8444-555555555555", "Contoso")
APP_ID = "00000007-0000-0000-c000-000000000000"
OTHER_ID = "00000003-0000-0000-c000-000000000000"

NEUTRAL: dict[str, Any] = {
    "appId": None,
    "lifetimeSeconds": 3600,
    "enabled": True,
    "tags": [],
    "label": "a",
    "holder": None,
}
GADGET = ResourceType(
    "gadget",
    {
        "title": "gadget",
        "type": "object",
        "additionalProperties": False,
        "required": list(NEUTRAL),
        "properties": {
            "appId": {"type": ["string", "null"]},
            "lifetimeSeconds": {"type": ["integer", "null"], "minimum": 0},
            "enabled": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "label": {"type": "string"},
            "holder": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "required": ["level"],
                "properties": {"level": {"type": "integer"}, "note": {"type": ["string", "null"]}},
            },
        },
        "examples": [NEUTRAL],
    },
    ("Gadget.Read.All",),
)


def rule(id_: str, require: Mapping[str, Any], select: Mapping[str, Any] | None = None, **more: Any) -> Rule:
    """A rule over gadgets, compiled as a rule file would be, without examples."""
    condition = compiled(require, {})
    chosen = None if select is None else compiled(select, {})
    return Rule(
        id=id_,
        title=more.pop("title", f"title of {id_}"),
        severity=more.pop("severity", Severity.MEDIUM),
        resource=GADGET.name,
        require=condition,
        select=chosen,
        select_reads=names_read(chosen or {}),
        require_reads=names_read(condition),
        pinned_app_ids=pinned_app_ids(chosen),
        **more,
    )


def pinning(*app_ids: str, absent: Outcome = Outcome.NOT_EVALUATED) -> Rule:
    """A rule about gadgets that should exist."""
    select = {"required": ["appId"], "properties": {"appId": {"enum": list(app_ids)}}}
    return rule("gadget-disabled", {"properties": {"enabled": {"const": True}}}, select, absent=absent)


LIMIT = rule("lifetime-too-long", {"properties": {"lifetimeSeconds": {"maximum": 3600}}}, severity=Severity.HIGH)

(SETTABLE,) = parse_rules(
    [
        (
            "lifetime-beyond-limit.json",
            b"""{
  "id": "lifetime-beyond-limit", "title": "A gadget lives too long", "severity": "medium", "resource": "gadget",
  "rationale": "Only for tests.", "references": ["https://example.com/"],
  "parameters": {"maximum": {"title": "Longest accepted lifetime", "maxDuration": "PT1H"}},
  "require": {"properties": {"lifetimeSeconds": {"$ref": "#/parameters/maximum"}}},
  "message": "{name} lives {lifetimeSeconds:duration}",
  "examples": [
    {"outcome": "pass", "properties": {"lifetimeSeconds": 3600}},
    {"outcome": "fail", "properties": {"lifetimeSeconds": 3601}},
    {"outcome": "not-evaluated", "unknown": {"lifetimeSeconds": "no JSON"}}
  ]
}""",
        )
    ],
    {GADGET.name: GADGET},
)


def gadget(
    id_: str = "g1", name: str | None = None, unknown: Mapping[str, str] | None = None, **properties: Any
) -> Resource:
    """The neutral gadget with other `properties`; null and in `unknown` where they could not be determined."""
    everything = {**NEUTRAL, **properties, **dict.fromkeys(unknown or ())}
    return Resource(GADGET.name, id_, id_ if name is None else name, everything, unknown)


COMPLETE = TypeSummary(GADGET.name, 0)


def snapshot(
    resources: Iterable[Resource], *summaries: TypeSummary, summary: Callable[[], Any] | None = None
) -> Snapshot:
    """A stream of `resources`, complete unless `summaries` say otherwise."""
    header = Header(TENANT, "global", NOW, "tokenguard tests")
    known = {each.type: each for each in summaries or (COMPLETE,)}
    return Snapshot(header, iter(resources), summary or (lambda: known))


def scanned(
    rules: Sequence[Rule], resources: Iterable[Resource] | Snapshot, fail_on: Severity = Severity.LOW, **options: Any
) -> Report:
    """The report on `resources`, its findings and what was not evaluated in lists."""
    findings: list[Finding] = []
    not_evaluated: list[NotEvaluated] = []
    return evaluate(
        rules,
        resources if isinstance(resources, Snapshot) else snapshot(resources),
        types={GADGET.name: GADGET},
        findings=findings,
        not_evaluated=not_evaluated,
        fail_on=fail_on,
        source="gadgets",
        **{"now": NOW, **options},
    )
