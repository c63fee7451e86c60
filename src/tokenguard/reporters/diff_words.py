"""What a comparison comes to, in words, the same in every format that people read."""

from __future__ import annotations

from collections import Counter
from datetime import UTC

from tokenguard.differences import Change, Difference, Side, Turn


def side(item: Side) -> str:
    """Where it came from, and when."""
    return f"{item.source}, collected {item.collected_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def verdict(item: Difference) -> str:
    """In a word or two: no change is claimed where something could not be compared."""
    if item.resources or item.findings:
        return "CHANGED"
    return "NOT FULLY COMPARED" if item.not_compared else "UNCHANGED"


def counts(item: Difference) -> str:
    """``1 appeared, 2 fixed, 40 unchanged, 3 not compared``."""
    numbers = Counter[str]([*(each.change for each in item.resources), *(each.turn for each in item.findings)])
    parts = [f"{numbers[word]} {word}" for word in dict.fromkeys([*Turn, *Change]) if numbers[word]]
    parts.append(f"{item.unchanged} unchanged")
    if item.not_compared:
        parts.append(f"{len(item.not_compared)} not compared")
    return ", ".join(parts)
