"""What has been decided about findings before: exemptions, and a baseline."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokenguard.cli import context
from tokenguard.cli.given import configured
from tokenguard.cli.options import Run
from tokenguard.cli.selection import is_in_a_pack
from tokenguard.files import read_file
from tokenguard.judging.exemptions import parse_exemptions
from tokenguard.model import Exemption, Rule

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


def read_exemptions(path: Path | None, run: Run, rules: tuple[Rule, ...]) -> tuple[Exemption, ...]:
    """The exemptions in the file that was named: of any of `rules`, or of a rule whose pack is not judged by."""
    if path is None:
        return ()
    plugins = context.plugins()
    elsewhere = partial(is_in_a_pack, plugins)
    data = _read(path, "exemptions", "a file of exemptions", run)
    return parse_exemptions(data, str(path), rules, plugins.types, elsewhere)


def read_baseline(path: Path | None, run: Run) -> Baseline | None:
    """The baseline that was named, if one was."""
    if path is None:
        return None
    from tokenguard.judging.baseline import parse_baseline  # noqa: PLC0415  (most runs have none)

    return parse_baseline(_read(path, "baseline", "a baseline", run), str(path))


def _read(path: Path, option: str, what: str, run: Run) -> bytes:
    """The content of `path`, which must not lead out of its repository where the configuration names it."""
    return read_file(path, what, within=run.config.root if configured(option) else None)
