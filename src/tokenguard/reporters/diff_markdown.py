"""What changed, for a pull request or the summary of a job; escaped as reports are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from tokenguard.configured import in_words
from tokenguard.differences import Difference, FindingChange
from tokenguard.hookspecs import Style
from tokenguard.reporters import wording
from tokenguard.reporters.diff_words import conclusion, counts, side, verdict
from tokenguard.untrusted import markdown


def write_difference(difference: Difference, out: BinaryIO, style: Style) -> None:  # noqa: ARG001  (the same everywhere)
    """As GitHub-flavoured Markdown."""
    out.writelines(block.encode() for block in _blocks(difference))


def _blocks(difference: Difference) -> Iterator[str]:
    yield f"# tokenguard: {verdict(difference)}\n\n{markdown(f'Tenant: {wording.tenant(difference.tenant)}')}\n\n"
    yield f"- before: {markdown(side(difference.old))}\n- now: {markdown(side(difference.new))}\n"
    yield "".join(f"- {markdown(line)}\n" for line in in_words(difference.configured)) + "\n"
    yield f"{counts(difference)}\n\n"
    for change in difference.resources:
        about = f"{change.resource.type} {change.resource.id}"
        yield f"- **{change.change}**: {markdown(change.words)}\\\n  {markdown(about)}\n"
    yield from map(_finding, difference.findings)
    if difference.not_compared:
        yield "\n## Not compared: nobody can say whether it changed\n\n"
        yield from (f"- {markdown(item.what)}: {markdown(item.reason)}\n" for item in difference.not_compared)
    yield f"\n{conclusion(difference)}\n"


def _finding(item: FindingChange) -> str:
    finding = item.finding
    lines = [f"{finding.rule}: {finding.message}", *map(wording.violation, finding.violations)]
    if item.before is not None:
        lines.append(f"before: {item.before.message}")
    lines.append(f"{finding.resource.type} {finding.resource.id}")
    body = "\\\n  ".join(map(markdown, lines))
    return f"- **{item.turn}**, {finding.severity}: {body}\n"
