"""What all saved answers say together, about one tenant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tokenguard.entra.clouds import CLOUDS
from tokenguard.entra.reading import Unknown
from tokenguard.entra.saved.answers import (
    Answer,
    Number,
    Objects,
    Page,
    Refusal,
    Uncounted,
    classify,
    lacking,
)
from tokenguard.entra.saved.calls import (
    APPLIES_TO,
    COUNT,
    DIRECTORY_OBJECTS,
    KINDS,
    ORGANIZATION,
    POLICIES,
    PRINCIPALS,
    address,
    held_policy,
    is_list,
    split,
    version,
)
from tokenguard.entra.saved.chain import without_parts
from tokenguard.entra.saved.contexts import CONTEXT, NEXT, annotation, confirms, told_by, version_of
from tokenguard.entra.saved.files import SavedFile
from tokenguard.entra.saved.marks import kind_of
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
        self.hearsay: dict[str, dict[str, Fact]] = {kind: {} for kind in KINDS}
        """Objects that only answers tell of which do not count."""
        self.pages: dict[str, Sequence[Page]] = {}
        self.refusals: dict[str, Refusal] = {}
        self.numbers: dict[str, Number] = {}
        self.expanded: dict[str, list[Page]] = {}
        """Lists that were saved inside of another object only."""
        self.unplaced: list[str] = []
        """Files that hold directory objects, perhaps an ``appliesTo``: nothing says of which policy."""
        self.unplaced_refusals: list[str] = []
        self.uncounted: list[Uncounted] = []
        self.continued: dict[str, str] = {}
        """Address of a list to a file that goes on in it, though it is no page of it, or none that counts."""
        self.versions: dict[str, dict[str, list[str]]] = {}
        """Version of Graph to address to the files with answers of that version that count; without v1.0."""
        self._pages: dict[str, list[Page]] = {}
        self._origins: dict[tuple[str, str], str] = {}
        hosts: dict[str, str] = {}
        for file in files:
            if (answer := classify(file)) is not None:
                self._add(answer)
                if not isinstance(answer, Uncounted):
                    hosts.update(dict.fromkeys(_hosts(file), file.path))
                    self._add_versions(file, answer)
        self.pages = {at: without_parts(pages) for at, pages in self._pages.items()}
        lists = [each for each in self.uncounted if each.is_list]
        if not any(
            (self._origins, self.pages, self.refusals, self.numbers, self.unplaced, self.unplaced_refusals, lists)
        ):
            why = f"; {self.uncounted[0].reason}" if self.uncounted else ""
            raise DocumentError(
                f"{folder}: holds no answer of Microsoft Graph that tokenguard reads{why}",
                "save the calls that the documentation lists, one answer a file",
            )
        self.mixed = self._check_one_tenant(hosts)
        """Why no answer counts: another tenant may be among them."""
        self.cloud = next(map(_cloud, hosts), "unknown")
        self.by_app_id = {
            (kind, fact["appId"].lower()): fact
            for kind, objects in self.objects.items()
            for fact in objects.values()
            if isinstance(fact.get("appId"), str)
        }

    def told_of(self, asked: str) -> Iterator[tuple[str, str]]:
        """The id of every object in the list `asked` that any answer tells of, and the file of that answer."""
        yield from ((id_, file) for (of, id_), file in self._origins.items() if of == asked)
        yield from ((row["id"].lower(), page.file) for page in self.expanded.get(asked, ()) for row in page.rows)
        if asked == POLICIES:
            yield from ((policy, pages[0].file) for at, pages in self.pages.items() if (policy := held_policy(at)))

    def _add(self, answer: Answer) -> None:
        match answer:
            case Page():
                self._add_page(answer)
            case Objects():
                self._add_objects(answer.kind, answer.rows, answer.file, answer.part)
            case Number():
                self._add_number(answer)
            case Refusal(address=""):
                self.unplaced_refusals.append(answer.file)
            case Refusal():
                self.refusals[answer.address] = answer
            case Uncounted():
                self._add_uncounted(answer)

    def _add_page(self, page: Page) -> None:
        if page.address == DIRECTORY_OBJECTS:
            self.unplaced.append(page.file)
            self._add_hearsay(page.rows, page.file)
        else:
            self._add_rows(page)
            self._pages.setdefault(page.address, []).append(page)
        self._add_continued(page.file, page.address, page.next_link)

    def _add_uncounted(self, answer: Uncounted) -> None:
        self.uncounted.append(answer)
        self._add_hearsay(answer.rows, answer.file)
        self._add_continued(answer.file, "", answer.next_link)

    def _add_hearsay(self, rows: Iterable[Fact], file: str) -> None:
        for row in rows:
            if kind := kind_of(row):
                self.hearsay[kind].setdefault(row["id"].lower(), row)
                self._origins.setdefault((kind, row["id"].lower()), file)

    def _add_continued(self, file: str, page_of: str, link: str | None) -> None:
        """Where an answer that is no page of a list goes on in that list, its first page may be missing."""
        if link and is_list(to := address(link)) and to != page_of:
            self.continued[to] = file

    def _add_rows(self, page: Page) -> None:
        if page.address in KINDS:
            self._add_objects(page.address, page.rows, page.file, page.part)
        else:  # directory objects: of what is not known yet, more may be in another file
            for row in page.rows:
                if kind := kind_of(row) if is_list(page.address) else None:
                    self._add_objects(kind, [row], page.file)

    def _add_objects(self, kind: str, rows: Iterable[Fact], file: str, part: str = "") -> None:
        for row in rows:
            id_ = row["id"].lower()
            self.objects[kind][id_] = self._merged(kind, id_, row, file)
            if kind == POLICIES and isinstance(row.get("appliesTo"), list):
                self._add_expanded(id_, row, file, part)

    def _add_versions(self, file: SavedFile, answer: Answer) -> None:
        match answer:
            case Page(address=of) | Objects(kind=of):
                pass
            case Number(address=of):
                of = of or PRINCIPALS
            case _:
                return
        of = next((kind for kind in KINDS if of.startswith(kind)), of)
        for name in dict.fromkeys((version(file.call), *map(version_of, _parts(file)))):
            if name not in ("", "v1.0"):
                self.versions.setdefault(name, {}).setdefault(of, []).append(file.path)

    def _merged(self, kind: str, id_: str, row: Fact, file: str) -> Fact:
        known = self.objects[kind].get(id_, {})
        origin = self._origins.setdefault((kind, id_), file)
        for name in known.keys() & row.keys():
            if "@" not in name and not _agree(known[name], row[name]):
                raise DocumentError(
                    f"{origin} and {file} say different things of {name!r} of {id_}",
                    "they were not saved at one time: keep the newer one, or save both again",
                )
        readable = {name: value for name, value in row.items() if not isinstance(value, Unknown)}
        return {**row, **known, **readable} if known else row

    def _add_expanded(self, policy: str, row: Fact, file: str, part: str) -> None:
        """An ``appliesTo`` inside its policy."""
        of, told = f"{POLICIES}/{policy}{APPLIES_TO}", told_by(row, "appliesTo")
        if told is not None and not confirms(told, of):
            why = f"{file} holds something else as appliesTo: its context names {told[:80]!r}"
            self.uncounted.append(Uncounted(file, of, why))
            return
        rows = [each for each in row["appliesTo"] if isinstance(each.get("id"), str)]
        flaw = lacking(file) if len(rows) < len(row["appliesTo"]) else ""
        if len(rows) >= EXPANDED_MOST:
            flaw = f"{file} holds it expanded, which Graph cuts at {EXPANDED_MOST}"
        link = annotation(row, NEXT, "appliesTo")
        page = Page(file, of, rows, next_link=None if link is None else str(link), part=part, flaw=flaw)
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

    def _check_one_tenant(self, hosts: Mapping[str, str]) -> str:
        organizations = self.objects[ORGANIZATION]
        tenants = sorted(organizations)
        mixed = ""
        if len(tenants) > 1:
            first, second = (self._origins[ORGANIZATION, id_] for id_ in tenants[:2])
            mixed = f"{first} and {second} are of two tenants, {tenants[0]} and {tenants[1]}"
            if all("displayName" in fact for fact in organizations.values()):
                raise DocumentError(mixed, _APART)
        if len(hosts) > 1:
            (one, first), (other, second) = list(hosts.items())[:2]
            raise DocumentError(f"{first} and {second} come from two clouds, {one} and {other}", _APART)
        return mixed


def _agree(one: Any, other: Any) -> bool:
    """Whether two answers may both be right; what could not be read contradicts nothing."""
    return isinstance(one, Unknown) or isinstance(other, Unknown) or _comparable(one) == _comparable(other)


def _comparable(value: Any) -> Any:
    """A value without public keys: Graph sends those of keyCredentials only where they are asked for by name.

    Source: Microsoft Graph v1.0, "List servicePrincipals".
    """
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return [{name: held for name, held in each.items() if name != "key"} for each in value]
    return value


def _parts(file: SavedFile) -> Iterator[Fact]:
    """The objects at the outermost of a file, where its context stands, and those in a list that has none."""
    parts = file.document if isinstance(file.document, list) else [file.document]
    for part in parts:
        if isinstance(part, dict):
            yield part
            within = part.get("value")
            if isinstance(within, list) and annotation(part, CONTEXT) is None:
                yield from (each for each in within if isinstance(each, dict))


def _hosts(file: SavedFile) -> Iterator[str]:
    """The hosts that an answer says it came from."""
    for url in (file.call, *(annotation(part, CONTEXT) for part in _parts(file))):
        if isinstance(url, str) and (host := split(url).hostname):
            yield host


def _cloud(host: str) -> str:
    return next((cloud.name for cloud in CLOUDS.values() if split(cloud.graph).hostname == host), "unknown")
