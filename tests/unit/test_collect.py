"""What collectors could not read is in the summary; a short read never looks like a whole one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tokenguard.collect import collect
from tokenguard.errors import PluginError, SnapshotError, SourceError
from tokenguard.model import (
    CollectionFailure,
    CollectionNotice,
    Need,
    Precedence,
    Resource,
    ResourceType,
    Scope,
    Tenant,
    TypeSummary,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BOX = ResourceType("box", {"properties": {"color": {}, "size": {}}}, ())
LID = ResourceType("lid", {"properties": {"open": {}}}, ())
RED = Resource("box", "1", "One", {"color": "red", "size": 1})
BLUE = Resource("box", "2", "Two", {"color": "blue", "size": None}, {"size": "not measured"})
SHUT = Resource("lid", "3", "Three", {"open": False})


class Shelf:
    """A source that nobody needs to ask."""

    name = "a shelf"
    cloud = "usgov"
    permissions = ("Box.Read.All",)
    tenant = ""

    def rows(self, call):
        raise AssertionError(call)

    answers = rows


@dataclass
class Keeper:
    """A collector that gives what it holds, and raises the errors among it."""

    items: list[Any] = field(default_factory=list)
    resource_types: tuple[ResourceType, ...] = (BOX, LID)
    of: Tenant | None = None
    refuses: SourceError | None = None
    asked: dict[str, Need] = field(default_factory=dict)

    def tenant(self, facts):
        return self.of

    def collect(self, source, needs):
        assert isinstance(source, Shelf)
        self.asked = dict(needs)
        if self.refuses is not None:
            raise self.refuses
        return self.items

    def read(self, facts, needs, precedence):
        assert precedence is Precedence.CLASSIC
        for item in facts:
            if isinstance(item, Exception):
                raise item
            yield item


def needs(*types):
    return {type_: Need(type_, frozenset()) for type_ in types}


def run(*collectors, asking=("box", "lid")):
    return collect(
        collectors,
        Shelf(),
        needs(*asking),
        precedence=Precedence.CLASSIC,
        now=NOW,
        producer="tokenguard 1",
        plugins=("p 1",),
    )


def finish(snapshot):
    return list(snapshot.resources), snapshot.summary()


def test_resources_are_passed_on_and_counted():
    resources, summary = finish(run(Keeper([RED, SHUT, BLUE])))
    assert resources == [RED, SHUT, BLUE]
    assert summary == {"box": TypeSummary("box", 2), "lid": TypeSummary("lid", 1)}
    assert all(each.complete for each in summary.values())


def test_the_header_says_where_when_and_by_what():
    contoso = Tenant("11111111-2222-3333-4444-555555555555", "Contoso")
    header = run(Keeper(resource_types=(BOX,)), Keeper(resource_types=(LID,), of=contoso)).header
    assert (header.tenant, header.cloud, header.collected_at) == (contoso, "usgov", NOW)
    assert (header.producer, header.plugins, header.permissions) == ("tokenguard 1", ("p 1",), ("Box.Read.All",))
    assert header.precedence is Precedence.CLASSIC
    assert header.properties == {"box": ("color", "size"), "lid": ("open",)}


def test_a_tenant_that_no_collector_knows_has_no_id():
    assert run(Keeper()).header.tenant == Tenant("")


def test_a_collector_is_asked_for_its_needed_types_only():
    boxes, lids = (
        Keeper(resource_types=(BOX,)),
        Keeper([SHUT], resource_types=(LID,), refuses=SourceError("must not run")),
    )
    finish(run(boxes, lids, asking=("box",)))
    assert boxes.asked.keys() == {"box"}
    assert lids.asked == {}


def test_a_needed_type_that_nobody_collects_is_a_failure():
    resources, summary = finish(run(Keeper([RED], resource_types=(BOX,))))
    assert resources == [RED]
    assert summary["box"].complete
    assert summary["lid"].failures == (CollectionFailure("lid", "no collector reads lid"),)


def test_failures_and_scopes_reach_the_summary():
    failure = CollectionFailure("box", "the shelf is locked", "Box.Read.All")
    scopes = [Scope("lid", frozenset({"a"})), Scope("lid", frozenset({"b"}))]
    _, summary = finish(run(Keeper([RED, failure, *scopes, SHUT])))
    assert summary["box"] == TypeSummary("box", 1, (failure,))
    assert summary["lid"] == TypeSummary("lid", 1, (), frozenset({"a", "b"}))


def test_what_is_said_of_how_a_type_was_read_reaches_its_summary_once() -> None:
    notice = CollectionNotice("lid", "GET /lids/$count was refused", strict=True)
    _, summary = finish(run(Keeper([RED, notice, SHUT, notice])))
    assert summary["box"].notices == ()
    assert summary["lid"].notices == (notice,)


def test_a_collector_that_gives_up_on_the_way_leaves_none_of_its_types_complete():
    resources, summary = finish(run(Keeper([RED, SHUT, SourceError("the shelf fell"), BLUE])))
    assert resources == [RED, SHUT]
    assert {name: each.failures for name, each in summary.items()} == {
        name: (CollectionFailure(name, "the shelf fell"),) for name in ("box", "lid")
    }


def test_a_collector_that_cannot_start_fails_its_types_and_no_others():
    boxes = Keeper([RED], resource_types=(BOX,), refuses=SourceError("no shelf"))
    resources, summary = finish(run(boxes, Keeper([SHUT], resource_types=(LID,))))
    assert resources == [SHUT]
    assert summary["box"] == TypeSummary("box", 0, (CollectionFailure("box", "no shelf"),))
    assert summary["lid"].complete


def test_a_bug_in_a_collector_is_not_taken_for_an_unreadable_type():
    with pytest.raises(PluginError, match="Keeper of a plugin failed: ZeroDivisionError") as raised:
        finish(run(Keeper([RED, ZeroDivisionError()])))
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    "item",
    [
        Resource("jar", "1", "One", {}),
        CollectionFailure("jar", "broken"),
        Scope("jar", frozenset()),
        Resource("box", "1", "One", {"color": "red"}),
        Resource("box", "1", "One", {"color": "red", "size": 1, "age": 1}),
        Resource("box", "1", "One", {"color": "red", "size": None}, {"age": "not known"}),
        Resource("box", "1", "One", {"color": "red", "size": 1}, {}, possible=[{"size": 2}]),
    ],
)
def test_a_collector_that_breaks_its_promise_is_named(item):
    with pytest.raises(PluginError, match="Keeper"):
        finish(run(Keeper([item])))


def test_there_is_no_summary_before_the_end():
    snapshot = run(Keeper([RED, BLUE]))
    next(snapshot.resources)
    with pytest.raises(SnapshotError, match="not read to its end"):
        snapshot.summary()
