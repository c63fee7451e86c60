"""``tokenguard sandbox start`` and ``exec`` as a shell meets them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from tokenguard_sandbox import commands

from sandbox import SMALL

SANDBOX = (str(Path(sys.executable).with_name("tokenguard")), "sandbox")
SECRETS = ("AZURE_CLIENT_SECRET", "TOKENGUARD_SANDBOX_TOKEN")


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SANDBOX, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)


def python(source: str) -> tuple[str, str, str]:
    return sys.executable, "-c", textwrap.dedent(source)


def test_exec_leads_the_command_to_a_tenant_of_its_own():
    source = """
        import os, ssl, urllib.parse, urllib.request
        fields = {"grant_type": "client_credentials", "client_id": os.environ["AZURE_CLIENT_ID"],
                  "client_secret": os.environ["AZURE_CLIENT_SECRET"], "scope": "https://graph.microsoft.com/.default"}
        url = f"{os.environ['AZURE_AUTHORITY_HOST']}/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
        data = urllib.parse.urlencode(fields).encode()
        print(urllib.request.urlopen(url, data).status)  # OpenSSL reads SSL_CERT_FILE
    """
    assert run("exec", *SMALL, "--", *python(source)).stdout == "200\n"


@pytest.mark.parametrize(
    ("source", "status"),
    [("raise SystemExit(0)", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_exec_ends_as_the_command_ends(source, status):
    assert run("exec", *SMALL, "--", *python(source)).returncode == status


def test_exec_says_when_there_is_no_such_command(tmp_path):
    result = run("exec", *SMALL, "--", str(tmp_path / "nothing"))
    assert result.returncode == 127
    assert "nothing" in result.stderr


def test_exec_says_when_a_file_cannot_be_run(tmp_path):
    (tmp_path / "script").write_text("neither a program nor with a line that names one")
    (tmp_path / "script").chmod(0o755)
    for command in (tmp_path / "script", tmp_path):
        result = run("exec", *SMALL, "--", str(command))
        assert result.returncode == 126
        assert str(command) in result.stderr


def test_exec_takes_away_what_would_lead_elsewhere():
    elsewhere = {
        "HTTPS_PROXY": "http://proxy.example:1",
        "AZURE_CLIENT_CERTIFICATE_PATH": "/no/such",
        "TOKENGUARD_AUTH": "cli",
        "TOKENGUARD_CLOUD": "china",
    }
    source = f"import os; print([os.environ.get(name) for name in {(*elsewhere, 'KEPT')}])"
    result = run("exec", *SMALL, "--", *python(source), env={**os.environ, **elsewhere, "KEPT": "yes"})
    assert result.stdout == "[None, None, None, None, 'yes']\n"


def test_a_command_that_does_not_wait_for_its_answer_is_no_fault_of_the_sandbox():
    source = """
        import os, time, urllib.request
        try:
            urllib.request.urlopen(os.environ["AZURE_AUTHORITY_HOST"] + "/t/oauth2/v2.0/token", b"a=b", timeout=0.2)
        except OSError:  # it says otherwise that a connection took too long than that an answer did
            time.sleep(1)
    """
    result = run("exec", *SMALL, "--fault", "POST /*=slow,seconds=0.6", "--", *python(source))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_exec_leaves_nothing_behind(tmp_path):
    source = "import os, pathlib; print(pathlib.Path(os.environ['SSL_CERT_FILE']).is_file())"
    result = run("exec", *SMALL, "--", *python(source), env={**os.environ, "TMPDIR": str(tmp_path)})
    assert result.stdout == "True\n"
    assert list(tmp_path.iterdir()) == []


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path} never appeared"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_a_signal_to_exec_reaches_the_command_and_leaves_nothing_behind(tmp_path, number):
    ready, temporary = tmp_path / "ready", tmp_path / "tmp"
    temporary.mkdir()
    child = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [*SANDBOX, "exec", *SMALL, "--", *python(child)]
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:  # no terminal's foreground
        wait_for(ready)
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_comes_before_the_command_is_there_reaches_it(monkeypatch, number):
    """Else the sandbox would be gone, and the command left behind."""
    popen = subprocess.Popen

    def signalled(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        os.kill(os.getpid(), number)
        return popen(*arguments, **options)

    monkeypatch.setattr(commands.subprocess, "Popen", signalled)
    assert commands._run(python("import time; time.sleep(60)"), {}) == 128 + number


def test_ctrl_c_ends_the_command_and_then_the_sandbox(tmp_path):
    ready, temporary = tmp_path / "ready", tmp_path / "tmp"
    temporary.mkdir()
    child = f"""
        import pathlib, sys, time
        try:
            pathlib.Path({str(ready)!r}).touch()
            time.sleep(60)
        except KeyboardInterrupt:
            sys.exit(130)
    """
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [*SANDBOX, "exec", *SMALL, "--", *python(child)]
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        wait_for(ready)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(timeout=20) == 130
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]
)
def test_start_prints_shell_lines_and_ends_without_a_trace(tmp_path, number, status):
    command = [*SANDBOX, "start", *SMALL]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(10)]
        shell = "".join(lines) + "test -f $SSL_CERT_FILE && test -z $HTTPS_PROXY && echo $AZURE_AUTHORITY_HOST"
        printed = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True, env=environment)
        assert printed.stdout.startswith("https://localhost:")
        process.send_signal(number)
        assert process.wait(timeout=20) == status
    assert list(tmp_path.iterdir()) == []


def test_two_runs_share_no_secret():
    source = f"import os; print([os.environ[name] for name in {SECRETS}])"
    first, second = (run("exec", *SMALL, "--", *python(source)).stdout for _ in range(2))
    assert first.strip()
    assert not set(first.split()) & set(second.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fault", "nonsense"), "nonsense"),
        (("--fault", "GET /policies=403,seconds=2"), "seconds means nothing for 403"),
        (("--fault", "GET /policies=429,times=1,times=2"), "times stands twice"),
        (("--fault", "GET /policies=expired,only=batch"), "could never strike"),
        (("--setting", "nonsense"), "NAME=VALUE"),
        (("--setting", "colour=blue"), "colour"),
        (("--propagation", "soon"), "propagation"),
        (("--permissions", "Policy.Read.Al"), "did you mean Policy.Read.All"),
        (("--permissions", "Policy.Read.All,policy.readwrite.applicationconfiguration"), "Policy.ReadWrite.Appl"),
        (("--permissions", "raed"), "did you mean read?"),
        (("--permissions", "Mail.Send"), "it knows Application.Read.All, "),
        (("--trust", __file__), "certificate"),
        (("--port", "70000"), "70000"),
        (("--tenant", "generated", "--seed", str(2**32)), "--seed"),
        (("--tenant", "generated", "--principals", "5", "--assignments", "6"), "5 at most"),
        (("--tenant", "generated", "--assignments", "1001"), "1000 at most"),
        (("--tenant", "generated", "--policies", "0", "--assignments", "1"), "0 at most"),
        (("--principals", "5"), "add --tenant generated"),
        (("--tenant", "demo", "--seed", "1"), "add --tenant generated"),
        (("--tenant", "generated", "--principals", str(10**20)), "--principals"),
    ],
)
def test_a_mistake_on_the_command_line_is_said_and_nothing_is_run(arguments, said):
    result = run("exec", *arguments, "--", *python("print('ran')"))
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("size", "held"), [(("--principals", "12"), 12), (("--principals", "300"), 200), (("--policies", "0"), 0)]
)
def test_a_generated_tenant_has_as_many_assignments_as_it_can_unless_told(new_sandbox, size, held):
    sandbox = new_sandbox("--tenant", "generated", *size)
    policies = "/policies/tokenLifetimePolicies"
    counts = [
        int(
            sandbox.call(
                "GET", f"{policies}/{row['id']}/appliesTo/$count", headers={"ConsistencyLevel": "eventual"}
            ).text
        )
        for row in sandbox.call("GET", policies).json()["value"]
    ]
    assert sum(counts) == held


def test_a_port_that_is_taken_is_said(new_sandbox):
    port = new_sandbox(*SMALL).url.rpartition(":")[2]
    result = run("exec", "--port", port, "--", *python("print('ran')"))
    assert (result.returncode, result.stdout) == (2, "")
    assert port in result.stderr


def test_help_does_not_load_the_server():
    loaded = run("--help", env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}).stderr
    assert "tokenguard_sandbox.commands" in loaded
    for heavy in ("uvicorn", "starlette", "cryptography", "asyncio"):
        assert heavy not in loaded


def test_tokenguard_scans_a_sandbox(tmp_path):
    """The line that the README teaches."""
    report = tmp_path / "report.json"
    arguments = ("scan", "--format", "json", "--output", str(report))
    result = run("exec", "--", SANDBOX[0], *arguments)
    assert result.returncode in (1, 3), result.stderr
    assert "Brackwater Ferries" in report.read_text()
