"""Judging again once something was written: the exit status is about the tenant as it is, not as it was planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tokenguard.apply import Applied, Patience
from tokenguard.cli import context
from tokenguard.cli.applying import TIME
from tokenguard.cli.gaps import say_gaps
from tokenguard.model import FindingStatus, Report, ResourceRef
from tokenguard.rules.messages import count

_Key = tuple[str, str, str]


def judge_again(judge: Callable[[], Report], applied: Iterable[Applied], wait: float) -> Report:
    """What `judge` says once it sees what was `applied`, or once `wait` seconds have passed.

    The collections that a scan reads lag behind writes as well, also where reading the written object itself does not.
    """
    served = {_key(each.rule, each.resource) for one in applied if one.ended.good for each in one.change.serves}
    patience = Patience(limit=wait)
    deadline, pause = TIME.clock() + patience.limit, patience.first_pause
    while True:
        report = judge()
        if served.isdisjoint(_left(report)) or TIME.clock() + pause > deadline:
            return report
        TIME.sleep(pause)
        pause = min(2 * pause, patience.longest_pause)


def say_what_is_left(report: Report, *, quiet: bool) -> None:
    """How compliant the tenant is now, and why that is not known where it is not."""
    found = sum(each.status is FindingStatus.NEW for each in report.findings)
    findings = count(found, "finding") if found else "no findings"
    by = count(len(report.rules), "rule")
    left = f"{findings} left, {len(report.not_evaluated) or 'nothing'} not evaluated"
    context.say(f"Evaluated again by {by}: {left}.", quiet=quiet)
    say_gaps(report)


def _left(report: Report) -> Iterator[_Key]:
    for finding in report.findings:
        if finding.status is FindingStatus.NEW:
            yield _key(finding.rule, finding.resource)
    for item in report.not_evaluated:
        if item.resource is not None:
            yield _key(item.rule, item.resource)


def _key(rule: str, resource: ResourceRef) -> _Key:
    return rule, resource.type, resource.id
