"""The server: requests in, answers out, with faults and a log between them and the tenant."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tokenguard.errors import UsageError
from tokenguard_sandbox import faults as fault_rules
from tokenguard_sandbox.answers import Answer, Call, RefusedError
from tokenguard_sandbox.batch import answer_batch, query_of
from tokenguard_sandbox.directory import Clock, Directory
from tokenguard_sandbox.faults import Fault, Faults
from tokenguard_sandbox.graph import Graph
from tokenguard_sandbox.tokens import Client, Signer, TokenService, claims_challenge

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
    control: str
    """The bearer token of the paths under ``/sandbox``."""
    faults: Faults = field(default_factory=Faults)
    signer: Signer = field(default_factory=Signer)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    refused_tokens: dict[str, str] = field(default_factory=dict)
    """Why a token is not taken any more (``expired`` or ``challenge``), by its ``uti``."""

    @property
    def directory(self) -> Directory:
        return self.graph.directory

    def application(self) -> Starlette:
        """The ASGI application."""
        tokens = TokenService(self.directory, self.client, self.signer, lambda: self.graph.settings, self.clock)

        async def configuration(request: Request, *_: object) -> Answer:
            return tokens.configuration(_root(request), request.path_params["tenant"])

        async def keys(request: Request, *_: object) -> Answer:
            return tokens.keys(_root(request), request.path_params["tenant"])

        async def token(request: Request, *_: object) -> Answer:
            form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
            return tokens.token(_root(request), request.path_params["tenant"], form)

        return Starlette(
            routes=[
                Route("/sandbox/requests", self._control(self._requests), methods=["GET", "DELETE"]),
                Route("/sandbox/faults", self._control(self._faults), methods=["GET", "POST", "DELETE"]),
                Route("/sandbox/settings", self._control(self._settings), methods=["GET", "PATCH"]),
                Route("/v1.0/{path:path}", self._served(self._ask_graph), methods=_METHODS),
                Route("/{tenant}/v2.0/.well-known/openid-configuration", self._served(configuration)),
                Route("/{tenant}/discovery/v2.0/keys", self._served(keys)),
                Route("/{tenant}/oauth2/v2.0/token", self._served(token), methods=["POST"]),
            ]
        )

    # --- requests of clients ------------------------------------------------------------------------------------

    def _served(self, ask: Ask) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that logs, and that faults can strike."""

        async def endpoint(request: Request) -> Response:
            path = "/" + request.path_params["path"].strip("/") if "path" in request.path_params else request.url.path
            fault = self.faults.strike(request.method, path, in_batch=False)
            parts: list[dict[str, Any]] = []
            answer = await self._answer(request, ask, fault, parts)
            target = f"{path}?{request.url.query}" if request.url.query else path
            entry = {"method": request.method, "path": target, "status": answer.status if answer else 0}
            self.requests.append({**entry, "parts": parts} if parts else entry)
            return Reset() if answer is None else _response(answer, fault)

        return endpoint

    async def _answer(
        self, request: Request, ask: Ask, fault: Fault | None, parts: list[dict[str, Any]]
    ) -> Answer | None:
        """The answer, or None for a connection to be reset."""
        if fault and fault.action == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and fault.action == "hang":
            with suppress(TimeoutError):
                await asyncio.wait_for(_disconnected(request.receive), fault.seconds)
        if fault and fault.action in ("hang", "reset"):
            return None
        try:
            answer = (fault and fault_rules.instead(fault)) or await ask(request, fault, parts)
        except RefusedError as error:
            answer = error.answer
        return None if fault and fault.action == "lost" else answer

    async def _ask_graph(self, request: Request, fault: Fault | None, parts: list[dict[str, Any]]) -> Answer:
        roles = self._roles(request, fault)
        root = f"{_root(request)}/v1.0"
        path = "/" + request.path_params["path"].strip("/")
        call = Call(
            request.method, path, query_of(request.url.query), dict(request.headers), await _body(request), root, roles
        )
        if path != "/$batch":
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
        parts.append({"method": call.method, "path": call.path, "status": answer.status})
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
            raise RefusedError(401, message, headers={"WWW-Authenticate": claims_challenge(_root(request))})
        if reason:
            raise RefusedError(401, "Lifetime validation failed, the token is expired.")
        return frozenset(claims["roles"])

    # --- requests of whoever runs the sandbox -------------------------------------------------------------------

    def _control(self, change: Callable[[str, Any], Any]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for the holder of the control token alone."""

        async def endpoint(request: Request) -> Response:
            shown = request.headers.get("authorization", "").encode()
            if not compare_digest(shown, f"Bearer {self.control}".encode()):
                return _response(Answer(401, {"error": "this takes the control token that was printed at the start"}))
            try:
                return _response(Answer(200, change(request.method, await _body(request))))
            except (UsageError, RefusedError) as error:
                return _response(Answer(400, {"error": str(error), "hint": getattr(error, "hint", "")}))

        return endpoint

    def _requests(self, method: str, _body: Any) -> Any:
        known = list(self.requests)
        if method == "DELETE":
            self.requests.clear()
        return known

    def _faults(self, method: str, body: Any) -> Any:
        if method == "DELETE":
            self.faults.clear()
        if method == "POST":
            for fault in [fault_rules.parse_fault(text) for text in _texts(body)]:
                self.faults.add(fault)
        return self.faults.describe()

    def _settings(self, method: str, body: Any) -> Any:
        if method == "PATCH":
            if not isinstance(body, dict):
                raise UsageError("the body is no object of settings", hint='{"propagation": 2}')
            self.graph.settings = self.graph.settings.changed(body)
        return self.graph.settings


class Reset(Response):
    """No answer: the connection is broken off, with a TCP reset where the system allows it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's signature)
        transport: asyncio.Transport = scope["state"]["transport"]
        if not transport.is_closing():  # the client may have gone first
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        await _disconnected(receive)


class Cut(Response):
    """Half of the body that the headers promise, and then the end of the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        scope["state"]["transport"].close()
        await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    """Wait until the server knows that the connection is gone: it would take a missing end for a mistake of ours."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _response(answer: Answer, fault: Fault | None = None) -> Response:
    content = b"" if answer.body is None else _encoded(answer)
    if fault and fault.action == "half":
        content = content[: len(content) // 2]
    kind = Cut if fault and fault.action == "cut" else Response
    media = answer.content_type if answer.body is not None else None
    return kind(content, answer.status, dict(answer.headers), media)


def _encoded(answer: Answer) -> bytes:
    return answer.body.encode() if answer.content_type.startswith("text/") else orjson.dumps(answer.body)


def _texts(body: Any) -> list[str]:
    texts = body.get("faults") if isinstance(body, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError("the body names no faults", hint='{"faults": ["GET /policies/*=403"]}')
    return texts


def _root(request: Request) -> str:
    """The server's address as the client spelt it."""
    return f"https://{request.headers['host']}"


async def _body(request: Request) -> Any:
    content = await request.body()
    if not content:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "Unable to read JSON request payload.", code="BadRequest") from None
