import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions import EIGHT_HOURS, ESCAPED, READABLE, UNREADABLE, anything, lifetime, policy
from tokenguard.durations import format_timespan
from tokenguard.entra.definition import LONGEST, RETIRED, SHORTEST, parse_definition
from tokenguard.entra.reading import Unknown


def test_the_documented_form_leaves_nothing_to_say():
    definition = parse_definition([lifetime("08:00:00")])
    assert definition.lifetime == EIGHT_HOURS
    assert definition.settings == ("AccessTokenLifetime",)
    assert definition.out_of_range is False
    assert definition.complete
    assert definition.word == EIGHT_HOURS
    assert definition.retired == definition.unknown == definition.spellings == definition.problems == ()
    assert definition.doubts == ()


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


@pytest.mark.parametrize(("string", "problem"), ESCAPED)
def test_what_is_json_only_once_it_is_unescaped_sets_nothing_for_certain_and_its_word_is_what_stands_there(
    string, problem
):
    definition = parse_definition([string])
    assert isinstance(definition.lifetime, Unknown)
    assert definition.word == EIGHT_HOURS
    assert (definition.complete, definition.doubts) == (False, definition.problems)
    assert problem in definition.problems[0]


DOUBTFUL = [
    ([lifetime("24:00:00")], timedelta(days=1), "it sets 1 d, and Entra accepts 10 min to 23 h 59 min 59 s"),
    ([lifetime("1.00:00:00")], timedelta(days=1), "it sets 1 d"),
    ([lifetime("00:05:00")], timedelta(minutes=5), "it sets 5 min"),
    ([lifetime("00:90:00")], timedelta(minutes=90), "it is written with 00:90:00"),
    ([lifetime("00:59:60")], timedelta(hours=1), "it is written with 00:59:60"),
    ([lifetime("8:0:00")], EIGHT_HOURS, "it is written with 8:0:00"),
    ([policy(AccessTokenLifetime="08:00:00", Version=2)], EIGHT_HOURS, "Version is 2"),
    ([policy(AccessTokenLifetime="08:00:00", Version=None)], EIGHT_HOURS, "Version is null"),
    ([policy(AccessTokenLifetime="08:00:00", Version="1")], EIGHT_HOURS, "it is written with Version '1'"),
    (['{"TokenLifetimePolicy":{"AccessTokenLifetime":"08:00:00"}}'], EIGHT_HOURS, "it is written with no Version"),
    ([lifetime("08:00:00").replace("Access", "access")], EIGHT_HOURS, "it is written with accessTokenLifetime"),
    ([lifetime("08:00:00")] * 2, EIGHT_HOURS, "it is written with 2 strings"),
    ([policy(AccessTokenLifetime="08:00:00", Colour=1)], EIGHT_HOURS, "it has Colour, which Microsoft documents nowh"),
]


@pytest.mark.parametrize(("strings", "word", "doubt"), DOUBTFUL)
def test_what_is_not_as_microsoft_documents_it_entra_may_ignore_or_take_at_its_word(strings, word, doubt):
    definition = parse_definition(strings)
    assert definition.word == word
    assert definition.doubts[0].startswith(doubt)


@pytest.mark.parametrize("text", ["8:00:00", "08:00:00", "0.08:00:00"])
def test_what_microsoft_documents_or_shows_in_an_example_is_not_doubted(text):
    assert parse_definition([policy(AccessTokenLifetime=text, MaxInactiveTime="90.00:00:00")]).doubts == ()


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
    assert isinstance(definition.lifetime, Unknown) or definition.word == definition.lifetime
    assert definition.doubts or not (definition.problems or definition.unknown or definition.out_of_range)
    json.dumps([*definition.unknown, *definition.spellings, *definition.problems], ensure_ascii=False).encode()
