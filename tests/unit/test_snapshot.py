"""A snapshot comes back as it was written, or not at all."""

from __future__ import annotations

import gzip
import json
import os
import threading
import tracemalloc
import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenguard.errors import SnapshotError, UsageError
from tokenguard.model import (
    CollectionFailure,
    CollectionNotice,
    Header,
    Limits,
    Precedence,
    Resource,
    ResourceType,
    Snapshot,
    Tenant,
    TypeSummary,
)
from tokenguard.schemas import schema
from tokenguard.snapshot import open_snapshot, write_snapshot
from tokenguard.snapshot.file import MAXIMUM_LINE
from tokenguard.snapshot.identities import Identities

HEADER = Header(
    tenant=Tenant("11111111-2222-3333-4444-555555555555", "Contoso"),
    cloud="global",
    collected_at=datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
    producer="tokenguard 0.1.0",
    plugins=("a-plugin 1.0",),
    permissions=("Policy.Read.All",),
    precedence=Precedence.CLASSIC,
    properties={"box": ("color", "size"), "lid": ("open",)},
)
RESOURCES = [
    Resource("box", "1", "One", {"color": "red", "size": 1}),
    Resource("box", "2", "Zw\u00f6lf \u2028 \n", {"color": None, "size": 2}, {"color": "the lamp was off"}),
    Resource("lid", "3", "Three", {"open": True}),
]
SUMMARY = {
    "box": TypeSummary("box", 2, (CollectionFailure("box", "the third one fell", "Box.Read.All"),)),
    "lid": TypeSummary(
        "lid", 1, scope=frozenset({"b", "a"}), notices=(CollectionNotice("lid", "GET /lids/$count was refused", True),)
    ),
}


def snapshot(header=HEADER, resources=RESOURCES, summary=SUMMARY):
    return Snapshot(header, iter(resources), lambda: summary)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "tenant.jsonl"
    write_snapshot(snapshot(), path)
    return path


def read(path, types=None, limits=None):
    opened = open_snapshot(path, types, limits or Limits())
    resources = list(opened.resources)
    return opened.header, resources, opened.summary()


def reseal(lines):
    """The bytes of a snapshot of these lines, all but the last as they are, with a digest that agrees."""
    body = b"".join(lines[:-1]) + lines[-1].rpartition(b',"digest":')[0]
    return body + b',"digest":"crc32:%08x"}\n' % zlib.crc32(body)


@pytest.mark.parametrize("name", ["tenant.jsonl", "tenant.jsonl.gz", "tenant.jsonl.zst", "tenant"])
def test_a_snapshot_comes_back_as_it_was_written(tmp_path, name):
    path = tmp_path / name
    assert write_snapshot(snapshot(), path) == SUMMARY
    assert read(path) == (HEADER, RESOURCES, SUMMARY)
    assert path.stat().st_mode & 0o777 == 0o600


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(
    values=st.lists(st.tuples(text, text, json_values, st.none() | text), max_size=5, unique_by=lambda drawn: drawn[0]),
    suffix=st.sampled_from(["", ".gz", ".zst"]),
)
def test_any_value_of_json_survives(tmp_path_factory, values, suffix):
    resources = [
        Resource("lid", id_, name, {"open": None if reason else value}, None if reason is None else {"open": reason})
        for id_, name, value, reason in values
    ]
    summary = {"box": TypeSummary("box", 0), "lid": TypeSummary("lid", len(resources))}
    path = tmp_path_factory.mktemp("any") / f"tenant{suffix}"
    write_snapshot(snapshot(resources=resources, summary=summary), path)
    assert read(path) == (HEADER, resources, summary)


def test_every_line_is_as_the_schema_says(written):
    validator = jsonschema.Draft202012Validator(schema("snapshot"))
    lines = [json.loads(line) for line in written.read_bytes().splitlines()]
    assert len(lines) == 5
    for line in lines:
        validator.validate(line)


