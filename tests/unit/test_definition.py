import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions import EIGHT_HOURS, READABLE, UNREADABLE, anything, lifetime, policy
from tokenguard.durations import format_timespan
from tokenguard.entra.definition import LONGEST, RETIRED, SHORTEST, parse_definition
from tokenguard.entra.reading import Unknown


def test_the_documented_form_leaves_nothing_to_say():
    definition = parse_definition([lifetime("08:00:00")])
    assert definition.lifetime == EIGHT_HOURS
    assert definition.settings == ("AccessTokenLifetime",)
    assert definition.out_of_range is False
    assert definition.complete
    assert definition.retired == definition.unknown == definition.spellings == definition.problems == ()


@pytest.mark.parametrize(("strings", "length", "spellings"), READABLE)
def test_what_can_have_one_meaning_only_is_read_and_its_spelling_noted(strings, length, spellings):
    definition = parse_definition(strings)
    assert (definition.lifetime, definition.spellings, definition.problems) == (length, spellings, ())


@pytest.mark.parametrize(("strings", "problem"), UNREADABLE)
def test_what_could_mean_two_things_or_none_has_no_lifetime_but_a_reason(strings, problem):
    definition = parse_definition(strings)
    assert isinstance(definition.lifetime, Unknown)
    assert problem in definition.lifetime.reason
    assert any(problem in sentence for sentence in definition.problems)
    assert definition.out_of_range is definition.lifetime


@pytest.mark.parametrize(
    ("text", "out_of_range"),
    [
        ("00:09:59", True),
        ("00:10:00", False),
        ("23:59:59", False),
        ("24:00:00", True),
        ("1.00:00:00", True),
        ("00:00:00", True),
    ],
)
def test_entra_accepts_ten_minutes_to_a_second_short_of_a_day(text, out_of_range):
    definition = parse_definition([lifetime(text)])
    assert definition.out_of_range is out_of_range
    assert definition.spellings == ()


@pytest.mark.parametrize("strings", [[], [policy()], [policy(MaxInactiveTime="90.00:00:00")], [policy(Colour="red")]])
def test_a_definition_without_the_one_supported_setting_sets_nothing(strings):
    definition = parse_definition(strings)
    assert (definition.lifetime, definition.settings, definition.problems) == (None, (), ())
    assert definition.out_of_range is False


@pytest.mark.parametrize("name", RETIRED)
@pytest.mark.parametrize("value", ["until-revoked", "90.00:00:00", 5, None])
def test_a_retired_setting_is_named_whatever_its_case_and_value(name, value):
    definition = parse_definition([policy(**{name.upper(): value})])
    assert definition.retired == (name,)
    assert definition.spellings == (f"{name.upper()} -> {name}",)
    assert definition.problems == ()


def test_invented_settings_are_named_as_written_wherever_they_stand():
    text = '{"Colour":1,"TokenLifetimePolicy":{"Version":1,"RefreshTokenLifetime":"90.00:00:00","\\ud800":2}}'
    definition = parse_definition([text])
    assert definition.unknown == ("Colour", "RefreshTokenLifetime", "\\ud800")
    assert definition.problems == ()


def test_a_name_that_only_looks_like_a_setting_is_an_invented_one():
    definition = parse_definition([lifetime("08:00:00").replace("AccessTok", "AccessTo\N{KELVIN SIGN}")])
    assert (definition.lifetime, definition.unknown) == (None, ("AccessTo\N{KELVIN SIGN}enLifetime",))


def test_a_string_that_cannot_be_read_may_hide_settings_a_bad_value_does_not():
    hidden = parse_definition([policy(MaxInactiveTime="1.00:00:00"), "rubbish"])
    plain = parse_definition([policy(MaxInactiveTime="1.00:00:00", AccessTokenLifetime=5)])
    assert (hidden.complete, plain.complete) == (False, True)
    assert hidden.retired == plain.retired == ("MaxInactiveTime",)


def test_a_lifetime_in_one_of_two_strings_is_not_known_to_be_set():
    definition = parse_definition([lifetime("08:00:00"), policy(MaxInactiveTime="1.00:00:00")])
    assert (definition.complete, isinstance(definition.lifetime, Unknown)) == (False, True)
    assert parse_definition([policy(MaxInactiveTime="1.00:00:00"), policy()]).lifetime is None


def test_a_setting_in_the_wrong_place_is_not_known_to_count_or_not():
    outside = parse_definition(['{"TokenLifetimePolicy":{"Version":1},"MaxInactiveTime":"1.00:00:00"}'])
    assert (outside.complete, outside.retired) == (False, ())
    assert isinstance(outside.lifetime, Unknown)


in_range = st.integers(int(SHORTEST.total_seconds()), int(LONGEST.total_seconds())).map(lambda s: timedelta(seconds=s))


@given(in_range)
def test_what_we_write_is_read_back_without_remark(length):
    definition = parse_definition([lifetime(format_timespan(length))])
    assert (definition.lifetime, definition.out_of_range) == (length, False)
    assert definition.spellings == definition.problems == ()


@given(anything)
def test_nothing_that_people_can_write_raises_and_what_is_not_understood_has_no_value(written):
    definition = parse_definition(written)
    assert isinstance(definition.lifetime, Unknown) == bool(definition.problems)
    assert definition.complete or definition.problems
    json.dumps([*definition.unknown, *definition.spellings, *definition.problems], ensure_ascii=False).encode()
