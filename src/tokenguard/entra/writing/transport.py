"""The way out while a plan is applied: reads, and each write exactly once."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import httpx

from tokenguard.entra.transport import ReadOnlyTransport, WriteRefusedError
from tokenguard.entra.writing.requests import Request


class Permit:
    """Leave to send one request, once. Whatever lies between us and the wire cannot send it again."""

    def __init__(self) -> None:
        self._granted: Request | None = None

    def grant(self, request: Request) -> None:
        """Let `request` pass next. Raises `WriteRefusedError` for one that is not in the table."""
        if not request.known:
            raise WriteRefusedError(f"refused to send {request.method} {request.path}: no fix does that", _HINT)
        self._granted = request

    def take(self, request: Request) -> None:
        """Use the leave up; raises `WriteRefusedError` where there is none for exactly this request."""
        granted, self._granted = self._granted, None
        if request != granted:
            raise WriteRefusedError(f"refused to send {request.method} {request.path}: it was not planned", _HINT)


class WriteTransport(ReadOnlyTransport):
    """Passes on what a `ReadOnlyTransport` does, and writes that there is a `Permit` for."""

    def __init__(
        self, permit: Permit, root: str, inner: httpx.AsyncBaseTransport, trace: Callable[[str], None] | None
    ) -> None:
        super().__init__(root, inner, trace)
        self._permit = permit

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = self._relative(request)
        if request.method == "GET" or path == "/$batch":
            return await super().handle_async_request(request)
        write = Request(request.method, path, await request.aread())
        self._permit.take(write)
        response = await self._pass_on(request, path)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._permit.grant(write)  # nothing was carried out; the SDK answers a claims challenge by itself
        return response


_HINT = "this is a fault of tokenguard or of a plugin; nothing left this machine"
