"""Which definitions the sandbox lets be written: its own reading, held to examples written out by hand."""

from __future__ import annotations

import json

import pytest
from tokenguard_sandbox.definitions import RETIRED, as_documented

from sandbox import SMALL

POLICIES = "/policies/tokenLifetimePolicies"


def written(version: object = 1, **settings: object) -> str:
    return json.dumps({"TokenLifetimePolicy": {"Version": version, **settings}})


def lasting(lifetime: object) -> str:
    return written(AccessTokenLifetime=lifetime)


DOCUMENTED = [
    '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"08:00:00"}}',
    ' {"TokenLifetimePolicy": {"AccessTokenLifetime": "08:00:00", "Version": 1}}\n',
    lasting("00:10:00"),
    lasting("23:59:59"),
    written(AccessTokenLifetime="01:30:00", MaxInactiveTime="30.00:00:00"),
    *(written(**{name: value}) for name in RETIRED for value in ("until-revoked", "00:10:00", "365.00:00:00")),
]
OUT_OF_RANGE = [lasting(each) for each in ("00:09:59", "00:00:00", "24:00:00", "99:00:00", "1.00:00:00")]
OTHERWISE_SPELT = [
    lasting("8:00:00"),
    lasting("0.08:00:00"),
    lasting("00:90:00"),
    lasting("00:10:60"),
    lasting("08:00"),
    lasting("08:00:00 "),
    lasting("٠٨:00:00"),
    lasting("until-revoked"),
    lasting("soon"),
    lasting(8),
    lasting(None),
    written(AccessTokenLifetime="08:00:00", MaxInactiveTime="7"),
    written(AccessTokenLifetime="08:00:00", Colour="red"),
    written(accessTokenLifetime="08:00:00"),
    '{"tokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"08:00:00"}}',
    '{"TokenLifetimePolicy":{"version":1,"AccessTokenLifetime":"08:00:00"}}',
    '{"TokenLifetimePolicy":{"AccessTokenLifetime":"08:00:00"}}',
    *(written(version, AccessTokenLifetime="08:00:00") for version in (2, "1", True, 1.0, None)),
    '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"08:00:00","AccessTokenLifetime":"08:00:00"}}',
    '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"08:00:00"},"Novel":1}',
    json.dumps(lasting("08:00:00")),
    lasting("08:00:00").replace('"', '\\"'),
    lasting("08:00:00").replace('"', "'"),
    "[" + lasting("08:00:00") + "]",
    pytest.param("[" * 100_000, id="brackets"),
    "nonsense",
    "",
]
WITHOUT_A_SETTING = [written(), '{"TokenLifetimePolicy":{}}', "{}"]
ODD = OUT_OF_RANGE + OTHERWISE_SPELT + WITHOUT_A_SETTING


@pytest.mark.parametrize("definition", DOCUMENTED)
def test_what_is_written_as_documented_is_taken(definition):
    assert as_documented(definition)


@pytest.mark.parametrize("definition", ODD)
def test_what_is_written_in_another_way_is_not(definition):
    assert not as_documented(definition)


@pytest.fixture(scope="module")
def tenant(new_sandbox):
    return new_sandbox(*SMALL, "--permissions", "write")


def create(tenant, *strings):
    return tenant.call("POST", POLICIES, json={"displayName": "written by a test", "definition": list(strings)})


@pytest.mark.parametrize(
    "strings", [[each] for each in (OUT_OF_RANGE[0], OTHERWISE_SPELT[0], WITHOUT_A_SETTING[0])] + [DOCUMENTED[:2], []]
)
def test_only_a_setting_lets_another_definition_be_written(tenant, strings):
    """Neither by creating a policy nor by changing one."""
    tenant.set(**tenant.first_settings)
    id_ = create(tenant, DOCUMENTED[0]).raise_for_status().json()["id"]
    for refused in (
        create(tenant, *strings),
        tenant.call("PATCH", f"{POLICIES}/{id_}", json={"definition": strings}),
    ):
        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == "Property definition has an invalid value."
    tenant.set(definitions="any", several_definitions="accept")
    assert create(tenant, *strings).json()["definition"] == strings
    assert tenant.call("PATCH", f"{POLICIES}/{id_}", json={"definition": strings}).status_code == 204
    assert tenant.call("GET", f"{POLICIES}/{id_}").json()["definition"] == strings
    tenant.set(**tenant.first_settings)
    renamed = tenant.call("PATCH", f"{POLICIES}/{id_}", json={"displayName": "only the name"})
    assert renamed.status_code == 204, "what is there already does not stand in the way of another property"


@pytest.mark.off_the_slice(f"POST /v1.0{POLICIES}")
def test_no_setting_lets_something_else_than_texts_be_written(tenant):
    tenant.set(definitions="any", several_definitions="accept")
    assert create(tenant, 7).status_code == 400
    tenant.set(definitions="any", several_definitions="refuse")
    assert create(tenant, "a", "b").status_code == 400


def test_a_tenant_may_hold_other_definitions_from_the_start(new_sandbox):
    rows = new_sandbox("--tenant", "demo").call("GET", f"{POLICIES}?$top=999").json()["value"]
    assert [row for row in rows if not all(map(as_documented, row["definition"]))]
