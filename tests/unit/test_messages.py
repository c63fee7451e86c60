from __future__ import annotations

from typing import Any

import pytest

from tokenguard.model import Resource
from tokenguard.rules.messages import check_template, mentioned, present, render

PROPERTIES: dict[str, Any] = {
    "displayName": {"type": "string"},
    "accessTokenLifetimeSeconds": {"type": ["integer", "null"]},
    "settings": {"type": "array"},
}


@pytest.mark.parametrize(
    "template",
    [
        "",
        "plain",
        "{name} {id} {displayName}",
        "{accessTokenLifetimeSeconds:duration}",
        "{settings:count} of {settings}",
    ],
)
def test_a_good_template_has_no_problem(template: str) -> None:
    assert check_template(template, PROPERTIES) == []


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{dsplayName}", 'no property "dsplayName" to put in a message; did you mean "displayName"?'),
        ("{accessTokenLifetimeSeconds:durations}", 'no format "durations"'),
        ("{displayName:}", 'no format ""'),
        ("{displayName:duration}", "displayName is no length of time"),
        ("{displayName:count}", "displayName is no list"),
        ("{name:count}", "name is no list"),
        ("{}", 'no property ""'),
        ("{displayName", "a brace"),
        ("displayName}", "a brace"),
        ("{{displayName}}", "a brace"),
    ],
)
def test_a_slip_in_a_template_is_explained(template: str, said: str) -> None:
    assert any(said in problem for problem in check_template(template, PROPERTIES))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{name} ({id})", "Example API (7)"),
        ("{accessTokenLifetimeSeconds:duration}", "1 h 30 min"),
        ("{accessTokenLifetimeSeconds}", "1 h 30 min"),
        ("{description}", "none"),
        ("{settings:count} settings: {settings}", "2 settings: A, B"),
        ("{empty:count} {empty}", "0 none"),
        ("{assignmentCount}", "unknown"),
        ("{listUnknown:count}", "unknown"),
        ("{braces}", "{name}"),
    ],
)
def test_values_are_filled_in_as_people_read_them(template: str, text: str) -> None:
    properties = {
        "accessTokenLifetimeSeconds": 5400,
        "description": None,
        "settings": ["A", "B"],
        "empty": [],
        "assignmentCount": None,
        "listUnknown": None,
        "braces": "{name}",
    }
    unknown = {"assignmentCount": "403", "listUnknown": "403"}
    assert render(template, Resource("lamp", "7", "Example API", properties, unknown)) == text


def test_a_property_goes_before_the_resource_s_own_name() -> None:
    assert render("{id}", Resource("lamp", "7", "n", {"id": "other"})) == "other"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("/accessTokenLifetimeSeconds", 28800, "8 h"),
        ("/accessTokenLifetimeSeconds", 0, "0 s"),
        ("/accessTokenLifetimeSeconds", -1, "-1"),
        ("/policiesOfThisName", 2, "2"),
        ("x", None, "none"),
        ("x", True, "true"),
        ("x", 1.5, "1.5"),
        ("limitSeconds", [60, 3600], "1 min, 1 h"),
        ("x", {"displayName": "a", "lifeSeconds": 60, "id": None}, "displayName a, lifeSeconds 1 min, id none"),
        ("accessTokenLifetimeSeconds", 86399999999999, "999999999 d 23 h 59 min 59 s"),
        ("accessTokenLifetimeSeconds", 86400000000000, "86400000000000"),
    ],
)
def test_a_value_stands_in_people_s_units(name: str, value: Any, text: str) -> None:
    assert present(name, value) == text


def test_the_names_that_a_message_mentions() -> None:
    assert mentioned("{name} {a:count} {b}") == {"name", "a", "b"}
