"""The server: requests in, answers out, with faults and a log between them and the tenant."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tokenguard_sandbox import faults as fault_rules
from tokenguard_sandbox.answers import Answer, Call, RefusedError, identified
from tokenguard_sandbox.batch import answer_batch, query_of
from tokenguard_sandbox.directory import Clock, Directory
from tokenguard_sandbox.faults import Fault, Faults
from tokenguard_sandbox.graph import Graph
from tokenguard_sandbox.signing import Signer
from tokenguard_sandbox.tokens import Client, TokenService, claims_challenge
from tokenguard_sandbox.wire import Reset, disconnected, form_of, json_body, response, root_of

_REMEMBERED = 100_000
"""How many requests the log keeps."""
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
Ask = Callable[[Request, "Fault | None", list[dict[str, Any]]], Awaitable[Answer]]
"""Answers a request under a fault, and notes the parts of a batch."""


@dataclass(slots=True)
class Sandbox:
    """A running sandbox: the tenant, its settings, and everything that happened to it."""

    graph: Graph
    client: Client
    clock: Clock
    faults: Faults = field(default_factory=Faults)
    signer: Signer = field(default_factory=Signer)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    refused_tokens: dict[str, str] = field(default_factory=dict)
    """Why a token is not taken any more (``expired`` or ``challenge``), by its ``uti``."""

    @property
    def directory(self) -> Directory:
        return self.graph.directory

    def routes(self) -> list[Route]:
        """What clients ask: Graph, and the token service."""
        tokens = TokenService(self.directory, self.client, self.signer, lambda: self.graph.settings, self.clock)

        async def configuration(request: Request, *_: object) -> Answer:
            return tokens.configuration(root_of(request), request.path_params["tenant"])

        async def keys(request: Request, *_: object) -> Answer:
            return tokens.keys(root_of(request), request.path_params["tenant"])

        async def token(request: Request, *_: object) -> Answer:
            return tokens.token(root_of(request), request.path_params["tenant"], await form_of(request))

        async def device(request: Request, *_: object) -> Answer:
            return tokens.device(root_of(request), request.path_params["tenant"], await form_of(request))

        return [
            Route("/v1.0/{path:path}", self._served(self._ask_graph, graph=True), methods=_METHODS),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._served(configuration)),
            Route("/{tenant}/discovery/v2.0/keys", self._served(keys)),
            Route("/{tenant}/oauth2/v2.0/token", self._served(token), methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/devicecode", self._served(device), methods=["POST"]),
        ]

    def unserved(self, request: Request, error: Exception) -> Response:
        """The answer where there is no such path (404), or none for such a method (405); it is logged too."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        message = f"The sandbox answers nothing at {request.url.path}." if status == 404 else ""  # noqa: PLR2004
        answer = RefusedError(status, message).answer
        self.requests.append(_entry(request.method, request.url.path, request.url.query, request.headers, answer))
        return response(answer)

    def _served(self, ask: Ask, *, graph: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that logs, and that faults can strike."""

        async def endpoint(request: Request) -> Response:
            path, arrived = _path(request), time.monotonic()
            fault = self.faults.strike(request.method, path, in_batch=False)
            parts: list[dict[str, Any]] = []
            answer = await self._answer(request, ask, fault, parts)
            if answer and graph:
                answer = identified(answer, request.headers.get("client-request-id", ""))
            entry = _entry(request.method, path, request.url.query, request.headers, answer)
            if answer and request.method == "PATCH":  # of one that is reset the body may never come
                entry |= {"properties": await _properties(request)}
            self.requests.append({**entry, "at": arrived, **({"parts": parts} if parts else {})})
            return Reset() if answer is None else response(answer, fault)

        return endpoint

    async def _answer(
        self, request: Request, ask: Ask, fault: Fault | None, parts: list[dict[str, Any]]
    ) -> Answer | None:
        """The answer, or None for a connection to be reset."""
        if fault and fault.action == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and fault.action == "hang":
            with suppress(TimeoutError):
                await asyncio.wait_for(disconnected(request.receive), fault.seconds)
        if fault and fault.action in ("hang", "reset"):
            return None
        try:
            answer = (fault and fault_rules.instead(fault)) or await ask(request, fault, parts)
        except RefusedError as error:
            answer = error.answer
        except ClientDisconnect:  # whoever asked has gone meanwhile, as Ctrl-C goes
            return None
        return None if fault and fault.action == "lost" else answer

    async def _ask_graph(self, request: Request, fault: Fault | None, parts: list[dict[str, Any]]) -> Answer:
        roles = self._roles(request, fault)
        body = await json_body(request)
        if body is not None and not request.headers.get("content-type", "").startswith("application/json"):
            message = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
            raise RefusedError(400, message, code="BadRequest")
        call = Call(
            method=request.method,
            path=_path(request),
            query=query_of(request.url.query),
            headers=dict(request.headers),
            body=body,
            root=f"{root_of(request)}/v1.0",
            roles=roles,
        )
        if call.path != "/$batch":
            return self._ask(call, fault)
        if call.method != "POST":
            raise RefusedError(405)
        return answer_batch(call, self.graph.settings, lambda part: self._ask_part(part, parts))

    def _ask(self, call: Call, fault: Fault | None) -> Answer:
        late = fault.seconds if fault and fault.action == "late" else 0
        answer = self.graph.answer(call, late=late)
        return fault_rules.altered(fault, call, answer) if fault else answer

    def _ask_part(self, call: Call, parts: list[dict[str, Any]]) -> Answer | None:
        fault = self.faults.strike(call.method, call.path, in_batch=True)
        answer = (fault and fault_rules.instead(fault)) or self._ask(call, fault)
        query = "&".join(f"{name}={value}" for name, value in call.query.items())
        parts.append(_entry(call.method, call.path, query, call.headers, answer))
        return None if fault and fault.action == "missing" else answer

    def _roles(self, request: Request, fault: Fault | None) -> frozenset[str]:
        """The permissions that the request's token holds; raises `RefusedError` (401) where it is not taken."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = self.signer.read(token.strip() if scheme.lower() == "bearer" else "", self.clock())
        if fault and fault.action in fault_rules.TOKENS:
            self.refused_tokens[claims["uti"]] = fault.action
        reason = self.refused_tokens.get(claims["uti"])
        if reason == "challenge":
            message = "Continuous access evaluation resulted in challenge with result: InteractionRequired"
            raise RefusedError(401, message, headers={"WWW-Authenticate": claims_challenge(root_of(request))})
        if reason:
            raise RefusedError(401, "Lifetime validation failed, the token is expired.")
        return frozenset(claims["roles"] if "roles" in claims else claims["scp"].split())


def _entry(method: str, path: str, query: str, headers: Mapping[str, str], answer: Answer | None) -> dict[str, Any]:
    """What the log keeps of a call; of its headers the one that Graph's answers hang on."""
    level = headers.get("consistencylevel")
    target = f"{path}?{query}" if query else path
    asked = {"method": method, "path": target, **({"consistencyLevel": level} if level else {})}
    return {**asked, "status": answer.status if answer else 0}


async def _properties(request: Request) -> list[str]:
    """The top-level names of the body, without their values; none where it is no object, or never came."""
    try:
        body = await json_body(request)
    except (RefusedError, ClientDisconnect):
        return []
    return sorted(body) if isinstance(body, dict) else []


def _path(request: Request) -> str:
    """What is asked for: below the version root for Graph, whole for the token service."""
    below = request.path_params.get("path")
    return request.url.path if below is None else "/" + below.strip("/")
