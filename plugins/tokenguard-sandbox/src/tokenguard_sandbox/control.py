"""The paths under ``/sandbox``: for whoever runs it, with the control token that was printed at the start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tokenguard.errors import UsageError
from tokenguard_sandbox.answers import Answer, RefusedError
from tokenguard_sandbox.faults import parse_fault
from tokenguard_sandbox.server import Sandbox
from tokenguard_sandbox.wire import json_body, response

Change = Callable[[Sandbox, str, Any], Any]
"""What a method does to a sandbox with a body, and what is answered."""


def control_routes(sandbox: Sandbox, token: str) -> list[Route]:
    """The log, the faults and the settings of `sandbox`, for the holder of `token` alone."""

    def guarded(change: Change) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            shown = request.headers.get("authorization", "").encode()
            if not compare_digest(shown, f"Bearer {token}".encode()):
                return response(Answer(401, {"error": "this takes the control token that was printed at the start"}))
            try:
                return response(Answer(200, change(sandbox, request.method, await json_body(request))))
            except (UsageError, RefusedError) as error:
                return response(Answer(400, {"error": str(error), "hint": getattr(error, "hint", "")}))

        return endpoint

    return [
        Route("/sandbox/requests", guarded(_requests), methods=["GET", "DELETE"]),
        Route("/sandbox/faults", guarded(_faults), methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/settings", guarded(_settings), methods=["GET", "PATCH"]),
    ]


def _requests(sandbox: Sandbox, method: str, _body: Any) -> Any:
    known = list(sandbox.requests)
    if method == "DELETE":
        sandbox.requests.clear()
    return known


def _faults(sandbox: Sandbox, method: str, body: Any) -> Any:
    if method == "DELETE":
        sandbox.faults.clear()
    if method == "POST":
        for fault in [parse_fault(text) for text in _texts(body)]:
            sandbox.faults.add(fault)
    return sandbox.faults.describe()


def _settings(sandbox: Sandbox, method: str, body: Any) -> Any:
    if method == "PATCH":
        if not isinstance(body, dict):
            raise UsageError("the body is no object of settings", hint='{"propagation": 2}')
        sandbox.graph.settings = sandbox.graph.settings.changed(body)
    return sandbox.graph.settings


def _texts(body: Any) -> list[str]:
    texts = body.get("faults") if isinstance(body, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError("the body names no faults", hint='{"faults": ["GET /policies/*=403"]}')
    return texts
