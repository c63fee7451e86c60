"""From saved answers to a snapshot to a verdict, through the command that a user runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SAVED = Path(__file__).parents[1] / "data" / "saved-answers"
PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
WHOLE = ["az-rest", "graph-explorer", "powershell"]
RULES = [
    "access-token-lifetime-too-long",
    "token-lifetime-policy-on-microsoft-resource",
    "unassigned-token-lifetime-policy",
    "token-lifetime-precedence-ambiguous",
]


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


def collect(folder: Path, output: Path) -> subprocess.CompletedProcess[str]:
    selected = [part for rule in RULES for part in ("--select", rule)]
    return run("collect", "--from", folder, "--output", output, *selected, cwd=output.parent)


def resources(path: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    return lines[1:-1]


@pytest.mark.parametrize("tool", WHOLE)
def test_every_tool_that_saves_whole_answers_gives_the_same_resources(tool, tmp_path):
    path = tmp_path / "tenant.jsonl"
    done = collect(SAVED / tool, path)
    assert (done.returncode, done.stdout) == (0, "")
    assert collect(SAVED / WHOLE[0], tmp_path / "first.jsonl").returncode == 0
    assert resources(path) == resources(tmp_path / "first.jsonl")
    assert {line["type"] for line in resources(path)} >= {"tokenLifetimePolicy", "tokenLifetimePolicyAssignment"}


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_snapshot_gives_the_verdict_that_the_folder_gives(tmp_path, suffix):
    path = tmp_path / f"tenant.jsonl{suffix}"
    assert collect(SAVED / "az-rest", path).returncode == 0
    selected = [part for rule in RULES for part in ("--select", rule)]
    fresh, kept = (
        run("scan", "--snapshot", source, "--format", "json", *selected, cwd=tmp_path)
        for source in (SAVED / "az-rest", path)
    )
    assert fresh.returncode == kept.returncode == 1
    found, again = (
        [(finding["rule"], finding["resource"]["id"]) for finding in json.loads(done.stdout)["findings"]]
        for done in (fresh, kept)
    )
    assert found == again
    assert {rule for rule, _ in found} >= set(RULES[:2])


def test_objects_without_their_lists_are_not_compliance(tmp_path):
    path = tmp_path / "tenant.jsonl"
    done = collect(SAVED / "entra-exporter", path)
    assert done.returncode == 3
    assert "only single objects of that list were saved" in done.stderr
    assert "GET /policies/tokenLifetimePolicies" in done.stderr
    assert run("scan", "--snapshot", path, "--select", RULES[0], cwd=tmp_path).returncode == 3


def test_holders_of_no_known_policy_are_asked_for_by_name(tmp_path):
    folder = shutil.copytree(SAVED / "az-rest", tmp_path / "answers")
    (folder / "calls.json").unlink()
    done = collect(folder, tmp_path / "tenant.jsonl")
    assert done.returncode == 3
    assert "/appliesTo" in done.stderr
    assert "calls.json" in done.stderr


@pytest.mark.parametrize("cut", [1, 2, 100, 2000])
def test_a_snapshot_that_was_cut_off_is_refused_with_one_message_and_no_output(tmp_path, cut):
    path = tmp_path / "tenant.jsonl"
    assert collect(SAVED / "az-rest", path).returncode == 0
    path.write_bytes(path.read_bytes()[:-cut])
    done = run(
        "scan", "--snapshot", path, "--select", RULES[0], "--output", "report.json", "--format", "json", cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "tenant.jsonl" in done.stderr
    assert not (tmp_path / "report.json").exists()


def test_a_folder_that_contradicts_itself_leaves_the_old_snapshot_as_it_was(tmp_path):
    folder = shutil.copytree(SAVED / "az-rest", tmp_path / "answers")
    path = tmp_path / "tenant.jsonl"
    assert collect(folder, path).returncode == 0
    before = path.read_bytes()
    (folder / "policies.json").write_text('{"value": [')
    done = collect(folder, path)
    assert done.returncode == 2
    assert "policies.json" in done.stderr
    assert path.read_bytes() == before
