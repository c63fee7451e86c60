"""What this package contributes to tokenguard."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenguard.hookspecs import Collector, hookimpl
from tokenguard_conditional_access.policies import ConditionalAccessCollector


@hookimpl
def tokenguard_collectors() -> Iterable[Collector]:
    """The one collector."""
    return [ConditionalAccessCollector()]


@hookimpl
def tokenguard_rule_paths() -> Iterable[Path]:
    """The pack ``conditional-access``."""
    return [Path(__file__).parent / "conditional-access"]
