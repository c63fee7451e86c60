"""Findings may be many: a collection that keeps only a little of itself in memory."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import IO, Any, Protocol, TypeVar

from tokenguard.encoding import finding_from_dict, finding_to_dict, not_evaluated_from_dict, not_evaluated_to_dict
from tokenguard.errors import UsageError
from tokenguard.judging.evaluate import in_report_order
from tokenguard.model import Finding, NotEvaluated, Rule

BUDGET = 512 * 1024
"""Bytes of encoded items that are kept in memory, over all rules."""


class _OfRule(Protocol):
    @property
    def rule(self) -> str: ...


T = TypeVar("T", bound=_OfRule)


class Spool(Collection[T]):
    """Items grouped by rule, in the report's order of rules and their own of arrival; iterated as often as needed.

    What goes beyond `BUDGET` lies in one temporary file that has no name and that only this process can read.
    """

    def __init__(
        self, rules: Iterable[Rule], encode: Callable[[T], dict[str, Any]], decode: Callable[[Mapping[str, Any]], T]
    ) -> None:
        self._groups = {rule.id: _Group() for rule in in_report_order(rules)}
        self._encode = encode
        self._decode = decode
        self._buffered = 0
        self._length = 0

    @staticmethod
    def of_findings(rules: Iterable[Rule]) -> Spool[Finding]:
        """For the findings of `rules`."""
        return Spool(rules, partial(finding_to_dict, whole=True), finding_from_dict)

    @staticmethod
    def of_not_evaluated(rules: Iterable[Rule]) -> Spool[NotEvaluated]:
        """For what could not be evaluated of `rules`."""
        return Spool(rules, not_evaluated_to_dict, not_evaluated_from_dict)

    def append(self, item: T) -> None:
        """Add `item`, which must be of one of the rules."""
        line = json.dumps(self._encode(item)).encode() + b"\n"
        self._groups[item.rule].buffer += line
        self._length += 1
        self._buffered += len(line)
        if self._buffered > BUDGET:
            self._spill()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        for group in self._groups.values():
            for start, length in tuple(group.spilled):
                self._file.seek(start)
                yield from self._decoded(self._file.read(length))
            yield from self._decoded(bytes(group.buffer))

    def __contains__(self, item: object) -> bool:
        return any(item == each for each in self)

    def _decoded(self, lines: bytes) -> Iterator[T]:
        return (self._decode(json.loads(line)) for line in lines.splitlines())

    @cached_property
    def _file(self) -> IO[bytes]:
        """Made when it is first needed; closed, and gone, with the spool."""
        import tempfile  # noqa: PLC0415  (3 ms to import, and most tenants have few findings)

        file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the spool)
        weakref.finalize(self, file.close)
        return file

    def _spill(self) -> None:
        """Move the longest buffer to the file: chunks stay long, and so their index short, however many rules."""
        group = max(self._groups.values(), key=lambda each: len(each.buffer))
        try:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(group.buffer)
            self._file.flush()
        except OSError as error:
            import tempfile  # noqa: PLC0415  (as above)

            raise UsageError(
                f"{tempfile.gettempdir()}: findings, too many for memory, cannot be kept there ({error.strerror})",
                "free some room, or name another folder in TMPDIR",
            ) from error
        group.spilled.append((start, len(group.buffer)))
        self._buffered -= len(group.buffer)
        group.buffer = bytearray()


class _Group:
    """The items of one rule: chunks in the file as (start, length) in bytes, then what is still in memory."""

    __slots__ = ("buffer", "spilled")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.spilled: list[tuple[int, int]] = []
