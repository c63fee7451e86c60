"""What a benchmark can assert without noise: the same findings by every engine, and memory that does not grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.data import ALLOWED

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_the_engine_finds_in_a_large_tenant_what_hand_written_rules_find() -> None:
    by_hand, by_engine = (json.loads(run("bench.engines", name, "M")) for name in ("closures", "tokenguard"))
    assert by_engine["counts"] == by_hand["counts"]
    assert sum(by_hand["counts"]["failed"].values()) == 101


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.zst"])
def test_scanning_five_times_the_resources_takes_no_more_memory(tmp_path: Path, suffix: str) -> None:
    peaks = []
    for size in ("M", "L"):
        path = tmp_path / f"{size}.{suffix}"
        write = (
            f"from pathlib import Path; from bench import data; data.write(data.SIZES[{size!r}], Path({str(path)!r}))"
        )
        subprocess.run([sys.executable, "-c", write], cwd=ROOT, check=True)
        peaks.append(peak_megabytes(path, tmp_path / "report.json"))
    assert peaks[1] < 40
    assert peaks[1] - peaks[0] < 3


def peak_megabytes(snapshot: Path, report: Path) -> float:
    """Of a scan by all built-in rules, in a process of its own and without plugins, by its own word.

    Not by its parent's: Linux counts what the process was before it became another program.
    """
    scan = [
        "scan",
        "--snapshot",
        str(snapshot),
        "--rules",
        "all",
        *ALLOWED,
        "--format",
        "json",
        "--output",
        str(report),
    ]
    code = f"""
from pathlib import Path
from tokenguard.cli import run
assert run({[*scan, "--quiet"]!r}) == 1
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    environment = os.environ | {"TOKENGUARD_PLUGINS": ""}
    return int(subprocess.check_output([sys.executable, "-c", code], env=environment, cwd=snapshot.parent)) / 1024
