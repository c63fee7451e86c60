from __future__ import annotations

from typing import Any

import pytest

from tokenguard.rules.conditions import compiled, names_read, pinned_app_ids

UPPER = "0000000A-0000-0000-C000-00000000000F"
LOWER = "0000000a-0000-0000-c000-00000000000f"


@pytest.mark.parametrize(
    ("condition", "plain"),
    [
        ({"maxDuration": "PT1H30M"}, {"maximum": 5400}),
        ({"minDuration": "PT0S", "constDuration": "P1D"}, {"minimum": 0, "const": 86400}),
        ({"title": "x", "description": "y", "$comment": "z", "maximum": 1}, {"maximum": 1}),
        ({"$ref": "#/parameters/limit"}, {"maximum": 3600}),
        ({"minimum": 1, "$ref": "#/parameters/limit"}, {"minimum": 1, "allOf": [{"maximum": 3600}]}),
        ({"allOf": [{"minimum": 1}], "$ref": "#/$defs/a"}, {"allOf": [{"minimum": 1}, {"not": {"maximum": 3600}}]}),
        ({"properties": {"appId": {"enum": [UPPER]}}}, {"properties": {"appId": {"enum": [LOWER]}}}),
        ({"properties": {"appId": {"not": {"const": UPPER}}}}, {"properties": {"appId": {"not": {"const": LOWER}}}}),
        ({"properties": {"appId": {"$ref": "#/parameters/ids"}}}, {"properties": {"appId": {"enum": [LOWER]}}}),
        ({"properties": {"appId": {"const": "Not-A-Guid"}}}, {"properties": {"appId": {"const": "Not-A-Guid"}}}),
        ({"properties": {"id": {"const": None}}}, {"properties": {"id": {"const": None}}}),
        ({"properties": {"displayName": {"const": UPPER}}}, {"properties": {"displayName": {"const": UPPER}}}),
        (
            {"contains": {"properties": {"keyId": {"const": UPPER}}}},
            {"contains": {"properties": {"keyId": {"const": LOWER}}}},
        ),
    ],
)
def test_a_compiled_condition_is_plain_json_schema_without_references(
    condition: dict[str, Any], plain: dict[str, Any]
) -> None:
    references = {
        "#/parameters/limit": {"title": "Limit", "maxDuration": "PT1H"},
        "#/parameters/ids": {"enum": [UPPER]},
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
