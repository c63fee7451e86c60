"""What could not be evaluated, for people, so that no plan and no end of a fix is taken for the whole truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokenguard.changes import Gap
from tokenguard.cli import context
from tokenguard.model import Report
from tokenguard.planning.gaps import gaps_of
from tokenguard.rules.messages import count


def gap_lines(gaps: Iterable[Gap]) -> Iterator[str]:
    """Each cause, with its call and the permission that is missing, and under it the rules that it concerns."""
    for gap in gaps:
        yield f"  {_cause(gap)}"
        yield f"    {', '.join(gap.rules)}"


def say_gaps(report: Report) -> None:
    """Say on stderr what of `report` could not be evaluated; nothing where all could. `--quiet` does not hide it."""
    if gaps := tuple(gaps_of(report)):
        context.say("\n".join(("Not evaluated, which is not compliance:", *(f"  {_cause(gap)}" for gap in gaps))))


def _cause(gap: Gap) -> str:
    many = f" ({count(gap.resources, 'resource')})" if gap.resources else ""
    needs = f" (needs the permission {gap.permission})" if gap.permission else ""  # as reports say it
    return f"{gap.reason}{needs}{many}"
