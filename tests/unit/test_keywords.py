from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY

from tokenguard.rules.dialect import dialect_schema
from tokenguard.rules.keywords import DURATIONS, KEYWORDS, NEEDS, REFUSED, Kind

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
