"""Findings, and what was not evaluated, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from tokenguard.model import Finding, NotEvaluated

T = TypeVar("T", bound=Finding | NotEvaluated)


class ByRule(Generic[T]):
    """Items in the order of a report's rules. Asked for rule by rule in that order, they are read once and not kept."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items: Iterator[T] = iter(items)
        self._next: T | None = next(self._items, None)

    def of(self, rule: str) -> Iterator[T]:
        """The items of the rule with this id, which must be used up before the next rule is asked for."""
        while self._next is not None and self._next.rule == rule:
            item, self._next = self._next, next(self._items, None)
            yield item
