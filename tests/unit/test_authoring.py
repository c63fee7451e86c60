"""Explanations of a document's shape, and what is left when the refused parts are taken away."""

# ruff: noqa: E501  (in the tables, one case is one line)

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from authors import rule_document
from tokenguard.rules.authoring import shape_mistakes, without_mistakes
from tokenguard.rules.keywords import REFUSED
from tokenguard.schemas import schema


def said(document: Any) -> list[str]:
    return [str(mistake) for mistake in shape_mistakes(document)]


def test_a_good_shape_has_no_mistakes() -> None:
    assert said(rule_document()) == []


@pytest.mark.parametrize("keyword", REFUSED)
def test_a_keyword_left_out_on_purpose_is_explained_by_its_reason(keyword: str) -> None:
    document = rule_document(require={"allOf": [{keyword: {}}]})
    assert said(document) == [
        f'/require/allOf/0/{keyword}: "{keyword}" is not in the rule language: {REFUSED[keyword]}'
    ]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"require": {"maxDurations": "PT1H"}}, '/require/maxDurations: "maxDurations" is no keyword of the rule language; did you mean "maxDuration"?'),
        ({"require": {"MAXIMUM": 1}}, '/require/MAXIMUM: "MAXIMUM" is no keyword of the rule language; did you mean "maximum"?'),
        ({"require": {"type": "strng"}}, '/require/type: "strng" is not what is meant here: The JSON type, or several to choose from: array, boolean, integer, null, number, object, string.'),
        ({"require": {"required": ["a", "a"]}}, '/require/required: ["a", "a"] holds something twice'),
        ({"require": []}, "/require: [] is no object: A condition in the rule language."),
        ({"parameters": {"a": {"title": "x", "maxDuratoin": "PT1H"}}}, '/parameters/a/maxDuratoin: "maxDuratoin" is no field; did you mean "maxDuration"?'),
        ({"frameworks": {"a": "b"}}, '/frameworks/a: "b" is no array: Ids in this catalogue.'),
        ({"title": "x" * 100, "severity": "y" * 100}, '/severity: "' + "y" * 58 + "… is not possible here; there is critical, high, info, low, medium"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_place_what_was_found_and_what_was_meant(changes: Any, text: str) -> None:
    assert said(rule_document(**changes)) == [text]


def test_missing_fields_are_named_each_with_what_it_is_for() -> None:
    assert [line.partition(" is missing")[0] for line in said({})] == [
        '"id"', '"title"', '"severity"', '"resource"', '"require"', '"examples"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {},
        rule_document(require={"properties": {"a": {"nott": {}, "maximum": "x"}}, "allOf": [1, {}], "anyOf": []}),
        rule_document(parameters={"a": 5, "b": {"title": "x", "maximum": "y"}}, examples=[{}, {"outcome": "x"}, 7]),
        rule_document(title=1, severity=[], select={"if": {"else": {"items": [[]]}}}, remediation={"sett": {}, "set": 1}),
        rule_document(parameters={"a b": {"title": "x", "maximum": 1}}),
    ],
)  # fmt: skip
def test_what_is_left_has_no_mistakes_but_missing_fields(document: Any) -> None:
    rest = without_mistakes(document)
    assert {error.validator for error in Draft202012Validator(schema("dialect")).iter_errors(rest)} <= {"required"}
    assert said(document), "there was something to take away"


def test_what_is_left_keeps_everything_else() -> None:
    document = rule_document(require={"properties": {"policyName": {"maxLenght": 1, "minLength": 2}}})
    assert without_mistakes(document)["require"] == {"properties": {"policyName": {"minLength": 2}}}
    assert "maxLenght" in document["require"]["properties"]["policyName"], "the document itself is untouched"


def test_good_rules_are_read_without_the_engine_that_explains() -> None:
    code = (
        "import sys; from pathlib import Path; from authors import TYPES, load, rule_document; load(rule_document());"
        "print(sorted({'jsonschema', 'referencing', 'difflib', 'tokenguard.rules.authoring'} & sys.modules.keys()))"
    )
    path = str(__file__).rpartition("/unit/")[0]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=path, check=True)
    assert run.stdout == "[]\n"
