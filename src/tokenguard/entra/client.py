"""One request to Graph, brought to an end: an answer, or what became of it after everything was tried."""

from __future__ import annotations

import asyncio
import binascii
import codecs
import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import orjson
from azure.core.exceptions import AzureError
from kiota_abstractions.request_information import RequestInformation
from msgraph.graph_service_client import GraphServiceClient

from tokenguard.entra.answer import Answer, Broken, one_line
from tokenguard.entra.pacing import Pace, given_up
from tokenguard.entra.permissions import missing_permission
from tokenguard.entra.retry import Patience, asked_wait, next_try
from tokenguard.entra.routes import batch_request, counts, get_request
from tokenguard.entra.signin import SignIn, is_unreachable
from tokenguard.entra.transport import OversizeError
from tokenguard.hookspecs import ReadFailure


@dataclass(frozen=True, slots=True)
class GraphClient:
    """The SDK's client with what it lacks: pace, patience, and a token that is renewed when Graph refuses it."""

    sdk: GraphServiceClient
    signed_in: SignIn
    pace: Pace
    patience: Patience

    @property
    def root(self) -> str:
        """The address that every call is below."""
        return self.sdk.request_adapter.base_url

    @property
    def generation(self) -> int:
        """Of the token that requests are sent with now."""
        return self.signed_in.credential.generation

    def renews(self, outcome: Answer | Broken, generation: int) -> bool:
        """Whether `outcome` says that the token of `generation` is no good, and there is another to try with."""
        unauthorized = isinstance(outcome, Answer) and outcome.status == HTTPStatus.UNAUTHORIZED
        return unauthorized and self.signed_in.credential.renew(generation)

    async def get(self, call: str, address: str) -> Answer | Broken:
        """GET `address`, which is `call` itself or the full address of one of its further pages."""

        def make() -> RequestInformation:
            info = get_request(self.sdk, address)
            if counts(call):
                info.headers.try_add("ConsistencyLevel", "eventual")  # a nextLink does not carry it over
            return info

        if (left := self.pace.put_off_until(call)) and not await self.pace.wait(left):
            return given_up(left.why)
        return await self._ask(call, make)

    async def batch(self, body: bytes) -> Answer | Broken:
        """POST a batch; it only reads, so it may be sent again like a GET."""
        return await self._ask("/$batch", lambda: batch_request(body))

    def failure(self, call: str, outcome: Answer | Broken) -> ReadFailure:
        """`outcome` of `call` for people, with the permission that is missing where Graph refused.

        Where Graph named a time to repeat it, whoever asks for `call` once more will wait for that.
        """
        if asked := asked_wait(outcome):
            self.pace.put_off(call, asked, outcome.reason if isinstance(outcome, Broken) else outcome.explain())
        held = self.signed_in.permissions
        permission = missing_permission(call.partition("?")[0], held) if outcome.forbidden else ""
        if isinstance(outcome, Broken):
            return ReadFailure(call, f"GET {call}: {outcome.reason}", outcome.refusal, permission)
        return ReadFailure(call, f"GET {call}: {outcome.explain()}", outcome.status, permission)

    async def _ask(self, call: str, make: Callable[[], RequestInformation]) -> Answer | Broken:
        attempt, renewed = 0, False
        while True:
            await self.pace.turn(call)
            generation, begun = self.generation, self.pace.now()
            outcome = await self.send(make())  # NOTE: a new request each time: it keeps the token it was sent with
            if not renewed and self.renews(outcome, generation):
                renewed = True
                continue
            attempt += 1
            wait = next_try(outcome, attempt, self.patience, random.random())  # noqa: S311  (jitter)
            if wait is None:
                return outcome
            self.pace.lose(begun)
            if not await self.pace.wait(wait):
                return given_up(wait.why, asked_wait(outcome))

    async def send(self, info: RequestInformation) -> Answer | Broken:
        """Send one request, once; what comes back is not judged."""
        try:
            response = await self._exchange(info)
        except httpx.TransportError as error:
            return Broken(one_line(f"no answer ({str(error) or type(error).__name__})"))
        except httpx.DecodingError as error:
            return Broken(one_line(f"an answer that cannot be unpacked ({error})"))
        except AzureError as error:
            return Broken(self.signed_in.credential.explain(error).message, passing=is_unreachable(error))
        except (httpx.InvalidURL, OversizeError, binascii.Error, UnicodeDecodeError) as error:
            return Broken(one_line(_lasting(error)), passing=False)
        return _answer(response) if response else Broken("no answer")

    async def _exchange(self, info: RequestInformation) -> httpx.Response | None:
        """Send one request; raises `httpx.ReadTimeout` where the whole of its answer takes too long.

        httpx limits each read alone: an answer that drips would go on for ever.
        """
        try:
            async with asyncio.timeout(self.pace.allowance):
                response: httpx.Response | None = await self.sdk.request_adapter.send_primitive_async(info, "bytes", {})
        except TimeoutError as error:
            raise httpx.ReadTimeout("it did not come to its end in time") from error
        return response


def _lasting(error: Exception) -> str:
    """What no further try would change, for people."""
    match error:
        case httpx.InvalidURL():
            return f"not an address ({error})"
        case OversizeError():
            return str(error)
        case _:
            return "401 with a claims challenge that cannot be read"


def _answer(response: httpx.Response) -> Answer | Broken:
    try:
        body = orjson.loads(response.content.removeprefix(codecs.BOM_UTF8))  # counts begin with one
    except orjson.JSONDecodeError:
        if response.status_code == HTTPStatus.OK:
            return Broken(_no_json(response.headers.get("content-type", "").partition(";")[0]))
        body = None
    return Answer(response.status_code, response.headers, body)


def _no_json(content_type: str) -> str:
    if content_type.endswith("json"):
        return "200 with JSON that is cut off or not sound"
    return f"200 with {content_type or 'something'} that is no JSON: a proxy, or something else than Graph, answered"
