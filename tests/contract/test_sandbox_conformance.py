"""The sandbox against Microsoft's own description of Graph v1.0: operations, answers and permissions.

The description is not part of this project: `TOKENGUARD_GRAPH_CONTRACT` names the folder that holds it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4
from tokenguard_sandbox.answers import Answer, Call
from tokenguard_sandbox.batch import answer_batch
from tokenguard_sandbox.faults import Fault, altered, instead
from tokenguard_sandbox.graph import Graph
from tokenguard_sandbox.permissions import KNOWN, PERMISSIONS
from tokenguard_sandbox.properties import DECLARED
from tokenguard_sandbox.settings import Settings

from conversation import GRANTED, NOBODY, conversation, tenant

CONTRACT = os.environ.get("TOKENGUARD_GRAPH_CONTRACT", "")
pytestmark = pytest.mark.skipif(
    not CONTRACT, reason="TOKENGUARD_GRAPH_CONTRACT names no folder with the Graph contract"
)

INCOMPLETE = {
    ("DELETE", "/servicePrincipals(appId='{appId}')/tokenLifetimePolicies/{tokenLifetimePolicy-id}/$ref"),
    ("DELETE", "/applications(appId='{appId}')/tokenLifetimePolicies/{tokenLifetimePolicy-id}/$ref"),
    ("DELETE", "/applications/{application-id}/tokenLifetimePolicies/{tokenLifetimePolicy-id}/$ref"),
}
"""Where the data lists fewer or more pairs than for the same call in its other form: the sandbox has one for all."""
NEWER = ("directorySizeQuota",)
"""In Microsoft's documented example of an organization, and not in the description."""


@cache
def contract(name: str) -> Any:
    return json.loads((Path(CONTRACT) / name).read_bytes())


def openapi() -> Any:
    return contract("graph-v1.0-tokenguard.openapi.json")


@cache
def registry() -> Registry[Any]:
    return Registry().with_resource("urn:graph", Resource.from_contents(openapi(), default_specification=DRAFT4))


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference within the description."""
    while "$ref" in node:
        place: Any = openapi()
        for step in node["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        node = place
    return node


def response_schema(method: str, template: str, answer: Answer) -> Mapping[str, Any] | None:
    """What the description says of this answer's body; None where there must be none."""
    responses = openapi()["paths"][template][method.lower()]["responses"]
    exact, range_ = str(answer.status), f"{answer.status // 100}XX"
    response = resolved(responses.get(exact) or responses.get(range_) or responses["default"])
    content = response.get("content") if answer.status != 204 else None  # the description's 2XX stands for 204 too
    return content[answer.content_type]["schema"] if content else None


def absolute(schema: Any) -> Any:
    """The schema with references into the registered description."""
    if isinstance(schema, dict):
        return {
            key: f"urn:graph{value}" if key == "$ref" and value.startswith("#") else absolute(value)
            for key, value in schema.items()
        }
    return [absolute(each) for each in schema] if isinstance(schema, list) else schema


def problems(schema: Mapping[str, Any], body: Any) -> list[str]:
    validator = OAS30Validator(absolute(schema), registry=registry(), format_checker=oas30_format_checker)
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    rows = body.get("value", ()) if isinstance(body, dict) else ()
    return found + [each for row in rows if "@odata.type" in row for each in problems_of_row(row)]


def problems_of_row(row: Mapping[str, Any]) -> list[str]:
    """A row that says its type is held to that, not to the base type of its collection."""
    return problems(typed({}, row), {name: value for name, value in row.items() if name != "@odata.type"})


