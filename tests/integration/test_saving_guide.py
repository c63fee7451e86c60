"""What the guide to saved answers says to run saves a tenant that can be judged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from command import PROGRAM
from sandbox import SMALL, RunningSandbox

PAGE = (Path(__file__).parents[2] / "docs" / "saved-answers.md").read_text()
EMPTY = ("--tenant", "generated", "--principals", "20", "--policies", "0", "--assignments", "0")
AZ = """#!{python}
import json, pathlib, sys
answers = json.loads(pathlib.Path(sys.argv[0]).with_name("answers.json").read_text())
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
answer = answers[options["--uri"].removeprefix("https://graph.microsoft.com/v1.0")]
if "--query" in options:
    assert (options["--query"], options["--output"]) == ("value[].id", "tsv")
    print("\\n".join(row["id"] for row in answer["value"]))
else:
    print(json.dumps(answer, indent=2))
"""
"""Stands for the Azure CLI: prints the answers that were fetched before, and fails for what was refused."""


def block(kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def put_az(place: Path, sandbox: RunningSandbox) -> None:
    """A program `az` in `place` that answers as `sandbox` does."""
    listed = sandbox.call("GET", "/policies/tokenLifetimePolicies").json()
    answers = {
        "/organization": sandbox.call("GET", "/organization").json(),
        "/policies/tokenLifetimePolicies": listed,
    }
    for counted in ("/servicePrincipals/$count", "/policies/tokenLifetimePolicies/$count"):
        count = sandbox.call("GET", counted, headers={"ConsistencyLevel": "eventual"})
        if count.status_code == 200:
            answers[counted] = int(count.text.lstrip("\ufeff"))
    for policy in listed["value"]:
        of = f"/policies/tokenLifetimePolicies/{policy['id']}/appliesTo"
        answers[of] = sandbox.call("GET", of).json()
    place.mkdir()
    (place / "answers.json").write_text(json.dumps(answers))
    (place / "az").write_text(AZ.format(python=sys.executable))
    (place / "az").chmod(0o755)


@pytest.mark.parametrize("count", ["answer", "refuse"])
@pytest.mark.parametrize("tenant", [EMPTY, SMALL], ids=["empty", "small"])
def test_what_the_azure_cli_saves_by_the_guide_is_judged(
    tenant: tuple[str, ...], count: str, new_sandbox: Callable[..., RunningSandbox], tmp_path: Path
) -> None:
    put_az(tmp_path / "bin", new_sandbox(*tenant, "--setting", f"policy-count={count}"))
    saved = tmp_path / "saved"
    saved.mkdir()
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-euc", block("sh")], cwd=saved, env={**os.environ, "PATH": path}, check=True)
    assert json.loads((saved / "calls.json").read_text())["policies.json"] == "/policies/tokenLifetimePolicies"
    command = [PROGRAM, "scan", "--snapshot", "saved", "--strict", "--select", "access-token-lifetime-too-long"]
    result = subprocess.run([*command, "-f", "json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    report = json.loads(result.stdout)
    assert report["notEvaluated"] == []
    uncounted = (
        "rows missing from a list do not show without its count: GET /policies/tokenLifetimePolicies/$count: not "
    )
    assert [notice.startswith(uncounted) for notice in report["notices"]] == [True] * (count == "refuse")
    assert result.returncode == 0


def test_what_powershell_saves_by_the_guide_names_the_call_of_the_policies() -> None:
    """There is no PowerShell here to run it."""
    assert "'policies.json' = '/policies/tokenLifetimePolicies'" in block("powershell")
