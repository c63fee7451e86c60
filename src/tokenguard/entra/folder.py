"""A folder of saved answers, asked as if it were Microsoft Graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from tokenguard.entra.permissions import missing_permission
from tokenguard.entra.reading import NOT_HELD, Unknown
from tokenguard.entra.saved.answers import Page
from tokenguard.entra.saved.calls import (
    APPLIES_TO,
    COUNT,
    KINDS,
    ORGANIZATION,
    POLICIES,
    address,
    is_list,
    kind_of_address,
    split,
)
from tokenguard.entra.saved.chain import doubt
from tokenguard.entra.saved.files import read_folder
from tokenguard.entra.saved.tenant import SavedTenant
from tokenguard.hookspecs import ReadFailure, SourceNotice
from tokenguard.model import Fact

NAMED = 3
"""Files that a reason names; of more the number is said."""


class FolderSource:
    """A `tokenguard.hookspecs.Source` over files, all read when it is made.

    A list is answered in full only from all of its pages; what was not saved is a failure that names the call to
    save. The query of a call does not matter: an object has the properties that were saved of it.
    """

    permissions: tuple[str, ...] | None = None
    tenant = ""

    def __init__(self, path: Path, *, embedded: bool = False) -> None:
        """`embedded`: nobody can add to the folder.

        Raises `DocumentError` for a folder that cannot be read, is of two tenants, or holds no answer.
        """
        self.name = "embedded tenant" if embedded else f"saved answers in {path}"
        self._embedded = embedded
        self._saved = SavedTenant(read_folder(path), str(path))
        self.cloud = self._saved.cloud
        self.notices: Sequence[SourceNotice] = tuple(self._notices())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open."""

    def rows(self, call: str) -> Iterator[Fact | ReadFailure]:
        """What was saved of a list; a failure at its end where that may not be all."""
        rows, failure = self._list(call)
        yield from rows
        if failure is not None:
            yield failure

    def answers(self, calls: Sequence[str]) -> Iterator[tuple[str, Fact | int | ReadFailure]]:
        """What was saved of each call; a list that may not be whole is a failure."""
        for call in calls:
            yield call, self._answer(call)

    def lacking(self, call: str) -> ReadFailure:
        """Why what was saved of the object that `call` asks for does not hold everything that it asks for."""
        asked = dict(parse_qsl(split(call).query)).get("$select", "").split(",")
        known = self._known(call) or {}
        held, unsaved = ([name for name in asked if (name in known) is there] for there in (True, False))
        bare = set(held) <= {"id"}
        return self._missing(call, "" if bare else f"what was saved of it does not hold {', '.join(unsaved)}")

    def pause(self, seconds: float, why: str) -> None:
        """Nothing: what was saved does not change."""

    def _answer(self, call: str) -> Fact | int | ReadFailure:
        asked = address(call)
        if self._saved.mixed:
            return self._missing(call, self._saved.mixed)
        if asked.endswith(COUNT):
            return self._count(call)
        if asked in KINDS or asked.endswith(APPLIES_TO) or self._pages(asked):
            rows, failure = self._list(call)
            return failure or {"value": rows}
        return self._object(call)

    def _list(self, call: str) -> tuple[list[Fact], ReadFailure | None]:
        asked = address(call)
        if asked == ORGANIZATION:
            rows = list(self._saved.objects[asked].values())
        elif asked in KINDS:
            rows = list({**self._saved.hearsay[asked], **self._saved.objects[asked]}.values())
        else:
            rows = list({_key(row): row for page in self._pages(asked) for row in page.rows}.values())
        why = self._doubt(asked, len(rows))
        return rows, None if why is None else self._missing(call, why)

    def _pages(self, asked: str) -> Sequence[Page]:
        return self._saved.pages.get(asked, []) or self._saved.expanded.get(asked, [])

    def _doubt(self, asked: str, held: int) -> str | None:
        """Why there may be more than the `held` rows that were saved of a list, as far as that is known."""
        if self._saved.mixed:
            return self._saved.mixed
        if asked == ORGANIZATION and held:  # there is one, so the object is the list
            return None
        if not (pages := self._pages(asked)):
            return "only single objects of that list were saved" if held else ""
        number = self._saved.numbers.get(asked + COUNT)
        if number is not None and number.value > held:
            return f"{held} rows were saved where {number.file} counts {number.value}"
        if asked in self._saved.continued:
            return f"{self._saved.continued[asked]} goes on in that list, but does not count as a page of it"
        return doubt(pages) or self._stray(asked, pages)

    def _stray(self, asked: str, pages: Sequence[Page]) -> str | None:
        """Why `pages` are not the whole list, though they look so: another answer tells of one more."""
        listed = {row["id"].lower() for page in pages for row in page.rows if is_list(asked)}
        strays = ((id_, file) for id_, file in self._saved.told_of(asked) if id_ not in listed)
        return next((f"{file} tells of {id_}, which is in no saved page of that list" for id_, file in strays), None)

    def _count(self, call: str) -> int | ReadFailure:
        """What Graph counted, also on a page of the list; how many rows were saved is no count to compare with."""
        asked = address(call)
        if number := self._saved.numbers.get(asked):
            return number.value
        return max((page.total for page in self._pages(asked.removesuffix(COUNT))), default=0) or self._missing(call)

    def _object(self, call: str) -> Fact | ReadFailure:
        kind, key, app_id = _asked_for(call)
        fact = self._known(call)
        if fact is not None:
            return fact
        if self._is_whole(kind) if app_id else self._is_another(key):
            return ReadFailure(call, f"GET {call}: by all that was saved, there is none", HTTPStatus.NOT_FOUND)
        return self._missing(call)

    def _known(self, call: str) -> Fact | None:
        """All that any answer tells of the object that `call` asks for."""
        kind, key, app_id = _asked_for(call)
        return self._saved.by_app_id.get((kind, app_id)) if app_id else self._saved.objects.get(kind, {}).get(key)

    def _is_whole(self, kind: str) -> bool:
        """Whether the whole list of `kind` was saved, and every appId in it."""
        rows, failure = self._list(f"/{kind}")
        return failure is None and not any(isinstance(row.get("appId", NOT_HELD), Unknown) for row in rows)

    def _is_another(self, id_: str) -> bool:
        """Whether the object with this id is of another kind: an id is given to one object only."""
        return any(id_ in objects for objects in self._saved.objects.values())

    def _notices(self) -> Iterator[SourceNotice]:
        for version, answers in sorted(self._saved.versions.items()):
            for at, files in sorted(answers.items()):
                text = f"of Microsoft Graph {version}, where v1.0 is documented: {_some(files)}"
                yield SourceNotice(f"/{at}", f"answers {text}")
        pages = self._saved.pages.get(POLICIES, ())
        if pages and not any(page.rows for page in pages) and POLICIES + COUNT not in self._saved.numbers:
            untold = [page.file for page in pages if not page.call]
            why = "that it is the whole list is told by its context alone, which a list of another call may bear too"
            how = "name its call in calls.json, or save GET /policies/tokenLifetimePolicies/$count beside it"
            if untold:
                yield SourceNotice(f"/{POLICIES}", f"{untold[0]} holds no policy: {why}; {how}", strict=True)

    def _missing(self, call: str, why: str = "") -> ReadFailure:
        saved, asked = self._saved, address(call)
        if refusal := saved.refusals.get(asked):
            said = f"GET {call}: {Path(refusal.file).name} holds Graph's refusal: {refusal.code}, {refusal.message}"
            lacking = missing_permission(call, ()) if refusal.status == HTTPStatus.FORBIDDEN else ""
            return ReadFailure(call, said, refusal.status, lacking)
        if self._embedded:
            return ReadFailure(call, f"GET {call}: not in the {self.name}")
        of = {asked, kind_of_address(asked)}
        uncounted = [each.reason for each in saved.uncounted if each.address in ({asked} if each.is_list else of)]
        perhaps = [*(saved.unplaced if asked.endswith(APPLIES_TO) else ()), *saved.unplaced_refusals]
        clauses = (
            f"GET {call}: not in the {self.name}",
            why,
            *uncounted[:NAMED],
            f"save its answer there{', all pages' if asked in KINDS else ''}",
            f"{_some(perhaps)} may be it: if so, say so in calls.json" if perhaps else "",
        )
        answered = HTTPStatus.OK if uncounted and asked == ORGANIZATION else 0  # by something else
        return ReadFailure(call, "; ".join(filter(None, clauses)), answered)


def _asked_for(call: str) -> tuple[str, str, str]:
    """The kind of the one object that `call` asks for, with its id or else its appId, in lower case."""
    asked = address(call)
    kind = kind_of_address(asked) or ""
    key, _, app_id = asked.removeprefix(kind).strip("/()").partition("appid=")
    return kind, key, app_id.strip("'")


def _key(row: Fact) -> object:
    return row["id"].lower() if isinstance(row.get("id"), str) else id(row)


def _some(files: Sequence[str]) -> str:
    """The first of `files`, and how many there are more: each call that is missing says so."""
    more = len(files) - NAMED
    return ", ".join(files[:NAMED]) + (f" or one of {more} more" if more > 0 else "")
