"""What is made of a token service's answer: how long the token lives, and no trace of the token."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tokenguard.entra import issuing
from tokenguard.entra.credentials import Method
from tokenguard.errors import SourceError
from tokenguard.hookspecs import LiveTarget
from tokenguard.issuance import Issued

ISSUED_AT = 1_700_000_000


def token(**claims: Any) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims))
    return ".".join((*parts, "signature"))


@pytest.fixture
def issued(monkeypatch: pytest.MonkeyPatch):
    """Asks where the token service answers with this text, and this token in it."""

    def ask(answer: str, token: str = "opaque") -> Issued:
        class Credential:
            def __init__(self, raw_response_hook):
                self._see = raw_response_hook

            def get_token(self, *_scopes, **_options):
                self._see(SimpleNamespace(http_response=SimpleNamespace(text=lambda: answer)))
                return SimpleNamespace(token=token)

            def close(self):
                pass

        monkeypatch.setattr(issuing, "choose_method", lambda *_: Method("a secret", Credential, alone=True))
        return issuing.prepare(LiveTarget({}), "https://api.example")()

    return ask


@pytest.mark.parametrize(
    ("answer", "expires_in"),
    [
        ('{"expires_in": 3599}', 3599),
        ('{"expires_in": "3599"}', 3599),
        ('{"expires_in": 3599, "ext_expires_in": 86399}', 3599),
    ],
)
@pytest.mark.parametrize("kept", ["opaque", "a.b.c", "a.W10.c"])
def test_a_token_that_cannot_be_read_lives_as_long_as_the_answer_says(issued, answer, expires_in, kept):
    assert issued(answer, kept) == Issued("a secret", expires_in, None, continuous=False)


def test_an_answer_without_a_token_tells_no_lifetime(issued):
    with pytest.raises(SourceError, match="the answer holds no token"):
        issued('{"expires_in": 3599}', "")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no JSON",
        "[3599]",
        '{"ext_expires_in": 3599}',
        '{"expires_in": null}',
        '{"expires_in": "soon"}',
        '{"expires_in": 0}',
        '{"expires_in": -3599}',
        '{"expires_in": NaN}',
        '{"expires_in": Infinity}',
        '{"expires_in": 1000000000000000000}',
    ],
)
def test_an_answer_that_does_not_say_how_long_is_no_answer(issued, answer):
    with pytest.raises(SourceError, match="did not say how long"):
        issued(answer)


@pytest.mark.parametrize(
    ("claims", "expires_in", "claimed", "continuous"),
    [
        ({"iat": ISSUED_AT, "exp": ISSUED_AT + 3900}, 3599, 3900, False),
        ({"iat": ISSUED_AT, "exp": "later"}, 3599, None, False),
        ({"exp": ISSUED_AT}, 3599, None, False),
        ({"xms_cc": ["cp1"], "iat": ISSUED_AT, "exp": ISSUED_AT + 3900}, 3599, 3900, True),
        ({"iat": ISSUED_AT, "exp": ISSUED_AT + 86699}, 86398, 86699, False),
        ({"iat": ISSUED_AT, "exp": ISSUED_AT + 86700}, 86399, 86700, True),
    ],
)
def test_what_the_token_says_of_itself_is_kept_and_not_the_token(issued, claims, expires_in, claimed, continuous):
    found = issued(json.dumps({"expires_in": expires_in}), token(**claims))
    assert found == Issued("a secret", expires_in, claimed, continuous)
    assert "signature" not in repr(found)
