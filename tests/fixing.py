"""A sandbox to mend: one application to give a policy to, and the whole tenant to look at before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import RunningSandbox
from tokenguard.consent import change_from_dict, digest
from tokenguard.journal import Key, checked_state_folder, writing_key
from tokenguard.journal.key import Chain

if TYPE_CHECKING:
    from forked import Ended, Running

POLICIES = "/policies/tokenLifetimePolicies"
EXAMPLE = Path(__file__).parents[1] / "examples" / "dataverse-five-hours" / "rules"
DATAVERSE = "00000007-0000-0000-c000-000000000000"
FIVE_HOURS = "tokenguard dataverse five hours"
Tenant = tuple[list[tuple[Any, ...]], list[tuple[str, str, str]]]


@dataclass(frozen=True)
class Bench:
    """A sandbox, one application of it, and a folder for rules, plans and journals."""

    sandbox: RunningSandbox
    folder: Path
    principal: Mapping[str, Any]

    # --- the program --------------------------------------------------------------------------------------------

    def begin(self, *arguments: str, typed: str | None = None, before: Callable[[], None] | None = None) -> Running:
        from forked import start  # imports the Graph SDK, which most tests can do without

        environment = {**self.sandbox.environment, "XDG_STATE_HOME": str(self.folder), "HOME": str(self.folder)}
        return start(arguments, environment, self.folder, typed=typed, before=before)

    def run(self, *arguments: str, **how: Any) -> Ended:
        return self.begin(*arguments, **how).wait()

    def fix(self, *arguments: str, **how: Any) -> Ended:
        """Fix by the rule of the article, without waiting; the journal is ``journal.jsonl``."""
        return self.begin_fix(*arguments, **how).wait()

    def begin_fix(self, *arguments: str, **how: Any) -> Running:
        resuming = () if "--resume" in arguments else ("--journal", "journal.jsonl")
        given = ("--rules", str(self.rule()), *(() if "--plan" in arguments else ("--unsafe",)))
        return self.begin("fix", *given, *resuming, "--wait", "0", *arguments, **how)

    def undo(self, *arguments: str, **how: Any) -> Ended:
        return self.run("undo", "journal.jsonl", "--unsafe", "--wait", "0", *arguments, **how)

    def rule(self, **changed: Any) -> Path:
        """The rule of the article, about this application."""
        path = self.folder / "dataverse-lifetime-not-five-hours.json"
        text = next(EXAMPLE.glob("*.json")).read_text().replace(DATAVERSE, self.principal["appId"])
        path.write_text(json.dumps({**json.loads(text), **changed}))
        return path

    # --- the tenant ---------------------------------------------------------------------------------------------

    def tenant(self) -> Tenant:
        """Every policy, ids aside, and who holds which: what a change may alter, and an undo must restore."""
        rows = self.sandbox.call("GET", f"{POLICIES}?$top=999").json()["value"]
        policies, held = [], []
        for row in rows:
            content = row["displayName"], row["description"], tuple(row["definition"]), row["isOrganizationDefault"]
            policies.append(content)
            holders = self.sandbox.call("GET", f"{POLICIES}/{row['id']}/appliesTo?$top=999").json()["value"]
            held += [(holder["id"], row["displayName"], row["definition"][0]) for holder in holders]
        return sorted(policies, key=str), sorted(held)

    def create(self, name: str, lifetime: str, *, default: bool = False) -> str:
        """Another administrator's new policy; its id."""
        definition = f'{{"TokenLifetimePolicy":{{"Version":1,"AccessTokenLifetime":"{lifetime}"}}}}'
        body = {"displayName": name, "definition": [definition], "isOrganizationDefault": default}
        return self.sandbox.call("POST", POLICIES, json=body).raise_for_status().json()["id"]

    def assign(self, policy: str) -> None:
        body = {"@odata.id": f"{self.sandbox.graph}{POLICIES}/{policy}"}
        self.sandbox.call("POST", f"{self.assigned}/$ref", json=body).raise_for_status()

    def unassign(self, policy: str) -> None:
        self.sandbox.call("DELETE", f"{self.assigned}/{policy}/$ref").raise_for_status()

    def delete(self, policy: str) -> None:
        self.sandbox.call("DELETE", f"{POLICIES}/{policy}").raise_for_status()

    @property
    def assigned(self) -> str:
        """Where the application's policy is."""
        return f"/servicePrincipals/{self.principal['id']}/tokenLifetimePolicies"

    def held(self) -> str:
        """The name of the policy that the application holds; empty for none."""
        rows = self.sandbox.call("GET", self.assigned).json()["value"]
        return rows[0]["displayName"] if rows else ""

    def lifetime(self) -> int:
        """Seconds that a token for the application is good for."""
        scope = f"{self.principal['appId']}/.default"
        return int(self.sandbox.sign_in(scope).raise_for_status().json()["expires_in"])

    def writes(self) -> list[str]:
        """Method, kind of object and status of everything that was written since `forget`."""
        return [
            f"{each['method']} {each['path'].split('/')[1]} {each['status']}"
            for each in self.sandbox.requests()
            if each["method"] != "GET" and not each["path"].endswith(("/$batch", "/token"))
        ]

    # --- the journal --------------------------------------------------------------------------------------------

    def key(self) -> Key:
        """The key of the journals that are written here."""
        return writing_key(checked_state_folder(self.folder / "tokenguard"), None)

    def rewrite(self, edit: Callable[[Any], None], *, to: str, key: Key | None = None) -> None:
        """Write the journal anew with its header edited, digest and all, sealed by this machine's key or another."""
        header, *lines = map(json.loads, (self.folder / "journal.jsonl").read_text().splitlines())
        edit(header)
        header["digest"] = digest(map(change_from_dict, header["changes"]))
        header["key"] = (key or self.key()).name
        chain = Chain(key or self.key())
        sealed = [
            chain.sealed({name: value for name, value in line.items() if name != "mac"}) for line in (header, *lines)
        ]
        path = self.folder / to
        path.write_text("".join(f"{json.dumps(line)}\n" for line in sealed))
        path.chmod(0o600)

    def journal(self, name: str = "journal.jsonl") -> list[str]:
        """Each line but the first in short, e.g. ``intent assign`` or ``end applied``."""
        short = []
        for line in (self.folder / name).read_text().splitlines()[1:]:
            said = json.loads(line)
            what = said["operation"]["kind"] if said["line"] == "intent" else said["outcome"]
            short.append(f"{said['line']} {what}" + (" back" if said.get("step") == "takeBack" else ""))
        return short


