"""What is timed: commands in groups, the first of each being what the others are compared with."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data import ALLOWED, SIZES, write

PYTHON = sys.executable


def _beside_python(program: str) -> str:
    return str(Path(PYTHON).parent / program)


PROGRAM = _beside_python("tokenguard")


@dataclass(frozen=True)
class Case:
    """A command to time."""

    group: str
    name: str
    command: tuple[str, ...]
    needs: str = ""
    """A module or program that must be there; without it the case is skipped, by name."""
    inner: bool = False
    """The command times itself: it prints `seconds`, perhaps `megabytes`, and `counts`."""
    status: tuple[int, ...] = (0,)

    @property
    def available(self) -> bool:
        return not self.needs or bool(importlib.util.find_spec(self.needs) or shutil.which(self.command[0]))


def startup(size: str, folder: Path) -> Iterator[Case]:  # noqa: ARG001
    for name, command in (
        ("python -c pass", (PYTHON, "-c", "pass")),
        ("tokenguard --version", (PROGRAM, "--version")),
        ("tokenguard --help", (PROGRAM, "--help")),
    ):
        yield Case("startup", name, command)
    yield Case("startup", "tokenguard scan --demo", (PROGRAM, "scan", "--demo"), status=(1,))
    # The least that the libraries underneath cost, which is nothing that tokenguard could save.
    yield Case("startup", "import its libraries", (PYTHON, "-c", "import click, jsonschema_rs, orjson, pluggy"))
    for peer in ("custodian", "checkov"):
        yield Case("startup", f"{peer} --help", (_beside_python(peer), "--help"), needs=peer)


def engine(size: str, folder: Path) -> Iterator[Case]:  # noqa: ARG001
    needs = {"jsonschema": "jsonschema", "fastjsonschema": "fastjsonschema", "c7n ValueFilter": "c7n"}
    for name in ("closures", "tokenguard", "jsonschema-rs", *needs):
        command = (PYTHON, "-m", "bench.engines", name, size)
        yield Case("engine", name, command, needs=needs.get(name, ""), inner=True)


def snapshot(size: str, folder: Path) -> Iterator[Case]:
    for suffix in ("jsonl", "jsonl.gz", "jsonl.zst"):
        path = folder / f"{size}.{suffix}"
        write(SIZES[size], path)
        group = f"snapshot .{suffix}"
        scan = (PROGRAM, "scan", "--snapshot", str(path), "--rules", "all", *ALLOWED, "--format", "json", "--quiet")
        yield Case(group, "orjson parse alone", (PYTHON, "-m", "bench.parse", str(path)))
        yield Case(group, "tokenguard scan", (*scan, "--output", str(folder / "report.json")), status=(1,))


def collect(size: str, folder: Path) -> Iterator[Case]:  # noqa: ARG001
    """Every service principal of the sandbox: reading alone, and the whole process."""
    for group, inner in (("collect", True), ("collect, all in all", False)):
        yield Case(group, "httpx and orjson", _live("httpx", "list"), needs="tokenguard_sandbox", inner=inner)
        yield Case(group, "tokenguard", _live("tokenguard", "list"), needs="tokenguard_sandbox", inner=inner)


def batch(size: str, folder: Path) -> Iterator[Case]:  # noqa: ARG001
    """Six hundred objects of the sandbox."""
    for name, command in (
        ("httpx, one by one", _live("httpx", "single")),
        ("tokenguard, in batches", _live("tokenguard", "single")),
        ("and 5 % turned away", _live("tokenguard", "throttled")),
    ):
        yield Case("batch", name, command, needs="tokenguard_sandbox", inner=True)


def _live(client: str, task: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "bench.live", client, task)


GROUPS: Mapping[str, Callable[[str, Path], Iterator[Case]]] = {
    each.__name__: each for each in (startup, engine, snapshot, collect, batch)
}
LIVE = frozenset({"collect", "batch"})
"""Groups that need a sandbox."""
