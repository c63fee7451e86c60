# ruff: noqa: E501  (in the table, one case is one line)
from __future__ import annotations

from typing import Any

import pytest

from tokenguard.rules.keywords import DURATIONS, KEYWORDS, Kind
from tokenguard.rules.wording import in_words

TESTED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"properties": {"lifeSeconds": {"maximum": 5400, "minimum": 600}}}, ["lifeSeconds is at most 1 h 30 min", "lifeSeconds is at least 10 min"]),
    ({"properties": {"n": {"exclusiveMaximum": 3, "exclusiveMinimum": 1, "multipleOf": 2}}}, ["n is below 3", "n is above 1", "n is a multiple of 2"]),
    ({"properties": {"a": {"properties": {"b": {"const": False}}}}}, ["a.b is false"]),
    ({"properties": {"a": {"enum": ["x", "y"], "type": ["string", "null"]}}}, ["a is one of: x, y", "a is of type string, null"]),
    ({"properties": {"a": {"enum": []}}}, ["a is one of: none"]),
    ({"properties": {"a": {"minLength": 1, "maxLength": 2, "pattern": "^x"}}}, ["a has at least 1 characters", "a has at most 2 characters", "a matches ^x"]),
    ({"properties": {"a": {"maxItems": 0, "minItems": 0, "uniqueItems": True}}}, ["a has at most 0 items", "a has at least 0 items", "a has no item twice"]),
    ({"properties": {"a": {"items": {"minimum": 1}}}}, ["each item of a is at least 1"]),
    ({"properties": {"a": {"contains": {"const": 1}, "minContains": 2, "maxContains": 3}}}, ["some item of a is 1", "a has at least 2 such items", "a has at most 3 such items"]),
    ({"required": ["a"], "dependentRequired": {"b": ["c", "d"]}}, ["a is there", "where b is there: c, d too"]),
    ({"properties": {"p": {"required": ["a"]}}}, ["p.a is there"]),
    ({"not": {"properties": {"a": {"const": 1}, "b": {"const": 2}}}}, ["not: a is 1 and b is 2"]),
    ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, ["a is there", "b is there"]),
    ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, ["any of: a is there · b is there"]),
    ({"oneOf": [{"required": ["a"]}, {}]}, ["exactly one of: a is there · anything"]),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}, ["where a is there: b is there", "except where a is there: c is there"]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "clauses"), TESTED)
def test_a_condition_reads_as_people_would_say_it(condition: dict[str, Any], clauses: list[str]) -> None:
    assert in_words(condition) == clauses


def test_every_keyword_that_a_compiled_rule_can_hold_is_put_into_words() -> None:
    compiled = {
        name for name, word in KEYWORDS.items() if word.kind in (Kind.APPLICATOR, Kind.ASSERTION)
    } - DURATIONS.keys()
    assert compiled == {keyword for condition, _ in TESTED for keyword in keywords(condition)}


def keywords(condition: dict[str, Any]) -> set[str]:
    found = set(condition)
    for name, value in condition.items():
        parts = value if isinstance(value, list) else value.values() if name == "properties" else [value]
        if KEYWORDS[name].kind is Kind.APPLICATOR:
            for part in parts:
                found |= keywords(part)
    return found
