"""A scan cannot write: tried through the SDK's own client, and through what lies below it."""

import asyncio

import httpx
import orjson
import pytest
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from live import POLICIES, graph_requests, live, quiet_sdk
from tokenguard.entra.transport import ReadOnlyTransport, WriteRefusedError

pytestmark = quiet_sdk

ROOT = "https://graph.example/v1.0"


def info(method, path, body=None, root="{+baseurl}"):
    made = RequestInformation(method, f"{root}{path}")
    if body is not None:
        made.set_stream_content(orjson.dumps(body), "application/json")
    return made


def part(method, number=1):
    return {"id": str(number), "method": method, "url": POLICIES}


@pytest.mark.parametrize(
    "request_",
    [
        info(Method.POST, POLICIES, {"displayName": "new"}),
        info(Method.PATCH, f"{POLICIES}/1", {"displayName": "other"}),
        info(Method.PUT, f"{POLICIES}/1", {}),
        info(Method.DELETE, f"{POLICIES}/1"),
        info(Method.HEAD, POLICIES),
        info(Method.POST, "/$batch", {"requests": [part("GET"), part("DELETE")]}),
        info(Method.POST, "/$batch", {"requests": [part("get"), part("PATCH")]}),
        info(Method.POST, "/$batch", {"requests": []}),
        info(Method.POST, "/$batch", {"requests": "GET"}),
        info(Method.POST, "/$batch", ["GET"]),
        info(Method.POST, "/$batch/", {"requests": [part("GET")]}),
        info(Method.GET, "/v1.0/organization", root="https://localhost:1"),
        info(Method.GET, "/beta/organization", root="https://graph.microsoft.com"),
    ],
)
def test_the_sdk_cannot_send_anything_but_reads(sandbox, request_):
    with live(sandbox) as source:
        adapter = source._client.sdk.request_adapter
        with pytest.raises(WriteRefusedError):
            source._runner.run(adapter.send_primitive_async(request_, "bytes", {}))
    assert graph_requests(sandbox) == []


def test_the_refusal_is_no_accident_of_the_paths_that_were_tried(sandbox):
    reads = [info(Method.GET, POLICIES), info(Method.POST, "/$batch", {"requests": [part("GET", 1), part("GET", 2)]})]
    with live(sandbox) as source:
        adapter = source._client.sdk.request_adapter
        for request in reads:
            source._runner.run(adapter.send_primitive_async(request, "bytes", {}))
    assert len(graph_requests(sandbox)) == 2


def send(method, url, answer=None, **request):
    """What the transport lets through of one request, and the addresses that were reached."""
    reached = []

    def graph(request):
        reached.append(str(request.url))
        return answer or httpx.Response(200, json={})

    async def run():
        transport = ReadOnlyTransport(ROOT, httpx.MockTransport(graph))
        async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
            await client.request(method, url, **request)

    try:
        asyncio.run(run())
    except WriteRefusedError:
        return reached, True
    return reached, False


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        (f"{ROOT}/organization", True),
        ("https://GRAPH.example:443/v1.0/organization", True),
        ("http://graph.example/v1.0/organization", False),
        ("https://graph.example:444/v1.0/organization", False),
        ("https://graph.example.evil/v1.0/organization", False),
        ("https://graph.example/v1.0", False),
        ("https://graph.example/v1.0evil/organization", False),
        ("https://graph.example/beta/organization", False),
    ],
)
def test_only_what_is_below_the_root_is_reached(url, passes):
    reached, refused = send("GET", url)
    assert (bool(reached), refused) == (passes, not passes)


@pytest.mark.parametrize("place", ["https://other.example/v1.0/organization", "https://graph.example/steal"])
def test_a_redirect_leads_nowhere_else(place):
    reached, refused = send("GET", f"{ROOT}/organization", httpx.Response(307, headers={"Location": place}))
    assert refused
    assert reached == [f"{ROOT}/organization"]
