"""Whether changes mend what they claim to and break nothing else: every rule, judged on what would be read then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from tokenguard.changes import Served, Skipped
from tokenguard.hookspecs import Fixer
from tokenguard.judging.evaluate import evaluate
from tokenguard.model import (
    Exemption,
    Finding,
    FindingStatus,
    NotEvaluated,
    Report,
    ResourceType,
    Severity,
)
from tokenguard.planning.drafts import Draft
from tokenguard.readings import Readings

Key = tuple[str, str, str]
"""Rule, resource type and id; the last two empty for a rule that could not be judged as a whole."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What keeps a (rule, resource) from passing."""

    name: str
    failed: bool

    def __str__(self) -> str:
        return "fail" if self.failed else "be not evaluated"


class Proof:
    """Holds changes to a report on the tenant as it is."""

    def __init__(
        self,
        report: Report,
        readings: Readings,
        *,
        types: Mapping[str, ResourceType],
        fixers: Mapping[str, Fixer],
        exemptions: Sequence[Exemption],
        now: datetime,
    ) -> None:
        self._rules = tuple(result.rule for result in report.rules)
        self._readings = readings
        self._types = types
        self._fixers = fixers
        self._exemptions = exemptions
        self._now = now
        self._before = _verdicts(report.findings, report.not_evaluated)
        self._proven = self._before
        """Of the tenant after the changes that were looked at last."""

    def after(self, drafts: Iterable[Draft]) -> Readings:
        """What would be read after all of `drafts`."""
        readings = self._readings
        for draft in drafts:
            readings = draft.enacted(readings, self._fixers)
        return readings

    def faults(self, drafts: Sequence[Draft]) -> list[tuple[Draft, str]]:
        """The changes that fail their proof, and why; none where they stand it all together.

        Where they do not, they are looked at one after the other, each beside those before it that do.
        """
        if not self._fault(drafts):
            return []
        good: list[Draft] = []
        faults = []
        for draft in drafts:
            fault = self._fault([*good, draft])
            if fault:
                faults.append((draft, fault))
            else:
                good.append(draft)
        return faults

    def on_the_way(self, findings: Iterable[Skipped]) -> list[Skipped]:
        """`findings`, with the reason that says so where they are gone after the changes that were proven last."""
        return [
            each if _key(each) in self._proven else replace(each, reason="goes with what the changes mend")
            for each in findings
        ]

    def _fault(self, drafts: Sequence[Draft]) -> str:
        """The first thing that is wrong with `drafts` together; empty where nothing is."""
        after = self.after(drafts)
        self._proven = self._judged(after) if drafts else self._before
        served = [each for draft in drafts for wish in draft.wishes for each in wish.serves]
        return next(self._unmended(served), "") or next(self._broken(after, set(map(_key, served))), "")

    def _judged(self, readings: Readings) -> dict[Key, Verdict]:
        findings: list[Finding] = []
        not_evaluated: list[NotEvaluated] = []
        evaluate(
            self._rules,
            readings.snapshot({rule.resource for rule in self._rules}),
            types=self._types,
            exemptions=self._exemptions,
            findings=findings,
            not_evaluated=not_evaluated,
            now=self._now,
            fail_on=Severity.INFO,
            source="",
        )
        return _verdicts(findings, not_evaluated)

    def _unmended(self, served: Iterable[Served]) -> Iterator[str]:
        for each in served:
            verdict = self._proven.get(_key(each))
            if verdict is not None:
                yield f"{verdict.name} would still {verdict} by {each.rule}"

    def _broken(self, after: Readings, served: Set[Key]) -> Iterator[str]:
        """What would stop to pass. A new resource may take the place of one that is gone, and its verdict.

        Not that of a finding which the changes claim to mend: it would be back under another id.
        """
        worse = {key: verdict for key, verdict in self._proven.items() if key not in self._before}
        if not worse:
            return
        existed = _present(self._readings, worse)
        vanished = self._before.keys() - self._proven.keys() - served
        remain = _present(after, vanished)
        places = Counter(rule for rule, *resource in vanished if tuple(resource) not in remain)
        for (rule, type_, id_), verdict in worse.items():
            if (type_, id_) in existed or not type_:
                yield f"{verdict.name} would {verdict} by {rule}, which it does not today{_unless(rule)}"
            elif places[rule]:
                places[rule] -= 1
            else:
                yield f"{verdict.name}, which it brings about, would {verdict} by {rule}{_unless(rule)}"


def _key(item: Served | Skipped) -> Key:
    return item.rule, item.resource.type, item.resource.id


def _unless(rule: str) -> str:
    return f"; --ignore {rule} if that is meant"


def _verdicts(findings: Iterable[Finding], not_evaluated: Iterable[NotEvaluated]) -> dict[Key, Verdict]:
    verdicts = {}
    for item in not_evaluated:
        ref = item.resource
        key = (item.rule, ref.type, ref.id) if ref else (item.rule, "", "")
        verdicts[key] = Verdict(_named(ref.type, ref.name) if ref else "the rule as a whole", failed=False)
    for finding in findings:
        if finding.status is not FindingStatus.EXEMPT:
            ref = finding.resource
            verdicts[finding.rule, ref.type, ref.id] = Verdict(_named(ref.type, ref.name), failed=True)
    return verdicts


def _named(type_: str, name: str) -> str:
    return f"{type_} “{name}”"


def _present(readings: Readings, keys: Iterable[Key]) -> set[tuple[str, str]]:
    """Which of the resources in `keys` there are."""
    wanted = {(type_, id_) for _, type_, id_ in keys if type_}
    if not wanted:
        return set()
    snapshot = readings.snapshot({type_ for type_, _ in wanted})
    return {key for each in snapshot.resources if (key := (each.type, each.id)) in wanted}
