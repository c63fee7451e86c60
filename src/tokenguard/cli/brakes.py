"""What stands between a command and a tenant: a number of changes, a dry run, and somebody's consent."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tokenguard.changes import Change
from tokenguard.cli import context, options
from tokenguard.cli.lengths import Seconds
from tokenguard.errors import UsageError
from tokenguard.model import Safety, Tenant
from tokenguard.rules.messages import count
from tokenguard.untrusted import visible


@dataclass(frozen=True, slots=True)
class Brakes:
    """How careful a run is."""

    dry_run: bool
    yes: bool
    max_changes: int
    journal: Path | None
    """Where the journal goes; None for a new file in the user's state folder."""
    wait: float
    """Seconds for one write to be accepted, and for it to show."""


brakes = options.bundle(
    "brakes",
    Brakes,
    "Before anything is written",
    click.option("--dry-run", is_flag=True, help="Show what would be done and write nothing to the tenant."),
    click.option(
        "--max-changes",
        type=click.IntRange(min=0),
        default=10,
        show_default=True,
        help="More changes, or objects that they change, are refused.",
    ),
    click.option("--yes", "-y", is_flag=True, help="Write without asking."),
    click.option(
        "--journal",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A new file for what is done, to undo or resume it; by default in the state folder of the user.",
    ),
    click.option(
        "--wait",
        type=Seconds(),
        default=120,
        show_default=True,
        metavar="SECONDS",
        help="How long one write may take to be accepted, and to show in what is read.",
    ),
)


foreign = click.option(
    "--foreign-journal",
    is_flag=True,
    help="Take a journal that this machine's key does not vouch for: what it asks for is planned anew and shown.",
)


def released(brakes: Brakes, changes: Sequence[Change], tenant: Tenant, again: str) -> bool:
    """Whether `changes` may be written to `tenant`; if not, it is said why, and that nothing was written.

    `again` says how to come to write them after a dry run. Who says no gets the exit status that a dry run has, which
    is for the caller to give. Raises `UsageError` for too many changes, and where nobody can be asked.
    """
    many = f"{count(len(changes), 'change')} planned"
    them = "it" if len(changes) == 1 else "them"
    if brakes.dry_run:
        context.say(f"{many}. Nothing was written; {again} to write {them}.")
        return False
    objects = sum(map(_objects, changes))
    if objects > brakes.max_changes:
        reach = f" of {objects} objects" if objects > len(changes) else ""
        raise UsageError(
            f"{many}{reach}, which is more than --max-changes {brakes.max_changes}; nothing was written",
            "narrow it, or allow more",
        )
    if brakes.yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{many}. Nothing was written", f"run again with --yes to write {them}")
    agreed = False
    try:
        agreed = _agrees(f"{many}. Write {them} to {visible(tenant.name or tenant.id)}?")
    finally:  # also after Ctrl-C
        if not agreed:
            context.say("Nothing was written.")
    return agreed


def check_safety(brakes: Brakes, changes: Sequence[Change], *, unsafe: bool) -> None:
    """Raise `UsageError` where any of `changes` is not safe and nobody asked for `unsafe`; a dry run writes none."""
    number = sum(change.safety is not Safety.SAFE for change in changes)
    if number and not unsafe and not brakes.dry_run:
        raise UsageError(
            f"{count(number, 'change')} of {len(changes)} not safe; nothing was written",
            "look at what they reach and whether they can be taken back, then run again with --unsafe",
        )


_ANSWERS = {"y": True, "yes": True, "n": False, "no": False}


def _agrees(question: str) -> bool:
    """Ask until the answer is a yes or a no; the end of input is a no."""
    while True:
        click.echo(f"{question} [y/n]: ", err=True, nl=False)
        typed = sys.stdin.buffer.readline()  # bytes, as nothing keeps anybody from typing what is no text
        if not typed.endswith(b"\n"):  # the end of input, also in the middle of an answer
            click.echo(err=True)
            return False
        answer = _ANSWERS.get(typed.decode(errors="replace").strip().lower())
        if answer is not None:
            return answer
        context.say("Answer y or n.")


def _objects(change: Change) -> int:
    """How many there are of what it writes to most: a policy taken from a hundred objects is one change, and a hundred.

    That it makes, edits or deletes the policy as well makes it no more.
    """
    written = {(kind, id_) for operation in change.operations for kind, id_ in operation.target.items()}
    return max(Counter(kind for kind, _ in written).values(), default=0)