def test_every_cut_is_refused(written):
    data = written.read_bytes()
    for length in range(len(data)):
        written.write_bytes(data[:length])
        with pytest.raises(SnapshotError):
            read(written)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_every_cut_of_a_compressed_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"tenant{suffix}"
    write_snapshot(snapshot(), path)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(SnapshotError):
            read(path)


def test_every_line_deleted_doubled_or_swapped_is_refused(written):
    lines = written.read_bytes().splitlines(keepends=True)
    for index in range(len(lines)):
        for other in (
            lines[:index] + lines[index + 1 :],
            [*lines[: index + 1], *lines[index:]],
            [*lines[:index], *reversed(lines[index : index + 2]), *lines[index + 2 :]],
        ):
            if other != lines:
                written.write_bytes(b"".join(other))
                with pytest.raises(SnapshotError):
                    read(written)


def test_every_changed_byte_is_refused(written):
    data = written.read_bytes()
    for index in range(len(data)):
        written.write_bytes(data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :])
        with pytest.raises(SnapshotError):
            read(written)


@pytest.mark.parametrize("extra", [b" ", b"\n", b"x", b"{}\n", b'{"type":"lid","id":"4","name":"","properties":{}}\n'])
def test_bytes_after_the_end_are_refused(written, extra):
    written.write_bytes(written.read_bytes() + extra)
    with pytest.raises(SnapshotError):
        read(written)


def test_what_shows_only_at_the_end_voids_what_was_read_before(written):
    data = written.read_bytes()
    written.write_bytes(data.replace(b'"size":1', b'"size":7'))
    opened = open_snapshot(written)
    assert [resource.id for resource in opened.resources] == ["1", "2", "3"]
    with pytest.raises(SnapshotError, match="changed since it was written"):
        opened.summary()


def test_a_summary_before_the_end_is_refused(written):
    opened = open_snapshot(written)
    next(opened.resources)
    with pytest.raises(SnapshotError, match="not read to its end"):
        opened.summary()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"type":"lid","id":"3","name":"Three","properties":{"open":true}\n', "line 4"),
        (b'["lid"]\n', "not a resource"),
        (b'{"type":"lid","id":"3","name":"Three"}\n', "properties"),
        (b'{"type":"lid","id":"3","name":"Three","properties":[true]}\n', "object of properties"),
        (b'{"type":"lid","id":3,"name":"Three","properties":{"open":true}}\n', "text"),
        (b'{"type":"lid","id":"3","name":null,"properties":{"open":true}}\n', "text"),
        (b'{"type":"lid","id":"3","name":"Three","properties":{}}\n', "0 properties where the header names 1"),
        (b'{"type":"jar","id":"3","name":"Three","properties":{"open":true}}\n', "jar"),
        (b'{"type":"lid","id":"3","name":"Three","properties":{"open":true},"unknown":{"shut":""}}\n', "unknown"),
        (b'{"type":"lid","id":"3","name":"Three","properties":{"open":true},"unknown":"open"}\n', "unknown"),
        (
            b'{"type":"lid","id":"3","name":"Three","properties":{"open":true},"possible":[{"open":false}]}\n',
            "'possible' does not speak of what is unknown",
        ),
        (
            b'{"type":"lid","id":"3","name":"Three","properties":{"open":null},"unknown":{"open":"a"},"possible":{}}\n',
            "'possible'",
        ),
        (b'{"type":"lid","id":"3","name":"\xff","properties":{"open":true}}\n', "line 4"),
        (b'{"end":true,"types":{}}\n', "goes on after its end"),
        (b"\n", "line 4"),
    ],
)
def test_a_line_that_is_no_resource_is_refused_though_the_digest_agrees(written, line, says):
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(reseal([*lines[:3], line, lines[4]]))
    with pytest.raises(SnapshotError, match=says):
        read(written)


