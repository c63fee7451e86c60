"""The report as events of the Open Cybersecurity Schema Framework."""

from __future__ import annotations

import json
from functools import cache

import jsonschema_rs
import pytest

from golden_file import assert_golden
from sample_report import (
    COMPLIANT,
    CONFIGURED_REPORT,
    NOT_KNOWN,
    REPORT,
    TENANT,
    peak_memory,
    rendered,
    with_display_name,
    with_findings,
)
from tokenguard.reporters import ocsf
from tokenguard.reporters.ocsf import CLASS, VERSION, OcsfReporter

REPORTER = OcsfReporter()
PASS, WARNING, FAIL, OTHER = 1, 2, 3, 99
NEW, SUPPRESSED = 1, 3


def events(report=REPORT):
    return [json.loads(line) for line in rendered(REPORTER, report).splitlines()]


@cache
def validator():
    """Of the class in the schema that OCSF publishes, with the profile that we state; it allows no further key."""
    package = pytest.importorskip("ocsf_json_schema", reason="ocsf-json-schema, with OCSF's schema, is not installed")
    published = package.OcsfJsonSchemaEmbedded(package.get_ocsf_schema(version=VERSION))
    name = published.lookup_class_name_from_uid(class_uid=CLASS)
    assert name == "compliance_finding"
    return jsonschema_rs.Draft202012Validator(published.get_class_schema(name, ["cloud"]))


@pytest.mark.parametrize(
    "report",
    [
        *(REPORT, COMPLIANT, NOT_KNOWN, CONFIGURED_REPORT, with_findings(3)),
        with_display_name("[x](y) {0} \x1b\u202e\ud800"),
    ],
)
def test_every_event_is_valid(report):
    found = [
        f"{error.instance_path}: {error.message}" for each in events(report) for error in validator().iter_errors(each)
    ]

    assert found == []
    assert events(report)


@pytest.mark.parametrize("key", ["metadata", "finding_info", "compliance", "cloud", "severity_id"])
def test_the_schema_would_tell(key):
    event = events()[0]
    del event[key]

    assert not validator().is_valid(event)
    assert not validator().is_valid(events()[0] | {"surprise": 1})


def test_the_whole_report(monkeypatch):
    monkeypatch.setattr(ocsf, "__version__", "0.0.0")  # a release must not change the file

    assert_golden("report.ocsf.jsonl", rendered(REPORTER, REPORT))


def test_findings_fail_what_is_unknown_warns_and_a_rule_without_either_passes():
    found = [
        (each["compliance"]["status_id"], each.get("status_id"), each["metadata"]["event_code"]) for each in events()
    ]

    assert found == [
        (OTHER, None, "tokenguard-notice"),
        (FAIL, NEW, "organization-default-policy"),
        (FAIL, NEW, "access-token-lifetime-too-long"),
        (FAIL, NEW, "access-token-lifetime-too-long"),
        (FAIL, SUPPRESSED, "access-token-lifetime-too-long"),
        (FAIL, SUPPRESSED, "access-token-lifetime-too-long"),
        (FAIL, NEW, "token-lifetime-policy-on-unlisted-principal"),
        (WARNING, NEW, "access-token-lifetime-too-long"),
        (WARNING, NEW, "service-principal-without-owner"),
        (PASS, None, "retired-token-lifetime-setting"),
    ]


def test_an_event_says_which_tenant_and_resource_and_what_was_observed():
    event = events()[2]

    assert event["cloud"]["account"] == {"uid": TENANT.id, "name": "Contoso"}
    assert event["resources"][0]["data"]["violations"][0]["observed"] == 28800
    assert event["time"] == int(REPORT.scanned_at.timestamp()) * 1000
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]


def test_each_event_is_about_something_else():
    found = [each["finding_info"]["uid"] for each in events()]

    assert len(set(found)) == len(found)


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 50_000
