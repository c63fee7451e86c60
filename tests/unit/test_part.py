"""What a part of a batch comes to, whatever Graph makes of it."""

import asyncio

import orjson
import pytest

from tokenguard.entra import batch
from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.pacing import Pace
from tokenguard.entra.retry import Budget, Patience
from tokenguard.hookspecs import ReadFailure

ROOT = "https://graph.example/v1.0"
COUNT, COLLECTION, OBJECT = "/servicePrincipals/$count", "/organization", "/servicePrincipals/1"


class Graph:
    """Answers batches by a function of the parts, and remembers them."""

    def __init__(self, monkeypatch, answer, patience=None):
        monkeypatch.setattr("tokenguard.entra.part.address_of", lambda _, call: f"{ROOT}{call}")
        self.root, self.sdk = ROOT, None
        self.patience = patience or Patience(attempts=3, first_wait=0.0)
        self.pace = Pace(Budget(60))
        self.batches = []
        self.generation = 0
        self._answer = answer

    async def batch(self, body):
        requests = orjson.loads(body)["requests"]
        self.batches.append([request["url"] for request in requests])
        return self._answer(requests)

    def renews(self, outcome, generation):
        if getattr(outcome, "status", 0) != 401:
            return False
        self.generation = max(self.generation, generation + 1)
        return True

    def failure(self, call, outcome):
        reason = outcome.reason if isinstance(outcome, Broken) else outcome.explain()
        return ReadFailure(call, reason, getattr(outcome, "status", 0))

    def ask(self, *calls):
        async def run():
            return {call: fate async for chunk in batch.answers(self, calls) for call, fate in chunk}

        return asyncio.run(run())


def each(**parts):
    """An answer in which every part is answered alike."""
    return lambda requests: Answer(200, {}, {"responses": [{"id": request["id"], **parts} for request in requests]})


@pytest.mark.parametrize("body", [250, "250", "MjUw", "\ufeff250", "77u/MjUw"])
def test_a_count_is_read_however_a_batch_carries_it(monkeypatch, body):
    assert Graph(monkeypatch, each(status=200, body=body)).ask(COUNT) == {COUNT: 250}


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (COUNT, True),
        (COUNT, -1.5),
        (COUNT, "many"),
        (COUNT, "9" * 5000),
        (COUNT, ""),
        (COUNT, None),
        (COUNT, {"value": []}),
        (OBJECT, None),
        (OBJECT, "text"),
        (OBJECT, []),
        (OBJECT, {"error": {"code": "ServiceUnavailable"}}),
        (COLLECTION, {"error": {"code": "ServiceUnavailable"}}),
        (COLLECTION, {"id": "1", "value": [], "error": {"code": "ServiceUnavailable"}}),
        (COLLECTION, {"value": None}),
        (COLLECTION, {"value": {}}),
        (COLLECTION, {"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/organization"}),
    ],
)
def test_a_part_that_is_not_what_was_asked_for_is_a_failure(monkeypatch, call, body):
    fate = Graph(monkeypatch, each(status=200, body=body)).ask(call)[call]
    assert isinstance(fate, ReadFailure)


@pytest.mark.parametrize(
    "whole",
    [
        None,
        [],
        {},
        {"value": [{"id": "1"}]},
        {"responses": None},
        {"responses": {}},
        {"responses": [None, 7, {}, {"id": "0"}, {"id": "0", "status": "200", "body": {"value": []}}]},
        {"responses": [{"id": "9", "status": 200, "body": {"value": []}}]},
        {"responses": [{"status": 200, "body": {"value": []}}]},
    ],
)
def test_a_whole_that_holds_no_answer_for_a_part_is_never_taken_for_one(monkeypatch, whole):
    graph = Graph(monkeypatch, lambda _: Answer(200, {}, whole))
    fate = graph.ask(COLLECTION)[COLLECTION]
    assert isinstance(fate, ReadFailure)
    assert len(graph.batches) == 3


def test_an_error_in_the_place_of_an_object_is_said(monkeypatch):
    body = {"error": {"code": "ServiceUnavailable", "message": "Come back."}}
    fate = Graph(monkeypatch, each(status=200, body=body)).ask(OBJECT)[OBJECT]
    assert fate.reason == "200 ServiceUnavailable: Come back."


def test_a_part_whose_token_is_refused_is_asked_again_with_another_once(monkeypatch):
    def answer(requests):
        first = graph.generation == 0
        return each(status=401 if first else 200, body={"error": {}} if first else {"id": "1"})(requests)

    graph = Graph(monkeypatch, answer)
    fates = graph.ask(*(f"/servicePrincipals/{number}" for number in range(50)))
    assert all(fate == {"id": "1"} for fate in fates.values())
    assert graph.generation == 1
    assert sum(map(len, graph.batches)) == 100


def test_a_part_that_is_refused_with_every_token_fails(monkeypatch):
    graph = Graph(monkeypatch, each(status=401))
    assert graph.ask(OBJECT)[OBJECT].status == 401
    assert len(graph.batches) == 2


@pytest.mark.parametrize("headers", [None, [], "text", {"Retry-After": None}])
def test_headers_of_another_form_are_no_accident(monkeypatch, headers):
    graph = Graph(monkeypatch, each(status=200, headers=headers, body={"id": "1"}))
    assert graph.ask(OBJECT) == {OBJECT: {"id": "1"}}


@pytest.mark.parametrize("whole", [Answer(429), Answer(500), Answer(403), Broken("reset")])
def test_a_batch_that_failed_in_the_end_is_not_tried_part_by_part(monkeypatch, whole):
    graph = Graph(monkeypatch, lambda _: whole)
    fates = graph.ask(COLLECTION, OBJECT)
    assert {call: type(fate) for call, fate in fates.items()} == dict.fromkeys((COLLECTION, OBJECT), ReadFailure)
    assert len(graph.batches) == 1


@pytest.mark.parametrize(("calls", "sizes"), [(0, []), (1, [1]), (20, [20]), (21, [20, 1]), (100, [20] * 5)])
def test_batches_are_of_twenty(monkeypatch, calls, sizes):
    graph = Graph(monkeypatch, each(status=404))
    assert len(graph.ask(*(f"/servicePrincipals/{number}" for number in range(calls)))) == calls
    assert [len(batch) for batch in graph.batches] == sizes


def test_as_many_as_fill_a_batch_stop_everything_until_they_may_be_asked(monkeypatch):
    said = []

    def answer(requests):
        busy = len(graph.batches) == 1
        part = {"status": 429, "headers": {"retry-after": "0.01"}} if busy else {"status": 200, "body": {"id": "1"}}
        return each(**part)(requests)

    graph = Graph(monkeypatch, answer)
    graph.pace = Pace(Budget(60), said.append)
    fates = graph.ask(*(f"/servicePrincipals/{number}" for number in range(200)))
    assert all(fate == {"id": "1"} for fate in fates.values())
    assert len(said) == 1
    assert sum(map(len, graph.batches)) == 220


def test_what_fails_is_given_up_when_the_run_has_no_time_left(monkeypatch):
    graph = Graph(monkeypatch, each(status=429, headers={"Retry-After": "61"}))
    fate = graph.ask(OBJECT)[OBJECT]
    assert fate.reason.endswith("(Retry-After: 61 s); this run waits no more for it")
    assert len(graph.batches) == 1
