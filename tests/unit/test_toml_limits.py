"""How deep a configuration is, told without parsing it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tokenguard.cli.toml_limits import MAXIMUM_DEPTH, MAXIMUM_PARTS, check_limits, levels
from tokenguard.errors import UsageError

EXAMPLES = Path(__file__).parents[2] / "examples"
PATH = Path("tokenguard.toml")


def counted(text: str) -> int:
    return max((depth for depth, _, _ in levels(text.encode())), default=1)


def parsed(value: Any) -> int:
    """The levels of what a parser made of it."""
    match value:
        case dict():
            return 1 + max(map(parsed, value.values()), default=0)
        case list():
            return 1 + max(map(parsed, value), default=0)
    return 0


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("", 1),
        ("a = 1", 1),
        ("a.b = 1", 2),
        ("a . b\t. c = 1", 3),
        ('"a.b".c = 1', 2),
        ('\'a.b\'."c.\\".d".e = 1.5', 3),
        ('"".""=1.25', 2),
        ("[a.b]", 3),
        ("[ a . 'b.]' ] # [c.d.e]\nf = 1", 3),
        ("[a.b]\r\nc.d = 1\r\n[e]\r\nf = 1\r\n", 4),
        ("[[a]]", 3),
        ("[[a]]\n[[a.b]]\n[a.b.c]", 6),
        ("a = []", 2),
        ("a = [1.5, [2, 3], [4.5]]", 3),
        ("a = {}", 2),
        ("a = {b.c = 1.5, d = [1], e.f.g = 2.5}", 4),
        ("a = {b = {c = 1}, d.e = 1}\nf.g = 1", 3),
        ("a.b = [{c.d = [\n[], # ]]]\n[]]}]", 7),
        ('a = "[[[{{{" # [[[[', 1),
        ("a = '[[[{{{\\' # '", 1),
        ('a = "\\"[[[" \nb = 1', 1),
        ('a = """[[[\n" "" [[ \\""" [[ """ # [[', 1),
        ('a = [""""[[""""", [1]]', 3),
        ('a = ["""[["""", [1]]', 3),
        ("a = ['''[[''''', [1]]", 3),
        ("a = [''''[[''' , '''''', [1]]", 3),
        ("a = 1\n# [[a.b.c.d.e.f]]\n", 1),
    ],
)
def test_the_depth_is_that_of_the_parsed_document(text: str, depth: int) -> None:
    assert parsed(tomllib.loads(text)) == depth
    assert counted(text) == depth


def test_the_name_of_a_table_may_lead_through_lists_and_counts_as_if_it_did() -> None:
    assert parsed(tomllib.loads("[[a]]\n[b.c]\n[a.d.e]")) == 5
    assert counted("[[a]]\n[b.c]\n[a.d.e]") == 5
    assert counted("[[a]]\n[b.c]") == 4  # one more than there is, and no less


bare = st.sampled_from(["a", "b", "c-d", "1", "e_f"])
tricky = st.text(st.sampled_from("ab.[]{}=,#'\" \t"), max_size=6)
basic = tricky.map(lambda text: '"' + text.replace('"', '\\"') + '"')
literal = tricky.map(lambda text: "'" + text.replace("'", "") + "'")
newlines = st.sampled_from(["\n", "\r\n"])
names = bare | basic | literal


def long(quote: str, text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda inner, line, more: f"{quote * 3}{line}{inner}{line}{quote * (3 + more)}",
        text,
        newlines,
        st.integers(0, 2),
    )


strings = (
    basic
    | literal
    | long('"', tricky.map(lambda text: text.replace('"""', '""\\"').removesuffix('"')))
    | long("'", tricky.map(lambda text: text.replace("'''", "''")))
)
keys = st.lists(names, min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([".", " . ", "\t.", ". "]).map(lambda dot: dot.join(parts))
)
scalars = strings | st.sampled_from(["1", "-1.5", "1e3", "true", "1979-05-27T07:32:00.999", "inf"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.builds(
            lambda items, gap: f"[{gap}" + f",{gap}".join(items) + f"{gap}]",
            st.lists(inner, max_size=3),
            st.sampled_from(["", " ", "\n", " # ]}[{\n", "\r\n"]),
        )
        | st.lists(st.tuples(keys, inner), max_size=2).map(
            lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=6,
)
lines = (
    st.builds("{} = {}".format, keys, values)
    | st.builds("[{}]".format, keys)
    | st.builds("[[{}]] # {{[".format, keys)
    | st.just(" # [[[a.b.c")
)
documents = st.tuples(st.lists(lines, max_size=6), newlines).map(lambda drawn: drawn[1].join(drawn[0]))


@settings(max_examples=1000, suppress_health_check=[HealthCheck.filter_too_much])
@given(documents)
def test_no_document_is_deeper_than_is_counted(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        reject()  # the same name twice, mostly
    assert counted(text) >= parsed(document)


@given(st.binary(max_size=60) | st.text(st.sampled_from("a.=[]{}#'\"\\\n\r,\0 "), max_size=60).map(str.encode))
def test_anything_can_be_counted(data: bytes) -> None:
    list(levels(data))


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.toml")), ids=lambda path: path.name)
def test_what_people_write_passes(path: Path) -> None:
    check_limits(path.read_bytes(), path)


@pytest.mark.parametrize(
    ("just", "beyond"),
    [
        (".".join("a" * 16) + " = 1", ".".join("a" * 17) + " = 1"),
        (".".join("a" * 16), ".".join("a" * 17)),  # no TOML, but a parser reads the key before it sees that
        ("[" + ".".join("a" * 15) + "]", "[" + ".".join("a" * 16) + "]"),
        ("a = " + "[" * 15, "a = " + "[" * 16),
        ("a = " + "{a = " * 15, "a = " + "{a = " * 16),
        (
            "[" + ".".join("a" * 10) + "]\nb.b = [{c.c = {d = 1}}]",
            "[" + ".".join("a" * 10) + "]\nb.b = [{c.c = {d.e = [1]}}]",
        ),
        ("a = 1\n" * MAXIMUM_PARTS, "a = 1\n" * (MAXIMUM_PARTS + 1)),
        ("[a.b]\nc.d = {}\n" * (MAXIMUM_PARTS // 5), "[a.b]\nc.d = {}\n" * (MAXIMUM_PARTS // 5 + 1)),
        ("[[a]]\n" * MAXIMUM_PARTS, "[[a]]\n" * (MAXIMUM_PARTS + 1)),
        ("a = [[], [[]]]\n" * (MAXIMUM_PARTS // 5), "a = [[], [[]]]\n" * (MAXIMUM_PARTS // 5 + 1)),
        ("a = {b = []}\n" * (MAXIMUM_PARTS // 4), "a = {b = []}\n" * (MAXIMUM_PARTS // 4 + 1)),
    ],
)
def test_both_sides_of_the_limits(just: str, beyond: str) -> None:
    check_limits(just.encode(), PATH)
    with pytest.raises(UsageError, match=f"deeper than {MAXIMUM_DEPTH} levels|more than 10,000 names"):
        check_limits(beyond.encode(), PATH)


def test_a_refusal_names_the_line_and_quotes_nothing() -> None:
    with pytest.raises(UsageError) as refused:
        check_limits(b"canary = 1\n\n[" + b"canary." * 20 + b"a]", PATH)
    assert refused.value.message.startswith("tokenguard.toml: line 3: is nested deeper than 16 levels")
    assert "canary" not in refused.value.message


@pytest.mark.parametrize("text", ['a = "[[', "a = '[[\n[[[[[[[[[[[[[[[[[[", "a = '''", 'a = """[[[[[[[[[[[[[[[[[[[""'])
def test_a_string_that_does_not_end_is_left_to_the_parser(text: str) -> None:
    check_limits(text.encode(), PATH)
