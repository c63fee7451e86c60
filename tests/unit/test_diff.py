"""What changed between two snapshots or two reports, and of what nobody can say whether it did."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import FINDINGS, REPORT, TENANT, TOO_LONG, finding, lifetime, ref
from tokenguard.diff import snapshots
from tokenguard.diff.reports import compare_reports, with_findings
from tokenguard.diff.sameness import same_value
from tokenguard.diff.snapshots import compare_snapshots
from tokenguard.diff.words import property_change
from tokenguard.differences import Change, Difference, PropertyChange, Turn
from tokenguard.errors import UsageError
from tokenguard.hookspecs import DifferenceReporter, Style
from tokenguard.model import (
    CollectionFailure,
    FindingStatus,
    Header,
    NotEvaluated,
    Precedence,
    Resource,
    ResourceRef,
    RuleResult,
    Severity,
    Snapshot,
    Tenant,
    TypeSummary,
)
from tokenguard.reporters.plugin import tokenguard_reporters
from tokenguard.schemas import schema

POLICY, ASSIGNMENT, PRINCIPAL = "tokenLifetimePolicy", "tokenLifetimePolicyAssignment", "servicePrincipal"
BLANK: dict[str, dict[str, Any]] = {name: schema(f"resources/{name}")["examples"][0] for name in (POLICY, ASSIGNMENT)}
WRITERS = {each.format: each for each in tokenguard_reporters() if isinstance(each, DifferenceReporter)}


def resource(type_: str, id_: str, name: str, unknown: dict[str, str] | None = None, **properties: Any) -> Resource:
    return Resource(type_, id_, name, {**BLANK[type_], **properties}, unknown)


def policy(id_: str, seconds: int | None, **properties: Any) -> Resource:
    unknown = {} if seconds is not None else {"accessTokenLifetimeSeconds": "the definition is not JSON"}
    return resource(POLICY, id_, f"Policy {id_}", unknown, accessTokenLifetimeSeconds=seconds, **properties)


def snapshot(*resources: Resource, tenant: Tenant = TENANT, **parts: Any) -> Callable[[], Snapshot]:
    """Opens a snapshot of these resources. `parts`: precedence, properties, and by type failures and scopes."""
    names = parts.get("properties", {type_: tuple(blank) for type_, blank in BLANK.items()})
    header = Header(
        tenant, "global", datetime(2026, 11, parts.get("day", 1), tzinfo=UTC), "tokenguard",
        precedence=parts.get("precedence", Precedence.ALL), properties=names,
    )  # fmt: skip
    failures, scopes = parts.get("failures", {}), parts.get("scopes", {})
    summary = {
        type_: TypeSummary(
            type_,
            sum(each.type == type_ for each in resources),
            (CollectionFailure(type_, failures[type_]),) if type_ in failures else (),
            scopes.get(type_),
        )
        for type_ in names
    }
    return lambda: Snapshot(header, iter(resources), lambda: summary)


def compared(old: Callable[[], Snapshot], new: Callable[[], Snapshot]) -> Difference:
    return compare_snapshots(old, new, "old.jsonl", "new.jsonl")


def words(difference: Difference) -> list[str]:
    return [f"{each.change}: {each.words}" for each in difference.resources]


# --- snapshots --------------------------------------------------------------------------------------------------


def test_policies_and_assignments_in_words():
    held = {"policyName": "Payroll", "displayName": "Payroll API", "accessTokenLifetimeSeconds": 3600}
    old = snapshot(
        policy("1", 3600), policy("2", 28800), policy("4", 600), resource(ASSIGNMENT, "1/a", "Payroll API", **held)
    )
    new = snapshot(
        policy("1", 18000, isOrganizationDefault=True),
        policy("3", 7200, isOrganizationDefault=True),
        policy("4", 600),
        resource(ASSIGNMENT, "1/b", "Payroll API", **held),
    )
    found = compared(old, new)

    assert words(found) == [
        "changed: policy “Policy 1”: now organization default; access token lifetime 1 h -> 5 h",
        "appeared: policy “Policy 3” is new: it sets 2 h, as the organization default",
        "gone: policy “Policy 2” is gone: it set 8 h",
        "appeared: policy “Payroll” is assigned to Payroll API (servicePrincipal) now: 1 h",
        "gone: policy “Payroll” is assigned to Payroll API no more",
    ]
    assert (found.unchanged_resources, found.not_compared, found.exit_status) == (1, (), 0)
    assert found.resources[0].properties[1] == PropertyChange("accessTokenLifetimeSeconds", 3600, 18000)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (PropertyChange("isOrganizationDefault", True, False), "no longer organization default"),
        (PropertyChange("isFirstParty", False, True), "now first party"),
        (PropertyChange("accessTokenLifetimeSeconds", None, 3600), "access token lifetime none -> 1 h"),
        (PropertyChange("precedenceAmbiguous", False, True), "precedence ambiguous false -> true"),
        (PropertyChange("displayName", "a", "b"), "display name a -> b"),
        (PropertyChange("settings", ["a", "b"], ["b", "c"]), "settings gains c, loses a"),
        (PropertyChange("settings", ["a", "b"], ["b", "a"]), "settings in another order"),
        (PropertyChange("assigned", None, {"lifetimeSeconds": 60}), "assigned none -> lifetimeSeconds 1 min"),
    ],
)
def test_a_property_in_words(item, said):
    assert property_change(item) == said


@pytest.mark.parametrize(
    ("name", "before", "after", "same"),
    [
        ("definition", ['{"a":1,"b":[1,2]}'], ['{ "b": [1, 2], "a": 1 }'], True),
        ("definition", ['{"a":1,"b":[1,2]}'], ['{"a":1,"b":[2,1]}'], False),
        ("definition", ['{"a":1,"a":2}'], ['{"a":2,"a":1}'], False),
        ("definition", ['{"a":1,"a":2}'], ['{"a":1, "a":2}'], False),
        ("definition", ['{"a":1,"A":2}'], ['{"A":2,"a":1}'], False),
        ("definition", ['{"x":{"a":1,"A":2}}'], ['{"x":{"A":2,"a":1}}'], False),
        ("definition", ["nonsense"], ["nonsense"], True),
        ("definition", ["nonsense"], ["nonsense "], False),
        ("definition", ['"nonsense"'], ["nonsense"], False),
        ("definition", ['{"a":NaN}'], ['{"a": NaN}'], False),
        ("definition", ['{"a":true}'], ['{"a":1}'], False),
        ("definition", ["{}", '{"a":1}'], ['{"a":1}', "{}"], False),
        ("definition", ["{}"], ["{}", "{}"], False),
        ("definition", ["[" * 100_000], ["[" * 100_001], False),
        ("unknownSettings", ["a", "b"], ["b", "a"], True),
        ("unknownSettings", ["a", "a", "b"], ["b", "b", "a"], False),
        ("keyCredentials", [{"keyId": "1"}, {"keyId": "2"}], [{"keyId": "2"}, {"keyId": "1"}], True),
        ("organizationDefaultPolicies", [{"id": "1"}, {"id": "2"}], [{"id": "2"}, {"id": "1"}], True),
        ("ofAPlugin", ["a", "b"], ["b", "a"], False),
        ("unknownSettings", ["a"], None, False),
        ("displayName", '{"a":1,"b":2}', '{"b":2,"a":1}', False),
    ],
)
def test_when_two_values_say_the_same(name, before, after, same):
    assert same_value(name, before, after) is same
    assert same_value(name, after, before) is same


def test_problems_that_quote_a_definition_are_those_of_the_same_definition():
    def read(text: str) -> Resource:
        return policy("1", None, definition=[text], definitionProblems=[f"{text} has no TokenLifetimePolicy"])

    same = compared(snapshot(read('{"a":1,"b":2}')), snapshot(read('{"b":2,"a":1}')))
    changed = compared(snapshot(read('{"a":1,"b":2}')), snapshot(read('{"b":2,"a":3}')))

    assert (same.resources, same.exit_status) == ([], 3)  # its lifetime is not known on either side
    assert [each.name for each in changed.resources[0].properties] == ["definition", "definitionProblems"]


def test_nothing_changed():
    found = compared(snapshot(policy("1", 3600), day=1), snapshot(policy("1", 3600), day=2))

    assert (found.resources, found.unchanged_resources, found.exit_status) == ([], 1, 0)
    assert found.new.collected_at > found.old.collected_at


@pytest.mark.parametrize(("before", "now"), [(3600, None), (None, 3600), (None, None)])
def test_what_is_unknown_on_a_side_is_neither_changed_nor_unchanged(before, now):
    found = compared(snapshot(policy("1", before)), snapshot(policy("1", now)))

    assert (found.resources, found.unchanged_resources) == ([], 0)
    assert found.exit_status == 3
    [item] = found.not_compared
    assert item.what == POLICY
    numbers = [1 if seconds is None else 0 for seconds in (before, now)]
    assert item.reason == f"not known of {numbers[0]} before, of {numbers[1]} now: accessTokenLifetimeSeconds"


def test_what_is_known_beside_an_unknown_is_still_compared():
    found = compared(snapshot(policy("1", None)), snapshot(policy("1", None, isOrganizationDefault=True)))

    assert words(found) == ["changed: policy “Policy 1”: now organization default"]
    assert found.exit_status == 3


def test_what_was_not_read_to_the_end_is_not_gone_and_not_new():
    one, two = policy("1", 3600), policy("2", 3600)
    failed = {"failures": {POLICY: "GET /policies: 403 Forbidden"}}

    missing = compared(snapshot(one, two), snapshot(one, **failed))
    more = compared(snapshot(one, **failed), snapshot(one, two))
    changed = compared(snapshot(one), snapshot(policy("1", 7200), **failed))

    assert (words(missing), words(more)) == ([], [])
    assert words(changed) == ["changed: policy “Policy 1”: access token lifetime 1 h -> 2 h"]
    assert missing.not_compared[0].reason == (
        "not read to the end now, so nothing of it is gone: GET /policies: 403 Forbidden"
    )
    assert more.not_compared[0].reason.startswith("not read to the end before, so nothing of it is new")
    assert {missing.exit_status, more.exit_status, changed.exit_status} == {3}


def test_an_object_that_was_not_asked_for_is_not_gone_and_not_new():
    one = resource(ASSIGNMENT, "1", "One", appId="app-1")
    two = resource(ASSIGNMENT, "2", "Two", appId="app-2")
    pinned = {"scopes": {ASSIGNMENT: frozenset({"app-1"})}}

    fewer = compared(snapshot(one, two), snapshot(one, **pinned))
    really = compared(snapshot(one, two), snapshot(two, **pinned))

    assert words(fewer) == []
    assert [each.resource.id for each in really.resources] == ["1"]
    assert {fewer.exit_status, really.exit_status} == {3}


def test_types_and_properties_of_one_side_only_are_told():
    names = {POLICY: tuple(name for name in BLANK[POLICY] if name != "settings")}
    short = Resource(POLICY, "1", "Policy 1", {name: BLANK[POLICY][name] for name in names[POLICY]})
    whole = resource(POLICY, "1", "Policy 1", settings=["changed since"])

    found = compared(snapshot(short, properties=names), snapshot(whole))

    assert found.resources == []
    assert [(each.what, each.reason) for each in found.not_compared] == [
        (ASSIGNMENT, "was collected only now"),
        (f"{POLICY}.settings", "is in one of the two snapshots only"),
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"tenant": Tenant("22222222-2222-4333-8444-555555555555")}, "only one tenant can be compared"),
        ({"tenant": Tenant("")}, "an unknown tenant"),
        ({"precedence": Precedence.CLASSIC}, "precedence all, new.jsonl with classic"),
    ],
)
def test_what_cannot_be_compared_is_refused(other, said):
    with pytest.raises(UsageError, match=said):
        compared(snapshot(policy("1", 3600)), snapshot(policy("1", 3600), **other))


def test_two_unknown_tenants_may_be_two():
    unknown = Tenant("")
    with pytest.raises(UsageError, match="an unknown tenant"):
        compared(snapshot(tenant=unknown), snapshot(tenant=unknown))


@settings(max_examples=60)
@given(
    st.dictionaries(st.integers(0, 40), st.integers(1, 3), max_size=20),
    st.dictionaries(st.integers(0, 40), st.integers(1, 3), max_size=20),
    st.sampled_from([1, 2, 7]),
)
def test_buckets_lose_nothing(before, now, buckets):
    """However few there are, and in whichever order resources come, the difference is that of two dicts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "BUCKETS", buckets)
        found = compared(
            snapshot(*(policy(str(id_), value) for id_, value in before.items())),
            snapshot(*(policy(str(id_), value) for id_, value in reversed(now.items()))),
        )

    both = before.keys() & now.keys()
    assert {(str(each.change), int(each.resource.id)) for each in found.resources} == (
        {("appeared", id_) for id_ in now.keys() - both}
        | {("gone", id_) for id_ in before.keys() - both}
        | {("changed", id_) for id_ in both if before[id_] != now[id_]}
    )
    assert found.unchanged_resources == sum(before[id_] == now[id_] for id_ in both)


