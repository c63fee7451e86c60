"""Our own slice of Graph: the sandbox answers as it says, and Microsoft's description, where given, has it all."""

from __future__ import annotations

import asyncio
import http.server
import json
import re
import threading

import httpx
import pytest
from tokenguard_sandbox.graph import Graph
from tokenguard_sandbox.permissions import PERMISSIONS
from tokenguard_sandbox.settings import Settings

from conversation import conversation, tenant
from graph_contract import document, needs_contract, parameters, path_of, paths
from graph_slice import FILE, SLICE, Request, flaws, misfits, template_of

OPERATIONS = sorted(SLICE["graph"])
TYPES = [(name, each, kind) for name, properties in SLICE["types"].items() for each, kind in properties.items()]


@pytest.mark.parametrize("name", ["demo", "generated"])
def test_every_answer_of_the_sandbox_is_as_the_slice_says(name):
    met = set()
    for method, template, answer in conversation(Graph(tenant(name), Settings())):
        if answer.status >= 300:
            continue
        entry = template_of("graph", method, blanks_filled(template))
        assert entry, (method, template)
        met.add((method, template))
        if "answer" not in SLICE["graph"][entry]:
            assert answer.body is None, entry
            continue
        body = int(answer.body) if answer.content_type == "text/plain" else answer.body
        assert list(misfits(body, SLICE["graph"][entry]["answer"])) == [], entry
    assert met == set(PERMISSIONS)


def blanks_filled(template: str) -> str:
    return "".join(part.partition("}")[2] if index else part for index, part in enumerate(template.split("{"))).replace(
        "//", "/x/"
    ).replace("(appId='')", "(appId='x')") + ("x" if template.endswith("}") else "")


POLICIES = "/v1.0/policies/tokenLifetimePolicies"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("GET", "/v1.0/users"), "no entry 'GET /users'"),
        (Request("PUT", "/v1.0/organization"), "no entry 'PUT /organization'"),
        (Request("GET", "/v1.0/organization", "$search=x"), "no query option '$search'"),
        (Request("GET", POLICIES, "$select=id,displayname"), "no property 'displayname'"),
        (Request("GET", "/v1.0/organization", "", {"Prefer": "x"}), "no header 'Prefer'"),
        (Request("POST", POLICIES, "", {}, {"name": "x"}), "no property 'name' in tokenLifetimePolicy"),
        (Request("POST", POLICIES, "", {}, {"definition": "x"}), "definition is no list"),
        (Request("POST", POLICIES, "", {}, {"isOrganizationDefault": 1}), "isOrganizationDefault is no boolean"),
        (Request("DELETE", f"{POLICIES}/x", "", {}, {"id": "x"}), "no body in"),
        (
            Request(
                "POST", "/v1.0/$batch", "", {}, {"requests": [
                    {"id": "1", "method": "GET", "url": "/organization"},
                    {"id": "2", "method": "GET", "url": "/servicePrincipals?$expand=owners"},
                ]},
            ),
            "GET /v1.0/servicePrincipals?$expand=owners: no query option '$expand'",
        ),
        (Request("POST", "/v1.0/$batch", "", {}, {"requests": [{"id": "1", "url": "/users"}]}), "without a method"),
        (Request("GET", "/v1.0/applications", "$filter=name eq 'x'"), "no property 'name'"),
        (Request("GET", "/v1.0/applications/$count", "$filter=appId eq 'a or b' and uris/any(u:u eq 'x')"), "'uris'"),
        (Request("GET", "/v1.0/applications", "$filter=startswith(appId,'x')"), "no property \"startswith"),
        (Request("GET", POLICIES, "$expand=owners"), "no property 'owners'"),
        (Request("GET", "/beta/organization"), "no entry 'GET /beta/organization'"),
    ],
)  # fmt: skip
def test_what_has_no_entry_is_named(request_, said):
    [flaw] = flaws(request_)
    assert said in flaw


COUNTS = ("/servicePrincipals", "/applications", "/policies/tokenLifetimePolicies")


@pytest.mark.parametrize("path", COUNTS)
def test_each_list_may_be_counted_within_a_batch(path):
    part = {"id": "1", "method": "GET", "url": f"{path}/$count", "headers": {"ConsistencyLevel": "eventual"}}
    assert list(flaws(Request("POST", "/v1.0/$batch", "", {}, {"requests": [part]}))) == []


# --- against Microsoft's description ---------------------------------------------------------------------------------


def operation_of(entry: str):
    method, _, template = entry.partition(" ")
    path = path_of(blanks_filled(template))
    assert path, f"no path of the description fits {template}"
    assert method.lower() in paths()[path], entry
    return paths()[path][method.lower()]


