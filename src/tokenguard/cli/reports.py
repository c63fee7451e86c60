"""Where reports go: pairs of format and place, checked before anything is read and written only when all is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import click
from click.core import ParameterSource

from tokenguard.cli.configuration import Configuration
from tokenguard.cli.context import plugins, stdout, style_of, summary
from tokenguard.cli.options import Into
from tokenguard.cli.places import place_flaw
from tokenguard.errors import UsageError, blaming
from tokenguard.exit_status import ExitStatus
from tokenguard.files import replace_file
from tokenguard.hookspecs import DifferenceReporter, Reporter, Style
from tokenguard.model import Report
from tokenguard.rules.mistakes import did_you_mean

STDOUT = "-"

_FORMATS = "`tokenguard plugins` lists the formats of reports; what changed is written in fewer"

R = TypeVar("R", bound=Reporter | DifferenceReporter)


@dataclass(frozen=True, slots=True)
class Output(Generic[R]):
    """One thing to write: in which format, and to which file (None: standard output)."""

    reporter: R
    path: Path | None


def pair(reporters: Mapping[str, R], into: Into, besides: Iterable[Path | None] = ()) -> tuple[Output[R], ...]:
    """Pair the first format with the first place, and so on; formats left over go to standard output.

    A place without a format of its own is written in the format that its suffix names; where it names none, and where
    there is no place, in those that the configuration wishes for, as far as they are among `reporters`.

    Raises `UsageError` for a format that nobody writes, a folder that does not exist, or two things for one place,
    which may be one of `besides`: what the run writes that is no report.
    """
    running = click.get_current_context()
    configured = running.get_parameter_source("format") is ParameterSource.DEFAULT_MAP
    wished = _wished(reporters, into.format, running.params["config"]) if configured else []
    places = into.output
    formats = [] if configured else list(into.format)
    formats = formats or ([] if places else wished or ["text"])
    formats += [_by_suffix(reporters, place, wished) for place in places[len(formats) :]]
    targets = [*places, *[STDOUT] * (len(formats) - len(places))]
    named = [*targets, *(str(place) for place in besides if place is not None)]
    files = [place if place == STDOUT else os.path.realpath(place) for place in named]
    if doubled := [place for place, file in zip(named, files, strict=True) if files.count(file) > 1]:
        name = "standard output" if doubled[0] == STDOUT else doubled[0]
        raise UsageError(
            f"two {'reports' if len(named) == len(targets) else 'things'} would go to {name}",
            "give each --format an --output of its own, in the same order; `-` is standard output",
        )
    return tuple(
        Output(_reporter(reporters, name), _place(place)) for name, place in zip(formats, targets, strict=True)
    )


def write(
    outputs: Sequence[Output[Reporter]],
    report: Report,
    *,
    color: bool,
    verbose: bool,
    ends_with: ExitStatus | None = None,
) -> None:
    """Write every report, files first, each whole or not at all; `ends_with` as `Style` has it."""

    def render(reporter: Reporter, out: BinaryIO, style: Style) -> None:
        reporter.write(report, out, replace(style, exit_status=ends_with))

    write_each(outputs, render, color=color, verbose=verbose)


def write_each(
    outputs: Sequence[Output[R]], render: Callable[[R, BinaryIO, Style], None], *, color: bool, verbose: bool
) -> None:
    """Write to every place what `render` writes in its format, files first, each whole or not at all."""
    for output in sorted(outputs, key=lambda output: output.path is None):
        if output.path is None:
            with _printing(output.reporter.format):
                with _blaming(output.reporter):
                    render(output.reporter, stdout(), style_of(stdout(), color=color, verbose=verbose))
                stdout().flush()
        else:
            with replace_file(output.path, f"the {output.reporter.format} report") as file, _blaming(output.reporter):
                render(output.reporter, file, Style(verbose=verbose, summary=summary()))


def _blaming(reporter: Reporter | DifferenceReporter) -> AbstractContextManager[None]:
    """What the place refuses that is written to is no fault of the reporter."""
    return blaming("reporter", reporter, except_for=(OSError,))


@contextmanager
def _printing(format: str) -> Iterator[None]:  # noqa: A002  (as reporters call it)
    try:
        yield
    except BrokenPipeError:
        raise  # somebody has read enough, which is no fault
    except OSError as error:
        raise UsageError(
            f"standard output: the {format} report cannot be written there ({error.strerror or error})",
            "free some room, or name a file with --output",
        ) from error


def _reporter(reporters: Mapping[str, R], name: str) -> R:
    if name in reporters:
        return reporters[name]
    raise UsageError(
        f"--format {name}: nobody writes that here{did_you_mean(name, reporters)}",
        _FORMATS,
    )


def _wished(reporters: Mapping[str, Any], formats: Iterable[str], configuration: Configuration) -> list[str]:
    """`formats` of the `configuration`, without those that somebody writes, but not of what is written here."""
    wished = [name for name in formats if name in reporters or name not in plugins().reporters]
    if configuration.withheld and any(name not in reporters for name in wished):
        raise UsageError(f"{configuration.path}: scan.format: nobody writes one of these", _FORMATS)
    return wished


def _by_suffix(reporters: Mapping[str, Any], place: str, wished: Sequence[str]) -> str:
    suffix = Path(place).suffix.lstrip(".")
    name = {"txt": "text", "": "text", "md": "markdown"}.get(suffix, suffix)
    if wished and (not suffix or name not in reporters):
        return wished[0]
    if name in reporters:
        return name
    raise UsageError(f"--output {place}: the suffix names no format", "say it with --format")


def _place(place: str) -> Path | None:
    if place == STDOUT:
        return None
    path = Path(place)
    if flaw := place_flaw(path):
        raise UsageError(f"--output {place}: {flaw}", "name a file in a folder that exists")
    return path