def declared(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Every property that a schema and its bases name; Microsoft's schemas let any other pass."""
    schema = resolved(schema)
    names = dict(schema.get("properties", {}))
    for base in schema.get("allOf", ()):
        names |= declared(base)
    return names


def typed(schema: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the derived type that a row says it has, or the one given."""
    name = body.get("@odata.type", "").removeprefix("#")
    return openapi()["components"]["schemas"].get(name, schema)


def undeclared(schema: Mapping[str, Any], body: Any) -> Iterator[str]:
    """Properties in `body` that the description has not: a schema of Microsoft's lets them pass."""
    if isinstance(body, list):
        for each in body:
            yield from undeclared(resolved(schema).get("items", {}), each)
    elif isinstance(body, dict) and (names := declared(typed(schema, body))):
        for name, value in body.items():
            if name in names:
                yield from undeclared(names[name], value)
            elif "@" not in name and name not in NEWER:
                yield name


@pytest.mark.parametrize("name", ["demo", "generated"])
def test_every_answer_is_one_that_the_description_allows(name):
    met = set()
    for method, template, answer in conversation(Graph(tenant(name), Settings())):
        schema = response_schema(method, template, answer)
        if schema is None:
            assert answer.body is None, (method, template, answer)
            met.add((method, template, answer.status))
            continue
        body = int(answer.body) if answer.content_type == "text/plain" else answer.body
        assert problems(schema, body) == [], (method, template)
        assert list(undeclared(schema, body)) == [], (method, template)
        met.add((method, template, answer.status))
    assert {(method, template) for method, template, status in met if status < 300} == set(PERMISSIONS)
    assert {200, 201, 204, 400, 404, 429} <= {status for *_, status in met}


@pytest.mark.parametrize(
    ("context", "name"),
    [
        ("organization", "organization"),
        ("policies/tokenLifetimePolicies", "tokenLifetimePolicy"),
        ("identity/conditionalAccess/policies", "conditionalAccessPolicy"),
        ("servicePrincipals", "servicePrincipal"),
        ("applications", "application"),
    ],
)
def test_what_can_be_selected_is_what_the_description_declares(context, name):
    assert DECLARED[context].difference(NEWER) == set(
        declared({"$ref": f"#/components/schemas/microsoft.graph.{name}"})
    )


def test_an_answer_that_the_description_forbids_would_be_found():
    schema = openapi()["components"]["schemas"]["microsoft.graph.tokenLifetimePolicy"]
    assert problems(schema, {"definition": "no list"})
    assert list(undeclared(schema, {"displayname": "x"})) == ["displayname"]


def test_a_batch_is_one_that_the_description_allows():
    graph = Graph(tenant("demo"), Settings())
    requests = [
        {"id": "1", "method": "GET", "url": "/organization"},
        {"id": "2", "method": "GET", "url": f"/servicePrincipals/{NOBODY}"},
        {"id": "3", "method": "POST", "url": "/policies/tokenLifetimePolicies", "body": {}},
        {"id": "4", "method": "GET", "url": "/organization", "dependsOn": ["2"]},
    ]
    answer = answer_batch(Call("POST", "/$batch", body={"requests": requests}, roles=GRANTED), Settings(), graph.answer)
    schema = response_schema("POST", "/$batch", answer)
    assert schema is not None
    assert problems(schema, answer.body) == []


@pytest.mark.parametrize("status", ["401", "403", "404", "409", "429", "500", "502", "503", "504"])
def test_a_fault_speaks_in_graphs_error_body(status):
    answer = instead(Fault("GET", "/organization", status))
    assert answer is not None
    schema = response_schema("GET", "/organization", answer)
    assert schema is not None
    assert problems(schema, answer.body) == []


@pytest.mark.parametrize("action", ["loop", "foreign", "empty"])
def test_a_fault_of_paging_keeps_the_shape_of_a_page(action):
    graph = Graph(tenant("demo"), Settings())
    call = Call("GET", "/servicePrincipals", root="https://localhost:1/v1.0", roles=GRANTED)
    answer = altered(Fault("GET", "/servicePrincipals", action), call, graph.answer(call))
    schema = response_schema("GET", "/servicePrincipals", answer)
    assert schema is not None
    assert problems(schema, answer.body) == []
    assert urlsplit(answer.body["@odata.nextLink"]).scheme == "https"


def test_a_client_may_hold_every_permission_of_the_data_and_no_other():
    assert set(contract("permissions-tokenguard.json")["permissionIds"]) == KNOWN


def listed(entries: Iterable[Mapping[str, Any]]) -> set[frozenset[str]]:
    return {frozenset({each["permission"], each.get("alsoRequires", each["permission"])}) for each in entries}


@pytest.mark.parametrize(("method", "template"), sorted(PERMISSIONS))
def test_permissions_are_microsofts(method, template):
    alternatives = PERMISSIONS[method, template]
    operations = contract("permissions-tokenguard.json")["operations"]
    if (method, template) in INCOMPLETE:
        method, template = "GET", "/servicePrincipals/{servicePrincipal-id}/tokenLifetimePolicies"
    assert set(alternatives) == listed(operations[template][method]["application"])
