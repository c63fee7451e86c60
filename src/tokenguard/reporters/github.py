"""The report for GitHub Actions: annotations on standard output, and the Markdown report as the job's summary.

Source: GitHub Docs, "Workflow commands for GitHub Actions"; the escapes as the runner undoes them (``ActionCommand``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from tokenguard.configured import in_words
from tokenguard.errors import UsageError
from tokenguard.hookspecs import Style
from tokenguard.model import Finding, FindingStatus, NotEvaluated, Report
from tokenguard.reporters import wording
from tokenguard.reporters.conclusions import verdict
from tokenguard.reporters.markdown import blocks
from tokenguard.rules.messages import count
from tokenguard.untrusted import visible

SHOWN = 10
"""Annotations of one level that GitHub shows for a step; further ones it drops."""
SUMMARY_LIMIT = 1024 * 1024
"""Bytes; of a larger summary GitHub shows nothing at all."""

_CUT = "\n> **Cut off here: GitHub shows no summary of more than 1 MiB.** `--output FILE` writes the whole report.\n"
_FULL = "tokenguard: the summary of this step is full (GitHub shows none of more than 1 MiB): the report is not in it\n"


class GithubReporter:
    """Reporter of the format ``github``."""

    format = "github"
    title = "GitHub Actions: annotations, and a Markdown summary of the job"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:
        out.writelines(line.encode() + b"\n" for line in _commands(report))
        if style.summary is not None and not append_summary(report, style.summary):
            out.write(_FULL.encode())


def append_summary(report: Report, path: Path) -> bool:
    """Add the report to the summary of the step, as far as it fits beside what others wrote.

    False where there is not even room to say that it is cut off. Raises `UsageError` for what cannot be written.
    """
    try:
        with path.open("ab") as file:
            room = SUMMARY_LIMIT - file.tell() - len(_CUT.encode())
            for block in map(str.encode, blocks(report)):
                if len(block) > room:
                    return room >= 0 and file.write(_CUT.encode()) > 0
                room -= file.write(block)
    except OSError as error:
        raise UsageError(
            f"{path}: the summary of the job cannot be written there ({error.strerror or error})",
            "GITHUB_STEP_SUMMARY names the file; unset it for annotations alone",
        ) from error
    return True


def _commands(report: Report) -> Iterator[str]:
    """At most `SHOWN` of each level, what fails the scan first; the rest is counted."""
    grave = sum(result.failed for result in report.rules if result.rule.severity >= report.fail_on)
    mild = sum(result.failed for result in report.rules) - grave
    unknown = sum(result.not_evaluated + bool(result.incomplete) for result in report.rules)
    yield from (_finding(item, "error") for item in _first(report, failing=True))
    yield from map(_not_evaluated, islice(report.not_evaluated, SHOWN))
    about = [*_about(report)]
    yield from about
    yield from islice((_finding(item, "notice") for item in _first(report, failing=False)), SHOWN - len(about))
    more = sum(max(0, number - SHOWN) for number in (grave, mild + len(about), unknown))
    rest = f"; {more} more than are annotated" if more else ""
    yield f"tokenguard: {verdict(report)}: {wording.conclusion(report)}{rest}"


def _about(report: Report) -> Iterator[str]:
    """By what was judged, and what the reader should know, an annotation each, however many there are of either."""
    if lines := in_words(report.configured):
        yield _command("notice", "tokenguard was configured", "\n".join(map(visible, lines)))
    if notices := wording.notices(report, SHOWN):
        title = f"tokenguard: {count(len(report.notices), 'notice')}"
        yield _command("notice", title, "\n".join(map(visible, notices)))


def _first(report: Report, *, failing: bool) -> Iterator[Finding]:
    """The first findings that count, of those that fail the scan or of those that do not."""
    new = (item for item in report.findings if item.status is FindingStatus.NEW)
    return islice((item for item in new if (item.severity >= report.fail_on) is failing), SHOWN)


def _finding(finding: Finding, level: str) -> str:
    where = f"({finding.resource.type} {finding.resource.id})"
    lines = [f"{finding.message} {where}", *map(wording.violation, finding.violations)]
    return _command(level, f"{finding.severity}: {finding.rule}", "\n".join(map(visible, lines)))


def _not_evaluated(item: NotEvaluated) -> str:
    subject = "all resources" if item.resource is None else wording.resource(item.resource)
    text = f"{subject}: {item.reason}{wording.needs(item.permission)}"
    return _command("warning", f"not evaluated: {item.rule}", visible(text))


def _command(level: str, title: str, text: str) -> str:
    """A workflow command; `text` may have several lines, of which none can begin a command of its own."""
    name = _data(visible(title)).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
