"""The first, the last and the other lines of a snapshot, to and from values. Nothing here touches a file."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC
from typing import Any, TypeVar

import orjson

from tokenguard.documents import STRICT, DuplicateKeyError
from tokenguard.encoding import moment_from_text
from tokenguard.errors import SnapshotError
from tokenguard.model import CollectionFailure, CollectionNotice, Header, Precedence, Resource, Tenant, TypeSummary
from tokenguard.rules.mistakes import quote

KIND = "tokenguard-snapshot"
FORMAT_VERSION = 1
"""Counted up when an older tokenguard could misread what is written; a further key does not need that."""

_DIGEST = b',"digest":'

AGAIN = "copy or collect it again; a snapshot is not to be edited"

T = TypeVar("T")


def encode_header(header: Header) -> bytes:
    """The first line."""
    document = {
        "kind": KIND,
        "formatVersion": FORMAT_VERSION,
        "tenant": {"id": header.tenant.id, "name": header.tenant.name},
        "cloud": header.cloud,
        "collectedAt": header.collected_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "producer": header.producer,
        "plugins": header.plugins,
        "permissions": header.permissions,
        "precedence": str(header.precedence),
        "properties": header.properties,
        **({} if header.dated else {"dated": False}),
    }
    return _line(document)


def decode_header(line: bytes, source: str) -> Header:
    """The inverse of `encode_header`. Raises `SnapshotError` naming the file, `source`, for anything else."""
    document = _parse(line, source)
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise SnapshotError(
            f"{source}: JSON, but not a snapshot that tokenguard wrote",
            "name a file that `tokenguard collect` wrote, or a folder of saved Graph answers",
        )
    version = document.get("formatVersion")
    if version != FORMAT_VERSION:
        raise SnapshotError(
            f"{source}: written in snapshot format {version!r}; this tokenguard reads format {FORMAT_VERSION}",
            "read it with the version that wrote it or a newer one, or collect again",
        )
    try:
        return _header(document)
    except (KeyError, ValueError, TypeError) as error:
        raise SnapshotError(f"{source}: the header is damaged ({error})", AGAIN) from error


def _header(document: Mapping[str, Any]) -> Header:
    tenant = _take(document, "tenant", dict)
    permissions = None if document["permissions"] is None else _texts(document, "permissions")
    collected_at = moment_from_text(_take(document, "collectedAt", str))
    properties = _take(document, "properties", dict)
    return Header(
        tenant=Tenant(_take(tenant, "id", str), _take(tenant, "name", str)),
        cloud=_take(document, "cloud", str),
        collected_at=collected_at,
        producer=_take(document, "producer", str),
        plugins=_texts(document, "plugins"),
        permissions=permissions,
        precedence=Precedence(document["precedence"]),
        properties={type_: _texts(properties, type_) for type_ in properties},
        dated=_take({"dated": True, **document}, "dated", bool),
    )


def encode_resource(resource: Resource) -> bytes:
    """A line in the middle. Raises `SnapshotError` for a value that JSON cannot hold."""
    document: dict[str, Any] = {
        "type": resource.type,
        "id": resource.id,
        "name": resource.name,
        "properties": resource.properties,
    }
    if resource.unknown:
        document["unknown"] = resource.unknown
    if resource.possible:
        document["possible"] = resource.possible
    try:
        return _line(document)
    except TypeError as error:
        raise SnapshotError(f"{resource!r} cannot be written to a snapshot ({error})") from error


def decode_resource(line: bytes, widths: Mapping[str, int]) -> Resource:
    """The inverse of `encode_resource`; `widths` says how many properties a resource of each type has.

    Raises `KeyError`, `TypeError` or `ValueError` for anything else. Called once a line: every check here costs.
    """
    document = orjson.loads(line)
    if _line(document) != line:  # as it is wherever a key stands twice, of which orjson keeps the last
        _refuse_duplicate_keys(line)
    type_, id_, name, properties = document["type"], document["id"], document["name"], document["properties"]
    unknown = document.get("unknown")
    if type(properties) is not dict or type(id_) is not str or type(name) is not str:
        raise TypeError("a resource has an id and a name that are text, and an object of properties")
    if unknown is not None and (type(unknown) is not dict or not unknown.keys() <= properties.keys()):
        raise TypeError("'unknown' does not speak of its properties")
    if len(properties) != widths[type_]:
        raise ValueError(f"{len(properties)} properties where the header names {widths[type_]} for a {type_}")
    possible = document.get("possible")
    if possible is None:
        return Resource(type_, id_, name, properties, unknown)
    if type(possible) is not list or not all(
        type(each) is dict and each.keys() <= (unknown or {}).keys() for each in possible
    ):
        raise TypeError("'possible' does not speak of what is unknown")
    return Resource(type_, id_, name, properties, unknown, possible=possible)


def encode_trailer(summary: Mapping[str, TypeSummary], digest: int) -> bytes:
    """The last line; `digest` is the CRC-32 of all bytes before it."""
    types = {
        each.type: {
            "count": each.count,
            "failures": [{"reason": failure.reason, "permission": failure.permission} for failure in each.failures],
            "scope": None if each.scope is None else sorted(each.scope),
            **(
                {"notices": [{"text": said.text, "strict": said.strict} for said in each.notices]}
                if each.notices
                else {}
            ),
        }
        for each in summary.values()
    }
    body = orjson.dumps({"end": True, "types": types}).removesuffix(b"}")
    return body + _digest_of(body, digest)


def is_trailer(line: bytes) -> bool:
    """Whether a snapshot says that it ends with this line."""
    return line.startswith(b'{"end":true,')


def decode_trailer(line: bytes, digest: int, source: str) -> dict[str, TypeSummary]:
    """The inverse of `encode_trailer`. Raises `SnapshotError` where `line` is something else or the digests differ."""
    if not is_trailer(line):
        raise SnapshotError(f"{source}: cut off; it does not end as a snapshot does", AGAIN)
    body = line[: line.rfind(_DIGEST)]
    if line != body + _digest_of(body, digest):
        raise SnapshotError(f"{source}: changed since it was written; its digest differs", AGAIN)
    try:
        _refuse_duplicate_keys(line)
        types = _take(orjson.loads(line), "types", dict)
        return {type_: _type_summary(type_, types[type_]) for type_ in types}
    except (KeyError, ValueError, TypeError) as error:
        raise SnapshotError(f"{source}: the last line is damaged ({error})", AGAIN) from error


def _digest_of(body: bytes, digest: int) -> bytes:
    """The end of the last line: its own words before it are under the digest too, they say what is complete."""
    return _DIGEST + b'"crc32:%08x"}\n' % zlib.crc32(body, digest)


def _type_summary(type_: str, document: Mapping[str, Any]) -> TypeSummary:
    failures = _take(document, "failures", list)
    return TypeSummary(
        type_,
        _take(document, "count", int),
        tuple(
            CollectionFailure(type_, _take(each, "reason", str), _take(each, "permission", str)) for each in failures
        ),
        None if document["scope"] is None else frozenset(_texts(document, "scope")),
        notices=tuple(
            CollectionNotice(type_, _take(each, "text", str), _take(each, "strict", bool))
            for each in _take({"notices": [], **document}, "notices", list)
        ),
    )


def _parse(line: bytes, source: str) -> Any:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise SnapshotError(
            f"{source}: not a snapshot, or cut off: its first line is not JSON in UTF-8 ({error})",
            "name a file that `tokenguard collect` wrote; a compressed one is known by its name, .gz or .zst",
        ) from error
    try:
        _refuse_duplicate_keys(line)
    except ValueError as error:
        raise SnapshotError(f"{source}: the header is damaged ({error})", AGAIN) from error
    return document


def _refuse_duplicate_keys(line: bytes) -> None:
    """Raise `ValueError` where a key stands twice in an object of `line`, at any depth, or the nesting is too deep."""
    try:
        STRICT.decode(line.decode())
    except DuplicateKeyError as error:
        raise ValueError(f"the key {quote(str(error))} stands twice in one object") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _take(document: Mapping[str, Any], key: str, kind: type[T]) -> T:
    value = document[key]
    if not isinstance(value, kind):
        raise TypeError(f"{key!r} is a {type(value).__name__}")
    return value


def _texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = _take(document, key, list)
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key!r} does not hold text only")
    return tuple(values)


def _line(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
