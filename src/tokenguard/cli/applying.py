"""Carrying out what was consented to, and saying what became of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from shlex import join

from tokenguard.apply import Applied, Patience, Time, apply_changes
from tokenguard.changes import NEW, Change
from tokenguard.cli import context
from tokenguard.cli.brakes import Brakes
from tokenguard.cli.given import again
from tokenguard.cli.prose import write_lines
from tokenguard.errors import UsageError
from tokenguard.hookspecs import Fixer, LiveTarget, Writer, WriterProvider
from tokenguard.journal import Fate, Header, Journal, Record, create_journal, exclusive, read_journal, resume_journal
from tokenguard.model import Precedence, Tenant

TIME = Time(time.monotonic, time.sleep)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be carried out, and where."""

    purpose: str
    """``fix`` or ``undo``."""
    tenant: Tenant
    precedence: Precedence
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What became of an order."""

    changes: tuple[Applied, ...]

    @property
    def whole(self) -> bool:
        """Whether every change was carried out, or held already."""
        return all(each.ended.good for each in self.changes)

    @property
    def failed(self) -> bool:
        """Whether anything failed, could not be confirmed or was left for that; what was stale was not even begun."""
        return any(each.ended.fate in (Fate.FAILED, Fate.UNCONFIRMED, Fate.POSTPONED) for each in self.changes)


def carry_out(order: Order, target: LiveTarget, brakes: Brakes) -> CarriedOut:
    """Write `order` to the tenant, with a new journal.

    Raises `UsageError` before the first write for another tenant, a missing permission, a journal that cannot be
    written, and a run on this machine that writes to the same tenant at this moment.
    """
    with _writing(order.tenant, order.changes, target) as writer:
        path = brakes.journal or _new_journal(order)
        journal = create_journal(path, _header(order, target), context.now)
        return _finish(journal, writer, target, brakes)


def resume(path: Path, target: LiveTarget, brakes: Brakes) -> CarriedOut:
    """Bring to its end what the journal at `path` began. Raises as `carry_out` does, and `DocumentError`."""
    header = read_journal(path).header
    _check_cloud(header, target)
    with _writing(header.tenant, header.changes, target) as writer:
        return _finish(resume_journal(path, context.now), writer, target, brakes)


@contextmanager
def reading(header: Header, target: LiveTarget) -> Iterator[Writer]:
    """A writer that can only read, to the tenant of a journal. Raises `UsageError` for another tenant."""
    _check_cloud(header, target)
    with _provider().open_writer(target, ()) as writer:
        _check_tenant(header.tenant, writer)
        yield writer


@contextmanager
def _writing(tenant: Tenant, changes: Iterable[Change], target: LiveTarget) -> Iterator[Writer]:
    changes = tuple(changes)
    operations = tuple(chain.from_iterable(change.operations for change in changes))
    with exclusive(_state_folder(), tenant.id), _provider().open_writer(target, operations) as writer:
        _check_tenant(tenant, writer)
        _check_permissions(changes, writer)
        yield writer


def _provider() -> WriterProvider:
    return next(each for each in context.plugins().collectors if isinstance(each, WriterProvider))


def fix_by(option: str, path: Path) -> str:
    """The command that carries out the file at `path`, which names the rules that it serves and does not hold them."""
    return join(["tokenguard", "fix", option, str(path), *again(*_JUDGED_BY, *_ANY)])


_JUDGED_BY = ("rules", "settings", "exemptions", "baseline", "fail_on")
_ANY = ("precedence", "auth", "cloud", "config")
"""Options for where to read and how, which a further command takes as well."""


def _finish(journal: Journal, writer: Writer, target: LiveTarget, brakes: Brakes) -> CarriedOut:
    tell = target.progress or target.trace or (lambda _: None)
    to_resume = f"To look again and go on: {fix_by('--resume', journal.path)}"
    with closing(journal):
        context.say(f"Journal: {journal.path}")  # before anything is written: who is killed says nothing any more
        try:
            applied = apply_changes(journal, writer, patience=Patience(limit=brakes.wait), time=TIME, tell=tell)
        except BaseException:
            context.say(f"Not finished. {to_resume}\n{_to_undo(journal.path)}")
            raise
    context.clear()
    try:
        write_lines(_lines(applied, journal))
    finally:  # also where standard output has gone away: it is written, and this alone says how to go on from there
        if any(each.ended.fate is Fate.UNCONFIRMED for each in applied):
            context.say(to_resume)
        elif any(each.ended.fate is Fate.POSTPONED for each in applied):
            context.say("To come to what was postponed: mend what failed before it, and fix again.")
        written = any(progress.done or progress.pending for progress in journal.record.progress.values())
        context.say(_to_undo(journal.path) if written else "There is nothing to take back.")
    return CarriedOut(applied)


def _to_undo(path: Path) -> str:
    return f"To take it back: {join(['tokenguard', 'undo', str(path), *again('auth', 'cloud', 'config')])}"


def _lines(applied: Iterable[Applied], journal: Journal) -> Iterator[str]:
    for each in applied:
        reason = f": {each.ended.reason}" if each.ended.reason else ""
        earlier = " (before this run)" if each.earlier else ""
        yield f"{each.ended.fate:<12} {each.change.resource.name}{earlier}{reason}"
    created = set(_written(journal.record))
    for name, id_ in journal.record.ids.items():
        if name in created:
            yield f"new id       {name.removeprefix(NEW)}: {id_}"


def _written(record: Record) -> Iterator[str]:
    """What was written to, or perhaps was, and has not been taken back: ids, and names that stand for them."""
    for progress in record.progress.values():
        for step in (*progress.done, progress.pending):
            if step is not None:
                yield from step.operation.target.values()


def _check_cloud(header: Header, target: LiveTarget) -> None:
    if header.cloud != target.cloud:
        raise UsageError(
            f"the journal is of the cloud {header.cloud!r}, not {target.cloud!r}", f"pass --cloud {header.cloud}"
        )


def _check_tenant(tenant: Tenant, writer: Writer) -> None:
    if not tenant.id or writer.tenant != tenant.id:
        raise UsageError(
            f"signed in to the tenant {writer.tenant or '(unknown)'}, but this is for {tenant.id or 'an unknown one'};"
            " nothing was written",
            "sign in to the other tenant",
        )


def _check_permissions(changes: Iterable[Change], writer: Writer) -> None:
    """Every operation is looked at before the first is carried out: half a plan is worse than none."""
    held = frozenset(writer.permissions or ())
    missing = sorted({name for change in changes for name in _missing(change, _fixer(change), held)})
    if missing:
        raise UsageError(
            f"writing this takes {' and '.join(missing)}, which the sign-in does not have; nothing was written",
            "grant it (with admin consent) to the application that signs in, or sign in as another",
        )


def _fixer(change: Change) -> Fixer:
    type_ = change.resource.type
    fixers = context.plugins().fixers
    if type_ not in fixers:
        raise UsageError(
            f"nothing that is installed mends a {type_}; nothing was written", "install the plugin that did"
        )
    return fixers[type_]


def _missing(change: Change, fixer: Fixer, held: frozenset[str]) -> Iterator[str]:
    for operation in change.operations:
        yield from min((set(enough) - held for enough in fixer.permissions(operation)), key=len)


def _header(order: Order, target: LiveTarget) -> Header:
    return Header(
        purpose=order.purpose,
        tenant=order.tenant,
        cloud=target.cloud,
        precedence=order.precedence,
        started_at=context.now().isoformat(),
        producer=context.PRODUCER,
        uid=os.getuid(),
        changes=tuple(order.changes),
    )


def _new_journal(order: Order) -> Path:
    folder = _state_folder() / "journals"
    with suppress(OSError):  # where there is no folder, and none can be made, no journal can be begun: that says why
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{context.now():%Y%m%dT%H%M%S.%f}Z-{order.purpose}-{order.tenant.id}.jsonl"


def _state_folder() -> Path:
    """Source: XDG Base Directory Specification, XDG_STATE_HOME."""
    named = os.environ.get("XDG_STATE_HOME", "")
    return (Path(named) if named.startswith("/") else Path.home() / ".local" / "state") / "tokenguard"
