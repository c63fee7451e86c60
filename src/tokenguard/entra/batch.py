"""Independent calls, twenty to a request, several requests at a time, each call with a fate of its own.

A part that is throttled goes back into the queue alone: waiting with its whole batch would take five times as long.
Source of the rules: Microsoft Graph, "combine multiple requests in one HTTP call using JSON batching".
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import random
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.client import GraphClient
from tokenguard.entra.pacing import is_slow
from tokenguard.entra.paging import Trail
from tokenguard.entra.retry import Wait, next_try
from tokenguard.entra.routes import address_of, counts
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Fact

SIZE = 20
"""Parts that Graph takes in one batch."""
IN_FLIGHT = 4

Outcome = tuple[str, Fact | int | ReadFailure]


@dataclass(slots=True)
class _Part:
    """A call on its way through batches, page after page."""

    call: str
    trail: Trail
    rows: list[Fact] = field(default_factory=list)
    attempt: int = 0

    def request(self, number: int) -> dict[str, Any]:
        relative = self.trail.here.removeprefix(self.trail.root)
        asked: dict[str, Any] = {"id": str(number), "method": "GET", "url": relative}
        return asked | {"headers": {"ConsistencyLevel": "eventual"}} if counts(self.call) else asked

    def settle(self, client: GraphClient, outcome: Answer | Broken) -> Outcome | None:
        """What the call came to; None when there is a further page to be read."""
        if isinstance(outcome, Broken) or not outcome.ok:
            return self.call, client.failure(self.call, outcome)
        if self.call.partition("?")[0].endswith("/$count"):
            number = _number(outcome.body)
            return self.call, client.failure(self.call, Broken("200 without a number")) if number is None else number
        if not isinstance(outcome.body, dict):
            return self.call, client.failure(self.call, Broken("200 without an object"))
        if "value" not in outcome.body or "id" in outcome.body:
            return self.call, outcome.body
        followed = self.trail.follow(outcome)
        if isinstance(followed, Broken):
            return self.call, client.failure(self.call, followed)
        self.rows += followed[0]
        return None if followed[1] else (self.call, {"value": self.rows})


@dataclass(slots=True)
class _Later:
    """Parts that were turned away, and when (by the loop's clock) they may be asked again."""

    parts: list[_Part] = field(default_factory=list)
    until: float = 0.0
    why: str = ""

    def add(self, part: _Part, wait: Wait) -> None:
        part.attempt += 1
        self.parts.append(part)
        self.until, self.why = max(self.until, asyncio.get_running_loop().time() + wait.seconds), wait.why

    async def close_gate(self, client: GraphClient) -> bool:
        """Hold every request of the run until the parts may be asked; False when the run has no time for that."""
        seconds = max(0.0, self.until - asyncio.get_running_loop().time())
        return await client.pace.wait(Wait(seconds, shared=True, why=self.why))

    def give_up(self, client: GraphClient) -> list[Outcome]:
        reason = f"{self.why}; the {client.pace.left:.0f} s that this run may still wait are not enough"
        return [(part.call, client.failure(part.call, Broken(reason))) for part in self.take()]

    def take(self) -> list[_Part]:
        parts, self.parts = self.parts, []
        return parts


async def answers(client: GraphClient, calls: Sequence[str]) -> AsyncGenerator[list[Outcome], None]:
    """What each of `calls` came to, as batches come back. Calls of Conditional Access go one by one, at its pace."""
    parts = [_Part(call, Trail(client.root, address_of(client.sdk, call))) for call in calls]
    for part in parts:
        if is_slow(part.call):
            yield [await _alone(client, part)]
    ready = deque(part for part in parts if not is_slow(part.call))
    later = _Later()
    running: set[asyncio.Task[list[Outcome]]] = set()
    try:
        while ready or running or later.parts:
            if not ready and not running:
                if not await later.close_gate(client):
                    yield later.give_up(client)
                ready.extend(later.take())
            while ready and len(running) < IN_FLIGHT:
                batch = [ready.popleft() for _ in range(min(SIZE, len(ready)))]
                running.add(asyncio.create_task(_send(client, batch, ready, later)))
            if running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _alone(client: GraphClient, part: _Part) -> Outcome:
    while True:
        if outcome := part.settle(client, await client.get(part.call, part.trail.here)):
            return outcome


async def _send(client: GraphClient, batch: list[_Part], ready: deque[_Part], later: _Later) -> list[Outcome]:
    """The calls of `batch` that came to an end; the others are put into `ready` (a next page) or `later`."""
    requests = [part.request(number) for number, part in enumerate(batch)]
    whole = await client.batch(orjson.dumps({"requests": requests}))
    by_number = _parts(whole)
    finished: list[Outcome] = []
    turned_away = 0
    for number, part in enumerate(batch):
        outcome = by_number.get(str(number), _LEFT_OUT) if by_number is not None else whole
        wait = next_try(outcome, part.attempt + 1, client.patience, random.random())  # noqa: S311  (jitter)
        if wait and by_number is not None:
            turned_away += wait.shared
            later.add(part, wait)
        elif settled := part.settle(client, outcome):
            finished.append(settled)
        else:
            part.attempt = 0
            ready.append(part)
    if turned_away == len(batch) and not await later.close_gate(client):
        finished += later.give_up(client)
    return finished


_LEFT_OUT = Broken("left out of the answer to a batch")


def _parts(whole: Answer | Broken) -> Mapping[str, Answer] | None:
    """The answers in a batch by the number of the part; None where the batch as a whole came to nothing."""
    if isinstance(whole, Broken) or not whole.ok or not isinstance(whole.body, dict):
        return None
    responses = whole.body.get("responses")
    if not isinstance(responses, list):
        return None
    return {str(part["id"]): _answer(part, whole) for part in responses if _is_response(part)}


def _is_response(part: object) -> bool:
    return isinstance(part, dict) and "id" in part and isinstance(part.get("status"), int)


def _answer(part: Mapping[str, Any], whole: Answer) -> Answer:
    headers = {str(name).lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    return Answer(part["status"], {"date": whole.headers.get("date", ""), **headers}, part.get("body"))


def _number(body: object) -> int | None:
    """A count: alone it is a number; in a batch it may be text, or, as text of any kind there, base64."""
    if isinstance(body, int) and not isinstance(body, bool):
        return body
    if not isinstance(body, str):
        return None
    try:
        text = body if body.isdecimal() else base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    text = text.removeprefix("\ufeff")
    return int(text) if text.isdecimal() else None
