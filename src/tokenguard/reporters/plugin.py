"""The reporters that travel with tokenguard, through the hook that every plugin uses."""

from __future__ import annotations

from collections.abc import Iterable

from tokenguard.hookspecs import Reporter, hookimpl
from tokenguard.reporters.csv import CsvReporter
from tokenguard.reporters.github import GithubReporter
from tokenguard.reporters.html.reporter import HtmlReporter
from tokenguard.reporters.json import JsonReporter
from tokenguard.reporters.junit import JunitReporter
from tokenguard.reporters.markdown import MarkdownReporter
from tokenguard.reporters.ocsf import OcsfReporter
from tokenguard.reporters.sarif import SarifReporter
from tokenguard.reporters.text import TextReporter


@hookimpl
def tokenguard_reporters() -> Iterable[Reporter]:
    """Text and a page for people, JSON for programs, SARIF for code scanning."""
    return [
        TextReporter(),
        HtmlReporter(),
        JsonReporter(),
        SarifReporter(),
        JunitReporter(),
        MarkdownReporter(),
        GithubReporter(),
        CsvReporter(),
        OcsfReporter(),
    ]
