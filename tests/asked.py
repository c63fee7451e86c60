"""Every request that any test makes has an entry in `graph_slice.json`, or the test fails.

Where requests are seen: the sandbox writes each to a file, whoever started it; what stands in for a server in this
process is a `http.server`, a `httpx.MockTransport` or a transport of a test's own, and each of them is watched here.

A test that asks for what is not there, to see how that is refused, says so with the marker
``off_the_slice("METHOD /path", …)``: patterns as of `fnmatch` (``[`` aside) for "METHOD /path?query", parts of batches
included. Nothing else of the test is let through, and a pattern that nothing fits is a mistake.
"""

from __future__ import annotations

import http.server
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from graph_slice import FILE, Request, flaws

VARIABLE = "TOKENGUARD_SANDBOX_REQUESTS"
_seen: list[Request] = []
"""What stand-ins in this process were asked."""


@pytest.fixture(scope="session", autouse=True)
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file that sandboxes write to, of this worker alone."""
    path = tmp_path_factory.mktemp("asked") / "requests.jsonl"
    path.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(path))
        handler = http.server.BaseHTTPRequestHandler
        patch.setattr(handler, "parse_request", _of_handler(handler.parse_request))
        yield path


def _of_httpx(handle):
    """`handle`, a method of a transport, watched. What tests send has its body as bytes, which can be read twice."""

    def watched(self, request):
        if not isinstance(request.stream, httpx.ByteStream):
            raise TypeError("a test sends a body in pieces, which nobody watches")
        path, query = request.url.path, request.url.query.decode()
        _see(request.method, path, query, dict(request.headers), b"".join(request.stream))
        return handle(self, request)

    return watched


def _watch_transports():
    """Watch the transports that a file of the tests defines from here on, and the one that httpx has for tests."""

    def wrap(cls):
        for name in {"handle_request", "handle_async_request"} & vars(cls).keys():
            setattr(cls, name, _of_httpx(vars(cls)[name]))

    def defined(cls):
        file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
        if FILE.parent in Path(file).parents:
            wrap(cls)

    wrap(httpx.MockTransport)
    for base in (httpx.BaseTransport, httpx.AsyncBaseTransport):
        base.__init_subclass__ = classmethod(defined)


_watch_transports()  # before a file of tests is imported


def _of_handler(parse):
    def watched(self):
        understood = parse(self)
        if understood and self.command != "CONNECT":  # a tunnel, and what it leads to sees what comes through
            path, _, query = self.path.partition("?")
            body = b"" if "Transfer-Encoding" in self.headers else _read(self)
            _see(self.command, path, query, dict(self.headers), body)
        return understood

    return watched


class _Again:
    """A connection's `rfile` of which `ahead` was read already."""

    def __init__(self, ahead, rest):
        self._ahead, self._rest = io.BytesIO(ahead), rest

    def read(self, size):
        found = self._ahead.read(size)
        return found if len(found) == size else found + self._rest.read(size - len(found))

    def readline(self, limit=-1):
        return self._ahead.readline(limit) or self._rest.readline(limit)

    def __getattr__(self, name):
        return getattr(self._rest, name)


def _read(handler):
    """The body of the request, which the handler can read once more."""
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    handler.rfile = _Again(body, handler.rfile)
    return body


def _see(method, path, query, headers, content):
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    body = json.loads(content) if content and kind.partition(";")[0].strip() == "application/json" else None
    _seen.append(Request(method, path, query, headers, body))


@pytest.fixture(autouse=True)
def _asked_for_what_is_known(request: pytest.FixtureRequest, _watched: Path) -> Iterator[None]:
    """Fail the test that asked for something else. What a fixture of a module asked counts to its first test."""
    with _watched.open("rb") as file:
        file.seek(request.config.stash.get(_READ, 0))
        yield
        asked = [Request(**json.loads(line)) for line in file]
        request.config.stash[_READ] = file.tell()
    asked += _seen
    _seen.clear()
    unknown = list(dict.fromkeys(flaw for each in asked for flaw in flaws(each)))
    allowed = [pattern for mark in request.node.iter_markers("off_the_slice") for pattern in mark.args]
    used = {pattern for pattern in allowed for flaw in unknown if _fits(pattern, flaw)}
    left = [flaw for flaw in unknown if not any(_fits(pattern, flaw) for pattern in allowed)]
    if left:
        pytest.fail(
            "requests without an entry in the slice of Graph:\n"
            + "\n".join(f"- {each}" for each in left)
            + f"\nAdd what is right to tests/{FILE.name}; a request that is wrong on purpose is named by the test's"
            ' marker off_the_slice("METHOD /path").',
            pytrace=False,
        )
    if len(used) < len(set(allowed)) and not hasattr(request.node, "callspec"):
        pytest.fail(f"off_the_slice names what was not asked: {sorted({*allowed} - used)}", pytrace=False)


_READ = pytest.StashKey[int]()


def _fits(pattern: str, flaw: str) -> bool:
    asked = flaw.partition(": ")[0]
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), asked) is not None
