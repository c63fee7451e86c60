"""What a comparison comes to, in words, the same in every format that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC

from tokenguard.differences import Change, Difference, Side, Turn
from tokenguard.exit_status import ExitStatus


def side(item: Side) -> str:
    """Where it came from, and when."""
    return f"{item.source}, collected {item.collected_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def verdict(item: Difference) -> str:
    """In a word or two: no change is claimed where something could not be compared."""
    if item.resources or item.findings:
        return "CHANGED"
    return "NOT FULLY COMPARED" if item.not_compared else "UNCHANGED"


def counts(item: Difference) -> str:
    """``resources: 1 appeared, 40 unchanged; findings: 2 fixed, 7 unchanged; 3 not compared``."""
    parts = []
    if item.unchanged_resources is not None:
        parts.append(_numbers("resources", Change, (each.change for each in item.resources), item.unchanged_resources))
    if item.unchanged_findings is not None:
        parts.append(_numbers("findings", Turn, (each.turn for each in item.findings), item.unchanged_findings))
    if item.not_compared:
        parts.append(f"{len(item.not_compared)} not compared")
    return "; ".join(parts)


def conclusion(item: Difference) -> str:
    """The last line: ``exit status 0: everything could be compared; 7 findings stand unchanged``."""
    said = f"exit status {int(item.exit_status)}: {_MEANINGS[item.exit_status]}"
    standing = item.unchanged_findings
    if standing is None:
        return said
    number = (
        "no finding stands" if standing == 0 else "1 finding stands" if standing == 1 else f"{standing} findings stand"
    )
    return f"{said}; {number} unchanged"


_MEANINGS = {
    ExitStatus.COMPLIANT: "everything could be compared",
    ExitStatus.FINDINGS: "something changed that was to fail the comparison",
    ExitStatus.NOT_EVALUATED: "not everything could be compared",
}


def _numbers(what: str, words: Iterable[str], met: Iterable[str], unchanged: int) -> str:
    numbers = Counter(met)
    parts = [f"{numbers[word]} {word}" for word in words if numbers[word]]
    return f"{what}: {', '.join([*parts, f'{unchanged} unchanged'])}"
