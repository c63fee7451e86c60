"""Reading what an operation writes to, again and again until it shows, as long as somebody has patience."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tokenguard.changes import Observed, Operation, State
from tokenguard.hookspecs import ReadFailure, Writer


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one write may take to be accepted, and how long to show. Seconds."""

    limit: float = 120.0
    first_pause: float = 0.2
    """Between two reads; doubled each time."""
    longest_pause: float = 5.0
    steady: int = 3
    """Reads in a row that must agree: Graph's replicas take turns in answering, and one may lag behind another."""


@dataclass(frozen=True, slots=True)
class Time:
    """Where the time comes from, so that tests need not wait."""

    clock: Callable[[], float]
    """Seconds, from any beginning."""
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Reader:
    """What patient reading takes."""

    writer: Writer
    patience: Patience
    time: Time
    tell: Callable[[str], None]

    def until_shown(self, operation: Operation) -> Observed | ReadFailure:
        """What reading shows once `operation` has shown for several reads in a row, or time has run out."""
        return self.until(operation, operation.shows_in, self.patience.steady)

    def until(self, operation: Operation, wanted: Callable[[State], bool], steady: int) -> Observed | ReadFailure:
        """What reading shows once it has been as `wanted` for `steady` reads in a row, or time has run out."""
        deadline, pause, good = self.time.clock() + self.patience.limit, self.patience.first_pause, 0
        while True:
            seen = self.writer.state(operation)
            good = good + 1 if isinstance(seen, Observed) and wanted(seen.state) else 0
            if good >= steady or self.time.clock() + pause > deadline:
                return seen
            self.tell(f"reading back, for up to {math.ceil(deadline - self.time.clock())} s: {operation.words}")
            self.time.sleep(pause)
            pause = min(2 * pause, self.patience.longest_pause)
