"""What a benchmark can assert without noise: the same findings by every engine, memory that does not grow, requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.data import ALLOWED, SIZES
from bench.live import SINGLE, TURNED_AWAY
from sandbox import RunningSandbox, new_sandbox  # noqa: F401  (a fixture)

ROOT = Path(__file__).parents[2]


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """What a module of the benchmarks prints, run in a process of its own."""
    command = [sys.executable, "-m", *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout)


def test_the_engine_finds_in_a_large_tenant_what_hand_written_rules_find() -> None:
    by_hand, by_engine = (run("bench.engines", name, "M") for name in ("closures", "tokenguard"))
    assert by_engine["counts"] == by_hand["counts"]
    assert sum(by_hand["counts"]["failed"].values()) == 101


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.zst"])
def test_scanning_five_times_the_resources_takes_no_more_memory(tmp_path: Path, suffix: str) -> None:
    peaks = []
    for size in ("S", "M", "L"):
        path = tmp_path / f"{size}.{suffix}"
        subprocess.run([sys.executable, "-m", "bench.data", size, str(path)], cwd=ROOT, check=True)
        peaks.append(own_peak_megabytes(path, tmp_path / "report.json"))
    _, medium, large = peaks  # the first run compiled the sources, which takes memory of its own
    assert large < 25  # with some 18 MB of files mapped in, under the 40 that `make bench` shows
    assert large - medium < 3


def own_peak_megabytes(snapshot: Path, report: Path) -> float:
    """Of a scan by all built-in rules, in a process of its own and without plugins."""
    output = ("--format", "json", "--output", str(report), "--quiet")
    scan = ["scan", "--snapshot", str(snapshot), "--rules", "all", *ALLOWED, *output]
    code = f"""
from bench.memory import own_peak_megabytes
from tokenguard.cli import run
assert run({scan!r}) == 1
print(own_peak_megabytes())
"""
    environment = os.environ | {"TOKENGUARD_PLUGINS": "", "PYTHONPYCACHEPREFIX": str(report.parent / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # bytecode is kept where a program is installed
    return float(subprocess.check_output([sys.executable, "-c", code], env=environment, cwd=ROOT))


def test_listing_five_times_the_principals_takes_no_more_memory(new_sandbox: Callable[..., RunningSandbox]) -> None:  # noqa: F811
    peaks = []
    for size in (SIZES["M"], SIZES["L"]):
        sandbox = new_sandbox("--tenant", "generated", "--principals", str(size))
        sandbox.forget()
        read = run("bench.live", "tokenguard", "list", environment=sandbox.environment)
        assert read["counts"] == {"rows": size}
        peaks.append(read["megabytes"])
    assert peaks[1] < 80
    assert peaks[1] - peaks[0] < 8


def test_only_what_was_turned_away_is_asked_again(new_sandbox: Callable[..., RunningSandbox]) -> None:  # noqa: F811
    sandbox = new_sandbox("--tenant", "generated", "--principals", "1000")
    sandbox.forget()
    read = run("bench.live", "tokenguard", "throttled", environment=sandbox.environment)
    assert read["counts"] == {"rows": SINGLE}
    batches = [request["parts"] for request in sandbox.requests() if request["path"].endswith("/$batch")]
    asked = Counter(part["path"] for parts in batches for part in parts)
    assert Counter(asked.values()) == {1: SINGLE - SINGLE // TURNED_AWAY, 2: SINGLE // TURNED_AWAY}


@pytest.mark.parametrize(
    ("rows", "requests"),
    [
        ("full", 1 + 1 + 20 / 20),  # the policies; the organization and a count; who holds the policies
        ("bare", 1 + 1 + 20 / 20 + 200 / 20),  # and who that is
    ],
)
def test_a_scan_of_a_large_tenant_makes_a_handful_of_requests(
    new_sandbox: Callable[..., RunningSandbox],  # noqa: F811
    rows: str,
    requests: int,
) -> None:
    tenant = ("--principals", str(SIZES["L"]), "--policies", "20", "--assignments", "200")
    sandbox = new_sandbox("--tenant", "generated", *tenant, "--setting", f"applies-to-rows={rows}")
    sandbox.forget()
    scan = [str(Path(sys.executable).parent / "tokenguard"), "scan", "--format", "json"]
    environment = {**sandbox.environment, "TOKENGUARD_PLUGINS": ""}
    report = json.loads(subprocess.run(scan, env=environment, capture_output=True, check=False).stdout)
    assert {each["type"]: each["count"] for each in report["types"]}["tokenLifetimePolicyAssignment"] == 200
    graph = [each["path"] for each in sandbox.requests() if "oauth2" not in each["path"] and "v2.0" not in each["path"]]
    assert len(graph) == requests
