"""What a command needs from around it: the environment, the plugins, the clock, and a voice."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO, Any, BinaryIO

import click

from tokenguard import __version__
from tokenguard.cli.program import COMMANDS
from tokenguard.errors import PluginError, UsageError
from tokenguard.hookspecs import Style
from tokenguard.plugins import Plugins, load_plugins
from tokenguard.untrusted import visible

PRODUCER = f"tokenguard {__version__}"


@cache
def plugins() -> Plugins:
    """The plugins of this run. ``TOKENGUARD_PLUGINS`` lists the distributions allowed; empty: built-ins only."""
    allowed = os.environ.get("TOKENGUARD_PLUGINS")
    found = load_plugins(None if allowed is None else [name for name in allowed.split(",") if name.strip()])
    for plugin in found.loaded:
        for command in plugin.commands:
            if command.name in COMMANDS:
                raise PluginError(f"plugin {plugin} claims the command {command.name!r}, which is tokenguard's own")
    return found


def now() -> datetime:
    """The one clock of a run."""
    return datetime.now(UTC)


def say(text: str, *, quiet: bool = False) -> None:
    """Tell a person something, on stderr."""
    if quiet:
        return
    clear()
    for line in text.split("\n"):
        click.echo(visible(line), err=True)


def clear() -> None:
    """Empty the passing line before something that stays is written to the terminal."""
    if _has_passing_line():
        click.echo(_CLEAR, err=True, nl=False)


def style_of(stream: IO[bytes], *, color: bool = True, verbose: bool = False) -> Style:
    """How the place looks that is written to; https://no-color.org is respected."""
    if not stream.isatty():
        return Style(verbose=verbose, summary=summary())
    wanted = color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(terminal=True, color=wanted, width=_columns(stream), verbose=verbose, summary=summary())


def summary() -> Path | None:
    """Where GitHub Actions collects the summary of the step that is running; None elsewhere."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def _columns(stream: IO[Any]) -> int:
    # NOTE: as shutil.get_terminal_size, whose module costs 3 ms to import.
    try:
        return int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(stream.fileno()).columns or 80
    except (ValueError, OSError):
        return 80


def stdout() -> BinaryIO:
    """Standard output as bytes; raises `UsageError` where whoever started us has closed it."""
    if sys.stdout is None:
        raise UsageError("standard output is closed: nothing can be written there", "open it, or name a file")
    return sys.stdout.buffer


def progress() -> Callable[[str], None] | None:
    """The last line of the terminal, for what will soon not be so any more; None where nobody is looking."""
    return _show_passing if _has_passing_line() else None


def prompt() -> Callable[[str], None] | None:
    """A way to ask the person at the terminal for something; None where there is none."""
    return say if sys.stderr.isatty() else None


_CLEAR = "\r\x1b[K"
"""Empties the line that the cursor is on."""


def _has_passing_line() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _show_passing(text: str) -> None:
    click.echo(_CLEAR + visible(text)[: _columns(sys.stderr) - 1], err=True, nl=False)  # a longer one would wrap
