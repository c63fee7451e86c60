"""Keeps all requests of a run to the pace of the service: one gate for everyone, one budget of waiting.

Source of the pace of Conditional Access: Microsoft Graph, "service-specific throttling limits".
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, MutableMapping

from tokenguard.entra.answer import Broken
from tokenguard.entra.retry import Budget, Wait

_SLOW = ("/identity/conditionalAccess", "/policies/conditionalAccessPolicies")
_SLOW_INTERVAL = 1.0
"""Seconds between two requests to `_SLOW` paths: one a second for a whole tenant, and a 429 there names no time."""
_LONGEST_ANSWER = 100.0
"""Seconds that one answer may take, from asking to its last byte; as the SDKs' own."""
_HONEST_ANSWER = 30.0
"""Seconds that it may take even where the run has no time left to wait: a large page is no failure yet."""


def is_slow(call: str) -> bool:
    """Whether `call` is of Conditional Access, which has a narrow limit of its own and is kept out of batches."""
    return call.startswith(_SLOW)


class Pace:
    """When the next request may go out, and how much longer this run is willing to wait. Seconds throughout.

    `progress` hears once of each wait, `tick` every second of what is left of it.
    """

    def __init__(
        self,
        budget: Budget,
        progress: Callable[[str], None] | None = None,
        tick: Callable[[str], None] | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        put_off: MutableMapping[str, tuple[float, str]] | None = None,
    ) -> None:
        self._budget = budget
        self._put_off = {} if put_off is None else put_off
        self.requests = 0
        """How many requests have had their turn, repeated ones included."""
        self._progress = progress
        self._tick = tick
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._sleep = sleep
        self._gate = -math.inf
        self._why = ""
        self._slow = -math.inf
        self._lost = -math.inf

    @property
    def left(self) -> float:
        """How much longer this run is willing to wait."""
        return self._budget.left

    @property
    def allowance(self) -> float:
        """How long the next answer may take as a whole."""
        return min(_LONGEST_ANSWER, max(_HONEST_ANSWER, self.left))

    def now(self) -> float:
        """The time, for `lose`."""
        return self._clock()

    def lose(self, since: float) -> None:
        """Count the time from `since` to now as waited: a request came to nothing. Others may have lost it as well."""
        now = self._clock()
        self._budget.left -= now - max(since, self._lost)
        self._lost = now

    async def turn(self, call: str) -> None:
        """Return when `call` may be made."""
        await self._gate_opens()
        if is_slow(call):
            start = max(self._clock(), self._slow)
            self._slow = start + _SLOW_INTERVAL
            while (left := start - self._clock()) > 0:
                await self._sleep(left)
            await self._gate_opens()  # it may have closed meanwhile
        self.requests += 1

    def put_off(self, call: str, seconds: float, why: str) -> None:
        """Note that `call` was given up, and that the service asked not to be asked again for so many `seconds`."""
        until = self._clock() + seconds
        self._put_off[call] = max((until, why), self._put_off.get(call, (until, why)))

    def put_off_until(self, call: str) -> Wait | None:
        """The wait that is left of what `call` was put off for; None where it may be made."""
        until, why = self._put_off.get(call, (-math.inf, ""))
        left = until - self._clock()
        return Wait(left, shared=False, why=why) if left > 0 else None

    async def _gate_opens(self) -> None:
        while self._gate > self._clock():
            await self._pass(self._gate, self._why)

    async def wait(self, wait: Wait) -> bool:
        """Wait as asked, all requests together if it is `shared`; False, at once, when the run has no time for that."""
        now = self._clock()
        until = now + wait.seconds
        cost = until - max(self._gate, now) if wait.shared else wait.seconds
        if cost > self.left:
            return False
        self._budget.left -= max(0.0, cost)
        if self._progress:
            self._progress(_waiting(wait.seconds, wait.why))
        if wait.shared:
            self._gate, self._why = max((self._gate, self._why), (until, wait.why))
        else:
            await self._pass(until, wait.why)
        return True

    async def _pass(self, until: float, why: str) -> None:
        """Sleep, and say each second how much longer."""
        while (left := until - self._clock()) > 0:
            if self._tick:
                self._tick(_waiting(left, why))
            await self._sleep(min(left, 1.0))


def _waiting(seconds: float, why: str) -> str:
    return f"waiting {math.ceil(seconds)} s: {why}"


def given_up(why: str, asked: float = 0.0) -> Broken:
    """What a request comes to that would have to wait longer than the run does; `asked` as `Broken` has it."""
    # NOTE: no seconds of ours: with their jitter, two scans of one tenant would give two reports.
    return Broken(f"{why.removesuffix(_NO_MORE)}{_NO_MORE}", passing=False, asked=asked)


_NO_MORE = "; this run waits no more for it"
