"""The built `scan` command: what it says, to whom, and with which exit status."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "tokenguard"
TOO_LONG = "access-token-lifetime-too-long"
LONG_POLICY = "Partner Portal"
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOKENGUARD_", "AZURE_"))}
    return kept | {"TOKENGUARD_PLUGINS": ""} | changes


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=tmp_path,
            env=environment(**changes),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return call


def refused(result: subprocess.CompletedProcess[str], *said: str) -> None:
    """One clear message, exit status 2, no traceback, nothing on standard output."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "Internal error" not in result.stderr
    for text in said:
        assert text in result.stderr


# --- verdicts ---------------------------------------------------------------------------------------------------


def test_the_demo_has_findings_and_says_so_in_its_exit_status(run: Run) -> None:
    result = run("scan", "--demo")
    assert result.returncode == 1
    assert result.stdout.startswith("NOT COMPLIANT")
    assert "the embedded tenant" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--select", "several-organization-default-policies"], 0),
        (["--select", TOO_LONG], 1),
        (["--select", TOO_LONG, "--fail-on", "critical"], 3),  # one policy of the demo has no readable lifetime
        (["--select", "organization-default-policy"], 1),
        (["--select", "organization-default-policy", "--exit-zero"], 0),
        (["--select", TOO_LONG, "--exit-zero"], 3),
        (["--select", "application-token-lifetime-too-long"], 3),
        (["--select", "application-token-lifetime-too-long", "--exit-zero"], 3),
        (["--select", TOO_LONG, "--set", f"{TOO_LONG}.maximum=P1D"], 3),
        (["--ignore", "*"], 2),
    ],
)
@pytest.mark.parametrize("format_", ["text", "json", "sarif"])
def test_the_exit_status_is_the_same_for_every_format(
    run: Run, arguments: list[str], status: int, format_: str
) -> None:
    assert run("scan", "--demo", "--format", format_, *arguments).returncode == status


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "organization-default-policy",
            "exit status 0: no finding may fail this run; without --exit-zero it is 1, as there are findings",
        ),
        (TOO_LONG, "exit status 3: something could not be read or decided, so compliance is not known; no finding may"),
        (
            "several-organization-default-policies",
            "exit status 0: everything that was asked could be evaluated, and nothing that fails was found\n",
        ),
    ],
)
def test_the_text_says_the_status_that_the_process_ends_with(run: Run, rule: str, said: str) -> None:
    result = run("scan", "--demo", "--select", rule, "--exit-zero")

    assert said in result.stdout
    assert said.startswith(f"exit status {result.returncode}: ")
    assert result.stdout.startswith("COMPLIANT" if "several" in rule else "NOT COMPLIANT")


def test_what_could_not_be_read_is_not_evaluated_and_named(run: Run) -> None:
    result = run("scan", "--demo", "--select", "application-token-lifetime-too-long")
    assert "NOT EVALUATED" in result.stdout.upper()
    assert "Application.Read.All" in result.stdout


# --- outputs ----------------------------------------------------------------------------------------------------


def test_formats_and_outputs_pair_up_and_repeat(run: Run, tmp_path: Path) -> None:
    result = run("scan", "--demo", "-f", "json", "-o", "report.json", "-f", "sarif", "-o", "report.sarif", "-f", "text")
    assert result.returncode == 1
    assert json.loads((tmp_path / "report.json").read_text())["kind"] == "tokenguard-report"
    assert json.loads((tmp_path / "report.sarif").read_text())["version"] == "2.1.0"
    assert result.stdout.startswith("NOT COMPLIANT")


