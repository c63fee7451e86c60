"""What changed, for people."""

from __future__ import annotations

from typing import BinaryIO

from tokenguard.configured import in_words
from tokenguard.differences import Change, Difference, FindingChange, ResourceChange, Turn
from tokenguard.hookspecs import Style
from tokenguard.layout import Page, Paint
from tokenguard.reporters import wording
from tokenguard.reporters.diff_words import conclusion, counts, side, verdict

_CHANGES = {Change.APPEARED: Paint.YELLOW, Change.GONE: Paint.BLUE, Change.CHANGED: Paint.YELLOW}
_TURNS = {Turn.NEW: Paint.BRIGHT_RED, Turn.CHANGED: Paint.RED, Turn.FIXED: Paint.GREEN, Turn.SETTLED: Paint.BLUE}


def write_difference(difference: Difference, out: BinaryIO, style: Style) -> None:
    """As text, with colour and wrapped where `style` says so."""
    page = Page(out, style)
    page.line(wording.tenant(difference.tenant), paint=Paint.BOLD, label=verdict(difference))
    page.line(f"before: {side(difference.old)}", indent=2, paint=Paint.DIM)
    page.line(f"now:    {side(difference.new)}", indent=2, paint=Paint.DIM)
    for line in in_words(difference.configured):
        page.line(line, indent=2)
    for change in difference.resources:
        _write_resource(page, change)
    for finding in difference.findings:
        _write_finding(page, finding)
    if difference.not_compared:
        page.line()
        page.line("nobody can say whether it changed", paint=Paint.BRIGHT_YELLOW, label="NOT COMPARED")
        for item in difference.not_compared:
            page.line(f"{item.what}: {item.reason}", indent=2, paint=Paint.YELLOW)
    page.line()
    page.line(counts(difference))
    page.line(conclusion(difference))


def _write_resource(page: Page, item: ResourceChange) -> None:
    page.line()
    page.line(item.words, label=str(item.change).upper(), paint=_CHANGES[item.change])
    page.line(f"{item.resource.type} {item.resource.id}", indent=2, paint=Paint.DIM)


def _write_finding(page: Page, item: FindingChange) -> None:
    finding = item.finding
    page.line()
    page.line(f"{finding.severity} {finding.rule}", label=str(item.turn).upper(), paint=_TURNS[item.turn])
    page.line(finding.message, indent=2)
    for violation in finding.violations:
        page.line(wording.violation(violation), indent=2)
    if item.before is not None:
        page.line(f"before: {item.before.message}", indent=2)
    page.line(f"{finding.resource.type} {finding.resource.id}", indent=2, paint=Paint.DIM)
