"""What would settle a finding, as it would have to be written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from sample_report import TOO_LONG, UNLISTED, finding, lifetime, ref
from tokenguard.judging.settling import AllowListEntry, Settlement, settlement
from tokenguard.model import Parameter, Rule, Severity, Violation

TODAY = date(2026, 11, 21)
RESOURCE = ref(2, "Payroll")


def rule(**parameters: tuple[str, object, dict[str, object]]) -> Rule:
    """A rule with parameters of these keywords, values, and meanings in machine values."""
    made = {name: Parameter(name, name, *parts) for name, parts in parameters.items()}
    return Rule("a-rule", "A rule", Severity.LOW, "lamp", {}, parameters=made)


def settled(rule: Rule, *violations: Violation, **parameters: object) -> Settlement:
    return settlement(replace(finding(rule, RESOURCE, "it is so", *violations), parameters=parameters), rule, TODAY)


@pytest.mark.parametrize(
    ("keyword", "value", "meaning", "observed", "needed"),
    [
        ("maxDuration", "PT1H30M", {"maximum": 5400}, 28800, "PT8H"),
        ("maxDuration", "PT1H30M", {"maximum": 5400}, 5401, "PT1H30M1S"),
        ("minDuration", "PT10M", {"minimum": 600}, 300, "PT5M"),
        ("constDuration", "PT5H", {"const": 18000}, 3600, "PT1H"),
        ("maximum", 3, {"maximum": 3}, 5, 5),
        ("minimum", 3, {"minimum": 3}, 1, 1),
        ("const", "a", {"const": "a"}, "b", "b"),
        ("maxItems", 1, {"maxItems": 1}, ["a", "b"], 2),
        ("minItems", 2, {"minItems": 2}, [], 0),
        ("maxLength", 2, {"maxLength": 2}, "long", 4),
    ],
)
def test_a_limit_of_the_rule_is_set_to_what_was_observed(keyword, value, meaning, observed, needed):
    [(violated, expected)] = meaning.items()
    found = settled(rule(limit=(keyword, value, meaning)), Violation("/x", violated, expected, observed))

    assert found.exemption == {
        "rule": "a-rule",
        "resource": RESOURCE.id,
        "reason": "say why",
        "owner": "say who answers for it",
        "expires": "2027-02-19",
        "parameters": {"limit": needed},
    }


@pytest.mark.parametrize(
    ("violations", "why"),
    [
        ([Violation("/x", "maximum", 4, 9)], "no parameter says 4"),
        ([Violation("/x", "maximum", 3, 9), Violation("/y", "const", True, False)], "one of two has no parameter"),
        ([Violation("/x", "maximum", 3, 9), Violation("/y", "maximum", 3, 8)], "one parameter, two values"),
        ([Violation("/x", "pattern", "^a", "b")], "there are many patterns"),
    ],
)
def test_without_such_a_limit_the_finding_is_exempt_as_a_whole(violations, why):
    found = settled(rule(limit=("maximum", 3, {"maximum": 3}), text=("pattern", "^a", {"pattern": "^a"})), *violations)

    assert "parameters" not in found.exemption, why


def test_no_limit_is_proposed_that_an_exemption_cannot_set():
    """The rule's `select` reads it as well, so an exemption with it is refused."""
    limited = replace(rule(limit=("maximum", 3, {"maximum": 3})), selecting=frozenset({"limit"}))

    assert "parameters" not in settled(limited, Violation("/x", "maximum", 3, 9)).exemption


def test_two_parameters_of_one_value_are_not_told_apart():
    two = rule(limit=("maximum", 3, {"maximum": 3}), other=("maximum", 3, {"maximum": 3}))

    assert "parameters" not in settled(two, Violation("/x", "maximum", 3, 9)).exemption


@pytest.mark.parametrize("observed", [None, -1, 10**30, "1 h"])
def test_what_is_no_duration_is_no_value_of_one(observed):
    found = settled(rule(limit=("constDuration", "PT5H", {"const": 18000})), Violation("/x", "const", 18000, observed))

    assert "parameters" not in found.exemption


def test_each_of_several_limits_is_set():
    both = rule(most=("maximum", 3, {"maximum": 3}), all=("maxItems", 0, {"maxItems": 0}))
    found = settled(both, Violation("/x", "maximum", 3, 9), Violation("/y", "maxItems", 0, ["a"]))

    assert found.exemption["parameters"] == {"most": 9, "all": 1}


def test_a_finding_in_spite_of_an_exemption_names_what_has_to_take_its_place():
    broken = Violation("/accessTokenLifetimeSeconds", "maximum", 18000, 28800)
    found = settled(TOO_LONG, broken, maximum="PT5H")

    assert found.instead
    assert found.exemption["parameters"] == {"maximum": "PT8H"}
    assert not settled(TOO_LONG, lifetime(28800)).instead


ALLOWED = rule(allowed=("enum", ["app-1", "app-2"], {"enum": ["app-1", "app-2"]}))


def test_a_list_in_a_parameter_names_what_it_lacks():
    found = settled(ALLOWED, Violation("/appId", "enum", ["app-1", "app-2"], "app-99"))

    assert found.allow == AllowListEntry("allowed", "app-99")
    assert "parameters" not in found.exemption


@pytest.mark.parametrize(
    ("rule", "violations"),
    [
        (UNLISTED, [Violation("/appId", "enum", ["app-1"], "app-99")]),
        (ALLOWED, [Violation("/appId", "enum", ["app-1", "app-2"], None)]),
        (ALLOWED, [Violation("/appId", "enum", ["app-1", "app-2"], "app-9"), lifetime(9)]),
        (TOO_LONG, [lifetime(28800)]),
    ],
    ids=["not a parameter's list", "null is no item of it", "not the only reason", "no list"],
)
def test_otherwise_no_list_would_do(rule, violations):
    assert settled(rule, *violations).allow is None
