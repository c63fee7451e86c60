"""Baselines: what is known does not count, until it changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from gadgets import APP_ID, LIMIT, NOW, SETTABLE, TENANT, gadget, pinning, rule, scanned, snapshot
from tokenguard.errors import DocumentError, UsageError
from tokenguard.judging.baseline import Baseline, baseline_document, parse_baseline
from tokenguard.model import (
    CollectionFailure,
    Exemption,
    Outcome,
    Report,
    Resource,
    Snapshot,
    Tenant,
    TypeSummary,
)
from tokenguard.schemas import schema


def taken(report: Report) -> Baseline:
    """The baseline of `report`, written and read."""
    return parse_baseline(json.dumps(baseline_document(report)).encode(), "known.json")


def of_tenant(tenant: Tenant) -> Snapshot:
    original = snapshot([])
    return replace(original, header=replace(original.header, tenant=tenant))


BEFORE = [gadget("g1", lifetimeSeconds=7200), gadget("g2")]


def test_what_is_known_does_not_count() -> None:
    report = scanned([LIMIT], BEFORE, baseline=taken(scanned([LIMIT], BEFORE)))
    assert [str(finding.status) for finding in report.findings] == ["baseline"]
    result = report.rules[0]
    assert (result.selected, result.passed, result.failed, result.known, result.verdict) == (2, 1, 0, 1, "pass")
    assert report.exit_status == 0
    assert report.notices == ()


@pytest.mark.parametrize(("now", "status"), [(9000, "baseline"), (90000, "new"), (60, "new")])
@pytest.mark.parametrize("first", [True, False])
def test_none_of_the_values_that_an_unknown_may_have_hides_another(first: bool, now: int, status: str) -> None:
    """As of a policy that Entra may ignore, with another behind it."""

    def may_be(*lengths: int) -> Resource:
        one = gadget("g1", unknown={"lifetimeSeconds": "one of them"})
        possible = [{"lifetimeSeconds": length} for length in (lengths if first else reversed(lengths))]
        return Resource(one.type, one.id, one.name, one.properties, one.unknown, possible=possible)

    known = taken(scanned([LIMIT], [may_be(9000, 7200)]))
    report = scanned([LIMIT], [may_be(now, 7200)], baseline=known)
    assert [str(finding.status) for finding in report.findings] == [status]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param(gadget("g1", "another name", lifetimeSeconds=7200, enabled=False), "baseline", id="beside it"),
        pytest.param(gadget("g1", lifetimeSeconds=7201), "new", id="worse"),
        pytest.param(gadget("g1", lifetimeSeconds=3601), "new", id="better, and not good"),
        pytest.param(gadget("g3", lifetimeSeconds=7200), "new", id="another resource"),
    ],
)
def test_another_value_or_resource_is_new(changed: Resource, status: str) -> None:
    report = scanned([LIMIT], [changed], baseline=taken(scanned([LIMIT], BEFORE)))
    assert [str(finding.status) for finding in report.findings] == [status]
    assert report.exit_status == (1 if status == "new" else 0)


def test_another_rule_is_new() -> None:
    report = scanned([SETTABLE], BEFORE, baseline=taken(scanned([LIMIT], BEFORE)))
    assert [str(finding.status) for finding in report.findings] == ["new"]


def test_true_is_not_one() -> None:
    never = rule("r", {"properties": {"tags": {"maxItems": 0}}})
    known = taken(scanned([never], [gadget(tags=["1"])]))
    assert known.knows(*_finding(never, ["1"]))
    assert not known.knows(*_finding(never, [1]))


def _finding(judged_by: Any, tags: list[Any]) -> tuple[str, Any]:
    (finding,) = scanned([judged_by], [gadget(tags=["1"])]).findings
    return finding.fingerprint, [replace(each, observed=tags) for each in finding.violations]


def test_an_absent_object_can_be_known() -> None:
    rules = [pinning(APP_ID, absent=Outcome.FAIL)]
    assert scanned(rules, [], baseline=taken(scanned(rules, []))).exit_status == 0


def test_the_unknown_is_not_known() -> None:
    unread = [gadget("g1", unknown={"lifetimeSeconds": "no JSON"})]
    report = scanned([LIMIT], unread, baseline=taken(scanned([LIMIT], BEFORE)))
    assert report.exit_status == 3
    assert report.notices == (), "the finding may still be there"


def test_what_is_exempt_is_not_put_in_a_baseline() -> None:
    exempt = Exemption(LIMIT.id, "g1", "reason", "owner", NOW.date())
    assert baseline_document(scanned([LIMIT], BEFORE, exemptions=[exempt]))["findings"] == {}


def test_a_renewed_baseline_keeps_what_is_still_there() -> None:
    first = scanned([LIMIT], BEFORE)
    assert baseline_document(scanned([LIMIT], BEFORE, baseline=taken(first))) == baseline_document(first)


def test_what_is_found_no_more_is_said_with_its_number() -> None:
    known = taken(scanned([LIMIT], [*BEFORE, gadget("g3", lifetimeSeconds=9000)]))
    report = scanned([LIMIT], [gadget("g1", lifetimeSeconds=7200)], baseline=known)
    assert report.notices == ("known.json: 1 finding of the baseline found no more; make it anew to forget them",)
    with pytest.raises(UsageError, match="1 finding of the baseline"):
        scanned([LIMIT], [gadget("g1", lifetimeSeconds=7200)], baseline=known, strict=True)


@pytest.mark.parametrize(
    "blind",
    [
        pytest.param(([SETTABLE], snapshot([])), id="its rule is not selected"),
        pytest.param(
            ([LIMIT], snapshot([], TypeSummary("gadget", 0, (CollectionFailure("gadget", "403"),)))), id="cut off"
        ),
    ],
)
def test_what_was_not_looked_at_is_not_called_mended(blind: tuple[Any, Any]) -> None:
    assert scanned(*blind, baseline=taken(scanned([LIMIT], BEFORE))).notices == ()


@pytest.mark.parametrize("tenant", [Tenant("22222222-2222-4333-8444-555555555555"), Tenant("")])
def test_a_baseline_of_another_tenant_is_refused(tenant: Tenant) -> None:
    with pytest.raises(UsageError, match=f"of another tenant than the scanned {tenant.id or 'one'}"):
        scanned([LIMIT], of_tenant(tenant), baseline=taken(scanned([LIMIT], BEFORE)))


def test_no_baseline_is_made_of_a_tenant_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="which tenant"):
        baseline_document(scanned([LIMIT], of_tenant(Tenant(""))))


def test_a_baseline_is_valid_against_its_schema_and_dated() -> None:
    document = baseline_document(scanned([LIMIT, SETTABLE], BEFORE))
    jsonschema.Draft202012Validator(schema("baseline")).validate(document)
    assert (document["tenant"], document["created"]) == (TENANT.id, "2026-11-22T12:00:00+00:00")
    assert [entry["values"] for entry in document["findings"].values()] == [{"/lifetimeSeconds": 7200}] * 2


WHOLE = baseline_document(scanned([LIMIT], BEFORE))


@pytest.mark.parametrize(
    "document",
    [
        [],
        {**WHOLE, "version": 2},
        {**WHOLE, "tenant": ""},
        {**WHOLE, "findings": {"short": {"rule": "r", "resource": "g", "values": {}}}},
        {**WHOLE, "findings": {"a" * 32: {"rule": "r", "resource": "g"}}},
        {**WHOLE, "surplus": 1},
    ],
)
def test_what_is_no_baseline_is_refused(document: Any) -> None:
    assert not jsonschema.Draft202012Validator(schema("baseline")).is_valid(document)
    with pytest.raises(DocumentError, match=r"known\.json: not a baseline"):
        parse_baseline(json.dumps(document).encode(), "known.json")