def test_the_suffix_of_an_output_names_its_format(run: Run, tmp_path: Path) -> None:
    assert run("scan", "--demo", "-o", "report.sarif").returncode == 1
    assert json.loads((tmp_path / "report.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize(("name", "begins"), [("r.txt", "NOT COMPLIANT  "), ("r.md", "# tokenguard: NOT COMPLIANT\n")])
def test_a_suffix_that_people_use_names_a_format_too(run: Run, tmp_path: Path, name: str, begins: str) -> None:
    assert run("scan", "--demo", "-o", name).returncode == 1
    assert (tmp_path / name).read_text().startswith(begins)


def test_files_with_tenant_data_are_for_their_owner_alone(run: Run, tmp_path: Path) -> None:
    run("scan", "--demo", "-o", "report.json", "--save-snapshot", "tenant.jsonl", "--write-baseline", "known.json")
    for name in ("report.json", "tenant.jsonl", "known.json"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_link_leads_no_report_to_another_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("good")
    (tmp_path / "report.json").symlink_to("precious")
    assert run("scan", "--demo", "-o", "report.json").returncode == 1
    assert json.loads((tmp_path / "report.json").read_text())["kind"] == "tokenguard-report"
    assert (tmp_path / "precious").read_text() == "good"


def test_standard_output_that_goes_to_a_file_is_written_to_by_its_name_in_dev(tmp_path: Path) -> None:
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")  # as /dev/stdout, which no test shall put at risk
    with (tmp_path / "report.json").open("wb") as file:
        result = subprocess.run(
            [PROGRAM, "scan", "--demo", "-f", "json", "-o", "stdout"],
            cwd=tmp_path, env=environment(), stdout=file, check=False,
        )  # fmt: skip
    assert result.returncode == 1
    assert (tmp_path / "stdout").is_symlink()
    assert json.loads((tmp_path / "report.json").read_text())["kind"] == "tokenguard-report"


def test_a_saved_snapshot_gives_the_same_findings_again(run: Run, tmp_path: Path) -> None:
    run("scan", "--demo", "--save-snapshot", "tenant.jsonl.zst", "-o", "first.json")
    run("scan", "--snapshot", "tenant.jsonl.zst", "--rules", "all", "-o", "second.json")
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("first.json", "second.json"))
    assert len(first["findings"]) > 20
    for name in ("findings", "notEvaluated", "rules", "types"):
        assert first[name] == second[name]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "nowhere/report.json"], "nowhere does not exist"),
        (["-f", "json", "-o", "."], "is a folder"),
        (["-f", "json", "-f", "text"], "two reports would go to standard output"),
        (["-f", "json", "-o", "a", "-f", "text", "-o", "a"], "two reports would go to a"),
        (["-o", "report.pdf"], "the suffix names no format"),
        (["-f", "jsn"], 'did you mean "json"?'),
        (["-o", "a.json", "-o", "./a.json"], "two reports would go to a.json"),
        (["-o", "a.json", "--save-snapshot", "./a.json"], "two things would go to a.json"),
        (["-o", "a.json", "--write-baseline", "a.json"], "two things would go to a.json"),
        (["--save-snapshot", "nowhere/tenant.jsonl"], "the folder nowhere does not exist"),
        (["--write-baseline", "nowhere/known.json"], "the folder nowhere does not exist"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    refused(run("scan", "--demo", *arguments), said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "--snapshot", "missing.jsonl", "--save-snapshot", "nowhere/tenant.jsonl"],
        ["scan", "--snapshot", "missing.jsonl", "--write-baseline", "nowhere/known.json"],
        ["collect", "--from", "missing", "--output", "nowhere/tenant.jsonl"],
        ["fix", "--config", "/dev/null", "--out", "nowhere/plan.json"],
    ],
)
def test_where_nothing_can_be_written_nothing_is_read(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    refused(result, "the folder nowhere does not exist")
    assert "missing" not in result.stderr


def test_a_device_that_is_full_is_an_error_and_not_a_report(run: Run) -> None:
    result = run("scan", "--demo", "-f", "json", "-o", "/dev/full")
    assert result.returncode == 2
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_failed_write_leaves_the_report_that_was_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("good")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); from tokenguard.cli import main"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"{code}; import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); main()",
         "scan", "--demo", "-o", "report.json"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "good"


