"""What one saved file holds: a page of a list, single objects, a number, or Graph's refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tokenguard.entra.reading import Unknown
from tokenguard.entra.saved.calls import (
    APPLICATIONS,
    ORGANIZATION,
    PRINCIPALS,
    address,
    held_policy,
    is_list,
    kind_of_address,
)
from tokenguard.entra.saved.calls import (
    COUNT as COUNTED,
)
from tokenguard.entra.saved.contexts import COUNT, DELTA, NEXT, annotation, confirms, other_link, told_by
from tokenguard.entra.saved.files import SavedFile
from tokenguard.entra.saved.marks import is_foreign, kind_of, marked, may_be_organization
from tokenguard.entra.saved.options import narrowing
from tokenguard.errors import DocumentError
from tokenguard.model import Fact

_POWERSHELL_LIST = {"value", "Count"}
"""The keys of what ConvertTo-Json may make of a list in Windows PowerShell.

Source: Stack Overflow, question 58617070, on ``Remove-TypeData System.Array``.
"""
_DIGITS = 19
"""Of the numbers in 64 bits that we read."""
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
    """Those that have an id."""
    call: str = ""
    """The whole URL that it answers, where ``calls.json`` names it."""
    next_link: str | None = None
    """None on the last page; a link that is there and empty, or no text, leads to another page, nobody knows which."""
    total: int = 0
    """How many rows the list has, where the first page was asked to count them."""
    part: str = ""
    """Why it is a page of a part of the list: its call asked for no more."""
    flaw: str = ""
    """Why it cannot be told from this page whether the list is whole."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one kind that were saved on their own."""

    file: str
    kind: str
    rows: Sequence[Fact]
    part: str = ""
    """Why what the call expanded in them may not be whole."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """An answer that does not count: it is not shown to be of the call that it would be needed for."""

    file: str
    address: str
    """The call that it is said to answer; empty where nothing says of which."""
    reason: str
    rows: Sequence[Fact] = ()
    """What it tells of all the same: nothing is proved by it, but it may show that another answer is not whole."""
    next_link: str | None = None
    is_list: bool = True


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


Answer = Page | Objects | Number | Refusal | Uncounted


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
            answer = _number(file, named, document)
        case {"error": {"code": str(code), "message": str() | Unknown() as message}}:
            said = " ".join(message.split()) if isinstance(message, str) else message.reason
            answer = _refusal(file, named, code, said)
        case {"value": list() | str()}:
            answer = _list(file, named, document)
        case dict():
            answer = _objects(file, named, [document])
        case list() if file.call:
            answer = _list(file, named, {"value": document})
        case list() if _are_objects(document):
            answer = _objects(file, named, document)
    return answer


def _number(file: SavedFile, named: str, value: int) -> Number | Uncounted:
    if part := _part(file.path, file.call):
        return Uncounted(file.path, named, part, is_list=False)
    return Number(file.path, named, value)


def _refusal(file: SavedFile, named: str, code: str, said: str) -> Refusal | Uncounted:
    """That a part of a list is refused says nothing of the list."""
    part = _part(file.path, file.call) if is_list(named.removesuffix(COUNTED)) else ""
    return Uncounted(file.path, named, part, is_list=False) if part else Refusal(file.path, named, code, said)


def _list(file: SavedFile, named: str, document: Fact) -> Page | Objects | Uncounted | None:
    """A list, or objects that stand in one: of the call that calls.json names, or else that the context names."""
    told, rows = told_by(document), document["value"]
    if named and (why := _unconfirmed(file, named, told, rows)):
        return _uncounted(file, named, why, document)
    if not is_list(named or told or ""):
        if told is not None and not named:
            return _uncounted(file, "", f"{file.path} is no answer to a call that is needed", document)
        if not named or kind_of_address(named):
            return _objects(file, named, rows, kind_of_address(named) if told else None) if _are_objects(rows) else None
        if not isinstance(rows, list):
            return None  # a plugin may read lists of its own, under the call that calls.json names
    if (named or told) == ORGANIZATION and not (len(rows) <= 1 and all(map(may_be_organization, rows))):
        return _uncounted(file, ORGANIZATION, f"{file.path} holds something else than one organization", document)
    return _page(file, named or told or "", document)


def _unconfirmed(file: SavedFile, named: str, told: str | None, rows: Any) -> str:
    """Why a list is not shown to be of the call that calls.json names; empty where it is."""
    if told is not None:
        what = f"says in its @odata.context that it is of {told[:80]!r}" if told else "has an @odata.context of nothing"
        return "" if confirms(told, named) else _contradiction(file, what)
    kinds = {kind} if (kind := kind_of_address(named)) else {PRINCIPALS, APPLICATIONS} if held_policy(named) else set()
    if isinstance(rows, str) or (rows and all(not kinds or marked(row) in kinds for row in rows)):
        return ""
    return f"{file.path} does not count: it has no @odata.context, and not every row tells what it is"


def _contradiction(file: SavedFile, what: str) -> str:
    return f"{file.path} does not count: it {what}, and calls.json says that it answers {file.call}"


def _uncounted(file: SavedFile, named: str, why: str, document: Fact) -> Uncounted:
    rows = [row for row in document["value"] if _has_id(row)] if isinstance(document["value"], list) else []
    return Uncounted(file.path, named, why, rows, _link(annotation(document, NEXT)))


def _page(file: SavedFile, of: str, document: Fact) -> Page:
    _check_uncut(file.path, {"value": document["value"]}, {"value": dict})
    next_link = _link(annotation(document, NEXT))
    for row in document["value"]:
        _check_uncut(file.path, row, _LISTS)
    rows = [row for row in document["value"] if _has_id(row)]
    total = _total(annotation(document, COUNT))
    return Page(
        file.path, of, rows if is_list(of) else document["value"], file.call, next_link, total or 0,
        _part(file.path, file.call) or _part(file.path, next_link or ""),
        _flaw(file, of)
        or (f"the @odata.count in {file.path} is no number" if total is None else "")
        or (lacking(file.path) if is_list(of) and len(rows) < len(document["value"]) else ""),
    )  # fmt: skip


def _total(counted: Any) -> int | None:
    """The number in an ``@odata.count``, 0 where there is none, None where it is no number. It may be sent as text.

    Source: OData 4.01 JSON Format, "IEEE754Compatible".
    """
    if isinstance(counted, str) and counted.isascii() and counted.isdigit() and len(counted) < _DIGITS:
        counted = int(counted)
    if counted is None:
        return 0
    return counted if isinstance(counted, int) and not isinstance(counted, bool) and counted >= 0 else None


def lacking(file: str) -> str:
    """What is said of a `file` in which an object has no id."""
    return f"in {file} an object has no id: save the answer with the property id"


def _link(annotated: Any) -> str | None:
    return None if annotated is None else str(annotated)


def _has_id(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), str)


def _part(file: str, call: str) -> str:
    option = narrowing(call)
    return f"{file} answers a call that may have asked for a part of the list ({option[:30]!r})" if option else ""


def _flaw(file: SavedFile, of: str) -> str:
    if isinstance(file.document, list) or file.document.keys() == _POWERSHELL_LIST:
        return f"{file.path} holds a bare list, without the marks that tell whether more pages follow"
    if other := other_link(file.document):
        return f"{file.path} has {other[:40]!r}, which is not Graph's name for the link to the next page"
    if any(is_foreign(row, of) for row in file.document["value"]):
        return f"{file.path} holds an object that says it is of another kind"
    if annotation(file.document, DELTA) is not None:
        return f"{file.path} answers a delta query, which may hold changes only"
    if any(row.get("deletedDateTime") for row in file.document["value"]):
        return f"{file.path} holds a deleted object, so it is a list of what was deleted"
    return ""


def _objects(file: SavedFile, named: str, rows: Sequence[Fact], kind: str | None = None) -> Objects | Uncounted | None:
    """Objects without word of a list that they are: all of one kind, by their contexts or else their own marks."""
    wanted = kind_of_address(named)
    kinds = {kind} if kind else {(marked if wanted and told_by(row) is None else kind_of)(row) for row in rows}
    other = kinds == {ORGANIZATION} and not all(map(may_be_organization, rows))
    if other or len(kinds) != 1 or None in kinds or (named and kinds != {wanted}):
        said = _contradiction(file, "does not tell that it is of that kind")
        return Uncounted(file.path, named, said, is_list=False) if named else None
    if not all(map(_has_id, rows)):
        return Uncounted(file.path, named or str(*kinds), lacking(file.path), is_list=False)
    for row in rows:
        _check_uncut(file.path, row, _LISTS)
    return Objects(file.path, str(*kinds), rows, _part(file.path, file.call))


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