@needs_contract
@pytest.mark.parametrize("entry", OPERATIONS)
def test_every_path_method_query_option_and_header_stands_in_microsofts_description(entry):
    slice_ = SLICE["graph"][entry]
    known = {name.lower() for name in parameters(operation_of(entry))}
    asked = {*slice_.get("query", ()), *slice_.get("headers", ())} - {"$skiptoken"}  # of Graph's own links
    beyond = set(slice_.get("beyond", {}))
    assert {name.lower() for name in asked} <= known
    assert not {name.lower() for name in beyond} & known, "it has that by now: take it out of 'beyond'"


@needs_contract
@pytest.mark.parametrize(("type_", "name", "kind"), TYPES)
def test_every_property_and_its_type_stand_in_microsofts_description(type_, name, kind):
    found = declared(f"microsoft.graph.{type_}").get(name)
    assert found is not None, f"{type_} has no {name}"
    assert fits(found, kind), (found, kind)


def declared(schema: str):
    node = document("graph-v1.0-tokenguard.openapi.json")["components"]["schemas"][schema]
    names = dict(node.get("properties", {}))
    for part in node.get("allOf", ()):
        names |= declared(part["$ref"].rpartition("/")[2]) if "$ref" in part else part.get("properties", {})
    return names


def fits(schema, kind: str) -> bool:
    """Whether a value of our `kind` is one of the `schema`; null where we allow it, and no more than that."""
    kind = kind.removesuffix("?")
    if kind.startswith("list of "):
        return schema.get("type") == "array" and fits(schema["items"], kind.removeprefix("list of "))
    for option in schema.get("anyOf", ()):
        if fits(option, kind):
            return True
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = document("graph-v1.0-tokenguard.openapi.json")["components"]["schemas"][name]
        short = name.removeprefix("microsoft.graph.")
        if kind in ("holder", "object"):
            return kind == "object" or short == "directoryObject"
        return short == kind or target.get("type") == kind
    integer = kind == "integer" and schema.get("type") in ("integer", "number")
    return schema.get("type") == kind or integer


# --- nothing goes by unseen ------------------------------------------------------------------------------------------

WRONG = {"lifetime": "05:00:00"}
PARTS = {"requests": [{"id": "1", "method": "PATCH", "url": "/policies/tokenLifetimePolicies/2", "body": WRONG}]}
GRAPH = "https://graph.example/v1.0"


def sent(method: str, url: str, body: object) -> httpx.Request:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return httpx.Request(method, url, content=json.dumps(body).encode(), headers=kind)


@pytest.mark.off_the_slice("POST /v1.0/policies/tokenLifetimePolicies", "PATCH /v1.0/policies/tokenLifetimePolicies/2")
def test_what_a_server_of_a_test_is_sent_is_seen_with_its_body_and_can_still_be_read() -> None:
    read = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # several requests on one connection

        def do_POST(self) -> None:
            read.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        root = f"http://127.0.0.1:{server.server_port}/v1.0"
        with httpx.Client(trust_env=False) as client:
            for path, body in (("policies/tokenLifetimePolicies", WRONG), ("$batch", PARTS)):
                assert client.send(sent("POST", f"{root}/{path}", body)).status_code == 204
        server.shutdown()
    assert read == [WRONG, PARTS]


@pytest.mark.off_the_slice("GET /v1.0/users", "PATCH /v1.0/policies/tokenLifetimePolicies/2", "GET /v1.0/groups")
def test_what_a_transport_of_a_test_is_sent_is_seen_with_its_body() -> None:
    class Alone(httpx.BaseTransport):
        def handle_request(self, _: httpx.Request) -> httpx.Response:
            return httpx.Response(204)

    class Together(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            return httpx.Response(204)

    async def ask() -> None:
        async with httpx.AsyncClient(transport=Together()) as client:
            await client.get(f"{GRAPH}/groups")

    with httpx.Client(transport=Alone()) as client:
        client.get(f"{GRAPH}/users")
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(204))) as client:
        client.send(sent("POST", f"{GRAPH}/$batch", PARTS))
    asyncio.run(ask())


def test_a_body_that_is_sent_in_pieces_is_no_way_past_the_slice() -> None:
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(204))) as client,
        pytest.raises(TypeError, match="in pieces"),
    ):
        client.post(f"{GRAPH}/$batch", content=iter([b"{}"]))


UNSEEN = {
    "test_signin.py": "a port that says nothing, and a tunnel to the sandbox, which sees what comes through",
    "test_live_command.py": "a tunnel to the sandbox",
    "test_rules_command.py": "a port at which nobody may knock",
}


def test_no_test_has_a_server_of_its_own_that_nobody_watches():
    tests = FILE.parent
    own = re.compile(r"\bsocketserver\b|\bcreate_server\b|\bstart_server\b|\buvicorn\.(run|Server)\b|\bmake_server\b")
    found = {path.name for path in tests.rglob("*.py") if own.search(path.read_text(encoding="utf-8"))}
    assert found - {"test_graph_slice.py"} == set(UNSEEN)
