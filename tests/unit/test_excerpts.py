from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sample_report import FINDINGS, REPORT, UNLISTED, rendered
from tokenguard.excerpts import is_beginning, is_excerpt, shown
from tokenguard.model import Parameter, Remediation, Report, Safety, TypeSummary, Violation
from tokenguard.plugins import load_plugins
from tokenguard.report_document import rule_from_dict, rule_to_dict, type_from_dict, type_to_dict
from tokenguard.rules.messages import present
from tokenguard.rules.mistakes import quote
from tokenguard.spool import Spool

TEN = [f"item-{number}" for number in range(10)]
ELEVEN = [*TEN, "the canary"]
LONG = ["x" * 90 + "canary, and more of it"]
REPORTERS = load_plugins([]).reporters


@pytest.mark.parametrize("value", [TEN, {"a": TEN}, "canary" * 16, 7, None, [], {"count": 11, "first": TEN}])
def test_what_is_short_is_shown_as_it_is(value: Any) -> None:
    assert shown(value) == value
    assert not is_excerpt(value)


def test_a_list_of_more_than_ten_is_its_number_and_its_first_three() -> None:
    excerpt = shown(ELEVEN)
    assert is_excerpt(excerpt)
    assert (excerpt["count"], excerpt["first"], len(excerpt["sha256"])) == (11, TEN[:3], 12)
    assert shown(excerpt) == excerpt
    assert shown({"anyOf": [{"enum": ELEVEN}]}) == {"anyOf": [{"enum": excerpt}]}
    assert shown([*ELEVEN[:-1], "other"]) != excerpt


def test_a_text_of_more_than_a_hundred_characters_is_its_beginning_and_its_length() -> None:
    text = "a" * 60 + "b" * 40
    assert shown([text]) == [text]
    beginning = "a" * 60 + "… (101 characters)"
    assert shown({"x": [f"{text}c"]}) == {"x": [beginning]}
    assert shown(beginning) == beginning
    assert is_beginning(beginning)
    assert not is_beginning(text)
    assert present("a", f"{text}c") == f"{text}c", "what was observed is whole"


@pytest.mark.parametrize("value", [ELEVEN, shown(ELEVEN), tuple(ELEVEN)])
def test_it_reads_the_same_before_and_after_it_was_written(value: Any) -> None:
    assert present("a", value) == "11 values (item-0, item-1, item-2, …)"
    assert "canary" not in quote(value)


def with_values(values: list[str]) -> Report:
    """`values` in each place of a report in which a rule, a parameter or an exemption can have a list."""
    parameter = Parameter("allowed", "Allowed", "enum", values, {"enum": values})
    rule = replace(
        UNLISTED,
        parameters={"allowed": parameter},
        remediation=Remediation(Safety.UNSAFE, set={"names": values}),
        message="x",
    )
    violations = (Violation("/appId", "enum", values, "z"), Violation("/b", "anyOf", [{"enum": values}], "z"))
    exemption = FINDINGS[3].exemption
    assert exemption is not None
    exemption = replace(exemption, parameters={"allowed": values})
    finding = replace(FINDINGS[5], violations=violations, parameters={"allowed": values}, exemption=exemption)
    return replace(
        REPORT,
        rules=(replace(REPORT.rules[2], rule=rule),),
        findings=(finding,),
        not_evaluated=(),
        types={UNLISTED.resource: TypeSummary(UNLISTED.resource, 9, scope=frozenset(values))},
        notices=(),
        lifetimes=(),
    )


def long_lists() -> Report:
    return with_values(ELEVEN)


@pytest.mark.parametrize("name", REPORTERS)
def test_no_format_shows_more_than_the_beginning_of_a_long_text(name: str) -> None:
    text = rendered(REPORTERS[name], with_values(LONG)).decode()
    assert "canary" not in text
    assert "x" * 61 not in text


@pytest.mark.parametrize("name", REPORTERS)
def test_no_format_shows_what_comes_after_the_first_three(name: str) -> None:
    text = rendered(REPORTERS[name], long_lists()).decode()
    assert "canary" not in text
    assert "item-3" not in text


def test_what_was_observed_is_whole_for_programs() -> None:
    """Comparisons, and whoever looks into a finding, go by it; no file of ours can put anything there."""
    finding = replace(FINDINGS[5], violations=(Violation("/names", "maxItems", 3, ELEVEN),))
    report = json.loads(rendered(REPORTERS["json"], replace(long_lists(), findings=(finding,))))
    assert report["findings"][0]["violations"][0]["observed"] == ELEVEN


def test_a_spool_keeps_the_whole() -> None:
    (finding,) = long_lists().findings
    spool = Spool.of_findings([UNLISTED])
    spool.append(finding)
    assert list(spool) == [finding]


def test_what_was_read_back_is_written_the_same_again() -> None:
    report = long_lists()
    written = rule_to_dict(report.rules[0])
    assert rule_to_dict(rule_from_dict(json.loads(json.dumps(written)))) == written
    (summary,) = report.types.values()
    assert type_to_dict(type_from_dict(type_to_dict(summary))) == type_to_dict(summary)
