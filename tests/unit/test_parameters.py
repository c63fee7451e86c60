from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from authors import load, rule_document
from tokenguard.errors import RuleError
from tokenguard.model import Parameter, Severity
from tokenguard.rules.parameters import Override, parse_value, value_mistakes, with_values

REQUIRE_LISTED = {"properties": {"appId": {"$ref": "#/parameters/allowed"}}}


def listed(ids: list[str], **changes: Any) -> dict[str, Any]:
    """A rule with a list of appIds as its parameter."""
    return rule_document(
        parameters={"allowed": {"title": "Allowed", "enum": ids}},
        require=REQUIRE_LISTED,
        message=None,
        examples=[
            {"outcome": "fail"},
            {"outcome": "pass", "properties": {"appId": "aa"}},
            {"outcome": "not-evaluated", "unknown": {"appId": "403"}},
        ],
        **changes,
    )


def parameter(keyword: str, value: Any) -> Parameter:
    return Parameter("p", "Title", keyword, value, {})


def test_a_value_replaces_the_keyword_s_value_whole_and_everywhere() -> None:
    rule = load(rule_document(remediation={"set": {"accessTokenLifetimeSeconds": {"$parameter": "maximum"}}}))
    changed = with_values(rule, {"maximum": "PT5H"})
    assert changed.require == {"properties": {"accessTokenLifetimeSeconds": {"maximum": 18000}}}
    assert changed.remediation is not None
    assert changed.remediation.set == {"accessTokenLifetimeSeconds": 18000}
    assert changed.parameters["maximum"].value == "PT5H"
    assert changed.parameters["maximum"].schema == {"maximum": 18000}
    assert changed.digest != rule.digest
    assert rule.require == {"properties": {"accessTokenLifetimeSeconds": {"maximum": 5400}}}


def test_a_second_change_keeps_the_first() -> None:
    document = listed(["aa"], id="two-parameters")
    document["parameters"]["life"] = {"title": "Life", "maxDuration": "PT2H"}
    document["require"] = {
        "allOf": [REQUIRE_LISTED, {"properties": {"accessTokenLifetimeSeconds": {"$ref": "#/parameters/life"}}}]
    }
    once = with_values(load(document), {"life": "PT3H"})
    twice = with_values(once, {"allowed": ["0000000A-0000-0000-C000-00000000000F"]})
    assert twice.require == {
        "allOf": [
            {"properties": {"appId": {"enum": ["0000000a-0000-0000-c000-00000000000f"]}}},
            {"properties": {"accessTokenLifetimeSeconds": {"maximum": 10800}}},
        ]
    }


def test_the_digest_follows_values_and_severity_not_their_spelling_in_the_file() -> None:
    rule = load(rule_document())
    assert with_values(rule, {"maximum": "PT1H30M"}).digest == rule.digest
    assert load(rule_document(), {"lives-too-long": Override(severity=Severity.LOW)}).digest != rule.digest


def test_an_override_sets_severity_and_values_while_examples_keep_the_rule_s_own() -> None:
    override = Override(Severity.INFO, {"maximum": "PT1M"})
    rule = load(rule_document(), {"lives-too-long": override})
    assert (rule.severity, rule.parameters["maximum"].value) == (Severity.INFO, "PT1M")


def test_the_empty_list_is_legal_and_means_nobody() -> None:
    assert with_values(load(listed(["aa"])), {"allowed": []}).require == {"properties": {"appId": {"enum": []}}}


