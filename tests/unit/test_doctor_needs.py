"""What `doctor` tries for which need, and the commands that it hands out."""

import json
import shlex
import subprocess
from types import SimpleNamespace

import pytest

from tokenguard.cli.doctor import diagnose, state_of, table
from tokenguard.entra.collector import EntraCollector
from tokenguard.entra.examining import DETAILS, HOLDERS, calls_of, examine
from tokenguard.entra.grants import APP_ROLES, grant
from tokenguard.entra.microsoft import GRAPH
from tokenguard.entra.permissions import demands
from tokenguard.examination import Access, AccessState, Examination
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Need, ResourceType, Rule, Severity

CLIENT = "5f0c8c1e-9a6b-4a43-9f5b-0d7d6f7c0a11"
POLICIES, PRINCIPALS, APPLICATIONS = "/policies/tokenLifetimePolicies", "/servicePrincipals", "/applications"
ALL_HOLDERS = [POLICIES, HOLDERS, DETAILS]


@pytest.mark.parametrize(
    ("type_", "properties", "calls"),
    [
        ("organization", {"tenantId"}, []),
        ("organization", {"defaultDomain"}, ["/organization"]),
        ("organization", {"servicePrincipalCount"}, [f"{PRINCIPALS}/$count"]),
        ("organization", {"organizationDefaultPolicyCount"}, [POLICIES]),
        ("tokenLifetimePolicy", {"isOrganizationDefault"}, [POLICIES]),
        ("tokenLifetimePolicy", {"assignmentCount"}, [POLICIES, HOLDERS]),
        ("tokenLifetimePolicyAssignment", {"accessTokenLifetimeSeconds"}, [POLICIES, HOLDERS]),
        ("tokenLifetimePolicyAssignment", {"accessTokenLifetimeSeconds", "inForce"}, ALL_HOLDERS),
        ("application", {"passwordCredentials"}, [APPLICATIONS]),
        ("servicePrincipal", {"accountEnabled"}, [PRINCIPALS]),
        ("servicePrincipal", {"longestLifetimeSeconds"}, [PRINCIPALS, *ALL_HOLDERS]),
    ],
)
def test_a_need_takes_the_calls_that_a_scan_would_make(type_, properties, calls):
    assert list(calls_of(Need(type_, frozenset(properties)))) == calls


class Recorder:
    """A source in which everything that is asked for exists once."""

    tenant = ""

    def __init__(self):
        self.asked = set()

    def rows(self, call):
        self.asked.add(kind_of(call))
        yield {"id": "1"}

    def answers(self, calls):
        for call in calls:
            self.asked.add(kind_of(call))
            listed = call == "/organization" or call.endswith("/appliesTo")
            yield call, 1 if "$count" in call else {"value": [{"id": "1"}]} if listed else {"id": "1"}


def kind_of(call):
    path = call.partition("?")[0]
    if path.endswith("/appliesTo"):
        return HOLDERS
    return DETAILS if path.endswith("/1") else path.removesuffix("/$count")


@pytest.mark.parametrize("type_", EntraCollector().resource_types, ids=lambda type_: type_.name)
def test_what_is_tried_is_what_a_scan_would_ask(type_):
    for name in type_.schema["properties"]:
        need, source = Need(type_.name, frozenset({name})), Recorder()
        facts = EntraCollector().collect(source, {type_.name: need})
        for rows in facts.lists.values():
            list(rows())
        named = {"/organization"}  # always asked, for the tenant's name
        tried = set(map(kind_of, calls_of(need)))
        assert tried <= source.asked, name
        spare = {DETAILS} if type_.name == "tokenLifetimePolicyAssignment" else set()  # asked, whatever is judged
        assert source.asked - named - spare <= tried, name


class SignedIn(Recorder):
    """A tenant of which everything can be read but the lists of `refused`, signed in to for a person."""

    cloud = "global"

    def __init__(self, *held, refused=()):
        super().__init__()
        self.signed_in = SimpleNamespace(
            credential=SimpleNamespace(title="a browser"), permissions=held, tenant="t1", client=CLIENT, delegated=True
        )
        self.refused = refused

    def rows(self, call):
        if call.partition("?")[0] in self.refused:
            yield ReadFailure(call, f"GET {call}: 403", status=403)
            return
        yield from super().rows(call)


def examined(source, type_, *properties):
    return examine(source, {"rule": Need(type_, frozenset(properties))})


def test_what_graph_answers_although_a_permission_is_missing_is_said_so_and_how_to_grant_it():
    found = examined(SignedIn("Directory.AccessAsUser.All"), "application", "displayName")
    (access,) = found.accesses["rule"]
    assert (access.lacking, access.answer, str(access.state)) == (
        ("Application.Read.All",), "", "answered although missing"
    )  # fmt: skip
    assert [each.permission for each in found.grants] == ["Application.Read.All"]


