import pytest

from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.retry import Patience, next_try

PATIENCE = Patience(attempts=3, asked_attempts=6, first_wait=1.0)


def seconds(outcome, attempt=1, jitter=0.5):
    wait = next_try(outcome, attempt, PATIENCE, jitter)
    return wait and wait.seconds


@pytest.mark.parametrize(
    ("outcome", "again", "shared"),
    [
        (Answer(408), True, False),
        (Answer(429), True, True),
        (Answer(500), True, False),
        (Answer(502), True, False),
        (Answer(503), True, True),
        (Answer(504), True, False),
        (Broken("connection reset"), True, False),
        (Broken("the address is wrong", passing=False), False, False),
        (Answer(200), False, False),
        (Answer(302), False, False),
        (Answer(400), False, False),
        (Answer(401), False, False),
        (Answer(403), False, False),
        (Answer(404), False, False),
        (Answer(501), False, False),
    ],
)
def test_only_what_passes_is_tried_again_and_only_an_overloaded_service_stops_everyone(outcome, again, shared):
    wait = next_try(outcome, 1, PATIENCE, 0.5)
    assert (wait is not None) is again
    assert wait is None or wait.shared is shared


@pytest.mark.parametrize(("attempt", "expected"), [(1, 1.0), (2, 2.0), (3, None)])
def test_waits_double_until_the_attempts_are_used_up(attempt, expected):
    assert seconds(Answer(500), attempt) == expected
    assert seconds(Answer(429), attempt) == expected


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 0.5), (1.0, 1.5)])
def test_jitter_spreads_a_wait_around_its_length(jitter, expected):
    assert seconds(Answer(500), 1, jitter) == expected


@pytest.mark.parametrize(("attempt", "again"), [(3, True), (5, True), (6, False)])
def test_a_service_that_names_a_time_is_asked_more_often(attempt, again):
    assert (seconds(Answer(429, {"retry-after": "1"}), attempt) is not None) is again


@pytest.mark.parametrize("asked", [1, 179, 180, 3600])
def test_the_time_that_the_service_names_is_never_cut_short(asked):
    assert asked <= seconds(Answer(503, {"retry-after": str(asked)}), jitter=0.0)
    assert seconds(Answer(503, {"retry-after": str(asked)}), jitter=1.0) <= asked + 1


def test_a_retry_after_of_zero_is_no_permission_to_hammer():
    assert seconds(Answer(429, {"retry-after": "0"})) == 1.0