@pytest.mark.parametrize(
    ("own", "value", "said"),
    [
        ({"maxDuration": "PT1H30M"}, "8h", "PT8H"),
        ({"maxDuration": "PT1H30M"}, "P1Y", "duration"),
        ({"maxDuration": "PT1H30M"}, 5400, "5400 is no string"),
        ({"maxDuration": "PT1H30M"}, None, "null is no string"),
        ({"maxDuration": "PT1H30M"}, date(2026, 1, 1), '"2026-01-01" is no string'),
        ({"maximum": 5400}, "5400", '"5400" is no integer'),
        ({"maximum": 5400}, True, "true is no integer"),
        ({"maximum": 5400}, float("inf"), "not between"),
        ({"maximum": 5400}, float("nan"), "not between"),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_rule_and_the_parameter(own: Any, value: Any, said: str) -> None:
    rule = load(rule_document(parameters={"maximum": {"title": "Longest accepted lifetime", **own}}))
    with pytest.raises(RuleError) as caught:
        with_values(rule, {"maximum": value})
    assert said in caught.value.message
    assert "rule 'lives-too-long': parameter \"maximum\" (Longest accepted lifetime)" in caught.value.message


@pytest.mark.parametrize(
    ("own", "value"),
    [([0.5], [float("nan")]), ([0.5], [float("-inf")]), (["x"], ["\udcff"]), ("x", "\udcff")],
)
def test_a_value_that_no_report_could_hold_is_refused(own: Any, value: Any) -> None:
    """A configuration in TOML has numbers, and a command line characters, that JSON has not."""
    rule = replace(load(rule_document()), parameters={"p": parameter("const", own)})
    (mistake,) = value_mistakes(rule, {"p": value})
    assert "is nothing that JSON can say" in mistake.text


@pytest.mark.parametrize("value", ["aa,bb", [1], ["aa", None], [["aa"]], {"a": 1}])
def test_a_list_is_set_to_a_list_of_the_same(value: Any) -> None:
    with pytest.raises(RuleError, match="is no list of strings"):
        with_values(load(listed(["aa"])), {"allowed": value})


def test_all_wrong_values_are_named_at_once_with_the_nearest_parameter() -> None:
    with pytest.raises(RuleError) as caught:
        with_values(load(rule_document()), {"maximun": "PT8H", "maximum": "eight"})
    assert 'no parameter "maximun"; did you mean "maximum"?' in caught.value.message
    assert "eight" in caught.value.message


def test_a_value_that_the_property_never_has_is_refused() -> None:
    document = rule_document(
        parameters={"basis": {"title": "Accepted", "const": "default"}},
        require={"properties": {"lifetimeBasis": {"$ref": "#/parameters/basis"}}},
        message=None,
        examples=[
            {"outcome": "fail"},
            {"outcome": "pass", "properties": {"lifetimeBasis": "default"}},
            {"outcome": "not-evaluated", "unknown": {"lifetimeBasis": "403"}},
        ],
    )
    with pytest.raises(
        RuleError, match='"organisation" is never the value of lifetimeBasis; did you mean "organization"'
    ):
        load(document, {"lives-too-long": Override(parameters={"basis": "organisation"})})


def test_an_empty_pattern_as_from_a_variable_that_is_not_set_is_refused() -> None:
    document = rule_document(
        parameters={"name": {"title": "Accepted", "pattern": "^Example"}},
        require={"properties": {"policyName": {"$ref": "#/parameters/name"}}},
        message=None,
        examples=[
            {"outcome": "pass"},
            {"outcome": "fail", "properties": {"policyName": "x"}},
            {"outcome": "not-evaluated", "unknown": {"policyName": "403"}},
        ],
    )
    with pytest.raises(RuleError, match="it could never fail"):
        load(document, {"lives-too-long": Override(parameters={"name": ""})})


def test_an_override_of_a_rule_that_is_not_there_is_refused() -> None:
    with pytest.raises(RuleError, match='no such rule; did you mean "lives-too-long"'):
        load(rule_document(), {"lives-to-long": Override()})


@pytest.mark.parametrize(
    ("keyword", "own", "text", "value"),
    [
        ("maxDuration", "PT1H", "PT8H", "PT8H"),
        ("pattern", "^a", "^[a,b]", "^[a,b]"),
        ("maxDuration", "PT1H", "PT8H\n", "PT8H"),
        ("maximum", 1, "5", 5),
        ("maximum", 1, "5.5", 5.5),
        ("const", True, "false", False),
        ("enum", ["x"], "a,b", ["a", "b"]),
        ("enum", ["x"], " a , b ,", ["a", "b"]),
        ("enum", ["x"], '["a", "b,c"]', ["a", "b,c"]),
        ("enum", ["x"], "a\nb\r\n\nc,d\n", ["a", "b", "c", "d"]),
        ("enum", ["x"], "", []),
        ("enum", ["x"], "[]", []),
        ("enum", [], "a", ["a"]),
        ("enum", [1], "[1, 2]", [1, 2]),
    ],
)
def test_a_value_is_read_from_the_command_line_by_its_type(keyword: str, own: Any, text: str, value: Any) -> None:
    assert parse_value(parameter(keyword, own), text) == value


@pytest.mark.parametrize(
    ("own", "text", "said"),
    [
        (1, "five", '"five" is no integer'),
        (True, "yes", '"yes" is no boolean'),
        (["x"], '["a"', "is no array"),
        ([1], "[NaN]", "is no array"),
        ([1], "[1e999]", "is no array"),
        (["x"], "[" * 100_000, "is no array"),
        (["x"], '["\udcff"]', "is no array"),
        ({"a": 1}, '{"a": 1, "a": 2}', "is no object"),
    ],
)
def test_text_that_is_no_such_value_is_refused(own: Any, text: str, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        parse_value(parameter("const", own), text)