def test_memory_does_not_grow_with_what_is_unchanged():
    header = snapshot()().header

    def many(number: int, last: int) -> Callable[[], Snapshot]:
        def resources() -> Iterator[Resource]:
            yield from (policy(str(id_), 3600) for id_ in range(number))
            yield policy("last", last)

        summary = {type_: TypeSummary(type_, number) for type_ in BLANK}
        return lambda: Snapshot(header, resources(), lambda: summary)

    def peak(number: int) -> int:
        tracemalloc.start()
        try:
            assert len(compared(many(number, 1), many(number, 2)).resources) == 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, more = peak(200), peak(2000)

    assert more < few + 200_000


# --- reports ----------------------------------------------------------------------------------------------------

PAYROLL, KIOSK = ref(2, "Long on Payroll"), ref(7, "Kiosk")


def too_long(where: ResourceRef, seconds: int = 28800, status: FindingStatus = FindingStatus.NEW) -> Any:
    return replace(finding(TOO_LONG, where, f"{where.name} lives {seconds} s", lifetime(seconds)), status=status)


def report(*findings: Any, rule: Any = TOO_LONG, unknown: tuple[ResourceRef, ...] = (), **parts: Any) -> Any:
    result = RuleResult(
        rule,
        selected=9,
        failed=sum(each.status is FindingStatus.NEW for each in findings),
        exempt=sum(each.status is FindingStatus.EXEMPT for each in findings),
        known=sum(each.status is FindingStatus.BASELINE for each in findings),
        not_evaluated=len(unknown),
        incomplete=parts.pop("incomplete", ()),
    )
    items = tuple(NotEvaluated(rule.id, each, "the definition is not JSON") for each in unknown)
    return replace(REPORT, rules=(result,), findings=findings, not_evaluated=items, **parts)


