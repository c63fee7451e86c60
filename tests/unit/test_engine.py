"""Judging: outcomes, evidence, and above all what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadgets import APP_ID, GADGET, LIMIT, NEUTRAL, gadget, rule
from strategies import conditions, values
from tokenguard.errors import RuleError
from tokenguard.judging.engine import Engine, Judgement, judge
from tokenguard.model import Outcome, Resource, ResourceType, Rule, Violation

PASS, FAIL, SKIP, UNSURE = Outcome.PASS, Outcome.FAIL, Outcome.NOT_SELECTED, Outcome.NOT_EVALUATED
ENABLED = {"properties": {"enabled": {"const": True}}}
SHORT = {"properties": {"lifetimeSeconds": {"maximum": 3600}}}


@pytest.mark.parametrize(
    ("seconds", "enabled", "outcome"),
    [(3600, True, PASS), (3601, True, FAIL), (None, True, PASS), (3601, False, SKIP), (3600, False, SKIP)],
)
def test_a_selected_resource_must_meet_the_requirement(seconds: int | None, enabled: bool, outcome: Outcome) -> None:
    judged = judge(rule("r", SHORT, ENABLED), GADGET, gadget(lifetimeSeconds=seconds, enabled=enabled))
    assert judged.outcome is outcome


REQUIRE_LEVEL = {
    "properties": {"holder": {"type": "object", "required": ["note"], "properties": {"level": {"maximum": 1}}}}
}


@pytest.mark.parametrize(
    ("require", "properties", "violations"),
    [
        (SHORT, {"lifetimeSeconds": 7200}, [Violation("/lifetimeSeconds", "maximum", 3600, 7200)]),
        ({"properties": {"lifetimeSeconds": {"maxDuration": "PT1H"}}}, {"lifetimeSeconds": 7200},
         [Violation("/lifetimeSeconds", "maximum", 3600, 7200)]),
        (REQUIRE_LEVEL, {"holder": None}, [Violation("/holder", "type", "object", None)]),
        (REQUIRE_LEVEL, {"holder": {"level": 2, "note": None}}, [Violation("/holder/level", "maximum", 1, 2)]),
        (REQUIRE_LEVEL, {"holder": {"level": 1}}, [Violation("/holder/note", "required", "present", None)]),
        ({"properties": {"holder": {"dependentRequired": {"level": ["note"]}}}}, {"holder": {"level": 1}},
         [Violation("/holder/note", "dependentRequired", "present", None)]),
        ({"properties": {"tags": {"contains": {"const": "x"}}}}, {"tags": ["y"]},
         [Violation("/tags", "contains", {"const": "x"}, ["y"])]),
        ({"properties": {"tags": {"contains": {"const": "x"}, "minContains": 2}}}, {"tags": ["x"]},
         [Violation("/tags", "minContains", 2, ["x"])]),
        ({"properties": {"tags": {"items": {"enum": ["x"]}}}}, {"tags": ["x", "y"]},
         [Violation("/tags/1", "enum", ["x"], "y")]),
        ({"not": ENABLED}, {}, [Violation("", "not", ENABLED, {"enabled": True})]),
        ({"anyOf": [SHORT, {"not": ENABLED}]}, {"lifetimeSeconds": 7200},
         [Violation("", "anyOf", [SHORT, {"not": ENABLED}], {"enabled": True, "lifetimeSeconds": 7200})]),
        ({"if": ENABLED, "then": SHORT}, {"lifetimeSeconds": 7200},
         [Violation("/lifetimeSeconds", "maximum", 3600, 7200)]),
        ({"allOf": [SHORT, {"properties": {"label": {"const": "b"}}}]}, {"lifetimeSeconds": 7200},
         [Violation("/lifetimeSeconds", "maximum", 3600, 7200), Violation("/label", "const", "b", "a")]),
    ],
)  # fmt: skip
def test_a_violation_says_where_what_was_expected_and_what_was_observed(
    require: dict[str, Any], properties: dict[str, Any], violations: list[Violation]
) -> None:
    alone = judge(rule("r", require), GADGET, gadget(**properties))
    assert sorted(alone.violations, key=lambda each: each.path) == sorted(violations, key=lambda each: each.path)
    for select in (None, ENABLED):
        several = Engine(GADGET, [LIMIT, rule("r", require, select)])
        assert {each.id: judged for each, judged in several.judge(gadget(**properties))}["r"] == alone


UNKNOWN = {"lifetimeSeconds": "the definition is no JSON"}
SET = {"properties": {"lifetimeSeconds": {"type": "integer"}}}
LABEL_B = {"properties": {"label": {"const": "b"}}}


@pytest.mark.parametrize(
    ("select", "require", "outcome"),
    [
        pytest.param({"properties": {"enabled": {"const": False}}}, SHORT, SKIP, id="select is false without it"),
        pytest.param(SHORT, LABEL_B, UNSURE, id="select reads it"),
        pytest.param(SHORT, {}, UNSURE, id="select reads it, and nothing is required"),
        pytest.param(None, {**SHORT, "allOf": [LABEL_B]}, FAIL, id="violated elsewhere"),
        pytest.param(None, {"properties": {**SHORT["properties"], **LABEL_B["properties"]}}, FAIL, id="beside it"),
        pytest.param(None, SET, UNSURE, id="null is no violation"),
        pytest.param(None, SHORT, UNSURE, id="null is no compliance"),
        pytest.param(None, {"required": ["lifetimeSeconds"]}, UNSURE, id="only named"),
        pytest.param(None, {"not": SHORT}, UNSURE, id="under not"),
        pytest.param(None, {"anyOf": [LABEL_B, SHORT]}, UNSURE, id="another branch is violated"),
        pytest.param(None, {"anyOf": [ENABLED, SHORT]}, UNSURE, id="another branch is met"),
        pytest.param(None, {"oneOf": [ENABLED, SHORT]}, UNSURE, id="one of"),
        pytest.param(None, {"if": SHORT, "then": LABEL_B}, UNSURE, id="the question is open"),
        pytest.param(None, {"if": ENABLED, "then": {**LABEL_B, "allOf": [SHORT]}}, FAIL, id="answered, and violated"),
        pytest.param(None, {"if": ENABLED, "then": SHORT}, UNSURE, id="answered, and asks for it"),
        pytest.param(None, {"dependentRequired": {"lifetimeSeconds": ["label"]}}, UNSURE, id="depends on it"),
        pytest.param(None, {"allOf": [{"allOf": [SET]}]}, UNSURE, id="deep below"),
        pytest.param(None, {"if": ENABLED, "then": SET}, UNSURE, id="answered, and null is no violation"),
        pytest.param(None, {"if": {"not": ENABLED}, "else": SET}, UNSURE, id="otherwise, and null is no violation"),
        pytest.param(None, LABEL_B, FAIL, id="not read, violated"),
        pytest.param(None, ENABLED, PASS, id="not read, met"),
    ],
)  # fmt: skip
def test_what_is_unknown_never_passes_and_fails_only_for_another_reason(
    select: dict[str, Any] | None, require: dict[str, Any], outcome: Outcome
) -> None:
    judged = judge(rule("r", require, select), GADGET, gadget(unknown=UNKNOWN))
    assert judged.outcome is outcome
    if outcome is UNSURE:
        assert judged.reason == "lifetimeSeconds is unknown: the definition is no JSON"
    assert all(violation.path == "/label" for violation in judged.violations)


@pytest.mark.parametrize(
    ("possible", "outcome"),
    [
        ([], UNSURE),
        ([{"lifetimeSeconds": 1}], UNSURE),
        ([{"lifetimeSeconds": 1}, {"lifetimeSeconds": 10**6}], FAIL),
        ([{"lifetimeSeconds": "long"}], UNSURE),
    ],
)
@pytest.mark.parametrize("select", [None, SET])
def test_what_fails_with_a_value_that_an_unknown_property_may_have_fails_and_never_passes(select, possible, outcome):
    one = gadget(unknown=UNKNOWN)
    one = Resource(one.type, one.id, one.name, one.properties, one.unknown, possible=possible)
    judged = judge(rule("r", SHORT, select), GADGET, one)
    assert judged.outcome is outcome
    if outcome is FAIL:
        assert judged.by is not None
        assert judged.by.properties["lifetimeSeconds"] == judged.violations[0].observed == 10**6


def test_every_violation_that_an_unknown_may_come_to_is_told_once() -> None:
    """A finding that told of the first alone was known to a baseline whatever became of the others."""
    lengths = [5, 10**6, 3 * 10**6, 10**6]
    one = gadget(unknown=UNKNOWN)
    one = Resource(
        one.type, one.id, one.name, one.properties, one.unknown, possible=[{"lifetimeSeconds": n} for n in lengths]
    )
    judged = judge(rule("r", SHORT), GADGET, one)
    assert [violation.observed for violation in judged.violations] == [10**6, 3 * 10**6]


CONDITIONS = conditions(GADGET.schema)
RULES = st.builds(rule, st.just("r"), CONDITIONS, st.none() | CONDITIONS)
PROPERTIES = values(GADGET.schema)


@settings(max_examples=200)
@given(RULES, PROPERTIES, st.sets(st.sampled_from(sorted(NEUTRAL)), min_size=1, max_size=3))
def test_what_is_said_despite_an_unknown_holds_whatever_its_value(
    judged_by: Rule, properties: dict[str, Any], hidden: set[str]
) -> None:
    truth = judge(judged_by, GADGET, gadget(**properties))
    judged = judge(judged_by, GADGET, gadget(unknown=dict.fromkeys(sorted(hidden), "hidden"), **properties))
    assert judged.outcome in (truth.outcome, UNSURE)
    assert {each.path for each in judged.violations} <= {each.path for each in truth.violations}


@settings(max_examples=150)
@given(RULES, PROPERTIES, st.sampled_from(sorted(NEUTRAL)), st.sampled_from(["missing", "misspelt", "of another type"]))
def test_a_resource_with_a_property_missing_or_of_another_type_never_passes(
    judged_by: Rule, properties: dict[str, Any], name: str, wrong: str
) -> None:
    resource = gadget(**properties)
    if wrong == "of another type":
        resource.properties[name] = 0.5
    else:
        value = resource.properties.pop(name)
        resource.properties |= {name.upper(): value} if wrong == "misspelt" else {}
    alone = judge(judged_by, GADGET, resource).outcome
    assert alone in (SKIP, UNSURE)
    assert [judged.outcome for _, judged in Engine(GADGET, [judged_by]).judge(resource)] == [UNSURE] * (alone is UNSURE)


def test_what_is_missing_might_have_been_selected() -> None:
    resource = gadget()
    del resource.properties["label"]
    assert (
        judge(rule("r", SHORT, {"not": {"properties": {"label": {"const": "a"}}}}), GADGET, resource).outcome is UNSURE
    )


def test_what_is_wrong_as_a_whole_might_have_been_selected() -> None:
    schema = {**GADGET.schema, "anyOf": [LABEL_B, ENABLED]}
    torn = gadget(enabled=False)
    assert judge(rule("r", SHORT, ENABLED), ResourceType("gadget", schema, ()), torn).outcome is UNSURE
    assert judge(rule("r", SHORT, ENABLED), GADGET, torn).outcome is SKIP


@pytest.mark.parametrize(
    ("select", "properties", "outcome"),
    [
        pytest.param(None, {"label": 1}, UNSURE, id="every resource is selected"),
        pytest.param(ENABLED, {"label": 1}, UNSURE, id="selected by what is right"),
        pytest.param({"properties": {"enabled": {"const": False}}}, {"label": 1}, SKIP, id="not selected for certain"),
        pytest.param(LABEL_B, {"label": 1}, UNSURE, id="selection reads what is wrong"),
        pytest.param(ENABLED, {"surplus": 1}, UNSURE, id="too many properties"),
    ],
)  # fmt: skip
def test_a_resource_that_is_not_what_its_type_says_is_not_evaluated(
    select: dict[str, Any] | None, properties: dict[str, Any], outcome: Outcome
) -> None:
    judged = judge(rule("r", SHORT, select), GADGET, gadget(**properties))
    assert judged.outcome is outcome
    if outcome is UNSURE:
        assert judged.reason.startswith("not a valid gadget: ")


def test_no_other_name_stands_in_for_a_property_that_is_missing() -> None:
    """Where names may follow a pattern, there can be as many as are required, and not the required ones."""
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["a"],
        "properties": {"a": {"type": "integer"}},
        "patternProperties": {"^x-": {}},
    }
    short = rule("r", {"properties": {"a": {"maximum": 9}}})
    [(_, judged)] = Engine(ResourceType("other", schema, ()), [short]).judge(Resource("other", "1", "1", {"x-a": 99}))
    assert judged.outcome is UNSURE


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("label", "unsure"),
    [
        pytest.param("\ud800", ["r"], id="half a surrogate pair, which one rule reads"),
        pytest.param(nested(3000), ["r", "lifetime-too-long"], id="nested too deep"),
    ],
)
def test_what_is_no_json_is_not_evaluated(label: Any, unsure: list[str]) -> None:
    rules = [rule("r", {"properties": {"label": {"const": "a"}}}), LIMIT]
    resource = gadget(label=label)
    assert [each.id for each in rules if judge(each, GADGET, resource).outcome is UNSURE] == unsure
    engine = Engine(GADGET, rules)
    assert [(each.id, judged.outcome) for each, judged in engine.judge(resource)] == [(id_, UNSURE) for id_ in unsure]
    assert engine.selected() == {"r": 1, "lifetime-too-long": 1}


@settings(max_examples=150)
@given(
    st.lists(st.tuples(CONDITIONS, st.none() | CONDITIONS), min_size=1, max_size=4),
    st.lists(st.tuples(PROPERTIES, st.sets(st.sampled_from(sorted(NEUTRAL)), max_size=1)), max_size=4),
)
def test_many_rules_at_once_say_what_each_says_alone(
    parts: list[tuple[Any, Any]], drawn: list[tuple[dict[str, Any], set[str]]]
) -> None:
    rules = [rule(f"r{number}", require, select) for number, (require, select) in enumerate(parts)]
    engine = Engine(GADGET, rules)
    selected = dict.fromkeys(engine.judges, 0)
    for number, (properties, hidden) in enumerate(drawn):
        resource = gadget(f"g{number}", unknown=dict.fromkeys(hidden, "hidden"), **properties)
        alone = [(each, judge(each, GADGET, resource)) for each in rules]
        together = {each.id: judged for each, judged in engine.judge(resource)}
        assert together.keys() == {each.id for each, judged in alone if judged.outcome in (FAIL, UNSURE)}
        for each, judged in alone:
            selected[each.id] += judged.outcome is not SKIP
            if each.id in together:
                assert _as_set(together[each.id]) == _as_set(judged)
    assert {name: engine.selected()[name] for name in selected} == selected


def _as_set(judgement: Judgement) -> tuple[Outcome, str, list[str]]:
    return judgement.outcome, judgement.reason, sorted(map(repr, judgement.violations))


def test_definitions_of_a_type_stay_its_own_beside_the_rules() -> None:
    schema = {"type": "object", "$defs": {"n": {"maximum": 3}}, "properties": {"a": {"$ref": "#/$defs/n"}}}
    engine = Engine(ResourceType("other", schema, ()), [rule("r", {"properties": {"a": {"maximum": 9}}})])
    outcomes = [engine.judge(Resource("other", "1", "1", {"a": value})) for value in (3, 4)]
    assert outcomes[0] == ()
    assert [judged.outcome for _, judged in outcomes[1]] == [UNSURE]


@pytest.mark.parametrize(
    "require",
    [
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/hostname"},
        {"properties": {"label": {"pattern": "(?=a)b"}}},
        {"properties": {"label": {"pattern": "("}}},
        {"maximum": "x"},
    ],
)
def test_a_schema_that_would_need_fetching_or_backtracking_is_refused(require: dict[str, Any]) -> None:
    refused = Rule("r", "t", LIMIT.severity, GADGET.name, require, source="r.json")
    with pytest.raises(RuleError, match=r"r\.json: rule 'r'"):
        judge(refused, GADGET, gadget())


def test_no_pattern_can_hang_a_scan() -> None:
    slow = rule("r", {"properties": {"label": {"pattern": "^(a+)+$"}}})
    long = gadget(label="a" * 5000 + "!")  # a backtracking engine would take longer than the universe has existed
    assert judge(slow, GADGET, long).outcome is FAIL


def test_ids_in_a_rule_are_found_however_they_are_spelt() -> None:
    shouting = rule("r", {"properties": {"appId": {"const": APP_ID.upper()}}})
    assert judge(shouting, GADGET, gadget(appId=APP_ID)).outcome is PASS
