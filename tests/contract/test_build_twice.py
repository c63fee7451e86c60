"""What is released is built by the locked builder alone, twice, to the same bytes: workflows, gate and Makefile."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from checkout import ROOT, copy_checkout
from locked import pins

WORKFLOWS = ROOT / ".github" / "workflows"


def jobs(workflow: str) -> dict[str, Any]:
    return yaml.safe_load((WORKFLOWS / workflow).read_text())["jobs"]


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def actions(job: dict[str, Any]) -> set[str]:
    return {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}


# --- what the workflows and the gate run --------------------------------------------------------------------------


def test_the_release_builds_where_nothing_but_the_locked_builder_is() -> None:
    build = jobs("release.yml")["build"]
    *made, check = commands(build)
    assert made == ["make build", "make reproduce"]
    assert "pip" not in check
    assert actions(build) == {"actions/checkout", "actions/setup-python", "actions/upload-artifact"}
    [python] = [step["with"] for step in build["steps"] if "setup-python" in step.get("uses", "")]
    assert python.keys() == {"python-version"}  # no cache, which another job could have filled


def test_the_bill_of_materials_is_made_elsewhere_of_what_was_built() -> None:
    release = jobs("release.yml")
    assert [name for name, job in release.items() if "make sbom" in commands(job)] == ["sbom"]
    assert commands(release["sbom"]) == ["make sbom"]
    assert release["sbom"]["needs"] == "build"
    assert "actions/download-artifact" in actions(release["sbom"])
    assert set(release["attest"]["needs"]) == {"build", "sbom"}


def test_ci_builds_twice_and_compares() -> None:
    assert "make build" not in commands(jobs("ci.yml")["test"])
    assert commands(jobs("ci.yml")["build"]) == ["make build", "make reproduce"]


def test_the_gate_builds_twice_and_compares() -> None:
    gate = (ROOT / ".ci" / "run").read_text()
    assert "\nmake build\nmake reproduce\n" in gate
    assert gate.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in gate


# --- what those commands do ---------------------------------------------------------------------------------------


def make(checkout: Path, target: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "SOURCE_DATE_EPOCH")}
    return subprocess.run(["make", target], cwd=checkout, env=kept, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout in which `make build` has run, as it runs anywhere: with pip, from the index it has."""
    folder = copy_checkout(tmp_path_factory.mktemp("somewhere") / "checkout")
    result = make(folder, "build")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_the_builder_s_environment_has_what_is_locked_and_nothing_else(checkout: Path) -> None:
    python = checkout / "build" / "builder" / "bin" / "python"
    program = "from importlib.metadata import distributions as d; print(*[f'{x.name}=={x.version}' for x in d()])"
    listed = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    locked = {f"{pin.name}=={pin.version}" for pin in pins("build") if pin.requirement.marker is None}
    assert {name.replace("_", "-") for name in listed} == locked


def test_a_second_build_is_compared_and_the_same(checkout: Path) -> None:
    result = make(checkout, "reproduce")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the same bytes" in result.stdout


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_a_second_build_that_differs_ends_the_run(checkout: Path, kind: str) -> None:
    [built] = (checkout / "dist").glob(kind)
    right = built.read_bytes()
    built.write_bytes(right + b"\0")
    try:
        result = make(checkout, "reproduce")
    finally:
        built.write_bytes(right)
    assert result.returncode != 0
    assert f"{built.name} differ" in result.stdout
    assert "the same bytes" not in result.stdout
