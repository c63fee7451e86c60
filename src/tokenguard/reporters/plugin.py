"""The reporters that travel with tokenguard, through the hook that every plugin uses."""

from __future__ import annotations

from collections.abc import Iterable

from tokenguard.hookspecs import Reporter, hookimpl
from tokenguard.reporters.json import JsonReporter
from tokenguard.reporters.sarif import SarifReporter
from tokenguard.reporters.text import TextReporter


@hookimpl
def tokenguard_reporters() -> Iterable[Reporter]:
    """Text for people, JSON for programs, SARIF for code scanning."""
    return [TextReporter(), JsonReporter(), SarifReporter()]
