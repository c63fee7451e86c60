"""A report with one of everything, for the tests of reporters: each verdict, each status, and names that attack."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from tokenguard.excerpts import shown
from tokenguard.hookspecs import Reporter, Style
from tokenguard.model import (
    CollectionFailure,
    Configured,
    Exemption,
    Finding,
    FindingStatus,
    Header,
    Lifetime,
    Lifetimes,
    Limit,
    NotEvaluated,
    Origin,
    Parameter,
    Precedence,
    Remediation,
    Report,
    ResourceRef,
    Rule,
    RuleResult,
    Safety,
    Setting,
    Severity,
    Tenant,
    TypeSummary,
    UsedFile,
    Violation,
    fingerprint,
)

TENANT = Tenant("11111111-2222-4333-8444-555555555555", "Contoso")
ASSIGNMENT, POLICY, PRINCIPAL = "tokenLifetimePolicyAssignment", "tokenLifetimePolicy", "servicePrincipal"
HOSTILE = "pay\x1b[31mroll\n\u202e[click](https://evil.example) <b>{0}</b> \u200b"
LEARN = "https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes"

TOO_LONG = Rule(
    id="access-token-lifetime-too-long",
    title="A token lifetime policy lets access tokens live too long",
    severity=Severity.HIGH,
    resource=ASSIGNMENT,
    require={"properties": {"accessTokenLifetimeSeconds": {"maximum": 5400}}},
    parameters={
        "maximum": Parameter("maximum", "Longest accepted lifetime", "maxDuration", "PT1H30M", {"maximum": 5400})
    },
    message="{policyName} lets tokens for {displayName} live {accessTokenLifetimeSeconds:duration}",
    rationale="Whoever holds an access token can use it until it expires.",
    references=(LEARN, "https://attack.mitre.org/techniques/T1550/001/"),
    frameworks={"mitre-attack": ("T1550.001",)},
    remediation=Remediation(
        Safety.UNSAFE,
        set={"accessTokenLifetimeSeconds": 5400},
        guidance="Clients that do not renew their token before it expires start to see 401 at the new lifetime.",
    ),
    digest="a" * 64,
    source="rules/access-token-lifetime-too-long.json",
)
ORGANIZATION_DEFAULT = Rule(
    id="organization-default-policy",
    title="A policy changes token lifetimes for the whole organization",
    severity=Severity.CRITICAL,
    resource=POLICY,
    require={"properties": {"isOrganizationDefault": {"const": False}}},
    message="{displayName} is the default of the organization",
    rationale="It governs every application that has no policy of its own.",
    references=(LEARN,),
    remediation=Remediation(Safety.MANUAL, guidance="Agree with the owners of the applications first."),
    digest="b" * 64,
)
UNLISTED = Rule(
    id="token-lifetime-policy-on-unlisted-principal",
    title="A principal that is not on the list has a token lifetime policy",
    severity=Severity.MEDIUM,
    resource=ASSIGNMENT,
    require={"properties": {"appId": {"enum": [f"app-{number}" for number in range(12)]}}},
    message="{displayName} has {policyName}",
    rationale="Exceptions are agreed one by one.",
    remediation=Remediation(Safety.SAFE, remove=True),
    digest="c" * 64,
)
CREDENTIALS = Rule(
    id="service-principal-without-owner",
    title="A service principal holds a secret that nobody renews",
    severity=Severity.LOW,
    resource=PRINCIPAL,
    require={"properties": {"passwordCredentials": {"maxItems": 0}}},
    digest="d" * 64,
)
UNASSIGNED = Rule(
    id="unassigned-token-lifetime-policy",
    title="A token lifetime policy is assigned to nothing",
    severity=Severity.INFO,
    resource=POLICY,
    require={"properties": {"assignmentCount": {"minimum": 1}}},
    digest="e" * 64,
)
RETIRED = Rule(
    id="retired-token-lifetime-setting",
    title="A policy sets what Microsoft retired in 2021",
    severity=Severity.LOW,
    resource=POLICY,
    require={"properties": {"retiredSettings": {"maxItems": 0}}},
    digest="f" * 64,
)

EXEMPTION = Exemption(
    rule=TOO_LONG.id,
    resource="00000007-0000-0000-c000-000000000000",
    reason="The nightly load runs for four hours",
    owner="data-platform@contoso.example",
    expires=date(2026, 12, 31),
    source="exemptions.json",
)


def ref(number: int, name: str, type_: str = ASSIGNMENT) -> ResourceRef:
    return ResourceRef(type_, f"00000000-0000-4000-8000-{number:012}", name)


def finding(rule: Rule, resource: ResourceRef, message: str, *violations: Violation) -> Finding:
    identity = fingerprint(rule.id, TENANT.id, resource.type, resource.id)
    return Finding(rule.id, rule.severity, resource, message, violations, identity)


def lifetime(seconds: int) -> Violation:
    return Violation("/accessTokenLifetimeSeconds", "maximum", 5400, seconds)


FINDINGS = (
    finding(
        ORGANIZATION_DEFAULT,
        ref(1, "Tenant default", POLICY),
        "Tenant default is the default of the organization",
        Violation("/isOrganizationDefault", "const", False, True),
    ),
    finding(TOO_LONG, ref(2, "Long on Payroll"), "Long lets tokens for Payroll live 8 h", lifetime(28800)),
    finding(TOO_LONG, ref(3, HOSTILE), f"Long lets tokens for {HOSTILE} live 1 h 30 min 1 s", lifetime(5401)),
    replace(
        finding(TOO_LONG, ref(4, "Long on Dataverse"), "Long lets tokens for Dataverse live 5 h", lifetime(18000)),
        status=FindingStatus.EXEMPT,
        exemption=EXEMPTION,
    ),
    replace(
        finding(TOO_LONG, ref(5, "Long on Legacy"), "Long lets tokens for Legacy live 2 h", lifetime(7200)),
        status=FindingStatus.BASELINE,
    ),
    finding(
        UNLISTED,
        ref(2, "東京 API"),
        "東京 API has Long",
        Violation("/appId", "enum", shown([f"app-{number}" for number in range(12)]), "app-99"),
    ),
)
NOT_EVALUATED = (
    NotEvaluated(TOO_LONG.id, ref(6, "Broken on Intranet"), "the definition is not JSON"),
    NotEvaluated(CREDENTIALS.id, None, "GET /servicePrincipals: 403 Forbidden", "Application.Read.All"),
)
LIFETIMES = Lifetimes(
    type=ASSIGNMENT,
    property="accessTokenLifetimeSeconds",
    limits=(Limit(TOO_LONG.id, "maximum", 5400),),
    known=7,
    unknown=1,
    unset=1,
    shown=(
        Lifetime(ref(6, "Broken on Intranet"), None, "the definition is not JSON"),
        Lifetime(ref(2, "Long on Payroll"), 28800),
        Lifetime(ref(4, "Long on Dataverse"), 18000),
        Lifetime(ref(5, "Long on Legacy"), 7200),
        Lifetime(ref(3, HOSTILE), 5401),
        Lifetime(ref(8, "Short on Kiosk"), 600),
    ),
)
CONFIGURED = Configured(
    UsedFile("/repo/tokenguard.toml", "0123456789ab"),
    (
        Setting(Origin.CONFIGURATION, "rules", value="token-lifetime, rules/[own](https://evil.example)"),
        Setting(Origin.ENVIRONMENT, "fail-on", value="low"),
        Setting(Origin.CONFIGURATION, "ignore", "token-lifetime-not-canonical"),
        Setting(Origin.CONFIGURATION, "severity", ORGANIZATION_DEFAULT.id, value="critical", own="medium"),
        Setting(Origin.FLAGS, "parameter", TOO_LONG.id, "maximum", "PT1H30M", "PT1H"),
        Setting(
            Origin.CONFIGURATION, "parameter", UNLISTED.id, "allowed", "12 values", "none",
            UsedFile("allowed.txt", "ba9876543210"),
        ),
        Setting(Origin.ENVIRONMENT, "exemptions", file=UsedFile("exemptions.json", "00ff00ff00ff")),
    ),
)  # fmt: skip
REPORT = Report(
    header=Header(
        tenant=TENANT,
        cloud="global",
        collected_at=datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
        producer="tokenguard 0.1.0",
        plugins=("tokenguard-example 1.2",),
        permissions=("Policy.Read.All",),
        precedence=Precedence.ALL,
    ),
    scanned_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    rules=(
        RuleResult(ORGANIZATION_DEFAULT, selected=4, failed=1, exempt=0, known=0, not_evaluated=0),
        RuleResult(TOO_LONG, selected=9, failed=2, exempt=1, known=1, not_evaluated=1),
        RuleResult(UNLISTED, selected=9, failed=1, exempt=0, known=0, not_evaluated=0),
        RuleResult(RETIRED, selected=4, failed=0, exempt=0, known=0, not_evaluated=0),
        RuleResult(
            CREDENTIALS,
            selected=7,
            failed=0,
            exempt=0,
            known=0,
            not_evaluated=0,
            incomplete=("GET /servicePrincipals: 403 Forbidden",),
        ),
        RuleResult(UNASSIGNED, selected=0, failed=0, exempt=0, known=0, not_evaluated=0),
    ),
    findings=FINDINGS,
    not_evaluated=NOT_EVALUATED,
    types={
        ASSIGNMENT: TypeSummary(ASSIGNMENT, 9),
        POLICY: TypeSummary(POLICY, 4),
        PRINCIPAL: TypeSummary(
            PRINCIPAL,
            7,
            (CollectionFailure(PRINCIPAL, "GET /servicePrincipals: 403 Forbidden", "Application.Read.All"),),
        ),
    },
    notices=(
        f"exemptions.json: the exemption of {RETIRED.id} for 'Old app' expired on 2026-10-31 and applies no more",
    ),
    fail_on=Severity.LOW,
    exit_status=1,
    source="contoso.jsonl.zst",
    lifetimes=(LIFETIMES,),
)
COMPLIANT = replace(
    REPORT,
    rules=(RuleResult(RETIRED, selected=4, failed=0, exempt=0, known=0, not_evaluated=0),),
    findings=(),
    not_evaluated=(),
    types={POLICY: TypeSummary(POLICY, 4)},
    notices=(),
    exit_status=0,
    lifetimes=(),
)
CONFIGURED_REPORT = replace(COMPLIANT, configured=CONFIGURED)
NOT_KNOWN = replace(
    REPORT,
    rules=(replace(REPORT.rules[4]),),
    findings=(),
    not_evaluated=NOT_EVALUATED[1:],
    types={PRINCIPAL: REPORT.types[PRINCIPAL]},
    notices=(),
    exit_status=3,
    lifetimes=(),
)


def with_display_name(name: str) -> Report:
    """The report, were `name` the displayName of the application of its second finding."""
    first, second, *others = FINDINGS
    renamed = replace(
        second,
        resource=replace(second.resource, name=f"Long on {name}"),
        message=f"Long lets tokens for {name} live 8 h",
        violations=(*second.violations, Violation("/displayName", "const", "Payroll", name)),
    )
    broken = replace(NOT_EVALUATED[0], resource=ref(6, name), reason=f"the definition of {name} is not JSON")
    exempt = replace(others[1], exemption=replace(EXEMPTION, reason=name, owner=name, resource=name))
    return replace(
        REPORT,
        header=replace(REPORT.header, tenant=replace(TENANT, name=name)),
        findings=(first, renamed, others[0], exempt, *others[2:]),
        not_evaluated=(broken, *NOT_EVALUATED[1:]),
        notices=(f"an exemption for {name} matches nothing",),
        source=name,
        lifetimes=(replace(LIFETIMES, shown=tuple(replace(each, resource=ref(2, name)) for each in LIFETIMES.shown)),),
    )


class ManyFindings(Collection[Finding]):
    """So many findings of one rule, made while they are read, so that only a reporter that keeps them needs memory."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __len__(self) -> int:
        return self._number

    def __contains__(self, item: object) -> bool:
        return item in iter(self)

    def __iter__(self) -> Iterator[Finding]:
        for number in range(self._number):
            name = f"Application {number}"
            yield finding(TOO_LONG, ref(number, name), f"Long lets tokens for {name} live 8 h", lifetime(28800))


def with_findings(number: int) -> Report:
    """A report of so many findings of one rule, and of nothing else."""
    result = RuleResult(TOO_LONG, selected=number, failed=number, exempt=0, known=0, not_evaluated=0)
    return replace(REPORT, rules=(result,), findings=ManyFindings(number), not_evaluated=(), notices=())


def rendered(reporter: Reporter, report: Report, style: Style | None = None) -> bytes:
    out = BytesIO()
    reporter.write(report, out, style or Style())
    return out.getvalue()


def peak_memory(reporter: Reporter, report: Report) -> int:
    """Bytes that writing `report` needs at most, beside what stands already."""
    with Path(os.devnull).open("wb") as out:
        tracemalloc.start()
        try:
            reporter.write(report, out, Style())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def shape(value: Any) -> Any:
    """`value` with every text left blank: what a text must not be able to change."""
    match value:
        case dict():
            return {name: shape(item) for name, item in value.items()}
        case list():
            return [shape(item) for item in value]
        case str():
            return ""
        case _:
            return value
