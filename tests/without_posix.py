"""Running programs where what POSIX has is hidden from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HIDDEN = Path(__file__).with_name("hidden")


def hiding(environment: Mapping[str, str], *further: Path) -> dict[str, str]:
    """`environment`, with `tests/hidden/sitecustomize.py` imported by every Python; `further` folders come after it."""
    return {**environment, "PYTHONPATH": ":".join(map(str, (HIDDEN, *further)))}