def test_what_graph_refuses_and_the_token_lacks_is_to_be_granted_to_the_person_s_client():
    found = examined(SignedIn("openid", refused=[APPLICATIONS]), "application", "displayName")
    assert [each.permission for each in found.grants] == ["Application.Read.All"]
    assert "az ad app permission grant" in found.grants[0].azure_cli
    assert found.accesses["rule"][0].answer.endswith("403")


@pytest.mark.parametrize(
    ("held", "excess"),
    [
        (["openid", "profile", "email", "offline_access", "User.Read", "Policy.Read.All"], ()),
        (["Policy.Read.All", "Organization.Read.All"], ()),
        (["Policy.Read.All", "Application.Read.All"], ("Application.Read.All",)),
        (["Policy.ReadWrite.ApplicationConfiguration"], ("Policy.ReadWrite.ApplicationConfiguration",)),
    ],
)
def test_a_permission_that_no_need_takes_is_more_than_enough(held, excess):
    assert examined(SignedIn(*held), "tokenLifetimePolicy", "displayName").excess == excess


def test_where_nothing_holds_a_policy_the_details_are_tried_on_the_list_of_principals():
    class Unassigned(SignedIn):
        def answers(self, calls):
            return [(call, {"value": [{"id": "t1"}] if call == "/organization" else []}) for call in calls]

    refused = examined(Unassigned(refused=[PRINCIPALS]), "tokenLifetimePolicyAssignment", "inForce")
    assert [bool(access.answer) for access in refused.accesses["rule"]] == [False, False, True]
    readable = examined(Unassigned(), "tokenLifetimePolicyAssignment", "inForce")
    assert not any(access.answer for access in readable.accesses["rule"])


@pytest.mark.parametrize(
    ("type_", "rows"),
    [
        ("tokenLifetimePolicy", [{"displayName": "nameless"}]),
        ("tokenLifetimePolicy", [{"id": "1"}, {"id": None}]),
        ("tokenLifetimePolicy", [{"id": "1"}, {"id": "../1"}]),
        ("servicePrincipal", [{"displayName": "nameless"}]),
        ("application", [{"id": None}]),
        ("application", [{"id": ""}]),
    ],
)
def test_a_row_without_an_id_is_as_little_read_as_by_a_scan(type_, rows):
    class Nameless(SignedIn):
        def rows(self, call):
            yield from rows

    (access,) = examined(Nameless(), type_, "displayName").accesses["rule"]
    assert access.answer.endswith("no id")


@pytest.mark.parametrize("number", [0, 2])
def test_there_is_one_organization_or_it_was_not_read(number):
    class Other(SignedIn):
        def answers(self, calls):
            return [(call, {"value": [{"id": "1"}] * number}) for call in calls]

    (access,) = examined(Other(), "organization", "displayName").accesses["rule"]
    assert access.answer.endswith(f"holds {number} organizations")


def test_what_a_call_takes_is_met_by_any_permission_of_each_group():
    held = ["Directory.Read.All", "Policy.ReadWrite.ApplicationConfiguration"]
    assert demands(HOLDERS, held) == {
        "Policy.Read.All": ("Policy.ReadWrite.ApplicationConfiguration",),
        "Application.Read.All": ("Directory.Read.All",),
    }
    assert demands(HOLDERS, ()) == {"Policy.Read.All": (), "Application.Read.All": ()}


