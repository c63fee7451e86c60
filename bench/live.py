"""Read a live tenant with one client: `python -m bench.live CLIENT TASK`, led to a sandbox by the environment.

Prints one JSON object: the processor seconds of the reading alone, signed in and with everything imported; the peak
memory of the process; and how many rows were read, which must be the same for every client.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import orjson

from bench.memory import peak_megabytes
from tokenguard.entra.asking import PAGE_SIZE, PATHS, select
from tokenguard.entra.facts import Kind
from tokenguard.entra.live import open_live
from tokenguard.entra.retry import Patience
from tokenguard.hookspecs import LiveTarget, ReadFailure

PRINCIPALS = PATHS[Kind.SERVICE_PRINCIPAL]
QUERY = select(Kind.SERVICE_PRINCIPAL)
LIST = f"{PRINCIPALS}?{QUERY}&$top={PAGE_SIZE}"
SINGLE = 600
"""Objects that are read one by one."""
TURNED_AWAY = 20
"""Every so manieth of them is answered 429 at first, where the task is ``throttled``."""
IN_FLIGHT = 8


def main(client: str, task: str) -> None:
    read = {"httpx": read_with_httpx, "tokenguard": read_with_tokenguard}[client]
    seconds, rows = asyncio.run(read(task)) if client == "httpx" else read(task)
    print(json.dumps({"seconds": seconds, "megabytes": peak_megabytes(), "counts": {"rows": rows}}))


async def read_with_httpx(task: str) -> tuple[float, int]:
    """The least that it takes: a loop over what comes."""
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(verify=_tls(), limits=limits, trust_env=False, timeout=100) as client:
        client.headers["Authorization"] = f"Bearer {await _token(client)}"
        first = await anext(_pages(client))
        started = time.process_time()
        if task == "list":
            rows = [sum("id" in row for row in page) async for page in _pages(client)]
        else:
            found = await asyncio.gather(*(_get(client, _graph(call)) for call in _calls(first)))
            rows = ["id" in each for each in found]
        return time.process_time() - started, sum(rows)


def read_with_tokenguard(task: str) -> tuple[float, int]:
    """As a scan does: through the SDK, every answer judged, single objects in batches."""
    with open_live(LiveTarget(dict(os.environ)), Patience(first_wait=0.05)) as source:
        first = [row for row, _ in zip(source.rows(LIST), range(SINGLE), strict=False) if isinstance(row, dict)]
        if task == "throttled":
            _turn_away(first)
        started = time.process_time()
        if task == "list":
            rows = sum(not isinstance(row, ReadFailure) for row in source.rows(LIST))
        else:
            rows = sum(not isinstance(fate, ReadFailure) for _, fate in source.answers(_calls(first)))
        return time.process_time() - started, rows


def _calls(objects: Iterable[dict[str, Any]]) -> list[str]:
    return [f"{PRINCIPALS}/{row['id']}?{QUERY}" for row in [*objects][:SINGLE]]


def _graph(call: str) -> str:
    return f"{os.environ['TOKENGUARD_GRAPH_URL']}/v1.0{call}"


async def _pages(client: httpx.AsyncClient) -> AsyncIterator[list[dict[str, Any]]]:
    link: str | None = _graph(LIST)
    while link:
        page = await _get(client, link)
        yield page["value"]
        link = page.get("@odata.nextLink")


async def _get(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads((await client.get(url)).raise_for_status().content)
    return answer


async def _token(client: httpx.AsyncClient) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"],
        "scope": "https://graph.microsoft.com/.default",
    }
    url = f"{os.environ['AZURE_AUTHORITY_HOST']}/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    token: str = (await client.post(url, data=form)).raise_for_status().json()["access_token"]
    return token


def _turn_away(objects: Iterable[dict[str, Any]]) -> None:
    """Let the sandbox answer 429, once each, for some of what will be asked."""
    faults = [f"GET {PRINCIPALS}/{row['id']}=429,times=1" for row in [*objects][::TURNED_AWAY]]
    control = {"Authorization": f"Bearer {os.environ['TOKENGUARD_SANDBOX_TOKEN']}"}
    url = f"{os.environ['TOKENGUARD_SANDBOX_URL']}/sandbox/faults"
    httpx.post(url, json={"faults": faults}, headers=control, verify=_tls(), trust_env=False).raise_for_status()


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


if __name__ == "__main__":
    main(*sys.argv[1:])
