"""The way out: nothing leaves for Graph but reads, nothing leaves for any other host, and each request is told of."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Sequence

import httpx
import orjson

from tokenguard import __version__
from tokenguard.errors import SourceError

_TIMEOUT = httpx.Timeout(100, connect=30)
"""Seconds; as the SDK's own."""
_CONNECTIONS = 8
_LARGEST_ANSWER = 64 * 2**20
"""Bytes of one answer, unpacked; a full page of principals with all their credentials is a few million."""

Guard = Callable[[str, httpx.AsyncBaseTransport, Callable[[str], None] | None], httpx.AsyncBaseTransport]
"""Makes a transport that lets through what it may, below a root, to the one that is given; and tells of it."""


class WriteRefusedError(SourceError):
    """Something tried to change the tenant, or to take its token elsewhere, through a transport that only reads."""


class OversizeError(Exception):
    """An answer went on beyond any size that one of Graph's could have; what came of it was let go."""

    def __init__(self) -> None:
        super().__init__(f"an answer of more than {_LARGEST_ANSWER >> 20} MiB; it was not read")


class ReadOnlyTransport(httpx.AsyncBaseTransport):
    """Passes on GET, and ``POST /$batch`` whose parts are all GET, to one origin; refuses the rest.

    It sits below the SDK with all its middleware: what it refuses did not leave.
    """

    def __init__(self, root: str, inner: httpx.AsyncBaseTransport, trace: Callable[[str], None] | None = None) -> None:
        """`root` is the address that all calls are below, with the version."""
        self._root = httpx.URL(root)
        self._inner = inner
        self._trace = trace

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = self._relative(request)
        parts = _parts(await request.aread()) if (request.method, path) == ("POST", "/$batch") else []
        if not parts and request.method != "GET":
            raise WriteRefusedError(f"refused to send {request.method} {path}: this connection only reads", _HINT)
        return await self._pass_on(request, path, parts)

    async def _pass_on(self, request: httpx.Request, path: str, parts: Sequence[str] = ()) -> httpx.Response:
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.TransportError as error:
            self._tell(request, path, parts, type(error).__name__)
            raise
        self._tell(request, path, parts, str(response.status_code))
        headers = [pair for pair in response.headers.raw if pair[0].lower() not in _OF_WHAT_IS_PACKED]
        return httpx.Response(
            response.status_code, headers=headers, stream=_Bounded(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _relative(self, request: httpx.Request) -> str:
        """The path below the root; raises `WriteRefusedError` for any other place."""
        url, root = request.url, self._root
        here = (url.scheme, url.host, url.port) == (root.scheme, root.host, root.port)
        if not here or not url.path.startswith(f"{root.path}/"):
            raise WriteRefusedError(f"refused to send a request to {url.host}{url.path}: not below {root}", _HINT)
        return url.path.removeprefix(root.path)

    def _tell(self, request: httpx.Request, path: str, parts: Sequence[str], outcome: str) -> None:
        if self._trace:
            self._trace(f"{request.method} {path}{f' of {len(parts)}' if parts else ''}: {outcome}")


class _Bounded(httpx.AsyncByteStream):
    """The unpacked body of an answer; raises `OversizeError` where it goes on for too long.

    A chunk off the wire is at most 64 KiB, which unpack to at most a thousand times as much: memory is bounded, too.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = _LARGEST_ANSWER
        async for chunk in self._response.aiter_bytes():
            left -= len(chunk)
            if left < 0:
                raise OversizeError
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


_OF_WHAT_IS_PACKED = (b"content-encoding", b"content-length")
"""Headers that are true no more of what was unpacked."""
_HINT = "a collector must only read: report this to whoever wrote it"


def open_transport(tls: ssl.SSLContext, proxy: str | None) -> httpx.AsyncBaseTransport:
    """Connections to Graph. HTTP/1.1: cheaper for large pages, and no connection ends under many requests at once."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    return httpx.AsyncHTTPTransport(verify=tls, proxy=proxy, limits=limits, trust_env=False)


def open_client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """An HTTP client that can reach nothing but what `transport` lets through."""
    name = {"User-Agent": f"tokenguard/{__version__}"}
    return httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, trust_env=False, headers=name)


def _parts(body: bytes) -> list[str]:
    """The addresses of the parts of a batch, in which nothing but GET may be; raises `WriteRefusedError`."""
    try:
        requests = orjson.loads(body)["requests"]
        methods, urls = [part["method"] for part in requests], [part["url"] for part in requests]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise WriteRefusedError("refused to send a batch that cannot be read", _HINT) from error
    if other := [method for method in methods if method != "GET"]:
        raise WriteRefusedError(f"refused to send a batch with {other[0]} in it: this connection only reads", _HINT)
    return urls
