"""What this distribution contributes to tokenguard: the command ``tokenguard sandbox``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tokenguard.hookspecs import hookimpl
from tokenguard_sandbox.commands import sandbox

if TYPE_CHECKING:
    import click


@hookimpl
def tokenguard_commands() -> Iterable[click.Command]:
    return [sandbox]
