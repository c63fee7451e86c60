from __future__ import annotations

import re

import jsonschema_rs
import pytest

from python_patterns import to_python
from tokenguard.rules.patterns import MAXIMUM_LENGTH, MAXIMUM_NESTING, MAXIMUM_REPETITION, pattern_problem


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        "^a$",
        "Müller",
        "^(?:dev|test)-",
        "(a|b)+",
        "(a|)",
        "[a-zA-Z0-9_]*",
        "[^a-z]",
        "[\\]\\-\\[^]",
        "[a&b|c~]",
        "a\\.b\\/c\\\\",
        "\\{\\}",
        "a{2}b{2,}c{2,3}",
        "a+b+",
        "(?:a{2}b+)c*",
        "\\n\\r\\t[\\n]",
        f"a{{{MAXIMUM_REPETITION}}}",
        f"^[^a-zA-Z]{{0,{MAXIMUM_REPETITION}}}$",
        "a" * MAXIMUM_LENGTH,
        "(" * MAXIMUM_NESTING + ")" * MAXIMUM_NESTING,
    ],
)
def test_what_every_engine_reads_alike_is_accepted_and_compiles_everywhere(pattern: str) -> None:
    assert pattern_problem(pattern) is None
    re.compile(to_python(pattern))
    jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("\\d", "[0-9]"),
        ("\\w+", "[A-Za-z0-9_]"),
        ("a\\s", "[ \\t\\r\\n]"),
        ("[\\d]", "[0-9]"),
        ("\\bword", "\\b"),
        ("a\\Z", "write $"),
        ("\\p{L}", "\\p"),
        ("\\x41", "the escape \\x"),
        ("\\-", "the escape \\-"),
        ("a\\", "the escape"),
        ("(a)\\1", "backreference"),
        ("(?=a)", "lookaround"),
        ("(?!a)", "lookaround"),
        ("(?<=a)", "lookaround"),
        ("(?i)a", "flags"),
        ("(?P<x>a)", "named groups"),
        ("a.b", "a dot"),
        ("*a", "nothing before it"),
        ("(|*)", "nothing before it"),
        ("^*", "no width"),
        ("a*?", "quantifier on a quantifier"),
        ("a++", "quantifier on a quantifier"),
        ("a{,3}", "a brace"),
        ("a{x}", "a brace"),
        ("a{3,2}", "ends before it begins"),
        ("{", "write \\{"),
        ("}", "write \\}"),
        ("]", "write \\]"),
        ("(a", "a group is still open"),
        ("a)", "without an opening"),
        ("[a", "a class is still open"),
        ("[]", "empty class"),
        ("[^]a]", "empty class"),
        ("[a-]", "write \\-"),
        ("[-a]", "write \\-"),
        ("[z-a]", "ends before it begins"),
        ("[[a]]", "write \\["),
        ("[a&&b]", "set operation"),
        ("[é]", "(?:a|é)"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(pattern: str, said: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(?:a*)*",
        "(a{2,})*",
        "((a|b+)c)*",
        f"a{{{MAXIMUM_REPETITION + 1}}}",
        "(a{100}){11}",
        "[^a]{500}[^b]{501}",  # ninety such in a row were more than the validator compiles
        "(?:abcdefghijk){100}",
        "a{9999}",
        "a" * (MAXIMUM_LENGTH + 1),
        "(" * (MAXIMUM_NESTING + 1) + ")" * (MAXIMUM_NESTING + 1),
    ],
)
def test_a_pathological_pattern_is_refused(pattern: str) -> None:
    assert pattern_problem(pattern) is not None


@pytest.mark.parametrize(
    ("pattern", "python"),
    [("a$", "a\\Z"), ("a\\$", "a\\$"), ("[$]a$", "[$]a\\Z"), ("[\\]$]", "[\\]$]"), ("\\\\$", "\\\\\\Z")],
)
def test_only_a_dollar_that_is_an_anchor_is_translated(pattern: str, python: str) -> None:
    assert to_python(pattern) == python
