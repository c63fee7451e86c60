"""Carrying out what was consented to, and saying what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from shlex import join

from tokenguard.apply import Applied, Patience, Reader, Time, apply_changes, remaining
from tokenguard.changes import NEW, Change
from tokenguard.cli import context
from tokenguard.cli.brakes import Brakes
from tokenguard.cli.given import again
from tokenguard.cli.journals import key_to_write, keys, new_journal, read, state_folder
from tokenguard.cli.prose import write_lines
from tokenguard.errors import UsageError
from tokenguard.hookspecs import Fixer, LiveTarget, Writer, WriterProvider
from tokenguard.journal import Fate, Header, Journal, Record, create_journal, exclusive, resume_journal
from tokenguard.model import Precedence, Safety, Tenant
from tokenguard.system import user

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


def carry_out(order: Order, target: LiveTarget, brakes: Brakes, *, asked: bool = False) -> CarriedOut:
    """Write `order` to the tenant, with a new journal. `asked`: somebody thought about it since it was described.

    Raises `UsageError` before the first write for another tenant, a missing permission, a journal that cannot be
    written, what is no longer as it was shown, and a run on this machine that writes to the same tenant at this moment.
    """
    with _writing(order.tenant, order.changes, target) as writer:
        if asked:
            check_shown(writer, order.changes)
        path = brakes.journal or new_journal(order.purpose, order.tenant)
        journal = create_journal(path, _header(order, target), context.now, key_to_write())
        return _finish(journal, writer, target, brakes)


def resume(
    path: Path, left: Sequence[Change], shown: Sequence[Change], target: LiveTarget, brakes: Brakes, *, asked: bool
) -> CarriedOut:
    """Bring to its end what this machine's own journal at `path` began: `left` is to be done, described as `shown`.

    Raises as `carry_out` does, and `DocumentError`.
    """
    header = read(path, foreign=False).header
    _check_cloud(header, target)
    with _writing(header.tenant, header.changes, target) as writer, ExitStack() as on_error:
        journal = resume_journal(path, context.now, keys())
        on_error.callback(journal.close)
        if remaining(journal.record, writer.reverse) != tuple(left):
            raise _changed_since()
        if asked:
            check_shown(writer, shown)
        on_error.pop_all()
        return _finish(journal, writer, target, brakes)


def check_shown(writer: Writer, shown: Sequence[Change]) -> None:
    """Raise `UsageError` unless the tenant is still such that `shown` is what people would be shown of it."""
    if writer.describe(shown) != tuple(shown):
        raise _changed_since()


def _changed_since() -> UsageError:
    return UsageError(
        "what would be written, or whom it reaches, is no longer what was shown; nothing was written",
        "run it again, and look at what it shows then",
    )


@contextmanager
def reading(header: Header, target: LiveTarget, brakes: Brakes) -> Iterator[Reader]:
    """What reads the tenant of a journal, and cannot write. Raises `UsageError` for another tenant."""
    _check_cloud(header, target)
    with _provider().open_writer(target, ()) as writer:
        _check_tenant(header.tenant, writer)
        yield Reader(writer, Patience(limit=brakes.wait), TIME, _tell(target))


@contextmanager
def _writing(tenant: Tenant, changes: Iterable[Change], target: LiveTarget) -> Iterator[Writer]:
    changes = tuple(changes)
    operations = tuple(chain.from_iterable(change.operations for change in changes))
    with exclusive(state_folder(), tenant.id), _provider().open_writer(target, operations) as writer:
        _check_tenant(tenant, writer)
        _check_permissions(changes, writer)
        yield writer


def _tell(target: LiveTarget) -> Callable[[str], None]:
    return target.progress or target.trace or (lambda _: None)


def _provider() -> WriterProvider:
    return next(each for each in context.plugins().collectors if isinstance(each, WriterProvider))


def fix_by(option: str, path: Path, *, unsafe: bool = False) -> str:
    """The command that carries out the file at `path`, which names the rules that it serves and does not hold them."""
    return join(["tokenguard", "fix", option, _argument(path), *_unsafe(unsafe), *again(*_JUDGED_BY, *_ANY)])


def undo_by(path: Path, *, unsafe: bool) -> str:
    """The command that takes back what the journal at `path` says was done."""
    return join(["tokenguard", "undo", _argument(path), *_unsafe(unsafe), *again("auth", "cloud", "config")])


def _argument(path: Path) -> str:
    """`path` as a command takes it, which would read ``-x`` as an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _unsafe(unsafe: bool) -> list[str]:
    return ["--unsafe"] if unsafe else []


_JUDGED_BY = ("rules", "settings", "exemptions", "baseline", "fail_on")
_ANY = ("precedence", "auth", "cloud", "config")
"""Options for where to read and how, which a further command takes as well."""


def _finish(journal: Journal, writer: Writer, target: LiveTarget, brakes: Brakes) -> CarriedOut:
    unsafe = any(change.safety is not Safety.SAFE for change in journal.record.header.changes)
    to_resume = f"To look again and go on: {fix_by('--resume', journal.path, unsafe=unsafe)}"
    to_undo = f"To take it back: {undo_by(journal.path, unsafe=unsafe)}"
    with closing(journal):
        context.say(f"Journal: {journal.path}")  # before anything is written: who is killed says nothing any more
        try:
            applied = apply_changes(
                journal, writer, patience=Patience(limit=brakes.wait), time=TIME, tell=_tell(target)
            )
        except BaseException:
            context.say(f"Not finished. {to_resume}\n{to_undo}")
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
        context.say(to_undo if written else "There is nothing to take back.")
    return CarriedOut(applied)


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
    if reason := context.plugins().unfixable.get(type_):
        raise UsageError(f"a {type_} is to be written to, but {reason}; nothing was written", "fix it by hand")
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
        uid=user(),
        changes=tuple(order.changes),
    )
