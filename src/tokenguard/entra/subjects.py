"""The application that somebody means by a name, an object id, an appId, or the address of a resource."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from tokenguard.entra.asking import PATHS, Fate, select
from tokenguard.entra.facts import Kind, because
from tokenguard.entra.microsoft import AZURE_MANAGEMENT, DATAVERSE, GRAPH, KEY_VAULT
from tokenguard.entra.reading import GUID, NOT_HELD, Unknown, guid, text
from tokenguard.explanation import Search, Subject
from tokenguard.hookspecs import ReadFailure, Source
from tokenguard.model import Fact

_MICROSOFT = (
    (r"(?:dod-)?graph\.microsoft\.(?:com|us)|microsoftgraph\.chinacloudapi\.cn", GRAPH),
    (r"[\w-]+(?:\.api)?\.crm\d*\.(?:dynamics\.(?:com|cn)|microsoftdynamics\.us|appsplatform\.us)", DATAVERSE),
    (r"management\.(?:azure\.com|core\.windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)", AZURE_MANAGEMENT),
    (r"vault\.(?:azure\.net|usgovcloudapi\.net|azure\.cn)", KEY_VAULT),
)
"""Hosts of Microsoft's own resources, whose service principals do not list each address, and their appIds."""
_NAMES = "servicePrincipalNames"

Found = list[tuple[Kind, Fact]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What objects are looked for by: letter case aside, as Graph compares."""

    property: str
    filter: str
    """For Graph."""
    text: str

    def is_in(self, row: Fact) -> bool:
        """The same as the filter, for a source that does not filter."""
        value = row[self.property]
        texts = value if isinstance(value, list) else [value]
        return any(isinstance(each, str) and each.casefold() == self.text.casefold() for each in texts)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked of `source`, so that nothing is twice: a counterpart may be among what was looked for first."""

    source: Source
    fates: dict[str, Fate] = field(default_factory=dict)

    def answers(self, calls: Collection[str]) -> Iterator[tuple[str, Fate]]:
        new = [call for call in calls if call not in self.fates]
        self.fates.update(self.source.answers(new) if new else ())
        for call in calls:
            yield call, self.fates.get(call, ReadFailure(call, f"GET {call}: no answer came"))


def find_subjects(source: Source, text: str) -> Search:
    """Every application that `text` may mean; see `tokenguard.hookspecs.Explainer`."""
    wanted = text.strip().lower()
    asked = _Asked(source)
    doubts: list[str] = []
    unread: list[str] = []
    unique = True  # but for a name, no two applications can be meant: what else was asked does not matter then
    if re.fullmatch(GUID, wanted):
        calls = {f"{PATHS[kind]}/{wanted}?{select(kind)}": kind for kind in Kind}
        found = _get(asked, calls | {_by_app_id(kind, wanted): kind for kind in Kind}, doubts)
    elif "://" in wanted:
        app_id = app_id_in(wanted)
        found = _get(asked, {_by_app_id(kind, app_id): kind for kind in Kind}, doubts) if app_id else []
        found = found or _list(source, Kind.SERVICE_PRINCIPAL, _addressed(text.strip()), doubts)
    else:
        found = [pair for kind in Kind for pair in _list(source, kind, _called(text.strip()), doubts)]
        unique = False
    subjects = tuple(_subjects([*found, *_counterparts(asked, found, unread)]))
    return Search(subjects, () if subjects and unique else tuple(dict.fromkeys(doubts)), tuple(dict.fromkeys(unread)))


def app_id_in(address: str) -> str | None:
    """The appId that the address of a resource most likely speaks of; None where only the tenant can tell."""
    scheme, _, rest = address.lower().partition("://")
    host = rest.partition("/")[0]
    if scheme == "api":
        return host if re.fullmatch(GUID, host) else None
    if scheme != "https":
        return None
    return next((app_id for pattern, app_id in _MICROSOFT if re.fullmatch(pattern, host)), None)


def _called(name: str) -> Wanted:
    return Wanted("displayName", f"displayName eq {_literal(name)}", name)


def _addressed(address: str) -> Wanted:
    return Wanted(_NAMES, f"{_NAMES}/any(n:n eq {_literal(address)})", address)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _list(source: Source, kind: Kind, wanted: Wanted, doubts: list[str]) -> Found:
    further = [_NAMES] if wanted.property == _NAMES else []
    found: Found = []
    for row in source.rows(f"{PATHS[kind]}?$filter={quote(wanted.filter)}&{select(kind, further)}"):
        if isinstance(row, ReadFailure):
            doubts.append(because(row).reason)
        elif isinstance(row.get(wanted.property, NOT_HELD), Unknown):
            doubts.append(f"not every {kind} that was read holds its {wanted.property}")
        elif wanted.is_in(row):
            found.append((kind, row))
    return found


def _by_app_id(kind: Kind, app_id: str) -> str:
    return f"{PATHS[kind]}(appId='{app_id}')?{select(kind)}"


def _get(asked: _Asked, calls: Mapping[str, Kind], doubts: list[str]) -> Found:
    found: Found = []
    for call, fate in asked.answers(calls):
        if isinstance(fate, Mapping):
            found.append((calls[call], fate))
        elif isinstance(fate, ReadFailure) and fate.status != HTTPStatus.NOT_FOUND:
            doubts.append(because(fate).reason)
    return found


def _counterparts(asked: _Asked, found: Found, doubts: list[str]) -> Found:
    """The registrations of the service principals in `found`, and the other way round."""
    known = {(kind, guid(fact, "appId")) for kind, fact in found}
    wanted = {
        _by_app_id(kind, app_id): kind
        for app_id in dict.fromkeys(app_id for _, app_id in known)
        for kind in Kind
        if isinstance(app_id, str) and re.fullmatch(GUID, app_id) and (kind, app_id) not in known
    }
    return _get(asked, wanted, doubts)


def _subjects(found: Iterable[tuple[Kind, Fact]]) -> Iterator[Subject]:
    """One subject for all objects of one appId."""
    grouped: dict[str, dict[str, Fact]] = {}
    for kind, fact in sorted(found, key=lambda pair: list(Kind).index(pair[0])):
        app_id, id_ = guid(fact, "appId"), guid(fact, "id")
        if isinstance(id_, str):
            grouped.setdefault(app_id if isinstance(app_id, str) else id_, {})[kind.value] = fact
    for objects in grouped.values():
        first = next(iter(objects.values()))
        app_id = guid(first, "appId")
        yield Subject(
            name=name if isinstance(name := text(first, "displayName"), str) and name else str(first["id"]),
            app_id=app_id if isinstance(app_id, str) else "",
            objects=objects,
        )
