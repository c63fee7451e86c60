import pytest

from tokenguard.entra.clouds import CLOUDS, choose_cloud
from tokenguard.errors import UsageError

LOCAL = {"AZURE_AUTHORITY_HOST": "https://localhost:8443", "TOKENGUARD_GRAPH_URL": "https://127.0.0.1:8443"}


@pytest.mark.parametrize(
    ("name", "authority", "scope"),
    [
        ("global", "https://login.microsoftonline.com", "https://graph.microsoft.com/.default"),
        ("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us/.default"),
        ("usdod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us/.default"),
        ("china", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn/.default"),
    ],
)
def test_authority_and_scope_follow_the_cloud(name, authority, scope):
    cloud = choose_cloud(name, {})
    assert (cloud.authority, cloud.scope, cloud.official) == (authority, scope, True)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("usgov", "login.microsoftonline.us"),
        ("usdod", "https://login.microsoftonline.us/"),
        ("china", "HTTPS://Login.ChinaCloudApi.cn"),
    ],
)
def test_an_authority_that_says_what_the_cloud_says_changes_nothing(name, written):
    assert choose_cloud(name, {"AZURE_AUTHORITY_HOST": written}) is CLOUDS[name]


def test_a_stand_in_on_this_machine_is_used_and_not_looked_up_at_microsoft():
    cloud = choose_cloud("global", LOCAL)
    assert (cloud.authority, cloud.root) == ("https://localhost:8443", "https://127.0.0.1:8443/v1.0")
    assert not cloud.official


@pytest.mark.parametrize("name", ["usgov", "usdod", "china"])
def test_a_stand_in_is_never_taken_for_a_cloud_that_was_asked_for(name):
    with pytest.raises(UsageError, match="localhost:8443") as refusal:
        choose_cloud(name, LOCAL)
    assert "leave out --cloud" in refusal.value.hint


def test_hosts_that_are_named_as_trusted_may_stand_in():
    places = {"AZURE_AUTHORITY_HOST": "https://sts.example", "TOKENGUARD_GRAPH_URL": "https://graph.example:444"}
    with pytest.raises(UsageError, match=r"sts\.example"):
        choose_cloud("global", places)
    with pytest.raises(UsageError, match=r"graph\.example"):
        choose_cloud("global", places | {"TOKENGUARD_TRUSTED_HOSTS": "sts.example"})
    cloud = choose_cloud("global", places | {"TOKENGUARD_TRUSTED_HOSTS": "sts.example, Graph.Example"})
    assert cloud.graph == "https://graph.example:444"


@pytest.mark.parametrize(
    "environment",
    [
        {"TOKENGUARD_GRAPH_URL": "https://localhost:8443"},
        {"AZURE_AUTHORITY_HOST": "https://localhost:8443"},
        {"TOKENGUARD_GRAPH_URL": "https://graph.microsoft.com.evil.example", "TOKENGUARD_TRUSTED_HOSTS": "*"},
        {"TOKENGUARD_GRAPH_URL": "https://graph.microsoft.us"},
        {"AZURE_AUTHORITY_HOST": "login.microsoftonline.us"},
        {"AZURE_AUTHORITY_HOST": "login.microsoftonline.us", "TOKENGUARD_GRAPH_URL": "https://graph.microsoft.us"},
        LOCAL | {"TOKENGUARD_GRAPH_URL": "https://localhost.example"},
        LOCAL | {"TOKENGUARD_GRAPH_URL": "http://graph.example", "TOKENGUARD_TRUSTED_HOSTS": "graph.example"},
        LOCAL | {"AZURE_AUTHORITY_HOST": "http://localhost:8443"},
        LOCAL | {"TOKENGUARD_GRAPH_URL": "https://localhost:8443/beta"},
        LOCAL | {"TOKENGUARD_GRAPH_URL": "https://user:secret@localhost"},
        LOCAL | {"TOKENGUARD_GRAPH_URL": "https://localhost:port"},
        LOCAL | {"TOKENGUARD_GRAPH_URL": "https://[::1"},
        LOCAL | {"TOKENGUARD_GRAPH_URL": "file:///etc/passwd"},
    ],
)
def test_a_mixture_or_an_unknown_place_is_refused(environment):
    with pytest.raises(UsageError) as refusal:
        choose_cloud("global", environment)
    assert refusal.value.hint
    assert "secret" not in refusal.value.message + refusal.value.hint


def test_the_refusal_of_an_authority_of_another_cloud_names_that_cloud():
    with pytest.raises(UsageError) as refusal:
        choose_cloud("global", {"AZURE_AUTHORITY_HOST": "https://login.chinacloudapi.cn"})
    assert "--cloud china" in refusal.value.hint


def test_a_cloud_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UsageError) as refusal:
        choose_cloud("germany", {})
    assert "usgov" in refusal.value.hint
