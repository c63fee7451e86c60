"""From rules and a snapshot to a report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from tokenguard import age
from tokenguard.errors import UsageError
from tokenguard.excerpts import shown
from tokenguard.exit_status import ExitStatus
from tokenguard.judging.exemptions import Claim
from tokenguard.judging.lanes import Lane, Leniency
from tokenguard.judging.lifetimes import Gauges
from tokenguard.judging.verdicts import Ledger, Verdicts
from tokenguard.model import (
    CollectionFailure,
    Exemption,
    Finding,
    NotEvaluated,
    Report,
    ResourceType,
    Rule,
    RuleResult,
    Severity,
    Snapshot,
    TypeSummary,
)
from tokenguard.rules.messages import count, present

if TYPE_CHECKING:
    from tokenguard.judging.baseline import Baseline


def evaluate(
    rules: Iterable[Rule],
    snapshot: Snapshot,
    *,
    types: Mapping[str, ResourceType],
    findings: Ledger[Finding],
    not_evaluated: Ledger[NotEvaluated],
    now: datetime,
    fail_on: Severity,
    source: str,
    exemptions: Sequence[Exemption] = (),
    baseline: Baseline | None = None,
    max_age: timedelta | None = None,
    strict: bool = False,
) -> Report:
    """Judge every resource of `snapshot`, in one pass, by every rule over its type.

    `findings` and `not_evaluated` are empty and are filled. `exemptions` may be of rules that are not among `rules`.

    With `strict`, a strict notice of how a type was read makes the rules over it not evaluated. What is older than
    `max_age`, or may be, is read to its end and judged by no rule: none is evaluated. See `age`.

    Raises `SnapshotError` where the stream does not end as it should, `UsageError` for a baseline of another tenant
    and, with `strict`, for exemptions and baselines that did not apply; then what was filled in means nothing.
    """
    ordered = in_report_order(rules)
    if baseline is not None:
        baseline.check_tenant(snapshot.header.tenant)
    ours = [each for each in exemptions if any(each.rule == rule.id for rule in ordered)]
    today = now.astimezone(UTC).date()
    verdicts = Verdicts(ordered, snapshot.header.tenant, baseline, findings, not_evaluated)
    lanes = _lanes(ordered, types, [each for each in ours if each.expires >= today], verdicts)
    gauges = Gauges(ordered)
    old = age.flaw(snapshot.header, now, max_age, strict=strict)
    summary = _run({} if old else lanes, gauges, snapshot, strict=strict)
    if old:
        summary = {name: _aged(each, old) for name, each in summary.items()}
    for name, lane in lanes.items():
        lane.finish(summary.get(name))
    results = tuple(verdicts.tallies[rule.id].result(rule) for rule in ordered)
    complete = {result.rule.id for result in results if not result.incomplete}
    notices = (
        *_expired(ours, today),
        *(notice for name, lane in lanes.items() for notice in _unused(lane.claims.all, complete, summary.get(name))),
        *_mended(baseline, verdicts.met, complete),
    )
    if strict and notices:
        text = "\n".join(notice.plain for notice in notices)
        raise UsageError(text, "correct the exemptions or the baseline, or leave out --strict")
    return Report(
        header=snapshot.header,
        scanned_at=now,
        rules=results,
        findings=findings,
        not_evaluated=not_evaluated,
        types=summary,
        notices=(
            *(() if old else age.notices(snapshot.header, now)),
            *_of_collection(summary, lanes),
            *(notice.text for notice in notices),
            *(text for lane in lanes.values() for text in _lenient(lane.leniencies)),
        ),
        fail_on=fail_on,
        exit_status=exit_status(results, fail_on),
        source=source,
        lifetimes=gauges.read(),
    )


def in_report_order(rules: Iterable[Rule]) -> list[Rule]:
    """Gravest first, then by id."""
    return sorted(rules, key=lambda rule: (-rule.severity, rule.id))


def exit_status(results: Iterable[RuleResult], fail_on: Severity | None) -> ExitStatus:
    """1 where any finding that counts is at or above `fail_on`, else 3 where anything is not evaluated, else 0.

    Without `fail_on` no finding gives 1.
    """
    status = ExitStatus.COMPLIANT
    for result in results:
        if fail_on is not None and result.failed and result.rule.severity >= fail_on:
            return ExitStatus.FINDINGS
        if result.incomplete or result.not_evaluated:
            status = ExitStatus.NOT_EVALUATED
    return status


def _lanes(
    rules: Sequence[Rule], types: Mapping[str, ResourceType], exemptions: Sequence[Exemption], verdicts: Verdicts
) -> dict[str, Lane]:
    lanes = {}
    for name in dict.fromkeys(rule.resource for rule in rules):
        over = [rule for rule in rules if rule.resource == name]
        ids = {rule.id for rule in over}
        lanes[name] = Lane(types[name], over, [each for each in exemptions if each.rule in ids], verdicts)
    return lanes


def _run(lanes: Mapping[str, Lane], gauges: Gauges, snapshot: Snapshot, *, strict: bool) -> Mapping[str, TypeSummary]:
    for resource in snapshot.resources:
        lane = lanes.get(resource.type)
        if lane is not None:
            lane.take(resource)
            gauges.measure(resource)
    return {name: _doubted(each) if strict else each for name, each in snapshot.summary().items()}


def _aged(summary: TypeSummary, old: str) -> TypeSummary:
    return replace(summary, failures=(CollectionFailure(summary.type, old), *summary.failures))


def _doubted(summary: TypeSummary) -> TypeSummary:
    """`summary` where nothing is taken on trust: a notice that is strict is a failure."""
    failures = tuple(CollectionFailure(each.type, each.text) for each in summary.notices if each.strict)
    return replace(summary, failures=summary.failures + failures) if failures else summary


def _of_collection(summary: Mapping[str, TypeSummary], judged: Collection[str]) -> Sequence[str]:
    """What is to be said of how the types were read that were judged; what holds for several types, once."""
    return list(dict.fromkeys(each.text for name in judged if name in summary for each in summary[name].notices))


class _Notice(NamedTuple):
    """What a report says of a decision that did not apply."""

    text: str
    plain: str
    """The same without anything that the file of decisions says, as an error has it."""


def _expired(exemptions: Iterable[Exemption], today: date) -> Iterator[_Notice]:
    for each in exemptions:
        if each.expires < today:
            yield _about(each, f"expired on {each.expires} and applies no more", "has expired and applies no more")


def _unused(claims: Iterable[Claim], complete: set[str], summary: TypeSummary | None) -> Iterator[_Notice]:
    """Exemptions that apply to nothing, where everything was seen that they could have applied to."""
    for claim in claims:
        each = claim.exemption
        if claim.several and not claim.identified:
            yield _about(each, f"names {claim.bearers} resources and applies to none; name one by its id or appId")
        elif each.rule in complete and not claim.matched and _was_read(each, summary):
            yield _about(each, "matches nothing")


def _lenient(leniencies: Iterable[Leniency]) -> Iterator[str]:
    """What passes only by an exemption's own values, one resource each: it stands in no list of findings."""
    for each in leniencies:
        exemption, resource = each.exemption, each.resource
        values = (
            f"{name} {present(name, shown(value))} (the rule's own is"
            f" {present(name, shown(each.rule.parameters[name].value))})"
            for name, value in exemption.parameters.items()
        )
        yield _about(
            exemption,
            f"lets {resource.type} {resource.id} {resource.name} pass with {', '.join(values)}"
            f" until {exemption.expires}: {exemption.reason}",
        ).text


def _was_read(exemption: Exemption, summary: TypeSummary | None) -> bool:
    return summary is not None and (summary.scope is None or exemption.resource.lower() in summary.scope)


def _mended(baseline: Baseline | None, met: set[str], complete: set[str]) -> Iterator[_Notice]:
    """The number of known findings that are no more, of rules that were judged to the end."""
    if baseline is not None:
        gone = sum(known.rule in complete for mark, known in baseline.findings.items() if mark not in met)
        if gone:
            findings = count(gone, "finding")
            text = f"{baseline.source}: {findings} of the baseline found no more; make it anew to forget them"
            yield _Notice(text, text)


def _about(exemption: Exemption, says: str, plainly: str = "") -> _Notice:
    place = f"{exemption.source}: " if exemption.source else ""
    which = f"exemption {exemption.number or ''}".rstrip()
    return _Notice(
        f"{place}the exemption of {exemption.resource!r} from {exemption.rule} (owner {exemption.owner}) {says}",
        f"{place}{which} from {exemption.rule} {plainly or says}",
    )
