"""Which calls find out what: each function asks a source for one piece of `EntraFacts`.

Independent calls go out together, through `Source.answers`, so that a live source can batch them. Nothing here raises
for a read that fails: the failure stands where the piece would.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Protocol, runtime_checkable

from tokenguard.entra.counting import COUNT, POLICY, Count, complete
from tokenguard.entra.facts import UNASKED, DirectoryObject, Kind, Rows, because, kind_of
from tokenguard.entra.reading import Unknown, contradiction, guid, not_held
from tokenguard.hookspecs import ReadFailure, Source
from tokenguard.model import Fact

ORGANIZATION = "/organization"
POLICIES = "/policies/tokenLifetimePolicies"
PAGE_SIZE = 999
"""The largest page that Graph gives of applications and service principals."""

PATHS = {Kind.SERVICE_PRINCIPAL: "/servicePrincipals", Kind.APPLICATION: "/applications"}
LISTS = {**{kind.value: path for kind, path in PATHS.items()}, POLICY: POLICIES}
"""The path of each list by the type of what it lists."""
_DETAILS = {
    Kind.SERVICE_PRINCIPAL: (
        "id",
        "appId",
        "displayName",
        "servicePrincipalType",
        "signInAudience",
        "appOwnerOrganizationId",
    ),
    Kind.APPLICATION: ("id", "appId", "displayName", "signInAudience"),
}
"""What an assignment says of its holder; a row of `appliesTo` that holds all of it needs no second call."""
_MORE = {Kind.SERVICE_PRINCIPAL: ("accountEnabled",), Kind.APPLICATION: ("createdDateTime",)}

_ID = re.compile(r"[\w-]+", re.ASCII)

Fate = Fact | int | ReadFailure


@runtime_checkable
class Incomplete(Protocol):
    """A source whose answer about an object may hold less than was asked for, as nobody asked Graph for the rest."""

    def lacking(self, call: str) -> ReadFailure:
        """Why the answer to `call` does not hold everything that it asks for."""
        ...


def select(kind: Kind, further: Iterable[str] = ()) -> str:
    """The ``$select`` that names what the resources of `kind` hold, and `further` costly properties."""
    return f"$select={','.join((*_DETAILS[kind], *_MORE[kind], *further))}"


def ask_organization(source: Source, counted: Collection[str] = ()) -> tuple[Fact | ReadFailure, dict[str, Count]]:
    """The organization, and how many there are of each of the types `counted`.

    An answer that is none about the tenant of the token is a failure with the status 200.
    """
    calls = {name: LISTS[name] + COUNT for name in LISTS if name in counted}
    fates = _ask(source, [ORGANIZATION, *calls.values()])
    return _organization(source.tenant, fates[ORGANIZATION]), {
        name: _number(call, fates[call]) for name, call in calls.items()
    }


def _organization(tenant: str, fate: Fate) -> Fact | ReadFailure:
    if isinstance(fate, ReadFailure):
        return fate
    rows = _rows(ORGANIZATION, fate)
    if not isinstance(rows, ReadFailure) and len(rows) != 1:
        rows = ReadFailure(ORGANIZATION, f"GET {ORGANIZATION}: the answer holds {len(rows)} organizations")
    found = rows if isinstance(rows, ReadFailure) else rows[0]
    if tenant and not isinstance(found, ReadFailure):
        found = _about(tenant, "id", ORGANIZATION, found)
    return replace(found, status=HTTPStatus.OK) if isinstance(found, ReadFailure) else found


def _number(call: str, fate: Fate) -> Count:
    if isinstance(fate, ReadFailure) or (isinstance(fate, int) and fate >= 0):
        return fate
    return ReadFailure(call, f"GET {call}: the answer is no number")


def count_principals(source: Source, counted: Count) -> Count:
    """How many service principals there are: `counted`, or, where that was not saved, as many as the list that was.

    A source with a token is not asked for its whole list.
    """
    if isinstance(counted, int) or source.permissions is not None:
        return counted
    path = PATHS[Kind.SERVICE_PRINCIPAL]
    rows = _rows(path, _ask(source, [path])[path])
    return counted if isinstance(rows, ReadFailure) else len(rows)


def ask_policies(source: Source, counted: Count = UNASKED) -> tuple[dict[str, Fact], ReadFailure | None]:
    """Every token lifetime policy by id, and why there may be more; `counted` as `complete` has it."""
    policies: dict[str, Fact] = {}
    for row in complete(source, POLICIES, counted):
        if isinstance(row, ReadFailure):
            return policies, row
        id_ = _id(row)
        if id_ is None:
            return policies, ReadFailure(POLICIES, f"GET {POLICIES}: a policy has no id")
        if policies.setdefault(id_, row) != row:  # it may have changed between two pages: which of the two holds?
            return policies, ReadFailure(POLICIES, f"GET {POLICIES}: policy {id_} came twice, with different contents")
    return policies, None


def ask_holders(
    source: Source, policies: Iterable[str]
) -> tuple[dict[str, tuple[str, ...] | ReadFailure], dict[str, Fact]]:
    """Which objects hold each policy, and what the answers already say of these objects."""
    calls = {f"{POLICIES}/{id_}/appliesTo": id_ for id_ in policies}
    holders: dict[str, tuple[str, ...] | ReadFailure] = {}
    said: dict[str, Fact] = {}
    for call, fate in _ask(source, list(calls)).items():
        rows = _rows(call, fate)
        if isinstance(rows, ReadFailure):
            holders[calls[call]] = rows
            continue
        found = {id_: row for row in rows if (id_ := _id(row)) is not None}
        nameless = any(_id(row) is None for row in rows)
        holders[calls[call]] = ReadFailure(call, f"GET {call}: an object has no id") if nameless else tuple(found)
        said.update(found)
    return holders, said


def ask_objects(source: Source, said: Mapping[str, Fact]) -> tuple[dict[str, DirectoryObject], frozenset[str]]:
    """The details of the holders in `said`, and the ids of those that are gone since.

    Where `appliesTo` did not say what an object is, it is asked for as a service principal first, then as an
    application.
    """
    objects = {id_: DirectoryObject(_kind(row), row) for id_, row in said.items()}
    tried: dict[str, list[Attempt]] = {id_: [] for id_, found in objects.items() if lacks_details(found)}
    for kind in (Kind.SERVICE_PRINCIPAL, Kind.APPLICATION):
        calls = {
            f"{PATHS[kind]}/{id_}?{select(kind)}": id_
            for id_, tries in tried.items()
            if objects[id_].kind is kind or (isinstance(objects[id_].kind, Unknown) and not any(map(_found, tries)))
        }
        for call, fate in _ask(source, list(calls)).items():
            tried[calls[call]].append((call, kind, _about(calls[call], "id", call, fate)))
    settled = {id_: _settle(source, objects[id_], tries) for id_, tries in tried.items()}
    gone = frozenset(id_ for id_, found in settled.items() if found is None)
    objects.update((id_, found) for id_, found in settled.items() if found is not None)
    return {id_: found for id_, found in objects.items() if id_ not in gone}, gone


def ask_gone(
    source: Source, holders: Mapping[str, tuple[str, ...] | ReadFailure], gone: frozenset[str]
) -> frozenset[str]:
    """Those of `gone` that are: a second look at the policies they held no longer finds them there.

    An object that Graph does not know and still lists is not gone; nobody can say what it is.
    """
    held = [policy for policy, ids in holders.items() if not isinstance(ids, ReadFailure) and not gone.isdisjoint(ids)]
    again, _ = ask_holders(source, held) if held else ({}, {})
    if any(isinstance(ids, ReadFailure) for ids in again.values()):
        return frozenset()
    return gone.difference(*(ids for ids in again.values() if not isinstance(ids, ReadFailure)))


def unheard_of(id_: str, said: Fact) -> DirectoryObject:
    """A holder that Graph lists and does not know, of which only `said` was told."""
    kind = _kind(said)
    asked = " and ".join(f"{PATHS[each]}/{id_}" for each in ((kind,) if isinstance(kind, Kind) else Kind))
    reason = Unknown(f"GET {asked}: 404, though Graph lists it as a holder")
    return DirectoryObject(kind if isinstance(kind, Kind) else reason, said, reason)


def ask_named(
    source: Source, kind: Kind, app_ids: Iterable[str], further: Iterable[str]
) -> dict[str, Fact | ReadFailure | None]:
    """The objects with these appIds; None for one that the tenant does not have."""
    query = select(kind, further)
    calls = {f"{PATHS[kind]}(appId='{app_id}')?{query}": app_id for app_id in sorted(app_ids) if _ID.fullmatch(app_id)}
    named: dict[str, Fact | ReadFailure | None]
    named = {app_id: ReadFailure("", f"{app_id!r} is no appId") for app_id in app_ids}
    for call, fate in _ask(source, list(calls)).items():
        fact = _about(calls[call], "appId", call, fate)
        absent = isinstance(fact, ReadFailure) and fact.status == HTTPStatus.NOT_FOUND
        named[calls[call]] = None if absent else fact
    return named


def list_all(source: Source, kind: Kind, further: Iterable[str], counted: Count = UNASKED) -> Rows:
    """Every object of `kind`, asked for when it is iterated; `counted` as `complete` has it."""
    return partial(complete, source, f"{PATHS[kind]}?{select(kind, further)}&$top={PAGE_SIZE}", counted)


def _ask(source: Source, calls: Sequence[str]) -> dict[str, Fate]:
    """The fate of every call; one that a source forgets has failed."""
    fates = dict(source.answers(calls)) if calls else {}
    return {call: fates.get(call, ReadFailure(call, f"GET {call}: no answer came")) for call in calls}


def _id(row: Fact) -> str | None:
    """The id of a row, where it has one that can stand in a path."""
    id_ = guid(row, "id")
    return id_ if isinstance(id_, str) and _ID.fullmatch(id_) else None


def _one(call: str, fate: Fate) -> Fact | ReadFailure:
    if isinstance(fate, int):
        return ReadFailure(call, f"GET {call}: the answer is no object")
    if not isinstance(fate, ReadFailure) and (why := contradiction(fate)):
        return ReadFailure(call, f"GET {call}: the answer {why}")
    return fate


def _about(wanted: str, name: str, call: str, fate: Fate) -> Fact | ReadFailure:
    """The object that was asked for by its `name`; an answer about another tells nothing of it."""
    fact = _one(call, fate)
    if isinstance(fact, ReadFailure):
        return fact
    told = guid(fact, name)
    if isinstance(told, Unknown) or told == wanted.lower():
        return fact
    return ReadFailure(call, f"GET {call}: the answer is about another object")


def _rows(call: str, fate: Fate) -> Sequence[Fact] | ReadFailure:
    fact = _one(call, fate)
    if isinstance(fact, ReadFailure):
        return fact
    rows = fact.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return ReadFailure(call, f"GET {call}: the answer is no collection")
    why = next(filter(None, map(contradiction, rows)), "")
    return ReadFailure(call, f"GET {call}: an object {why}") if why else rows


def _kind(row: Fact) -> Kind | Unknown:
    telling = "servicePrincipalType" in row
    return kind_of(row, Kind.SERVICE_PRINCIPAL if telling else Unknown("Graph did not say what it is"))


def lacks_details(found: DirectoryObject) -> bool:
    """Whether a second call could tell more; of an object of a third type there is nothing to learn."""
    if isinstance(found.kind, Unknown):
        return "@odata.type" not in found.fact
    return any(name not in found.fact for name in _DETAILS[found.kind])


Attempt = tuple[str, Kind, Fact | ReadFailure]
"""A call for the details of a holder, as what it was asked for, and what came of it."""


def _found(attempt: Attempt) -> bool:
    return not isinstance(attempt[2], ReadFailure)


def _settle(source: Source, known: DirectoryObject, tries: Sequence[Attempt]) -> DirectoryObject | None:
    """What the answers make of a holder; None when Graph knows it no longer."""
    for call, kind, fate in tries:
        if not isinstance(fate, ReadFailure):
            found = DirectoryObject(kind_of(fate, kind), {**known.fact, **fate})
            return replace(found, missing=_missing(source, call)) if lacks_details(found) else found
    failures = [fate for _, _, fate in tries if isinstance(fate, ReadFailure) and fate.status != HTTPStatus.NOT_FOUND]
    if not failures:
        return None
    failure = next((failure for failure in failures if failure.permission), failures[0])
    reason = because(failure)
    return DirectoryObject(known.kind if isinstance(known.kind, Kind) else reason, known.fact, reason, failure)


def _missing(source: Source, call: str) -> Unknown:
    """Why the answer to `call` does not hold everything that it asks for."""
    return because(source.lacking(call)) if isinstance(source, Incomplete) else not_held(call)
