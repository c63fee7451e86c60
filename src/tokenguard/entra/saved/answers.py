"""What one saved file holds: a page of a list, single objects, a number, or Graph's refusal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tokenguard.entra.saved.calls import (
    APPLICATIONS,
    ORGANIZATION,
    POLICIES,
    PRINCIPALS,
    address,
    context_address,
    contradict,
    is_list,
    is_narrowed,
    kind_of_address,
)
from tokenguard.entra.saved.files import SavedFile
from tokenguard.errors import DocumentError
from tokenguard.model import Fact

CONTEXT = "@odata.context"
NEXT = "@odata.nextLink"
COUNT = "@odata.count"
DELTA = "@odata.deltaLink"

_ODATA_TYPES = {
    "#microsoft.graph.organization": ORGANIZATION,
    "#microsoft.graph.serviceprincipal": PRINCIPALS,
    "#microsoft.graph.application": APPLICATIONS,
    "#microsoft.graph.tokenlifetimepolicy": POLICIES,
}
_TELLTALE = {
    "servicePrincipalType": PRINCIPALS,
    "servicePrincipalNames": PRINCIPALS,
    "identifierUris": APPLICATIONS,
    "publisherDomain": APPLICATIONS,
    "verifiedDomains": ORGANIZATION,
    "tenantType": ORGANIZATION,
}
"""Properties that only one kind of the objects that we read has."""
_POWERSHELL_LIST = {"value", "Count"}
"""The keys of what ConvertTo-Json may make of a list in Windows PowerShell.

Source: Stack Overflow, question 58617070, on ``Remove-TypeData System.Array``.
"""
_STATUS = {
    "Authorization_RequestDenied": HTTPStatus.FORBIDDEN,
    "InvalidAuthenticationToken": HTTPStatus.UNAUTHORIZED,
    "Request_ResourceNotFound": HTTPStatus.NOT_FOUND,
    "TooManyRequests": HTTPStatus.TOO_MANY_REQUESTS,
}
"""Graph's error codes; the status itself is not in the body."""
_LISTS = {
    "definition": str,
    "tags": str,
    "appliesTo": dict,
    "verifiedDomains": dict,
    "passwordCredentials": dict,
    "keyCredentials": dict,
}
"""Properties that are lists in Graph, and of what."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list."""

    file: str
    address: str
    """The call; of a list of directory objects whose policy is not known, whatever the context names."""
    rows: Sequence[Fact]
    call: str = ""
    """The whole URL that it answers, where ``calls.json`` names it."""
    next_link: str = ""
    total: int = 0
    """How many rows the list has, where the first page was asked to count them."""
    flaw: str = ""
    """Why it cannot be told from this page whether the list is whole."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one kind that were saved on their own."""

    file: str
    kind: str
    rows: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Number:
    """The answer to a ``$count``; without address where nothing says of what."""

    file: str
    address: str
    value: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that Graph answered with."""

    file: str
    address: str
    code: str
    message: str

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, 0)


Answer = Page | Objects | Number | Refusal


def classify(file: SavedFile) -> Answer | None:
    """What `file` holds; None for JSON that is no answer of Graph, or none that we read.

    Raises `DocumentError` for an answer that PowerShell cut on the way into the file.
    """
    document: Any = file.document
    named = address(file.call)
    answer: Answer | None = None
    match document:
        case bool():
            pass
        case int():
            answer = Number(file.path, named, document)
        case {"error": {"code": str(code), "message": str(message)}}:
            answer = Refusal(file.path, named, code, " ".join(message.split()))
        case {"value": list() | str()}:
            answer = _page(file, named, document)
        case dict():
            answer = _objects(file, named, [document])
        case list() if file.call:
            answer = _page(file, named, {"value": document})
        case list() if _are_objects(document):
            answer = _objects(file, named, document)
    return answer


def _page(file: SavedFile, named: str, document: Fact) -> Page | Objects | None:
    told = context_address(str(document.get(CONTEXT, "")))
    if not is_list(named or told):  # a plugin may read lists of its own, under the call that calls.json names
        objects = _objects(file, named, document["value"]) if _are_objects(document["value"]) else None
        if objects or not named or not isinstance(document["value"], list):
            return objects
    if contradict(named, told):
        raise DocumentError(
            f"{file.path}: holds {told}, but calls.json says that it answers {file.call}", "correct calls.json"
        )
    _check_uncut(file.path, {"value": document["value"]}, {"value": dict})
    next_link = "" if document.get(NEXT) is None else str(document[NEXT])
    rows = document["value"]
    for row in rows:
        _check_uncut(file.path, row, _LISTS)
    total = document.get(COUNT, 0)
    return Page(
        file.path, named or told, rows, file.call, next_link, total if isinstance(total, int) else 0,
        _flaw(file, next_link),
    )  # fmt: skip


def _flaw(file: SavedFile, next_link: str) -> str:
    if isinstance(file.document, list) or file.document.keys() == _POWERSHELL_LIST:
        return f"{file.path} holds a bare list, without the marks that tell whether more pages follow"
    if is_narrowed(file.call) or is_narrowed(next_link):
        return f"{file.path} answers a call that asked for a part of the list"
    if DELTA in file.document:
        return f"{file.path} answers a delta query, which may hold changes only"
    if any(row.get("deletedDateTime") for row in file.document["value"]):
        return f"{file.path} holds a deleted object, so it is a list of what was deleted"
    return ""


def _objects(file: SavedFile, named: str, rows: Sequence[Fact]) -> Objects | None:
    """Objects without word of a list that they are: known by their own marks, all of one kind or none."""
    kinds = {kind_of_address(named) or kind_of(row) for row in rows}
    if len(kinds) != 1 or None in kinds:
        return None
    for row in rows:
        _check_uncut(file.path, row, _LISTS)
    return Objects(file.path, str(kinds.pop()), rows)


def kind_of(row: Fact) -> str | None:
    """The kind of an object by its annotations, or else by properties that only that kind has."""
    if "@odata.type" in row:
        return _ODATA_TYPES.get(str(row["@odata.type"]).lower())
    if kind := kind_of_address(context_address(str(row.get(CONTEXT, "")))):
        return kind
    if "isOrganizationDefault" in row and "TokenLifetimePolicy" in json.dumps(row.get("definition")):
        return POLICIES
    return next((kind for name, kind in _TELLTALE.items() if name in row), None)


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _check_uncut(file: str, row: Fact, lists: Mapping[str, type]) -> None:
    """PowerShell's ConvertTo-Json writes what is deeper than ``-Depth`` (2 unless told) as one string.

    Source: Microsoft Learn, ConvertTo-Json, parameter Depth.
    """
    for name in lists.keys() & row.keys():
        value = row[name]
        if isinstance(value, str) or (isinstance(value, list) and not _all(value, lists[name])):
            raise DocumentError(
                f"{file}: {name!r} is cut to text where Graph sends a list",
                "save it again with `ConvertTo-Json -Depth 20`; the default depth of 2 is not enough",
            )


def _all(values: Iterable[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)
