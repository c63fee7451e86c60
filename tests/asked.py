"""Every request that any test makes has an entry in `graph_slice.json`, or the test fails.

Where requests are seen: the sandbox writes each to a file, whoever started it; what stands in for a server in this
process is a `http.server` or a `httpx.MockTransport`, and both are watched here.

A test that asks for what is not there, to see how that is refused, says so with the marker
``off_the_slice("METHOD /path", …)``: patterns as of `fnmatch` (``[`` aside) for "METHOD /path?query", parts of batches
included. Nothing else of the test is let through, and a pattern that nothing fits is a mistake.
"""

from __future__ import annotations

import http.server
import json
import re
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
        patch.setattr(httpx.MockTransport, "handle_async_request", _of_httpx(httpx.MockTransport.handle_async_request))
        patch.setattr(httpx.MockTransport, "handle_request", _of_httpx(httpx.MockTransport.handle_request))
        handler = http.server.BaseHTTPRequestHandler
        patch.setattr(handler, "parse_request", _of_handler(handler.parse_request))
        yield path


def _of_httpx(handle):
    def watched(self, request):
        path, query = request.url.path, request.url.query.decode()
        body = json.loads(request.content) if request.headers.get("content-type", "").endswith("json") else None
        _seen.append(Request(request.method, path, query, dict(request.headers), body))
        return handle(self, request)

    return watched


def _of_handler(parse):
    def watched(self):
        understood = parse(self)
        if understood and self.command != "CONNECT":  # a tunnel, and what it leads to sees what comes through
            path, _, query = self.path.partition("?")
            _seen.append(Request(self.command, path, query, dict(self.headers)))
        return understood

    return watched


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
