"""The way out while a plan is applied: reads, and each write once, or once more where it was answered with 401."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import httpx

from tokenguard.entra.transport import ReadOnlyTransport, WriteRefusedError
from tokenguard.entra.writing.requests import Request


class Permit:
    """Leave to send one request, once. Whatever lies between us and the wire cannot send it again.

    Only after a 401, which says that nothing was carried out, it may be sent once more: by the SDK, which answers a
    claims challenge by itself, or by the writer with a new token, whichever comes first, and never by both.
    """

    def __init__(self) -> None:
        self._granted: Request | None = None
        self._once_more = False

    def grant(self, request: Request, *, once_more: bool = True) -> None:
        """Let `request` pass next; `once_more`: and again after a 401, which it has not come to before.

        Raises `WriteRefusedError` for one that is not in the table.
        """
        if not request.known:
            raise WriteRefusedError(f"refused to send {request.method} {request.path}: no fix does that", _HINT)
        self._granted, self._once_more = request, once_more

    def take(self, request: Request) -> None:
        """Use the leave up; raises `WriteRefusedError` where there is none for exactly this request."""
        granted, self._granted = self._granted, None
        if request != granted:
            raise WriteRefusedError(f"refused to send {request.method} {request.path}: it was not planned", _HINT)

    def unauthorized(self, request: Request) -> bool:
        """Note that `request` was answered with 401; whether it may be sent once more."""
        once_more, self._once_more = self._once_more, False
        self._granted = request if once_more else None
        return once_more

    def withdraw(self) -> bool:
        """End what leave there is; whether there was any, as after a 401 that nothing has followed yet."""
        granted, self._granted = self._granted, None
        return granted is not None


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
        write = Request(request.method, self._as_sent(request), await request.aread())
        self._permit.take(write)
        response = await self._pass_on(request, path)
        if response.status_code == HTTPStatus.UNAUTHORIZED and not self._permit.unauthorized(write):
            response.headers.pop("WWW-Authenticate", None)  # the SDK would answer a challenge, and be refused here
        return response

    def _as_sent(self, request: httpx.Request) -> str:
        """What stands on the wire below the root, a query included, of which `httpx.URL.path` says nothing."""
        return request.url.raw_path.decode("ascii").removeprefix(self._root.raw_path.decode("ascii"))


_HINT = "this is a fault of tokenguard or of a plugin; nothing left this machine"
