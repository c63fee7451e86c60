"""``tokenguard sandbox``: run a tenant in the foreground, or around one command."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tokenguard_sandbox.running import Running

_LARGEST = 10**9
"""Of each kind of object in a generated tenant."""
_ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
"""Windows has not all of them."""
Handler = Callable[[int, Any], None]


@click.group()
def sandbox() -> None:
    """A Microsoft Entra tenant on this machine, to try things on."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which sandbox."""
    for option in reversed(
        (
            click.option(
                "--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 takes a free one."
            ),
            click.option("--tenant", type=click.Choice(["demo", "generated"]), default="demo", help="Which tenant."),
            click.option("--principals", type=click.IntRange(0, _LARGEST), help="Size of a generated tenant (1000)."),
            click.option("--policies", type=click.IntRange(0, _LARGEST), help="Policies of a generated tenant (20)."),
            click.option(
                "--assignments",
                type=click.IntRange(0, _LARGEST),
                help="Assignments of a generated tenant (200, or as many as it can have).",
            ),
            click.option(
                "--seed", type=click.IntRange(0, 2**32 - 1), help="Another seed makes another generated tenant (1)."
            ),
            click.option(
                "--permissions", help="Application permissions of the client, or the sets 'read' and 'write'."
            ),
            click.option("--propagation", help="Seconds until a changed policy shows in new tokens."),
            click.option("--setting", "settings", multiple=True, metavar="NAME=VALUE", help="Any other setting."),
            click.option("--fault", "faults", multiple=True, metavar="FAULT", help="E.g. 'GET /policies/*=403'."),
            click.option(
                "--trust",
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                multiple=True,
                help="PEM certificate or public key (RSA) whose assertions sign the client in.",
            ),
        )
    ):
        command = option(command)
    return command


@sandbox.command()
@_options
def start(**options: Any) -> None:
    """Run in the foreground, and print the variables that lead a client here.

    Paste the printed lines into another shell. Ctrl-C ends the sandbox and everything in it.
    """
    with _running(**options) as here:
        from tokenguard_sandbox.running import UNSET  # noqa: PLC0415  (the server is imported when one is wanted)

        for name, value in here.variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        click.echo(f"unset {' '.join(UNSET)}")
        click.echo("The sandbox is running; Ctrl-C ends it.", err=True)
        here.serve()


@sandbox.command(name="exec", context_settings={"allow_interspersed_args": False})
@_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(command: Sequence[str], **options: Any) -> None:
    """Run COMMAND against a sandbox of its own, exit as it exits, and leave nothing behind.

    Example: tokenguard sandbox exec -- tokenguard scan
    """
    with _running(**options) as here, here.serving():
        status = _run(command, here.variables)
    sys.exit(status)


def _run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    from tokenguard_sandbox.running import UNSET  # noqa: PLC0415

    environment = {name: value for name, value in os.environ.items() if name not in UNSET} | dict(variables)
    relay = _Relay()
    with _signals(relay.handlers):  # before there is a child: a signal that ended us now would leave it running
        try:
            child = subprocess.Popen(command, env=environment)  # noqa: S603  (the user's own command)
        except OSError as error:
            click.echo(f"cannot run {command[0]}: {error.strerror}", err=True)
            return 127 if isinstance(error, FileNotFoundError) else 126
        relay.start(child)
        status = child.wait()
    return status if status >= 0 else 128 - status


class _Relay:
    """Signals are the child's business, also those that come before it is there.

    A terminal's Ctrl-C reaches it without our help.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self.handlers: Mapping[int, Handler] = {signal.SIGINT: self._interrupt, **dict.fromkeys(_ENDINGS, self._send)}

    def start(self, child: subprocess.Popen[bytes]) -> None:
        """Pass signals on to `child` from now on, and what came until now."""
        self._child = child
        for number in self._early:
            child.send_signal(number)

    def _send(self, number: int, _frame: object) -> None:
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def _interrupt(self, number: int, frame: object) -> None:
        if not _in_foreground():
            self._send(number, frame)


def _in_foreground() -> bool:
    """Whether this process, and so what it started, is what a terminal sends Ctrl-C to."""
    if not hasattr(os, "tcgetpgrp"):  # Windows, whose console sends it to everything that runs in it
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return bool(os.tcgetpgrp(terminal) == getattr(os, "getpgrp", int)())
    finally:
        os.close(terminal)


def _end(number: int, _frame: object) -> None:
    """Leave by the door, so that the folder with the certificate goes too; exit as shells say it."""
    sys.exit(128 + number)


@contextmanager
def _signals(handlers: Mapping[int, Handler]) -> Iterator[None]:
    """While the block runs, signals go to `handlers`."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _running(
    *,
    port: int,
    permissions: str | None,
    propagation: str | None,
    settings: Sequence[str],
    faults: Sequence[str],
    trust: Sequence[Path],
    tenant: str,
    **size: int | None,
) -> Iterator[Running]:
    from tokenguard_sandbox import demo, generated  # noqa: PLC0415
    from tokenguard_sandbox.faults import parse_fault  # noqa: PLC0415
    from tokenguard_sandbox.running import running  # noqa: PLC0415
    from tokenguard_sandbox.settings import Settings  # noqa: PLC0415
    from tokenguard_sandbox.trust import public_key  # noqa: PLC0415

    named = {"permissions": permissions, "propagation": propagation}
    chosen = Settings().changed({name: value for name, value in named.items() if value is not None})
    chosen = chosen.changed(dict(_pair(each) for each in settings))
    asked = {name: number for name, number in size.items() if number is not None}
    if tenant == "demo" and asked:
        raise click.UsageError(f"--{next(iter(asked))} is of a generated tenant: add --tenant generated")
    directory = demo.directory(time.time) if tenant == "demo" else generated.directory(time.time, **_size(**asked))
    struck = [parse_fault(each) for each in faults]
    ending = _signals(dict.fromkeys(_ENDINGS, _end))
    with ending, running(directory, chosen, struck, port, [public_key(path) for path in trust]) as here:
        yield here


def _size(
    *, principals: int = 1000, policies: int = 20, assignments: int | None = None, seed: int = 1
) -> dict[str, int]:
    """How large a generated tenant is: a principal holds one policy at most."""
    most = principals if policies else 0
    if assignments is not None and assignments > most:
        raise click.UsageError(
            f"--assignments {assignments}: {principals} principals and {policies} policies make {most} at most, "
            "as a principal holds one policy"
        )
    few = min(200, most) if assignments is None else assignments
    return {"principals": principals, "policies": policies, "assignments": few, "seed": seed}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--setting {text}: write NAME=VALUE")
    return name, value
