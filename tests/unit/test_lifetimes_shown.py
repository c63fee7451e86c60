"""What a report keeps of lengths of time: those that comply too, the longest, and no more than a bounded number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_report import ASSIGNMENT, TOO_LONG
from tokenguard.judging.lifetimes import KEPT, Gauges
from tokenguard.model import Limit, Resource, Rule

PROPERTY = "accessTokenLifetimeSeconds"
LIMIT = {"properties": {PROPERTY: {"maximum": 5400}}}


def requiring(require) -> Rule:
    return replace(TOO_LONG, require=require)


def assignment(number: int, seconds: int | None, unknown: str = "") -> Resource:
    reasons = {PROPERTY: unknown} if unknown else None
    return Resource(ASSIGNMENT, f"id-{number:05}", f"name {number}", {PROPERTY: seconds}, reasons)


def read(*resources: Resource, require=LIMIT):
    gauges = Gauges([requiring(require)])
    for resource in resources:
        gauges.measure(resource)
    return gauges.read()


def test_what_is_known_unknown_and_not_set_is_counted_and_the_longest_come_first():
    resources = [assignment(1, 600), assignment(2, 7200), assignment(3, None), assignment(4, None, "no JSON")]

    (found,) = read(*resources)

    assert (found.type, found.property, found.known, found.unknown, found.unset) == (ASSIGNMENT, PROPERTY, 2, 1, 1)
    assert [(each.resource.id, each.seconds, each.unknown) for each in found.shown] == [
        ("id-00004", None, "no JSON"),
        ("id-00002", 7200, ""),
        ("id-00001", 600, ""),
    ]


@pytest.mark.parametrize(
    ("require", "limits"),
    [
        (LIMIT, [Limit(TOO_LONG.id, "maximum", 5400)]),
        ({"allOf": [LIMIT, {"properties": {PROPERTY: {"minimum": 600}}}]}, [("maximum", 5400), ("minimum", 600)]),
        ({"anyOf": [LIMIT]}, []),
        ({"not": LIMIT}, []),
        ({"properties": {PROPERTY: {"type": "integer"}, "assignmentCount": {"maximum": 1}}}, []),
    ],
)
def test_only_limits_that_always_hold_are_drawn(require, limits):
    found = read(assignment(1, 600), require=require)

    expected = [each if isinstance(each, Limit) else Limit(TOO_LONG.id, *each) for each in limits]
    assert [limit for each in found for limit in each.limits] == expected


def test_a_type_of_which_nothing_was_met_is_not_drawn():
    assert read() == ()


def test_no_more_are_kept_than_can_be_drawn_and_none_that_is_longer_is_left_out():
    resources = [assignment(number, 60 * (number % 1000)) for number in range(5000)]

    (found,) = read(*resources)

    assert found.known == 5000
    assert len(found.shown) == KEPT
    assert [each.seconds for each in found.shown] == sorted((r.properties[PROPERTY] for r in resources), reverse=True)[
        :KEPT
    ]


@pytest.mark.parametrize("reason", ["", "no JSON"])
def test_what_is_kept_does_not_depend_on_the_order_of_arrival(reason):
    resources = [assignment(number, None if reason else 3600, reason) for number in range(KEPT + 50)]

    assert read(*resources)[0].shown == read(*reversed(resources))[0].shown
    assert len(read(*resources)[0].shown) == KEPT
