"""What a rule document says, and every way in which it can fail to say it."""

# ruff: noqa: E501  (in the tables, one case is one line)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from authors import TOO_LONG, TYPES, load, mistakes, rule_document
from tokenguard.errors import RuleError
from tokenguard.judging.engine import judge
from tokenguard.model import Outcome, ResourceType, Safety, Severity
from tokenguard.packs import read_pack
from tokenguard.rules.examples import laid_over
from tokenguard.rules.fit import MAXIMUM_CONDITIONS, MAXIMUM_NESTING, Fit
from tokenguard.rules.parsing import parse_rules

GOOD = Path(__file__).parents[1] / "data" / "rules" / "good"
LIFETIME = "accessTokenLifetimeSeconds"


def on(name: str, condition: Any) -> dict[str, Any]:
    """A document that demands `condition` of the property `name`; only the demand is of interest."""
    return rule_document(parameters=None, require={"properties": {name: condition}}, message=None)


def of_principals(name: str, condition: Any) -> dict[str, Any]:
    return on(name, condition) | {"resource": "servicePrincipal"}


# --- what a document says ----------------------------------------------------------------------------------------


def test_both_rules_of_the_design_are_read_whole() -> None:
    too_long, five_hours = parse_rules(read_pack(GOOD), TYPES)
    assert too_long.severity is Severity.HIGH
    assert too_long.select is None
    assert too_long.require == {"properties": {LIFETIME: {"maximum": 5400}}}
    assert (too_long.select_reads, too_long.require_reads) == (frozenset(), {LIFETIME})
    assert too_long.remediation is not None
    assert too_long.remediation.set == {LIFETIME: 5400}
    assert too_long.remediation.safety is Safety.UNSAFE
    assert too_long.frameworks == {"mitre-attack": ("T1550.001",)}
    assert five_hours.pinned_app_ids == {"00000007-0000-0000-c000-000000000000"}
    assert five_hours.absent is Outcome.NOT_EVALUATED
    assert (five_hours.select_reads, five_hours.require_reads) == ({"appId"}, {"assignedTokenLifetimePolicy"})
    assert five_hours.remediation is not None
    assert five_hours.remediation.set == {
        "assignedTokenLifetimePolicy": {
            "displayName": "tokenguard dataverse five hours",
            "isOrganizationDefault": False,
            LIFETIME: 18000,
        }
    }


@pytest.mark.parametrize("rule", parse_rules(read_pack(GOOD), TYPES), ids=lambda rule: rule.id)
def test_the_examples_are_judged_as_they_say(rule: Any) -> None:
    type_ = TYPES[rule.resource]
    assert [judge(rule, type_, laid_over(type_, example)).outcome for example in rule.examples] == [
        example.outcome for example in rule.examples
    ]


@pytest.mark.parametrize(
    "schema",
    ["urn:tokenguard:schema:rule", "./rule.schema.json", "https://example.com/v1/rule.schema.json", "rule.schema.json"],
)
def test_a_rule_may_name_its_schema_for_editors(schema: str) -> None:
    assert load(rule_document(schema=schema)).id == "lives-too-long"


def test_definitions_may_be_shared_and_nested() -> None:
    document = rule_document(
        defs={
            "short": {"properties": {LIFETIME: {"$ref": "#/parameters/maximum"}}},
            "named": {"properties": {"policyName": {"type": "string"}}},
            "both": {"allOf": [{"$ref": "#/$defs/short"}, {"$ref": "#/$defs/named"}]},
        },
        require={"$ref": "#/$defs/both"},
    )
    rule = load(document)
    assert "$ref" not in json.dumps(rule.require)
    assert rule.require_reads == {LIFETIME, "policyName"}


