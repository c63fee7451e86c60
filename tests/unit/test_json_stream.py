"""Reading large JSON piece by piece says the same as reading it whole."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenguard import json_stream
from tokenguard.errors import DocumentError
from tokenguard.json_stream import JsonStream

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


class Dripping(io.RawIOBase):
    """A file that gives `size` bytes at a time, whatever it is asked for."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = io.BytesIO(data)
        self._size = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(self._size)


def read(text: str | bytes, size: int = 1 << 20) -> dict[str, Any]:
    """The whole object, lists item by item."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    stream = JsonStream(Dripping(data, size), "big.json")  # type: ignore[arg-type]  # it reads, and that is all
    return {name: list(stream.items()) if name.startswith("list") else stream.value() for name in stream.members()}


@settings(max_examples=150)
@given(
    st.dictionaries(st.text(max_size=6).filter(lambda name: not name.startswith("list")), VALUES, max_size=4),
    st.lists(VALUES, max_size=4),
    st.integers(1, 7),
    st.sampled_from([None, 0, 3]),
)
def test_however_it_arrives_and_is_laid_out_it_is_what_json_says(members, items, size, indent):
    document = {**members, "list": items}
    text = json.dumps(document, indent=indent, ensure_ascii=size % 2 == 0)

    assert read(text, size) == json.loads(text) == document


@pytest.mark.parametrize("text", ["{}", " {\n} ", '{"list":[]}', '\ufeff{"a":1}', '{"a":{"b":[1,{}]}}'])
def test_small_and_empty_objects(text):
    assert read(text) == json.loads(text.removeprefix("\ufeff"))


@settings(max_examples=100)
@given(st.integers(0, 60), st.integers(1, 9))
def test_wherever_it_is_cut_off_that_is_said(cut, size):
    text = '{"a": "é\\u00e9", "list": [{"b": -12.5e3}, true, null, 123], "c": [1]}'
    text = text[: min(cut, len(text) - 1)]

    with pytest.raises(DocumentError, match=r"big\.json: line 1: "):
        read(text, size)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":1,"a":2}', "line 1: the key 'a' stands twice"),
        ('{\n"a":{"b":1,\n"b":2}}', "line 2: the key 'b' stands twice"),
        ('{"list":[{"a":1,"a":2}]}', "the key 'a' stands twice"),
        ('{"a":NaN}', "not JSON"),
        ('{"a":-Infinity}', "not JSON"),
        ('{"a":1}{"b":2}', "goes on after the end"),
        ('{"a":1}\nx', "line 2: goes on after the end"),
        ("[1]", "'{' expected, found '['"),
        ('{"list":{}}', "'[' expected, found '{'"),
        ('{"list":[1 2]}', "',' or ']' expected, found '2'"),
        ('{"a" 1}', "':' expected"),
        ('{"a":1,}', "'\"' expected, found '}'"),
        ('{"list":[1,]}', "not JSON"),
        ("{a:1}", "'\"' expected, found 'a'"),
        ("", "cut off"),
        ('{"a":"\t"}', "not JSON: Invalid control character"),
        ('{"a":' + "1" * 5000 + "}", "not JSON"),
        ('{"a":' + "[" * 200_000 + "}", "not JSON"),
        (r'{"a":"\ud800"}', "line 1: not JSON: 'utf-8' codec can't encode"),
        (r'{"list":[1,{"\uDC00":1}]}', "not JSON"),
        (r'{"\ud800x":1}', "not JSON"),
        ('{"a":1e999}', "not JSON: Out of range"),
        ('{"a":-' + "9" * 400 + ".0}", "not JSON: Out of range"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xc3', "not UTF-8"),
        (b"\x1f\x8b\x08\x00", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("size", [3, 1 << 20])
def test_what_is_not_json_is_refused_with_the_line(text, said, size):
    with pytest.raises(DocumentError) as refused:
        read(text, size)

    assert said in refused.value.message


def test_a_mistake_is_told_where_it_stands_and_not_at_the_end_of_the_file():
    with pytest.raises(DocumentError, match="line 3: not JSON: Expecting property name"):
        read('{\n"a":\n{nonsense}' + "\n" * 600_000 + "}", 1000)


def test_a_single_value_may_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(json_stream, "LARGEST", 1 << 20)

    assert len(read('{"a":"' + "x" * (1 << 19) + '"}')["a"]) == 1 << 19
    with pytest.raises(DocumentError, match="a value of more than 1 Mi characters"):
        read('{"a":"' + "x" * (1 << 23) + '"}')
