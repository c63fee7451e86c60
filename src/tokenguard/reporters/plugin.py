"""The reporters that travel with tokenguard, through the hook that every plugin uses."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

from tokenguard.hookspecs import Reporter, Style, hookimpl
from tokenguard.model import Report

if TYPE_CHECKING:
    from tokenguard.differences import Difference

CLASSES = {
    "text": "text:TextReporter",
    "html": "html.reporter:HtmlReporter",
    "json": "json:JsonReporter",
    "sarif": "sarif:SarifReporter",
    "junit": "junit:JunitReporter",
    "markdown": "markdown:MarkdownReporter",
    "github": "github:GithubReporter",
    "csv": "csv:CsvReporter",
    "ocsf": "ocsf:OcsfReporter",
}
"""Format: module of this package, and class."""

DIFFERENCES = {"text": "diff_text", "json": "diff_json", "markdown": "diff_markdown"}
"""Format: module of this package that writes what changed."""


class Deferred:
    """A reporter that is imported when more than its format is asked of it: of so many a run needs one or two."""

    def __init__(self, format: str) -> None:  # noqa: A002  (as the protocol calls it)
        self.format = format

    @cached_property
    def _reporter(self) -> Reporter:
        module, _, name = CLASSES[self.format].partition(":")
        reporter: Reporter = getattr(import_module(f"tokenguard.reporters.{module}"), name)()
        return reporter

    @property
    def title(self) -> str:
        """See `tokenguard.hookspecs.Reporter`."""
        return self._reporter.title

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:
        """See `tokenguard.hookspecs.Reporter`."""
        self._reporter.write(report, out, style)


class Comparing(Deferred):
    """One that can also write what changed."""

    def write_difference(self, difference: Difference, out: BinaryIO, style: Style) -> None:
        """See `tokenguard.hookspecs.DifferenceReporter`."""
        import_module(f"tokenguard.reporters.{DIFFERENCES[self.format]}").write_difference(difference, out, style)


@hookimpl
def tokenguard_reporters() -> Iterable[Reporter]:
    """Text and a page for people, JSON for programs, SARIF for code scanning."""
    return [(Comparing if name in DIFFERENCES else Deferred)(name) for name in CLASSES]
