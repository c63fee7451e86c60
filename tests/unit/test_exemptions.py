"""Exemptions: reading them, and what they do and do not excuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import jsonschema
import pytest

from gadgets import APP_ID, GADGET, LIMIT, OTHER_ID, SETTABLE, gadget, pinning, scanned, snapshot
from tokenguard.encoding import finding_from_dict, finding_to_dict
from tokenguard.errors import DocumentError, UsageError
from tokenguard.judging.exemptions import parse_exemptions
from tokenguard.model import (
    CollectionFailure,
    Exemption,
    FindingStatus,
    Outcome,
    Report,
    Resource,
    TypeSummary,
    Violation,
)
from tokenguard.rules.parsing import parse_rules
from tokenguard.schemas import schema

LABELLED_DOCUMENT: dict[str, Any] = {
    "id": "label-unlisted", "title": "A label is not in use", "severity": "low", "resource": "gadget",
    "parameters": {"accepted": {"title": "Accepted", "pattern": "^a$"}},
    "require": {"properties": {"label": {"$ref": "#/parameters/accepted"}}},
    "examples": [
        {"outcome": "pass"},
        {"outcome": "fail", "properties": {"label": "b"}},
        {"outcome": "not-evaluated", "unknown": {"label": "403"}},
    ],
}  # fmt: skip
TYPES = {GADGET.name: GADGET}
(LABELLED,) = parse_rules([("label-unlisted.json", json.dumps(LABELLED_DOCUMENT).encode())], TYPES)
RULES = [LIMIT, SETTABLE, LABELLED]
ENTRY: dict[str, Any] = {
    "rule": LIMIT.id,
    "resource": "Press",
    "reason": "replaced in spring",
    "owner": "the press team",
    "expires": "2027-06-30",
}


def document(*entries: Mapping[str, Any], **more: Any) -> bytes:
    return json.dumps({"exemptions": entries, **more}).encode()


def exemption(
    resource: str = "Press", rule: str = LIMIT.id, expires: str = "2027-06-30", **parameters: Any
) -> Exemption:
    return Exemption(rule, resource, "replaced in spring", "the press team", date.fromisoformat(expires), parameters)


def statuses(report: Report) -> dict[str, str]:
    return {finding.resource.id: str(finding.status) for finding in report.findings}


def test_a_file_of_exemptions_is_read_whole() -> None:
    entries = [ENTRY, {**ENTRY, "rule": SETTABLE.id, "resource": APP_ID, "parameters": {"maximum": "PT5H"}}]
    first, second = parse_exemptions(document(*entries, **{"$schema": "x"}), "x.json", RULES, TYPES)
    assert first == Exemption(
        LIMIT.id, "Press", "replaced in spring", "the press team", date(2027, 6, 30), {}, "x.json"
    )
    assert (second.rule, second.resource, second.parameters) == (SETTABLE.id, APP_ID, {"maximum": "PT5H"})


MISTAKES = [
    ([], "line 1, column 1: is not of type"),
    ({}, '"exemptions" is a required property'),
    (
        {"exemptions": [{**ENTRY, "ressource": "x"}]},
        "line 1, column 152: /exemptions/0/*: a key that is not known here; known are expires, owner, parameters,",
    ),
    ({"exemptions": [{key: ENTRY[key] for key in ENTRY if key != "owner"}]}, '/exemptions/0: "owner" is a required'),
    ({"exemptions": [{**ENTRY, "reason": ""}]}, "/exemptions/0/reason: does not meet minLength 1"),
    ({"exemptions": [{**ENTRY, "expires": "30.6.2027"}]}, "/exemptions/0/expires"),
    ({"exemptions": [{**ENTRY, "expires": 20270630}]}, "/exemptions/0/expires"),
    ({"exemptions": [{**ENTRY, "parameters": {}}]}, "/exemptions/0/parameters"),
]
MEANT_OTHERWISE = [
    ({**ENTRY, "expires": "2027-02-29"}, "/exemptions/0/expires: is no date, e.g. 2027-06-30"),
    ({**ENTRY, "rule": "lifetime-to-long"}, "/exemptions/0/rule: there is no rule of this id"),
    ({**ENTRY, "parameters": {"maximum": "PT5H"}}, "/exemptions/0/parameters/*: "),
    (
        {**ENTRY, "rule": SETTABLE.id, "parameters": {"maximal": "PT5H"}},
        "/exemptions/0/parameters/*: there is no parameter of this name",
    ),
    (
        {**ENTRY, "rule": SETTABLE.id, "parameters": {"maximum": 18000}},
        "not a value of maxDuration, which is a duration such as PT2H",
    ),
    (
        {**ENTRY, "rule": SETTABLE.id, "parameters": {"maximum": "5h"}},
        "not a value of maxDuration, which is a duration such as PT2H",
    ),
    ({**ENTRY, "rule": LABELLED.id, "parameters": {"accepted": ""}}, "/parameters/*: a value that can mean nothing"),
]


@pytest.mark.parametrize(
    ("wrong", "said"), [*MISTAKES, *(({"exemptions": [entry]}, said) for entry, said in MEANT_OTHERWISE)]
)
def test_a_mistake_is_said_with_its_place(wrong: Any, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_exemptions(json.dumps(wrong).encode(), "x.json", RULES, TYPES)
    assert said in caught.value.message
    assert caught.value.message.startswith("x.json: ")


@pytest.mark.parametrize(
    ("document", "valid"), [*((wrong, False) for wrong, _ in MISTAKES), ({"exemptions": [ENTRY]}, True)]
)
def test_the_schema_that_editors_use_says_the_same(document: Any, valid: bool) -> None:
    jsonschema.Draft202012Validator.check_schema(schema("exemptions"))
    assert jsonschema.Draft202012Validator(schema("exemptions")).is_valid(document) is valid


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_exemptions(document(*(entry for entry, _ in MEANT_OTHERWISE)), "x.json", RULES, TYPES)
    for index in range(len(MEANT_OTHERWISE)):
        assert f"/exemptions/{index}/" in caught.value.message


def test_of_very_many_mistakes_the_first_are_said_and_the_rest_counted() -> None:
    """Or a file of a few MiB would take hours to be refused."""
    with pytest.raises(DocumentError) as caught:
        parse_exemptions(document(*([1] * 20_000)), "x.json", RULES, TYPES)
    lines = caught.value.message.splitlines()
    assert (len(lines), lines[-1]) == (1 + 24 + 1, "  and 19976 more")
    assert lines[24].startswith("  line 1, column ")
    assert "/exemptions/23: " in lines[24]


@pytest.mark.parametrize("twice", ["Press", "press"])
def test_two_decisions_on_one_rule_and_resource_are_refused(twice: str) -> None:
    with pytest.raises(DocumentError, match="/exemptions/1: the same rule and resource as /exemptions/0"):
        parse_exemptions(document(ENTRY, {**ENTRY, "resource": twice, "expires": "2028-01-01"}), "x.json", RULES, TYPES)


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"^x\.json: line 2, column 1: a key stands twice in one object$"):
        parse_exemptions(b'{"exemptions": [{"rule": 1, "owner": 2}, {"rule": 1}],\n"exemptions": []}', "x.json", (), {})


def test_text_that_no_report_can_hold_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"x\.json: .*surrogates not allowed"):
        parse_exemptions(document({**ENTRY, "owner": "\ud800"}), "x.json", RULES, TYPES)


@pytest.mark.parametrize(
    ("named", "status"),
    [
        pytest.param("g1", "exempt", id="id"),
        pytest.param("G1", "exempt", id="id in another case"),
        pytest.param(APP_ID, "exempt", id="appId"),
        pytest.param(APP_ID.upper(), "exempt", id="appId in upper case"),
        pytest.param("Press", "exempt", id="name"),
        pytest.param("press", "new", id="name in another case"),
        pytest.param("Pres", "new", id="part of a name"),
        pytest.param(OTHER_ID, "new", id="another appId"),
    ],
)
def test_a_resource_is_named_by_id_appid_or_name(named: str, status: str) -> None:
    late = gadget("g1", "Press", appId=APP_ID, lifetimeSeconds=7200)
    report = scanned([LIMIT], [gadget("g2"), late], exemptions=[exemption(named)])
    assert statuses(report) == {"g1": status}
    assert report.exit_status == (0 if status == "exempt" else 1)
    assert bool(report.notices) is (status == "new"), "one that matches nothing is said"
    (finding,) = report.findings
    assert (finding.exemption is not None) is (status == "exempt")
    assert (report.rules[0].exempt, report.rules[0].failed) == ((1, 0) if status == "exempt" else (0, 1))
    assert report.rules[0].selected == 2


def test_an_exemption_excuses_from_its_own_rule_only() -> None:
    report = scanned(RULES, [gadget(lifetimeSeconds=7200)], exemptions=[exemption("g1")])
    assert {finding.rule: finding.status for finding in report.findings} == {
        LIMIT.id: FindingStatus.EXEMPT,
        SETTABLE.id: FindingStatus.NEW,
    }


def test_an_appid_may_be_that_of_several_resources() -> None:
    found = [gadget(id_, appId=APP_ID, lifetimeSeconds=7200) for id_ in ("g1", "g2")]
    report = scanned([LIMIT], found, exemptions=[exemption(APP_ID)])
    assert statuses(report) == {"g1": "exempt", "g2": "exempt"}


PRESSES = [gadget(f"g{number}", "Press", lifetimeSeconds=7200) for number in range(3)]


@pytest.mark.parametrize("order", list(permutations(PRESSES)))
def test_a_name_that_several_bear_excuses_none(order: tuple[Resource, ...]) -> None:
    report = scanned([LIMIT], order, exemptions=[exemption("Press")])
    assert statuses(report) == dict.fromkeys(("g0", "g1", "g2"), "new")
    assert report.rules[0].selected == 3
    assert [notice for notice in report.notices if "names 3 resources and applies to none" in notice] == list(
        report.notices
    )
    assert report.notices
    with pytest.raises(UsageError, match=f"exemption from {LIMIT.id} names 3 resources"):
        scanned([LIMIT], order, exemptions=[exemption("Press")], strict=True)


@pytest.mark.parametrize("order", list(permutations(PRESSES[:2])))
def test_a_name_that_two_bear_excuses_neither_though_one_is_exempt_by_its_id(order: tuple[Resource, ...]) -> None:
    report = scanned([LIMIT], order, exemptions=[exemption("Press"), exemption("g0")])
    assert statuses(report) == {"g0": "exempt", "g1": "new"}
    assert [("names 2 resources" in notice) for notice in report.notices] == [True]


@pytest.mark.parametrize(
    ("observed", "limit", "told"),
    [
        pytest.param(18000, "PT5H", True, id="passes by the exemption alone"),
        pytest.param(3600, "PT5H", False, id="passes either way"),
        pytest.param(18001, "PT5H", False, id="is a finding, which says so"),
    ],
)
@pytest.mark.parametrize("named", ["g1", "Press", APP_ID])
def test_an_exemption_that_lets_a_resource_pass_is_told(named: str, observed: int, limit: str, told: bool) -> None:
    decision = replace(exemption(named, SETTABLE.id, maximum=limit), source="x.json")
    found = gadget("g1", "Press", appId=APP_ID, lifetimeSeconds=observed)
    report = scanned([SETTABLE], [found], exemptions=[decision], strict=True)
    assert list(report.notices) == [
        (
            f"x.json: the exemption of '{named}' from {SETTABLE.id} (owner the press team) lets gadget g1 Press pass"
            " with maximum PT5H (the rule's own is PT1H) until 2027-06-30: replaced in spring"
        )
    ] * int(told)
    assert report.rules[0].passed == (observed <= 18000)


def test_an_exemption_may_not_set_what_a_rule_selects_by() -> None:
    """It would make a finding vanish: the rule would no longer be about the resource."""
    document_ = {
        "id": "old-gadget-too-long", "title": "An old gadget lives too long", "severity": "low", "resource": "gadget",
        "parameters": {
            "old": {"title": "Old", "minDuration": "PT1H"},
            "level": {"title": "Level", "minimum": 3},
            "maximum": {"title": "Longest", "maxDuration": "PT2H"},
        },
        "$defs": {"grave": {"properties": {"holder": {"type": "object", "properties": {
            "level": {"$ref": "#/parameters/level"}}}}}},
        "select": {"anyOf": [
            {"properties": {"lifetimeSeconds": {"$ref": "#/parameters/old"}}}, {"$ref": "#/$defs/grave"}
        ]},
        "require": {"properties": {"lifetimeSeconds": {"$ref": "#/parameters/maximum"}}},
        "examples": [
            {"outcome": "pass"},
            {"outcome": "fail", "properties": {"lifetimeSeconds": 7201}},
            {"outcome": "not-selected", "properties": {"lifetimeSeconds": 60}},
            {"outcome": "not-evaluated", "unknown": {"lifetimeSeconds": "403"}},
        ],
    }  # fmt: skip
    (rule,) = parse_rules([("old-gadget-too-long.json", json.dumps(document_).encode())], TYPES)
    entries = [
        {**ENTRY, "rule": rule.id, "resource": f"g{number}", "parameters": parameters}
        for number, parameters in enumerate(({"maximum": "PT9H"}, {"old": "PT9H"}, {"level": 9, "maximum": "PT9H"}))
    ]
    parse_exemptions(document(entries[0]), "x.json", [rule], TYPES)
    for entry, name in ((entries[1], "old"), (entries[2], "level")):
        with pytest.raises(DocumentError) as refused:
            parse_exemptions(document(entry), "x.json", [rule], TYPES)
        assert f'an exemption from {rule.id} cannot set "{name}": the rule\'s' in str(refused.value)


@pytest.mark.parametrize("reverse", [False, True])
def test_nobody_borrows_an_exemption_by_taking_an_id_for_a_name(reverse: bool) -> None:
    found = [gadget("g1", appId="the-id", lifetimeSeconds=7200), gadget("g2", "the-id", lifetimeSeconds=7200)]
    report = scanned([LIMIT], found[::-1] if reverse else found, exemptions=[exemption("the-id")])
    assert statuses(report) == {"g1": "exempt", "g2": "new"}
    alone = scanned([LIMIT], [gadget("g2", APP_ID, lifetimeSeconds=7200)], exemptions=[exemption(APP_ID)])
    assert statuses(alone) == {"g2": "new"}
    assert "matches nothing" in alone.notices[0]


@pytest.mark.parametrize(
    ("seconds", "limit", "status", "expected"),
    [
        (18000, "PT5H", None, None),
        (18001, "PT5H", "new", 18000),
        (3600, "PT30M", "new", 1800),
        (1800, "PT30M", None, None),
    ],
)
@pytest.mark.parametrize("named", ["g1", "Press"])
def test_with_a_limit_of_its_own_a_resource_is_held_to_that_and_nothing_else(
    named: str, seconds: int, limit: str, status: str | None, expected: int | None
) -> None:
    report = scanned(
        [SETTABLE],
        [gadget("g1", "Press", lifetimeSeconds=seconds), gadget("g2", lifetimeSeconds=3601)],
        exemptions=[exemption(named, SETTABLE.id, maximum=limit)],
    )
    assert statuses(report) == {"g2": "new", **({"g1": status} if status else {})}
    assert report.rules[0].selected == 2
    for finding in report.findings:
        if finding.resource.id == "g1":
            assert finding.violations == (Violation("/lifetimeSeconds", "maximum", expected, seconds),)
            assert finding.exemption is None
        else:
            assert finding.violations[0].expected == 3600


@pytest.mark.parametrize("parameters", [{}, {"maximum": "PT5H"}])
@pytest.mark.parametrize("named", ["g1", "Press"])
def test_no_exemption_makes_the_unknown_comply(named: str, parameters: dict[str, str]) -> None:
    report = scanned(
        [SETTABLE],
        [gadget("g1", "Press", unknown={"lifetimeSeconds": "no JSON"})],
        exemptions=[exemption(named, SETTABLE.id, **parameters)],
    )
    assert report.rules[0].not_evaluated == 1
    assert report.exit_status == 3
    assert not report.notices


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (datetime(2027, 6, 30, 23, 59, 59, tzinfo=UTC), "exempt"),
        (datetime(2027, 7, 1, tzinfo=UTC), "new"),
        (datetime.fromisoformat("2027-07-01T01:00:00+02:00"), "exempt"),
    ],
)
def test_an_exemption_ends_with_its_last_day_in_utc(now: datetime, status: str) -> None:
    report = scanned([LIMIT], [gadget(lifetimeSeconds=7200)], exemptions=[exemption("g1")], now=now)
    assert statuses(report) == {"g1": status}
    said = [notice for notice in report.notices if "what was judged is old" not in notice]
    assert [("expired on 2027-06-30" in notice) for notice in said] == [True] * (status == "new")


@pytest.mark.parametrize("absent", [Outcome.FAIL, Outcome.NOT_EVALUATED])
def test_an_object_that_does_not_exist_can_be_excused_but_not_evaluated(absent: Outcome) -> None:
    report = scanned([pinning(APP_ID, absent=absent)], [], exemptions=[exemption(APP_ID, "gadget-disabled")])
    assert report.exit_status == (0 if absent is Outcome.FAIL else 3)
    assert [finding.status for finding in report.findings] == [FindingStatus.EXEMPT] * (absent is Outcome.FAIL)
    assert not report.notices


def test_a_limit_of_its_own_excuses_nothing_from_not_being_there() -> None:
    pinned = pinning(APP_ID)
    judged_by = replace(
        SETTABLE,
        select=pinned.select,
        select_reads=pinned.select_reads,
        pinned_app_ids=pinned.pinned_app_ids,
        absent=Outcome.FAIL,
    )
    report = scanned([judged_by], [], exemptions=[exemption(APP_ID, SETTABLE.id, maximum="PT5H")])
    assert statuses(report) == {APP_ID: "new"}


@pytest.mark.parametrize(
    "unheard",
    [
        pytest.param([exemption("nobody")], id="matches nothing"),
        pytest.param([exemption("g1", expires="2026-11-21")], id="expired"),
        pytest.param([exemption("Press")], id="several of the name"),
    ],
)
def test_strict_refuses_an_exemption_that_does_not_apply(unheard: list[Exemption]) -> None:
    assert len(scanned([LIMIT], PRESSES, exemptions=unheard).notices) == 1
    with pytest.raises(UsageError, match=LIMIT.id):
        scanned([LIMIT], PRESSES, exemptions=unheard, strict=True)


@pytest.mark.parametrize(
    "summary",
    [
        TypeSummary("gadget", 0, (CollectionFailure("gadget", "403"),)),
        TypeSummary("gadget", 0, scope=frozenset({OTHER_ID})),
        TypeSummary("other", 0),
    ],
    ids=["cut off", "only some asked for", "not read"],
)
def test_what_was_not_read_may_yet_match(summary: TypeSummary) -> None:
    report = scanned([LIMIT], snapshot([], summary), exemptions=[exemption("g1")], strict=True)
    assert not report.notices


def test_an_exemption_from_a_rule_that_is_not_selected_is_nothing_to_say() -> None:
    assert not scanned([SETTABLE], [], exemptions=[exemption("g1")], strict=True).notices


def test_a_finding_that_was_judged_by_a_limit_of_its_own_says_by_which() -> None:
    five_hours = exemption("g1", SETTABLE.id, maximum="PT5H")
    [finding] = scanned([SETTABLE], [gadget(lifetimeSeconds=5 * 3600 + 1)], exemptions=[five_hours]).findings
    assert finding.parameters == {"maximum": "PT5H"}
    assert finding_from_dict(finding_to_dict(finding)) == finding
