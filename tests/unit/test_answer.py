import pytest

from tokenguard.entra.answer import Answer, one_line


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "2.128"}, 2.128),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 -0000", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 +99999999999", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, None),
        ({"retry-after": "soon", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds_or_against_the_answers_own_date(headers, seconds):
    assert Answer(429, headers).retry_after() == seconds


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            Answer(
                403, {}, {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient\r\nprivileges"}}
            ),
            "403 Authorization_RequestDenied: Insufficient privileges",
        ),
        (Answer(403, {}, {"error": {"code": "", "message": "No."}}), "403 No."),
        (Answer(502, {}, "<html>bad gateway</html>"), "502 Bad Gateway without an error of Graph's"),
        (Answer(404, {}, {"error": "gone"}), "404 Not Found without an error of Graph's"),
        (Answer(599), "599 without an error of Graph's"),
    ],
)
def test_an_error_is_explained_in_one_line(answer, text):
    assert answer.explain() == text


def test_a_message_never_repeats_a_token():
    line = one_line("header Bearer eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiIx.c2ln was refused; eyJhbGciOiJub25lIn0 too")
    assert line == "header Bearer [token] was refused; [token] too"
    assert len(one_line("x" * 5000)) < 500
