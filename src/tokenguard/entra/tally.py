"""How much of a tenant has been read so far: for whoever waits, and for whoever will wait no longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tokenguard.hookspecs import ReadFailure


class Tally:
    """Counts what arrives, and tells of it in a few words."""

    def __init__(self, progress: Callable[[str], None] | None = None) -> None:
        self._rows: Counter[str] = Counter()
        self._answers = 0
        self._progress = progress

    def rows(self, call: str, arrived: Sequence[object]) -> None:
        """A page of the collection `call`."""
        name = call.partition("?")[0]
        failed = bool(arrived) and isinstance(arrived[-1], ReadFailure)  # which is the last row of all
        self._rows[name] += len(arrived) - failed
        self._tell(f"read {self._rows[name]:,} of {name}")

    def answers(self, arrived: Sequence[tuple[str, object]]) -> None:
        """Answers to independent calls."""
        self._answers += sum(not isinstance(fate, ReadFailure) for _, fate in arrived)
        self._tell(f"read {self._answers:,} single answers")

    def __str__(self) -> str:
        read = [f"{number:,} of {name}" for name, number in self._rows.items()]
        return ", ".join([*read, *([f"{self._answers:,} single answers"] if self._answers else [])]) or "nothing"

    def _tell(self, text: str) -> None:
        if self._progress:
            self._progress(text)
