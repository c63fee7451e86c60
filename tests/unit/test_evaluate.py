"""From rules and a stream of resources to a report: counts, what was not read, what is absent, the exit status."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadgets import (
    APP_ID,
    COMPLETE,
    GADGET,
    LIMIT,
    NEUTRAL,
    NOW,
    OTHER_ID,
    TENANT,
    gadget,
    pinning,
    rule,
    scanned,
    snapshot,
)
from strategies import conditions, values
from tokenguard.errors import SnapshotError
from tokenguard.exit_status import ExitStatus
from tokenguard.model import (
    CollectionFailure,
    CollectionNotice,
    NotEvaluated,
    Outcome,
    Report,
    Resource,
    ResourceRef,
    Severity,
    TypeSummary,
    Violation,
    fingerprint,
)

ENABLED = {"properties": {"enabled": {"const": True}}}
FORBIDDEN = CollectionFailure("gadget", "GET /gadgets: 403 Forbidden", "Gadget.Read.All")
CUT_OFF = TypeSummary("gadget", 1, (FORBIDDEN,))
UNREAD = {"lifetimeSeconds": "the definition is no JSON"}


def counts(report: Report, index: int = 0) -> dict[str, int]:
    result = report.rules[index]
    names = ("selected", "passed", "failed", "exempt", "known", "not_evaluated")
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def test_every_resource_is_counted_once_by_each_rule() -> None:
    report = scanned(
        [rule("too-long", LIMIT.require, ENABLED)],
        [
            gadget("pass"),
            gadget("fail", lifetimeSeconds=7200),
            gadget("unknown", unknown=UNREAD),
            gadget("other", enabled=False, lifetimeSeconds=7200),
            gadget("wrong", label=1),
        ],
    )
    assert counts(report) == {"selected": 4, "passed": 1, "failed": 1, "not_evaluated": 2}
    assert [each.resource and each.resource.id for each in report.not_evaluated] == ["unknown", "wrong"]


def test_a_finding_says_what_a_person_needs() -> None:
    limit = replace(LIMIT, message="{name} lives {lifetimeSeconds:duration}")
    (finding,) = scanned([limit], [gadget("g1", "Press", lifetimeSeconds=28800)]).findings
    assert finding.message == "Press lives 8 h"
    assert (finding.rule, finding.severity) == ("lifetime-too-long", Severity.HIGH)
    assert finding.resource == ResourceRef("gadget", "g1", "Press")
    assert finding.violations == (Violation("/lifetimeSeconds", "maximum", 3600, 28800),)
    assert finding.fingerprint == fingerprint("lifetime-too-long", TENANT.id, "gadget", "g1")


def test_a_rule_without_a_message_says_its_title() -> None:
    (finding,) = scanned([LIMIT], [gadget(lifetimeSeconds=7200)]).findings
    assert finding.message == "title of lifetime-too-long"


def test_rules_are_reported_gravest_first_and_then_by_id() -> None:
    rules = [rule("b", {}), rule("c", {}, severity=Severity.CRITICAL), rule("a", {})]
    assert [result.rule.id for result in scanned(rules, []).rules] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("resources", "summary", "fail_on", "status", "verdict"),
    [
        pytest.param([gadget()], COMPLETE, "LOW", 0, "pass", id="compliant"),
        pytest.param([], COMPLETE, "LOW", 0, "nothing to check", id="nothing there"),
        pytest.param([gadget(lifetimeSeconds=7200)], COMPLETE, "HIGH", 1, "fail", id="at the threshold"),
        pytest.param([gadget(lifetimeSeconds=7200)], COMPLETE, "CRITICAL", 0, "fail", id="below the threshold"),
        pytest.param([gadget(unknown=UNREAD)], COMPLETE, "LOW", 3, "not evaluated", id="unknown"),
        pytest.param([gadget(label=1)], COMPLETE, "LOW", 3, "not evaluated", id="not a gadget"),
        pytest.param([gadget()], CUT_OFF, "LOW", 3, "not evaluated", id="not read to the end"),
        pytest.param([], CUT_OFF, "LOW", 3, "not evaluated", id="not read at all"),
        pytest.param([], TypeSummary("other", 0), "LOW", 3, "not evaluated", id="not in the snapshot"),
        pytest.param([gadget(lifetimeSeconds=7200)], CUT_OFF, "LOW", 1, "fail", id="a finding outranks the unread"),
        pytest.param(
            [gadget("g1", lifetimeSeconds=7200), gadget("g2", unknown=UNREAD)], COMPLETE, "CRITICAL", 3, "fail",
            id="the unknown outranks what does not count",
        ),
    ],
)  # fmt: skip
def test_the_exit_status_says_the_worst_that_holds(
    resources: list[Resource], summary: TypeSummary, fail_on: str, status: int, verdict: str
) -> None:
    report = scanned([LIMIT], snapshot(resources, summary), fail_on=Severity[fail_on])
    assert report.exit_status == status
    assert report.rules[0].verdict == verdict


def test_a_type_not_read_to_the_end_is_not_evaluated_as_a_whole_and_its_findings_stand() -> None:
    report = scanned([LIMIT], snapshot([gadget(), gadget("g2", lifetimeSeconds=7200)], CUT_OFF))
    assert report.rules[0].incomplete == ("GET /gadgets: 403 Forbidden",)
    assert counts(report) == {"selected": 2, "failed": 1}
    assert list(report.not_evaluated) == [
        NotEvaluated(LIMIT.id, None, "GET /gadgets: 403 Forbidden", "Gadget.Read.All")
    ]


@pytest.mark.parametrize(
    ("strict", "said_strictly", "status"),
    [
        pytest.param(False, True, 0, id="taken on trust"),
        pytest.param(True, False, 0, id="to be known only"),
        pytest.param(True, True, 3, id="nothing is taken on trust"),
    ],
)
def test_a_notice_of_how_a_type_was_read_changes_a_verdict_only_where_nothing_is_taken_on_trust(
    strict: bool, said_strictly: bool, status: int
) -> None:
    said = CollectionNotice("gadget", "GET /gadgets/$count was refused", said_strictly)
    other = CollectionNotice("other", "of a type that no rule is about")
    summary = {
        "gadget": TypeSummary("gadget", 1, notices=(said,)),
        "other": TypeSummary("other", 0, notices=(other,)),
    }
    report = scanned([LIMIT], replace(snapshot([gadget()]), summary=lambda: summary), strict=strict)
    assert report.exit_status == status
    assert report.notices == (said.text,)
    assert report.rules[0].incomplete == ((said.text,) if status else ())


def test_many_failures_of_a_type_are_counted_not_listed() -> None:
    failures = tuple(CollectionFailure("gadget", f"page {number}", "Gadget.Read.All") for number in range(9))
    report = scanned([LIMIT], snapshot([], TypeSummary("gadget", 0, failures)))
    assert report.rules[0].incomplete == ("page 0", "page 1", "page 2", "and 6 more failures")
    assert [each.permission for each in report.not_evaluated] == ["Gadget.Read.All"]


@pytest.mark.parametrize(
    ("pinned", "scope", "verdict"),
    [
        pytest.param([APP_ID], {APP_ID}, "pass", id="exactly what was asked for"),
        pytest.param([APP_ID], {APP_ID, OTHER_ID}, "pass", id="among what was asked for"),
        pytest.param([APP_ID, OTHER_ID], {APP_ID}, "not evaluated", id="more than was asked for"),
        pytest.param(None, {APP_ID}, "not evaluated", id="about any"),
    ],
)
def test_a_type_of_which_only_some_were_asked_for_bears_only_rules_about_these(
    pinned: list[str] | None, scope: set[str], verdict: str
) -> None:
    judged_by = LIMIT if pinned is None else pinning(*pinned)
    found = [gadget("g1", appId=APP_ID), gadget("g2", appId=OTHER_ID)]
    report = scanned([judged_by], snapshot(found, TypeSummary("gadget", 2, scope=frozenset(scope))))
    assert report.rules[0].verdict == verdict


@pytest.mark.parametrize(
    ("absent", "expected", "status"),
    [
        (Outcome.NOT_EVALUATED, {"selected": 2, "passed": 1, "not_evaluated": 1}, 3),
        (Outcome.FAIL, {"selected": 2, "passed": 1, "failed": 1}, 1),
        (Outcome.PASS, {"selected": 2, "passed": 2}, 0),
    ],
)
def test_an_object_that_should_exist_and_does_not(absent: Outcome, expected: dict[str, int], status: int) -> None:
    report = scanned([pinning(APP_ID, OTHER_ID, absent=absent)], [gadget(appId=OTHER_ID)])
    assert counts(report) == expected
    assert report.exit_status == status
    for said in (*report.findings, *report.not_evaluated):
        assert said.resource == ResourceRef("gadget", APP_ID, APP_ID)
    for finding in report.findings:
        assert finding.message == f"no gadget has the appId {APP_ID}"
        assert finding.violations == (Violation("/appId", "required", APP_ID, None),)


@pytest.mark.parametrize("absent", [Outcome.PASS, Outcome.FAIL])
@pytest.mark.parametrize(
    "uncertain",
    [gadget("g2", unknown={"appId": "cut off"}), gadget("g2", appId=7)],
    ids=["an unknown appId", "no appId at all"],
)
def test_nothing_is_absent_while_some_appid_is_not_known(absent: Outcome, uncertain: Resource) -> None:
    report = scanned([pinning(APP_ID, absent=absent)], [uncertain])
    assert counts(report) == {"selected": 2, "not_evaluated": 2}
    assert report.exit_status == ExitStatus.NOT_EVALUATED


def test_nothing_is_absent_from_what_was_not_read_to_the_end() -> None:
    report = scanned([pinning(APP_ID, absent=Outcome.FAIL)], snapshot([], CUT_OFF))
    assert counts(report) == {}
    assert not list(report.findings)
    assert report.rules[0].verdict == "not evaluated"


def test_an_id_that_a_collector_left_in_upper_case_is_not_silently_passed_over() -> None:
    report = scanned([pinning(APP_ID)], [gadget(appId=APP_ID.upper())])
    assert report.exit_status == ExitStatus.NOT_EVALUATED


def test_an_object_that_exists_and_is_not_otherwise_selected_is_not_absent() -> None:
    select = {"required": ["appId"], "properties": {"appId": {"const": APP_ID}, "enabled": {"const": True}}}
    judged_by = rule("r", LIMIT.require, select, absent=Outcome.FAIL)
    report = scanned([judged_by], [gadget(appId=APP_ID, enabled=False)])
    assert report.rules[0].verdict == "nothing to check"


def test_a_stream_that_does_not_end_as_it_should_concludes_nothing() -> None:
    def cut_off() -> Any:
        raise SnapshotError("line 7: cut off")

    with pytest.raises(SnapshotError, match="cut off"):
        scanned([LIMIT], snapshot([gadget(lifetimeSeconds=7200)], summary=cut_off))


def test_resources_of_a_type_without_rules_are_passed_over() -> None:
    report = scanned([LIMIT], [Resource("other", "1", "1", {"lifetimeSeconds": 7200})])
    assert counts(report) == {}


def test_the_report_says_what_it_was_made_of() -> None:
    report = scanned([LIMIT], [gadget()], fail_on=Severity.HIGH)
    assert (report.header.tenant, report.scanned_at, report.source) == (TENANT, NOW, "gadgets")
    assert (report.fail_on, report.types, report.notices) == (Severity.HIGH, {GADGET.name: COMPLETE}, ())


RULES = [
    rule("r0", LIMIT.require),
    rule("r1", {"anyOf": [ENABLED, {"properties": {"tags": {"maxItems": 1}}}]}, LIMIT.require),
    rule("r2", {"properties": {"label": {"pattern": "^a"}}}, ENABLED, severity=Severity.LOW),
    rule("r3", {"not": {"properties": {"holder": {"type": "object"}}}}, ENABLED),
    pinning(APP_ID, OTHER_ID, absent=Outcome.FAIL),
]
APP_IDS = st.sampled_from([None, APP_ID, OTHER_ID])
HIDDEN = st.sets(st.sampled_from(sorted(NEUTRAL)), max_size=1)
STREAMS = st.lists(st.tuples(values(GADGET.schema), APP_IDS, HIDDEN), max_size=6)


def stream(drawn: list[tuple[dict[str, Any], str | None, set[str]]]) -> list[Resource]:
    return [
        gadget(f"g{number}", unknown=dict.fromkeys(hidden, "hidden"), **{**properties, "appId": app_id})
        for number, (properties, app_id, hidden) in enumerate(drawn)
    ]


def conclusions(report: Report) -> tuple[object, ...]:
    return (
        report.rules,
        Counter(map(repr, report.findings)),
        Counter(map(repr, report.not_evaluated)),
        report.exit_status,
        report.notices,
    )


@settings(max_examples=100)
@given(STREAMS, st.randoms())
def test_the_order_of_resources_and_of_rules_does_not_matter(drawn: Any, random: Any) -> None:
    shuffled, rules = stream(drawn), list(RULES)
    random.shuffle(shuffled)
    random.shuffle(rules)
    assert conclusions(scanned(rules, shuffled)) == conclusions(scanned(RULES, stream(drawn)))


@settings(max_examples=100)
@given(STREAMS, st.data())
def test_knowing_less_never_leads_to_compliance(drawn: Any, data: st.DataObject) -> None:
    """Whichever property becomes unknown: no rule passes more resources, and no run that was not clean becomes so."""
    before = scanned(RULES, stream(drawn))
    poorer = [(properties, app_id, hidden | data.draw(HIDDEN)) for properties, app_id, hidden in drawn]
    after = scanned(RULES, stream(poorer))
    for one, other in zip(before.rules, after.rules, strict=True):
        assert other.passed <= one.passed
    assert after.exit_status != ExitStatus.COMPLIANT or before.exit_status == ExitStatus.COMPLIANT


@settings(max_examples=100)
@given(st.lists(conditions(GADGET.schema), min_size=1, max_size=3), STREAMS)
def test_every_selected_resource_is_in_exactly_one_count(parts: list[Any], drawn: Any) -> None:
    rules = [rule(f"r{number}", part) for number, part in enumerate(parts)]
    report = scanned(rules, stream(drawn))
    for result in report.rules:
        found = sum(each.rule == result.rule.id for each in report.findings)
        unsure = sum(each.rule == result.rule.id for each in report.not_evaluated)
        assert (result.selected, result.failed, result.not_evaluated) == (len(drawn), found, unsure)
        assert result.passed >= 0
