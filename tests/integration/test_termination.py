"""SIGTERM, as `kill` and CI runners send it, ends the built command as Ctrl-C does, but for the exit status."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command import PROGRAM, assert_no_secret, environment
from fixing import APPLIED, POLICIES, Bench
from live import quiet_sdk
from sandbox import SMALL, RunningSandbox

pytestmark = quiet_sdk

ENDS = pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
"""The two ways to be told to end: the first is what the second is held to."""


@pytest.fixture(scope="module")
def small(new_sandbox: Callable[..., RunningSandbox]) -> RunningSandbox:
    return new_sandbox(*SMALL)


@pytest.fixture
def tenant(small: RunningSandbox) -> RunningSandbox:
    small.mend()
    return small


@contextmanager
def begun(sandbox: RunningSandbox, folder: Path, *arguments: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """The command under way in `folder`, which is where it keeps its temporary files, too."""
    variables = environment(sandbox, TMPDIR=str(folder), XDG_STATE_HOME=str(folder), HOME=str(folder))
    with subprocess.Popen(
        [PROGRAM, *arguments], cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **options,
    ) as process:  # fmt: skip
        yield process


def struck(sandbox: RunningSandbox, process: subprocess.Popen[str], times: int = 1) -> None:
    """Return once a call has met the fault that is switched on."""
    while sum(fault["met"] for fault in sandbox._control("GET", "faults")) < times:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@ENDS
@pytest.mark.parametrize(
    "arguments",
    [
        (
            "scan",
            "--rules",
            "all",
            "-o",
            "good.txt",
            "-f",
            "json",
            "-o",
            "report.json",
            "--save-snapshot",
            "kept.jsonl",
        ),
        ("collect", "--rules", "all", "-o", "good.txt"),
        ("fix", "--dry-run", "--out", "good.txt"),
        ("explain", "Dataverse"),
        ("doctor",),
    ],
    ids=lambda each: each[0],
)
def test_a_command_that_reads_ends_and_leaves_no_half_of_a_file(tenant, tmp_path, arguments, number, status):
    (tmp_path / "good.txt").write_text("good")
    tenant.fail(f"GET {POLICIES}*=hang", "POST /$batch=hang", "GET /organization*=hang")
    with begun(tenant, tmp_path, *arguments) as process:
        struck(tenant, process)
        process.send_signal(number)
        said, errors = process.communicate(timeout=30)
    assert_no_secret(tenant, tmp_path, said, errors)
    assert (process.returncode, said) == (status, "")
    assert re.fullmatch(r"Interrupted\.\n(Read until then: .*\.\n)?", errors), errors
    assert [path.name for path in tmp_path.iterdir()] == ["good.txt"]
    assert (tmp_path / "good.txt").read_text() == "good"


@ENDS
def test_a_probe_that_waits_ends(tenant, tmp_path, number, status):
    arguments = ("probe", "--resource", "00000003-0000-0000-c000-000000000000", "--expect", "PT23H", "--wait", "PT10M")
    tenant.forget()
    with begun(tenant, tmp_path, *arguments) as process:
        while sum(each["path"].endswith("/token") for each in tenant.requests()) < 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(number)
        said, errors = process.communicate(timeout=30)
    assert (process.returncode, said) == (status, "")
    assert "Interrupted." in errors


@ENDS
def test_a_fix_says_how_to_go_on_and_how_to_take_it_back(bench: Bench, number, status):
    """A write is under way, as after Ctrl-C its intent is in the journal, and to go on brings it to its end."""
    before = bench.tenant()
    bench.sandbox.fail("POST /servicePrincipals/*/tokenLifetimePolicies/$ref=slow,seconds=2,times=1")
    arguments = ("--rules", str(bench.rule()), "--unsafe", "--yes", "--journal", "journal.jsonl", "--wait", "5")
    with begun(bench.sandbox, bench.folder, "fix", *arguments) as process:
        struck(bench.sandbox, process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    not_finished, to_undo = errors.splitlines()[-3:-1]
    assert not_finished.startswith("Not finished. To look again and go on: tokenguard fix --resume journal.jsonl")
    assert to_undo == "To take it back: tokenguard undo journal.jsonl --unsafe"
    assert errors.splitlines()[-1] == "Interrupted."
    assert bench.journal() == [*APPLIED[:2], "intent assign"]
    bench.sandbox.mend()
    time.sleep(2)  # the write that was under way
    assert bench.fix("--resume", "journal.jsonl", "--yes", "--wait", "1").status == 0
    assert bench.undo("--yes").status == 0
    assert bench.tenant() == before


def waiting(folder: Path, **options: object) -> tuple[subprocess.Popen[bytes], int]:
    """A scan that reads what nobody writes, and the end of the pipe that somebody could write to."""
    os.mkfifo(folder / "never.jsonl")
    process = subprocess.Popen(
        [PROGRAM, "scan", "--snapshot", "never.jsonl", "-o", "report.json"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip
    return process, os.open(folder / "never.jsonl", os.O_WRONLY)  # returns once it reads


def test_sigterm_ends_a_command_that_ignores_ctrl_c(tmp_path):
    """A shell starts what is put into the background with `&` so."""
    process, pipe = waiting(tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)
    os.close(pipe)
    assert (process.returncode, said) == (143, (b"", b"Interrupted.\n"))
    assert [path.name for path in tmp_path.iterdir()] == ["never.jsonl"]


def test_sigterm_does_not_end_a_command_that_was_started_to_ignore_it(tmp_path):
    process, pipe = waiting(tmp_path, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
    process.send_signal(signal.SIGTERM)
    os.write(pipe, b"no snapshot\n")
    os.close(pipe)
    process.communicate(timeout=30)
    assert process.returncode == 2
