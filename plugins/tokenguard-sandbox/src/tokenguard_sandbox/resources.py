"""Which resource a token is asked for: the service principal behind a scope."""

from __future__ import annotations

import re

from tokenguard_sandbox.aadsts import refused
from tokenguard_sandbox.directory import Directory, Row

GRAPH = "00000003-0000-0000-c000-000000000000"
_WELL_KNOWN = (
    (re.compile(r"https://(?:dod-)?graph\.microsoft\.(?:com|us)|https://microsoftgraph\.chinacloudapi\.cn"), GRAPH),
    (re.compile(r"https://[\w.-]+\.dynamics\.(?:com|cn)"), "00000007-0000-0000-c000-000000000000"),
    (re.compile(r"https://management\.(?:azure\.com|core\.windows\.net)"), "797f4846-ba00-4fd7-ba43-dac1f8f63013"),
    (re.compile(r"https://vault\.azure\.net"), "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"),
)
"""Addresses of Microsoft's own resources, and their appIds."""


def find_resource(directory: Directory, root: str, scopes: str) -> tuple[str, Row]:
    """The resource that is asked for, as it was spelt, and its service principal.

    It goes by appId, by identifier URI, or by an address of Microsoft's; `root`, the sandbox's own, is Graph.
    """
    resource = _named(scopes)
    app_id = GRAPH if resource == root else _well_known(resource.rstrip("/")) or _identified(directory, resource)
    principal = directory.principals.with_app_id(app_id.lower())
    if principal is None and app_id == GRAPH:
        principal = {"id": "", "appId": GRAPH}  # a tenant always has it, listed here or not
    if principal is None:
        text = f"The resource principal named {resource} was not found in the tenant."
        raise refused("invalid_resource", 500011, text, 400)
    if principal.get("accountEnabled") is False:
        text = f"The service principal for resource '{resource}' is disabled."
        raise refused("invalid_resource", 500014, text, 400)
    return resource, principal


def _named(scopes: str) -> str:
    """The one resource whose permissions are asked for; those of OpenID Connect may stand beside it."""
    for scope in scopes.split():
        resource, default, _ = scope.rpartition("/.default")
        if default:
            return resource
    text = f"The provided value for scope {scopes} is not valid. It must be a resource with /.default after it."
    raise refused("invalid_scope", 1002012, text, 400)


def _well_known(resource: str) -> str | None:
    return next((app_id for address, app_id in _WELL_KNOWN if address.fullmatch(resource)), None)


def _identified(directory: Directory, resource: str) -> str:
    """The appId behind an identifier URI, or what stands in its place."""
    for application in directory.applications.listed:
        if resource in application.get("identifierUris", ()):
            return str(application["appId"])
    return resource.removeprefix("api://")
