"""What rules said of resources, written down and counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tokenguard.model import (
    Exemption,
    Finding,
    FindingStatus,
    NotEvaluated,
    ResourceRef,
    Rule,
    RuleResult,
    Tenant,
    Violation,
    fingerprint,
)

if TYPE_CHECKING:
    from tokenguard.judging.baseline import Baseline

T = TypeVar("T")


class Ledger(Protocol[T]):
    """A collection that can be appended to and iterated more than once: a list, or a spool."""

    def append(self, item: T, /) -> None: ...
    def __iter__(self) -> Iterator[T]: ...
    def __len__(self) -> int: ...
    def __contains__(self, item: object, /) -> bool: ...


@dataclass(slots=True)
class Tally:
    """How often a rule said what."""

    selected: int = 0
    not_evaluated: int = 0
    incomplete: list[str] = field(default_factory=list)
    findings: dict[FindingStatus, int] = field(default_factory=lambda: dict.fromkeys(FindingStatus, 0))

    def result(self, rule: Rule) -> RuleResult:
        """As the report says it."""
        return RuleResult(
            rule=rule,
            selected=self.selected,
            failed=self.findings[FindingStatus.NEW],
            exempt=self.findings[FindingStatus.EXEMPT],
            known=self.findings[FindingStatus.BASELINE],
            not_evaluated=self.not_evaluated,
            incomplete=tuple(self.incomplete),
        )


class Verdicts:
    """The one place that findings, and what could not be evaluated, are added to."""

    def __init__(
        self,
        rules: Iterable[Rule],
        tenant: Tenant,
        baseline: Baseline | None,
        findings: Ledger[Finding],
        not_evaluated: Ledger[NotEvaluated],
    ) -> None:
        self.tallies = {rule.id: Tally() for rule in rules}
        self.met: set[str] = set()
        """Fingerprints in the baseline of what is still found, or could not be evaluated."""
        self._tenant = tenant
        self._baseline = baseline
        self._findings = findings
        self._not_evaluated = not_evaluated

    def fail(
        self,
        rule: Rule,
        resource: ResourceRef,
        message: str,
        violations: Sequence[Violation],
        exemption: Exemption | None = None,
        *,
        parameters: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """`resource` does not comply, judged by its own `parameters`; `exemption` is one that lets it."""
        mark = self._mark(rule, resource)
        status = FindingStatus.NEW
        if exemption is not None:
            status = FindingStatus.EXEMPT
        elif self._baseline is not None and self._baseline.knows(mark, violations):
            status = FindingStatus.BASELINE
        self.tallies[rule.id].findings[status] += 1
        self._findings.append(
            Finding(rule.id, rule.severity, resource, message, tuple(violations), mark, status, exemption, parameters)
        )

    def not_evaluated(self, rule: Rule, resource: ResourceRef, reason: str) -> None:
        """Nobody can say whether `resource` complies."""
        self._mark(rule, resource)
        self.tallies[rule.id].not_evaluated += 1
        self._not_evaluated.append(NotEvaluated(rule.id, resource, reason))

    def incomplete(self, rule: Rule, reasons: Sequence[str], permission: str = "") -> None:
        """Nothing can be said of what was not seen; findings among what was seen stand."""
        self.tallies[rule.id].incomplete.extend(reasons)
        self._not_evaluated.append(NotEvaluated(rule.id, None, "; ".join(reasons), permission))

    def _mark(self, rule: Rule, resource: ResourceRef) -> str:
        mark = fingerprint(rule.id, self._tenant.id, resource.type, resource.id)
        if self._baseline is not None and mark in self._baseline.findings:
            self.met.add(mark)
        return mark
