"""`python -m bench [GROUP ...] [--size S|M|L] [--rounds N] [--json FILE]`: print ratios within one run.

Every case runs in a fresh process; cases are interleaved, and medians compared with the first case of their group.
Absolute times say something about this machine only, so they are shown but never compared with stored ones.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data import ALLOWED, SIZES, write


@dataclass(frozen=True)
class Case:
    """A command to time; the first of its group is what the others are compared with."""

    group: str
    name: str
    command: tuple[str, ...]
    needs: str = ""
    """A module or program that must be there; without it the case is skipped, by name."""
    inner: bool = False
    """The command times itself and prints `seconds` and `counts`."""
    status: tuple[int, ...] = (0,)

    @property
    def available(self) -> bool:
        return not self.needs or bool(importlib.util.find_spec(self.needs) or shutil.which(self.needs))


@dataclass(frozen=True)
class Sample:
    seconds: float
    megabytes: float
    """Peak; never less than this program's own 20 MB, which Linux counts in."""
    counts: str = ""


def cases(groups: Sequence[str], size: str, folder: Path) -> Iterator[Case]:
    python = sys.executable
    program = str(Path(python).parent / "tokenguard")
    if "startup" in groups:
        yield Case("startup", "python -c pass", (python, "-c", "pass"))
        yield Case("startup", "tokenguard --version", (program, "--version"))
        yield Case("startup", "tokenguard --help", (program, "--help"))
        yield Case("startup", "tokenguard scan --demo", (program, "scan", "--demo"), status=(1,))
        yield Case("startup", "custodian --help", ("custodian", "--help"), needs="custodian")
        yield Case("startup", "checkov --help", ("checkov", "--help"), needs="checkov")
    if "engine" in groups:
        for name in ("closures", "tokenguard", "jsonschema-rs", "fastjsonschema", "jsonschema"):
            needs = name.replace("-", "_") if "json" in name else ""
            yield Case("engine", name, (python, "-m", "bench.engines", name, size), needs=needs, inner=True)
    if "snapshot" in groups:
        for suffix in ("jsonl", "jsonl.gz", "jsonl.zst"):
            path = folder / f"{size}.{suffix}"
            write(SIZES[size], path)
            group = f"snapshot .{suffix}"
            if suffix != "jsonl.zst":
                yield Case(group, "orjson parse alone", (python, "-m", "bench.parse", str(path)))
            scan = (program, "scan", "--snapshot", str(path), "--rules", "all", *ALLOWED, "--format", "json", "--quiet")
            yield Case(group, "tokenguard scan", (*scan, "--output", str(folder / "report.json")), status=(1,))


def run(case: Case) -> Sample:
    """Run a case once in a fresh process. Raises when it did not end as it should: its time would mean nothing."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(case.command, stdout=output, stderr=subprocess.DEVNULL, env=environment())
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in case.status:
            raise SystemExit(f"{case.name} ended with {process.returncode}: {' '.join(case.command)}")
        if not case.inner:
            return Sample(seconds, usage.ru_maxrss / 1024)
        output.seek(0)
        inner = json.loads(output.read())
    return Sample(inner["seconds"], usage.ru_maxrss / 1024, json.dumps(inner["counts"]))


def environment() -> dict[str, str]:
    """As on a machine where it is installed: bytecode is kept, and there is no plugin."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"TOKENGUARD_PLUGINS": ""}


def measure(wanted: Sequence[Case], rounds: int) -> dict[Case, list[Sample]]:
    samples: dict[Case, list[Sample]] = {case: [] for case in wanted}
    for number in range(rounds + 1):
        for case in wanted:
            sample = run(case)
            if number:  # the first round warms the caches
                samples[case].append(sample)
    return samples


def summarise(samples: Mapping[Case, Sequence[Sample]]) -> list[dict[str, Any]]:
    rows = []
    base: dict[str, float] = {}
    counts: dict[str, str] = {}
    for case, runs in samples.items():
        seconds = statistics.median(sample.seconds for sample in runs)
        base.setdefault(case.group, seconds)
        for sample in runs:
            if sample.counts != counts.setdefault(case.group, sample.counts):
                raise SystemExit(f"{case.name} does not count what the first of {case.group} counts")
        rows.append(
            {
                "group": case.group,
                "case": case.name,
                "ratio": round(seconds / base[case.group], 2),
                "medianSeconds": round(seconds, 4),
                "minSeconds": round(min(sample.seconds for sample in runs), 4),
                "maxSeconds": round(max(sample.seconds for sample in runs), 4),
                "peakMegabytes": round(max(sample.megabytes for sample in runs), 1),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("groups", nargs="*", default=["startup", "engine", "snapshot"], metavar="GROUP")
    parser.add_argument("--size", choices=SIZES, default="M")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        every = list(cases(arguments.groups, arguments.size, Path(folder)))
        for case in every:
            if not case.available:
                print(f"skipped: {case.name} ({case.needs} is not installed; `pip install --group bench`)")
        rows = summarise(measure([case for case in every if case.available], arguments.rounds))
    for row in rows:
        print(
            f"{row['group']:20} {row['case']:24} {row['ratio']:8.2f} x   {row['medianSeconds'] * 1000:9.1f} ms"
            f"   ({row['minSeconds'] * 1000:.1f} to {row['maxSeconds'] * 1000:.1f})   {row['peakMegabytes']:6.1f} MB"
        )
    if arguments.json:
        environment = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
        arguments.json.write_text(
            json.dumps({"environment": environment, "size": arguments.size, "rows": rows}, indent=2)
        )


if __name__ == "__main__":
    main()