def test_a_remediation_may_take_a_resource_out_of_the_selection() -> None:
    document = rule_document(
        resource="tokenLifetimePolicy",
        select={"properties": {"isOrganizationDefault": {"const": True}}},
        remediation={"set": {"isOrganizationDefault": False}},
        message=None,
        examples=[
            {"outcome": "fail", "properties": {"isOrganizationDefault": True, LIFETIME: 5401}},
            {"outcome": "pass", "properties": {"isOrganizationDefault": True, LIFETIME: 5400}},
            {"outcome": "not-selected"},
            {"outcome": "not-evaluated", "properties": {"isOrganizationDefault": True}, "unknown": {LIFETIME: "x"}},
        ],
    )
    assert load(document).remediation is not None


# --- mistakes in conditions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (on("accessTokenLifetimeSecond", {"maximum": 1}), f'no property "accessTokenLifetimeSecond" here; did you mean "{LIFETIME}"?'),
        (on("policyName", {"maxDuration": "PT1H"}), '"maxDuration" says nothing about policyName (null or string)'),
        (on("policyName", {"maximum": 1}), '"maximum" says nothing about policyName'),
        (on(LIFETIME, {"maxLength": 1}), '"maxLength" says nothing about accessTokenLifetimeSeconds (integer or null)'),
        (on(LIFETIME, {"pattern": "a"}), '"pattern" says nothing'),
        (on(LIFETIME, {"minItems": 1}), '"minItems" says nothing'),
        (on(LIFETIME, {"properties": {"x": {}}}), '"properties" says nothing'),
        (on(LIFETIME, {"required": ["x"]}), '"required" says nothing'),
        (on(LIFETIME, {"maxDuration": "8h"}), "is not what is meant here"),
        (on(LIFETIME, {"maxDuration": "PTT"}), "PTT"),
        (on(LIFETIME, {"maxDuration": "PT1H", "maximum": 3600}), "one keyword in two units"),
        (on(LIFETIME, {"const": "PT5H"}), '"PT5H" is never the value of accessTokenLifetimeSeconds (integer or null); write constDuration'),
        (on(LIFETIME, {"type": "string"}), 'is never of type "string"'),
        (on(LIFETIME, {"enum": [1, "2"]}), '"2" is never the value'),
        (on(LIFETIME, {"const": 3600.5}), "3600.5 is never the value of accessTokenLifetimeSeconds (integer or null)"),
        (on(LIFETIME, {"multipleOf": 0.5}), "/multipleOf: 0.5 is no integer"),
        (on(LIFETIME, {"maximum": 1e300}), "is not what is meant here"),
        (on("lifetimeBasis", {"const": "Default"}), '"Default" is never the value of lifetimeBasis; did you mean "default"?'),
        (on("isFirstParty", {"const": "true"}), '"true" is never the value of isFirstParty (boolean)'),
        (on("policyName", {"pattern": "\\d"}), "write [0-9]"),
        (on("policyName", {"pattern": "(a+)+"}), "exponential"),
        (on("policyName", {"pattern": ""}), "found in every text, so it could never fail"),
        (on("policyName", {"minLength": 0}), '"minLength" of 0 holds for every text, so it could never fail'),
        (on(LIFETIME, {"minimum": 0}), f'{LIFETIME} (integer or null) is never less than 0, so it could never fail'),
        (on(LIFETIME, {"minDuration": "PT0S"}), f'{LIFETIME} (integer or null) is never less than "PT0S", so it could never fail'),
        (rule_document(select={"required": []}), '"required" without a name holds for every object, so it could never fail'),
        (of_principals("keyCredentials", {"minItems": 0}), '"minItems" of 0 holds for every list, so it could never fail'),
        (of_principals("keyCredentials", {"contains": {}, "minContains": 0}), '/minContains: "minContains" of 0 holds for every list'),
        (on("policyName", {"then": {"const": "a"}}), '"then" says nothing without "if"'),
        (on("policyName", {"if": {"const": "a"}}), '"if" says nothing without "then" or "else"'),
        (on("policyName", {"not": {"allOf": [{"maxLenght": 1}]}}), 'no keyword of the rule language; did you mean "maxLength"?'),
        (on("policyName", {"allOf": []}), "too little"),
        (on("policyName", True), "true is no object"),
        (rule_document(require={"const": {}}), "the resource as a whole cannot be compared"),
        (rule_document(require={"required": ["polcyName"]}), '"polcyName" here; did you mean "policyName"?'),
        (rule_document(require={"dependentRequired": {"appId": ["x"]}}), 'no property "x"'),
        (rule_document(require={"dependentRequired": {"x": ["appId"]}}), 'no property "x"'),
        ({**on("servicePrincipalCount", {"maxDuration": "PT1H"}), "resource": "organization"}, "servicePrincipalCount (integer or null) is no length of time"),
        (rule_document(require={"items": {}}), '"items" says nothing about the resource'),
        (rule_document(select={"properties": {"x": {}}}), '/select/properties/x: there is no property "x"'),
    ],
)  # fmt: skip
def test_a_condition_that_could_never_fail_or_mean_anything_is_refused(document: Any, said: str) -> None:
    assert any(said in mistake for mistake in mistakes(document)), mistakes(document)


