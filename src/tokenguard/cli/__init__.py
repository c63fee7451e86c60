"""The `tokenguard` program: the only place that prints, reads the environment, and exits."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from tokenguard.errors import PluginError, TokenguardError
from tokenguard.exit_status import ExitStatus

if TYPE_CHECKING:
    from types import FrameType

_STDERR = 2
"""The highest number of a standard stream."""


def main() -> NoReturn:
    """Run the program and exit with the status that the documentation promises."""
    # NOTE: what starting up makes all stays; looking through it again and again is 2 to 5 % of a short run.
    gc.set_threshold(100_000)
    _fill_closed_streams()
    termination = _Termination()
    termination.listen()
    status = run(sys.argv[1:])
    sys.exit(ExitStatus.TERMINATED if termination.came and status == ExitStatus.INTERRUPTED else status)


class _Termination:
    """What asks a program to end, as `kill` and CI runners do: it ends as after Ctrl-C, by the same way."""

    def __init__(self) -> None:
        self.came = False

    def listen(self) -> None:
        """Hear of SIGTERM from now on, unless whoever started us wants it ignored."""
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, _number: int, frame: FrameType | None) -> None:
        self.came = True
        # NOTE: not simply KeyboardInterrupt: while requests are under way, asyncio has a handler that ends them first.
        handler = signal.getsignal(signal.SIGINT)
        interrupt = handler if callable(handler) else signal.default_int_handler  # it is ignored after `command &`
        interrupt(signal.SIGINT, frame)


def _fill_closed_streams() -> None:
    """Let no file that is opened later take the place of a standard stream that whoever started us has closed.

    Standard input is empty then, and standard error goes nowhere; `context.stdout` refuses to write for nobody.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(number)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_STDERR, "w")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit status; nothing that a user can cause ends in a traceback."""
    try:
        return _run(arguments)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (the last line of defence; `_explain` says all)
        return _explain(error)


def _run(arguments: Sequence[str]) -> int:
    import click  # noqa: PLC0415  (an interrupt while importing, which is most of a short run, is caught, too)

    from tokenguard.cli.program import COMMANDS, program  # noqa: PLC0415  (as above)

    if "_TOKENGUARD_COMPLETE" in os.environ:
        program.main(list(arguments), prog_name="tokenguard")
    try:
        # NOTE: not `program.main`: click's own handling turns a closed pipe, and Ctrl-C, into exit status 1.
        with program.make_context("tokenguard", list(arguments)) as context:
            status = program.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except SystemExit as error:  # a command of a plugin may end so; no plugin may end one of ours as if it had passed
        if context.invoked_subcommand not in COMMANDS:
            raise
        return _explain(error)
    return int(status or ExitStatus.COMPLIANT)


def _explain(error: BaseException) -> ExitStatus | int:
    """Say what went wrong, on stderr, and which exit status that is."""
    import click  # noqa: PLC0415  (as above)

    match error:
        case click.Abort() | KeyboardInterrupt():
            _say("\n".join(["Interrupted.", *getattr(error, "__notes__", ())]))
            return ExitStatus.INTERRUPTED
        case BrokenPipeError():
            _let_go_of_stdout()
            return ExitStatus.CLOSED_PIPE
        case OSError() if said := _circumstance(error):
            _say(said)
            return ExitStatus.USAGE
        case click.ClickException():
            error.show()
            return ExitStatus.USAGE
        case TokenguardError():
            if isinstance(error, PluginError) and error.__cause__ is not None and os.environ.get("TOKENGUARD_DEBUG"):
                _say(_trace(error.__cause__))
            _say(f"Error: {error.message}" + (f"\nHint: {error.hint}" if error.hint else ""))
            return error.exit_status
        case _:
            _say(_internal(error))
            return ExitStatus.INTERNAL


def _circumstance(error: OSError) -> str:
    """What is wrong around the program, where `error` names no file; empty where that is not known."""
    from tokenguard.files import working_folder_exists  # noqa: PLC0415  (as above)

    if error.errno == errno.ENOSPC:  # of a file that is named, whoever wrote it has said so already
        _let_go_of_stdout()
        return "Error: no room is left for standard output, or for temporary files\nHint: free some room"
    if isinstance(error, FileNotFoundError) and not working_folder_exists():
        return "Error: the working directory no longer exists\nHint: change to a folder that does"
    return ""


def _let_go_of_stdout() -> None:
    """Python flushes stdout once more at exit, and would complain; let that go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _trace(error: BaseException) -> str:
    import traceback  # noqa: PLC0415  (5 ms that a run without a fault need not pay)

    return "".join(traceback.format_exception(error)).rstrip("\n")


def _internal(error: BaseException) -> str:
    import traceback  # noqa: PLC0415  (as above)

    if os.environ.get("TOKENGUARD_DEBUG"):
        return _trace(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    module = frame.filename.rpartition(os.sep)[2]
    return (
        f"Internal error: {type(error).__name__} in {frame.name}, line {frame.lineno} of {module}."
        " This is a fault of tokenguard, not yours.\n"
        "Hint: run it again with TOKENGUARD_DEBUG=1 and report what that prints, without names of your tenant."
    )


def _say(text: str) -> None:
    import click  # noqa: PLC0415  (as above)

    from tokenguard.untrusted import visible  # noqa: PLC0415  (as above)

    for line in text.split("\n"):  # a message may quote a name from a tenant
        click.echo(visible(line), err=True)