@pytest.mark.parametrize(
    "types",
    [
        {},
        {"box": {"count": 2, "failures": [], "scope": None}},
        {"box": {"count": 1, "failures": [], "scope": None}, "lid": {"count": 1, "failures": [], "scope": None}},
        {"box": {"count": 2, "failures": {}, "scope": None}, "lid": {"count": 1, "failures": [], "scope": None}},
        {"box": {"count": 2, "failures": []}, "lid": {"count": 1, "failures": [], "scope": None}},
    ],
)
def test_a_trailer_that_does_not_fit_is_refused_though_the_digest_agrees(written, types):
    lines = written.read_bytes().splitlines(keepends=True)
    trailer = json.dumps({"end": True, "types": types, "digest": ""}, separators=(",", ":")).encode()
    written.write_bytes(reseal([*lines[:-1], trailer]))
    with pytest.raises(SnapshotError):
        read(written)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"formatVersion": 2}, "format 2"),
        ({"formatVersion": None}, "format None"),
        ({"kind": "tokenguard-report"}, "is a JSON report, and a snapshot is needed here"),
        ({"tenant": "Contoso"}, "damaged"),
        ({"tenant": {"id": 5, "name": ""}}, "damaged"),
        ({"collectedAt": "yesterday"}, "damaged"),
        ({"collectedAt": "2026-11-22T08:30:00"}, "time zone"),
        ({"precedence": "mine"}, "damaged"),
        ({"plugins": [1]}, "damaged"),
        ({"properties": {"box": "color"}}, "damaged"),
    ],
)
def test_a_header_of_another_kind_is_refused(written, change, says):
    first, *rest = written.read_bytes().splitlines(keepends=True)
    header = json.dumps({**json.loads(first), **change}).encode() + b"\n"
    written.write_bytes(reseal([header, *rest]))
    with pytest.raises(SnapshotError, match=says) as refused:
        open_snapshot(written)
    assert str(written) in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\n", "not JSON"),
        (b"{\n}\n", "not JSON"),
        (b'{"value": []}', "JSON, but not a snapshot"),
        (b"[1, 2]\n", "JSON, but not a snapshot"),
        ('{"kind": 1}'.encode("utf-16"), "not JSON"),
        (b'{"kind": "\xff"}\n', "UTF-8"),
        (gzip.compress(b"{}", mtime=0), "named .gz or .zst"),
        (b'{"a": "' + b"a" * 2**20 + b'"}', "another kind of file"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path, data, says):
    path = tmp_path / "tenant.jsonl"
    path.write_bytes(data)
    with pytest.raises(SnapshotError) as refused:
        open_snapshot(path)
    assert says in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_name_that_lies_about_compression_is_refused(written, suffix):
    path = written.rename(written.with_suffix(suffix))
    with pytest.raises(SnapshotError, match="not the compressed file"):
        open_snapshot(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(SnapshotError, match="no such file"):
        open_snapshot(tmp_path / "tenant.jsonl")
    with pytest.raises(SnapshotError, match="is a folder"):
        open_snapshot(tmp_path)


def test_a_line_longer_than_any_tenant_gives_is_not_read(written):
    first = written.read_bytes().splitlines(keepends=True)[0]
    with written.open("wb") as file:
        file.write(first + b'{"type":"lid","id":"')
        file.truncate(MAXIMUM_LINE * 3)  # a hole of zero bytes: no room on the disk
    with pytest.raises(SnapshotError, match="longer than 64 MiB"):
        read(written)


def test_a_property_that_the_collecting_version_did_not_know_is_unknown(written, tmp_path):
    today = {"box": ResourceType("box", {"properties": {"color": {}, "size": {}, "age": {}}}, ())}
    header, resources, _ = read(written, today)
    assert header.properties == {"box": ("color", "size", "age"), "lid": ("open",)}
    assert resources[0].properties == {"color": "red", "size": 1, "age": None}
    assert "tokenguard 0.1.0" in resources[0].unknown["age"]
    assert resources[1].unknown.keys() == {"color", "age"}
    assert resources[2] == RESOURCES[2]


def test_what_was_unknown_stays_so_when_it_is_written_again(written, tmp_path):
    today = {"box": ResourceType("box", {"properties": {"color": {}, "size": {}, "age": {}}}, ())}
    again = tmp_path / "again.jsonl"
    write_snapshot(open_snapshot(written, today), again)
    assert read(again) == read(written, today)


def test_what_an_unknown_property_may_be_comes_back(tmp_path):
    path = tmp_path / "tenant.jsonl"
    one = Resource(
        "lid", "3", "Three", {"open": None}, {"open": "too dark"}, possible=[{"open": True}, {"open": False}]
    )
    write_snapshot(snapshot(resources=[*RESOURCES[:2], one]), path)
    assert read(path)[1][2] == one
    jsonschema.validate(json.loads(path.read_bytes().splitlines()[3]), schema("snapshot"))
    today = {"lid": ResourceType("lid", {"properties": {"open": {}, "age": {}}}, ())}
    assert list(read(path, today)[1][2].possible) == [{"open": True}, {"open": False}]


def test_a_property_that_this_version_does_not_know_is_left_alone(written):
    today = {"box": ResourceType("box", {"properties": {"color": {}}}, ())}
    assert read(written, today) == (HEADER, RESOURCES, SUMMARY)


def test_a_collection_that_breaks_off_leaves_the_old_file_as_it_was(written):
    before = written.read_bytes()

    def broken():
        yield RESOURCES[0]
        raise SnapshotError("broke off")

    with pytest.raises(SnapshotError, match="broke off"):
        write_snapshot(snapshot(resources=broken()), written)
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_what_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(SnapshotError, match="'Three'"):
        write_snapshot(snapshot(resources=[Resource("lid", "3", "Three", {"open": 1j})]), tmp_path / "a")


def test_a_folder_that_does_not_exist_is_a_mistake_of_the_command_line(tmp_path):
    with pytest.raises(UsageError):
        write_snapshot(snapshot(), tmp_path / "nowhere" / "tenant.jsonl")


def test_the_time_is_written_in_utc_whatever_zone_it_came_in(tmp_path):
    path = tmp_path / "tenant.jsonl"
    local = replace(HEADER, collected_at=datetime.fromisoformat("2026-11-22T09:30:00+01:00"))
    write_snapshot(snapshot(header=local), path)
    assert b'"collectedAt":"2026-11-22T08:30:00Z"' in path.read_bytes()


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_memory_does_not_grow_with_the_tenant(tmp_path, suffix):
    def peak(count):
        path = tmp_path / f"tenant{suffix}"
        boxes = (Resource("box", str(number), "Box", {"color": "red" * 200, "size": number}) for number in range(count))
        summary = {"box": TypeSummary("box", count), "lid": TypeSummary("lid", 0)}
        tracemalloc.start()
        try:
            write_snapshot(Snapshot(HEADER, boxes, lambda: summary), path)
            opened = open_snapshot(path)
            assert sum(1 for _ in opened.resources) == count
            assert opened.summary() == summary
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(2_000), peak(10_000)
    assert many < few + 200_000  # the 8,000 resources more are 5.5 MB as JSON


# --- resources that stand twice -----------------------------------------------------------------------------------


def of_boxes(path, *ids):
    """Write a snapshot of boxes of these ids, sizes 0, 1, …."""
    boxes = [Resource("box", id_, "Box", {"color": None, "size": size}) for size, id_ in enumerate(ids)]
    counts = {"box": TypeSummary("box", len(boxes)), "lid": TypeSummary("lid", 0)}
    write_snapshot(snapshot(resources=boxes, summary=counts), path)
    return boxes


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_second_resource_of_one_type_and_id_is_refused(tmp_path, suffix):
    path = tmp_path / f"tenant{suffix}"
    of_boxes(path, "1", "2", "3", "2", "4")
    opened = open_snapshot(path)
    assert len(list(opened.resources)) == 5
    with pytest.raises(SnapshotError, match='lines 3 and 5: two resources of type "box" and id "2"'):
        opened.summary()


def test_one_id_of_two_types_is_no_duplicate(tmp_path):
    path = tmp_path / "tenant"
    resources = [RESOURCES[0], Resource("lid", "1", "One", {"open": True})]
    write_snapshot(
        snapshot(resources=resources, summary={"box": TypeSummary("box", 1), "lid": TypeSummary("lid", 1)}), path
    )
    assert read(path)[1] == resources


@pytest.fixture
def all_alike(monkeypatch):
    """Every digest is equal, as a forger might wish."""
    monkeypatch.setattr(Identities, "digest", lambda *_: b"\7" * 8)


@pytest.mark.usefixtures("all_alike")
def test_equal_digests_of_different_resources_are_no_duplicates(tmp_path):
    path = tmp_path / "tenant"
    boxes = of_boxes(path, "1", "2", "3")
    assert read(path)[1] == boxes
    of_boxes(path, "1", "2", "1")
    with pytest.raises(SnapshotError, match="lines 2 and 4"):
        read(path)


@pytest.mark.usefixtures("all_alike")
def test_a_file_that_changes_between_the_two_readings_is_refused(tmp_path):
    path = tmp_path / "tenant"
    of_boxes(path, "1", "2", "1")
    opened = open_snapshot(path)
    assert len(list(opened.resources)) == 3
    of_boxes(path, "1", "2")
    with pytest.raises(SnapshotError, match="changed while it was read"):
        opened.summary()


def test_digests_have_a_key_of_their_own_in_every_reading():
    one, other = Identities(), Identities()
    assert one.digest("box", "1") == one.digest("box", "1")
    assert one.digest("box", "1") != other.digest("box", "1")
    assert one.digest("box", "1") != one.digest("lid", "1")


@pytest.mark.parametrize("ids", [("1", "2"), ("1", "2", "1")])
def test_a_pipe_is_read_but_not_where_it_would_have_to_be_read_twice(tmp_path, ids):
    boxes = of_boxes(tmp_path / "tenant", *ids)
    data, pipe = (tmp_path / "tenant").read_bytes(), tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    try:
        if len(set(ids)) == len(ids):
            assert read(pipe)[1] == boxes
        else:
            with pytest.raises(SnapshotError, match="a pipe cannot be read again"):
                read(pipe)
    finally:
        writer.join()


def test_remembering_a_resource_takes_about_ten_bytes_and_looking_through_them_little_more():
    tracemalloc.start()
    try:
        identities = Identities()
        for number in range(200_000):
            identities.add("box", str(number))
        assert list(identities.repeated()) == []
        assert tracemalloc.get_traced_memory()[1] < 200_000 * 10 + 300_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"lid","id":"3","id":"4","name":"Three","properties":{"open":true}}\n',
        b'{"type":"lid","id":"3","name":"Three","properties":{"open":true,"open":false}}\n',
        b'{"type":"lid","id":"3","name":"Three","properties":{"open":true,"\\u006fpen":true}}\n',
        b'{"type":"lid","id":"3","name":"a\\":b","properties":{"open" :true, "open" : true}}\n',
        b'{"type":"lid","id":"3","name":"Three","properties":{"open":[{"a":{"b":1,"b":1}}]}}\n',
        b'{"type":"lid","id":"3","name":"Three","properties":{"open":null},"unknown":{"open":"a","open":"b"}}\n',
        b'{"type":"lid","id":"3","name":"Three","properties":{},"properties":{"open":true}}\n',
    ],
)
def test_a_key_that_stands_twice_in_a_line_is_refused_though_the_digest_agrees(written, line):
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(reseal([*lines[:3], line, lines[4]]))
    with pytest.raises(SnapshotError, match=r"line 4: .*the key .* stands twice in one object"):
        read(written)


