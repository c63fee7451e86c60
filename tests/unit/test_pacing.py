import asyncio

import pytest

from tokenguard.entra.pacing import Pace
from tokenguard.entra.retry import Budget, Wait


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now = 100.0
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def said():
    return []


def pace(clock, said, budget=60.0):
    return Pace(Budget(budget), said.append, clock=lambda: clock.now, sleep=clock.sleep)


def test_a_throttled_request_stops_every_other(clock, said):
    async def run():
        gate = pace(clock, said)
        await gate.turn("/organization")
        assert clock.now == 100
        assert await gate.wait(Wait(7.5, shared=True, why="Graph answered 429"))
        await gate.turn("/organization")

    asyncio.run(run())
    assert clock.now == 107.5
    assert said == ["waiting 8 s: Graph answered 429"]


@pytest.mark.parametrize("shared", [True, False])
def test_each_second_it_says_how_much_longer_it_waits(clock, shared):
    ticks = []

    async def run():
        gate = Pace(Budget(60), None, ticks.append, lambda: clock.now, clock.sleep)
        assert await gate.wait(Wait(2.5, shared, why="429"))
        await gate.turn("/organization")
        assert gate.requests == 1

    asyncio.run(run())
    assert clock.now == 102.5
    assert ticks == ["waiting 3 s: 429", "waiting 2 s: 429", "waiting 1 s: 429"]


def test_overlapping_pauses_are_paid_for_once(clock, said):
    async def run():
        gate = pace(clock, said, budget=10)
        for _ in range(5):
            assert await gate.wait(Wait(10, shared=True, why="429"))
        assert gate.left == 0
        assert not await gate.wait(Wait(10.1, shared=True, why="429"))

    asyncio.run(run())


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("budget", "waits"), [(9.9, False), (10.0, True)])
def test_a_wait_beyond_the_budget_of_the_run_is_declined_at_once(clock, said, shared, budget, waits):
    async def run():
        assert await pace(clock, said, budget).wait(Wait(10, shared, "busy")) is waits

    asyncio.run(run())
    assert bool(said) is waits


def test_a_request_that_fails_alone_waits_alone(clock, said):
    async def run():
        gate = pace(clock, said)
        assert await gate.wait(Wait(4, shared=False, why="reset"))
        before = clock.now
        await gate.turn("/organization")
        assert clock.now == before == 104

    asyncio.run(run())


def test_what_a_request_took_that_came_to_nothing_is_paid_for_once_by_all_who_lost_it(clock, said):
    async def run():
        gate = pace(clock, said, budget=60)
        begun = clock.now
        clock.now += 10
        for _ in range(4):
            gate.lose(begun)
        assert gate.left == 50
        begun = clock.now
        clock.now += 5
        gate.lose(begun)
        assert gate.left == 45
        assert not await gate.wait(Wait(46, shared=False, why="no answer"))

    asyncio.run(run())


@pytest.mark.parametrize(("left", "allowed"), [(900, 100), (100, 100), (60, 60), (30, 30), (0, 30), (-500, 30)])
def test_an_answer_may_take_as_long_as_the_run_can_wait_but_always_long_enough_to_be_honest(clock, said, left, allowed):
    assert pace(clock, said, budget=left).allowance == allowed


def test_conditional_access_is_asked_once_a_second(clock, said):
    async def run():
        gate = pace(clock, said)
        for _ in range(3):
            await gate.turn("/identity/conditionalAccess/policies")
        assert clock.now == 102
        await gate.turn("/policies/tokenLifetimePolicies")
        assert clock.now == 102

    asyncio.run(run())


# --- calls that were given up ---------------------------------------------------------------------------------------


def test_a_call_that_was_given_up_may_be_made_once_the_time_that_was_named_has_passed(clock, said):
    gate = pace(clock, said)
    gate.put_off("/a", 7.0, "Graph answered 429")
    assert gate.put_off_until("/b") is None
    assert gate.put_off_until("/a") == Wait(7.0, shared=False, why="Graph answered 429")
    clock.now += 6.75
    assert gate.put_off_until("/a").seconds == 0.25
    clock.now += 0.25
    assert gate.put_off_until("/a") is None


def test_a_later_and_shorter_time_does_not_let_it_pass_before(clock, said):
    gate = pace(clock, said)
    gate.put_off("/a", 7.0, "long")
    gate.put_off("/a", 1.0, "short")
    assert gate.put_off_until("/a").seconds == 7.0


def test_another_connection_of_the_run_heeds_it_too(clock, said):
    known = {}
    first, second = (Pace(Budget(60), clock=lambda: clock.now, sleep=clock.sleep, put_off=known) for _ in range(2))
    first.put_off("/a", 7.0, "Graph answered 429")
    assert second.put_off_until("/a").seconds == 7.0


def test_a_sleep_that_ends_too_early_lets_nothing_out_before_its_time(clock, said):
    class Early(Clock):
        async def sleep(self, seconds):
            self.now += max(seconds * 0.7, 1e-6)

    early = Early()

    async def run():
        gate = pace(early, said)
        for shared in (True, False):
            begun = early.now
            assert await gate.wait(Wait(2.0, shared, "429"))
            await gate.turn("/organization")
            assert early.now - begun >= 2.0
        begun = early.now
        for _ in range(3):
            await gate.turn("/identity/conditionalAccess/policies")
        assert early.now - begun >= 2.0

    asyncio.run(run())


def test_a_call_of_conditional_access_heeds_what_was_asked_while_it_stood_in_line(clock, said):
    async def run():
        gate = pace(clock, said)
        await gate.turn("/identity/conditionalAccess/policies")

        async def throttled(seconds):
            clock.now += seconds
            if clock.now < 102:
                await gate.wait(Wait(9.0, shared=True, why="429"))

        gate._sleep = throttled
        begun = clock.now
        task = gate.turn("/identity/conditionalAccess/policies")
        gate._sleep = throttled
        await asyncio.wait_for(task, 5)
        assert clock.now - begun >= 10.0

    asyncio.run(run())
