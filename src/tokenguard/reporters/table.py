"""The table of rules at the end of a text report: how often each was judged, and how."""

from __future__ import annotations

from collections.abc import Sequence

from tokenguard.layout import Page, Paint
from tokenguard.model import RuleResult

_COLUMNS = (
    ("fail", Paint.RED),
    ("exempt", Paint.NONE),
    ("known", Paint.NONE),
    ("unjudged", Paint.YELLOW),
    ("pass", Paint.GREEN),
)
_GAP = 2


def write_table(page: Page, results: Sequence[RuleResult]) -> None:
    """One row a rule; the numbers stand on a line of their own where the rule's id leaves no room beside it."""
    if not results:
        return
    rows = [_numbers(result) for result in results]
    widths = [_GAP + max(len(title), *(len(row[column]) for row in rows)) for column, (title, _) in enumerate(_COLUMNS)]
    first = max(len(result.rule.id) for result in results)
    beside = not page.style.width or first + sum(widths) <= page.style.width
    page.line()
    page.row(_cells([title for title, _ in _COLUMNS], widths, "rule".ljust(first) if beside else "", Paint.BOLD))
    for result, row in zip(results, rows, strict=True):
        if not beside:
            page.line(result.rule.id)
        start = result.rule.id.ljust(first) if beside else ""
        page.row(
            _cells(row, widths, start)
            if result.selected or result.incomplete
            else [(start + _nothing(widths), Paint.DIM)]
        )


def _numbers(result: RuleResult) -> list[str]:
    """A zero is a dash; what is left of a type that was not read to the end, nobody can count."""
    unknown = "rest" if result.incomplete else str(result.not_evaluated)
    numbers = [str(result.failed), str(result.exempt), str(result.known), unknown, str(result.passed)]
    return ["-" if number == "0" else number for number in numbers]


def _cells(
    row: Sequence[str], widths: Sequence[int], start: str, paint: Paint | None = None
) -> list[tuple[str, Paint]]:
    cells = [(start, paint or Paint.NONE)]
    for text, width, (_, color) in zip(row, widths, _COLUMNS, strict=True):
        cells.append((text.rjust(width), paint or (Paint.DIM if text == "-" else color)))
    return cells


def _nothing(widths: Sequence[int]) -> str:
    return "nothing to check".rjust(sum(widths))
