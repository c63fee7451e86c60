"""Answers that say 200 and cannot be taken at their word: given in the place of whatever Graph would answer."""

import asyncio
import zlib

import httpx
import orjson
import pytest

from live import HASTY, POLICIES, quiet_sdk
from tokenguard.entra.live import LiveSource, open_client
from tokenguard.entra.transport import ReadOnlyTransport
from tokenguard.hookspecs import LiveTarget, ReadFailure

pytestmark = quiet_sdk

HOLDERS = f"{POLICIES}/1/appliesTo"


class Drip(httpx.AsyncByteStream):
    """A body that goes on for ever, a space at a time, often enough for no read to time out."""

    async def __aiter__(self):
        while True:
            yield b" "
            await asyncio.sleep(0.01)


def test_an_answer_that_never_ends_is_given_up(sandbox, monkeypatch):
    monkeypatch.setattr("tokenguard.entra.pacing._LONGEST_ANSWER", 0.2)

    class Dripping(ReadOnlyTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, stream=Drip())

    with open_client(LiveTarget(sandbox.environment), Dripping, HASTY) as (client, runner):
        (row,) = LiveSource(client, runner, "global").rows(POLICIES)
        assert "no answer (it did not come to its end in time)" in row.reason
        assert client.pace.left < HASTY.budget - 0.2


class Zeros(httpx.AsyncByteStream):
    """A body of mebibytes without an end, packed or not; what was taken of it is in `taken`."""

    def __init__(self, encoding):
        packing = zlib.compressobj(wbits=31) if encoding == "gzip" else None
        self.pack = packing.compress if packing else bytes
        self.taken = 0

    async def __aiter__(self):
        while True:
            chunk = self.pack(bytes(2**20))
            self.taken += 1
            yield chunk


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_answer_larger_than_any_of_graph_s_is_given_up(sandbox, encoding):
    body = Zeros(encoding)
    asked = []

    class Endless(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            asked.append(request)
            return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=body)

    def guard(root, _network, trace):
        return ReadOnlyTransport(root, Endless(), trace)

    with open_client(LiveTarget(sandbox.environment), guard, HASTY) as (client, runner):
        (row,) = LiveSource(client, runner, "global").rows(POLICIES)
    assert "an answer of more than 64 MiB" in row.reason
    assert body.taken <= 66
    assert len(asked) == 1


def read(sandbox, content, **headers):
    """The fate of `HOLDERS` in a batch, and the rows of `POLICIES`, where Graph answers `content` to everything."""

    class Instead(ReadOnlyTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))

    with open_client(LiveTarget(sandbox.environment), Instead, HASTY) as (client, runner):
        source = LiveSource(client, runner, "global")
        return dict(source.answers([HOLDERS]))[HOLDERS], list(source.rows(POLICIES))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_cannot_be_unpacked_was_not_read(sandbox, encoding):
    fate, (row,) = read(sandbox, b'{"value": []}', **{"Content-Encoding": encoding})
    assert "cannot be unpacked" in fate.reason
    assert "cannot be unpacked" in row.reason


@pytest.mark.parametrize("step", ["..", "%2e%2e"])
def test_a_page_outside_of_the_root_is_a_failure_of_that_call_alone(sandbox, step):
    link = f"{sandbox.graph}/{step}/beta/x"
    _, (failure,) = read(sandbox, orjson.dumps({"value": [{"id": "1"}], "@odata.nextLink": link}))
    assert "another place" in failure.reason


def part(**body):
    return {"id": "0", "status": 200, "body": {"value": [], **body}}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([part(), part()], "left out of the answer"),
        ([part(), {"id": 0, "status": 403}], "left out of the answer"),
        ([part(id="x", **{"@odata.nextLink": "https://elsewhere.example/v1.0/x"})], "another place"),
        ([part(error={"code": "ServiceUnavailable"})], "200 without rows"),
    ],
)
def test_a_part_that_contradicts_itself_was_not_read(sandbox, parts, said):
    fate, _ = read(sandbox, orjson.dumps({"responses": parts}))
    assert isinstance(fate, ReadFailure)
    assert said in fate.reason


def test_a_part_that_does_not_is_read(sandbox):
    fate, _ = read(sandbox, orjson.dumps({"responses": [part()]}))
    assert fate == {"value": []}
