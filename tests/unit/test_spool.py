"""A collection that keeps only a little of itself in memory, and forgets nothing."""

from __future__ import annotations

import tempfile
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadgets import GADGET, LIMIT, SETTABLE, gadget, scanned, snapshot
from tokenguard import spool
from tokenguard.encoding import finding_from_dict, finding_to_dict, not_evaluated_from_dict, not_evaluated_to_dict
from tokenguard.errors import UsageError
from tokenguard.judging.evaluate import evaluate
from tokenguard.model import Exemption, Finding, FindingStatus, NotEvaluated, ResourceRef, Severity, Violation
from tokenguard.spool import Spool

RULES = [SETTABLE, LIMIT]  # in report order the other way round: LIMIT is graver


def finding(rule: str, id_: str, observed: object = 7200) -> Finding:
    violations = (Violation("/x", "maximum", 3600, observed),)
    return Finding(rule, Severity.HIGH, ResourceRef("gadget", id_, "Ä\u2028\r\nb"), "m", violations, "f" * 32)


texts = st.text(st.characters(codec=None))  # half surrogate pairs too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)
findings = st.builds(
    Finding,
    rule=st.sampled_from([rule.id for rule in RULES]),
    severity=st.sampled_from(Severity),
    resource=st.builds(ResourceRef, texts, texts, texts),
    message=texts,
    violations=st.lists(st.builds(Violation, texts, texts, json_values, json_values), max_size=2).map(tuple),
    fingerprint=texts,
    status=st.sampled_from(FindingStatus),
    exemption=st.none()
    | st.builds(
        Exemption, texts, texts, texts, texts, st.dates(min_value=date(2000, 1, 1)), st.dictionaries(texts, json_values)
    ),
)
unread = st.builds(
    NotEvaluated, st.just(LIMIT.id), st.none() | st.builds(ResourceRef, texts, texts, texts), texts, texts
)


@settings(max_examples=100)
@given(findings, unread)
def test_what_is_encoded_comes_back_as_it_was(found: Finding, unsure: NotEvaluated) -> None:
    assert finding_from_dict(finding_to_dict(found)) == found
    assert not_evaluated_from_dict(not_evaluated_to_dict(unsure)) == unsure


@settings(max_examples=50)
@given(st.lists(findings, max_size=20), st.integers(0, 2000))
def test_a_spool_holds_what_a_list_would_by_rule(found: list[Finding], budget: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "BUDGET", budget)
        kept = Spool.of_findings(RULES)
        for each in found:
            kept.append(each)
        grouped = [each for rule in (LIMIT, SETTABLE) for each in found if each.rule == rule.id]
        assert list(kept) == grouped
        assert list(kept) == grouped, "again"
        assert len(kept) == len(found)
        assert all(each in kept for each in found)


def test_two_readers_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "BUDGET", 500)
    kept = Spool.of_findings(RULES)
    for number in range(20):
        kept.append(finding(LIMIT.id, str(number)))
    assert [(one.resource.id, other.resource.id) for one, other in zip(kept, kept, strict=True)] == [
        (str(number), str(number)) for number in range(20)
    ]


def test_where_there_is_no_room_the_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "BUDGET", 500)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    kept = Spool.of_findings(RULES)
    with pytest.raises(UsageError, match=str(tmp_path / "nowhere")):
        kept.append(finding(LIMIT.id, "long" * 500))


def test_what_is_not_there_is_not_in_it() -> None:
    kept = Spool.of_findings(RULES)
    kept.append(finding(LIMIT.id, "1"))
    assert finding(LIMIT.id, "2") not in kept


def _peak(number: int) -> int:
    """Bytes that it takes to spool `number` findings of two rules and read them."""
    tracemalloc.start()
    try:
        kept = Spool.of_findings(RULES)
        for place in range(number):
            kept.append(finding(RULES[place % 2].id, str(place)))
        assert sum(1 for _ in kept) == number
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_findings() -> None:
    few, many = _peak(5_000), _peak(25_000)
    assert many < few * 1.2


def test_a_report_reads_the_same_from_a_spool_and_from_a_list() -> None:
    found = [gadget(f"g{number}", lifetimeSeconds=7200 if number % 2 else None) for number in range(6)]
    found.append(gadget("u", unknown={"lifetimeSeconds": "no JSON"}))
    listed = scanned(RULES, found)
    spooled = evaluate(
        RULES,
        snapshot(found),
        types={GADGET.name: GADGET},
        findings=Spool.of_findings(RULES),
        not_evaluated=Spool.of_not_evaluated(RULES),
        now=listed.scanned_at,
        fail_on=listed.fail_on,
        source=listed.source,
    )
    order = [rule.id for rule in (LIMIT, SETTABLE)]
    assert list(spooled.findings) == sorted(listed.findings, key=lambda each: order.index(each.rule))
    assert list(spooled.not_evaluated) == sorted(listed.not_evaluated, key=lambda each: order.index(each.rule))
    assert spooled.rules == listed.rules