def test_a_reader_that_goes_away_is_141(tmp_path: Path) -> None:
    with subprocess.Popen(
        [PROGRAM, "scan", "--demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def _opened_for_writing(pipe: Path) -> int:
    """The other end of `pipe`, once somebody reads from it."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody yet
                raise
            time.sleep(0.05)


def test_ctrl_c_is_130_and_leaves_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never.jsonl")
    with subprocess.Popen(
        [PROGRAM, "scan", "--snapshot", "never.jsonl", "-o", "report.json"],
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
    ) as process:
        other_end = _opened_for_writing(tmp_path / "never.jsonl")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        os.close(other_end)
        assert process.stderr is not None
        assert process.stderr.read() == b"Interrupted.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["never.jsonl"]


@pytest.mark.parametrize("module", ["click", "click.core", "tokenguard.cli.program", "tokenguard.cli.scan"])
def test_ctrl_c_while_it_starts_is_no_traceback(module: str) -> None:
    program = f"""
import sys
from tokenguard.cli import main
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
sys.argv = ["tokenguard", "scan", "--demo"]
main()
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment(), check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"Interrupted.\n")


# --- configuration ----------------------------------------------------------------------------------------------


def test_the_nearest_configuration_is_used_and_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tokenguard.toml").write_text(
        f'[scan]\nselect = ["{TOO_LONG}"]\nfail-on = "high"\n[severity]\n{TOO_LONG} = "low"\n'
    )
    result = run("scan", "--demo")
    assert f"Configuration: {tmp_path / 'tokenguard.toml'} (SHA-256 " in result.stderr
    assert result.returncode == 3
    assert run("scan", "--demo", "--fail-on", "low").returncode == 1
    assert run("scan", "--demo", TOKENGUARD_FAIL_ON="low").returncode == 1


@pytest.mark.parametrize("quiet", ["--quiet", "-q"])
@pytest.mark.parametrize("before", [True, False])
def test_not_even_quiet_hides_the_configuration(run: Run, tmp_path: Path, quiet: str, before: bool) -> None:
    """One that somebody planted would decide the verdict unseen."""
    data = f'[scan]\nselect = ["{TOO_LONG}"]\n'.encode()
    (tmp_path / "mine.toml").write_bytes(data)
    words = [quiet, "--config", "mine.toml"] if before else ["--config", "mine.toml", quiet]
    said = f"Configuration: mine.toml (SHA-256 {hashlib.sha256(data).hexdigest()[:12]})\n"

    assert run("scan", "--demo", *words).stderr == said
    assert run("scan", "--demo", "--config", "mine.toml").stderr == said
    assert run("scan", "--demo", quiet).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "name", "begins"),
    [
        ((), "", '{\n"$schema":'),
        (("-o", "-"), "", '{\n"$schema":'),
        (("-o", "report.out"), "report.out", '{\n"$schema":'),
        (("-o", "report.csv"), "report.csv", '"status"'),
        (("-f", "text"), "", "NOT COMPLIANT"),
    ],
)
def test_the_format_of_the_configuration_goes_where_no_suffix_names_another(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], name: str, begins: str
) -> None:
    (tmp_path / "tokenguard.toml").write_text('[scan]\nformat = ["sarif"]\n')
    result = run("scan", "--demo", *arguments)
    assert result.returncode == 1
    assert ((tmp_path / name).read_text() if name else result.stdout).startswith(begins)


def test_a_configured_format_that_shows_no_differences_does_not_keep_diff_from_its_own(
    run: Run, tmp_path: Path
) -> None:
    run("scan", "--demo", "--save-snapshot", "tenant.jsonl")
    (tmp_path / "tokenguard.toml").write_text('[scan]\nformat = ["sarif"]\n')
    assert run("diff", "tenant.jsonl", "--demo").returncode in {0, 3}
    (tmp_path / "tokenguard.toml").write_text('[scan]\nformat = ["sariv"]\n')
    refused(run("diff", "tenant.jsonl", "--demo"), "--format sariv")


