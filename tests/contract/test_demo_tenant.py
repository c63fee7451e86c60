"""The embedded tenant shows what its README says, and every verdict that a scan can come to."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tokenguard.collect import collect
from tokenguard.hookspecs import DemoTarget, SourceProvider
from tokenguard.judging.evaluate import evaluate
from tokenguard.model import Precedence, Report, RuleResult, Severity
from tokenguard.packs import read_pack
from tokenguard.plugins import Plugins, load_plugins
from tokenguard.rules.needs import needs_of
from tokenguard.rules.parsing import parse_rules

DEMO = Path(__file__).parents[2] / "src" / "tokenguard" / "entra" / "demo"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
HOSTILE = "*a hostile name*"
"""How the README writes the displayName that must not stand in a table."""

CALLS: dict[str, str] = json.loads((DEMO / "calls.json").read_bytes())
ANSWERS: dict[str, Any] = {name: json.loads((DEMO / name).read_bytes()) for name in CALLS}
POLICIES: list[dict[str, Any]] = ANSWERS["tokenLifetimePolicies.json"]["value"]
PRINCIPALS: list[dict[str, Any]] = [
    row
    for name in sorted(ANSWERS)
    if re.fullmatch(r"servicePrincipals-\d\.json", name)
    for row in ANSWERS[name]["value"]
]

FOUND_BY: dict[str, set[str]] = {
    "access-token-lifetime-too-long": {"Custom CDS Policy", "Warehouse, all day", "Partner portal", "partner portal"},
    "unassigned-policy-lifetime-too-long": {"Migration weekend"},
    "organization-default-policy": {"Everyone, one hour"},
    "token-lifetime-policy-on-microsoft-resource": {"Custom CDS Policy"},
    "retired-token-lifetime-setting": {"Session limits 2019"},
    "unknown-token-lifetime-setting": {"Kiosk sign-in"},
    "unreadable-token-lifetime-definition": {"Import test"},
    "token-lifetime-out-of-range": {"Warehouse, all day"},
    "token-lifetime-not-canonical": {"Ledger batch", "Partner portal"},
    "token-lifetime-policy-sets-nothing": {HOSTILE},
    "unassigned-token-lifetime-policy": {"Migration weekend"},
    "token-lifetime-policy-without-effect": {
        "Session limits 2019", "partner portal", "Runbooks, twenty minutes", "Community sign-in", HOSTILE,
    },
    "token-lifetime-precedence-ambiguous": {
        "Custom CDS Policy", "Kiosk sign-in", "Warehouse, all day", "Ledger batch", "Partner portal", HOSTILE,
    },
    "token-lifetime-policies-of-one-name": {"Partner portal", "partner portal"},
    "token-lifetime-policy-on-unlisted-principal": {
        "Custom CDS Policy", "Payments API, one hour", "Session limits 2019", "Kiosk sign-in", "Import test",
        "Warehouse, all day", "Ledger batch", "Partner portal", "partner portal", HOSTILE, "Runbooks, twenty minutes",
        "Community sign-in",
    },
}  # fmt: skip
"""Rules of the pack token-lifetime, and the policies that they find."""

FOUND_NOTHING = {"several-organization-default-policies", "organization-default-lifetime-too-long"}
"""The README says why these two are not shown."""


def called(policy: dict[str, Any]) -> str:
    name: str = policy["displayName"]
    return name if name.isprintable() else HOSTILE


def table() -> dict[str, tuple[str, str]]:
    """The README's table: policy to (what it sets, who holds it)."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| .+ \|$", (DEMO / "README.md").read_text(), re.MULTILINE)
    return {name: (sets, held) for name, sets, held in rows if name not in ("policy", "---")}


def holders(policy: dict[str, Any]) -> str:
    """Who holds it, as the README writes that, from the saved answers alone."""
    [file] = [name for name, call in CALLS.items() if call.endswith(f"/{policy['id']}/appliesTo")]
    names = {row["id"]: row["displayName"] for row in PRINCIPALS}
    held = [names.get(row["id"]) or f"{row['displayName']} (application)" for row in ANSWERS[file]["value"]]
    return ", ".join(held) or ("organization default" if policy["isOrganizationDefault"] else "nothing")


def test_the_readme_speaks_of_every_policy_and_of_no_other() -> None:
    assert sorted(table()) == sorted(map(called, POLICIES))


