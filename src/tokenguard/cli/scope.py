"""What a fix is about: which rules judge which tenant, and who decided what; the same before and after writing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tokenguard.changes import Plan
from tokenguard.cli import context, decisions
from tokenguard.cli.configured import configured
from tokenguard.cli.options import Run, Where, Which
from tokenguard.cli.selection import choose_rules
from tokenguard.cli.sources import open_readings
from tokenguard.judging.baseline import Baseline
from tokenguard.judging.evaluate import evaluate
from tokenguard.model import Configured, Exemption, Need, Report, Rule, Severity
from tokenguard.planning.plan import make_plan
from tokenguard.readings import Readings
from tokenguard.rules.needs import needs_of, with_needs
from tokenguard.spool import Spool


@dataclass(frozen=True, slots=True)
class Scope:
    """Rules, exemptions and known findings, and where to read."""

    run: Run
    where: Where
    rules: tuple[Rule, ...]
    exemptions: tuple[Exemption, ...]
    baseline: Baseline | None
    fail_on: Severity
    """The least severity that gives exit status 1."""
    configured: Configured

    @classmethod
    def of(
        cls, run: Run, where: Where, which: Which, *, exemptions: Path | None, baseline: Path | None, fail_on: str
    ) -> Scope:
        """Load what the command line names. Raises as `choose_rules` does, and `DocumentError`."""
        selection = choose_rules(context.plugins(), run.config, which, everything=where.demo)
        decided = decisions.read(run, selection.loaded, exemptions=exemptions, baseline=baseline)
        return cls(
            run,
            where,
            selection.chosen,
            decided.exemptions,
            decided.baseline,
            Severity[fail_on.upper()],
            configured(run, which, selection.settings, decided.settings),
        )

    @contextmanager
    def look(self, now: datetime) -> Iterator[tuple[Report, Readings]]:
        """Judge the tenant as it is; large lists can be read again while this is open."""
        types = context.plugins().types
        with open_readings(self.run, self.where, None, self._needs()) as (readings, name):
            report = evaluate(
                self.rules,
                readings.snapshot(),
                types=types,
                exemptions=self.exemptions,
                baseline=self.baseline,
                now=now,
                fail_on=self.fail_on,
                source=name,
                findings=Spool.of_findings(self.rules),
                not_evaluated=Spool.of_not_evaluated(self.rules),
            )
            yield replace(report, configured=self.configured), readings

    def plan(self, report: Report, readings: Readings, *, now: datetime, only: Collection[str], unsafe: bool) -> Plan:
        """What would mend the findings of `report`."""
        plugins = context.plugins()
        return make_plan(
            report,
            readings,
            types=plugins.types,
            fixers=plugins.fixers,
            unfixable=plugins.unfixable,
            now=now,
            exemptions=self.exemptions,
            unsafe=unsafe,
            only=only,
        )

    def _needs(self) -> Mapping[str, Need]:
        plugins = context.plugins()
        fixers = plugins.fixers.values()
        return with_needs(needs_of(self.rules, plugins.types), [need for fixer in fixers for need in fixer.needs])
