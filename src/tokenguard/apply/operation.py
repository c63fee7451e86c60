"""One operation, brought to its end: read, compare, say so in the journal, write once, read back, say so again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tokenguard.apply.foresight import difference
from tokenguard.apply.reading import Reader
from tokenguard.changes import Observed, Operation, State, Written
from tokenguard.hookspecs import ReadFailure
from tokenguard.journal import Ended, Fate, Journal, Names, Place, Progress, Step


@dataclass(frozen=True, slots=True)
class Performer:
    """What performing takes."""

    journal: Journal
    reader: Reader
    forbidden: list[str]
    """What was said of each write that this sign-in may not do; grows."""

    @property
    def names(self) -> Names:
        """What the names in the operations stand for by now."""
        return self.journal.record.names

    def perform(self, place: Place, operation: Operation, progress: Progress) -> Ended:
        """Bring one operation to its end, and say it in the journal; `progress` is that of its change."""
        operation = self.names.resolve(operation)
        if missing := self.names.missing(operation):
            return Ended(Fate.FAILED, f"to {operation.words}: {missing[0]} was not created")
        begun = progress.pending is not None and progress.pending.index == place.index
        touched = any(done.operation.target == operation.target for done in progress.done)
        half = place.step is Step.WRITE and bool(progress.done)
        return _Attempts(self, place, operation, touched=touched, half=half, lost=int(begun)).run()


@dataclass(slots=True)
class _Attempts:
    """The attempts at one operation; `lost` counts those whose answer never came, also before a crash."""

    by: Performer
    place: Place
    operation: Operation
    touched: bool
    """Whether we wrote to the same target before: then a strange state may only be one that lags behind."""
    half: bool
    """Whether an earlier operation of the change was carried out, which has to be taken back if this one is not."""
    lost: int
    last: str = ""
    """Why it is not attempted again; empty where it may be."""

    def run(self) -> Ended:
        self.by.reader.tell(self.operation.words)
        deadline = self.by.reader.time.clock() + self.by.reader.patience.limit
        while True:
            seen = self._look()
            if ended := self._conclude(seen):
                return ended
            self.by.journal.intend(self.place, self.operation)
            written = self.by.reader.writer.write(self.operation)
            if written.accepted:
                return self._confirm(written)
            if ended := self._refused(written, deadline):
                return ended

    def _look(self) -> Observed | ReadFailure:
        """Read before writing. After a lost answer patiently: reads lag, and to write again would be to write twice."""
        if self.lost:
            seen = self.by.reader.until_shown(self.operation)
        elif self.touched:
            seen = self.by.reader.until(self.operation, self._begun_or_done, 1)
        else:
            seen = self.by.reader.writer.state(self.operation)
        if isinstance(seen, Observed):
            self._learn(seen.id)
            if self.place.step is Step.TAKE_BACK:  # what somebody did to other properties since is left as it is
                self.operation = self.operation.upon(seen.state) or self.operation
        return seen

    def _begun_or_done(self, state: State) -> bool:
        return state == self.operation.before or self.operation.shows_in(state)

    def _conclude(self, seen: Observed | ReadFailure) -> Ended | None:
        """The end, where reading alone tells it; None where it is time to write."""
        if isinstance(seen, ReadFailure):
            return self._end(Fate.UNCONFIRMED if self.lost else Fate.FAILED, seen.reason)
        if self.operation.shows_in(seen.state):
            return self._end(Fate.APPLIED if self.lost else Fate.HELD, self._others(seen.state), seen)
        if seen.state != self.operation.before:
            # NOTE: what was sent changes other properties than those that somebody changed since: it may still come.
            open_ = self.lost and self.operation.upon(seen.state) is not None
            return self._end(Fate.UNCONFIRMED if open_ else Fate.STALE, difference(self.operation, seen.state), seen)
        why = "no answer came, twice" if self.lost > 1 else self.last
        if why and not self.half:
            return self._end(Fate.UNCONFIRMED, f"{why}, and reading does not show it", seen)
        if why:  # NOTE: to wait on would leave the object without what it held: that is worse than a doubt
            return self._end(Fate.FAILED, f"{why}, and reading shows that nothing was done", seen)
        return None

    def _refused(self, written: Written, deadline: float) -> Ended | None:
        """The end after a write that was not accepted; None for another attempt, when it is time for that."""
        if written.accepted is None:
            self.lost += 1
            self._end(Fate.UNCONFIRMED, written.reason)
            self._honour(written, deadline)
            return None
        if written.forbidden:
            self.by.forbidden.append(written.reason)
        wait = written.again_after
        if wait is None or self.by.reader.time.clock() + wait > deadline:
            return self._end(Fate.UNCONFIRMED if self.lost else Fate.FAILED, written.reason)
        # What is postponed was not carried out; of an earlier attempt whose answer was lost, nobody can say so.
        self._end(Fate.UNCONFIRMED if self.lost else Fate.POSTPONED, written.reason)
        self._wait(wait, written.reason)
        return None

    def _honour(self, written: Written, deadline: float) -> None:
        """Wait as the service asks, though it did not say whether it carried the write out; or attempt it no more."""
        wait = written.again_after or 0.0
        if self.by.reader.time.clock() + wait > deadline and wait:
            self.last = f"after {written.reason} no other attempt fits into {self.by.reader.patience.limit:.0f} s"
        elif wait:
            self._wait(wait, written.reason)

    def _wait(self, seconds: float, why: str) -> None:
        """Until `seconds` have passed, however often the sleep ends before."""
        until = self.by.reader.time.clock() + seconds
        self.by.reader.tell(f"waiting {math.ceil(seconds)} s: {why}")
        while (left := until - self.by.reader.time.clock()) > 0:
            self.by.reader.time.sleep(left)

    def _confirm(self, written: Written) -> Ended:
        self._learn(written.new_id)
        seen = self.by.reader.until_shown(self.operation)
        if isinstance(seen, Observed) and self.operation.shows_in(seen.state):
            return self._end(Fate.APPLIED, self._others(seen.state), seen)
        read = seen.reason if isinstance(seen, ReadFailure) else "reading does not show it"
        return self._end(Fate.UNCONFIRMED, f"accepted, but after {self.by.reader.patience.limit:.0f} s {read}", seen)

    def _others(self, state: State) -> str:
        """What somebody else changed beside it since it was read, for people."""
        names = self.operation.others_in(state)
        return f"somebody else changed {' and '.join(names)} in the meantime, which was left as it is" if names else ""

    def _learn(self, id_: str) -> None:
        """Remember the id of what the operation knows only by a name."""
        names = self.by.names
        names.learn(self.operation, id_)
        self.operation = names.resolve(self.operation)

    def _end(self, fate: Fate, reason: str, seen: Observed | ReadFailure | None = None) -> Ended:
        ended = Ended(fate, reason)
        self.by.journal.settle(self.place, ended, seen.state if isinstance(seen, Observed) else None)
        return ended
