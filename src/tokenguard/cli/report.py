"""`tokenguard report`: what a scan concluded, in another format."""

from __future__ import annotations

from pathlib import Path

import click

from tokenguard.cli import context, options, reports
from tokenguard.cli.help import Command
from tokenguard.cli.options import Into, Run
from tokenguard.exit_status import ExitStatus
from tokenguard.saved_report import open_report


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@options.into
@options.run
def report(*, run: Run, into: Into, file: Path) -> int:
    """Write the JSON report in FILE in another format, as the scan itself would have.

    Exit status 0 says that it was written, whatever it says; the scan has given its verdict.

    \b
    tokenguard scan --format json --output report.json
    tokenguard report report.json --format markdown
    tokenguard report report.json --output report.html --output report.csv
    """
    outputs = reports.pair(context.plugins().reporters, into)
    reports.write(outputs, open_report(file), color=not into.no_color, verbose=run.verbose)
    return ExitStatus.COMPLIANT
