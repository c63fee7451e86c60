"""`--patience` and the token service: what azure-identity waits for, within what the run may spend on waiting."""

from __future__ import annotations

import pytest

from command import environment, run
from live import live, quiet_sdk
from sandbox import SMALL
from tokenguard.entra.live import open_live
from tokenguard.entra.retry import Patience
from tokenguard.errors import SourceError
from tokenguard.hookspecs import LiveTarget, ReadFailure

pytestmark = quiet_sdk

TOKEN = "POST /*/oauth2/v2.0/token"
GRAPH = "00000003-0000-0000-c000-000000000000"
COMMANDS = [
    ("scan", "--rules", "token-lifetime"),
    ("collect", "-o", "tenant.jsonl"),
    ("fix", "--dry-run"),
    ("explain", "Dataverse"),
    ("doctor",),
    ("probe", "--resource", GRAPH, "--expect", "PT1H"),
]


@pytest.fixture(scope="module")
def small(new_sandbox):
    return new_sandbox(*SMALL)


@pytest.fixture
def tenant(small):
    small.mend()
    small.forget()
    return small


def asked(tenant):
    """When each request for a token arrived."""
    return [each["at"] for each in tenant.requests() if each["path"].endswith("/token")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
@pytest.mark.parametrize("fault", ["503,retry-after=3600", "429,retry-after=date:3600"])
def test_no_command_waits_longer_for_a_token_than_it_may(tenant, tmp_path, command, fault):
    tenant.fail(f"{TOKEN}={fault}")
    done = run(tenant, *command, "--patience", "5", folder=tmp_path)
    assert done.returncode == 3, done
    assert "failed" in done.stderr
    assert len(asked(tenant)) == 1


@pytest.mark.parametrize("fault", ["503", "429", "500", "reset", "503,retry-after=1"])
def test_without_patience_a_token_is_asked_for_once(tenant, tmp_path, fault):
    tenant.fail(f"{TOKEN}={fault}")
    done = run(tenant, "scan", "--patience", "0", folder=tmp_path)
    assert done.returncode == 3, done
    assert len(asked(tenant)) == 1


@pytest.mark.parametrize("fault", ["503,retry-after=1", "429,retry-after=1"])
def test_a_time_that_the_run_has_is_waited_for_and_kept_to(tenant, tmp_path, fault):
    tenant.fail(f"{TOKEN}={fault},times=2")
    done = run(tenant, "doctor", "--patience", "30", folder=tmp_path)
    assert done.returncode == 0, done
    first, second, third = asked(tenant)
    assert second - first >= 1
    assert third - second >= 1


def test_a_token_service_that_hangs_is_not_waited_for_beyond_an_honest_answer(tenant, tmp_path):
    tenant.fail(f"{TOKEN}=hang")
    done = run(tenant, "scan", "--patience", "0", folder=tmp_path)
    assert done.returncode == 3, done
    assert "check the network" in done.stderr
    assert len(asked(tenant)) <= 1, "the log has it once it ends"


def target(tenant, **changed):
    return LiveTarget(environment(tenant), **changed)


def test_the_tries_end_with_the_budget(tenant):
    tenant.fail(f"{TOKEN}=503,retry-after=1")
    with pytest.raises(SourceError), open_live(target(tenant, patience=2.9)):
        pass
    assert len(asked(tenant)) == 3, "at once, after one second, and after two"


def test_what_the_token_service_took_is_gone_for_graph_too(tenant):
    tenant.fail(f"{TOKEN}=503,retry-after=1,times=1")
    with open_live(target(tenant, patience=10.0)) as source:
        assert source._client.pace.left <= 9.0
    with open_live(target(tenant, patience=10.0)) as source:
        assert source._client.pace.left == 10.0, "what is waited for nothing costs nothing"


@pytest.mark.parametrize("fault", ["expired", "challenge"])
def test_a_token_that_is_renewed_on_the_way_is_waited_for_no_longer_either(tenant, fault):
    tenant.fail(f"GET /servicePrincipals={fault},after=1")
    with live(tenant, patience=Patience(budget=5.0)) as source:
        tenant.fail(f"{TOKEN}=503,retry-after=3600")
        for call in ("/servicePrincipals?$top=5&$select=id", "/applications", "/servicePrincipals"):
            rows = list(source.rows(call))
        assert isinstance(rows[-1], ReadFailure)
    assert len(asked(tenant)) == 2, "to sign in, and once to renew it: not for each request that would need it"


def test_a_renewal_that_the_run_has_time_for_comes_about(tenant):
    tenant.fail("GET /servicePrincipals=expired,after=1,times=1", f"{TOKEN}=429,retry-after=1,after=1,times=1")
    with live(tenant, patience=Patience(budget=20.0)) as source:
        assert not [
            row for row in source.rows("/servicePrincipals?$top=100&$select=id") if isinstance(row, ReadFailure)
        ]
    _, first, second = asked(tenant)
    assert second - first >= 1
