"""How old what is judged may be, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gadgets import LIMIT, NOW, gadget, scanned, snapshot
from sample_report import rendered
from tokenguard.age import SKEW, in_words, notices
from tokenguard.model import FindingStatus, Header, Severity, Snapshot, Tenant
from tokenguard.reporters.text import TextReporter

DAY, WEEK, SECOND = timedelta(days=1), timedelta(days=7), timedelta(seconds=1)
OLD = "what was judged is old"
FUTURE = "bears a date in the future"


def header(age: timedelta, *, dated: bool = True) -> Header:
    return Header(Tenant("", "Contoso"), "global", NOW - age, "tests", dated=dated)


def aged(age: timedelta, *, dated: bool = True, seconds: int = 60) -> Snapshot:
    whole = snapshot([gadget(lifetimeSeconds=seconds)])
    return replace(whole, header=replace(whole.header, collected_at=NOW - age, dated=dated))


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(), "read for this scan"),
        (timedelta(seconds=59), "read for this scan"),
        (timedelta(seconds=60), "read 1 min before this scan"),
        (timedelta(minutes=61, seconds=59), "read 1 h 1 min before this scan"),
        (timedelta(days=3, hours=4, minutes=59), "read 3 d 4 h before this scan"),
        (timedelta(days=30, hours=23), "read 30 d before this scan"),
        (-SKEW, "read for this scan"),
        (-SKEW - SECOND, "dated 5 min after this scan"),
        (-400 * DAY, "dated 400 d after this scan"),
    ],
)
def test_the_age_is_said_as_exactly_as_it_matters(age: timedelta, said: str) -> None:
    assert in_words(header(age), NOW) == said


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(), "saved answers of unknown age"),
        (-DAY, "saved answers of unknown age"),
        (timedelta(hours=2), "saved answers at least 2 h old"),
    ],
)
def test_saved_answers_are_never_said_to_be_fresh(age: timedelta, said: str) -> None:
    assert in_words(header(age, dated=False), NOW) == said


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(), None),
        (WEEK - SECOND, None),
        (WEEK, OLD),
        (400 * DAY, OLD),
        (-SKEW, None),
        (-SKEW - SECOND, FUTURE),
        (NOW - datetime.max.replace(tzinfo=NOW.tzinfo), FUTURE),
        (NOW - datetime.min.replace(tzinfo=NOW.tzinfo), OLD),
    ],
)
def test_there_is_a_notice_from_a_week_on_and_of_a_date_in_the_future(
    age: timedelta, said: str | None, dated: bool
) -> None:
    found = list(notices(header(age, dated=dated), NOW))
    assert [said in notice for notice in found if said] == [True] * bool(said)
    assert len(found) == bool(said)


@pytest.mark.parametrize(
    ("age", "dated", "limit", "strict", "status"),
    [
        (timedelta(), True, None, False, 0),
        (400 * DAY, True, None, False, 0),
        (WEEK - SECOND, True, None, True, 0),
        (WEEK, True, None, True, 3),
        (-SKEW, True, None, True, 0),
        (-SKEW - SECOND, True, None, True, 3),
        (timedelta(), False, None, True, 0),
        (WEEK, False, None, True, 3),
        (DAY, True, DAY, False, 0),
        (DAY + SECOND, True, DAY, False, 3),
        (10 * DAY, True, 30 * DAY, False, 0),
        (10 * DAY, True, 30 * DAY, True, 0),
        (timedelta(), False, DAY, False, 3),
        (2 * DAY, False, DAY, False, 3),
        (-SKEW, True, DAY, False, 0),
        (-SKEW - SECOND, True, DAY, False, 3),
        (SECOND, True, timedelta(), False, 3),
        (timedelta(), True, timedelta(), False, 0),
    ],
)
def test_what_is_older_than_it_may_be_is_not_evaluated(
    age: timedelta, dated: bool, limit: timedelta | None, strict: bool, status: int
) -> None:
    report = scanned([LIMIT], aged(age, dated=dated), max_age=limit, strict=strict)
    assert report.exit_status == status
    (rule,) = report.rules
    assert (rule.verdict, rule.selected) == (("not evaluated", 0) if status else ("pass", 1))
    assert [item.reason.startswith("old") for item in report.not_evaluated] == [True] * bool(status)
    assert in_words(report.header, report.scanned_at) in rendered(TextReporter(), report).decode()


def test_no_rule_is_judged_by_what_is_too_old_whatever_it_shows() -> None:
    findings = scanned([LIMIT], aged(2 * DAY, seconds=7200), fail_on=Severity.LOW).findings
    assert [finding.status for finding in findings] == [FindingStatus.NEW]
    report = scanned([LIMIT], aged(2 * DAY, seconds=7200), max_age=DAY)
    assert (report.exit_status, len(report.findings)) == (3, 0)
    assert [item.reason for item in report.not_evaluated] == [
        "old: read 2 d before this scan, and --max-age allows 1 d"
    ]


def test_what_is_too_old_is_read_to_its_end_all_the_same() -> None:
    """What is cut off is refused, however old it is."""
    whole = aged(2 * DAY)
    left = iter([gadget(), gadget("g2")])
    scanned([LIMIT], replace(whole, resources=left), max_age=DAY)
    assert list(left) == []