@pytest.mark.parametrize("permission", APP_ROLES)
def test_the_azure_cli_line_posts_the_assignment_of_the_app_role(permission, tmp_path):
    az = tmp_path / "az"
    az.write_text(f"""#!/bin/sh
if [ "$1 $2" = "ad sp" ]; then echo "object-of-$5"; else printf '%s\\n' "$@" > {tmp_path}/posted; fi
""")
    az.chmod(0o755)
    line = grant(permission, cloud="usgov", client=CLIENT, delegated=False).azure_cli
    subprocess.run(["sh", "-c", line], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    posted = (tmp_path / "posted").read_text().splitlines()
    principal = f"object-of-{CLIENT}"
    url = posted[posted.index("--url") + 1]
    assert url == f"https://graph.microsoft.us/v1.0/servicePrincipals/{principal}/appRoleAssignments"
    assert json.loads(posted[posted.index("--body") + 1]) == {
        "principalId": principal,
        "resourceId": f"object-of-{GRAPH}",
        "appRoleId": APP_ROLES[permission],
    }


def test_the_powershell_line_names_client_role_and_cloud():
    line = grant("Policy.Read.All", cloud="china", client=CLIENT, delegated=False).powershell
    for part in ("-Environment China", CLIENT, GRAPH, "246dd0d5-5bd0-4def-940b-0421030a5b68"):
        assert part in line


def test_for_a_person_the_permission_is_consented_to_by_name():
    given = grant("Policy.Read.All", cloud="global", client=CLIENT, delegated=True)
    assert shlex.split(given.azure_cli)[:5] == ["az", "ad", "app", "permission", "grant"]
    assert "--scope Policy.Read.All" in given.azure_cli
    assert "New-MgOauth2PermissionGrant" in given.powershell
    assert "appRole" not in given.azure_cli + given.powershell


@pytest.mark.parametrize("client", ["", "$(reboot)", f"{CLIENT}; reboot", f"{CLIENT}\n"])
def test_what_a_token_says_becomes_part_of_a_command_only_as_a_guid(client):
    for delegated in (True, False):
        given = grant("Policy.Read.All", cloud="global", client=client, delegated=delegated)
        assert "reboot" not in given.azure_cli + given.powershell
        assert "APP_ID" in given.azure_cli
        assert "APP_ID" in given.powershell


@pytest.mark.parametrize(
    ("held", "lacking", "able"),
    [(("Policy.Read.All", "Other.Read.All"), (), True), (("Other.Read.All",), ("Policy.Read.All",), False)],
)
def test_of_what_a_plugin_reads_the_token_is_taken_at_its_word(held, lacking, able):
    type_ = ResourceType("conditionalAccessPolicy", {}, ("Policy.Read.All",))
    rule = Rule("some-rule", "Some rule", Severity.LOW, type_.name, {})
    found = Examination("t1", "global", "a secret", CLIENT, delegated=False, permissions=held, accesses={})
    diagnosis = diagnose(rule, type_, found)
    assert [(access.lacking, str(access.state)) for access in diagnosis.accesses] == [
        (lacking, "held" if able else "missing")
    ]
    assert bool(diagnosis.obstacles) is not able


def access(state, *lacking):
    return Access("something", ("Policy.Read.All",), lacking, "GET /x: came to that", AccessState(state))


APPS, POLS = "Application.Read.All", "Policy.Read.All"


@pytest.mark.parametrize(
    ("accesses", "said"),
    [
        ([], "held"),
        ([access("held"), access("held")], "held"),
        ([access("held"), access("answered although missing", APPS)], f"answered although missing {APPS}"),
        ([access("missing", POLS)], f"missing {POLS}"),
        ([access("missing", POLS), access("refused")], f"missing {POLS}"),
        ([access("refused"), access("held")], "refused"),
        ([access("not readable"), access("held")], "not readable"),
        ([access("not readable", APPS)], f"missing {APPS}; not readable"),
        ([access("not readable"), access("refused")], "refused; not readable"),
        (
            [access("missing", POLS), access("answered although missing", APPS)],
            f"missing {POLS}; answered although missing {APPS}",
        ),
        ([access("missing", APPS), access("answered although missing", APPS)], f"missing {APPS}"),
    ],
)
def test_the_state_of_a_rule_says_what_stands_in_its_way(accesses, said):
    assert state_of(accesses) == said


@pytest.mark.parametrize(
    ("status", "held", "state", "obstacle"),
    [
        (401, "Application.Read.All", "refused", "Refused: GET /applications?$top=1: 401"),
        (403, "Application.Read.All", "refused", "Refused: GET /applications?$top=1: 403"),
        (403, "openid", "missing", "Missing Application.Read.All: GET /applications?$top=1: 403"),
        (404, "Application.Read.All", "not readable", "Not readable: GET /applications?$top=1: 404"),
        (500, "openid", "not readable", "Not readable: GET /applications?$top=1: 500"),
        (0, "Application.Read.All", "not readable", "Not readable: GET /applications?$top=1: 0"),
    ],
)
def test_refused_is_said_only_of_what_was_answered_401_or_403(status, held, state, obstacle):
    class Failing(SignedIn):
        def rows(self, call):
            yield ReadFailure(call, f"GET {call}: {status}", status)

    (access,) = examined(Failing(held), "application", "displayName").accesses["rule"]
    assert (str(access.state), access.obstacle) == (state, obstacle)


ROWS = [("a-rule", "Policy.Read.All", "held"), ("another", "Policy.Read.All", "missing Policy.Read.All")]


@pytest.mark.parametrize("width", [0, 49, 200])
def test_the_table_has_a_line_a_rule_where_that_fits(width):
    assert list(table(ROWS, width)) == [
        "rule     takes            state",
        "a-rule   Policy.Read.All  held",
        "another  Policy.Read.All  missing Policy.Read.All",
    ]


def test_where_it_does_not_fit_what_is_said_of_a_rule_stands_below_it():
    assert list(table(ROWS, 48)) == [
        "a-rule",
        "  takes Policy.Read.All: held",
        "another",
        "  takes Policy.Read.All: missing Policy.Read.All",
    ]