def turns(difference: Difference) -> list[tuple[str, str]]:
    return [(str(each.turn), each.finding.resource.name) for each in difference.findings]


def test_findings_are_new_changed_fixed_settled_or_unchanged():
    a, b, c, d, e = (ref(number, name) for number, name in enumerate("abcde", 10))
    old = report(too_long(a), too_long(b), too_long(c), too_long(d))
    new = report(too_long(e), too_long(d, status=FindingStatus.EXEMPT), too_long(b, 86400), too_long(a))
    found = compare_reports(old, new)

    assert turns(found) == [("new", "e"), ("changed", "b"), ("fixed", "c"), ("settled", "d")]
    assert found.findings[1].before == too_long(b)
    assert (found.unchanged_findings, found.not_compared, found.exit_status) == (1, (), 0)


@pytest.mark.parametrize(
    ("status", "turn"),
    [(FindingStatus.EXEMPT, []), (FindingStatus.BASELINE, []), (FindingStatus.NEW, [("new", "Kiosk")])],
)
def test_what_does_not_count_is_not_new(status, turn):
    assert turns(compare_reports(report(), report(too_long(KIOSK, status=status)))) == turn


def test_what_counts_again_is_new():
    old = report(too_long(KIOSK, status=FindingStatus.EXEMPT))

    assert turns(compare_reports(old, report(too_long(KIOSK)))) == [("new", "Kiosk")]


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (report(unknown=(PAYROLL,)), "of what could not be evaluated now"),
        (report(incomplete=("403 Forbidden",)), "of resources that were not read to the end now"),
        (report(rule=replace(TOO_LONG, digest="0" * 64)), "of a rule that has changed"),
        (replace(report(), rules=()), "of a rule that was not judged by now"),
    ],
    ids=["resource", "type", "limit", "rule"],
)
def test_what_is_not_evaluated_is_not_fixed(new, reason):
    found = compare_reports(report(too_long(PAYROLL)), new, Severity.INFO)

    assert turns(found) == []
    assert found.unchanged_findings == 0
    assert any(reason in each.reason and each.what == TOO_LONG.id for each in found.not_compared)
    assert found.exit_status == 3


