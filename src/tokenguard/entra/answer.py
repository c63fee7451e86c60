"""What Graph answered, whole or as a part of a batch: one shape, so that both are judged alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import responses
from typing import Any

REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""Statuses that say of whoever asks, and not of what was asked for, that there is no answer."""
_LONGEST_REASON = 400
_TOKEN = re.compile(r"\beyJ[\w-]+(\.[\w-]*)*")
"""A JSON Web Token, or its beginning, wherever it stands."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status with what came with it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: Any = None
    """Parsed JSON; text where it was none."""

    @property
    def ok(self) -> bool:
        return self.status == HTTPStatus.OK

    @property
    def forbidden(self) -> bool:
        """Whether it says that a permission is wanting."""
        return self.status == HTTPStatus.FORBIDDEN

    @property
    def refusal(self) -> int:
        """The status, where it is one of `REFUSALS`; 0 otherwise."""
        return self.status if self.status in REFUSALS else 0

    def explain(self) -> str:
        """Status, Graph's error code and message in one line, e.g. ``403 Authorization_RequestDenied: ...``."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        error = error if isinstance(error, dict) else {}
        words = [str(text) for text in (error.get("code"), error.get("message")) if text]
        unsaid = f"{responses.get(self.status, '')} without an error of Graph's"
        return one_line(f"{self.status} {': '.join(words) or unsaid}")

    def retry_after(self) -> float | None:
        """Seconds that ``Retry-After`` asks to wait; None where it says nothing of use.

        A date is measured against the answer's own ``Date``, so that no clock of ours matters.
        """
        text = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        until, now = _date(text), _date(self.headers.get("date", ""))
        return max(0.0, (until - now).total_seconds()) if until and now else None


@dataclass(frozen=True, slots=True)
class Broken:
    """A request that came to no answer at all: why, and whether another try may help."""

    reason: str
    passing: bool = True
    refusal: int = 0
    """401 or 403, where the request that it was part of was answered with that; 0 otherwise."""
    asked: float = 0.0
    """Seconds that the service asked to wait before the request is repeated, where it was given up for that."""

    @property
    def forbidden(self) -> bool:
        """Whether it was turned away for want of a permission."""
        return self.refusal == HTTPStatus.FORBIDDEN


def one_line(text: str) -> str:
    """`text` for a message: no line breaks, no tokens, not longer than a person reads."""
    line = _TOKEN.sub("[token]", " ".join(text.split()))
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"


def _date(text: str) -> datetime | None:
    try:
        from email.utils import parsedate_to_datetime  # noqa: PLC0415  (10 ms that few answers need)

        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)  # HTTP knows no other zone; "-0000" and none at all give none
