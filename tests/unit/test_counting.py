"""Whether a list came whole, by its count: every way in which the two can disagree at the first look and the second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest

from tokenguard.entra.counting import complete, notices
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionNotice, Fact

LIST = "/servicePrincipals?$select=id&$top=999"
COUNT = "/servicePrincipals/$count"
BROKEN = ReadFailure(LIST, "GET /servicePrincipals: no answer")


class Tenant:
    """A source of one list and its count, which are others the second time."""

    def __init__(self, lists: Sequence[Iterable[object]], *counts: object) -> None:
        self._lists, self._counts = list(lists), list(counts)
        self.read: list[str] = []
        self.pauses: list[float] = []

    def rows(self, call: str) -> Iterator[Fact | ReadFailure]:
        self.read.append(call)
        rows = self._lists.pop(0)
        yield from (row if isinstance(row, dict | ReadFailure) else {"id": row} for row in rows)

    def answers(self, calls: Sequence[str]) -> Iterator[tuple[str, object]]:
        assert self.pauses
        self.read += calls
        yield from zip(calls, self._counts, strict=True)

    def pause(self, seconds: float, why: str) -> None:
        assert why
        self.pauses.append(seconds)


def read(tenant: Tenant, counted: object) -> tuple[list[object], str]:
    """The ids that came, and why there may be more."""
    rows = list(complete(tenant, LIST, counted))
    failed = [row for row in rows if isinstance(row, ReadFailure)]
    assert failed in ([], rows[-1:])
    return [row.get("id") for row in rows if isinstance(row, dict)], failed[0].reason if failed else ""


def short(came: int, counted: int) -> str:
    return f"GET /servicePrincipals: {came} different objects came where GET {COUNT} counts {counted}"


@pytest.mark.parametrize(("rows", "counted"), [("", 0), ("ab", 2), ("abc", 2), ("ab", 0), ("ab", BROKEN)])
def test_a_list_with_as_many_objects_as_counted_is_whole_at_the_first_look(rows, counted):
    tenant = Tenant([rows])
    assert read(tenant, counted) == (list(rows), "")
    assert (tenant.read, tenant.pauses) == ([LIST], [])


@pytest.mark.parametrize(
    ("lists", "counted", "again", "ids", "failure"),
    [
        (["ab"], 3, 2, "ab", ""),
        (["ab"], 3, 1, "ab", ""),
        (["ab", "abc"], 3, 3, "abc", ""),
        (["ab", "bc"], 3, 3, "abc", short(2, 3)),
        (["ab", "abcd"], 3, 4, "abcd", ""),
        (["ab", "ab"], 3, 3, "ab", short(2, 3)),
        (["ab", "ab"], 3, 5, "ab", short(2, 5)),
        (["ab", "abc"], 3, BROKEN, "abc", ""),
        (["ab", "ab"], 3, BROKEN, "ab", short(2, 3)),
        (["ab", ["a", BROKEN]], 3, 3, "ab", BROKEN.reason),
        (["aab", "abc"], 3, 3, "aabc", ""),
        (["aab", "aba"], 3, 3, "aab", short(2, 3)),
        (["aA", "ab"], 2, 2, "aAb", ""),
        (["", "a"], 1, 1, "a", ""),
        (["", ""], 1, 1, "", short(0, 1)),
    ],
)
def test_a_list_that_is_short_is_looked_at_once_more(lists, counted, again, ids, failure):
    tenant = Tenant(lists, again)
    assert read(tenant, counted) == (list(ids), failure)
    assert tenant.read == [LIST, COUNT] + [LIST] * (len(lists) - 1)
    assert len(tenant.pauses) == 1


@pytest.mark.parametrize(("size", "looks"), [(999, 2), (1000, 1)])
def test_only_a_list_of_one_page_is_read_once_more(size, looks):
    tenant = Tenant([map(str, range(size)), map(str, range(size + 1))], size + 1)
    ids, failure = read(tenant, size + 1)
    assert len(ids) == size + (looks == 2)
    assert failure == ("" if looks == 2 else short(size, size + 1))
    assert tenant.read.count(LIST) == looks


def test_a_list_that_broke_off_is_not_counted():
    tenant = Tenant([["a", BROKEN]])
    assert read(tenant, 5) == (["a"], BROKEN.reason)
    assert tenant.pauses == []


def test_objects_without_an_id_are_one_each():
    """What is wrong with them is said of them; that there are fewer would be wrong."""
    rows = [{}, {"id": None}, {"id": 7}]
    assert read(Tenant([rows]), 3) == ([None, None, 7], "")


def test_the_objects_of_a_long_list_are_told_apart():
    ids = [f"{number:08}-0000-4000-8000-000000000000" for number in range(50_000)]
    assert read(Tenant([ids], 50_000), 50_000)[1] == ""
    assert read(Tenant([[*ids, ids[0]]], 50_001), 50_001)[1] == short(50_000, 50_001)


# --- lists without a count ------------------------------------------------------------------------------------------


def failed(path: str, why: str) -> ReadFailure:
    return ReadFailure(f"{path}/$count", f"GET {path}/$count: {why}")


PRINCIPALS, APPLICATIONS, POLICIES = "servicePrincipal", "application", "tokenLifetimePolicy"
TYPES = ("organization", POLICIES, APPLICATIONS, PRINCIPALS)


def said(why: str, *calls: str) -> str:
    asked = ", ".join(f"GET {call}/$count" for call in calls)
    return f"rows missing from a list do not show without its count: {asked}: {why}"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({PRINCIPALS: 3, POLICIES: 0}, {}),
        ({PRINCIPALS: failed("/sp", "403")}, {(PRINCIPALS, True): said("403", "/sp")}),
        ({POLICIES: failed("/p", "400")}, {(type_, False): said("400", "/p") for type_ in TYPES}),
        (
            {PRINCIPALS: failed("/sp", "x"), APPLICATIONS: failed("/a", "x"), POLICIES: failed("/p", "x")},
            {(type_, type_ in (PRINCIPALS, APPLICATIONS)): said("x", "/sp", "/a", "/p") for type_ in TYPES},
        ),
    ],
)
def test_of_each_list_without_a_count_a_notice_stands_at_what_derives_from_it(counts, expected):
    found = list(notices(counts, TYPES, ()))
    assert {(each.type, each.strict): each.text for each in found} == expected
    assert len(found) == len(expected)


def test_different_reasons_are_different_notices_and_permissions_are_named():
    refused = ReadFailure("/sp/$count", "GET /sp/$count: 403", permission="Application.Read.All")
    found = notices({PRINCIPALS: refused, APPLICATIONS: failed("/a", "500")}, TYPES, ())
    assert list(found) == [
        CollectionNotice(PRINCIPALS, said("403; it takes Application.Read.All", "/sp"), strict=True),
        CollectionNotice(APPLICATIONS, said("500", "/a"), strict=True),
    ]


def test_of_a_list_that_was_not_read_no_count_is_missed():
    assert list(notices({PRINCIPALS: failed("/sp", "403")}, TYPES, {PRINCIPALS})) == []