def test_what_is_gone_is_fixed_though_another_resource_is_unknown():
    found = compare_reports(report(too_long(PAYROLL)), report(unknown=(KIOSK,)))

    assert turns(found) == [("fixed", "Long on Payroll")]
    assert [each.reason for each in found.not_compared] == ["not evaluated in full now"]
    assert found.exit_status == 3


@pytest.mark.parametrize(
    ("old", "new", "sides"),
    [
        (report(unknown=(KIOSK,)), report(), "before"),
        (report(), report(unknown=(KIOSK,)), "now"),
        (report(unknown=(KIOSK,)), report(incomplete=("403",)), "before and now: 403"),
        (report(incomplete=("403",)), report(incomplete=("403", "429")), "before and now: 403; 429"),
    ],
)
def test_what_is_not_evaluated_on_a_side_is_told(old, new, sides):
    found = compare_reports(old, new)

    assert [each.reason for each in found.not_compared] == [f"not evaluated in full {sides}"]
    assert found.exit_status == 3


@pytest.mark.parametrize(
    ("old", "new", "fail_on", "status"),
    [
        ((), (too_long(KIOSK),), None, 0),
        ((), (too_long(KIOSK),), Severity.HIGH, 1),
        ((), (too_long(KIOSK),), Severity.CRITICAL, 0),
        ((too_long(KIOSK),), (too_long(KIOSK, 86400),), Severity.HIGH, 1),
        ((too_long(KIOSK),), (too_long(KIOSK),), Severity.INFO, 0),
        ((too_long(KIOSK),), (), Severity.INFO, 0),
    ],
)
def test_new_findings_fail_where_that_was_asked_for(old, new, fail_on, status):
    assert compare_reports(report(*old), report(*new), fail_on).exit_status == status


