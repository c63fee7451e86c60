"""`python -m bench [GROUP ...] [--size S|M|L] [--rounds N] [--json FILE]`: print ratios within one run.

Every case runs in a fresh process; cases are interleaved, and medians compared with the first case of their group.
Times are of the processor, in user and system mode: others who use the machine disturb them least. They say something
about this machine only, so they are shown but never compared with stored ones.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import GROUPS, LIVE, Case
from bench.data import SIZES


@dataclass(frozen=True)
class Sample:
    seconds: float
    megabytes: float
    """Peak. Linux counts in this program's own, 20 MB (40 with a sandbox), unless the case measured it itself."""
    counts: str = ""


def run(case: Case, environment: Mapping[str, str]) -> Sample:
    """Run a case once in a fresh process. Raises when it did not end as it should: its time would mean nothing."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(case.command, stdout=output, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in case.status:
            raise SystemExit(f"{case.name} ended with {process.returncode}: {' '.join(case.command)}")
        if not case.inner:
            return Sample(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
        output.seek(0)
        inner = json.loads(output.read())
    return Sample(inner["seconds"], inner.get("megabytes", usage.ru_maxrss / 1024), json.dumps(inner["counts"]))


@contextmanager
def surroundings(groups: Collection[str], size: str) -> Iterator[Mapping[str, str]]:
    """The environment of all cases: as where tokenguard is installed, bytecode is kept and there is no plugin.

    Where a group needs one, a sandbox with a tenant of `size` principals runs meanwhile.
    """
    with ExitStack() as stack:
        around: Mapping[str, str] = os.environ
        if not LIVE.isdisjoint(groups):
            from tests.sandbox import start

            around = stack.enter_context(start("--tenant", "generated", "--principals", str(SIZES[size]))).environment
        kept = {name: value for name, value in around.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield kept | {"TOKENGUARD_PLUGINS": ""}


def measure(wanted: Sequence[Case], rounds: int, environment: Mapping[str, str]) -> dict[Case, list[Sample]]:
    samples: dict[Case, list[Sample]] = {case: [] for case in wanted}
    for number in range(rounds + 1):
        for case in wanted:
            sample = run(case, environment)
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
    parser.add_argument("groups", nargs="*", default=[*GROUPS], metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--size", choices=SIZES, default="M")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if unknown := set(arguments.groups) - GROUPS.keys():
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    with tempfile.TemporaryDirectory() as folder:
        every = [case for name in arguments.groups for case in GROUPS[name](arguments.size, Path(folder))]
        for case in every:
            if not case.available:
                print(f"skipped: {case.name} ({case.needs} is not installed; `pip install --group bench`)")
        wanted = [case for case in every if case.available]
        with surroundings({case.group for case in wanted}, arguments.size) as environment:
            rows = summarise(measure(wanted, arguments.rounds, environment))
    for row in rows:
        print(
            f"{row['group']:20} {row['case']:24} {row['ratio']:8.2f} x   {row['medianSeconds'] * 1000:9.1f} ms"
            f"   ({row['minSeconds'] * 1000:.1f} to {row['maxSeconds'] * 1000:.1f})   {row['peakMegabytes']:6.1f} MB"
        )
    if arguments.json:
        about = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
        arguments.json.write_text(json.dumps({"environment": about, "size": arguments.size, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
