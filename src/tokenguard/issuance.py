"""How long a token lives that was just issued, and whether that is as expected: values and one decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LATE = 1
"""Seconds by which ``expires_in`` falls short of the lifetime: Entra says 3599 of an hour."""
SKEW = 300
"""Seconds that ``exp`` - ``iat`` may hold beyond the lifetime: Entra dates a token five minutes back."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What a token service said of a token. The token itself is not kept."""

    credential: str
    """How it was asked for, for people."""
    expires_in: int
    """Seconds, as the answer says."""
    claimed: int | None
    """``exp`` - ``iat`` of the token in seconds; None where it is none that can be read."""
    continuous: bool
    """Whether it was issued for continuous access evaluation, by its own word or because no policy can set so much."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A lifetime that is expected, in seconds: one length, or the span that Microsoft picks from."""

    shortest: int
    longest: int
    why: str
    """For people."""

    def met_by(self, issued: Issued) -> bool:
        """Whether the answer's ``expires_in`` is as expected, but for `LATE`."""
        return self.shortest - LATE <= issued.expires_in <= self.longest


def met(expected: Iterable[Expected], issued: Issued) -> tuple[Expected, ...]:
    """Those of `expected` that `issued` is as."""
    return tuple(each for each in expected if each.met_by(issued))


def consistent(issued: Issued) -> bool:
    """Whether the token says of itself what the answer says, but for `LATE` and `SKEW`."""
    return issued.claimed is None or 0 <= issued.claimed - issued.expires_in <= LATE + SKEW
