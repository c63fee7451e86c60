"""From where a run reads: the embedded tenant, a snapshot, a folder of saved answers, or a live tenant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import click
from click.core import ParameterSource

from tokenguard.cli import context
from tokenguard.cli.options import Account, Run, Where
from tokenguard.collect import gather
from tokenguard.errors import UsageError
from tokenguard.files import is_folder
from tokenguard.hookspecs import DemoTarget, FolderTarget, LiveTarget, Source, SourceProvider, Target
from tokenguard.model import Header, Limits, Need, Precedence, Snapshot
from tokenguard.readings import Readings


@contextmanager
def open_origin(
    run: Run, where: Where, path: Path | None, needs: Mapping[str, Need], limits: Limits
) -> Iterator[tuple[Snapshot, str]]:
    """The snapshot to judge, and what to call it: `path` is a snapshot file or a folder of saved answers.

    Raises `UsageError` when two things are named, or the tenant is not the one that the configuration pins.
    """
    if where.demo and path is not None:
        raise UsageError(f"--demo and {path} are two things to read", "leave one of them out")
    if path is not None and not is_folder(path):
        from tokenguard.snapshot import open_snapshot  # noqa: PLC0415  (the demo and a live tenant are none)

        snapshot = open_snapshot(path, context.plugins().types, limits)
        _check_precedence(path, where, snapshot)
        check_tenant(run, snapshot.header)
        yield snapshot, str(path)
        return
    with open_readings(run, where, path, needs) as (readings, name):
        yield readings.snapshot(), name


@contextmanager
def open_readings(
    run: Run, where: Where, folder: Path | None, needs: Mapping[str, Need]
) -> Iterator[tuple[Readings, str]]:
    """What was read of a tenant or of saved answers, and what to call it; large lists are read while this is open.

    Raises `UsageError` when the tenant is not the one that the configuration pins.
    """
    with open_source(run, where, folder) as source:
        readings = read(run, where, source, needs)
        if folder is not None:
            readings = replace(readings, header=replace(readings.header, dated=False))
        yield readings, "the embedded tenant" if where.demo else source.name


def open_source(run: Run, where: Where, folder: Path | None) -> AbstractContextManager[Source]:
    """What answers for a tenant, or for saved answers."""
    provider = next(c for c in context.plugins().collectors if isinstance(c, SourceProvider))
    return provider.open(_target(run, where, folder))


def read(run: Run, where: Where, source: Source, needs: Mapping[str, Need]) -> Readings:
    """What `source` has of `needs`; raises `UsageError` when the tenant is not the one that is pinned."""
    readings = gather(
        context.plugins().collectors,
        source,
        needs,
        precedence=Precedence(where.precedence),
        now=context.now(),
        producer=context.PRODUCER,
        plugins=context.plugins().outside,
    )
    if not where.demo:
        check_tenant(run, readings.header)
    return readings


def _target(run: Run, where: Where, path: Path | None) -> Target:
    if where.demo:
        return DemoTarget()
    if path is not None:
        return FolderTarget(path)
    return live_target(run, where)


def live_target(run: Run, account: Account | Where) -> LiveTarget:
    """The tenant to sign in to."""
    return LiveTarget(
        environment=dict(os.environ),
        auth=account.auth,
        cloud=account.cloud,
        tenant=run.config.tenant,
        patience=account.patience,
        progress=None if run.quiet or run.verbose else context.progress(),
        prompt=context.prompt(),
        trace=context.say if run.verbose else None,
        put_off=_put_off(),
    )


@cache
def _put_off() -> dict[str, tuple[float, str]]:
    """One for the whole run: a fix connects for each look at the tenant, and to write."""
    return {}


def check_tenant(run: Run, header: Header) -> None:
    """Raise `UsageError` unless the header is of the tenant that the configuration pins, if it pins one."""
    pinned, found = run.config.tenant, header.tenant.id
    if pinned and found != pinned:
        which = "another tenant" if run.config.withheld else f"tenant {pinned}"
        raise UsageError(
            f"{run.config.path} is for {which}, but this is {found or 'a tenant that could not be named'}",
            "sign in to the other tenant, or use the configuration that belongs to this one",
        )


def _check_precedence(path: Path, where: Where, snapshot: Snapshot) -> None:
    """Lifetimes in a snapshot are derived already: another order cannot be asked of it."""
    asked, collected = Precedence(where.precedence), snapshot.header.precedence
    source = click.get_current_context().get_parameter_source("precedence")
    if asked != collected and source is not ParameterSource.DEFAULT:
        raise UsageError(
            f"{path}: was collected with precedence {collected}, so it cannot be judged with {asked}",
            f"collect it again with --precedence {asked}",
        )
