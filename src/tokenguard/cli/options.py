"""Options that several commands share, so that they mean the same everywhere; each bundle arrives as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from tokenguard.cli import completion, configuration
from tokenguard.cli.configuration import Configuration
from tokenguard.cli.context import say
from tokenguard.cli.help import section
from tokenguard.cli.lengths import Seconds
from tokenguard.cli.sizes import size
from tokenguard.configured import used_file
from tokenguard.model import Limits, Precedence, Severity

Command = Callable[..., Any]

AUTH = ("default", "secret", "certificate", "federated", "github", "managed", "cli", "device-code", "browser")
CLOUDS = ("global", "usgov", "usdod", "china")


@dataclass(frozen=True, slots=True)
class Run:
    """How this run behaves."""

    quiet: bool
    verbose: bool
    config: Configuration


@dataclass(frozen=True, slots=True)
class Where:
    """Which tenant to read, and how."""

    demo: bool
    auth: str
    cloud: str
    patience: float
    precedence: str


@dataclass(frozen=True, slots=True)
class Account:
    """How to sign in, where there is nothing but a live tenant to ask."""

    auth: str
    cloud: str
    patience: float


@dataclass(frozen=True, slots=True)
class Which:
    """Which rules to judge by, and with what values."""

    rules: tuple[str, ...]
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Into:
    """How to write what was found, and where."""

    format: tuple[str, ...]
    output: tuple[str, ...]
    no_color: bool


def bundle(
    name: str,
    kind: type[Any],
    title: str,
    *decorators: Callable[[Command], Command],
    first: Callable[[Any], None] = lambda _: None,
) -> Callable[[Command], Command]:
    """Add the options to a command, which gets them as one argument `name` of the dataclass `kind`.

    `title`: of their section in the help. `first`: what is done with them before the command runs.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def bundled(**values: Any) -> Any:
            own = {field.name: values.pop(field.name) for field in fields(kind)}
            value = kind(**own)
            first(value)
            return command(**values, **{name: value})

        result: Command = bundled
        for decorator in reversed(decorators):
            result = decorator(result)
        return result

    return section(title, decorate)


def _configure(ctx: click.Context, _: click.Parameter, path: Path | None) -> Configuration:
    """Load the configuration before other options are looked at, since it supplies their defaults."""
    if ctx.resilient_parsing:  # somebody pressed the tab key: nothing may be said, and no default matters
        return Configuration()
    found = path or _nearest()
    if found is None:
        return Configuration()
    loaded = configuration.load(found, named=path is not None)
    known = {parameter.name for parameter in ctx.command.params}
    ctx.default_map = {name: value for name, value in loaded.scan.items() if name in known}
    return loaded


def _nearest() -> Path | None:
    try:
        here = Path.cwd()
    except OSError:  # it was removed: nothing stands in it, and what stood above it is not known any more
        say(f"The working directory no longer exists: no {configuration.NAME} was looked for")
        return None
    return configuration.find(here)


def _say_which(run: Run) -> None:
    """Name the configuration, however quiet the run is to be: it decides what the run says, and may be another's."""
    if run.config.file is not None:
        say(f"Configuration: {used_file(run.config.file)}")


run = bundle(
    "run",
    Run,
    "This run",
    click.option(
        "--quiet",
        "-q",
        is_flag=True,
        envvar="TOKENGUARD_QUIET",
        help="Say nothing but the report and errors.",
    ),
    click.option("--verbose", "-v", is_flag=True, help="Say which requests are made."),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        envvar="TOKENGUARD_CONFIG",
        is_eager=True,
        callback=_configure,
        help=f"Read this {configuration.NAME} rather than the nearest one.",
    ),
    first=_say_which,
)

_SIGN_IN = (
    click.option(
        "--auth",
        type=click.Choice(AUTH),
        default="default",
        show_default=True,
        envvar="TOKENGUARD_AUTH",
        help="How to sign in to a live tenant.",
    ),
    click.option(
        "--cloud",
        type=click.Choice(CLOUDS),
        default="global",
        show_default=True,
        envvar="TOKENGUARD_CLOUD",
        help="Which Microsoft cloud the tenant is in.",
    ),
    click.option(
        "--patience",
        type=Seconds(),
        default=900,
        show_default=True,
        envvar="TOKENGUARD_PATIENCE",
        metavar="SECONDS",
        help="How long the run may wait, in all, for a service that fails or throttles.",
    ),
)

account = bundle("account", Account, "Where to sign in", *_SIGN_IN)

where = bundle(
    "where",
    Where,
    "What to read",
    click.option("--demo", is_flag=True, help="Read the embedded tenant: no sign-in, no network."),
    *_SIGN_IN,
    click.option(
        "--precedence",
        type=click.Choice([str(precedence) for precedence in Precedence]),
        default=str(Precedence.ALL),
        show_default=True,
        envvar="TOKENGUARD_PRECEDENCE",
        help="Which documented order of policies to take as true; `all` judges by each.",
    ),
)

limits = bundle(
    "limits",
    Limits,
    "How much to read",
    click.option(
        "--max-size",
        type=size,
        default=f"{Limits().max_size >> 30}GiB",
        show_default=True,
        metavar="SIZE",
        help="Refuse a snapshot of more, decompressed; bytes, or 16GiB.",
    ),
    click.option(
        "--max-resources",
        type=click.IntRange(min=1),
        default=Limits().max_resources,
        show_default=True,
        metavar="NUMBER",
        help="Refuse a snapshot of more resources.",
    ),
)

which = bundle(
    "which",
    Which,
    "What to judge by",
    click.option(
        "--rules",
        multiple=True,
        metavar="PACK|PATH",
        shell_complete=completion.packs,
        envvar="TOKENGUARD_RULES",
        help="Rule pack, folder or file; repeatable; `all` for every pack.",
    ),
    click.option(
        "--select",
        "-s",
        multiple=True,
        metavar="RULE",
        shell_complete=completion.rules,
        envvar="TOKENGUARD_SELECT",
        help="Judge by this rule alone (`*` and `?` match); repeatable.",
    ),
    click.option(
        "--ignore",
        "-i",
        multiple=True,
        metavar="RULE",
        shell_complete=completion.rules,
        envvar="TOKENGUARD_IGNORE",
        help="Leave this rule out; repeatable.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="RULE.PARAM=VALUE",
        shell_complete=completion.settings,
        help="Set a parameter: PT8H, 42, a,b or @FILE; repeatable.",
    ),
)


def fail_on(says: str) -> Callable[[Command], Command]:
    """The option for a severity, by its name; `says` is its line in the help."""
    return click.option(
        "--fail-on",
        type=click.Choice([str(severity) for severity in Severity]),
        default=str(Severity.LOW),
        show_default=True,
        envvar="TOKENGUARD_FAIL_ON",
        help=says,
    )


into = bundle(
    "into",
    Into,
    "What to write",
    click.option(
        "--format",
        "-f",
        multiple=True,
        envvar="TOKENGUARD_FORMAT",
        metavar="NAME",
        shell_complete=completion.formats,
        help="How to write it: text (default), or what `tokenguard plugins` lists; repeatable, paired with --output.",
    ),
    click.option("--output", "-o", multiple=True, metavar="FILE", help="Where it goes; `-` is standard output."),
    click.option("--no-color", is_flag=True, help="No colour, as with NO_COLOR."),
)
