"""How a command that is no report answers: lines for people, or one JSON object for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from tokenguard.cli.context import stdout
from tokenguard.cli.prose import write_lines
from tokenguard.untrusted import json_bytes

form = click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)


def answer(form: str, document: Any, lines: Iterable[str]) -> None:
    """Write one of the two to standard output."""
    if form == "json":
        stdout().write(json_bytes(document) + b"\n")
        return
    write_lines(lines)
