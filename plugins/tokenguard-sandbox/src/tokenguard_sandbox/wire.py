"""How answers travel, and how they fail to: whole, cut off, or as a broken connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tokenguard_sandbox.answers import Answer, RefusedError
from tokenguard_sandbox.faults import Fault


class Reset(Response):
    """No answer: the connection is broken off, with a TCP reset where the system allows it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's signature)
        transport: asyncio.Transport = scope["state"]["transport"]
        if not transport.is_closing():  # the client may have gone first
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        await disconnected(receive)


class Cut(Response):
    """Half of the body that the headers promise, and then the end of the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        scope["state"]["transport"].close()
        await disconnected(receive)


async def disconnected(receive: Receive) -> None:
    """Wait until the server knows that the connection is gone: it would take a missing end for a mistake of ours."""
    while (await receive())["type"] != "http.disconnect":
        pass


def response(answer: Answer, fault: Fault | None = None) -> Response:
    """The answer as HTTP; a fault of the body strikes here."""
    content = b"" if answer.body is None else _encoded(answer)
    if fault and fault.action == "half":
        content = content[: len(content) // 2]
    kind = Cut if fault and fault.action == "cut" else Response
    media = answer.content_type if answer.body is not None else None
    return kind(content, answer.status, dict(answer.headers), media)


def _encoded(answer: Answer) -> bytes:
    return answer.body.encode() if answer.content_type.startswith("text/") else orjson.dumps(answer.body)


def root_of(request: Request) -> str:
    """The server's address as the client spelt it; its own where HTTP/1.0 spelt none."""
    return f"https://{request.url.netloc}"


async def json_body(request: Request) -> Any:
    """The request's body, None where it has none; raises `RefusedError` where it is no JSON."""
    content = await request.body()
    if not content:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "Unable to read JSON request payload.", code="BadRequest") from None


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
