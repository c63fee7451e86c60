"""Comparing two reports: what is found now and was not before, and what is really fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from tokenguard.differences import Difference, FindingChange, NotCompared, Side, Turn, check_comparable
from tokenguard.exit_status import ExitStatus
from tokenguard.judging.baseline import canonical, observed_values
from tokenguard.model import Finding, FindingStatus, Report, RuleResult, Severity, fingerprint
from tokenguard.rules.messages import count


def compare_reports(old: Report, new: Report, fail_on: Severity | None = None) -> Difference:
    """What became of the findings that count.

    With `fail_on` a finding of that severity or graver that is new, or has other values than before, gives exit
    status 1. Memory grows with the number of findings, by a few hundred bytes each, and with what differs.

    Raises `UsageError` for reports that cannot be compared.
    """
    check_comparable(old.header, old.source, new.header, new.source)
    left = {finding.fingerprint: _digest(finding) for finding in old.findings if _counts(finding)}
    turns: dict[str, Turn] = {}
    unchanged = 0
    for finding in new.findings:
        turn = _turn(finding, left.pop(finding.fingerprint, None))
        if turn is not None:
            turns[finding.fingerprint] = turn
        elif _counts(finding):
            unchanged += 1
    fixed, lost = _vanished(old, new, left)
    found = [*_changes(old, new, turns), *(FindingChange(Turn.FIXED, finding) for finding in fixed)]
    not_compared = tuple(_not_compared(old.rules, new.rules, lost))
    return Difference(
        tenant=new.header.tenant,
        old=Side(old.source, old.header.collected_at),
        new=Side(new.source, new.header.collected_at),
        findings=sorted(found, key=lambda each: [*Turn].index(each.turn)),
        unchanged_findings=unchanged,
        not_compared=not_compared,
        exit_status=_exit_status(found, not_compared, fail_on),
    )


def with_findings(resources: Difference, findings: Difference, *, fail_on_change: bool = False) -> Difference:
    """What became of the resources of two snapshots, and of what was found in them: one comparison.

    With `fail_on_change` a resource that is new, gone or changed gives exit status 1, whatever was found.
    """
    not_compared = (*resources.not_compared, *findings.not_compared)
    status = ExitStatus.NOT_EVALUATED if not_compared else ExitStatus.COMPLIANT
    failed = findings.exit_status is ExitStatus.FINDINGS or (fail_on_change and bool(resources.resources))
    return replace(
        resources,
        findings=findings.findings,
        unchanged_findings=findings.unchanged_findings,
        not_compared=not_compared,
        exit_status=ExitStatus.FINDINGS if failed else status,
    )


def _counts(finding: Finding) -> bool:
    return finding.status is FindingStatus.NEW


def _digest(finding: Finding) -> bytes:
    """Of what was observed; equal as in a baseline."""
    return blake2b(canonical(observed_values(finding.violations)).encode(), digest_size=16).digest()


def _turn(finding: Finding, earlier: bytes | None) -> Turn | None:
    """What became of a finding of the later report; None where nothing did."""
    if not _counts(finding):
        return None if earlier is None else Turn.SETTLED
    if earlier is None:
        return Turn.NEW
    return None if earlier == _digest(finding) else Turn.CHANGED


def _changes(old: Report, new: Report, turns: dict[str, Turn]) -> Iterator[FindingChange]:
    before = {each.fingerprint: each for each in old.findings if turns.get(each.fingerprint) is Turn.CHANGED}
    for finding in new.findings:
        if (turn := turns.get(finding.fingerprint)) is not None:
            yield FindingChange(turn, finding, before.get(finding.fingerprint))


def _vanished(old: Report, new: Report, marks: Iterable[str]) -> tuple[list[Finding], Counter[tuple[str, str]]]:
    """Of the findings that are no more: those that are fixed; by rule and reason, how many that cannot be said of."""
    unknown = _unknown_marks(new)
    before = {result.rule.id: result for result in old.rules}
    now = {result.rule.id: result for result in new.rules}
    marks = set(marks)
    fixed: list[Finding] = []
    lost: Counter[tuple[str, str]] = Counter()
    for finding in old.findings:
        if finding.fingerprint not in marks:
            continue
        reason = _obstacle(before[finding.rule], now.get(finding.rule))
        if not reason and finding.fingerprint in unknown:
            reason = "of what could not be evaluated now"
        if reason:
            lost[finding.rule, reason] += 1
        else:
            fixed.append(finding)
    return fixed, lost


def _unknown_marks(report: Report) -> set[str]:
    """Fingerprints that findings would have on the resources that could not be judged."""
    return {
        fingerprint(item.rule, report.header.tenant.id, item.resource.type, item.resource.id)
        for item in report.not_evaluated
        if item.resource is not None
    }


def _obstacle(before: RuleResult, now: RuleResult | None) -> str:
    """Why no finding of a rule can be said to be fixed; empty where it can."""
    if now is None:
        return "of a rule that was not judged by now"
    if now.incomplete:
        return "of resources that were not read to the end now"
    if now.rule.digest != before.rule.digest:
        return "of a rule that has changed, or has other values now"
    return ""


def _not_compared(
    old: Sequence[RuleResult], new: Sequence[RuleResult], lost: Counter[tuple[str, str]]
) -> Iterator[NotCompared]:
    before, now = ({each.rule.id: each for each in results} for results in (old, new))
    for rule in dict.fromkeys([*now, *before]):
        if rule not in now:
            yield NotCompared(rule, "was judged by only before")
        sides = [word for word, found in (("before", before), ("now", now)) if rule in found and _partial(found[rule])]
        if sides:
            reasons = dict.fromkeys(
                reason for found in (before, now) if rule in found for reason in found[rule].incomplete
            )
            why = f": {'; '.join(reasons)}" if reasons else ""
            yield NotCompared(rule, f"not evaluated in full {' and '.join(sides)}{why}")
    for (rule, reason), number in lost.items():
        findings = count(number, "earlier finding")
        yield NotCompared(rule, f"{findings} not found now, {reason}: not known to be fixed")


def _partial(result: RuleResult) -> bool:
    return bool(result.incomplete or result.not_evaluated)


def _exit_status(
    found: Iterable[FindingChange], not_compared: Sequence[NotCompared], fail_on: Severity | None
) -> ExitStatus:
    worse = (each.finding for each in found if each.turn in (Turn.NEW, Turn.CHANGED))
    if fail_on is not None and any(finding.severity >= fail_on for finding in worse):
        return ExitStatus.FINDINGS
    return ExitStatus.NOT_EVALUATED if not_compared else ExitStatus.COMPLIANT
