"""Keeps all requests of a run to the pace of the service: one gate for everyone, one budget of waiting.

Source of the pace of Conditional Access: Microsoft Graph, "service-specific throttling limits".
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

from tokenguard.entra.answer import Broken
from tokenguard.entra.retry import Wait

_SLOW = ("/identity/conditionalAccess", "/policies/conditionalAccessPolicies")
_SLOW_INTERVAL = 1.0
"""Seconds between two requests to `_SLOW` paths: one a second for a whole tenant, and a 429 there names no time."""


def is_slow(call: str) -> bool:
    """Whether `call` is of Conditional Access, which has a narrow limit of its own and is kept out of batches."""
    return call.startswith(_SLOW)


class Pace:
    """When the next request may go out, and how much longer this run is willing to wait. Seconds throughout."""

    def __init__(
        self,
        budget: float,
        progress: Callable[[str], None] | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.left = budget
        self._progress = progress
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._sleep = sleep
        self._gate = -math.inf
        self._slow = -math.inf

    async def turn(self, call: str) -> None:
        """Return when `call` may be made."""
        while (closed := self._gate - self._clock()) > 0:
            await self._sleep(closed)
        if is_slow(call):
            now = self._clock()
            start = max(now, self._slow)
            self._slow = start + _SLOW_INTERVAL
            await self._sleep(start - now)

    async def wait(self, wait: Wait) -> bool:
        """Wait as asked, all requests together if it is `shared`; False, at once, when the run has no time for that."""
        now = self._clock()
        until = now + wait.seconds
        cost = until - max(self._gate, now) if wait.shared else wait.seconds
        if cost > self.left:
            return False
        self.left -= max(0.0, cost)
        if self._progress:
            self._progress(f"waiting {math.ceil(wait.seconds)} s: {wait.why}")
        if wait.shared:
            self._gate = max(self._gate, until)
        else:
            await self._sleep(wait.seconds)
        return True


def given_up(why: str) -> Broken:
    """What a request comes to that would have to wait longer than the run does."""
    # NOTE: no seconds of ours: with their jitter, two scans of one tenant would give two reports.
    return Broken(f"{why}; this run waits no more for it", passing=False)