def test_names_are_checked_inside_lists_and_nested_objects() -> None:
    document = rule_document(
        resource="servicePrincipal",
        parameters=None,
        message=None,
        require={
            "properties": {
                "keyCredentials": {"contains": {"properties": {"keyIdd": {}}}, "minContains": 1},
                "passwordCredentials": {"items": {"required": ["endDate"]}},
                "assignedTokenLifetimePolicy": {"properties": {"isDefault": {"const": True}}},
            }
        },
    )
    assert mistakes(document) == [
        '/require/properties/keyCredentials/contains/properties/keyIdd: there is no property "keyIdd" here; did you mean "keyId"?',
        '/require/properties/passwordCredentials/items/required: there is no property "endDate" here; did you mean "endDateTime"?',
        '/require/properties/assignedTokenLifetimePolicy/properties/isDefault: there is no property "isDefault" here; did you mean "isOrganizationDefault"?',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "keyword",
    ["additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties",
     "dependentSchemas", "$dynamicRef", "$id", "format", "prefixItems"],
)  # fmt: skip
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_keywords_outside_the_dialect_are_refused_at_any_depth(keyword: str, depth: int) -> None:
    condition: dict[str, Any] = {keyword: {}}
    for _ in range(depth):
        condition = {"not": condition}
    (said,) = mistakes(rule_document(require=condition, parameters=None))
    assert f'"{keyword}" is not in the rule language: ' in said


# --- references --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference", ["https://example.com/schema.json", "file:///etc/passwd", "other.json#/$defs/a", "#", "#/require", "#/$defs/a/b"]
)  # fmt: skip
def test_a_reference_out_of_the_rule_is_refused_and_nothing_is_fetched(reference: str) -> None:
    (said,) = mistakes(on(LIFETIME, {"$ref": reference}))
    assert said.startswith(f"/require/properties/{LIFETIME}/$ref: ")
    assert "Nothing is ever fetched" in said


def test_a_reference_to_nothing_names_what_there_is() -> None:
    said = mistakes(rule_document(require={"properties": {LIFETIME: {"$ref": "#/parameters/maximun"}}}))
    assert said == [
        f'/require/properties/{LIFETIME}/$ref: "#/parameters/maximun" is not in this rule; did you mean "#/parameters/maximum"?'
    ]


def test_definitions_in_a_circle_are_refused_with_the_circle() -> None:
    document = rule_document(
        defs={"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}},
        parameters=None,
        require={"$ref": "#/$defs/a"},
    )
    assert any("#/$defs/a → #/$defs/b → #/$defs/a" in said for said in mistakes(document))


def test_definitions_that_double_each_other_end_at_a_limit() -> None:
    defs: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    document = rule_document(defs={**defs, "d40": {}}, parameters=None, require={"$ref": "#/$defs/d0"})
    assert any(f"more than {MAXIMUM_CONDITIONS} conditions" in said for said in mistakes(document))


@pytest.mark.parametrize("links", [MAXIMUM_NESTING, 150, 2000])
def test_a_chain_of_definitions_ends_at_a_limit(links: int) -> None:
    """150 were more than the validator follows, 300 more than Python does."""
    defs: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}]} for n in range(links)}
    document = rule_document(defs={**defs, f"d{links}": TOO_LONG["require"]}, require={"$ref": "#/$defs/d0"})
    assert any(f"conditions nested deeper than {MAXIMUM_NESTING}" in said for said in mistakes(document))