def test_a_line_that_another_program_laid_out_is_read(written):
    lines = written.read_bytes().splitlines(keepends=True)
    line = b'{ "name": "a\\":\\u0062", "id": "3", "type": "lid", "properties": {"open": [1e2, {"open": {}}]} }\r\n'
    written.write_bytes(reseal([*lines[:3], line, lines[4]]))
    assert read(written)[1][2] == Resource("lid", "3", 'a":b', {"open": [100.0, {"open": {}}]})


@pytest.mark.parametrize(
    ("key", "again"),
    [
        (b'"cloud":"global"', b'"cloud":"global","cloud":"global"'),
        (b'"kind":"tokenguard-snapshot"', b'"kind":"tokenguard-snapshot","kind":"tokenguard-snapshot"'),
        (b'"name":"Contoso"', b'"name":"Fabrikam","name":"Contoso"'),
        (b'"lid":["open"]', b'"lid":["open"],"lid":["open"]'),
    ],
)
def test_a_key_that_stands_twice_in_the_header_is_refused(written, key, again):
    first, *rest = written.read_bytes().splitlines(keepends=True)
    assert first.count(key) == 1
    written.write_bytes(reseal([first.replace(key, again), *rest]))
    with pytest.raises(SnapshotError, match="stands twice in one object"):
        open_snapshot(written)


