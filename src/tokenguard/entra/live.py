"""A live tenant as a source: signed in, read through Microsoft Graph, never written to.

Everything heavy (the SDK, azure-identity, httpx, asyncio) is imported when a tenant is opened, not before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from tokenguard.entra.retry import Budget, Patience, Wait
from tokenguard.entra.tally import Tally
from tokenguard.errors import UsageError
from tokenguard.hookspecs import LiveTarget, ReadFailure, SourceNotice
from tokenguard.model import Fact

if TYPE_CHECKING:
    import asyncio

    from tokenguard.entra.client import GraphClient
    from tokenguard.entra.transport import Guard

T = TypeVar("T")


@contextmanager
def open_live(target: LiveTarget, patience: Patience | None = None) -> Iterator[LiveSource]:
    """Sign in to `target` and read from it while the block runs.

    Raises `UsageError` for what the environment or the configuration lacks, before any token is asked for, and
    `SourceError` when signing in fails. What goes wrong later comes back as a `ReadFailure` of the call it concerns.
    """
    check_extra()

    from tokenguard.entra.transport import ReadOnlyTransport  # noqa: PLC0415

    with open_client(target, ReadOnlyTransport, patience) as (client, runner):
        source = LiveSource(client, runner, target.cloud, target.progress)
        try:
            yield source
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(f"Read until then: {source.tally}.")
            raise


@contextmanager
def open_client(
    target: LiveTarget, guard: Guard, patience: Patience | None = None
) -> Iterator[tuple[GraphClient, asyncio.Runner]]:
    """Sign in to `target`: a client that can do what `guard` lets through, and the loop it runs in.

    Raises as `open_live` does.
    """
    import asyncio  # noqa: PLC0415  (slow to import, as what follows, and only a live tenant needs it)

    from tokenguard.entra.addresses import usable_cloud  # noqa: PLC0415
    from tokenguard.entra.connection import connect  # noqa: PLC0415
    from tokenguard.entra.signin import sign_in  # noqa: PLC0415

    cloud = usable_cloud(target)
    patience = patience or Patience(budget=target.patience)
    signed_in = sign_in(target, cloud, Budget(patience.budget, target.put_off))
    connection = connect(target, cloud, signed_in, patience, guard)
    with closing(signed_in.credential), asyncio.Runner() as runner:
        client = runner.run(connection.__aenter__())
        try:
            yield client, runner
        finally:
            runner.run(connection.__aexit__(None, None, None))
            if target.progress:
                target.progress("")


class LiveSource:
    """Microsoft Graph, answering calls as `Source` describes. Synchronous: its loop runs only while it is asked."""

    def __init__(
        self,
        client: GraphClient,
        runner: asyncio.Runner,
        cloud: str,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._client = client
        self._runner = runner
        self.tally = Tally(progress, lambda: client.pace.requests, runner.get_loop().time)
        self.signed_in = client.signed_in
        self.tenant = client.signed_in.tenant
        self.name = f"tenant {self.tenant or 'of the token'}"
        self.cloud = cloud
        self.permissions: tuple[str, ...] | None = client.signed_in.permissions
        self.notices: Sequence[SourceNotice] = ()

    def rows(self, call: str) -> Iterator[Fact | ReadFailure]:
        from tokenguard.entra.paging import pages  # noqa: PLC0415

        return self._stream(pages(self._client, call), partial(self.tally.rows, call))

    def answers(self, calls: Sequence[str]) -> Iterator[tuple[str, Fact | int | ReadFailure]]:
        from tokenguard.entra.batch import answers  # noqa: PLC0415

        return self._stream(answers(self._client, calls), self.tally.answers(len(calls)))

    def pause(self, seconds: float, why: str) -> None:
        self._runner.run(self._client.pace.wait(Wait(seconds, shared=False, why=why)))

    def _stream(self, chunks: AsyncGenerator[list[T], None], count: Callable[[list[T]], None]) -> Iterator[T]:
        """What `chunks` yields, driven chunk by chunk; left early, whatever is under way is cancelled."""
        arrived: list[list[T]] = []

        async def step() -> None:
            # NOTE: the chunk is not returned: asyncio.Runner has a task and its result written out (in vain, as part
            # of what handled Ctrl-C before) each time, which cost a fifth of the reading of a page.
            with suppress(StopAsyncIteration):
                arrived.append(await anext(chunks))

        try:
            while True:
                self._runner.run(step())
                if not arrived:
                    return
                chunk = arrived.pop()
                count(chunk)
                yield from chunk
        finally:
            self._runner.run(chunks.aclose())


def check_extra() -> None:
    """Raise `UsageError` where what a live tenant takes is not installed."""
    missing = [name for name in ("msgraph", "azure.identity", "httpx") if not _installed(name)]
    if missing:
        raise UsageError(
            f"not installed, and needed to read a live tenant: {', '.join(missing)}",
            "run in a checkout of tokenguard: pip install '.[graph]'",
        )


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the parent package is missing
        return False
