"""The program run in a forked child: as cheap as a call, as mortal as a process.

The child is a copy of this process, which has imported the Graph SDK once for all; only so can a test kill the program
at every one of its moments.
"""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from tokenguard.cli import run

_BUILDERS = "msgraph.generated"
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's generated classes warn of one another
    for _name in (
        "anyio._backends._asyncio",
        "azure.core.pipeline.transport._requests_basic",
        "msal_extensions",
        f"{_BUILDERS}.organization.organization_request_builder",
        f"{_BUILDERS}.policies.token_lifetime_policies.item.applies_to.applies_to_request_builder",
        f"{_BUILDERS}.policies.token_lifetime_policies.token_lifetime_policies_request_builder",
        f"{_BUILDERS}.policies.policies_request_builder",
        f"{_BUILDERS}.service_principals.count.count_request_builder",
        f"{_BUILDERS}.service_principals.service_principals_request_builder",
        f"{_BUILDERS}.service_principals_with_app_id.service_principals_with_app_id_request_builder",
        "tokenguard.cli.fix",
        "tokenguard.cli.undo",
        "tokenguard.entra.batch",
        "tokenguard.entra.connection",
        "tokenguard.entra.plugin",
        "tokenguard.entra.writer",
    ):
        import_module(_name)

DEADLINE = 60.0
"""Seconds after which a child that hangs is killed, and its test fails."""


@dataclass(frozen=True)
class Ended:
    """What became of a run."""

    status: int
    """The exit status; negative: the signal that ended it."""
    stdout: str
    stderr: str


@dataclass
class Running:
    """A run that has not been waited for."""

    pid: int
    _out: BinaryIO
    _err: BinaryIO
    _terminal: int = -1

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def answer(self, question: str, typed: str, *, then: Callable[[], None]) -> None:
        """Call `then` once it has asked `question` on its terminal, and type."""
        said = b""
        while question.encode() not in said:
            assert select.select([self._terminal], [], [], DEADLINE)[0], said
            said += os.read(self._terminal, 100_000)
        then()
        os.write(self._terminal, typed.encode())

    def wait(self) -> Ended:
        """Its end, within `DEADLINE`."""
        until = time.monotonic() + DEADLINE
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > until:
                self.kill()
                os.waitpid(self.pid, 0)
                raise AssertionError(f"still running after {DEADLINE} s: {_text(self._err)}")
            time.sleep(0.005)
        said = _text(self._err)
        if self._terminal >= 0:
            said += os.read(self._terminal, 100_000).decode()
            os.close(self._terminal)
        return Ended(os.waitstatus_to_exitcode(ended[1]), _text(self._out), said)

    def __del__(self) -> None:
        self._out.close()
        self._err.close()


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    typed: str | None = None,
    before: Callable[[], None] | None = None,
) -> Running:
    """Run ``tokenguard ARGUMENTS`` in `folder`. `typed`: there is a terminal, and somebody types that.

    `before` is called in the child before the program begins.
    """
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
    terminal, inner = pty.openpty() if typed is not None else (-1, -1)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            os.dup2(inner if inner >= 0 else os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(inner if inner >= 0 else err.fileno(), 2)
            sys.stdin, sys.stdout, sys.stderr = _text_of(0, "r"), _text_of(1, "w"), _text_of(2, "w")
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            if before:
                before()
            status = run(arguments)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
    if inner >= 0:
        os.close(inner)
        os.write(terminal, (typed or "").encode())
    return Running(pid, out, err, terminal)


def _text_of(handle: int, mode: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(os.fdopen(handle, f"{mode}b", closefd=False), encoding="utf-8", line_buffering=True)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


def killed_at(moment: int, *, torn: bool = False) -> Callable[[], None]:
    """Kill the process at its `moment`-th fsync, from 0: the line is written, and what follows from it not yet done.

    `torn`: with only half of the line on the disk.
    """

    def arm() -> None:
        synced = iter(range(10_000))
        sync = os.fsync

        def fsync(handle: int) -> None:
            if next(synced) == moment:
                if torn:
                    os.ftruncate(handle, os.fstat(handle).st_size - 20)
                os.kill(os.getpid(), signal.SIGKILL)
            sync(handle)

        os.fsync = fsync

    return arm
