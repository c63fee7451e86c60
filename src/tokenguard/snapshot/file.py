"""Snapshots as files: JSON Lines, a header first, then one resource a line, then a trailer.

Reading and writing hold a line or two at a time, so that memory does not grow with the tenant, except by the ten bytes
of each resource that a reader keeps to find those that stand twice. The trailer carries a CRC-32 over every byte before
it and over what it says itself: of what the standard library offers it is by far the fastest, and it finds accidents (a
file cut off, edited or damaged; one in four billion slips through). It does not find forgery: whoever can write the
file can write its digest.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from tokenguard.errors import SnapshotError
from tokenguard.files import replace_file
from tokenguard.kinds import SNAPSHOT
from tokenguard.misplaced import naming
from tokenguard.model import Header, Limits, Resource, ResourceType, Snapshot, TypeSummary
from tokenguard.rules.mistakes import quote
from tokenguard.snapshot import compression
from tokenguard.snapshot.identities import Identities
from tokenguard.snapshot.lines import (
    AGAIN,
    decode_header,
    decode_resource,
    decode_trailer,
    encode_header,
    encode_resource,
    encode_trailer,
    is_trailer,
)

MAXIMUM_LINE = 64 * 1024 * 1024
"""Bytes; a thousand times the longest line that a tenant gives, and little enough to hold."""
MAXIMUM_HEADER = 1024 * 1024


def open_snapshot(
    path: Path,
    types: Mapping[str, ResourceType] | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
) -> Snapshot:
    """The snapshot in the file `path`, read as its resources are iterated.

    A property that `types` has and the version that collected the snapshot had not is unknown on every resource.
    Raises `SnapshotError` at once for what is no snapshot; what shows only later, a cut, a digest that does not agree,
    more than `limits` allow or a resource that stands twice, is raised while iterating or by `summary`, and voids what
    was concluded until then.
    """
    reader = _Reader(path, types or {}, limits)
    return Snapshot(reader.header, reader.resources(), reader.summary)


def write_snapshot(snapshot: Snapshot, path: Path) -> Mapping[str, TypeSummary]:
    """Write all of `snapshot` to `path`, compressed as the suffix says, and give its summary.

    What stood at `path` is replaced only when everything is written. Raises `UsageError` where it cannot be, and
    whatever reading `snapshot` raises.
    """
    with replace_file(path, "the snapshot") as file, compression.writing(file, path.suffix) as out:
        digest = _write(out, encode_header(snapshot.header), 0)
        for resource in snapshot.resources:
            digest = _write(out, encode_resource(resource), digest)
        summary = snapshot.summary()
        out.write(encode_trailer(summary, digest))
    return summary


def _write(out: BinaryIO, line: bytes, digest: int) -> int:
    out.write(line)
    return zlib.crc32(line, digest)


class _Reader:
    """One pass over one file; what a line must be depends on those before it."""

    def __init__(self, path: Path, types: Mapping[str, ResourceType], limits: Limits) -> None:
        self._path = path
        self._source = str(path)
        self._limits = limits
        self._lines = self._read()
        self._end: tuple[bytes, int] | None = None
        """What is left when no further line follows, and the CRC-32 of all before it."""
        with naming(path, SNAPSHOT, compression.reading):
            written = decode_header(next(self._lines), self._source)
        self._counts = dict.fromkeys(written.properties, 0)
        self._widths = {type_: len(names) for type_, names in written.properties.items()}
        self._added = _added(written, types)
        self._identities = Identities()
        self.header = replace(
            written,
            properties={type_: (*names, *self._added.get(type_, {})) for type_, names in written.properties.items()},
        )

    def resources(self) -> Iterator[Resource]:
        counts, widths, added, remember = self._counts, self._widths, self._added, self._identities.add
        for number, line in enumerate(self._lines, 1):
            if number > self._limits.max_resources:
                raise self._too_much(f"{self._limits.max_resources:,} resources", "--max-resources")
            try:
                resource = decode_resource(line, widths)
                counts[resource.type] += 1
            except (KeyError, TypeError, ValueError) as error:
                raise self._no_resource(line, error) from error
            remember(resource.type, resource.id)
            yield _with_unknown(resource, added[resource.type]) if resource.type in added else resource

    def summary(self) -> Mapping[str, TypeSummary]:
        if self._end is None:
            raise SnapshotError(f"{self._source}: was not read to its end, so it is not known what it holds")
        summary = decode_trailer(*self._end, self._source)
        if {type_: each.count for type_, each in summary.items()} != self._counts:
            raise SnapshotError(f"{self._source}: holds other counts of resources than it says", AGAIN)
        for digests in self._identities.repeated():
            self._compare(digests)
        return summary

    def _read(self) -> Iterator[bytes]:
        """The first line; then every line that is known not to be the last."""
        with compression.reading(self._path) as file:
            header = file.readline(MAXIMUM_HEADER)
            if not header or len(header) == MAXIMUM_HEADER:
                raise SnapshotError(f"{self._source}: {'empty' if not header else 'another kind of file'}, no snapshot")
            yield header
            last, digest, left = b"", zlib.crc32(header), self._limits.max_size - len(header)
            while line := file.readline(MAXIMUM_LINE if left >= MAXIMUM_LINE else max(left, 0) + 1):
                left -= len(line)
                if left < 0:
                    raise self._too_much(f"{_in_units(self._limits.max_size)}, decompressed", "--max-size")
                if len(line) == MAXIMUM_LINE:
                    raise SnapshotError(f"{self._source}: a line is longer than {MAXIMUM_LINE >> 20} MiB", AGAIN)
                if last:
                    digest = zlib.crc32(last, digest)
                    yield last
                last = line
            self._end = last, digest

    def _compare(self, digests: Mapping[bytes, int]) -> None:
        """Read the file once more, to see which resources the `digests` are of, that occur in it so many times each.

        Raises `SnapshotError` where two of them are of one type and id, and none where they are alike by chance.
        """
        if not self._path.is_file():
            raise SnapshotError(
                f"{self._source}: resources of one type and id may stand in it, and a pipe cannot be read again to see",
                "write it into a file, and name that",
            )
        again, seen = _Reader(self._path, {}, self._limits), dict[tuple[str, str], int]()
        for number, resource in enumerate(again.resources(), 2):
            key = resource.type, resource.id
            if self._identities.digest(*key) not in digests:
                continue
            if key in seen:
                raise SnapshotError(
                    f"{self._source}: lines {seen[key]} and {number}: two resources of type {quote(key[0])} and id"
                    f" {quote(key[1])}",
                    AGAIN,
                )
            seen[key] = number
        if len(seen) != sum(digests.values()):
            raise SnapshotError(f"{self._source}: was changed while it was read", "read it again")

    def _too_much(self, limit: str, option: str) -> SnapshotError:
        return SnapshotError(
            f"{self._source}: a snapshot of more than {limit}",
            f"if you trust whoever made it, raise the limit with {option}",
        )

    def _no_resource(self, line: bytes, error: Exception) -> SnapshotError:
        number = sum(self._counts.values()) + 2
        what = "goes on after its end" if is_trailer(line) else f"not a resource that its header announces ({error})"
        return SnapshotError(f"{self._source}: line {number}: {what}", AGAIN)


def _in_units(size: int) -> str:
    """Bytes for people: ``8 GiB``, where that is what they are."""
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size % (1 << shift) == 0:
            return f"{size >> shift:,} {unit}"
    return "1 byte" if size == 1 else f"{size:,} bytes"


def _added(written: Header, types: Mapping[str, ResourceType]) -> dict[str, dict[str, str]]:
    """For each type the properties that its schema has, and had not when the snapshot was written, with the reason."""
    reason = f"the snapshot was collected by {written.producer}, which did not know this property"
    result = {}
    for type_, names in written.properties.items():
        known = types[type_].schema.get("properties", {}) if type_ in types else {}
        if missing := [name for name in known if name not in names]:
            result[type_] = dict.fromkeys(missing, reason)
    return result


def _with_unknown(resource: Resource, added: Mapping[str, str]) -> Resource:
    properties = {**resource.properties, **dict.fromkeys(added)}
    unknown = {**resource.unknown, **added}
    return Resource(resource.type, resource.id, resource.name, properties, unknown, possible=resource.possible)
