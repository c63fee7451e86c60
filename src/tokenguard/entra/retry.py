"""Whether a read that failed is worth another try, and after how long. Decisions only; waiting is `pacing`'s.

Every read goes through here once, the SDK's own retries are off: they leave out 500, 502 and broken connections, give
up on a long Retry-After, do not see inside batches, and would multiply with ours.
Source of what is retried: Microsoft Graph, "error responses" and "throttling guidance".
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from tokenguard.entra.answer import Answer, Broken

_PASSING = {408: False, 429: True, 500: False, 502: False, 503: True, 504: False}
"""Statuses that pass, and whether they speak of the service as a whole rather than of one request."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run puts up with a service."""

    attempts: int = 5
    """Tries of one request, where the service does not say when to repeat it."""
    asked_attempts: int = 20
    """Tries of one request that the service names a time for, each time anew."""
    first_wait: float = 0.5
    """Seconds before the second try; doubled for each further one."""
    budget: float = 900.0
    """Seconds that a whole run may spend waiting."""


@dataclass(slots=True)
class Budget:
    """What is left of a run's patience, for the token service and Graph together."""

    left: float
    """Seconds that the run may still spend waiting."""
    put_off: MutableMapping[str, tuple[float, str]] = field(default_factory=dict)
    """As `tokenguard.hookspecs.LiveTarget` has it."""

    def put_off_tokens(self, until: float, why: str) -> None:
        """No token is to be asked for before `until`, by the monotonic clock."""
        self.put_off[_TOKENS] = max((until, why), self.put_off.get(_TOKENS, (until, why)))

    def tokens_put_off(self, now: float) -> str:
        """Why no token is to be asked for yet; empty where one may be."""
        until, why = self.put_off.get(_TOKENS, (now, ""))
        return why if until > now else ""


_TOKENS = "a token"
"""No call of Graph: those begin with a slash."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again, after `seconds`."""

    seconds: float
    shared: bool
    """Whether every other request should wait as well."""
    why: str


def asked_wait(outcome: Answer | Broken) -> float:
    """Seconds that the service asked to wait before the request is repeated; 0 where it did not."""
    if isinstance(outcome, Broken):
        return outcome.asked
    return outcome.retry_after() or 0.0 if outcome.status in _PASSING else 0.0


def next_try(outcome: Answer | Broken, attempt: int, patience: Patience, jitter: float) -> Wait | None:
    """What to do after the `attempt`-th try (from 1) came to `outcome`; None: it stands.

    `jitter`, from 0 to 1, spreads the waits of clients that were turned away together. A time that the service names
    is kept to, however long: whether the run has it is for `pacing` to say.
    """
    if isinstance(outcome, Broken):
        again, shared, asked, why = outcome.passing, False, None, outcome.reason
    elif outcome.status in _PASSING:
        again, shared, asked = True, _PASSING[outcome.status], outcome.retry_after() or None
        why = f"Graph answered {outcome.explain()}{f' (Retry-After: {asked:.0f} s)' if asked else ''}"
    else:
        return None
    if not again or attempt >= (patience.asked_attempts if asked else patience.attempts):
        return None
    own = patience.first_wait * 2.0 ** (attempt - 1) * (0.5 + jitter)
    return Wait(asked + jitter * patience.first_wait if asked else own, shared, why)
