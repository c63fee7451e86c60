"""What `probe` takes for the lifetime that was expected, and how lengths are written on the command line."""

from datetime import timedelta

import click
import pytest

from tokenguard.cli.lengths import length
from tokenguard.cli.probe import Result, _lines
from tokenguard.issuance import Expected, Issued, consistent

HOUR = 3600


def issued(expires_in: int, claimed: int | None = None, *, continuous: bool = False) -> Issued:
    return Issued("a secret", expires_in, claimed, continuous)


@pytest.mark.parametrize(
    ("expires_in", "shortest", "longest", "met"),
    [
        (5 * HOUR - 2, 5 * HOUR, 5 * HOUR, False),
        (5 * HOUR - 1, 5 * HOUR, 5 * HOUR, True),
        (5 * HOUR, 5 * HOUR, 5 * HOUR, True),
        (5 * HOUR + 1, 5 * HOUR, 5 * HOUR, False),
        (3598, HOUR, 5400, False),
        (3599, HOUR, 5400, True),
        (4500, HOUR, 5400, True),
        (5400, HOUR, 5400, True),
        (5401, HOUR, 5400, False),
    ],
)
def test_a_lifetime_is_exact_but_for_the_second_that_entra_leaves_out(expires_in, shortest, longest, met):
    assert Expected(shortest, longest, "").met_by(issued(expires_in)) is met


@pytest.mark.parametrize(
    ("expires_in", "claimed", "agrees"),
    [(3599, None, True), (3599, 3600, True), (3599, 3900, True), (3599, 3901, False), (3599, 3598, False)],
)
def test_a_token_may_claim_five_minutes_of_skew_beyond_its_lifetime(expires_in, claimed, agrees):
    assert consistent(issued(expires_in, claimed)) is agrees


FIVE, DEFAULT = Expected(5 * HOUR, 5 * HOUR, "a policy"), Expected(HOUR, 5400, "the default")


@pytest.mark.parametrize(
    ("found", "expected", "exact", "status"),
    [
        (issued(17999), (FIVE,), True, 0),
        (issued(3599), (FIVE,), True, 1),
        (issued(3599), (FIVE, DEFAULT), False, 0),
        (issued(7199), (FIVE, DEFAULT), False, 1),
        (issued(7199), (), False, 3),
        (issued(86399, continuous=True), (FIVE,), False, 3),
        (issued(86399, continuous=True), (FIVE,), True, 1),
        (issued(17999, 18300), (FIVE,), True, 0),
        (issued(17999, 3900), (FIVE,), True, 3),
        (issued(17999, 3900), (FIVE,), False, 3),
        (issued(3599, 18300), (FIVE,), True, 1),
    ],
)
def test_the_exit_status_says_whether_it_is_as_expected(found, expected, exact, status):
    assert Result("https://api.example", found, expected, (), "", exact=exact).status == status


def said(found, *policies):
    return [*_lines(Result("https://api.example", found, policies, policies, "", exact=False))]


def test_a_token_that_says_otherwise_than_the_answer_is_not_as_expected():
    lines = said(issued(17999, 3900), FIVE)
    assert "How long the token really lives is not known." in lines
    assert "As expected." not in lines


def test_what_a_policy_accounts_for_is_not_put_down_to_continuous_access_evaluation():
    day = Expected(24 * HOUR, 24 * HOUR, "an old policy")
    assert "no policy decides" in "\n".join(said(issued(86399, continuous=True), FIVE))
    assert "no policy decides" not in "\n".join(said(issued(86399, continuous=True), day))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("PT5H", timedelta(hours=5)),
        ("5h", timedelta(hours=5)),
        ("90m", timedelta(minutes=90)),
        ("60s", timedelta(seconds=60)),
        ("PT1H30M", timedelta(minutes=90)),
    ],
)
def test_a_length_is_written_as_in_rules_or_short(text, meant):
    assert length(text) == meant


@pytest.mark.parametrize("text", ["", "60", "h", "-5s", "5 h", "1d", "05:00:00", "PT", "9999999s"])
def test_anything_else_is_no_length(text):
    with pytest.raises(click.BadParameter):
        length(text)