def test_a_chain_of_definitions_within_the_limit_is_followed_to_its_end() -> None:
    links = MAXIMUM_NESTING // 2 - 2
    defs: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}]} for n in range(links)}
    document = rule_document(defs={**defs, f"d{links}": TOO_LONG["require"]}, require={"$ref": "#/$defs/d0"})
    assert mistakes(document) == []


def test_a_mistake_in_a_definition_used_twice_is_said_once() -> None:
    document = rule_document(
        defs={"a": {"properties": {"x": {}}}},
        parameters=None,
        require={"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]},
    )
    assert len(mistakes(document)) == 1


def test_what_is_referred_to_from_a_misspelt_keyword_is_not_called_unused() -> None:
    (said,) = mistakes(rule_document(require={"propertis": TOO_LONG["require"]["properties"]}))
    assert said.startswith("/require/propertis: ")


@pytest.mark.parametrize(("value", "fits"), [(5, True), (5.5, True), ("5", False), (True, False)])
def test_a_number_may_be_compared_with_any_number(value: Any, fits: bool) -> None:
    said = list(
        Fit({"properties": {"x": {"type": "number"}}}, {}).mistakes({"properties": {"x": {"const": value}}}, "")
    )
    assert (not said) is fits


def test_a_type_without_a_neutral_resource_is_its_plugin_s_fault() -> None:
    types = {**TYPES, "lamp": ResourceType("lamp", {"properties": {"on": {"type": "boolean"}}}, ())}
    data = json.dumps(rule_document(resource="lamp")).encode()
    with pytest.raises(RuleError, match="the schema of lamp has no examples; its plugin is at fault"):
        parse_rules([("lives-too-long.json", data)], types)


# --- the rest of a document ---------------------------------------------------------------------------------------

FAIL, PASS, UNKNOWN = TOO_LONG["examples"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "Lives_Too_Long"}, '/id: "Lives_Too_Long" is not what is meant here: The defect in lower-case words'),
        ({"title": None}, '"title" is missing: The defect in one sentence'),
        ({"title": ""}, "/title: "),
        ({"severity": "hihg"}, '/severity: "hihg" is not possible here; did you mean "high"?'),
        ({"severity": 3}, "/severity: 3 is not possible here; there is critical, high, info, low, medium"),
        ({"resource": "tokenLifetimePolicyAssigment"}, 'no resource type "tokenLifetimePolicyAssigment"; did you mean "tokenLifetimePolicyAssignment"?'),
        ({"mesage": "x"}, '/mesage: "mesage" is no field; did you mean "message"?'),
        ({"message": "{polcyName}"}, '/message: no property "polcyName" to put in a message; did you mean "policyName"?'),
        ({"schema": "https://json-schema.org/draft/2020-12/schema"}, "/$schema: "),
        ({"absent": "fail"}, "/absent: has no meaning"),
        ({"absent": "exempt"}, '/absent: "exempt" is not possible here'),
        ({"references": ["http://example.com"]}, "/references/0: "),
        ({"frameworks": {"mitre-attack": []}}, "/frameworks/mitre-attack: "),
        ({"parameters": {"maximum": {"maxDuration": "PT1H"}}}, '/parameters/maximum: "title" is missing'),
        ({"parameters": {"maximum": {"title": "x"}}}, "exactly one keyword such as maxDuration; found none"),
        ({"parameters": {"maximum": {"title": "x", "maxDuration": "PT1H", "minDuration": "PT1M"}}}, "found maxDuration, minDuration"),
        ({"parameters": {"maximum": {"title": "x", "type": "integer"}}}, '/parameters/maximum/type: "type" is no '),
        ({"parameters": {"maximum": {"title": "x", "maxDuration": "PT"}}}, "/parameters/maximum/maxDuration: "),
        ({"parameters": {"a b": {"title": "x", "maximum": 1}}}, '/parameters/a b: "a b" is not what is meant here: A name of letters and digits.'),
        ({"parameters": {**TOO_LONG["parameters"], "other": {"title": "x", "maximum": 1}}}, "/parameters/other: nothing that the rule demands or sets refers to it"),
        ({"defs": {"other": {}}}, "/$defs/other: nothing that the rule demands or sets refers to it"),
        ({"remediation": {}}, "/remediation: exactly one of set and remove"),
        ({"remediation": {"set": {LIFETIME: 1}, "remove": True}}, "/remediation: exactly one of set and remove"),
        ({"remediation": {"safety": "manual"}}, '/remediation: what is "manual" has guidance'),
        ({"remediation": {"safety": "manual", "guidance": "x", "remove": True}}, '/remediation: what is "manual" has guidance'),
        ({"remediation": {"safety": "save", "remove": True}}, '/remediation/safety: "save" is not possible here; did you mean "safe"?'),
        ({"remediation": {"set": {}}}, "/remediation/set: {} is too little"),
        ({"remediation": {"set": {"policyName": "x"}}}, f'/remediation/set/policyName: "policyName" is nothing that can be set; there is {LIFETIME}'),
        ({"remediation": {"set": {LIFETIME: "x"}}}, "/remediation/set: not a valid tokenLifetimePolicyAssignment"),
        ({"remediation": {"set": {LIFETIME: {"$parameter": "maximun"}}}}, '/remediation/set: no parameter "maximun"; did you mean "maximum"?'),
        ({"remediation": {"set": {LIFETIME: {"$parameter": "maximum", "plus": 1}}}}, "/remediation/set: not a valid"),
        ({"remediation": {"set": {LIFETIME: {"$parameter": "maximum", "plus": {"$parameter": "maximun"}}}}}, '/remediation/set: no parameter "maximun"'),
        ({"defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "/$defs/a: nothing that the rule demands"),
        ({"remediation": {"set": {LIFETIME: 5401}}}, '/remediation/set: with it the rule says "fail" of example 0'),
        ({"examples": [FAIL, PASS]}, f'/examples: no example whose outcome is "not-evaluated": one where {LIFETIME} is unknown'),
        ({"examples": [FAIL, UNKNOWN]}, '/examples: no example whose outcome is "pass"'),
        ({"examples": [PASS, UNKNOWN]}, '/examples: no example whose outcome is "fail"'),
        ({"examples": [FAIL]}, "/examples: "),
        ({"examples": [FAIL, {**PASS, "outcome": "passes"}, UNKNOWN]}, '/examples/1/outcome: "passes" is not possible here; did you mean "pass"?'),
        ({"examples": [{**FAIL, "outcome": "pass"}, PASS, FAIL, UNKNOWN]}, f'/examples/0: the rule says "fail" of it, not "pass" (/{LIFETIME} is 1 h 30 min 1 s, maximum is 1 h 30 min)'),
        ({"examples": [{**PASS, "outcome": "fail"}, PASS, FAIL, UNKNOWN]}, '/examples/0: the rule says "pass" of it, not "fail"'),
        ({"examples": [FAIL, PASS, {**UNKNOWN, "outcome": "pass"}, UNKNOWN]}, '/examples/2: the rule says "not-evaluated" of it, not "pass"'),
        ({"examples": [FAIL, PASS, UNKNOWN, {"outcome": "pass", "properties": {"polcyName": 1}}]}, '/examples/3: tokenLifetimePolicyAssignment has no property "polcyName"; did you mean "policyName"?'),
        ({"examples": [FAIL, PASS, UNKNOWN, {"outcome": "pass", "properties": {"policyName": 1}}]}, "/examples/3: not a valid tokenLifetimePolicyAssignment"),
        ({"examples": [FAIL, PASS, {"outcome": "not-evaluated", "unknown": {"x": "y"}}]}, 'no property "x"'),
    ],
)  # fmt: skip
def test_every_slip_is_said_with_its_place_and_what_was_meant(changes: Any, said: str) -> None:
    assert any(said in mistake for mistake in mistakes(rule_document(**changes))), mistakes(rule_document(**changes))


