"""One of many independent calls on its way to its end, page after page."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from typing import Any

from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.client import GraphClient
from tokenguard.entra.paging import Trail
from tokenguard.entra.routes import address_of, counts
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Fact

Outcome = tuple[str, Fact | int | ReadFailure]


@dataclass(slots=True)
class Part:
    """A call, what was read of it, and what is to be asked next."""

    client: GraphClient
    call: str
    trail: Trail = field(init=False)
    rows: list[Fact] = field(default_factory=list)
    attempt: int = 0
    """How often the page that is read now was asked for in vain."""
    generation: int = 0
    """Of the token that it was asked for with last."""
    asked_until: float = -math.inf
    """When Graph takes it again, by the loop's clock, where it named a time."""
    renewed: bool = False
    """Whether it was asked for again with another token."""

    def __post_init__(self) -> None:
        self.trail = Trail(self.client.root, address_of(self.client.sdk, self.call))

    def request(self, number: int) -> dict[str, Any]:
        """The part of a batch that asks for the next page."""
        address = self.trail.here.removeprefix(self.trail.root)
        asked: dict[str, Any] = {"id": str(number), "method": "GET", "url": address}
        return asked | {"headers": {"ConsistencyLevel": "eventual"}} if counts(self.call) else asked

    def settle(self, outcome: Answer | Broken) -> Outcome | None:
        """What the call came to; None when there is a further page to be read."""
        self.attempt = 0
        value = self._value(outcome) if isinstance(outcome, Answer) and outcome.ok else outcome
        if isinstance(value, Answer | Broken):
            return self.call, self.client.failure(self.call, value)
        return None if value is None else (self.call, value)

    def _value(self, answer: Answer) -> Fact | int | Broken | None:
        body = answer.body
        if self.call.partition("?")[0].endswith("/$count"):
            number = _number(body)
            return Broken("200 without a number") if number is None else number
        if not isinstance(body, dict):
            return Broken("200 without an object")
        if "value" not in body or ("id" in body and "@odata.nextLink" not in body):
            refused = isinstance(body.get("error"), dict) and ("value" in body or "id" not in body)
            return Broken(answer.explain(), passing=False) if refused else body
        followed = self.trail.follow(answer)
        if isinstance(followed, Broken):
            return followed
        rows, link = followed
        self.rows += rows
        return None if link else {"value": self.rows}


def _number(body: object) -> int | None:
    """A count: alone it is a number; in a batch it may be text, or, as text of any kind there, base64."""
    if isinstance(body, int) and not isinstance(body, bool):
        return body if body >= 0 else None
    if not isinstance(body, str):
        return None
    try:
        text = body if body.lstrip(_MARK).isdecimal() else base64.b64decode(body, validate=True).decode()
        text = text.lstrip(_MARK)
        return int(text) if text.isdecimal() else None
    except ValueError:
        return None


_MARK = "\ufeff"
"""The byte order mark that Graph begins a count with."""