@pytest.mark.parametrize(
    ("key", "again"),
    [
        (b'"lid":{"count":1', b'"lid":{"count":2,"count":1'),
        (b'"end":true,', b'"end":true,"types":{},'),
        (b'"failures":[]', b'"failures":[],"failures":[]'),
    ],
)
def test_a_key_that_stands_twice_in_the_last_line_is_refused_though_the_digest_agrees(written, key, again):
    *rest, last = written.read_bytes().splitlines(keepends=True)
    assert last.count(key) == 1
    written.write_bytes(reseal([*rest, last.replace(key, again)]))
    with pytest.raises(SnapshotError, match="stands twice in one object"):
        read(written)


@pytest.mark.parametrize("depth", [900, 1000, 1020, 1100])
def test_a_header_that_is_nested_deep_is_no_fault_of_the_program(written, depth):
    first, *rest = written.read_bytes().splitlines(keepends=True)
    deep = first.replace(b'"kind"', b'"deep":' + b"[" * depth + b"]" * depth + b',"kind"')
    written.write_bytes(reseal([deep, *rest]))
    with suppress(SnapshotError):  # how deep a parser can go depends on the version of Python
        read(written)


def test_a_line_that_is_nested_too_deep_to_look_through_is_refused(written):
    lines = written.read_bytes().splitlines(keepends=True)
    deep = b'{"type":"lid","id":"3","name":" ","properties":{"open": ' + b"[" * 1000 + b"]" * 1000 + b"}}\n"
    written.write_bytes(reseal([*lines[:3], deep, lines[4]]))
    with pytest.raises(SnapshotError, match="line 4"):
        read(written)


