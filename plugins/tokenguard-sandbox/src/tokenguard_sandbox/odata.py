"""The query options that the sandbox understands. It refuses the others: ignoring one would be a wrong answer."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from tokenguard_sandbox.answers import Answer, Call, RefusedError
from tokenguard_sandbox.directory import Row
from tokenguard_sandbox.properties import DECLARED

LARGEST_PAGE = 999
LISTS = ("identifierUris", "servicePrincipalNames")
"""Properties with several values, which ``any`` looks through."""
_LITERAL = r"'(?:[^']|'')*'"
_FILTER = re.compile(
    rf"(?P<name>\w+)\s+(?:eq\s+(?P<one>{_LITERAL}|true|false)"
    rf"|in\s*\((?P<several>\s*{_LITERAL}\s*(?:,\s*{_LITERAL}\s*)*)\))"
    rf"|(?P<list>\w+)/any\(\s*(?P<each>\w+)\s*:\s*(?P=each)\s+eq\s+(?P<member>{_LITERAL})\s*\)"
)
_PAGE = re.compile(rb"sandbox:([0-9]{1,18})(?::[0-9a-f]+)?")
_TEXT = re.compile(r"'((?:[^']|'')*)'")


def check_options(call: Call, *supported: str) -> None:
    """Refuse a query option that this call does not take."""
    for name in call.query:
        if name not in supported:
            raise RefusedError(400, f"The query option '{name}' is not supported here.", code="BadRequest")
    if call.query.get("$count") not in (None, "true", "false"):
        raise RefusedError(400, "Invalid value for $count: it is true or false.", code="BadRequest")


def selected(call: Call, context: str) -> Callable[[Row], Row]:
    """What ``$select`` leaves of a row of the collection `context`; without it, everything."""
    names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
    if not names:
        return lambda row: row
    for name in names:
        if name not in DECLARED[context]:
            message = (
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on '{context}'."
            )
            raise RefusedError(400, message, code="BadRequest")
    wanted = ("@odata.type", *names, *call.query.get("$expand", "").split(","))
    return lambda row: {name: row[name] for name in wanted if name in row}


def matching(call: Call, rows: Iterable[Row], filterable: Collection[str]) -> Iterator[Row]:
    """Rows that ``$filter`` lets through: ``name eq value``, ``name in (values)``, ``list/any(x:x eq value)``.

    All over `filterable` names. Texts are compared letter case aside.
    """
    found = _FILTER.fullmatch(call.query["$filter"].strip())
    name = (found["name"] or found["list"]) if found else ""
    if not found or name not in filterable or (found["list"] is not None) != (name in LISTS):
        raise RefusedError(400, "Unsupported or invalid query filter clause.", code="Request_UnsupportedQuery")
    values = {_folded(_value(each)) for each in _literals(found["one"] or found["member"], found["several"])}
    if found["list"]:
        return (row for row in rows if not values.isdisjoint(map(_folded, row.get(name, ()))))
    return (row for row in rows if _folded(row.get(name)) in values)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _literals(one: str | None, several: str | None) -> list[str]:
    return [one] if one is not None else [match[0] for match in _TEXT.finditer(several or "")]


def _value(literal: str) -> str | bool:
    return literal[1:-1].replace("''", "'") if literal.startswith("'") else literal == "true"


def wants_count(call: Call) -> bool:
    """Advanced queries need a header as well as the option; without it Graph leaves the count out."""
    return call.query.get("$count") == "true" and eventual(call)


def eventual(call: Call) -> bool:
    return call.headers.get("consistencylevel", "").lower() == "eventual"


def page(call: Call, context: str, rows: Callable[[int, int], Iterable[Row]], total: int, size: int) -> Answer:
    """One page of a collection of `total` rows, with a link to the next."""
    start, length = _start(call), _page_length(call, size)
    select = selected(call, context)
    body: dict[str, Any] = {"@odata.context": f"{call.root}/$metadata#{context}"}
    if wants_count(call) and not start:
        body["@odata.count"] = total
    if start + length < total:
        body["@odata.nextLink"] = _page_link(call, str(start + length))
    body["value"] = [select(row) for row in rows(start, start + length)]
    return Answer(200, body)


def page_of(call: Call, context: str, rows: Iterable[Row], size: int) -> Answer:
    """One page of rows that are all at hand."""
    everything = list(rows)
    return page(call, context, lambda start, stop: islice(everything, start, stop), len(everything), size)


def _page_length(call: Call, size: int) -> int:
    if "$top" not in call.query:
        return size
    top = call.query["$top"]
    if not (re.fullmatch(r"[0-9]{1,9}", top) and 1 <= int(top) <= LARGEST_PAGE):
        message = f"Invalid page size specified: '{top}'. Must be between 1 and {LARGEST_PAGE} inclusive."
        raise RefusedError(400, message, code="Request_UnsupportedQuery")
    return int(top)


def _start(call: Call) -> int:
    token = call.query.get("$skiptoken")
    if token is None:
        return 0
    try:
        found = _PAGE.fullmatch(urlsafe_b64decode(token))
    except ValueError:
        found = None
    if not found:
        raise RefusedError(400, "The page token is not valid.", code="Directory_ExpiredPageToken")
    return int(found[1])


def same_page(call: Call) -> str:
    """Another address of the page that `call` asks for: whoever watches for circles must not see one."""
    return _page_link(call, f"{_start(call)}:{uuid4().hex}")


def _page_link(call: Call, start: str) -> str:
    token = urlsafe_b64encode(f"sandbox:{start}".encode()).decode()
    return link(call, {**call.query, "$skiptoken": token})


def link(call: Call, query: Mapping[str, str]) -> str:
    """The address of `call` with these options."""
    options = "&".join(f"{name}={quote(value, safe=',')}" for name, value in query.items())
    return f"{call.root}{call.path}" + (f"?{options}" if options else "")


def count(call: Call, total: int, *, advanced: bool) -> Answer:
    """The text answer of a ``$count`` path; `advanced` where it takes the header ConsistencyLevel: eventual."""
    if advanced and not eventual(call):
        raise RefusedError(400, "$count is not currently supported.", code="Request_UnsupportedQuery")
    return Answer(200, str(total), content_type="text/plain")
