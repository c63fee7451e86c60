"""What all saved answers say together, about one tenant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tokenguard.entra.clouds import CLOUDS
from tokenguard.entra.saved.answers import CONTEXT, NEXT, Answer, Number, Objects, Page, Refusal, classify, kind_of
from tokenguard.entra.saved.calls import (
    APPLIES_TO,
    COUNT,
    DIRECTORY_OBJECTS,
    KINDS,
    ORGANIZATION,
    POLICIES,
    PRINCIPALS,
    held_policy,
    split,
)
from tokenguard.entra.saved.files import SavedFile
from tokenguard.errors import DocumentError
from tokenguard.model import Fact

EXPANDED_MOST = 20
"""From so many rows on, what ``$expand`` brought may have been cut, without a mark.

Source: Microsoft Graph, "Use query parameters to customize responses", expand.
"""
_APART = "save the answers of each tenant in a folder of its own"


class SavedTenant:
    """The answers by what they answer; ids and addresses are lower case."""

    def __init__(self, files: Iterable[SavedFile], folder: str) -> None:
        """Raises `DocumentError` for answers that contradict each other or are of two tenants, and for none at all."""
        self.objects: dict[str, dict[str, Fact]] = {kind: {} for kind in KINDS}
        """Kind to id to object, with all that any file says of it."""
        self.pages: dict[str, list[Page]] = {}
        self.refusals: dict[str, Refusal] = {}
        self.numbers: dict[str, Number] = {}
        self.expanded: dict[str, list[Page]] = {}
        """Lists that were saved inside of another object only."""
        self.unplaced: list[str] = []
        """Files that hold directory objects, perhaps an ``appliesTo``: nothing says of which policy."""
        self.unplaced_refusals: list[str] = []
        self._origins: dict[tuple[str, str], str] = {}
        hosts: dict[str, str] = {}
        for file in files:
            if (answer := classify(file)) is not None:
                self._add(answer)
                hosts.update(dict.fromkeys(_hosts(file), file.path))
        if not any((self._origins, self.pages, self.refusals, self.numbers, self.unplaced, self.unplaced_refusals)):
            raise DocumentError(
                f"{folder}: holds no answer of Microsoft Graph that tokenguard reads",
                "save the calls that the documentation lists, one answer a file",
            )
        self._check_one_tenant(hosts)
        self.cloud = next(map(_cloud, hosts), "unknown")
        self.by_app_id = {
            (kind, str(fact["appId"]).lower()): fact
            for kind, objects in self.objects.items()
            for fact in objects.values()
            if "appId" in fact
        }

    def told_of(self, kind: str) -> Iterator[tuple[str, str]]:
        """The id of every object of `kind` that any answer tells of, and the file of that answer."""
        yield from ((id_, file) for (of, id_), file in self._origins.items() if of == kind)
        if kind == POLICIES:
            yield from ((policy, pages[0].file) for at, pages in self.pages.items() if (policy := held_policy(at)))

    def _add(self, answer: Answer) -> None:
        match answer:
            case Page():
                self._add_page(answer)
            case Objects():
                self._add_objects(answer.kind, answer.rows, answer.file)
            case Number():
                self._add_number(answer)
            case Refusal(address=""):
                self.unplaced_refusals.append(answer.file)
            case Refusal():
                self.refusals[answer.address] = answer

    def _add_page(self, page: Page) -> None:
        self._add_rows(page)
        if page.address == DIRECTORY_OBJECTS:
            self.unplaced.append(page.file)
        else:
            self.pages.setdefault(page.address, []).append(page)

    def _add_rows(self, page: Page) -> None:
        if page.address in KINDS:
            self._add_objects(page.address, page.rows, page.file)
        else:  # directory objects: of what is not known yet, more may be in another file
            for row in page.rows:
                if kind := kind_of(row):
                    self._add_objects(kind, [row], page.file)

    def _add_objects(self, kind: str, rows: Iterable[Fact], file: str) -> None:
        for row in rows:
            if not isinstance(row.get("id"), str):
                raise DocumentError(f"{file}: an object has no id", "save the answer with the property id")
            id_ = row["id"].lower()
            self.objects[kind][id_] = self._merged(kind, id_, row, file)
            if kind == POLICIES and isinstance(row.get("appliesTo"), list):
                self._add_expanded(id_, row, file)

    def _merged(self, kind: str, id_: str, row: Fact, file: str) -> Fact:
        known = self.objects[kind].get(id_, {})
        origin = self._origins.setdefault((kind, id_), file)
        for name in known.keys() & row.keys():
            if "@" not in name and _comparable(known[name]) != _comparable(row[name]):
                raise DocumentError(
                    f"{origin} and {file} say different things of {name!r} of {id_}",
                    "they were not saved at one time: keep the newer one, or save both again",
                )
        return {**known, **row}

    def _add_expanded(self, policy: str, row: Fact, file: str) -> None:
        """An ``appliesTo`` inside its policy."""
        rows = row["appliesTo"]
        flaw = f"{file} holds it expanded, which Graph cuts at {EXPANDED_MOST}" if len(rows) >= EXPANDED_MOST else ""
        next_link = str(row.get(f"appliesTo{NEXT}", ""))
        page = Page(file, f"{POLICIES}/{policy}{APPLIES_TO}", rows, next_link=next_link, flaw=flaw)
        self._add_rows(page)
        self.expanded.setdefault(page.address, []).append(page)

    def _add_number(self, number: Number) -> None:
        address = number.address or PRINCIPALS + COUNT
        known = self.numbers.setdefault(address, number)
        if known.value != number.value:
            raise DocumentError(
                f"{known.file} and {number.file} hold different numbers for one count",
                "say in calls.json which call each answers, or remove the older one",
            )

    def _check_one_tenant(self, hosts: Mapping[str, str]) -> None:
        tenants = sorted(self.objects[ORGANIZATION])
        if len(tenants) > 1:
            first, second = (self._origins[ORGANIZATION, id_] for id_ in tenants[:2])
            raise DocumentError(f"{first} and {second} are of two tenants, {tenants[0]} and {tenants[1]}", _APART)
        if len(hosts) > 1:
            (one, first), (other, second) = list(hosts.items())[:2]
            raise DocumentError(f"{first} and {second} come from two clouds, {one} and {other}", _APART)


def _comparable(value: Any) -> Any:
    """A value without public keys: Graph sends those of keyCredentials only where they are asked for by name.

    Source: Microsoft Graph v1.0, "List servicePrincipals".
    """
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return [{name: held for name, held in each.items() if name != "key"} for each in value]
    return value


def _hosts(file: SavedFile) -> Iterator[str]:
    """The hosts that an answer says it came from."""
    parts = file.document if isinstance(file.document, list) else [file.document]
    for url in (file.call, *(part.get(CONTEXT) for part in parts if isinstance(part, dict))):
        if isinstance(url, str) and (host := split(url).hostname):
            yield host


def _cloud(host: str) -> str:
    return next((cloud.name for cloud in CLOUDS.values() if split(cloud.graph).hostname == host), "unknown")
