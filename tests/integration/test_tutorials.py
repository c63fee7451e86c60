"""What the documentation tells people to do works as it is shown, from the first line of a page to the last."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.identity import ClientSecretCredential

from sandbox import RunningSandbox
from tutorial import ROOT, Command, File, follow, steps

DOCS = ROOT / "docs"
PLUGIN = ROOT / "plugins" / "tokenguard-conditional-access"
BIN = Path(sys.executable).parent


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of somebody who has installed tokenguard and not signed in anywhere."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "TOKENGUARD_"))}
    return {**kept, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    return place


@pytest.mark.parametrize(
    "page", ["index.md", "configuration.md", "writing-rules.md", "exit-status.md", "sandbox.md", "ci.md"]
)
def test_a_page_does_what_it_shows(page: str, folder: Path, environment: dict[str, str]) -> None:
    assert follow(DOCS / page, folder, environment) >= 2


EMPTY = ("--tenant", "generated", "--principals", "20", "--policies", "0", "--assignments", "0")
LIVE = {"explain.md": ((), 6), "fix.md": ((), 5), "five-hours.md": (EMPTY, 9)}
"""Page to the tenant that it is on, and how many commands it has."""


@pytest.mark.parametrize("page", LIVE)
def test_a_page_does_on_a_live_tenant_what_it_shows_and_leaves_it_as_it_was(
    new_sandbox: Callable[..., RunningSandbox], folder: Path, environment: dict[str, str], page: str
) -> None:
    tenant, commands = LIVE[page]
    sandbox = new_sandbox(*tenant, "--permissions", "write", "--propagation", "0")
    policies = sandbox.call("GET", "/policies/tokenLifetimePolicies").json()["value"]
    led_there = {**environment, **sandbox.environment, "PATH": environment["PATH"], "HOME": environment["HOME"]}
    assert follow(DOCS / page, folder, led_there) == commands
    assert sandbox.call("GET", "/policies/tokenLifetimePolicies").json()["value"] == policies


def test_a_page_that_shows_something_else_is_told(tmp_path: Path, environment: dict[str, str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one\ntwo\n```\n")
    with pytest.raises(AssertionError, match="does not print"):
        follow(page, tmp_path, environment)


def test_a_page_is_read_as_files_and_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '```json title="a/b.json"\n{}\n```\n\n```sh\nrm -rf /\n```\n\n```console\n$ one\n...\nshown\n$ two\n```\n'
    )
    assert list(steps(page)) == [File("a/b.json", "{}\n"), Command("one", ("shown",)), Command("two", ())]


# --- saved answers ------------------------------------------------------------------------------------------------

AZ = f"""#!{sys.executable}
import os, ssl, sys
import httpx
words = sys.argv[1:]
assert words.pop(0) == "rest", words
options = dict(zip(words[::2], words[1::2], strict=True))
headers = {{"Authorization": "Bearer " + os.environ["TOKEN"]}}
headers |= dict([options["--headers"].split("=")] if "--headers" in options else [])
url = options["--uri"].replace("https://graph.microsoft.com", os.environ["GRAPH"])
answer = httpx.get(url, headers=headers, verify=ssl.create_default_context(cafile=os.environ["AUTHORITY"]))
if options.get("--query") == "value[].id" and options.get("--output") == "tsv":
    print(*(row["id"] for row in answer.json()["value"]), sep="\\n")
else:
    print(answer.text)
