"""A call and its answer, apart from how they travel: alone, or as a part of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import uuid4

REFUSALS: Mapping[int, tuple[str, str]] = {
    400: ("Request_BadRequest", "The request is not valid."),
    401: ("InvalidAuthenticationToken", "Access token is empty."),
    403: ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    404: ("Request_ResourceNotFound", "The resource does not exist."),
    405: ("Request_BadRequest", "Specified HTTP method is not allowed for the request target."),
    409: ("Request_Conflict", "The request conflicts with the state of the resource."),
    424: ("FailedDependency", "A request that this one depends on failed."),
    429: ("TooManyRequests", "Too many requests. Please try again later."),
    500: ("InternalServerError", "The service met an internal error."),
    502: ("BadGateway", "The service's gateway got no usable answer."),
    503: ("ServiceUnavailable", "The service is not available at the moment."),
    504: ("GatewayTimeout", "The service's gateway waited too long for an answer."),
}
"""The usual code and text by status. The README says which of them are documented."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Graph, below its version root."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: Any = None
    """Parsed JSON."""
    root: str = ""
    """The version root as the client spelt it, scheme and host included: links in the answer keep to it."""
    roles: frozenset[str] = frozenset()
    """Application permissions that the token holds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Graph says to a call."""

    status: int
    body: Any = None
    """A JSON value, or text where `content_type` says so; None for no body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class RefusedError(Exception):
    """A call that Graph answers with an error."""

    def __init__(
        self, status: int, message: str = "", *, code: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        usual_code, usual_message = REFUSALS[status]
        super().__init__(message or usual_message)
        self.answer = refusal(status, code or usual_code, message or usual_message, headers or {})


def missing(key: str) -> NoReturn:
    """Refuse: there is no such object."""
    raise RefusedError(
        404, f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    )


def identified(answer: Answer, client_request_id: str) -> Answer:
    """The answer with the ids of its request in the headers, and the same ones in an error's body.

    The client's own id is echoed; of a client that sent none it is the server's.
    """
    request_id = str(uuid4())
    ids = {"request-id": request_id, "client-request-id": client_request_id or request_id}
    body = answer.body
    if isinstance(body, dict) and "error" in body:
        error = body["error"]
        body = {**body, "error": {**error, "innerError": {**error["innerError"], **ids}}}
    return replace(answer, body=body, headers={**answer.headers, **ids})


def refusal(status: int, code: str, message: str, headers: Mapping[str, str]) -> Answer:
    """An error in Graph's shape."""
    request_id = str(uuid4())
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request_id,
    }
    return Answer(status, {"error": {"code": code, "message": message, "innerError": inner}}, headers)
