"""What a tenant's administrators type cannot do more in our outputs than be read."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenguard.untrusted import json_bytes, markdown, sarif_text, visible

ANYTHING = st.text(st.characters(exclude_categories=()))  # unpaired surrogates too
CONTROLS = ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Dataverse", "Dataverse"),
        ("Büro 東京 ערב 🔑", "Büro 東京 ערב 🔑"),
        ("CORP\\svc", "CORP\\svc"),
        ("\x1b[2J\x1b]8;;http://evil\x07", "\\x1b[2J\\x1b]8;;http://evil\\x07"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("##vso[task.setvariable variable=PATH]/tmp", "\\x23#vso[task.setvariable variable=PATH]/tmp"),
        ("a ###[error]b", "a #\\x23#[error]b"),
        ("::add-mask::e", "\\x3a:add-mask::e"),
        (" \u3000::stop-commands::x", " \u3000\\x3a:stop-commands::x"),
        ("std::string ## [1]", "std::string ## [1]"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(text, shown):
    assert visible(text) == shown


def test_every_control_format_and_surrogate_character_of_unicode_is_escaped():
    hidden = (chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in CONTROLS)

    assert [character for character in hidden if visible(character) == character] == []


@settings(max_examples=200)
@given(ANYTHING)
def test_visible_text_is_one_harmless_line_and_escaping_again_changes_nothing(text):
    shown = visible(text)

    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(character) in CONTROLS for character in shown)
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[click](https://evil.example)", "[click]\\x28https://evil.example)"),
        ("\\[click\\](1)", "\\[click\\]\\x281)"),
        ("[[a]](1) [b](2)", "[[a]]\\x281) [b]\\x282)"),
        ("[PROD] API", "[PROD] API"),
        ("{0}", "{{0}}"),
        ("plain (really)", "plain (really)"),
    ],
)
def test_sarif_messages_hold_no_link_and_no_placeholder(text, message):
    assert sarif_text(text) == message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<img src=x>", "\\<img src=x\\>"),
        ("![x](https://evil.example)", "\\!\\[x\\](https\\://evil.example)"),
        ("@everyone **now**", "\\@&#8203;everyone \\*\\*now\\*\\*"),
        ("(@a/b, #12)", "(\\@&#8203;a/b, \\#&#8203;12)"),
        ("contoso/app#1", "contoso/app\\#&#8203;1"),
        ("owner@contoso.example # x", "owner\\@contoso.example \\# x"),
        ("`code`\n# heading", "\\`code\\`\\\\n\\# heading"),
        ("&lt; $x$", "\\&lt; \\$x\\$"),
        ("90 minutes, at most.", "90 minutes, at most."),
    ],
)
def test_markdown_shows_markup_instead_of_obeying_it(text, shown):
    assert markdown(text) == shown


@settings(max_examples=200)
@given(st.text())
def test_json_reads_back_equal(text):
    assert json.loads(json_bytes({"name": text, text: 1})) == {"name": text, text: 1}


@settings(max_examples=200)
@given(ANYTHING)
def test_json_is_one_harmless_line_of_strict_utf8(text):
    line = json_bytes([text]).decode()

    assert not any(unicodedata.category(character) in CONTROLS for character in line)
    assert json.loads(line) == ["".join(visible(c) if "\ud800" <= c <= "\udfff" else c for c in text)]


@pytest.mark.parametrize("text", ["##vso[task.setvariable]x", "##[error]x", "###[x"])
def test_json_holds_no_command_of_a_ci_service_and_reads_back(text):
    written = json_bytes([text])

    assert b"##[" not in written
    assert b"##vso[" not in written
    assert json.loads(written) == [text]


def test_a_web_address_without_a_scheme_is_no_link():
    assert markdown("see www.evil.example") == "see www\\.evil.example"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("- a", "\\- a"),
        ("+", "\\+"),
        ("===", "\\==="),
        ("1. a", "1\\. a"),
        (" 12) a", " 12\\) a"),
        ("a - 1.", "a - 1."),
    ],
)
def test_no_line_of_markdown_begins_a_list_or_a_heading(text, shown):
    assert markdown(text) == shown