def test_a_configuration_above_the_repository_is_not_used(run: Run, tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "folder"
    (inner.parent / ".git").mkdir(parents=True)
    (inner.parent / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    inner.mkdir()
    (tmp_path / "tokenguard.toml").write_text("nonsense")
    result = subprocess.run(
        [PROGRAM, "scan", "--demo"], cwd=inner, env=environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 1


def test_a_configuration_that_others_may_write_is_refused_unless_it_is_named(run: Run, tmp_path: Path) -> None:
    """As with git's safe.directory; whoever may write it would decide the verdict."""
    file = tmp_path / "tokenguard.toml"
    file.write_text(f'[scan]\nselect = ["{TOO_LONG}"]\n')
    file.chmod(0o666)
    refused(
        run("scan", "--demo"), f"{file}: not used, since anyone may write it (owner ", "mode 0666)", "--config FILE"
    )
    assert run("scan", "--demo", "--config", "tokenguard.toml").returncode == 1
    assert run("scan", "--demo", TOKENGUARD_CONFIG="tokenguard.toml").returncode == 1
    file.chmod(0o644)
    assert run("scan", "--demo").returncode == 1
    tmp_path.chmod(0o1777)
    refused(run("scan", "--demo"), f"{tmp_path}: not used, since anyone may write it (owner ", "mode 1777)")
    assert run("scan", "--demo", "--config", "tokenguard.toml").returncode == 1
    file.unlink()
    assert run("scan", "--demo").returncode == 1, "without a configuration nobody's folder matters"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_configuration_of_another_user_is_refused_unless_it_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tokenguard.toml"
    file.write_text(f'[scan]\nselect = ["{TOO_LONG}"]\n')
    os.chown(file, 4242, 0)
    refused(run("scan", "--demo"), f"{file}: not used, since another user owns it (owner 4242, mode 0644)")
    assert run("scan", "--demo", "--config", "tokenguard.toml").returncode == 1


def test_without_a_repository_only_the_working_directory_is_looked_into(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tokenguard.toml").write_text("nonsense")
    (tmp_path / "inner").mkdir()
    result = subprocess.run(
        [PROGRAM, "scan", "--demo"],
        cwd=tmp_path / "inner",
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    refused(run("scan", "--demo"), "not TOML")


def test_a_parameter_of_the_configuration_may_stand_in_a_file_beside_it(run: Run, tmp_path: Path) -> None:
    rule = "token-lifetime-policy-on-unlisted-principal"
    (tmp_path / "allowed.txt").write_text("00000007-0000-0000-c000-000000000000\n")
    (tmp_path / "tokenguard.toml").write_text(f'[parameters.{rule}]\nallowed = "@allowed.txt"\n')
    assert "Dataverse\n" not in run("scan", "--demo", "--select", rule).stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[scan", "not TOML"),
        ('[scan]\nselct = ["x"]', 'did you mean "select"?'),
        ('[scan]\ngraph-url = "https://graph.example"', "sign-in, hosts, proxies"),
        ('[network]\nproxy = "http://proxy.example"', "unknown setting"),
        ('[scan]\nselect = "x"', "a list of texts is needed"),
        ('[scan]\nfail-on = "bad"', 'tokenguard.toml: scan.fail-on: "bad" is none of info, low'),
        ('[scan]\nfail-on = ["low"]', 'tokenguard.toml: scan.fail-on: ["low"] is none of info, low'),
        ('[scan]\nprecedence = "clasic"', 'tokenguard.toml: scan.precedence: "clasic" is none of all'),
        ('[scan]\ntenant = "contoso.com"', 'scan.tenant: "contoso.com" is no tenant id, a GUID'),
        ('[scan]\ntenant = ""', 'scan.tenant: "" is no tenant id'),
        ("[scan]\ntenant = 7", "scan.tenant: a text is needed"),
        (f'[severity]\n{TOO_LONG} = "bad"', "none of info, low, medium, high, critical"),
        ('[severity]\nno-such-rule = "low"', "no such rule"),
        (f'[parameters.{TOO_LONG}]\nmaximum = "8h"', "PT8H"),
        (f'[parameters.{TOO_LONG}]\nmaximun = "PT8H"', "1 mistake in what rules are set to"),
        (f'[parameters]\n{TOO_LONG} = "PT8H"', "not a table"),
        ('[scan]\ntenant = "x"\n[scan]\n', "not TOML"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused_by_name(run: Run, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "tokenguard.toml").write_text(text)
    refused(run("scan", "--demo"), said)


def test_a_configuration_that_cannot_be_read_is_refused_and_not_left_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tokenguard.toml").symlink_to("nowhere")
    refused(run("scan", "--demo"), "tokenguard.toml: no such file")
    (tmp_path / "tokenguard.toml").unlink()
    (tmp_path / "tokenguard.toml").mkdir()
    refused(run("scan", "--demo"), "tokenguard.toml: is a folder")


def test_another_tenant_than_the_pinned_one_is_refused(run: Run, tmp_path: Path) -> None:
    run("scan", "--demo", "--save-snapshot", "tenant.jsonl")
    (tmp_path / "tokenguard.toml").write_text('[scan]\ntenant = "11111111-2222-4333-8444-555555555555"\n')
    refused(run("scan", "--snapshot", "tenant.jsonl"), "11111111-2222-4333-8444-555555555555")


def test_a_tenant_that_nobody_can_name_is_not_taken_for_the_pinned_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    policies = {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#policies/tokenLifetimePolicies",
        "value": [],
    }
    (tmp_path / "answers" / "policies.json").write_text(json.dumps(policies))
    assert run("scan", "--snapshot", "answers").returncode == 3
    (tmp_path / "tokenguard.toml").write_text('[scan]\ntenant = "11111111-2222-4333-8444-555555555555"\n')
    refused(run("scan", "--snapshot", "answers"), "a tenant that could not be named")


def test_a_snapshot_of_one_order_is_not_judged_as_if_by_all(run: Run) -> None:
    run("scan", "--demo", "--precedence", "classic", "--save-snapshot", "tenant.jsonl")
    assert run("scan", "--snapshot", "tenant.jsonl").returncode == 1
    assert run("scan", "--snapshot", "tenant.jsonl", "--precedence", "classic").returncode == 1
    refused(run("scan", "--snapshot", "tenant.jsonl", "--precedence", "all"), "collected with precedence classic")


# --- wrong input ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--select", "acces-token-lifetime-too-long"], TOO_LONG),
        (["--ignore", "nothing-of-the-kind"], "no such rule"),
        (["--rules", "tokenlifetime"], 'did you mean "token-lifetime"?'),
        (["--rules", "empty"], "no rule in this folder"),
        (["--set", "nonsense"], "RULE.PARAM=VALUE"),
        (["--set", f"{TOO_LONG}.maximum=@missing"], "no such file"),
        (["--set", f"{TOO_LONG}.maximum=eight hours"], "PT8H"),
        (["--exemptions", "missing.json"], "no such file"),
        (["--exemptions", "empty"], "is a folder"),
        (["--baseline", "missing.json"], "no such file"),
        (["--snapshot", "empty"], "--demo"),
        (["--precedence", "classical"], "classic"),
        (["--patience", "nan"], "no number of seconds"),
        (["--patience", "inf"], "no number of seconds"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_a_command_line_that_is_wrong_is_refused(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "empty").mkdir()
    refused(run("scan", "--demo", *arguments), said)


@pytest.mark.parametrize("name", ["missing.jsonl", "empty", "report.json", "garbage.jsonl.gz", "cut.jsonl.gz"])
def test_a_snapshot_that_is_none_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    run("scan", "--demo", "-o", "report.json", "--save-snapshot", "whole.jsonl.gz")
    (tmp_path / "garbage.jsonl.gz").write_bytes(gzip.compress(b"nothing of use\n"))
    (tmp_path / "cut.jsonl.gz").write_bytes((tmp_path / "whole.jsonl.gz").read_bytes()[:-40])
    refused(run("scan", "--snapshot", name, "-o", "out.json"), name)
    assert not (tmp_path / "out.json").exists()


def test_an_exemption_that_matches_nothing_is_said_and_refused_when_strict(run: Run, tmp_path: Path) -> None:
    rule = "organization-default-policy"
    entry = {"rule": rule, "resource": "Nobody", "reason": "none", "owner": "a team", "expires": "2999-12-31"}
    (tmp_path / "exemptions.json").write_text(json.dumps({"exemptions": [entry]}))
    arguments = ("scan", "--demo", "--select", rule, "--exemptions", "exemptions.json")
    result = run(*arguments)
    assert result.returncode == 1
    assert "matches nothing" in result.stdout
    refused(run(*arguments, "--strict"), f"exemptions.json: exemption 1 from {rule} matches nothing")


def test_an_exemption_that_would_unselect_a_resource_is_refused_by_name(run: Run, tmp_path: Path) -> None:
    rule = "old-secret"
    (tmp_path / "rules").mkdir()
    document = {
        "id": rule, "title": "A long lifetime", "severity": "high", "resource": "tokenLifetimePolicy",
        "rationale": "Only for tests.",
        "parameters": {"longer": {"title": "From which on", "minDuration": "PT2H"}},
        "select": {"properties": {"accessTokenLifetimeSeconds": {"type": "integer", "$ref": "#/parameters/longer"}}},
        "require": {"properties": {"isOrganizationDefault": {"const": True}}},
        "examples": [
            {"outcome": "fail", "properties": {"accessTokenLifetimeSeconds": 28800, "isOrganizationDefault": False}},
            {"outcome": "pass", "properties": {"accessTokenLifetimeSeconds": 28800, "isOrganizationDefault": True}},
            {"outcome": "not-selected", "properties": {"accessTokenLifetimeSeconds": 600}},
            {"outcome": "not-evaluated", "unknown": {"accessTokenLifetimeSeconds": "403"}},
        ],
    }  # fmt: skip
    (tmp_path / "rules" / f"{rule}.json").write_text(json.dumps(document))
    entry = {"rule": rule, "resource": LONG_POLICY, "reason": "none", "owner": "a team", "expires": "2999-12-31"}
    arguments = ("scan", "--demo", "--rules", "rules", "--exemptions", "exemptions.json")
    (tmp_path / "exemptions.json").write_text(json.dumps({"exemptions": [{**entry, "parameters": {"longer": "P9D"}}]}))
    refused(run(*arguments), f'an exemption from {rule} cannot set "longer": the')


def test_an_exemption_from_a_rule_of_another_pack_is_no_mistake(run: Run, tmp_path: Path) -> None:
    rule = "service-principal-token-lifetime-too-long"
    entry = {"rule": rule, "resource": "Nobody", "reason": "none", "owner": "a team", "expires": "2999-12-31"}
    (tmp_path / "exemptions.json").write_text(json.dumps({"exemptions": [entry]}))
    arguments = ("scan", "--demo", "--exemptions", "exemptions.json", "--strict", "--rules")
    assert run(*arguments, "token-lifetime").returncode == 1
    refused(run(*arguments, "all"), "matches nothing")
    (tmp_path / "exemptions.json").write_text(json.dumps({"exemptions": [{**entry, "rule": "of-no-pack"}]}))
    refused(run(*arguments, "token-lifetime"), "/exemptions/0/rule: there is no rule of this id")


def test_a_baseline_silences_what_it_holds_until_the_values_change(run: Run, tmp_path: Path) -> None:
    run("scan", "--demo", "--select", TOO_LONG, "--write-baseline", "known.json")
    again = ("scan", "--demo", "--select", TOO_LONG, "--baseline", "known.json", "-f", "json")
    report = json.loads(run(*again).stdout)
    assert {finding["status"] for finding in report["findings"]} == {"baseline"}
    assert report["exitStatus"] == 3  # not a pass: one lifetime could not be read
    document = json.loads((tmp_path / "known.json").read_text())
    for finding in document["findings"].values():
        if finding["resource"] == LONG_POLICY:
            finding["values"] = {"/accessTokenLifetimeSeconds": 7200}
    (tmp_path / "known.json").write_text(json.dumps(document))
    changed = run(*again)
    assert changed.returncode == 1
    new = [finding for finding in json.loads(changed.stdout)["findings"] if finding["status"] == "new"]
    assert [finding["resource"]["name"] for finding in new] == [LONG_POLICY]
