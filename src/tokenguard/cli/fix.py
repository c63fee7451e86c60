"""`tokenguard fix`: plan what would mend the findings, ask, and carry it out."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from tokenguard.changes import Plan
from tokenguard.cli import context, decisions, options
from tokenguard.cli.options import Run, Where, Which
from tokenguard.cli.plans import count, plan_lines
from tokenguard.cli.selection import choose_rules
from tokenguard.cli.sources import open_readings
from tokenguard.documents import write_document
from tokenguard.errors import UsageError
from tokenguard.evaluate import evaluate
from tokenguard.exit_status import ExitStatus
from tokenguard.files import read_file, replace_file
from tokenguard.model import Report, Severity
from tokenguard.needs import needs_of, with_needs
from tokenguard.planning.comparison import check_consent
from tokenguard.planning.document import parse_plan, plan_to_dict
from tokenguard.planning.plan import make_plan
from tokenguard.spool import Spool
from tokenguard.untrusted import visible

PATH = click.Path(path_type=Path)


@click.command()
@options.where
@options.which
@decisions.exemptions
@decisions.baseline
@click.option("--only", multiple=True, metavar="RESOURCE", help="Mend this alone: an id, appId or name; repeatable.")
@click.option("--unsafe", is_flag=True, help="Plan also what its rule does not call safe.")
@click.option("--dry-run", is_flag=True, help="Show the plan and write nothing to the tenant.")
@click.option("--out", type=PATH, metavar="FILE", help="Keep the plan, for others to look at; mode 0600.")
@click.option("--plan", "agreed", type=PATH, metavar="FILE", help="Carry out exactly this plan, or nothing.")
@click.option(
    "--max-changes",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="More changes than this are refused.",
)
@click.option("--yes", "-y", is_flag=True, help="Write without asking.")
@options.run
def fix(
    *,
    run: Run,
    where: Where,
    which: Which,
    exemptions: Path | None,
    baseline: Path | None,
    only: tuple[str, ...],
    unsafe: bool,
    dry_run: bool,
    out: Path | None,
    agreed: Path | None,
    max_changes: int,
    yes: bool,
) -> int:
    """Plan what would mend the findings of a live tenant and, after consent, carry it out.

    \b
    tokenguard fix --demo --dry-run --unsafe
    tokenguard fix --select 'retired-*' --dry-run --out plan.json
    tokenguard fix --plan plan.json
    """
    if where.demo and not dry_run:
        raise UsageError("the embedded tenant cannot be written to", "add --dry-run to see what would be done")
    consent = parse_plan(read_file(agreed, "a plan"), str(agreed)) if agreed else None
    if consent:
        if only or unsafe or which.select or which.ignore:
            raise UsageError(
                f"{agreed}: the plan says what it is about already", "leave out --only, --unsafe, --select and --ignore"
            )
        which, only, unsafe = replace(which, select=tuple(consent.rules)), consent.only, consent.unsafe
    now = context.now()
    report, plan = _plan(run, where, which, exemptions, baseline, now=now, only=only, unsafe=unsafe)
    for line in plan_lines(plan):
        click.echo(line)
    if consent:
        check_consent(consent, plan, now=now, source=str(agreed))
    if out:
        with replace_file(out, "the plan") as file:
            file.write(write_document(plan_to_dict(plan)))
    if not plan.changes:
        return report.exit_status
    if dry_run:
        instead = f"tokenguard fix --plan {out}" if out else "run again without --dry-run"
        context.say(f"{count(plan)}. Nothing was written; {instead} to write {_them(plan)}.", quiet=run.quiet)
        return report.exit_status
    _check_number(plan, max_changes)
    if not yes and not _asked(plan):
        context.say("Nothing was written.")
        return ExitStatus.COMPLIANT
    raise UsageError("plans cannot be carried out yet", "use --dry-run")


def _plan(
    run: Run,
    where: Where,
    which: Which,
    exemptions: Path | None,
    baseline: Path | None,
    *,
    now: datetime,
    only: tuple[str, ...],
    unsafe: bool,
) -> tuple[Report, Plan]:
    """What the tenant is like now, and what would mend it."""
    plugins = context.plugins()
    loaded, chosen = choose_rules(plugins, run.config, which, everything=where.demo)
    exempted, known = decisions.read_exemptions(exemptions, loaded), decisions.read_baseline(baseline)
    needs = with_needs(
        needs_of(chosen, plugins.types), [need for fixer in plugins.fixers.values() for need in fixer.needs]
    )
    with open_readings(run, where, None, needs) as (readings, name):
        report = evaluate(
            chosen,
            readings.snapshot(),
            types=plugins.types,
            exemptions=exempted,
            baseline=known,
            now=now,
            fail_on=Severity.LOW,
            source=name,
            findings=Spool.of_findings(chosen),
            not_evaluated=Spool.of_not_evaluated(chosen),
        )
        plan = make_plan(
            report,
            readings,
            types=plugins.types,
            fixers=plugins.fixers,
            now=now,
            exemptions=exempted,
            unsafe=unsafe,
            only=only,
        )
    return report, plan


def _check_number(plan: Plan, maximum: int) -> None:
    if len(plan.changes) > maximum:
        raise UsageError(
            f"{count(plan)}, which is more than --max-changes {maximum}; nothing was written",
            "narrow it with --only or --select, or allow more",
        )


def _asked(plan: Plan) -> bool:
    """Whether somebody at the terminal agrees. Raises `UsageError` where there is none to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{count(plan)}. Nothing was written", f"run again with --yes to write {_them(plan)}")
    return click.confirm(
        f"{count(plan)}. Write {_them(plan)} to {visible(plan.tenant.name or plan.tenant.id)}?", err=True
    )


def _them(plan: Plan) -> str:
    return "it" if len(plan.changes) == 1 else "them"
