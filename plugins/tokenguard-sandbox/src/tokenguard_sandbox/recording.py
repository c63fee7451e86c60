"""Requests written to a file as they arrive: what a client asked for, also after the sandbox has ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE = "TOKENGUARD_SANDBOX_REQUESTS"
"""Names the file; several sandboxes may share it."""
_TOLD = ("consistencylevel", "content-type", "prefer", "if-match")
"""Headers whose value is written, and not the name alone."""


def recorded(app: ASGIApp, file: str) -> ASGIApp:
    """`app`, with each request appended to `file` as one line of JSON before `app` sees it.

    A line has ``method``, ``path``, ``query``, ``headers`` (lower case; the value of a few, else an empty string) and
    ``body`` (JSON for JSON, else null: forms hold secrets). Requests to the sandbox's own paths are not written.
    """
    path = Path(file)

    async def record(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await app(scope, receive, send)
            return
        messages = await _whole(receive)
        content = b"".join(message.get("body", b"") for message in messages)
        _append(path, _line(scope, content))
        remaining = iter(messages)

        async def again() -> Message:
            return next(remaining, None) or await receive()

        await app(scope, again, send)

    return record


async def _whole(receive: Receive) -> list[Message]:
    """The messages of a request, to the end of its body or to the end of its connection."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _line(scope: Scope, content: bytes) -> dict[str, Any]:
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") if name.decode("latin-1").lower() in _TOLD else ""
        for name, value in scope["headers"]
    }
    return {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "headers": headers,
        "body": _json(content) if headers.get("content-type", "").startswith("application/json") else None,
    }


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _append(path: Path, line: dict[str, Any]) -> None:
    """One write of one line, so that lines of several sandboxes never mix."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, orjson.dumps(line) + b"\n")
    finally:
        os.close(handle)
