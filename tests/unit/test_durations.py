from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.durations import (
    format_iso8601,
    format_timespan,
    humanize,
    parse_iso8601,
    parse_timespan,
    time_left,
)
from tokenguard.errors import DurationError

lengths = st.integers(min_value=0, max_value=99_999_999 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("08:00:00", hours(8)),
        ("8:00:00", hours(8)),
        ("1.00:00:00", hours(24)),
        ("80.00:30:00", timedelta(days=80, minutes=30)),
        ("00:90:00", hours(1.5)),
        ("24:00:00", hours(24)),
        ("0:0:1", timedelta(seconds=1)),
        ("00:00:00", timedelta()),
        ("99999999.99:99:99", timedelta(days=99_999_999, hours=99, minutes=99, seconds=99)),
    ],
)
def test_a_lifetime_is_read_in_every_spelling_that_microsoft_ever_documented(text, length):
    assert parse_timespan(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "8", "08:00", "until-revoked", "-08:00:00", "+8:00:00", " 08:00:00", "08:00:00\n", "08:00:00.5", "1:08:00:00",
     "100:00:00", "999999999.00:00:00", "٠٨:00:00", "PT8H", ".08:00:00"],
)  # fmt: skip
def test_anything_else_is_no_lifetime(text):
    with pytest.raises(DurationError):
        parse_timespan(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(), "00:00:00"),
        (hours(8), "08:00:00"),
        (timedelta(hours=23, minutes=59, seconds=59), "23:59:59"),
        (hours(24), "1.00:00:00"),
    ],
)
def test_a_lifetime_is_written_with_two_digits_each(length, text):
    assert format_timespan(length) == text


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT8H", hours(8)),
        ("PT1H30M", hours(1.5)),
        ("PT90M", hours(1.5)),
        ("PT1H1S", timedelta(seconds=3601)),
        ("P1D", hours(24)),
        ("P1DT12H", hours(36)),
        ("P2W", timedelta(days=14)),
        ("PT0S", timedelta()),
    ],
)
def test_an_iso_8601_duration_is_read(text, length):
    assert parse_iso8601(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "8h", "pt8h", "P1Y", "P1M", "P1W1D", "PT1.5H", "-PT8H", "PT8H ", "PT8H\n", "PT30M1H", "T8H",
     "PT٨H", "PT999999999H"],
)  # fmt: skip
def test_anything_else_is_no_iso_8601_duration(text):
    with pytest.raises(DurationError):
        parse_iso8601(text)


def test_who_writes_graphs_notation_is_shown_ours():
    with pytest.raises(DurationError) as caught:
        parse_iso8601("8:00:00")
    assert caught.value.hint == "write PT8H for 8:00:00"


@pytest.mark.parametrize(
    ("length", "iso", "people"),
    [
        (timedelta(), "PT0S", "0 s"),
        (timedelta(seconds=3599), "PT59M59S", "59 min 59 s"),
        (hours(1.5), "PT1H30M", "1 h 30 min"),
        (hours(8), "PT8H", "8 h"),
        (hours(24), "P1D", "1 d"),
        (hours(28), "P1DT4H", "1 d 4 h"),
    ],
)
def test_a_length_is_written_for_rules_and_for_people(length, iso, people):
    assert (format_iso8601(length), humanize(length)) == (iso, people)


@pytest.mark.parametrize(
    ("elapsed", "done", "total", "said"),
    [
        (30.0, 0, 4, ""),
        (30.0, 1, 4, ", about 1 min 30 s left"),
        (30.0, 3, 4, ", about 10 s left"),
        (2.9, 3, 4, ""),
        (3.0, 3, 4, ", about 1 s left"),
        (30.0, 4, 4, ""),
    ],
)
def test_the_rest_is_expected_to_go_on_at_the_pace_so_far(elapsed, done, total, said):
    assert time_left(elapsed, done, total) == said


@pytest.mark.parametrize("write", [format_timespan, format_iso8601, humanize])
@pytest.mark.parametrize("length", [timedelta(seconds=-1), timedelta(milliseconds=1500)])
def test_only_whole_seconds_can_be_written(write, length):
    with pytest.raises(DurationError):
        write(length)


@given(lengths)
def test_what_is_written_reads_back_the_same(length):
    assert parse_timespan(format_timespan(length)) == length
    assert parse_iso8601(format_iso8601(length)) == length


@given(st.text() | st.text("0123456789.:PTDHMSW-", max_size=12))
def test_any_text_is_a_duration_or_a_duration_error(text):
    for read in (parse_timespan, parse_iso8601):
        try:
            length = read(text)
        except DurationError:
            continue
        assert length >= timedelta()
