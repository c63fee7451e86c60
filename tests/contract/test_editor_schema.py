"""The two schemas of rules come from one keyword list, are current, and judge alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from authors import TOO_LONG, rule_document
from tokenguard.packs import read_pack
from tokenguard.rules.dialect import dialect_schema, editor_schema
from tokenguard.rules.keywords import KEYWORDS, REFUSED
from tokenguard.schemas import data_folder, schema

STRICT, EDITOR = Draft202012Validator(schema("dialect")), Draft7Validator(schema("rule"))

GOOD = [json.loads(data) for _, data in read_pack(data_folder("rules"))]
CONDITIONS: list[dict[str, Any]] = [
    {"$ref": "#/$defs/a"},
    {"allOf": [{}, {"anyOf": [{}]}], "oneOf": [{}], "not": {}, "if": {}, "then": {}, "else": {}},
    {"properties": {"a": {"items": {"contains": {}}}}, "minContains": 1, "maxContains": 2},
    {"type": "integer", "const": None, "enum": [], "minimum": -1.5, "multipleOf": 2},
    {"type": ["string", "null"], "minLength": 0, "maxLength": 1, "pattern": "a"},
    {"minDuration": "PT1M", "maxDuration": "PT8H", "constDuration": "P1D", "uniqueItems": True},
    {"required": ["a"], "dependentRequired": {"a": ["b"]}, "minItems": 0, "maxItems": 1},
    {"title": "x", "description": "y", "$comment": "z", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
]
BAD_CONDITIONS: list[Any] = [
    True,
    [],
    *({name: {}} for name in REFUSED),
    {"maxDurations": "PT1H"},
    {"maxDuration": "8 h"},
    {"maxDuration": 8},
    {"$ref": "https://example.com/a"},
    {"$ref": "#"},
    {"allOf": []},
    {"allOf": {}},
    {"multipleOf": 0.5},
    {"minLength": -1},
    {"maximum": 2**53},
    {"type": "text"},
    {"uniqueItems": False},
    {"required": ["a", "a"]},
    {"properties": {"a": {"items": {"additionalItems": False}}}},
]
BAD_FIELDS: list[dict[str, Any]] = [
    *({name: None} for name in ("id", "title", "severity", "resource", "require", "examples")),
    {"id": "Not_Kebab"},
    {"severity": "High"},
    {"absent": "exempt"},
    {"mesage": "x"},
    {"schema": 1},
    {"references": ["ftp://x"]},
    {"parameters": {"a": {"maxDuration": "PT1H"}}},
    {"parameters": {"a": {"title": "x", "required": ["b"]}}},
    {"remediation": {"safety": "sure"}},
    {"remediation": {"remove": False}},
    {"examples": [{"outcome": "pass"}]},
    {"examples": [{"outcome": "pass"}, {"outcome": "fails"}]},
    {"examples": [{"outcome": "pass"}, {"outcome": "fail", "unknown": {}}]},
]


def test_the_committed_schemas_are_the_generated_ones() -> None:
    assert schema("dialect") == dialect_schema(), (
        "schemas/dialect.schema.json is stale: dialect.dialect_schema() writes it"
    )
    assert schema("rule") == editor_schema(), "schemas/rule.schema.json is stale: dialect.editor_schema() writes it"


def test_both_schemas_are_valid_themselves() -> None:
    Draft202012Validator.check_schema(schema("dialect"))
    Draft7Validator.check_schema(schema("rule"))


def test_both_know_exactly_the_keywords_of_the_list() -> None:
    assert schema("dialect")["$defs"]["condition"]["properties"].keys() == KEYWORDS.keys()
    assert schema("rule")["definitions"]["condition"]["properties"].keys() == KEYWORDS.keys()


@pytest.mark.parametrize(
    "document", [TOO_LONG, *GOOD, *(rule_document(require=part, select=part) for part in CONDITIONS)]
)
def test_both_accept_what_is_right(document: Any) -> None:
    assert (STRICT.is_valid(document), EDITOR.is_valid(document)) == (True, True)


def test_the_right_conditions_use_every_keyword() -> None:
    assert {name for name in KEYWORDS if f'"{name}"' in json.dumps([CONDITIONS, GOOD])} == KEYWORDS.keys()


@pytest.mark.parametrize(
    "document",
    [
        *(rule_document(require=part) for part in BAD_CONDITIONS),
        *(rule_document(require={"not": {"allOf": [part]}}) for part in BAD_CONDITIONS),
        *(rule_document(**fields) for fields in BAD_FIELDS),
    ],
)
def test_both_refuse_what_is_wrong(document: Any) -> None:
    assert (STRICT.is_valid(document), EDITOR.is_valid(document)) == (False, False)