def test_a_new_finding_outranks_what_was_not_compared():
    new = report(too_long(KIOSK), unknown=(PAYROLL,))

    assert compare_reports(report(), new, Severity.LOW).exit_status == 1
    assert compare_reports(report(), new).exit_status == 3


def test_reports_of_two_tenants_are_refused():
    other = replace(REPORT.header, tenant=Tenant("22222222-2222-4333-8444-555555555555"))
    with pytest.raises(UsageError, match="only one tenant"):
        compare_reports(report(), report(header=other))


# --- both ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "findings", "status"),
    [
        ({}, {}, 0),
        ({"unread": True}, {}, 3),
        ({}, {"unknown": (PAYROLL,)}, 3),
        ({"unread": True}, {"new": True}, 1),
        ({}, {"new": True, "unknown": (PAYROLL,)}, 1),
    ],
)
def test_what_changed_and_what_was_found_is_one_comparison(resources, findings, status):
    old, new = snapshot(policy("1", 3600)), snapshot(policy("1", None if resources.get("unread") else 3600))
    later = report(*([too_long(KIOSK)] if findings.get("new") else []), unknown=findings.get("unknown", ()))
    changed, judged = compared(old, new), compare_reports(report(), later, Severity.LOW)

    both = with_findings(changed, judged)

    assert both.exit_status == status
    assert both.not_compared == (*changed.not_compared, *judged.not_compared)
    assert (both.resources, both.findings) == (changed.resources, judged.findings)
    assert (both.unchanged_resources, both.unchanged_findings) == (changed.unchanged_resources, 0)
    assert (both.old.source, both.new.source) == ("old.jsonl", "new.jsonl")


# --- written ----------------------------------------------------------------------------------------------------


def written(name: str, difference: Difference, style: Style | None = None) -> bytes:
    out = BytesIO()
    WRITERS[name].write_difference(difference, out, style or Style())
    return out.getvalue()


