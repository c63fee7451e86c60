"""From a call, as collectors write it, to a request as the Graph SDK builds it.

The SDK's request builder makes the address and the headers; the query is the call's own, to the letter: a builder
silently leaves out what its template does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.options import ResponseHandlerOption
from msgraph.graph_service_client import GraphServiceClient

_ID = r"/([\w-]+)"
_APP = r"\(appId='([\w-]+)'\)"

_ROUTES: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("/organization", lambda graph: graph.organization),
    ("/servicePrincipals", lambda graph: graph.service_principals),
    (r"/servicePrincipals/\$count", lambda graph: graph.service_principals.count),
    (f"/servicePrincipals{_ID}", lambda graph, id_: graph.service_principals.by_service_principal_id(id_)),
    (f"/servicePrincipals{_APP}", lambda graph, app: graph.service_principals_with_app_id(app)),
    ("/applications", lambda graph: graph.applications),
    (r"/applications/\$count", lambda graph: graph.applications.count),
    (f"/applications{_ID}", lambda graph, id_: graph.applications.by_application_id(id_)),
    (f"/applications{_APP}", lambda graph, app: graph.applications_with_app_id(app)),
    ("/policies/tokenLifetimePolicies", lambda graph: graph.policies.token_lifetime_policies),
    (
        f"/policies/tokenLifetimePolicies{_ID}",
        lambda graph, id_: graph.policies.token_lifetime_policies.by_token_lifetime_policy_id(id_),
    ),
    (
        f"/policies/tokenLifetimePolicies{_ID}/appliesTo",
        lambda graph, id_: graph.policies.token_lifetime_policies.by_token_lifetime_policy_id(id_).applies_to,
    ),
)

_RAW = ResponseHandlerOption(NativeResponseHandler())
"""Hands us the response as it is: status, headers and bytes, none of the SDK's models (3.5 ms an object)."""


def address_of(graph: GraphServiceClient, call: str) -> str:
    """The full address of `call`, a path with its query below the version root."""
    return _described(graph, call).url


def get_request(graph: GraphServiceClient, address: str) -> RequestInformation:
    """A GET of `address`: a call, or the full address of a further page."""
    if address.startswith("/"):
        info = _described(graph, address)
    else:
        info = RequestInformation(Method.GET)
        info.url = address
        info.headers.try_add("Accept", "application/json")
    info.add_request_options([_RAW])
    return info


def batch_request(body: bytes) -> RequestInformation:
    """A POST of a batch."""
    info = RequestInformation(Method.POST, "{+baseurl}/$batch")
    info.headers.try_add("Accept", "application/json")
    info.set_stream_content(body, "application/json")
    info.add_request_options([_RAW])
    return info


def counts(call: str) -> bool:
    """Whether `call` asks for a count or a search, which Graph answers only with eventual consistency."""
    return bool(re.search(r"/\$count($|\?)|[?&]\$(count|search)=", call))


def _described(graph: GraphServiceClient, call: str) -> RequestInformation:
    path, mark, query = call.partition("?")
    info = _built(graph, path)
    info.path_parameters["baseurl"] = graph.request_adapter.base_url
    info.url = f"{info.url}{mark}{query}"
    if counts(call):
        info.headers.try_add("ConsistencyLevel", "eventual")
    return info


def _built(graph: GraphServiceClient, path: str) -> RequestInformation:
    for pattern, builder in _ROUTES:
        if found := re.fullmatch(pattern, path):
            info: RequestInformation = builder(graph, *found.groups()).to_get_request_information()
            return info
    info = RequestInformation(Method.GET, "{+baseurl}{+path}", {"path": path})  # a plugin's own path
    info.headers.try_add("Accept", "application/json")
    return info
