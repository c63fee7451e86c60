"""What stands on this command line: some of it a file says already, and some a further command has to be told again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tokenguard.cli.configuration import Configuration
from tokenguard.model import Origin


def given(*names: str) -> Iterator[tuple[click.Parameter, Any]]:
    """The options of these names that were given, with their values; not those of environment and configuration."""
    running = click.get_current_context()
    for parameter in running.command.params:
        if parameter.name in names and running.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
            yield parameter, running.params[parameter.name]


_ORIGINS = {
    ParameterSource.DEFAULT_MAP: Origin.CONFIGURATION,
    ParameterSource.ENVIRONMENT: Origin.ENVIRONMENT,
    ParameterSource.COMMANDLINE: Origin.FLAGS,
}


def origin(name: str) -> Origin | None:
    """Where the value of the option `name` comes from; None for its default, and where there is no such option."""
    source = click.get_current_context().get_parameter_source(name)
    return None if source is None else _ORIGINS.get(source)


def withholds(configuration: Configuration, name: str) -> bool:
    """Whether no error repeats the value of the option `name`: it stands in a `configuration` that is withheld."""
    return configuration.withheld and origin(name) is Origin.CONFIGURATION


def again(*names: str) -> list[str]:
    """The same as they would be given once more."""
    words = []
    for parameter, value in given(*names):
        for each in value if isinstance(value, tuple) else [value]:
            words += [parameter.opts[0], str(_path(each))]
    return words


def _path(value: Any) -> Any:
    """A configuration goes by its file."""
    return value.path if isinstance(value, Configuration) and isinstance(value.path, Path) else value
