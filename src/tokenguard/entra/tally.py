"""How much of a tenant has been read so far: for whoever waits, and for whoever will wait no longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tokenguard.durations import time_left
from tokenguard.hookspecs import ReadFailure


class Tally:
    """Counts what arrives, and tells of it in a few words, with the number of `requests` so far.

    How many rows there are is not known before the last; of single answers it is, and so is about when the last comes.
    """

    def __init__(
        self, progress: Callable[[str], None] | None, requests: Callable[[], int], clock: Callable[[], float]
    ) -> None:
        self._rows: Counter[str] = Counter()
        self._answers = 0
        self._progress = progress
        self._requests = requests
        self._clock = clock

    def rows(self, call: str, arrived: Sequence[object]) -> None:
        """A page of the collection `call`."""
        name = call.partition("?")[0]
        failed = bool(arrived) and isinstance(arrived[-1], ReadFailure)  # which is the last row of all
        self._rows[name] += len(arrived) - failed
        self._tell(f"read {self._rows[name]:,} of {name}")

    def answers(self, total: int) -> Callable[[Sequence[tuple[str, object]]], None]:
        """Counts what arrives of the answers to `total` independent calls."""
        begun, ended = self._clock(), 0

        def count(arrived: Sequence[tuple[str, object]]) -> None:
            nonlocal ended
            ended += len(arrived)
            self._answers += sum(not isinstance(fate, ReadFailure) for _, fate in arrived)
            self._tell(f"read {ended:,} of {total:,} single answers{time_left(self._clock() - begun, ended, total)}")

        return count

    def __str__(self) -> str:
        read = [f"{number:,} of {name}" for name, number in self._rows.items()]
        return ", ".join([*read, *([f"{self._answers:,} single answers"] if self._answers else [])]) or "nothing"

    def _tell(self, text: str) -> None:
        if self._progress:
            self._progress(f"{text} ({self._requests():,} requests)")