@pytest.mark.parametrize("policy", POLICIES, ids=called)
def test_the_readme_says_what_a_policy_sets_and_who_holds_it(policy: dict[str, Any]) -> None:
    sets, held = table()[called(policy)]
    lifetime = re.search(r'"AccessTokenLifetime":"([\d:]+)"', policy["definition"][0])
    assert sets.startswith(f"`{lifetime[1]}`" if lifetime else ("nothing", "cannot be read"))
    assert held == holders(policy)


def test_the_readme_counts_rightly() -> None:
    text = (DEMO / "README.md").read_text()
    assert f"{len(PRINCIPALS)} service principals (seven of Microsoft's" in text
    assert f"{len(POLICIES)} token lifetime policies" in text
    assert Counter(row["appOwnerOrganizationId"] for row in PRINCIPALS)[MICROSOFT] == 7
    assert ANSWERS["servicePrincipals-count.json"] == len(PRINCIPALS) == len({row["id"] for row in PRINCIPALS})


def test_nothing_in_it_is_a_real_organization() -> None:
    domains = [domain["name"] for domain in ANSWERS["organization.json"]["value"][0]["verifiedDomains"]]
    assert domains
    assert all(domain.endswith(".example") for domain in domains)


def test_every_file_answers_a_call() -> None:
    assert {path.name for path in DEMO.iterdir()} == {*CALLS, "calls.json", "README.md"}


def test_a_displayname_tries_terminals_tables_and_pages() -> None:
    [name] = [policy["displayName"] for policy in POLICIES if called(policy) == HOSTILE]
    assert all(attack in name for attack in ("\x1b[2J", "\r\n", "\u202e", "<script>", "|", "](http"))


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins(allowed=())


@pytest.fixture(scope="module")
def report(plugins: Plugins) -> Report:
    """The demo judged by all built-in rules."""
    rules = parse_rules([document for path in plugins.packs.values() for document in read_pack(path)], plugins.types)
    provider = next(collector for collector in plugins.collectors if isinstance(collector, SourceProvider))
    now = datetime(2026, 11, 23, tzinfo=UTC)
    with provider.open(DemoTarget()) as source:
        snapshot = collect(
            plugins.collectors, source, needs_of(rules, plugins.types),
            precedence=Precedence.ALL, now=now, producer="test", plugins=(),
        )  # fmt: skip
        return evaluate(
            rules, snapshot, types=plugins.types, exemptions=(), baseline=None, now=now, fail_on=Severity.LOW,
            source="demo", findings=[], not_evaluated=[], strict=False,
        )  # fmt: skip


def result_of(report: Report, rule: str) -> RuleResult:
    return next(result for result in report.rules if result.rule.id == rule)


def found_by(report: Report, rule: str) -> set[str]:
    names = {policy["id"]: called(policy) for policy in POLICIES}
    return {names[finding.resource.id.partition("/")[0]] for finding in report.findings if finding.rule == rule}


def test_the_table_knows_every_rule_of_the_pack(plugins: Plugins) -> None:
    assert {path.stem for path in plugins.packs["token-lifetime"].glob("*.json")} == FOUND_BY.keys() | FOUND_NOTHING


@pytest.mark.parametrize("rule", FOUND_BY)
def test_a_rule_finds_the_policies_that_are_there_to_show_it(report: Report, rule: str) -> None:
    assert found_by(report, rule) == FOUND_BY[rule]


@pytest.mark.parametrize("rule", sorted(FOUND_NOTHING))
def test_one_organization_default_of_an_hour_breaks_no_limit(report: Report, rule: str) -> None:
    result = result_of(report, rule)
    assert (result.verdict, result.passed) == ("pass", 1)


def test_what_was_refused_is_not_evaluated_and_says_so(report: Report) -> None:
    assert result_of(report, "application-token-lifetime-too-long").verdict == "not evaluated"
    [item] = [item for item in report.not_evaluated if item.rule == "application-token-lifetime-too-long"]
    assert "Insufficient privileges" in item.reason


def test_what_cannot_be_read_passes_no_rule_about_its_content(report: Report) -> None:
    [unreadable] = [policy["id"] for policy in POLICIES if called(policy) == "Import test"]
    unjudged = {item.rule for item in report.not_evaluated if item.resource and unreadable in item.resource.id}
    assert unjudged >= {
        "access-token-lifetime-too-long", "token-lifetime-out-of-range", "retired-token-lifetime-setting",
        "unknown-token-lifetime-setting", "token-lifetime-not-canonical", "token-lifetime-policy-sets-nothing",
    }  # fmt: skip


def test_a_scan_of_it_ends_with_findings(report: Report) -> None:
    assert report.exit_status == 1
