"""The reporters that travel with tokenguard are known before they are imported."""

from __future__ import annotations

import pytest

from tokenguard.reporters import plugin
from tokenguard.reporters.plugin import CLASSES, Deferred


@pytest.mark.parametrize("name", CLASSES)
def test_a_reporter_is_known_by_the_format_it_writes(name: str) -> None:
    deferred = Deferred(name)
    assert deferred._reporter.format == name
    assert deferred.title == deferred._reporter.title != ""


def test_every_format_is_offered() -> None:
    assert [reporter.format for reporter in plugin.tokenguard_reporters()] == [*CLASSES]
