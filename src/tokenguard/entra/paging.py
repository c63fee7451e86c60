"""Following a collection page by page. The SDK's iterator stops at an empty page, and follows a loop for ever.

Source of the rules: Microsoft Graph, "paging".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.client import GraphClient
from tokenguard.entra.routes import address_of
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Fact

_LINK = "@odata.nextLink"
_MOST_BARREN = 100
"""Pages without a row, one after another, that are followed; Graph documents that there may be some."""


@dataclass(slots=True)
class Trail:
    """Where a collection has been read so far, so that it ends where it should."""

    root: str
    """The address that every page must be below."""
    here: str
    """The address of the page that is read now."""
    passed: set[str] = field(default_factory=set)
    barren: int = 0
    """How many pages without a row came last."""

    def follow(self, page: Answer) -> tuple[list[Fact], str | None] | Broken:
        """The rows of `page`, and where the next one is; None behind the last. Pages may be empty."""
        body: Any = page.body
        rows = body.get("value") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not set(map(type, rows)) <= {dict} or "error" in body:
            return Broken("200 without rows: this is no collection, or no Microsoft Graph", passing=False)
        link = body.get(_LINK)
        if rows:
            self.passed.add(self.here)
        self.barren = 0 if rows else self.barren + 1
        if flaw := self._flaw(link, body):
            return Broken(flaw, passing=False)
        if link is not None:
            self.passed.add(link)
            self.here = link
        return rows, link

    def _flaw(self, link: object, names: Iterable[str]) -> str:
        """Why `link`, one of the `names` of a page, leads to no other page; empty where it does, or nothing follows."""
        if any(name != _LINK and name.casefold().endswith("nextlink") for name in names):
            return "the link to the next page has another name than Graph's; it was not followed"
        if link is None:
            return ""
        if not isinstance(link, str) or not self._is_below(link):
            return "the link to the next page leads to another place; it was not followed"
        if self.barren == _MOST_BARREN:
            return f"{_MOST_BARREN} pages without a row, one after another: this leads nowhere"
        return "the link to the next page leads back to one that was read" if link in self.passed else ""

    def _is_below(self, link: str) -> bool:
        """Whether `link` stays below the root, however its path is read: a step up may be encoded."""
        path = unquote(link.removeprefix(self.root).partition("?")[0]).replace("\\", "/")
        return link.startswith(f"{self.root}/") and ".." not in path.split("/")


async def pages(client: GraphClient, call: str) -> AsyncGenerator[list[Fact | ReadFailure], None]:
    """The rows of every page of `call`; a failure is the last row of all. One page is held at a time."""
    address: str | None = address_of(client.sdk, call)
    trail = Trail(client.root, str(address))
    while address:
        answer = await client.get(call, address)
        followed = trail.follow(answer) if isinstance(answer, Answer) and answer.ok else answer
        if not isinstance(followed, tuple):
            yield [client.failure(call, followed)]
            return
        rows, address = followed
        yield [*rows]
