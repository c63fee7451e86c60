"""``POST /$batch``: up to twenty calls in one, each with a fate of its own.

Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching".
"""

from __future__ import annotations

import random
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from tokenguard_sandbox.answers import Answer, Call, RefusedError
from tokenguard_sandbox.settings import Settings

LARGEST = 20
Parts = dict[str, Answer | None]
"""Answers by id; None where the answer is withheld."""


def answer_batch(call: Call, settings: Settings, ask: Callable[[Call], Answer | None]) -> Answer:
    """Carry out the parts with `ask`, in the order given: a dependency precedes what depends on it."""
    requests = _checked(call.body)
    parts: Parts = {}
    for id_, request in requests.items():
        parts[id_] = _carried_out(request, parts, call, ask)
    responses = [_response(id_, part, settings) for id_, part in parts.items() if part is not None]
    if settings.batch_order == "shuffled":
        random.Random(",".join(requests)).shuffle(responses)  # noqa: S311  (an order, no secret; the same each time)
    return Answer(200, {"responses": responses})


def query_of(text: str) -> dict[str, str]:
    """The options of a query string; raises `RefusedError` where one stands twice."""
    options: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name in options:
            message = f"Query option '{name}' was specified more than once, but it must be specified at most once."
            raise RefusedError(400, message, code="BadRequest")
        options[name] = value
    return options


def _checked(body: Any) -> dict[str, Mapping[str, Any]]:
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not all(isinstance(each, dict) for each in requests):
        raise RefusedError(400, "Invalid batch payload format.", code="BadRequest")
    if len(requests) > LARGEST:
        message = f"Number of batch request steps exceeds the maximum value of {LARGEST}."
        raise RefusedError(400, message, code="BadRequest")
    known: dict[str, Mapping[str, Any]] = {}
    for each in requests:
        id_ = each.get("id")
        if not all(isinstance(each.get(name), str) and each[name] for name in ("id", "method", "url")) or id_ in known:
            raise RefusedError(
                400, "Every request of a batch needs an id of its own, a method and a url.", code="BadRequest"
            )
        if not isinstance(_headers(each), dict):
            raise RefusedError(400, f"The headers of request '{id_}' are no object.", code="BadRequest")
        if not _precede(known, _dependencies(each)):
            raise RefusedError(400, f"Request '{id_}' depends on one that does not precede it.", code="BadRequest")
        known[id_] = each
    return known


def _headers(request: Mapping[str, Any]) -> Any:
    """The headers of a part; clients write null where they have none."""
    return request.get("headers") or {}


def _dependencies(request: Mapping[str, Any]) -> Any:
    return request.get("dependsOn") or []


def _precede(known: Mapping[str, Any], ids: Any) -> bool:
    """Whether `ids` is a list of requests that came before."""
    return isinstance(ids, list) and all(isinstance(each, str) and each in known for each in ids)


def _carried_out(
    request: Mapping[str, Any], parts: Parts, call: Call, ask: Callable[[Call], Answer | None]
) -> Answer | None:
    before = [parts[each] for each in _dependencies(request)]
    if any(each is None or each.status >= 400 for each in before):  # noqa: PLR2004  (HTTP's own limit)
        return RefusedError(424).answer
    try:
        return ask(_part(request, call))
    except RefusedError as error:
        return error.answer


def _part(request: Mapping[str, Any], call: Call) -> Call:
    path, _, query = request["url"].partition("?")
    headers = {name.lower(): str(value) for name, value in _headers(request).items()}
    if request.get("body") is not None and not headers.get("content-type", "").startswith("application/json"):
        raise RefusedError(400, "A request with a body needs the header Content-Type.", code="BadRequest")
    path = "/" + unquote(path).strip("/")
    return Call(request["method"], path, query_of(query), headers, request.get("body"), call.root, call.roles)


def _response(id_: str, answer: Answer, settings: Settings) -> dict[str, Any]:
    response: dict[str, Any] = {"id": id_, "status": answer.status, "headers": dict(answer.headers)}
    if answer.body is not None:
        response["headers"]["Content-Type"] = answer.content_type
        response["body"] = _body(answer, settings)
    return response


def _body(answer: Answer, settings: Settings) -> Any:
    if answer.content_type == "text/plain" and settings.batch_count == "number":
        return (
            int(answer.body) if re.fullmatch(r"-?[0-9]+", answer.body) else answer.body
        )  # a fault may have changed it
    if answer.content_type.startswith("text/"):
        return b64encode(answer.body.encode()).decode()
    return answer.body
