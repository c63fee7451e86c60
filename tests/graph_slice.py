"""Our own slice of Microsoft Graph and the token service: which requests tests may make, and what answers may hold.

It is no copy of Microsoft's description: paths, methods and property names are facts, chosen and worded here. Where
`TOKENGUARD_GRAPH_CONTRACT` is set, ``contract/test_graph_slice.py`` holds it against that description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

FILE = Path(__file__).with_name("graph_slice.json")
SLICE: Mapping[str, Any] = json.loads(FILE.read_bytes())
_ROOT = "/v1.0"
_PLAIN = {"string": str, "boolean": bool, "integer": int, "object": dict}
_NAMED = {"holder": ("servicePrincipal", "application")}
"""A row of a policy's holders is either; of which kind, `@odata.type` may say."""


_IN_FILTER = re.compile(r"(?:^|\(|\b(?:and|or|not)\b)\s*([A-Za-z@]\w*)(?=/any\(|\s+(?:eq|ne|in|ge|gt|le|lt)\b)")
"""A property, where a clause begins; not the variable of ``any(x:x eq '…')``, which comes after a colon."""
_NAMING = {
    "$select": lambda value: value.split(","),
    "$expand": lambda value: value.split(","),
    "$filter": lambda value: _IN_FILTER.findall(re.sub(r"'(?:[^']|'')*'", "''", value)) or [value],
}
"""The properties that a query option names."""


@dataclass(frozen=True)
class Request:
    """One request: `path` with the version of Graph before it, if it is one of Graph's; `body` None for no JSON."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f"?{self.query}" if self.query else "")


def flaws(request: Request) -> Iterator[str]:
    """What of `request` has no entry in the slice, in words that name it; nothing where all has."""
    if request.path.startswith(f"{_ROOT}/"):
        yield from _flaws("graph", request, request.path.removeprefix(_ROOT))
    else:
        yield from _flaws("token service", request, request.path)


def _flaws(service: str, request: Request, path: str) -> Iterator[str]:
    found = template_of(service, request.method, path)
    if found is None:
        yield f"{request}: no entry {f'{request.method} {path}'!r} under {service!r}"
        return
    entry = SLICE[service][found]
    beyond = entry.get("beyond", {})
    if service == "graph":
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            if name not in entry.get("query", ()) and name not in beyond:
                yield f"{request}: no query option {name!r} in {found!r}"
            elif name in _NAMING:
                yield from (
                    f"{request}: no property {each!r} in the types that {found!r} answers with"
                    for each in _NAMING[name](value)
                    if each not in _properties(entry)
                )
        for name in request.headers:
            if name.lower() not in (*SLICE["headers"], *entry.get("headers", ()), *beyond):
                yield f"{request}: no header {name!r} in {found!r}"
    if "body" in entry and request.body is not None:
        yield from (f"{request}: {each}" for each in misfits(request.body, entry["body"]))
    elif request.body is not None:
        yield f"{request}: no body in {found!r}"
    if found == "POST /$batch" and isinstance(request.body, dict):
        yield from _flaws_of_parts(request.body.get("requests"))


def _flaws_of_parts(parts: Any) -> Iterator[str]:
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and isinstance(part.get("url"), str) and isinstance(part.get("method"), str):
            path, _, query = part["url"].partition("?")
            headers = part.get("headers") or {}
            yield from flaws(Request(part["method"], f"{_ROOT}/{path.strip('/')}", query, headers, part.get("body")))
        else:
            yield f"POST {_ROOT}/$batch: a part without a method or an address: {part!r:.60}"


def template_of(service: str, method: str, path: str) -> str | None:
    """The entry that `method` and `path` follow; the one with the fewest blanks."""
    fitting = [each for each in SLICE[service] if _pattern(each).fullmatch(f"{method} {path}")]
    return min(fitting, key=lambda each: each.count("{"), default=None)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("([^/()']+)".join(map(re.escape, re.split(r"\{[^}]+\}", template))))


def _properties(entry: Mapping[str, Any]) -> set[str]:
    name = entry.get("of", entry["answer"]).removeprefix("page of ")
    return {each for kind in _NAMED.get(name, (name,)) for each in SLICE["types"][kind]}


def misfits(value: Any, kind: str, place: str = "") -> Iterator[str]:
    """Where `value` is not of the slice's `kind`: a property without an entry, or one of another type."""
    if kind.startswith("page of "):
        yield from _misfits_of_page(value, kind.removeprefix("page of "))
        return
    nullable, kind = kind.endswith("?"), kind.removesuffix("?")
    if value is None and nullable:
        return
    if kind == "count":
        kind = "integer"
    if kind.startswith("list of "):
        if not isinstance(value, list):
            yield f"{place or 'the whole'} is no list"
            return
        for index, each in enumerate(value):
            yield from misfits(each, kind.removeprefix("list of "), f"{place}[{index}]")
    elif kind in _PLAIN:
        if type(value) is not _PLAIN[kind]:
            yield f"{place or 'the whole'} is no {kind}, but {value!r:.60}"
    elif not isinstance(value, dict):
        yield f"{place or 'the whole'} is no {kind}, but {value!r:.60}"
    else:
        yield from _misfits_of_object(value, kind, place)


def _misfits_of_page(value: Any, kind: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield "a page is no object"
        return
    known = {"@odata.context": "string", "@odata.nextLink": "string", "@odata.count": "integer"}
    for name, each in value.items():
        if name == "value":
            yield from misfits(each, f"list of {kind}", "value")
        elif name in known:
            yield from misfits(each, known[name], name)
        else:
            yield f"no property {name!r} of a page"


def _misfits_of_object(value: Mapping[str, Any], kind: str, place: str) -> Iterator[str]:
    said = str(value.get("@odata.type", "")).removeprefix("#microsoft.graph.")
    kinds = (said,) if said else _NAMED.get(kind, (kind,))
    properties = {
        name: type_
        for each in kinds
        for name, type_ in (SLICE["types"].get(each) or SLICE["shapes"].get(each) or {}).items()
    }
    for name, each in value.items():
        if name in properties:
            yield from misfits(each, properties[name], f"{place}.{name}" if place else name)
        elif not name.startswith("@odata.") and f"{kind}.{name}" not in SLICE["newer"]:
            yield f"no property {name!r} in {'/'.join(kinds)}"