@pytest.fixture(scope="module")
def writable(new_sandbox: Callable[..., RunningSandbox]) -> RunningSandbox:
    """A tenant of a few applications that the client may change."""
    return new_sandbox(
        "--tenant", "generated", "--principals", "240", "--policies", "2", "--assignments", "4",
        "--propagation", "0", "--permissions", "read,write",
    )  # fmt: skip


@pytest.fixture
def bench(writable: RunningSandbox, tmp_path: Path, principals: list[Mapping[str, Any]]) -> Bench:
    """The sandbox without faults, and an application that no other test has had."""
    writable.mend()
    writable.set(**writable.first_settings)
    bench = Bench(writable, tmp_path, principals.pop())
    bench.key()  # that of an earlier run
    writable.forget()
    return bench


@pytest.fixture(scope="module")
def principals(writable: RunningSandbox) -> list[Mapping[str, Any]]:
    return ordinary(writable)


def ordinary(sandbox: RunningSandbox) -> list[Mapping[str, Any]]:
    """Ordinary applications that hold no policy."""
    rows = sandbox.call("GET", "/servicePrincipals?$top=999").json()["value"]
    governed = [row for row in rows if row["servicePrincipalType"] == "Application" and _governed(row)]
    return [row for row in governed if not _assigned(sandbox, row)]


def _governed(row: Mapping[str, Any]) -> bool:
    return "PersonalMicrosoftAccount" not in row["signInAudience"]


def _assigned(sandbox: RunningSandbox, row: Mapping[str, Any]) -> list[Any]:
    return sandbox.call("GET", f"/servicePrincipals/{row['id']}/tokenLifetimePolicies").json()["value"]


APPLIED = ["intent createPolicy", "outcome applied", "intent assign", "outcome applied", "end applied"]
CREATED = ["POST policies 201", "POST servicePrincipals 204"]
