"""Independent calls, twenty to a request, several requests at a time, each call with a fate of its own.

A part that is turned away goes back into the queue alone: waiting with its whole batch would take five times as long.
Source of the rules: Microsoft Graph, "combine multiple requests in one HTTP call using JSON batching".
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.client import GraphClient
from tokenguard.entra.pacing import given_up, is_slow
from tokenguard.entra.part import Outcome, Part
from tokenguard.entra.retry import Wait, asked_wait, next_try

SIZE = 20
"""Parts that Graph takes in one batch."""
IN_FLIGHT = 4


async def answers(client: GraphClient, calls: Sequence[str]) -> AsyncGenerator[list[Outcome], None]:
    """What each of `calls` came to, as batches come back. Calls of Conditional Access go one by one, at its pace."""
    for call in filter(is_slow, calls):
        yield [await _alone(client, Part(client, call))]
    queue = _Queue(client, deque())
    for call in calls:
        if not is_slow(call):
            queue.add(Part(client, call))
    running: set[asyncio.Task[list[tuple[Part, Answer | Broken]]]] = set()
    try:
        while queue.ready or queue.later or running:
            if len(queue.later) >= SIZE or not (queue.ready or running):
                yield await queue.reopen()
            while queue.ready and len(running) < IN_FLIGHT:
                running.add(asyncio.create_task(_send(client, queue.take())))
            if running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield [end for part, outcome in task.result() if (end := queue.settle(part, outcome))]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass(slots=True)
class _Queue:
    """What is to be asked: at once, or, for parts that were turned away, later."""

    client: GraphClient
    ready: deque[Part]
    later: list[Part] = field(default_factory=list)
    until: float = 0.0
    """When `later` may be asked, by the loop's clock."""
    why: str = ""

    def add(self, part: Part) -> None:
        """A further part, which may be one that an earlier reading was asked to wait for."""
        if wait := self.client.pace.put_off_until(part.call):
            self._put_off(part, wait)
        else:
            self.ready.append(part)

    def take(self) -> list[Part]:
        """The next batch."""
        return [self.ready.popleft() for _ in range(min(SIZE, len(self.ready)))]

    def settle(self, part: Part, outcome: Answer | Broken) -> Outcome | None:
        """What the part's call came to; None when the part is back in the queue."""
        if not part.renewed and self.client.renews(outcome, part.generation):
            part.renewed = True
            self.ready.append(part)
            return None
        wait = next_try(outcome, part.attempt + 1, self.client.patience, random.random())  # noqa: S311  (jitter)
        if wait:
            part.attempt += 1
            part.asked_until = _now() + asked_wait(outcome)
            self._put_off(part, wait)
            return None
        end = part.settle(outcome)
        if end is None:
            self.ready.append(part)
        return end

    async def reopen(self) -> list[Outcome]:
        """Let the parts that were turned away in again, and all requests wait until then; or give these parts up."""
        parts, self.later = self.later, []
        seconds = max(0.0, self.until - _now())
        if await self.client.pace.wait(Wait(seconds, shared=True, why=self.why)):
            self.ready.extend(parts)
            return []
        ends = ((part, given_up(self.why, max(0.0, part.asked_until - _now()))) for part in parts)
        return [end for part, outcome in ends if (end := part.settle(outcome))]

    def _put_off(self, part: Part, wait: Wait) -> None:
        self.later.append(part)
        self.until, self.why = max(self.until, _now() + wait.seconds), wait.why


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _alone(client: GraphClient, part: Part) -> Outcome:
    while True:
        if end := part.settle(await client.get(part.call, part.trail.here)):
            return end


async def _send(client: GraphClient, batch: Sequence[Part]) -> list[tuple[Part, Answer | Broken]]:
    """What each part of `batch` was answered."""
    requests = [part.request(number) for number, part in enumerate(batch)]
    for part in batch:
        part.generation = client.generation
    whole = await client.batch(orjson.dumps({"requests": requests}))
    if isinstance(whole, Broken) or not whole.ok:
        reason = whole.reason if isinstance(whole, Broken) else whole.explain()
        lasting = Broken(
            f"the batch it was in came to nothing: {reason}",
            passing=False,  # it was tried again already
            refusal=whole.refusal,
            asked=asked_wait(whole),
        )
        return [(part, lasting) for part in batch]
    answered = _by_number(whole)
    return [(part, answered.get(str(number), _LEFT_OUT)) for number, part in enumerate(batch)]


_LEFT_OUT = Broken("left out of the answer to a batch")


def _by_number(whole: Answer) -> Mapping[str, Answer]:
    """The answers in a batch by the number of their part; what makes no sense, as two of one number, is left out."""
    responses = whole.body.get("responses") if isinstance(whole.body, dict) else None
    parts = [part for part in responses if isinstance(part, dict)] if isinstance(responses, list) else []
    times = Counter(str(part.get("id")) for part in parts)
    fit = [part for part in parts if isinstance(part.get("status"), int) and times[str(part.get("id"))] == 1]
    return {str(part.get("id")): _answer(part, whole) for part in fit}


def _answer(part: Mapping[str, Any], whole: Answer) -> Answer:
    sent = part.get("headers")
    headers = {str(name).lower(): str(value) for name, value in sent.items()} if isinstance(sent, dict) else {}
    return Answer(part["status"], {"date": whole.headers.get("date", ""), **headers}, part.get("body"))