# --- how much is read at most ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_both_sides_of_the_limits(tmp_path, suffix):
    of_boxes(tmp_path / "tenant", "1", "2", "3")
    size = (tmp_path / "tenant").stat().st_size
    path = tmp_path / f"tenant{suffix}"
    boxes = of_boxes(path, "1", "2", "3")
    assert read(path, limits=Limits(size, 3))[1] == boxes
    with pytest.raises(SnapshotError, match=f"a snapshot of more than {size - 1:,} bytes, decompressed") as refused:
        read(path, limits=Limits(size - 1, 3))
    assert "--max-size" in refused.value.hint
    with pytest.raises(SnapshotError, match="a snapshot of more than 1 byte, decompressed"):
        read(path, limits=Limits(1, 3))
    with pytest.raises(SnapshotError, match="a snapshot of more than 2 resources") as refused:
        read(path, limits=Limits(size, 2))
    assert "--max-resources" in refused.value.hint


def test_no_more_is_read_than_the_limit_allows(written):
    with pytest.raises(SnapshotError, match="more than 10 bytes"):
        read(written, limits=Limits(max_size=10))
    with written.open("ab") as file:
        file.truncate(1 << 40)  # a hole of zero bytes: no room on the disk, and no line that ends
    with pytest.raises(SnapshotError, match="more than 4 KiB"):
        read(written, limits=Limits(max_size=4096))
    with pytest.raises(SnapshotError, match="a line is longer than 64 MiB"):
        read(written)


def test_the_limits_that_are_documented():
    assert Limits() == Limits(max_size=8 * 2**30, max_resources=5_000_000)