"""


def test_what_the_azure_cli_is_told_to_save_is_enough_for_every_rule(
    new_sandbox: Callable[..., RunningSandbox], folder: Path, environment: dict[str, str]
) -> None:
    """The Azure CLI is a stand-in, which takes the options that the page gives it."""
    sandbox = new_sandbox("--tenant", "demo")
    program = folder.parent / "az"
    program.write_text(AZ)
    program.chmod(0o755)
    led_there = {
        "PATH": f"{folder.parent}:{environment['PATH']}",
        "TOKEN": sandbox.sign_in().json()["access_token"],
        "GRAPH": sandbox.url,
        "AUTHORITY": sandbox.variables["SSL_CERT_FILE"],
    }
    [calls] = re.findall(r"^```sh\n(.*?)^```$", (DOCS / "saved-answers.md").read_text(), re.MULTILINE | re.DOTALL)
    subprocess.run(["sh", "-euc", calls], cwd=folder, env={**environment, **led_there}, check=True)
    saved, live = (
        subprocess.run(
            [BIN / "tokenguard", "scan", "--format", "json", *where],
            cwd=folder,
            env=variables,
            capture_output=True,
            check=False,
        )
        for where, variables in ((["--snapshot", "."], environment), ([], sandbox.environment))
    )
    for what in ("findings", "notEvaluated"):
        assert judged(saved.stdout, what) == judged(live.stdout, what) != []


def judged(report: bytes, what: str) -> list[tuple[str, str]]:
    return sorted((each["rule"], each["resource"]["id"]) for each in json.loads(report)[what])


# --- the plugin ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment where the tutorial's package is built and installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "behind.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    wheels = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, PLUGIN]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = wheels.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(install, check=True)
    program = folder / "bin" / "tokenguard"
    program.write_text(f"#!{folder}/bin/python\nfrom tokenguard.cli import main\nmain()\n")
    program.chmod(0o755)
    return program.parent


@pytest.mark.parametrize("page", [DOCS / "writing-plugins.md", PLUGIN / "README.md"], ids=["tutorial", "README"])
def test_the_tutorial_s_plugin_does_what_is_shown(
    page: Path, with_plugin: Path, folder: Path, environment: dict[str, str]
) -> None:
    if page.name == "README.md":
        environment |= {"TOKENGUARD_PLUGINS": "tokenguard-conditional-access"}
        folder = PLUGIN
    assert follow(page, folder, {**environment, "PATH": f"{with_plugin}:{environment['PATH']}"}) >= 1


CONTROL = '"isEnabled": true, "value": 4, "type": "hours", "frequencyInterval": "timeBased"'


SAVED = """
{{"value": [{{"id": "1", "displayName": "P", "state": "enabled", "sessionControls": {{"signInFrequency": {{{}}}}}}}]}}
"""
JUDGE = ("scan", "--snapshot", ".", "--rules", "conditional-access", "--select", "sign-in-frequency-too-long")


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ('"isEnabled": true, "value": 168, "type": "hours"', (0, "1 pass")),
        ('"isEnabled": true, "value": 169, "type": "hours"', (1, "7 d 1 h")),
        ('"isEnabled": true, "value": 8, "type": "days"', (1, "8 d")),
        ('"isEnabled": false, "value": 8, "type": "days"', (0, "nothing to check")),
        ('"isEnabled": null, "value": 8, "type": "days"', (0, "nothing to check")),
        ('"isEnabled": true, "frequencyInterval": "everyTime", "value": null, "type": null', (0, "1 pass")),
        ('"isEnabled": true, "frequencyInterval": "EveryTime", "value": null, "type": null', (0, "1 pass")),
        ('"isEnabled": true, "frequencyInterval": "TimeBased", "value": 8, "type": "Days"', (1, "8 d")),
        ('"isEnabled": true, "value": 8, "type": "fortnights"', (3, "fortnights")),
        ('"isEnabled": true, "value": null, "type": "hours"', (3, "unknown")),
        ('"isEnabled": true, "value": 0, "type": "hours"', (3, "unknown")),
        ('"isEnabled": true, "value": -4, "type": "hours"', (3, "unknown")),
        ('"isEnabled": true, "value": true, "type": "hours"', (3, "unknown")),
        ('"isEnabled": true, "frequencyInterval": "unknownFutureValue", "value": 4, "type": "hours"', (3, "unknown")),
    ],
)
def test_the_plugin_reads_the_control_with_its_unit_and_its_switch(
    with_plugin: Path, folder: Path, environment: dict[str, str], control: str, expected: tuple[int, str]
) -> None:
    (folder / "calls.json").write_text((PLUGIN / "example-answers" / "calls.json").read_text())
    (folder / "policies.json").write_text(SAVED.format(control))
    command = [with_plugin / "tokenguard", *JUDGE]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    status, said = expected
    assert result.returncode == status, result.stderr
    assert said in result.stdout


def test_the_plugin_takes_a_property_that_was_left_out_for_unknown(
    with_plugin: Path, folder: Path, environment: dict[str, str]
) -> None:
    """Taken for null, a missing state would be not "enabled", and the policy not judged without a word."""
    (folder / "calls.json").write_text((PLUGIN / "example-answers" / "calls.json").read_text())
    (folder / "policies.json").write_text(SAVED.format(CONTROL).replace('"state": "enabled", ', ""))
    command = [with_plugin / "tokenguard", *JUDGE]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 3, result.stderr
    assert "state was not read" in result.stdout


@pytest.mark.parametrize("id_", ['"id": null, ', '"id": 7, ', '"id": "", ', ""])
def test_the_plugin_takes_a_policy_without_an_id_for_one_that_was_not_read(
    with_plugin: Path, folder: Path, environment: dict[str, str], id_: str
) -> None:
    (folder / "calls.json").write_text((PLUGIN / "example-answers" / "calls.json").read_text())
    (folder / "policies.json").write_text(SAVED.format(CONTROL).replace('"id": "1", ', id_))
    command = [with_plugin / "tokenguard", *JUDGE]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 3, result.stderr
    assert "a policy has no id" in result.stdout


def test_the_plugin_takes_session_controls_of_another_shape_for_unknown(
    with_plugin: Path, folder: Path, environment: dict[str, str]
) -> None:
    (folder / "calls.json").write_text((PLUGIN / "example-answers" / "calls.json").read_text())
    policy = {"id": "1", "displayName": "P", "state": "enabled", "sessionControls": []}
    (folder / "policies.json").write_text(json.dumps({"value": [policy]}))
    command = [with_plugin / "tokenguard", *JUDGE]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 3, result.stderr
    assert "sessionControls" in result.stdout


def test_the_plugin_takes_a_page_that_is_not_the_last_for_no_whole_list(
    with_plugin: Path, folder: Path, environment: dict[str, str]
) -> None:
    (folder / "calls.json").write_text((PLUGIN / "example-answers" / "calls.json").read_text())
    (folder / "policies.json").write_text(
        '{"value": [], "@odata.nextLink": "https://graph.microsoft.com/v1.0/x?$skiptoken=1"}'
    )
    command = [with_plugin / "tokenguard", "scan", "--snapshot", folder, "--rules", "conditional-access"]
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 3


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("v1.0/$metadata#identity/conditionalAccess/policies", (0, "NOTHING TO CHECK")),
        ("v1.0/$metadata#conditionalAccess/policies", (0, "NOTHING TO CHECK")),
        ("beta/$metadata#identity/conditionalAccess/policies", (0, "of Microsoft Graph beta")),
        ("v1.0/$metadata#users", (3, "policies.json does not count")),
        ("v1.0/$metadata#policies/tokenLifetimePolicies", (3, "policies.json does not count")),
        ("v1.0/$metadata#identity/conditionalAccess/namedLocations", (3, "policies.json does not count")),
    ],
)
def test_an_answer_counts_for_the_call_of_the_plugin_where_its_context_confirms_that(
    with_plugin: Path, folder: Path, environment: dict[str, str], context: str, expected: tuple[int, str]
) -> None:
    status, said = expected
    (folder / "calls.json").write_text((PLUGIN / "example-answers" / "calls.json").read_text())
    answer = {"@odata.context": f"https://graph.microsoft.com/{context}", "value": []}
    (folder / "policies.json").write_text(json.dumps(answer))
    command = [with_plugin / "tokenguard", *JUDGE]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    assert said in result.stdout


CONDITIONAL_ACCESS = "/identity/conditionalAccess/policies"


@pytest.mark.parametrize("rows", [100, 2])
def test_the_plugin_judges_a_live_tenant_at_the_pace_of_conditional_access_and_only_reads(
    with_plugin: Path,
    folder: Path,
    environment: dict[str, str],
    new_sandbox: Callable[..., RunningSandbox],
    rows: int,
) -> None:
    sandbox = new_sandbox("--tenant", "demo", "--setting", f"policy-page-size={rows}")
    result = scan_conditional_access(with_plugin, folder, environment, sandbox)
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert [(each["rule"], each["resource"]["name"]) for each in report["findings"]] == [
        ("sign-in-frequency-too-long", "Everybody, once a month"),
        ("sign-in-frequency-not-enforced", "Guests, once a day (trial)"),
    ]
    assert report["notEvaluated"] == []
    selected = {each["id"]: (each["selected"], each["passed"]) for each in report["rules"]}
    assert selected == {"sign-in-frequency-not-enforced": (4, 3), "sign-in-frequency-too-long": (3, 2)}
    asked = [each for each in sandbox.requests() if each["path"].startswith("/identity")]
    assert {each["method"] for each in asked} == {"GET"}
    assert len([each for each in asked if each["status"] == 200]) == -(-5 // rows)


@pytest.mark.parametrize(
    "broken",
    [
        (f"GET {CONDITIONAL_ACCESS}=403", "Policy.Read.All"),
        (f"GET {CONDITIONAL_ACCESS}=foreign", "another place"),
        (f"GET {CONDITIONAL_ACCESS}=html", "no JSON"),
        (f"GET {CONDITIONAL_ACCESS}=404", "404"),
    ],
)
def test_what_the_plugin_could_not_read_to_the_end_is_not_compliance(
    with_plugin: Path, folder: Path, environment: dict[str, str], sandbox: RunningSandbox, broken: tuple[str, str]
) -> None:
    """Read to the end, there is nothing to find in this tenant."""
    fault, said = broken
    sandbox.fail(fault)
    result = scan_conditional_access(with_plugin, folder, environment, sandbox)
    assert result.returncode == 3, result.stderr
    assert said in result.stdout


def scan_conditional_access(
    with_plugin: Path, folder: Path, environment: dict[str, str], sandbox: RunningSandbox
) -> subprocess.CompletedProcess[str]:
    led_there = {**environment, **sandbox.environment, "PATH": environment["PATH"]}
    command = [with_plugin / "tokenguard", "scan", "--rules", "conditional-access", "--format", "json"]
    return subprocess.run(command, env=led_there, cwd=folder, capture_output=True, text=True, check=False)


# --- renewing -----------------------------------------------------------------------------------------------------


@pytest.fixture
def renewing(sandbox: RunningSandbox) -> Iterator[Callable[[], str]]:
    """Asks for the header as the example does, with azure-identity as it is, against the sandbox."""
    specification = importlib.util.spec_from_file_location("renewing", DOCS / "renewing.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    with ClientSecretCredential(
        *(sandbox.variables[name] for name in names),
        authority=sandbox.variables["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
        connection_verify=sandbox.variables["REQUESTS_CA_BUNDLE"],
    ) as credential:
        yield lambda: module.authorization(credential, "https://contoso.crm4.dynamics.com")["Authorization"]


@pytest.mark.parametrize(("minutes", "renewed"), [(1, False), (54, False), (56, True), (61, True)], ids=str)
def test_a_token_is_renewed_five_minutes_before_it_expires(
    renewing: Callable[[], str], monkeypatch: pytest.MonkeyPatch, minutes: int, renewed: bool
) -> None:
    """The clock is put forward; that the token lives an hour is the sandbox's first setting."""
    import time

    first, now = renewing(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + minutes * 60)
    assert (renewing() != first) is renewed


def test_the_plugin_knows_a_state_whatever_its_letter_case(
    with_plugin: Path, folder: Path, environment: dict[str, str]
) -> None:
    (folder / "calls.json").write_text((PLUGIN / "example-answers" / "calls.json").read_text())
    (folder / "policies.json").write_text(SAVED.format(CONTROL).replace('"enabled"', '"Enabled"'))
    command = [with_plugin / "tokenguard", *JUDGE]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "1 pass" in result.stdout