OLD = snapshot(policy("1", 3600), policy("2", None))
OF_SNAPSHOTS = compared(OLD, snapshot(policy("1", 18000), policy("3", 600)))
OF_REPORTS = compare_reports(
    REPORT, replace(REPORT, findings=(too_long(PAYROLL, 86400), too_long(KIOSK), *FINDINGS[2:])), Severity.LOW
)
OF_BOTH = with_findings(OF_SNAPSHOTS, OF_REPORTS)
SAME = compared(snapshot(policy("1", 3600)), snapshot(policy("1", 3600)))


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (SAME, "exit status 0: everything could be compared"),
        (OF_SNAPSHOTS, "exit status 3: not everything could be compared"),
        (OF_BOTH, "exit status 1: something changed that was to fail the comparison; 2 findings stand unchanged"),
        (
            with_findings(SAME, compare_reports(report(), report())),
            "exit status 0: everything could be compared; no finding stands unchanged",
        ),
        (
            with_findings(SAME, compare_reports(report(too_long(KIOSK)), report(too_long(KIOSK)))),
            "exit status 0: everything could be compared; 1 finding stands unchanged",
        ),
    ],
)
def test_the_last_line_says_what_stands_unchanged(difference, said):
    assert written("text", difference).decode().splitlines()[-1] == said
    assert written("markdown", difference).decode().splitlines()[-1] == said
    assert json.loads(written("json", difference))["conclusion"] == said


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ((), (), 0),
        ((policy("1", 3600),), (policy("1", 3600),), 0),
        ((), (policy("1", 3600),), 1),
        ((policy("1", 3600),), (), 1),
        ((policy("1", 3600),), (policy("1", 60),), 1),
        ((policy("1", 3600),), (policy("1", None),), 3),
        ((policy("1", 3600), policy("2", 60)), (policy("1", None),), 1),
    ],
)
def test_any_change_fails_where_that_was_asked_for(old, new, status):
    changed, nothing = compared(snapshot(*old), snapshot(*new)), compare_reports(report(), report())

    assert with_findings(changed, nothing, fail_on_change=True).exit_status == status
    assert with_findings(changed, nothing).exit_status == (3 if changed.not_compared else 0)


@pytest.mark.parametrize(("name", "suffix"), [("text", "txt"), ("json", "json"), ("markdown", "md")])
@pytest.mark.parametrize(
    ("kind", "difference"), [("snapshots", OF_SNAPSHOTS), ("reports", OF_REPORTS), ("both", OF_BOTH)]
)
def test_the_whole_difference(name, suffix, kind, difference):
    assert_golden(f"diff-{kind}.{suffix}", written(name, difference))


@pytest.mark.parametrize("difference", [OF_SNAPSHOTS, OF_REPORTS, OF_BOTH, SAME])
def test_the_json_is_valid_against_its_schema(difference):
    validator = jsonschema_rs.Draft202012Validator(schema("diff"), validate_formats=True)
    document = json.loads(written("json", difference))

    assert [error.message for error in validator.iter_errors(document)] == []
    assert not validator.is_valid({**document, "exitStatus": 2})
    assert not validator.is_valid({name: value for name, value in document.items() if name != "notCompared"})


@pytest.mark.parametrize(
    ("difference", "title"),
    [
        (SAME, "UNCHANGED"),
        (OF_SNAPSHOTS, "CHANGED"),
        (OF_REPORTS, "CHANGED"),
        (compared(snapshot(policy("1", None)), snapshot(policy("1", None))), "NOT FULLY COMPARED"),
    ],
)
@pytest.mark.parametrize("name", ["text", "markdown"])
def test_it_says_first_whether_anything_changed(difference, title, name):
    first = written(name, difference).decode().splitlines()[0]

    assert first.startswith((f"{title}  ", f"# tokenguard: {title}"))


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=())))
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_no_display_name_can_add_a_line(name, display_name):
    def of(text: str) -> Difference:
        new = resource(POLICY, "9", text)
        return compared(snapshot(), snapshot(new, resource(ASSIGNMENT, "9/1", text, displayName=text, policyName=text)))

    assert len(written(name, of(display_name)).splitlines()) == len(written(name, of("x")).splitlines())


@pytest.mark.parametrize("width", [20, 80])
def test_a_terminal_is_not_overrun(width):
    style = Style(terminal=True, width=width)

    assert max(map(len, written("text", OF_SNAPSHOTS, style).decode().splitlines())) <= max(width, 24)


def test_every_change_and_turn_is_known_to_the_schema():
    definitions = schema("diff")["$defs"]

    assert definitions["resourceChange"]["properties"]["change"]["enum"] == [str(each) for each in Change]
    assert definitions["findingChange"]["properties"]["turn"]["enum"] == [str(each) for each in Turn]
