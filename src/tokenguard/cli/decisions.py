"""What has been decided about findings before: exemptions, and a baseline."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokenguard.cli import context
from tokenguard.cli.given import origin
from tokenguard.cli.options import Run
from tokenguard.cli.selection import is_in_a_pack
from tokenguard.files import read_file
from tokenguard.judging.exemptions import parse_exemptions
from tokenguard.kinds import BASELINE, EXEMPTIONS, Kind
from tokenguard.misplaced import naming
from tokenguard.model import Exemption, Origin, Rule, Setting, UsedFile

if TYPE_CHECKING:
    from tokenguard.judging.baseline import Baseline

exemptions = click.option(
    "--exemptions",
    type=click.Path(path_type=Path),
    envvar="TOKENGUARD_EXEMPTIONS",
    help="Decisions that exempt resources.",
)
baseline = click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    envvar="TOKENGUARD_BASELINE",
    help="Known findings, which count only when their values change.",
)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided before."""

    exemptions: tuple[Exemption, ...] = ()
    baseline: Baseline | None = None
    settings: tuple[Setting, ...] = ()
    """The files that it stands in."""


def read(run: Run, rules: tuple[Rule, ...], *, exemptions: Path | None, baseline: Path | None = None) -> Decisions:
    """What the files say that were named: exemptions of any of `rules`, or of a rule whose pack is not judged by."""
    settings = []
    exempted: tuple[Exemption, ...] = ()
    known = None
    if exemptions is not None:
        data, setting = _read(exemptions, "exemptions", "a file of exemptions", run)
        plugins = context.plugins()
        elsewhere = partial(is_in_a_pack, plugins)
        with _naming(exemptions, EXEMPTIONS, setting):
            exempted = parse_exemptions(data, str(exemptions), rules, plugins.types, elsewhere)
        settings.append(setting)
    if baseline is not None:
        from tokenguard.judging.baseline import parse_baseline  # noqa: PLC0415  (most runs have none)

        data, setting = _read(baseline, "baseline", "a baseline", run)
        with _naming(baseline, BASELINE, setting):
            known = parse_baseline(data, str(baseline))
        settings.append(setting)
    return Decisions(exempted, known, tuple(settings))


def _naming(path: Path, kind: Kind, setting: Setting) -> AbstractContextManager[None]:
    """Of what the configuration names nothing is said, not even of which kind it is."""
    return nullcontext() if setting.origin is Origin.CONFIGURATION else naming(path, kind)


def _read(path: Path, option: str, what: str, run: Run) -> tuple[bytes, Setting]:
    """The content of `path`, which must not lead out of its repository where the configuration names it."""
    told = origin(option) or Origin.FLAGS
    configured = told is Origin.CONFIGURATION
    data = read_file(path, what, within=run.config.root if configured else None)
    if configured:
        run.config.check_owner(path)
    return data, Setting(told, option, file=UsedFile.of(str(path), data))
