"""Every request of the built commands is one that Microsoft's description of Graph knows, with what it allows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from command import run
from graph_contract import document, needs_contract, parameters, path_of, paths, permissions
from live import TOKEN_SERVICE
from tokenguard.entra.permissions import demands

pytestmark = needs_contract

GRAPH = "00000003-0000-0000-c000-000000000000"
COMMANDS = {
    "scan": ("scan",),
    "every rule": ("scan", "--rules", "all"),
    "pinned rules": ("scan", "--rules", "pinned"),
    "collect": ("collect", "--rules", "all", "-o", "tenant.jsonl"),
    "doctor": ("doctor", "--rules", "all"),
    "explain": ("explain", GRAPH),
}
WRITING = ("fix", "--yes", "--unsafe", "--max-changes", "100")
ADDRESSED = ("explain", "https://payments.brackwater.example")
READ = {
    "/organization",
    "/servicePrincipals/$count",
    "/applications/$count",
    "/policies/tokenLifetimePolicies/$count",
    "/policies/tokenLifetimePolicies",
    "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}",
    "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}/appliesTo",
    "/servicePrincipals",
    "/applications",
    "/servicePrincipals/{servicePrincipal-id}",
    "/applications/{application-id}",
    "/servicePrincipals(appId='{appId}')",
    "/applications(appId='{appId}')",
}
"""What the commands read, all of it."""


def pinned(resource: str) -> dict[str, Any]:
    properties = {"appId": GRAPH, "displayName": "Microsoft Graph"}
    return {
        "id": f"pinned-{resource.lower()}",
        "title": "An object is called otherwise",
        "severity": "info",
        "resource": resource,
        "select": {"required": ["appId"], "properties": {"appId": {"const": GRAPH}}},
        "require": {"properties": {"displayName": {"const": "Microsoft Graph"}}},
        "message": "{displayName}",
        "rationale": "So that a rule names its object.",
        "examples": [
            {"outcome": "pass", "properties": properties},
            {"outcome": "fail", "properties": {**properties, "displayName": "Other"}},
            {"outcome": "not-evaluated", "properties": {"appId": GRAPH}, "unknown": {"displayName": "refused"}},
        ],
    }


@pytest.fixture(scope="module")
def requests(new_sandbox, tmp_path_factory) -> list[dict[str, Any]]:
    """Everything that the commands asked of a tenant of two pages, parts of batches included."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "pinned").mkdir()
    for resource in ("servicePrincipal", "application"):
        rule = pinned(resource)
        (folder / "pinned" / f"{rule['id']}.json").write_text(json.dumps(rule))
    bare = ("--setting", "applies-to-rows=bare", "--setting", "applies-to-type=never")
    large = new_sandbox("--tenant", "generated", "--principals", "1200", *bare)
    for command in COMMANDS.values():
        assert run(large, *command, folder=folder).returncode in (0, 1, 3), command
    written = new_sandbox("--tenant", "demo", "--permissions", "write", "--propagation", "0")
    assert run(written, *WRITING, folder=folder).returncode in (0, 1, 3)
    assert run(written, *ADDRESSED, folder=folder).returncode == 0
    asked = [each for sandbox in (large, written) for each in sandbox.requests()]
    graph = [each for each in asked if not any(part in each["path"] for part in TOKEN_SERVICE)]
    return [each for request in graph for each in (request, *request.get("parts", ()))]


def test_every_request_is_an_operation_of_the_description(requests):
    for request in requests:
        path = path_of(request["path"].partition("?")[0])
        assert path is not None, request
        assert request["method"].lower() in paths()[path], request


def test_the_commands_read_all_that_is_read_and_write_as_well(requests):
    assert used(requests, "GET") == READ
    assert "/policies/tokenLifetimePolicies/{tokenLifetimePolicy-id}" in used(requests, "PATCH")


def used(requests: Iterable[dict[str, Any]], method: str) -> set[str | None]:
    return {path_of(request["path"].partition("?")[0]) for request in requests if request["method"] == method}


def test_every_query_is_made_of_parameters_that_the_operation_has(requests):
    seen = set()
    for request in requests:
        path, _, query = request["path"].partition("?")
        operation = paths()[path_of(path)][request["method"].lower()]
        known = parameters(operation)
        for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
            seen.add(name)
            if name == "$skiptoken":  # of Graph's own links
                continue
            assert known[name]["in"] == "query", request
            if known[name]["schema"]["type"] == "integer":
                assert 1 <= int(value) <= 999
            else:
                assert len(set(value.split(","))) == len(value.split(","))
    assert seen == {"$select", "$top", "$skiptoken", "$filter"}


def test_whatever_counts_asks_for_eventual_consistency_and_nothing_else_does(requests):
    counting = [request for request in requests if request["path"].partition("?")[0].endswith("/$count")]
    assert counting
    assert all(request["consistencyLevel"] == "eventual" for request in counting)
    assert [request for request in requests if "consistencyLevel" in request] == counting
    for request in counting:
        if path_of(request["path"]) != UNDESCRIBED:
            assert "ConsistencyLevel" in parameters(paths()[path_of(request["path"])]["get"])


def test_what_is_selected_is_a_property_of_the_description(requests):
    selected = {
        (path_of(path), name)
        for path, _, query in (request["path"].partition("?") for request in requests)
        for name in dict(parse_qsl(query)).get("$select", "").split(",")
        if name
    }
    assert selected
    for path, name in selected:
        kind = "application" if str(path).startswith("/applications") else "servicePrincipal"
        assert name in declared(kind), (path, name)


def declared(name: str) -> set[str]:
    """The properties of an entity and of those that it derives from."""
    schema = document("graph-v1.0-tokenguard.openapi.json")["components"]["schemas"][f"microsoft.graph.{name}"]
    found: set[str] = set()
    for part in schema.get("allOf", [schema]):
        found |= declared(part["$ref"].rpartition(".")[2]) if "$ref" in part else set(part.get("properties", ()))
    return found


UNDESCRIBED = "/policies/tokenLifetimePolicies/$count"
"""Counts with the header or without it, as far as the description goes: every count is asked for alike."""


LEAST = {
    "/organization": "Organization.Read.All",
}
"""Where the data marks as least privileged what nobody would grant for it: permissions of device management."""


@pytest.mark.parametrize("path", sorted(READ))
def test_the_permission_that_is_named_as_missing_is_microsofts_least(path):
    listed = [each for scheme in ("application", "delegated") for each in permissions()[path]["GET"][scheme]]
    least = {each["permission"] for each in listed if each.get("least")}
    expected = {LEAST[path]} if path in LEAST else least
    named = demands(path, ())
    assert expected & set(named)
    assert set(named) <= {each["permission"] for each in listed}


@pytest.mark.parametrize("path", sorted(READ - {"/organization"}))
def test_whoever_holds_what_microsoft_asks_for_is_not_said_to_lack_anything(path):
    for scheme in ("application", "delegated"):
        for each in permissions()[path]["GET"][scheme]:
            named = demands(path, {each["permission"], each.get("alsoRequires", "")})
            lacking = {permission for permission, serving in named.items() if not serving}
            if path.endswith("/appliesTo"):  # the page of the operation asks for two where the data asks for one
                assert len(lacking) <= 1
            else:
                assert not lacking, each
