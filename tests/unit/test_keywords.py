from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY

from tokenguard.conditions import compiled, names_read, pinned_app_ids
from tokenguard.dialect import dialect_schema
from tokenguard.keywords import DURATIONS, KEYWORDS, NEEDS, REFUSED, Kind

META = "https://json-schema.org/draft/2020-12/meta/"
JSON_SCHEMA = {
    keyword
    for vocabulary in ("core", "applicator", "validation", "meta-data")
    for keyword in REGISTRY.contents(META + vocabulary)["properties"]
}


def test_every_keyword_is_json_schema_s_or_one_of_our_durations() -> None:
    assert KEYWORDS.keys() - JSON_SCHEMA == DURATIONS.keys()


def test_a_keyword_is_never_both_allowed_and_refused() -> None:
    assert not KEYWORDS.keys() & REFUSED.keys()


@pytest.mark.parametrize(
    "keyword",
    [
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
        "dependentSchemas",
        "$dynamicRef",
        "$id",
        "$anchor",
        "format",
    ],
)
def test_what_would_hide_the_names_it_reads_or_fetch_is_left_out(keyword: str) -> None:
    assert keyword in REFUSED


def test_only_values_can_be_set_never_the_shape_of_a_condition() -> None:
    settable = {name for name, word in KEYWORDS.items() if word.settable}
    assert all(KEYWORDS[name].kind is Kind.ASSERTION for name in settable)
    assert not settable & {*NEEDS, "type", "required", "dependentRequired", "uniqueItems"}


def test_the_dialect_is_a_valid_json_schema() -> None:
    Draft202012Validator.check_schema(dialect_schema())


@pytest.mark.parametrize(
    ("condition", "plain"),
    [
        ({"maxDuration": "PT1H30M"}, {"maximum": 5400}),
        ({"minDuration": "PT0S", "constDuration": "P1D"}, {"minimum": 0, "const": 86400}),
        ({"title": "x", "description": "y", "$comment": "z", "maximum": 1}, {"maximum": 1}),
        ({"$ref": "#/parameters/limit"}, {"maximum": 3600}),
        ({"minimum": 1, "$ref": "#/parameters/limit"}, {"minimum": 1, "allOf": [{"maximum": 3600}]}),
        ({"allOf": [{"minimum": 1}], "$ref": "#/$defs/a"}, {"allOf": [{"minimum": 1}, {"not": {"maximum": 3600}}]}),
        ({"properties": {"appId": {"enum": ["AB"]}}}, {"properties": {"appId": {"enum": ["ab"]}}}),
        ({"properties": {"appId": {"not": {"const": "AB"}}}}, {"properties": {"appId": {"not": {"const": "ab"}}}}),
        ({"properties": {"appId": {"$ref": "#/parameters/ids"}}}, {"properties": {"appId": {"enum": ["ab"]}}}),
        ({"properties": {"id": {"const": None}}}, {"properties": {"id": {"const": None}}}),
        ({"properties": {"displayName": {"const": "AB"}}}, {"properties": {"displayName": {"const": "AB"}}}),
        (
            {"contains": {"properties": {"keyId": {"const": "A"}}}},
            {"contains": {"properties": {"keyId": {"const": "a"}}}},
        ),
    ],
)
def test_a_compiled_condition_is_plain_json_schema_without_references(
    condition: dict[str, Any], plain: dict[str, Any]
) -> None:
    references = {
        "#/parameters/limit": {"title": "Limit", "maxDuration": "PT1H"},
        "#/parameters/ids": {"enum": ["AB"]},
        "#/$defs/a": {"not": {"$ref": "#/parameters/limit"}},
    }
    assert compiled(condition, references) == plain


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({}, set()),
        ({"properties": {"a": {"properties": {"deep": {}}}}}, {"a"}),
        ({"required": ["a"], "dependentRequired": {"b": ["c"]}}, {"a", "b", "c"}),
        (
            {"allOf": [{"required": ["a"]}], "anyOf": [{"required": ["b"]}], "oneOf": [{"required": ["c"]}]},
            {"a", "b", "c"},
        ),
        (
            {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"not": {"required": ["c"]}}},
            {"a", "b", "c"},
        ),
    ],
)
def test_every_top_level_name_is_known_to_be_read(condition: dict[str, Any], names: set[str]) -> None:
    assert names_read(condition) == names


@pytest.mark.parametrize(
    ("select", "ids"),
    [
        (None, None),
        ({"required": ["appId"], "properties": {"appId": {"const": "a"}}}, {"a"}),
        ({"required": ["appId"], "properties": {"appId": {"enum": ["a", "b"]}}}, {"a", "b"}),
        ({"required": ["appId"], "properties": {"appId": {"enum": []}}}, set()),
        ({"required": ["appId"], "properties": {"appId": {"enum": ["a", None]}}}, None),
        ({"required": ["appId"], "properties": {"appId": {"not": {"const": "a"}}}}, None),
        ({"required": ["appId"]}, None),
        ({"properties": {"appId": {"const": "a"}}}, None),
        ({"allOf": [{"required": ["appId"], "properties": {"appId": {"const": "a"}}}]}, None),
    ],
)
def test_a_select_pins_app_ids_only_at_its_top_and_required(
    select: dict[str, Any] | None, ids: set[str] | None
) -> None:
    assert pinned_app_ids(select) == ids
