"""What every format that people read says in the same words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_report import REPORT, rendered
from tokenguard.model import Tenant
from tokenguard.reporters import wording
from tokenguard.reporters.plugin import tokenguard_reporters


@pytest.mark.parametrize(
    ("tenant", "said"),
    [
        (Tenant("11111111-2222-4333-8444-555555555555", "Contoso"), "Contoso 11111111-2222-4333-8444-555555555555"),
        (Tenant("11111111-2222-4333-8444-555555555555"), "11111111-2222-4333-8444-555555555555"),
        (Tenant(""), "a tenant that could not be named"),
    ],
)
def test_a_tenant_is_named_or_said_not_to_be(tenant, said):
    assert wording.tenant(tenant) == said


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_a_report_of_a_tenant_that_is_not_known_says_so(name):
    [reporter] = [each for each in tokenguard_reporters() if each.format == name]
    report = replace(REPORT, header=replace(REPORT.header, tenant=Tenant("")))

    assert "a tenant that could not be named" in rendered(reporter, report).decode().replace("A tenant", "a tenant")