def test_what_is_never_null_can_be_unknown_all_the_same() -> None:
    examples = [
        {"outcome": "fail", "properties": {"isOrganizationDefault": True}},
        {"outcome": "pass", "properties": {"isOrganizationDefault": False}},
    ]
    document = on("isOrganizationDefault", {"const": False}) | {"examples": examples}
    assert TYPES[document["resource"]].schema["properties"]["isOrganizationDefault"]["type"] == "boolean"
    assert mistakes(document) == [
        '/examples: no example whose outcome is "not-evaluated": one where isOrganizationDefault is unknown'
    ]


def test_the_file_is_named_as_the_rule() -> None:
    with pytest.raises(
        RuleError, match=r'packs/other\.json: /id: "lives-too-long" in a file of another name; .* lives-too-long\.json'
    ):
        parse_rules([("packs/other.json", json.dumps(TOO_LONG).encode())], TYPES)


def test_a_file_that_is_named_twice_is_one_rule() -> None:
    documents = read_pack(GOOD)
    assert parse_rules([*documents, *documents], TYPES) == parse_rules(documents, TYPES)


def test_two_rules_of_one_id_are_refused_with_both_files() -> None:
    data = json.dumps(TOO_LONG).encode()
    with pytest.raises(
        RuleError, match=r'b/lives-too-long\.json: /id: "lives-too-long" is also the id of a/lives-too-long\.json'
    ):
        parse_rules([("a/lives-too-long.json", data), ("b/lives-too-long.json", data)], TYPES)


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b'{"id": "a",}', "line 1, column 1"),
        (b"\xff", "not UTF-8"),
        (b'{"id": "a", "id": "b"}', "'id' stands twice"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"require": {"not": ' + b'{"not": ' * 70 + b"{}" + b"}" * 72, "nested deeper"),
        (b"[]", "is no object"),
        (b"null", "is no object"),
        (b'"rule"', "is no object"),
        (b'{"title": 1e999}', "Out of range"),
        (b'{"title": "\\ud800"}', "surrogates not allowed"),
    ],
)  # fmt: skip
def test_what_is_no_rule_at_all_is_one_clear_mistake(data: bytes, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rules([("rule.json", data)], TYPES)
    lines = caught.value.message.splitlines()
    assert any(line.startswith("  rule.json: ") and said in line for line in lines), lines


def test_all_mistakes_of_all_files_are_said_at_once() -> None:
    first = rule_document(
        severity="hihg", mesage="x", require={"properties": {"polcyName": {"maxLenght": 1}, "appId": {"maximum": 1}}}
    )
    second = {**TOO_LONG, "id": "second", "examples": [FAIL, UNKNOWN]}
    files = [("lives-too-long.json", first), ("second.json", second), ("third.json", [])]
    with pytest.raises(RuleError) as caught:
        parse_rules([(name, json.dumps(document).encode()) for name, document in files], TYPES)
    for said in (
        "lives-too-long.json: /severity",
        "lives-too-long.json: /mesage",
        "lives-too-long.json: /require/properties/polcyName/maxLenght",
        "lives-too-long.json: /require/properties/polcyName: there is no property",
        "lives-too-long.json: /require/properties/appId/maximum",
        "second.json: /examples",
        "third.json: [] is no object",
    ):
        assert said in caught.value.message
    assert caught.value.message.splitlines()[0] == "7 mistakes in the rules:"
